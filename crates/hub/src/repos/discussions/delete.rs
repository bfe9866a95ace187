use serde_json::json;

use super::{get, pull_ref};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoAdmin;
use crate::repos::queries::{self, discussions};
use crate::repos::refs::{RefChange, RefUpdate, apply_in};

/// Deletes a discussion for good, and the commits of a pull request with it. Its number is not given out again.
///
/// # Errors
/// 404 for an unknown one, 409 when its commits change at the same time.
pub async fn delete(app: &App, admin: &RepoAdmin, num: i64) -> HubResult<()> {
    let found = get(app, &admin.repo, num).await?;
    let actor_pk = admin.viewer.require_user()?.pk;
    let name = pull_ref(num)?;
    let mut tx = app.begin().await?;
    let repo = queries::find_repo_by_pk(&mut *tx, admin.repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?;
    match queries::find_ref(&mut *tx, repo.pk, &name).await?.filter(|_| found.is_pull_request()) {
        Some(head) => {
            let change = RefChange {
                repo: &repo,
                actor_pk: Some(actor_pk),
                kind: "delete_discussion",
                updates: vec![RefUpdate { name, expected: Some(head), new: None }],
                packs: Vec::new(),
                metadata: None,
            };
            apply_in(&mut tx, &change).await?;
        }
        None => {
            queries::insert_event(&mut tx, repo.pk, Some(actor_pk), "delete_discussion", json!({ "num": num })).await?;
        }
    }
    discussions::delete(&mut tx, found.discussion_pk).await?;
    tx.commit().await?;
    Ok(())
}
