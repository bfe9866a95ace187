//! Which uploads can be spared. Possession counts, not knowledge: a repository gets an object without its bytes only
//! if the uploader could download it from another repository anyway.

use std::collections::HashMap;

use futures::stream;
use hub_types::Sha256;

use super::batch::EMPTY;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::objects::{self, receive};
use crate::recalls;
use crate::repos::access::{RepoRead, RepoWrite};
use crate::repos::queries::find_repo_by_pk;

/// The objects that need no upload, with their sizes: the repository has them, or gets them now because the
/// uploader can read them in another one.
///
/// # Errors
/// 503 when the database or the store does not answer.
pub(super) async fn hold(app: &App, write: &RepoWrite, oids: &[Sha256]) -> HubResult<HashMap<Sha256, u64>> {
    let mut held = objects::keep_held(app, write.repo.pk, oids).await?;
    let empty: Sha256 = EMPTY.parse().map_err(HubError::internal)?;
    if oids.contains(&empty) && !held.contains_key(&empty) {
        receive::receive(app, write.repo.pk, empty, 0, stream::empty::<Result<_, String>>()).await?;
        held.insert(empty, 0);
    }
    let missing: Vec<Sha256> = oids.iter().filter(|oid| !held.contains_key(*oid)).copied().collect();
    if missing.is_empty() {
        return Ok(held);
    }
    let mut reusable = HashMap::new();
    let mut readable = HashMap::new();
    for candidate in objects::list_candidates(&app.pool, &missing, &write.viewer.audiences()).await? {
        // Few repositories, however many objects: each is looked at once.
        let may_read = match readable.get(&candidate.repo_pk) {
            Some(known) => *known,
            None => may_read(app, write, candidate.repo_pk).await?,
        };
        readable.insert(candidate.repo_pk, may_read);
        // A copy would give out again what was recalled there.
        if may_read && recalls::find(app, candidate.repo_pk, Content::Large(candidate.oid)).await?.is_none() {
            reusable.insert(candidate.oid, candidate.size.unsigned_abs());
        }
    }
    if !reusable.is_empty() {
        let oids: Vec<Sha256> = reusable.keys().copied().collect();
        let mut tx = app.begin().await?;
        let linked = objects::link(&mut tx, write.repo.pk, &oids).await?;
        tx.commit().await?;
        // One that was collected since it was found must be sent.
        held.extend(linked.into_iter().filter_map(|oid| Some((oid, *reusable.get(&oid)?))));
    }
    Ok(held)
}

async fn may_read(app: &App, write: &RepoWrite, repo_pk: i64) -> HubResult<bool> {
    let Some(repo) = find_repo_by_pk(&app.pool, repo_pk).await? else { return Ok(false) };
    let Ok(read) = RepoRead::check(repo, write.viewer.clone()) else { return Ok(false) };
    Ok(read.barrier(app).await?.is_none())
}
