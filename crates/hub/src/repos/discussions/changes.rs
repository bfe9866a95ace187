use chrono::{DateTime, Utc};
use serde_json::json;

use super::attachments::{check_placed, place};
use super::open::{checked_comment, checked_title};
use super::{HIDDEN_TITLE, get, get_to_change, may_change, participant, tell};
use crate::app::App;
use crate::db::{self, LockKey};
use crate::error::{HubError, HubResult};
use crate::moderation::rules::{self, Deed, Said};
use crate::repos::access::{Level, RepoRead, RepoWrite};
use crate::repos::changes::undoable_since;
use crate::repos::queries::discussions::{self, Discussion, EventRow, Status};

/// The most comments in a discussion. Its page shows all of them.
const MAX_COMMENTS: i64 = 1_000;
/// How often its title, its status and its threads may change. They are counted apart: who opened it may change them as often as they
/// like, and is not to keep others from commenting by that.
const MAX_CHANGES: i64 = 300;
/// How often a comment may be changed. What it said before is kept.
const MAX_EDITS: i64 = 50;
/// How many hidden comments are forgotten in one transaction.
const BATCH: i64 = 500;

/// Adds a comment and gives its id.
///
/// # Errors
/// 400 for an empty one, 401 or 403 for those who may not, 404 for an unknown discussion.
pub async fn comment(app: &App, read: &RepoRead, num: i64, text: &str) -> HubResult<String> {
    let author_pk = participant(read)?;
    let found = get(app, &read.repo, num).await?;
    check_unlocked(read, &found)?;
    let text = required(text)?;
    let mut tx = app.begin().await?;
    lock(&mut tx, &found).await?;
    check_room(&mut tx, &found).await?;
    let id = insert(app, &mut tx, (read.repo.pk, &found), author_pk, &text).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(id)
}

/// Adds a comment in a transaction, and has those told whom it concerns.
pub(super) async fn insert(
    app: &App,
    conn: &mut sqlx::PgConnection,
    (repo_pk, found): (i64, &Discussion),
    author_pk: i64,
    text: &str,
) -> HubResult<String> {
    let placed = place(&mut *conn, repo_pk, author_pk, text).await?;
    let id = discussions::insert_comment(&mut *conn, found.discussion_pk, author_pk, text).await?;
    rules::look_at_comment(app, &mut *conn, Said { id: &id, author_pk, text, deed: Some(Deed::Comment) }).await?;
    tell(&mut *conn, &id).await?;
    check_placed(app, conn, repo_pk, placed).await?;
    Ok(id)
}

pub(super) fn check_unlocked(read: &RepoRead, found: &Discussion) -> HubResult<()> {
    if found.locked && read.level < Level::Write {
        return Err(HubError::forbidden(format!(
            "#{} is locked: only those who may write to {} can comment, or change what was said.",
            found.num, read.repo.id
        )));
    }
    Ok(())
}

/// Whether another change of a thread is noted.
pub(super) async fn has_room(conn: &mut sqlx::PgConnection, found: &Discussion) -> HubResult<bool> {
    let counts = discussions::count_events(conn, found.discussion_pk).await?;
    Ok(counts.comments < MAX_COMMENTS && counts.changes < MAX_CHANGES)
}

/// Refuses another comment in a full discussion.
pub(super) async fn check_room(conn: &mut sqlx::PgConnection, found: &Discussion) -> HubResult<()> {
    if discussions::count_events(conn, found.discussion_pk).await?.comments >= MAX_COMMENTS {
        return Err(HubError::bad_request(format!("#{} is full: open a new discussion to go on.", found.num)));
    }
    Ok(())
}

/// Refuses to rename or open what was changed too often.
async fn check_changes(conn: &mut sqlx::PgConnection, found: &Discussion) -> HubResult<()> {
    if discussions::count_events(conn, found.discussion_pk).await?.changes >= MAX_CHANGES {
        let text = format!("#{} was changed {MAX_CHANGES} times: open a new discussion to go on.", found.num);
        return Err(HubError::bad_request(text));
    }
    Ok(())
}

pub(super) fn required(text: &str) -> HubResult<String> {
    let text = checked_comment(text)?;
    if text.is_empty() {
        return Err(HubError::bad_request("A comment cannot be empty.").at("comment"));
    }
    Ok(text)
}

