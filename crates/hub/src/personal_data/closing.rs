//! Deleting an account. From when it is asked for, nothing acts in its name, nobody signs in to it and its repositories are deleted;
//! while those can be restored, its owner can keep it by a link in a mail. Then [`remove_due`] removes what is left of the person.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::exports;
use super::queries::{self, Place};
use crate::accounts::letters::{self, Content};
use crate::accounts::mail_links::send_link;
use crate::accounts::queries::links::{self, Purpose};
use crate::accounts::queries::settings::{delete_member, lock_admins};
use crate::accounts::queries::{self as accounts, closing, invitations};
use crate::accounts::{User, UserPk, audit, site_roles, tokens};
use crate::app::App;
use crate::db::{self, LockKey};
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::repos::changes::deleted::restorable_until;

/// The most accounts that are removed in one go.
const MAX_REMOVED: i64 = 100;

/// What deleting an account means.
#[derive(Debug, Default)]
pub struct Outlook {
    /// How many repositories go.
    pub repos: i64,
    /// The organisations that go, for nobody else is in them.
    pub going: Vec<String>,
    /// The organisations that would be left without an admin.
    pub blocking: Vec<String>,
    /// Whether nobody else runs the hub.
    pub runs_alone: bool,
}

impl Outlook {
    fn of(places: &[Place]) -> Self {
        let named =
            |chosen: &dyn Fn(&Place) -> bool| places.iter().filter(|place| chosen(place)).map(|p| p.name.clone()).collect();
        Self { going: named(&Place::goes), blocking: named(&Place::blocks), ..Self::default() }
    }

    fn check(&self) -> HubResult<()> {
        if !self.blocking.is_empty() {
            return Err(HubError::conflict(format!(
                "You are the only admin of {}, where others are, too. Make somebody else an admin there first, or take the others out. While \
                 moderators have an organization suspended, whoever runs the hub does that.",
                self.blocking.join(", ")
            )));
        }
        if self.runs_alone {
            return Err(HubError::conflict("Nobody else runs this hub. Give that role to somebody else first, at /admin/users."));
        }
        Ok(())
    }
}

/// Looks what deleting an account would mean.
///
/// # Errors
/// The database does not answer.
pub async fn look(app: &App, user: &User) -> HubResult<Outlook> {
    let mut conn = app.pool.acquire().await?;
    let places = queries::list_places(&mut conn, user.pk).await?;
    let repos = queries::count_repos(&mut conn, &owned(user.pk, &places)).await?;
    let runs_alone = accounts::is_last_admin(&mut conn, user.pk).await?;
    Ok(Outlook { repos, runs_alone, ..Outlook::of(&places) })
}

/// The user's namespace, and those that go with it.
fn owned(user_pk: UserPk, places: &[Place]) -> Vec<i64> {
    let going = places.iter().filter(|place| place.goes()).map(|place| place.organization_pk);
    std::iter::once(user_pk).chain(going).collect()
}

/// Begins to delete an account, and tells until when it can be kept. Its name must be typed.
///
/// # Errors
/// 400 for another name; 409 when an organisation or the hub would be left without somebody who runs it.
pub async fn ask(app: &App, user: &User, typed: &str) -> HubResult<DateTime<Utc>> {
    if !typed.eq_ignore_ascii_case(&user.name) {
        return Err(HubError::bad_request(format!("Type `{}`, the name of your account.", user.name)).at("confirmation"));
    }
    if user.is_service() {
        return Err(HubError::conflict(format!("{} is a service account: an admin of its organization deletes it.", user.name)));
    }
    let until = restorable_until(app, crate::clock::now());
    let mut tx = audit::begin(app).await?;
    db::lock(&mut tx, LockKey::FirstAccount).await?;
    // In one order, as everybody takes them; whoever makes or unmakes an admin waits.
    for place in queries::list_places(&mut tx, user.pk).await? {
        lock_admins(&mut tx, place.organization_pk).await?;
    }
    let places = queries::list_places(&mut tx, user.pk).await?;
    let runs_alone = accounts::is_last_admin(&mut tx, user.pk).await?;
    Outlook { runs_alone, ..Outlook::of(&places) }.check()?;
    if !queries::mark_leaving(&mut tx, user.pk, until).await? {
        return Err(HubError::conflict("The account is being deleted already."));
    }
    closing::revoke_access(&mut tx, user.pk).await?;
    links::delete_links_of(&mut tx, user.pk).await?;
    queries::delete_webhooks(&mut tx, user.pk).await?;
    let copies = queries::exports::delete_of(&mut tx, user.pk).await?;
    for place in &places {
        if place.goes() {
            queries::close_doors(&mut tx, place.organization_pk).await?;
        } else {
            invitations::delete_invitations_by(&mut tx, place.organization_pk, user.pk).await?;
            delete_member(&mut tx, place.organization_pk, user.pk).await?;
        }
    }
    queries::delete_repos(&mut tx, &owned(user.pk, &places), user.pk).await?;
    Job::SendKeepLink { user_pk: user.pk }.enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    exports::forget(app, &copies).await;
    Ok(until)
}

