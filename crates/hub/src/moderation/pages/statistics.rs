//! `/moderation/statistics`: what was reported and decided, in numbers, and as files.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{PATH, Tab, tabs};
use crate::accounts::page::PageRequest;
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{HubError, HubResult};
use crate::moderation::queries::lists;
use crate::moderation::roles::moderator;
use crate::moderation::statistics::{self, DAYS, Statistics};
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "moderation/statistics.html")]
struct StatisticsPage {
    layout: Layout,
    navigation: SettingsNavigation,
    tabs: Vec<Tab>,
    spans: [i32; 3],
    numbers: Statistics,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/moderation/statistics", crate::web::read().to(show))
        .route("/moderation/statistics/export", crate::web::read().to(export));
}

async fn numbers(page: &PageRequest) -> HubResult<Statistics> {
    let days = page.query().number("days")?.and_then(|days| i32::try_from(days).ok());
    statistics::count(&page.app, days.unwrap_or(DAYS[0])).await
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let shown = StatisticsPage {
        layout: page.layout("Moderation in numbers"),
        navigation: SettingsNavigation::new(user, PATH),
        tabs: tabs("/moderation/statistics", lists::count_waiting(&page.app.pool).await?),
        spans: DAYS,
        numbers: numbers(&page).await?,
    };
    page.show(shown).await
}

async fn export(page: PageRequest) -> HubResult<HttpResponse> {
    moderator(&page)?;
    let query = page.query();
    let as_table = match query.get("format") {
        Some("csv") => true,
        Some("json") | None => false,
        Some(_) => return Err(HubError::bad_request("The format can be `csv` or `json`.")),
    };
    let (text, name) = match query.get("by") {
        Some("quarter") => {
            let rows = statistics::count_by_quarter(&page.app).await?;
            let text = if as_table { statistics::quarters_csv(&rows) } else { statistics::quarters_json(&rows).to_string() };
            (text, "transparency")
        }
        None => {
            let numbers = numbers(&page).await?;
            (if as_table { numbers.csv() } else { numbers.json().to_string() }, "moderation")
        }
        Some(_) => return Err(HubError::bad_request("What is counted can be grouped `by=quarter`, or not at all.")),
    };
    let (kind, ending) = if as_table { ("text/csv; charset=utf-8", "csv") } else { ("application/json", "json") };
    let mut response = HttpResponse::Ok();
    response
        .content_type(kind)
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{ending}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.body(text))
}
