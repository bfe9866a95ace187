//! Signing up by mail: there is an account once somebody opened the link in the mail and gave the password again. What a stranger sees
//! is the same for each address, because whether an account has it is found out by the job. Who has one is told so by the mail.

use actix_web::HttpRequest;

use super::letters::{self, Content};
use super::operations::{NewUser, check_new, insert_account, insert_namespace};
use super::queries::sign_ups::{self as rows, NewSignUp, SignUpRow};
use super::queries::{self, email};
use super::throttle::Try;
use super::{User, audit, passwords, tokens};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::signing::random_secret;

/// How long a link works, in seconds.
const LINK_SECS: f64 = 86_400.0;
/// How many mails go to one address within an hour, however often somebody signs up with it.
const MOST_MAILS: i64 = 3;
const HOUR_SECS: f64 = 3600.0;
/// The longest path to go to afterwards that is kept, in bytes. Who asks for a longer one goes to the front page.
const MAX_PATH_BYTES: usize = 2_000;

/// Whether signing up goes by mail. Where mails reach nobody, accounts can be used at once, unless addresses must be confirmed. Who
/// comes first sets up the mail.
///
/// # Errors
/// The database does not answer.
pub async fn go_by_mail(app: &App) -> HubResult<bool> {
    if !app.mailer.reaches_people() && !app.config.require_confirmed_email {
        return Ok(false);
    }
    let mut conn = app.pool.acquire().await?;
    Ok(!queries::no_users(&mut conn).await?)
}

/// Has a mail sent to who signs up, with a link if the address is free. The work is the same if it is not.
///
/// # Errors
/// 400 for a bad name, address or password; 409 when the name is taken.
pub async fn ask(app: &App, new: &NewUser, next_path: &str) -> HubResult<()> {
    check_new(new)?;
    let (name, address) = (new.name.trim(), new.email.trim());
    passwords::check(app, &new.password, name, address).await.map_err(|error| error.at("password"))?;
    check_free(app, name).await?;
    let password_hash = passwords::hash(new.password.clone()).await?;
    let next_path = if next_path.len() <= MAX_PATH_BYTES { next_path } else { "/" };
    let mut tx = app.begin().await?;
    rows::delete_over(&mut tx).await?;
    let waits = NewSignUp { name, email: address, password_hash: &password_hash, next_path };
    let sign_up_pk = rows::insert_sign_up(&mut tx, &waits, LINK_SECS).await?;
    Job::SendSignUpLink { sign_up_pk }.enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Refuses a name that somebody has or had, by the rules of the database; nothing of it stays. The name is not held: who confirms
/// first gets it.
async fn check_free(app: &App, name: &str) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    insert_namespace(app, &mut tx, name, "user").await?;
    Ok(tx.rollback().await?)
}

/// Sends the mail: the body of [`Job::SendSignUpLink`].
///
/// # Errors
/// The mail server does not take it.
pub async fn send(app: &App, sign_up_pk: i64) -> HubResult<()> {
    let Some(row) = rows::find_unsent(&app.pool, sign_up_pk).await? else { return Ok(()) };
    if rows::count_sent(&app.pool, &row.email, HOUR_SECS).await? >= MOST_MAILS {
        return Ok(());
    }
    let base = app.config.base();
    let owner = match email::find_user_pk(&app.pool, &row.email).await? {
        Some(user_pk) => queries::find_user(&app.pool, user_pk).await?,
        None => None,
    };
    if let Some(owner) = owner {
        letters::send(app, &owner.name, &owner.email, has_account(&owner, &base, &format!("sign-up-{sign_up_pk}"))).await?;
    } else {
        let secret = random_secret::<32>();
        let hash = tokens::hash(&secret);
        rows::set_link(&app.pool, sign_up_pk, &hash).await?;
        let content = Content {
            // No part of the secret, which the mail server may log with the id.
            id: format!("sign-up-{sign_up_pk}-{}", hex::encode(hash.get(..8).unwrap_or_default())),
            subject: "Confirm your new account".to_owned(),
            lines: vec![
                format!("somebody, most likely you, signed up on a hub as {} with this address.", row.name),
                "Open this page and give the password that you chose, and the account is made:".to_owned(),
            ],
            link: Some(("Make my account", format!("{base}/join/confirm?link={secret}"))),
            closing: "The link works once, for a day. If you did not sign up, do nothing: no account is made.",
        };
        letters::send(app, &row.name, &row.email, content).await?;
    }
    Ok(rows::mark_sent(&app.pool, sign_up_pk).await?)
}

/// What who has an account is told. Nothing in it confirms anything.
fn has_account(owner: &User, base: &str, id: &str) -> Content {
    Content {
        id: id.to_owned(),
        subject: "Somebody tried to sign up with your address".to_owned(),
        lines: vec![
            format!(
                "somebody, maybe you, tried to sign up on a hub with this address. It is the one of your account {} already, so no \
                 other was made.",
                owner.name
            ),
            format!("If you have forgotten your password, choose another: {base}/forgot-password"),
            "To log in, open this page:".to_owned(),
        ],
        link: Some(("Log in", format!("{base}/login"))),
        closing: "If it was not you, do nothing: your account is as it was.",
    }
}

fn over() -> HubError {
    HubError::not_found("This link is over: it works once, for a day. Sign up again, or log in if you have done so already.")
}

/// Finds the sign-up that a link confirms.
///
/// # Errors
/// 404 for a link that does not work (any more).
pub async fn find_asked(app: &App, secret: &str) -> HubResult<SignUpRow> {
    rows::find_sign_up(&app.pool, &tokens::hash(secret)).await?.ok_or_else(over)
}

/// Makes the account, and gives it with where its owner was going. The password shows that who opens the mail is who signed up: nobody
/// is given an account that another one can open.
///
/// # Errors
/// 404 for a link that does not work (any more), 403 for a wrong password, 409 when the name or the address was taken since, 429
/// after too many wrong passwords.
pub async fn confirm(app: &App, request: &HttpRequest, secret: &str, password: &str) -> HubResult<(User, String)> {
    let row = find_asked(app, secret).await?;
    // By the link, which nobody guesses: who tries passwords for its number at the login would lock its owner out.
    let attempt = Try::start(app, request, &format!("sign-up {secret}"))?;
    if !passwords::verify(password.to_owned(), row.password_hash.clone()).await? {
        return Err(HubError::forbidden("This is not the password that you chose when you signed up.").at("password"));
    }
    attempt.was_right();
    let mut tx = audit::begin(app).await?;
    if !rows::take_sign_up(&mut tx, &row).await? {
        return Err(over());
    }
    let new = NewUser {
        name: row.name.clone(),
        email: row.email.clone(),
        password: String::new(),
        fullname: String::new(),
        is_admin: false,
    };
    let user_pk = insert_account(app, &mut tx, &new, &row.password_hash).await?;
    email::mark_confirmed(&mut tx, user_pk, &row.email).await?;
    tx.commit().await?;
    let user = queries::find_user(&app.pool, user_pk).await?.ok_or_else(|| HubError::internal("the new account is gone"))?;
    Ok((user, row.next_path))
}

/// Forgets the sign-ups that are over: a part of a periodic job.
///
/// # Errors
/// The database does not answer.
pub async fn forget(app: &App) -> HubResult<()> {
    let mut conn = app.pool.acquire().await?;
    Ok(rows::delete_over(&mut conn).await?)
}
