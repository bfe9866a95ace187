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
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
