//! Signing in at an outside provider, by OpenID Connect (docs/sign-in.md).
//!
//! [`Provider`] asks it and checks what it says; [`operations`] finds or makes the account; [`ticket`] is what the browser keeps
//! meanwhile, so that any node can go on. `pages/oidc.rs` and `pages/oidc_new.rs` lead people through.

pub mod operations;
mod provider;
pub mod ticket;

use serde::{Deserialize, Serialize};

/// The library, for providers that tests run.
#[doc(hidden)]
pub use openidconnect;

pub use provider::{ALGORITHMS, Provider};

use crate::app::App;
use crate::config::OidcConfig;
use crate::error::{HubError, HubResult};

/// A sign-in that has begun: what is compared when the browser comes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flow {
    /// What the browser must bring back.
    pub state: String,
    /// What the provider must sign.
    pub nonce: String,
    /// What proves that the code was asked for here (PKCE).
    pub verifier: String,
    /// Where to go afterwards.
    pub next: String,
    /// If somebody who is signed in shows once more who they are: of what session.
    #[serde(default)]
    pub proof: Option<Proof>,
}

/// What is to be proved by signing in anew.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proof {
    /// The key of the session, in hexadecimal.
    pub session: String,
    /// When it was asked for, in seconds since 1970.
    pub since: i64,
}

/// Who somebody is at the provider, as it has signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// The person, for good.
    pub subject: String,
    /// The mail address.
    pub email: Option<String>,
    /// Whether the provider has made sure of it.
    pub email_verified: bool,
    /// What the person is called there.
    pub username: Option<String>,
    /// The full name, possibly empty.
    pub fullname: String,
    /// When the person last signed in there, in seconds since 1970, if the provider tells.
    #[serde(default)]
    pub signed_in_at: Option<i64>,
}

impl Identity {
    /// What to call it on pages.
    pub fn label(&self) -> &str {
        self.email.as_deref().or(self.username.as_deref()).unwrap_or(&self.subject)
    }

    /// The mail address, if the provider has made sure of it.
    pub fn verified_email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.email_verified)
    }
}

/// Somebody whom the provider knows and the hub does not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Newcomer {
    /// Who it is.
    pub identity: Identity,
    /// Where to go afterwards.
    pub next: String,
}

/// The provider of this hub.
///
/// # Errors
/// 404 when there is none.
pub fn config_of(app: &App) -> HubResult<&OidcConfig> {
    let text = "This hub has no single sign-on. Log in with your password at /login.";
    app.config.oidc.as_ref().ok_or_else(|| HubError::not_found(text))
}

/// 400: what the browser brought back does not fit what was begun.
pub fn start_again() -> HubError {
    HubError::bad_request(
        "This sign-in is over: it was used already, took longer than ten minutes, or began in another browser. Start again at /login.",
    )
}
