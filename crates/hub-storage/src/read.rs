use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore};
use rustix::buffer::spare_capacity;
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;

use crate::buffers::Buffers;
use crate::hashing::BackgroundHash;
use crate::{Error, Result, StorageKey, Store, Stored};

/// An object's bytes on their way.
pub struct ObjectStream {
    /// Size of the whole object in bytes.
    pub size: u64,
    /// The bytes that the stream yields; shorter than asked for when the object ends before.
    pub range: Range<u64>,
    /// The bytes, in chunks of at most some hundred KiB.
    pub stream: BoxStream<'static, Result<Bytes>>,
}

/// One read of a local file: large enough for full disk speed, small enough for many at once.
const READ_CHUNK: usize = 128 * 1024;

/// What is read of local files and not sent yet.
static BLOCKS: Buffers = Buffers::new(READ_CHUNK, 64);

/// The network brings small pieces; a thread is asked to hash this much at once.
const HASH_BATCH: usize = 1024 * 1024;

impl Store {
    /// Reads a whole object into memory. For small ones.
    pub async fn get_bytes(&self, key: &StorageKey) -> Result<Bytes> {
        let object = self.get_stream(key, None).await?;
        collect(object.stream).await
    }

    /// Reads the bytes of a range; fewer when the object ends before it.
    pub async fn get_range(&self, key: &StorageKey, range: Range<u64>) -> Result<Bytes> {
        let object = self.get_stream(key, Some(range)).await?;
        collect(object.stream).await
    }

    /// Opens an object for reading from the start or in a range.
    ///
    /// # Errors
    /// [`Error::RangeOutside`] when the range starts at or behind the object's end.
    pub async fn get_stream(&self, key: &StorageKey, range: Option<Range<u64>>) -> Result<ObjectStream> {
        if let Some(range) = range.as_ref().filter(|range| range.is_empty()) {
            let size = self.head(key).await?.size;
            return Ok(ObjectStream { size, range: range.clone(), stream: stream::empty().boxed() });
        }
        let options = GetOptions { range: range.clone().map(GetRange::Bounded), ..GetOptions::default() };
        let result = match self.objects().get_opts(&key.path(), options).await {
            Ok(result) => result,
            Err(error) => return Err(self.explain_get(key, range, error).await),
        };
        let (size, range) = (result.meta.size, result.range.clone());
        let name = key.as_str().to_owned();
        let stream = match result.payload {
            GetResultPayload::File(file, _) => file_stream(file, range.clone(), name),
            GetResultPayload::Stream(stream) => stream.map_err(move |e| Error::from_object_store(&name, e)).boxed(),
        };
        Ok(ObjectStream { size, range, stream })
    }

    /// Services word "range not satisfiable" in their own ways, so the size decides.
    async fn explain_get(&self, key: &StorageKey, range: Option<Range<u64>>, error: object_store::Error) -> Error {
        let error = Error::from_object_store(key.as_str(), error);
        if let (Error::Unavailable { .. }, Some(range)) = (&error, range)
            && let Ok(info) = self.head(key).await
            && range.start >= info.size
        {
            return Error::RangeOutside { start: range.start, size: info.size };
        }
        error
    }

    /// Reads an object and computes its SHA-256.
    pub async fn digest(&self, key: &StorageKey) -> Result<Stored> {
        let mut object = self.get_stream(key, None).await?;
        let mut hash = BackgroundHash::new();
        let (mut batch, mut batch_bytes, mut size) = (Vec::new(), 0, 0);
        while let Some(chunk) = object.stream.try_next().await? {
            batch_bytes += chunk.len();
            size += chunk.len() as u64;
            batch.push(chunk);
            if batch_bytes >= HASH_BATCH {
                hash.update(std::mem::take(&mut batch)).await?;
                batch_bytes = 0;
            }
        }
        hash.update(batch).await?;
        Ok(Stored { sha256: hash.finish().await?, size })
    }

