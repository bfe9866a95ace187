use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

use super::super::context::{header_of, layout_of};
use super::super::view::{RepoHeader, RepoTab};
use super::{author_name, num_of};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::RepoRead;
use crate::repos::discussions::{What, details};
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::layout::Layout;

/// What a comment says, and what it said before.
#[derive(Debug, Template)]
#[template(path = "repos/discussions/history.html")]
struct HistoryPage {
    layout: Layout,
    header: RepoHeader,
    author: String,
    /// The comment.
    href: String,
    title: String,
    num: i64,
    /// The latest first.
    versions: Vec<Version>,
}

/// What it said from a moment on.
#[derive(Debug)]
struct Version {
    at: DateTime<Utc>,
    text: String,
    current: bool,
}

pub(super) async fn show_history(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let (num, id) = (num_of(page.http())?, raw_param(page.http(), "comment").to_ascii_lowercase());
    let found = details(&page.app, &read.repo, num).await?;
    let missing = || HubError::not_found(format!("There is no such comment in #{num}."));
    let event = found.events.into_iter().find(|event| event.id == id).ok_or_else(missing)?;
    let What::Comment { body, hidden: false, edited_at, history } = event.what else { return Err(missing()) };
    let (header, _) = header_of(&page, &read, RepoTab::Community).await?;
    let earlier = history.into_iter().map(|edit| Version { at: edit.created_at, text: edit.body, current: false });
    let now = Version { at: edited_at.unwrap_or(event.created_at), text: body, current: true };
    let mut versions: Vec<Version> = earlier.chain([now]).collect();
    versions.reverse();
    let shown = HistoryPage {
        layout: layout_of(&page, &read.repo, &format!("Edits of a comment · #{num}")),
        author: author_name(event.author.as_deref()),
        href: format!("{}/discussions/{num}#{id}", header.href()),
        title: found.discussion.title,
        num,
        versions,
        header,
    };
    page.show(shown).await
}
