//! Passkeys (WebAuthn): to sign in without a password, as a second factor, and to prove once more who one is.

use actix_web::HttpRequest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};

use super::ceremonies::{self, Kind};
use super::{follow_addition, follow_removal, has_any_in, user_of};
use crate::accounts::queries::factors::{self as queries, NewPasskey, PasskeyRow};
use crate::accounts::queries::lock_user;
use crate::accounts::{User, UserPk, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::base_url::BaseUrl;
use crate::web::text::is_readable_line;

/// The most passkeys of an account.
const MAX: usize = 20;
/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// A challenge to make a passkey, with what the account is known by to authenticators.
#[derive(Debug, Serialize, Deserialize)]
struct Adding {
    handle: Uuid,
    registration: PasskeyRegistration,
}

/// Whom passkeys of a hub at this address are for. Browsers know none for addresses that are numbers, and none without TLS.
pub(in crate::accounts) fn relying_party(base: &BaseUrl) -> Option<Webauthn> {
    let origin = Url::parse(base.as_str()).ok()?;
    let host = origin.domain()?.to_owned();
    let is_secure = base.is_https() || host == "localhost" || host.ends_with(".localhost");
    if !is_secure {
        return None;
    }
    WebauthnBuilder::new(&host, &origin).ok()?.rp_name("Hub").build().ok()
}

fn require_party(request: &HttpRequest) -> HubResult<Webauthn> {
    let text = "Passkeys need an address that begins with https:// and a name, no number: tell whoever runs the hub.";
    relying_party(&BaseUrl::of(request)).ok_or_else(|| HubError::bad_request(text))
}

fn refused(error: &WebauthnError) -> HubError {
    tracing::info!(cause = %error, "a passkey was refused");
    HubError::forbidden("This passkey was not accepted. Load the page again and try once more, or use another way.")
}

fn over() -> HubError {
    HubError::forbidden("This took too long, or was sent twice. Load the page again and use the passkey once more.")
}

fn challenge(secret: String, options: impl Serialize) -> HubResult<Value> {
    Ok(json!({ "ceremony": secret, "options": serde_json::to_value(options).map_err(HubError::internal)? }))
}

fn passkey_of(row: &PasskeyRow) -> HubResult<Passkey> {
    serde_json::from_value(row.credential.clone()).map_err(HubError::internal)
}

async fn list(app: &App, user_pk: UserPk) -> HubResult<Vec<PasskeyRow>> {
    let mut conn = app.pool.acquire().await?;
    Ok(queries::list_passkeys(&mut conn, user_pk).await?)
}

/// What the browser needs to make a passkey.
///
/// # Errors
/// 400 where the hub's address allows no passkeys.
pub(in crate::accounts) async fn begin_adding(app: &App, request: &HttpRequest, user: &User) -> HubResult<Value> {
    let party = require_party(request)?;
    let known = list(app, user.pk).await?;
    let handle = known.first().and_then(|row| Uuid::from_slice(&row.user_handle).ok()).unwrap_or_else(Uuid::new_v4);
    let ids = known.iter().map(|row| passkey_of(row).map(|key| key.cred_id().clone())).collect::<HubResult<Vec<_>>>()?;
    let shown = if user.fullname.is_empty() { &user.name } else { &user.fullname };
    let (options, registration) =
        party.start_passkey_registration(handle, &user.name, shown, Some(ids)).map_err(|error| refused(&error))?;
    let secret = ceremonies::keep(app, request, Kind::NewPasskey, Some(user.pk), &Adding { handle, registration }).await?;
    let mut challenge = challenge(secret, options)?;
    // Authenticators shall keep it, so that it works without a user name.
    if let Some(selection) = challenge.pointer_mut("/options/publicKey/authenticatorSelection").and_then(Value::as_object_mut) {
        selection.insert("residentKey".to_owned(), json!("required"));
        selection.insert("requireResidentKey".to_owned(), json!(true));
    }
    Ok(challenge)
}

/// Keeps a passkey that the browser made. Gives recovery codes if this is the account's first factor.
///
/// # Errors
/// 400 for a bad name, 403 for what is no answer to a challenge of this browser, 409 for one too many or one that is known.
pub(in crate::accounts) async fn add(
    app: &App,
    request: &HttpRequest,
    user: &User,
    session_hash: &[u8],
    answer: &Answer<'_>,
    name: &str,
) -> HubResult<Option<Vec<String>>> {
    check_name(name)?;
    let party = require_party(request)?;
    let found = ceremonies::take::<Adding>(app, request, Kind::NewPasskey, answer.ceremony).await?.ok_or_else(over)?;
    let (Some(user_pk), Adding { handle, registration }) = found else { return Err(over()) };
    if user_pk != user.pk {
        return Err(over());
    }
    let made: RegisterPublicKeyCredential = answer.read()?;
    let passkey = party.finish_passkey_registration(&made, &registration).map_err(|error| refused(&error))?;
    let credential = serde_json::to_value(&passkey).map_err(HubError::internal)?;
    let mut tx = audit::begin(app).await?;
    lock_user(&mut tx, user.pk).await?;
    let was_first = !has_any_in(&mut tx, user.pk).await?;
    if queries::list_passkeys(&mut tx, user.pk).await?.len() >= MAX {
        return Err(HubError::conflict(format!("Keep it to {MAX} passkeys: remove one that you do not use.")));
    }
    let new = NewPasskey {
        user_pk: user.pk,
        name,
        credential_id: passkey.cred_id(),
        user_handle: handle.as_bytes(),
        credential: &credential,
    };
    if !queries::insert_passkey(&mut tx, &new).await? {
        return Err(HubError::conflict("This passkey is known to the hub already."));
    }
    let told = format!("the passkey “{name}” was added to your account: it opens your account without a password.");
    let codes = follow_addition(&mut tx, user.pk, was_first, session_hash, &told).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(codes)
}

fn check_name(name: &str) -> HubResult<()> {
    if !is_readable_line(name) || name.chars().count() > MAX_NAME {
        let text = format!("Give the passkey a name of 1 to {MAX_NAME} characters, such as the device that has it.");
        return Err(HubError::bad_request(text).at("name"));
    }
    Ok(())
}

/// What a browser sent back.
#[derive(Debug, Clone, Copy)]
pub(in crate::accounts) struct Answer<'a> {
    /// The secret that it got with the challenge.
    pub ceremony: &'a str,
    /// What the authenticator made, as JSON.
    pub credential: &'a str,
}

