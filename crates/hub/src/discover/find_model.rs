//! "Which model fits me": models for a task under conditions, best first, each with its reasons; and why others are not there.
//!
//! - [`ask`]: what is asked for, and the conditions that follow for the index.
//! - [`score`]: what a model is worth, as a sum of terms that are shown.
//! - [`left_out`]: how many models one condition alone keeps out, and the most used of them.

pub(super) mod ask;
pub(super) mod left_out;
pub(super) mod page;
pub(super) mod score;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use hub_search::{SearchQuery, Sort};
use hub_types::RepoType;

use self::ask::Ask;
use self::left_out::LeftOut;
use self::score::{Scored, score};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::listing::{self, Columns};
use crate::repos::{audience, estimates};
use crate::search::{self, hardware::Estimate};
use crate::web::filters::grouped_digits;

/// How many models are compared at a time: the most used first, of those that fulfil the conditions as far as the index can tell.
const PAGE: usize = 100;
/// How many are looked at, at most, as long as too few of them fit.
const LOOKED_AT: usize = 2_000;
/// For how long.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many of them are shown.
const SHOWN: usize = 20;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// How many models fulfil every condition, as far as the index can tell: of memory it knows machines, and nothing of contexts.
    pub total: u64,
    /// How many of them were compared.
    pub looked: u64,
    /// Whether all those were compared that might not fit.
    pub exact: bool,
    /// The best of them, best first.
    pub best: Vec<Scored>,
    /// How many of those compared take more memory than there is.
    pub too_large: u64,
    /// How many of those compared are of no known size, which the index does not know yet.
    pub not_known: u64,
    /// Why others are not there.
    pub left_out: Vec<LeftOut>,
}

impl Answer {
    /// How many models fit, in words.
    pub(super) fn heading(&self) -> String {
        let most = self.total.saturating_sub(self.too_large).saturating_sub(self.not_known);
        match (self.exact, most) {
            (_, 0) => "No model fits".to_owned(),
            (true, 1) => "One model fits".to_owned(),
            (true, _) => format!("{} models fit", grouped_digits(most)),
            (false, _) if self.best.is_empty() => {
                format!("None of the {} most used models fits", grouped_digits(self.looked))
            }
            (false, 1) => "One model may fit".to_owned(),
            (false, _) => format!("Up to {} models fit", grouped_digits(most)),
        }
    }

    /// Takes those that fit.
    fn compare(&mut self, ask: &Ask, rows: Vec<listing::ListedRepo>, estimates: Vec<Option<Estimate>>) {
        for (row, estimate) in rows.into_iter().zip(estimates) {
            match (&estimate, ask.memory()) {
                (Some(estimate), Some(memory)) if estimate.total(ask.context) > memory => self.too_large += 1,
                (None, Some(_)) => self.not_known += 1,
                _ => self.best.push(score(ask, row, estimate)),
            }
        }
    }
}

/// Answers a question.
///
/// # Errors
/// 503 while there is no index; the database does not answer.
pub(super) async fn find(app: &App, viewer: &Viewer, ask: &Ask) -> HubResult<Answer> {
    let started = Instant::now();
    let (mut answer, mut offset, mut seen) = (Answer::default(), 0, HashSet::new());
    loop {
        let asked = SearchQuery {
            clauses: ask.clauses().into_iter().chain(audience::clause(viewer)).collect(),
            visible: search::visible_to(viewer),
            sort: Sort::Downloads,
            offset,
            limit: PAGE,
            ..SearchQuery::new(RepoType::Model)
        };
        let results = app.search.search(asked).await?;
        // What moves up between two pages would be there twice.
        let keys: Vec<i64> = results.hits.iter().map(|hit| hit.pk).filter(|key| seen.insert(*key)).collect();
        let rows = listing::by_keys(app, viewer, &keys, Columns { facts: true, ..Columns::default() }).await?;
        let estimates = estimates::of_rows(app, viewer, &rows).await?;
        answer.compare(ask, rows, estimates);
        offset += results.hits.len();
        answer.total = results.total;
        let is_last = results.hits.len() < PAGE || offset as u64 >= results.total;
        if is_last || answer.best.len() >= SHOWN || offset >= LOOKED_AT || started.elapsed() > PATIENCE {
            answer.exact = is_last || ask.is_told_by_index();
            break;
        }
    }
    answer.looked = offset as u64;
    answer.best.sort_by(|one, other| other.total().cmp(&one.total()).then_with(|| one.id.cmp(&other.id)));
    answer.best.truncate(SHOWN);
    answer.left_out = left_out::find(app, viewer, ask).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_may_be_too_high_is_called_so() {
        let heading = |total, looked, exact, too_large, not_known| {
            Answer { total, looked, exact, too_large, not_known, ..Answer::default() }.heading()
        };
        assert_eq!(heading(0, 0, true, 0, 0), "No model fits");
        assert_eq!(heading(3, 3, true, 2, 1), "No model fits");
        assert_eq!(heading(3, 3, true, 1, 1), "One model fits");
        assert_eq!(heading(1234, 100, true, 0, 0), "1,234 models fit");
        assert_eq!(heading(5000, 2000, false, 1990, 10), "None of the 2,000 most used models fits");
    }
}
