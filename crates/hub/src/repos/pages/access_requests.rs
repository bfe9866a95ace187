//! Who asked for the files of a gated repository, for those who decide.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::BASES;
use super::context::{header_of, layout_of};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::RepoWrite;
use crate::repos::changes::{undo, undoable_since};
use crate::repos::gating::{Decision, Whose, decide_many, grant};
use crate::repos::queries::gating::{RequestRow, RequestStatus, count_by_status, list_last_decisions, list_requests};
use crate::web::cursor::{TimeCursor, cut, one_more};
use crate::web::extract::Query;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// How many requests a page shows.
const PAGE_LEN: usize = 30;
/// The longest text that is looked for in names, in characters.
const MAX_SEARCH_CHARS: usize = 100;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/access_requests.html")]
struct RequestsPage {
    layout: Layout,
    header: RepoHeader,
    /// What goes on at the gate, in a sentence.
    state: &'static str,
    /// Whether there is something to decide: while the gate is off, nobody does.
    decides: bool,
    lists: Vec<ListLink>,
    /// The word of the list that is shown.
    status: &'static str,
    search: String,
    rows: Vec<Row>,
    reason: Field,
    /// What is wrong with what was chosen.
    error: Option<String>,
    /// Somebody to let in.
    user: Field,
    first: Option<String>,
    next: Option<String>,
}

impl RequestsPage {
    /// Whether the list that is shown is this one.
    fn is(&self, status: &str) -> bool {
        self.status == status
    }
}

/// A list to choose.
#[derive(Debug)]
struct ListLink {
    label: &'static str,
    count: i64,
    href: String,
    current: bool,
}

/// A request.
#[derive(Debug)]
struct Row {
    id: String,
    name: String,
    fullname: String,
    email: Option<String>,
    at: DateTime<Utc>,
    /// What they wrote, by label.
    answers: Vec<(String, String)>,
    /// When it was decided about, by whom, and why.
    decided: Option<(DateTime<Utc>, String)>,
    reason: Option<String>,
    /// The last decision, if it can be taken back.
    undo: Option<i64>,
}

impl Row {
    fn of(row: RequestRow, undo: Option<i64>) -> Self {
        let answers = row.answers.as_object().into_iter().flatten();
        // An open gate decides when somebody asks; nobody else is without a name but those whose account is gone.
        let is_by_gate = row.email.is_some() && row.decided_at == Some(row.requested_at);
        let nameless = if is_by_gate { "the gate itself" } else { "somebody who left" };
        Self {
            id: row.public_id,
            name: row.user_name,
            fullname: row.fullname,
            email: row.email,
            at: row.requested_at,
            answers: answers.map(|(label, value)| (label.clone(), words_of(value))).collect(),
            decided: row.decided_at.map(|at| (at, row.decided_by.unwrap_or_else(|| nameless.to_owned()))),
            reason: row.rejection_reason,
            undo,
        }
    }
}

fn words_of(value: &Value) -> String {
    match value {
        Value::Bool(true) => "Yes".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

const fn label_of(status: RequestStatus) -> &'static str {
    match status {
        RequestStatus::Pending => "Waiting",
        RequestStatus::Accepted => "Accepted",
        RequestStatus::Rejected => "Rejected",
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/settings/access-requests"), crate::web::read().to(show_requests))
            .route(&format!("{base}/settings/access-requests"), web::post().to(post_decision))
            .route(&format!("{base}/settings/access-requests/grant"), web::post().to(post_grant));
    }
}

/// What was sent and not taken.
#[derive(Debug, Default)]
struct Typed<'a> {
    reason: &'a str,
    user: &'a str,
}

/// What the address asks for.
struct Asked {
    status: RequestStatus,
    search: String,
}

impl Asked {
    fn of(query: &Query) -> Self {
        let status = query.get("status").and_then(RequestStatus::parse).unwrap_or(RequestStatus::Pending);
        let search = query.get("q").unwrap_or_default().trim().chars().take(MAX_SEARCH_CHARS).collect();
        Self { status, search }
    }

    fn href(&self, base: &str, after: Option<TimeCursor>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("status", self.status.as_str());
        if !self.search.is_empty() {
            query.append_pair("q", &self.search);
        }
        if let Some(after) = after {
            query.append_pair("after", &after.encode());
        }
        format!("{base}?{}", query.finish())
    }
}

async fn show_requests(page: PageRequest, write: RepoWrite) -> HubResult<HttpResponse> {
    page.require_session()?;
    show(&page, &write, &Asked::of(&page.query()), Typed::default(), Refusal::default()).await
}

