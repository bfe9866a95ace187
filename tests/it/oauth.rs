//! Signing in to applications with the hub: the whole way of a code, of a device and of a refresh token, what each may do, and what
//! does not work for who is not who they say they are.

mod device;
mod freshness;
mod pages;
mod publishers;
mod rights;
mod scopes;
mod tricks;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub::accounts::OrgRole;
use hub::config::Config;
use hub_tests::{TestHub, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use url::Url;

use crate::pages::browser::{Browser, Page};

const CALLBACK: &str = "https://app.example.org/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rule-of-43-characters";

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER.as_bytes()))
}

/// An application of ada's, with its secret if it keeps one.
struct Application {
    id: String,
    secret: Option<String>,
}

/// A key takes a second to make, so that the hubs of these tests sign with that of the first of them.
static KEY: OnceCell<(String, String, Value)> = OnceCell::const_new();

async fn hub() -> TestHub {
    hub_with(|_| ()).await
}

async fn hub_with(change: impl FnOnce(&mut Config)) -> TestHub {
    let hub = TestHub::start_with(change).await;
    hub.account("operator").await;
    let pool = &hub.app().pool;
    let made = KEY.get_or_init(async || {
        hub.anonymous().get("/oauth/jwks", 200).await;
        sqlx::query_as("select kid, private_pem, public_jwk from oauth_keys").fetch_one(pool).await.unwrap()
    });
    let (kid, pem, jwk) = made.await;
    let keep = "insert into oauth_keys (kid, private_pem, public_jwk) values ($1, $2, $3) on conflict do nothing";
    sqlx::query(keep).bind(kid).bind(pem).bind(jwk).execute(pool).await.unwrap();
    hub
}

/// Makes an application by the form, as people do.
async fn application(browser: &mut Browser, kind: &str, redirect_uris: &str, scopes: &[&str]) -> Application {
    let mut fields = vec![("name", "Painter"), ("homepage", ""), ("redirect_uris", redirect_uris), ("kind", kind)];
    fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
    let made = browser.submit("/settings/applications/new", "/settings/applications", &fields).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let id = made.location().rsplit('/').next().unwrap().to_owned();
    let page = browser.open(&format!("/settings/applications/{id}")).await;
    let secret = page.text.split("oauth_app_secret_").nth(1).map(|rest| format!("oauth_app_secret_{}", &rest[..43]));
    assert_eq!(secret.is_some(), kind == "confidential");
    Application { id, secret }
}

/// The address to which an application sends a person.
fn asking(application: &Application, more: &[(&str, &str)]) -> String {
    let mut pairs = vec![("response_type", "code"), ("client_id", application.id.as_str()), ("state", "a state & more")];
    for (name, default) in [("redirect_uri", CALLBACK), ("scope", "openid profile")] {
        if !more.iter().any(|(other, _)| *other == name) {
            pairs.push((name, default));
        }
    }
    pairs.extend(more.iter().copied().filter(|(_, value)| !value.is_empty()));
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/oauth/authorize?{query}")
}

/// Presses a button on the page that asks.
async fn answer(browser: &mut Browser, asking: &str, answer: &str, more: &[(&str, &str)]) -> Page {
    let asked = browser.open(asking).await;
    let (csrf, shown) = (asked.csrf(), shown(&asked));
    let mut fields = vec![("csrf_token", csrf.as_str()), ("shown", shown.as_str()), ("answer", answer)];
    fields.extend_from_slice(more);
    let page = browser.post(asking, &fields).await;
    assert_eq!(page.status, 303, "{}", page.text);
    page
}

/// What the page says that it asks for.
fn shown(page: &Page) -> String {
    page.text.split("name=\"shown\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// What an address tells the application.
fn told(page: &Page, name: &str) -> Option<String> {
    let url = Url::parse(page.location()).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Asks for tokens.
async fn token(hub: &TestHub, fields: &[(&str, &str)], status: u16) -> Value {
    let anonymous = hub.anonymous();
    let request = anonymous.request(reqwest::Method::POST, "/oauth/token").form(fields);
    anonymous.send(request, status).await.json().await.unwrap()
}

/// Exchanges a code, as an application does.
async fn exchange(hub: &TestHub, application: &Application, code: &str, status: u16) -> Value {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("client_id", &application.id),
        ("code_verifier", VERIFIER),
    ];
    fields.extend(application.secret.as_deref().map(|secret| ("client_secret", secret)));
    token(hub, &fields, status).await
}

/// The whole way: asks, is allowed, exchanges.
async fn sign_in(hub: &TestHub, browser: &mut Browser, application: &Application, scope: &str) -> Value {
    let challenge = challenge();
    let asking = asking(
        application,
        &[("scope", scope), ("code_challenge", &challenge), ("code_challenge_method", "S256"), ("prompt", "consent")],
    );
    let page = answer(browser, &asking, "allow", &[]).await;
    exchange(hub, application, &told(&page, "code").unwrap(), 200).await
}

async fn refresh(hub: &TestHub, application: &Application, token_text: &str, status: u16) -> Value {
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token_text), ("client_id", &application.id)];
    fields.extend(application.secret.as_deref().map(|secret| ("client_secret", secret)));
    token(hub, &fields, status).await
}

