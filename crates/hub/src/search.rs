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
//! - [`terms`]: sums that things are ranked by, ready to be shown.

pub mod document;
mod follow;
pub mod hardware;
pub mod queries;
pub mod terms;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use hub_search::{
    MeiliIndex, SearchError, SearchIndex, SearchQuery, SearchResults, SuggestQuery, Suggestion, TantivyIndex, Visible,
};
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::accounts::{Auth, TokenRole, Viewer};
use crate::config::Config;
use crate::error::{HubError, HubResult};

pub use follow::follow;

/// The name of the index in a Meilisearch.
/// Its end is raised when documents change so that all must be written anew; nodes of an earlier version keep theirs.
const MEILI_INDEX: &str = "hub-repos-3";

/// The search index that this node asks. Cheap to clone.
#[derive(Clone, Default)]
pub struct Search {
    index: Arc<OnceLock<SearchIndex>>,
    /// Whether it was ever filled.
    filled: Arc<AtomicBool>,
    wake: Arc<Notify>,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search").field("filled", &self.is_ready()).finish_non_exhaustive()
    }
}

impl Search {
    /// Opens the index, for as long as this process lives: in Meilisearch if the settings name one, else in `folder`.
    ///
    /// # Errors
    /// The folder is in use or cannot be written; Meilisearch does not answer or refuses the key.
    pub async fn open(&self, config: &Config, folder: &Path) -> Result<(), SearchError> {
        let index = match &config.meili_url {
            Some(url) => {
                let key = config.meili_key.as_ref().map(|key| key.expose());
                SearchIndex::Meilisearch(MeiliIndex::open(url.as_str(), key, MEILI_INDEX).await?)
            }
            None => {
                let folder = folder.to_owned();
                let opened = tokio::task::spawn_blocking(move || TantivyIndex::open(&folder)).await;
                SearchIndex::Tantivy(Arc::new(opened.map_err(|_| SearchError::Broken)??))
            }
        };
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

    /// Whether questions can be answered. Not while the index is filled for the first time.
    pub fn is_ready(&self) -> bool {
        self.filled.load(Ordering::Relaxed)
    }

    fn ready(&self) -> HubResult<&SearchIndex> {
        let index = self.index.get().filter(|_| self.is_ready());
        index.ok_or_else(|| {
            HubError::unavailable("The search index is being built. Try again in a moment.", "no search index yet")
        })
    }

    /// How many changes of repositories are not in the index yet; nothing when that cannot be told.
    pub async fn behind(&self, pool: &PgPool) -> Option<i64> {
        self.ready().ok()?;
        self.find_behind(pool).await
    }

    /// The same, also of an index that nobody in this process feeds.
    pub async fn find_behind(&self, pool: &PgPool) -> Option<i64> {
        let position = self.index.get()?.position().await.ok()??;
        queries::count_behind(pool, position.0).await.ok()
    }

    /// Answers a query.
    ///
    /// # Errors
    /// 503 while there is no index yet, or when it does not answer.
    pub async fn search(&self, query: SearchQuery) -> HubResult<SearchResults> {
        self.ready()?.search(query).await.map_err(unavailable)
    }

    /// Answers the quick search box.
    ///
    /// # Errors
    /// 503 while there is no index yet, or when it does not answer.
    pub async fn suggest(&self, query: SuggestQuery) -> HubResult<Vec<Suggestion>> {
        self.ready()?.suggest(query).await.map_err(unavailable)
    }
}

fn unavailable(error: SearchError) -> HubError {
    HubError::unavailable("The search does not answer right now. Try again in a moment.", error)
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
            let groups =
                user.memberships.iter().flat_map(|membership| &membership.groups).map(|group| document::audience(group.pk));
            Visible::PublicAnd(organizations.chain(groups).chain([user.name.clone()]).collect())
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
