//! Gated repositories: everybody who may see one sees its page and the names of its files; the files are for its members and for
//! those who asked and were let in.
//!
//! - [`ask`], [`withdraw`]: what people do who want the files. What they are asked stands in the card ([`hub_cards::Gate`]).
//! - [`decide`], [`decide_many`], [`grant`]: what those do who may write to the repository; [`super::changes::undo`] takes it
//!   back.
//! - [`announce`]: mail to those who decide, at most once an hour for each repository.
//!
//! A request that is accepted opens the files at [`super::RepoRead::barrier`] and nowhere else; rejecting it, or taking the
//! decision back, closes them. Switching the gate off and on leaves requests as they are.

mod announce;
mod ask;
mod decide;
mod undo;

use super::queries::Repo;
use crate::error::{HubError, HubResult};

pub use announce::announce;
pub use ask::{Asked, ask, gate_of, withdraw};
pub use decide::{Decision, Whose, decide, decide_many, grant};
pub(in crate::repos) use undo::undo;
pub use undo::{AccessDecision, Standing, forget_decisions};

/// The longest reason for turning somebody down, in characters.
pub const MAX_REASON_CHARS: usize = 200;

/// What mails call a repository: `model acme/bert`.
fn named(repo: &Repo) -> String {
    format!("{} {}", repo.repo_type, repo.id)
}

/// 400 for a repository whose files nobody needs to ask for.
///
/// # Errors
/// See above.
pub fn require_gated(repo: &Repo) -> HubResult<()> {
    if repo.gated.is_some() { Ok(()) } else { Err(HubError::not_gated(repo.repo_type, &repo.id)) }
}
