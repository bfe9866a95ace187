//! What the pages that change files share: the branch or pull request they are on, and commits that undo nobody else's work.

use hub_git::Entry;
use hub_types::Oid;

use super::context::{Place, View};
use super::target::{Target, ref_of};
use crate::accounts::page::PageRequest;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::access::RepoRead;
use crate::repos::{Repo, queries, reading};

/// How often a commit starts over because other files were committed meanwhile.
const MAX_ROUNDS: usize = 5;

/// The place a page is about, and where changes of it go. Files change on branches and open pull requests only; the path need not
/// be there yet.
///
/// # Errors
/// 404 when the revision is neither, 401 or 403 for those who may neither write nor propose.
pub(super) async fn change_place(page: &PageRequest, read: RepoRead) -> HubResult<(Place, Target)> {
    page.require_session()?;
    let place = Place::of(page, &read.repo).await?;
    head_of(page, &read.repo, &place.revision).await?;
    let target = Box::pin(Target::of(page, read, &place.revision)).await?;
    Ok((place, target))
}

/// The commit a branch or a pull request is at now.
///
/// # Errors
/// 404 when there is no such one.
pub(super) async fn head_of(page: &PageRequest, repo: &Repo, revision: &str) -> HubResult<Oid> {
    let unknown = || HubError::revision_not_found(revision);
    let name = ref_of(revision).ok_or_else(unknown)?;
    queries::find_ref(&page.app.pool, repo.pk, &name).await?.ok_or_else(unknown)
}

/// The blob or tree of an entry, as forms name it; nothing for what is not there.
pub(super) fn id_of(entry: Option<&Entry>) -> String {
    entry.map(|entry| entry.oid.to_hex()).unwrap_or_default()
}

/// What came of a commit on what somebody saw.
#[derive(Debug)]
pub(super) enum Seen<T> {
    /// It is made.
    Done(T),
    /// The entry is another one in this commit.
    Newer(Oid),
}

/// Commits on top of whatever is on the branch, as long as the entry at the place is the one that somebody saw. Gives the
/// commit with another entry when it is not. `commit` makes the commit on the parent it is given.
///
/// # Errors
/// What `commit` says, and 503 when the branch changes all the time.
pub(super) async fn commit_on_seen<T, C>(
    page: &PageRequest,
    repo: &Repo,
    place: &Place,
    seen: &str,
    commit: C,
) -> HubResult<Seen<T>>
where
    C: AsyncFn(Oid) -> HubResult<T>,
{
    for _ in 0..MAX_ROUNDS {
        let head = head_of(page, repo, &place.revision).await?;
        let entry = reading::entry(&page.app, repo, head, &place.path).await?;
        if id_of(entry.as_deref()) != seen {
            return Ok(Seen::Newer(head));
        }
        match commit(head).await {
            Ok(made) => return Ok(Seen::Done(made)),
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => {}
            Err(error) => return Err(error),
        }
    }
    Err(HubError::unavailable("The branch is changing too fast. Try again in a moment.", "every round of a commit lost the race"))
}

/// Where the folder around a path is shown, or the folder around that when the path was its only file.
pub(super) async fn folder_href(page: &PageRequest, repo: &Repo, place: &Place) -> HubResult<String> {
    let head = head_of(page, repo, &place.revision).await?;
    let mut folder = place.path.as_str();
    while let Some((outer, _)) = folder.rsplit_once('/') {
        folder = outer;
        if reading::entry(&page.app, repo, head, folder).await?.is_some_and(|entry| entry.is_folder()) {
            return Ok(place.href(View::Tree, folder));
        }
    }
    Ok(place.href(View::Tree, ""))
}
