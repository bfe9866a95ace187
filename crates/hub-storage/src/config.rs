use std::fmt;
use std::path::PathBuf;

/// Where a [`Store`](crate::Store) keeps its objects.
#[derive(Debug, Clone)]
pub enum StoreConfig {
    /// A folder on this machine (or a file system shared by all nodes). Created when missing.
    Local {
        /// The folder.
        dir: PathBuf,
    },
    /// A bucket of an S3-compatible service.
    S3 {
        /// Base URL that the hub uses, such as `http://127.0.0.1:8333`.
        endpoint: String,
        /// Base URL in presigned URLs, when clients reach the service by another name than the hub.
        public_endpoint: Option<String>,
        /// Name of the bucket.
        bucket: String,
        /// Region to sign for; most services other than AWS take any, such as `us-east-1`.
        region: String,
        /// Access key id.
        access_key_id: String,
        /// Secret access key.
        secret_access_key: Secret,
        /// `true`: `endpoint/bucket/key`; `false`: `bucket.endpoint/key`.
        path_style: bool,
    },
    /// A container of Azure Blob Storage.
    Azure {
        /// Base URL of the account, such as `https://ada.blob.core.windows.net`.
        endpoint: String,
        /// The same in presigned URLs, when clients reach the service by another name than the hub.
        public_endpoint: Option<String>,
        /// Name of the storage account.
        account: String,
        /// Name of the container.
        container: String,
        /// A key of the account, in Base64.
        access_key: Secret,
    },
    /// A bucket of Google Cloud Storage.
    Gcs {
        /// Base URL of the service, also in presigned URLs; without it Google's.
        endpoint: Option<String>,
        /// Name of the bucket.
        bucket: String,
        /// The file with the key of a service account; without it who the machine is decides.
        key_file: Option<PathBuf>,
    },
}

impl StoreConfig {
    /// Where it is, for people; without secrets.
    pub fn place(&self) -> String {
        match self {
            Self::Local { dir } => format!("the folder {}", dir.display()),
            Self::S3 { endpoint, bucket, .. } => format!("bucket {bucket} at {endpoint}"),
            Self::Azure { endpoint, container, .. } => format!("container {container} at {endpoint}"),
            Self::Gcs { endpoint: Some(endpoint), bucket, .. } => format!("bucket {bucket} at {endpoint}"),
            Self::Gcs { endpoint: None, bucket, .. } => format!("bucket {bucket} at Google Cloud Storage"),
        }
    }
}

/// A string that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let config = StoreConfig::S3 {
            endpoint: "http://127.0.0.1:1".into(),
            public_endpoint: None,
            bucket: "b".into(),
            region: "r".into(),
            access_key_id: "id".into(),
            secret_access_key: Secret::new("hunter2"),
            path_style: true,
        };
        assert!(!format!("{config:?} {}", config.place()).contains("hunter2"));
        let config = StoreConfig::Azure {
            endpoint: "http://127.0.0.1:1/ada".into(),
            public_endpoint: None,
            account: "ada".into(),
            container: "c".into(),
            access_key: Secret::new("hunter2"),
        };
        assert!(!format!("{config:?} {}", config.place()).contains("hunter2"));
    }
}
