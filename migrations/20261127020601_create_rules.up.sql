-- Rules that look at what new accounts do, and report by themselves.
set local lock_timeout = '10s';
-- How often a new account did something within an hour.
create table rule_counts (
    user_pk bigint not null references users (user_pk) on delete cascade,
    what text not null,
    since timestamptz not null default now(),
    count integer not null,
    primary key (user_pk, what)
);
-- What new accounts said lately: the SHA-256 of its words.
create table rule_texts (
    text_pk bigint generated always as identity primary key,
    hash bytea not null check (octet_length(hash) = 32),
    user_pk bigint not null references users (user_pk) on delete cascade,
    created_at timestamptz not null default now()
);
create index rule_texts_hash_idx on rule_texts (hash, created_at);
create index rule_texts_created_at_idx on rule_texts (created_at);
create index rule_texts_user_pk_idx on rule_texts (user_pk);

-- The rule that reported, where nobody did. Each reports a case once.
alter table moderation_reports add column rule text;
create unique index moderation_reports_rule_idx on moderation_reports (case_pk, rule) where rule is not null;

-- What is left of a name when characters that look alike are one: `G00gle`, `goog1e` and `goo-gle` are `google` to the eye.
create function name_skeleton(name text) returns text language sql immutable parallel safe as $$
    select replace(replace(translate(regexp_replace(lower(name), '[-_.]', '', 'g'), '015i', 'olsl'), 'rn', 'm'), 'vv', 'w')
$$;
create index namespaces_skeleton_idx on namespaces (name_skeleton(name));
