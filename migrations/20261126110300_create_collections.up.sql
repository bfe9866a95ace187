-- Lists that people make of repositories, papers and other lists.
create table collections (
    collection_pk bigint generated always as identity (start with 9001) primary key,
    -- The end of its address: the one part that never changes.
    public_id text not null unique default substr(md5(random()::text || clock_timestamp()::text), 1, 24),
    namespace_pk bigint not null references namespaces (namespace_pk) on delete cascade,
    title text not null check (length(title) between 1 and 60),
    description text not null default '' check (length(description) <= 500),
    theme text not null default 'orange' check (theme in ('orange', 'blue', 'green', 'purple', 'pink', 'indigo')),
    private boolean not null default false,
    -- Its place among its owner's.
    position bigint not null,
    upvotes bigint not null default 0,
    created_by bigint references users (user_pk) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index collections_namespace_pk_title_idx on collections (namespace_pk, lower(title));
create index collections_namespace_pk_position_idx on collections (namespace_pk, position, collection_pk);
create index collections_updated_at_idx on collections (updated_at desc, collection_pk desc);
create index collections_upvotes_idx on collections (upvotes desc, collection_pk desc);

create table collection_items (
    item_pk bigint generated always as identity (start with 9501) primary key,
    public_id text not null unique default substr(md5(random()::text || clock_timestamp()::text), 1, 24),
    collection_pk bigint not null references collections (collection_pk) on delete cascade,
    position bigint not null,
    repo_pk bigint references repos (repo_pk) on delete cascade,
    nested_pk bigint references collections (collection_pk) on delete cascade,
    paper text check (length(paper) between 1 and 40),
    note text not null default '' check (length(note) <= 500),
    created_at timestamptz not null default now(),
    check (num_nonnulls(repo_pk, nested_pk, paper) = 1)
);
create unique index collection_items_repo_idx on collection_items (collection_pk, repo_pk);
create unique index collection_items_nested_idx on collection_items (collection_pk, nested_pk);
create unique index collection_items_paper_idx on collection_items (collection_pk, paper);
create index collection_items_position_idx on collection_items (collection_pk, position, item_pk);
create index collection_items_repo_pk_idx on collection_items (repo_pk);
create index collection_items_nested_pk_idx on collection_items (nested_pk);

create table collection_upvotes (
    collection_pk bigint not null references collections (collection_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (collection_pk, user_pk)
);
