use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::PATH;
use super::show::badge;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{HubError, HubResult};
use crate::repos::queries::find_repo_or_deleted;
use crate::web::filters;
use crate::web::layout::Layout;
use crate::webhooks::queries::deliveries::Delivery;
use crate::webhooks::{operations, right};

/// A delivery: what was sent and what came back.
#[derive(Debug, Template)]
#[template(path = "webhooks/delivery.html")]
struct DeliveryPage {
    layout: Layout,
    navigation: SettingsNavigation,
    href: String,
    id: String,
    event: String,
    /// Of the badge, and what it says.
    class: &'static str,
    state: String,
    is_waiting: bool,
    /// Whether it can be sent once more.
    can_replay: bool,
    took: Option<i32>,
    attempts: i32,
    next_try_at: DateTime<Utc>,
    tried_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// What is sent, unless its owner may no longer see what it is about.
    payload: Option<String>,
    error: Option<String>,
    answer: String,
}

pub(super) async fn show(page: PageRequest, path: web::Path<(String, String)>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (webhook, id) = path.into_inner();
    let webhook = operations::get(&page.app, user, &webhook).await?;
    let delivery = operations::get_delivery(&page.app, &webhook, &id).await?;
    let repo = match delivery.repo_pk {
        Some(repo_pk) => find_repo_or_deleted(&page.app.pool, repo_pk).await?,
        None => None,
    };
    // Rights may have changed since it was made.
    let may_see = delivery.repo_pk.is_none() || repo.is_some_and(|repo| right::may_hear(user, &repo));
    let payload = match may_see {
        true => Some(serde_json::to_string_pretty(&delivery.payload).map_err(HubError::internal)?),
        false => None,
    };
    let (class, state) = badge(&delivery.state, delivery.status_code, delivery.attempts);
    let is_waiting = delivery.state == "waiting";
    let Delivery { id, event, attempts, next_try_at, tried_at, duration_ms, answer, error, created_at, .. } = delivery;
    let shown = DeliveryPage {
        layout: page.layout("Delivery"),
        navigation: SettingsNavigation::new(user, PATH),
        href: format!("{PATH}/{}", webhook.id),
        id,
        event,
        class,
        state,
        is_waiting,
        can_replay: !is_waiting && !webhook.disabled && may_see,
        took: duration_ms,
        attempts,
        next_try_at,
        tried_at,
        created_at,
        payload,
        error,
        answer,
    };
    page.show(shown).await
}

pub(super) async fn post_replay(
    page: PageRequest,
    path: web::Path<(String, String)>,
    _form: CheckedForm,
) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (webhook, delivery) = path.into_inner();
    let made = operations::replay(&page.app, user, &webhook, &delivery).await?;
    let href = format!("{PATH}/{webhook}/deliveries/{made}");
    Ok(page.redirect_saying(&href, "It is sent again, as a delivery of its own: this one. Reload to see what came back."))
}
