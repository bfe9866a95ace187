//! Notifications: who is told of what happens in discussions and of new repositories, in an inbox and by mail.
//!
//! - [`tell`]: the jobs that find out whom an event concerns. Whoever comments or creates only enqueues them.
//! - [`watching`]: what people want to hear of, and when mails tell them; [`threads`]: of one discussion.
//! - [`mail`]: the job that sends what is due, and the one that tidies up.
//! - `pages`, `api`, `unsubscribe`: the inbox, its settings, and the address that ends the mails.
//!
//! There is one notification for a person and a discussion, which becomes unread again with what happens next. What somebody may not
//! read they are not told of: that is asked when it is noted, when it is shown and when a mail is sent. Administrators are told as the
//! people they are, not of all that is private. docs/notifications.md has the rules.

mod api;
pub mod mail;
mod pages;
pub mod queries;
pub mod tell;
pub mod threads;
mod unsubscribe;
pub mod watching;

use actix_web::web;

use crate::accounts::User;
use crate::app::App;
use crate::error::HubResult;

/// The most that the bell counts.
pub const MOST_COUNTED: i64 = 100;

/// Mounts the inbox, before the pages of repositories.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(api::routes).configure(pages::routes).configure(unsubscribe::routes);
}

/// Why somebody is told something, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[repr(i16)]
pub enum Reason {
    /// They watch the repository or its owner, or own it.
    Watching = 1,
    /// They opened the discussion, commented in it or were mentioned before.
    Participating = 2,
    /// They were mentioned.
    Mention = 3,
}

impl Reason {
    /// All of them, the strongest first.
    pub const EVERY: [Self; 3] = [Self::Mention, Self::Participating, Self::Watching];

    /// The word in addresses and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Watching => "watching",
            Self::Participating => "participating",
            Self::Mention => "mention",
        }
    }

    /// What people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Watching => "Watching",
            Self::Participating => "Participating",
            Self::Mention => "Mentioned",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// How many notifications somebody has not read, up to [`MOST_COUNTED`]. Of repositories that they may not read any more, none.
///
/// # Errors
/// The database does not answer.
pub async fn count_unread(app: &App, user: &User) -> HubResult<i64> {
    Ok(queries::inbox::count_unread(&app.pool, user.pk, &user.audiences(), MOST_COUNTED).await?)
}

/// Notes that somebody has seen a discussion, and says whether they had not read what they were told of it.
///
/// # Errors
/// The database does not answer.
pub async fn mark_seen(app: &App, user: &User, repo_pk: i64, discussion_pk: i64) -> HubResult<bool> {
    Ok(queries::inbox::mark_thread_read(&app.pool, user.pk, repo_pk, discussion_pk).await?)
}
