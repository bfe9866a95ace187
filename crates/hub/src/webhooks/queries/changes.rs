//! Statements on what happened and is not yet made into deliveries.

use hub_types::{Oid, RefName};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use crate::repos::queries::discussions::Status;

/// Something that happened.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    /// Its place in the order.
    pub change_pk: i64,
    /// `event`, `discussion` or `comment`.
    pub kind: String,
    /// `create`, `update` or `delete`.
    pub action: String,
    /// The key of the row of that table.
    pub subject_pk: i64,
    /// The row as it was, if it was deleted.
    pub gone: Option<Value>,
}

/// Whether anything waits.
///
/// # Errors
/// The database does not answer.
pub async fn is_waiting(conn: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from webhook_changes) as "there!""#).fetch_one(conn).await
}

/// Takes the next of what happened, in order. To be called under [`crate::db::LockKey::HearChanges`].
///
/// # Errors
/// The database does not answer.
pub async fn take(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<ChangeRow>> {
    let mut rows = sqlx::query_as!(
        ChangeRow,
        "delete from webhook_changes where change_pk in (select change_pk from webhook_changes order by change_pk limit $1)
         returning change_pk, kind, action, subject_pk, gone",
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.sort_unstable_by_key(|row| row.change_pk);
    Ok(rows)
}

/// What was done to a repository.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// The repository.
    pub repo_pk: i64,
    /// What.
    pub kind: String,
    /// The particulars.
    pub payload: Value,
}

/// Finds what was done to a repository.
///
/// # Errors
/// The database does not answer.
pub async fn find_event(conn: &mut PgConnection, event_pk: i64) -> sqlx::Result<Option<EventRow>> {
    sqlx::query_as!(EventRow, "select repo_pk, kind, payload from events where event_pk = $1", event_pk)
        .fetch_optional(conn)
        .await
}

/// A discussion, as receivers hear of it.
#[derive(Debug, Clone)]
pub struct DiscussionRow {
    /// The key.
    pub discussion_pk: i64,
    /// Its repository.
    pub repo_pk: i64,
    /// Its number there.
    pub num: i64,
    /// What it is about.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// Who opened it.
    pub author_pk: Option<i64>,
    /// Whether it comes first in lists.
    pub pinned: bool,
    /// Of a pull request: the branch it is for.
    pub base: Option<RefName>,
    /// Of a merged one: the commit on that branch.
    pub merge_oid: Option<Oid>,
}

/// Finds a discussion.
///
/// # Errors
/// The database does not answer.
pub async fn find_discussion(conn: &mut PgConnection, discussion_pk: i64) -> sqlx::Result<Option<DiscussionRow>> {
    sqlx::query_as!(
        DiscussionRow,
        r#"select discussion_pk, repo_pk, num, title, status as "status: Status", author_pk, pinned, base as "base: RefName",
                  merge_oid as "merge_oid: Oid"
           from discussions where discussion_pk = $1"#,
        discussion_pk
    )
    .fetch_optional(conn)
    .await
}

/// Reads a discussion that was deleted, out of what was kept of it.
///
/// # Errors
/// The database does not answer.
pub async fn read_gone_discussion(conn: &mut PgConnection, gone: &Value) -> sqlx::Result<DiscussionRow> {
    sqlx::query_as!(
        DiscussionRow,
        r#"select discussion_pk as "discussion_pk!", repo_pk as "repo_pk!", num as "num!", title as "title!",
                  status as "status!: Status", author_pk as "author_pk?", pinned as "pinned!", base as "base?: RefName",
                  merge_oid as "merge_oid?: Oid"
           from jsonb_populate_record(null::discussions, $1)"#,
        gone
    )
    .fetch_one(conn)
    .await
}

/// A comment, as receivers hear of it.
#[derive(Debug, Clone)]
pub struct CommentRow {
    /// The `id` that clients see.
    pub id: String,
    /// Its discussion.
    pub discussion_pk: i64,
    /// Who wrote it.
    pub author_pk: Option<i64>,
    /// The Markdown.
    pub body: String,
    /// Whether it is shown no longer.
    pub hidden: bool,
    /// Whether the discussion begins with it.
    pub is_first: bool,
}

/// Finds a comment.
///
/// # Errors
/// The database does not answer.
pub async fn find_comment(conn: &mut PgConnection, event_pk: i64) -> sqlx::Result<Option<CommentRow>> {
    sqlx::query_as!(
        CommentRow,
        r#"select public_id as id, discussion_pk, author_pk, body, hidden,
                  not exists (select from discussion_events f where f.discussion_pk = e.discussion_pk and f.event_pk < e.event_pk)
                      as "is_first!"
           from discussion_events e where event_pk = $1"#,
        event_pk
    )
    .fetch_optional(conn)
    .await
}

/// Finds the comment that a discussion begins with.
///
/// # Errors
/// The database does not answer.
pub async fn find_first_comment(conn: &mut PgConnection, discussion_pk: i64) -> sqlx::Result<Option<CommentRow>> {
    sqlx::query_as!(
        CommentRow,
        r#"select public_id as id, discussion_pk, author_pk, body, hidden, true as "is_first!"
           from discussion_events where discussion_pk = $1 and kind = 'comment' order by event_pk limit 1"#,
        discussion_pk
    )
    .fetch_optional(conn)
    .await
}

/// The tags of a repository.
///
/// # Errors
/// The database does not answer.
pub async fn find_tags(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Vec<String>> {
    let tags = sqlx::query_scalar!("select tags from repos where repo_pk = $1", repo_pk).fetch_optional(conn).await?;
    Ok(tags.unwrap_or_default())
}

/// The key of a namespace by its name, or by one that it had.
///
/// # Errors
/// The database does not answer.
pub async fn find_namespace(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("select namespace_called($1)", name).fetch_one(conn).await
}

/// A webhook that watches what something happened to.
#[derive(Debug, Clone, Copy)]
pub struct ListenerRow {
    /// The webhook.
    pub webhook_pk: i64,
    /// Whose it is.
    pub user_pk: i64,
    /// Whether it names the repository itself, and not only its owner.
    pub by_name: bool,
}

/// The webhooks that watch a repository or one of these namespaces, and want to hear of this domain.
///
/// # Errors
/// The database does not answer.
pub async fn list_listeners(
    conn: &mut PgConnection,
    repo_pk: i64,
    namespaces: &[i64],
    domain: &str,
) -> sqlx::Result<Vec<ListenerRow>> {
    sqlx::query_as!(
        ListenerRow,
        r#"select webhook_pk, user_pk, bool_or(t.repo_pk is not null) as "by_name!"
           from webhook_watches t join webhooks w using (webhook_pk)
           where (t.repo_pk = $1 or t.namespace_pk = any($2)) and not w.disabled and $3 = any(w.domains)
           group by webhook_pk, user_pk"#,
        repo_pk,
        namespaces,
        domain
    )
    .fetch_all(conn)
    .await
}
