//! Recalls: a file turned out malicious, mislicensed or wrong. Whoever fetched it is told, nobody can fetch it any more, and what to use
//! instead is named (docs/recalls.md).
//!
//! A recall is of contents, and holds in one repository (its admins open it) or everywhere (moderators do). Each node knows in memory
//! which contents are recalled at all, and hears of changes by the database: so a download asks the database only about files that
//! are.
//!
//! - [`open`]: opening and withdrawing.
//! - [`tell`]: the job that tells those who fetched the file, by the ledger ([`crate::fetches`]).
//! - `pages`, `api`: the public list, one recall, the form.
//!
//! Slices that give out bytes ask [`check`] or [`among`]; they know nothing else of it.

mod api;
pub mod category;
pub mod open;
mod pages;
pub mod queries;
pub mod tell;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::web;
use sqlx::PgExecutor;

use self::category::Category;
pub use self::queries::standing::{Standing, StandingInRepo};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;

/// On which channel of the database nodes hear that something was recalled.
pub(crate) const CHANNEL: &str = "recalls";

/// Mounts the pages and the API, before the pages of repositories.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(api::routes).configure(pages::routes);
}

/// Which contents are recalled somewhere, as far as this node has heard; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Known {
    inner: Arc<RwLock<Arc<HashSet<Content>>>>,
    /// Held while they are read: who reads later knows no less.
    loading: Arc<tokio::sync::Mutex<()>>,
}

impl Known {
    fn get(&self) -> Arc<HashSet<Content>> {
        Arc::clone(&self.inner.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn has(&self, content: &Content) -> bool {
        self.get().contains(content)
    }

    fn set(&self, contents: HashSet<Content>) {
        *self.inner.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(contents);
    }
}

/// Learns what is recalled.
///
/// # Errors
/// The database does not answer.
pub async fn load(app: &App) -> sqlx::Result<()> {
    let _turn = app.recalls.loading.lock().await;
    let contents = queries::standing::list_contents(&app.pool).await?;
    app.recalls.set(contents.iter().filter_map(|bytes| Content::from_slice(bytes)).collect());
    Ok(())
}

/// The recall that keeps a content from being given out of a repository.
///
/// # Errors
/// The database does not answer.
pub async fn find(app: &App, repo_pk: i64, content: Content) -> HubResult<Option<Standing>> {
    Ok(among(app, repo_pk, &[content]).await?.remove(&content))
}

/// Those of some contents that are recalled in a repository. The database is asked about those only that are recalled somewhere.
///
/// # Errors
/// The database does not answer.
pub async fn among(app: &App, repo_pk: i64, contents: &[Content]) -> HubResult<HashMap<Content, Standing>> {
    Ok(among_in(app, &app.pool, repo_pk, contents).await?)
}

/// The same by the connection at hand. Those who have one and ask for a second could all wait for each other.
///
/// # Errors
/// The database does not answer.
pub async fn among_in(
    app: &App,
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    contents: &[Content],
) -> sqlx::Result<HashMap<Content, Standing>> {
    let known = app.recalls.get();
    let asked: Vec<Vec<u8>> =
        contents.iter().filter(|content| known.contains(*content)).map(|content| content.to_bytes()).collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = queries::standing::list_standing(conn, repo_pk, &asked).await?;
    Ok(rows.into_iter().filter_map(|row| Some((Content::from_slice(&row.content)?, row))).collect())
}

/// Whether anything is recalled anywhere.
pub fn any(app: &App) -> bool {
    !app.recalls.get().is_empty()
}

/// Checks that a content may be given out of a repository.
///
/// # Errors
/// 451 when it is recalled.
pub async fn check(app: &App, repo_pk: i64, content: Content) -> HubResult<()> {
    if !app.recalls.has(&content) {
        return Ok(());
    }
    match find(app, repo_pk, content).await? {
        Some(standing) => Err(standing.refusal()),
        None => Ok(()),
    }
}

/// The same for what may have no bytes of its own.
///
/// # Errors
/// 451 when it is recalled.
pub async fn check_entry(app: &App, repo_pk: i64, entry: &hub_git::Entry) -> HubResult<()> {
    match Content::of(entry) {
        Some(content) => check(app, repo_pk, content).await,
        None => Ok(()),
    }
}

/// The newest recall that concerns a repository, and how many do.
///
/// # Errors
/// The database does not answer.
pub async fn in_repo(app: &App, repo_pk: i64) -> HubResult<Option<StandingInRepo>> {
    if !any(app) {
        return Ok(None);
    }
    Ok(queries::standing::find_in_repo(&app.pool, repo_pk).await?)
}

/// Checks that a repository has no recall of its own: a copy of it would give out again what was recalled.
///
/// # Errors
/// 409 when it has.
pub async fn check_copy(app: &App, repo_pk: i64) -> HubResult<()> {
    match queries::standing::find_of_repo(&app.pool, repo_pk).await? {
        Some(number) => Err(HubError::recalled_copy(number)),
        None => Ok(()),
    }
}

impl Standing {
    /// What is wrong.
    pub fn category(&self) -> Category {
        Category::parse(&self.category).unwrap_or(Category::Other)
    }

    /// What to use instead, if everybody who may see the file may know of it.
    pub fn instead(&self) -> Option<String> {
        let id = self.replacement.as_deref()?;
        Some(match self.replacement_commit.as_deref().map(hex::encode) {
            Some(commit) => format!("{id} at the commit {commit}"),
            None => id.to_owned(),
        })
    }

    /// The page.
    pub fn path(&self) -> String {
        path_of(self.recall_pk)
    }

    /// The answer in the place of the file.
    pub fn refusal(&self) -> HubError {
        HubError::recalled(self.category().says(), &self.path(), self.instead().as_deref())
    }
}

/// The page of a recall.
pub fn path_of(recall_pk: i64) -> String {
    format!("/recalls/{recall_pk}")
}
