//! `/settings/storage/{owner}`: which repositories of an account or organisation take how much, and what is kept of deleted ones.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::accounts::page::PageRequest;
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::settings::require_admin_of;
use crate::app::App;
use crate::error::HubResult;
use crate::quotas::{
    self,
    queries::held::{self, HeldRow, HeldSums},
};
use crate::repos::changes::deleted::restorable_until;
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::layout::{Layout, kind_word};

/// How many repositories a page shows.
const PAGE_LEN: usize = 50;
/// The last page.
const LAST_PAGE: u64 = 1_000;

/// The page.
#[derive(Debug, Template)]
#[template(path = "site/owner_storage.html")]
struct OwnerStoragePage {
    layout: Layout,
    navigation: SettingsNavigation,
    /// Whose it is.
    owner: String,
    /// Where their deleted repositories are listed.
    deleted_href: String,
    /// For how many days what was deleted is kept.
    days: u64,
    /// All together.
    sums: HeldSums,
    /// What they may hold, in bytes.
    quota: Option<u64>,
    /// When the first deleted one is removed.
    first_freed: Option<DateTime<Utc>>,
    /// Those that hold most first.
    repos: Vec<HeldItem>,
    previous: Option<String>,
    next: Option<String>,
}

/// A repository.
#[derive(Debug)]
struct HeldItem {
    id: String,
    /// Its page; a deleted one has none.
    href: Option<String>,
    kind: &'static str,
    private: bool,
    newest_bytes: i64,
    bytes: i64,
    /// Until when a deleted one can be restored.
    until: Option<DateTime<Utc>>,
}

impl HeldItem {
    fn of(app: &App, owner: &str, row: HeldRow) -> Self {
        let id = format!("{owner}/{}", row.name);
        Self {
            href: row.deleted_at.is_none().then(|| format!("/{}{id}", row.repo_type.url_prefix())),
            kind: kind_word(row.repo_type),
            private: row.private,
            newest_bytes: row.newest_bytes,
            bytes: row.bytes,
            until: row.deleted_at.map(|at| restorable_until(app, at)),
            id,
        }
    }
}

/// Mounts it.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/settings/storage/{owner}", crate::web::read().to(show));
}

async fn show(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (pk, owner, deleted_href) = match path.eq_ignore_ascii_case(&user.name) {
        true => (user.pk, user.name.clone(), "/settings/deleted".to_owned()),
        false => {
            let organization = require_admin_of(&page.app, user, &path).await?;
            let href = format!("/organizations/{}/settings/deleted", organization.name);
            (organization.namespace_pk, organization.name, href)
        }
    };
    let number = page.query().number("page")?.unwrap_or(1).clamp(1, LAST_PAGE);
    let offset = i64::try_from(number - 1).unwrap_or(0).saturating_mul(i64::try_from(PAGE_LEN).unwrap_or(0));
    let mut rows = held::list(&page.app.pool, pk, one_more(PAGE_LEN), offset).await?;
    let more = rows.len() > PAGE_LEN && number < LAST_PAGE;
    rows.truncate(PAGE_LEN);
    let sums = held::sum(&page.app.pool, pk).await?;
    let quota = quotas::list_limits(&page.app, &[pk]).await?.remove(&pk);
    let at = |number: u64| format!("/settings/storage/{owner}?page={number}");
    let shown = OwnerStoragePage {
        layout: page.layout(format!("Storage of {owner}")),
        navigation: SettingsNavigation::new(user, "/settings/storage"),
        deleted_href,
        days: page.app.config.undo_days,
        quota,
        first_freed: sums.first_deleted_at.map(|at| restorable_until(&page.app, at)),
        sums,
        repos: rows.into_iter().map(|row| HeldItem::of(&page.app, &owner, row)).collect(),
        previous: (number > 1).then(|| at(number - 1)),
        next: more.then(|| at(number + 1)),
        owner,
    };
    page.show(shown).await
}
