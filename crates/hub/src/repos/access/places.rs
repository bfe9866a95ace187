//! Where a viewer may put repositories.

use hub_types::RepoType;
use sqlx::PgConnection;

use super::{Level, RepoAdmin, group_of, token_cap};
use crate::accounts::queries::groups::find_group;
use crate::accounts::queries::{NamespaceRow, find_namespace};
use crate::accounts::{Auth, GroupMembership, OrgRole, Viewer, scopes};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::oauth;
use crate::repos::queries::{self, Repo};

/// Where a repository shall live: in a namespace, and there perhaps in a resource group.
#[derive(Debug, Clone)]
pub struct Place {
    /// The namespace.
    pub namespace: NamespaceRow,
    /// The group.
    pub resource_group_pk: Option<i64>,
}

/// Whether a viewer may make repositories in a place: by the role in the group, or else in the namespace.
///
/// # Errors
/// 401 for anonymous viewers, 403 for others who may not (never 404: `create_repo(exist_ok=True)` relies on it).
pub fn may_create(viewer: &Viewer, place: &Place, repo_type: RepoType) -> HubResult<()> {
    let user = viewer.require_user()?;
    let NamespaceRow { namespace_pk, name, .. } = &place.namespace;
    let role = viewer.role_in(*namespace_pk);
    let needed = OrgRole::parse(&place.namespace.create_role).unwrap_or(OrgRole::Contributor);
    let allowed = match place.resource_group_pk {
        _ if user.is_admin => true,
        Some(group_pk) => group_of(user, *namespace_pk, |group| group.pk == group_pk).is_some_and(GroupMembership::may_create),
        None => role.is_some_and(|role| role >= needed),
    };
    if !allowed && user.is_service() && user.pk == *namespace_pk {
        return Err(HubError::forbidden(format!(
            "A service account has no repositories of its own: name its organization, such as \"{}/…\".",
            user.memberships.first().map_or("acme", |membership| membership.name.as_str())
        )));
    }
    if !allowed && user.membership_in(*namespace_pk).is_some_and(|membership| membership.suspended) {
        return Err(HubError::organization_suspended(name));
    }
    if !allowed && role.is_some() && place.resource_group_pk.is_none() {
        return Err(HubError::forbidden(format!(
            "You don't have the rights to create a {repo_type} under the namespace \"{name}\": that takes the role `{}` there, or a \
             resource group in which you may write.",
            needed.as_str()
        )));
    }
    if !allowed && user.locked_out_of(name).is_some() {
        return Err(HubError::second_factor_required(name));
    }
    if !allowed {
        return Err(may_not_create(repo_type, name));
    }
    match (token_cap(viewer, *namespace_pk, repo_type, &format!("{name}/")), &viewer.auth) {
        (Some(Level::Admin), _) => Ok(()),
        (_, Auth::Token { scopes: given, .. }) if scopes::makes_repos_in(given, name) => Ok(()),
        (_, Auth::Token { name: application, scopes: given, .. }) if oauth::is_of_application(given) => {
            Err(HubError::scope_missing(application, "contribute-repos", Some(name.as_str())))
        }
        _ => Err(HubError::token_too_weak("the role `write`")),
    }
}

fn may_not_create(repo_type: RepoType, namespace: &str) -> HubError {
    HubError::forbidden(format!("You don't have the rights to create a {repo_type} under the namespace \"{namespace}\"."))
}

/// Finds the namespace a repository shall live in and checks that the viewer may put one there. One that is there already stays
/// in its resource group.
///
/// # Errors
/// 403 for a foreign namespace, and for one that does not exist.
pub async fn target_namespace(
    app: &App,
    viewer: &Viewer,
    name: Option<&str>,
    repo_type: RepoType,
    there: Option<&Repo>,
) -> HubResult<NamespaceRow> {
    let namespace = find_target(app, viewer, name, repo_type).await?;
    let stays = there.filter(|repo| repo.namespace_pk == namespace.namespace_pk);
    let place = Place { namespace, resource_group_pk: stays.and_then(|repo| repo.resource_group_pk) };
    may_create(viewer, &place, repo_type)?;
    Ok(place.namespace)
}

