//! Signing in on a device that has no browser (RFC 8628): it shows a code, its user types that in a browser, and it asks until then.

use rand::RngExt as _;
use serde_json::{Value, json};

use super::authorize::{auth_time, end_of};
use super::issue::Issuing;
use super::problem::{OauthResult, refuse};
use super::queries::clients::{Client, NewConsent, find_client_by_pk, upsert_consent};
use super::queries::devices::{self as queries, NewDevice, Waiting};
use super::queries::grants::{NewGrant, insert_grant, lock_grant};
use super::scopes;
use crate::accounts::{Auth, User, audit, tokens};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::signing::random_secret;
use crate::web::base_url::BaseUrl;

/// How long a device waits, in seconds.
const WAITS_SECS: u32 = 600;
/// Letters that nobody takes for another, and that make no words (RFC 8628, 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// Lets a device wait for its user.
///
/// # Errors
/// `invalid_scope` when it asks for nothing that it may have.
pub(super) async fn begin(
    app: &App,
    base: &BaseUrl,
    client: &Client,
    scope: Option<&str>,
    address: Option<&str>,
) -> OauthResult<Value> {
    let scopes = scopes::asked(scope, &client.scopes);
    if scopes.is_empty() {
        return Err(refuse("invalid_scope", "`scope` names nothing that this client may ask for."));
    }
    let device_code = random_secret::<32>();
    for _ in 0..5 {
        let user_code = new_user_code();
        let device = NewDevice {
            device_hash: &tokens::hash(&device_code),
            user_code: &user_code,
            client_pk: client.pk,
            scopes: &scopes,
            address,
            secs: f64::from(WAITS_SECS),
        };
        match queries::insert_device(&app.pool, &device).await {
            Err(error) if db::violates(&error, "oauth_devices_user_code_key") => {}
            other => {
                other?;
                return Ok(json!({
                    "device_code": device_code, "user_code": user_code, "verification_uri": base.join("/oauth/device"),
                    "verification_uri_complete": base.join(&format!("/oauth/device?user_code={user_code}")),
                    "expires_in": WAITS_SECS, "interval": 5,
                }));
            }
        }
    }
    Err(HubError::conflict("Too many devices wait. Try again.").into())
}

fn new_user_code() -> String {
    let mut rng = rand::rng();
    let mut letters = (0..8).map(|_| char::from(LETTERS.get(rng.random_range(0..LETTERS.len())).copied().unwrap_or(b'B')));
    let first: String = letters.by_ref().take(4).collect();
    format!("{first}-{}", letters.collect::<String>())
}

/// A code as it is kept, of what somebody typed; `None` when it can be none.
pub(super) fn read_user_code(typed: &str) -> Option<String> {
    let letters: String = typed.chars().filter(|c| c.is_ascii_alphabetic()).map(|c| c.to_ascii_uppercase()).take(9).collect();
    let (first, last) = letters.split_at_checked(4)?;
    (last.len() == 4).then(|| format!("{first}-{last}"))
}

/// The device that waits with this code, and its application.
///
/// # Errors
/// 404 when none does.
pub(super) async fn waiting(app: &App, typed: &str) -> HubResult<(String, Waiting, Client)> {
    let missing = || {
        HubError::not_found(
            "No device waits with this code. Look whether you typed it right, or start again on the device: a code \
                             works for 10 minutes.",
        )
        .at("user_code")
    };
    let user_code = read_user_code(typed).ok_or_else(missing)?;
    let waiting = queries::find_waiting(&app.pool, &user_code).await?.ok_or_else(missing)?;
    let client = find_client_by_pk(&app.pool, waiting.client_pk).await?.ok_or_else(missing)?;
    Ok((user_code, waiting, client))
}

/// Signs somebody in on a device.
///
/// # Errors
/// 404 when it waits no more.
pub(super) async fn allow(app: &App, user: &User, auth: &Auth, typed: &str, organization_pks: &[i64]) -> HubResult<Client> {
    let auth_time = auth_time(app, auth).await?;
    let (user_code, waiting, client) = waiting(app, typed).await?;
    let mut tx = audit::begin(app).await?;
    let consent = NewConsent {
        client_pk: client.pk,
        user_pk: user.pk,
        scopes: &waiting.scopes,
        organization_pks,
        of_repos: &scopes::of_repos(),
    };
    let consent_pk = upsert_consent(&mut tx, &consent).await?;
    let grant =
        NewGrant { consent_pk, scopes: &waiting.scopes, organization_pks, auth_time, nonce: None, ends_at: end_of(app, &client) };
    let grant_pk = insert_grant(&mut tx, &grant).await?;
    if !queries::answer(&mut tx, &user_code, Some(grant_pk)).await? {
        return Err(HubError::conflict("The device has its answer already, or waits no more. Start again on the device."));
    }
    tx.commit().await?;
    Ok(client)
}

/// Refuses a device.
///
/// # Errors
/// 404 when it waits no more.
pub(super) async fn deny(app: &App, typed: &str) -> HubResult<Client> {
    let (user_code, _, client) = waiting(app, typed).await?;
    let mut tx = app.begin().await?;
    queries::answer(&mut tx, &user_code, None).await?;
    tx.commit().await?;
    Ok(client)
}

/// Answers a device that asks.
///
/// # Errors
/// The protocol's: `authorization_pending` and `slow_down` until there is an answer.
pub(super) async fn exchange(app: &App, base: &BaseUrl, device_code: &str, client: &Client) -> OauthResult<Value> {
    let bad = || refuse("invalid_grant", "The device code is not valid: it works once, for its client.");
    let hash = tokens::hash(device_code);
    let issuing = Issuing::new(app, base, client).await?;
    let mut tx = app.begin().await?;
    let device = queries::poll(&mut tx, &hash).await?.filter(|device| device.client_pk == client.pk).ok_or_else(bad)?;
    let refusal = if device.is_over {
        Some(refuse("expired_token", "The device code has expired. Start again."))
    } else if device.denied {
        Some(refuse("access_denied", "The person said no."))
    } else if device.is_early {
        Some(refuse("slow_down", "Wait 5 seconds longer between requests."))
    } else {
        device.grant_pk.is_none().then(|| refuse("authorization_pending", "The person has not answered yet."))
    };
    if let Some(refusal) = refusal {
        tx.commit().await?;
        return Err(refusal);
    }
    let grant_pk = device.grant_pk.ok_or_else(bad)?;
    queries::delete_device(&mut tx, &hash).await?;
    let grant = lock_grant(&mut tx, grant_pk).await?.ok_or_else(bad)?;
    let issued = issuing.issue(&mut tx, &grant, &grant.scopes).await?;
    tx.commit().await?;
    Ok(issued)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = new_user_code();
        assert_eq!(read_user_code(&code), Some(code.clone()));
        assert_eq!(read_user_code(&format!(" {} ", code.to_lowercase().replace('-', " "))), Some(code));
        for typed in ["", "BCDF", "BCDF-GHJKL", "1234-5678", "ÄÖÜß-ÄÖÜß"] {
            assert_eq!(read_user_code(typed), None, "{typed}");
        }
    }
}
