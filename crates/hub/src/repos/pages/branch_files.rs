//! What the pages that change files share: the branch they are on, and commits that undo nobody else's work.

use hub_git::Entry;
use hub_types::{Oid, RefName};

use super::context::{Place, View};
use crate::accounts::page::PageRequest;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::access::{Level, RepoRead};
use crate::repos::{Repo, RepoWrite, queries, reading};

/// How often a commit starts over because other files were committed meanwhile.
const MAX_ROUNDS: usize = 5;

/// The place a page is about. Files change on branches only; the path need not be there yet.
///
/// # Errors
/// 404 when the revision is no branch.
pub(super) async fn branch_place(page: &PageRequest, write: &RepoWrite) -> HubResult<Place> {
    let place = Place::of(page, &write.repo).await?;
    head_of(page, &write.repo, &place.revision).await?;
    Ok(place)
}

/// The commit a branch is at now.
///
/// # Errors
/// 404 when there is no such branch.
pub(super) async fn head_of(page: &PageRequest, repo: &Repo, branch: &str) -> HubResult<Oid> {
    let unknown = || HubError::revision_not_found(branch);
    let name = RefName::branch(branch).map_err(|_| unknown())?;
    queries::find_ref(&page.app.pool, repo.pk, &name).await?.ok_or_else(unknown)
}

/// Where a view of a path is that changes it: for those who may write and have signed in, on a branch.
///
/// # Errors
/// 503 when the database does not answer.
pub(super) async fn may_change(page: &PageRequest, read: &RepoRead, place: &Place) -> HubResult<bool> {
    if read.level < Level::Write || page.require_session().is_err() {
        return Ok(false);
    }
    let Ok(branch) = RefName::branch(&place.revision) else { return Ok(false) };
    Ok(queries::find_ref(&page.app.pool, read.repo.pk, &branch).await?.is_some())
}

/// The blob or tree of an entry, as forms name it; nothing for what is not there.
pub(super) fn id_of(entry: Option<&Entry>) -> String {
    entry.map(|entry| entry.oid.to_hex()).unwrap_or_default()
}

/// Commits on top of whatever is on the branch, as long as the entry at the place is the one that somebody saw. Gives the
/// commit with another entry when it is not. `commit` makes the commit on the parent it is given.
///
/// # Errors
/// What `commit` says, and 503 when the branch changes all the time.
pub(super) async fn commit_on_seen<C>(
    page: &PageRequest,
    write: &RepoWrite,
    place: &Place,
    seen: &str,
    commit: C,
) -> HubResult<Option<Oid>>
where
    C: AsyncFn(Oid) -> HubResult<Oid>,
{
    for _ in 0..MAX_ROUNDS {
        let head = head_of(page, &write.repo, &place.revision).await?;
        let entry = reading::entry(&page.app, &write.repo, head, &place.path).await?;
        if id_of(entry.as_deref()) != seen {
            return Ok(Some(head));
        }
        match commit(head).await {
            Ok(_) => return Ok(None),
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
