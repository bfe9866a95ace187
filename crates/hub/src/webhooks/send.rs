//! One try to deliver: the request, and what came back.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use sha2::Sha256;
use url::Url;

use super::Webhooks;
use super::queries::deliveries::{DueRow, Tried};
use crate::web::outbound::is_not_public;

/// How long a receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what it says is read.
const READING: Duration = Duration::from_secs(2);
/// How much of an answer is kept.
const ANSWER_BYTES: usize = 4096;
const NOT_PUBLIC: &str = "This address is not public, or the hub sends only to others. Its operator can allow it.";

/// Sends a delivery. Whatever comes of it is no error of ours.
pub(super) async fn send(webhooks: &Webhooks, due: &DueRow) -> Tried {
    let started = Instant::now();
    let mut tried = match attempt(webhooks, due).await {
        Ok(tried) => tried,
        Err(error) => Tried { error: Some(error), ..Tried::default() },
    };
    tried.duration_ms = i32::try_from(started.elapsed().as_millis()).unwrap_or(i32::MAX);
    tried
}

async fn attempt(webhooks: &Webhooks, due: &DueRow) -> Result<Tried, String> {
    let url = Url::parse(&due.url).map_err(|_| "The webhook's URL is not one. Correct it.".to_owned())?;
    webhooks.allowed.check(&url).map_err(|_| NOT_PUBLIC.to_owned())?;
    let body = due.payload.to_string();
    let at = crate::clock::now().timestamp().to_string();
    let mut request = webhooks
        .client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &due.id)
        .header("webhook-timestamp", &at);
    if let Some(secret) = &due.secret {
        request = request.header("x-webhook-secret", secret).header("webhook-signature", signature(secret, &due.id, &at, &body));
    }
    let answered = tokio::time::timeout(PATIENCE, request.body(body).send()).await;
    let answered = answered.map_err(|_| format!("No answer came within {} seconds.", PATIENCE.as_secs()))?;
    let response = answered.map_err(|error| reason(&error))?;
    let status = response.status();
    let error = match status.as_u16() {
        200..=299 => None,
        300..=399 => {
            Some("The receiver answered with a redirect, and the hub follows none. Give the URL that it leads to.".to_owned())
        }
        code => Some(format!("The receiver answered with status {code}.")),
    };
    Ok(Tried { status_code: Some(status.as_u16().into()), duration_ms: 0, answer: beginning(response).await, error })
}

/// As the specification "Standard Webhooks" has it, with the bytes of the secret as the key.
fn signature(secret: &str, id: &str, at: &str, body: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body.as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// How an answer begins. The rest is not read: the connection is dropped.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    let until = tokio::time::Instant::now() + READING;
    while bytes.len() < ANSWER_BYTES {
        match tokio::time::timeout_at(until, response.chunk()).await {
            Ok(Ok(Some(chunk))) => bytes.extend_from_slice(chunk.get(..ANSWER_BYTES - bytes.len()).unwrap_or(&chunk)),
            // The status has come, and it is what counts.
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    // Postgres keeps no NUL.
    String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}")
}

/// Why nothing came back, for the owner. What lies behind a name is not said.
fn reason(error: &reqwest::Error) -> String {
    if is_not_public(error) {
        NOT_PUBLIC.to_owned()
    } else if error.is_connect() {
        "The connection failed: the host is not found, does not answer, or its certificate is not valid.".to_owned()
    } else {
        "The connection broke off before an answer came.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        // `printf 'id.1.{}' | openssl dgst -sha256 -hmac secret -binary | base64`
        assert_eq!(signature("secret", "id", "1", "{}"), "v1,490pAcC1LQ1k1cOcmH0da199+A88OKCj0Io4WnJlp68=");
    }
}
