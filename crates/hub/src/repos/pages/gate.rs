//! The gate on the page of a gated repository: what its card says and asks, how the viewer stands, and asking.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError as _, web};
use hub_cards::{COUNTRIES, Gate, GateField, GateKind, GateProblem, LinkContext, SafeHtml, render_markdown};
use moka::future::Cache;
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

use super::{BASES, card};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::{Auth, Viewer, csrf};
use crate::app::App;
use crate::error::{Barrier, ErrorKind, HubError, HubResult};
use crate::repos::gating::{self, Asked, gate_of};
use crate::repos::queries::gating::{RequestStatus, count_by_status};
use crate::repos::{Level, Repo, RepoRead};
use crate::web::extract::{Query, app_of, read_body};
use crate::web::form::Choice;
use crate::web::layout::kind_word;

/// The largest form, in bytes.
const FORM_LIMIT_BYTES: usize = 256 * 1024;
/// How many bytes of conditions are kept, rendered.
const MAX_KEPT_BYTES: u64 = 8 << 20;

/// Rendered conditions, by where their links start from and their text.
static PROMPTS: LazyLock<Cache<(String, String), SafeHtml>> = LazyLock::new(|| {
    Cache::builder()
        .weigher(|(place, text): &(String, String), html: &SafeHtml| {
            u32::try_from(place.len() + text.len() + html.as_str().len() + 200).unwrap_or(u32::MAX)
        })
        .max_capacity(MAX_KEPT_BYTES)
        .time_to_idle(Duration::from_secs(3600))
        .build()
});

/// How the viewer stands with a gated repository.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// They decide, and so many requests wait.
    Decides(i64),
    /// They were let in.
    LetIn,
    /// Nobody is logged in.
    LoggedOut,
    /// They may ask.
    MayAsk,
    /// They have asked.
    Waits,
    /// They were turned down.
    Rejected(Option<String>),
}

/// The gate, as a page shows it.
#[derive(Debug)]
pub(super) struct GateView {
    state: State,
    /// The organisation whose member the viewer is in name only, because they lack the second factor that it asks for.
    pub locked_out_of: Option<String>,
    /// The heading.
    pub heading: String,
    /// What it is about.
    pub description: String,
    /// The conditions.
    pub prompt: Option<SafeHtml>,
    /// Whether the authors say that it is not for people in the European Union.
    pub eu_disallowed: bool,
    /// What is asked.
    pub fields: Vec<FieldView>,
    /// The label of the button.
    pub button: String,
}

impl GateView {
    /// Whether nobody is logged in.
    pub(super) fn is_logged_out(&self) -> bool {
        self.state == State::LoggedOut
    }

    /// Whether the viewer was let in.
    pub(super) fn is_let_in(&self) -> bool {
        self.state == State::LetIn
    }

    /// Whether the viewer waits for a decision.
    pub(super) fn waits(&self) -> bool {
        self.state == State::Waits
    }

    /// Whether the viewer was turned down.
    pub(super) fn is_rejected(&self) -> bool {
        matches!(self.state, State::Rejected(_))
    }

    /// Why.
    pub(super) fn reason(&self) -> Option<&str> {
        match &self.state {
            State::Rejected(reason) => reason.as_deref(),
            _ => None,
        }
    }

    /// For those who decide: how many requests wait.
    pub(super) fn waiting(&self) -> Option<String> {
        match self.state {
            State::Decides(0) => Some("Nobody waits for access.".to_owned()),
            State::Decides(1) => Some("1 person asks for access.".to_owned()),
            State::Decides(count) => Some(format!("{count} people ask for access.")),
            _ => None,
        }
    }

    /// Whether answers were wrong.
    pub(super) fn has_problems(&self) -> bool {
        self.fields.iter().any(|field| field.error.is_some())
    }
}

