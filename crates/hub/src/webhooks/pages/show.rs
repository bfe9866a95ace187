use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::{Item, PATH};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{HubError, HubResult};
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::layout::Layout;
use crate::webhooks::operations;
use crate::webhooks::queries;
use crate::webhooks::queries::deliveries::{self, LogRow};
use crate::webhooks::watched::Watched;

/// How many deliveries are on a page.
const PAGE: usize = 25;

/// A webhook and its log.
#[derive(Debug, Template)]
#[template(path = "webhooks/show.html")]
struct WebhookPage {
    layout: Layout,
    navigation: SettingsNavigation,
    webhook: Item,
    log: Vec<Line>,
    /// Whether this is the beginning of the log.
    is_newest: bool,
    older: Option<String>,
    newest: Option<String>,
}

/// A line of the log, ready to print.
#[derive(Debug)]
struct Line {
    href: String,
    event: String,
    /// Of the badge, and what it says.
    class: &'static str,
    state: String,
    took: String,
    attempts: i32,
    at: DateTime<Utc>,
}

/// The class of the badge for a delivery, and what it says.
pub(super) fn badge(state: &str, status_code: Option<i32>, attempts: i32) -> (&'static str, String) {
    let code = status_code.map(|code| format!(" {code}")).unwrap_or_default();
    match state {
        "delivered" => ("badge-accent", format!("Delivered{code}")),
        "failed" => ("badge-danger", format!("Failed{code}")),
        _ if attempts > 0 => ("badge-warning", format!("Trying again{code}")),
        _ => ("", "Waiting".to_owned()),
    }
}

impl Line {
    fn new(webhook: &str, row: LogRow) -> Self {
        let (class, state) = badge(&row.state, row.status_code, row.attempts);
        Self {
            href: format!("{PATH}/{webhook}/deliveries/{}", row.id),
            event: row.event,
            class,
            state,
            took: row.duration_ms.map(|ms| format!("{ms} ms")).unwrap_or_default(),
            attempts: row.attempts,
            at: row.created_at,
        }
    }
}

pub(super) async fn show(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let found = operations::get(&page.app, user, &path).await?;
    let before = before(&page)?;
    let limit = one_more(PAGE);
    let mut rows = deliveries::list(&page.app.pool, found.pk, before.unwrap_or(i64::MAX), limit).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let href = format!("{PATH}/{}", found.id);
    let older = rows.last().filter(|_| more).map(|row| format!("{href}?before={}", row.pk));
    let watches = queries::list_watches(&page.app.pool, &[found.pk], &page.viewer.audiences()).await?;
    let shown = WebhookPage {
        layout: page.layout("Webhook"),
        navigation: SettingsNavigation::new(user, PATH),
        log: rows.into_iter().map(|row| Line::new(&found.id, row)).collect(),
        is_newest: before.is_none(),
        older,
        newest: before.map(|_| href),
        webhook: Item::new(found, watches.iter().map(Watched::of).collect()),
    };
    page.show(shown).await
}

fn before(page: &PageRequest) -> HubResult<Option<i64>> {
    let query = page.query();
    let text = query.get("before");
    let refuse = |_| HubError::bad_request("`before` is not one that this list gave. Start again without it.");
    text.map(|text| text.parse().map_err(refuse)).transpose()
}

pub(super) async fn post_switch(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let on = form.text("to") == "on";
    let webhook = operations::switch(&page.app, user, &path, on).await?;
    let said = if on { "Webhook enabled." } else { "Webhook disabled." };
    Ok(page.redirect_saying(&format!("{PATH}/{}", webhook.id), said))
}

pub(super) async fn post_test(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let webhook = operations::ping(&page.app, user, &path).await?;
    Ok(page.redirect_saying(&format!("{PATH}/{}", webhook.id), "A ping is on its way. Reload to see what came back."))
}

pub(super) async fn post_delete(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    operations::delete(&page.app, user, &path).await?;
    let days = page.app.config.undo_days;
    Ok(page.redirect_saying(PATH, &format!("Webhook deleted. It can be restored for {days} days: see Deleted webhooks.")))
}
