-- How a recall came to concern somebody: a service account of an organisation that they administer fetched the file, or it was in a pack
-- of git. The name of a service account that is gone stays, and so this is of namespaces.
set local lock_timeout = '10s';
alter table recall_told
    add column service_pk bigint references namespaces (namespace_pk) on delete set null,
    add column by_git boolean not null default false;
