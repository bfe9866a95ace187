set local lock_timeout = '10s';
drop index repo_changes_request_idx;
drop index repo_changes_decided_idx;
