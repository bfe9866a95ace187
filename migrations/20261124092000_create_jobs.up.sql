-- Background work, enqueued in the transaction that causes it.
create table jobs (
    job_pk bigint generated always as identity primary key,
    kind text not null,
    -- Two waiting jobs of one kind with one key are the same work.
    dedup_key text,
    payload jsonb not null,
    attempts integer not null default 0,
    run_at timestamptz not null default now(),
    locked_until timestamptz,
    last_error text,
    -- Set when the attempts are used up: the dead letters.
    failed_at timestamptz,
    created_at timestamptz not null default now()
);
create index jobs_run_at_idx on jobs (run_at) where failed_at is null;
create unique index jobs_dedup_idx on jobs (kind, dedup_key) where failed_at is null and locked_until is null;

create function notify_jobs() returns trigger language plpgsql as $$
begin
    perform pg_notify('jobs', '');
    return null;
end $$;
create trigger jobs_notify after insert on jobs for each statement execute function notify_jobs();
