//! Large files kept as chunks. A xorb holds up to 8192 chunks (64 MiB); a file is a list of runs of chunks in xorbs,
//! so that what two files share is kept once, whoever uploaded it. Formats and their checks are [`hub_xet`]'s.
//!
//! A row in `xet_xorbs` means: body and metadata are in the store, and every byte of them was checked. A row in
//! `xet_files` means: all its xorbs are such, and the hub has computed the SHA-256 of the file's bytes itself. So a file
//! has one identity, its SHA-256, and [`crate::objects`] decides by it which repository has which file: nothing here
//! knows of permissions, and no hash of a file or xorb opens anything.
//!
//! - [`store`]: xorbs into the store and their metadata out of it.
//! - [`pending`]: xorbs that no file names yet count for their owners.
//! - [`register`]: a client's shard becomes files; `verification` checks it first.
//! - [`read`]: the bytes of a file, in order, out of xorbs.
//! - [`convert`]: a plain large file becomes one in chunks.
//!
//! The protocol that clients speak is in [`crate::cas`].

pub mod convert;
pub mod pending;
pub mod queries;
pub mod read;
pub mod register;
pub mod store;
mod verification;

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use hub_types::{Sha256, XetHash};
use hub_xet::{Term, XorbInfo};
use moka::future::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a xorb stays although no file refers to it. Clients remember for 21 days what they uploaded and refer to it
/// without asking again (`hf_xet` 1.8, shard cache).
pub const LEASE: Duration = Duration::from_secs(30 * 24 * 3600);

/// How much metadata of xorbs a process keeps in memory, in bytes.
const INFO_CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// How much of files' term lists, in bytes.
const TERMS_CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// A stored xorb: where it lies and what is in it.
#[derive(Debug)]
pub struct Xorb {
    /// Tells its objects in the store from those of other uploads of the same xorb.
    pub nonce: i64,
    /// Its chunks.
    pub info: Arc<XorbInfo>,
}

/// A file as a list of runs of chunks.
#[derive(Debug)]
pub struct XetFile {
    /// Its size in bytes.
    pub size: u64,
    /// Its runs, in order.
    pub terms: Vec<Term>,
}

/// What a process remembers of xorbs and files (immutable, but for their deletion), and how much of the heavy work it
/// does at once. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Xet {
    xorbs: Cache<XetHash, Arc<Xorb>>,
    files: Cache<XetHash, Arc<XetFile>>,
    /// Bounds the bodies of shards in memory: one permit is a KiB.
    shard_room: Arc<Semaphore>,
    /// Bounds how many blocks of stored chunks are decoded at once.
    decoding: Arc<Semaphore>,
    /// Bounds the lists of chunks that are at hand besides those in `xorbs`: one permit is one list of any length.
    lists: Arc<Semaphore>,
    /// The SHA-256 of files that were read back, by their hashes: a shard that comes again does not have them read again, and two
    /// that come at once share one reading.
    digests: Cache<XetHash, Sha256>,
    /// Bounds how many files are read back at once.
    digesting: Arc<Semaphore>,
    /// The same for each repository.
    digesting_for: Cache<i64, Arc<Semaphore>>,
    /// What owners have sent that no file names yet.
    owners: Cache<i64, Arc<pending::Owner>>,
}

/// How much memory the shards in hand may take, in KiB.
const SHARD_ROOM_KIB: usize = 96 * 1024;

/// How many lists of chunks are looked at together. A list has 8192 chunks of 40 bytes at most, so these take 15 MiB; of ordinary
/// xorbs they take 2 MiB, and stand for 3 GiB of files.
pub const LISTS_AT_ONCE: usize = 48;
/// How many lists all requests have at hand, each of which takes the next only when it has given back the last: 126 MiB at most.
const LISTS: usize = 8 * LISTS_AT_ONCE + 16;

/// How many files of a repository are read back at once, whatever many shards they are in.
const DIGEST_AT_ONCE: usize = 4;
/// How many of all. Those of others wait, and their clients hear that they do.
const DIGESTS: usize = 32;
/// How many digests are remembered: some megabytes.
const DIGESTS_KEPT: u64 = 20_000;

impl Default for Xet {
    fn default() -> Self {
        let weight = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let xorbs = Cache::builder().max_capacity(INFO_CACHE_BYTES);
        let files = Cache::builder().max_capacity(TERMS_CACHE_BYTES);
        Self {
            // A xorb that was collected and came again lies under another nonce; nobody is misled for long.
            xorbs: xorbs.weigher(move |_, xorb: &Arc<Xorb>| weight(xorb.info.memory_bytes())).time_to_live(MEMORY).build(),
            files: files
                .weigher(move |_, file: &Arc<XetFile>| weight(file.terms.len() * size_of::<Term>() + 64))
                .time_to_live(MEMORY)
                .build(),
            shard_room: Arc::new(Semaphore::new(SHARD_ROOM_KIB)),
            decoding: Arc::new(Semaphore::new(2 * std::thread::available_parallelism().map_or(1, NonZero::get))),
            lists: Arc::new(Semaphore::new(LISTS)),
            digests: Cache::builder().max_capacity(DIGESTS_KEPT).time_to_live(Duration::from_secs(3600)).build(),
            digesting: Arc::new(Semaphore::new(DIGESTS)),
            digesting_for: Cache::builder().time_to_idle(Duration::from_secs(3600)).build(),
            owners: Cache::builder().time_to_idle(Duration::from_secs(3600)).build(),
        }
    }
}

/// How long they are remembered; shorter than what is condemned stays readable (see `gc`).
const MEMORY: Duration = Duration::from_secs(1800);

impl Xet {
    /// Waits until a shard of this many bytes may be taken into memory.
    pub async fn room_for_shard(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1024).clamp(1, SHARD_ROOM_KIB)).unwrap_or(1);
        self.shard_room.clone().acquire_many_owned(kib).await.ok()
    }

    /// Waits until so many lists of chunks may be taken into memory; more than there can ever be are as many.
    pub async fn room_for_lists(&self, count: usize) -> Option<OwnedSemaphorePermit> {
        let count = u32::try_from(count.clamp(1, LISTS)).unwrap_or(1);
        self.lists.clone().acquire_many_owned(count).await.ok()
    }

    /// Forgets a xorb that is not where it was.
    pub async fn forget_xorb(&self, hash: &XetHash) {
        self.xorbs.invalidate(hash).await;
    }
}
