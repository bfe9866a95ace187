//! Documents as Meilisearch keeps them, and how it is told to search them.

use meilisearch_sdk::settings::{
    FacetSortValue, FacetingSettings, MinWordSizeForTypos, PaginationSetting, Settings, TypoToleranceSettings,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{Counters, Facet, RepoDoc, document::popularity, meili::filter};

/// How many values of a facet are counted, the most frequent. Beyond these only chosen values are.
pub(crate) const MAX_VALUES: usize = 5_000;
/// How many documents are sent at once. Of the longest cards, that is 20 MB.
pub(crate) const MAX_BATCH: usize = 1_000;
/// Deeper pages are not reached, and totals not counted further.
const MAX_TOTAL: usize = 100_000_000;

const SORTABLE: [&str; 8] = ["pk", "trending", "downloads", "likes", "created", "updated", "size", "parameters"];

/// The settings of an index of repositories.
pub(crate) fn settings() -> Settings {
    let facets = Facet::EVERY.map(Facet::as_str);
    let filterable = ["pk", "kind", "public", "created", "updated", "size", "parameters", "rows", "downloads", "likes"];
    Settings::new()
        .with_searchable_attributes(["name", "id", "owner_name", "author", "tag", "card"])
        .with_filterable_attributes(facets.into_iter().chain(filterable))
        .with_sortable_attributes(SORTABLE)
        .with_ranking_rules(["sort", "words", "typo", "exactness", "attribute", "proximity", "popularity:desc"])
        .with_faceting(FacetingSettings {
            max_values_per_facet: MAX_VALUES,
            sort_facet_values_by: Some([("*".to_owned(), FacetSortValue::Count)].into()),
        })
        .with_pagination(PaginationSetting { max_total_hits: MAX_TOTAL })
        .with_typo_tolerance(TypoToleranceSettings {
            enabled: Some(true),
            disable_on_attributes: Some(vec!["card".to_owned()]),
            disable_on_words: Some(Vec::new()),
            min_word_size_for_typos: Some(MinWordSizeForTypos { one_typo: Some(4), two_typos: Some(8) }),
            disable_on_numbers: None,
        })
}

/// A document.
pub(crate) fn document(doc: &RepoDoc) -> Value {
    let mut fields = Map::new();
    for (facet, values) in &doc.facets {
        let values: Vec<String> = values.iter().map(|value| filter::stored(*facet, value)).collect();
        fields.insert(facet.as_str().to_owned(), values.into());
    }
    let audience: Vec<String> = doc.audience().map(|value| filter::stored(Facet::Audience, value)).collect();
    let own = json!({
        "audience": audience,
        "pk": doc.pk,
        "kind": doc.kind.as_str(),
        "id": doc.id.to_string(),
        "name": doc.id.name(),
        "author": filter::stored(Facet::Author, doc.id.namespace()),
        "owner_name": doc.owner_name,
        "public": doc.public,
        "card": doc.card_text(),
        "created": doc.created,
        "updated": doc.updated,
        "size": doc.size_bytes,
    });
    if let Value::Object(own) = own {
        fields.extend(own);
    }
    // A number that is not there must not be null: it would still exist.
    fields.extend(doc.parameters.map(|number| ("parameters".to_owned(), number.into())));
    fields.extend(doc.rows.map(|number| ("rows".to_owned(), number.into())));
    if let Ok(Value::Object(counted)) = serde_json::to_value(CounterUpdate::of(doc.pk, &doc.counters)) {
        fields.extend(counted);
    }
    Value::Object(fields)
}

/// New counters of a document.
#[derive(Debug, Serialize)]
pub(crate) struct CounterUpdate {
    pk: i64,
    trending: f64,
    downloads: u64,
    likes: u64,
    popularity: f32,
}

impl CounterUpdate {
    pub(crate) fn of(pk: i64, counters: &Counters) -> Self {
        let Counters { trending, downloads, likes } = *counters;
        Self { pk, trending, downloads, likes, popularity: popularity(counters) }
    }
}
