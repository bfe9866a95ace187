//! Deleted repositories: which can come back, and how.

use chrono::{DateTime, TimeDelta, Utc};
use hub_types::{RepoId, RepoType};
use serde_json::json;
use sqlx::PgConnection;

use super::{What, note, undoable_since, window};
use crate::accounts::{OrgRole, Viewer, audit};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::repos::access::{self, RepoAdmin, RepoRead, level_of};
use crate::repos::buckets::batch;
use crate::repos::queries::changes::{self as queries, Contributed, DeletedRepo};
use crate::repos::queries::{self as repo_queries, Repo};

/// The most that a list shows.
const MAX_LISTED: i64 = 500;

/// Until when what was deleted at a time can come back.
pub fn restorable_until(app: &App, deleted_at: DateTime<Utc>) -> DateTime<Utc> {
    deleted_at + window(app)
}

/// Whole days that are left until a time; today counts.
pub fn days_left(until: DateTime<Utc>) -> i64 {
    (until - crate::clock::now() + TimeDelta::days(1) - TimeDelta::seconds(1)).num_days().max(0)
}

/// The deleted repositories of these accounts that the viewer administers, as far as their token sees them.
///
/// # Errors
/// The database does not answer.
pub async fn list_in(app: &App, viewer: &Viewer, namespaces: &[i64]) -> HubResult<Vec<DeletedRepo>> {
    let Some(user) = &viewer.user else { return Ok(Vec::new()) };
    let mut whole = Vec::new();
    let mut contributed = Vec::new();
    for namespace_pk in namespaces {
        match viewer.role_in(*namespace_pk) {
            Some(OrgRole::Admin) => whole.push(*namespace_pk),
            _ if user.is_admin => whole.push(*namespace_pk),
            Some(_) => contributed.push(*namespace_pk),
            None => {}
        }
    }
    let groups = user.memberships.iter().flat_map(|membership| &membership.groups);
    let groups: Vec<i64> = groups.filter(|group| group.role == OrgRole::Admin).map(|group| group.pk).collect();
    let part = Contributed { namespaces: &contributed, created_by: user.pk, groups: &groups };
    let mut found = queries::list_deleted(&app.pool, &whole, &part, undoable_since(app), MAX_LISTED).await?;
    // Who made one may have left its group, and a token for chosen repositories sees fewer.
    found.retain(|deleted| access::administers(viewer, &deleted.repo) && deleted.repo.is_seen_by(viewer));
    Ok(found)
}

/// The same of all accounts that the viewer administers.
///
/// # Errors
/// The database does not answer.
pub async fn list_all(app: &App, viewer: &Viewer) -> HubResult<Vec<DeletedRepo>> {
    list_in(app, viewer, &viewer.namespaces()).await
}

impl Repo {
    /// Whether a deleted repository is shown to somebody: to nobody else than those who would see it if it were private.
    fn is_seen_by(&self, viewer: &Viewer) -> bool {
        let hidden = Self { private: true, ..self.clone() };
        level_of(viewer, &hidden).is_some()
    }
}

/// Finds a deleted repository that the viewer administers, by the id that clients see.
///
/// # Errors
/// 404 for one that is not there, cannot come back any more, or is not the viewer's; 403 for a token that is too weak.
pub async fn find(app: &App, viewer: &Viewer, public_id: &str) -> HubResult<RepoAdmin> {
    let missing =
        || HubError::not_found("There is no such deleted repository: it may have been restored, or the time for that is over.");
    viewer.require_user()?;
    let is_id = public_id.len() == 24 && public_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let found = if is_id { queries::find_deleted(&app.pool, public_id, undoable_since(app)).await? } else { None };
    let repo = found.filter(|repo| repo.is_seen_by(viewer)).ok_or_else(missing)?;
    RepoRead::check(repo, viewer.clone())?.into_admin()
}

/// Brings a deleted repository back with all that it had, under its name or another. Gives its id.
///
/// # Errors
/// 400 for a bad name, 403 for another name that the viewer may not give to a repository, 409 when the name is taken, the
/// repository was restored or removed meanwhile, or moderators removed it, 413 for a bucket that its owner has no room for.
pub async fn restore(app: &App, admin: &RepoAdmin, name: Option<&str>) -> HubResult<RepoId> {
    let repo = &admin.repo;
    let id =
        RepoId::new(repo.id.namespace(), name.unwrap_or(repo.id.name())).map_err(|error| HubError::from(error).at("name"))?;
    // Another name is taken as by who makes a repository of that name.
    let elsewhere = match id.key() == repo.id.key() {
        true => None,
        false => Some(access::target_namespace(app, &admin.viewer, Some(id.namespace()), repo.repo_type, Some(repo)).await?),
    };
    let mut tx = audit::begin(app).await?;
    if let Some(namespace) = &elsewhere {
        access::check_name_is_free(&mut tx, &admin.viewer, repo.repo_type, namespace, id.name()).await?;
    }
    restore_as(app, &mut tx, admin, &id).await?;
    tx.commit().await?;
    Ok(id)
}

/// The same as one part of a transaction that [`audit::begin`] began; the name is one that the viewer may give.
///
/// # Errors
/// 409 when the name is taken, the repository was restored or removed meanwhile, or moderators removed it, 413 for a bucket that its
/// owner has no room for.
pub async fn restore_as(app: &App, conn: &mut PgConnection, admin: &RepoAdmin, id: &RepoId) -> HubResult<()> {
    let repo = &admin.repo;
    let actor = admin.viewer.user.as_ref().map(|user| user.pk);
    match queries::mark_restored(conn, repo.pk, id.name()).await {
        Err(error) if db::violates(&error, "repos_type_namespace_name_idx") => return Err(name_taken(id)),
        Err(error) => return Err(error.into()),
        Ok(false) => return Err(gone()),
        Ok(true) => {}
    }
    // Asked with the row held: whoever decides about it holds it, too.
    if queries::is_removed_by_moderators(conn, repo.pk).await? {
        return Err(removed());
    }
    if repo.repo_type == RepoType::Bucket {
        batch::check_arrival(app, conn, repo.pk, (repo.namespace_pk, id.namespace())).await?;
    }
    repo_queries::delete_redirect(conn, repo.repo_type, id.namespace(), id.name()).await?;
    let deletion = queries::find_deletion(conn, repo.pk).await?;
    note(conn, repo.pk, actor, &What::RestoreRepo { id: id.to_string() }, deletion).await?;
    let payload = json!({ "repo_type": repo.repo_type, "id": id.to_string() });
    repo_queries::insert_event(conn, repo.pk, actor, "restore_repo", payload).await?;
    Ok(())
}

fn name_taken(id: &RepoId) -> HubError {
    let other = format!("{}-restored", id.name());
    HubError::conflict(format!(
        "There is another {id} now. Restore this one under another name, such as `{other}`, or rename the other first."
    ))
    .at("name")
    .with("restoreAs", other)
}

fn removed() -> HubError {
    HubError::conflict("Moderators removed it: it comes back when their decision is taken back, in the log of `/moderation`.")
}

fn gone() -> HubError {
    HubError::conflict("It was restored already, or its files were removed meanwhile. Look at the list again.")
}
