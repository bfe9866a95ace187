//! Resource groups of an organisation: who is in one has a role on the repositories in it, and other members of the organisation, its
//! admins apart, have none. What that means for a repository is decided in `repos::access`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::queries::groups::deleted::{self, DeletedGroup};
use super::queries::groups::{self as queries, GroupRow};
use super::queries::settings::ProfileRow;
use super::settings::{find_user_pk, present_name, require_admin_of};
use super::{OrgRole, User, audit};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::repos::changes::undoable_since;
use crate::web::text::is_readable_line;

/// How many groups an organisation can have: they are read with each request of its members.
pub const MOST: i64 = 100;
/// How long a name can be, in characters.
const MAX_NAME: usize = 60;
/// How long a description can be, in characters.
const MAX_DESCRIPTION: usize = 300;

/// A group, as somebody may manage who is in it.
#[derive(Debug)]
pub struct Managed {
    /// The organisation.
    pub organization: ProfileRow,
    /// The group.
    pub group: GroupRow,
    /// Whether they administer the organisation, too.
    pub owns: bool,
}

/// Finds a group of which the user manages the members: an admin of the organisation or of the group.
///
/// # Errors
/// 404 for an organisation or a group that does not exist, 403 for one the user does not administer.
pub async fn require_manager_of(app: &App, user: &User, name: &str, id: &str) -> HubResult<Managed> {
    let name = &present_name(app, name).await?;
    let in_group = user.memberships.iter().find(|membership| membership.name.eq_ignore_ascii_case(name));
    let in_group = in_group.and_then(|membership| membership.groups.iter().find(|group| group.id == id));
    match require_admin_of(app, user, name).await {
        Ok(organization) => {
            let group = find(app, organization.namespace_pk, id).await?;
            Ok(Managed { organization, group, owns: true })
        }
        Err(refused) => {
            if in_group.is_none_or(|group| group.role != OrgRole::Admin) {
                return Err(refused);
            }
            let found = super::queries::settings::find_profile(&app.pool, name).await?;
            let organization = found.ok_or(refused)?;
            let group = find(app, organization.namespace_pk, id).await?;
            Ok(Managed { organization, group, owns: false })
        }
    }
}

/// Finds a group of an organisation.
///
/// # Errors
/// 404 when there is none with this id.
pub async fn find(app: &App, organization_pk: i64, id: &str) -> HubResult<GroupRow> {
    let is_id = id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let found = if is_id { queries::find_group(&app.pool, organization_pk, id).await? } else { None };
    found.ok_or_else(HubError::no_such_group)
}

/// Makes a group and gives its id.
///
/// # Errors
/// 400 for a bad name, 409 for one that is taken, and when there are too many.
pub async fn create(app: &App, organization_pk: i64, name: &str, description: &str) -> HubResult<String> {
    let mut tx = audit::begin(app).await?;
    let (_, id) = create_in(&mut tx, organization_pk, name, description).await?;
    tx.commit().await?;
    Ok(id)
}

/// The same in a transaction at hand; gives the key and the id.
///
/// # Errors
/// As [`create`].
pub async fn create_in(conn: &mut PgConnection, organization_pk: i64, name: &str, description: &str) -> HubResult<(i64, String)> {
    let (name, description) = check(name, description)?;
    check_room(conn, organization_pk).await?;
    queries::insert_group(conn, organization_pk, name, description).await.map_err(taken)
}

async fn check_room(conn: &mut PgConnection, organization_pk: i64) -> HubResult<()> {
    queries::hold_organization(conn, organization_pk).await?;
    if queries::lock_and_count(conn, organization_pk).await? >= MOST {
        let text = format!("An organization can have {MOST} resource groups: delete one that is not needed first.");
        return Err(HubError::conflict(text).at("name"));
    }
    Ok(())
}

/// Changes what a group is called.
///
/// # Errors
/// As [`create`]; 404 when it was deleted meanwhile.
pub async fn rename(app: &App, group: &GroupRow, name: &str, description: &str) -> HubResult<()> {
    let (name, description) = check(name, description)?;
    let mut tx = audit::begin(app).await?;
    if !queries::update_group(&mut tx, group.resource_group_pk, name, description).await.map_err(taken)? {
        return Err(HubError::no_such_group());
    }
    Ok(tx.commit().await?)
}

fn check<'a>(name: &'a str, description: &'a str) -> HubResult<(&'a str, &'a str)> {
    let (name, description) = (name.trim(), description.trim());
    if !is_readable_line(name) || name.chars().count() > MAX_NAME {
        return Err(HubError::bad_request(format!("Give the group a name of 1 to {MAX_NAME} characters.")).at("name"));
    }
    let is_text = description.is_empty() || is_readable_line(description);
    if !is_text || description.chars().count() > MAX_DESCRIPTION {
        return Err(HubError::bad_request(format!("Write at most {MAX_DESCRIPTION} characters, in one line.")).at("description"));
    }
    Ok((name, description))
}

fn taken(error: sqlx::Error) -> HubError {
    match db::violates(&error, "resource_groups_name_idx") {
        true => HubError::conflict("The organization has a resource group of this name: choose another.").at("name"),
        false => error.into(),
    }
}

