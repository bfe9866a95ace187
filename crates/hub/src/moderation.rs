//! Moderation: what people report, what moderators decide about it, and appeals (docs/moderation.md).
//!
//! All that is reported of one thing is a case. A case ends with a decision: nothing, or an act. Acts are rows that never change;
//! what an act covers is kept beside it, so that it can be taken back. What an act does to others is told by a column of the thing
//! itself (`repos.disabled`, `users.suspended_at`), which the permission checks of those slices read.
//!
//! - [`subject`]: what can be reported.
//! - [`reports`]: reporting it.
//! - [`rules`]: what the hub reports by itself.
//! - [`acts`]: deciding, and taking back.
//! - [`bulk`]: acts that were done at once.
//! - [`removal`]: repositories, and accounts with all they made.
//! - [`appeals`]: asking moderators to look again.
//! - [`replies`]: what moderators can choose to say.

mod act;
pub mod acts;
mod alike;
pub mod appeals;
pub mod bulk;
pub mod category;
mod fold;
mod near;
pub mod pages;
pub mod queries;
pub mod removal;
pub mod replies;
pub mod reports;
pub mod roles;
pub mod rules;
pub mod statistics;
pub mod subject;

use hub_types::{RepoId, RepoType};

use crate::accounts::User;
use crate::app::App;
use crate::error::{HubError, HubResult};

pub use pages::routes;

/// Who does what the rules do; no account has this key or this name.
const THE_HUB: (i64, &str) = (0, "the hub");

/// The page that says why a repository is disabled.
pub fn notice_path(repo_type: RepoType, id: &RepoId) -> String {
    format!("/moderation/notice/{}/{id}", repo_type.plural())
}

/// The page on which somebody gets a copy of their data whom moderators suspended.
///
/// # Errors
/// The database does not answer.
pub async fn data_path(app: &App, user: &User) -> HubResult<Option<String>> {
    let act = queries::find_standing_suspension(&app.pool, user.pk).await?;
    Ok(act.map(|act| appeals::data_path_of(app, act.act_pk)))
}

/// What somebody is told who signs in to a suspended account: why, and where to appeal.
///
/// # Errors
/// The database does not answer.
pub async fn refusal(app: &App, user: &User) -> HubResult<HubError> {
    let act = queries::find_standing_suspension(&app.pool, user.pk).await?;
    Ok(match act {
        Some(act) => HubError::suspended(Some((&act.reason, appeals::path_of(app, act.act_pk)))),
        None => HubError::suspended(None),
    })
}
