-- The last decision about a request. By itself: what was noted before is read without keeping readers out.
set local lock_timeout = '10s';
create index repo_changes_request_idx on repo_changes (repo_pk, (details ->> 'request'), change_pk desc) where kind = 'decide_access';
