use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::{MultipartStore, PartId};
use reqwest::{Method, StatusCode};
use rusty_s3::actions::{ListParts, UploadPart};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use url::Url;

use crate::client::{self, check};
use crate::presign::UploadedPart;
use crate::{Error, Result, StorageKey, StoreConfig};

/// A bucket: `object_store` for bytes, `rusty-s3` for what it lacks (URLs for clients, listing parts,
/// copies over 5 GiB, creating the bucket).
#[derive(Debug)]
pub(crate) struct S3 {
    objects: Arc<AmazonS3>,
    /// As the hub reaches it.
    bucket: Bucket,
    /// As clients reach it.
    pub(crate) public_bucket: Bucket,
    pub(crate) credentials: Credentials,
    http: reqwest::Client,
    /// Larger objects are copied in parts.
    pub(crate) copy_limit: u64,
}

const GIB: u64 = 1024 * 1024 * 1024;
const COPY_LIMIT: u64 = 5 * GIB;
const CALL_VALIDITY: Duration = Duration::from_secs(900);

impl S3 {
    pub(crate) fn open(config: &StoreConfig) -> Result<Self> {
        let StoreConfig::S3 { endpoint, public_endpoint, bucket, region, access_key_id, secret_access_key, path_style } = config
        else {
            return Err(Error::PresignUnsupported);
        };
        let http = client::http()?;
        let style = if *path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let internal = rusty_bucket(endpoint, style, bucket, region)?;
        let public = rusty_bucket(public_endpoint.as_ref().unwrap_or(endpoint), style, bucket, region)?;
        let base = internal.base_url().as_str().trim_end_matches('/');
        // With virtual hosts `object_store` wants the bucket in the endpoint, else without.
        let endpoint = if *path_style { endpoint.trim_end_matches('/') } else { base };
        let objects = AmazonS3Builder::new()
            .with_endpoint(endpoint)
            .with_bucket_name(bucket)
            .with_region(region)
            .with_access_key_id(access_key_id)
            .with_secret_access_key(secret_access_key.expose())
            .with_virtual_hosted_style_request(!path_style)
            .with_client_options(client::options(endpoint))
            .with_retry(client::retry())
            .build()
            .map_err(|e| Error::Config(format!("cannot use the S3 settings: {e}")))?;
        let credentials = Credentials::new(access_key_id, secret_access_key.expose());
        let objects = Arc::new(objects);
        Ok(Self { objects, bucket: internal, public_bucket: public, credentials, http, copy_limit: COPY_LIMIT })
    }

    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        self.objects.clone()
    }

    pub(crate) async fn ensure_bucket(&self) -> Result<()> {
        let name = self.bucket.name();
        let head = self.bucket.head_bucket(Some(&self.credentials)).sign(CALL_VALIDITY);
        match self.call(Method::HEAD, head, None).await?.0 {
            StatusCode::NOT_FOUND => {}
            status => return check(name, status, ""),
        }
        let create = self.bucket.create_bucket(&self.credentials).sign(CALL_VALIDITY);
        let (status, body) = self.call(Method::PUT, create, None).await?;
        // Another node may have been faster.
        if status == StatusCode::CONFLICT {
            return Ok(());
        }
        check(name, status, &body)
    }

    pub(crate) async fn create_upload(&self, key: &StorageKey) -> Result<String> {
        let id = self.objects.create_multipart(&key.path()).await;
        id.map_err(|e| Error::from_object_store(key.as_str(), e))
    }

    pub(crate) async fn complete_upload(&self, key: &StorageKey, id: &str, etags: Vec<String>) -> Result<()> {
        let parts = etags.into_iter().map(|content_id| PartId { content_id }).collect();
        let done = self.objects.complete_multipart(&key.path(), &id.to_owned(), parts).await;
        done.map(|_| ()).map_err(|e| Error::from_object_store(key.as_str(), e))
    }

    pub(crate) async fn abort_upload(&self, key: &StorageKey, id: &str) -> Result<()> {
        match self.objects.abort_multipart(&key.path(), &id.to_owned()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::from_object_store(key.as_str(), error)),
        }
    }

    pub(crate) async fn list_parts(&self, key: &StorageKey, id: &str) -> Result<Vec<UploadedPart>> {
        let mut parts: Vec<UploadedPart> = Vec::new();
        let mut marker = None;
        loop {
            let mut action = ListParts::new(&self.bucket, Some(&self.credentials), key.as_str(), id);
            if let Some(marker) = marker {
                action.set_part_number_marker(marker);
            }
            let (status, body) = self.call(Method::GET, action.sign(CALL_VALIDITY), None).await?;
            check(key.as_str(), status, &body)?;
            let page = ListParts::parse_response(&body).map_err(|e| Error::unavailable(e.to_string()))?;
            let part = |p: rusty_s3::actions::PartsContent| UploadedPart { number: p.number, etag: p.etag, size: p.size };
            parts.extend(page.parts.into_iter().map(part));
            marker = page.next_part_number_marker;
            if marker.is_none() {
                // SeaweedFS lists a part that was sent twice twice.
                parts.sort_by(|a, b| (a.number, &a.etag).cmp(&(b.number, &b.etag)));
                parts.dedup_by(|a, b| (a.number, &a.etag) == (b.number, &b.etag));
                return Ok(parts);
            }
        }
    }

    /// S3 copies at most 5 GiB at once.
    pub(crate) async fn copy_in_parts(&self, from: &StorageKey, to: &StorageKey, size: u64) -> Result<()> {
        let id = self.create_upload(to).await?;
        let copied = self.copy_parts(from, to, size, &id).await;
        let done = match copied {
            Ok(etags) => self.complete_upload(to, &id, etags).await,
            Err(error) => Err(error),
        };
        if done.is_err() {
            self.abort_upload(to, &id).await?;
        }
        done
    }

    async fn copy_parts(&self, from: &StorageKey, to: &StorageKey, size: u64, id: &str) -> Result<Vec<String>> {
        let step = self.copy_limit.min(GIB);
        let source = format!("/{}/{from}", self.bucket.name());
        let mut etags = Vec::new();
        let mut start = 0;
        while start < size {
            let end = size.min(start + step) - 1;
            let number = u16::try_from(etags.len() + 1).map_err(|e| Error::Config(e.to_string()))?;
            let range = format!("bytes={start}-{end}");
            let mut action = UploadPart::new(&self.bucket, Some(&self.credentials), to.as_str(), number, id);
            action.headers_mut().insert("x-amz-copy-source", source.as_str());
            action.headers_mut().insert("x-amz-copy-source-range", range.as_str());
            let headers = [("x-amz-copy-source", source.as_str()), ("x-amz-copy-source-range", range.as_str())];
            let (status, body) = self.call(Method::PUT, action.sign(CALL_VALIDITY), Some(&headers)).await?;
            check(from.as_str(), status, &body)?;
            etags.push(copied_etag(&body)?);
            start = end + 1;
        }
        Ok(etags)
    }

    async fn call(&self, method: Method, url: Url, headers: Option<&[(&str, &str)]>) -> Result<(StatusCode, String)> {
        let mut request = self.http.request(method, url);
        for (name, value) in headers.unwrap_or_default() {
            request = request.header(*name, *value);
        }
        // The URL is signed: it stays out of logs.
        let response = request.send().await.map_err(|e| Error::unavailable(e.without_url()))?;
        let status = response.status();
        let body = response.text().await.map_err(|e| Error::unavailable(e.without_url()))?;
        Ok((status, body))
    }
}

