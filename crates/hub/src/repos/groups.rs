//! The resource group that a repository is in.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::access;
use super::{Repo, RepoAdmin, queries};
use crate::accounts::Viewer;
use crate::accounts::audit;
use crate::accounts::queries::groups::{GroupRow, find_group_by_pk, list_groups_by_pk};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};

/// The group of a repository, if it is in one.
///
/// # Errors
/// The database does not answer.
pub async fn find(app: &App, repo: &Repo) -> HubResult<Option<GroupRow>> {
    match repo.resource_group_pk {
        Some(pk) => Ok(find_group_by_pk(&app.pool, pk).await?),
        None => Ok(None),
    }
}

/// The groups of those of these repositories that the viewer belongs to, each with the key of the repository. Others are told of none.
///
/// # Errors
/// The database does not answer.
pub async fn find_of_members(app: &App, viewer: &Viewer, repo_pks: &[i64]) -> HubResult<Vec<(i64, GroupRow)>> {
    if viewer.is_anonymous() {
        return Ok(Vec::new());
    }
    let mut repos = queries::list_in_groups(&app.pool, repo_pks).await?;
    repos.retain(|repo| access::is_shown_as_member(viewer, repo));
    if repos.is_empty() {
        return Ok(Vec::new());
    }
    let mut group_pks: Vec<i64> = repos.iter().filter_map(|repo| repo.resource_group_pk).collect();
    group_pks.sort_unstable();
    group_pks.dedup();
    let groups = list_groups_by_pk(&app.pool, &group_pks).await?;
    let groups: HashMap<i64, GroupRow> = groups.into_iter().map(|group| (group.resource_group_pk, group)).collect();
    let with_group = |repo: &Repo| Some((repo.pk, groups.get(&repo.resource_group_pk?)?.clone()));
    Ok(repos.iter().filter_map(with_group).collect())
}

/// Puts a repository into the group with an id, or for no id into none.
///
/// # Errors
/// 400 for a group that its organisation does not have, 403 where the viewer may not make repositories, 409 when the group was deleted
/// or the repository moved meanwhile.
pub async fn move_to(app: &App, admin: &RepoAdmin, id: Option<&str>) -> HubResult<()> {
    let group_pk = access::group_to_move_to(app, admin, id).await?;
    let mut tx = audit::begin(app).await?;
    put_into(&mut tx, admin, group_pk).await?;
    tx.commit().await?;
    Ok(())
}

/// The same in a transaction at hand, for a group that the viewer may use.
///
/// # Errors
/// 409 when the group was deleted or the repository moved meanwhile.
pub async fn put_into(conn: &mut PgConnection, admin: &RepoAdmin, group_pk: Option<i64>) -> HubResult<()> {
    let repo = &admin.repo;
    match queries::set_resource_group(conn, repo.pk, repo.namespace_pk, group_pk).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(HubError::conflict("The repository moved meanwhile. Look where it is, and try again.")),
        Err(error) if db::violates(&error, "repos_resource_group_fk") => Err(HubError::resource_group_gone()),
        Err(error) => Err(error.into()),
    }
}
