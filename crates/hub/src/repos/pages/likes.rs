//! The like button's form, and the page of who likes a repository.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::BASES;
use super::context::{header_of, layout_of};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::repos::RepoRead;
use crate::repos::likes::set_like;
use crate::repos::queries::likes::list_likers;
use crate::web::cursor::{TimeCursor, cut, one_more};
use crate::web::filters;
use crate::web::layout::Layout;

/// How many people a page shows.
const PAGE_LEN: usize = 60;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/likers.html")]
struct LikersPage {
    /// The frame.
    layout: Layout,
    /// The head.
    header: RepoHeader,
    /// Who likes it.
    people: Vec<Liker>,
    /// The first page, from a later one.
    first: Option<String>,
    /// The page after.
    next: Option<String>,
}

/// Somebody who likes it.
#[derive(Debug)]
struct Liker {
    name: String,
    fullname: String,
    since: DateTime<Utc>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/like"), web::post().to(post_like))
            .route(&format!("{base}/likers"), crate::web::read().to(show_likers));
    }
}

async fn post_like(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let liked = match form.text("like") {
        "yes" => true,
        "no" => false,
        _ => return Err(HubError::bad_request("Press the button again.")),
    };
    set_like(&page.app, &read, liked).await?;
    Ok(page.redirect(&read.repo.path()))
}

async fn show_likers(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let query = page.query();
    let after = TimeCursor::read(&query, "after")?;
    let mut rows = list_likers(&page.app.pool, read.repo.pk, after, one_more(PAGE_LEN)).await?;
    let next = cut(&mut rows, PAGE_LEN, |row| TimeCursor { at: row.created_at, pk: row.user_pk });
    let (header, _) = header_of(&page, &read, RepoTab::Other).await?;
    let href = format!("{}/likers", header.href());
    let shown = LikersPage {
        layout: layout_of(&page, &read.repo, "Likes"),
        header,
        people: rows.into_iter().map(|row| Liker { name: row.name, fullname: row.fullname, since: row.created_at }).collect(),
        first: query.get("after").map(|_| href.clone()),
        next: next.map(|next| format!("{href}?after={}", next.encode())),
    };
    page.show(shown).await
}
