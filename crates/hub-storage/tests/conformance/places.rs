//! Stores of a test's own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use hub_storage::{Secret, Store, StoreConfig};
use hub_types::Sha256;
use sha2::Digest;

pub(crate) const MIB: usize = 1024 * 1024;
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    S3,
    Azure,
    Gcs,
}

/// A store with nothing in it.
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) store: Store,
    pub(crate) config: StoreConfig,
    /// Of a local store.
    dir: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) async fn fresh(kind: Kind) -> Option<Self> {
        let dir = (kind == Kind::Local).then(|| tempfile::tempdir().unwrap());
        let config = match &dir {
            Some(dir) => StoreConfig::Local { dir: dir.path().join("objects") },
            None => config(kind)?,
        };
        let store = Store::open(&config).unwrap();
        store.ensure_bucket().await.unwrap();
        store.ensure_bucket().await.unwrap();
        Some(Self { kind, store, config, dir })
    }

    /// Where a service listens, as `host:port`; a local store has none.
    pub(crate) fn address(&self) -> Option<String> {
        let endpoint = match &self.config {
            StoreConfig::Local { .. } => return None,
            StoreConfig::S3 { endpoint, .. } | StoreConfig::Azure { endpoint, .. } => endpoint,
            StoreConfig::Gcs { endpoint, .. } => endpoint.as_ref().unwrap(),
        };
        Some(endpoint.split('/').nth(2).unwrap().to_owned())
    }

    /// The same place, reached at another address.
    pub(crate) fn by(&self, address: &str) -> Store {
        let from = self.address().unwrap();
        let mut config = self.config.clone();
        match &mut config {
            StoreConfig::Local { .. } => {}
            StoreConfig::S3 { endpoint, .. } | StoreConfig::Azure { endpoint, .. } => {
                *endpoint = endpoint.replace(&from, address)
            }
            StoreConfig::Gcs { endpoint, .. } => *endpoint = endpoint.as_ref().map(|text| text.replace(&from, address)),
        }
        Store::open(&config).unwrap()
    }

    /// Everything below a local store's folder, staging files included.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        fn walk(dir: &Path, into: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, into) } else { into.push(path) }
            }
        }
        let mut found = Vec::new();
        if let Some(dir) = &self.dir {
            walk(dir.path(), &mut found);
        }
        found
    }

    /// The folder of a local store.
    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.as_ref().unwrap().path().join("objects")
    }

    /// Waits until a local store has no file; aborting happens in the background.
    pub(crate) async fn no_files(&self) {
        for _ in 0..1200 {
            if self.files().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("left behind: {:?}", self.files());
    }
}

/// What the environment says of a service, with a bucket that nobody else has.
pub(crate) fn config(kind: Kind) -> Option<StoreConfig> {
    let var = |name: &str| std::env::var(format!("HUB_TEST_{name}")).ok();
    let name = format!("test-{:08x}", rand::random::<u32>());
    let (endpoint, service) = match kind {
        Kind::Local => return None,
        Kind::S3 => (var("S3_ENDPOINT"), "S3"),
        Kind::Azure => (var("AZURE_ENDPOINT"), "AZURE"),
        Kind::Gcs => (var("GCS_ENDPOINT"), "GCS"),
    };
    let Some(endpoint) = endpoint else {
        assert_ne!(var("STORES").as_deref(), Some("all"), "HUB_TEST_STORES is `all`, but HUB_TEST_{service}_ENDPOINT is not set");
        return None;
    };
    Some(match kind {
        Kind::Local => return None,
        Kind::S3 => StoreConfig::S3 {
            endpoint,
            public_endpoint: None,
            bucket: name,
            region: var("S3_REGION").unwrap_or("us-east-1".into()),
            access_key_id: var("S3_ACCESS_KEY_ID").unwrap(),
            secret_access_key: Secret::new(var("S3_SECRET_ACCESS_KEY").unwrap()),
            path_style: true,
        },
        Kind::Azure => StoreConfig::Azure {
            endpoint,
            public_endpoint: None,
            account: var("AZURE_ACCOUNT").unwrap(),
            container: name,
            access_key: Secret::new(var("AZURE_ACCESS_KEY").unwrap()),
        },
        Kind::Gcs => {
            StoreConfig::Gcs { endpoint: Some(endpoint), bucket: name, key_file: Some(var("GCS_KEY_FILE").unwrap().into()) }
        }
    })
}

/// Bytes of which no two places look alike.
pub(crate) fn bytes(size: usize) -> Bytes {
    let seed = 2_654_435_761_u32;
    (0..size).map(|i| ((i as u32).wrapping_mul(seed) >> 13) as u8).collect::<Vec<_>>().into()
}

pub(crate) fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

pub(crate) fn chunks(bytes: &Bytes) -> impl Stream<Item = Result<Bytes, String>> + Unpin + Send + 'static + use<> {
    let bytes = bytes.clone();
    let step = 40_001;
    stream::iter((0..bytes.len()).step_by(step).map(move |at| Ok(bytes.slice(at..bytes.len().min(at + step)))))
}
