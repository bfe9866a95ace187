//! Small documents for tests.

use std::sync::Arc;

use hub_search::{Change, Counters, Facet, FacetValues, Position, RepoDoc, TantivyIndex};
use hub_types::RepoType;

/// A public model without anything special.
pub(crate) fn model(pk: i64, id: &str) -> RepoDoc {
    RepoDoc {
        pk,
        kind: RepoType::Model,
        id: id.parse().unwrap(),
        owner_name: String::new(),
        public: true,
        card: String::new(),
        facets: FacetValues::new(),
        counters: Counters::default(),
        created: 0,
        updated: 0,
        size_bytes: 0,
        parameters: None,
        rows: None,
    }
}

/// The same with values of a facet.
pub(crate) fn with(mut doc: RepoDoc, facet: Facet, values: &[&str]) -> RepoDoc {
    doc.facets.insert(facet, values.iter().map(|value| (*value).to_owned()).collect());
    doc
}

/// The same with downloads.
pub(crate) fn downloaded(mut doc: RepoDoc, downloads: u64) -> RepoDoc {
    doc.counters.downloads = downloads;
    doc
}

/// Changes that put documents.
pub(crate) fn upserts(docs: impl IntoIterator<Item = RepoDoc>) -> Vec<Change> {
    docs.into_iter().map(|doc| Change::Upsert(Box::new(doc))).collect()
}

/// An index with these documents, in a folder that is removed with the second value.
pub(crate) fn index_of(docs: impl IntoIterator<Item = RepoDoc>) -> (Arc<TantivyIndex>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let index = Arc::new(TantivyIndex::open(folder.path()).unwrap());
    index.apply(&upserts(docs), Position(1)).unwrap();
    (index, folder)
}
