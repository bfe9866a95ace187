//! Making webhooks, changing them, switching them on and off, and sending by hand. The API and the pages do the same.

use sqlx::PgConnection;
use url::Url;

use super::payload;
use super::queries::deliveries::{self, Delivery};
use super::queries::{self, Form, Webhook};
use super::watched::{self, Watched};
use crate::accounts::letters::Notice;
use crate::accounts::{User, Viewer};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// How many one account may have.
pub(super) const MAX_WEBHOOKS: i64 = 100;
/// How many deliveries of one webhook may wait.
pub(super) const MAX_WAITING: i64 = 1_000;
/// What webhooks hear of.
pub(super) const DOMAINS: [&str; 2] = ["repo", "discussion"];
/// What older clients (1.28) call the second of [`DOMAINS`].
const FORMER_DISCUSSION: &str = "discussions";
const MAX_URL_CHARS: usize = 2_000;
const MAX_SECRET_CHARS: usize = 200;

/// What a new webhook shall be, or how one shall change; what is not said stays as it is.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Where deliveries go.
    pub url: Option<String>,
    /// What is watched; empty: not said.
    pub watched: Vec<Watched>,
    /// What is heard of.
    pub domains: Option<Vec<String>>,
    /// What is sent with each delivery; empty: nothing.
    pub secret: Option<String>,
}

pub(super) fn missing() -> HubError {
    HubError::not_found("You have no webhook with this id: it may have been deleted.")
}

/// Finds a webhook of a user.
///
/// # Errors
/// 404 when they have none with this id.
pub(super) async fn get(app: &App, user: &User, id: &str) -> HubResult<Webhook> {
    // A NUL would be an error in the database.
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(missing());
    }
    queries::find(&app.pool, user.pk, id).await?.ok_or_else(missing)
}

/// Makes a webhook.
///
/// # Errors
/// 400 for what does not fit, 409 when there are as many as there may be.
pub(super) async fn create(app: &App, viewer: &Viewer, user: &User, wanted: &Wanted) -> HubResult<Webhook> {
    let url = wanted.url.as_deref().ok_or_else(|| HubError::bad_request("Give the `url` that deliveries go to.").at("url"))?;
    let url = checked_url(app, url)?;
    let domains = checked_domains(wanted.domains.as_deref())?.unwrap_or_else(|| DOMAINS.map(str::to_owned).into());
    let secret = checked_secret(wanted.secret.as_deref())?.flatten();
    if wanted.watched.is_empty() {
        return Err(HubError::bad_request("Say what to watch: a user, an organization or a repository.").at("watched"));
    }
    let targets = watched::find_targets(app, viewer, user, &wanted.watched).await?;
    let mut tx = app.begin().await?;
    if queries::lock_and_count(&mut tx, user.pk).await? >= MAX_WEBHOOKS {
        return Err(HubError::conflict(format!("You have {MAX_WEBHOOKS} webhooks, as many as there may be. Delete one first.")));
    }
    let made = queries::insert(&mut tx, user.pk, &Form { url: &url, domains: &domains, secret }).await?;
    queries::replace_watches(&mut tx, made.pk, &targets).await?;
    tx.commit().await?;
    Ok(made)
}

/// Changes a webhook.
///
/// # Errors
/// As [`create`]; 404 when there is none.
pub(super) async fn change(app: &App, viewer: &Viewer, user: &User, id: &str, wanted: &Wanted) -> HubResult<Webhook> {
    let found = get(app, user, id).await?;
    let url = match &wanted.url {
        Some(url) => checked_url(app, url)?,
        None => found.url.clone(),
    };
    let domains = checked_domains(wanted.domains.as_deref())?.unwrap_or_else(|| found.domains.clone());
    let secret = checked_secret(wanted.secret.as_deref())?.unwrap_or(found.secret.as_deref());
    let targets = watched::find_targets(app, viewer, user, &wanted.watched).await?;
    if url != found.url && targets.is_empty() {
        watched::check_watched(app, viewer, user, found.pk).await?;
    }
    let mut tx = app.begin().await?;
    queries::update(&mut tx, found.pk, &Form { url: &url, domains: &domains, secret }).await?;
    if !targets.is_empty() {
        queries::replace_watches(&mut tx, found.pk, &targets).await?;
    }
    tx.commit().await?;
    get(app, user, id).await
}

/// The address as it is kept. Names are looked at when something is sent.
fn checked_url(app: &App, text: &str) -> HubResult<String> {
    let refuse = |message: &str| HubError::bad_request(message).at("url");
    let text = text.trim();
    if text.chars().count() > MAX_URL_CHARS {
        return Err(HubError::bad_request(format!("Keep the URL under {MAX_URL_CHARS} characters.")).at("url"));
    }
    let mut url = Url::parse(text).map_err(|_| refuse("This is not a URL: write it like `https://ci.example.org/hook`."))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(refuse("The URL must begin with `https://` or `http://`, and name a host."));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("Leave the name and password out of the URL. Receivers know the hub by the secret."));
    }
    url.set_fragment(None);
    if app.webhooks.allowed.check(&url).is_err() {
        return Err(refuse("This address is not public, or the hub sends only to others. Ask its operator to allow it."));
    }
    Ok(url.into())
}

