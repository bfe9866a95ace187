//! Renaming a repository or moving it to another owner. The old name keeps leading to it.

use hub_types::{RepoId, RepoType};
use serde_json::json;

use super::access::RepoAdmin;
use super::buckets::batch;
use super::changes::{self, What};
use super::queries::changes::is_limited_organization;
use super::{access, queries};
use crate::accounts::audit;
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::quotas;

/// Gives a repository another id and leaves a redirect at the old one. Gives the new id in its canonical spelling.
///
/// # Errors
/// 403 for a namespace or a name the viewer may not use, and for what would leave an organisation that moderators limited, 409 when the
/// target exists, 413 when the new owner has no room for it.
pub async fn move_repo(app: &App, admin: &RepoAdmin, to: &RepoId) -> HubResult<RepoId> {
    move_undoing(app, admin, to, None).await
}

/// The same to take another move back.
///
/// # Errors
/// As [`move_repo`]; 409 when that one was taken back already.
pub(super) async fn move_undoing(app: &App, admin: &RepoAdmin, to: &RepoId, undoes: Option<i64>) -> HubResult<RepoId> {
    let repo = &admin.repo;
    let namespace = access::target_namespace(app, &admin.viewer, Some(to.namespace()), repo.repo_type, Some(repo)).await?;
    let target = RepoId::new(&namespace.name, to.name())?;
    let mut tx = audit::begin(app).await?;
    // Elsewhere it would be in lists again.
    let leaves = repo.namespace_pk != namespace.namespace_pk && !admin.viewer.is_site_admin();
    if leaves && is_limited_organization(&mut tx, repo.namespace_pk).await? {
        return Err(HubError::organization_limited(repo.id.namespace()));
    }
    if repo.id.key() != target.key() {
        access::check_name_is_free(&mut tx, &admin.viewer, repo.repo_type, &namespace, target.name()).await?;
    }
    match queries::update_name(&mut tx, repo.pk, namespace.namespace_pk, target.name()).await {
        Err(error) if db::violates(&error, "repos_type_namespace_name_idx") => {
            return Err(HubError::move_target_exists(repo.repo_type, &target));
        }
        other => other?,
    }
    if repo.repo_type == RepoType::Bucket && repo.namespace_pk != namespace.namespace_pk {
        batch::check_arrival(app, &mut tx, repo.pk, (namespace.namespace_pk, namespace.name.as_str())).await?;
    }
    if repo.namespace_pk != namespace.namespace_pk {
        quotas::check_arrival(app, &mut tx, repo.pk).await?;
    }
    queries::delete_redirect(&mut tx, repo.repo_type, target.namespace(), target.name()).await?;
    if repo.id.key() != target.key() {
        queries::insert_redirect(&mut tx, repo.repo_type, repo.id.namespace(), repo.id.name(), repo.pk).await?;
        queries::insert_redirects_of_former_owners(&mut tx, repo.repo_type, repo.namespace_pk, repo.id.name(), repo.pk).await?;
    }
    let actor = admin.viewer.user.as_ref().map(|user| user.pk);
    if repo.id.to_string() != target.to_string() {
        let what = What::MoveRepo { from: repo.id.to_string(), to: target.to_string() };
        changes::note(&mut tx, repo.pk, actor, &what, undoes).await?;
    }
    let payload = json!({ "from": repo.id.to_string(), "to": target.to_string() });
    queries::insert_event(&mut tx, repo.pk, actor, "move_repo", payload).await?;
    tx.commit().await?;
    Ok(target)
}
