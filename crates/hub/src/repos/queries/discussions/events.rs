//! Statements on what happened in discussions, and on what comments said before.

use chrono::{DateTime, Utc};
use hub_types::Oid;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};

/// Something that happened in a discussion.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// The key.
    pub event_pk: i64,
    /// The `id` that clients see.
    pub public_id: String,
    /// Who did it.
    pub author_pk: Option<i64>,
    /// Their name.
    pub author: Option<String>,
    /// Whether that is a service account.
    pub by_service: bool,
    /// `comment`, `status-change`, `title-change`, `commit` or `thread-change`.
    pub kind: String,
    /// Of a comment: its Markdown.
    pub body: String,
    /// Of a comment: whether it is shown no longer.
    pub hidden: bool,
    /// Of a hidden comment: whether those who may write can show it again.
    pub kept: bool,
    /// Of a comment: when it was changed last.
    pub edited_at: Option<DateTime<Utc>>,
    /// Of anything else: what.
    pub payload: Value,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Lists what happened in a discussion, in order.
///
/// # Errors
/// The database does not answer.
pub async fn list_events(pool: &PgPool, discussion_pk: i64) -> sqlx::Result<Vec<EventRow>> {
    sqlx::query_as!(
        EventRow,
        r#"select event_pk, public_id, author_pk, n.name as "author?", u.service_of is not null as "by_service!", e.kind, body,
                  hidden, kept_body is not null as "kept!", edited_at, payload, e.created_at
           from discussion_events e left join namespaces n on n.namespace_pk = author_pk left join users u on u.user_pk = author_pk
           where discussion_pk = $1 order by event_pk"#,
        discussion_pk
    )
    .fetch_all(pool)
    .await
}

/// Finds an event of a discussion.
///
/// # Errors
/// The database does not answer.
pub async fn find_event(conn: impl PgExecutor<'_>, discussion_pk: i64, public_id: &str) -> sqlx::Result<Option<EventRow>> {
    sqlx::query_as!(
        EventRow,
        r#"select event_pk, public_id, author_pk, n.name as "author?", u.service_of is not null as "by_service!", e.kind, body,
                  hidden, kept_body is not null as "kept!", edited_at, payload, e.created_at
           from discussion_events e left join namespaces n on n.namespace_pk = author_pk left join users u on u.user_pk = author_pk
           where discussion_pk = $1 and public_id = $2"#,
        discussion_pk,
        public_id
    )
    .fetch_optional(conn)
    .await
}

/// Appends a comment and gives its id.
///
/// # Errors
/// The database does not answer.
pub async fn insert_comment(conn: &mut PgConnection, discussion_pk: i64, author_pk: i64, body: &str) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        "insert into discussion_events (discussion_pk, author_pk, kind, body) values ($1, $2, 'comment', $3) returning public_id",
        discussion_pk,
        author_pk,
        body
    )
    .fetch_one(conn)
    .await
}

/// Appends what was done to a discussion and gives its id.
///
/// # Errors
/// The database does not answer.
pub async fn insert_change(
    conn: &mut PgConnection,
    discussion_pk: i64,
    author_pk: Option<i64>,
    kind: &str,
    payload: Value,
) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        "insert into discussion_events (discussion_pk, author_pk, kind, payload) values ($1, $2, $3, $4) returning public_id",
        discussion_pk,
        author_pk,
        kind,
        payload
    )
    .fetch_one(conn)
    .await
}

/// Notes that the commits of a pull request are others now, and keeps its status as it is until the transaction ends. `false`:
/// it is over, and nothing was noted.
///
/// # Errors
/// The database does not answer.
pub async fn note_commits(
    conn: &mut PgConnection,
    repo_pk: i64,
    num: i64,
    actor_pk: Option<i64>,
    (old, new): (Option<Oid>, Oid),
) -> sqlx::Result<bool> {
    let noted = sqlx::query!(
        "with pull as (
             select discussion_pk from discussions
             where repo_pk = $1 and num = $2 and base is not null and status in ('draft', 'open') for update)
         insert into discussion_events (discussion_pk, author_pk, kind, payload) select discussion_pk, $3, 'commit', $4 from pull",
        repo_pk,
        num,
        actor_pk,
        serde_json::json!({ "old": old, "new": new })
    );
    Ok(noted.execute(conn).await?.rows_affected() > 0)
}

