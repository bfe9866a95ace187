//! What narrows a list, apart from the page that shows it: to be kept, said in words, and asked again.

use hub_search::{SearchQuery, Sort, Visible};
use hub_types::RepoType;
use url::form_urlencoded::Serializer;

use super::facets;
use super::params::{ORDERS, Params};
use crate::accounts::Viewer;
use crate::web::extract::Query;

/// What narrows a list.
#[derive(Debug)]
pub struct ListFilter(Params);

impl ListFilter {
    /// Reads the query of a list's address. What cannot be read is as if it were not there.
    pub fn read(kind: RepoType, query: &str) -> Self {
        Self::of(kind, &Query::parse(query).renamed("task_categories", "pipeline_tag"))
    }

    pub(super) fn of(kind: RepoType, query: &Query) -> Self {
        Self(Params { page: 0, ..Params::read(kind, query) })
    }

    /// The same in the order of time.
    #[must_use]
    pub fn latest_first(self) -> Self {
        Self(Params { sort: Sort::Created, ..self.0 })
    }

    /// Whether it leaves anything out.
    pub fn is_narrowed(&self) -> bool {
        let Params { search, author, chosen, parameters, dates, .. } = &self.0;
        !search.is_empty() || author.is_some() || !chosen.is_empty() || *parameters != (None, None) || !dates.is_empty()
    }

    /// The query of the list's address, the same for all addresses that mean the same.
    pub fn canonical(&self) -> String {
        let params = &self.0;
        let mut query = Serializer::new(String::new());
        if !params.search.is_empty() {
            query.append_pair("search", &params.search);
        }
        if let Some(author) = &params.author {
            query.append_pair("author", author);
        }
        for (group, values) in &params.chosen {
            let mut values: Vec<&String> = values.iter().collect();
            values.sort_unstable();
            query.extend_pairs(values.into_iter().map(|value| (group.key, value)));
        }
        let ends = [("min_parameters", params.parameters.0), ("max_parameters", params.parameters.1)];
        query.extend_pairs(ends.into_iter().filter_map(|(key, end)| Some((key, end?.to_string()))));
        query.extend_pairs(params.dates.iter().map(|filter| (filter.key(), filter.value())));
        if params.sort != params.default_sort {
            query.extend_pairs(ORDERS.iter().filter(|(_, _, sort)| *sort == params.sort).map(|(name, _, _)| ("sort", name)));
        }
        query.finish()
    }

    /// What narrows the list, in words.
    pub fn labels(&self) -> Vec<String> {
        let words = Some(format!("“{}”", self.0.search)).filter(|_| !self.0.search.is_empty());
        let chosen = facets::active(&self.0, &Query::default()).into_iter().map(|filter| filter.label);
        words.into_iter().chain(chosen).collect()
    }

    /// The question for the search index, the latest first, as one who may see so much asks it.
    pub fn question(&self, viewer: &Viewer, visible: Visible) -> SearchQuery {
        SearchQuery {
            text: self.0.search.clone(),
            clauses: self.0.clauses().into_iter().chain(self.0.left_out(viewer)).collect(),
            ranges: self.0.ranges(),
            visible,
            sort: Sort::Created,
            ..SearchQuery::new(self.0.kind)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mean_the_same_are_kept_as_one() {
        let same = [
            "search=bert&pipeline_tag=fill-mask&language=de&language=en&license=mit",
            "language=en,de&license=license:mit&search=%20bert&pipeline_tag=fill-mask&p=3&why=ada/bert&sort=relevance&nonsense=1",
        ];
        for query in same {
            let kept = ListFilter::read(RepoType::Model, query).canonical();
            assert_eq!(kept, "search=bert&pipeline_tag=fill-mask&license=mit&language=de&language=en", "{query}");
            assert_eq!(ListFilter::read(RepoType::Model, &kept).canonical(), kept);
        }
        let rest = "author=ada&min_parameters=6000000000&max_parameters=128000000000&sort=likes";
        let read = ListFilter::read(RepoType::Model, "num_parameters=min:6B,max:128B&author=ada&sort=likes");
        assert_eq!(read.canonical(), rest);
        assert_eq!(
            ListFilter::read(RepoType::Dataset, "task_categories=question-answering").canonical(),
            "pipeline_tag=question-answering"
        );
    }

    #[test]
    fn filters_are_said_in_words() {
        let filter = ListFilter::read(RepoType::Model, "search=bert&license=mit&author=ada&min_parameters=1B");
        assert_eq!(filter.labels(), ["“bert”", "Licence: mit", "By ada", "At least 1B parameters"]);
        let dated = ListFilter::read(RepoType::Space, "created_since=2026-1-5&p=1&updated=month");
        assert!(dated.is_narrowed());
        assert_eq!(dated.labels(), ["Updated in the past month", "Created since 5 January 2026"]);
        assert_eq!(dated.canonical(), "updated=month&created_since=2026-01-05", "a time that goes on stays one");
        assert!(filter.is_narrowed() && !ListFilter::read(RepoType::Model, "sort=likes&p=2").is_narrowed());
    }
}
