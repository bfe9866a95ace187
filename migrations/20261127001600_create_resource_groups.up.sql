-- Resource groups of an organisation: who is in a group has a role on the repositories in it, and others of the organisation have none.
set local lock_timeout = '10s';
create table resource_groups (
    -- Negative, so that no key of a group is one of a namespace: lists ask for both in one array.
    resource_group_pk bigint generated always as identity (increment by -1 maxvalue -1 start with -1) primary key,
    public_id text not null unique default substr(md5(random()::text || clock_timestamp()::text), 1, 24),
    organization_pk bigint not null references organizations (organization_pk) on delete cascade,
    name text not null check (length(name) between 1 and 60),
    description text not null default '' check (length(description) <= 300),
    created_at timestamptz not null default now(),
    unique (resource_group_pk, organization_pk)
);
create unique index resource_groups_name_idx on resource_groups (organization_pk, lower(name));

create table resource_group_members (
    resource_group_pk bigint not null,
    organization_pk bigint not null,
    user_pk bigint not null,
    role text not null check (role in ('admin', 'write', 'contributor', 'read')),
    created_at timestamptz not null default now(),
    primary key (resource_group_pk, user_pk),
    foreign key (resource_group_pk, organization_pk) references resource_groups (resource_group_pk, organization_pk) on delete cascade,
    -- Who leaves the organisation leaves its groups.
    foreign key (organization_pk, user_pk) references organization_members (organization_pk, user_pk) on delete cascade
);
create index resource_group_members_user_idx on resource_group_members (organization_pk, user_pk);

-- Not validated: all rows are null, and reading a million of them would keep readers away meanwhile. New values are checked.
alter table repos add column resource_group_pk bigint;
alter table repos add constraint repos_resource_group_fk foreign key (resource_group_pk, namespace_pk)
    references resource_groups (resource_group_pk, organization_pk) not valid;

-- Whether somebody sees what is private of an owner, in one of its groups or in none.
create function belongs_to(who bigint, owner bigint, in_group bigint) returns boolean language sql stable as $$
    select who = owner or exists (
        select from organization_members m
        where m.organization_pk = owner and m.user_pk = who
          and (in_group is null or m.role = 'admin' or exists (
              select from resource_group_members g where g.resource_group_pk = in_group and g.user_pk = who)))
$$;

-- The search index hears of it when a repository changes its group.
create trigger repos_search_group after update of resource_group_pk on repos for each row
    when (new.repo_type <> 'bucket' and old.resource_group_pk is distinct from new.resource_group_pk)
    execute function note_search_change();

create function audit_resource_group() returns trigger language plpgsql as $$
declare
    in_hand resource_groups := coalesce(new, old);
begin
    perform write_audit(in_hand.organization_pk,
        case tg_op when 'INSERT' then 'group.create' when 'DELETE' then 'group.delete' else 'group.settings' end, in_hand.name,
        case when tg_op = 'UPDATE' and old.name <> new.name then jsonb_build_object('from', old.name) end, null);
    return null;
end $$;
create trigger resource_groups_audit after insert or delete or update on resource_groups for each row execute function audit_resource_group();

create function audit_resource_group_member() returns trigger language plpgsql as $$
declare
    member resource_group_members := coalesce(new, old);
    who text := (select name from namespaces where namespace_pk = member.user_pk);
    more jsonb := jsonb_build_object(
        'group', (select name from resource_groups where resource_group_pk = member.resource_group_pk), 'role', member.role);
begin
    perform write_audit(member.organization_pk,
        case tg_op when 'INSERT' then 'group.member_add' when 'DELETE' then 'group.member_remove' else 'group.member_role' end, who, more, null);
    return null;
end $$;
create trigger resource_group_members_audit after insert or delete on resource_group_members for each row
    execute function audit_resource_group_member();
create trigger resource_group_members_audit_update after update on resource_group_members for each row
    when (old.role <> new.role) execute function audit_resource_group_member();

create function audit_repo_group() returns trigger language plpgsql as $$
begin
    perform write_audit(new.namespace_pk, 'repo.resource_group', new.repo_type || ' ' || n.name || '/' || new.name, jsonb_build_object(
        'from', (select name from resource_groups where resource_group_pk = old.resource_group_pk),
        'to', (select name from resource_groups where resource_group_pk = new.resource_group_pk)), null)
    from namespaces n where n.namespace_pk = new.namespace_pk;
    return null;
end $$;
create trigger repos_audit_group after update of resource_group_pk on repos for each row
    when (old.resource_group_pk is distinct from new.resource_group_pk) execute function audit_repo_group();
