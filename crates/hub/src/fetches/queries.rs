//! Every statement that writes the fetch ledger. (Recalls read it.)

use chrono::NaiveDate;
use sqlx::{PgConnection, PgPool};

/// Fetches of people with accounts as columns, for one statement.
#[derive(Debug, Default)]
pub(super) struct FetchColumns {
    contents: Vec<Vec<u8>>,
    repo_pks: Vec<i64>,
    user_pks: Vec<i64>,
    days: Vec<NaiveDate>,
    commits: Vec<Vec<u8>>,
    times: Vec<i32>,
}

impl FetchColumns {
    /// Adds a row; a commit that is not known is empty.
    pub(super) fn push(&mut self, content: Vec<u8>, (repo_pk, user_pk): (i64, i64), day: NaiveDate, commit: Vec<u8>, times: i32) {
        self.contents.push(content);
        self.repo_pks.push(repo_pk);
        self.user_pks.push(user_pk);
        self.days.push(day);
        self.commits.push(commit);
        self.times.push(times);
    }
}

/// The same of everybody else.
#[derive(Debug, Default)]
pub(super) struct AnonymousColumns {
    contents: Vec<Vec<u8>>,
    repo_pks: Vec<i64>,
    days: Vec<NaiveDate>,
    times: Vec<i32>,
}

impl AnonymousColumns {
    pub(super) fn push(&mut self, content: Vec<u8>, repo_pk: i64, day: NaiveDate, times: i32) {
        self.contents.push(content);
        self.repo_pks.push(repo_pk);
        self.days.push(day);
        self.times.push(times);
    }
}

/// Packs of git that people with accounts were sent, as columns.
#[derive(Debug, Default)]
pub(super) struct PackColumns {
    repo_pks: Vec<i64>,
    user_pks: Vec<i64>,
    days: Vec<NaiveDate>,
    commits: Vec<Vec<u8>>,
    times: Vec<i32>,
}

impl PackColumns {
    /// Adds a row; a commit that is not known is empty.
    pub(super) fn push(&mut self, (repo_pk, user_pk): (i64, i64), day: NaiveDate, commit: Vec<u8>, times: i32) {
        self.repo_pks.push(repo_pk);
        self.user_pks.push(user_pk);
        self.days.push(day);
        self.commits.push(commit);
        self.times.push(times);
    }
}

/// Adds fetches to those of their day. Accounts that are gone are left out.
pub(super) async fn insert(conn: &mut PgConnection, rows: &FetchColumns) -> sqlx::Result<()> {
    if rows.days.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into fetches as f (content, repo_pk, user_pk, day, commit_oid, times)
         select t.content, t.repo_pk, t.user_pk, t.day, nullif(t.commit_oid, ''::bytea), t.times
         from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::date[], $5::bytea[], $6::integer[])
              as t (content, repo_pk, user_pk, day, commit_oid, times)
         where exists (select from users u where u.user_pk = t.user_pk)
         order by t.content, t.repo_pk, t.user_pk, t.day
         on conflict (content, repo_pk, user_pk, day) do update
         set times = least(f.times::bigint + excluded.times, 2147483647)::integer,
             commit_oid = coalesce(excluded.commit_oid, f.commit_oid)",
        &rows.contents,
        &rows.repo_pks,
        &rows.user_pks,
        &rows.days,
        &rows.commits,
        &rows.times
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// The same without accounts.
pub(super) async fn insert_anonymous(conn: &mut PgConnection, rows: &AnonymousColumns) -> sqlx::Result<()> {
    if rows.days.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into anonymous_fetches as f (content, repo_pk, day, times)
         select t.content, t.repo_pk, t.day, t.times
         from unnest($1::bytea[], $2::bigint[], $3::date[], $4::integer[]) as t (content, repo_pk, day, times)
         order by t.content, t.repo_pk, t.day
         on conflict (content, repo_pk, day) do update set times = f.times + excluded.times",
        &rows.contents,
        &rows.repo_pks,
        &rows.days,
        &rows.times
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Adds packs to those of their day. Accounts that are gone are left out.
pub(super) async fn insert_packs(conn: &mut PgConnection, rows: &PackColumns) -> sqlx::Result<()> {
    if rows.days.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into git_fetches as f (repo_pk, user_pk, day, commit_oid, times)
         select t.repo_pk, t.user_pk, t.day, nullif(t.commit_oid, ''::bytea), t.times
         from unnest($1::bigint[], $2::bigint[], $3::date[], $4::bytea[], $5::integer[]) as t (repo_pk, user_pk, day, commit_oid, times)
         where exists (select from users u where u.user_pk = t.user_pk)
         order by t.repo_pk, t.user_pk, t.day
         on conflict (repo_pk, user_pk, day) do update
         set times = least(f.times::bigint + excluded.times, 2147483647)::integer,
             commit_oid = coalesce(excluded.commit_oid, f.commit_oid)",
        &rows.repo_pks,
        &rows.user_pks,
        &rows.days,
        &rows.commits,
        &rows.times
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Removes some of what was before a day, and says how much.
pub(super) async fn delete_before(pool: &PgPool, first: NaiveDate, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from fetches where ctid = any(array(select ctid from fetches where day < $1 order by day limit $2))",
        first,
        limit
    );
    Ok(done.execute(pool).await?.rows_affected())
}

/// The same without accounts.
pub(super) async fn delete_anonymous_before(pool: &PgPool, first: NaiveDate, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from anonymous_fetches where ctid = any(array(select ctid from anonymous_fetches where day < $1 order by day limit $2))",
        first,
        limit
    );
    Ok(done.execute(pool).await?.rows_affected())
}

/// The same of packs.
pub(super) async fn delete_packs_before(pool: &PgPool, first: NaiveDate, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from git_fetches where ctid = any(array(select ctid from git_fetches where day < $1 order by day limit $2))",
        first,
        limit
    );
    Ok(done.execute(pool).await?.rows_affected())
}
