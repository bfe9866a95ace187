-- People and organisations are also found by a part of their full name. Without the extension every name is read.
do $$
begin
    create index users_fullname_trgm_idx on users using gin (lower(fullname) gin_trgm_ops);
    create index organizations_fullname_trgm_idx on organizations using gin (lower(fullname) gin_trgm_ops);
exception when undefined_object then
    raise notice 'pg_trgm is not there: search by full name will be slow in large hubs';
end $$;