pub(super) async fn lock(conn: &mut sqlx::PgConnection, found: &Discussion) -> HubResult<(Status, String)> {
    let missing = || HubError::not_found(format!("There is no discussion #{} here.", found.num));
    discussions::lock(conn, found.discussion_pk).await?.ok_or_else(missing)
}

async fn find_comment(app: &App, found: &Discussion, id: &str) -> HubResult<EventRow> {
    let event = discussions::find_event(&app.pool, found.discussion_pk, &id.to_ascii_lowercase()).await?;
    let event = event.filter(|event| event.kind == "comment");
    event.ok_or_else(|| HubError::not_found(format!("There is no such comment in #{}.", found.num)))
}

/// A comment that the viewer may change.
async fn own_comment(app: &App, read: &RepoRead, num: i64, id: &str) -> HubResult<(Discussion, EventRow)> {
    participant(read)?;
    let found = get(app, &read.repo, num).await?;
    let event = find_comment(app, &found, id).await?;
    if !may_change(read, event.author_pk) {
        return Err(HubError::forbidden("Only who wrote a comment and those who may write to the repository can change it."));
    }
    Ok((found, event))
}

/// Changes a comment, which only who wrote it may: nobody puts words into another's mouth. What it said is kept.
///
/// # Errors
/// 400 for an empty text, 403 for those who may not or of a hidden comment, 404 for an unknown one.
pub async fn edit_comment(app: &App, read: &RepoRead, num: i64, id: &str, text: &str) -> HubResult<()> {
    let editor_pk = participant(read)?;
    let (found, event) = own_comment(app, read, num, id).await?;
    check_unlocked(read, &found)?;
    if event.author_pk != Some(editor_pk) {
        return Err(HubError::forbidden("Only who wrote a comment can change it."));
    }
    if event.hidden {
        return Err(HubError::forbidden("This comment is hidden and cannot be changed."));
    }
    let text = required(text)?;
    if text == event.body {
        return Ok(());
    }
    let mut tx = app.begin().await?;
    lock(&mut tx, &found).await?;
    if discussions::count_edits(&mut tx, event.event_pk).await? >= MAX_EDITS {
        return Err(HubError::bad_request(format!("A comment can be changed {MAX_EDITS} times. Write a new one.")));
    }
    let placed = place(&mut tx, read.repo.pk, editor_pk, &text).await?;
    discussions::edit_comment(&mut tx, event.event_pk, &text).await?;
    let said = Said { id: &event.public_id, author_pk: editor_pk, text: &text, deed: None };
    rules::look_at_comment(app, &mut tx, said).await?;
    check_placed(app, &mut tx, read.repo.pk, placed).await?;
    tx.commit().await?;
    Ok(())
}