impl Answer<'_> {
    fn read<T: serde::de::DeserializeOwned>(&self) -> HubResult<T> {
        serde_json::from_str(self.credential)
            .map_err(|_| HubError::bad_request("What the browser sent is no passkey. Load the page again."))
    }
}

/// A challenge to the passkeys of a user.
///
/// # Errors
/// 409 for a user without any.
pub(in crate::accounts) async fn begin_proof(app: &App, request: &HttpRequest, kind: Kind, user_pk: UserPk) -> HubResult<Value> {
    let party = require_party(request)?;
    let keys = list(app, user_pk).await?.iter().map(passkey_of).collect::<HubResult<Vec<_>>>()?;
    if keys.is_empty() {
        return Err(HubError::conflict("Your account has no passkey: use another way."));
    }
    let (options, state) = party.start_passkey_authentication(&keys).map_err(|error| refused(&error))?;
    let secret = ceremonies::keep(app, request, kind, Some(user_pk), &state).await?;
    challenge(secret, options)
}

/// Checks the answer to such a challenge.
///
/// # Errors
/// 403 for what is none.
pub(in crate::accounts) async fn check_proof(
    app: &App,
    request: &HttpRequest,
    kind: Kind,
    user_pk: UserPk,
    answer: &Answer<'_>,
) -> HubResult<()> {
    let party = require_party(request)?;
    let found = ceremonies::take::<PasskeyAuthentication>(app, request, kind, answer.ceremony).await?.ok_or_else(over)?;
    let (Some(challenged), state) = found else { return Err(over()) };
    let signed: PublicKeyCredential = answer.read()?;
    let result = party.finish_passkey_authentication(&signed, &state).map_err(|error| refused(&error))?;
    let row = queries::find_passkey(&app.pool, result.cred_id()).await?;
    // It may have been removed since.
    let row = row.filter(|row| row.user_pk == user_pk && challenged == user_pk).ok_or_else(over)?;
    note(app, &row, &result).await
}

