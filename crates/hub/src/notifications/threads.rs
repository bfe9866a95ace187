//! What somebody hears of one discussion: whoever takes part can unsubscribe from it, and others subscribe to it.

use super::queries::threads::{self as queries, StandingRow};
use super::watching::Level;
use crate::accounts::User;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::{RepoRead, discussions};

/// What somebody hears of a discussion, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They subscribed to it.
    Chosen,
    /// They opened it, commented or were mentioned.
    TakesPart,
    /// They watch the repository.
    Watches,
    /// They unsubscribed.
    Unsubscribed,
    /// None of these.
    Nothing,
    /// They ignore the repository, whatever they say of a discussion.
    Ignores,
}

impl Standing {
    /// Whether what happens next is told them.
    pub const fn is_told(self) -> bool {
        matches!(self, Self::Chosen | Self::TakesPart | Self::Watches)
    }

    /// Whether they can choose.
    pub const fn can_choose(self) -> bool {
        !matches!(self, Self::Ignores)
    }

    /// What people read.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Chosen => "You are told of what happens here because you subscribed.",
            Self::TakesPart => "You are told of what happens here because you take part or were mentioned.",
            Self::Watches => "You are told of what happens here because you watch the repository.",
            Self::Unsubscribed => "You unsubscribed: you are told again when somebody mentions you, or when you comment.",
            Self::Nothing => "You are not told of what happens here, unless somebody mentions you.",
            Self::Ignores => "You ignore this repository, so you are told of nothing here.",
        }
    }
}

/// How somebody stands with a discussion who hears so much of its repository.
///
/// # Errors
/// The database does not answer.
pub async fn standing_of(app: &App, user: &User, discussion_pk: i64, level: Level) -> HubResult<Standing> {
    if level == Level::Ignore {
        return Ok(Standing::Ignores);
    }
    let StandingRow { said, takes_part } = queries::find_standing(&app.pool, user.pk, discussion_pk).await?.unwrap_or_default();
    Ok(match said {
        Some(true) => Standing::Chosen,
        Some(false) => Standing::Unsubscribed,
        None if takes_part => Standing::TakesPart,
        None if level == Level::All => Standing::Watches,
        None => Standing::Nothing,
    })
}

/// Subscribes the viewer to a discussion, or unsubscribes them: then they have read what they were told of it.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens that only read, 404 when there is no such discussion.
pub async fn subscribe(app: &App, read: &RepoRead, num: i64, subscribed: bool) -> HubResult<()> {
    let user = read.viewer.require_person()?;
    let found = discussions::get(app, &read.repo, num).await?;
    let mut tx = app.begin().await?;
    queries::set(&mut tx, user.pk, found.discussion_pk, subscribed).await?;
    tx.commit().await?;
    if !subscribed {
        super::mark_seen(app, user, read.repo.pk, found.discussion_pk).await?;
    }
    Ok(())
}