/// Deletes a group that has no repositories and collections. It can be restored for as long as anything can be undone.
///
/// # Errors
/// 409 when there are any in it, 404 when it was deleted meanwhile.
pub async fn delete(app: &App, group: &GroupRow) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    match deleted::delete(&mut tx, group.resource_group_pk).await {
        Err(error) if db::violates(&error, "repos_resource_group_fk") => {
            // Without their group, all members of the organisation would see them.
            return Err(HubError::conflict("There are repositories in this group: move them to another, or out of it, first."));
        }
        Err(error) if db::violates(&error, "collections_resource_group_fk") => {
            return Err(HubError::conflict("There are collections in this group: delete them, or take them out of it, first."));
        }
        Ok(false) => return Err(HubError::no_such_group()),
        done => {
            done?;
        }
    }
    Ok(tx.commit().await?)
}

/// The groups of an organisation that were deleted and can come back, each with the time until when.
///
/// # Errors
/// The database does not answer.
pub async fn list_deleted(app: &App, organization_pk: i64) -> HubResult<Vec<(DeletedGroup, DateTime<Utc>)>> {
    let since = undoable_since(app);
    let window = crate::clock::now() - since;
    let found = deleted::list(&app.pool, organization_pk, since, MOST).await?;
    let with_end = |group: DeletedGroup| {
        let until = group.deleted_at + window;
        (group, until)
    };
    Ok(found.into_iter().map(with_end).collect())
}

/// Brings a deleted group back, with those of its members who are still in the organisation; gives its name.
///
/// # Errors
/// 404 when there is none with this id or its time is over, 409 when there is another one of its name, and when there are too many.
pub async fn restore(app: &App, organization_pk: i64, id: &str) -> HubResult<String> {
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(HubError::no_such_group());
    }
    let mut tx = audit::begin(app).await?;
    check_room(&mut tx, organization_pk).await?;
    let restored = match deleted::restore(&mut tx, organization_pk, id, undoable_since(app)).await {
        Err(error) if db::violates(&error, "resource_groups_name_idx") => {
            let text = "There is another group of this name now: give that one another name first.";
            return Err(HubError::conflict(text));
        }
        other => other?.ok_or_else(HubError::no_such_group)?,
    };
    tx.commit().await?;
    Ok(restored)
}

/// Somebody who shall have a role in a group.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// The user name.
    pub name: String,
    /// The key.
    pub user_pk: i64,
    /// The role.
    pub role: OrgRole,
}

/// Finds the users who shall have roles, in the order of their keys: two who change the same never wait for each other.
///
/// # Errors
/// 404 for an unknown one.
pub async fn find_users(app: &App, users: &[(String, OrgRole)]) -> HubResult<Vec<NewMember>> {
    let mut found = Vec::new();
    for (name, role) in users {
        found.push(NewMember { name: name.clone(), user_pk: find_user_pk(app, name).await?, role: *role });
    }
    found.sort_by_key(|member| member.user_pk);
    Ok(found)
}

/// Gives members of the organisation roles in a group, all or none.
///
/// # Errors
/// 404 for an unknown user, 409 for one who is no member of the organisation, 404 for a group that was deleted meanwhile.
pub async fn set_members(app: &App, managed: &Managed, users: &[(String, OrgRole)]) -> HubResult<()> {
    let members = find_users(app, users).await?;
    let mut tx = audit::begin(app).await?;
    queries::hold_organization(&mut tx, managed.organization.namespace_pk).await?;
    set_members_in(&mut tx, (managed.group.resource_group_pk, &managed.organization), &members).await?;
    Ok(tx.commit().await?)
}

/// The same in a transaction at hand.
///
/// # Errors
/// As [`set_members`].
pub async fn set_members_in(
    conn: &mut PgConnection,
    (group_pk, organization): (i64, &ProfileRow),
    members: &[NewMember],
) -> HubResult<()> {
    for NewMember { name, user_pk, role } in members {
        match queries::upsert_group_member(conn, (group_pk, organization.namespace_pk), *user_pk, *role).await {
            Ok(true) => {}
            Ok(false) => return Err(no_member(name, &organization.name)),
            // They were taken out at this moment.
            Err(error) if db::violates(&error, "resource_group_members_organization_pk_user_pk_fkey") => {
                return Err(no_member(name, &organization.name));
            }
            Err(error) if db::violates(&error, "service_account_role") => {
                let text = format!("{name} is a service account, which administers nothing: choose another role.");
                return Err(HubError::conflict(text).at("user"));
            }
            Err(error) if error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) => {
                return Err(HubError::no_such_group());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn no_member(name: &str, organization: &str) -> HubError {
    HubError::conflict(format!("{name} is no member of {organization}: an admin has to add them there first.")).at("user")
}

/// Takes somebody out of a group.
///
/// # Errors
/// 404 for an unknown user, and for one who is not in it.
pub async fn remove_member(app: &App, group: &GroupRow, name: &str) -> HubResult<()> {
    let user_pk = find_user_pk(app, name).await?;
    let mut tx = audit::begin(app).await?;
    if !queries::delete_group_member(&mut tx, group.resource_group_pk, user_pk).await? {
        return Err(HubError::not_found("They are not in this group.").at("user"));
    }
    Ok(tx.commit().await?)
}
