-- More digits are letters to the eye: `d33pmind`, `m4ma7e`. The index has what names were by the former version, and is made again.
set local lock_timeout = '10s';
create or replace function name_skeleton(name text) returns text language sql immutable parallel safe as $$
    select replace(replace(translate(regexp_replace(lower(name), '[-_.]', '', 'g'), '015i3478', 'olsleatb'), 'rn', 'm'), 'vv', 'w')
$$;
reindex index namespaces_skeleton_idx;