fn checked_domains(domains: Option<&[String]>) -> HubResult<Option<Vec<String>>> {
    let Some(domains) = domains else { return Ok(None) };
    let today = |domain: &String| if domain == FORMER_DISCUSSION { DOMAINS[1].to_owned() } else { domain.clone() };
    let domains: Vec<String> = domains.iter().map(today).collect();
    if domains.is_empty() || domains.iter().any(|domain| !DOMAINS.contains(&domain.as_str())) {
        return Err(HubError::bad_request("Choose what to hear of: `repo`, `discussion` or both.").at("domains"));
    }
    Ok(Some(DOMAINS.into_iter().filter(|domain| domains.iter().any(|one| one == domain)).map(str::to_owned).collect()))
}

/// The secret as it is kept; the outer `None`: nothing was said. It travels in a header.
fn checked_secret(secret: Option<&str>) -> HubResult<Option<Option<&str>>> {
    let Some(secret) = secret else { return Ok(None) };
    if secret.len() > MAX_SECRET_CHARS || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(HubError::bad_request(format!(
            "A secret has at most {MAX_SECRET_CHARS} letters, digits and signs of ASCII, and no spaces."
        ))
        .at("secret"));
    }
    Ok(Some(Some(secret).filter(|secret| !secret.is_empty())))
}

/// Switches a webhook on or off.
///
/// # Errors
/// 404 when there is none.
pub(super) async fn switch(app: &App, user: &User, id: &str, on: bool) -> HubResult<Webhook> {
    let found = get(app, user, id).await?;
    let mut tx = app.begin().await?;
    if on {
        queries::enable(&mut tx, found.pk).await?;
    } else {
        queries::disable(&mut tx, &[found.pk], None).await?;
    }
    tx.commit().await?;
    get(app, user, id).await
}

/// Switches webhooks off because of what became of their deliveries, and tells their owners.
///
/// # Errors
/// The database does not answer.
pub(super) async fn switch_off(conn: &mut PgConnection, webhook_pks: &[i64], because: &str) -> HubResult<()> {
    for webhook in queries::disable(conn, webhook_pks, Some(because)).await? {
        let host = Url::parse(&webhook.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let notice = Notice::WebhookDisabled { id: webhook.id, host, because: because.to_owned() };
        Job::tell(webhook.user_pk, notice).enqueue(conn).await?;
    }
    Ok(())
}

/// Deletes a webhook with its log. But for the log it can be restored ([`super::deleted`]).
///
/// # Errors
/// 404 when there is none.
pub(super) async fn delete(app: &App, user: &User, id: &str) -> HubResult<()> {
    let found = get(app, user, id).await?;
    let mut tx = app.begin().await?;
    queries::deleted::delete(&mut tx, found.pk).await?;
    tx.commit().await?;
    Ok(())
}

/// Sends a ping.
///
/// # Errors
/// 409 when the webhook is switched off or too much waits, 404 when there is none.
pub(super) async fn ping(app: &App, user: &User, id: &str) -> HubResult<Webhook> {
    let found = get(app, user, id).await?;
    let mut tx = app.begin().await?;
    check_room(&mut tx, &found).await?;
    let payload = payload::ping(&app.config.base(), user);
    deliveries::insert(&mut tx, &[found.pk], None, "ping", &payload).await?;
    tx.commit().await?;
    Ok(found)
}

/// Finds a delivery of a webhook.
///
/// # Errors
/// 404 when there is none.
pub(super) async fn get_delivery(app: &App, webhook: &Webhook, id: &str) -> HubResult<Delivery> {
    let missing = || HubError::not_found("There is no such delivery: the log keeps the newest ones only.");
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(missing());
    }
    deliveries::find(&app.pool, webhook.pk, id).await?.ok_or_else(missing)
}

/// Sends a delivery's payload once more, as a delivery of its own, and gives that one's id. Whether its owner may still see what it
/// is about is asked when it is sent.
///
/// # Errors
/// 409 when the webhook is switched off, the delivery still waits, or too much waits; 404 when there is none.
pub(super) async fn replay(app: &App, user: &User, id: &str, delivery: &str) -> HubResult<String> {
    let found = get(app, user, id).await?;
    let again = get_delivery(app, &found, delivery).await?;
    if again.state == "waiting" {
        return Err(HubError::conflict("This delivery is still waiting to be sent."));
    }
    let mut tx = app.begin().await?;
    check_room(&mut tx, &found).await?;
    let made = deliveries::repeat(&mut tx, found.pk, again.pk).await?;
    tx.commit().await?;
    Ok(made)
}

async fn check_room(conn: &mut PgConnection, webhook: &Webhook) -> HubResult<()> {
    if webhook.disabled {
        return Err(HubError::conflict("This webhook is disabled. Enable it first."));
    }
    if deliveries::count_waiting(conn, webhook.pk).await? >= MAX_WAITING {
        return Err(HubError::conflict("Too many deliveries of this webhook wait to be sent. Try again later."));
    }
    Ok(())
}
