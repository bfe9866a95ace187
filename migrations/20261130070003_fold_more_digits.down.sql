-- Only 0, 1 and 5 are letters to the eye.
set local lock_timeout = '10s';
create or replace function name_skeleton(name text) returns text language sql immutable parallel safe as $$
    select replace(replace(translate(regexp_replace(lower(name), '[-_.]', '', 'g'), '015i', 'olsl'), 'rn', 'm'), 'vv', 'w')
$$;
reindex index namespaces_skeleton_idx;
