//! `/settings/gated-repos`: what the viewer asked for, and what became of it.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::accounts::page::PageRequest;
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::HubResult;
use crate::repos::queries::gating::{OwnRequestRow, RequestStatus, list_own};
use crate::repos::visibility::visible_to;
use crate::web::cursor::{TimeCursor, cut, one_more};
use crate::web::filters;
use crate::web::layout::{Layout, kind_icon};

/// How many requests a page shows.
const PAGE_LEN: usize = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/gated_repos.html")]
struct GatedReposPage {
    layout: Layout,
    navigation: SettingsNavigation,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

/// A request of the viewer's.
#[derive(Debug)]
struct Row {
    icon: &'static str,
    id: String,
    href: String,
    /// Where it stands, in a word and as a kind of badge.
    state: (&'static str, &'static str),
    /// Whether it can be withdrawn.
    waits: bool,
    reason: Option<String>,
    at: DateTime<Utc>,
}

impl Row {
    fn of(row: OwnRequestRow) -> Self {
        let id = format!("{}/{}", row.namespace, row.name);
        Self {
            icon: kind_icon(row.repo_type),
            href: format!("/{}{id}", row.repo_type.url_prefix()),
            id,
            state: match row.status {
                RequestStatus::Pending => ("Waiting", "badge-warning"),
                RequestStatus::Accepted => ("Accepted", "badge-accent"),
                RequestStatus::Rejected => ("Rejected", "badge-danger"),
            },
            waits: row.status == RequestStatus::Pending,
            reason: row.rejection_reason,
            at: row.requested_at,
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/settings/gated-repos", crate::web::read().to(show_requests));
}

async fn show_requests(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let query = page.query();
    let after = TimeCursor::read(&query, "after")?;
    let mut rows = list_own(&page.app.pool, &visible_to(&page.viewer), user.pk, after, one_more(PAGE_LEN)).await?;
    let next = cut(&mut rows, PAGE_LEN, |row| TimeCursor { at: row.requested_at, pk: row.access_request_pk });
    let shown = GatedReposPage {
        layout: page.layout("Gated repositories"),
        navigation: SettingsNavigation::new(user, "/settings/gated-repos"),
        rows: rows.into_iter().map(Row::of).collect(),
        first: query.get("after").map(|_| "/settings/gated-repos".to_owned()),
        next: next.map(|next| format!("/settings/gated-repos?after={}", next.encode())),
    };
    page.show(shown).await
}
