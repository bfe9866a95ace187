use std::fmt::Display;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use hub_types::Sha256;
use object_store::{Attribute, Attributes, MultipartUpload, ObjectStore, PutMultipartOptions, PutOptions, PutPayload};
use tokio::io::AsyncReadExt;
use tokio::runtime::Handle;
use tokio::task::{JoinSet, spawn_blocking};

use crate::hashing::BackgroundHash;
use crate::{Error, Result, StorageKey, Store};

/// What is known of bytes before they come.
#[derive(Debug, Clone, Copy)]
pub struct Expect {
    /// Their SHA-256, if announced.
    pub sha256: Option<Sha256>,
    /// Their number, if announced.
    pub size: Option<u64>,
    /// The most that is taken, in bytes.
    pub max_size: u64,
}

impl Expect {
    /// Nothing but a limit.
    pub fn at_most(max_size: u64) -> Self {
        Self { sha256: None, size: None, max_size }
    }

    /// Exactly these bytes.
    pub fn exactly(sha256: Sha256, size: u64) -> Self {
        Self { sha256: Some(sha256), size: Some(size), max_size: size }
    }
}

/// What was stored or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 of the bytes.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
}

const MIB: u64 = 1024 * 1024;
/// S3 and Google take parts of 5 MiB to 5 GiB, Azure any up to 4000 MiB.
const REMOTE_PART: u64 = 8 * MIB;
const LOCAL_PART: u64 = 2 * MIB;
/// S3 and Google take 10,000 parts; a little is left for safety.
const MAX_PARTS: u64 = 9_900;
/// Size limit that decides about the size of parts when nobody announced a size.
const UNKNOWN_SIZE: u64 = 128 * 1024 * MIB;
const PARTS_IN_FLIGHT: usize = 3;

impl Store {
    /// Stores bytes that are in memory.
    pub async fn put_bytes(&self, key: &StorageKey, bytes: impl Into<Bytes>) -> Result<()> {
        self.put_payload(key, PutPayload::from(bytes.into())).await
    }

    /// Stores a local file.
    pub async fn put_file(&self, key: &StorageKey, path: &Path) -> Result<Stored> {
        let file = tokio::fs::File::open(path).await.map_err(Error::unavailable)?;
        let size = file.metadata().await.map_err(Error::unavailable)?.len();
        let chunks = stream::try_unfold(file, |mut file| async move {
            let mut buffer = BytesMut::with_capacity(512 * 1024);
            let read = file.read_buf(&mut buffer).await?;
            Ok::<_, std::io::Error>((read > 0).then(|| (buffer.freeze(), file)))
        });
        let expect = Expect { sha256: None, size: Some(size), max_size: size };
        self.put_stream(key, Box::pin(chunks), expect).await
    }

    /// Stores a stream, hashing while it passes. The object becomes visible only when size and hash
    /// are as expected; on any error, or when the future is dropped, nothing is left of it.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`], [`Error::TooLarge`], [`Error::HashMismatch`]: the sender lied;
    /// [`Error::Interrupted`]: the stream broke off.
    pub async fn put_stream<S, E>(&self, key: &StorageKey, mut stream: S, expect: Expect) -> Result<Stored>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Unpin,
        E: Display,
    {
        let mut writer = PartWriter::new(self, key, &expect);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|e| Error::Interrupted { reason: e.to_string() })?;
            writer.push(chunk, &expect).await?;
        }
        writer.finish(&expect).await
    }

    async fn put_payload(&self, key: &StorageKey, payload: PutPayload) -> Result<()> {
        let options = PutOptions { attributes: self.attributes(key), ..PutOptions::default() };
        let put = self.objects().put_opts(&key.path(), payload, options).await;
        put.map(|_| ()).map_err(|e| Error::from_object_store(key.as_str(), e))
    }

    async fn begin_multipart(&self, key: &StorageKey) -> Result<Box<dyn MultipartUpload>> {
        let options = PutMultipartOptions { attributes: self.attributes(key), ..PutMultipartOptions::default() };
        let (objects, path) = (self.objects().clone(), key.path());
        let begin = async move { objects.put_multipart_opts(&path, options).await };
        let begun = if self.is_remote() {
            begin.await
        } else {
            // The local store creates the file, and syncs new folders, right in the call.
            let handle = Handle::current();
            spawn_blocking(move || handle.block_on(begin)).await?
        };
        begun.map_err(|e| Error::from_object_store(key.as_str(), e))
    }

    /// A file system keeps no content type, and `object_store` refuses one there.
    fn attributes(&self, key: &StorageKey) -> Attributes {
        let mut attributes = Attributes::new();
        if self.is_remote() {
            attributes.insert(Attribute::ContentType, key.content_type().into());
        }
        attributes
    }

    fn part_size(&self, expect: &Expect) -> u64 {
        if !self.is_remote() {
            return LOCAL_PART;
        }
        let largest = expect.size.unwrap_or(expect.max_size.min(UNKNOWN_SIZE));
        largest.div_ceil(MAX_PARTS).next_multiple_of(MIB).max(REMOTE_PART)
    }
}

