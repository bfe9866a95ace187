set local lock_timeout = '10s';
drop index moderation_acts_batch_idx;
