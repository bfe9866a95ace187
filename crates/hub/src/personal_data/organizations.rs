//! Deleting an organisation. From when an admin asks for it, it is there for nobody: not its page, not its repositories, and nobody is a
//! member. Until its time is over, those who administered it can keep it; then [`remove_due`] removes what is left.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::queries::{self, organizations as closed};
use crate::accounts::letters::Notice;
use crate::accounts::queries::settings::{ProfileRow, lock_admins};
use crate::accounts::{User, UserPk, audit};
use crate::app::App;
use crate::clock;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::repos::changes::deleted::restorable_until;

/// The most organisations that are removed in one go.
const MAX_REMOVED: i64 = 100;

/// Begins to delete an organisation, and tells until when it can be kept. Its name must be typed.
///
/// # Errors
/// 400 for another name, 403 for who is no admin any more, 409 when it is being deleted already.
pub async fn ask(app: &App, user: &User, organization: &ProfileRow, typed: &str) -> HubResult<DateTime<Utc>> {
    let (pk, name) = (organization.namespace_pk, &organization.name);
    if !typed.eq_ignore_ascii_case(name) {
        return Err(HubError::bad_request(format!("Type `{name}`, the name of the organization.")).at("confirmation"));
    }
    let until = restorable_until(app, clock::now());
    let mut tx = audit::begin(app).await?;
    // In this order, as everybody takes them who changes its members.
    let admins = lock_admins(&mut tx, pk).await?;
    if !closed::lock(&mut tx, pk).await? {
        return Err(HubError::conflict("The organization is being deleted already."));
    }
    if !user.is_admin && !admins.contains(&user.pk) {
        return Err(HubError::forbidden(format!("Only an admin of {name} can delete it.")));
    }
    closed::close(&mut tx, pk, user.pk, until).await?;
    queries::close_doors(&mut tx, pk).await?;
    queries::delete_repos(&mut tx, &[pk], user.pk).await?;
    let day = until.format("%-d %B %Y").to_string();
    tell(&mut tx, &admins, &Notice::OrganizationCloses { organization: name.clone(), by: user.name.clone(), until: day }).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(until)
}

async fn tell(conn: &mut PgConnection, admins: &[UserPk], notice: &Notice) -> HubResult<()> {
    let jobs: Vec<Job> = admins.iter().map(|user_pk| Job::tell(*user_pk, notice.clone())).collect();
    Ok(Job::enqueue_all(&jobs, conn).await?)
}

fn over() -> HubError {
    HubError::not_found(
        "There is no organization of this name that you could keep: it was kept already, or the time for that has passed.",
    )
}

fn suspended() -> HubError {
    HubError::conflict(
        "Moderators of this hub suspended or removed this organization: it can be kept once that is taken back. Its admins can appeal by \
         the link in the mail about it.",
    )
}

/// Keeps an organisation after all, with its members and repositories, and tells its name.
///
/// # Errors
/// 404 unless it is being deleted and the user administered it, or runs the hub; 403 for who lacks the second factor that it asks for;
/// 409 while moderators have it suspended.
pub async fn keep(app: &App, user: &User, name: &str) -> HubResult<String> {
    hub_types::check_name(name).map_err(|_| over())?;
    let found = closed::find_closed(&app.pool, name, Some(user.pk)).await?;
    let found = found.filter(|found| found.was_admin || user.is_admin).ok_or_else(over)?;
    if found.locked && !user.is_admin {
        return Err(HubError::second_factor_required(&found.name));
    }
    reopen(app, found.organization_pk, user.pk).await?;
    Ok(found.name)
}

/// The same for an operator.
///
/// # Errors
/// 404 for an organisation that is not being deleted, 409 when no admin of it is left, or moderators have it suspended.
pub async fn keep_by_name(app: &App, name: &str) -> HubResult<()> {
    hub_types::check_name(name).map_err(|_| over())?;
    let found = closed::find_closed(&app.pool, name, None).await?.ok_or_else(over)?;
    let admin_pk = found.admin_pk.ok_or_else(|| HubError::conflict("None of its admins has an account any more."))?;
    reopen(app, found.organization_pk, admin_pk).await
}

async fn reopen(app: &App, organization_pk: i64, by: UserPk) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    let closed_at = closed::reopen(&mut tx, organization_pk).await?.ok_or_else(over)?;
    if closed::is_suspended(&mut tx, organization_pk).await? {
        return Err(suspended());
    }
    queries::enable_service_accounts(&mut tx, &[organization_pk], closed_at).await?;
    queries::enable_service_accounts(&mut tx, &[organization_pk], closed_at).await?;
    queries::restore_repos(&mut tx, &[organization_pk], closed_at, by).await?;
    Ok(tx.commit().await?)
}

/// Removes the organisations whose time is over. What their repositories had is collected as that of all deleted ones.
///
/// # Errors
/// The database does not answer.
pub async fn remove_due(app: &App) -> HubResult<()> {
    for organization_pk in closed::list_due(&app.pool, MAX_REMOVED).await? {
        let mut tx = app.begin().await?;
        if !closed::lock_due(&mut tx, organization_pk).await? {
            continue;
        }
        queries::remove_namespaces(&mut tx, &[organization_pk]).await?;
        queries::remove_organizations(&mut tx, &[organization_pk]).await?;
        tx.commit().await?;
        tracing::info!(organization_pk, "an organization was removed, as its admins asked");
    }
    Ok(())
}
