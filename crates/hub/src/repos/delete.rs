//! Deleting a repository.

use serde_json::json;

use super::access::RepoAdmin;
use super::changes::{self, What};
use super::queries;
use crate::accounts::audit;
use crate::app::App;
use crate::error::{HubError, HubResult};

/// Deletes a repository: it is gone for everyone at once, and its name is free for its owner. For some time it can be restored:
/// [`changes::deleted`].
///
/// # Errors
/// 404 when somebody else was quicker.
pub async fn delete_repo(app: &App, admin: &RepoAdmin) -> HubResult<()> {
    delete_undoing(app, admin, None).await
}

/// The same to take a restoration back.
///
/// # Errors
/// As [`delete_repo`]; 409 when the restoration was taken back already.
pub(super) async fn delete_undoing(app: &App, admin: &RepoAdmin, undoes: Option<i64>) -> HubResult<()> {
    let repo = &admin.repo;
    let mut tx = audit::begin(app).await?;
    if !queries::mark_deleted(&mut tx, repo.pk).await? {
        return Err(HubError::repo_not_found(false));
    }
    let actor = admin.viewer.user.as_ref().map(|user| user.pk);
    changes::note(&mut tx, repo.pk, actor, &What::DeleteRepo { id: repo.id.to_string() }, undoes).await?;
    let payload = json!({ "repo_type": repo.repo_type, "id": repo.id.to_string() });
    queries::insert_event(&mut tx, repo.pk, actor, "delete_repo", payload).await?;
    tx.commit().await?;
    Ok(())
}
