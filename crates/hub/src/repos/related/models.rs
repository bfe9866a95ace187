//! Models like a model.

use hub_search::Facet;
use hub_types::RepoType;

use super::{Suggested, any_of, best_first, downloads, listed, most_used};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::listing::{self, Columns, ListedRepo};
use crate::search::terms::{Term, magnitude};

/// How many models are looked at for each thing that they may have in common with this one.
const LOOKED_AT: usize = 40;
/// How many shared datasets count.
const SHARED_DATASETS: usize = 2;

/// Models like this one, best first.
///
/// # Errors
/// 503 while there is no index; the database does not answer.
pub async fn similar_models(app: &App, viewer: &Viewer, model: &ListedRepo, limit: usize) -> HubResult<Vec<Suggested>> {
    let (bases, datasets, languages) = (listed(model, "base_models"), listed(model, "datasets"), listed(model, "language"));
    let family: Vec<String> = bases.iter().cloned().chain([model.id()]).collect();
    let mut ways = vec![vec![any_of(Facet::BaseModel, family)]];
    if !datasets.is_empty() {
        ways.push(vec![any_of(Facet::TrainedOn, datasets)]);
    }
    if let Some(task) = &model.pipeline_tag {
        let task = any_of(Facet::Task, vec![task.clone()]);
        if !languages.is_empty() {
            ways.push(vec![task.clone(), any_of(Facet::Language, languages)]);
        }
        ways.push(vec![task]);
    }
    let asked = ways.into_iter().map(|clauses| most_used(app, viewer, RepoType::Model, clauses, LOOKED_AT));
    let mut keys = futures::future::try_join_all(asked).await?.concat();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| *key != model.repo_pk);
    let rows = listing::by_keys(app, viewer, &keys, Columns { facts: true, ..Columns::default() }).await?;
    let scored = rows.into_iter().map(|row| Suggested { terms: alike(model, &row), repo: row }).collect();
    Ok(best_first(scored, limit))
}

fn alike(model: &ListedRepo, other: &ListedRepo) -> Vec<Term> {
    let mut terms = Vec::new();
    let shared = |name: &str| -> Vec<String> {
        let own = listed(model, name);
        listed(other, name).into_iter().filter(|value| own.contains(value)).collect()
    };
    let bases = shared("base_models");
    let (here, there) = (model.id(), other.id());
    let is_base = |of: &ListedRepo, id: &str| listed(of, "base_models").iter().any(|base| base.eq_ignore_ascii_case(id));
    if let Some(base) = bases.first() {
        terms.push(Term::new("Same base", base.clone(), 400));
    } else if is_base(other, &here) {
        terms.push(Term::new("Made from this one", "", 300));
    } else if is_base(model, &there) {
        terms.push(Term::new("This one was made from it", "", 300));
    }
    if let Some(task) = model.pipeline_tag.as_ref().filter(|task| other.pipeline_tag.as_ref() == Some(task)) {
        terms.push(Term::new("Same task", task.clone(), 200));
    }
    let languages = shared("language");
    if !languages.is_empty() {
        terms.push(Term::new("Same language", languages.into_iter().take(4).collect::<Vec<_>>().join(", "), 100));
    }
    for dataset in shared("datasets").into_iter().take(SHARED_DATASETS) {
        terms.push(Term::new("Same data", dataset, 150));
    }
    if let Some(library) = model.library_name.as_ref().filter(|library| other.library_name.as_ref() == Some(library)) {
        terms.push(Term::new("Same library", library.clone(), 50));
    }
    if let (Some(one), Some(two)) = (model.parameters.filter(|number| *number > 0), other.parameters.filter(|number| *number > 0))
        && one.max(two) / one.min(two).max(1) < 2
    {
        terms.push(Term::new("About as large", "within a factor of two", 100));
    }
    let downloads = downloads(other);
    terms.push(Term::of("Used", format!("0.3 x log10(1 + {downloads} downloads)"), 0.3 * magnitude(downloads)));
    terms
}
