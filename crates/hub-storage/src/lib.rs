//! The one place where durable bytes live: a local folder, an S3-compatible bucket, a container of
//! Azure or a bucket of Google Cloud Storage.
//!
//! A [`Store`] holds objects under typed [`StorageKey`]s. Content-addressed objects (packs, LFS
//! objects) are written once and never changed; only `uploads/` holds passing things. What a
//! repository is, who may read it and which objects it has is not known here.
//!
//! Invariants:
//! - A write is visible whole or not at all. [`Store::put_stream`] hashes while the bytes pass and
//!   publishes only when size and SHA-256 are as promised.
//! - An acknowledged write is on disk: the local store syncs the file and its folders before it
//!   answers; the services do so by contract.
//! - Memory per operation is a few parts of some MiB, however large the object.
//!
//! Start reading at [`Store`]; `write.rs` and `read.rs` are its two halves, `presign.rs` is what the
//! services add: URLs with which clients move bytes without passing through the hub. `s3.rs`, `azure.rs` and `gcs.rs` are
//! what is special about each.

mod azure;
mod buffers;
mod client;
mod config;
mod error;
mod gcs;
mod hashing;
mod key;
mod presign;
mod read;
mod s3;
mod store;
mod write;

pub use buffers::Buffers;
pub use config::{Secret, StoreConfig};
pub use error::Error;
pub use key::StorageKey;
pub use presign::{PresignedGet, UploadedPart};
pub use read::ObjectStream;
pub use store::{ObjectInfo, Store, Unfinished};
pub use write::{Expect, Stored};

/// The result of a storage operation.
pub type Result<T> = std::result::Result<T, Error>;
