//! The models of a task that did best, by the results that their cards tell. Results are compared only where the same was measured on
//! the same data: there, where most models were. Public models only, remembered for a short while as all of [`super::by_task`].

use std::collections::HashMap;
use std::sync::Arc;

use hub_search::{Clause, Facet, Rule, SearchQuery};
use hub_types::RepoType;

use super::by_task::{clause_of, unavailable};
use super::listing::{self, Columns};
use super::queries::results::{ResultRow, list_results};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::search::document::HAS_RESULTS;

/// How many models with results are compared: the most active.
pub const COMPARED: usize = 100;
/// How many are shown.
const SHOWN: usize = 5;

/// A way to measure models of a task.
#[derive(Debug, Clone)]
pub struct Measure {
    /// What people read.
    pub label: String,
    /// What cards call it.
    pub card_names: Vec<String>,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// Whether cards give it from 0 to 1 or in percent.
    pub share: bool,
}

/// The models that did best.
#[derive(Debug)]
pub struct Best {
    /// The data they were measured on.
    pub dataset: String,
    /// What was measured, as people read it.
    pub label: String,
    /// What the cards call it.
    pub card_name: String,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// How many were measured so.
    pub of: usize,
    /// The best of them, the best first.
    pub models: Vec<BestModel>,
}

/// One of them.
#[derive(Debug)]
pub struct BestModel {
    /// `namespace/name`.
    pub id: String,
    /// The value, as its card has it.
    pub value: String,
}

/// The best models of a task by its measures, the usual one first. None if no card tells a result, and while there is no index.
///
/// # Errors
/// 503 when the index or the database does not answer.
pub async fn best(app: &App, task: &'static str, measures: &[Measure]) -> HubResult<Option<Arc<Best>>> {
    if !app.search.is_ready() || measures.is_empty() {
        return Ok(None);
    }
    app.by_task.best.try_get_with(task, find(app, task, measures)).await.map_err(unavailable)
}

async fn find(app: &App, task: &'static str, measures: &[Measure]) -> HubResult<Option<Arc<Best>>> {
    let has_results = Clause { facet: Facet::Evaluated, rule: Rule::AnyOf, values: vec![HAS_RESULTS.to_owned()] };
    let clauses = vec![clause_of(task), has_results];
    let asked = SearchQuery { clauses, limit: COMPARED, ..SearchQuery::new(RepoType::Model) };
    let keys: Vec<i64> = app.search.search(asked).await?.hits.into_iter().map(|hit| hit.pk).collect();
    let rows = listing::by_keys(app, &Viewer::ANONYMOUS, &keys, Columns::default()).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let ids: Vec<(i64, String)> = rows.iter().map(|row| (row.repo_pk, row.id())).collect();
    let keys: Vec<i64> = ids.iter().map(|(key, _)| *key).collect();
    let names: Vec<String> = measures.iter().flat_map(|measure| &measure.card_names).map(|name| plain(name)).collect();
    let results = list_results(&app.pool, &keys, task, &names).await?;
    Ok(best_of(&ids, results, measures).map(Arc::new))
}

/// A name without case and punctuation: `pass@1` and `Pass-1` are the same.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// What was measured in one way on one dataset.
struct Group {
    measure: usize,
    dataset: String,
    card_name: String,
    /// By model: how good, and as the card has it.
    values: HashMap<i64, (f64, String)>,
}

