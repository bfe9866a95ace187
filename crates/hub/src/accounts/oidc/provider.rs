//! Asks the provider, and believes only what it has signed for this hub and this sign-in.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims,
    CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, TokenResponse as _,
};
use reqwest::Client;
use reqwest::redirect::Policy;
use url::Url;

use super::{Flow, Identity, Proof};
use crate::config::OidcConfig;
use crate::error::{HubError, HubResult};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of an answer.
const MOST_BYTES: usize = 1024 * 1024;
/// After this what the provider says of itself is asked anew.
const FRESH: Duration = Duration::from_secs(3600);
/// When the provider did not answer, it is asked again after this: meanwhile nobody waits for it.
const PAUSE: Duration = Duration::from_secs(60);
/// For this long it is good if the provider does not answer when asked anew.
const STALE: Duration = Duration::from_secs(86_400);
/// The longest parts of an identity, in characters.
const MOST_CHARS: usize = 254;

/// What providers may sign with: keys that they publish.
pub const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type OidcClient = CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What the provider said of itself.
#[derive(Debug, Clone)]
struct Known {
    said_at: Instant,
    /// From when it is asked anew.
    old_at: Instant,
    what: Arc<CoreProviderMetadata>,
}

/// Asks the outside provider; cheap to clone.
#[derive(Debug, Clone)]
pub struct Provider {
    http: Client,
    known: Arc<Mutex<Option<Known>>>,
}

/// Why a request to the provider came to nothing.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the provider cannot be asked: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the provider answered with more than 1 MiB")]
    TooLarge,
}

impl Provider {
    /// Makes the client. It follows no redirect: what the provider says of itself is at its own address.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn new() -> reqwest::Result<Self> {
        let http = Client::builder().redirect(Policy::none()).timeout(PATIENCE).user_agent("hub").build()?;
        Ok(Self { http, known: Arc::default() })
    }

    /// Where to send a browser that wants to sign in, and what to compare when it comes back to `redirect`. For a proof the provider is
    /// asked to have the person sign in anew, even if it knows them.
    ///
    /// # Errors
    /// 503 when the provider does not answer.
    pub async fn begin(
        &self,
        config: &OidcConfig,
        redirect: String,
        next: String,
        proof: Option<Proof>,
    ) -> HubResult<(Url, Flow)> {
        let metadata = self.metadata(config, false).await?;
        let client = client_of(config, &metadata, redirect_url(redirect)?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random);
        let request = request.set_pkce_challenge(challenge).add_scopes(config.scopes.iter().cloned().map(Scope::new));
        let request = match &proof {
            Some(_) => request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO),
            None => request,
        };
        let (url, state, nonce) = request.url();
        let (state, nonce) = (state.secret().clone(), nonce.secret().clone());
        Ok((url, Flow { state, nonce, verifier: verifier.secret().clone(), next, proof }))
    }

    /// Has the code that a browser brought back turned into who it is.
    ///
    /// # Errors
    /// 400 for a code that is not (any more) good, 503 when the provider does not answer or says what cannot be believed.
    pub async fn redeem(&self, config: &OidcConfig, redirect: String, code: &str, flow: &Flow) -> HubResult<Identity> {
        let metadata = self.metadata(config, false).await?;
        let redirect = redirect_url(redirect)?;
        let client = client_of(config, &metadata, redirect.clone());
        let http = |request: HttpRequest| call(self.http.clone(), request);
        let exchange = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(|error| odd(config, error))?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()));
        let answer: CoreTokenResponse = match exchange.request_async(&http).await {
            // Used already, too old, or not from this browser.
            Err(RequestTokenError::ServerResponse(refusal)) if refusal.error().as_ref() == "invalid_grant" => {
                return Err(super::start_again());
            }
            Err(RequestTokenError::Request(error)) => return Err(away(config, error)),
            other => other.map_err(|error| odd(config, error))?,
        };
        let id_token = answer.id_token().ok_or_else(|| odd(config, "there is no ID token"))?;
        let claims = match verify(config, &metadata, &redirect, id_token, flow) {
            // It may sign with a key that it did not have before.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let newest = self.metadata(config, true).await?;
                verify(config, &newest, &redirect, id_token, flow)
            }
            other => other,
        };
        let claims = claims.map_err(|error| odd(config, error))?;
        let mut identity = identity_of(config, &claims)?;
        if identity.email.is_none()
            && let Ok(request) = client.user_info(answer.access_token().clone(), Some(claims.subject().clone()))
        {
            let more: CoreUserInfoClaims = request.request_async(&http).await.map_err(|error| odd(config, error))?;
            identity.email = more.email().map(|email| email.to_string());
            identity.email_verified = more.email_verified().unwrap_or(false);
            identity.username = more.preferred_username().map(|name| name.to_string()).or(identity.username);
            let fullname = more.name().and_then(|name| name.get(None)).map(|name| name.to_string());
            identity.fullname = fullname.unwrap_or(identity.fullname);
        }
        Ok(within_bounds(identity))
    }

    /// What the provider says of itself, and its keys.
    async fn metadata(&self, config: &OidcConfig, newest: bool) -> HubResult<Arc<CoreProviderMetadata>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|_| !newest);
        if let Some(known) = &known
            && Instant::now() < known.old_at
        {
            return Ok(Arc::clone(&known.what));
        }
        let issuer = IssuerUrl::new(config.issuer.clone()).map_err(HubError::internal)?;
        let http = |request: HttpRequest| call(self.http.clone(), request);
        match CoreProviderMetadata::discover_async(issuer, &http).await {
            Ok(found) => {
                let (now, what) = (Instant::now(), Arc::new(found));
                self.keep(Known { said_at: now, old_at: now + FRESH, what: Arc::clone(&what) });
                Ok(what)
            }
            Err(error) => match known {
                Some(known) if known.said_at.elapsed() < STALE => {
                    tracing::warn!(%error, "the provider of single sign-on does not say anew what it is");
                    let what = Arc::clone(&known.what);
                    self.keep(Known { old_at: Instant::now() + PAUSE, ..known });
                    Ok(what)
                }
                _ => Err(away(config, error)),
            },
        }
    }

    fn keep(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }
}

