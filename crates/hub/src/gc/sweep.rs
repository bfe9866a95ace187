//! What has been in quarantine long enough goes: first its row, then, by the list of doomed objects, its bytes.

use hub_storage::StorageKey;
use hub_types::{Oid, Sha256, XetHash};

use super::{ATTACHED_AFTER, Amount, Item, Report, Run, queries};
use crate::error::HubResult;
use crate::objects::{self, Held};
use crate::scans::queries as scans;

/// Rows removed in one transaction.
const BATCH: i64 = 200;

/// Removes condemned files. Each is judged again while nobody can come to need it.
pub(super) async fn sweep_files(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let before = run.before(run.limits.quarantine);
    if run.is_dry() {
        report.add(Item::SweptFiles, Amount::of(queries::list_condemned_files(&run.app.pool, before).await?));
        return Ok(());
    }
    let mut last = Sha256::from_bytes([0; 32]);
    loop {
        let mut tx = run.app.begin().await?;
        let locked = queries::lock_condemned_files(&mut tx, before, &last, BATCH).await?;
        let Some(newest) = locked.last() else { return Ok(()) };
        last = *newest;
        let swept = queries::delete_unlinked_files(&mut tx, &locked).await?;
        for file in &swept {
            if file.is_plain {
                let key = StorageKey::lfs(&file.oid, file.nonce);
                queries::doom(&mut tx, &key, file.size_bytes, crate::clock::now()).await?;
            }
        }
        tx.commit().await?;
        report.add(Item::SweptFiles, Amount::of(swept.iter().map(|file| file.size_bytes)));
    }
}

/// Removes condemned xorbs.
pub(super) async fn sweep_xorbs(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let before = run.before(run.limits.quarantine);
    if run.is_dry() {
        report.add(Item::SweptXorbs, Amount::of(queries::list_condemned_xorbs(&run.app.pool, before).await?));
        return Ok(());
    }
    let mut last = XetHash::from_bytes([0; 32]);
    loop {
        let mut tx = run.app.begin().await?;
        let locked = queries::lock_condemned_xorbs(&mut tx, before, &last, BATCH).await?;
        let Some(newest) = locked.last() else { return Ok(()) };
        last = *newest;
        let swept = queries::delete_unused_xorbs(&mut tx, &locked).await?;
        for xorb in &swept {
            queries::doom(&mut tx, &StorageKey::xorb(&xorb.xorb_hash, xorb.nonce), xorb.stored_bytes, crate::clock::now())
                .await?;
            queries::doom(&mut tx, &StorageKey::xorb_meta(&xorb.xorb_hash, xorb.nonce), 0, crate::clock::now()).await?;
        }
        tx.commit().await?;
        for xorb in &swept {
            run.app.xet.forget_xorb(&xorb.xorb_hash).await;
        }
        report.add(Item::SweptXorbs, Amount::of(swept.iter().map(|xorb| xorb.stored_bytes)));
    }
}

/// Removes condemned packs.
pub(super) async fn sweep_packs(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let before = run.before(run.limits.quarantine);
    if run.is_dry() {
        report.add(Item::SweptPacks, Amount::of(queries::packs::list_condemned(&run.app.pool, before).await?));
        return Ok(());
    }
    let mut last = Oid::from_bytes([0; 20]);
    loop {
        let mut tx = run.app.begin().await?;
        let locked = queries::packs::lock_condemned(&mut tx, before, &last, BATCH).await?;
        let Some(newest) = locked.last() else { return Ok(()) };
        last = *newest;
        let swept = queries::packs::delete_unlinked(&mut tx, &locked).await?;
        for pack in &swept {
            queries::doom(&mut tx, &StorageKey::pack(&pack.hash, pack.nonce), pack.size_bytes, crate::clock::now()).await?;
            queries::doom(&mut tx, &StorageKey::pack_idx(&pack.hash, pack.nonce), 0, crate::clock::now()).await?;
        }
        tx.commit().await?;
        report.add(Item::SweptPacks, Amount::of(swept.iter().map(|pack| pack.size_bytes)));
    }
}

