//! What goes with a repository: datasets for a model, models like it, models that were trained on a dataset. Each with the
//! reasons for its place.
//!
//! The evidence is what cards declare: datasets that models with the same base, or for the same task and language, name. The
//! index counts them ([`datasets`]).

pub mod datasets;
mod fields;
pub mod models;

use hub_search::{Clause, Facet, Rule, SearchQuery, Sort};
use hub_types::RepoType;
use serde_json::Value;

use super::audience;
use super::listing::{self, Columns, ListedRepo};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::search::terms::{self, Term};
use crate::search::visible_to;

/// A repository that goes with another one.
#[derive(Debug)]
pub struct Suggested {
    /// The repository.
    pub repo: ListedRepo,
    /// Why it is suggested.
    pub terms: Vec<Term>,
}

impl Suggested {
    /// The sum of its terms, in hundredths.
    pub fn total(&self) -> i64 {
        terms::total(&self.terms)
    }
}

/// Orders suggestions, best first; equals by name.
fn best_first(mut suggested: Vec<Suggested>, limit: usize) -> Vec<Suggested> {
    suggested.sort_by(|one, other| other.total().cmp(&one.total()).then_with(|| one.repo.id().cmp(&other.repo.id())));
    suggested.truncate(limit);
    suggested
}

/// Models that declare a dataset, the most used first, and how many there are.
///
/// # Errors
/// 503 while there is no index; the database does not answer.
pub async fn trained_on(app: &App, viewer: &Viewer, dataset: &str, limit: usize) -> HubResult<(u64, Vec<ListedRepo>)> {
    let declared = any_of(Facet::TrainedOn, vec![dataset.to_owned()]);
    let clauses = std::iter::once(declared).chain(audience::clause(viewer)).collect();
    let asked =
        SearchQuery { clauses, visible: visible_to(viewer), sort: Sort::Downloads, limit, ..SearchQuery::new(RepoType::Model) };
    let found = app.search.search(asked).await?;
    let keys: Vec<i64> = found.hits.iter().map(|hit| hit.pk).collect();
    Ok((found.total, listing::by_keys(app, viewer, &keys, Columns::default()).await?))
}

/// The keys of the most used repositories that fulfil conditions.
async fn most_used(app: &App, viewer: &Viewer, kind: RepoType, clauses: Vec<Clause>, limit: usize) -> HubResult<Vec<i64>> {
    let clauses = clauses.into_iter().chain(audience::clause(viewer)).collect();
    let asked = SearchQuery { clauses, visible: visible_to(viewer), sort: Sort::Downloads, limit, ..SearchQuery::new(kind) };
    Ok(app.search.search(asked).await?.hits.iter().map(|hit| hit.pk).collect())
}

fn any_of(facet: Facet, values: Vec<String>) -> Clause {
    Clause { facet, rule: Rule::AnyOf, values }
}

/// A fact that is a list of texts.
fn listed(repo: &ListedRepo, name: &str) -> Vec<String> {
    let list = repo.facts.as_ref().and_then(|facts| facts.get(name)?.as_array());
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The values of tags with a prefix.
fn tagged<'a>(repo: &'a ListedRepo, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    repo.tags.iter().filter_map(move |tag| tag.strip_prefix(prefix))
}

fn downloads(repo: &ListedRepo) -> u64 {
    u64::try_from(repo.downloads).unwrap_or(0)
}
