//! `/settings/webhooks`: one's webhooks, the form for them, and what each has sent.

mod deleted;
mod delivery;
mod edit;
mod show;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::queries::{self, Webhook};
use super::watched::Watched;
use crate::accounts::page::PageRequest;
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::HubResult;
use crate::web::filters;
use crate::web::layout::Layout;

const PATH: &str = "/settings/webhooks";

/// Mounts them.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/webhooks", crate::web::read().to(show_list))
        .route("/settings/webhooks", web::post().to(edit::post_new))
        .route("/settings/webhooks/new", crate::web::read().to(edit::show_new))
        .route("/settings/webhooks/{webhook}", crate::web::read().to(show::show))
        .route("/settings/webhooks/{webhook}", web::post().to(edit::post_edit))
        .route("/settings/webhooks/{webhook}/edit", crate::web::read().to(edit::show_edit))
        .route("/settings/webhooks/{webhook}/switch", web::post().to(show::post_switch))
        .route("/settings/webhooks/{webhook}/test", web::post().to(show::post_test))
        .route("/settings/webhooks/{webhook}/deliveries/{delivery}", crate::web::read().to(delivery::show))
        .route("/settings/webhooks/{webhook}/deliveries/{delivery}/replay", web::post().to(delivery::post_replay))
        .route("/settings/webhooks/{webhook}/delete", web::post().to(show::post_delete))
        .route("/settings/deleted/webhooks", crate::web::read().to(deleted::show_deleted))
        .route("/settings/deleted/webhooks/{webhook}/restore", web::post().to(deleted::post_restore));
}

/// The list.
#[derive(Debug, Template)]
#[template(path = "webhooks/list.html")]
struct WebhooksPage {
    layout: Layout,
    navigation: SettingsNavigation,
    webhooks: Vec<Item>,
}

/// A webhook, ready to print.
#[derive(Debug)]
struct Item {
    id: String,
    url: String,
    watched: Vec<Watched>,
    hears: &'static str,
    has_secret: bool,
    disabled: bool,
    /// Why the hub switched it off.
    stopped: Option<&'static str>,
    failing_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl Item {
    fn new(webhook: Webhook, watched: Vec<Watched>) -> Self {
        let hears = |domain: &str| webhook.domains.iter().any(|one| one == domain);
        Self {
            hears: match (hears("repo"), hears("discussion")) {
                (true, true) => "Changes and discussions",
                (_, false) => "Changes",
                (false, true) => "Discussions",
            },
            stopped: webhook.disabled_because.as_deref().map(|because| match because {
                "behind" => "More deliveries were waiting than the hub keeps, so it was disabled.",
                _ => "Nothing arrived for days, so it was disabled.",
            }),
            failing_since: webhook.failing_since.filter(|_| !webhook.disabled),
            has_secret: webhook.secret.is_some(),
            id: webhook.id,
            url: webhook.url,
            watched,
            disabled: webhook.disabled,
            created_at: webhook.created_at,
        }
    }

    fn href(&self) -> String {
        format!("{PATH}/{}", self.id)
    }
}

async fn show_list(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let found = queries::list(&page.app.pool, user.pk).await?;
    let keys: Vec<i64> = found.iter().map(|webhook| webhook.pk).collect();
    let watches = queries::list_watches(&page.app.pool, &keys, &page.viewer.audiences()).await?;
    let item = |webhook: Webhook| {
        let watched = watches.iter().filter(|row| row.webhook_pk == webhook.pk).map(Watched::of).collect();
        Item::new(webhook, watched)
    };
    let shown = WebhooksPage {
        layout: page.layout("Webhooks"),
        navigation: SettingsNavigation::new(user, PATH),
        webhooks: found.into_iter().map(item).collect(),
    };
    page.show(shown).await
}
