//! What OAuth has words for when something is wrong (RFC 6749, 5.2), and how programs are told.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use serde_json::json;

use crate::error::HubError;

/// An error of the protocol: a code that programs compare, and a sentence for who reads their log.
#[derive(Debug)]
pub(super) struct Problem {
    /// `invalid_grant` and the like.
    pub code: &'static str,
    /// The sentence.
    pub text: String,
}

/// Why something is not done.
#[derive(Debug)]
pub(super) enum OauthError {
    /// The application did something wrong.
    Refused(Problem),
    /// The hub did, or what is asked is no matter of OAuth.
    Hub(HubError),
}

/// The result of what an application asks.
pub(super) type OauthResult<T> = Result<T, OauthError>;

/// An error of the protocol.
pub(super) fn refuse(code: &'static str, text: impl Into<String>) -> OauthError {
    OauthError::Refused(Problem { code, text: text.into() })
}

impl From<HubError> for OauthError {
    fn from(error: HubError) -> Self {
        Self::Hub(error)
    }
}

impl From<sqlx::Error> for OauthError {
    fn from(error: sqlx::Error) -> Self {
        Self::Hub(error.into())
    }
}

impl Problem {
    /// The answer to a program.
    pub(super) fn respond(&self) -> HttpResponse {
        let status = if self.code == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        let mut response = HttpResponse::build(status);
        response.insert_header((CACHE_CONTROL, "no-store"));
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Basic realm=\"Application\""));
        }
        response.json(json!({ "error": self.code, "error_description": self.text }))
    }
}
