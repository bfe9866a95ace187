//! Statements of the console.

pub(super) mod lists;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::accounts::UserPk;

/// Writes a line of the audit log.
pub(super) async fn write_audit(
    conn: &mut PgConnection,
    namespace_pk: i64,
    action: &str,
    subject: &str,
    details: &Value,
) -> sqlx::Result<()> {
    sqlx::query!("select write_audit($1, $2, $3, $4, null)", namespace_pk, action, subject, details)
        .execute(conn)
        .await
        .map(|_| ())
}

/// A line of the audit log that may be taken back.
#[derive(Debug)]
pub(super) struct LineRow {
    /// In whose log it is.
    pub namespace_pk: i64,
    /// Their name, unless they are gone.
    pub namespace: Option<String>,
    /// What was done.
    pub action: String,
    /// The rest.
    pub details: Value,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Finds a line of the audit log.
pub(super) async fn find_line(pool: &PgPool, audit_pk: i64) -> sqlx::Result<Option<LineRow>> {
    sqlx::query_as!(
        LineRow,
        "select namespace_pk, (select name from namespaces n where n.namespace_pk = audit_log.namespace_pk) as namespace,
                action, details, created_at
         from audit_log where audit_pk = $1",
        audit_pk
    )
    .fetch_optional(pool)
    .await
}

/// Of these lines of the audit log, those after which the same was not changed again: in the same log, and the banner in anybody's.
pub(super) async fn list_standing(conn: impl PgExecutor<'_>, lines: &[i64]) -> sqlx::Result<Vec<i64>> {
    // The role is also given on the command line, of which only the lines of a trigger tell. Those of the same act come before.
    sqlx::query_scalar!(
        "select audit_pk from audit_log l where audit_pk = any($1) and case action
             when 'admin.banner' then audit_pk = (select n.audit_pk from audit_log n
                                                  where n.action = 'admin.banner' and n.audit_pk >= l.audit_pk
                                                  order by n.audit_pk desc limit 1)
             else not exists (select from audit_log n
                              where n.namespace_pk = l.namespace_pk and n.audit_pk > l.audit_pk
                                and n.action = any(case l.action
                                    when 'admin.role' then array['admin.role', 'account.operator', 'account.moderator']
                                    else array[l.action] end))
             end",
        lines
    )
    .fetch_all(conn)
    .await
}

/// How many rows there are: counted up to a limit, and what the database's statistics say.
#[derive(Debug)]
pub(super) struct CountRow {
    /// Of what.
    pub label: String,
    /// As far as they were counted.
    pub found: i64,
    /// What the statistics say; negative before they are there.
    pub estimate: i64,
}

/// Counts accounts, organisations, repositories and tokens, each at most up to a limit.
pub(super) async fn count_rows(pool: &PgPool, most: i64) -> sqlx::Result<Vec<CountRow>> {
    sqlx::query_as!(
        CountRow,
        r#"select 'Users' as "label!", (select count(*) from (select from users limit $1) t) as "found!",
                  (select reltuples::bigint from pg_class where oid = 'users'::regclass) as "estimate!"
           union all
           select 'Organizations', (select count(*) from (select from organizations limit $1) t),
                  (select reltuples::bigint from pg_class where oid = 'organizations'::regclass)
           union all
           select 'Repositories', (select count(*) from (select from repos where deleted_at is null limit $1) t),
                  (select reltuples::bigint from pg_class where oid = 'repos'::regclass)
           union all
           select 'Access tokens', (select count(*) from (select from access_tokens limit $1) t),
                  (select reltuples::bigint from pg_class where oid = 'access_tokens'::regclass)"#,
        most
    )
    .fetch_all(pool)
    .await
}

/// The database server's version, and the size of the database in bytes.
pub(super) async fn find_database(pool: &PgPool) -> sqlx::Result<(String, i64)> {
    let row = sqlx::query!(
        r#"select current_setting('server_version') as "version!", pg_database_size(current_database()) as "bytes!""#
    )
    .fetch_one(pool)
    .await?;
    Ok((row.version, row.bytes))
}

/// When garbage was last collected.
pub(super) async fn find_last_collection(pool: &PgPool) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("select finished_at from gc_runs order by finished_at desc limit 1").fetch_optional(pool).await
}

/// The jobs of a kind.
#[derive(Debug)]
pub(super) struct KindRow {
    /// The kind, as stored.
    pub kind: String,
    /// How many wait.
    pub waiting: i64,
    /// How many are being done.
    pub running: i64,
    /// How many are dead letters.
    pub failed: i64,
    /// When the oldest that is not done was asked for.
    pub oldest: Option<DateTime<Utc>>,
}

/// All kinds of which there are jobs.
pub(super) async fn list_kinds(pool: &PgPool) -> sqlx::Result<Vec<KindRow>> {
    sqlx::query_as!(
        KindRow,
        r#"select kind, count(*) filter (where failed_at is null and (locked_until is null or locked_until <= now())) as "waiting!",
                  count(*) filter (where failed_at is null and locked_until > now()) as "running!", count(failed_at) as "failed!",
                  min(created_at) filter (where failed_at is null) as oldest
           from jobs group by kind order by count(failed_at) desc, kind"#
    )
    .fetch_all(pool)
    .await
}

/// A job.
#[derive(Debug)]
pub(super) struct JobRow {
    /// The key.
    pub job_pk: i64,
    /// The kind, as stored.
    pub kind: String,
    /// The start of its arguments.
    pub payload: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is due.
    pub run_at: DateTime<Utc>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// Which jobs a list has.
#[derive(Debug, Clone, Copy)]
pub(super) struct JobsWanted<'a> {
    /// Of which kind.
    pub kind: Option<&'a str>,
    /// Before which key.
    pub before: i64,
    /// How many.
    pub limit: i64,
}

