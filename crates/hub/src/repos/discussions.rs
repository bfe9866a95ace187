//! Discussions and pull requests: what is said about a repository, and commits that somebody proposes for it.
//!
//! A pull request is a discussion with commits at `refs/pr/{number}` and a branch that they are for. Whoever may read a
//! repository may open one; its commits are nobody's branch until a writer merges them, as one commit, through the commit point.

mod attachments;
mod changes;
mod conflicts;
mod delete;
mod mentions;
mod merge;
mod metadata;
mod open;
mod propose;
mod reactions;
mod remarks;
mod render;
mod right;
mod settle;
mod timeline;

pub use attachments::{Attached, Sender, attach, receive, too_large};
pub use changes::{comment, edit_comment, forget_hidden, hide_comment, rename, set_flags, set_status, show_comment};
pub use conflicts::{Conflicting, Conflicts, Heads, Kind, Settling, conflicts};
pub use delete::{delete, delete_undoing, forget, restore};
pub use mentions::mentioned_names;
pub use merge::merge;
pub use open::{NewDiscussion, open_discussion, open_pull_request, open_pull_request_once, turned_off};
pub use propose::{Proposed, commit_to_pull, propose_commit, propose_conversion, propose_once};
pub use reactions::{REACTIONS, Reactions, react, reactions_of};
pub use remarks::{Remarks, Snippets, Spot, Thread, remark, reply, resolve, snippets};
pub use render::{render, render_all};
pub use right::{PullWrite, is_silenced, may_change, may_propose, number_of_ref, numbers_to_push, participant, pull_ref};
pub use settle::{Choice, Settlement, pull_to_settle, settle};
pub use timeline::{Details, PullState, TimelineEvent, What, details};

use sqlx::PgConnection;

use super::RepoRead;
use super::queries::Repo;
use super::queries::discussions::{self, Discussion};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// The title of a discussion that moderators hid.
pub const HIDDEN_TITLE: &str = "Hidden by the moderators";

/// Finds a discussion by its number.
///
/// # Errors
/// 404 when there is none.
pub async fn get(app: &App, repo: &Repo, num: i64) -> HubResult<Discussion> {
    let missing = || HubError::not_found(format!("There is no discussion #{num} here."));
    discussions::find(&app.pool, repo.pk, num).await?.ok_or_else(missing)
}

/// Has those told, once this is committed, whom something concerns that was noted.
async fn tell(conn: &mut PgConnection, event: &str) -> sqlx::Result<()> {
    Job::TellOfEvent { id: event.to_owned() }.enqueue(conn).await
}

/// A discussion that the viewer may change: their own, or of a repository they may write to.
///
/// # Errors
/// 401 for anonymous viewers, 403 for others, 404 when there is none.
async fn get_to_change(app: &App, read: &RepoRead, num: i64) -> HubResult<Discussion> {
    participant(read)?;
    let found = get(app, &read.repo, num).await?;
    if may_change(read, found.author_pk) {
        return Ok(found);
    }
    Err(HubError::forbidden(format!("Only who opened #{num} and those who may write to {} can do this.", read.repo.id)))
}
