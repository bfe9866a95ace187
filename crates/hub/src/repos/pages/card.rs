//! A repository's first page: its card and what is known about it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::{Heading, LinkContext, SafeHtml};
use hub_types::RepoType;

use super::configs::{DatasetConfig, configs_of};
use super::context::{header_with, layout_of};
use super::facts::side_of;
use super::gate::{Attempt, GateView, gate_view};
use super::inferred::{InferredPanel, panel_of};
use super::licence_note::{LicenceNote, licence_note};
use super::relations::{Relations, relations_of};
use super::results::{ResultRow, results_of};
use super::rows::{self, RowsPanel};
use super::snippets::{card_command, quick_start_of};
use super::target::{Offer, offer_of};
use super::view::{RepoHeader, RepoTab};
use super::{BASES, markdown};
use crate::accounts::page::PageRequest;
use crate::downloads::chart::DownloadChart;
use crate::error::HubResult;
use crate::repos::listing::Columns;
use crate::repos::queries::listing::ListedRepo;
use crate::repos::{Level, Repo, RepoRead, reading};
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/card.html")]
pub(super) struct CardPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// For a repository without files: how to fill it.
    pub quick_start: Option<QuickStart>,
    /// Where one who may changes the card, or proposes to.
    pub edit_href: Option<String>,
    /// Whether it can only be proposed.
    pub proposes: bool,
    /// What uploads a card that is missing.
    pub card_command: String,
    /// The gate of a gated repository.
    pub gate: Option<GateView>,
    /// The card's text.
    pub card: Option<SafeHtml>,
    /// Its headings, when they are many enough to need a list.
    pub outline: Vec<Heading>,
    /// How to cite it, in BibTeX.
    pub citation: Option<String>,
    /// What the card says of how good a model is.
    pub results: Vec<ResultRow>,
    /// How a dataset's files are put together.
    pub configs: Vec<DatasetConfig>,
    /// The first rows of a dataset.
    pub rows: Option<RowsPanel>,
    /// What belongs to it on this hub.
    pub relations: Relations,
    /// What is wrong with the card's metadata.
    pub card_warning: Option<String>,
    /// What the card leaves out and files say.
    pub inferred: Option<InferredPanel>,
    /// The column next to it.
    pub side: Side,
    /// What follows from licences.
    pub licence: Option<LicenceNote>,
}

/// How to put files into an empty repository.
#[derive(Debug)]
pub(super) struct QuickStart {
    /// The form that adds files in the browser.
    pub upload_href: String,
    /// The editor of a new file.
    pub new_href: String,
    /// Several ways to do the same with programs.
    pub ways: Vec<Way>,
}

/// One way to do something on the command line.
#[derive(Debug)]
pub(super) struct Way {
    /// Its name.
    pub title: &'static str,
    /// What it needs.
    pub text: &'static str,
    /// The commands.
    pub code: String,
}

/// Facts next to the card.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Recent downloads.
    pub downloads: u64,
    /// The same by day.
    pub chart: DownloadChart,
    /// The size of all files.
    pub size_bytes: u64,
    /// How many files there are.
    pub file_count: u64,
    /// What the weights hold.
    pub parameters: Option<Parameters>,
    /// What a GGUF header says.
    pub gguf: Vec<(&'static str, String)>,
    /// Where the tensors are listed.
    pub tensors_href: Option<String>,
    /// What training emitted.
    pub emissions: Option<Emissions>,
    /// Papers that the card names.
    pub papers: Vec<Paper>,
    /// Everything else.
    pub facts: Vec<Fact>,
}

/// What training a model emitted, by its card.
#[derive(Debug)]
pub(super) struct Emissions {
    /// The weight of the carbon dioxide, or of what warms as much.
    pub amount: String,
    /// How that was found.
    pub details: Vec<(&'static str, String)>,
}

/// A paper on arXiv.
#[derive(Debug)]
pub(super) struct Paper {
    /// Its id there.
    pub id: String,
    /// What else on the hub names it.
    pub list_href: String,
}

/// The parameters of a model.
#[derive(Debug)]
pub(super) struct Parameters {
    /// All of them.
    pub total: u64,
    /// By number type, the most frequent first.
    pub shares: Vec<DtypeShare>,
}

/// The parameters of one number type.
#[derive(Debug)]
pub(super) struct DtypeShare {
    /// `F32`, `BF16`, …
    pub dtype: String,
    /// How many.
    pub count: u64,
    /// Where its part of the bar starts, in percent.
    pub start: u64,
    /// How wide its part is, in percent.
    pub width: u64,
}

/// A fact with one or more values.
#[derive(Debug)]
pub(super) struct Fact {
    /// What it is about.
    pub label: &'static str,
    /// The values.
    pub links: Vec<FactLink>,
}

/// A value, linked when there is somewhere to go.
#[derive(Debug)]
pub(super) struct FactLink {
    /// The text.
    pub label: String,
    /// Where it leads.
    pub href: Option<String>,
    /// Whether files say it, and not the card.
    pub inferred: bool,
}

/// The file whose text is the card.
const CARD_FILE: &str = "README.md";
/// From how many headings on a card has a list of them.
const MIN_HEADINGS: usize = 4;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(base, crate::web::read().to(show_card));
    }
}

