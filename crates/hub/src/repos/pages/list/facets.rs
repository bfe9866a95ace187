//! The facets beside a list, ready to print.

use std::collections::HashSet;

use hub_cards::known;
use hub_search::{Facet, FacetCount, FacetCounts, FacetRequest, Narrow};
use hub_types::RepoType;

use super::groups::{Group, groups, section_of};
use super::params::Params;
use crate::repos::audience;
use crate::repos::pages::tags;
use crate::search::document::is_other;
use crate::web::extract::Query;
use crate::web::filters::short_count;
use crate::web::form::Choice;

/// How many values are sent with the page, to be found by typing.
const SENT: usize = 60;
/// How many tags are looked at to find those that no other facet has.
const TAGS_LOOKED_AT: usize = 300;
/// How many values with a text in them are looked at, to find those that are no other facet's.
const FOUND_LOOKED_AT: usize = 1_000;
/// From how many values on they can be looked for.
const MANY: usize = 8;
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
    /// The values behind "more": the most frequent, or those that were looked for.
    pub more: Vec<FacetOption>,
    /// Whether there may be still others.
    pub cut: bool,
    /// The text that values were looked for by.
    pub find: String,
    /// Whether it is open: the first ones, and those with a choice made.
    pub open: bool,
    /// Where its numbers are explained.
    pub why_href: String,
}

impl FacetGroup {
    /// Whether there are so many values that one looks for them.
    pub(super) fn is_searchable(&self) -> bool {
        self.cut || self.more.len() > MANY || !self.find.is_empty()
    }

    /// With all values that are not chosen behind "more".
    pub(super) fn in_one_list(self) -> Self {
        let (options, others): (Vec<_>, Vec<_>) = self.options.into_iter().partition(|option| option.chosen);
        let mut more: Vec<FacetOption> = others.into_iter().chain(self.more).collect();
        if more.iter().any(|option| option.heading.is_some()) {
            in_sections(&mut more);
        }
        Self { options, more, ..self }
    }
}

