use chrono::{DateTime, Utc};
use hub_types::Oid;
use serde_json::json;

use super::{get, pull_ref};
use crate::accounts::audit;
use crate::app::App;
use crate::db::{LockKey, lock};
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoAdmin;
use crate::repos::changes::{self, What};
use crate::repos::lfs_files;
use crate::repos::queries::{self, discussions::deleted};
use crate::repos::refs::{RefChange, RefError, RefUpdate, UNDO, apply_in};

/// How many are forgotten in one statement.
const BATCH: i64 = 500;

/// Deletes a discussion, and the commits of a pull request with it. It can be restored for as long as anything can be undone; its number
/// is not given out again.
///
/// # Errors
/// 404 for an unknown one, 409 when its commits change at the same time.
pub async fn delete(app: &App, admin: &RepoAdmin, num: i64) -> HubResult<()> {
    delete_undoing(app, admin, num, None).await
}

/// The same to take back a change that brought it back.
///
/// # Errors
/// As [`delete`]; 409 when that change was taken back already.
pub async fn delete_undoing(app: &App, admin: &RepoAdmin, num: i64, undoes: Option<i64>) -> HubResult<()> {
    let found = get(app, &admin.repo, num).await?;
    let actor_pk = admin.viewer.require_user()?.pk;
    let name = pull_ref(num)?;
    let mut tx = audit::begin(app).await?;
    let repo = queries::find_repo_by_pk(&mut *tx, admin.repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?;
    let head = queries::find_ref(&mut *tx, repo.pk, &name).await?.filter(|_| found.is_pull_request());
    match head {
        Some(head) => {
            let change = RefChange {
                repo: &repo,
                actor_pk: Some(actor_pk),
                kind: "delete_discussion",
                updates: vec![RefUpdate { name: name.clone(), expected: Some(head), new: None }],
                packs: Vec::new(),
                metadata: None,
            };
            apply_in(&mut tx, &change).await?;
        }
        None => {
            queries::insert_event(&mut tx, repo.pk, Some(actor_pk), "delete_discussion", json!({ "num": num })).await?;
        }
    }
    deleted::delete(&mut tx, found.discussion_pk).await?;
    let what = What::DeleteDiscussion { num, name: head.map(|_| name.to_string()), old: head };
    changes::note(&mut tx, repo.pk, Some(actor_pk), &what, undoes).await?;
    tx.commit().await?;
    Ok(())
}

/// Brings back a discussion that a change deleted, and the commits of a pull request with it.
///
/// # Errors
/// 409 when what it was is not kept any more, or was restored already.
pub async fn restore(app: &App, admin: &RepoAdmin, num: i64, head: Option<Oid>, undoes: i64) -> HubResult<()> {
    let _turn = app.writes.enter(admin.repo.pk).await;
    let actor_pk = admin.viewer.require_user()?.pk;
    let found = queries::find_repo_by_pk(&app.pool, admin.repo.pk).await?;
    let repo = found.ok_or_else(|| HubError::repo_not_found(false))?;
    if let Some(head) = head {
        lfs_files::check_held(app, &repo, head).await?;
    }
    let gone = || HubError::conflict(format!("What was said in #{num} was removed already, or it was restored meanwhile."));
    let name = pull_ref(num)?;
    let mut tx = audit::begin(app).await?;
    // What moderators decide at the same time reaches it, before it is back or afterwards. They lock before repositories, too.
    lock(&mut tx, LockKey::Moderate).await?;
    match head {
        Some(head) => {
            let change = RefChange {
                repo: &repo,
                actor_pk: Some(actor_pk),
                kind: UNDO,
                updates: vec![RefUpdate { name, expected: None, new: Some(head) }],
                packs: Vec::new(),
                metadata: None,
            };
            match apply_in(&mut tx, &change).await {
                Err(RefError::Conflict { .. }) => return Err(gone()),
                other => other?,
            };
        }
        None => {
            queries::insert_event(&mut tx, repo.pk, Some(actor_pk), "restore_discussion", json!({ "num": num })).await?;
        }
    }
    if !deleted::restore(&mut tx, repo.pk, num).await? {
        return Err(gone());
    }
    let what = What::RestoreDiscussion { num, is_pull_request: head.is_some() };
    changes::note(&mut tx, repo.pk, Some(actor_pk), &what, Some(undoes)).await?;
    tx.commit().await?;
    Ok(())
}

/// Forgets what was said in discussions that were deleted before a time.
///
/// # Errors
/// The database does not answer.
pub async fn forget(app: &App, before: DateTime<Utc>) -> HubResult<()> {
    while deleted::forget(&app.pool, before, BATCH).await? > 0 {}
    Ok(())
}
