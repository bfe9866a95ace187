//! The watch buttons of repositories, users and organisations, and what subscribes to a discussion.

use actix_web::{HttpResponse, web};

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::find_namespace;
use crate::error::{HubError, HubResult};
use crate::notifications::threads::subscribe;
use crate::notifications::watching::{Level, set_level, set_namespace};
use crate::repos::RepoRead;
use crate::web::extract::raw_param;

/// The paths of a repository's pages.
const BASES: [&str; 2] = ["/{repo_type:datasets|spaces}/{namespace}/{name}", "/{namespace}/{name}"];
/// From where it was pressed, if not from the page of what is watched.
const SETTINGS: &str = "/settings/notifications";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    // Of no repository is `-` the name.
    config.route("/{namespace}/-/watch", web::post().to(post_namespace));
    for base in BASES {
        config.route(&format!("{base}/watch"), web::post().to(post_repo));
        config.route(&format!("{base}/discussions/{{num}}/subscription"), web::post().to(post_discussion));
    }
}

async fn post_repo(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let level = match form.text("level") {
        "usual" => None,
        text => Some(Level::parse(text)?),
    };
    set_level(&page.app, &read, level).await?;
    Ok(back(&page, &form, &read.repo.path()))
}

async fn post_discussion(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let missing = || HubError::not_found("There is no such discussion here.");
    let num: i64 = raw_param(page.http(), "num").parse().map_err(|_| missing())?;
    let subscribed = match form.text("subscribed") {
        "yes" => true,
        "no" => false,
        _ => return Err(HubError::bad_request("Choose whether you want to be told of this discussion.")),
    };
    subscribe(&page.app, &read, num, subscribed).await?;
    Ok(page.redirect(&format!("{}/discussions/{num}", read.repo.path())))
}

async fn post_namespace(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let name = raw_param(page.http(), "namespace");
    let missing = || HubError::not_found("There is no user or organization of this name.");
    hub_types::check_name(name).map_err(|_| missing())?;
    let found = find_namespace(&mut *page.app.pool.acquire().await?, name).await?.ok_or_else(missing)?;
    set_namespace(&page.app, &page.viewer, &found, form.text("watch") == "yes").await?;
    Ok(back(&page, &form, &format!("/{}", found.name)))
}

fn back(page: &PageRequest, form: &CheckedForm, to: &str) -> HttpResponse {
    page.redirect(if form.text("from") == "settings" { SETTINGS } else { to })
}
