//! Why models are not among those found: how many each condition keeps out by itself, with the most used of them.

use hub_search::{Clause, Facet, Rule, SearchQuery, Sort};
use hub_types::RepoType;

use super::ask::{Ask, Reason};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::licences::terms;
use crate::repos::listing::{self, Columns};
use crate::repos::{audience, estimates};
use crate::search::{self, hardware};
use crate::web::filters::size_text;

/// How many near misses are shown for each reason.
const MISSES: usize = 3;

/// Models that fulfil every condition but one.
#[derive(Debug)]
pub(in crate::discover) struct LeftOut {
    /// Why they are left out.
    pub text: &'static str,
    /// How many they are.
    pub count: u64,
    /// The most used of them: id, page, and what is amiss.
    pub misses: Vec<Miss>,
}

/// A near miss.
#[derive(Debug)]
pub(in crate::discover) struct Miss {
    /// `namespace/name`.
    pub id: String,
    /// What it has instead.
    pub has: String,
}

/// A way to fail: what is said of it, and the conditions in place of the one that fails.
struct Failure {
    reason: Reason,
    text: &'static str,
    clauses: Vec<Clause>,
}

/// What one condition alone keeps out, for each condition.
///
/// # Errors
/// 503 while there is no index; the database does not answer.
pub(super) async fn find(app: &App, viewer: &Viewer, ask: &Ask) -> HubResult<Vec<LeftOut>> {
    let conditions = ask.conditions();
    let mut failures = Vec::new();
    for (at, (reason, clause)) in conditions.iter().enumerate() {
        let others = conditions.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, (_, clause))| clause.clone());
        failures.extend(ways(*reason, clause, &others.collect::<Vec<_>>()));
    }
    let counted = failures.into_iter().map(|failure| count(app, viewer, ask, failure));
    let found = futures::future::try_join_all(counted).await?;
    Ok(found.into_iter().filter(|left_out| left_out.count > 0).collect())
}

/// The ways to fail a condition. That of the task is none: who asks for a task wants no other.
fn ways(reason: Reason, failed: &Clause, others: &[Clause]) -> Vec<Failure> {
    let none_of = Clause { rule: Rule::NoneOf, ..failed.clone() };
    let with = |clauses: Vec<Clause>| others.iter().cloned().chain(clauses).collect::<Vec<_>>();
    let failure = |text, clauses| Failure { reason, text, clauses: with(clauses) };
    match reason {
        Reason::Task => Vec::new(),
        Reason::Language => vec![failure("do not say that they know the language", vec![none_of])],
        Reason::Licence => {
            let others: Vec<String> = terms::every().iter().map(|licence| licence.id.to_owned()).collect();
            let named = Clause { facet: Facet::License, rule: Rule::AnyOf, values: others.clone() };
            let unnamed = Clause { facet: Facet::License, rule: Rule::NoneOf, values: others };
            vec![
                failure("have a licence that does not allow it, or not for certain", vec![none_of, named]),
                failure("name no licence that is known", vec![unnamed]),
            ]
        }
        Reason::Size | Reason::UnknownSize => {
            let not_known = |rule| Clause { facet: Facet::Hardware, rule, values: vec![hardware::NOT_KNOWN.to_owned()] };
            let unknown = with(vec![not_known(Rule::AnyOf)]);
            let unknown = Failure { reason: Reason::UnknownSize, text: "are of a size that is not known", clauses: unknown };
            match failed.rule {
                Rule::AnyOf => vec![failure("are too large", vec![none_of, not_known(Rule::NoneOf)]), unknown],
                // More than the largest machine has: the index does not tell what is larger still.
                Rule::NoneOf => vec![unknown],
            }
        }
    }
}

async fn count(app: &App, viewer: &Viewer, ask: &Ask, failure: Failure) -> HubResult<LeftOut> {
    let asked = SearchQuery {
        clauses: failure.clauses.into_iter().chain(audience::clause(viewer)).collect(),
        visible: search::visible_to(viewer),
        sort: Sort::Downloads,
        limit: MISSES,
        ..SearchQuery::new(RepoType::Model)
    };
    let found = app.search.search(asked).await?;
    let keys: Vec<i64> = found.hits.iter().map(|hit| hit.pk).collect();
    let rows = listing::by_keys(app, viewer, &keys, Columns { facts: true, ..Columns::default() }).await?;
    let estimates = estimates::of_rows(app, viewer, &rows).await?;
    let misses = rows.into_iter().zip(estimates).map(|(row, estimate)| {
        let listed = |name: &str| row.facts.as_ref().and_then(|facts| facts.get(name)?.as_array().cloned()).unwrap_or_default();
        let has = match failure.reason {
            Reason::Task => String::new(),
            Reason::Language => words(listed("language").iter().filter_map(|code| code.as_str()), "no language"),
            Reason::Licence => words(row.tags.iter().filter_map(|tag| tag.strip_prefix("license:")), "no licence"),
            Reason::Size | Reason::UnknownSize => match estimate {
                Some(estimate) => format!("takes {}", size_text(estimate.total(ask.context))),
                None => "size not known".to_owned(),
            },
        };
        Miss { id: row.id(), has }
    });
    Ok(LeftOut { text: failure.text, count: found.total, misses: misses.collect() })
}

fn words<'a>(values: impl Iterator<Item = &'a str>, none: &str) -> String {
    let values: Vec<&str> = values.take(4).collect();
    if values.is_empty() { none.to_owned() } else { values.join(", ") }
}
