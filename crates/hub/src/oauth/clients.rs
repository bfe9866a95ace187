//! Applications: making them known, changing them, and how they prove who they are.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::problem::{OauthResult, refuse};
use super::queries::clients::deleted::{self, DeletedClient};
use super::queries::clients::{self as queries, Client, ClientForm};
use super::{redirects, scopes};
use crate::accounts::{User, audit, tokens};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::changes::undoable_since;
use crate::signing::random_secret;
use crate::web::extract::Query;
use crate::web::text::is_readable_line;

/// How many applications one account keeps.
const MOST: i64 = 50;
/// How many of those that were deleted are listed.
const MOST_DELETED: i64 = 50;

/// What somebody types about an application.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// Its name.
    pub name: String,
    /// Its home page.
    pub homepage: String,
    /// Where people are sent back to.
    pub redirect_uris: Vec<String>,
    /// The most it may ask for.
    pub scopes: Vec<String>,
}

impl Typed {
    /// What was typed, if it fits.
    ///
    /// # Errors
    /// 400 with the field that does not.
    pub(super) fn check(&self) -> HubResult<ClientForm<'_>> {
        if !is_readable_line(&self.name) || self.name.chars().count() > 100 {
            return Err(HubError::bad_request("Give the application a name of 1 to 100 characters.").at("name"));
        }
        let is_web =
            |text: &str| is_readable_line(text) && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !self.homepage.is_empty() && (self.homepage.len() > 2000 || !is_web(&self.homepage)) {
            return Err(HubError::bad_request("Write the home page as `https://…`, or leave it out.").at("homepage"));
        }
        if self.redirect_uris.len() > redirects::MOST {
            let text = format!("Give at most {} redirect URIs.", redirects::MOST);
            return Err(HubError::bad_request(text).at("redirect_uris"));
        }
        for uri in &self.redirect_uris {
            redirects::check(uri).map_err(|error| error.at("redirect_uris"))?;
        }
        if self.scopes.is_empty() {
            return Err(HubError::bad_request("Choose what the application may ask for.").at("scopes"));
        }
        Ok(ClientForm { name: &self.name, homepage: &self.homepage, redirect_uris: &self.redirect_uris, scopes: &self.scopes })
    }
}

/// Makes an application known; gives its `client_id` and, if it keeps one, its secret, which is shown once.
///
/// # Errors
/// 400 for what does not fit, 409 when the account keeps too many.
pub(super) async fn create(app: &App, user: &User, typed: &Typed, is_confidential: bool) -> HubResult<(String, Option<String>)> {
    let form = typed.check()?;
    let secret = is_confidential.then(new_secret);
    let hash = secret.as_deref().map(tokens::hash);
    let mut tx = audit::begin(app).await?;
    if queries::lock_and_count(&mut tx, user.pk).await? >= MOST {
        return Err(too_many());
    }
    let id = queries::insert_client(&mut tx, Some(user.pk), &form, hash.as_ref().map(<[u8; 32]>::as_slice)).await?;
    tx.commit().await?;
    Ok((id, secret))
}

fn too_many() -> HubError {
    HubError::conflict(format!("You keep {MOST} applications, as many as there may be. Delete one first."))
}

/// Makes an application known that says itself what it is (RFC 7591).
///
/// # Errors
/// 400 for what does not fit.
pub(super) async fn register(app: &App, typed: &Typed, is_confidential: bool) -> HubResult<(String, Option<String>)> {
    let form = typed.check()?;
    let secret = is_confidential.then(new_secret);
    let hash = secret.as_deref().map(tokens::hash);
    let mut tx = app.begin().await?;
    let id = queries::insert_client(&mut tx, None, &form, hash.as_ref().map(<[u8; 32]>::as_slice)).await?;
    tx.commit().await?;
    Ok((id, secret))
}

/// An application that the user keeps.
///
/// # Errors
/// 404 when there is none.
pub(super) async fn kept_by(app: &App, user: &User, client_id: &str) -> HubResult<Client> {
    let found = find(app, client_id).await?.filter(|client| client.keeper.as_deref() == Some(&user.name));
    found.ok_or_else(|| HubError::not_found("There is no such application of yours: it may have been deleted."))
}

/// An application.
///
/// # Errors
/// The database does not answer.
pub(super) async fn find(app: &App, client_id: &str) -> HubResult<Option<Client>> {
    // What no id can be never reaches the database: a NUL in it would be an error there.
    if client_id.len() > 100 || !client_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(None);
    }
    Ok(queries::find_client(&app.pool, client_id).await?)
}