async fn show(
    page: &PageRequest,
    write: &RepoWrite,
    asked: &Asked,
    typed: Typed<'_>,
    refusal: Refusal,
) -> HubResult<HttpResponse> {
    let pool = &page.app.pool;
    let query = page.query();
    let after = TimeCursor::read(&query, "after")?;
    let search = Some(asked.search.as_str()).filter(|text| !text.is_empty());
    let mut rows = list_requests(pool, write.repo.pk, asked.status, search, after, one_more(PAGE_LEN)).await?;
    let next = cut(&mut rows, PAGE_LEN, RequestRow::cursor);
    let ids: Vec<String> = rows.iter().map(|row| row.public_id.clone()).collect();
    let last = list_last_decisions(pool, write.repo.pk, &ids, undoable_since(&page.app)).await?;
    let last = |row: &RequestRow| last.iter().find(|one| one.public_id == row.public_id).map(|one| one.change_pk);
    let counts = count_by_status(pool, write.repo.pk).await?;
    let (header, _) = header_of(page, write, RepoTab::Settings).await?;
    let base = format!("{}/settings/access-requests", header.href());
    let list = |status: RequestStatus| ListLink {
        label: label_of(status),
        count: counts.iter().find(|row| row.status == status).map_or(0, |row| row.count),
        href: Asked { status, search: String::new() }.href(&base, None),
        current: status == asked.status,
    };
    let (status, decides) = (refusal.status, write.repo.gated.is_some());
    let shown = RequestsPage {
        layout: layout_of(page, &write.repo, "Access requests"),
        state: state_of(write.repo.gated.as_deref()),
        decides,
        lists: RequestStatus::ALL.map(list).into(),
        status: asked.status.as_str(),
        rows: rows
            .into_iter()
            .map(|row| {
                let undo = last(&row).filter(|_| decides);
                Row::of(row, undo)
            })
            .collect(),
        reason: refusal.mark(Field::new("reason", "Reason, for those you reject").value(typed.reason)),
        error: refusal.message_elsewhere(&["reason", "user"]),
        user: refusal.mark(Field::new("user", "Username").value(typed.user)),
        first: query.get("after").map(|_| asked.href(&base, None)),
        next: next.map(|next| asked.href(&base, Some(next))),
        search: asked.search.clone(),
        header,
    };
    page.show_with(status, shown).await
}

fn state_of(gated: Option<&str>) -> &'static str {
    match gated {
        None => {
            "The gate is off: everybody who sees the repository can download its files. What was decided counts again when it is on."
        }
        Some("auto") => "Who asks is let in at once. You can take access away.",
        Some(_) => "Whoever asks waits until somebody with write access decides.",
    }
}

/// What the form does: with one request, by the button beside it, or with those that are chosen.
fn wanted(form: &CheckedForm) -> HubResult<(&'static str, Vec<Whose>)> {
    let fields = form.fields();
    let verbs = [("accept", "accepted"), ("reject", "rejected"), ("reopen", "pending")];
    for (verb, status) in verbs {
        if let Some(id) = fields.get(verb) {
            return Ok((status, vec![Whose::Request(id.to_owned())]));
        }
    }
    let all = form.text("all");
    let (_, status) =
        verbs.into_iter().find(|(verb, _)| *verb == all).ok_or_else(|| HubError::bad_request("Press the button again."))?;
    let chosen: Vec<Whose> = fields.all("chosen").take(PAGE_LEN).map(|id| Whose::Request(id.to_owned())).collect();
    if chosen.is_empty() {
        return Err(HubError::bad_request("Choose at least one person first."));
    }
    Ok((status, chosen))
}

fn said(status: &str, count: usize) -> String {
    let requests = if count == 1 { "1 request".to_owned() } else { format!("{count} requests") };
    let verb = if count == 1 { "was" } else { "were" };
    match status {
        _ if count == 0 => "Nothing changed: somebody else was quicker, or the request was withdrawn.".to_owned(),
        "accepted" => format!("{requests} {verb} accepted."),
        "rejected" => format!("{requests} {verb} rejected."),
        _ => format!("{requests} {verb} put back among those that wait."),
    }
}

async fn post_decision(page: PageRequest, write: RepoWrite, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let asked = Asked::of(form.fields());
    if let Some(change) = form.fields().get("undo") {
        return undo_decision(&page, &write, &asked, change).await;
    }
    let reason = form.text("reason");
    let decided = async {
        let (status, whose) = wanted(&form)?;
        // The field for the reason stands beside all buttons.
        let decision = Decision::new(status, Some(reason).filter(|_| status == "rejected"))?;
        let outcomes = decide_many(&page.app, &write, &whose, &decision).await?;
        Ok::<_, HubError>(said(status, outcomes.iter().filter(|outcome| outcome.is_ok()).count()))
    };
    match decided.await {
        Ok(text) => {
            let base = format!("{}/settings/access-requests", write.repo.path());
            Ok(page.redirect_saying(&asked.href(&base, None), &text))
        }
        Err(error) if error.kind() == ErrorKind::BadRequest => {
            show(&page, &write, &asked, Typed { reason, ..Typed::default() }, Refusal::of(error)?).await
        }
        Err(error) => Err(error),
    }
}

/// Takes a decision back.
async fn undo_decision(page: &PageRequest, write: &RepoWrite, asked: &Asked, change: &str) -> HubResult<HttpResponse> {
    let change_pk = change.parse().map_err(|_| HubError::not_found("There is no such decision."))?;
    match undo::undo_decision(&page.app, write, change_pk).await {
        Ok(text) => {
            let base = format!("{}/settings/access-requests", write.repo.path());
            Ok(page.redirect_saying(&asked.href(&base, None), &text))
        }
        Err(error) if error.kind() == ErrorKind::Conflict => {
            show(page, write, asked, Typed::default(), Refusal::of(error)?).await
        }
        Err(error) => Err(error),
    }
}

async fn post_grant(page: PageRequest, write: RepoWrite, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let name = form.text("user");
    let asked = Asked { status: RequestStatus::Accepted, search: String::new() };
    match grant(&page.app, &write, name).await {
        Ok(()) => {
            let base = format!("{}/settings/access-requests", write.repo.path());
            Ok(page.redirect_saying(&asked.href(&base, None), &format!("{name} has access now.")))
        }
        Err(error) if matches!(error.kind(), ErrorKind::BadRequest | ErrorKind::NotFound) => {
            // The page is there, whoever is not.
            let mut refusal = Refusal::of(error)?;
            refusal.status = StatusCode::BAD_REQUEST;
            show(&page, &write, &asked, Typed { user: name, ..Typed::default() }, refusal).await
        }
        Err(error) => Err(error),
    }
}
