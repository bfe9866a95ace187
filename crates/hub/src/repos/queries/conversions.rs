//! Statements on conversions of weights.

use chrono::{DateTime, Utc};
use hub_types::Oid;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::discussions::Status;

/// How far a conversion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum State {
    /// It waits for its turn, or is in hand.
    Waiting,
    /// It became a pull request.
    Done,
    /// It cannot be done.
    Failed,
}

impl State {
    /// The word stored and told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A conversion.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// The key.
    pub conversion_pk: i64,
    /// The file.
    pub path: String,
    /// How far it is.
    pub state: State,
    /// What names the bytes that are converted.
    pub source: String,
    /// How many bytes were written and compared.
    pub done_bytes: i64,
    /// Of how many.
    pub total_bytes: i64,
    /// Why it cannot be done.
    pub problem: Option<String>,
    /// The pull request.
    pub num: Option<i64>,
    /// Where that stands; nothing when it was deleted.
    pub pull: Option<Status>,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
}

/// A conversion to be done.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The key.
    pub conversion_pk: i64,
    /// The repository.
    pub repo_pk: i64,
    /// The file.
    pub path: String,
    /// Who asked.
    pub user_pk: i64,
    /// Whether the pull request deletes the file.
    pub removes_source: bool,
    /// The commit that has the file.
    pub commit: Oid,
    /// How often it was begun since something of it was done.
    pub tries: i32,
    /// What is written.
    pub parts: Value,
}

/// A conversion that is asked for.
#[derive(Debug)]
pub struct NewConversion<'a> {
    /// The repository.
    pub repo_pk: i64,
    /// The file.
    pub path: &'a str,
    /// Who asks.
    pub user_pk: i64,
    /// Whether the pull request deletes the file.
    pub removes_source: bool,
    /// The commit that has the file.
    pub commit: Oid,
    /// What names its bytes.
    pub source: &'a str,
    /// How many bytes will be written and compared.
    pub total_bytes: i64,
}

/// Finds the conversion of a file.
///
/// # Errors
/// The database does not answer.
pub async fn find(conn: impl sqlx::PgExecutor<'_>, repo_pk: i64, path: &str) -> sqlx::Result<Option<Conversion>> {
    sqlx::query_as!(
        Conversion,
        r#"select conversion_pk, path, c.state as "state: State", source, done_bytes, total_bytes, problem, c.num,
                  d.status as "pull?: Status", asked_at
           from conversions c left join discussions d on d.repo_pk = c.repo_pk and d.num = c.num
           where c.repo_pk = $1 and path = $2"#,
        repo_pk,
        path
    )
    .fetch_optional(conn)
    .await
}

/// Notes that a conversion is asked for, unless it is in hand, and gives its key.
///
/// # Errors
/// The database does not answer.
pub async fn ask(conn: &mut PgConnection, new: &NewConversion<'_>) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into conversions as c (repo_pk, path, user_pk, removes_source, commit_oid, source, total_bytes)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (repo_pk, path) do update set user_pk = $3, removes_source = $4, commit_oid = $5, source = $6, total_bytes = $7,
             state = 'waiting', done_bytes = 0, tries = 0, parts = '[]', problem = null, num = null, asked_at = now()
         where c.state <> 'waiting'
         returning conversion_pk",
        new.repo_pk,
        new.path,
        new.user_pk,
        new.removes_source,
        new.commit as Oid,
        new.source,
        new.total_bytes
    )
    .fetch_optional(conn)
    .await
}

/// How many conversions somebody waits for, and how many they asked for in the last day.
///
/// # Errors
/// The database does not answer.
pub async fn count_asked(conn: &mut PgConnection, user_pk: i64) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) filter (where state = 'waiting') as "waiting!", count(*) as "all!"
           from conversions where user_pk = $1 and asked_at > now() - interval '1 day'"#,
        user_pk
    );
    row.fetch_one(conn).await.map(|row| (row.waiting, row.all))
}

/// Begins a conversion that waits.
///
/// # Errors
/// The database does not answer.
pub async fn begin(pool: &PgPool, conversion_pk: i64) -> sqlx::Result<Option<Wish>> {
    sqlx::query_as!(
        Wish,
        r#"update conversions set tries = tries + 1 where conversion_pk = $1 and state = 'waiting'
           returning conversion_pk, repo_pk, path, user_pk, removes_source, commit_oid as "commit: Oid", tries, parts"#,
        conversion_pk
    )
    .fetch_optional(pool)
    .await
}

/// Notes how far one is.
///
/// # Errors
/// The database does not answer.
pub async fn note_progress(pool: &PgPool, conversion_pk: i64, done_bytes: i64) -> sqlx::Result<()> {
    let noted = sqlx::query!(
        "update conversions set done_bytes = least($2, total_bytes) where conversion_pk = $1 and state = 'waiting'",
        conversion_pk,
        done_bytes
    );
    noted.execute(pool).await.map(|_| ())
}

/// Notes what is written: it is not done again.
///
/// # Errors
/// The database does not answer.
pub async fn note_parts(conn: &mut PgConnection, conversion_pk: i64, parts: &Value) -> sqlx::Result<()> {
    let noted = sqlx::query!(
        "update conversions set parts = $2, tries = 0 where conversion_pk = $1 and state = 'waiting'",
        conversion_pk,
        parts
    );
    noted.execute(conn).await.map(|_| ())
}

/// Notes the pull request that one became; false when another node was quicker.
///
/// # Errors
/// The database does not answer.
pub async fn mark_done(conn: &mut PgConnection, conversion_pk: i64, num: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update conversions set state = 'done', num = $2, done_bytes = total_bytes, parts = '[]'
         where conversion_pk = $1 and state = 'waiting'",
        conversion_pk,
        num
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Notes why one cannot be done.
///
/// # Errors
/// The database does not answer.
pub async fn mark_failed(pool: &PgPool, conversion_pk: i64, problem: &str) -> sqlx::Result<()> {
    let failed = sqlx::query!(
        "update conversions set state = 'failed', problem = $2, parts = '[]' where conversion_pk = $1 and state = 'waiting'",
        conversion_pk,
        problem
    );
    failed.execute(pool).await.map(|_| ())
}
