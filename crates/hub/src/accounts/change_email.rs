//! Another mail address: confirmed by a link that is sent there, and told to the one before. Whether another account has it is found
//! out by the job, so that nobody learns by asking who has an account.

use super::letters::{self, Content, Notice};
use super::mail_links::send_link;
use super::operations::check_email;
use super::queries::links::{self, Purpose};
use super::queries::{self, email};
use super::{User, UserPk, audit, throttle, tokens};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::signing::random_secret;

/// How long a link works, in seconds.
const LINK_SECS: f64 = 86_400.0;

fn taken() -> HubError {
    HubError::conflict("Another account has this mail address.").at("email")
}

/// Has a link sent to the address that a user wants to have. Until it is opened, the address stays as it is.
///
/// # Errors
/// 400 for what is no address, 409 for the present one.
pub async fn ask(app: &App, user: &User, address: &str) -> HubResult<()> {
    check_email(address)?;
    if address == user.email {
        return Err(HubError::conflict("This is your address already.").at("email"));
    }
    let mut tx = app.begin().await?;
    email::set_new_email(&mut tx, user.pk, Some(address)).await?;
    Job::SendEmailLink { user_pk: user.pk }.enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Leaves the address as it is after all.
///
/// # Errors
/// The database does not answer.
pub async fn cancel(app: &App, user: &User) -> HubResult<()> {
    let mut conn = app.pool.acquire().await?;
    Ok(email::set_new_email(&mut conn, user.pk, None).await?)
}

/// Sends the link, or tells the account that has the address: the body of [`Job::SendEmailLink`].
///
/// # Errors
/// The mail server does not take it.
pub async fn send_email_link(app: &App, user_pk: UserPk) -> HubResult<()> {
    let Some(address) = email::find_new_email(&app.pool, user_pk).await? else { return Ok(()) };
    let Some(user) = queries::find_user(&app.pool, user_pk).await? else { return Ok(()) };
    if let Some(owner_pk) = email::find_user_pk(&app.pool, &address).await?.filter(|found| *found != user_pk) {
        return tell_owner(app, owner_pk).await;
    }
    let base = app.config.base();
    send_link(app, &user, &address, Purpose::ChangeEmail, LINK_SECS, |secret| {
        let content = Content {
            id: format!("address-{user_pk}-{}", hex::encode(tokens::hash(&secret).get(..8).unwrap_or_default())),
            subject: "Is this your new email address?".to_owned(),
            lines: vec!["this address was given as the new one of your account on a hub. Open this page to confirm it:".into()],
            link: Some(("Confirm my new address", format!("{base}/change-email?link={secret}"))),
            closing: "The link works once, for a day. If you have no such account, do nothing: no more mail will come.",
        };
        let (user, address) = (&user, &address);
        async move { letters::send(app, &user.name, address, content).await }
    })
    .await
}

/// Tells who has an address that somebody else gave it as theirs, a few times an hour. Nothing in the mail confirms anything.
async fn tell_owner(app: &App, owner_pk: UserPk) -> HubResult<()> {
    let Some(owner) = queries::find_user(&app.pool, owner_pk).await? else { return Ok(()) };
    if !throttle::may_tell(app, owner_pk) {
        return Ok(());
    }
    let base = app.config.base();
    let content = Content {
        id: format!("address-taken-{owner_pk}-{}", random_secret::<12>()),
        subject: "Somebody gave your address as theirs".to_owned(),
        lines: vec![
            format!(
                "somebody, maybe you, wants to have this address for another account on a hub. It is the one of your account {} \
                 already, and stays so.",
                owner.name
            ),
            format!("If you have forgotten your password, choose another: {base}/forgot-password"),
            "To log in, open this page:".to_owned(),
        ],
        link: Some(("Log in", format!("{base}/login"))),
        closing: "If it was not you, do nothing: your account is as it was.",
    };
    let sent = letters::send(app, &owner.name, &owner.email, content).await;
    if sent.is_err() {
        throttle::take_back_telling(app, owner_pk);
    }
    sent
}

fn over() -> HubError {
    HubError::not_found("This link is over: it works once, for a day. Ask for another in your settings.")
}

/// Finds whose address a link changes, and to what.
///
/// # Errors
/// 404 for a link that does not work (any more).
pub async fn find_asked(app: &App, secret: &str) -> HubResult<(User, String)> {
    let link = links::find_link(&app.pool, &tokens::hash(secret), Purpose::ChangeEmail).await?.ok_or_else(over)?;
    let wanted = email::find_new_email(&app.pool, link.user_pk).await?;
    let user = queries::find_user(&app.pool, link.user_pk).await?.ok_or_else(over)?;
    if wanted.as_ref() == Some(&link.email) { Ok((user, link.email)) } else { Err(over()) }
}

/// Changes the address by a link. Links to a new password that went to the old one end.
///
/// # Errors
/// 404 for a link that does not work (any more), 409 for an address that was taken since.
pub async fn confirm(app: &App, secret: &str) -> HubResult<(User, String)> {
    let (user, _) = find_asked(app, secret).await?;
    let mut tx = audit::begin(app).await?;
    let link = links::take_link(&mut tx, &tokens::hash(secret), Purpose::ChangeEmail).await?.ok_or_else(over)?;
    let changed = match email::take_new_email(&mut tx, user.pk, &link.email).await {
        Err(error) if db::violates(&error, "users_email_idx") => return Err(taken()),
        other => other?,
    };
    if !changed {
        return Err(over());
    }
    links::delete_links_of(&mut tx, user.pk).await?;
    if user.email_confirmed {
        let notice = Notice::EmailChanged { old: user.email.clone(), new: link.email.clone() };
        Job::tell(user.pk, notice).enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok((user, link.email))
}