/// Mails the link by which the account is kept: the body of [`Job::SendKeepLink`].
///
/// # Errors
/// The mail server does not take it.
pub async fn send_keep_link(app: &App, user_pk: UserPk) -> HubResult<()> {
    let Some(user) = accounts::find_user(&app.pool, user_pk).await? else { return Ok(()) };
    let Some(until) = user.deletes_at.filter(|until| *until > crate::clock::now()) else { return Ok(()) };
    let secs = (until - crate::clock::now()).as_seconds_f64();
    let base = app.config.base();
    send_link(app, &user, &user.email, Purpose::KeepAccount, secs, |secret| {
        let content = Content {
            id: format!("keep-{user_pk}-{}", hex::encode(tokens::hash(&secret).get(..8).unwrap_or_default())),
            subject: "Your account is being deleted".to_owned(),
            lines: vec![format!(
                "your account is closed, and what is left of it is removed on {}. Until then this page brings it back, with its \
                 repositories:",
                until.format("%-d %B %Y")
            )],
            link: Some(("Keep my account", format!("{base}/login/keep-account?link={secret}"))),
            closing: "If you did not ask for this, keep the account by the link, and set a new password: somebody was in it.",
        };
        let user = &user;
        async move { letters::send(app, &user.name, &user.email, content).await }
    })
    .await
}

fn over() -> HubError {
    HubError::not_found("This link is over: the account was kept already, or the time for that has passed.")
}

/// Finds whose account a link keeps.
///
/// # Errors
/// 404 for a link that does not work (any more).
pub async fn find_asked(app: &App, secret: &str) -> HubResult<User> {
    let link = links::find_link(&app.pool, &tokens::hash(secret), Purpose::KeepAccount).await?.ok_or_else(over)?;
    accounts::find_user(&app.pool, link.user_pk).await?.filter(|user| user.deletes_at.is_some()).ok_or_else(over)
}

/// Keeps the account of a link.
///
/// # Errors
/// 404 for a link that does not work (any more).
pub async fn keep(app: &App, secret: &str) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    let link = links::take_link(&mut tx, &tokens::hash(secret), Purpose::KeepAccount).await?.ok_or_else(over)?;
    keep_in(&mut tx, link.user_pk).await?;
    tx.commit().await?;
    Ok(())
}

/// The same for an operator, by name.
///
/// # Errors
/// 404 for an account that is not there, or is not being deleted.
pub async fn keep_by_name(app: &App, name: &str) -> HubResult<()> {
    let user = site_roles::find_by_name(app, name).await?;
    let mut tx = audit::begin(app).await?;
    links::delete_links_of(&mut tx, user.pk).await?;
    keep_in(&mut tx, user.pk).await?;
    tx.commit().await?;
    Ok(())
}

async fn keep_in(conn: &mut PgConnection, user_pk: UserPk) -> HubResult<()> {
    let places = queries::list_places(conn, user_pk).await?;
    let asked_at = queries::stop_leaving(conn, user_pk).await?.ok_or_else(over)?;
    let owned = owned(user_pk, &places);
    queries::enable_service_accounts(conn, &owned, asked_at).await?;
    Ok(queries::restore_repos(conn, &owned, asked_at, user_pk).await?)
}

/// Removes the accounts whose time is over.
///
/// # Errors
/// The database does not answer.
pub async fn remove_due(app: &App) -> HubResult<()> {
    for user_pk in queries::list_due(&app.pool, MAX_REMOVED).await? {
        let mut tx = app.begin().await?;
        if !queries::lock_due(&mut tx, user_pk).await? {
            continue;
        }
        let places = queries::list_places(&mut tx, user_pk).await?;
        let owned = owned(user_pk, &places);
        queries::hold_all_of(&mut tx, user_pk, &owned).await?;
        queries::forget_hidden(&mut tx, user_pk).await?;
        queries::remove_namespaces(&mut tx, &owned).await?;
        queries::remove_organizations(&mut tx, &owned).await?;
        queries::remove_user(&mut tx, user_pk).await?;
        tx.commit().await?;
        tracing::info!(user_pk, "an account was removed, as its owner asked");
    }
    Ok(())
}
