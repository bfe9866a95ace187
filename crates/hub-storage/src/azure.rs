use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use object_store::ObjectStore;
use object_store::azure::MicrosoftAzureBuilder;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use sha2::Sha256;
use url::Url;

use crate::client::{self, check};
use crate::presign::PresignedGet;
use crate::{Error, Result, StorageKey, StoreConfig};

/// A container: `object_store` for bytes; addresses signed here for what it lacks (URLs for clients that say what to answer,
/// copies that are waited for, creating the container).
#[derive(Debug)]
pub(crate) struct Azure {
    objects: Arc<dyn ObjectStore>,
    account: String,
    container: String,
    key: Vec<u8>,
    /// As the hub reaches the account.
    endpoint: Url,
    /// As clients reach it.
    public_endpoint: Url,
    http: reqwest::Client,
}

/// Of the service, and of signatures; both forms of signature below are those of 2020-12-06 and later.
const VERSION: &str = "2023-11-03";
const CALL_VALIDITY: Duration = Duration::from_secs(900);
/// Clocks differ.
const BACKDATED: Duration = Duration::from_secs(300);
/// How long a copy may take that the service carries out later. It copies within an account without moving bytes.
const COPY_DEADLINE: Duration = Duration::from_secs(600);
const COPY_ASKED_EVERY: Duration = Duration::from_millis(250);