    /// Brings an object into a local file, which appears whole or not at all. Folders are created; a
    /// file of that name is replaced. Returns the size.
    ///
    /// From a local store it is a hard link where the file system allows: treat it as read-only.
    pub async fn download(&self, key: &StorageKey, to: &Path) -> Result<u64> {
        let Some(folder) = to.parent() else {
            return Err(Error::Config(format!("`{}` is no path of a file", to.display())));
        };
        let io = |e| Error::unavailable(e);
        tokio::fs::create_dir_all(folder).await.map_err(io)?;
        if let Some(size) = self.link(key, to).await? {
            return Ok(size);
        }
        let folder_path = folder.to_owned();
        let temp = spawn_blocking(move || tempfile::Builder::new().prefix(".download-").tempfile_in(folder_path));
        let temp = temp.await?.map_err(io)?.into_temp_path();
        let size = self.download_bytes(key, &temp).await?;
        let to = to.to_owned();
        spawn_blocking(move || temp.persist(&to)).await?.map_err(|error| Error::unavailable(error.error))?;
        Ok(size)
    }

    /// Makes a hard link to the object's file. `None` where that cannot be.
    async fn link(&self, key: &StorageKey, to: &Path) -> Result<Option<u64>> {
        if self.is_remote() {
            return Ok(None);
        }
        let got = self.objects().get_opts(&key.path(), GetOptions::default()).await;
        let result = got.map_err(|e| Error::from_object_store(key.as_str(), e))?;
        let GetResultPayload::File(_, source) = result.payload else { return Ok(None) };
        let to = to.to_owned();
        let linked = spawn_blocking(move || match std::fs::hard_link(&source, &to) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => link_over(&source, &to),
            other => other,
        });
        // Another file system, or one without links: the bytes are copied instead.
        Ok(linked.await?.is_ok().then_some(result.meta.size))
    }

    async fn download_bytes(&self, key: &StorageKey, temp: &Path) -> Result<u64> {
        let mut object = self.get_stream(key, None).await?;
        let mut file = tokio::fs::File::create(temp).await.map_err(Error::unavailable)?;
        let mut written = 0;
        while let Some(chunk) = object.stream.try_next().await? {
            file.write_all(&chunk).await.map_err(Error::unavailable)?;
            written += chunk.len() as u64;
        }
        if written != object.size {
            return Err(Error::SizeMismatch { expected: object.size, found: written });
        }
        // A cache file must not turn out empty after a power cut.
        file.sync_data().await.map_err(Error::unavailable)?;
        Ok(written)
    }
}

/// Replaces a file by a hard link.
fn link_over(source: &Path, to: &Path) -> std::io::Result<()> {
    let temp = to.with_file_name(format!(".download-{:x}", rand::random::<u64>()));
    std::fs::hard_link(source, &temp)?;
    std::fs::rename(&temp, to)?;
    // A rename between two links to the same file does nothing and leaves the old name.
    match std::fs::remove_file(&temp) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

async fn collect(mut stream: BoxStream<'static, Result<Bytes>>) -> Result<Bytes> {
    let first = stream.try_next().await?.unwrap_or_default();
    let Some(second) = stream.try_next().await? else { return Ok(first) };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second);
    while let Some(chunk) = stream.try_next().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// Streams a part of a file, reading one chunk ahead. (`object_store` itself reads 8 KiB at a time.)
fn file_stream(file: File, range: Range<u64>, key: String) -> BoxStream<'static, Result<Bytes>> {
    let file = Arc::new(file);
    let key: Arc<str> = key.into();
    let starts = (range.start..range.end).step_by(READ_CHUNK);
    stream::iter(starts)
        .map(move |start| {
            let (file, key) = (file.clone(), key.clone());
            let end = range.end.min(start + READ_CHUNK as u64);
            async move { spawn_blocking(move || read_at(&file, start..end, &key)).await? }
        })
        .buffered(2)
        .boxed()
}

/// Reads a range into a buffer, which is not zeroed first: that would cost as much as the copy.
fn read_at(file: &File, range: Range<u64>, key: &str) -> Result<Bytes> {
    let length = usize::try_from(range.end - range.start).unwrap_or(READ_CHUNK);
    // Short ones may be kept for long, and a stream has only one.
    let whole = length == READ_CHUNK;
    let mut buffer = if whole { BLOCKS.take() } else { Vec::with_capacity(length) };
    while buffer.len() < length {
        let at = range.start + buffer.len() as u64;
        match rustix::io::pread(file, spare_capacity(&mut buffer), at) {
            Ok(0) => return Err(Error::from_io(key, std::io::ErrorKind::UnexpectedEof.into())),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::from_io(key, error.into())),
        }
    }
    buffer.truncate(length);
    Ok(if whole { BLOCKS.share(buffer) } else { Bytes::from(buffer) })
}
