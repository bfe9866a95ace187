use std::error::Error as StdError;
use std::io;

use hub_types::Sha256;

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such object.
    #[error("no object at `{key}`")]
    NotFound {
        /// The key asked for.
        key: String,
    },
    /// The bytes sent are more or fewer than announced. Nothing was stored.
    #[error("expected {expected} bytes, got {found}")]
    SizeMismatch {
        /// The announced size in bytes.
        expected: u64,
        /// What came: the whole size, or where reading stopped because it was too much.
        found: u64,
    },
    /// The bytes sent exceed the limit. Nothing was stored.
    #[error("more than the allowed {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The bytes sent have another SHA-256 than announced. Nothing was stored.
    #[error("expected bytes with SHA-256 {expected}, got {found}")]
    HashMismatch {
        /// The announced digest.
        expected: Sha256,
        /// The digest of the bytes.
        found: Sha256,
    },
    /// The incoming stream ended with an error. Nothing was stored.
    #[error("the incoming bytes broke off: {reason}")]
    Interrupted {
        /// What the stream said.
        reason: String,
    },
    /// A range starts at or behind the end of the object.
    #[error("a range starts at byte {start}, but the object has {size} bytes")]
    RangeOutside {
        /// First byte asked for.
        start: u64,
        /// Size of the object in bytes.
        size: u64,
    },
    /// The store has no presigned URLs of this kind.
    #[error("this store has no presigned URLs of this kind")]
    PresignUnsupported,
    /// The settings cannot work.
    #[error("{0}")]
    Config(String),
    /// The service does not accept the credentials, or they may not do this.
    #[error("the store refused access to `{key}`; check its credentials and their rights")]
    Denied {
        /// The key concerned.
        key: String,
        /// The cause.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The disk or the service is full.
    #[error("the store is full")]
    Full {
        /// The cause.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The disk or the service failed; trying again later may help.
    #[error("the store is not available")]
    Unavailable {
        /// The cause.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl Error {
    /// Whether this says that an object is missing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    pub(crate) fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        if is_storage_full(source.as_ref()) { Self::Full { source } } else { Self::Unavailable { source } }
    }

    pub(crate) fn from_object_store(key: &str, error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound { key: key.to_owned() },
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::Denied { key: key.to_owned(), source: Box::new(error) }
            }
            other => Self::unavailable(other),
        }
    }

    pub(crate) fn from_io(key: &str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound { key: key.to_owned() },
            _ => Self::unavailable(error),
        }
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::unavailable(error)
    }
}

/// Looks through the causes for the operating system's "disk full" or "quota exceeded".
fn is_storage_full(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(io) = current.downcast_ref::<io::Error>()
            && matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            return true;
        }
        cause = current.source();
    }
    false
}
