//! What the stores over HTTP have in common.

use std::time::Duration;

use object_store::{ClientOptions, RetryConfig};
use reqwest::{Client, StatusCode};

use crate::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest silence of the service inside one request.
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// How `object_store` talks to a service at this address.
pub(crate) fn options(endpoint: &str) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(endpoint.starts_with("http://"))
        .with_timeout_disabled()
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_read_timeout(READ_TIMEOUT)
}

/// How often `object_store` tries again before the hub says that the store is not available.
pub(crate) fn retry() -> RetryConfig {
    RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() }
}

/// A client for what `object_store` does not do.
pub(crate) fn http() -> Result<Client> {
    // Fails when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
    client.map_err(Error::unavailable)
}

/// Makes an error of an answer that is none.
pub(crate) fn check(key: &str, status: StatusCode, body: &str) -> Result<()> {
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::NOT_FOUND => Err(Error::NotFound { key: key.to_owned() }),
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
            Err(Error::Denied { key: key.to_owned(), source: format!("{status} {body}").into() })
        }
        status => Err(Error::unavailable(format!("{status} {body}"))),
    }
}
