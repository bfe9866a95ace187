//! Why a repository stands where it does in a list, with the arithmetic: its place, the terms of its rank, the memory it takes.

use hub_search::{Hit, Sort};
use hub_types::RepoType;

use super::params::{ORDERS, Params};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::estimates;
use crate::repos::listing::{self, Columns, ListedRepo};
use crate::search::hardware::{self, Estimate, Part};
use crate::search::terms::{self, Term};
use crate::web::filters::size_text;

/// The reasons.
#[derive(Debug)]
pub(super) struct Why {
    /// `namespace/name`.
    pub id: String,
    /// Its place, from 1.
    pub place: u64,
    /// Of how many.
    pub of: u64,
    /// What the list is sorted by, in a sentence.
    pub order: String,
    /// The terms of its rank; none unless the best match comes first.
    pub terms: Vec<Term>,
    /// Their sum.
    pub total: String,
    /// What "fits on" was worked out from: a line for each part, the last one all of it.
    pub memory: Vec<(String, String)>,
    /// The machines it fits on.
    pub machines: Vec<&'static str>,
    /// The list without this panel.
    pub close: String,
}

/// The reasons for a hit on this page; nothing if it is not on it, or not there any more.
///
/// # Errors
/// The database does not answer.
pub(super) async fn why(
    page: &PageRequest,
    params: &Params,
    hits: &[Hit],
    id: &str,
    of: u64,
    close: String,
) -> HubResult<Option<Why>> {
    let Some((at, hit)) = hits.iter().enumerate().find(|(_, hit)| hit.id.eq_ignore_ascii_case(id)) else { return Ok(None) };
    let columns = Columns { facts: true, ..Columns::default() };
    let rows = listing::by_keys(&page.app, &page.viewer, &[hit.pk], columns).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    let terms = if params.sort == Sort::Relevance && !params.search.is_empty() { rank(hit, &row) } else { Vec::new() };
    let estimate = match params.kind {
        RepoType::Model => estimates::of_rows(&page.app, &page.viewer, std::slice::from_ref(&row)).await?.pop().flatten(),
        RepoType::Dataset | RepoType::Space | RepoType::Bucket => None,
    };
    let fits = |bytes| hardware::CLASSES.iter().filter(move |class| bytes <= class.gib << 30).map(|class| class.label);
    Ok(Some(Why {
        id: row.id(),
        place: (params.page * super::PAGE_LEN + at + 1) as u64,
        of,
        order: order(params, &row),
        total: terms::decimal(terms::total(&terms)),
        terms,
        machines: estimate.as_ref().map(|estimate| fits(estimate.total(0)).collect()).unwrap_or_default(),
        memory: estimate.as_ref().map(memory).unwrap_or_default(),
        close,
    }))
}

fn rank(hit: &Hit, row: &ListedRepo) -> Vec<Term> {
    let name = match hit.score.name {
        value if value >= 12.0 => "owner and name are what was typed",
        value if value >= 8.0 => "the name is what was typed",
        value if value > 0.0 => "the name begins with what was typed",
        _ => "the name is another one",
    };
    let used = format!("1.3 x log10(1 + {} downloads) + 0.6 x log10(1 + {} likes)", row.downloads, row.likes);
    vec![
        Term::of(
            "Words",
            "how rare they are, and how often they stand in the name, the tags and the card (BM25)",
            f64::from(hit.score.words),
        ),
        Term::of("Used", used, f64::from(hit.score.popularity)),
        Term::of("Name", name, f64::from(hit.score.name)),
    ]
}

fn order(params: &Params, row: &ListedRepo) -> String {
    let label = ORDERS.iter().find(|(_, _, sort)| *sort == params.sort).map_or("", |(_, label, _)| label);
    let value = match params.sort {
        Sort::Trending => format!("its score is {}", row.trending),
        Sort::Downloads => format!("it has {}", row.downloads),
        Sort::Likes => format!("it has {}", row.likes),
        Sort::Created => format!("it was made on {}", row.created_at.format("%-d %B %Y")),
        Sort::Updated => format!("it changed on {}", row.last_modified_at.format("%-d %B %Y")),
        Sort::Size => format!("it takes {}", size_text(u64::try_from(row.size_bytes).unwrap_or(0))),
        Sort::Parameters => {
            row.parameters.map_or_else(|| "its number is not known".to_owned(), |number| format!("it has {number}"))
        }
        Sort::Relevance if params.search.is_empty() => {
            format!("nothing was searched for, so its trending score decides: {}", row.trending)
        }
        Sort::Relevance => "the sum below decides".to_owned(),
    };
    format!("{label}: {value}.")
}

fn memory(estimate: &Estimate) -> Vec<(String, String)> {
    let part = |part: &Part| {
        let label = format!("{} {} x {} bits / 8{}", part.count, part.dtype, part.bits(), part.whose.remark());
        (label, size_text(part.bytes()))
    };
    let mut lines: Vec<_> = estimate.parameters.iter().map(part).collect();
    lines.push(("a fifth on top, for activations, a short context and the runtime".to_owned(), size_text(estimate.overhead)));
    lines.push(("in all".to_owned(), size_text(estimate.total(0))));
    lines
}
