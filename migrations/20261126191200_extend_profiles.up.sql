-- What people and organisations show of themselves: where they are found elsewhere, and a picture. Pictures are small, made by the
-- hub from what was uploaded, and apart from the rows that lists read.
alter table users add column homepage text not null default '' check (length(homepage) <= 300);
alter table users add column links text[] not null default '{}' check (cardinality(links) <= 5);
alter table organizations add column homepage text not null default '' check (length(homepage) <= 300);
alter table organizations add column links text[] not null default '{}' check (cardinality(links) <= 5);

create table pictures (
    namespace_pk bigint primary key references namespaces (namespace_pk) on delete cascade,
    -- Made from the content: the address of a picture names it, so that browsers keep it.
    version text not null check (length(version) = 16),
    content bytea not null check (octet_length(content) between 1 and 400000)
);
