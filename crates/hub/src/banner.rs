//! The banner: what those who run the hub tell everybody, on every page, for a time. Each node keeps it in memory, rendered, and hears of
//! another one by the database.

pub mod pages;
pub mod queries;

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use hub_cards::{LinkContext, SafeHtml, render_markdown};
use hub_types::{RepoId, RepoType};

use self::queries::BannerRow;
use crate::accounts::UserPk;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::signing::random_secret;
use crate::web::layout;

/// On which channel of the database nodes hear that it changed.
pub(crate) const CHANNEL: &str = "banner";
/// The cookie of browsers in which it was closed.
pub const COOKIE: &str = "banner";
/// The longest text, in characters.
pub const MAX_BODY: usize = 1000;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Something will not work as ever.
    Warning,
    /// Something does not work.
    Critical,
}

impl Level {
    /// All of them, with what they are called.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Info, "Information"), (Self::Warning, "Warning"), (Self::Critical, "Critical")];

    /// The word of forms and of the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().map(|(level, _)| level).find(|level| level.as_str() == text)
    }

    /// The component's kind, and the icon.
    const fn look(self) -> (&'static str, &'static str) {
        match self {
            Self::Info => ("info", "info"),
            Self::Warning => ("warning", "triangle-alert"),
            Self::Critical => ("error", "circle-alert"),
        }
    }
}

/// What is to be shown.
#[derive(Debug, Clone)]
pub struct NewBanner {
    /// The text, in Markdown.
    pub body: String,
    /// How much it matters.
    pub level: Level,
    /// Whether people can close it.
    pub dismissable: bool,
    /// From when on; at once if that is not said.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when; until it is taken away if that is not said.
    pub ends_at: Option<DateTime<Utc>>,
}

/// The banner as this node knows it; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Current {
    inner: Arc<RwLock<Option<Arc<Rendered>>>>,
    /// Held while it is read: who reads later knows no less.
    loading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Rendered {
    row: BannerRow,
    html: SafeHtml,
}

impl Current {
    /// The banner for a page, unless its time is not now or the browser closed it.
    pub fn shown(&self, now: DateTime<Utc>, closed: Option<&str>) -> Option<layout::Banner> {
        let known = self.inner.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let row = &known.row;
        let is_time = row.starts_at.is_none_or(|at| at <= now) && row.ends_at.is_none_or(|at| now < at);
        if !is_time || (row.dismissable && closed == Some(row.public_id.as_str())) {
            return None;
        }
        let (kind, icon) = Level::parse(&row.level).unwrap_or(Level::Info).look();
        let dismiss = row.dismissable.then(|| row.public_id.clone());
        Some(layout::Banner { kind, icon, html: known.html.clone(), dismiss })
    }

    fn set(&self, banner: Option<Rendered>) {
        *self.inner.write().unwrap_or_else(PoisonError::into_inner) = banner.map(Arc::new);
    }
}

/// Learns what the banner is.
///
/// # Errors
/// The database does not answer.
pub async fn load(app: &App) -> HubResult<()> {
    let _turn = app.banner.loading.lock().await;
    let Some(row) = queries::find(&app.pool).await? else {
        app.banner.set(None);
        return Ok(());
    };
    // Links that start with a slash are the hub's own; others name a host.
    let id = RepoId::new("hub", "banner").map_err(HubError::from)?;
    let context = LinkContext::new(RepoType::Model, &id, "main", "").of_hub(&app.config.base());
    let render = move || Rendered { html: render_markdown(&row.body, &context), row };
    app.banner.set(Some(tokio::task::spawn_blocking(render).await?));
    Ok(())
}

/// Puts a banner in place of the one that was there, in a transaction at hand; [`load`] it afterwards.
///
/// # Errors
/// 400 for a text or times that make no sense.
pub async fn set(conn: &mut sqlx::PgConnection, by: UserPk, new: &NewBanner) -> HubResult<()> {
    let chars = new.body.chars().count();
    if chars == 0 || chars > MAX_BODY {
        return Err(HubError::bad_request(format!("Write what the banner says, in at most {MAX_BODY} characters.")).at("body"));
    }
    if let Some(end) = new.ends_at
        && (end <= crate::clock::now() || new.starts_at.is_some_and(|start| end <= start))
    {
        return Err(HubError::bad_request("The end must lie after the start, and after now.").at("ends"));
    }
    queries::replace(&mut *conn, &random_secret::<9>(), by, new).await?;
    Ok(queries::notify(conn, CHANNEL).await?)
}

/// Takes the banner away, in a transaction at hand, and tells whether there was one; [`load`] it afterwards.
///
/// # Errors
/// The database does not answer.
pub async fn remove(conn: &mut sqlx::PgConnection) -> sqlx::Result<bool> {
    let removed = queries::delete(&mut *conn).await?;
    queries::notify(conn, CHANNEL).await?;
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn it_is_shown_in_its_time_until_it_is_closed() {
        let now = crate::clock::now();
        let current = Current::default();
        assert!(current.shown(now, None).is_none());
        let row = BannerRow {
            public_id: "one".to_owned(),
            body: "Text".to_owned(),
            level: "critical".to_owned(),
            dismissable: true,
            starts_at: Some(now),
            ends_at: Some(now + TimeDelta::hours(1)),
            set_by: None,
            set_at: now,
        };
        current.set(Some(Rendered { row: row.clone(), html: SafeHtml::default() }));
        assert_eq!(current.shown(now, Some("another")).unwrap().kind, "error");
        assert!(current.shown(now, Some("one")).is_none());
        assert!(current.shown(now - TimeDelta::seconds(1), None).is_none());
        assert!(current.shown(now + TimeDelta::hours(1), None).is_none());
        current.set(Some(Rendered { row: BannerRow { dismissable: false, ..row }, html: SafeHtml::default() }));
        assert!(current.shown(now, Some("one")).unwrap().dismiss.is_none());
    }
}
