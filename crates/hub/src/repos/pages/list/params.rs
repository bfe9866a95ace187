//! What the address of a list asks for.

use hub_search::{Clause, Facet, Number, Range, Rule, Sort};
use hub_types::RepoType;

use super::dates::{self, DateFilter};
use super::groups::{Group, groups};
use crate::accounts::Viewer;
use crate::repos::audience;
use crate::web::extract::Query;

/// How many values of one facet are looked at.
const MAX_VALUES: usize = 20;
/// The longest value that any repository could have, in bytes.
const MAX_VALUE_BYTES: usize = 300;
/// How much of a text that values are looked for by is read, in characters.
const MAX_FIND_CHARS: usize = 100;
/// The last page. Nobody reads so far, and each page costs more than the one before.
pub(super) const MAX_PAGE: usize = 500;

/// The orders to choose from: their names in addresses, and what people read.
pub(super) const ORDERS: &[(&str, &str, Sort)] = &[
    ("trending", "Trending", Sort::Trending),
    ("relevance", "Best match", Sort::Relevance),
    ("downloads", "Most downloads", Sort::Downloads),
    ("likes", "Most likes", Sort::Likes),
    ("modified", "Recently updated", Sort::Updated),
    ("created", "Recently created", Sort::Created),
    ("size", "Largest files", Sort::Size),
    ("num_parameters", "Most parameters", Sort::Parameters),
];

/// What is asked for.
#[derive(Debug)]
pub(super) struct Params {
    /// The kind of repository.
    pub kind: RepoType,
    /// Words.
    pub search: String,
    /// The owner.
    pub author: Option<String>,
    /// Values by facet; none is empty.
    pub chosen: Vec<(&'static Group, Vec<String>)>,
    /// Texts by which values of facets are looked for; none is empty.
    pub find: Vec<(&'static Group, String)>,
    /// The least and the most parameters.
    pub parameters: (Option<u64>, Option<u64>),
    /// When repositories changed and were made.
    pub dates: Vec<DateFilter>,
    /// The order.
    pub sort: Sort,
    /// The order when the address names none.
    pub default_sort: Sort,
    /// The page, from 0.
    pub page: usize,
}

impl Params {
    /// Reads them. What cannot be read is as if it were not there.
    pub(super) fn read(kind: RepoType, query: &Query) -> Self {
        let search = query.get("search").unwrap_or_default().trim().to_owned();
        let chosen = groups(kind).iter().map(|group| (group, values(group, query))).filter(|(_, values)| !values.is_empty());
        let default = if search.is_empty() { Sort::Trending } else { Sort::Relevance };
        Self {
            kind,
            author: query.get("author").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned),
            chosen: chosen.collect(),
            find: groups(kind).iter().filter_map(|group| Some((group, find(group, query)?))).collect(),
            parameters: parameters(query),
            dates: dates::read(query),
            sort: query.get("sort").and_then(sort).unwrap_or(default),
            default_sort: default,
            page: query.get("p").and_then(|text| text.parse().ok()).unwrap_or(0).min(MAX_PAGE),
            search,
        }
    }

    /// The text by which values of a facet are looked for.
    pub(super) fn find_in(&self, group: &Group) -> Option<&str> {
        self.find.iter().find(|(other, _)| other.key == group.key).map(|(_, text)| text.as_str())
    }

    /// The conditions that are facets.
    pub(super) fn clauses(&self) -> Vec<Clause> {
        let chosen = self.chosen.iter().map(|(group, values)| (group.facet, values.clone()));
        let author = self.author.iter().map(|name| (Facet::Author, vec![name.clone()]));
        chosen.chain(author).map(|(facet, values)| Clause { facet, rule: Rule::AnyOf, values }).collect()
    }

    /// What keeps out what is not for all audiences: from lists that do not ask for it by its tag, its owner or its whole name.
    pub(super) fn left_out(&self, viewer: &Viewer) -> Option<Clause> {
        let is_label =
            |(group, values): &(&Group, Vec<String>)| group.facet == Facet::Tag && values.iter().any(|tag| tag == audience::TAG);
        let asked = self.author.is_some() || self.chosen.iter().any(is_label) || audience::is_whole_name(&self.search);
        audience::clause(viewer).filter(|_| !asked)
    }

    /// The least and the most parameters where no number is both.
    pub(super) fn contradiction(&self) -> Option<(u64, u64)> {
        let (least, most) = self.parameters.0.zip(self.parameters.1)?;
        (least > most).then_some((least, most))
    }

    /// The conditions that are numbers.
    pub(super) fn ranges(&self) -> Vec<Range> {
        let bound = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
        let (min, max) = (bound(self.parameters.0), bound(self.parameters.1));
        let any = min.is_some() || max.is_some();
        let parameters = any.then_some(Range { number: Number::Parameters, min, max });
        parameters.into_iter().chain(self.dates.iter().map(DateFilter::range)).collect()
    }
}

/// The values of a group. The Hub's addresses write some with a prefix, and some with commas between.
fn values(group: &Group, query: &Query) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in query.all(group.key).flat_map(|text| text.split(',')) {
        let value = value.trim();
        let value = value.strip_prefix(group.prefix).unwrap_or(value);
        let usable = !value.is_empty() && value.len() <= MAX_VALUE_BYTES && !value.contains('\0');
        if usable && found.len() < MAX_VALUES && !found.iter().any(|known| known == value) {
            found.push(value.to_owned());
        }
    }
    found
}

