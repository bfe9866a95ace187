use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::azure::Azure;
use crate::gcs::Gcs;
use crate::s3::S3;
use crate::{Error, Result, StorageKey, StoreConfig};

/// The object store. Cheap to clone; all clones share connections.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    objects: Arc<dyn ObjectStore>,
    place: Place,
}

/// What each kind of store has besides objects.
#[derive(Debug)]
pub(crate) enum Place {
    Local(PathBuf),
    S3(Box<S3>),
    Azure(Box<Azure>),
    Gcs(Box<Gcs>),
}

/// What the store knows of an object.
#[derive(Debug, Clone)]
pub struct ObjectInfo {
    /// Where it is.
    pub key: StorageKey,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written.
    pub modified_at: DateTime<Utc>,
}

/// What was begun in the store and never ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// How many.
    pub count: u64,
    /// Their size so far.
    pub bytes: u64,
}

impl Unfinished {
    /// Counts one more.
    pub fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

const PROBE_DEADLINE: Duration = Duration::from_secs(10);

impl Store {
    /// Opens a store. A local folder is created; to a service nothing is sent yet, see
    /// [`ensure_bucket`](Self::ensure_bucket) and [`probe`](Self::probe).
    pub fn open(config: &StoreConfig) -> Result<Self> {
        let inner = match config {
            StoreConfig::Local { dir } => Inner { objects: open_local(dir)?, place: Place::Local(dir.clone()) },
            StoreConfig::S3 { .. } => {
                let s3 = S3::open(config)?;
                Inner { objects: s3.objects(), place: Place::S3(Box::new(s3)) }
            }
            StoreConfig::Azure { .. } => {
                let azure = Azure::open(config)?;
                Inner { objects: azure.objects(), place: Place::Azure(Box::new(azure)) }
            }
            StoreConfig::Gcs { .. } => {
                let gcs = Gcs::open(config)?;
                Inner { objects: gcs.objects(), place: Place::Gcs(Box::new(gcs)) }
            }
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether the bytes are on a service, and not in a folder.
    pub fn is_remote(&self) -> bool {
        !matches!(self.inner.place, Place::Local(_))
    }

    /// Whether clients can be given URLs of the store itself to read whole objects.
    pub fn presigns_reads(&self) -> bool {
        self.is_remote()
    }

    /// Whether clients can be given URLs of the store itself to send objects, whole and in parts.
    ///
    /// Azure answers a part without the `ETag` that clients send back, and asks for a header with a whole object that none
    /// sends. Parts of Google's uploads could be signed, but not listed.
    pub fn presigns_uploads(&self) -> bool {
        matches!(self.inner.place, Place::S3(_))
    }

    /// Whether clients can be given URLs of the store itself that read one range and no other. Azure signs no ranges, and
    /// Google's signatures cost a millisecond each, where thousands are needed at once.
    pub fn presigns_ranges(&self) -> bool {
        matches!(self.inner.place, Place::S3(_))
    }

    /// Whether addresses to read take a range from the end, such as `bytes=-8`. Azure's send the whole object then.
    pub fn reads_suffixes(&self) -> bool {
        !matches!(self.inner.place, Place::Azure(_))
    }

    /// Creates the bucket or container when it is missing; Google's must be there. Does nothing on a local store.
    pub async fn ensure_bucket(&self) -> Result<()> {
        match &self.inner.place {
            Place::Local(_) => Ok(()),
            Place::S3(s3) => s3.ensure_bucket().await,
            Place::Azure(azure) => azure.ensure_bucket().await,
            Place::Gcs(gcs) => gcs.check_bucket().await,
        }
    }

    /// Writes, reads and deletes a small object: an error says why the store is of no use.
    pub async fn probe(&self) -> Result<()> {
        let key = StorageKey::probe(rand::random());
        let check = async {
            self.put_bytes(&key, Bytes::from_static(b"0123456789")).await?;
            let middle = self.get_range(&key, 2..5).await?;
            self.delete(&key).await?;
            if middle.as_ref() != b"234" {
                return Err(Error::unavailable("the store returned other bytes than were written"));
            }
            Ok(())
        };
        match tokio::time::timeout(PROBE_DEADLINE, check).await {
            Ok(result) => result,
            Err(elapsed) => Err(Error::unavailable(elapsed)),
        }
    }

    /// Size and date of an object.
    pub async fn head(&self, key: &StorageKey) -> Result<ObjectInfo> {
        let meta = self.objects().head(&key.path()).await.map_err(|e| Error::from_object_store(key.as_str(), e))?;
        Ok(ObjectInfo { key: key.clone(), size: meta.size, modified_at: meta.last_modified })
    }

    /// Whether there is such an object.
    pub async fn exists(&self, key: &StorageKey) -> Result<bool> {
        match self.head(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object. One that is missing already is no error.
    pub async fn delete(&self, key: &StorageKey) -> Result<()> {
        match self.objects().delete(&key.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::from_object_store(key.as_str(), error)),
        }
    }

    /// Copies an object inside the store; its bytes do not pass through the hub.
    pub async fn copy(&self, from: &StorageKey, to: &StorageKey) -> Result<()> {
        match &self.inner.place {
            Place::S3(s3) => {
                let size = self.head(from).await?.size;
                if size > s3.copy_limit {
                    return s3.copy_in_parts(from, to, size).await;
                }
            }
            Place::Azure(azure) => return azure.copy(from, to).await,
            Place::Local(_) | Place::Gcs(_) => {}
        }
        let copied = self.objects().copy(&from.path(), &to.path()).await;
        copied.map_err(|e| Error::from_object_store(from.as_str(), e))
    }

    /// The objects in a folder and its folders, such as [`StorageKey::UPLOADS`].
    pub fn list(&self, folder: &str) -> BoxStream<'static, Result<ObjectInfo>> {
        let folder = Path::from(folder);
        let objects = self.objects().list(Some(&folder));
        let info = |meta: object_store::ObjectMeta| ObjectInfo {
            key: StorageKey::listed(meta.location.into()),
            size: meta.size,
            modified_at: meta.last_modified,
        };
        objects.map_ok(info).map_err(move |e| Error::from_object_store(folder.as_ref(), e)).boxed()
    }

    /// Finds files of a local store that a killed writer left unfinished and that are older than `age`. A service tells of none.
    pub async fn find_unfinished(&self, age: Duration) -> Result<Unfinished> {
        self.for_unfinished(age, |_| true).await
    }

    /// Removes them, and says what went. On a service a lifecycle rule for incomplete uploads does the same.
    pub async fn sweep_unfinished(&self, age: Duration) -> Result<Unfinished> {
        // Its writer may just have finished or removed it.
        self.for_unfinished(age, |path| std::fs::remove_file(path).is_ok()).await
    }

    async fn for_unfinished(&self, age: Duration, counts: fn(&FilePath) -> bool) -> Result<Unfinished> {
        let Place::Local(root) = &self.inner.place else { return Ok(Unfinished::default()) };
        let root = root.clone();
        let before = SystemTime::now() - age;
        let look = move || {
            let mut found = Unfinished::default();
            for_unfinished(&root, before, counts, &mut found).map(|()| found)
        };
        tokio::task::spawn_blocking(look).await?.map_err(Error::unavailable)
    }

    pub(crate) fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.inner.objects
    }

    pub(crate) fn place(&self) -> &Place {
        &self.inner.place
    }

    pub(crate) fn s3(&self) -> Result<&S3> {
        match &self.inner.place {
            Place::S3(s3) => Ok(s3.as_ref()),
            _ => Err(Error::PresignUnsupported),
        }
    }
}

fn open_local(dir: &FilePath) -> Result<Arc<dyn ObjectStore>> {
    let wrong = |e: &dyn std::fmt::Display| Error::Config(format!("cannot use the folder `{}`: {e}", dir.display()));
    std::fs::create_dir_all(dir).map_err(|e| wrong(&e))?;
    // Without fsync an acknowledged write could be lost with the power.
    let local = LocalFileSystem::new_with_prefix(dir).map_err(|e| wrong(&e))?.with_fsync(true);
    Ok(Arc::new(local))
}

fn for_unfinished(
    dir: &FilePath,
    before: SystemTime,
    counts: fn(&FilePath) -> bool,
    found: &mut Unfinished,
) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            for_unfinished(&path, before, counts, found)?;
        } else if is_unfinished(&path)
            && let Ok(meta) = entry.metadata()
            && meta.modified().is_ok_and(|at| at <= before)
            && counts(&path)
        {
            found.add(meta.len());
        }
    }
    Ok(())
}

/// `object_store` writes to `<name>#<number>` and renames; no key of ours has a `#`.
fn is_unfinished(path: &FilePath) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit_once('#'));
    name.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}
