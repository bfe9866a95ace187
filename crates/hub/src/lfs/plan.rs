//! How an object shall be uploaded: by one `PUT` or in parts, to the store or to the hub.

use std::collections::BTreeMap;

use hub_types::Sha256;

use super::links::{Grant, Operation, UPLOAD_VALID};
use crate::app::App;
use crate::error::HubResult;
use crate::objects::staging::{self, PartUpload};
use crate::objects::{self, UploadRow};
use crate::web::base_url::BaseUrl;

const MIB: u64 = 1024 * 1024;
/// S3 takes at most this much in one `PUT`; more goes through the hub if the client knows no parts.
const S3_PUT_LIMIT: u64 = 5 * 1024 * MIB;
/// Every part is a URL in the answer.
const MAX_PARTS: u64 = 1000;

/// The actions of an object's entry in the batch answer.
#[derive(Debug)]
pub(super) struct UploadActions {
    /// Where the bytes (or, with parts, the completion) go.
    pub href: String,
    /// `chunk_size` and the parts' URLs, by zero-padded number; empty for a plain `PUT`.
    pub header: BTreeMap<String, String>,
    /// Where the client has the upload checked.
    pub verify: String,
}

/// What decides about every object of one batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planner<'a> {
    /// The app.
    pub app: &'a App,
    /// The hub's own address.
    pub base: &'a BaseUrl,
    /// The repository.
    pub repo_pk: i64,
    /// Whether objects go in parts. All of a batch or none: git-lfs hands a whole batch to one transfer agent.
    pub in_parts: bool,
}

impl Planner<'_> {
    /// Plans one upload.
    ///
    /// # Errors
    /// 503 when the store or the database does not answer.
    pub(super) async fn upload(&self, oid: Sha256, size: u64) -> HubResult<UploadActions> {
        let whole = Grant::whole(self.repo_pk, oid, size);
        let verify = whole.url(self.app, self.base, Operation::Verify, UPLOAD_VALID);
        if self.in_parts && size > 0 {
            return self.parts(oid, size, verify).await;
        }
        let presigned = self.app.store.presigns_uploads() && size <= S3_PUT_LIMIT;
        let href = match presigned {
            true => self.app.store.presign_put(&staging::put_key(self.repo_pk, &oid), UPLOAD_VALID)?.into(),
            false => whole.url(self.app, self.base, Operation::Put, UPLOAD_VALID),
        };
        Ok(UploadActions { href, header: BTreeMap::new(), verify })
    }

    async fn parts(&self, oid: Sha256, size: u64, verify: String) -> HubResult<UploadActions> {
        let part_bytes = part_bytes(size, self.app.config.lfs_part_bytes);
        let mut upload = PartUpload { repo_pk: self.repo_pk, oid, size, part_bytes, handle: "local".to_owned() };
        if self.app.store.presigns_uploads() {
            upload.handle = self.begin(&upload).await?;
        }
        let mut header = BTreeMap::from([("chunk_size".to_owned(), part_bytes.to_string())]);
        for number in 1..=upload.part_count() {
            let url = match self.app.store.presigns_uploads() {
                true => {
                    let key = upload.whole_key();
                    self.app.store.presign_part(&key, upload.upload_id(), number, UPLOAD_VALID)?.into()
                }
                false => Grant::of_parts(&upload, number).url(self.app, self.base, Operation::Part, UPLOAD_VALID),
            };
            header.insert(format!("{number:05}"), url);
        }
        let href = Grant::of_parts(&upload, 0).url(self.app, self.base, Operation::Complete, UPLOAD_VALID);
        Ok(UploadActions { href, header, verify })
    }

    /// Goes on with the upload of an earlier batch while its parts are safe from the sweep, or begins one.
    async fn begin(&self, upload: &PartUpload) -> HubResult<String> {
        let since = crate::clock::now() - UPLOAD_VALID;
        let part_bytes = i64::try_from(upload.part_bytes).unwrap_or(i64::MAX);
        let known = objects::find_upload(&self.app.pool, upload.repo_pk, upload.oid, part_bytes, since).await?;
        if let Some(handle) = known {
            return Ok(handle);
        }
        let name = format!("{:016x}", rand::random::<u64>());
        let mut fresh = PartUpload { handle: name.clone(), ..upload.clone() };
        fresh.handle = format!("{name}~{}", self.app.store.create_upload(&fresh.whole_key()).await?);
        let row = UploadRow { repo_pk: fresh.repo_pk, oid: fresh.oid, part_bytes, upload_id: fresh.handle.clone() };
        let counts = objects::insert_upload(&self.app.pool, &row, since).await?;
        if counts != fresh.handle {
            self.app.store.abort_upload(&fresh.whole_key(), fresh.upload_id()).await?;
        }
        Ok(counts)
    }
}

/// The size of a part: as configured, or more when there would be too many.
fn part_bytes(size: u64, configured: u64) -> u64 {
    size.div_ceil(MAX_PARTS).next_multiple_of(MIB).max(configured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_than_a_thousand_parts() {
        assert_eq!(part_bytes(10, 32 * MIB), 32 * MIB);
        for size in [1, 32_000 * MIB, 32_000 * MIB + 1, 5_000_000 * MIB] {
            assert!(size.div_ceil(part_bytes(size, 32 * MIB)) <= MAX_PARTS, "{size}");
        }
    }
}
