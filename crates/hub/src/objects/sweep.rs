//! What clients began to upload and never finished goes after two days.

use std::time::Duration;

use futures::TryStreamExt as _;
use hub_storage::{StorageKey, Unfinished};

use super::{queries, staging::PartUpload};
use crate::app::App;
use crate::clock;
use crate::error::HubResult;

/// How long an unfinished upload is kept; longer than its URLs are valid.
pub const KEEP: Duration = Duration::from_secs(48 * 3600);

/// What clients, or a killed hub, left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Uploads in parts that the store keeps until somebody ends them.
    pub in_parts: Unfinished,
    /// What lies where uploads wait to be looked at.
    pub staged: Unfinished,
    /// Files of a local store that were not written to their end.
    pub half_written: Unfinished,
}

/// Finds unfinished uploads that are older than `keep`, and changes nothing.
///
/// # Errors
/// The database or the store does not answer.
pub async fn find(app: &App, keep: Duration) -> HubResult<Leftovers> {
    let mut found = Leftovers { half_written: app.store.find_unfinished(keep).await?, ..Leftovers::default() };
    for upload in stale_uploads(app, keep).await? {
        found.in_parts.add(sent_bytes(app, &upload).await?);
    }
    let before = clock::now() - keep;
    let mut staged = app.store.list(StorageKey::UPLOADS);
    while let Some(object) = staged.try_next().await? {
        if object.modified_at < before {
            found.staged.add(object.size);
        }
    }
    Ok(found)
}

/// Removes unfinished uploads that are older than `keep`, and says what went.
///
/// # Errors
/// The database or the store does not answer.
pub async fn sweep(app: &App, keep: Duration) -> HubResult<Leftovers> {
    clock::check_ages_in_store(app).await?;
    let mut swept = Leftovers::default();
    for upload in stale_uploads(app, keep).await? {
        let bytes = sent_bytes(app, &upload).await?;
        app.store.abort_upload(&upload.whole_key(), upload.upload_id()).await?;
        queries::delete_upload(&app.pool, &upload.handle).await?;
        swept.in_parts.add(bytes);
    }
    let before = clock::now() - keep;
    let mut staged = app.store.list(StorageKey::UPLOADS);
    while let Some(object) = staged.try_next().await? {
        if object.modified_at < before {
            app.store.delete(&object.key).await?;
            swept.staged.add(object.size);
        }
    }
    swept.half_written = app.store.sweep_unfinished(keep).await?;
    if swept != Leftovers::default() {
        let Leftovers { in_parts, staged, half_written } = swept;
        let count = in_parts.count + staged.count + half_written.count;
        let bytes = in_parts.bytes + staged.bytes + half_written.bytes;
        tracing::info!(swept = count, bytes, "removed unfinished uploads");
    }
    Ok(swept)
}

/// Uploads in parts that nobody will finish any more, as many as one run looks at.
async fn stale_uploads(app: &App, keep: Duration) -> HubResult<Vec<PartUpload>> {
    if !app.store.presigns_uploads() {
        return Ok(Vec::new());
    }
    let rows = queries::list_stale_uploads(&app.pool, clock::now() - keep).await?;
    let upload = |row: queries::UploadRow| PartUpload {
        repo_pk: row.repo_pk,
        oid: row.oid,
        size: 0,
        part_bytes: row.part_bytes.unsigned_abs(),
        handle: row.upload_id,
    };
    Ok(rows.into_iter().map(upload).collect())
}

/// How much of an upload in parts has come.
async fn sent_bytes(app: &App, upload: &PartUpload) -> HubResult<u64> {
    match app.store.list_parts(&upload.whole_key(), upload.upload_id()).await {
        Ok(parts) => Ok(parts.iter().map(|part| part.size).sum()),
        Err(error) if error.is_not_found() => Ok(0),
        Err(error) => Err(error.into()),
    }
}