/// `ids` are in the order that decides between equals.
fn best_of(ids: &[(i64, String)], results: Vec<ResultRow>, measures: &[Measure]) -> Option<Best> {
    let mut groups: HashMap<(String, String), Group> = HashMap::new();
    for row in results {
        // As the search index has it, to which a link leads.
        let dataset = row.dataset.trim();
        let name = plain(&row.metric);
        let known = measures.iter().position(|measure| measure.card_names.iter().any(|known| plain(known) == name));
        let Some((at, measure)) = known.and_then(|at| Some((at, measures.get(at)?))) else { continue };
        let Some(goodness) = goodness(measure, &row.value) else { continue };
        let group = groups.entry((dataset.to_lowercase(), name)).or_insert_with(|| Group {
            measure: at,
            dataset: dataset.to_owned(),
            card_name: row.metric,
            values: HashMap::new(),
        });
        let held = group.values.get(&row.repo_pk).map_or(f64::NEG_INFINITY, |(held, _)| *held);
        if goodness > held {
            group.values.insert(row.repo_pk, (goodness, row.value));
        }
    }
    let most = |a: &Group, b: &Group| {
        let by_models = a.values.len().cmp(&b.values.len()).then(b.measure.cmp(&a.measure));
        by_models.then_with(|| (&b.dataset, &b.card_name).cmp(&(&a.dataset, &a.card_name)))
    };
    let group = groups.into_values().max_by(most)?;
    let measure = measures.get(group.measure)?;
    let mut ranked: Vec<(f64, BestModel)> = Vec::new();
    for (key, id) in ids {
        if let Some((goodness, value)) = group.values.get(key) {
            ranked.push((*goodness, BestModel { id: id.clone(), value: value.clone() }));
        }
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    Some(Best {
        label: measure.label.clone(),
        higher_is_better: measure.higher_is_better,
        of: ranked.len(),
        models: ranked.into_iter().take(SHOWN).map(|(_, model)| model).collect(),
        dataset: group.dataset,
        card_name: group.card_name,
    })
}

/// How good a value is, more being better. Cards give shares from 0 to 1 or in percent: up to 1 is the former. Where less is
/// better, shares can be more than 1, and up to 2 may be read in both ways: that is read as the worse.
fn goodness(measure: &Measure, value: &str) -> Option<f64> {
    let number = value.trim().trim_end_matches('%').trim().parse::<f64>().ok().filter(|number| number.is_finite())?;
    let most = if measure.higher_is_better { 1.0 } else { 2.0 };
    let number = if measure.share && number > most { number / 100.0 } else { number };
    Some(if measure.higher_is_better { number } else { -number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(name: &str, higher_is_better: bool) -> Measure {
        Measure { label: name.to_uppercase(), card_names: vec![name.to_owned()], higher_is_better, share: true }
    }

    fn row(repo_pk: i64, dataset: &str, metric: &str, value: &str) -> ResultRow {
        ResultRow { repo_pk, dataset: dataset.to_owned(), metric: metric.to_owned(), value: value.to_owned() }
    }

    fn shown(best: &Best) -> Vec<(&str, &str)> {
        best.models.iter().map(|model| (model.id.as_str(), model.value.as_str())).collect()
    }

    #[test]
    fn what_most_were_measured_on_decides() {
        let ids: Vec<(i64, String)> = (1..=3).map(|key| (key, format!("ada/m{key}"))).collect();
        let results = vec![
            row(1, "GLUE", "accuracy", "0.91"),
            row(2, " glue ", "Accuracy", "93.5"),
            row(2, "GLUE", "accuracy", "12"),
            row(3, "GLUE", "accuracy", "no number"),
            row(3, "Other", "accuracy", "0.99"),
            row(3, "GLUE", "length", "7"),
        ];
        let best = best_of(&ids, results, &[measure("accuracy", true)]).unwrap();
        assert_eq!((best.dataset.as_str(), best.of), ("GLUE", 2));
        assert_eq!(shown(&best), [("ada/m2", "93.5"), ("ada/m1", "0.91")]);
        assert!(best_of(&ids, Vec::new(), &[measure("accuracy", true)]).is_none());
    }

    #[test]
    fn less_is_better_where_it_is_and_doubt_is_read_as_worse() {
        let ids: Vec<(i64, String)> = (1..=4).map(|key| (key, format!("ada/m{key}"))).collect();
        let results =
            vec![row(1, "x", "wer", "12"), row(2, "x", "wer", "0.05"), row(3, "x", "wer", "1.2"), row(4, "x", "wer", "NaN")];
        let best = best_of(&ids, results, &[measure("wer", false)]).unwrap();
        assert_eq!(shown(&best), [("ada/m2", "0.05"), ("ada/m1", "12"), ("ada/m3", "1.2")]);
    }
}
