//! Canned replies: what those who run the hub write beforehand, for moderators to choose instead of writing the same again and again.

use super::queries::replies::{self as rows, ReplyRow};
use crate::app::App;
use crate::db::{LockKey, lock};
use crate::error::{HubError, HubResult};
use crate::web::form::Choice;

/// How many there may be.
pub const MOST: i64 = 100;
/// How long a title may be, in characters.
pub const MAX_TITLE: usize = 80;
/// How long a text may be, in characters: there is as much room for a moderator's own words.
pub const MAX_BODY: usize = 500;
/// How long both may be together, in characters, as without a reply: see [`super::acts`] and [`super::appeals`].
const MAX_SAID: usize = 1000;
/// How much of a text is told with its title, in characters.
const TOLD: usize = 60;

/// Where a reply is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// For the public sentence of a decision.
    Decision,
    /// As the answer to an appeal.
    Appeal,
}

impl Use {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Decision, Self::Appeal];

    /// The word stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Appeal => "appeal",
        }
    }

    /// What people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Decision => "Public sentences of decisions",
            Self::Appeal => "Answers to appeals",
        }
    }

    /// The field of the forms in which a moderator's own words stand.
    const fn own_field(self) -> &'static str {
        match self {
            Self::Decision => "reason",
            Self::Appeal => "answer",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|used| used.as_str() == text)
    }
}

/// All replies, by title.
///
/// # Errors
/// The database does not answer.
pub async fn list(app: &App) -> HubResult<Vec<ReplyRow>> {
    Ok(rows::list(&app.pool, MOST).await?)
}

/// What can be chosen at a place; nothing where there are no replies.
///
/// # Errors
/// The database does not answer.
pub async fn choices(app: &App, used: Use, current: &str) -> HubResult<Vec<Choice>> {
    let found: Vec<ReplyRow> = list(app).await?.into_iter().filter(|row| row.used_for == used.as_str()).collect();
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let none = Choice::new("", "None", current);
    Ok(std::iter::once(none).chain(found.iter().map(|row| Choice::new(row.reply_pk.to_string(), told(row), current))).collect())
}

/// A title with the beginning of the text.
fn told(row: &ReplyRow) -> String {
    let mut begin: String = row.body.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = begin.char_indices().nth(TOLD) {
        begin.truncate(cut);
        begin.push('…');
    }
    format!("{}: {begin}", row.title)
}

/// What a moderator says: the reply that they chose, then what they wrote.
///
/// # Errors
/// 409 for a reply that is gone, or not for this, 422 when both together are too long.
pub async fn compose(app: &App, used: Use, chosen: &str, own: &str) -> HubResult<String> {
    if chosen.is_empty() {
        return Ok(own.to_owned());
    }
    let gone = || HubError::conflict("This reply is not there any more. Choose another, or write one.").at("reply");
    let reply_pk = chosen.parse().map_err(|_| gone())?;
    let body = rows::find_body(&app.pool, reply_pk, used.as_str()).await?.ok_or_else(gone)?;
    let said = if own.is_empty() { body } else { format!("{body} {own}") };
    if said.chars().count() > MAX_SAID {
        let why = format!("The reply and your words have more than {MAX_SAID} characters together. Say it more shortly.");
        return Err(HubError::unprocessable(why).at(used.own_field()));
    }
    Ok(said)
}

fn check(title: &str, body: &str) -> HubResult<()> {
    if !(1..=MAX_TITLE).contains(&title.chars().count()) {
        return Err(HubError::unprocessable(format!("Write a title of 1 to {MAX_TITLE} characters.")).at("title"));
    }
    if !(1..=MAX_BODY).contains(&body.chars().count()) {
        return Err(HubError::unprocessable(format!("Write a text of 1 to {MAX_BODY} characters.")).at("body"));
    }
    Ok(())
}

/// Adds a reply.
///
/// # Errors
/// 422 for a title or text that is empty or too long, 409 when there are too many.
pub async fn add(app: &App, used: Use, title: &str, body: &str) -> HubResult<()> {
    check(title, body)?;
    let mut tx = app.begin().await?;
    lock(&mut tx, LockKey::Moderate).await?;
    if rows::count(&mut tx).await? >= MOST {
        return Err(HubError::conflict(format!(
            "There are {MOST} replies, and that is as many as there may be. Delete one first."
        )));
    }
    rows::insert(&mut tx, used.as_str(), title, body).await?;
    Ok(tx.commit().await?)
}

/// Changes a reply.
///
/// # Errors
/// 422 for a title or text that is empty or too long, 409 when it is gone.
pub async fn change(app: &App, reply_pk: i64, title: &str, body: &str) -> HubResult<()> {
    check(title, body)?;
    if rows::update(&app.pool, reply_pk, title, body).await? {
        return Ok(());
    }
    Err(HubError::conflict("Somebody has deleted this reply. Write it again if it is needed."))
}

/// Deletes a reply, if it is there.
///
/// # Errors
/// The database does not answer.
pub async fn delete(app: &App, reply_pk: i64) -> HubResult<()> {
    Ok(rows::delete(&app.pool, reply_pk).await?)
}