impl Azure {
    pub(crate) fn open(config: &StoreConfig) -> Result<Self> {
        let StoreConfig::Azure { endpoint, public_endpoint, account, container, access_key } = config else {
            return Err(Error::PresignUnsupported);
        };
        let http = client::http()?;
        let wrong = |what: &str, error: &dyn std::fmt::Display| Error::Config(format!("cannot use the Azure {what}: {error}"));
        let url = |text: &str| Url::parse(text.trim_end_matches('/')).map_err(|e| wrong("endpoint", &e));
        // `object_store` would show the key.
        let key = BASE64_STANDARD.decode(access_key.expose());
        let key = key.map_err(|_| Error::Config("the Azure access key is not Base64".to_owned()))?;
        let objects = MicrosoftAzureBuilder::new()
            .with_endpoint(endpoint.trim_end_matches('/').to_owned())
            .with_account(account)
            .with_container_name(container)
            .with_access_key(access_key.expose())
            .with_client_options(client::options(endpoint))
            .with_retry(client::retry())
            .build()
            .map_err(|e| wrong("settings", &e))?;
        Ok(Self {
            objects: Arc::new(objects),
            account: account.clone(),
            container: container.clone(),
            key,
            endpoint: url(endpoint)?,
            public_endpoint: url(public_endpoint.as_ref().unwrap_or(endpoint))?,
            http,
        })
    }

    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        self.objects.clone()
    }

    pub(crate) async fn ensure_bucket(&self) -> Result<()> {
        let mut url = self.url(&self.endpoint, None)?;
        url.query_pairs_mut().append_pair("restype", "container");
        self.sign_account(&mut url, Utc::now());
        match self.call(Method::HEAD, url.clone(), &[]).await? {
            (StatusCode::NOT_FOUND, ..) => {}
            (status, _, body) => return check(&self.container, status, &body),
        }
        let (status, _, body) = self.call(Method::PUT, url, &[]).await?;
        // Another node may have been faster.
        if status == StatusCode::CONFLICT {
            return Ok(());
        }
        check(&self.container, status, &body)
    }

    /// A URL that reads a blob. Unlike those of S3 it can say nothing of ranges.
    pub(crate) fn presign_get(&self, key: &StorageKey, valid: Duration, answer: &PresignedGet<'_>) -> Result<Url> {
        let mut url = self.url(&self.public_endpoint, Some(key))?;
        self.sign_blob(&mut url, key, "r", Utc::now(), valid, answer);
        Ok(url)
    }

    /// Copies a blob and waits until it is there: large copies may be carried out later.
    pub(crate) async fn copy(&self, from: &StorageKey, to: &StorageKey) -> Result<()> {
        let mut source = self.url(&self.endpoint, Some(from))?;
        self.sign_blob(&mut source, from, "r", Utc::now(), COPY_DEADLINE, &PresignedGet::default());
        let mut url = self.url(&self.endpoint, Some(to))?;
        self.sign_blob(&mut url, to, "rcw", Utc::now(), COPY_DEADLINE, &PresignedGet::default());
        let (status, headers, body) = self.call(Method::PUT, url.clone(), &[("x-ms-copy-source", source.as_str())]).await?;
        check(from.as_str(), status, &body)?;
        let mut state = copy_state(&headers);
        let started = tokio::time::Instant::now();
        while state == "pending" && started.elapsed() < COPY_DEADLINE {
            tokio::time::sleep(COPY_ASKED_EVERY).await;
            let (status, headers, body) = self.call(Method::HEAD, url.clone(), &[]).await?;
            check(to.as_str(), status, &body)?;
            state = copy_state(&headers);
        }
        match state.as_str() {
            "success" => Ok(()),
            state => Err(Error::unavailable(format!("a copy of `{from}` is said to be `{state}`"))),
        }
    }

    fn url(&self, endpoint: &Url, key: Option<&StorageKey>) -> Result<Url> {
        let mut url = endpoint.clone();
        let mut path = url.path_segments_mut().map_err(|()| Error::Config("the Azure endpoint has no path".to_owned()))?;
        path.pop_if_empty().push(&self.container).extend(key.into_iter().flat_map(|key| key.as_str().split('/')));
        drop(path);
        Ok(url)
    }

    /// A service signature for one blob:
    /// <https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas>.
    fn sign_blob(
        &self,
        url: &mut Url,
        key: &StorageKey,
        rights: &str,
        now: DateTime<Utc>,
        valid: Duration,
        answer: &PresignedGet<'_>,
    ) {
        let (start, end) = (time(now - BACKDATED), time(now + valid));
        let resource = format!("/blob/{}/{}/{key}", self.account, self.container);
        let (disposition, kind) = (answer.content_disposition.unwrap_or_default(), answer.content_type.unwrap_or_default());
        // Identifier, address, protocol; version, resource, snapshot, encryption scope; five headers of the answer.
        let text = [
            rights,
            start.as_str(),
            end.as_str(),
            resource.as_str(),
            "",
            "",
            "",
            VERSION,
            "b",
            "",
            "",
            "",
            disposition,
            "",
            "",
            kind,
        ];
        let signature = self.mac(&text.join("\n"));
        let mut query = url.query_pairs_mut();
        query.extend_pairs([("sv", VERSION), ("sp", rights), ("st", start.as_str()), ("se", end.as_str()), ("sr", "b")]);
        query.extend_pairs([("rscd", disposition), ("rsct", kind)].into_iter().filter(|(_, value)| !value.is_empty()));
        query.append_pair("sig", &signature);
    }

    /// A signature for the container, which none for a blob covers:
    /// <https://learn.microsoft.com/en-us/rest/api/storageservices/create-account-sas>.
    fn sign_account(&self, url: &mut Url, now: DateTime<Utc>) {
        let (start, end) = (time(now - BACKDATED), time(now + CALL_VALIDITY));
        // Of the blob service (`b`), for containers (`c`): read and create. No address, protocol, encryption scope.
        let text = [self.account.as_str(), "rc", "b", "c", start.as_str(), end.as_str(), "", "", VERSION, "", ""];
        let signature = self.mac(&text.join("\n"));
        let mut query = url.query_pairs_mut();
        query.extend_pairs([
            ("sv", VERSION),
            ("sp", "rc"),
            ("ss", "b"),
            ("srt", "c"),
            ("st", start.as_str()),
            ("se", end.as_str()),
        ]);
        query.append_pair("sig", &signature);
    }

    fn mac(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(text.as_bytes());
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }

    async fn call(&self, method: Method, url: Url, headers: &[(&str, &str)]) -> Result<(StatusCode, HeaderMap, String)> {
        let mut request = self.http.request(method, url).header("x-ms-version", VERSION).header("content-length", "0");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // The URL is signed: it stays out of logs.
        let response = request.send().await.map_err(|e| Error::unavailable(e.without_url()))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.map_err(|e| Error::unavailable(e.without_url()))?;
        Ok((status, headers, body))
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn copy_state(headers: &HeaderMap) -> String {
    headers.get("x-ms-copy-status").and_then(|state| state.to_str().ok()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    #[test]
    fn addresses_name_the_blob_whatever_the_form_of_the_endpoint() {
        for (endpoint, expected) in [
            ("https://ada.blob.core.windows.net", "https://ada.blob.core.windows.net/models/uploads/a"),
            ("http://127.0.0.1:10000/ada/", "http://127.0.0.1:10000/ada/models/uploads/a"),
        ] {
            let config = StoreConfig::Azure {
                endpoint: endpoint.into(),
                public_endpoint: None,
                account: "ada".into(),
                container: "models".into(),
                access_key: Secret::new("aHVudGVyMg=="),
            };
            let azure = Azure::open(&config).unwrap();
            let answer = PresignedGet { content_disposition: Some("inline; filename=\"a b\";"), ..PresignedGet::default() };
            let url = azure.presign_get(&StorageKey::upload("a"), Duration::from_secs(60), &answer).unwrap();
            assert_eq!(url.as_str().split('?').next(), Some(expected));
            let query: std::collections::HashMap<_, _> = url.query_pairs().collect();
            assert_eq!((query["sp"].as_ref(), query["rscd"].as_ref()), ("r", "inline; filename=\"a b\";"));
            assert!(!query.contains_key("rsct"));
        }
    }

    #[test]
    fn a_key_that_is_none_is_not_shown() {
        let config = StoreConfig::Azure {
            endpoint: "https://ada.blob.core.windows.net".into(),
            public_endpoint: None,
            account: "ada".into(),
            container: "models".into(),
            access_key: Secret::new("hunter2!"),
        };
        let error = Azure::open(&config).unwrap_err().to_string();
        assert!(error.contains("access key") && !error.contains("hunter2"), "{error}");
    }
}
