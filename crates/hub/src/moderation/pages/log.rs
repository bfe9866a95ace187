//! `/moderation/log`: what moderators did, and taking it back; `/moderation/appeals`: what others say about that.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::{PATH, Tab, tabs};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{HubError, HubResult};
use crate::moderation::acts::{self, Act};
use crate::moderation::appeals;
use crate::moderation::category::Category;
use crate::moderation::queries::ActRow;
use crate::moderation::queries::appeals::{WaitingRow, list_waiting};
use crate::moderation::queries::lists;
use crate::moderation::replies::{self, Use};
use crate::moderation::roles::moderator;
use crate::web::cursor::one_more;
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::form::Choice;
use crate::web::layout::Layout;

/// How many acts a page shows.
const PAGE_LEN: usize = 50;

/// The log.
#[derive(Debug, Template)]
#[template(path = "moderation/log.html")]
struct LogPage {
    layout: Layout,
    navigation: SettingsNavigation,
    tabs: Vec<Tab>,
    acts: Vec<ActView>,
    previous: Option<String>,
    next: Option<String>,
}

/// What waits for a second look.
#[derive(Debug, Template)]
#[template(path = "moderation/appeals.html")]
struct AppealsPage {
    layout: Layout,
    navigation: SettingsNavigation,
    tabs: Vec<Tab>,
    appeals: Vec<WaitingRow>,
    /// What those who run the hub wrote beforehand.
    replies: Vec<Choice>,
}

impl WaitingRow {
    /// What was done.
    pub fn done(&self) -> &'static str {
        Act::done(&self.act)
    }
}

/// An act in a list.
#[derive(Debug)]
pub(super) struct ActView {
    /// The key.
    pub act_pk: i64,
    /// Its case.
    pub case_pk: Option<i64>,
    /// What was done.
    pub done: &'static str,
    /// To what.
    pub subject: String,
    /// Its page.
    pub href: String,
    /// Who did it.
    pub moderator: String,
    /// What was wrong.
    pub category: &'static str,
    /// The public sentence.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it was taken back.
    pub undone: bool,
    /// Whether it can be.
    pub can_undo: bool,
}

impl ActView {
    pub(super) fn of(row: ActRow) -> Self {
        Self {
            can_undo: !row.undone && !matches!(row.act.as_str(), "dismiss" | "restore"),
            act_pk: row.act_pk,
            case_pk: row.case_pk,
            done: Act::done(&row.act),
            subject: row.subject,
            href: row.href,
            moderator: row.moderator,
            category: Category::label_of(&row.category),
            reason: row.reason,
            at: row.created_at,
            undone: row.undone,
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/moderation/log", crate::web::read().to(show_log))
        .route("/moderation/acts/{act}/undo", web::post().to(undo))
        .route("/moderation/appeals", crate::web::read().to(show_appeals))
        .route("/moderation/appeals/{appeal}", web::post().to(decide));
}

async fn show_log(page: PageRequest) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let before = page.query().number("before")?.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    let pool = &page.app.pool;
    let mut rows = lists::list_acts(pool, None, before.unwrap_or(i64::MAX), one_more(PAGE_LEN)).await?;
    let more = rows.len() > PAGE_LEN;
    rows.truncate(PAGE_LEN);
    let last = rows.last().map(|row| row.act_pk).filter(|_| more);
    let shown = LogPage {
        layout: page.layout("Log of the moderators"),
        navigation: SettingsNavigation::new(user, PATH),
        tabs: tabs("/moderation/log", lists::count_waiting(pool).await?),
        acts: rows.into_iter().map(ActView::of).collect(),
        previous: before.map(|_| "/moderation/log".to_owned()),
        next: last.map(|last| format!("/moderation/log?before={last}")),
    };
    page.show(shown).await
}

async fn undo(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let act_pk = raw_param(page.http(), "act").parse().map_err(|_| HubError::not_found("There is no such act."))?;
    acts::undo(&page.app, user, act_pk, form.text("reason")).await?;
    Ok(page.redirect_saying("/moderation/log", "Taken back: it is as it was before."))
}

async fn show_appeals(page: PageRequest) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let pool = &page.app.pool;
    let shown = AppealsPage {
        layout: page.layout("Appeals"),
        navigation: SettingsNavigation::new(user, PATH),
        tabs: tabs("/moderation/appeals", lists::count_waiting(pool).await?),
        appeals: list_waiting(pool, one_more(PAGE_LEN)).await?,
        replies: replies::choices(&page.app, Use::Appeal, "").await?,
    };
    page.show(shown).await
}

async fn decide(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let appeal_pk = raw_param(page.http(), "appeal").parse().map_err(|_| HubError::not_found("There is no such appeal."))?;
    let granted = match form.text("decision") {
        "grant" => true,
        "uphold" => false,
        _ => return Err(HubError::bad_request("Choose whether the decision stands or is taken back.")),
    };
    let answer = replies::compose(&page.app, Use::Appeal, form.text("reply"), form.text("answer")).await?;
    appeals::decide(&page.app, user, appeal_pk, granted, &answer).await?;
    let said = if granted { "Granted: the decision is taken back." } else { "The decision stands." };
    Ok(page.redirect_saying("/moderation/appeals", said))
}
