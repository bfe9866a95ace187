//! What was deleted and is kept so that it can be restored, in tables of its own: forgotten when the time for that is over.

use super::queries::kept as queries;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::changes::undoable_since;

/// Forgets what nobody can restore any more.
///
/// # Errors
/// The database does not answer.
pub async fn forget(app: &App) -> HubResult<()> {
    Ok(queries::forget(&app.pool, undoable_since(app)).await?)
}
