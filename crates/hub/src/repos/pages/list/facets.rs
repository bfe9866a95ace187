//! The facets beside a list, ready to print.

use std::collections::HashSet;

use hub_search::{Facet, FacetCounts, FacetRequest};
use hub_types::RepoType;

use super::groups::{Group, groups};
use super::params::Params;
use crate::search::document::is_other;
use crate::web::extract::Query;
use crate::web::filters::short_count;
use crate::web::form::Choice;

/// How many values are sent with the page, to be found by typing.
const SENT: usize = 60;
/// How many tags are looked at to find those that no other facet has.
const TAGS_LOOKED_AT: usize = 300;
/// Marks on the scale of parameters.
const PARAMETER_MARKS: &[u64] = &[
    100_000_000,
    500_000_000,
    1_000_000_000,
    3_000_000_000,
    8_000_000_000,
    14_000_000_000,
    32_000_000_000,
    80_000_000_000,
    200_000_000_000,
    500_000_000_000,
];

/// A facet and its values.
#[derive(Debug)]
pub(super) struct FacetGroup {
    /// Its key in the address.
    pub key: &'static str,
    /// Its heading.
    pub label: &'static str,
    /// The values that are always shown.
    pub options: Vec<FacetOption>,
    /// The values behind "more".
    pub more: Vec<FacetOption>,
    /// Whether it is open: the first ones, and those with a choice made.
    pub open: bool,
}

