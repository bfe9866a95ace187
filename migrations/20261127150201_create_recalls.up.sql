-- Recalls: files that are not given out any more, and of which everybody is told who has them.
set local lock_timeout = '10s';
create table recalls (
    recall_pk bigint generated always as identity primary key,
    -- Where it holds; null: in every repository.
    repo_pk bigint references repos (repo_pk) on delete cascade,
    everywhere boolean not null,
    category text not null check (category in ('malicious', 'leak', 'licence', 'broken', 'other')),
    -- What everybody reads who may read it: never of a private repository when it holds everywhere.
    title text not null check (char_length(title) between 1 and 300),
    body text not null check (char_length(body) between 1 and 8000),
    -- What to use instead.
    replacement_pk bigint references repos (repo_pk) on delete set null,
    replacement_commit bytea,
    author_pk bigint references users (user_pk) on delete set null,
    created_at timestamptz not null default now(),
    withdrawn_at timestamptz,
    withdrawn_by bigint references users (user_pk) on delete set null,
    withdrawn_why text not null default '' check (char_length(withdrawn_why) <= 1000),
    check (everywhere = (repo_pk is null))
);
create index recalls_repo_pk_idx on recalls (repo_pk, recall_pk desc) where repo_pk is not null;
create index recalls_replacement_pk_idx on recalls (replacement_pk) where replacement_pk is not null;
create index recalls_created_at_idx on recalls (created_at) where withdrawn_at is null;
create index recalls_author_pk_idx on recalls (author_pk);
create index recalls_withdrawn_by_idx on recalls (withdrawn_by) where withdrawn_by is not null;

create table recall_files (
    recall_pk bigint not null references recalls (recall_pk) on delete cascade,
    content bytea not null check (octet_length(content) in (20, 32)),
    -- Where whoever recalled it saw it; for readers only where the recall is of that repository.
    repo_pk bigint references repos (repo_pk) on delete set null,
    path text not null default '',
    size_bytes bigint,
    primary key (recall_pk, content)
);
create index recall_files_content_idx on recall_files (content);
create index recall_files_repo_pk_idx on recall_files (repo_pk) where repo_pk is not null;

-- Whom a recall concerns, and whether they were told of it, and of its end.
create table recall_told (
    recall_pk bigint not null references recalls (recall_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade,
    told boolean not null default false,
    told_of_end boolean not null default false,
    primary key (recall_pk, user_pk)
);
create index recall_told_user_pk_idx on recall_told (user_pk);

-- In the log of the repository's owner, or of the moderator for whom there is no one owner.
create function audit_recall() returns trigger language plpgsql as $$
declare
    whose bigint := coalesce((select namespace_pk from repos where repo_pk = new.repo_pk), new.withdrawn_by, new.author_pk);
    more jsonb := jsonb_build_object('recall', new.recall_pk, 'category', new.category);
begin
    if tg_op = 'INSERT' then
        perform write_audit(whose, 'recall.open', new.title, more || jsonb_build_object('text', left(new.body, 500)), new.author_pk);
    else
        perform write_audit(whose, 'recall.withdraw', new.title, more || jsonb_build_object('reason', new.withdrawn_why),
                            new.withdrawn_by);
    end if;
    return null;
end $$;
create trigger recalls_audit_insert after insert on recalls for each row execute function audit_recall();
create trigger recalls_audit_update after update on recalls for each row
    when (old.withdrawn_at is null and new.withdrawn_at is not null) execute function audit_recall();
