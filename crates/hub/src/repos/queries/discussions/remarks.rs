//! Statements on remarks: where threads stand in what a pull request changes, and which comments answer in them.

use hub_types::Oid;
use sqlx::{PgConnection, PgExecutor, PgPool};

/// A side of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum DiffSide {
    /// Before the change.
    Old,
    /// After it.
    New,
}

impl DiffSide {
    /// The word stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

/// A thread, without what only those see who may download the files.
#[derive(Debug, Clone)]
pub struct ThreadRow {
    /// The id of the comment that it begins with.
    pub comment: String,
    /// The file, on its side.
    pub path: String,
    /// The side.
    pub side: DiffSide,
    /// The number of the line there, as it was.
    pub line: i32,
    /// The commit that was looked at.
    pub commit: Oid,
    /// The file before the change, if there was one.
    pub old_blob: Option<Oid>,
    /// The file after it, if there is one.
    pub new_blob: Option<Oid>,
    /// Whether it is settled.
    pub resolved: bool,
    /// Who said so, unless the account is gone.
    pub resolved_by: Option<String>,
}

/// Lists the threads of a pull request, in order.
///
/// # Errors
/// The database does not answer.
pub async fn list_threads(pool: &PgPool, discussion_pk: i64) -> sqlx::Result<Vec<ThreadRow>> {
    sqlx::query_as!(
        ThreadRow,
        r#"select e.public_id as "comment!", t.path as "path!", t.side as "side!: DiffSide", t.line as "line!",
                  t.commit_oid as "commit!: Oid",
                  t.old_blob as "old_blob: Oid", t.new_blob as "new_blob: Oid", t.resolved_at is not null as "resolved!",
                  n.name as "resolved_by?"
           from discussion_events e join remark_threads t using (event_pk) left join namespaces n on n.namespace_pk = t.resolved_by
           where e.discussion_pk = $1 order by e.event_pk"#,
        discussion_pk
    )
    .fetch_all(pool)
    .await
}

/// An answer in a thread.
#[derive(Debug, Clone)]
pub struct ReplyRow {
    /// The id of the comment.
    pub comment: String,
    /// The id of the comment that the thread begins with.
    pub thread: String,
}

/// Lists the answers in all threads of a pull request, in order.
///
/// # Errors
/// The database does not answer.
pub async fn list_replies(pool: &PgPool, discussion_pk: i64) -> sqlx::Result<Vec<ReplyRow>> {
    sqlx::query_as!(
        ReplyRow,
        r#"select e.public_id as "comment!", f.public_id as "thread!"
           from discussion_events e join remark_replies a using (event_pk) join discussion_events f on f.event_pk = a.thread_pk
           where e.discussion_pk = $1 order by e.event_pk"#,
        discussion_pk
    )
    .fetch_all(pool)
    .await
}

/// The lines that a thread is about: for those alone who may download the files.
#[derive(Debug, Clone)]
pub struct SnippetRow {
    /// The id of the comment that the thread begins with.
    pub comment: String,
    /// The versions of the file that the lines are of.
    pub old_blob: Option<Oid>,
    /// See there.
    pub new_blob: Option<Oid>,
    /// The lines, as a diff.
    pub snippet: String,
}

/// Lists the lines that the threads of a pull request are about, except of comments that are hidden.
///
/// # Errors
/// The database does not answer.
pub async fn list_snippets(pool: &PgPool, discussion_pk: i64) -> sqlx::Result<Vec<SnippetRow>> {
    sqlx::query_as!(
        SnippetRow,
        r#"select e.public_id as comment, t.old_blob as "old_blob: Oid", t.new_blob as "new_blob: Oid", t.snippet
           from discussion_events e join remark_threads t using (event_pk)
           where e.discussion_pk = $1 and not e.hidden and t.snippet <> ''"#,
        discussion_pk
    )
    .fetch_all(pool)
    .await
}

/// Whether a commit was ever the head of a pull request.
///
/// # Errors
/// The database does not answer.
pub async fn was_head(pool: &PgPool, discussion_pk: i64, commit: Oid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from discussion_events
                          where discussion_pk = $1 and kind = 'commit' and payload ->> 'new' = $2) as "was!""#,
        discussion_pk,
        commit.to_hex()
    )
    .fetch_one(pool)
    .await
}

/// The thread that a comment begins, or answers in.
///
/// # Errors
/// The database does not answer.
pub async fn find_thread(conn: impl PgExecutor<'_>, discussion_pk: i64, comment: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"select t.event_pk as "event_pk!" from discussion_events e left join remark_replies a using (event_pk)
           join remark_threads t on t.event_pk = coalesce(a.thread_pk, e.event_pk)
           where e.discussion_pk = $1 and e.public_id = $2"#,
        discussion_pk,
        comment
    )
    .fetch_optional(conn)
    .await
}

/// A thread to begin.
#[derive(Debug)]
pub struct NewThread<'a> {
    /// The file, on its side.
    pub path: &'a str,
    /// The side.
    pub side: DiffSide,
    /// The number of the line there.
    pub line: i32,
    /// The commit that was looked at.
    pub commit: Oid,
    /// The file before the change, if there was one.
    pub old_blob: Option<Oid>,
    /// The file after it, if there is one.
    pub new_blob: Option<Oid>,
    /// The lines, as a diff.
    pub snippet: &'a str,
}

/// Makes a comment the beginning of a thread.
///
/// # Errors
/// The database does not answer.
pub async fn insert_thread(conn: &mut PgConnection, comment: &str, new: &NewThread<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into remark_threads (event_pk, path, side, line, commit_oid, old_blob, new_blob, snippet)
         select event_pk, $2, $3, $4, $5, $6, $7, $8 from discussion_events where public_id = $1",
        comment,
        new.path,
        new.side as DiffSide,
        new.line,
        new.commit as Oid,
        new.old_blob as Option<Oid>,
        new.new_blob as Option<Oid>,
        new.snippet
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Makes a comment an answer in a thread.
///
/// # Errors
/// The database does not answer.
pub async fn insert_reply(conn: &mut PgConnection, comment: &str, thread_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into remark_replies (event_pk, thread_pk) select event_pk, $2 from discussion_events where public_id = $1",
        comment,
        thread_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// A thread that was settled, or goes on.
#[derive(Debug, Clone)]
pub struct SettledRow {
    /// The id of the comment that it begins with.
    pub comment: String,
    /// The file.
    pub path: String,
}

/// Notes who settled a thread, or nobody for one that goes on, and gives the thread. What is so already stays as it is: `None`.
///
/// # Errors
/// The database does not answer.
pub async fn set_resolved(conn: &mut PgConnection, thread_pk: i64, resolved_by: Option<i64>) -> sqlx::Result<Option<SettledRow>> {
    sqlx::query_as!(
        SettledRow,
        r#"update remark_threads t
           set resolved_by = $2, resolved_at = case when $2::bigint is null then null else now() end
           from discussion_events e
           where t.event_pk = $1 and e.event_pk = t.event_pk and (t.resolved_at is null) <> ($2::bigint is null)
           returning e.public_id as "comment!", t.path as "path!""#,
        thread_pk,
        resolved_by
    )
    .fetch_optional(conn)
    .await
}

/// Forgets the lines that a thread is about, whose comment is hidden for good.
///
/// # Errors
/// The database does not answer.
pub async fn forget_snippet(conn: &mut PgConnection, event_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("update remark_threads set snippet = '' where event_pk = $1", event_pk).execute(conn).await.map(|_| ())
}
