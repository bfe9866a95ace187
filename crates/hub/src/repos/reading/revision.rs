use hub_types::{Oid, RefName};

use super::read;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::queries::{self, Repo};

/// The commit that a revision means: a full ref name, a branch, a tag, or a commit id of at least four digits.
///
/// # Errors
/// 404 with the code for revisions when it means none.
pub async fn resolve(app: &App, repo: &Repo, revision: &str) -> HubResult<Oid> {
    let revision = if revision == "HEAD" { &repo.default_branch } else { revision };
    if let Some(oid) = repo.head_oid.filter(|_| revision == repo.default_branch) {
        return peel(app, repo, revision, oid).await;
    }
    if let Some(oid) = find_in_refs(app, repo, revision).await? {
        return peel(app, repo, revision, oid).await;
    }
    // A name that is no ref and has no hex digits never opens the repository.
    if !(4..=40).contains(&revision.len()) || !revision.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(HubError::revision_not_found(revision));
    }
    if let Ok(oid) = revision.parse::<Oid>()
        && app.reading.commits.contains_key(&(repo.pk, oid))
    {
        return Ok(oid);
    }
    let id = revision.to_owned();
    let info = read(app, repo, move |reader| reader.resolve_commit(&id).and_then(|oid| reader.commit(oid))).await?;
    let oid = info.oid;
    app.reading.commits.insert((repo.pk, oid), info.into());
    Ok(oid)
}

/// The branch that a revision names, and the commit it is at.
///
/// # Errors
/// 404 with the code for revisions when there is no such branch.
pub async fn resolve_branch(app: &App, repo: &Repo, revision: &str) -> HubResult<(RefName, Oid)> {
    let missing = || HubError::revision_not_found(revision);
    let branch = revision.strip_prefix("refs/heads/").unwrap_or(revision);
    let name = RefName::branch(branch).map_err(|_| missing())?;
    let oid = queries::find_ref(&app.pool, repo.pk, &name).await?.ok_or_else(missing)?;
    Ok((name, oid))
}

/// A branch goes before a tag of the same name. Names that git forbids are no refs, and never reach the database.
async fn find_in_refs(app: &App, repo: &Repo, revision: &str) -> HubResult<Option<Oid>> {
    let names = match revision.starts_with("refs/") {
        true => [RefName::new(revision).ok(), None],
        false => [RefName::branch(revision).ok(), RefName::tag(revision).ok()],
    };
    for name in names.iter().flatten() {
        if let Some(oid) = queries::find_ref(&app.pool, repo.pk, name).await? {
            return Ok(Some(oid));
        }
    }
    Ok(None)
}

/// A tag may point to a tag object, which points to the commit.
async fn peel(app: &App, repo: &Repo, revision: &str, oid: Oid) -> HubResult<Oid> {
    if app.reading.commits.contains_key(&(repo.pk, oid)) {
        return Ok(oid);
    }
    let commit = read(app, repo, move |reader| reader.peel(oid)).await?;
    let commit = commit.ok_or_else(|| HubError::revision_not_found(revision))?;
    super::commit(app, repo, commit).await?;
    Ok(commit)
}
