-- Pictures and other files that people add to what they say in discussions. Their bytes are in the store, under names that never come
-- twice. Which comments lead to which is noted by a trigger, by whatever way a comment is written; what none leads to is collected.
set local lock_timeout = '10s';
create table attachments (
    attachment_pk bigint generated always as identity (start with 24001) primary key,
    public_id text not null unique check (public_id ~ '^[0-9a-f]{32}$'),
    -- Who sees the repository sees them.
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    user_pk bigint references users (user_pk) on delete set null,
    name text not null check (char_length(name) between 1 and 100),
    -- As their content says, not as the sender does.
    content_type text not null check (char_length(content_type) between 1 and 100),
    size_bytes bigint not null check (size_bytes > 0),
    created_at timestamptz not null default now()
);
create index attachments_repo_pk_idx on attachments (repo_pk);
-- How much somebody added lately.
create index attachments_user_pk_idx on attachments (user_pk, created_at);

create table attachment_uses (
    attachment_pk bigint not null references attachments (attachment_pk) on delete cascade,
    event_pk bigint not null references discussion_events (event_pk) on delete cascade,
    primary key (attachment_pk, event_pk)
);
create index attachment_uses_event_pk_idx on attachment_uses (event_pk);

-- What a comment said before is kept, and with it what it led to then, until it is hidden.
create function note_attachment_uses() returns trigger language plpgsql as $$
begin
    if new.hidden then
        delete from attachment_uses where event_pk = new.event_pk;
        return null;
    end if;
    insert into attachment_uses (attachment_pk, event_pk)
    select distinct attachment_pk, new.event_pk
    from regexp_matches(new.body, '/uploads/([0-9a-f]{32})', 'g') as found (ids)
    join attachments a on a.public_id = found.ids[1]
    join discussions d on d.discussion_pk = new.discussion_pk and d.repo_pk = a.repo_pk
    on conflict do nothing;
    return null;
end $$;
create trigger discussion_events_note_attachments after insert on discussion_events for each row
    when (new.body like '%/uploads/%') execute function note_attachment_uses();
create trigger discussion_events_note_attachments_update after update of body, hidden on discussion_events for each row
    when (new.hidden or new.body like '%/uploads/%') execute function note_attachment_uses();

-- However a row goes, its bytes go after it.
create function doom_attachment() returns trigger language plpgsql as $$
begin
    insert into doomed_objects (key, size_bytes)
    values ('attachments/' || left(old.public_id, 2) || '/' || old.public_id, old.size_bytes)
    on conflict do nothing;
    return null;
end $$;
create trigger attachments_doom after delete on attachments for each row execute function doom_attachment();