/// A value to choose.
#[derive(Debug)]
pub(super) struct FacetOption {
    /// The heading of the section that begins with it.
    pub heading: Option<&'static str>,
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

/// The counts to ask for: of each group those of [`requests_of`].
pub(super) fn requests(params: &Params) -> Vec<FacetRequest> {
    groups(params.kind).iter().flat_map(|group| requests_of(params, group)).collect()
}

/// The counts to ask for to show a group: the most frequent values; or, if some are looked for, those that have the text in them and
/// those that people know by such words.
pub(super) fn requests_of(params: &Params, group: &Group) -> Vec<FacetRequest> {
    let top = FacetRequest::top(group.facet, looked_at(params, group));
    let Some(text) = params.find_in(group) else { return vec![top] };
    let narrowed = |narrow| FacetRequest { narrow, ..top.clone() };
    vec![narrowed(Narrow::Containing(text.to_owned())), narrowed(Narrow::Only(group.values_called(text)))]
}

/// How many values are asked for.
fn looked_at(params: &Params, group: &Group) -> usize {
    match group.facet {
        _ if params.find_in(group).is_some() => FOUND_LOOKED_AT,
        Facet::Tag => TAGS_LOOKED_AT,
        _ => SENT,
    }
}

/// The facets that have values, or in which some are looked for. `counts` come as [`requests`] asked for them.
pub(super) fn groups_of(params: &Params, query: &Query, counts: Vec<FacetCounts>) -> Vec<FacetGroup> {
    // Tasks, libraries and languages are tags, too.
    let said = counts.iter().filter(|counts| matches!(counts.facet, Facet::Task | Facet::Library | Facet::Language));
    let said: HashSet<String> = said.flat_map(|counts| counts.values.iter().map(|count| count.value.clone())).collect();
    let mut counts = counts.into_iter();
    let mut shown = Vec::new();
    for (place, group) in groups(params.kind).iter().enumerate() {
        let of_group = counts.by_ref().take(requests_of(params, group).len()).collect();
        let mut facet = group_of(params, group, of_group, &said);
        facet.open |= place < open_groups(params.kind);
        facet.why_href = format!("{}#why-count", address(params.kind, query, &["why", "count"], Some(("count", group.key))));
        shown.push(facet);
    }
    shown.retain(|facet| !facet.options.is_empty() || !facet.more.is_empty() || !facet.find.is_empty());
    shown
}

/// Adds what is not for all audiences to the tags, which the list leaves out until it is chosen.
pub(super) fn offer(shown: &mut Vec<FacetGroup>, params: &Params, query: &Query, count: u64) {
    let Some(group) = groups(params.kind).iter().find(|group| group.facet == Facet::Tag).filter(|_| count > 0) else { return };
    let label = group.value_label(audience::TAG);
    let option = FacetOption { heading: None, value: audience::TAG.to_owned(), label, count, chosen: false };
    if let Some(facet) = shown.iter_mut().find(|facet| facet.key == group.key) {
        return facet.options.push(option);
    }
    let why_href = format!("{}#why-count", address(params.kind, query, &["why", "count"], Some(("count", group.key))));
    let (more, find) = (Vec::new(), String::new());
    shown.push(FacetGroup {
        key: group.key,
        label: group.label,
        options: vec![option],
        more,
        cut: false,
        open: false,
        find,
        why_href,
    });
}

/// One facet, without what only a page knows of it. `said` are values that other facets show.
pub(super) fn group_of(params: &Params, group: &Group, counts: Vec<FacetCounts>, said: &HashSet<String>) -> FacetGroup {
    let find = params.find_in(group).unwrap_or_default();
    let may_be_more = counts.iter().any(|counts| counts.values.len() >= looked_at(params, group));
    let is_elsewhere = |value: &str| is_elsewhere(group, value, said) || is_in_no_sight(params, group, value);
    let mut options: Vec<FacetOption> = merged(counts)
        .into_iter()
        .filter(|count| count.chosen || (count.count > 0 && !is_elsewhere(&count.value)))
        .map(|count| FacetOption {
            heading: None,
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
            let label = group.value_label(value);
            options.push(FacetOption { heading: None, label, value: value.clone(), count: 0, chosen: true });
        }
    }
    let order = group.order();
    if !order.is_empty() {
        options.sort_by_key(|option| order.iter().position(|name| *name == option.value).unwrap_or(order.len()));
    }
    let any_chosen = options.iter().any(|option| option.chosen);
    // What was looked for is found where the box for it is.
    let shown = if find.is_empty() { group.shown } else { 0 };
    let (mut first, mut more) = (Vec::new(), Vec::new());
    for option in options {
        if option.chosen || first.len() < shown { first.push(option) } else { more.push(option) }
    }
    let cut = may_be_more || more.len() > SENT;
    more.truncate(SENT);
    if group.facet == Facet::Task {
        in_sections(&mut first);
        in_sections(&mut more);
    }
    FacetGroup {
        key: group.key,
        label: group.label,
        options: first,
        more,
        cut,
        open: any_chosen || !find.is_empty(),
        find: find.to_owned(),
        why_href: String::new(),
    }
}

/// The counts of all requests of a group, each value once.
fn merged(mut counts: Vec<FacetCounts>) -> Vec<FacetCount> {
    if counts.len() == 1 {
        return counts.pop().map(|counts| counts.values).unwrap_or_default();
    }
    let mut known = HashSet::new();
    let all = counts.into_iter().flat_map(|counts| counts.values);
    let mut values: Vec<FacetCount> = all.filter(|count| known.insert(count.value.clone())).collect();
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    values
}

/// Whether a value is shown by another facet.
fn is_elsewhere(group: &Group, value: &str, said: &HashSet<String>) -> bool {
    match group.facet {
        Facet::Tag => !is_other(value) || said.contains(value),
        // The relation alone is a facet of its own.
        Facet::BaseModel => ["finetune:", "adapter:", "merge:", "quantized:"].iter().any(|prefix| value.starts_with(prefix)),
        _ => false,
    }
}

/// Whether a tag that was looked for is one of the values that a page shows elsewhere, of which a part of a page knows nothing.
fn is_in_no_sight(params: &Params, group: &Group, tag: &str) -> bool {
    let is_bare = params.kind == RepoType::Model && group.facet == Facet::Tag && params.find_in(group).is_some();
    let is_library = || known::LIBRARIES.iter().any(|(id, _)| *id == tag);
    is_bare && (is_library() || known::find_task(tag).is_some() || tags::LANGUAGES.iter().any(|(code, _)| *code == tag))
}

/// Puts tasks into sections by what they work on; within one, they stay in order.
fn in_sections(options: &mut [FacetOption]) {
    options.sort_by_key(|option| section_of(&option.value).0);
    let mut last = None;
    for option in options {
        let (place, heading) = section_of(&option.value);
        option.heading = (last != Some(place)).then_some(heading);
        last = Some(place);
    }
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
                Facet::Tag => group.value_label(value),
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
        (Some(min), Some(max)) if params.contradiction().is_some() => format!("At least {min} and at most {max} parameters"),
        (Some(min), Some(max)) => format!("{min} to {max} parameters"),
        (Some(min), None) => format!("At least {min} parameters"),
        (None, Some(max)) => format!("At most {max} parameters"),
        (None, None) => String::new(),
    };
    if !label.is_empty() {
        let keys = ["num_parameters", "min_parameters", "max_parameters", "p"];
        active.push(ActiveFilter { label, href: address(params.kind, query, &keys, None) });
    }
    let dates = params.dates.iter();
    active.extend(
        dates.map(|filter| ActiveFilter { label: filter.label(), href: address(params.kind, query, &[filter.key(), "p"], None) }),
    );
    active
}

fn with_values(kind: RepoType, query: &Query, key: &str, values: &[&str]) -> String {
    let kept = query
        .pairs()
        .iter()
        .filter(|(name, value)| !value.is_empty() && name != key && !matches!(name.as_str(), "p" | "why" | "count"));
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