/// How much has happened in a discussion.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// Comments.
    pub comments: i64,
    /// Changes of its title and status, and of its threads. Commits are neither.
    pub changes: i64,
}

/// How much has happened in a discussion.
///
/// # Errors
/// The database does not answer.
pub async fn count_events(conn: &mut PgConnection, discussion_pk: i64) -> sqlx::Result<Counts> {
    sqlx::query_as!(
        Counts,
        r#"select count(*) filter (where kind = 'comment') as "comments!",
                  count(*) filter (where kind not in ('comment', 'commit')) as "changes!"
           from discussion_events where discussion_pk = $1"#,
        discussion_pk
    )
    .fetch_one(conn)
    .await
}

/// How often a comment was changed.
///
/// # Errors
/// The database does not answer.
pub async fn count_edits(conn: &mut PgConnection, event_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from discussion_edits where event_pk = $1"#, event_pk)
        .fetch_one(conn)
        .await
}

/// Changes a comment and keeps what it said. A hidden one stays as it is.
///
/// # Errors
/// The database does not answer.
pub async fn edit_comment(conn: &mut PgConnection, event_pk: i64, body: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into discussion_edits (event_pk, author_pk, body, created_at)
         select event_pk, author_pk, body, coalesce(edited_at, created_at) from discussion_events
         where event_pk = $1 and not hidden for update",
        event_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update discussion_events set body = $2, edited_at = now() where event_pk = $1 and not hidden", event_pk, body)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Hides a comment for good: its text goes, and what it said before, also where it was kept because others had hidden it.
///
/// # Errors
/// The database does not answer.
pub async fn erase_comment(conn: &mut PgConnection, event_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update discussion_events set hidden = true, body = '', kept_body = null, hidden_at = null where event_pk = $1",
        event_pk
    )
    .execute(&mut *conn)
    .await?;
    // Moderators who take back what they did find nothing to put back.
    sqlx::query!("delete from moderation_covers where kind = 'comment' and pk = $1", event_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from discussion_edits where event_pk = $1", event_pk).execute(conn).await.map(|_| ())
}

/// Hides a comment, and keeps what it said, so that it can be shown again. A hidden one stays as it is.
///
/// # Errors
/// The database does not answer.
pub async fn hide_comment(conn: &mut PgConnection, event_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update discussion_events set hidden = true, kept_body = body, hidden_at = now(), body = ''
         where event_pk = $1 and not hidden",
        event_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Shows a comment again that was hidden since a moment; `false` for what is not kept, and for what moderators hid as well. To be called
/// under [`crate::db::LockKey::Moderate`].
///
/// # Errors
/// The database does not answer.
pub async fn show_comment(conn: &mut PgConnection, event_pk: i64, since: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update discussion_events e set hidden = false, body = kept_body, kept_body = null, hidden_at = null
         where event_pk = $1 and kept_body is not null and hidden_at >= $2
           and not exists (select from moderation_standing s where s.kind = 'comment' and s.pk = e.event_pk)",
        event_pk,
        since
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Takes hold of comments that were hidden before a moment and are kept. Those that somebody has in hand stay for another time.
///
/// # Errors
/// The database does not answer.
pub async fn lock_kept(conn: &mut PgConnection, before: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select event_pk from discussion_events where kept_body is not null and hidden_at < $1
         order by hidden_at limit $2 for update skip locked",
        before,
        limit
    )
    .fetch_all(conn)
    .await
}

/// What a comment said once.
#[derive(Debug, Clone)]
pub struct EditRow {
    /// The comment.
    pub event_pk: i64,
    /// Whose it is.
    pub author: Option<String>,
    /// The Markdown.
    pub body: String,
    /// Since when it said so.
    pub created_at: DateTime<Utc>,
}

/// Lists what the comments of a discussion said before, the oldest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_edits(pool: &PgPool, discussion_pk: i64) -> sqlx::Result<Vec<EditRow>> {
    sqlx::query_as!(
        EditRow,
        r#"select h.event_pk, n.name as "author?", h.body, h.created_at
           from discussion_edits h join discussion_events e using (event_pk)
           left join namespaces n on n.namespace_pk = h.author_pk
           where e.discussion_pk = $1 order by edit_pk"#,
        discussion_pk
    )
    .fetch_all(pool)
    .await
}
