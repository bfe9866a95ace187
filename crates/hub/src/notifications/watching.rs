//! What people want to hear of, and when mails tell them.

use super::queries::watches;
use crate::accounts::queries::NamespaceRow;
use crate::accounts::{User, Viewer};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::{Repo, RepoRead};

/// How many repositories, users and organisations one account may watch.
pub const MAX_WATCHED: i64 = 1_000;

/// What somebody wants to hear of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Level {
    /// Everything.
    All,
    /// Where they take part, and when they are mentioned.
    Participating,
    /// Nothing.
    Ignore,
}

impl Level {
    /// All of them.
    pub const EVERY: [Self; 3] = [Self::Participating, Self::All, Self::Ignore];

    /// The word stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Participating => "participating",
            Self::Ignore => "ignore",
        }
    }

    /// What people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "All activity",
            Self::Participating => "Participating and mentions",
            Self::Ignore => "Ignore",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// 400 for any other.
    pub fn parse(text: &str) -> HubResult<Self> {
        let found = Self::EVERY.into_iter().find(|level| level.as_str() == text);
        found.ok_or_else(|| HubError::bad_request("Choose `all`, `participating` or `ignore`."))
    }
}

/// When a mail tells somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MailTime {
    /// When it happens.
    AtOnce,
    /// Once a day, all in one.
    Daily,
    /// Not at all.
    Never,
}

impl MailTime {
    /// All of them.
    pub const EVERY: [Self; 3] = [Self::AtOnce, Self::Daily, Self::Never];

    /// The word stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Daily => "daily",
            Self::Never => "never",
        }
    }

    /// What people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::AtOnce => "Mail at once",
            Self::Daily => "Mail once a day",
            Self::Never => "No mail",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// 400 for any other.
    pub fn parse(text: &str) -> HubResult<Self> {
        let found = Self::EVERY.into_iter().find(|time| time.as_str() == text);
        found.ok_or_else(|| HubError::bad_request("Choose how often you want mail."))
    }
}

/// When mails tell somebody, by reason, and what they watch without saying so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// When they are mentioned.
    pub mention: MailTime,
    /// When something happens where they take part.
    pub participating: MailTime,
    /// When something happens in what they watch.
    pub watching: MailTime,
    /// Whether the repositories of their organisations are watched as their own are.
    pub organizations: bool,
}

impl Default for Settings {
    /// As the defaults of the columns (`migrations/`).
    fn default() -> Self {
        Self { mention: MailTime::AtOnce, participating: MailTime::AtOnce, watching: MailTime::Daily, organizations: false }
    }
}

/// What somebody hears of a repository: what they said, or else what is usual.
///
/// # Errors
/// The database does not answer.
pub async fn level_of(app: &App, user: &User, repo: &Repo) -> HubResult<Level> {
    if let Some(level) = watches::find_level(&app.pool, user.pk, repo.pk).await? {
        return Ok(level);
    }
    let is_members = user.pk != repo.namespace_pk && user.memberships.iter().any(|m| m.namespace_pk == repo.namespace_pk);
    let all = user.pk == repo.namespace_pk || (is_members && settings_of(app, user).await?.organizations);
    Ok(if all { Level::All } else { Level::Participating })
}

/// Sets what the viewer hears of a repository; `None` goes back to what is usual.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens that only read, 409 when too much is watched.
pub async fn set_level(app: &App, read: &RepoRead, level: Option<Level>) -> HubResult<()> {
    let user = read.viewer.require_person()?;
    let Some(level) = level else { return Ok(watches::delete_level(&app.pool, user.pk, read.repo.pk).await?) };
    let mut tx = app.begin().await?;
    check_room(watches::lock_and_count(&mut tx, user.pk).await?)?;
    watches::set_level(&mut tx, user.pk, read.repo.pk, level).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether somebody watches a user or an organisation.
///
/// # Errors
/// The database does not answer.
pub async fn watches_namespace(app: &App, user_pk: i64, namespace_pk: i64) -> HubResult<bool> {
    Ok(watches::watches_namespace(&app.pool, user_pk, namespace_pk).await?)
}

/// Watches a user or an organisation, or no longer. Saying it twice changes nothing.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens that only read, 400 for oneself, 409 when too much is watched.
pub async fn set_namespace(app: &App, viewer: &Viewer, namespace: &NamespaceRow, watch: bool) -> HubResult<()> {
    let user = viewer.require_person()?;
    if user.pk == namespace.namespace_pk {
        return Err(HubError::bad_request("Your own repositories are watched already: see the settings of notifications."));
    }
    if !watch {
        return Ok(watches::delete_namespace(&app.pool, user.pk, namespace.namespace_pk).await?);
    }
    let mut tx = app.begin().await?;
    check_room(watches::lock_and_count(&mut tx, user.pk).await?)?;
    watches::insert_namespace(&mut tx, user.pk, namespace.namespace_pk).await?;
    tx.commit().await?;
    Ok(())
}

fn check_room(watched: i64) -> HubResult<()> {
    if watched >= MAX_WATCHED {
        let text =
            format!("You watch {MAX_WATCHED} repositories and people, and that is as many as there may be. Unwatch one first.");
        return Err(HubError::conflict(text));
    }
    Ok(())
}

/// When mails tell somebody.
///
/// # Errors
/// The database does not answer.
pub async fn settings_of(app: &App, user: &User) -> HubResult<Settings> {
    Ok(watches::find_settings(&app.pool, user.pk).await?.unwrap_or_default())
}

/// Changes when mails tell somebody.
///
/// # Errors
/// The database does not answer.
pub async fn save_settings(app: &App, user_pk: i64, settings: &Settings) -> HubResult<()> {
    let mut tx = app.begin().await?;
    watches::save_settings(&mut tx, user_pk, settings).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends all mails about notifications to somebody. The inbox stays as it is.
///
/// # Errors
/// The database does not answer.
pub async fn end_mails(app: &App, user_pk: i64) -> HubResult<()> {
    let mut tx = app.begin().await?;
    let before = watches::find_settings(&mut *tx, user_pk).await?.unwrap_or_default();
    let never = MailTime::Never;
    let settings = Settings { mention: never, participating: never, watching: never, ..before };
    watches::save_settings(&mut tx, user_pk, &settings).await?;
    tx.commit().await?;
    Ok(())
}
