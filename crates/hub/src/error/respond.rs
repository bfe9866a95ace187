//! From [`HubError`] to a response. The route's family picks the format, never the handler.

use std::borrow::Cow;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpResponse, ResponseError};
use serde_json::{Value, json};

use super::{ErrorKind, HubError, wire};
use crate::web::base_url::BaseUrl;
use crate::web::request_id::RequestId;

/// The kinds of routes, by how they word an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `/api/…`: JSON with `error`.
    Api,
    /// Git LFS: JSON with `message` and `request_id`.
    Lfs,
    /// Git smart HTTP: plain text, and a Basic challenge so that git asks for credentials.
    Git,
    /// `resolve` and `raw`: plain text.
    File,
    /// Everything else: a page.
    Page,
}

/// Tells the family of a request path.
pub fn family_of(path: &str) -> Family {
    if path.starts_with("/api/") || path.starts_with("/xet/") || path == "/uploads" || crate::oauth::is_for_programs(path) {
        Family::Api
    } else if path.contains("/info/lfs") || path.starts_with("/lfs/") {
        Family::Lfs
    } else if path.ends_with("/info/refs") || path.ends_with("/git-upload-pack") || path.ends_with("/git-receive-pack") {
        Family::Git
    } else if path.contains("/resolve/") || path.contains("/raw/") || path.contains("/archive/") {
        Family::File
    } else {
        Family::Page
    }
}

impl ResponseError for HubError {
    fn status_code(&self) -> StatusCode {
        match self.kind {
            ErrorKind::BadRequest => StatusCode::BAD_REQUEST,
            ErrorKind::Unauthenticated | ErrorKind::InvalidCredentials => StatusCode::UNAUTHORIZED,
            ErrorKind::Gated | ErrorKind::RepoNotFound if self.anonymous => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden | ErrorKind::Gated | ErrorKind::ContentWarning => StatusCode::FORBIDDEN,
            ErrorKind::RepoNotFound | ErrorKind::RevisionNotFound | ErrorKind::EntryNotFound | ErrorKind::NotFound => {
                StatusCode::NOT_FOUND
            }
            ErrorKind::RepoGone => StatusCode::GONE,
            ErrorKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ErrorKind::Silent => StatusCode::REQUEST_TIMEOUT,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            ErrorKind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Recalled => StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
            ErrorKind::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Moved => StatusCode::TEMPORARY_REDIRECT,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            ErrorKind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            ErrorKind::Unavailable | ErrorKind::ReadOnly => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The API's format; [`render_errors`] rewrites it for the other families.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.respond(Family::Api, "", "")
    }
}

impl HubError {
    /// Whether the hub failed, which somebody must look into.
    pub fn is_failure(&self) -> bool {
        self.status_code().is_server_error() && self.kind != ErrorKind::ReadOnly
    }

    fn code(&self) -> Option<&'static str> {
        match self.kind {
            ErrorKind::RepoNotFound | ErrorKind::RepoGone => Some(wire::REPO_NOT_FOUND),
            ErrorKind::RevisionNotFound => Some(wire::REVISION_NOT_FOUND),
            ErrorKind::EntryNotFound | ErrorKind::Recalled => Some(wire::ENTRY_NOT_FOUND),
            ErrorKind::Gated => Some(wire::GATED_REPO),
            _ => None,
        }
    }

    /// The sentence with the whole address of the page that it names.
    pub fn message_at(&self, base: &str) -> Cow<'_, str> {
        match self.page() {
            Some(page) => Cow::Owned(self.message.replacen(&format!(" {page} "), &format!(" {base}{page} "), 1)),
            None => Cow::Borrowed(&self.message),
        }
    }

    fn respond(&self, family: Family, request_id: &str, base: &str) -> HttpResponse<BoxBody> {
        let status = self.status_code();
        let message = self.message_at(base);
        let mut response = HttpResponse::build(status);
        if let Some(code) = self.code() {
            response.insert_header(("X-Error-Code", code));
        }
        if self.kind != ErrorKind::Moved {
            response.insert_header(("X-Error-Message", header_text(&message)));
        }
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.insert_header((HeaderName::from_static(name_of(name)), value));
            }
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = match family {
                Family::Git | Family::Lfs => "Basic realm=\"Hub: your user name and an access token\", charset=\"UTF-8\"",
                _ => "Bearer realm=\"Authentication required\", charset=\"UTF-8\"",
            };
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
            if family == Family::Lfs {
                response.insert_header(("LFS-Authenticate", "Basic realm=\"Hub\""));
            }
        }
        if self.kind == ErrorKind::Unavailable {
            response.insert_header((header::RETRY_AFTER, "2"));
        }
        match family {
            Family::Api => {
                let mut body = self.body.clone();
                body.insert("error".to_owned(), Value::from(&*message));
                response.json(Value::Object(body))
            }
            Family::Lfs => response
                .content_type("application/vnd.git-lfs+json")
                .body(json!({ "message": message, "request_id": request_id }).to_string()),
            Family::Git | Family::File | Family::Page => {
                response.content_type("text/plain; charset=utf-8").body(format!("{message}\n"))
            }
        }
    }
}

/// Header names are written as on the wire; `http` wants them in lower case.
fn name_of(name: &'static str) -> &'static str {
    match name {
        "Location" => "location",
        "X-Repo-Commit" => "x-repo-commit",
        "Content-Range" => "content-range",
        "Retry-After" => "retry-after",
        other => other,
    }
}

/// One line of visible ASCII: what a header value may hold.
fn header_text(message: &str) -> String {
    message.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).take(500).collect()
}

/// Logs an error that somebody must act on. Called where the error becomes an answer, and so once.
pub fn log_failure(error: &HubError, request_id: &str, path: &str) {
    if error.is_failure() {
        let cause = std::error::Error::source(error).map(|source| format!("{source:?}"));
        tracing::error!(request.id = %request_id, path, cause, "{}", error.message);
    }
}

/// Middleware: words errors by the route's family and logs the ones somebody must act on, once.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn render_errors(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let family = family_of(request.path());
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let response = next.call(request).await?.map_into_boxed_body();
    let Some(error) = response.response().error().and_then(|error| error.as_error::<HubError>()) else {
        return Ok(response);
    };
    log_failure(error, &request_id, response.request().path());
    let base = BaseUrl::of(response.request());
    let rendered = error.respond(family, &request_id, base.as_str());
    Ok(response.into_response(rendered))
}