/// Changes an application.
///
/// # Errors
/// 400 for what does not fit.
pub(super) async fn change(app: &App, client: &Client, typed: &Typed) -> HubResult<()> {
    let form = typed.check()?;
    let mut tx = audit::begin(app).await?;
    queries::update_client(&mut tx, client.pk, &form).await?;
    Ok(tx.commit().await?)
}

/// Gives an application another secret; the old one stops working.
///
/// # Errors
/// 400 for an application that keeps none.
pub(super) async fn change_secret(app: &App, client: &Client) -> HubResult<String> {
    if !client.is_confidential() {
        return Err(HubError::bad_request("This application keeps no secret: it proves with PKCE that it is the same."));
    }
    let secret = new_secret();
    let mut tx = audit::begin(app).await?;
    queries::update_secret(&mut tx, client.pk, &tokens::hash(&secret)).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Deletes an application that somebody keeps, and signs everybody out of it. For some time, it can come back ([`restore`]).
///
/// # Errors
/// The database does not answer.
pub(super) async fn delete(app: &App, client: &Client) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    deleted::delete(&mut tx, client.pk).await?;
    Ok(tx.commit().await?)
}

/// The applications that a user deleted and can bring back.
///
/// # Errors
/// The database does not answer.
pub(super) async fn list_deleted(app: &App, user: &User) -> HubResult<Vec<DeletedClient>> {
    Ok(deleted::list(&app.pool, user.pk, undoable_since(app), MOST_DELETED).await?)
}

/// Brings back an application that the user deleted, under its id and with its secret, and gives the id. What people let it do stays
/// taken back.
///
/// # Errors
/// 409 when it is there already, the time for that is over, and when the account keeps too many.
pub(super) async fn restore(app: &App, user: &User, client_pk: i64) -> HubResult<String> {
    let mut tx = audit::begin(app).await?;
    if queries::lock_and_count(&mut tx, user.pk).await? >= MOST {
        return Err(too_many());
    }
    let restored = deleted::restore(&mut tx, user.pk, client_pk, undoable_since(app)).await?;
    let id = restored.ok_or_else(HubError::no_longer_restorable)?;
    tx.commit().await?;
    Ok(id)
}

fn new_secret() -> String {
    format!("oauth_app_secret_{}", random_secret::<32>())
}

/// Scopes that there are, of what was sent.
pub(super) fn scopes_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    scopes::known(names)
}

/// Finds out which application asks, if it says so, and has it prove that.
///
/// # Errors
/// `invalid_client` for one that there is not or that does not prove it, `invalid_request` for one that says two things.
pub(super) async fn authenticate(app: &App, request: &HttpRequest, form: &Query) -> OauthResult<Option<Client>> {
    let by_header = credentials(request)?;
    let (in_form, form_secret) = (form.get("client_id"), form.get("client_secret"));
    let (id, secret) = match &by_header {
        Some(_) if form_secret.is_some() => {
            return Err(refuse("invalid_request", "Send the client's secret once: in the header or in the body."));
        }
        Some((id, _)) if in_form.is_some_and(|other| other != id) => {
            return Err(refuse("invalid_request", "The header and the body name different clients."));
        }
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str()).filter(|secret| !secret.is_empty())),
        None => (in_form, form_secret),
    };
    let Some(id) = id else { return Ok(None) };
    let client = find(app, id).await?;
    let proven = client.as_ref().is_some_and(|client| match (&client.secret_hash, secret) {
        (Some(kept), Some(secret)) => kept.as_slice().ct_eq(&tokens::hash(secret)).into(),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    });
    if proven {
        return Ok(client);
    }
    Err(refuse("invalid_client", "There is no such client, or this is not its secret."))
}

/// The name and secret in the header, each encoded as in a form (RFC 6749, 2.3.1).
fn credentials(request: &HttpRequest) -> OauthResult<Option<(String, String)>> {
    let Some(header) = request.headers().get(AUTHORIZATION) else { return Ok(None) };
    let read = || {
        let (scheme, rest) = header.to_str().ok()?.split_once(' ')?;
        let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        let (id, secret) = decoded.split_once(':')?;
        let plain = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
        scheme.eq_ignore_ascii_case("basic").then_some(())?;
        Some((plain(id)?, plain(secret)?))
    };
    match read() {
        Some(found) => Ok(Some(found)),
        None => Err(refuse("invalid_client", "Send the client's id and secret by `Basic`.")),
    }
}
