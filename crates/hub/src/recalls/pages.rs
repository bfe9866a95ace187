//! `/recalls`: all recalls that the viewer may know of, one, the form, and the feed.

mod list;
mod new;
mod recall;

use actix_web::web;

use super::queries::lists::{self, FileRow, RecallRow};
use super::queries::tell::was_told;
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::visibility::visible_to;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    list::routes(config);
    new::routes(config);
    recall::routes(config);
}

/// Finds a recall with its files, for who may know of it: who sees the repository where it holds, and who was told of it.
///
/// # Errors
/// 404 for all others.
pub(super) async fn find(app: &App, viewer: &Viewer, number: &str) -> HubResult<(RecallRow, Vec<FileRow>)> {
    let missing = || HubError::not_found("There is no such recall.");
    let recall_pk: i64 = number.parse().map_err(|_| missing())?;
    let sees = visible_to(viewer).coarse();
    let row = lists::list_by_keys(&app.pool, &sees, &[recall_pk]).await?.pop().ok_or_else(missing)?;
    let is_open = row.everywhere || row.repo.is_some();
    let told = match &viewer.user {
        Some(user) if !is_open && crate::repos::access::sees_whole_account(viewer) => {
            was_told(&app.pool, recall_pk, user.pk).await?
        }
        Some(_) | None => false,
    };
    if !is_open && !told {
        return Err(missing());
    }
    let files = lists::list_files(&app.pool, &[recall_pk]).await?;
    Ok((row, files))
}
