//! What is removed: a repository, or an account with all it made, as one act. It can be taken back for as long as deleted
//! repositories can.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::queries::effects::{self, Comments};
use super::queries::{ActRow, organizations, removal as queries};
use crate::accounts::UserPk;
use crate::app::App;
use crate::error::{HubError, HubResult};

/// Deletes what a user has, hides what they said and their page, and suspends them.
///
/// # Errors
/// The database does not answer.
pub(super) async fn remove(conn: &mut PgConnection, act_pk: i64, user_pk: UserPk) -> HubResult<u64> {
    effects::hold_person(conn, user_pk).await?;
    // Those that were deleted before are not to come back either, by whichever way.
    effects::disable_repos(conn, act_pk, user_pk).await?;
    queries::delete_repos(conn, act_pk, user_pk).await?;
    effects::hide_collections(conn, act_pk, None, Some(user_pk)).await?;
    // Discussions before what was said in them, as whoever changes a comment holds them.
    queries::hide_discussions(conn, act_pk, user_pk).await?;
    effects::hide_comments(conn, act_pk, Comments::By(user_pk)).await?;
    queries::empty_profile(conn, act_pk, user_pk).await?;
    Ok(effects::suspend(conn, act_pk, user_pk).await?)
}

/// Deletes a repository, also for those who have it: it comes back by taking this back, and by no other way.
///
/// # Errors
/// The database does not answer.
pub(super) async fn remove_repo(conn: &mut PgConnection, act_pk: i64, repo_pk: i64) -> HubResult<u64> {
    effects::disable_repo(conn, act_pk, repo_pk).await?;
    Ok(queries::delete_repo(conn, act_pk, repo_pk).await?)
}

/// Deletes what an organisation has, hides its page, and suspends it. Its members keep their accounts.
///
/// # Errors
/// The database does not answer.
pub(super) async fn remove_organization(conn: &mut PgConnection, act_pk: i64, organization_pk: i64) -> HubResult<u64> {
    organizations::hold(conn, &[organization_pk]).await?;
    effects::disable_repos(conn, act_pk, organization_pk).await?;
    queries::delete_repos(conn, act_pk, organization_pk).await?;
    effects::hide_collections(conn, act_pk, None, Some(organization_pk)).await?;
    organizations::empty_profile(conn, act_pk, organization_pk).await?;
    Ok(organizations::suspend(conn, act_pk, organization_pk).await?)
}

/// Whether it is too late to take an act back: what went by a removal may be forgotten.
pub(super) fn is_too_late(app: &App, act: &ActRow) -> bool {
    let end = act.created_at + TimeDelta::days(i64::try_from(app.config.undo_days).unwrap_or(i64::MAX).min(36_500));
    matches!(act.act.as_str(), "remove_user" | "remove_repo" | "remove_organization") && end < crate::clock::now()
}

/// Refuses to take a removal back when what went by it may be forgotten.
///
/// # Errors
/// 409 when it is too late.
pub(super) fn check_in_time(app: &App, act: &ActRow) -> HubResult<()> {
    let days = app.config.undo_days;
    if is_too_late(app, act) {
        return Err(HubError::conflict(format!("A removal can be taken back for {days} days: what was there is forgotten.")));
    }
    Ok(())
}

/// Forgets what removed accounts and organisations said, when it is too late to bring them back: a part of a periodic job.
///
/// # Errors
/// The database does not answer.
pub async fn forget(app: &App) -> HubResult<()> {
    queries::forget(&app.pool, i32::try_from(app.config.undo_days).unwrap_or(i32::MAX)).await?;
    Ok(())
}
