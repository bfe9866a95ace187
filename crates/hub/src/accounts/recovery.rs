//! Forgotten passwords: a mail with a link to choose a new one. Asking for it looks the same for every address: whether there is
//! such an account is found out by the job.

use super::letters::{self, Content, Notice};
use super::mail_links::send_link;
use super::operations::check_email;
use super::queries::links::{self, Purpose};
use super::queries::{self, closing, email, settings};
use super::{User, audit, passwords, tokens};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// How long a link works, in seconds.
const LINK_SECS: f64 = 3600.0;
/// How long an account waits before it is sent another link, in seconds.
const PAUSE_SECS: f64 = 120.0;

/// Has a link sent to an address, if an account has it.
///
/// # Errors
/// 400 for what is no address.
pub async fn ask(app: &App, address: &str) -> HubResult<()> {
    check_email(address)?;
    let mut tx = app.begin().await?;
    Job::SendPasswordLink { email: address.to_owned() }.enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Sends the link: the body of [`Job::SendPasswordLink`].
///
/// # Errors
/// The mail server does not take it.
pub async fn send_password_link(app: &App, address: &str) -> HubResult<()> {
    let Some(user_pk) = email::find_user_pk(&app.pool, address).await? else { return Ok(()) };
    // Whoever has asked for the end of the account has another link, which this one would not replace.
    let Some(user) = queries::find_user(&app.pool, user_pk).await?.filter(|user| user.deletes_at.is_none()) else {
        return Ok(());
    };
    if links::was_sent_lately(&app.pool, user_pk, Purpose::ResetPassword, PAUSE_SECS).await? {
        return Ok(());
    }
    let base = app.config.base();
    send_link(app, &user, &user.email, Purpose::ResetPassword, LINK_SECS, |secret| {
        let content = Content {
            // No part of the secret, which the mail server may log with the id.
            id: format!("password-{user_pk}-{}", hex::encode(tokens::hash(&secret).get(..8).unwrap_or_default())),
            subject: "Choose a new password".to_owned(),
            lines: vec![
                "somebody, most likely you, asked for a new password for your account. Open this page to choose one:".into(),
            ],
            link: Some(("Choose a new password", format!("{base}/reset-password?link={secret}"))),
            closing: "The link works once, for an hour. If you did not ask for it, do nothing: your password stays as it is.",
        };
        let user = &user;
        async move { letters::send(app, &user.name, &user.email, content).await }
    })
    .await
}

fn over() -> HubError {
    HubError::not_found("This link is over: it works once, for an hour, and only the last one you asked for. Ask for another.")
}

/// Finds whose password a link changes.
///
/// # Errors
/// 404 for a link that does not work (any more).
pub async fn find_asked(app: &App, secret: &str) -> HubResult<User> {
    let link = links::find_link(&app.pool, &tokens::hash(secret), Purpose::ResetPassword).await?.ok_or_else(over)?;
    queries::find_user(&app.pool, link.user_pk).await?.ok_or_else(over)
}

/// Sets a new password by a link. All sessions end, and the address is confirmed: the link was sent there.
///
/// Whoever made the account before anybody confirmed the address may be somebody else, who waits for its owner to come. So the first
/// to confirm it gets an account that nothing opens but the new password.
///
/// # Errors
/// 404 for a link that does not work (any more), 400 for a weak password.
pub async fn reset(app: &App, secret: &str, password: &str) -> HubResult<()> {
    let user = find_asked(app, secret).await?;
    passwords::check(app, password, &user.name, &user.email).await.map_err(|error| error.at("new_password"))?;
    let hash = passwords::hash(password.to_owned()).await?;
    let mut tx = audit::begin(app).await?;
    let link = links::take_link(&mut tx, &tokens::hash(secret), Purpose::ResetPassword).await?.ok_or_else(over)?;
    settings::update_password(&mut tx, link.user_pk, &hash, None).await?;
    if !user.email_confirmed {
        closing::revoke_access(&mut tx, link.user_pk).await?;
        closing::remove_ways_in(&mut tx, link.user_pk).await?;
    }
    // An address that somebody else wanted for the account is forgotten, too.
    links::delete_links_of(&mut tx, link.user_pk).await?;
    email::set_new_email(&mut tx, link.user_pk, None).await?;
    email::mark_confirmed(&mut tx, link.user_pk, &link.email).await?;
    Job::tell(link.user_pk, Notice::PasswordChanged).enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}
