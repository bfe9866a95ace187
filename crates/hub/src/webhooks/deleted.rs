//! Webhooks that were deleted: for as long as anything can be undone, whose they were brings them back.

use super::operations::{MAX_WEBHOOKS, missing};
use super::queries::deleted::{self as queries, DeletedWebhook};
use super::queries::lock_and_count;
use crate::accounts::User;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::changes::undoable_since;

/// The most that a list shows.
const MAX_LISTED: i64 = 200;

/// Those that a user can bring back.
///
/// # Errors
/// The database does not answer.
pub(super) async fn list(app: &App, user: &User) -> HubResult<Vec<DeletedWebhook>> {
    Ok(queries::list(&app.pool, user.pk, undoable_since(app), MAX_LISTED).await?)
}

/// Brings one back, with its secret and what it watched, on or off as it was. Gives its address.
///
/// # Errors
/// 404 when the user deleted none with this id, or its time is over; 409 when they have as many as there may be.
pub(super) async fn restore(app: &App, user: &User, id: &str) -> HubResult<String> {
    // A NUL would be an error in the database.
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(missing());
    }
    let mut tx = app.begin().await?;
    if lock_and_count(&mut tx, user.pk).await? >= MAX_WEBHOOKS {
        return Err(HubError::conflict(format!("You have {MAX_WEBHOOKS} webhooks, as many as there may be. Delete one first.")));
    }
    let url = queries::restore(&mut tx, user.pk, id, undoable_since(app)).await?.ok_or_else(missing)?;
    tx.commit().await?;
    Ok(url)
}
