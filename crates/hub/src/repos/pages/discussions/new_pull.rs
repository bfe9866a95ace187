use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::super::context::{header_of, layout_of};
use super::super::snippets::{pull_commands, upload_command};
use super::super::view::{RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::repos::discussions::{NewDiscussion, may_propose, open_pull_request_once, turned_off};
use crate::repos::queries::discussions::are_disabled;
use crate::repos::{RepoContent, RepoRead};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;
use crate::web::links::encode_segment;

/// The ways to propose a change, and the form that opens an empty pull request.
#[derive(Debug, Template)]
#[template(path = "repos/discussions/new_pull.html")]
struct NewPullPage {
    layout: Layout,
    header: RepoHeader,
    /// Where files are chosen to be edited.
    tree_href: String,
    /// What uploads a folder as a pull request.
    upload_command: String,
    /// What pushes to one, with `N` for its number.
    push_commands: String,
    title: Field,
    description: Field,
    error: Option<String>,
}

pub(super) async fn show_form(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let content = allowed(&page, read).await?;
    show(&page, &content, ("", ""), Refusal::default()).await
}

async fn allowed(page: &PageRequest, read: RepoRead) -> HubResult<RepoContent> {
    page.require_session()?;
    let content = may_propose(&page.app, read).await.map_err(HubError::of_proposal)?;
    match are_disabled(&page.app.pool, content.repo.pk).await? {
        true => Err(turned_off(&content.repo)),
        false => Ok(content),
    }
}

async fn show(page: &PageRequest, content: &RepoContent, typed: (&str, &str), refusal: Refusal) -> HubResult<HttpResponse> {
    let (header, _) = header_of(page, content, RepoTab::Community).await?;
    let description = Field::new("description", "What shall it change?").value(typed.1).hint("Markdown.");
    let status: StatusCode = refusal.status;
    let shown = NewPullPage {
        layout: layout_of(page, &content.repo, "New pull request"),
        tree_href: format!("{}/tree/{}", header.href(), encode_segment(&header.default_branch)),
        upload_command: upload_command(&header),
        push_commands: pull_commands(&header, "N"),
        title: refusal.mark(Field::new("title", "Title").value(typed.0)),
        description: description.error(refusal.message_at("comment")),
        error: refusal.message_elsewhere(&["title", "comment"]),
        header,
    };
    page.show_with(status, shown).await
}

pub(super) async fn post_form(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    let content = allowed(&page, read).await?;
    let typed = (form.text("title"), form.text("description"));
    match open(&page, &content, typed).await {
        Ok(num) => Ok(page.redirect(&format!("{}/discussions/{num}", content.repo.path()))),
        Err(error) => show(&page, &content, typed, Refusal::keeping(error)?).await,
    }
}

async fn open(page: &PageRequest, content: &RepoContent, (title, description): (&str, &str)) -> HubResult<i64> {
    open_pull_request_once(&page.app, content, &NewDiscussion::new(title, description)?).await
}
