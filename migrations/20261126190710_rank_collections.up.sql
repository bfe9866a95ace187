-- Collections are also listed by what people find good lately: an upvote is worth half after seven days, and a new collection has
-- one. All lose worth alike, so that their order needs no counting anew. The number is its logarithm at the beginning of 2026, in
-- millionths: log2(2 ^ weeks until it was made + the sum of 2 ^ weeks until each upvote).
alter table collections add column trending bigint not null default 0;
alter table collections alter column trending
    set default round(1000000 * extract(epoch from now() - '2026-01-01 00:00:00Z'::timestamptz) / 604800);
update collections c set trending = (
    select round(1000000 * ln(power(2, extract(epoch from c.created_at - '2026-01-01 00:00:00Z') / 604800)
        + coalesce(sum(power(2, extract(epoch from u.created_at - '2026-01-01 00:00:00Z') / 604800)), 0)) / ln(2))
    from collection_upvotes u where u.collection_pk = c.collection_pk);
create index collections_trending_idx on collections (trending desc, collection_pk desc);
