//! What nobody needs goes into quarantine, and what somebody needs comes out.

use super::{Amount, Item, Report, Run, queries};
use crate::error::HubResult;

/// Rows noted in one statement.
const BATCH: i64 = 1000;

/// Notes the files and packs that no repository has, and the xorbs that no file uses and no client may still refer to.
pub(super) async fn condemn(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let pool = &run.app.pool;
    if run.is_dry() {
        report.add(Item::CondemnedFiles, Amount::of(queries::list_unlinked(pool).await?));
        report.add(Item::CondemnedXorbs, Amount::of(queries::list_unused_xorbs(pool).await?));
        report.add(Item::CondemnedPacks, Amount::of(queries::packs::list_unlinked(pool).await?));
        return Ok(());
    }
    // A file or a pack may have got a repository in the moment it was condemned.
    queries::revive_linked(pool).await?;
    queries::packs::revive_linked(pool).await?;
    loop {
        let sizes = queries::condemn_files(pool, BATCH).await?;
        let is_last = sizes.is_empty();
        report.add(Item::CondemnedFiles, Amount::of(sizes));
        if is_last {
            break;
        }
    }
    loop {
        let sizes = queries::condemn_xorbs(pool, BATCH).await?;
        let is_last = sizes.is_empty();
        report.add(Item::CondemnedXorbs, Amount::of(sizes));
        if is_last {
            break;
        }
    }
    loop {
        let sizes = queries::packs::condemn(pool, BATCH).await?;
        let is_last = sizes.is_empty();
        report.add(Item::CondemnedPacks, Amount::of(sizes));
        if is_last {
            return Ok(());
        }
    }
}

/// Counts what waits.
pub(super) async fn count_waiting(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    for (item, count, bytes) in queries::count_waiting(&run.app.pool).await? {
        report.add(item, Amount { count: count.unsigned_abs(), bytes: bytes.unsigned_abs() });
    }
    Ok(())
}
