-- What those who run the hub switched on and off while it runs. The last change of each switch is how it stands.
set local lock_timeout = '10s';
create table flag_changes (
    change_pk bigint generated always as identity primary key,
    flag text not null check (char_length(flag) between 1 and 40),
    -- On, off, or null: as the settings say.
    before boolean,
    after boolean,
    changed_by bigint references users (user_pk) on delete set null,
    reason text not null check (char_length(reason) between 1 and 1000),
    changed_at timestamptz not null default now()
);
create index flag_changes_flag_idx on flag_changes (flag, change_pk desc);
create index flag_changes_changed_by_idx on flag_changes (changed_by);
