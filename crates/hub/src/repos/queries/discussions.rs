//! Statements on discussions and pull requests.

pub mod deleted;
mod events;
mod reactions;
mod recent;
mod remarks;

use chrono::{DateTime, Utc};
use hub_types::{Oid, RefName};
use sqlx::{PgConnection, PgExecutor, PgPool};

pub use events::{
    Counts, EditRow, EventRow, count_edits, count_events, edit_comment, erase_comment, find_event, hide_comment, insert_change,
    insert_comment, list_edits, list_events, lock_kept, note_commits, show_comment,
};

pub use remarks::{
    DiffSide, NewThread, ReplyRow, SettledRow, SnippetRow, ThreadRow, find_thread, forget_snippet, insert_reply, insert_thread,
    list_replies, list_snippets, list_threads, set_resolved, was_head,
};

pub use reactions::{ReactionRow, delete_reaction, insert_reaction, list_reactions};
pub use recent::{RecentPull, find_recent_draft, list_recent_pulls};

/// Where a discussion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Status {
    /// A pull request that is not ready to be merged.
    Draft,
    /// Talked about.
    Open,
    /// Over.
    Closed,
    /// A pull request whose changes are on its branch.
    Merged,
}

impl Status {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }

    /// Whether it goes on.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Open)
    }
}

/// A discussion or pull request.
#[derive(Debug, Clone)]
pub struct Discussion {
    /// The key.
    pub discussion_pk: i64,
    /// Its number in its repository.
    pub num: i64,
    /// What it is about.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// Who opened it, unless the account is gone.
    pub author_pk: Option<i64>,
    /// Their name.
    pub author: Option<String>,
    /// Whether that is a service account.
    pub by_service: bool,
    /// Whether it comes first in lists.
    pub pinned: bool,
    /// Whether only writers may comment.
    pub locked: bool,
    /// Of a pull request: the branch it is for.
    pub base: Option<RefName>,
    /// Of a merged one: the commit on that branch.
    pub merge_oid: Option<Oid>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// How many comments it has, the first included.
    pub comments: i64,
}

impl Discussion {
    /// Whether it proposes commits.
    pub fn is_pull_request(&self) -> bool {
        self.base.is_some()
    }
}

/// What a list shall have.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only pull requests, or none.
    pub pull_requests: Option<bool>,
    /// Only those that go on, or are over.
    pub open: Option<bool>,
    /// Only by somebody.
    pub author: Option<String>,
    /// Only with a text in the title.
    pub search: Option<String>,
}

/// The first pull request of a repository that goes on and has a title.
///
/// # Errors
/// The database does not answer.
pub async fn find_open_pull(pool: &PgPool, repo_pk: i64, title: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "select num from discussions
         where repo_pk = $1 and status in ('draft', 'open') and base is not null and title = $2 order by num limit 1",
        repo_pk,
        title
    )
    .fetch_optional(pool)
    .await
}

