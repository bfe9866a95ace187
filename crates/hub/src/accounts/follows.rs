//! Following people and organisations.

use super::Viewer;
use super::queries::{NamespaceRow, follows};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// Follows a user or an organisation, or no longer. Saying it twice changes nothing.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens that only read, 400 for oneself.
pub async fn set_follow(app: &App, viewer: &Viewer, namespace: &NamespaceRow, follow: bool) -> HubResult<()> {
    let user = viewer.require_person()?;
    if user.pk == namespace.namespace_pk {
        return Err(HubError::bad_request("Nobody can follow themselves."));
    }
    match follow {
        true => follows::insert_follow(&app.pool, user.pk, namespace.namespace_pk).await?,
        false => follows::delete_follow(&app.pool, user.pk, namespace.namespace_pk).await?,
    }
    Ok(())
}
