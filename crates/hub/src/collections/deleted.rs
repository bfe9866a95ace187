//! Deleted collections: which can come back, and how. What one was is kept for as long as anything can be undone.

use super::access::may_write;
use super::operations::is_taken;
use super::queries::deleted::{self as queries, DeletedCollection};
use super::queries::{self as collections, Collection};
use crate::accounts::Viewer;
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::repos::changes::undoable_since;

/// The most that a list shows.
const MAX_LISTED: i64 = 200;

/// Those that the viewer may bring back: their own, and those of organisations and resource groups that they may write in.
///
/// # Errors
/// The database does not answer.
pub async fn list(app: &App, viewer: &Viewer) -> HubResult<Vec<DeletedCollection>> {
    let Some(user) = &viewer.user else { return Ok(Vec::new()) };
    let owners = user.namespaces();
    let mut places: Vec<i64> = owners.iter().copied().filter(|&owner| may_write(viewer, owner, None)).collect();
    let groups = user.memberships.iter().flat_map(|membership| &membership.groups);
    places.extend(groups.filter(|group| may_write(viewer, 0, Some(group.pk))).map(|group| group.pk));
    Ok(queries::list(&app.pool, (&owners, &places), undoable_since(app), MAX_LISTED).await?)
}

/// Brings one back, at the address that it had.
///
/// # Errors
/// 404 when there is none that the viewer may bring back, 409 when its owner has another one of its title, or no longer the resource
/// group that it was in.
pub async fn restore(app: &App, viewer: &Viewer, public_id: &str) -> HubResult<Collection> {
    let missing = || HubError::not_found("There is no deleted collection that you can restore at this address.");
    if public_id.contains('\0') {
        return Err(missing());
    }
    let mut tx = app.begin().await?;
    let found = queries::hold(&mut tx, public_id, undoable_since(app)).await?;
    let (pk, deleted) =
        found.filter(|(_, found)| may_write(viewer, found.namespace_pk, found.resource_group_pk)).ok_or_else(missing)?;
    match queries::restore(&mut tx, pk).await {
        Err(error) if is_taken(&error) => {
            return Err(HubError::conflict(format!(
                "{} has another collection with the title `{}` now: give that one another title first.",
                deleted.namespace, deleted.title
            )));
        }
        // Without its group, all members of the organisation would see it.
        Err(error) if db::violates(&error, "collections_resource_group_fk") => {
            let text = "The resource group that it was in was deleted: it cannot be restored without it.";
            return Err(HubError::conflict(text));
        }
        other => other?,
    }
    let restored = collections::find_by_key(&mut tx, pk).await?.ok_or_else(missing)?;
    tx.commit().await?;
    Ok(restored)
}
