-- What new accounts said lately, in a form in which texts that are nearly the same have most in common.
set local lock_timeout = '10s';
create table rule_shapes (
    shape_pk bigint generated always as identity primary key,
    user_pk bigint not null references users (user_pk) on delete cascade,
    -- The least of each of several hashes of its words, three by three.
    mins integer[] not null check (array_length(mins, 1) = 18),
    -- Hashes of these by threes: what is nearly the same has one of them in common.
    bands bigint[] not null check (array_length(bands, 1) = 6),
    created_at timestamptz not null default now()
);
create index rule_shapes_bands_idx on rule_shapes using gin (bands);
create index rule_shapes_created_at_idx on rule_shapes (created_at);
create index rule_shapes_user_pk_idx on rule_shapes (user_pk);
