//! Giving an account or an organisation another name. Triggers do what follows from it (`migrations/*_rename_namespaces.up.sql`), in
//! the same transaction: the old name is kept for its holder, tokens for chosen things are for the same things, the audit log,
//! webhooks and the search index hear of it.

use sqlx::PgConnection;

use super::letters::Notice;
use super::operations::check_namespace;
use super::queries::rename::{self as queries, NamedRow};
use super::queries::settings::{ProfileRow, lock_admins};
use super::settings::check_still_admin;
use super::{User, UserPk, audit};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::moderation::rules;

/// How often somebody takes a new name within a day: once, and again to mend a mistake. Each name that is given up is nobody else's for
/// good, and everything that goes by names is written anew.
const MOST_A_DAY: i64 = 3;
/// How often within a day, when all but the first ones only take an old name back.
const MOST_BACK_A_DAY: i64 = 10;
/// How many old names are kept for one: nobody collects names by renaming.
const MOST_OLD: i64 = 20;
/// The field of the forms.
pub const FIELD: &str = "name";

/// Renames one's own account, and tells the new name.
///
/// # Errors
/// 400 for a name that cannot be one, or is the present one; 403 for an account that nobody acts by, that moderators limited, or that
/// is a service account; 409 for a name that is or was somebody else's, and for too many renames.
pub async fn rename_user(app: &App, user: &User, typed: &str) -> HubResult<String> {
    let name = checked(typed)?;
    let mut tx = audit::begin(app).await?;
    let old = lock(&mut tx, user.pk, "user").await?;
    if old.barred || user.is_service() {
        return Err(HubError::forbidden("This account cannot be renamed now: ask whoever runs the hub.").at(FIELD));
    }
    change(app, &mut tx, user.pk, &old, &name).await?;
    let notice = Notice::Renamed { from: old.name, to: name.clone() };
    Job::tell(user.pk, notice).enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(name)
}

/// Renames an organisation, and tells its new name. Its admins are told by mail.
///
/// # Errors
/// As [`rename_user`]; 403 for who is no admin any more, and for what moderators limited or suspended, except for who runs the hub.
pub async fn rename_organization(app: &App, user: &User, organization: &ProfileRow, typed: &str) -> HubResult<String> {
    let (pk, name) = (organization.namespace_pk, checked(typed)?);
    let mut tx = audit::begin(app).await?;
    // In this order, as everybody takes them who changes its members.
    let admins = lock_admins(&mut tx, pk).await?;
    let old = lock(&mut tx, pk, "organization").await?;
    check_still_admin(&admins, user)?;
    if old.barred && !user.is_admin {
        return Err(HubError::forbidden("This organization cannot be renamed now: ask whoever runs the hub.").at(FIELD));
    }
    change(app, &mut tx, pk, &old, &name).await?;
    let notice = Notice::OrganizationRenamed { from: old.name, to: name.clone(), by: user.name.clone() };
    tell(&mut tx, &admins, &notice).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(name)
}

fn checked(typed: &str) -> HubResult<String> {
    let name = typed.trim();
    check_namespace(name)?;
    Ok(name.to_owned())
}

async fn lock(conn: &mut PgConnection, namespace_pk: i64, kind: &str) -> HubResult<NamedRow> {
    let found = queries::lock_named(conn, namespace_pk).await?.filter(|found| found.kind == kind);
    found.ok_or_else(|| HubError::not_found("It was deleted meanwhile, and cannot be renamed.").at(FIELD))
}

async fn change(app: &App, conn: &mut PgConnection, pk: i64, old: &NamedRow, name: &str) -> HubResult<()> {
    if old.name == name {
        return Err(HubError::bad_request(format!("`{name}` is the name already: type another one.")).at(FIELD));
    }
    let takes_back = queries::is_old_name(conn, pk, name).await?;
    check_count(conn, pk, takes_back || old.name.eq_ignore_ascii_case(name), takes_back).await?;
    match queries::update_name(conn, pk, name).await {
        // One that somebody gave up is theirs, or nobody's for good.
        Err(error) if db::violates(&error, "namespaces_name_idx") || db::violates(&error, "retired_names_pkey") => {
            return Err(HubError::conflict(format!("The name `{name}` is taken, please choose another.")).at(FIELD));
        }
        other => other?,
    }
    rules::look_at_name(app, conn, pk, name, &old.kind).await
}

/// Checks that it is not done too often. A name that was its own can be had again when no more new ones are given.
async fn check_count(conn: &mut PgConnection, pk: i64, keeps_no_more: bool, takes_back: bool) -> HubResult<()> {
    let most = if takes_back { MOST_BACK_A_DAY } else { MOST_A_DAY };
    if queries::count_renames_today(conn, pk).await? >= most {
        let text = format!("It was renamed {most} times within a day: try again tomorrow.");
        return Err(HubError::conflict(text).at(FIELD));
    }
    if !keeps_no_more && queries::count_old_names(conn, pk).await? >= MOST_OLD {
        let text = format!("{MOST_OLD} old names are kept for it, and no more: take one of those again.");
        return Err(HubError::conflict(text).at(FIELD));
    }
    Ok(())
}

async fn tell(conn: &mut PgConnection, admins: &[UserPk], notice: &Notice) -> HubResult<()> {
    let jobs: Vec<Job> = admins.iter().map(|user_pk| Job::tell(*user_pk, notice.clone())).collect();
    Ok(Job::enqueue_all(&jobs, conn).await?)
}
