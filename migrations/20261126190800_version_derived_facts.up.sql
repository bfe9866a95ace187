-- What pages and lists show of a repository is derived by rules that grow with the program. This says of which version they were,
-- so that a newer program derives again what an older one has left.
alter table repos add column derived_version integer not null default 0;
