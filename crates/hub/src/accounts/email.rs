//! Whether a mail address belongs to whom the account belongs: a mail with a link is sent there, and whoever opens it says so.
//! Until then no other mail goes to the address, or the hub could be made to write to strangers.

use askama::Template;

use super::queries::{self, email};
use super::{User, UserPk};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::mailer::Letter;

/// How long a link works, in seconds.
const LINK_SECS: i64 = 3 * 86_400;
/// How long an account waits before it is sent another link, in seconds.
const PAUSE_SECS: f64 = 600.0;
const PURPOSE: &str = "confirm-email";

/// The mail, as plain text.
#[derive(Debug, Template)]
#[template(path = "mail/confirm_email.txt")]
struct PlainText<'a> {
    name: &'a str,
    link: &'a str,
}

/// The same as a page.
#[derive(Debug, Template)]
#[template(path = "mail/confirm_email.html")]
struct Html<'a> {
    name: &'a str,
    link: &'a str,
}

/// Has a link sent to a user's address.
///
/// # Errors
/// 409 when the address is confirmed already, or a link was sent in the last minutes.
pub async fn ask(app: &App, user: &User) -> HubResult<()> {
    if user.email_confirmed {
        return Err(HubError::conflict("Your email address is confirmed already."));
    }
    let mut tx = app.begin().await?;
    if !email::mark_asked(&mut tx, user.pk, PAUSE_SECS).await? {
        let text = "A mail was sent to you a moment ago. Look among unwanted mail, too, and ask for another in ten minutes.";
        return Err(HubError::conflict(text));
    }
    Job::ConfirmEmail { user_pk: user.pk }.enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Sends the link: the body of [`Job::ConfirmEmail`].
///
/// # Errors
/// The mail server does not take it.
pub async fn send_link(app: &App, user_pk: UserPk) -> HubResult<()> {
    let Some(user) = queries::find_user(&app.pool, user_pk).await?.filter(|user| !user.email_confirmed) else { return Ok(()) };
    let until = crate::clock::now().timestamp() + LINK_SECS;
    let signature = app.signer.sign(PURPOSE, &signed(user.pk, &user.email, until));
    let link = format!("{}/confirm-email/{}/{until}/{signature}", app.config.base(), user.pk);
    let letter = Letter {
        id: format!("confirm-{user_pk}-{until}"),
        to: user.email,
        subject: "Is this your email address?".to_owned(),
        text: PlainText { name: &user.name, link: &link }.render().map_err(HubError::internal)?,
        html: Html { name: &user.name, link: &link }.render().map_err(HubError::internal)?,
        unsubscribe: None,
    };
    app.mailer.send(letter).await.map_err(HubError::internal)
}

/// A link as somebody opened it.
#[derive(Debug)]
pub struct Link {
    /// The account.
    pub user_pk: UserPk,
    /// Until when it works, in seconds since 1970.
    pub until: i64,
    /// What proves that the hub made it.
    pub signature: String,
}

/// The user who was sent a link.
///
/// # Errors
/// 404 for a link that the hub did not make, that is over, or that was sent to an address which the account no longer has.
pub async fn find_asked(app: &App, link: &Link) -> HubResult<User> {
    let over = || {
        HubError::not_found("This link is over, or another email address was given since. Ask for a new one in your settings.")
    };
    let user = queries::find_user(&app.pool, link.user_pk).await?.ok_or_else(over)?;
    let known = app.signer.verify(PURPOSE, &signed(user.pk, &user.email, link.until), &link.signature);
    if known && link.until >= crate::clock::now().timestamp() { Ok(user) } else { Err(over()) }
}

/// Notes that the address belongs to the user.
///
/// # Errors
/// As [`find_asked`].
pub async fn confirm(app: &App, link: &Link) -> HubResult<User> {
    let user = find_asked(app, link).await?;
    let mut conn = app.pool.acquire().await?;
    email::mark_confirmed(&mut conn, user.pk, &user.email).await?;
    Ok(user)
}

fn signed(user_pk: UserPk, email: &str, until: i64) -> String {
    format!("{user_pk} {until} {email}")
}