/// A field of the form.
#[derive(Debug)]
pub(super) struct FieldView {
    /// Its id on the page.
    pub id: String,
    /// Its label and name.
    pub label: String,
    /// `text`, `checkbox`, `date`, `select` or `location`.
    pub kind: &'static str,
    /// What may be chosen.
    pub options: Vec<Choice>,
    /// What was typed.
    pub value: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// Answers that were not taken: they are shown again.
#[derive(Debug)]
pub(super) struct Attempt {
    gate: Arc<Gate>,
    problems: Vec<GateProblem>,
    given: Query,
}

/// The gate of a repository for a viewer whom `barrier` keeps from the files; nothing for one that has none, or members who do not
/// decide.
///
/// # Errors
/// 503 when the object store does not answer.
pub(super) async fn gate_view(
    page: &PageRequest,
    read: &RepoRead,
    barrier: Option<&Barrier>,
    attempt: Option<Attempt>,
) -> HubResult<Option<GateView>> {
    let repo = &read.repo;
    if repo.gated.is_none() {
        return Ok(None);
    }
    let state = match barrier {
        None if read.level >= Level::Write => State::Decides(count_waiting(&page.app, repo).await?),
        None if read.is_member() => return Ok(None),
        None => State::LetIn,
        Some(Barrier::LoggedOut) => State::LoggedOut,
        Some(Barrier::NotAsked) => State::MayAsk,
        Some(Barrier::Pending) => State::Waits,
        Some(Barrier::Rejected(reason)) => State::Rejected(reason.clone()),
        // No browser sends such a token.
        Some(Barrier::Token) => return Ok(None),
    };
    let shows_card = matches!(state, State::LoggedOut | State::MayAsk);
    let (gate, problems, given) = match attempt {
        Some(attempt) => (attempt.gate, attempt.problems, attempt.given),
        None if shows_card => (gate_of(&page.app, repo).await?, Vec::new(), Query::default()),
        None => (Arc::default(), Vec::new(), Query::default()),
    };
    let fields = gate.fields.iter().enumerate();
    let fields = fields.map(|(index, field)| field_view(index, field, &problems, &given)).collect();
    let prompt = match &gate.prompt {
        Some(text) => Some(rendered(&page.app, repo, text).await?),
        None => None,
    };
    let word = kind_word(repo.repo_type);
    let namespace = repo.id.namespace();
    let is_locked_out = read.viewer.user.as_ref().is_some_and(|user| user.locked_out_of(namespace).is_some());
    Ok(Some(GateView {
        locked_out_of: (barrier.is_some() && is_locked_out).then(|| namespace.to_owned()),
        state,
        heading: gate
            .heading
            .clone()
            .unwrap_or_else(|| format!("You need to agree to share your contact information to access this {word}")),
        description: gate.description.clone().unwrap_or_else(|| description_of(repo)),
        prompt,
        eu_disallowed: gate.eu_disallowed,
        fields,
        button: gate.button.clone().unwrap_or_else(|| button_of(repo).to_owned()),
    }))
}

async fn count_waiting(app: &App, repo: &Repo) -> HubResult<i64> {
    let counts = count_by_status(&app.pool, repo.pk).await?;
    Ok(counts.iter().find(|row| row.status == RequestStatus::Pending).map_or(0, |row| row.count))
}

fn description_of(repo: &Repo) -> String {
    let shared = "They see your user name, your full name, your email address and what you write here.";
    match repo.gated.as_deref() {
        Some("auto") => {
            format!("Its files are open at once to everybody who agrees to share who they are with its authors. {shared}")
        }
        _ => format!("Its authors decide who may download its files. {shared}"),
    }
}

fn button_of(repo: &Repo) -> &'static str {
    match repo.gated.as_deref() {
        Some("auto") => "Agree and get access",
        _ => "Agree and ask for access",
    }
}

async fn rendered(app: &App, repo: &Repo, text: &str) -> HubResult<SafeHtml> {
    let key = (format!("{}/{}", repo.path(), repo.default_branch), text.to_owned());
    if let Some(html) = PROMPTS.get(&key).await {
        return Ok(html);
    }
    let context = LinkContext::new(repo.repo_type, &repo.id, &repo.default_branch, "").of_hub(&app.config.base());
    let text = text.to_owned();
    let html = tokio::task::spawn_blocking(move || render_markdown(&text, &context)).await?;
    PROMPTS.insert(key, html.clone()).await;
    Ok(html)
}

