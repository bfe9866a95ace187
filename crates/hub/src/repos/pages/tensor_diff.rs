//! What changed between two models, tensor by tensor, as a page.

mod summary;

use std::time::Duration;

use actix_web::{HttpResponse, web};
use askama::Template;
use tokio::time::Instant;

use self::summary::{Summary, shape_text};
use super::BASES;
use super::context::{header_of, layout_of};
use super::lineage::percent_text;
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::PageRequest;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::RepoContent;
use crate::repos::api::lineage::wanted;
use crate::repos::tensor_diff::{self, Comparison, Side, State, TensorChange, Wanted};
use crate::web::filters;
use crate::web::form::Field;
use crate::web::layout::Layout;

/// How many tensors a page shows.
const MAX_ROWS: usize = 400;
/// How long a page waits for the comparison; what is not done by then is told by the API.
const PATIENCE: Duration = Duration::from_secs(20);

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/tensor_diff.html")]
pub(super) struct TensorDiffPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// The revision looked at.
    pub revision: Field,
    /// What an empty revision means.
    pub revision_hint: String,
    /// The other repository.
    pub base: Field,
    /// What an empty one means.
    pub base_hint: String,
    /// Its revision.
    pub base_revision: Field,
    /// Why there is no result.
    pub problem: Option<String>,
    /// The result.
    pub result: Option<Outcome>,
}

/// The result of a comparison.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The finding in some words.
    pub title: String,
    /// This side.
    pub here: String,
    /// The other side.
    pub there: String,
    /// That and why it is not complete.
    pub partial: Option<String>,
    /// Numbers.
    pub stats: Vec<Stat>,
    /// How far each layer moved.
    pub layers: Vec<Measure>,
    /// The tensors that moved furthest.
    pub biggest: Vec<Measure>,
    /// The tensors that differ.
    pub rows: Vec<TensorRow>,
    /// Those that do not.
    pub equal: Vec<TensorRow>,
    /// How many are not shown.
    pub left_out: Option<String>,
    /// The whole answer.
    pub api_href: String,
}

/// A number and what it counts.
#[derive(Debug)]
pub(super) struct Stat {
    /// The number.
    pub value: String,
    /// What it counts.
    pub label: &'static str,
}

/// A length among others.
#[derive(Debug)]
pub(super) struct Measure {
    /// What is measured.
    pub label: String,
    /// The measure in words.
    pub value: String,
    /// Its length, in per cent of the largest.
    pub percent: f64,
}

/// A tensor in the table.
#[derive(Debug)]
pub(super) struct TensorRow {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub state: &'static str,
    /// The colour of that.
    pub badge: Option<&'static str>,
    /// `384 × 384`, or both shapes.
    pub shape: String,
    /// `F32`, or both types.
    pub dtype: String,
    /// The relative change.
    pub relative: String,
    /// The cosine.
    pub cosine: String,
    /// The largest change.
    pub max_delta: String,
    /// The share that changed.
    pub changed: String,
    /// The rank of the change, when it is small.
    pub rank: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/tensor-diff"), crate::web::read().to(show_diff));
    }
}

async fn show_diff(page: PageRequest, content: RepoContent) -> HubResult<HttpResponse> {
    let query = page.query();
    let asked = wanted(&query);
    // The bare page is the form alone: opening it starts no work.
    let submitted = ["base", "base_revision", "revision"].iter().any(|name| query.pairs().iter().any(|(key, _)| key == name));
    let (result, problem) = match submitted {
        false => (None, None),
        true => match outcome(&page, &content, &asked).await {
            Ok(outcome) => (Some(outcome), None),
            Err(error) => (None, Some(said(error)?)),
        },
    };
    let (header, _) = header_of(&page, &content, RepoTab::Files).await?;
    let field = |name, label, value: &Option<String>| Field::new(name, label).value(value.clone().unwrap_or_default());
    let repo = &content.repo;
    let shown = TensorDiffPage {
        layout: layout_of(&page, repo, "Compare tensors"),
        header,
        revision: field("revision", "Revision", &asked.revision),
        revision_hint: repo.default_branch.clone(),
        base: field("base", "Base repository", &asked.base),
        base_hint: format!("This one, {}", repo.id),
        base_revision: field("base_revision", "Base revision", &asked.base_revision),
        problem,
        result,
    };
    page.show(shown).await
}

