set local lock_timeout = '10s';
create or replace function follow_rename() returns trigger language plpgsql as $$
declare
    origin jsonb := nullif(current_setting('hub.origin', true), '')::jsonb;
begin
    perform write_audit(new.namespace_pk, case new.kind when 'organization' then 'organization.rename' else 'account.rename' end, new.name,
        jsonb_build_object('from', old.name, 'to', new.name), null);
    update access_tokens set scopes = rename_scopes(scopes, old.name, new.name)
    where jsonb_typeof(scopes -> 'scoped') = 'array'
      and (strpos(lower(scopes::text), '"' || lower(old.name)) > 0 or strpos(lower(scopes::text), '"' || lower(new.name)) > 0);
    -- Of a name that was taken back, what is there goes before where it led to.
    delete from repo_redirects o using repos r
    where r.namespace_pk = new.namespace_pk and r.deleted_at is null and o.repo_type = r.repo_type
      and o.namespace_key = lower(new.name) and o.name_key = lower(r.name);
    -- Webhooks hear that repositories moved; without one that listens there is nobody to tell.
    insert into events (repo_pk, actor_pk, kind, payload)
    select r.repo_pk, (origin ->> 'actor')::bigint, 'move_repo',
           jsonb_build_object('from', old.name || '/' || r.name, 'to', new.name || '/' || r.name)
    from repos r
    where r.namespace_pk = new.namespace_pk and r.deleted_at is null and exists (
        select from webhook_watches w join webhooks h using (webhook_pk)
        where not h.disabled and (w.repo_pk = r.repo_pk or w.namespace_pk = r.namespace_pk)
    )
    order by r.repo_pk;
    -- Nodes keep by name who has a picture.
    if exists (select from pictures where namespace_pk = new.namespace_pk) then
        perform pg_notify('pictures', '');
    end if;
    return null;
end $$;

create or replace function read_join_requests() returns trigger language plpgsql as $$
begin
    if not exists (select from organization_requests where organization_pk = old.organization_pk and rejected_at is null) then
        update notifications set unread = false, mail_due_at = null
        where organization_pk = old.organization_pk and about = 'join_request' and unread;
    end if;
    return null;
end $$;

create or replace function end_oauth_grants() returns trigger language plpgsql as $$
begin
    delete from oauth_grants g using oauth_consents c where c.consent_pk = g.consent_pk and c.user_pk = new.user_pk;
    return null;
end $$;

create or replace function end_publisher_tokens() returns trigger language plpgsql as $$
begin
    delete from access_tokens where publisher_repo_pk = new.repo_pk;
    return null;
end $$;
