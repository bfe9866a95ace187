//! How requests reach Meilisearch: through the HTTP client that the hub has already.

use std::time::Duration;

use async_trait::async_trait;
use futures::{AsyncRead, AsyncReadExt, io::AllowStdIo};
use meilisearch_sdk::{
    errors::Error,
    request::{HttpClient, Method, parse_response},
};
use reqwest::{
    Client,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};

/// A search that takes longer is given up.
const DEADLINE: Duration = Duration::from_secs(30);

/// The client of one Meilisearch.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Client,
}

impl Http {
    /// A client that sends `key` with each request.
    pub(crate) fn new(key: Option<&str>) -> Result<Self, crate::SearchError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| Error::InvalidRequest)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = Client::builder().default_headers(headers).timeout(DEADLINE).build()?;
        Ok(Self { client })
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(error))
}

#[async_trait]
impl HttpClient for Http {
    async fn stream_request<Query, Body, Output>(
        &self,
        url: &str,
        method: Method<Query, Body>,
        content_type: &str,
        expected_status_code: u16,
    ) -> Result<Output, Error>
    where
        Query: Serialize + Send + Sync,
        Body: AsyncRead + Send + Sync + 'static,
        Output: DeserializeOwned + 'static,
    {
        let verb = match &method {
            Method::Get { .. } => reqwest::Method::GET,
            Method::Post { .. } => reqwest::Method::POST,
            Method::Patch { .. } => reqwest::Method::PATCH,
            Method::Put { .. } => reqwest::Method::PUT,
            Method::Delete { .. } => reqwest::Method::DELETE,
        };
        let mut request = self.client.request(verb, url).query(method.query());
        if let Some(body) = method.into_body() {
            // The bodies are documents that are in memory already.
            let mut bytes = AllowStdIo::new(std::io::Cursor::new(Vec::new()));
            futures::io::copy(std::pin::pin!(body).take(u64::MAX), &mut bytes).await.map_err(other)?;
            request = request.header(CONTENT_TYPE, content_type).body(bytes.into_inner().into_inner());
        }
        let response = request.send().await.map_err(other)?;
        let status = response.status().as_u16();
        let body = response.text().await.map_err(other)?;
        let body = if body.is_empty() { "null" } else { &body };
        parse_response(status, expected_status_code, body, url.to_owned())
    }

    fn is_tokio(&self) -> bool {
        true
    }
}