/// Finds the place for a new repository, in the resource group with this id if one is named, and checks that the viewer may make one
/// there.
///
/// # Errors
/// As [`target_namespace`]; 400 for a group that the namespace does not have, as far as the viewer may know.
pub async fn target_place(
    app: &App,
    viewer: &Viewer,
    name: Option<&str>,
    repo_type: RepoType,
    group_id: Option<&str>,
) -> HubResult<Place> {
    let namespace = find_target(app, viewer, name, repo_type).await?;
    let resource_group_pk = match group_id.filter(|id| !id.is_empty()) {
        None => None,
        Some(id) => Some(find_group_pk(app, viewer, &namespace, id).await?),
    };
    let place = Place { namespace, resource_group_pk };
    may_create(viewer, &place, repo_type)?;
    Ok(place)
}

/// The key of a group of a namespace that the viewer may know of.
///
/// # Errors
/// 400 for another, 401 for anonymous viewers.
pub async fn find_group_pk(app: &App, viewer: &Viewer, namespace: &NamespaceRow, id: &str) -> HubResult<i64> {
    let user = viewer.require_user()?;
    let known = match group_of(user, namespace.namespace_pk, |group| group.id == id) {
        Some(group) => Some(group.pk),
        None if user.is_admin => find_group(&app.pool, namespace.namespace_pk, id).await?.map(|group| group.resource_group_pk),
        None => None,
    };
    known.ok_or_else(|| {
        let text = format!("{} has no such resource group, or you are not in it. Choose another, or none.", namespace.name);
        HubError::bad_request(text).at("resource_group")
    })
}

async fn find_target(app: &App, viewer: &Viewer, name: Option<&str>, repo_type: RepoType) -> HubResult<NamespaceRow> {
    let user = viewer.require_user()?;
    let wanted = name.unwrap_or(&user.name);
    let found =
        if hub_types::check_name(wanted).is_ok() { find_namespace(&mut *app.pool.acquire().await?, wanted).await? } else { None };
    found.ok_or_else(|| may_not_create(repo_type, wanted))
}

/// The key of the group with this id, into which the viewer may move a repository of its organisation; for no id, none. Who makes a
/// repository there may move one there.
///
/// # Errors
/// As [`target_place`].
pub async fn group_to_move_to(app: &App, admin: &RepoAdmin, id: Option<&str>) -> HubResult<Option<i64>> {
    let repo = &admin.repo;
    Ok(target_place(app, &admin.viewer, Some(repo.id.namespace()), repo.repo_type, id).await?.resource_group_pk)
}

/// Checks that nobody takes a name that was that of somebody else's repository: who asks for it by that name must not get other bytes.
/// Those who may write where it was, in a resource group or in none, may have the name again.
///
/// # Errors
/// 403 for such a name.
pub async fn check_name_is_free(
    conn: &mut PgConnection,
    viewer: &Viewer,
    repo_type: RepoType,
    namespace: &NamespaceRow,
    name: &str,
) -> HubResult<()> {
    let user = viewer.require_user()?;
    let role = viewer.role_in(namespace.namespace_pk);
    if role == Some(OrgRole::Admin) || user.is_admin {
        return Ok(());
    }
    let groups = user.membership_in(namespace.namespace_pk).map(|membership| membership.groups.as_slice()).unwrap_or_default();
    let groups = groups.iter().filter(|group| group.role >= OrgRole::Write).map(|group| group.pk);
    let may_write_in: Vec<i64> =
        (role >= Some(OrgRole::Write)).then_some(namespace.namespace_pk).into_iter().chain(groups).collect();
    let owner = (namespace.namespace_pk, namespace.name.as_str());
    if queries::changes::was_of_another(conn, repo_type, owner, name, (user.pk, &may_write_in)).await? {
        return Err(HubError::forbidden(format!(
            "{}/{name} was the name of somebody else's repository. Choose another, or ask a member who may write to take it.",
            namespace.name
        )));
    }
    Ok(())
}
