//! `/moderation/log`: what moderators did, and taking it back; `/moderation/appeals`: what others say about that.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::{PATH, Tab, tabs};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::moderation::acts::{self, Act};
use crate::moderation::appeals;
use crate::moderation::bulk::{self, Part, Standing};
use crate::moderation::category::Category;
use crate::moderation::queries::ActRow;
use crate::moderation::queries::appeals::{WaitingRow, list_waiting};
use crate::moderation::queries::bulk::list_batch;
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
    /// Whether only what was done at once is asked for.
    is_bulk: bool,
    /// What was done at once, if there is such a thing.
    bulk: Option<BulkView>,
    acts: Vec<ActView>,
    previous: Option<String>,
    next: Option<String>,
}

/// What was done at once.
#[derive(Debug)]
struct BulkView {
    /// Its number.
    batch: i64,
    /// How many acts it has.
    acts: usize,
    /// How they stand.
    standing: Standing,
}

impl BulkView {
    fn of(app: &App, batch: i64, rows: &[ActRow]) -> Option<Self> {
        (!rows.is_empty()).then(|| Self { batch, acts: rows.len(), standing: Standing::of(app, rows) })
    }

    /// What is asked before all of it is taken back.
    fn question(&self) -> String {
        match self.standing.standing {
            1 => "Take back the one act that can be? It will be as it was before.".to_owned(),
            many => format!("Take {many} acts back? All of it will be as it was before."),
        }
    }
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
    /// What it was done with at once.
    pub part: Option<Part>,
}

impl ActView {
    fn of(row: ActRow, part: Option<Part>) -> Self {
        Self {
            can_undo: !row.undone && row.does_something(),
            part,
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

/// Acts in a list, each with what it was done with at once.
pub(super) async fn views(pool: &PgPool, rows: Vec<ActRow>) -> HubResult<Vec<ActView>> {
    let batches: Vec<i64> = rows.iter().filter_map(|row| row.batch).collect();
    let parts = bulk::parts(pool, &batches).await?;
    let part_of = |row: &ActRow| row.batch.and_then(|batch| parts.get(&batch).copied());
    Ok(rows
        .into_iter()
        .map(|row| {
            let part = part_of(&row);
            ActView::of(row, part)
        })
        .collect())
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/moderation/log", crate::web::read().to(show_log))
        .route("/moderation/acts/{act}/undo", web::post().to(undo))
        .route("/moderation/bulk/{batch}/undo", web::post().to(undo_all))
        .route("/moderation/appeals", crate::web::read().to(show_appeals))
        .route("/moderation/appeals/{appeal}", web::post().to(decide));
}

async fn show_log(page: PageRequest) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let before = page.query().number("before")?.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    let batch = page.query().number("bulk")?.map(|batch| i64::try_from(batch).unwrap_or(i64::MAX));
    let pool = &page.app.pool;
    let mut rows = match batch {
        Some(batch) => list_batch(pool, batch, one_more(PAGE_LEN)).await?,
        None => lists::list_acts(pool, None, before.unwrap_or(i64::MAX), one_more(PAGE_LEN)).await?,
    };
    let more = rows.len() > PAGE_LEN;
    rows.truncate(PAGE_LEN);
    let last = rows.last().map(|row| row.act_pk).filter(|_| more);
    let shown = LogPage {
        layout: page.layout("Log of the moderators"),
        navigation: SettingsNavigation::new(user, PATH),
        tabs: tabs("/moderation/log", lists::count_waiting(pool).await?),
        is_bulk: batch.is_some(),
        bulk: batch.and_then(|batch| BulkView::of(&page.app, batch, &rows)),
        acts: views(pool, rows).await?,
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

async fn undo_all(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let batch = raw_param(page.http(), "batch").parse().map_err(|_| HubError::not_found("There is no such bulk act."))?;
    let outcome = bulk::undo_all(&page.app, user, batch, form.text("reason")).await?;
    Ok(page.redirect_saying(&bulk::path_of(batch), &outcome.in_words()))
}

async fn show_appeals(page: PageRequest) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let pool = &page.app.pool;
    let shown = AppealsPage {
        layout: page.layout("Appeals"),
        navigation: SettingsNavigation::new(user, PATH),
        tabs: tabs("/moderation/appeals", lists::count_waiting(pool).await?),
        appeals: list_waiting(pool, user.pk, one_more(PAGE_LEN)).await?,
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
