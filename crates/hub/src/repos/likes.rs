//! Likes: a row for each, and their number on the repository, in one transaction.

use super::RepoRead;
use super::queries::likes;
use crate::app::App;
use crate::error::HubResult;

/// What a like came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LikeState {
    /// Whether the viewer likes the repository now.
    pub liked: bool,
    /// How many do.
    pub likes: i64,
}

/// Likes a repository that the viewer may see, or no longer. Saying it twice changes nothing.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens that only read.
pub async fn set_like(app: &App, read: &RepoRead, liked: bool) -> HubResult<LikeState> {
    let user = read.viewer.require_person()?;
    let mut tx = app.begin().await?;
    let changed = match liked {
        true => likes::insert_like(&mut tx, read.repo.pk, user.pk).await?,
        false => likes::delete_like(&mut tx, read.repo.pk, user.pk).await?,
    };
    let likes = likes::add_to_likes(
        &mut tx,
        read.repo.pk,
        if !changed {
            0
        } else if liked {
            1
        } else {
            -1
        },
    )
    .await?;
    tx.commit().await?;
    Ok(LikeState { liked, likes })
}
