-- What was done with accounts, organisations and their repositories, as far as it matters for security. Rows are written by
-- triggers, in the transaction of the act, so that nothing passes them by; they are never changed, and go only by their age.
set local lock_timeout = '10s';
create table audit_log (
    audit_pk bigint generated always as identity primary key,
    -- Whose log it is in: an account's or an organisation's. No foreign keys here: the log outlives what it tells of.
    namespace_pk bigint not null,
    actor_pk bigint,
    -- The name that the actor had then.
    actor text,
    -- How they proved who they are: by a session, a token (with its name), a password, or not at all.
    via text not null,
    token text,
    address text,
    action text not null,
    -- Of whom or what: a member, a token, a repository.
    subject text not null default '',
    details jsonb not null default '{}',
    created_at timestamptz not null default now()
);
create index audit_log_namespace_pk_idx on audit_log (namespace_pk, audit_pk desc);
create index audit_log_action_idx on audit_log (namespace_pk, action, audit_pk desc);
create index audit_log_actor_idx on audit_log (namespace_pk, lower(actor), audit_pk desc);
create index audit_log_created_at_idx on audit_log (created_at);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('hub.audit_retention', true) = 'on' then
        return old;
    end if;
    raise exception 'rows of the audit log are not changed';
end $$;
create trigger audit_log_append_only before update or delete on audit_log for each row execute function refuse_audit_change();
create trigger audit_log_no_truncate before truncate on audit_log for each statement execute function refuse_audit_change();

-- `hub.origin` is who asked, from where; it is set for the transaction. `by` acted if that is not known.
create function write_audit(in_namespace bigint, what text, about text, more jsonb, by bigint) returns void language plpgsql as $$
declare
    origin jsonb := nullif(current_setting('hub.origin', true), '')::jsonb;
    who bigint := coalesce((origin ->> 'actor')::bigint, by);
begin
    if in_namespace is null then
        return;
    end if;
    insert into audit_log (namespace_pk, actor_pk, actor, via, token, address, action, subject, details)
    values (in_namespace, who, (select name from namespaces where namespace_pk = who), coalesce(origin ->> 'via', 'hub'),
            origin ->> 'token', origin ->> 'address', what, coalesce(about, ''), jsonb_strip_nulls(coalesce(more, '{}')));
end $$;

create function audit_sign_in() returns trigger language plpgsql as $$
begin
    insert into audit_log (namespace_pk, actor_pk, actor, via, address, action, details)
    select new.user_pk, new.user_pk, name, 'password', new.address, 'account.sign_in', jsonb_build_object('browser', new.user_agent)
    from namespaces where namespace_pk = new.user_pk;
    return null;
end $$;
create trigger sign_ins_audit after insert on sign_ins for each row execute function audit_sign_in();

create function audit_user() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform write_audit(new.user_pk, 'account.create', null, null, new.user_pk);
        return null;
    end if;
    if old.password_hash <> new.password_hash then
        perform write_audit(new.user_pk, 'account.password', null, null, new.user_pk);
    end if;
    if old.email <> new.email then
        perform write_audit(new.user_pk, 'account.email', null, jsonb_build_object('from', old.email, 'to', new.email), new.user_pk);
    end if;
    if old.is_admin <> new.is_admin then
        perform write_audit(new.user_pk, 'account.operator', null, jsonb_build_object('operator', new.is_admin), null);
    end if;
    return null;
end $$;
create trigger users_audit_insert after insert on users for each row execute function audit_user();
create trigger users_audit_update after update on users for each row
    when ((old.password_hash, old.email, old.is_admin) is distinct from (new.password_hash, new.email, new.is_admin))
    execute function audit_user();

create function audit_token() returns trigger language plpgsql as $$
declare
    token access_tokens := coalesce(new, old);
    what text := case tg_op when 'INSERT' then 'token.create' when 'DELETE' then 'token.revoke' else 'token.rename' end;
    more jsonb := jsonb_build_object('ends', token.hint, 'role', token.role, 'expires', token.expires_at);