/// Lists discussions of a repository, pinned ones first, then the newest.
///
/// # Errors
/// The database does not answer.
pub async fn list(pool: &PgPool, repo_pk: i64, filter: &Filter, offset: i64, limit: i64) -> sqlx::Result<Vec<Discussion>> {
    sqlx::query_as!(
        Discussion,
        r#"select d.discussion_pk, num, title, status as "status: Status", author_pk, n.name as "author?",
                  u.service_of is not null as "by_service!", pinned, locked,
                  base as "base: RefName", merge_oid as "merge_oid: Oid", d.created_at,
                  (select count(*) from discussion_events e where e.discussion_pk = d.discussion_pk and kind = 'comment') as "comments!"
           from discussions d left join namespaces n on n.namespace_pk = author_pk left join users u on u.user_pk = author_pk
           where repo_pk = $1 and ($2::bool is null or (base is not null) = $2)
             and ($3::bool is null or (status in ('draft', 'open')) = $3)
             and ($4::text is null or lower(n.name) = lower($4))
             and ($5::text is null or position(lower($5) in lower(title)) > 0)
           order by pinned desc, num desc offset $6 limit $7"#,
        repo_pk,
        filter.pull_requests,
        filter.open,
        filter.author.as_deref(),
        filter.search.as_deref(),
        offset,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Counts what [`list`] lists.
///
/// # Errors
/// The database does not answer.
pub async fn count(pool: &PgPool, repo_pk: i64, filter: &Filter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from discussions d left join namespaces n on n.namespace_pk = author_pk
           where repo_pk = $1 and ($2::bool is null or (base is not null) = $2)
             and ($3::bool is null or (status in ('draft', 'open')) = $3)
             and ($4::text is null or lower(n.name) = lower($4))
             and ($5::text is null or position(lower($5) in lower(title)) > 0)"#,
        repo_pk,
        filter.pull_requests,
        filter.open,
        filter.author.as_deref(),
        filter.search.as_deref()
    )
    .fetch_one(pool)
    .await
}

/// Counts the discussions and pull requests of a repository that go on.
///
/// # Errors
/// The database does not answer.
pub async fn count_open(pool: &PgPool, repo_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from discussions where repo_pk = $1 and status in ('draft', 'open')"#,
        repo_pk
    )
    .fetch_one(pool)
    .await
}

/// Which of some names, in lower case, are or were somebody's, as they are written.
///
/// # Errors
/// The database does not answer.
pub async fn list_people(pool: &PgPool, names: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select name as "name!" from namespaces where lower(name) = any($1)
           union all select coalesce(t.name, t.name_key) from retired_names t join namespaces n using (namespace_pk)
           where t.name_key = any($1) and n.kind <> 'deleted'"#,
        names
    )
    .fetch_all(pool)
    .await
}

/// Finds a discussion by its number.
///
/// # Errors
/// The database does not answer.
pub async fn find(conn: impl PgExecutor<'_>, repo_pk: i64, num: i64) -> sqlx::Result<Option<Discussion>> {
    sqlx::query_as!(
        Discussion,
        r#"select d.discussion_pk, num, title, status as "status: Status", author_pk, n.name as "author?",
                  u.service_of is not null as "by_service!", pinned, locked,
                  base as "base: RefName", merge_oid as "merge_oid: Oid", d.created_at,
                  (select count(*) from discussion_events e where e.discussion_pk = d.discussion_pk and kind = 'comment') as "comments!"
           from discussions d left join namespaces n on n.namespace_pk = author_pk left join users u on u.user_pk = author_pk
           where repo_pk = $1 and num = $2"#,
        repo_pk,
        num
    )
    .fetch_optional(conn)
    .await
}

/// The numbers of the pull requests of a repository that go on, all or only somebody's.
///
/// # Errors
/// The database does not answer.
pub async fn list_open_pulls(pool: &PgPool, repo_pk: i64, author_pk: Option<i64>) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select num from discussions where repo_pk = $1 and base is not null and status in ('draft', 'open')
           and ($2::bigint is null or author_pk = $2)",
        repo_pk,
        author_pk
    )
    .fetch_all(pool)
    .await
}

/// What the next discussion of a repository gets.
#[derive(Debug, Clone, Copy)]
pub struct NextNum {
    /// Its number.
    pub num: i64,
    /// Whether it shall not be opened: discussions are turned off.
    pub disabled: bool,
}

/// Locks a repository until the transaction ends and gives the next number; `None` when it is deleted. The numbers of discussions
/// that were deleted are not given out again.
///
/// # Errors
/// The database does not answer.
pub async fn next_num(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Option<NextNum>> {
    let locked = sqlx::query_scalar!(
        "select discussions_disabled from repos where repo_pk = $1 and deleted_at is null for no key update",
        repo_pk
    );
    let Some(disabled) = locked.fetch_optional(&mut *conn).await? else { return Ok(None) };
    // A statement of its own, so that it sees what came while the lock was waited for.
    let num = sqlx::query_scalar!(
        r#"select greatest((select max(num) from discussions where repo_pk = $1),
                           (select max(num) from deleted_discussions where repo_pk = $1), 0) + 1 as "num!""#,
        repo_pk
    );
    Ok(Some(NextNum { num: num.fetch_one(conn).await?, disabled }))
}

