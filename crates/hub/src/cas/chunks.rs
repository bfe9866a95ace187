//! Does the hub know a chunk? What spares clients the upload of what others have sent.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use sha2::Digest as _;

use super::tokens::CasRead;
use super::{check_prefix, hash_of};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::xet::{LEASE, LISTS_AT_ONCE, queries, store};

/// How long a client may rely on an answer; shorter than the lease of the xorbs in it.
const VALID: Duration = Duration::from_secs(7 * 24 * 3600);
/// How many xorbs an answer names besides the one that has the chunk: of about 50 kB each.
const MAX_SIBLINGS: i64 = LISTS_AT_ONCE as i64 - 1;
/// How many chunks an answer names, of 48 bytes each; those of the first xorb in any case.
const MAX_CHUNKS: u32 = 1 << 16;

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
    for sibling in queries::renew_siblings(&app.pool, &xorb, audience, MAX_SIBLINGS, LEASE).await? {
        if sibling != xorb {
            hashes.push(sibling);
        }
    }
    let window = store::load_window(&app, &hashes).await?;
    let now = crate::clock::now().timestamp().unsigned_abs();
    let key = key_of_week(&app, now);
    let shard = move || {
        let mut chunks = 0;
        let infos = hashes.iter().filter_map(|hash| window.xorbs.get(hash)).map(|xorb| Arc::clone(&xorb.info));
        let few = infos.take_while(|info| {
            let is_first = chunks == 0;
            chunks += info.chunk_count();
            is_first || chunks <= MAX_CHUNKS
        });
        hub_xet::dedup_shard(&few.collect::<Vec<_>>(), &key, now, now + VALID.as_secs())
    };
    let shard = tokio::task::spawn_blocking(shard).await?.map_err(HubError::internal)?;
    Ok(HttpResponse::Ok().content_type("application/octet-stream").body(shard))
}

/// One key a week, so that clients need to keep few indexes.
fn key_of_week(app: &App, now: u64) -> [u8; 32] {
    let week = now / (7 * 24 * 3600);
    sha2::Sha256::digest(app.signer.sign("xet-chunks", &week.to_string())).into()
}
