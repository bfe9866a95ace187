use actix_web::HttpResponse;

use super::attachments::CommentForm;
use super::remarks::Answer;
use super::thread::Again;
use super::{files, num_of, thread};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::discussions::{
    self, comment, edit_comment, hide_comment, participant, react, rename, reply, set_flags, set_status, show_comment,
};
use crate::repos::queries::discussions::Status;
use crate::repos::{RepoAdmin, RepoRead, RepoWrite};
use crate::web::form::Refusal;

/// Leads back to the discussion, or shows it with what was wrong and what was typed.
async fn after<T>(page: &PageRequest, read: &RepoRead, num: i64, typed: &str, done: HubResult<T>) -> HubResult<HttpResponse> {
    match done {
        Ok(_) => Ok(page.redirect(&format!("{}/discussions/{num}", read.repo.path()))),
        // Who may not, or asks for what is not there, gets that page.
        Err(error) if is_for_the_form(&error) && error.kind() != ErrorKind::Forbidden => {
            let again = Again { typed: typed.to_owned(), refusal: Refusal::said(&error), ..Again::default() };
            thread::show(page, read, num, again).await
        }
        Err(error) => Err(error),
    }
}

/// The same after something was done to a comment: leads back to it on the page of changed files, if it was done there.
async fn after_at(
    page: &PageRequest,
    read: &RepoRead,
    (num, id): (i64, &str),
    at: &str,
    done: HubResult<()>,
) -> HubResult<HttpResponse> {
    match done {
        Ok(()) if files::number_at(at).is_some() => Ok(page.redirect(&place_of(read, num, at, id))),
        done => after(page, read, num, "", done).await,
    }
}

pub(super) async fn post_comment(page: PageRequest, read: RepoRead, form: CommentForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    participant(&read)?;
    let num = num_of(page.http())?;
    if !form.text("path").is_empty() {
        return Box::pin(files::post_remark(&page, read, num, &form)).await;
    }
    if !form.text("reply").is_empty() {
        return Box::pin(post_reply(&page, read, num, &form)).await;
    }
    let text = match form.text_with_files(&page.app, &read, "comment").await {
        Ok(text) => text,
        Err(error) => return after::<()>(&page, &read, num, form.text("comment"), Err(error)).await,
    };
    let text = text.as_str();
    // The button beside says that it is to be closed, or opened, as well.
    let done = match form.text("then") {
        "" => comment(&page.app, &read, num, text).await,
        then => set_status(&page.app, &read, num, status_of(then)?, text).await,
    };
    after(&page, &read, num, text, done).await
}

/// Takes an answer in a thread, and leads to it; or shows the page that it was sent from, with what was wrong and what was typed.
async fn post_reply(page: &PageRequest, read: RepoRead, num: i64, form: &CommentForm) -> HubResult<HttpResponse> {
    let (to, at) = (form.text("reply"), form.text("at"));
    let (text, done) = match form.text_with_files(&page.app, &read, "comment").await {
        Ok(text) => {
            let done = reply(&page.app, &read, num, to, &text).await;
            (text, done)
        }
        Err(error) => (form.text("comment").to_owned(), Err(error)),
    };
    let refusal = match done {
        Ok(id) => return Ok(page.redirect(&place_of(&read, num, at, &id))),
        Err(error) if is_for_the_form(&error) => Refusal::said(&error),
        Err(error) => return Err(error),
    };
    let answer = Answer { to: to.to_ascii_lowercase(), text, refusal };
    if let Some(number) = files::number_at(at)
        && read.barrier(&page.app).await?.is_none()
    {
        return Box::pin(files::show_answer(page, read, (num, number), answer)).await;
    }
    Box::pin(thread::show(page, &read, num, Again { answer: Some(answer), ..Again::default() })).await
}

/// Whether a comment on a line, or an answer, was refused for something that can be said beside its form, so that nobody has to type
/// it again.
pub(super) fn is_for_the_form(error: &HubError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BadRequest | ErrorKind::Conflict | ErrorKind::Forbidden | ErrorKind::TooLarge | ErrorKind::TooManyRequests
    )
}

/// Where something is on the page that a form was sent from.
fn place_of(read: &RepoRead, num: i64, at: &str, id: &str) -> String {
    match files::number_at(at) {
        Some(number) => format!("{}#{id}", files::page_href(&read.repo, num, number)),
        None => format!("{}/discussions/{num}#{id}", read.repo.path()),
    }
}

