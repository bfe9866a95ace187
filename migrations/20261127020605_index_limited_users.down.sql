drop index users_limited_at_idx;