#[tokio::test]
async fn somebody_signs_in_and_the_application_learns_who_it_is() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let application = application(&mut ada, "confidential", CALLBACK, &["openid", "profile", "email"]).await;

    let asking = asking(&application, &[("nonce", "n-1"), ("scope", "openid profile email manage-repos inference-api")]);
    let mut browser = Browser::new(&hub);
    let login = browser.get(&asking).await;
    assert!(login.location().starts_with("/login?next="), "{}", login.location());
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = browser.open(&asking).await;
    assert!(page.has("Sign in to Painter") && page.has("See your email address") && page.has("Kept by ada"));
    assert!(!page.has("Create, change, move"), "it may not ask for that");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self' https:"), "{policy}");
    let page = answer(&mut browser, &asking, "allow", &[]).await;
    assert!(page.location().starts_with(&format!("{CALLBACK}?")), "{}", page.location());
    assert_eq!(told(&page, "state").as_deref(), Some("a state & more"));
    assert_eq!(told(&page, "iss").as_deref(), Some(hub.base()));
    let got = exchange_plain(&hub, &application, &told(&page, "code").unwrap()).await;
    assert_eq!(
        (&got["token_type"], &got["expires_in"], &got["scope"]),
        (&json!("bearer"), &json!(28800), &json!("openid profile email"))
    );

    let access = got["access_token"].as_str().unwrap();
    assert!(access.starts_with("hf_oauth_"));
    let client = hub.with_token(access);
    let me = client.get_json("/api/whoami-v2", 200).await;
    assert_eq!((&me["name"], &me["auth"]["type"], &me["email"]), (&json!("ada"), &json!("oauth"), &json!("ada@example.org")));
    let info = client.get_json("/oauth/userinfo", 200).await;
    let expected = json!({
        "sub": me["id"], "name": "ada", "preferred_username": "ada", "profile": format!("{}/ada", hub.base()),
        "picture": format!("{}/avatars/ada.svg", hub.base()), "website": "", "email": "ada@example.org", "email_verified": false,
        "isPro": false, "canPay": false, "orgs": [],
    });
    assert_eq!(info, expected);
    check_id_token(&hub, &application, got["id_token"].as_str().unwrap(), &info).await;

    // Who has said yes is not asked again, for no more than that; nor shown anything when that is not wanted.
    let again = browser.get(&asking).await;
    assert!(told(&again, "code").is_some(), "{}", again.text);
    let silent = browser.get(&self::asking(&application, &[("prompt", "none")])).await;
    assert!(told(&silent, "code").is_some());
    let consent = browser.get(&self::asking(&application, &[("prompt", "consent")])).await;
    assert_eq!(consent.status, 200);
    hub.stop().await;
}

async fn exchange_plain(hub: &TestHub, application: &Application, code: &str) -> Value {
    let anonymous = hub.anonymous();
    let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
    let request = anonymous.request(reqwest::Method::POST, "/oauth/token").form(&form);
    let request = request.basic_auth(&application.id, application.secret.as_deref());
    anonymous.send(request, 200).await.json().await.unwrap()
}

