//! What a browser keeps during a sign-in: signed, for ten minutes, in a cookie that only it has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::signing::Signer;

/// How long it is good, in seconds.
pub const LASTS_SECS: i64 = 600;

/// What a ticket is about; one for one purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A sign-in that has begun.
    Flow,
    /// Somebody who has no account here yet.
    Newcomer,
    /// A password that must be changed.
    FirstPassword,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Flow => "oidc-flow",
            Self::Newcomer => "oidc-newcomer",
            Self::FirstPassword => "first-password",
        }
    }

    /// The cookie. By TLS it has a name that no neighbour under the same domain can set.
    pub const fn cookie(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Flow, true) => "__Host-oidc",
            (Self::Flow, false) => "oidc",
            (Self::Newcomer, true) => "__Host-oidc-new",
            (Self::Newcomer, false) => "oidc-new",
            (Self::FirstPassword, true) => "__Host-first-password",
            (Self::FirstPassword, false) => "first-password",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Ticket<T> {
    until: i64,
    what: T,
}

/// Writes a ticket.
pub fn write<T: Serialize>(signer: &Signer, purpose: Purpose, what: T) -> String {
    let ticket = Ticket { until: crate::clock::now().timestamp() + LASTS_SECS, what };
    let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&ticket).unwrap_or_default());
    format!("{text}.{}", signer.sign(purpose.as_str(), &text))
}

/// Reads a ticket that the hub wrote and that is not over.
pub fn read<T: DeserializeOwned>(signer: &Signer, purpose: Purpose, ticket: &str) -> Option<T> {
    let (text, signature) = ticket.split_once('.')?;
    if !signer.verify(purpose.as_str(), text, signature) {
        return None;
    }
    let ticket: Ticket<T> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    (ticket.until >= crate::clock::now().timestamp()).then_some(ticket.what)
}
