-- Who else could decide about an appeal is asked in two places: one condition for both.
set local lock_timeout = '10s';
create function has_other_judges(moderator bigint, owner bigint) returns boolean language sql stable as $$
    select exists (
        select from users u
        where u.user_pk <> moderator and (u.is_admin or u.is_moderator) and u.suspended_at is null and u.deletes_at is null
          and (u.is_admin or owner is null
               or (u.user_pk <> owner and not exists (
                   select from organization_members m where m.organization_pk = owner and m.user_pk = u.user_pk))))
$$;
