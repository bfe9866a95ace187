//! What clients began to upload and never finished goes after two days.

use std::time::Duration;

use futures::TryStreamExt as _;
use hub_storage::StorageKey;

use super::{queries, staging::PartUpload};
use crate::app::App;
use crate::clock;
use crate::error::HubResult;

/// How long an unfinished upload is kept; longer than its URLs are valid.
pub const KEEP: Duration = Duration::from_secs(48 * 3600);

/// Removes unfinished uploads that are older than `keep`.
///
/// # Errors
/// The database or the store does not answer.
pub async fn sweep(app: &App, keep: Duration) -> HubResult<()> {
    clock::check_ages_in_store(app).await?;
    let before = clock::now() - keep;
    if app.store.presigns_uploads() {
        for row in queries::list_stale_uploads(&app.pool, before).await? {
            let upload = PartUpload {
                repo_pk: row.repo_pk,
                oid: row.oid,
                size: 0,
                part_bytes: row.part_bytes.unsigned_abs(),
                handle: row.upload_id,
            };
            app.store.abort_upload(&upload.whole_key(), upload.upload_id()).await?;
            queries::delete_upload(&app.pool, &upload.handle).await?;
        }
    }
    let mut staged = app.store.list(StorageKey::UPLOADS);
    let mut swept = 0_u64;
    while let Some(object) = staged.try_next().await? {
        if object.modified_at < before {
            app.store.delete(&object.key).await?;
            swept += 1;
        }
    }
    swept += app.store.sweep_unfinished(keep).await?;
    if swept > 0 {
        tracing::info!(swept, "removed unfinished uploads");
    }
    Ok(())
}
