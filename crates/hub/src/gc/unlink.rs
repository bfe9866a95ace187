//! Repositories lose the large files they have no use for.

use std::collections::HashSet;

use hub_types::{RepoType, Sha256};

use super::{Amount, Item, Report, Run, queries};
use crate::error::HubResult;
use crate::objects;
use crate::repos::lfs_files;
use crate::repos::queries::{self as repo_queries, buckets, changes};

/// Repositories asked for in one query.
const PAGE: i64 = 100;
/// How often a repository is looked through anew because its refs moved meanwhile. The next run tries again.
const ROUNDS: usize = 3;

/// Takes from every repository the large files that none of its refs names in any history. Where a ref was before a change that
/// can be undone counts as a ref.
pub(super) async fn unlink_unused(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let mut last = 0;
    loop {
        let (unused, undoable) = (run.before(run.limits.unused), run.before(run.limits.undelete));
        let page = queries::repos::list_repos_to_check(&run.app.pool, unused, undoable, last, PAGE).await?;
        let Some(newest) = page.last() else { return Ok(()) };
        last = *newest;
        for repo_pk in page {
            match unlink_in_one(run, repo_pk).await {
                Ok(Some(amount)) => report.add(Item::Unused, amount),
                Ok(None) => report.add(Item::Skipped, Amount::one(0)),
                // A repository that cannot be read keeps everything.
                Err(error) => {
                    tracing::warn!(repo_pk, ?error, "garbage collection skips a repository");
                    report.add(Item::Skipped, Amount::one(0));
                }
            }
        }
    }
}

/// `None`: it cannot be told what its refs name, or they keep moving.
async fn unlink_in_one(run: &Run<'_>, repo_pk: i64) -> HubResult<Option<Amount>> {
    let (app, before, since) = (run.app, run.before(run.limits.unused), run.before(run.limits.undelete));
    for _ in 0..ROUNDS {
        let refs = repo_queries::list_refs(&app.pool, repo_pk).await?;
        let kept = changes::list_kept(&app.pool, repo_pk, since).await?;
        let old = queries::repos::list_old_links(&app.pool, repo_pk, before).await?;
        // Read after the refs, so that what they reach is in its packs.
        let Some(repo) = repo_queries::find_repo_by_pk(&app.pool, repo_pk).await? else { return Ok(Some(Amount::default())) };
        let old_oids: Vec<Sha256> = old.iter().map(|(oid, _)| *oid).collect();
        let is_bucket = repo.repo_type == RepoType::Bucket;
        let named = match is_bucket {
            true => Some(buckets::list_present(&app.pool, repo_pk, &old_oids).await?),
            false => lfs_files::named_oids(app, &repo, &[refs.as_slice(), kept.as_slice()].concat()).await?,
        };
        let Some(named) = named else { return Ok(None) };
        let mut unused: HashSet<Sha256> = old_oids.iter().copied().filter(|oid| !named.contains(oid)).collect();
        if run.is_dry() {
            let sizes = old.iter().filter(|(oid, _)| unused.contains(oid)).map(|(_, size)| *size);
            return Ok(Some(Amount::of(sizes)));
        }
        let mut tx = app.begin().await?;
        // The commit point waits for this lock. While it is held, nothing comes to be named.
        if !queries::repos::lock_repo(&mut tx, repo_pk).await? {
            return Ok(Some(Amount::default()));
        }
        // A branch may have come, named a file and gone again.
        if repo_queries::list_refs(&mut *tx, repo_pk).await? != refs
            || changes::list_kept(&mut *tx, repo_pk, since).await? != kept
        {
            continue;
        }
        if is_bucket {
            // A batch may have put one somewhere before the lock was had.
            for oid in buckets::list_present(&mut *tx, repo_pk, &old_oids).await? {
                unused.remove(&oid);
            }
        }
        // Somebody may have asked for one since; it stays then.
        let unused: Vec<Sha256> = unused.into_iter().collect();
        let unused = queries::repos::lock_old_links(&mut tx, repo_pk, &unused, before).await?;
        let mut amount = Amount::default();
        if !unused.is_empty() {
            let (count, bytes) = objects::unlink_in(&mut tx, repo_pk, &unused).await?;
            amount = Amount { count, bytes };
        }
        queries::repos::set_checked(&mut tx, repo_pk, run.started, before, since).await?;
        tx.commit().await?;
        unused.iter().for_each(|oid| app.held_objects.invalidate(&(repo_pk, *oid)));
        return Ok(Some(amount));
    }
    Ok(None)
}

/// Takes everything from repositories that were deleted long ago. From then on they cannot come back.
pub(super) async fn unlink_deleted(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let before = run.before(run.limits.undelete);
    if run.is_dry() {
        report.add(Item::OfDeleted, Amount::of(queries::repos::list_deleted_links(&run.app.pool, before).await?));
        return Ok(());
    }
    for repo_pk in queries::repos::list_deleted_repos(&run.app.pool, before).await? {
        let mut tx = run.app.begin().await?;
        // Under its lock: whoever restores it comes before or after.
        if queries::repos::lock_deleted_repo(&mut tx, repo_pk, before).await? {
            report.add(Item::OfDeleted, Amount::of(queries::repos::unlink_all(&mut tx, repo_pk).await?));
            queries::repos::forget_contents(&mut tx, repo_pk).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
