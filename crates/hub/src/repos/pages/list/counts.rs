//! How the numbers beside the values of a facet come about: what is counted, condition by condition, and how much of each number is
//! public.

use futures::future::try_join_all;
use hub_search::{Clause, Counting, Facet, FacetRequest, Narrow, Number, Range, Rule, SearchQuery, Visible};

use super::groups::Group;
use super::params::Params;
use super::question;
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::pages::view::kind_plural_word;
use crate::web::filters::short_count;

/// How many values are taken apart, besides those that are chosen.
const VALUES: usize = 10;

/// The reasons.
#[derive(Debug)]
pub(super) struct CountWhy {
    /// The facet.
    pub label: &'static str,
    /// Each condition, and how many are left by it.
    pub steps: Vec<(String, u64)>,
    /// How many are counted in the end.
    pub counted: u64,
    /// What of the facet itself was left out, in words; empty when nothing is chosen there.
    pub left_out: String,
    /// The numbers, taken apart.
    pub values: Vec<CountedValue>,
    /// The list without this panel.
    pub close: String,
}

/// A number and what it is made of. It is the sum of the other two.
#[derive(Debug)]
pub(super) struct CountedValue {
    /// The value.
    pub label: String,
    /// What everybody may see.
    pub public: u64,
    /// What only some may, the viewer among them.
    pub private: u64,
    /// All of it, as beside the value.
    pub all: u64,
}

/// The reasons for the numbers of a facet.
///
/// # Errors
/// The index does not answer.
pub(super) async fn why(page: &PageRequest, params: &Params, group: &'static Group, close: String) -> HubResult<CountWhy> {
    let whole = question(page, params);
    let own = |clause: &Clause| clause.facet == group.facet && clause.rule == Rule::AnyOf;
    let counted = SearchQuery { clauses: whole.clauses.iter().filter(|clause| !own(clause)).cloned().collect(), ..whole.clone() };
    let (labels, asked): (Vec<String>, Vec<SearchQuery>) = steps(params, &counted).into_iter().unzip();
    let found = try_join_all(asked.into_iter().map(|step| page.app.search.search(step))).await?;
    let steps: Vec<(String, u64)> = labels.into_iter().zip(found).map(|(label, found)| (label, found.total)).collect();
    let chosen: Vec<String> =
        whole.clauses.iter().filter(|clause| own(clause)).flat_map(|clause| clause.values.clone()).collect();
    Ok(CountWhy {
        label: group.label,
        counted: steps.last().map_or(0, |(_, left)| *left),
        steps,
        left_out: chosen.iter().map(|value| group.value_label(value)).collect::<Vec<_>>().join(" or "),
        values: values(page, group, counted, chosen).await?,
        close,
    })
}

/// Everything that the viewer may see, then one condition more at a time.
fn steps(params: &Params, counted: &SearchQuery) -> Vec<(String, SearchQuery)> {
    let everything = SearchQuery { visible: counted.visible.clone(), limit: 0, ..SearchQuery::new(params.kind) };
    let public = SearchQuery { visible: Visible::Public, ..everything.clone() };
    let mut steps = vec![(format!("Public {}", kind_plural_word(params.kind)), public)];
    let mut asked = everything;
    if asked.visible != Visible::Public {
        steps.push(("and private ones that you may see".to_owned(), asked.clone()));
    }
    for clause in &counted.clauses {
        asked.clauses.push(clause.clone());
        steps.push((words_of(params, clause), asked.clone()));
    }
    let is_size = |range: &Range| range.number == Number::Parameters;
    let (parameters, dates): (Vec<Range>, Vec<Range>) = counted.ranges.iter().copied().partition(is_size);
    if !parameters.is_empty() {
        asked.ranges = parameters;
        let end = |word: &str, end: Option<u64>| end.map(|end| format!("{word} {}", short_count(end)));
        let (least, most) = params.parameters;
        let ends: Vec<String> = [end("at least", least), end("at most", most)].into_iter().flatten().collect();
        steps.push((format!("that have {} parameters", ends.join(" and ")), asked.clone()));
    }
    for (filter, range) in params.dates.iter().zip(dates) {
        asked.ranges.push(range);
        steps.push((filter.label(), asked.clone()));
    }
    if !counted.text.is_empty() {
        asked.text.clone_from(&counted.text);
        steps.push((format!("with the words “{}”", counted.text), asked));
    }
    steps
}

fn words_of(params: &Params, clause: &Clause) -> String {
    if clause.rule == Rule::NoneOf {
        return "that are for all audiences".to_owned();
    }
    let group = params.chosen.iter().map(|(group, _)| *group).find(|group| group.facet == clause.facet);
    let values: Vec<String> =
        clause.values.iter().map(|value| group.map_or_else(|| value.clone(), |group| group.value_label(value))).collect();
    let label = match group {
        _ if clause.facet == Facet::Author => "Owner",
        Some(group) => group.label,
        None => "",
    };
    format!("with {label}: {}", values.join(" or "))
}

/// The most frequent values and those that are chosen, each with how much of it is public.
async fn values(page: &PageRequest, group: &Group, counted: SearchQuery, chosen: Vec<String>) -> HubResult<Vec<CountedValue>> {
    let request = |narrow, limit| FacetRequest { facet: group.facet, limit, narrow, counting: Counting::WithAllClauses };
    let facets = vec![request(Narrow::Every, VALUES), request(Narrow::Only(chosen), VALUES * 2)];
    let found = page.app.search.search(SearchQuery { facets, ..counted.clone() }).await?;
    let mut all: Vec<(String, u64)> = Vec::new();
    for count in found.facets.into_iter().flat_map(|counts| counts.values) {
        if count.count > 0 && !all.iter().any(|(value, _)| *value == count.value) {
            all.push((count.value, count.count));
        }
    }
    let named = all.iter().map(|(value, _)| value.clone()).collect();
    let facets = vec![request(Narrow::Only(named), all.len())];
    let public = page.app.search.search(SearchQuery { facets, visible: Visible::Public, ..counted }).await?;
    let public: Vec<(String, u64)> =
        public.facets.into_iter().flat_map(|counts| counts.values).map(|count| (count.value, count.count)).collect();
    let taken_apart = all.into_iter().map(|(value, all)| {
        let public = public.iter().find(|(other, _)| *other == value).map_or(0, |(_, count)| *count).min(all);
        CountedValue { label: group.value_label(&value), public, private: all - public, all }
    });
    Ok(taken_apart.collect())
}