/// What a person can do something about is shown above the form.
fn said(error: HubError) -> HubResult<String> {
    match error.kind() {
        ErrorKind::RepoNotFound | ErrorKind::NotFound => {
            Ok("There is no such base repository, or you may not see it.".to_owned())
        }
        ErrorKind::RevisionNotFound
        | ErrorKind::Unprocessable
        | ErrorKind::Gated
        | ErrorKind::Unavailable
        | ErrorKind::Forbidden => Ok(error.message().to_owned()),
        _ => Err(error),
    }
}

async fn outcome(page: &PageRequest, content: &RepoContent, asked: &Wanted) -> HubResult<Outcome> {
    let mut comparison = tensor_diff::open(&page.app, content, asked).await?;
    let until = Instant::now() + PATIENCE;
    let mut summary = Summary::default();
    let mut rows = Vec::new();
    let complete = loop {
        match tokio::time::timeout_at(until, comparison.next(&page.app)).await {
            Ok(change) => match change? {
                Some(change) => {
                    summary.add(&change);
                    if rows.len() < MAX_ROWS {
                        rows.push(row(&change));
                    }
                }
                None => break true,
            },
            Err(_) => break false,
        }
    };
    let api_href = format!("{}/tensor-diff?{}", content.repo.api_path(), page.http().query_string());
    Ok(told(&comparison, &summary, rows, complete, api_href))
}

fn told(comparison: &Comparison, summary: &Summary, rows: Vec<TensorRow>, complete: bool, api_href: String) -> Outcome {
    let side = |side: &Side| {
        let commit: String = side.commit.to_hex().chars().take(7).collect();
        let revision = if side.revision.len() == 40 { commit } else { format!("{} ({commit})", side.revision) };
        format!("{} @ {revision}", side.repo.id)
    };
    let partial = (!complete).then(|| {
        let (done, all) = (summary.total(), comparison.len());
        format!("These are the first {done} of {all} tensors: there was no time for more. The API tells of all of them.")
    });
    let hidden = summary.total().saturating_sub(rows.len());
    let (equal, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.badge.is_none());
    Outcome {
        equal,
        title: summary.title(),
        here: side(&comparison.side),
        there: side(&comparison.base),
        partial,
        stats: summary.stats(),
        layers: summary.layers(),
        biggest: summary.biggest(),
        left_out: (hidden > 0).then(|| format!("{hidden} more tensors are not shown here.")),
        rows,
        api_href,
    }
}

fn row(change: &TensorChange) -> TensorRow {
    let numbers = change.numbers.as_ref().filter(|_| change.state == State::Changed);
    let text = |value: Option<String>| value.unwrap_or_default();
    TensorRow {
        name: change.name.clone(),
        state: match change.state {
            State::Same => "Same",
            State::Changed => "Changed",
            State::Added => "Added",
            State::Removed => "Removed",
            State::Reshaped => "Reshaped",
        },
        badge: match change.state {
            State::Same => None,
            State::Changed | State::Reshaped => Some("warning"),
            State::Added => Some("accent"),
            State::Removed => Some("danger"),
        },
        shape: both(change.base_shape.as_deref().map(shape_text), shape_text(&change.shape)),
        dtype: both(change.base_dtype.clone(), change.dtype.clone()),
        relative: text(numbers.and_then(|numbers| numbers.relative_delta).map(|delta| percent_text(delta * 100.0))),
        cosine: text(numbers.and_then(|numbers| numbers.cosine).map(|cosine| format!("{cosine:.5}"))),
        max_delta: text(numbers.map(|numbers| format!("{:.1e}", numbers.max_delta))),
        changed: text(numbers.map(|numbers| percent_text(numbers.changed_share * 100.0))),
        rank: text(numbers.and_then(|numbers| numbers.rank).map(|rank| rank.to_string())),
    }
}

fn both(before: Option<String>, now: String) -> String {
    before.map_or_else(|| now.clone(), |before| format!("{before} → {now}"))
}
