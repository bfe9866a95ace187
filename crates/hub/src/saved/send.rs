//! The mail about a saved search: one for all that was found since the last.

use askama::Template;

use super::alerts::NAMED;
use super::fresh::Reader;
use super::queries::{self, SavedSearch};
use super::unsubscribe;
use crate::accounts::User;
use crate::accounts::queries::find_user;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::mailer::Letter;
use crate::repos::listing::{self, Columns, ListedRepo};
use crate::web::layout::kind_word;

/// What a mail says, ready to print.
#[derive(Debug)]
struct News {
    /// Whom it is to.
    user: String,
    /// What the search is called.
    search: String,
    /// `3 new models`.
    count: String,
    /// The repositories, the latest first.
    repos: Vec<NewRepo>,
    /// How many more there are.
    more: u64,
    /// What narrows the list, in words.
    filters: String,
    /// The list.
    list: String,
    /// Where mails are changed.
    settings: String,
    /// Where these mails are ended.
    unsubscribe: String,
}

#[derive(Debug)]
struct NewRepo {
    id: String,
    href: String,
    /// The task, where it is known.
    task: String,
}

#[derive(Debug, Template)]
#[template(path = "mail/saved_search.txt")]
struct PlainText<'a> {
    news: &'a News,
}

#[derive(Debug, Template)]
#[template(path = "mail/saved_search.html")]
struct Html<'a> {
    news: &'a News,
}

/// How long a node may take to send, in seconds.
const LEASE_SECS: f64 = 600.0;

/// Sends what waits: the body of [`crate::jobs::Job::SendAlert`]. When a node dies between the mail and its note, the mail goes
/// again, with the same `Message-ID`.
///
/// # Errors
/// The mail server does not take it, or another node is sending.
pub async fn send_alert(app: &App, saved_search_pk: i64) -> HubResult<()> {
    let Some(saved) = queries::alerts::take_waiting(&app.pool, saved_search_pk, LEASE_SECS).await? else {
        let left = queries::find(&app.pool, saved_search_pk).await?.is_some_and(|saved| !saved.waiting.is_empty());
        return if left { Err(HubError::unavailable("Another node is sending.", "the saved search is taken")) } else { Ok(()) };
    };
    let sent = tell(app, &saved).await;
    if sent.is_err() {
        queries::alerts::release_waiting(&app.pool, saved_search_pk).await?;
    }
    sent
}

/// What the reader may see is asked once more.
async fn tell(app: &App, saved: &SavedSearch) -> HubResult<()> {
    let Some(user) = find_user(&app.pool, saved.user_pk).await?.filter(|user| user.email_confirmed && !user.suspended) else {
        return Ok(queries::alerts::forget_waiting(&app.pool, saved.saved_search_pk).await?);
    };
    let reader = Reader::new(user.clone());
    let rows = listing::by_keys(app, reader.viewer(), &saved.waiting, Columns::default()).await?;
    if rows.is_empty() {
        return Ok(queries::alerts::forget_waiting(&app.pool, saved.saved_search_pk).await?);
    }
    app.mailer.send(letter(app, &user, saved, &rows)?).await.map_err(HubError::internal)?;
    Ok(queries::alerts::note_told(&app.pool, saved).await?)
}

fn letter(app: &App, user: &User, saved: &SavedSearch, rows: &[ListedRepo]) -> HubResult<Letter> {
    let base = app.config.base();
    let total = rows.len() as u64 + u64::try_from(saved.waiting_more).unwrap_or(0);
    let repos = rows.iter().take(NAMED).map(|row| NewRepo {
        id: row.id(),
        href: format!("{base}/{}{}", row.repo_type.url_prefix(), row.id()),
        task: row.pipeline_tag.clone().unwrap_or_default(),
    });
    let word = kind_word(saved.repo_type);
    let news = News {
        user: user.name.clone(),
        search: saved.name.clone(),
        count: if total == 1 { format!("1 new {word}") } else { format!("{total} new {word}s") },
        repos: repos.collect(),
        more: total.saturating_sub(rows.len().min(NAMED) as u64),
        filters: saved.filter().labels().join(", "),
        list: format!("{base}{}", saved.href()),
        settings: format!("{base}/settings/saved-searches"),
        unsubscribe: format!("{base}{}", unsubscribe::path(app, saved.saved_search_pk)),
    };
    let newest = saved.waiting.iter().max().copied().unwrap_or_default();
    Ok(Letter {
        id: format!("saved-search-{}-{newest}", saved.saved_search_pk),
        to: user.email.clone(),
        subject: format!("{}: {}", news.count, news.search),
        text: PlainText { news: &news }.render().map_err(HubError::internal)?,
        html: Html { news: &news }.render().map_err(HubError::internal)?,
        unsubscribe: Some(news.unsubscribe),
    })
}
