//! `/api/settings/webhooks`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::operations::{self, Wanted};
use super::queries::{self, Webhook};
use super::right::{Access, keeper};
use super::watched::Watched;
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::extract::{Json, raw_param};

const WEBHOOKS: &str = "/api/settings/webhooks";

/// Mounts the API.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(WEBHOOKS, web::get().to(get_webhooks))
        .route(WEBHOOKS, web::post().to(post_webhooks))
        .route("/api/settings/webhooks/{webhook}", web::get().to(get_webhook))
        .route("/api/settings/webhooks/{webhook}", web::post().to(post_webhook))
        .route("/api/settings/webhooks/{webhook}", web::delete().to(delete_webhook))
        .route("/api/settings/webhooks/{webhook}/enable", web::post().to(post_enable))
        .route("/api/settings/webhooks/{webhook}/disable", web::post().to(post_disable));
}

/// What clients send to make and to change one. To change, Python sends an empty `watched` when nothing was said about it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    url: Option<String>,
    job_source_id: Option<Value>,
    #[serde(default)]
    watched: Vec<Watched>,
    domains: Option<Vec<String>>,
    secret: Option<String>,
}

impl Sent {
    fn wanted(self) -> HubResult<Wanted> {
        if self.job_source_id.is_some_and(|id| !id.is_null()) {
            return Err(HubError::bad_request("This hub runs no Jobs: give the `url` that deliveries go to."));
        }
        Ok(Wanted { url: self.url, watched: self.watched, domains: self.domains, secret: self.secret })
    }
}

/// Webhooks as clients see them. Secrets are shown to those who may change them.
async fn shown(app: &App, viewer: &Viewer, webhooks: &[Webhook]) -> HubResult<Vec<Value>> {
    let may_see_secrets = keeper(viewer, Access::Write).is_ok();
    let keys: Vec<i64> = webhooks.iter().map(|webhook| webhook.pk).collect();
    let watches = queries::list_watches(&app.pool, &keys, &viewer.audiences()).await?;
    let json_of = |webhook: &Webhook| {
        let watched = watches.iter().filter(|row| row.webhook_pk == webhook.pk).map(Watched::of);
        let mut value = json!({
            "id": webhook.id,
            "url": webhook.url,
            "watched": watched.collect::<Vec<_>>(),
            "domains": webhook.domains,
            "disabled": webhook.disabled,
        });
        if let Some(secret) = webhook.secret.as_ref().filter(|_| may_see_secrets) {
            value["secret"] = json!(secret);
        }
        value
    };
    Ok(webhooks.iter().map(json_of).collect())
}

async fn answer(app: &App, viewer: &Viewer, webhook: Webhook) -> HubResult<HttpResponse> {
    let mut shown = shown(app, viewer, &[webhook]).await?;
    Ok(HttpResponse::Ok().json(json!({ "webhook": shown.pop() })))
}

async fn get_webhooks(app: web::Data<App>, viewer: Viewer) -> HubResult<HttpResponse> {
    let user = keeper(&viewer, Access::Read)?;
    let found = queries::list(&app.pool, user.pk).await?;
    Ok(HttpResponse::Ok().json(shown(&app, &viewer, &found).await?))
}

async fn post_webhooks(app: web::Data<App>, viewer: Viewer, body: Json<Sent>) -> HubResult<HttpResponse> {
    let user = keeper(&viewer, Access::Write)?;
    let made = operations::create(&app, &viewer, user, &body.0.wanted()?).await?;
    answer(&app, &viewer, made).await
}

async fn get_webhook(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let user = keeper(&viewer, Access::Read)?;
    let found = operations::get(&app, user, raw_param(&request, "webhook")).await?;
    answer(&app, &viewer, found).await
}

async fn post_webhook(app: web::Data<App>, viewer: Viewer, request: HttpRequest, body: Json<Sent>) -> HubResult<HttpResponse> {
    let user = keeper(&viewer, Access::Write)?;
    let wanted = body.0.wanted()?;
    let changed = operations::change(&app, &viewer, user, raw_param(&request, "webhook"), &wanted).await?;
    answer(&app, &viewer, changed).await
}

async fn delete_webhook(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let user = keeper(&viewer, Access::Write)?;
    operations::delete(&app, user, raw_param(&request, "webhook")).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

async fn post_enable(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let user = keeper(&viewer, Access::Write)?;
    let on = operations::switch(&app, user, raw_param(&request, "webhook"), true).await?;
    answer(&app, &viewer, on).await
}

async fn post_disable(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let user = keeper(&viewer, Access::Write)?;
    let off = operations::switch(&app, user, raw_param(&request, "webhook"), false).await?;
    answer(&app, &viewer, off).await
}
