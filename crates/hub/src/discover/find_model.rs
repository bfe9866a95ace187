//! "Which model fits me": models for a task under conditions, best first, each with its reasons; and why others are not there.
//!
//! - [`ask`]: what is asked for, and the conditions that follow for the index.
//! - [`score`]: what a model is worth, as a sum of terms that are shown.
//! - [`left_out`]: how many models one condition alone keeps out, and the most used of them.

pub(super) mod ask;
pub(super) mod left_out;
pub(super) mod page;
pub(super) mod score;

use hub_search::{SearchQuery, Sort};
use hub_types::RepoType;

use self::ask::Ask;
use self::left_out::LeftOut;
use self::score::{Scored, score};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::audience;
use crate::repos::listing::{self, Columns};
use crate::search::{self, hardware::Estimate};

/// How many models are compared: the most used of those that fulfil the conditions.
pub(super) const COMPARED: usize = 100;
/// How many of them are shown.
const SHOWN: usize = 20;

/// What was found.
#[derive(Debug)]
pub(super) struct Answer {
    /// How many models fulfil every condition, as far as the index can tell.
    pub total: u64,
    /// The best of them, best first.
    pub best: Vec<Scored>,
    /// How many of those compared do not fit once the context is counted, too.
    pub too_long: usize,
    /// Why others are not there.
    pub left_out: Vec<LeftOut>,
}

/// Answers a question.
///
/// # Errors
/// 503 while there is no index; the database does not answer.
pub(super) async fn find(app: &App, viewer: &Viewer, ask: &Ask) -> HubResult<Answer> {
    let asked = SearchQuery {
        clauses: ask.clauses().into_iter().chain(audience::clause(viewer)).collect(),
        visible: search::visible_to(viewer),
        sort: Sort::Downloads,
        limit: COMPARED,
        ..SearchQuery::new(RepoType::Model)
    };
    let results = app.search.search(asked).await?;
    let keys: Vec<i64> = results.hits.iter().map(|hit| hit.pk).collect();
    let rows = listing::by_keys(app, viewer, &keys, Columns { facts: true, ..Columns::default() }).await?;
    let mut too_long = 0;
    let mut best = Vec::new();
    for row in rows {
        let estimate = row.facts.as_ref().and_then(Estimate::of);
        let fits = match (&estimate, ask.memory()) {
            (Some(estimate), Some(memory)) => estimate.total(ask.context) <= memory,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        if fits {
            best.push(score(ask, row, estimate));
        } else {
            too_long += 1;
        }
    }
    best.sort_by(|one, other| other.total().cmp(&one.total()).then_with(|| one.id.cmp(&other.id)));
    best.truncate(SHOWN);
    Ok(Answer { total: results.total, best, too_long, left_out: left_out::find(app, viewer, ask).await? })
}
