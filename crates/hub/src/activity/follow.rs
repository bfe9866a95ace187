//! The follow button's form, and the pages of followers and of those followed.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::accounts::follows::set_follow;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::follows::{FollowRow, list_followers, list_following};
use crate::accounts::queries::{NamespaceRow, find_namespace};
use crate::error::{HubError, HubResult};
use crate::web::cursor::{TimeCursor, cut, one_more};
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::layout::Layout;

/// How many people a page shows.
const PAGE_LEN: usize = 60;

/// Mounts them before the pages of repositories, of which none has such a name.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/{namespace}/-/follow", web::post().to(post_follow))
        .route("/{namespace}/-/followers", crate::web::read().to(show_followers))
        .route("/{namespace}/-/following", crate::web::read().to(show_following));
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "accounts/follows.html")]
struct FollowsPage {
    layout: Layout,
    /// Whose followers, or who follows.
    name: String,
    title: &'static str,
    /// What stands here when there is nobody.
    empty: &'static str,
    people: Vec<Person>,
    first: Option<String>,
    next: Option<String>,
}

/// Somebody who follows or is followed.
#[derive(Debug)]
struct Person {
    name: String,
    fullname: String,
    since: DateTime<Utc>,
}

async fn namespace_of(page: &PageRequest) -> HubResult<NamespaceRow> {
    let name = raw_param(page.http(), "namespace");
    let missing = || HubError::not_found("There is no user or organization of this name.");
    hub_types::check_name(name).map_err(|_| missing())?;
    find_namespace(&mut *page.app.pool.acquire().await?, name).await?.ok_or_else(missing)
}

async fn post_follow(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let namespace = namespace_of(&page).await?;
    set_follow(&page.app, &page.viewer, &namespace, form.text("follow") == "yes").await?;
    Ok(page.redirect(&format!("/{}", namespace.name)))
}

async fn show_followers(page: PageRequest) -> HubResult<HttpResponse> {
    let (namespace, after) = (namespace_of(&page).await?, TimeCursor::read(&page.query(), "after")?);
    let rows = list_followers(&page.app.pool, namespace.namespace_pk, None, after, one_more(PAGE_LEN)).await?;
    let empty = "Nobody follows them yet.";
    show(&page, namespace, "Followers", empty, "followers", rows).await
}

async fn show_following(page: PageRequest) -> HubResult<HttpResponse> {
    let (namespace, after) = (namespace_of(&page).await?, TimeCursor::read(&page.query(), "after")?);
    let rows = list_following(&page.app.pool, namespace.namespace_pk, None, after, one_more(PAGE_LEN)).await?;
    let empty = "They follow nobody yet.";
    show(&page, namespace, "Following", empty, "following", rows).await
}

async fn show(
    page: &PageRequest,
    namespace: NamespaceRow,
    title: &'static str,
    empty: &'static str,
    word: &str,
    mut rows: Vec<FollowRow>,
) -> HubResult<HttpResponse> {
    let href = format!("/{}/-/{word}", namespace.name);
    let next = cut(&mut rows, PAGE_LEN, |row| TimeCursor { at: row.created_at, pk: row.namespace_pk });
    let people = rows.into_iter().map(|row| Person { name: row.name, fullname: row.fullname, since: row.created_at });
    let shown = FollowsPage {
        layout: page.layout(format!("{title} · {}", namespace.name)),
        name: namespace.name,
        title,
        empty,
        people: people.collect(),
        first: page.query().get("after").map(|_| href.clone()),
        next: next.map(|next| format!("{href}?after={}", next.encode())),
    };
    page.show(shown).await
}