/// Collects chunks into parts; hashes and stores each part while the next one comes in.
struct PartWriter<'a> {
    store: &'a Store,
    key: &'a StorageKey,
    part_size: u64,
    part: Vec<Bytes>,
    part_bytes: u64,
    total_bytes: u64,
    hash: BackgroundHash,
    upload: Option<Upload>,
}

impl<'a> PartWriter<'a> {
    fn new(store: &'a Store, key: &'a StorageKey, expect: &Expect) -> Self {
        let part_size = store.part_size(expect);
        let hash = BackgroundHash::new();
        Self { store, key, part_size, part: Vec::new(), part_bytes: 0, total_bytes: 0, hash, upload: None }
    }

    async fn push(&mut self, mut chunk: Bytes, expect: &Expect) -> Result<()> {
        self.total_bytes += chunk.len() as u64;
        if let Some(expected) = expect.size.filter(|size| self.total_bytes > *size) {
            return Err(Error::SizeMismatch { expected, found: self.total_bytes });
        }
        if self.total_bytes > expect.max_size {
            return Err(Error::TooLarge { limit: expect.max_size });
        }
        while self.part_bytes + chunk.len() as u64 >= self.part_size {
            let room = usize::try_from(self.part_size - self.part_bytes).unwrap_or(usize::MAX);
            self.part.push(chunk.split_to(room));
            self.send_part().await?;
        }
        if !chunk.is_empty() {
            self.part_bytes += chunk.len() as u64;
            self.part.push(chunk);
        }
        Ok(())
    }

    async fn send_part(&mut self) -> Result<()> {
        let chunks = std::mem::take(&mut self.part);
        self.part_bytes = 0;
        self.hash.update(chunks.clone()).await?;
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => self.upload.insert(Upload::new(self.store.begin_multipart(self.key).await?)),
        };
        upload.send(chunks.into_iter().collect(), self.key).await
    }

    async fn finish(mut self, expect: &Expect) -> Result<Stored> {
        if let Some(expected) = expect.size.filter(|size| *size != self.total_bytes) {
            return Err(Error::SizeMismatch { expected, found: self.total_bytes });
        }
        let last = std::mem::take(&mut self.part);
        self.hash.update(last.clone()).await?;
        let sha256 = self.hash.finish().await?;
        if let Some(expected) = expect.sha256.filter(|expected| *expected != sha256) {
            return Err(Error::HashMismatch { expected, found: sha256 });
        }
        let stored = Stored { sha256, size: self.total_bytes };
        let last: PutPayload = last.into_iter().collect();
        match self.upload.take() {
            None => self.store.put_payload(self.key, last).await?,
            Some(upload) => upload.complete(last, self.key).await?,
        }
        Ok(stored)
    }
}

/// A multipart upload that is aborted unless it is completed.
struct Upload {
    upload: Option<Box<dyn MultipartUpload>>,
    parts: JoinSet<object_store::Result<()>>,
}

impl Upload {
    fn new(upload: Box<dyn MultipartUpload>) -> Self {
        Self { upload: Some(upload), parts: JoinSet::new() }
    }

    async fn send(&mut self, part: PutPayload, key: &StorageKey) -> Result<()> {
        self.wait_until(PARTS_IN_FLIGHT - 1, key).await?;
        if let Some(upload) = &mut self.upload {
            self.parts.spawn(upload.put_part(part));
        }
        Ok(())
    }

    async fn wait_until(&mut self, in_flight: usize, key: &StorageKey) -> Result<()> {
        while self.parts.len() > in_flight {
            if let Some(sent) = self.parts.join_next().await {
                sent?.map_err(|e| Error::from_object_store(key.as_str(), e))?;
            }
        }
        Ok(())
    }

    async fn complete(mut self, last: PutPayload, key: &StorageKey) -> Result<()> {
        if last.content_length() > 0 {
            self.send(last, key).await?;
        }
        self.wait_until(0, key).await?;
        if let Some(upload) = &mut self.upload {
            upload.complete().await.map_err(|e| Error::from_object_store(key.as_str(), e))?;
        }
        self.upload = None;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        let mut parts = std::mem::take(&mut self.parts);
        // Outside a runtime the local store still removes its file when `upload` is dropped.
        if let Ok(handle) = Handle::try_current() {
            handle.spawn(async move {
                parts.shutdown().await;
                if let Err(error) = upload.abort().await {
                    tracing::debug!(%error, "aborting an upload failed");
                }
            });
        }
    }
}
