use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::super::context::{header_of, layout_of};
use super::super::view::{RepoHeader, RepoTab};
use super::attachments::CommentForm;
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::RepoRead;
use crate::repos::discussions::{NewDiscussion, open_discussion, participant};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The form that opens a discussion.
#[derive(Debug, Template)]
#[template(path = "repos/discussions/new.html")]
struct NewPage {
    layout: Layout,
    header: RepoHeader,
    title: Field,
    description: Field,
    /// Whether pull requests are offered, too.
    proposes: bool,
    error: Option<String>,
}

pub(super) async fn show_form(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    page.require_session()?;
    participant(&read)?;
    show(&page, &read, ("", ""), Refusal::default()).await
}

async fn show(page: &PageRequest, read: &RepoRead, typed: (&str, &str), refusal: Refusal) -> HubResult<HttpResponse> {
    let (header, _) = header_of(page, read, RepoTab::Community).await?;
    let description = Field::new("description", "What is it about?").value(typed.1);
    let status: StatusCode = refusal.status;
    let shown = NewPage {
        layout: layout_of(page, &read.repo, "New discussion"),
        title: refusal.mark(Field::new("title", "Title").value(typed.0)),
        description: description.error(refusal.message_at("comment")).hint("Markdown. `@name` leads to somebody's page."),
        proposes: read.barrier(&page.app).await?.is_none(),
        error: refusal.message_elsewhere(&["title", "comment"]),
        header,
    };
    page.show_with(status, shown).await
}

pub(super) async fn post_form(page: PageRequest, read: RepoRead, form: CommentForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    participant(&read)?;
    let typed = (form.text("title"), form.text("description"));
    let opened = match form.text_with_files(&page.app, &read, "description").await {
        Ok(description) => open(&page, &read, typed.0, &description).await,
        Err(error) => Err(error),
    };
    match opened {
        Ok(num) => Ok(page.redirect(&format!("{}/discussions/{num}", read.repo.path()))),
        Err(error) => show(&page, &read, typed, Refusal::keeping(error)?).await,
    }
}

async fn open(page: &PageRequest, read: &RepoRead, title: &str, description: &str) -> HubResult<i64> {
    open_discussion(&page.app, read, &NewDiscussion::new(title, description)?).await
}
