//! Deleting a repository.

use serde_json::json;

use super::access::RepoAdmin;
use super::queries;
use crate::app::App;
use crate::error::{HubError, HubResult};

/// Deletes a repository: it is gone for everyone at once, and its name is free.
///
/// # Errors
/// 404 when somebody else was quicker.
pub async fn delete_repo(app: &App, admin: &RepoAdmin) -> HubResult<()> {
    let repo = &admin.repo;
    let mut tx = app.begin().await?;
    if !queries::mark_deleted(&mut tx, repo.pk).await? {
        return Err(HubError::repo_not_found(false));
    }
    let actor = admin.viewer.user.as_ref().map(|user| user.pk);
    let payload = json!({ "repo_type": repo.repo_type, "id": repo.id.to_string() });
    queries::insert_event(&mut tx, repo.pk, actor, "delete_repo", payload).await?;
    tx.commit().await?;
    Ok(())
}
