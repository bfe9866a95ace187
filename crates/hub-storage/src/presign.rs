use std::time::Duration;

use rusty_s3::S3Action;
use rusty_s3::actions::UploadPart;
use url::Url;

use crate::store::Place;
use crate::{Error, Result, StorageKey, Store};

/// How an object shall be answered to the holder of a presigned URL.
#[derive(Debug, Clone, Copy, Default)]
pub struct PresignedGet<'a> {
    /// `Content-Disposition` of the answer.
    pub content_disposition: Option<&'a str>,
    /// `Content-Type` of the answer.
    pub content_type: Option<&'a str>,
}

/// A part that clients uploaded to a multipart upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedPart {
    /// Its number, from 1.
    pub number: u16,
    /// Its etag, quoted.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
}

/// URLs with which clients move bytes from and to the store themselves. They fail with
/// [`Error::PresignUnsupported`](crate::Error::PresignUnsupported) on stores that have none of their kind: see
/// [`Store::presigns_reads`], [`Store::presigns_ranges`] and [`Store::presigns_uploads`].
impl Store {
    /// A URL that reads an object. It serves ranges; it is signed for `GET` alone, not for `HEAD`.
    pub async fn presign_get(&self, key: &StorageKey, valid: Duration, answer: &PresignedGet<'_>) -> Result<Url> {
        let s3 = match self.place() {
            Place::Local(_) => return Err(Error::PresignUnsupported),
            Place::Azure(azure) => return azure.presign_get(key, valid, answer),
            Place::Gcs(gcs) => return gcs.presign_get(key, valid, answer).await,
            Place::S3(s3) => s3,
        };
        let mut action = s3.public_bucket.get_object(Some(&s3.credentials), key.as_str());
        if let Some(value) = answer.content_disposition {
            action.query_mut().insert("response-content-disposition", value);
        }
        if let Some(value) = answer.content_type {
            action.query_mut().insert("response-content-type", value);
        }
        Ok(action.sign(valid))
    }

    /// A URL that reads an object with this `Range` header, such as `bytes=0-99`, and with no other and not without.
    pub fn presign_range(&self, key: &StorageKey, valid: Duration, range: &str) -> Result<Url> {
        let s3 = self.s3()?;
        let mut action = s3.public_bucket.get_object(Some(&s3.credentials), key.as_str());
        // A signed header.
        action.headers_mut().insert("range", range);
        Ok(action.sign(valid))
    }

    /// A URL that writes an object by one `PUT`. Whoever holds it can write whatever they want, as
    /// often as they want, until it expires: what lands there must be verified somewhere else.
    pub fn presign_put(&self, key: &StorageKey, valid: Duration) -> Result<Url> {
        let s3 = self.s3()?;
        Ok(s3.public_bucket.put_object(Some(&s3.credentials), key.as_str()).sign(valid))
    }

    /// Where presigned URLs lead, as browsers name it: `https://bucket.example.org`.
    pub fn public_origin(&self) -> Result<String> {
        Ok(self.s3()?.public_bucket.base_url().origin().ascii_serialization())
    }

    /// Begins an upload in parts and returns its id.
    pub async fn create_upload(&self, key: &StorageKey) -> Result<String> {
        self.s3()?.create_upload(key).await
    }

    /// A URL that writes one part, numbered from 1, by `PUT`.
    pub fn presign_part(&self, key: &StorageKey, upload_id: &str, number: u16, valid: Duration) -> Result<Url> {
        let s3 = self.s3()?;
        let action = UploadPart::new(&s3.public_bucket, Some(&s3.credentials), key.as_str(), number, upload_id);
        Ok(action.sign(valid))
    }

    /// The parts that have arrived, by number. One that was sent again with other bytes may be listed
    /// with both etags.
    pub async fn list_parts(&self, key: &StorageKey, upload_id: &str) -> Result<Vec<UploadedPart>> {
        self.s3()?.list_parts(key, upload_id).await
    }

    /// Makes the parts an object; their etags come in the order of the parts. From here on the
    /// parts' URLs are dead, so the object can no longer be changed by those who hold them.
    pub async fn complete_upload(&self, key: &StorageKey, upload_id: &str, etags: Vec<String>) -> Result<()> {
        self.s3()?.complete_upload(key, upload_id, etags).await
    }

    /// Ends an upload and forgets its parts. One that is over already is no error.
    pub async fn abort_upload(&self, key: &StorageKey, upload_id: &str) -> Result<()> {
        self.s3()?.abort_upload(key, upload_id).await
    }
}