async fn show_card(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    show(&page, &read, None).await
}

/// Shows the page, possibly again with what somebody wrote who asks for access.
///
/// # Errors
/// 503 when the store does not answer.
pub(super) async fn show(page: &PageRequest, read: &RepoRead, attempt: Option<Attempt>) -> HubResult<HttpResponse> {
    let status = if attempt.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let barrier = read.barrier(&page.app).await?;
    let repo = &read.repo;
    let is_dataset = repo.repo_type == RepoType::Dataset;
    let columns = Columns { card: true, facts: true, siblings: is_dataset };
    let (header, derived) = header_with(page, read, RepoTab::Card, columns).await?;
    let card = card_of(page, repo).await?;
    let has_text = card.as_ref().is_some_and(|card| !card.is_blank);
    let chart = DownloadChart::of_repo(&page.app, repo.pk).await?;
    let (outline, citation) = match &card {
        Some(card) if card.headings.len() >= MIN_HEADINGS => (card.headings.clone(), card.citation.clone()),
        Some(card) => (Vec::new(), card.citation.clone()),
        None => (Vec::new(), None),
    };
    let metadata = derived.card.as_ref();
    let configs = metadata.filter(|_| is_dataset).map(configs_of).unwrap_or_default();
    let rows = match derived.siblings.as_deref().filter(|_| is_dataset) {
        Some(paths) => rows::panel_of(page, read, &header, &configs, paths, barrier.as_ref()).await?,
        None => None,
    };
    let has_weights = derived.facts.as_ref().is_some_and(|facts| facts.get("weights").is_some());
    // A new repository has its `.gitattributes`, and a card without text when a licence was chosen.
    let is_new = !has_text && derived.file_count <= 2 && rows.is_none() && !has_weights;
    let may_write = read.level >= Level::Write && page.require_session().is_ok();
    let proposes = !may_write && offer_of(page, read, &repo.default_branch).await? == Some(Offer::Propose);
    let shown = CardPage {
        edit_href: (may_write || proposes).then(|| format!("{}/edit-card", header.href())),
        proposes,
        outline,
        citation,
        results: metadata.map(results_of).unwrap_or_default(),
        rows,
        configs,
        relations: relations_of(&page.app, &read.viewer, &header, &derived).await?,
        gate: gate_view(page, read, barrier.as_ref(), attempt).await?,
        layout: layout_of(page, repo, ""),
        quick_start: (is_new && repo.gated.is_none()).then(|| quick_start_of(&header)),
        card_command: card_command(&header),
        card: card.filter(|_| has_text).map(|card| card.html.clone()),
        card_warning: card_warning(&derived),
        inferred: panel_of(page, read, &header, &derived, barrier.as_ref()).await?,
        side: Side { chart, ..side_of(&header, &derived) },
        licence: licence_note(page, &derived).await?,
        header,
    };
    page.show_with(status, shown).await
}

/// The text of a repository's card.
///
/// # Errors
/// 503 when the store does not answer.
pub(super) async fn card_of(page: &PageRequest, repo: &Repo) -> HubResult<Option<std::sync::Arc<markdown::Rendered>>> {
    let Some(head) = repo.head_oid else { return Ok(None) };
    let Some(entry) = reading::entry(&page.app, repo, head, CARD_FILE).await? else { return Ok(None) };
    if entry.is_folder() || entry.lfs.is_some() {
        return Ok(None);
    }
    let context = LinkContext::new(repo.repo_type, &repo.id, &repo.default_branch, "").of_hub(page.base.as_str());
    markdown::render(page, repo, entry.oid, context, &format!("{}/", repo.default_branch)).await
}

/// What the last commit's card metadata was refused for.
fn card_warning(derived: &ListedRepo) -> Option<String> {
    let error = derived.facts.as_ref()?.get("card_error")?;
    let message = error.get("message")?.as_str()?;
    Some(match error.get("line").and_then(serde_json::Value::as_u64) {
        Some(line) => format!("Line {line} of README.md: {message}"),
        None => message.to_owned(),
    })
}
