//! A small provider of OpenID Connect that signs real tokens, and can be told what to get wrong.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hub::accounts::oidc::openidconnect::core::{
    CoreEdDsaPrivateSigningKey, CoreIdToken, CoreIdTokenClaims, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
};
use hub::accounts::oidc::openidconnect::{
    Audience, EmptyAdditionalClaims, EndUserEmail, EndUserUsername, IssuerUrl, JsonWebKeyId, Nonce, PrivateSigningKey as _,
    StandardClaims, SubjectIdentifier,
};
use hub::config::OidcConfig;
use hub_tests::json;
use sha2::{Digest as _, Sha256};
use url::Url;

/// Two keys of tests: the second is the one it turns to.
const KEYS: [&str; 2] = [
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIG5JSQgCc0qxgVBotzbd1NDg3l5DF34M8G/zRHsGVynW\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGfURQaWxYDUmjxycQVC60Glj7pKlyUDVrsS34UGFkD8\n-----END PRIVATE KEY-----\n",
];
const CLIENT: &str = "the-hub";
const SECRET: &str = "a secret & more";

/// Who signs in there, and what the provider gets wrong about it.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub subject: &'static str,
    pub email: &'static str,
    pub verified: bool,
    pub username: &'static str,
    pub wrong: &'static str,
}

impl Person {
    pub(super) fn new(subject: &'static str, email: &'static str) -> Self {
        Self { subject, email, verified: true, username: subject, wrong: "" }
    }
}

/// What a code stands for.
struct Grant {
    person: Person,
    asked: HashMap<String, String>,
}

#[derive(Default)]
struct State {
    codes: HashMap<String, Grant>,
    given: usize,
    /// Which key is published, and which one signs.
    published: usize,
    signing: usize,
}

/// A provider on a port of this machine.
pub(super) struct Provider {
    pub issuer: String,
    state: Arc<Mutex<State>>,
    server: ServerHandle,
}

impl Provider {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let (shared, own) = (Arc::clone(&state), issuer.clone());
        let answer = move |request: HttpRequest, body: String| {
            let response = answer(&own, &mut shared.lock().unwrap(), &request, &body);
            async move { response }
        };
        let server = HttpServer::new(move || App::new().default_service(web::to(answer.clone())));
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { issuer, state, server: handle }
    }

    pub(super) fn settings(&self) -> OidcConfig {
        OidcConfig {
            issuer: self.issuer.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(SECRET.to_owned().into()),
            name: "Acme".to_owned(),
            scopes: vec!["profile".to_owned(), "email".to_owned()],
            allowed_domains: Vec::new(),
            signup: true,
            only: false,
        }
    }

    /// Does what a person does there: the path at the hub that the browser is sent back to.
    pub(super) fn sign_in(&self, address: &str, person: &Person) -> String {
        let address = Url::parse(address).unwrap();
        assert!(address.as_str().starts_with(&format!("{}/authorize?", self.issuer)), "{address}");
        let asked: HashMap<String, String> = address.query_pairs().into_owned().collect();
        assert_eq!(asked.get("prompt").map(String::as_str), asked.contains_key("max_age").then_some("login"));
        assert_eq!(asked["scope"], "openid profile email");
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT));
        assert_eq!(asked["code_challenge_method"], "S256");
        let mut state = self.state.lock().unwrap();
        state.given += 1;
        let code = format!("code-{}", state.given);
        let mut back = Url::parse(&asked["redirect_uri"]).unwrap();
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked["state"]).append_pair("iss", &self.issuer);
        state.codes.insert(code, Grant { person: person.clone(), asked });
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    /// Signs with another key from now on, which it publishes or keeps to itself.
    pub(super) fn turn_key(&self, published: bool) {
        let mut state = self.state.lock().unwrap();
        state.signing = 1;
        state.published = usize::from(published);
    }

    pub(super) async fn stop(&self) {
        self.server.stop(false).await;
    }
}

fn key(number: usize) -> CoreEdDsaPrivateSigningKey {
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(KEYS[number], Some(JsonWebKeyId::new(format!("key-{number}")))).unwrap()
}

fn answer(issuer: &str, state: &mut State, request: &HttpRequest, body: &str) -> HttpResponse {
    match request.path() {
        "/.well-known/openid-configuration" => HttpResponse::Ok().json(json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA", "none", "HS256"],
        })),
        "/keys" => HttpResponse::Ok().json(CoreJsonWebKeySet::new(vec![key(state.published).as_verification_key()])),
        "/token" => token(issuer, state, request, body),
        _ => HttpResponse::NotFound().finish(),
    }
}

fn token(issuer: &str, state: &mut State, request: &HttpRequest, body: &str) -> HttpResponse {
    // The parts of Basic are encoded as in forms (RFC 6749, 2.3.1).
    let expected = STANDARD.encode(format!("{CLIENT}:a+secret+%26+more"));
    let authorization = request.headers().get("authorization").map_or("", |value| value.to_str().unwrap());
    if authorization != format!("Basic {expected}") {
        return HttpResponse::Unauthorized().json(json!({ "error": "invalid_client" }));
    }
    let sent: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let Some(grant) = state.codes.remove(&sent["code"]) else {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&sent["code_verifier"]));
    if challenge != grant.asked["code_challenge"] || sent["redirect_uri"] != grant.asked["redirect_uri"] {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    }
    let id_token = sign(issuer, state.signing, &grant);
    HttpResponse::Ok().json(json!({ "access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": id_token }))
}

fn sign(issuer: &str, signing: usize, grant: &Grant) -> String {
    let Person { subject, email, verified, username, wrong } = grant.person.clone();
    let issuer = if wrong == "issuer" { "http://127.0.0.1:1" } else { issuer };
    let audience = if wrong == "audience" { "another-client" } else { CLIENT };
    let nonce = if wrong == "nonce" { "another" } else { &grant.asked["nonce"] };
    let now = std::time::SystemTime::now();
    let hour = std::time::Duration::from_secs(3600);
    let until = if wrong == "time" { now - hour } else { now + hour };
    let mut person = StandardClaims::new(SubjectIdentifier::new(subject.to_owned()))
        .set_preferred_username(Some(EndUserUsername::new(username.to_owned())));
    if !email.is_empty() {
        person = person.set_email(Some(EndUserEmail::new(email.to_owned()))).set_email_verified(Some(verified));
    }
    let claims = CoreIdTokenClaims::new(
        IssuerUrl::new(issuer.to_owned()).unwrap(),
        vec![Audience::new(audience.to_owned())],
        until.into(),
        now.into(),
        person,
        EmptyAdditionalClaims {},
    );
    // Asked for by `max_age`; one that does not ask who is there says so by the time.
    let signed_in_at = grant.asked.get("max_age").map(|_| if wrong == "asleep" { now - hour } else { now }.into());
    let claims = claims.set_nonce(Some(Nonce::new(nonce.to_owned()))).set_auth_time(signed_in_at);
    let key = key(if wrong == "key" { 1 } else { signing });
    let token = CoreIdToken::new(claims, &key, CoreJwsSigningAlgorithm::EdDsa, None, None).unwrap().to_string();
    let parts: Vec<&str> = token.split('.').collect();
    match wrong {
        "signature" => format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode([7; 64])),
        "unsigned" => format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), parts[1]),
        _ => token,
    }
}
