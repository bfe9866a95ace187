//! Git LFS and the Hub's multipart extension of it: a thin protocol over [`crate::objects`].
//!
//! A client asks the batch endpoint what to do with some objects ([`batch`]); who may is decided there. It gets URLs
//! that carry the permission themselves ([`links`]), because the Hub's clients send no credentials with the bytes.
//! Where the store takes no uploads itself these lead back here ([`transfer`]); with S3 they are presigned and lead there, and the
//! hub reads what arrived before it counts ([`crate::objects::staging`]).

mod batch;
mod links;
mod locks;
mod plan;
mod queries;
mod reuse;
mod transfer;

use actix_web::web;

/// The content type of the LFS API.
pub const LFS_JSON: &str = "application/vnd.git-lfs+json";

/// Mounts the LFS routes.
pub fn routes(config: &mut web::ServiceConfig) {
    transfer::routes(config);
    // Browsers send large files of buckets so, too; all else there goes by chunks.
    config.route("/{repo_type:buckets}/{namespace}/{name}/info/lfs/objects/batch", web::post().to(batch::post_batch));
    for repo in ["/{repo_type:datasets|spaces}/{namespace}/{name}/info/lfs", "/{namespace}/{name}/info/lfs"] {
        config
            .route(&format!("{repo}/objects/batch"), web::post().to(batch::post_batch))
            .route(&format!("{repo}/locks"), web::get().to(locks::list_locks))
            .route(&format!("{repo}/locks"), web::post().to(locks::post_lock))
            .route(&format!("{repo}/locks/verify"), web::post().to(locks::verify_locks))
            .route(&format!("{repo}/locks/{{lock_id}}/unlock"), web::post().to(locks::post_unlock));
    }
}
