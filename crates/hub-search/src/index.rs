//! One index or the other, behind the same calls.

use std::sync::Arc;

use crate::{
    Change, Counters, MeiliIndex, MeiliRebuild, Position, RepoDoc, SearchError, SearchQuery, SearchResults, Stats, SuggestQuery,
    Suggestion, TantivyIndex, TantivyRebuild,
};

/// The index that a hub searches.
#[derive(Clone)]
pub enum SearchIndex {
    /// In this process.
    Tantivy(Arc<TantivyIndex>),
    /// In another process, which several nodes share.
    Meilisearch(MeiliIndex),
}

impl SearchIndex {
    /// Answers a query.
    ///
    /// # Errors
    /// If the index cannot be read or reached.
    pub async fn search(&self, query: SearchQuery) -> Result<SearchResults, SearchError> {
        match self {
            Self::Tantivy(index) => blocking(index, move |index| index.search(&query)).await,
            Self::Meilisearch(index) => index.search(&query).await,
        }
    }

    /// Repositories of each kind whose name goes on like what was typed, the best first.
    ///
    /// # Errors
    /// If the index cannot be read or reached.
    pub async fn suggest(&self, query: SuggestQuery) -> Result<Vec<Suggestion>, SearchError> {
        match self {
            Self::Tantivy(index) => blocking(index, move |index| index.suggest(&query)).await,
            Self::Meilisearch(index) => index.suggest(&query).await,
        }
    }

    /// Carries out changes, in order, and notes the position. If it fails, the position is as before, and the changes
    /// are to be applied again.
    ///
    /// # Errors
    /// If the index cannot be written or reached.
    pub async fn apply(&self, changes: Vec<Change>, position: Position) -> Result<(), SearchError> {
        match self {
            Self::Tantivy(index) => blocking(index, move |index| index.apply(&changes, position)).await,
            Self::Meilisearch(index) => index.apply(&changes, position).await,
        }
    }

    /// Sets counters of documents, by key. Keys that are not there are passed over.
    ///
    /// # Errors
    /// If the index cannot be written or reached.
    pub async fn update_counters(&self, counters: Vec<(i64, Counters)>) -> Result<(), SearchError> {
        match self {
            Self::Tantivy(index) => blocking(index, move |index| index.update_counters(&counters)).await,
            Self::Meilisearch(index) => index.update_counters(&counters).await,
        }
    }

    /// How far the index has read; nothing if it is to be rebuilt.
    ///
    /// # Errors
    /// If the index cannot be read or reached.
    pub async fn position(&self) -> Result<Option<Position>, SearchError> {
        match self {
            Self::Tantivy(index) => blocking(index, |index| index.position()).await,
            Self::Meilisearch(index) => index.position().await,
        }
    }

    /// Size and position.
    ///
    /// # Errors
    /// If the index cannot be read or reached.
    pub async fn stats(&self) -> Result<Stats, SearchError> {
        match self {
            Self::Tantivy(index) => blocking(index, |index| index.stats()).await,
            Self::Meilisearch(index) => index.stats().await,
        }
    }

    /// Begins a fresh, empty index beside this one, which goes on being searched and changed.
    ///
    /// # Errors
    /// If the index cannot be written or reached.
    pub async fn rebuild(&self) -> Result<Rebuild, SearchError> {
        Ok(match self {
            Self::Tantivy(index) => Rebuild::Tantivy(Arc::new(blocking(index, |index| Arc::clone(index).rebuild()).await?)),
            Self::Meilisearch(index) => Rebuild::Meilisearch(index.rebuild().await?),
        })
    }
}

/// An index that is being filled, to take the place of the one that is searched.
pub enum Rebuild {
    /// In this process.
    Tantivy(Arc<TantivyRebuild>),
    /// In another process.
    Meilisearch(MeiliRebuild),
}

impl Rebuild {
    /// Adds documents.
    ///
    /// # Errors
    /// If the index cannot be written or reached.
    pub async fn add(&self, docs: Vec<RepoDoc>) -> Result<(), SearchError> {
        match self {
            Self::Tantivy(rebuild) => blocking(rebuild, move |rebuild| rebuild.add(&docs)).await,
            Self::Meilisearch(rebuild) => rebuild.add(&docs).await,
        }
    }

    /// Puts the fresh index in the place of the old one. `position` is the one that the outbox had before the first
    /// document was read: what happened since is to be applied again.
    ///
    /// # Errors
    /// If the index cannot be written or reached; the old one stays in use then.
    pub async fn finish(self, position: Position) -> Result<(), SearchError> {
        match self {
            Self::Tantivy(rebuild) => {
                // Every call has ended, so nobody else holds it.
                let rebuild = Arc::into_inner(rebuild).ok_or(SearchError::Broken)?;
                tokio::task::spawn_blocking(move || rebuild.finish(position)).await.map_err(|_| SearchError::Broken)?
            }
            Self::Meilisearch(rebuild) => rebuild.finish(position).await,
        }
    }
}

/// Runs what computes or blocks where it keeps nobody waiting.
async fn blocking<I: Send + Sync + 'static, T: Send + 'static>(
    index: &Arc<I>,
    work: impl FnOnce(&Arc<I>) -> Result<T, SearchError> + Send + 'static,
) -> Result<T, SearchError> {
    let index = Arc::clone(index);
    tokio::task::spawn_blocking(move || work(&index)).await.map_err(|_| SearchError::Broken)?
}
