//! Statements that open and withdraw recalls.

use sqlx::PgConnection;

/// A recall to be noted.
#[derive(Debug)]
pub(in crate::recalls) struct NewRow<'a> {
    /// Where it holds; everywhere without.
    pub repo_pk: Option<i64>,
    pub category: &'a str,
    pub title: &'a str,
    pub body: &'a str,
    pub replacement_pk: Option<i64>,
    pub replacement_commit: Option<&'a [u8]>,
    pub author_pk: i64,
}

/// Notes a recall and gives its number.
pub(in crate::recalls) async fn insert(conn: &mut PgConnection, row: &NewRow<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into recalls (repo_pk, everywhere, category, title, body, replacement_pk, replacement_commit, author_pk)
         values ($1, $1::bigint is null, $2, $3, $4, $5, $6, $7) returning recall_pk",
        row.repo_pk,
        row.category,
        row.title,
        row.body,
        row.replacement_pk,
        row.replacement_commit,
        row.author_pk
    )
    .fetch_one(conn)
    .await
}

/// Files of a recall as columns.
#[derive(Debug, Default)]
pub(in crate::recalls) struct FileColumns {
    pub contents: Vec<Vec<u8>>,
    pub paths: Vec<String>,
    /// Below zero where it is not known.
    pub sizes: Vec<i64>,
}

/// Notes what a recall is of. One content is noted once.
pub(in crate::recalls) async fn insert_files(
    conn: &mut PgConnection,
    recall_pk: i64,
    seen_in: Option<i64>,
    files: &FileColumns,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recall_files (recall_pk, content, repo_pk, path, size_bytes)
         select $1, t.content, $2, t.path, nullif(t.size_bytes, -1)
         from unnest($3::bytea[], $4::text[], $5::bigint[]) as t (content, path, size_bytes)
         on conflict (recall_pk, content) do nothing",
        recall_pk,
        seen_in,
        &files.contents,
        &files.paths,
        &files.sizes
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Counts the recalls of a repository: those of the last day, and those that stand. Who opens another one waits until this
/// transaction ends.
pub(in crate::recalls) async fn count_of_repo(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<(i64, i64)> {
    sqlx::query!("select repo_pk from repos where repo_pk = $1 for no key update", repo_pk).fetch_optional(&mut *conn).await?;
    let row = sqlx::query!(
        r#"select count(*) filter (where created_at > now() - interval '1 day') as "today!",
                  count(*) filter (where withdrawn_at is null) as "standing!"
           from recalls where repo_pk = $1"#,
        repo_pk
    )
    .fetch_one(conn)
    .await?;
    Ok((row.today, row.standing))
}

/// Withdraws a recall, unless it is withdrawn. Waits for those who are just being told.
pub(in crate::recalls) async fn withdraw(conn: &mut PgConnection, recall_pk: i64, by: i64, why: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update recalls set withdrawn_at = now(), withdrawn_by = $2, withdrawn_why = $3 where recall_pk = $1 and withdrawn_at is null",
        recall_pk,
        by,
        why
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Has all nodes hear of it when the transaction ends.
pub(in crate::recalls) async fn notify(conn: &mut PgConnection, channel: &str) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify($1, '')", channel).execute(conn).await.map(|_| ())
}
