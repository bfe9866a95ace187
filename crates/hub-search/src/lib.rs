//! Searching repositories: by words, by facets with exact counts, by numbers, in any order.
//!
//! The caller feeds an index with [`RepoDoc`]s and asks it [`SearchQuery`]s. The crate knows no database and no
//! permissions: what a viewer may see is part of the query ([`Visible`]).
//!
//! # Filling
//!
//! An index reads the outbox in order: [`TantivyIndex::apply`] takes a batch of [`Change`]s and the [`Position`] after
//! them, and commits both together. After a start, [`TantivyIndex::position`] says from where to go on; if it is nothing
//! (never filled, damaged, another version), the index is to be rebuilt:
//!
//! ```no_run
//! # use hub_search::{Position, RepoDoc, SearchError, TantivyIndex};
//! # fn pages_of_documents() -> Vec<Vec<RepoDoc>> { vec![] }
//! # fn newest_event() -> Position { Position(0) }
//! # fn example(index: std::sync::Arc<TantivyIndex>) -> Result<(), SearchError> {
//! let position = newest_event(); // before the first document is read
//! let rebuild = index.rebuild()?;
//! for page in pages_of_documents() {
//!     rebuild.add(&page)?;
//! }
//! rebuild.finish(position)?; // from here on events after `position` are applied, again if need be
//! # Ok(())
//! # }
//! ```
//!
//! The old index is searched meanwhile. Changes are idempotent: the document of an event is read when the event is
//! handled, so that repeating events harms nothing. Downloads, likes and trending go through
//! [`TantivyIndex::update_counters`], which is cheap and has no position.
//!
//! # Asking
//!
//! ```no_run
//! # use hub_search::*;
//! # use hub_types::RepoType;
//! # fn example(index: &TantivyIndex) -> Result<(), SearchError> {
//! let mut query = SearchQuery::new(RepoType::Model);
//! query.text = "bert ba".to_owned();
//! query.sort = Sort::Relevance;
//! query.visible = Visible::PublicAnd(vec!["ada".to_owned()]);
//! query.clauses.push(Clause {
//!     facet: Facet::License,
//!     rule: Rule::AnyOf,
//!     values: vec!["mit".to_owned(), "apache-2.0".to_owned()],
//! });
//! query.facets.push(FacetRequest::top(Facet::License, 10));
//! let results = index.search(&query)?;
//! # Ok(())
//! # }
//! ```
//!
//! [`SearchIndex`] has the same calls for async callers, over either engine.
//!
//! Counts are exact for the query and the viewer. A [`Hit`] comes with the terms of its rank, whose sum is what was
//! sorted by. The calls of [`TantivyIndex`] compute or block for milliseconds: not for an async thread.
//!
//! # Meilisearch
//!
//! [`MeiliIndex`] answers the same, with these differences: a rank has one term (Meilisearch's own score) and goes only
//! downwards, there are no suggestions of other words, and values that contain a text are looked for among the 5,000 most
//! frequent. It is tested against a conversation with fixed answers in which each request is checked against the fields
//! that the routes of Meilisearch 1.50 accept, not against a running Meilisearch.

mod document;
mod embedded;
mod error;
mod index;
mod meili;
mod query;
mod results;
pub mod synth;
mod text;

pub use document::{Change, Counters, Facet, FacetValues, MAX_CARD_BYTES, Position, RepoDoc};
pub use embedded::{TantivyIndex, TantivyRebuild};
pub use error::SearchError;
pub use index::{Rebuild, SearchIndex};
pub use meili::{MeiliIndex, MeiliRebuild};
pub use query::{
    Clause, Counting, Direction, FacetRequest, MAX_QUERY_BYTES, MAX_QUERY_WORDS, Narrow, Number, Range, Rule, SearchQuery,
    Snippets, Sort, SuggestQuery, Visible,
};
pub use results::{FacetCount, FacetCounts, Hit, Score, SearchResults, Snippet, Stats, Suggestion, TextReading};
