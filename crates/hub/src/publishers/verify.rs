//! Believes only what a known issuer has signed, for this hub and this moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{
    CoreGenderClaim, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{ClaimsVerificationError, ClientId, IdToken, IdTokenClaims, IssuerUrl, Nonce};
use serde::Deserialize;
use url::Url;

use super::issuers::{Issuer, Kind};
use super::matching::{CiClaims, CiJob};
use crate::accounts::oidc::ALGORITHMS;
use crate::accounts::tokens;
use crate::web::outbound::{Asker, Unanswered};

/// After this, the keys of an issuer are asked for anew.
const FRESH: Duration = Duration::from_secs(3600);
/// An issuer is asked no more often, whatever signatures come.
const PAUSE: Duration = Duration::from_secs(60);
/// For this long keys are good while the issuer does not answer.
const STALE: Duration = Duration::from_secs(86_400);
/// The most bytes of what an issuer says of itself, and of its keys.
const MOST_BYTES: usize = 256 * 1024;
/// By how much the clock of an issuer may be ahead, in seconds.
const LEEWAY_SECS: i64 = 60;

type CiIdToken = IdToken<CiClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
type CiIdTokenClaims = IdTokenClaims<CiClaims, CoreGenderClaim>;
/// Who holds it asks an issuer; others wait.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// What was proven by an ID token.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Who signed it.
    pub issuer: Issuer,
    /// For what job.
    pub job: CiJob,
    /// By what it is known again.
    pub hash: [u8; 32],
    /// When it is over.
    pub expires_at: DateTime<Utc>,
}

/// Why nothing was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven {
    /// The token proves nothing, and why.
    Refused(String),
    /// The issuer does not answer, or may not be asked: what to say, and what the log says.
    Away(String, String),
}

/// What is known of an issuer.
#[derive(Debug, Clone)]
struct Known {
    /// Its keys, and when it said them.
    keys: Option<(Instant, CoreJsonWebKeySet)>,
    /// When it was asked last.
    asked_at: Instant,
    /// Whether the operator did not let it be asked then.
    forbidden: bool,
}

/// Why an issuer does not say its keys.
#[derive(Debug)]
struct Silence {
    /// For the log.
    why: String,
    /// Whether the operator does not let it be asked.
    forbidden: bool,
}

impl Silence {
    fn of(why: impl Into<String>) -> Self {
        Self { why: why.into(), forbidden: false }
    }

    /// What is said to who shows a token of it.
    fn unproven(self, issuer: &Issuer) -> Unproven {
        let label = issuer.label();
        let text = if self.forbidden {
            let said = "The operator of this hub does not allow it to ask";
            format!("{said} {label} for its keys: the host has to be in `HUB_WEBHOOKS_ALLOW`.")
        } else {
            format!("{label} does not answer just now. Try again in a minute.")
        };
        Unproven::Away(text, self.why)
    }
}

/// Checks ID tokens; remembers the keys of issuers. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    known: Arc<Mutex<HashMap<String, Known>>>,
    /// By issuer: whose turn it is to ask it.
    turns: Arc<Mutex<HashMap<String, Turn>>>,
}

/// What an issuer says of itself.
#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// What is read of a token before it is believed: whom to ask for keys.
#[derive(Debug, Deserialize)]
struct Claimed {
    iss: String,
}

impl Verifier {
    /// Checks an ID token: who signed it, for which audience, and when it is good.
    ///
    /// # Errors
    /// [`Unproven`].
    pub async fn verify(&self, asker: &Asker, issuers: &[Issuer], audience: &str, text: &str) -> Result<Verified, Unproven> {
        let malformed = || Unproven::Refused("`subject_token` is no ID token.".to_owned());
        let claimed = claimed_issuer(text).ok_or_else(malformed)?;
        let Some(issuer) = issuers.iter().find(|issuer| issuer.url == claimed) else {
            let shown: String = claimed.chars().take(200).collect();
            return Err(Unproven::Refused(format!("This hub takes no ID tokens of `{shown}`.")));
        };
        let token: CiIdToken = text.parse().map_err(|_| malformed())?;
        let keys = self.keys(asker, issuer, FRESH).await?;
        let claims = match check(issuer, audience, keys, &token) {
            // It may sign with a key that it did not have before.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let newest = self.keys(asker, issuer, PAUSE).await?;
                check(issuer, audience, newest, &token)
            }
            other => other,
        };
        let claims = claims.map_err(|error| unproven(issuer, audience, &error))?;
        let own = claims.additional_claims();
        if own.nbf.is_some_and(|from| from > crate::clock::now().timestamp() + LEEWAY_SECS) {
            return Err(Unproven::Refused("The ID token is not good yet.".to_owned()));
        }
        let Some(jti) = &own.jti else {
            return Err(Unproven::Refused("The ID token has no `jti`, so that it could be used twice.".to_owned()));
        };
        let job = CiJob::read(issuer.kind, claims.subject().as_str(), own).ok_or_else(|| unsaid(issuer))?;
        let hash = tokens::hash(&format!("{}\n{jti}", issuer.url));
        Ok(Verified { issuer: issuer.clone(), job, hash, expires_at: claims.expiration() })
    }

    /// The keys of an issuer, asked for anew when it was asked before so long ago. Requests that come at once ask once.
    async fn keys(&self, asker: &Asker, issuer: &Issuer, age: Duration) -> Result<CoreJsonWebKeySet, Unproven> {
        if let Some(known) = self.lately(issuer, age) {
            return known;
        }
        let turn = Arc::clone(self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(issuer.url.clone()).or_default());
        let _turn = turn.lock().await;
        // What somebody was told whose turn was before.
        if let Some(known) = self.lately(issuer, age) {
            return known;
        }
        let asked_at = Instant::now();
        match ask(asker, issuer).await {
            Ok(keys) => {
                self.keep(issuer, Known { keys: Some((asked_at, keys.clone())), asked_at, forbidden: false });
                Ok(keys)
            }
            Err(silence) => {
                tracing::warn!(issuer = %issuer.url, why = %silence.why, "an issuer of ID tokens does not say its keys");
                let kept = self.known(issuer).and_then(|known| known.keys).filter(|(said_at, _)| said_at.elapsed() < STALE);
                self.keep(issuer, Known { keys: kept.clone(), asked_at: Instant::now(), forbidden: silence.forbidden });
                kept.map(|(_, keys)| keys).ok_or_else(|| silence.unproven(issuer))
            }
        }
    }

    /// What is answered without asking the issuer: keys that it said lately, or what there is when it was asked a moment ago.
    fn lately(&self, issuer: &Issuer, age: Duration) -> Option<Result<CoreJsonWebKeySet, Unproven>> {
        let known = self.known(issuer)?;
        let is_recent = known.asked_at.elapsed() < PAUSE;
        match known.keys {
            Some((said_at, keys)) if said_at.elapsed() < age || is_recent => Some(Ok(keys)),
            None if is_recent => {
                let silence = Silence { forbidden: known.forbidden, ..Silence::of("it was asked a moment ago") };
                Some(Err(silence.unproven(issuer)))
            }
            Some(_) | None => None,
        }
    }

    fn known(&self, issuer: &Issuer) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&issuer.url).cloned()
    }

    fn keep(&self, issuer: &Issuer, known: Known) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(issuer.url.clone(), known);
    }
}

