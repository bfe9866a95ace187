//! The protocol by which clients move large files in chunks (Xet), as `hf_xet` 1.8 speaks it: thin over [`crate::xet`].
//!
//! A client asks the Hub API for a token of a repository ([`tokens`]); with it, it sends xorbs ([`xorbs`]) and shards
//! ([`shards`]), asks where the chunks of a file lie ([`reconstructions`]), fetches them by signed addresses ([`ranges`]), and
//! asks whether the hub knows a chunk before it sends it ([`chunks`]).
//!
//! What guards whose bytes (docs/xet.md has the whole model): a shard counts only with proofs that its sender knows the
//! chunks it names; a file is found only through a repository that has it and that the token is for; an address opens only
//! the bytes it was made for; answers about chunks are keyed, so that they tell nothing to those who lack the chunk.

mod chunks;
mod ranges;
mod reconstructions;
mod shards;
mod telemetry;
mod tokens;
mod xorbs;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::XetHash;

use crate::error::{ErrorKind, HubError, HubResult};
use crate::web::extract::raw_param;

/// Mounts the store of chunks at `/xet`.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/xet/v1/xorb-grants/{prefix}/{hash}", web::post().to(xorbs::post_grant))
        .route("/xet/v1/xorbs/{prefix}/{hash}", web::post().to(xorbs::post_xorb))
        .route("/xet/v1/shards", web::post().to(shards::post_v1))
        .route("/xet/v2/shards", web::post().to(shards::post_v2))
        .route("/xet/v1/reconstructions/{hash}", web::get().to(reconstructions::get_v1))
        .route("/xet/v2/reconstructions/{hash}", web::get().to(reconstructions::get_v2))
        .route("/xet/v1/chunks/{prefix}/{hash}", web::get().to(chunks::get_chunk))
        .route("/xet/v1/telemetry", web::post().to(telemetry::post_telemetry))
        .route("/xet/v2/file-chunk-hashes/{hash}", web::get().to(not_offered))
        .route("/xet/data/{xorb}/{range}", web::get().to(ranges::get_range));
}

/// Mounts the tokens, which belong to the Hub API.
pub fn token_routes(config: &mut web::ServiceConfig) {
    let bucket = crate::repos::api::BUCKET;
    config
        .route(&format!("{bucket}/xet-read-token"), web::get().to(tokens::get_read))
        .route(&format!("{bucket}/xet-write-token"), web::get().to(tokens::get_write))
        .route(&format!("{}/xet-read-token/{{tail:.*}}", crate::repos::api::REPO), web::method(Method::GET).to(tokens::get_read))
        .route(
            &format!("{}/xet-write-token/{{tail:.*}}", crate::repos::api::REPO),
            web::method(Method::GET).to(tokens::get_write),
        );
}

async fn not_offered() -> HubResult<HttpResponse> {
    Err(HubError::new(ErrorKind::NotImplemented, "This hub does not offer edits of parts of a file."))
}

/// The hash in an address.
fn hash_of(request: &HttpRequest) -> HubResult<XetHash> {
    let text = raw_param(request, "hash");
    text.parse().map_err(|_| HubError::bad_request("The address must end in a hash of 64 hexadecimal digits, in lower case."))
}

/// The prefix in an address: there is only one kind of chunks.
fn check_prefix(request: &HttpRequest) -> HubResult<()> {
    match raw_param(request, "prefix") {
        "default" | "default-merkledb" => Ok(()),
        _ => Err(HubError::bad_request("The hub knows the prefix `default` only.")),
    }
}
