-- The last decision about a request, and those that are forgotten. By itself: what was noted before is read without keeping readers out.
set local lock_timeout = '10s';
create index repo_changes_request_idx on repo_changes (repo_pk, (details ->> 'request'), change_pk desc) where kind = 'decide_access';
create index repo_changes_decided_idx on repo_changes (created_at) where kind = 'decide_access';