/// Who says to have signed a token.
fn claimed_issuer(text: &str) -> Option<String> {
    let payload = text.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<Claimed>(&bytes).ok().map(|claimed| claimed.iss)
}

async fn ask(asker: &Asker, issuer: &Issuer) -> Result<CoreJsonWebKeySet, Silence> {
    let address = format!("{}/.well-known/openid-configuration", issuer.url.trim_end_matches('/'));
    let discovery: Discovery =
        serde_json::from_str(&read(asker, &address).await?).map_err(|error| Silence::of(error.to_string()))?;
    if discovery.issuer != issuer.url {
        return Err(Silence::of(format!("it calls itself {}", discovery.issuer)));
    }
    serde_json::from_str(&read(asker, &discovery.jwks_uri).await?).map_err(|error| Silence::of(error.to_string()))
}

async fn read(asker: &Asker, address: &str) -> Result<String, Silence> {
    let url = Url::parse(address).map_err(|error| Silence::of(format!("{address}: {error}")))?;
    let silence = |why: Unanswered| Silence { why: format!("{address}: {why:?}"), forbidden: why == Unanswered::NotPublic };
    asker.get_text(url, MOST_BYTES).await.map_err(silence)
}

/// Checks issuer, audience, signature and time.
fn check(
    issuer: &Issuer,
    audience: &str,
    keys: CoreJsonWebKeySet,
    token: &CiIdToken,
) -> Result<CiIdTokenClaims, ClaimsVerificationError> {
    let url = IssuerUrl::new(issuer.url.clone()).map_err(|error| ClaimsVerificationError::Other(error.to_string()))?;
    let latest = crate::clock::now() + TimeDelta::seconds(LEEWAY_SECS);
    let verifier = CoreIdTokenVerifier::new_public_client(ClientId::new(audience.to_owned()), url, keys)
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(crate::clock::now)
        .set_issue_time_verifier_fn(move |at| if at > latest { Err("issued in the future".to_owned()) } else { Ok(()) });
    // Nobody was asked for it, so that there is no nonce to compare: `jti` keeps it from being used twice.
    token.claims(&verifier, |_: Option<&Nonce>| -> Result<(), String> { Ok(()) }).cloned()
}

fn unproven(issuer: &Issuer, audience: &str, error: &ClaimsVerificationError) -> Unproven {
    Unproven::Refused(match error {
        ClaimsVerificationError::Expired(_) => {
            "The ID token is over, or not good yet. Get a new one, and exchange it at once.".to_owned()
        }
        ClaimsVerificationError::InvalidAudience(_) => {
            format!("The ID token is for somebody else: ask for one with the audience `{audience}`.")
        }
        ClaimsVerificationError::SignatureVerification(_) => {
            format!("The ID token is not signed with a key of {}.", issuer.label())
        }
        _ => format!("The ID token cannot be believed: {} has not signed anything like it.", issuer.label()),
    })
}

fn unsaid(issuer: &Issuer) -> Unproven {
    let claim = match issuer.kind {
        Kind::GitHub => "repository",
        Kind::GitLab => "project_path",
        Kind::Other => "sub",
    };
    Unproven::Refused(format!("The ID token does not say for what it is: `{claim}` is missing."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_to_ask_is_read_from_the_token() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"iss": "https://ci.example.org", "sub": "x"}"#);
        assert_eq!(claimed_issuer(&format!("e30.{payload}.c2ln")).as_deref(), Some("https://ci.example.org"));
        for text in ["", "a", "a.b.c", "e30.e30.e30"] {
            assert_eq!(claimed_issuer(text), None, "{text}");
        }
    }
}