fn rusty_bucket(endpoint: &str, style: UrlStyle, bucket: &str, region: &str) -> Result<Bucket> {
    let wrong = |reason: &dyn std::fmt::Display| {
        Error::Config(format!("the S3 endpoint `{endpoint}` with bucket `{bucket}` makes no usable URL: {reason}"))
    };
    let url = Url::parse(endpoint).map_err(|e| wrong(&e))?;
    Bucket::new(url, style, bucket.to_owned(), region.to_owned()).map_err(|e| wrong(&format!("{e:?}")))
}

/// Takes the etag out of `<CopyPartResult><ETag>"…"</ETag>…`.
fn copied_etag(body: &str) -> Result<String> {
    let inner = body.split_once("<ETag>").and_then(|(_, rest)| rest.split_once("</ETag>"));
    match inner {
        Some((etag, _)) => Ok(etag.replace("&quot;", "\"").replace("&#34;", "\"")),
        None => Err(Error::unavailable(format!("copying a part was answered with `{body}`"))),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{Secret, Store};

    #[tokio::test]
    async fn large_objects_are_copied_in_parts() {
        let var = |name: &str| std::env::var(format!("HUB_TEST_S3_{name}")).ok();
        let Some(endpoint) = var("ENDPOINT") else { return };
        let config = StoreConfig::S3 {
            endpoint,
            public_endpoint: None,
            bucket: format!("test-{:08x}", rand::random::<u32>()),
            region: "us-east-1".into(),
            access_key_id: var("ACCESS_KEY_ID").unwrap(),
            secret_access_key: Secret::new(var("SECRET_ACCESS_KEY").unwrap()),
            path_style: true,
        };
        let store = Store::open(&config).unwrap();
        store.ensure_bucket().await.unwrap();
        let mut s3 = S3::open(&config).unwrap();
        s3.copy_limit = 5 * 1024 * 1024;
        let (from, to) = (StorageKey::upload("from"), StorageKey::upload("to"));
        let data: Bytes = (0..12_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<_>>().into();
        store.put_bytes(&from, data.clone()).await.unwrap();
        s3.copy_in_parts(&from, &to, data.len() as u64).await.unwrap();
        assert!(store.get_bytes(&to).await.unwrap() == data);
    }
}
