//! Finding repositories among many: the search index, what feeds it, and what is asked of it.
//!
//! Postgres is the truth; the index is a copy that can be dropped at any time. Every change of a repository writes a row to
//! `search_changes` (triggers, so that nothing can pass by), and every node carries them out on its own index, in order.
//! An index is allowed to be a moment behind: pages read what they show from Postgres, under the viewer's rights, so that
//! nothing is shown that may not be seen.
//!
//! - [`follow`]: keeps the index of this node up to date, and rebuilds it when need be.
//! - [`document`]: what it is told of a repository.
//! - [`hardware`]: which machines a model fits on.

pub mod document;
mod follow;
pub mod hardware;
pub mod queries;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use hub_search::{SearchError, SearchQuery, SearchResults, SuggestQuery, Suggestion, TantivyIndex, Visible};
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::accounts::{Auth, TokenRole, Viewer};
use crate::error::{HubError, HubResult};

pub use follow::follow;

/// The search index of this node. Cheap to clone.
#[derive(Clone, Default)]
pub struct Search {
    index: Arc<OnceLock<TantivyIndex>>,
    wake: Arc<Notify>,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search").field("open", &self.index.get().is_some()).finish()
    }
}

impl Search {
    /// Opens the index of a folder, for as long as this process lives. Blocks.
    ///
    /// # Errors
    /// The folder is in use or cannot be written.
    pub fn open(&self, folder: &Path) -> Result<(), SearchError> {
        let index = TantivyIndex::open(folder)?;
        _ = self.index.set(index);
        Ok(())
    }

    /// Says that there may be changes.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    async fn woken(&self) {
        self.wake.notified().await;
    }

    /// The index, once it was filled.
    fn filled(&self) -> Option<&TantivyIndex> {
        self.index.get().filter(|index| index.position().is_ok_and(|position| position.is_some()))
    }

    /// Whether questions can be answered. Not while the index is filled for the first time.
    pub fn is_ready(&self) -> bool {
        self.filled().is_some()
    }

    /// How many changes of repositories are not in the index yet; nothing when that cannot be told.
    pub async fn behind(&self, pool: &PgPool) -> Option<i64> {
        let position = self.filled()?.position().ok()??;
        queries::count_behind(pool, position.0).await.ok()
    }

    /// Answers a query.
    ///
    /// # Errors
    /// 503 while there is no index yet.
    pub async fn search(&self, query: SearchQuery) -> HubResult<SearchResults> {
        self.ask(move |index| index.search(&query)).await
    }

    /// Answers the quick search box.
    ///
    /// # Errors
    /// 503 while there is no index yet.
    pub async fn suggest(&self, query: SuggestQuery) -> HubResult<Vec<Suggestion>> {
        self.ask(move |index| index.suggest(&query)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&TantivyIndex) -> Result<T, SearchError> + Send + 'static,
    ) -> HubResult<T> {
        let search = self.clone();
        let answer = move || match search.filled() {
            Some(index) => question(index).map_err(HubError::internal),
            None => Err(HubError::unavailable("The search index is being built. Try again in a moment.", "no search index yet")),
        };
        tokio::task::spawn_blocking(answer).await?
    }
}

/// What a viewer may find: the same answer as [`crate::repos::visibility::visible_to`] gives for the database, except that
/// a fine-grained token finds only what is public.
pub fn visible_to(viewer: &Viewer) -> Visible {
    let Some(user) = &viewer.user else { return Visible::Public };
    match &viewer.auth {
        Auth::Token { role: TokenRole::FineGrained, .. } => Visible::Public,
        _ if user.is_admin => Visible::All,
        _ => {
            let organizations = user.memberships.iter().map(|membership| membership.name.clone());
            Visible::PublicAnd(organizations.chain([user.name.clone()]).collect())
        }
    }
}

/// Has every node build its index anew, beside the one in use.
///
/// # Errors
/// The database does not answer.
pub async fn request_rebuild(pool: &PgPool) -> sqlx::Result<()> {
    queries::insert_rebuild(pool).await
}
