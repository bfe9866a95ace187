//! `/admin/organizations`: all organisations, what they have, and where to go on from there.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::{ConsoleNavigation, Place, Tab, pattern, require_admin, search_text};
use super::queries::lists::{self, OrganizationRow};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::layout::Layout;

/// Organisations of a page.
const PAGE_LEN: usize = 50;
const PATH: &str = "/admin/organizations";

/// The page.
#[derive(Debug, Template)]
#[template(path = "console/organizations.html")]
struct OrganizationsPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// The newest, or the largest.
    tabs: Vec<Tab>,
    /// Whether the largest come first.
    by_size: bool,
    /// What is looked for.
    search: String,
    /// The organisations.
    rows: Vec<OrganizationRow>,
    /// The first page.
    previous: Option<String>,
    /// The page after.
    next: Option<String>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/admin/organizations", crate::web::read().to(show));
}

/// The address of a list.
fn address(search: &str, by_size: bool, after: Option<Place>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if !search.is_empty() {
        query.append_pair("q", search);
    }
    if by_size {
        query.append_pair("sort", "size");
    }
    if let Some(place) = after {
        query.append_pair("after", &place.encode());
    }
    format!("{PATH}?{}", query.finish())
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let query = page.query();
    let search = search_text(&query);
    let by_size = query.get("sort") == Some("size");
    let after = Place::read(&query)?;
    let (pool, place, limit) = (&page.app.pool, after.unwrap_or(Place::START), one_more(PAGE_LEN));
    let mut keys = match (search.as_str(), by_size) {
        ("", false) => lists::list_organizations(pool, place.pk, limit).await?,
        ("", true) => lists::list_largest_organizations(pool, place, limit).await?,
        (text, _) => lists::find_organizations(pool, &pattern(text), by_size, place, limit).await?,
    };
    let more = keys.len() > PAGE_LEN;
    keys.truncate(PAGE_LEN);
    let last = keys.last().copied().filter(|_| more);
    let pks: Vec<i64> = keys.iter().map(|place| place.pk).collect();
    let tab = |by: bool, label| Tab { href: address(&search, by, None), label, count: None, current: by == by_size };
    let shown = OrganizationsPage {
        layout: page.layout("Organizations"),
        navigation: ConsoleNavigation::new(PATH),
        tabs: vec![tab(false, "Newest"), tab(true, "Largest")],
        previous: after.map(|_| address(&search, by_size, None)),
        next: last.map(|place| address(&search, by_size, Some(place))),
        rows: lists::load_organizations(pool, &pks).await?,
        by_size,
        search,
    };
    page.show(shown).await
}
