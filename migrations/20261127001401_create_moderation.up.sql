-- Moderation: what is reported, what was decided about it and why, and appeals against that.
set local lock_timeout = '10s';
alter table users add column suspended_at timestamptz;
alter table collections add column hidden_at timestamptz;

-- All open reports of one thing. No foreign keys to what they are about: a case outlives it.
create table moderation_cases (
    case_pk bigint generated always as identity (start with 21001) primary key,
    subject_kind text not null check (subject_kind in ('repo', 'discussion', 'comment', 'account', 'collection')),
    subject_pk bigint not null,
    -- Whose it is: a user or an organisation.
    owner_pk bigint,
    -- What it was called when it was reported, where it is, and what it said.
    subject text not null,
    href text not null,
    excerpt text not null default '' check (char_length(excerpt) <= 4000),
    -- The gravest category that was reported.
    category text not null,
    weight integer not null,
    reports integer not null default 0,
    priority integer not null generated always as (weight * 1000 + least(reports, 999)) stored,
    opened_at timestamptz not null default now(),
    closed_at timestamptz,
    outcome text check (outcome in ('acted', 'dismissed')),
    check ((closed_at is null) = (outcome is null))
);
create unique index moderation_cases_open_idx on moderation_cases (subject_kind, subject_pk) where closed_at is null;
create index moderation_cases_priority_idx on moderation_cases (priority desc, case_pk) where closed_at is null;
create index moderation_cases_closed_at_idx on moderation_cases (closed_at desc, case_pk) where closed_at is not null;
create index moderation_cases_opened_at_idx on moderation_cases (opened_at);
create index moderation_cases_owner_pk_idx on moderation_cases (owner_pk, case_pk desc);

create table moderation_reports (
    report_pk bigint generated always as identity (start with 22001) primary key,
    case_pk bigint not null references moderation_cases (case_pk) on delete cascade,
    reporter_pk bigint references users (user_pk) on delete set null,
    category text not null,
    body text not null default '' check (char_length(body) <= 4000),
    created_at timestamptz not null default now()
);
create unique index moderation_reports_case_pk_idx on moderation_reports (case_pk, reporter_pk);
create index moderation_reports_reporter_pk_idx on moderation_reports (reporter_pk, report_pk desc);

create table moderation_notes (
    note_pk bigint generated always as identity primary key,
    case_pk bigint not null references moderation_cases (case_pk) on delete cascade,
    author_pk bigint references users (user_pk) on delete set null,
    body text not null check (char_length(body) between 1 and 4000),
    created_at timestamptz not null default now()
);
create index moderation_notes_case_pk_idx on moderation_notes (case_pk, note_pk);
create index moderation_notes_author_pk_idx on moderation_notes (author_pk);

-- What moderators did. Rows are never changed: taking something back is another row.
create table moderation_acts (
    act_pk bigint generated always as identity (start with 23001) primary key,
    case_pk bigint references moderation_cases (case_pk),
    moderator_pk bigint not null,
    -- The name that the moderator had then.
    moderator text not null,
    act text not null check (act in ('dismiss', 'hide_comment', 'lock_discussion', 'hide_discussion', 'disable_repo',
                                     'disable_repos', 'hide_collection', 'suspend_user', 'ban_user', 'restore')),
    subject_kind text not null,
    subject_pk bigint not null,
    owner_pk bigint,
    subject text not null,
    href text not null,
    category text not null,
    -- The sentence that its owner, and in the place of a repository everybody, reads.
    reason text not null check (char_length(reason) between 1 and 1000),
    undoes bigint references moderation_acts (act_pk),
    created_at timestamptz not null default now(),
    check ((act = 'restore') = (undoes is not null))
);
create unique index moderation_acts_undoes_idx on moderation_acts (undoes) where undoes is not null;
create index moderation_acts_owner_pk_idx on moderation_acts (owner_pk, act_pk desc);
create index moderation_acts_subject_pk_idx on moderation_acts (subject_kind, subject_pk, act_pk desc);
create index moderation_acts_case_pk_idx on moderation_acts (case_pk);
create index moderation_acts_created_at_idx on moderation_acts (created_at);

create function refuse_moderation_change() returns trigger language plpgsql as $$
begin
    raise exception 'the acts of moderators are not changed';
end $$;
create trigger moderation_acts_append_only before update or delete on moderation_acts for each row
    execute function refuse_moderation_change();
create trigger moderation_acts_no_truncate before truncate on moderation_acts for each statement
    execute function refuse_moderation_change();

-- What each act covers, with what it took away, so that it can be put back. Something stays away while any act that covers it stands.
create table moderation_covers (
    act_pk bigint not null references moderation_acts (act_pk),
    kind text not null check (kind in ('repo', 'comment', 'discussion', 'lock', 'collection', 'user')),
    pk bigint not null,
    body text not null default '',
    primary key (act_pk, kind, pk)
);
create index moderation_covers_pk_idx on moderation_covers (kind, pk);

create table moderation_appeals (
    appeal_pk bigint generated always as identity (start with 24001) primary key,
    -- One for each act.
    act_pk bigint not null unique references moderation_acts (act_pk),
    body text not null check (char_length(body) between 1 and 4000),
    created_at timestamptz not null default now(),
    decided_at timestamptz,
    decided_by bigint,
    granted boolean,
    answer text not null default '' check (char_length(answer) <= 1000),
    check ((decided_at is null) = (granted is null))
);
create index moderation_appeals_open_idx on moderation_appeals (appeal_pk) where decided_at is null;

-- The owner's log tells what was done and why, and not which moderator did it.
create function audit_moderation() returns trigger language plpgsql as $$
begin
    if new.owner_pk is not null and new.act <> 'dismiss' then
        insert into audit_log (namespace_pk, via, action, subject, details)
        values (new.owner_pk, 'hub', 'moderation.' || new.act, new.subject,
                jsonb_build_object('category', new.category, 'reason', new.reason));
    end if;
    return null;
end $$;
create trigger moderation_acts_audit after insert on moderation_acts for each row execute function audit_moderation();

-- Whatever its owner does, a hidden collection is private.
create function keep_collection_hidden() returns trigger language plpgsql as $$
begin
    new.private := true;
    return new;
end $$;
create trigger collections_keep_hidden before update on collections for each row
    when (new.hidden_at is not null) execute function keep_collection_hidden();
