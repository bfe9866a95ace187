drop index notifications_recall_idx;