fn field_view(index: usize, field: &GateField, problems: &[GateProblem], given: &Query) -> FieldView {
    let value = given.get(&field.label).unwrap_or_default().to_owned();
    let choice = |sent: &str, shown: &str| Choice::new(sent, shown, &value);
    let nothing = Choice::new("", "Choose…", &value);
    let (kind, options) = match &field.kind {
        GateKind::Text => ("text", Vec::new()),
        GateKind::Checkbox => ("checkbox", Vec::new()),
        GateKind::Date => ("date", Vec::new()),
        GateKind::Location => ("location", Vec::new()),
        GateKind::Country => {
            ("select", std::iter::once(nothing).chain(COUNTRIES.iter().map(|(_, name)| choice(name, name))).collect())
        }
        GateKind::Select(options) => {
            let options = options.iter().map(|option| choice(&option.value, &option.label));
            ("select", std::iter::once(nothing).chain(options).collect())
        }
    };
    let error = problems.iter().find(|problem| problem.index == index).map(|problem| problem.message.clone());
    FieldView { id: format!("gate-{index}"), label: field.label.clone(), kind, options, value, error }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/ask-access"), crate::web::read().to(show_repo))
            .route(&format!("{base}/ask-access"), web::post().to(post_ask))
            .route(&format!("{base}/ask-access/cancel"), web::post().to(post_cancel));
    }
}

/// Answers that somebody sent: the form of our page, with its token, or what a program sends as a form or as JSON.
#[derive(Debug)]
struct Answers(Query);

impl FromRequest for Answers {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let app = app_of(&request)?;
            let viewer = Viewer::extract(&request).await?;
            let body = read_body(&mut payload, FORM_LIMIT_BYTES).await?;
            let kind = request.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let given = if kind.starts_with("application/json") { from_json(&body)? } else { from_form(&body)? };
            if !is_program(&viewer) && !csrf::header_is_valid(app, &request) {
                csrf::check(app, &request, given.get(csrf::FIELD))?;
            }
            Ok(Self(given))
        })
    }
}

fn is_program(viewer: &Viewer) -> bool {
    matches!(viewer.auth, Auth::Token { .. } | Auth::Password)
}

fn from_form(body: &[u8]) -> HubResult<Query> {
    std::str::from_utf8(body).map(Query::parse).map_err(|_| HubError::bad_request("The form is not UTF-8."))
}

fn from_json(body: &[u8]) -> HubResult<Query> {
    let read = if body.is_empty() { Ok(Map::new()) } else { serde_json::from_slice::<Map<String, Value>>(body) };
    let map = read.map_err(|error| HubError::bad_request(format!("Send the answers as a JSON object: {error}")))?;
    let mut pairs = Serializer::new(String::new());
    for (label, value) in &map {
        match value {
            Value::String(text) => _ = pairs.append_pair(label, text),
            Value::Bool(_) | Value::Number(_) => _ = pairs.append_pair(label, &value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => {}
        }
    }
    Ok(Query::parse(&pairs.finish()))
}

/// Whoever loads the page again that showed what was wrong.
async fn show_repo(page: PageRequest, read: RepoRead) -> HttpResponse {
    page.redirect(&read.repo.path())
}

async fn post_ask(page: PageRequest, read: RepoRead, answers: Answers) -> HubResult<HttpResponse> {
    match ask(&page, &read, answers.0).await {
        // Programs are answered as by the API.
        Err(error) if is_program(&page.viewer) && error.is_for_client() => Ok(error.error_response()),
        other => other,
    }
}

async fn ask(page: &PageRequest, read: &RepoRead, given: Query) -> HubResult<HttpResponse> {
    let address = page.app.config.trusted_proxies.client_of(page.http());
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    let asked = gating::ask(&page.app, read, |label| given.get(label), &address).await?;
    let path = read.repo.path();
    match asked {
        Asked::LetIn => Ok(page.redirect_saying(&path, "You have access: the files can be downloaded now.")),
        Asked::Noted => Ok(page.redirect_saying(&path, "Its authors have your request.")),
        Asked::Incomplete(gate, problems) if is_program(&page.viewer) => {
            let label =
                |problem: &GateProblem| gate.fields.get(problem.index).map(|field| field.label.clone()).unwrap_or_default();
            let texts = problems.iter().map(|problem| format!("`{}`: {}", label(problem), problem.message));
            Err(HubError::bad_request(texts.collect::<Vec<_>>().join(" ")))
        }
        Asked::Incomplete(gate, problems) => card::show(page, read, Some(Attempt { gate, problems, given })).await,
    }
}

async fn post_cancel(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let text = match gating::withdraw(&page.app, &read).await {
        Ok(()) => format!("Your request for access to {} is withdrawn.", read.repo.id),
        Err(error) if error.kind() == ErrorKind::NotFound => "There was no request that waits: nothing changed.".to_owned(),
        Err(error) => return Err(error),
    };
    let to = if form.text("from") == "settings" { "/settings/gated-repos".to_owned() } else { read.repo.path() };
    Ok(page.redirect_saying(&to, &text))
}