begin
    if tg_op = 'UPDATE' then
        if old.leaked_at is null and new.leaked_at is not null then
            what := 'token.leaked';
        else
            more := more || jsonb_build_object('from', old.name);
        end if;
    end if;
    perform write_audit(token.user_pk, what, token.name, more, token.user_pk);
    return null;
end $$;
create trigger access_tokens_audit after insert or delete on access_tokens for each row execute function audit_token();
create trigger access_tokens_audit_update after update on access_tokens for each row
    when (old.name <> new.name or (old.leaked_at is null and new.leaked_at is not null)) execute function audit_token();

create function audit_organization() returns trigger language plpgsql as $$
begin
    perform write_audit(new.organization_pk,
        case tg_op when 'INSERT' then 'organization.create' else 'organization.settings' end, null,
        jsonb_build_object('default_private', new.default_private), null);
    return null;
end $$;
create trigger organizations_audit_insert after insert on organizations for each row execute function audit_organization();
create trigger organizations_audit_update after update on organizations for each row
    when ((old.fullname, old.details, old.homepage, old.links, old.default_private)
          is distinct from (new.fullname, new.details, new.homepage, new.links, new.default_private))
    execute function audit_organization();

create function audit_member() returns trigger language plpgsql as $$
declare
    member organization_members := coalesce(new, old);
    who text := (select name from namespaces where namespace_pk = member.user_pk);
begin
    case tg_op
        when 'INSERT' then
            perform write_audit(new.organization_pk, 'member.add', who, jsonb_build_object('role', new.role), null);
        when 'DELETE' then
            perform write_audit(old.organization_pk, 'member.remove', who, jsonb_build_object('role', old.role), null);
        else
            perform write_audit(new.organization_pk, 'member.role', who, jsonb_build_object('from', old.role, 'to', new.role), null);
    end case;
    return null;
end $$;
create trigger organization_members_audit after insert or delete on organization_members for each row execute function audit_member();
create trigger organization_members_audit_update after update on organization_members for each row
    when (old.role <> new.role) execute function audit_member();

create function audit_invitation() returns trigger language plpgsql as $$
declare
    invitation organization_invitations := coalesce(new, old);
begin
    perform write_audit(invitation.organization_pk,
        case tg_op when 'INSERT' then 'invitation.create' else 'invitation.end' end, coalesce(invitation.email, 'a link'),
        jsonb_build_object('role', invitation.role), null);
    return null;
end $$;
create trigger organization_invitations_audit after insert or delete on organization_invitations for each row
    execute function audit_invitation();

create function audit_new_repo() returns trigger language plpgsql as $$
begin
    perform write_audit(r.namespace_pk, 'repo.create', r.repo_type || ' ' || n.name || '/' || r.name,
        jsonb_build_object('private', r.private), new.actor_pk)
    from repos r join namespaces n using (namespace_pk) where r.repo_pk = new.repo_pk;
    return null;
end $$;
create trigger events_audit after insert on events for each row
    when (new.kind in ('create_repo', 'duplicate_repo')) execute function audit_new_repo();

-- What can be undone is worth telling. A move is told to both owners.
create function audit_repo_change() returns trigger language plpgsql as $$
begin
    perform write_audit(r.namespace_pk, 'repo.' || new.kind, r.repo_type || ' ' || n.name || '/' || r.name,
        new.details || jsonb_build_object('undoes', new.undoes), new.actor_pk)
    from repos r join namespaces n using (namespace_pk) where r.repo_pk = new.repo_pk;
    if new.kind = 'move_repo' then
        perform write_audit(n.namespace_pk, 'repo.move_repo', r.repo_type || ' ' || (new.details ->> 'from'), new.details, new.actor_pk)
        from repos r join namespaces n on lower(n.name) = lower(split_part(new.details ->> 'from', '/', 1))
        where r.repo_pk = new.repo_pk and n.namespace_pk <> r.namespace_pk;
    end if;
    return null;
end $$;
create trigger repo_changes_audit after insert on repo_changes for each row execute function audit_repo_change();
