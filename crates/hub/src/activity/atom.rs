//! `/{user or organisation}/-/activity.atom`: what they do in public.

use actix_web::{HttpResponse, web};

use super::feed;
use crate::accounts::Viewer;
use crate::accounts::page::PageRequest;
use crate::accounts::queries::find_namespace;
use crate::error::{HubError, HubResult};
use crate::web::atom::{Feed, FeedEntry};

/// How many entries a feed has.
const LEN: usize = 50;

/// Mounts it before the pages of repositories.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/{namespace}/-/activity.atom", crate::web::read().to(show_activity));
}

async fn show_activity(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let missing = || HubError::not_found("There is no user or organization of this name.");
    hub_types::check_name(&path).map_err(|_| missing())?;
    let found = find_namespace(&mut *page.app.pool.acquire().await?, &path).await?.ok_or_else(missing)?;
    // Feeds go to programs that keep no secrets: they tell what everybody may know.
    let done = feed::of_namespace(&page.app, &Viewer::ANONYMOUS, found.namespace_pk, LEN).await?;
    let entries = done.entries.iter().map(|entry| FeedEntry {
        title: format!("{} {} {}", entry.actor, entry.verb, entry.object()),
        href: page.base.join(&entry.href()),
        tag: entry.at.timestamp_micros().to_string(),
        author: entry.actor.clone(),
        at: entry.at,
    });
    let feed = Feed {
        title: format!("What {} does", found.name),
        href: page.base.join(&format!("/{}/-/activity.atom", found.name)),
        page: page.base.join(&format!("/{}", found.name)),
        entries: entries.collect(),
    };
    Ok(feed.respond())
}
