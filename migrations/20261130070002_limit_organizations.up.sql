-- Organisations that moderators limited: what they have is in no list. And those that they suspended: nobody changes anything in them.
set local lock_timeout = '10s';
alter table organizations add column limited_at timestamptz;
alter table organizations add column suspended_at timestamptz;

-- Whether what somebody made for an owner is in no list.
create function is_limited(owner bigint, maker bigint) returns boolean language sql stable as $$
    select exists (select from users where limited_at is not null and user_pk in (maker, owner))
        or exists (select from organizations where limited_at is not null and organization_pk = owner)
$$;
create or replace function keep_unlisted() returns trigger language plpgsql as $$
begin
    new.unlisted := is_limited(new.namespace_pk, new.created_by);
    return new;
end $$;
create trigger repos_keep_unlisted_moved before update of namespace_pk on repos for each row
    when (old.namespace_pk <> new.namespace_pk) execute function keep_unlisted();

-- What moderators take from a page is told by their act, without their name.
drop trigger organizations_audit_update on organizations;
create trigger organizations_audit_update after update on organizations for each row
    when (coalesce(current_setting('hub.moderates', true), '') <> 'on'
          and (old.fullname, old.details, old.homepage, old.links, old.default_private, old.create_role, old.default_role,
               old.takes_requests, old.refuses_pickles, old.requires_second_factor)
              is distinct from (new.fullname, new.details, new.homepage, new.links, new.default_private, new.create_role,
                                new.default_role, new.takes_requests, new.refuses_pickles, new.requires_second_factor))
    execute function audit_organization();