/// Dead letters, the newest first.
pub(super) async fn list_failed(pool: &PgPool, wanted: JobsWanted<'_>) -> sqlx::Result<Vec<JobRow>> {
    sqlx::query_as!(
        JobRow,
        r#"select job_pk, kind, left(payload::text, 300) as "payload!", attempts, run_at, left(last_error, 4000) as last_error,
                  created_at
           from jobs where failed_at is not null and job_pk < $1 and ($2::text is null or kind = $2)
           order by job_pk desc limit $3"#,
        wanted.before,
        wanted.kind,
        wanted.limit
    )
    .fetch_all(pool)
    .await
}

/// Jobs that are being done, or those that wait, the newest first.
pub(super) async fn list_open(pool: &PgPool, running: bool, wanted: JobsWanted<'_>) -> sqlx::Result<Vec<JobRow>> {
    sqlx::query_as!(
        JobRow,
        r#"select job_pk, kind, left(payload::text, 300) as "payload!", attempts, run_at, left(last_error, 4000) as last_error,
                  created_at
           from jobs where failed_at is null and coalesce(locked_until > now(), false) = $1 and job_pk < $2
             and ($3::text is null or kind = $3)
           order by job_pk desc limit $4"#,
        running,
        wanted.before,
        wanted.kind,
        wanted.limit
    )
    .fetch_all(pool)
    .await
}

/// Which dead letters something is done with: those that were chosen, or all, of a kind or of every kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen<'a> {
    /// Whether it is all of them.
    pub all: bool,
    /// The keys, if it is not.
    pub job_pks: &'a [i64],
    /// Of which kind.
    pub kind: Option<&'a str>,
    /// The most at once.
    pub limit: i64,
}

/// Has dead letters tried again from the start, and tells how many those were. One that was taken up meanwhile stays as it is.
pub(super) async fn retry(conn: &mut PgConnection, chosen: Chosen<'_>) -> sqlx::Result<u64> {
    // `locked_until` stays set, so that one that waits with the same key is in nobody's way.
    let done = sqlx::query!(
        "update jobs set failed_at = null, attempts = 0, run_at = now(), locked_until = now()
         where job_pk in (
             select job_pk from jobs
             where failed_at is not null and ($1 or job_pk = any($2)) and ($3::text is null or kind = $3)
             order by job_pk limit $4 for update skip locked
         )",
        chosen.all,
        chosen.job_pks,
        chosen.kind,
        chosen.limit
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// Removes dead letters, and tells how many those were. One that was taken up meanwhile stays.
pub(super) async fn delete(conn: &mut PgConnection, chosen: Chosen<'_>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from jobs where job_pk in (
             select job_pk from jobs
             where failed_at is not null and ($1 or job_pk = any($2)) and ($3::text is null or kind = $3)
             order by job_pk limit $4 for update skip locked
         )",
        chosen.all,
        chosen.job_pks,
        chosen.kind,
        chosen.limit
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// The keys of all accounts, the newest first.
pub(super) async fn list_users(pool: &PgPool, before: i64, limit: i64) -> sqlx::Result<Vec<UserPk>> {
    sqlx::query_scalar!("select user_pk from users where user_pk < $1 order by user_pk desc limit $2", before, limit)
        .fetch_all(pool)
        .await
}

/// The keys of accounts with a role on the hub, the newest first.
pub(super) async fn list_staff(pool: &PgPool, before: i64, limit: i64) -> sqlx::Result<Vec<UserPk>> {
    sqlx::query_scalar!(
        "select user_pk from users where (is_admin or is_moderator) and user_pk < $1 order by user_pk desc limit $2",
        before,
        limit
    )
    .fetch_all(pool)
    .await
}

/// The keys of accounts whose name, full name or mail address is like a pattern in lower case, the newest first.
pub(super) async fn find_users(pool: &PgPool, pattern: &str, before: i64, limit: i64) -> sqlx::Result<Vec<UserPk>> {
    sqlx::query_scalar!(
        r#"select pk as "pk!" from (
               (select namespace_pk as pk from namespaces
                where kind = 'user' and lower(name) like $1 and namespace_pk < $2 order by namespace_pk desc limit $3)
               union
               (select user_pk from users where lower(email) like $1 and user_pk < $2 order by user_pk desc limit $3)
               union
               (select user_pk from users where lower(fullname) like $1 and user_pk < $2 order by user_pk desc limit $3)
           ) found order by pk desc limit $3"#,
        pattern,
        before,
        limit
    )
    .fetch_all(pool)
    .await
}

/// When an account was made, and when a browser was last seen that is logged in.
#[derive(Debug)]
pub(super) struct SeenRow {
    /// The account.
    pub user_pk: UserPk,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When a browser was last seen.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// When accounts were made and seen.
pub(super) async fn list_seen(pool: &PgPool, user_pks: &[UserPk]) -> sqlx::Result<Vec<SeenRow>> {
    sqlx::query_as!(
        SeenRow,
        "select namespace_pk as user_pk, created_at,
                (select max(last_seen_at) from sessions s where s.user_pk = n.namespace_pk) as last_seen_at
         from namespaces n where namespace_pk = any($1)",
        user_pks
    )
    .fetch_all(pool)
    .await
}

/// How many repositories an owner has that are not deleted.
pub(super) async fn count_repos(pool: &PgPool, namespace_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from repos where namespace_pk = $1 and deleted_at is null"#, namespace_pk)
        .fetch_one(pool)
        .await
}