/// Sends what the library wants sent.
async fn call(client: Client, request: HttpRequest) -> Result<HttpResponse, CallError> {
    let (parts, body) = request.into_parts();
    let request = client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
    let mut response = request.send().await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(CallError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    let mut answer = HttpResponse::new(bytes);
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    Ok(answer)
}

fn redirect_url(redirect: String) -> HubResult<RedirectUrl> {
    RedirectUrl::new(redirect).map_err(HubError::internal)
}

fn client_of(config: &OidcConfig, metadata: &CoreProviderMetadata, redirect: RedirectUrl) -> OidcClient {
    let secret = config.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().to_owned()));
    let client = CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(config.client_id.clone()), secret);
    let methods = metadata.token_endpoint_auth_methods_supported();
    let takes = |method| methods.is_none_or(|methods| methods.contains(&method));
    // Without a list it is Basic, as the specification has it.
    let by_body = !takes(CoreClientAuthMethod::ClientSecretBasic) && takes(CoreClientAuthMethod::ClientSecretPost);
    client.set_redirect_uri(redirect).set_auth_type(if by_body { AuthType::RequestBody } else { AuthType::BasicAuth })
}

/// Checks issuer, audience, signature, time and nonce.
fn verify(
    config: &OidcConfig,
    metadata: &CoreProviderMetadata,
    redirect: &RedirectUrl,
    id_token: &CoreIdToken,
    flow: &Flow,
) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
    let client = client_of(config, metadata, redirect.clone());
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
    id_token.claims(&verifier, &Nonce::new(flow.nonce.clone())).cloned()
}

fn identity_of(config: &OidcConfig, claims: &CoreIdTokenClaims) -> HubResult<Identity> {
    let subject = claims.subject().to_string();
    // As the specification bounds it; one that is cut could be somebody else's.
    if subject.is_empty() || subject.len() > 255 || subject.contains('\0') {
        return Err(odd(config, "the subject is empty or longer than 255 characters"));
    }
    Ok(Identity {
        issuer: config.issuer.clone(),
        subject,
        signed_in_at: claims.auth_time().map(|at| at.timestamp()),
        email: claims.email().map(|email| email.to_string()),
        email_verified: claims.email_verified().unwrap_or(false),
        username: claims.preferred_username().map(|name| name.to_string()),
        fullname: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()).unwrap_or_default(),
    })
}

/// Leaves out what does not fit in a cookie and a row.
fn within_bounds(identity: Identity) -> Identity {
    let fits = |text: &String| !text.is_empty() && text.chars().count() <= MOST_CHARS && !text.chars().any(char::is_control);
    Identity {
        email: identity.email.filter(fits),
        username: identity.username.filter(fits),
        fullname: Some(identity.fullname).filter(fits).unwrap_or_default(),
        ..identity
    }
}

fn away(config: &OidcConfig, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> HubError {
    let otherwise = if config.only { "" } else { ", or log in with your password at /login" };
    HubError::unavailable(format!("{} does not answer just now. Try again in a moment{otherwise}.", config.name), error)
}

/// The log gets the sentence of an error and not its fields: an answer that could not be read may have tokens in it.
fn odd(config: &OidcConfig, error: impl std::fmt::Display) -> HubError {
    let text = format!(
        "What {} answered cannot be believed, so nobody was signed in. Try again; if it stays so, tell the operator of this hub, whose \
         log says why.",
        config.name
    );
    HubError::unavailable(text, error.to_string())
}