/// Checks a signature and what it signs, with the library that applications in Rust use.
async fn check_id_token(hub: &TestHub, application: &Application, id_token: &str, info: &Value) {
    use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreProviderMetadata};
    use openidconnect::{ClientId, ClientSecret, IssuerUrl, Nonce};
    let anonymous = hub.anonymous();
    let metadata = anonymous.get_json("/.well-known/openid-configuration", 200).await;
    let read: CoreProviderMetadata = serde_json::from_value(metadata.clone()).unwrap();
    assert_eq!(read.issuer(), &IssuerUrl::new(hub.base().to_owned()).unwrap());
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(anonymous.get_json("/.well-known/oauth-authorization-server", 200).await, metadata);
    let keys = anonymous.get_json("/oauth/jwks", 200).await;
    assert!(keys["keys"][0].get("d").is_none(), "the private half stays here");
    let keys: CoreJsonWebKeySet = serde_json::from_value(keys).unwrap();
    let verifier = CoreIdTokenVerifier::new_confidential_client(
        ClientId::new(application.id.clone()),
        ClientSecret::new(application.secret.clone().unwrap()),
        IssuerUrl::new(hub.base().to_owned()).unwrap(),
        keys,
    );
    let token: CoreIdToken = id_token.parse().unwrap();
    let claims = token.claims(&verifier, &Nonce::new("n-1".to_owned())).unwrap();
    assert_eq!(claims.subject().as_str(), info["sub"].as_str().unwrap());
    assert!(claims.auth_time().is_some() && claims.access_token_hash().is_some());
    assert!(token.claims(&verifier, &Nonce::new("n-2".to_owned())).is_err(), "the nonce counts");
}

#[tokio::test]
async fn an_application_may_do_what_was_allowed_and_no_more() {
    let hub = hub().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Admin)]).await;
    hub.organization("lab", &[(&ada, OrgRole::Admin)]).await;
    let owner = hub.token(&ada, hub::accounts::TokenRole::Write).await;
    for repo in ["ada/own", "acme/theirs", "lab/secret"] {
        owner.create_repo("model", repo, true).await;
    }
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let all = ["openid", "profile", "read-repos", "write-repos", "manage-repos"];
    let application = application(&mut browser, "confidential", CALLBACK, &all).await;
    let line = hub_tests::Client::file("x.txt", "x");

    let plain = hub.with_token(sign_in(&hub, &mut browser, &application, "openid").await["access_token"].as_str().unwrap());
    plain.get("/api/models/ada/own", 404).await;
    let me = plain.get_json("/api/whoami-v2", 200).await;
    assert_eq!(me["email"], Value::Null, "it may not know the address");
    let info = plain.get_json("/oauth/userinfo", 200).await;
    assert_eq!(info.as_object().unwrap().len(), 1, "{info}");

    let reader =
        hub.with_token(sign_in(&hub, &mut browser, &application, "openid read-repos").await["access_token"].as_str().unwrap());
    reader.get("/api/models/ada/own", 200).await;
    reader.get("/api/models/acme/theirs", 404).await;
    reader.commit("/api/models/ada/own", "main", std::slice::from_ref(&line), 403).await;

    // With one of the two organisations, to write.
    let acme = organization_id(&hub, "acme").await;
    let asking = asking(&application, &[("scope", "write-repos"), ("prompt", "consent"), ("orgIds", &acme)]);
    let page = browser.open(&asking).await;
    assert!(page.has(&format!("value=\"{acme}\" checked")), "what the application wishes for is chosen");
    let page = answer(&mut browser, &asking, "allow", &[("organization", &acme)]).await;
    let got = exchange_plain(&hub, &application, &told(&page, "code").unwrap()).await;
    assert!(got.get("id_token").is_none(), "it did not ask who it is");
    let writer = hub.with_token(got["access_token"].as_str().unwrap());
    writer.commit("/api/models/acme/theirs", "main", std::slice::from_ref(&line), 200).await;
    writer.commit("/api/models/ada/own", "main", std::slice::from_ref(&line), 200).await;
    writer.get("/api/models/lab/secret", 404).await;
    writer.get("/oauth/userinfo", 403).await;
    writer.call(reqwest::Method::PUT, "/api/models/ada/own/settings", &json!({ "private": false }), 403).await;
    writer.post_json("/api/repos/create", &json!({ "type": "model", "name": "new", "organization": "ada" }), 403).await;
    // What somebody is not, their application is not.
    hub.sql(
        "update organization_members set role = 'read' where user_pk = (select namespace_pk from namespaces where name = 'ada')",
    )
    .await;
    writer.commit("/api/models/acme/theirs", "main", std::slice::from_ref(&line), 403).await;

    let manager =
        hub.with_token(sign_in(&hub, &mut browser, &application, "openid manage-repos").await["access_token"].as_str().unwrap());
    manager.create_repo("model", "ada/new", true).await;
    // A token of an application is none of those that its owner manages, nor opens what is for the browser.
    assert!(!browser.open("/settings/tokens").await.has("Painter"));
    manager.get("/settings/profile", 403).await;
    hub.stop().await;
}

async fn organization_id(hub: &TestHub, name: &str) -> String {
    let mut conn = hub.app().pool.acquire().await.unwrap();
    let found = hub::accounts::queries::find_namespace(&mut conn, name).await.unwrap().unwrap();
    format!("{:024x}", found.namespace_pk)
}
