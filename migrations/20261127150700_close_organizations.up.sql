-- Organisations that their admins want deleted: for a time they can be kept after all, then they go for good. Meanwhile their namespace
-- is of the kind `deleted` and nobody is a member, so that every door takes them for gone; who was one is kept here.
set local lock_timeout = '10s';
create table closed_organizations (
    organization_pk bigint primary key references organizations (organization_pk) on delete cascade,
    closed_by bigint references users (user_pk) on delete set null,
    -- When its repositories were deleted, too.
    closed_at timestamptz not null default now(),
    deletes_at timestamptz not null
);
create index closed_organizations_deletes_at_idx on closed_organizations (deletes_at);

create table closed_organization_members (
    organization_pk bigint not null references closed_organizations (organization_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade,
    role text not null,
    created_at timestamptz not null,
    primary key (organization_pk, user_pk)
);
create index closed_organization_members_user_pk_idx on closed_organization_members (user_pk);

create table closed_group_members (
    resource_group_pk bigint not null references resource_groups (resource_group_pk) on delete cascade,
    organization_pk bigint not null,
    user_pk bigint not null,
    role text not null,
    created_at timestamptz not null,
    primary key (resource_group_pk, user_pk),
    foreign key (organization_pk, user_pk) references closed_organization_members (organization_pk, user_pk) on delete cascade
);
create index closed_group_members_user_idx on closed_group_members (organization_pk, user_pk);

-- Somebody may be about to become a member, or to make a repository. They wait for whoever closes the organisation, and see it then.
create function refuse_closed_organization() returns trigger language plpgsql as $$
begin
    perform from organizations where organization_pk = new.organization_pk for key share;
    if exists (select from namespaces where namespace_pk = new.organization_pk and kind = 'deleted') then
        return null;
    end if;
    return new;
end $$;
create trigger organization_members_refuse_closed before insert on organization_members for each row
    execute function refuse_closed_organization();

create function refuse_deleted_namespace() returns trigger language plpgsql as $$
begin
    perform from namespaces where namespace_pk = new.namespace_pk for key share;
    if exists (select from namespaces where namespace_pk = new.namespace_pk and kind = 'deleted') then
        raise foreign_key_violation using constraint = 'repos_namespace_deleted', message = 'the owner of the repository is deleted';
    end if;
    return new;
end $$;
create trigger repos_refuse_deleted_insert before insert on repos for each row
    when (new.deleted_at is null) execute function refuse_deleted_namespace();
create trigger repos_refuse_deleted_update before update of namespace_pk, deleted_at on repos for each row
    when (new.deleted_at is null and (old.deleted_at is not null or old.namespace_pk <> new.namespace_pk))
    execute function refuse_deleted_namespace();

create function audit_closed_organization() returns trigger language plpgsql as $$
begin
    case tg_op
        when 'INSERT' then
            perform write_audit(new.organization_pk, 'organization.close', null, jsonb_build_object('until', new.deletes_at), null);
        when 'DELETE' then
            perform write_audit(old.organization_pk,
                case when old.deletes_at > now() then 'organization.keep' else 'organization.delete' end, null, null, null);
    end case;
    return null;
end $$;
create trigger closed_organizations_audit after insert or delete on closed_organizations for each row
    execute function audit_closed_organization();