/// A challenge to any passkey: who answers tells who they are.
///
/// # Errors
/// 400 where the hub's address allows no passkeys.
pub(in crate::accounts) async fn begin_sign_in(app: &App, request: &HttpRequest) -> HubResult<Value> {
    let (options, state) = require_party(request)?.start_discoverable_authentication().map_err(|error| refused(&error))?;
    let secret = ceremonies::keep(app, request, Kind::SignIn, None, &state).await?;
    challenge(secret, options)
}

/// Finds who answered such a challenge.
///
/// # Errors
/// 403 for what is no answer.
pub(in crate::accounts) async fn sign_in(app: &App, request: &HttpRequest, answer: &Answer<'_>) -> HubResult<User> {
    let party = require_party(request)?;
    let found = ceremonies::take::<DiscoverableAuthentication>(app, request, Kind::SignIn, answer.ceremony).await?;
    let (_, state) = found.ok_or_else(over)?;
    let signed: PublicKeyCredential = answer.read()?;
    let (handle, id) = party.identify_discoverable_authentication(&signed).map_err(|error| refused(&error))?;
    let unknown =
        || HubError::forbidden("This passkey is not known here (any more). Log in another way, and remove it from your device.");
    let row = queries::find_passkey(&app.pool, id).await?.ok_or_else(unknown)?;
    if row.user_handle != handle.as_bytes() {
        return Err(unknown());
    }
    let result = party.finish_discoverable_authentication_v2(&signed, state, passkey_of(&row)?);
    note(app, &row, &result.map_err(|error| refused(&error))?).await?;
    user_of(app, row.user_pk).await
}

/// Notes a use, with the counter: an authenticator that counts must have counted on since its last use, or it has a twin. That it
/// did since the challenge was made, which may be minutes ago, the library has seen.
async fn note(app: &App, row: &PasskeyRow, result: &AuthenticationResult) -> HubResult<()> {
    let before = row.credential.pointer("/cred/counter").and_then(Value::as_u64).unwrap_or_default();
    let counts = before > 0 || result.counter() > 0;
    if counts && u64::from(result.counter()) <= before {
        return Err(refused(&WebauthnError::CredentialPossibleCompromise));
    }
    let mut passkey = passkey_of(row)?;
    passkey.update_credential(result);
    let credential = serde_json::to_value(&passkey).map_err(HubError::internal)?;
    // Of two answers at once with the same counter one is a twin's.
    if queries::note_passkey(&app.pool, row, &credential).await? { Ok(()) } else { Err(over()) }
}

/// Calls a passkey something else.
///
/// # Errors
/// 400 for a bad name, 404 for none of the user's.
pub(in crate::accounts) async fn rename(app: &App, user: &User, passkey_pk: i64, name: &str) -> HubResult<()> {
    check_name(name)?;
    if queries::rename_passkey(&app.pool, user.pk, passkey_pk, name).await? { Ok(()) } else { Err(missing()) }
}

/// Forgets a passkey.
///
/// # Errors
/// 404 for none of the user's.
pub(in crate::accounts) async fn remove(app: &App, user: &User, passkey_pk: i64) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    lock_user(&mut tx, user.pk).await?;
    let name = queries::delete_passkey(&mut tx, user.pk, passkey_pk).await?.ok_or_else(missing)?;
    follow_removal(&mut tx, user.pk, &format!("the passkey “{name}” of your account was removed.")).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

fn missing() -> HubError {
    HubError::not_found("There is no such passkey of yours: it may have been removed already.")
}
