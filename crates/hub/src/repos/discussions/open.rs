use hub_types::RefName;
use serde_json::json;
use sqlx::PgConnection;

use super::attachments::{check_placed, place};
use super::{HIDDEN_TITLE, participant, pull_ref, tell};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::moderation::rules::{self, Deed, Said};
use crate::repos::access::{RepoContent, RepoRead};
use crate::repos::queries::{
    self, Repo,
    discussions::{self, NewRow, Status},
};
use crate::repos::refs::{RefChange, RefError, RefUpdate, apply_in};

/// Limits of titles, in characters.
const MIN_TITLE_CHARS: usize = 3;
const MAX_TITLE_CHARS: usize = 200;
/// The longest comment, in characters.
const MAX_COMMENT_CHARS: usize = 65_536;

/// What a discussion begins with. Made by [`NewDiscussion::new`] only.
#[derive(Debug, Clone)]
pub struct NewDiscussion {
    title: String,
    description: String,
}

impl NewDiscussion {
    /// Checks title and first comment.
    ///
    /// # Errors
    /// 400 when one is too short or too long.
    pub fn new(title: &str, description: &str) -> HubResult<Self> {
        Ok(Self { title: checked_title(title)?, description: checked_comment(description)? })
    }

    /// For a proposed commit: its message, cut to what fits.
    ///
    /// # Errors
    /// 400 for the title that is for what moderators hid: nobody could give it another.
    pub(super) fn of_message(summary: &str, description: &str) -> HubResult<Self> {
        let cut = |text: &str, limit: usize| text.trim().chars().take(limit).collect::<String>();
        let title = cut(summary, MAX_TITLE_CHARS);
        if title.split_whitespace().eq(HIDDEN_TITLE.split_whitespace()) {
            return Err(kept_for_hidden());
        }
        Ok(Self { title, description: cut(description, MAX_COMMENT_CHARS) })
    }
}

fn kept_for_hidden() -> HubError {
    HubError::bad_request("This title is for what moderators hid: choose another.").at("title")
}

/// A title as it is kept.
pub(super) fn checked_title(title: &str) -> HubResult<String> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    match title.chars().count() {
        _ if title == HIDDEN_TITLE => Err(kept_for_hidden()),
        MIN_TITLE_CHARS..=MAX_TITLE_CHARS => Ok(title),
        _ => Err(HubError::bad_request(format!("A title has {MIN_TITLE_CHARS} to {MAX_TITLE_CHARS} characters.")).at("title")),
    }
}

/// A comment as it is kept.
pub(super) fn checked_comment(text: &str) -> HubResult<String> {
    let text = text.trim();
    if text.chars().count() > MAX_COMMENT_CHARS {
        return Err(HubError::bad_request(format!("A comment has at most {MAX_COMMENT_CHARS} characters.")).at("comment"));
    }
    Ok(text.to_owned())
}

/// Opens a discussion and gives its number.
///
/// # Errors
/// 401 or 403 for those who may not take part.
pub async fn open_discussion(app: &App, read: &RepoRead, new: &NewDiscussion) -> HubResult<i64> {
    let author_pk = participant(read)?;
    let mut tx = app.begin().await?;
    let num = next_num(&mut tx, &read.repo).await?;
    let row = NewRow { repo_pk: read.repo.pk, num, title: &new.title, status: Status::Open, author_pk, base: None };
    begin(app, &mut tx, &row, new).await?;
    queries::insert_event(&mut tx, read.repo.pk, Some(author_pk), "open_discussion", json!({ "num": num })).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(num)
}

/// Opens a pull request without changes, as a draft, at the head of the default branch, and gives its number.
///
/// # Errors
/// 401 or 403 for those who may not take part, 409 when the repository changes too fast.
pub async fn open_pull_request(app: &App, content: &RepoContent, new: &NewDiscussion) -> HubResult<i64> {
    open_draft(app, content, new, By::Program).await
}

/// The same for a form, which a double click sends twice: within a minute, somebody's drafts of one title are one.
///
/// # Errors
/// As [`open_pull_request`].
pub async fn open_pull_request_once(app: &App, content: &RepoContent, new: &NewDiscussion) -> HubResult<i64> {
    open_draft(app, content, new, By::Form).await
}

/// What asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// A program, which means what it says.
    Program,
    /// A form, which may have been sent twice.
    Form,
}

async fn open_draft(app: &App, content: &RepoContent, new: &NewDiscussion, by: By) -> HubResult<i64> {
    let author_pk = participant(content)?;
    let base = content.repo.default_ref()?;
    let mut tx = app.begin().await?;
    let num = next_num(&mut tx, &content.repo).await?;
    if by == By::Form
        && let Some(num) = discussions::find_recent_draft(&mut *tx, content.repo.pk, author_pk, &new.title).await?
    {
        return Ok(num);
    }
    // Under the lock of the repository: neither moves, and no large file goes.
    let repo = queries::find_repo_by_pk(&mut *tx, content.repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?;
    let head = queries::find_ref(&mut *tx, repo.pk, &base).await?;
    let head = head.ok_or_else(|| HubError::revision_not_found(&repo.default_branch))?;
    let change = RefChange {
        repo: &repo,
        actor_pk: Some(author_pk),
        kind: "open_pull_request",
        updates: vec![RefUpdate { name: pull_ref(num)?, expected: None, new: Some(head) }],
        packs: Vec::new(),
        metadata: None,
    };
    apply_in(&mut tx, &change).await?;
    insert_pull(app, &mut tx, &change, (num, author_pk), (&base, Status::Draft), new).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(num)
}

/// Locks the repository and gives the next number, unless its discussions are turned off.
pub(super) async fn next_num(conn: &mut PgConnection, repo: &Repo) -> HubResult<i64> {
    let next = discussions::next_num(conn, repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?;
    if next.disabled { Err(turned_off(repo)) } else { Ok(next.num) }
}

/// 403: nobody opens discussions or pull requests here.
pub fn turned_off(repo: &Repo) -> HubError {
    HubError::forbidden(format!(
        "Discussions and pull requests of {} are turned off. Those who own it can turn them on in its settings.",
        repo.id
    ))
}

/// Writes the row of a pull request whose ref has just been made, and gives its key.
pub(super) async fn insert_pull(
    app: &App,
    conn: &mut PgConnection,
    change: &RefChange<'_>,
    (num, author_pk): (i64, i64),
    (base, status): (&RefName, Status),
    new: &NewDiscussion,
) -> Result<i64, RefError> {
    let row = NewRow { repo_pk: change.repo.pk, num, title: &new.title, status, author_pk, base: Some(base) };
    begin(app, conn, &row, new).await.map_err(RefError::Hub)
}

async fn begin(app: &App, conn: &mut PgConnection, row: &NewRow<'_>, new: &NewDiscussion) -> HubResult<i64> {
    let discussion_pk = discussions::insert(&mut *conn, row).await?;
    let placed = place(&mut *conn, row.repo_pk, row.author_pk, &new.description).await?;
    let id = discussions::insert_comment(&mut *conn, discussion_pk, row.author_pk, &new.description).await?;
    let text = format!("{}\n\n{}", new.title, new.description);
    let said = Said { id: &id, author_pk: row.author_pk, text: &text, deed: Some(Deed::Discussion) };
    rules::look_at_comment(app, &mut *conn, said).await?;
    tell(&mut *conn, &id).await?;
    check_placed(app, conn, row.repo_pk, placed).await?;
    Ok(discussion_pk)
}
