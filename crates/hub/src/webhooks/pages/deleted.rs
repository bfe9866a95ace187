//! `/settings/deleted/webhooks`: those that can still be restored.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::PATH;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{ErrorKind, HubResult};
use crate::repos::changes::deleted::restorable_until;
use crate::web::filters;
use crate::web::form::Refusal;
use crate::web::layout::Layout;
use crate::webhooks::deleted;

/// The page.
#[derive(Debug, Template)]
#[template(path = "webhooks/deleted.html")]
struct DeletedPage {
    layout: Layout,
    navigation: SettingsNavigation,
    /// For how many days they can be restored.
    days: u64,
    /// Why one could not be restored.
    error: Option<String>,
    /// The last deleted first.
    webhooks: Vec<DeletedItem>,
}

/// A deleted webhook.
#[derive(Debug)]
struct DeletedItem {
    id: String,
    url: String,
    deleted_at: DateTime<Utc>,
    until: DateTime<Utc>,
}

pub(super) async fn show_deleted(page: PageRequest) -> HubResult<HttpResponse> {
    show(&page, Refusal::default()).await
}

async fn show(page: &PageRequest, refusal: Refusal) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let found = deleted::list(&page.app, user).await?;
    let item = |row: crate::webhooks::queries::deleted::DeletedWebhook| DeletedItem {
        until: restorable_until(&page.app, row.deleted_at),
        id: row.id,
        url: row.url,
        deleted_at: row.deleted_at,
    };
    let shown = DeletedPage {
        layout: page.layout("Deleted webhooks"),
        navigation: SettingsNavigation::new(user, "/settings/deleted"),
        days: page.app.config.undo_days,
        error: refusal.message_elsewhere(&[]),
        webhooks: found.into_iter().map(item).collect(),
    };
    page.show_with(refusal.status, shown).await
}

pub(super) async fn post_restore(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    match deleted::restore(&page.app, user, &path).await {
        Ok(url) => {
            let said = format!("The webhook to {url} is back, with its secret and what it watches.");
            Ok(page.redirect_saying(&format!("{PATH}/{}", path.as_str()), &said))
        }
        Err(error) if error.kind() == ErrorKind::Conflict => show(&page, Refusal::of(error)?).await,
        Err(error) => Err(error),
    }
}
