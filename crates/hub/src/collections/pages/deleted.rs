//! Deleted collections that can still be restored.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::collections::deleted;
use crate::error::HubResult;
use crate::repos::changes::deleted::restorable_until;
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::form::Refusal;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "collections/deleted.html")]
struct DeletedPage {
    layout: Layout,
    navigation: SettingsNavigation,
    /// For how many days they can be restored.
    days: u64,
    /// Why one could not be restored.
    error: Option<String>,
    /// The last deleted first.
    collections: Vec<Item>,
}

/// A deleted collection.
#[derive(Debug)]
struct Item {
    public_id: String,
    owner: String,
    title: String,
    private: bool,
    deleted_at: DateTime<Utc>,
    deleted_by: Option<String>,
    until: DateTime<Utc>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/deleted/collections", crate::web::read().to(show_deleted))
        .route("/settings/deleted/collections/{collection}/restore", web::post().to(post_restore));
}

async fn show_deleted(page: PageRequest) -> HubResult<HttpResponse> {
    show(&page, Refusal::default()).await
}

async fn show(page: &PageRequest, refusal: Refusal) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let found = deleted::list(&page.app, &page.viewer).await?;
    let item = |row: crate::collections::queries::deleted::DeletedCollection| Item {
        until: restorable_until(&page.app, row.deleted_at),
        public_id: row.public_id,
        owner: row.namespace,
        title: row.title,
        private: row.private,
        deleted_at: row.deleted_at,
        deleted_by: row.deleted_by,
    };
    let shown = DeletedPage {
        layout: page.layout("Deleted collections"),
        navigation: SettingsNavigation::new(user, "/settings/deleted"),
        days: page.app.config.undo_days,
        error: refusal.message_elsewhere(&[]),
        collections: found.into_iter().map(item).collect(),
    };
    page.show_with(refusal.status, shown).await
}

async fn post_restore(page: PageRequest, _: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    match deleted::restore(&page.app, &page.viewer, raw_param(page.http(), "collection")).await {
        Ok(collection) => {
            let said = format!("{} is back, with what was in it.", collection.title);
            Ok(page.redirect_saying(&collection.path(), &said))
        }
        Err(error) if crate::error::ErrorKind::Conflict == error.kind() => show(&page, Refusal::of(error)?).await,
        Err(error) => Err(error),
    }
}
