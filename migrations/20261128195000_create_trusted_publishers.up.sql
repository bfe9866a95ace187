-- Jobs of CI elsewhere that may write to repositories without a secret: an admin says whom a repository or an organisation trusts, a job
-- shows what its issuer signed, and gets a token for an hour.
set local lock_timeout = '10s';
create table trusted_publishers (
    publisher_pk bigint generated always as identity primary key,
    -- Who trusts it: one repository, or an organisation for all of its own.
    repo_pk bigint references repos (repo_pk) on delete cascade,
    organization_pk bigint references organizations (organization_pk) on delete cascade,
    issuer text not null,
    -- What must be signed: the repository there and, where they are not empty, the workflow, the environment and the branch.
    project text not null check (length(project) between 1 and 400),
    workflow text not null default '',
    environment text not null default '',
    branch text not null default '',
    -- The id of the repository there, once a job has come from it: whoever has its name later is somebody else.
    project_id text,
    added_by bigint not null references users (user_pk) on delete cascade,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    constraint trusted_publishers_owner_check check (num_nonnulls(repo_pk, organization_pk) = 1)
);
create unique index trusted_publishers_repo_idx on trusted_publishers
    (repo_pk, issuer, lower(project), workflow, environment, branch) where repo_pk is not null;
create unique index trusted_publishers_organization_idx on trusted_publishers
    (organization_pk, issuer, lower(project), workflow, environment, branch) where organization_pk is not null;
create index trusted_publishers_added_by_idx on trusted_publishers (added_by);

-- What was exchanged for a token already: each ID token works once. Kept until it is over.
create table exchanged_id_tokens (
    token_hash bytea primary key check (length(token_hash) = 32),
    expires_at timestamptz not null
);
create index exchanged_id_tokens_expires_at_idx on exchanged_id_tokens (expires_at);

-- The tokens that jobs get end with the publisher and with the repository. Not validated: all rows are null.
alter table access_tokens add column publisher_pk bigint, add column publisher_repo_pk bigint;
alter table access_tokens add constraint access_tokens_publisher_fk foreign key (publisher_pk)
    references trusted_publishers (publisher_pk) on delete cascade not valid;
alter table access_tokens add constraint access_tokens_publisher_repo_fk foreign key (publisher_repo_pk)
    references repos (repo_pk) on delete cascade not valid;

-- The log tells whom people trust, and not of the tokens that jobs get every hour.
drop trigger access_tokens_audit on access_tokens;
create trigger access_tokens_audit after insert on access_tokens for each row
    when (new.grant_pk is null and new.publisher_pk is null) execute function audit_token();
drop trigger access_tokens_audit_delete on access_tokens;
create trigger access_tokens_audit_delete after delete on access_tokens for each row
    when (old.grant_pk is null and old.publisher_pk is null) execute function audit_token();

create function audit_publisher() returns trigger language plpgsql as $$
declare
    publisher trusted_publishers := coalesce(new, old);
    whose bigint := publisher.organization_pk;
    repo text;
begin
    if publisher.repo_pk is not null then
        select r.namespace_pk, r.repo_type || ' ' || n.name || '/' || r.name into whose, repo
        from repos r join namespaces n using (namespace_pk) where r.repo_pk = publisher.repo_pk;
    end if;
    perform write_audit(whose, case tg_op when 'INSERT' then 'publisher.add' else 'publisher.remove' end, publisher.project,
        jsonb_build_object('issuer', publisher.issuer, 'repo', repo, 'workflow', nullif(publisher.workflow, ''),
                           'environment', nullif(publisher.environment, ''), 'branch', nullif(publisher.branch, '')), null);
    return null;
end $$;
create trigger trusted_publishers_audit after insert or delete on trusted_publishers for each row execute function audit_publisher();

-- Tokens say by name for which repository they are: under another name, with another owner or deleted, it has none that work.
create function end_publisher_tokens() returns trigger language plpgsql as $$
begin
    delete from access_tokens where publisher_repo_pk = new.repo_pk;
    return null;
end $$;
create trigger repos_end_publisher_tokens after update of name, namespace_pk, deleted_at on repos for each row
    when ((old.name, old.namespace_pk, old.deleted_at) is distinct from (new.name, new.namespace_pk, new.deleted_at))
    execute function end_publisher_tokens();