/// Removes what people added to comments that do not lead to it any more, or never did. A trigger notes the objects as doomed.
pub(super) async fn sweep_attachments(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let before = run.before(ATTACHED_AFTER);
    if run.is_dry() {
        report.add(Item::SweptAttachments, Amount::of(queries::attachments::list_unused(&run.app.pool, before).await?));
        return Ok(());
    }
    let mut last = 0;
    loop {
        let mut tx = run.app.begin().await?;
        let locked = queries::attachments::lock_unused(&mut tx, before, last, BATCH).await?;
        let Some(newest) = locked.last() else { return Ok(()) };
        last = *newest;
        let swept = queries::attachments::delete_unused(&mut tx, &locked).await?;
        tx.commit().await?;
        report.add(Item::SweptAttachments, Amount::of(swept));
    }
}

/// Forgets what was found in files that no repository has any more.
pub(super) async fn forget_scans(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let (pool, before) = (&run.app.pool, run.before(run.limits.unused));
    let count = match run.is_dry() {
        true => scans::count_unused(pool, before).await?.unsigned_abs(),
        false => scans::forget_unused(pool, before).await?,
    };
    report.add(Item::Scans, Amount { count, bytes: 0 });
    Ok(())
}

/// Drops the whole copies of files that have been in chunks too for long enough. The chunks are read back first: from then
/// on they are all there is.
pub(super) async fn drop_plain_copies(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let Some(age) = run.limits.plain else { return Ok(()) };
    let before = run.before(age);
    let mut last = Sha256::from_bytes([0; 32]);
    loop {
        let page = queries::list_double_files(&run.app.pool, before, &last, BATCH).await?;
        let Some(newest) = page.last() else { return Ok(()) };
        last = newest.oid;
        for copy in page {
            if run.is_dry() || drop_plain_copy(run, &copy).await? {
                report.add(Item::PlainCopies, Amount::one(copy.size_bytes.unsigned_abs()));
            }
        }
    }
}

async fn drop_plain_copy(run: &Run<'_>, copy: &queries::DoubleFile) -> HubResult<bool> {
    let size = copy.size_bytes.unsigned_abs();
    let chunks = Held { size, is_plain: false, nonce: None, file_hash: Some(copy.file_hash) };
    match objects::read::digest(run.app, &copy.oid, &chunks).await {
        Ok(found) if found == copy.oid => {}
        Ok(found) => {
            tracing::error!(oid = %copy.oid, %found, "the chunks of a file have other bytes than its whole copy, which stays");
            return Ok(false);
        }
        Err(error) => {
            tracing::error!(oid = %copy.oid, ?error, "the chunks of a file cannot be read; its whole copy stays");
            return Ok(false);
        }
    }
    let mut tx = run.app.begin().await?;
    let dropped = queries::drop_plain(&mut tx, copy).await?;
    if dropped {
        // Nodes remember where it lay, and addresses of it were given out.
        let not_before = crate::clock::now() + run.limits.quarantine;
        queries::doom(&mut tx, &StorageKey::lfs(&copy.oid, copy.nonce), copy.size_bytes, not_before).await?;
    }
    tx.commit().await?;
    Ok(dropped)
}

/// Deletes doomed objects from the store. One that is deleted twice, because a run was cut off in between, is no harm.
pub(super) async fn delete_doomed(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    if run.is_dry() {
        return Ok(());
    }
    loop {
        let doomed = queries::list_doomed(&run.app.pool, BATCH).await?;
        if doomed.is_empty() {
            return Ok(());
        }
        for row in doomed {
            // The rows were written by this program; anything else in them is left alone.
            if let Some(key) = StorageKey::of_bytes(&row.key) {
                run.app.store.delete(&key).await?;
            }
            queries::forget_doomed(&run.app.pool, &row.key).await?;
            report.add(Item::Deleted, Amount::one(row.size_bytes.unsigned_abs()));
        }
    }
}
