//! `/admin/jobs`: background work, and what failed for good: it is tried again, or given up.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::frame::{ConsoleNavigation, Tab, note, require_admin, require_proof, require_reason};
use super::queries::{self, Chosen, JobRow, JobsWanted, KindRow};
use crate::accounts::audit;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::form::Field;
use crate::web::layout::Layout;

/// Jobs of a page.
const PAGE_LEN: usize = 50;
/// The most jobs that one click concerns.
const MOST_AT_ONCE: i64 = 1_000;
/// The longest name of a kind, in characters.
const MAX_KIND: usize = 100;

/// The page.
#[derive(Debug, Template)]
#[template(path = "console/jobs.html")]
struct JobsPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// Failed, waiting, running.
    tabs: Vec<Tab>,
    /// The kinds of which there are jobs.
    kinds: Vec<KindItem>,
    /// The list shown.
    state: State,
    /// The kind chosen; empty: all.
    kind: String,
    /// The jobs.
    rows: Vec<JobRow>,
    /// Why something is done.
    reason: Field,
    /// The first page.
    previous: Option<String>,
    /// The page after.
    next: Option<String>,
}

/// A kind of work.
#[derive(Debug)]
struct KindItem {
    row: KindRow,
    /// The list of its jobs.
    href: String,
    /// Whether only its jobs are shown.
    current: bool,
}

/// What a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Failed,
    Waiting,
    Running,
}

impl State {
    const ALL: [Self; 3] = [Self::Failed, Self::Waiting, Self::Running];

    fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Running => "running",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Waiting => "Waiting",
            Self::Running => "Running",
        }
    }

    fn count(self, row: &KindRow) -> i64 {
        match self {
            Self::Failed => row.failed,
            Self::Waiting => row.waiting,
            Self::Running => row.running,
        }
    }

    fn is_failed(self) -> bool {
        self == Self::Failed
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/admin/jobs", crate::web::read().to(show)).route("/admin/jobs", web::post().to(post));
}

fn path(state: State, kind: &str) -> String {
    let kind: String = byte_serialize(kind.as_bytes()).collect();
    format!("/admin/jobs?state={}{}{kind}", state.word(), if kind.is_empty() { "" } else { "&kind=" })
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let query = page.query();
    let asked = query.get("state").unwrap_or("failed");
    let state = State::ALL.into_iter().find(|state| state.word() == asked);
    let state = state.ok_or_else(|| HubError::bad_request("`state` must be failed, waiting or running."))?;
    let kind: String = query.get("kind").unwrap_or_default().chars().take(MAX_KIND).collect();
    let before = query.number("before")?.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    let wanted = JobsWanted {
        kind: Some(kind.as_str()).filter(|kind| !kind.is_empty()),
        before: before.unwrap_or(i64::MAX),
        limit: one_more(PAGE_LEN),
    };
    let kinds = queries::list_kinds(&page.app.pool).await?;
    let mut rows = match state {
        State::Failed => queries::list_failed(&page.app.pool, wanted).await?,
        State::Waiting | State::Running => queries::list_open(&page.app.pool, state == State::Running, wanted).await?,
    };
    let more = rows.len() > PAGE_LEN;
    rows.truncate(PAGE_LEN);
    let last = rows.last().map(|row| row.job_pk).filter(|_| more);
    let tab = |of: State| Tab {
        href: path(of, &kind),
        label: of.label(),
        count: Some(kinds.iter().filter(|row| kind.is_empty() || row.kind == kind).map(|row| of.count(row)).sum()),
        current: of == state,
    };
    let shown = JobsPage {
        layout: page.layout("Background jobs"),
        navigation: ConsoleNavigation::new("/admin/jobs"),
        tabs: State::ALL.map(tab).into(),
        previous: before.map(|_| path(state, &kind)),
        next: last.map(|pk| format!("{}&before={pk}", path(state, &kind))),
        reason: Field::new("reason", "Why").hint("The audit log keeps it."),
        kinds: kinds.into_iter().map(|row| kind_item(row, state, &kind)).collect(),
        rows,
        state,
        kind,
    };
    page.show(shown).await
}

fn kind_item(row: KindRow, state: State, chosen: &str) -> KindItem {
    let current = row.kind == chosen;
    KindItem { href: path(state, if current { "" } else { &row.kind }), current, row }
}

/// Tries dead letters again, or gives them up: those that were chosen, or all.
async fn post(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let admin = require_proof(&page, "/admin/jobs").await?;
    let reason = require_reason(&form)?;
    let (retries, all) = match form.text("act") {
        "retry" => (true, false),
        "retry-all" => (true, true),
        "delete" => (false, false),
        "delete-all" => (false, true),
        _ => return Err(HubError::bad_request("Choose whether the jobs are tried again or deleted.")),
    };
    let kind: String = form.text("kind").chars().take(MAX_KIND).collect();
    let job_pks: Vec<i64> = form.fields().all("chosen").filter_map(|text| text.parse().ok()).take(PAGE_LEN).collect();
    if job_pks.is_empty() && !all {
        return Err(HubError::bad_request("Choose at least one job."));
    }
    let chosen =
        Chosen { all, job_pks: &job_pks, kind: Some(kind.as_str()).filter(|kind| all && !kind.is_empty()), limit: MOST_AT_ONCE };
    let mut tx = audit::begin(&page.app).await?;
    let (action, count) = match retries {
        true => ("jobs.retry", queries::retry(&mut tx, chosen).await?),
        false => ("jobs.delete", queries::delete(&mut tx, chosen).await?),
    };
    if count == 0 {
        return Err(HubError::conflict("None of these jobs is among the failed ones any more. Reload the list."));
    }
    note(&mut tx, admin.pk, action, &kind, reason, json!({ "jobs": job_pks, "count": count })).await?;
    tx.commit().await?;
    page.app.jobs.wake();
    let jobs = if count == 1 { "One job".to_owned() } else { format!("{count} jobs") };
    let text = match (retries, count) {
        (true, 1) => format!("{jobs} is tried again."),
        (true, _) => format!("{jobs} are tried again."),
        (false, _) => format!("{jobs} deleted."),
    };
    Ok(page.redirect_saying(&path(State::Failed, &kind), &text))
}
