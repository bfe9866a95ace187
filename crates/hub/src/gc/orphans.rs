//! Objects of the store that no row names: an upload was cut off between its bytes and its row.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use hub_storage::{ObjectInfo, StorageKey};

use super::{Amount, Item, ORPHANED_AFTER, Report, Run, queries};
use crate::error::HubResult;

/// Objects asked about in one query.
const BATCH: usize = 1000;

/// Orphans deleted in one run; the next goes on.
const AT_MOST: usize = 100_000;
/// So many are always few.
const FEW: usize = 100;

/// Goes through the store. Orphans whose keys nobody will ever use again are deleted, others are told. When a tenth of
/// a folder seems to be orphans, it is rather the database that is not the store's (an old backup, a wrong setting): then
/// nothing is deleted unless the operator insists.
pub(super) async fn look(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let before = run.before(ORPHANED_AFTER);
    for folder in StorageKey::LASTING {
        let (mut seen, mut orphans) = (0, Vec::new());
        let mut batches = run.app.store.list(folder).try_chunks(BATCH);
        while let Some(batch) = batches.next().await {
            let mut batch = batch.map_err(|error| error.1)?;
            seen += batch.len();
            batch.retain(|object| is_old(object, before));
            orphans.extend(orphans_of(run, folder, batch).await?);
            if orphans.len() >= AT_MOST {
                break;
            }
        }
        let many = orphans.len() > FEW && orphans.len() > seen / 10 && !run.limits.many_orphans;
        if many {
            tracing::warn!(folder, orphans = orphans.len(), objects = seen, "too many orphans in the store; none is deleted");
        }
        for object in orphans {
            remove(run, &object, many, report).await?;
        }
    }
    Ok(())
}

fn is_old(object: &ObjectInfo, before: DateTime<Utc>) -> bool {
    object.modified_at < before
}

/// Those that no row names. Names that are none of the hub's are left alone.
async fn orphans_of(run: &Run<'_>, folder: &str, mut objects: Vec<ObjectInfo>) -> HubResult<Vec<ObjectInfo>> {
    let pool = &run.app.pool;
    match folder {
        StorageKey::XORBS => {
            let named = objects.iter().filter_map(|object| object.key.parse_xorb()).collect::<Vec<_>>();
            let known: HashSet<_> = queries::list_known_xorbs(pool, &named).await?;
            objects.retain(|object| object.key.parse_xorb().is_some_and(|named| !known.contains(&named)));
        }
        StorageKey::LFS => {
            let named: Vec<_> = objects.iter().filter_map(|object| object.key.parse_lfs()).collect();
            let known = queries::list_known_files(pool, &named).await?;
            objects.retain(|object| object.key.parse_lfs().is_some_and(|named| !known.contains(&named)));
        }
        StorageKey::ATTACHMENTS => {
            let named: Vec<String> =
                objects.iter().filter_map(|object| object.key.parse_attachment()).map(str::to_owned).collect();
            let known = queries::attachments::list_known(pool, &named).await?;
            objects.retain(|object| object.key.parse_attachment().is_some_and(|id| !known.contains(id)));
        }
        _ => {
            let named: Vec<_> = objects.iter().filter_map(|object| object.key.parse_pack()).collect();
            let known = queries::list_known_packs(pool, &named).await?;
            objects.retain(|object| object.key.parse_pack().is_some_and(|named| !known.contains(&named)));
        }
    }
    // Asked last: what lost its row meanwhile is noted here.
    let keys: Vec<String> = objects.iter().map(|object| object.key.as_str().to_owned()).collect();
    let doomed = queries::list_doomed_of(pool, &keys).await?;
    objects.retain(|object| !doomed.contains(object.key.as_str()));
    Ok(objects)
}

async fn remove(run: &Run<'_>, object: &ObjectInfo, many: bool, report: &mut Report) -> HubResult<()> {
    // Keys without a nonce could be written again by an older program.
    let is_attachment = object.key.parse_attachment().is_some();
    let item = match (object.key.parse_xorb(), object.key.parse_lfs(), object.key.parse_pack()) {
        _ if is_attachment => Item::OrphanAttachments,
        (Some(_), _, _) => Item::OrphanXorbs,
        (_, Some((_, Some(_))), _) => Item::OrphanFiles,
        (_, Some((_, None)), _) => Item::OldOrphanFiles,
        (_, _, Some((_, Some(_)))) => Item::OrphanPacks,
        _ => Item::OldOrphanPacks,
    };
    let goes = matches!(item, Item::OrphanXorbs | Item::OrphanFiles | Item::OrphanPacks | Item::OrphanAttachments);
    if goes && many {
        report.add(Item::ManyOrphans, Amount::one(object.size));
        return Ok(());
    }
    if goes && !run.is_dry() {
        run.app.store.delete(&object.key).await?;
    }
    report.add(item, Amount::one(object.size));
    Ok(())
}