/// Settles a thread, or takes that back.
pub(super) async fn post_resolve(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    participant(&read)?;
    let (num, id) = (num_of(page.http())?, comment_id(form.text("thread"))?);
    let resolved = match form.text("resolved") {
        "yes" => true,
        "no" => false,
        _ => return Err(press_again()),
    };
    discussions::resolve(&page.app, &read, num, id, resolved).await?;
    Ok(page.redirect(&place_of(&read, num, form.text("at"), &format!("thread-{id}"))))
}

fn status_of(text: &str) -> HubResult<Status> {
    match text {
        "open" => Ok(Status::Open),
        "closed" => Ok(Status::Closed),
        _ => Err(press_again()),
    }
}

fn press_again() -> HubError {
    HubError::bad_request("Press the button again.")
}

/// The comment that a form is about.
fn comment_id(typed: &str) -> HubResult<&str> {
    Some(typed).filter(|id| !id.is_empty()).ok_or_else(press_again)
}

pub(super) async fn post_edit(page: PageRequest, read: RepoRead, form: CommentForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    participant(&read)?;
    let (num, id) = (num_of(page.http())?, comment_id(form.text("id"))?);
    let (text, done) = match form.text_with_files(&page.app, &read, "comment").await {
        Ok(text) => {
            let done = edit_comment(&page.app, &read, num, id, &text).await;
            (text, done)
        }
        Err(error) => (form.text("comment").to_owned(), Err(error)),
    };
    let at = form.text("at");
    let refusal = match done {
        Err(error) if is_for_the_form(&error) => Refusal::said(&error),
        done => return after_at(&page, &read, (num, id), at, done).await,
    };
    let edit = Answer { to: id.to_ascii_lowercase(), text, refusal };
    if let Some(number) = files::number_at(at)
        && read.barrier(&page.app).await?.is_none()
    {
        return Box::pin(files::show_edit(&page, read, (num, number), edit)).await;
    }
    Box::pin(thread::show(&page, &read, num, Again { edit: Some(edit), ..Again::default() })).await
}

pub(super) async fn post_hide(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    participant(&read)?;
    let (num, id) = (num_of(page.http())?, comment_id(form.text("id"))?);
    let done = hide_comment(&page.app, &read, num, id).await;
    after_at(&page, &read, (num, id), form.text("at"), done).await
}

pub(super) async fn post_show(page: PageRequest, write: RepoWrite, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    participant(&write)?;
    let (num, id) = (num_of(page.http())?, comment_id(form.text("id"))?);
    let done = show_comment(&page.app, &write, num, id).await;
    after_at(&page, &write, (num, id), form.text("at"), done).await
}

/// `add` or `remove` names the reaction: the buttons say which.
pub(super) async fn post_reaction(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    participant(&read)?;
    let (num, id) = (num_of(page.http())?, comment_id(form.text("id"))?);
    let (reaction, set) = match form.text("remove") {
        "" => (form.text("add"), true),
        reaction => (reaction, false),
    };
    react(&page.app, &read, num, id, reaction, set).await?;
    Ok(page.redirect(&place_of(&read, num, form.text("at"), id)))
}

pub(super) async fn post_delete(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let num = num_of(page.http())?;
    if form.text("delete") != "yes" {
        return Err(press_again());
    }
    discussions::delete(&page.app, &admin, num).await?;
    let days = page.app.config.undo_days;
    let said = format!("#{num} was deleted. It can be restored for {days} days: see History of changes in the settings.");
    Ok(page.redirect_saying(&format!("{}/discussions", admin.repo.path()), &said))
}

pub(super) async fn post_title(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let num = num_of(page.http())?;
    let done = rename(&page.app, &read, num, form.text("title")).await;
    after(&page, &read, num, "", done).await
}

pub(super) async fn post_status(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    participant(&read)?;
    let num = num_of(page.http())?;
    let status = status_of(form.text("status"))?;
    let done = set_status(&page.app, &read, num, status, "").await;
    after(&page, &read, num, "", done).await
}

pub(super) async fn post_flags(page: PageRequest, write: RepoWrite, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let num = num_of(page.http())?;
    let flag = |name: &str| match form.text(name) {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let done = set_flags(&page.app, &write, num, flag("pinned"), flag("locked")).await;
    after(&page, &write, num, "", done).await
}

pub(super) async fn post_merge(page: PageRequest, write: RepoWrite, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let num = num_of(page.http())?;
    let done = discussions::merge(&page.app, &write, num, form.text("comment")).await;
    after(&page, &write, num, "", done).await
}
