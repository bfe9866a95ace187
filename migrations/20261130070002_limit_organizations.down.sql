-- What was limited or suspended is so no more.
set local lock_timeout = '10s';
update repos r set unlisted = false
where unlisted and exists (select from organizations o where o.organization_pk = r.namespace_pk and o.limited_at is not null)
  and not exists (select from users u where u.limited_at is not null and u.user_pk in (r.created_by, r.namespace_pk));
drop trigger organizations_audit_update on organizations;
create trigger organizations_audit_update after update on organizations for each row
    when ((old.fullname, old.details, old.homepage, old.links, old.default_private, old.create_role, old.default_role, old.takes_requests,
           old.refuses_pickles, old.requires_second_factor)
          is distinct from (new.fullname, new.details, new.homepage, new.links, new.default_private, new.create_role, new.default_role,
                            new.takes_requests, new.refuses_pickles, new.requires_second_factor))
    execute function audit_organization();
drop trigger repos_keep_unlisted_moved on repos;
create or replace function keep_unlisted() returns trigger language plpgsql as $$
begin
    new.unlisted := exists (select from users where limited_at is not null and user_pk in (new.created_by, new.namespace_pk));
    return new;
end $$;
drop function is_limited(bigint, bigint);
alter table organizations drop column suspended_at;
alter table organizations drop column limited_at;
