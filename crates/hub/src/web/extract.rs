//! Extractors that answer a bad value with the hub's own errors, and set no small default limits.

use std::future::{Future, Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use bytes::BytesMut;
use futures::StreamExt as _;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::{HubError, HubResult};

/// The largest JSON or form body that is read into memory, in bytes.
pub const BODY_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// The query string, with repeated keys kept and `key[]` read as `key`.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Parses a query string or a form body.
    pub fn parse(text: &str) -> Self {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Self(pairs.map(|(key, value)| (key.strip_suffix("[]").unwrap_or(&key).to_owned(), value.into_owned())).collect())
    }

    /// The texts of a JSON object, as if they were a form. Whatever else is in it is left out.
    pub fn of_object(object: &serde_json::Map<String, serde_json::Value>) -> Self {
        let texts = object.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        Self(texts.collect())
    }

    /// The first value of a key, unless it is empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs.find(|(name, value)| name == key && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values of a key.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether a key says `true`, `1`, `True` or nothing at all (`?full`).
    pub fn flag(&self, key: &str) -> bool {
        self.all(key).any(|value| matches!(value, "true" | "True" | "1" | ""))
    }

    /// A number.
    ///
    /// # Errors
    /// 400 when the value is not a number.
    pub fn number(&self, key: &str) -> HubResult<Option<u64>> {
        let parse = |text: &str| text.parse().map_err(|_| HubError::bad_request(format!("`{key}` must be a whole number")));
        self.get(key).map(parse).transpose()
    }

    /// The same with another name for a key.
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        self.0.iter_mut().filter(|(key, _)| key == from).for_each(|(key, _)| to.clone_into(key));
        self
    }

    /// All pairs, in order.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

impl FromRequest for Query {
    type Error = HubError;
    type Future = Ready<HubResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::parse(request.query_string())))
    }
}

/// Reads a whole body into memory, up to a limit in bytes.
///
/// # Errors
/// 413 above the limit, 400 when the client goes away or sends broken encoding.
pub async fn read_body(payload: &mut Payload, limit: usize) -> HubResult<BytesMut> {
    let mut body = BytesMut::new();
    while let Some(part) = payload.next().await {
        let part = part.map_err(|error| HubError::bad_request(format!("The request body could not be read: {error}")))?;
        if body.len() + part.len() > limit {
            return Err(HubError::too_large(format!("The request body is larger than {limit} bytes.")));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// A JSON body of any content type, up to [`BODY_LIMIT_BYTES`]; an empty body reads as `{}`.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut payload = decoded(request, payload);
        Box::pin(async move {
            let body = read_body(&mut payload, BODY_LIMIT_BYTES).await?;
            let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
            let value = serde_json::from_slice(text);
            value.map(Self).map_err(|error| HubError::bad_request(format!("The JSON body does not fit: {error}")))
        })
    }
}

/// A form body, with repeated keys kept.
#[derive(Debug)]
pub struct Form(pub Query);

impl FromRequest for Form {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut payload = decoded(request, payload);
        Box::pin(async move {
            let body = read_body(&mut payload, BODY_LIMIT_BYTES).await?;
            let text = std::str::from_utf8(&body).map_err(|_| HubError::bad_request("The form is not UTF-8."))?;
            Ok(Self(Query::parse(text)))
        })
    }
}

/// The body with its `Content-Encoding` undone.
pub fn decoded(request: &HttpRequest, payload: &mut Payload) -> Payload {
    let raw = payload.take();
    let decoder = actix_web::dev::Decompress::from_headers(raw, request.headers());
    Payload::Stream { payload: Box::pin(decoder) }
}

/// The state that all requests share.
///
/// # Errors
/// 500 when it is not mounted.
pub fn app_of(request: &HttpRequest) -> HubResult<&web::Data<App>> {
    request.app_data::<web::Data<App>>().ok_or_else(|| HubError::internal("the app is not mounted"))
}

/// Whether the request changes nothing.
pub fn is_safe(request: &HttpRequest) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A path parameter as it is on the wire (`%2F` not decoded), or empty.
pub fn raw_param<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.match_info().get(name).unwrap_or_default()
}

/// Answers requests for paths that nothing is mounted at. A page's address with a slash behind it leads to the page.
///
/// # Errors
/// 404 for all others.
pub async fn no_route(request: HttpRequest, _: web::Data<App>) -> HubResult<HttpResponse> {
    let path = request.uri().path();
    let page = path.trim_end_matches('/');
    // Two slashes would lead to another host.
    let is_here = page.strip_prefix('/').is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '\\']));
    if is_here && page.len() < path.len() && is_safe(&request) && !page.starts_with("/api/") {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        return Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, format!("{page}{query}"))).finish());
    }
    Err(HubError::not_found("There is nothing at this address."))
}
