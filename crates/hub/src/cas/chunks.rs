//! Does the hub know a chunk? What spares clients the upload of what others have sent.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use sha2::Digest as _;

use super::tokens::CasRead;
use super::{check_prefix, hash_of};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::xet::{LEASE, queries, store};

/// How long a client may rely on an answer; shorter than the lease of the xorbs in it.
const VALID: Duration = Duration::from_secs(7 * 24 * 3600);
/// How many xorbs an answer names: of about 50 kB each.
const MAX_XORBS: i64 = 64;

/// `GET /v1/chunks/{prefix}/{hash}`: the xorb that has the chunk and those that came with it, as a shard. Its chunk hashes
/// are keyed: they can be compared with chunks that one has, and tell nothing of others. Only what everybody may read is
/// told, and to those who write what the repository's namespace has.
pub(super) async fn get_chunk(app: web::Data<App>, access: CasRead, request: HttpRequest) -> HubResult<HttpResponse> {
    check_prefix(&request)?;
    let unknown = || HubError::not_found("The hub knows no such chunk.");
    let candidates = queries::list_xorbs_of_chunk(&app.pool, &hash_of(&request)?).await?;
    if candidates.is_empty() {
        return Err(unknown());
    }
    let audience = access.audience;
    let xorb = queries::renew_visible(&app.pool, &candidates, audience, LEASE).await?.ok_or_else(unknown)?;
    let mut hashes = vec![xorb];
    for sibling in queries::renew_siblings(&app.pool, &xorb, audience, MAX_XORBS, LEASE).await? {
        if sibling != xorb {
            hashes.push(sibling);
        }
    }
    let mut found = store::load(&app, &hashes).await?;
    let infos = hashes.iter().filter_map(|hash| found.remove(hash)).map(|xorb| std::sync::Arc::clone(&xorb.info));
    let infos: Vec<_> = infos.collect();
    let now = crate::clock::now().timestamp().unsigned_abs();
    let key = key_of_week(&app, now);
    let shard = move || hub_xet::dedup_shard(&infos, &key, now, now + VALID.as_secs());
    let shard = tokio::task::spawn_blocking(shard).await?.map_err(HubError::internal)?;
    Ok(HttpResponse::Ok().content_type("application/octet-stream").body(shard))
}

/// One key a week, so that clients need to keep few indexes.
fn key_of_week(app: &App, now: u64) -> [u8; 32] {
    let week = now / (7 * 24 * 3600);
    sha2::Sha256::digest(app.signer.sign("xet-chunks", &week.to_string())).into()
}
