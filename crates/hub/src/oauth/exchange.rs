//! `/oauth/token`: what applications get for codes, refresh tokens and devices, and jobs of CI for what their issuer signed.

use actix_web::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::issue::Issuing;
use super::problem::{OauthError, OauthResult, refuse};
use super::queries::clients::{Client, find_client_by_pk};
use super::queries::grants::{Code, delete_grant, lock_grant, take_code};
use super::queries::tokens::{lock_refresh, use_refresh};
use super::{clients, device, publishers};
use crate::accounts::tokens;
use crate::app::App;
use crate::web::base_url::BaseUrl;
use crate::web::extract::Query;

/// What is granted for what the issuer of a job of CI signed (RFC 8693).
pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What is granted for the code of a device.
pub(super) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Answers an application that asks for tokens.
///
/// # Errors
/// The protocol's, and the hub's own.
pub(super) async fn exchange(app: &App, request: &HttpRequest, form: &Query) -> OauthResult<Value> {
    check_once(form)?;
    // A job of CI is no application: what its issuer signed says who it is.
    if form.get("grant_type") == Some(TOKEN_EXCHANGE) {
        return publishers::exchange(app, form).await;
    }
    let base = BaseUrl::of(request);
    let client = clients::authenticate(app, request, form).await?;
    match form.get("grant_type") {
        Some("authorization_code") => for_code(app, &base, form, client).await,
        Some("refresh_token") => for_refresh(app, &base, form, known(client)?).await,
        Some(DEVICE_CODE) => device::exchange(app, &base, required(form, "device_code")?, &known(client)?).await,
        Some(_) => Err(refuse(
            "unsupported_grant_type",
            "The hub grants tokens for codes, refresh tokens, devices and trusted publishers.",
        )),
        None => Err(refuse("invalid_request", "`grant_type` is missing, or the body is no form.")),
    }
}

/// Refuses parameters that come twice: who reads the first and who reads the last would not mean the same.
pub(super) fn check_once(form: &Query) -> OauthResult<()> {
    let mut names: Vec<&str> = form.pairs().iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(refuse("invalid_request", "A parameter comes more than once."));
    }
    Ok(())
}

/// A parameter that must be there.
pub(super) fn required<'a>(form: &'a Query, name: &str) -> OauthResult<&'a str> {
    form.get(name).ok_or_else(|| refuse("invalid_request", format!("`{name}` is missing.")))
}

/// The application that asks, which must say who it is.
pub(super) fn known(client: Option<Client>) -> OauthResult<Client> {
    client.ok_or_else(|| refuse("invalid_client", "`client_id` is missing."))
}

fn bad_code() -> OauthError {
    refuse("invalid_grant", "The code is not valid: it works once, for a minute, for the client and the address it was made for.")
}

/// A code. `@huggingface/hub` does not say which application it is: then the code does, and PKCE proves it.
async fn for_code(app: &App, base: &BaseUrl, form: &Query, client: Option<Client>) -> OauthResult<Value> {
    let hash = tokens::hash(required(form, "code")?);
    let (redirect_uri, verifier) = (required(form, "redirect_uri")?, form.get("code_verifier"));
    let mut tx = app.begin().await?;
    let code = take_code(&mut tx, &hash).await?.ok_or_else(bad_code)?;
    // Whoever shows a code twice, or one that is not theirs, has stolen it or was stolen from: what was granted for it ends.
    let is_theirs = client.as_ref().is_none_or(|client| client.pk == code.client_pk);
    if code.was_used || !is_theirs {
        delete_grant(&mut *tx, code.grant_pk).await?;
        tx.commit().await?;
        return Err(bad_code());
    }
    // From here on the code is used up, whatever comes of it.
    tx.commit().await?;
    let client = match client {
        Some(client) => client,
        None => find_client_by_pk(&app.pool, code.client_pk)
            .await?
            .filter(|client| !client.is_confidential())
            .ok_or_else(|| refuse("invalid_client", "This client has a secret, and must prove with it who it is."))?,
    };
    if code.is_over || code.redirect_uri != redirect_uri || !is_proven(&code, verifier) {
        return Err(bad_code());
    }
    let issuing = Issuing::new(app, base, &client).await?;
    let mut tx = app.begin().await?;
    let grant = lock_grant(&mut tx, code.grant_pk).await?.ok_or_else(bad_code)?;
    let issued = issuing.issue(&mut tx, &grant, &grant.scopes).await?;
    tx.commit().await?;
    Ok(issued)
}

/// Whether who shows a code also asked for it. A verifier without a challenge is an attempt to have PKCE left out.
fn is_proven(code: &Code, verifier: Option<&str>) -> bool {
    match (&code.challenge, verifier) {
        (Some(challenge), Some(verifier)) => {
            let computed = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            (43..=128).contains(&verifier.len()) && bool::from(computed.as_bytes().ct_eq(challenge.as_bytes()))
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// A refresh token, which is exchanged for another.
async fn for_refresh(app: &App, base: &BaseUrl, form: &Query, client: Client) -> OauthResult<Value> {
    let bad =
        || refuse("invalid_grant", "The refresh token is not valid: it works once, for its client, until somebody signs out.");
    let hash = tokens::hash(required(form, "refresh_token")?);
    let issuing = Issuing::new(app, base, &client).await?;
    let mut tx = app.begin().await?;
    let token = lock_refresh(&mut tx, &hash).await?.filter(|token| token.client_pk == client.pk).ok_or_else(bad)?;
    if token.was_used {
        delete_grant(&mut *tx, token.grant_pk).await?;
        tx.commit().await?;
        return Err(bad());
    }
    let grant = lock_grant(&mut tx, token.grant_pk).await?.ok_or_else(bad)?;
    let mut scopes = grant.scopes.clone();
    if let Some(text) = form.get("scope") {
        let asked: Vec<&str> = text.split(' ').collect();
        if !asked.iter().all(|scope| grant.scopes.iter().any(|one| one == scope)) {
            return Err(refuse("invalid_scope", "`scope` asks for more than was granted."));
        }
        scopes.retain(|scope| asked.contains(&scope.as_str()));
    }
    use_refresh(&mut tx, &hash).await?;
    let issued = issuing.issue(&mut tx, &grant, &scopes).await?;
    tx.commit().await?;
    Ok(issued)
}