/// Whether discussions of a repository are turned off.
///
/// # Errors
/// The database does not answer.
pub async fn are_disabled(pool: &PgPool, repo_pk: i64) -> sqlx::Result<bool> {
    let row = sqlx::query_scalar!("select discussions_disabled from repos where repo_pk = $1", repo_pk);
    Ok(row.fetch_optional(pool).await?.unwrap_or(false))
}

/// Turns discussions of a repository off or on.
///
/// # Errors
/// The database does not answer.
pub async fn set_disabled(conn: &mut PgConnection, repo_pk: i64, disabled: bool) -> sqlx::Result<()> {
    sqlx::query!("update repos set discussions_disabled = $2 where repo_pk = $1", repo_pk, disabled)
        .execute(conn)
        .await
        .map(|_| ())
}

/// A discussion to make.
#[derive(Debug)]
pub struct NewRow<'a> {
    /// Its repository.
    pub repo_pk: i64,
    /// From [`next_num`].
    pub num: i64,
    /// What it is about.
    pub title: &'a str,
    /// Where it stands.
    pub status: Status,
    /// Who opens it.
    pub author_pk: i64,
    /// Of a pull request: the branch it is for.
    pub base: Option<&'a RefName>,
}

/// Makes a discussion and gives its key.
///
/// # Errors
/// The number is taken.
pub async fn insert(conn: &mut PgConnection, row: &NewRow<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into discussions (repo_pk, num, title, status, author_pk, base) values ($1, $2, $3, $4, $5, $6)
         returning discussion_pk",
        row.repo_pk,
        row.num,
        row.title,
        row.status as Status,
        row.author_pk,
        row.base as Option<&RefName>
    )
    .fetch_one(conn)
    .await
}

/// Locks a discussion until the transaction ends, and says where it stands; `None` when it is gone.
///
/// # Errors
/// The database does not answer.
pub async fn lock(conn: &mut PgConnection, discussion_pk: i64) -> sqlx::Result<Option<(Status, String)>> {
    let row = sqlx::query!(
        r#"update discussions set updated_at = now() where discussion_pk = $1 returning status as "status: Status", title"#,
        discussion_pk
    );
    Ok(row.fetch_optional(conn).await?.map(|row| (row.status, row.title)))
}

/// Changes the title.
///
/// # Errors
/// The database does not answer.
pub async fn set_title(conn: &mut PgConnection, discussion_pk: i64, title: &str) -> sqlx::Result<()> {
    sqlx::query!("update discussions set title = $2 where discussion_pk = $1", discussion_pk, title)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Changes where it stands; `merged`: the commit that merged it.
///
/// # Errors
/// The database does not answer.
pub async fn set_status(conn: &mut PgConnection, discussion_pk: i64, status: Status, merged: Option<Oid>) -> sqlx::Result<()> {
    sqlx::query!(
        "update discussions set status = $2, merge_oid = $3 where discussion_pk = $1",
        discussion_pk,
        status as Status,
        merged as Option<Oid>
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Puts it first in lists, or no longer; closes it for comments of others, or no longer. `None` leaves a setting as it is.
///
/// # Errors
/// The database does not answer.
pub async fn set_flags(
    conn: &mut PgConnection,
    discussion_pk: i64,
    pinned: Option<bool>,
    locked: Option<bool>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update discussions set pinned = coalesce($2, pinned), locked = coalesce($3, locked) where discussion_pk = $1",
        discussion_pk,
        pinned,
        locked
    )
    .execute(conn)
    .await
    .map(|_| ())
}