/// Hides a comment. Who wrote it hides it for good, also when others have hidden it: its text is not kept. When somebody else does who may
/// write, it can be shown again for as long as anything can be undone.
///
/// # Errors
/// 403 for those who may not, and for others than writers in a locked discussion, 404 for an unknown comment.
pub async fn hide_comment(app: &App, read: &RepoRead, num: i64, id: &str) -> HubResult<()> {
    let user_pk = participant(read)?;
    let (found, event) = own_comment(app, read, num, id).await?;
    check_unlocked(read, &found)?;
    let mut tx = app.begin().await?;
    lock(&mut tx, &found).await?;
    if event.author_pk == Some(user_pk) {
        erase(&mut tx, event.event_pk).await?;
    } else {
        discussions::hide_comment(&mut tx, event.event_pk).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn erase(conn: &mut sqlx::PgConnection, event_pk: i64) -> sqlx::Result<()> {
    discussions::erase_comment(&mut *conn, event_pk).await?;
    discussions::forget_snippet(conn, event_pk).await
}

/// Shows a comment again that somebody hid who may write, and did not write it.
///
/// # Errors
/// 404 for an unknown comment, 409 for one whose text is gone, or that moderators hid, too.
pub async fn show_comment(app: &App, write: &RepoWrite, num: i64, id: &str) -> HubResult<()> {
    participant(write)?;
    let found = get(app, &write.repo, num).await?;
    let event = find_comment(app, &found, id).await?;
    let mut tx = app.begin().await?;
    // What moderators decide at the same time reaches it, before it is shown or afterwards.
    db::lock(&mut tx, LockKey::Moderate).await?;
    lock(&mut tx, &found).await?;
    if !discussions::show_comment(&mut tx, event.event_pk, undoable_since(app)).await? {
        return Err(HubError::conflict(
            "This comment cannot be shown again: it is shown already, its text is gone, or moderators of this hub hid it, too.",
        ));
    }
    tx.commit().await?;
    Ok(())
}

/// Forgets what comments said that were hidden before a time by those who may write: a part of a periodic job.
///
/// # Errors
/// The database does not answer.
pub async fn forget_hidden(app: &App, before: DateTime<Utc>) -> HubResult<()> {
    loop {
        let mut tx = app.begin().await?;
        let found = discussions::lock_kept(&mut tx, before, BATCH).await?;
        for event_pk in &found {
            erase(&mut tx, *event_pk).await?;
        }
        tx.commit().await?;
        if found.is_empty() {
            return Ok(());
        }
    }
}

/// Gives a discussion another title, and the id of what was noted about it.
///
/// # Errors
/// 400 for no title or the same one, 403 for those who may not, 404 for an unknown discussion.
pub async fn rename(app: &App, read: &RepoRead, num: i64, title: &str) -> HubResult<String> {
    let found = get_to_change(app, read, num).await?;
    check_unlocked(read, &found)?;
    let title = checked_title(title)?;
    let mut tx = app.begin().await?;
    let (_, from) = lock(&mut tx, &found).await?;
    if from == HIDDEN_TITLE {
        return Err(HubError::forbidden("Moderators hid the title: it stays so until they take that back. You can appeal."));
    }
    if from == title {
        return Err(HubError::bad_request(format!("That is the title of #{num} already.")).at("title"));
    }
    check_room(&mut tx, &found).await?;
    check_changes(&mut tx, &found).await?;
    discussions::set_title(&mut tx, found.discussion_pk, &title).await?;
    let payload = json!({ "from": from, "to": title });
    let id = discussions::insert_change(&mut tx, found.discussion_pk, Some(participant(read)?), "title-change", payload).await?;
    tx.commit().await?;
    Ok(id)
}

/// Opens or closes a discussion, with a comment if there is one, and gives the id of what was noted about it. A draft is opened, too.
///
/// # Errors
/// 400 for a status that is no choice or a full discussion, 403 for those who may not, 404 for an unknown discussion, 409 for a merged one.
pub async fn set_status(app: &App, read: &RepoRead, num: i64, status: Status, text: &str) -> HubResult<String> {
    let found = get_to_change(app, read, num).await?;
    if matches!(status, Status::Draft | Status::Merged) {
        return Err(HubError::bad_request("The status can be set to `open` or `closed`."));
    }
    let text = checked_comment(text)?;
    let author_pk = participant(read)?;
    let mut tx = app.begin().await?;
    let (now, _) = lock(&mut tx, &found).await?;
    if now == Status::Merged {
        return Err(HubError::conflict(format!("#{num} is merged: that cannot be taken back here.")));
    }
    if now == status {
        return Err(HubError::bad_request(format!("#{num} is {} already.", status.as_str())));
    }
    // It can always be closed.
    if status == Status::Open || !text.is_empty() {
        check_unlocked(read, &found)?;
        check_room(&mut tx, &found).await?;
    }
    if status == Status::Open {
        check_changes(&mut tx, &found).await?;
    }
    if !text.is_empty() {
        insert(app, &mut tx, (read.repo.pk, &found), author_pk, &text).await?;
    }
    discussions::set_status(&mut tx, found.discussion_pk, status, None).await?;
    let payload = json!({ "status": status.as_str() });
    let id = discussions::insert_change(&mut tx, found.discussion_pk, Some(author_pk), "status-change", payload).await?;
    tell(&mut tx, &id).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(id)
}

/// Pins a discussion, or locks it; `None` leaves a setting as it is.
///
/// # Errors
/// 404 for an unknown discussion.
pub async fn set_flags(app: &App, write: &RepoWrite, num: i64, pinned: Option<bool>, locked: Option<bool>) -> HubResult<()> {
    participant(write)?;
    let found = get(app, &write.repo, num).await?;
    let mut tx = app.begin().await?;
    lock(&mut tx, &found).await?;
    discussions::set_flags(&mut tx, found.discussion_pk, pinned, locked).await?;
    tx.commit().await?;
    Ok(())
}
