//! `/settings/reports`: what became of somebody's reports, and what was decided about what is theirs.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::accounts::page::PageRequest;
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::HubResult;
use crate::moderation::acts::Act;
use crate::moderation::appeals;
use crate::moderation::category::Category;
use crate::moderation::queries::lists;
use crate::web::filters;
use crate::web::layout::Layout;

/// How many of each are shown.
const MOST: i64 = 100;

/// The page.
#[derive(Debug, Template)]
#[template(path = "moderation/own.html")]
struct OwnPage {
    layout: Layout,
    navigation: SettingsNavigation,
    reports: Vec<ReportView>,
    decisions: Vec<DecisionView>,
}

/// A report of the viewer's.
#[derive(Debug)]
struct ReportView {
    subject: String,
    href: String,
    category: &'static str,
    at: DateTime<Utc>,
    state: &'static str,
}

/// A decision about something of the viewer's.
#[derive(Debug)]
struct DecisionView {
    subject: String,
    done: &'static str,
    category: &'static str,
    reason: String,
    at: DateTime<Utc>,
    /// Where to appeal, unless it was taken back.
    appeal: Option<String>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/settings/reports", crate::web::read().to(show));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let reports = lists::list_own(&page.app.pool, user.pk, MOST).await?;
    // Whoever answers for a namespace may appeal for it.
    let admins = user.memberships.iter().filter(|membership| membership.answers);
    let namespaces: Vec<i64> = admins.map(|membership| membership.namespace_pk).chain([user.pk]).collect();
    let acts = lists::list_acts_about(&page.app.pool, &namespaces, MOST).await?;
    let shown = OwnPage {
        layout: page.layout("Reports"),
        navigation: SettingsNavigation::new(user, "/settings/reports"),
        reports: reports
            .into_iter()
            .map(|row| ReportView {
                subject: row.subject,
                href: row.href,
                category: Category::label_of(&row.category),
                at: row.created_at,
                state: match row.outcome.as_deref() {
                    Some("acted") => "Acted on",
                    Some(_) => "May stay",
                    None => "Waiting",
                },
            })
            .collect(),
        decisions: acts
            .into_iter()
            .map(|act| DecisionView {
                done: Act::done(&act.act),
                category: Category::label_of(&act.category),
                at: act.created_at,
                appeal: (!act.undone).then(|| appeals::path_of(&page.app, act.act_pk)),
                subject: act.subject,
                reason: act.reason,
            })
            .collect(),
    };
    page.show(shown).await
}
