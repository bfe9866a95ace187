//! Making accounts and organisations: one way, for the sign-up page, the command line and seeds.

use hub_types::{check_name, is_reserved_namespace};
use sqlx::PgConnection;

use super::settings::check_fullname;
use super::{OrgRole, User, UserPk, audit, passwords, queries};
use crate::app::App;
use crate::db::{self, LockKey};
use crate::error::{HubError, HubResult};
use crate::mailer;
use crate::moderation::rules::{self, Deed};

/// What a new account needs.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The user name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// The password, in clear.
    pub password: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// Whether this person runs the hub. The first account on a fresh hub does in any case.
    pub is_admin: bool,
}

/// Makes an account.
///
/// # Errors
/// 400 for a bad name, address or password; 409 when the name or address is taken.
pub async fn create_user(app: &App, new: &NewUser) -> HubResult<User> {
    check_new(new)?;
    passwords::check(app, &new.password, new.name.trim(), new.email.trim()).await.map_err(|error| error.at("password"))?;
    let hash = passwords::hash(new.password.clone()).await?;
    let mut tx = audit::begin(app).await?;
    let user_pk = insert_account(app, &mut tx, new, &hash).await?;
    tx.commit().await?;
    queries::find_user(&app.pool, user_pk).await?.ok_or_else(|| HubError::internal("the new account is gone"))
}

/// Checks all of a new account but its password.
pub(super) fn check_new(new: &NewUser) -> HubResult<()> {
    check_namespace(new.name.trim())?;
    check_email(new.email.trim())?;
    check_fullname(new.fullname.trim())
}

/// Makes an account that was checked. Without a hash it has no password.
pub(super) async fn insert_account(app: &App, conn: &mut PgConnection, new: &NewUser, hash: &str) -> HubResult<UserPk> {
    db::lock(&mut *conn, LockKey::FirstAccount).await?;
    let is_admin = new.is_admin || queries::no_users(conn).await?;
    let user_pk = insert_namespace(app, conn, new.name.trim(), "user").await?;
    let inserted = queries::insert_user(conn, user_pk, new.email.trim(), hash, new.fullname.trim(), is_admin).await;
    match inserted {
        Err(error) if db::violates(&error, "users_email_idx") => {
            Err(HubError::conflict("An account with this mail address exists already. Log in instead.").at("email"))
        }
        Err(error) => Err(error.into()),
        Ok(()) => {
            rules::look_at_fullname(app, conn, user_pk, ("user", new.name.trim(), new.fullname.trim())).await?;
            Ok(user_pk)
        }
    }
}

/// What a new organisation needs.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// The name in URLs.
    pub name: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// Whether its new repositories are private unless said otherwise.
    pub default_private: bool,
}

/// Makes an organisation with its first members.
///
/// # Errors
/// 400 for a bad name, 409 when it is taken, 429 for a new account that makes too many.
pub async fn create_organization(app: &App, new: &NewOrganization, members: &[(UserPk, OrgRole)]) -> HubResult<i64> {
    let name = new.name.trim();
    check_namespace(name)?;
    check_fullname(new.fullname.trim())?;
    let mut tx = audit::begin(app).await?;
    // Whoever makes it stands first.
    if let Some((user_pk, _)) = members.first() {
        rules::count(app, &mut tx, *user_pk, Deed::Organization).await?;
    }
    let pk = insert_namespace(app, &mut tx, name, "organization").await?;
    queries::insert_organization(&mut tx, pk, new.fullname.trim(), new.default_private).await?;
    for (user_pk, role) in members {
        queries::upsert_member(&mut tx, pk, *user_pk, *role).await?;
    }
    rules::look_at_fullname(app, &mut tx, pk, ("organization", name, new.fullname.trim())).await?;
    tx.commit().await?;
    Ok(pk)
}

pub(super) async fn insert_namespace(app: &App, conn: &mut PgConnection, name: &str, kind: &str) -> HubResult<i64> {
    match queries::insert_namespace(&mut *conn, name, kind).await {
        // One that somebody gave up is theirs, or nobody's for good.
        Err(error) if db::violates(&error, "namespaces_name_idx") || db::violates(&error, "retired_names_pkey") => {
            Err(HubError::conflict(format!("The name `{name}` is taken, please choose another.")).at("name"))
        }
        other => {
            let namespace_pk = other?;
            rules::look_at_name(app, conn, namespace_pk, name, kind).await?;
            Ok(namespace_pk)
        }
    }
}

pub(super) fn check_namespace(name: &str) -> HubResult<()> {
    check_name(name).map_err(|error| HubError::from(error).at("name"))?;
    if is_reserved_namespace(name) {
        return Err(HubError::from(hub_types::NameError::Reserved(name.to_owned())).at("name"));
    }
    Ok(())
}

/// A mail address is proven by mail; here it only has to be one that mail can go to.
pub(super) fn check_email(email: &str) -> HubResult<()> {
    let plausible = email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.len() > 1 && !host.contains('@'))
        && mailer::is_address(email);
    if plausible { Ok(()) } else { Err(HubError::bad_request("Give a mail address such as ada@example.org.").at("email")) }
}