/// A value to choose.
#[derive(Debug)]
pub(super) struct FacetOption {
    /// The value in addresses.
    pub value: String,
    /// What people read.
    pub label: String,
    /// How many repositories there would be.
    pub count: u64,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A choice made, and the address without it.
#[derive(Debug)]
pub(super) struct ActiveFilter {
    /// Its text.
    pub label: String,
    /// The list without it.
    pub href: String,
}

/// One end of the range of parameters.
#[derive(Debug)]
pub(super) struct Bound {
    /// Its key in the address.
    pub key: &'static str,
    /// What it is.
    pub label: &'static str,
    /// The values.
    pub choices: Vec<Choice>,
}

/// The counts to ask for.
pub(super) fn requests(kind: RepoType) -> Vec<FacetRequest> {
    let limit = |facet| if facet == Facet::Tag { TAGS_LOOKED_AT } else { SENT };
    groups(kind).iter().map(|group| FacetRequest::top(group.facet, limit(group.facet))).collect()
}

/// The facets that have values. `counts` come as [`requests`] asked for them.
pub(super) fn groups_of(params: &Params, counts: Vec<FacetCounts>) -> Vec<FacetGroup> {
    // Tasks, libraries and languages are tags, too.
    let said = counts.iter().filter(|counts| matches!(counts.facet, Facet::Task | Facet::Library | Facet::Language));
    let said: HashSet<String> = said.flat_map(|counts| counts.values.iter().map(|count| count.value.clone())).collect();
    let described = groups(params.kind).iter().zip(counts).enumerate();
    let shown = described.map(|(place, (group, counts))| group_of(params, place, group, counts, &said));
    shown.filter(|group| !group.options.is_empty()).collect()
}

fn group_of(params: &Params, place: usize, group: &'static Group, counts: FacetCounts, said: &HashSet<String>) -> FacetGroup {
    let elsewhere = |value: &str| match group.facet {
        Facet::Tag => !is_other(value) || said.contains(value),
        // The relation alone is a facet of its own.
        Facet::BaseModel => ["finetune:", "adapter:", "merge:", "quantized:"].iter().any(|prefix| value.starts_with(prefix)),
        _ => false,
    };
    let mut options: Vec<FacetOption> = counts
        .values
        .into_iter()
        .filter(|count| count.chosen || (count.count > 0 && !elsewhere(&count.value)))
        .map(|count| FacetOption {
            label: group.value_label(&count.value),
            value: count.value,
            count: count.count,
            chosen: count.chosen,
        })
        .collect();
    // What nothing has stays a choice made, or the form would drop it.
    let chosen = params.chosen.iter().filter(|(other, _)| other.key == group.key).flat_map(|(_, values)| values);
    for value in chosen {
        if !options.iter().any(|option| option.chosen && option.value == *value) {
            options.push(FacetOption { label: group.value_label(value), value: value.clone(), count: 0, chosen: true });
        }
    }
    let order = group.order();
    if !order.is_empty() {
        options.sort_by_key(|option| order.iter().position(|name| *name == option.value).unwrap_or(order.len()));
    }
    let any_chosen = options.iter().any(|option| option.chosen);
    let (mut first, mut more) = (Vec::new(), Vec::new());
    for option in options {
        let shown = option.chosen || first.len() < group.shown;
        if shown { first.push(option) } else { more.push(option) }
    }
    more.truncate(SENT);
    FacetGroup { key: group.key, label: group.label, options: first, more, open: any_chosen || place < open_groups(params.kind) }
}

/// How many facets are open at first.
const fn open_groups(kind: RepoType) -> usize {
    match kind {
        RepoType::Model => 5,
        RepoType::Dataset | RepoType::Space | RepoType::Bucket => 4,
    }
}

/// The ends of the range of parameters, for models.
pub(super) fn parameter_bounds(params: &Params) -> Vec<Bound> {
    if params.kind != RepoType::Model {
        return Vec::new();
    }
    let ends = [("min_parameters", "At least", params.parameters.0), ("max_parameters", "At most", params.parameters.1)];
    let bounds = ends.into_iter().map(|(key, label, chosen)| {
        let mut marks = PARAMETER_MARKS.to_vec();
        marks.extend(chosen);
        marks.sort_unstable();
        marks.dedup();
        let current = chosen.map(|value| value.to_string()).unwrap_or_default();
        let choices = marks.into_iter().map(|mark| Choice::new(mark.to_string(), short_count(mark), &current));
        Bound { key, label, choices: std::iter::once(Choice::new("", "Any", &current)).chain(choices).collect() }
    });
    bounds.collect()
}

/// The choices made, in words, each with the list without it.
pub(super) fn active(params: &Params, query: &Query) -> Vec<ActiveFilter> {
    let mut active = Vec::new();
    for (group, values) in &params.chosen {
        for value in values {
            let label = match group.facet {
                Facet::Tag => value.clone(),
                _ => format!("{}: {}", group.label, group.value_label(value)),
            };
            let others: Vec<&str> = values.iter().filter(|other| *other != value).map(String::as_str).collect();
            active.push(ActiveFilter { label, href: with_values(params.kind, query, group.key, &others) });
        }
    }
    if let Some(author) = &params.author {
        active.push(ActiveFilter { label: format!("By {author}"), href: address(params.kind, query, &["author", "p"], None) });
    }
    let (min, max) = params.parameters;
    let label = match (min.map(short_count), max.map(short_count)) {
        (Some(min), Some(max)) => format!("{min} to {max} parameters"),
        (Some(min), None) => format!("At least {min} parameters"),
        (None, Some(max)) => format!("At most {max} parameters"),
        (None, None) => return active,
    };
    let keys = ["num_parameters", "min_parameters", "max_parameters", "p"];
    active.push(ActiveFilter { label, href: address(params.kind, query, &keys, None) });
    active
}

fn with_values(kind: RepoType, query: &Query, key: &str, values: &[&str]) -> String {
    let kept = query.pairs().iter().filter(|(name, value)| !value.is_empty() && name != key && name != "p" && name != "why");
    let kept = kept.map(|(name, value)| (name.as_str(), value.as_str())).chain(values.iter().map(|value| (key, *value)));
    join(kind, kept)
}

/// The list's address with some keys left out and one added.
pub(super) fn address(kind: RepoType, query: &Query, without: &[&str], with: Option<(&str, &str)>) -> String {
    let kept = query.pairs().iter().filter(|(key, value)| !value.is_empty() && !without.contains(&key.as_str()));
    join(kind, kept.map(|(key, value)| (key.as_str(), value.as_str())).chain(with))
}

fn join<'a>(kind: RepoType, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(pairs);
    match text.finish() {
        query if query.is_empty() => format!("/{}", kind.plural()),
        query => format!("/{}?{query}", kind.plural()),
    }
}