/// The text that values of a group are looked for by.
fn find(group: &Group, query: &Query) -> Option<String> {
    let text = query.get(&format!("find_{}", group.key))?.trim();
    let text: String = text.chars().filter(|letter| !letter.is_control()).take(MAX_FIND_CHARS).collect();
    (!text.is_empty()).then_some(text)
}

fn sort(text: &str) -> Option<Sort> {
    let word = match text {
        "trendingScore" | "trending_score" => "trending",
        "lastModified" | "last_modified" | "updated" => "modified",
        "createdAt" | "created_at" => "created",
        "mainSize" => "size",
        other => other,
    };
    ORDERS.iter().find(|(name, _, _)| *name == word).map(|(_, _, sort)| *sort)
}

/// `num_parameters=min:6B,max:128B`, as the Hub writes it, or the two fields of the form.
fn parameters(query: &Query) -> (Option<u64>, Option<u64>) {
    let text = query.get("num_parameters").unwrap_or_default();
    let part = |name: &str| text.split(',').find_map(|part| part.trim().strip_prefix(name));
    let read = |field: &str, name: &str| query.get(field).or_else(|| part(name)).and_then(count);
    (read("min_parameters", "min:"), read("max_parameters", "max:"))
}

/// Reads `6B`, `500M`, `1.5B`, `22000`.
fn count(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_uppercase();
    let (number, factor) = match text.strip_suffix(['K', 'M', 'B', 'T']) {
        Some(number) if text.ends_with('K') => (number, 1e3),
        Some(number) if text.ends_with('M') => (number, 1e6),
        Some(number) if text.ends_with('B') => (number, 1e9),
        Some(number) => (number, 1e12),
        None => (text.as_str(), 1.0),
    };
    let value = number.parse::<f64>().ok()? * factor;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked on the line before")]
    (value.is_finite() && (0.0..1e18).contains(&value)).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        Params::read(RepoType::Model, &Query::parse(query))
    }

    #[test]
    fn addresses_of_the_hub_are_understood() {
        let asked = params(
            "pipeline_tag=fill-mask&library=transformers,safetensors&license=license:mit&language=de&language=en&sort=likes&p=2",
        );
        let chosen: Vec<_> = asked.chosen.iter().map(|(group, values)| (group.key, values.join(" "))).collect();
        let expected =
            [("pipeline_tag", "fill-mask"), ("library", "transformers safetensors"), ("license", "mit"), ("language", "de en")];
        assert_eq!(chosen, expected.map(|(key, values)| (key, values.to_owned())));
        assert_eq!((asked.sort, asked.page), (Sort::Likes, 2));
        assert_eq!(params("num_parameters=min:6B,max:128B").parameters, (Some(6_000_000_000), Some(128_000_000_000)));
        assert_eq!(params("min_parameters=1.5B&max_parameters=").parameters, (Some(1_500_000_000), None));
        assert_eq!(params("min_parameters=9B&max_parameters=1B").contradiction(), Some((9_000_000_000, 1_000_000_000)));
        assert!(["min_parameters=9B", "min_parameters=1B&max_parameters=1B"].iter().all(|q| params(q).contradiction().is_none()));
    }

    #[test]
    fn nonsense_is_as_if_it_were_not_there() {
        let asked = params("pipeline_tag=&language=,,&sort=up&p=-1&num_parameters=min:NaN,max:infT&author=%20&license=%00");
        assert!(asked.chosen.is_empty() && asked.author.is_none() && asked.parameters == (None, None));
        assert_eq!((asked.sort, asked.page), (Sort::Trending, 0));
        let many: String = (0..100).map(|number| format!("language=l{number}&")).collect();
        assert_eq!(params(&many).chosen[0].1.len(), MAX_VALUES);
        assert_eq!(params("p=99999999").page, MAX_PAGE);
        let long = params(&format!("find_license=&find_other=%20a%00b%20&find_dataset={}&find_nothing=x", "é".repeat(500)));
        let found: Vec<_> = long.find.iter().map(|(group, text)| (group.key, text.chars().count())).collect();
        assert_eq!(found, [("dataset", MAX_FIND_CHARS), ("other", 2)]);
        assert_eq!(params("search=bert").sort, Sort::Relevance);
    }
}
