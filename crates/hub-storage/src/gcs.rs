use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder};
use object_store::signer::{Method, SignedUrlOptions, Signer as _};
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use url::Url;

use crate::presign::PresignedGet;
use crate::{Error, Result, StorageKey, StoreConfig, client};

/// A bucket of Google Cloud Storage, by its XML API.
#[derive(Debug)]
pub(crate) struct Gcs {
    objects: Arc<GoogleCloudStorage>,
    bucket: String,
}

const GOOGLE: &str = "https://storage.googleapis.com";

impl Gcs {
    pub(crate) fn open(config: &StoreConfig) -> Result<Self> {
        let StoreConfig::Gcs { endpoint, bucket, key_file } = config else { return Err(Error::PresignUnsupported) };
        // Installs the provider of TLS.
        client::http()?;
        let endpoint = endpoint.as_deref().unwrap_or(GOOGLE).trim_end_matches('/');
        let mut builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name(bucket)
            .with_base_url(endpoint)
            .with_client_options(client::options(endpoint))
            .with_retry(client::retry());
        if let Some(file) = key_file {
            builder = builder.with_service_account_path(file.display().to_string());
        }
        let objects =
            builder.build().map_err(|e| Error::Config(format!("cannot use the settings of Google Cloud Storage: {e}")))?;
        Ok(Self { objects: Arc::new(objects), bucket: bucket.clone() })
    }

    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        self.objects.clone()
    }

    /// To make a bucket takes a project, which is not known here.
    pub(crate) async fn check_bucket(&self) -> Result<()> {
        let key = StorageKey::probe(0);
        match self.objects.head(&key.path()).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(Error::from_object_store(&self.bucket, error)),
        }
        // A missing bucket looks like a missing object above.
        match self.objects.list(Some(&key.path())).next().await {
            Some(Err(error)) => Err(Error::Config(format!("the bucket `{}` cannot be listed: {error}", self.bucket))),
            _ => Ok(()),
        }
    }

    /// A URL that reads an object. Signing takes RSA, and without a key file it asks Google.
    pub(crate) async fn presign_get(&self, key: &StorageKey, valid: Duration, answer: &PresignedGet<'_>) -> Result<Url> {
        let wanted =
            [("response-content-disposition", answer.content_disposition), ("response-content-type", answer.content_type)];
        let wanted: Vec<_> = wanted.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
        let (objects, path, handle) = (self.objects.clone(), key.path(), Handle::current());
        let signed = spawn_blocking(move || {
            let options = SignedUrlOptions::new().with_query(wanted);
            handle.block_on(objects.signed_url_opts(Method::GET, &path, valid, &options))
        });
        signed.await?.map_err(|e| Error::from_object_store(key.as_str(), e))
    }
}
