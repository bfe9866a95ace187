//! Signing in at an outside provider.

mod provider;
mod takeover;

use hub_tests::TestHub;
use provider::{Person, Provider};
use reqwest::Method;

use crate::pages::browser::{Browser, PASSWORD, Page};

async fn hub_with(provider: &Provider) -> TestHub {
    let settings = provider.settings();
    TestHub::start_with(|config| config.oidc = Some(settings)).await
}

/// Presses the button to the provider.
async fn begin(browser: &mut Browser, more: &[(&str, &str)]) -> Page {
    let login = browser.get("/login").await;
    let csrf = if login.status == 200 { login.csrf() } else { browser.open("/settings/sign-in").await.csrf() };
    let mut fields = vec![("csrf_token", csrf.as_str())];
    fields.extend_from_slice(more);
    browser.post("/login/oidc", &fields).await
}

/// Where the page behind the button leads.
fn leads_to(page: &Page) -> &str {
    let refresh = page.headers.get("refresh").unwrap_or_else(|| panic!("{} {}", page.status, page.text));
    refresh.to_str().unwrap().strip_prefix("0; url=").unwrap()
}

/// Goes to the provider and comes back.
async fn sign_in(browser: &mut Browser, provider: &Provider, person: &Person, next: &str) -> Page {
    let page = begin(browser, &[("next", next)]).await;
    let back = provider.sign_in(leads_to(&page), person);
    browser.get(&back).await
}

async fn is_logged_in(browser: &mut Browser) -> bool {
    browser.get("/settings/profile").await.status == 200
}

#[tokio::test]
async fn somebody_new_chooses_a_name_and_comes_back() {
    let (provider, ada) = (Provider::start(), Person::new("ada", "ada@corp.example"));
    let hub = hub_with(&provider).await;
    hub.account("ada").await;
    let mut browser = Browser::new(&hub);
    // Nobody is signed in by a link, nor by a form of another site.
    assert_eq!(browser.get("/login/oidc?next=%2Fmodels").await.location(), "/login?next=%2Fmodels");
    assert_eq!(browser.post("/login/oidc", &[("next", "/models")]).await.status, 403);
    let login = browser.open("/login?next=%2Fmodels").await;
    assert!(login.has("action=\"/login/oidc\"") && login.has("name=\"next\" value=\"/models\""), "{}", login.text);

    let page = sign_in(&mut browser, &provider, &ada, "/models").await;
    assert_eq!((page.status, page.location()), (303, "/login/oidc/join"), "{}", page.text);
    assert!(browser.open("/login/oidc/join").await.has("value=\"ada-2\""), "the name is taken, so another is proposed");
    let page = browser.submit("/login/oidc/join", "/login/oidc/join", &[("username", "ada")]).await;
    assert!(page.status == 409 && page.has("is taken"), "{}", page.text);
    // What a form says of the address does not count: the provider has confirmed another.
    let fields = [("username", "ada-corp"), ("email", "boss@corp.example")];
    let page = browser.submit("/login/oidc/join", "/login/oidc/join", &fields).await;
    assert_eq!((page.status, page.location()), (303, "/models"));
    assert_eq!(browser.get("/login/oidc/join").await.status, 400, "that was all");
    let stranger = begin(&mut Browser::new(&hub), &[("again", "1")]).await;
    assert_ne!(stranger.status, 200, "whoever is not logged in proves nothing");
    let profile = browser.open("/settings/profile").await;
    assert!(profile.has("ada@corp.example") && !profile.has("boss@corp.example"));
    let confirmed: bool = sqlx::query_scalar("select email_confirmed_at is not null from users where email = 'ada@corp.example'")
        .fetch_one(&hub.app().pool)
        .await
        .unwrap();
    assert!(confirmed);
    let log = browser.open("/settings/security-log").await;
    assert!(log.has("Single sign-on linked"), "{}", log.text);

    // Nobody gets in with the password that there is not.
    for password in ["", "x", PASSWORD] {
        let page = Browser::new(&hub).submit("/login", "/login", &[("username", "ada-corp"), ("password", password)]).await;
        assert_eq!(page.status, 422);
    }
    let settings = browser.open("/settings/sign-in").await;
    assert!(settings.has("ada@corp.example") && settings.has("no password"), "{}", settings.text);
    // Who has no password shows in another way who they are.
    let profile = browser.open("/settings/profile").await;
    assert!(!profile.has("Current password") && profile.has("Your account has no password"), "{}", profile.text);
    hub.sql("update sessions set proved_at = null").await;
    let ask = async |browser: &mut Browser| {
        browser.submit("/settings/profile", "/settings/email", &[("email", "lovelace@corp.example")]).await.location().to_owned()
    };
    assert_eq!(ask(&mut browser).await, "/sudo?next=%2Fsettings%2Fprofile");
    // A sign-in there that the provider did not ask for anew shows nothing, nor does that of another person.
    let asked = browser.open("/sudo?next=/settings/profile").await;
    assert!(asked.has("action=\"/login/oidc\"") && asked.has("name=\"again\" value=\"1\""), "{}", asked.text);
    let asleep = Person { wrong: "asleep", ..ada.clone() };
    for (person, status) in [(&asleep, 403), (&Person::new("eve", "eve@corp.example"), 403), (&ada, 303)] {
        assert_eq!(ask(&mut browser).await, "/sudo?next=%2Fsettings%2Fprofile");
        let page = begin(&mut browser, &[("again", "1"), ("next", "/settings/profile")]).await;
        let back = provider.sign_in(leads_to(&page), person);
        assert_eq!(browser.get(&back).await.status, status, "{}", person.subject);
    }
    assert_eq!(ask(&mut browser).await, "/settings/profile");
    let unlink = settings.text.split("action=\"").find(|part| part.starts_with("/settings/sign-in/")).unwrap();
    let unlink = unlink.split('"').next().unwrap().to_owned();
    let page = browser.submit("/settings/sign-in", &unlink, &[]).await;
    assert!(page.status == 409 && page.has("the only way into your account"), "{}", page.text);
    let mut other = Browser::logged_in(&hub, "ada").await;
    assert_eq!(other.submit("/settings/sign-in", &unlink, &[]).await.status, 404, "it is not theirs");

    // Another address there is still the same person, and another person with the address is not.
    let mut again = Browser::new(&hub);
    let renamed = Person { email: "lovelace@corp.example", ..ada.clone() };
    let page = sign_in(&mut again, &provider, &renamed, "//evil.example").await;
    assert_eq!((page.status, page.location()), (303, "/"));
    assert!(is_logged_in(&mut again).await);
    let heir = Person::new("bob", "ada@corp.example");
    let page = sign_in(&mut Browser::new(&hub), &provider, &heir, "/").await;
    assert_eq!(page.location(), "/login/oidc/link");
    hub.stop().await;
    provider.stop().await;
}

#[tokio::test]
async fn a_mail_address_takes_nobodys_account() {
    let provider = Provider::start();
    let hub = hub_with(&provider).await;
    hub.account("ada").await;
    let ada = Person::new("7f3", "Ada@example.org");
    let mut browser = Browser::new(&hub);
    let page = sign_in(&mut browser, &provider, &ada, "/datasets").await;
    assert_eq!(page.location(), "/login/oidc/link");
    assert!(!is_logged_in(&mut browser).await);
    for wrong in ["", "wrong"] {
        let page = browser.submit("/login/oidc/link", "/login/oidc/link", &[("current_password", wrong)]).await;
        assert!(page.status == 422 && page.has("This is not your present password."), "{}", page.text);
        assert!(!is_logged_in(&mut browser).await);
    }
    let page = browser.submit("/login/oidc/link", "/login/oidc/link", &[("current_password", PASSWORD)]).await;
    assert_eq!((page.status, page.location()), (303, "/datasets"));
    let page = sign_in(&mut Browser::new(&hub), &provider, &ada, "/").await;
    assert_eq!(page.location(), "/", "asked once");

    // An address that the provider has not confirmed leads to nobody.
    let thief = Person { verified: false, ..Person::new("thief", "ada@example.org") };
    let mut browser = Browser::new(&hub);
    assert_eq!(sign_in(&mut browser, &provider, &thief, "/").await.location(), "/login/oidc/join");
    let fields = [("username", "thief"), ("email", "ada@example.org")];
    let page = browser.submit("/login/oidc/join", "/login/oidc/join", &fields).await;
    assert!(page.status == 409 && page.has("exists already"), "{}", page.text);
    assert_eq!(browser.get("/login/oidc/link").await.status, 404);

    // Somebody logged in links another account of theirs, and takes it off again: the password is left.
    hub.account("bob").await;
    let mut bob = Browser::logged_in(&hub, "bob").await;
    let page = sign_in(&mut bob, &provider, &ada, "/").await;
    assert!(page.status == 409 && page.has("linked to an account already"), "{}", page.text);
    let person = Person::new("b0b", "bob@corp.example");
    assert_eq!(sign_in(&mut bob, &provider, &person, "/settings/sign-in").await.location(), "/login/oidc/link");
    let page = bob.submit("/login/oidc/link", "/login/oidc/link", &[("current_password", PASSWORD)]).await;
    assert_eq!(page.location(), "/settings/sign-in");
    let settings = bob.open("/settings/sign-in").await;
    let unlink = settings.text.split("action=\"").find(|part| part.starts_with("/settings/sign-in/")).unwrap();
    let unlink = unlink.split('"').next().unwrap().to_owned();
    assert_eq!(bob.submit("/settings/sign-in", &unlink, &[]).await.status, 303);
    assert_eq!(sign_in(&mut Browser::new(&hub), &provider, &person, "/").await.location(), "/login/oidc/join");
    hub.stop().await;
    provider.stop().await;
}

#[tokio::test]
async fn what_was_not_signed_for_this_sign_in_is_refused() {
    let provider = Provider::start();
    let hub = hub_with(&provider).await;
    let ada = Person::new("ada", "ada@corp.example");
    for wrong in ["issuer", "audience", "nonce", "time", "key", "signature", "unsigned"] {
        let mut browser = Browser::new(&hub);
        let page = sign_in(&mut browser, &provider, &Person { wrong, ..ada.clone() }, "/").await;
        assert!(page.status == 503 && page.has("cannot be believed"), "{wrong}: {} {}", page.status, page.text);
        assert_eq!(browser.get("/login/oidc/join").await.status, 400, "{wrong}");
    }

    let mut browser = Browser::new(&hub);
    let begun = begin(&mut browser, &[]).await;
    let back = provider.sign_in(leads_to(&begun), &ada);
    let ticket = browser.cookie("oidc").expect("the browser keeps what it began").to_owned();
    let stranger = Browser::new(&hub).get(&back).await;
    assert!(stranger.status == 400 && stranger.has("Start again"), "another browser: {}", stranger.text);
    for (from, to) in [("state=", "state=x"), ("iss=", "iss=x"), ("code=", "nothing=")] {
        let page = browser.get(&back.replace(from, to)).await;
        assert!([400, 403].contains(&page.status), "{from}: {}", page.status);
    }
    let page = browser.get(&format!("{}&error=%3Cscript%3E", back.replace("code=", "x="))).await;
    assert!(page.status == 403 && !page.has("<script>alert"), "{}", page.text);
    // A code of another sign-in does not fit: the verifier is of this one.
    let elsewhere = begin(&mut Browser::new(&hub), &[]).await;
    let foreign = provider.sign_in(leads_to(&elsewhere), &ada);
    let code = |path: &str| path.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert_eq!(browser.get(&back.replace(&code(&back), &code(&foreign))).await.status, 400);
    assert_eq!(browser.get(&back).await.location(), "/login/oidc/join", "and the true one fits");
    let replayed = browser.get(&back).await;
    assert_eq!(replayed.status, 400, "{}", replayed.text);
    let request = reqwest::Client::new().request(Method::GET, format!("{}{back}", hub.base()));
    let replayed = request.header("Cookie", format!("oidc={ticket}")).send().await.unwrap();
    assert_eq!(replayed.status(), 400, "also with the cookie from before");
    assert_eq!((hub.count("users").await, hub.count("sessions").await), (0, 0));
    hub.stop().await;
    provider.stop().await;
}

#[tokio::test]
async fn a_provider_changes_its_key_and_goes_away() {
    let provider = Provider::start();
    let hub = hub_with(&provider).await;
    hub.account("operator").await;
    let ada = Person::new("ada", "ada@corp.example");
    let mut browser = Browser::new(&hub);
    sign_in(&mut browser, &provider, &ada, "/").await;
    browser.submit("/login/oidc/join", "/login/oidc/join", &[("username", "ada")]).await;
    provider.turn_key(false);
    let page = sign_in(&mut Browser::new(&hub), &provider, &ada, "/").await;
    assert_eq!(page.status, 503, "a key that it does not publish is not its own");
    provider.turn_key(true);
    let mut browser = Browser::new(&hub);
    assert_eq!(sign_in(&mut browser, &provider, &ada, "/").await.location(), "/");
    provider.stop().await;
    let back = "/login/oidc/callback?code=x&state=x";
    assert_eq!(browser.get(back).await.status, 400);
    let begun = begin(&mut browser, &[]).await;
    assert_eq!(begun.status, 200, "what it said of itself is remembered");
    let state = leads_to(&begun).split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let page = browser.get(&format!("/login/oidc/callback?code=x&state={state}")).await;
    assert!(page.status == 503 && page.has("Acme does not answer just now"), "{}", page.text);
    assert!(is_logged_in(&mut browser).await, "whoever is in stays in");
    Browser::logged_in(&hub, "operator").await;
    hub.stop().await;
}

#[tokio::test]
async fn an_operator_closes_passwords_and_other_domains() {
    let provider = Provider::start();
    let settings =
        hub::config::OidcConfig { only: true, allowed_domains: vec!["corp.example".to_owned()], ..provider.settings() };
    let hub = TestHub::start_with(|config| config.oidc = Some(settings)).await;
    let ada = hub.account("ada").await;
    let token = hub.token(&ada, hub::accounts::TokenRole::Read).await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/login").await;
    assert!(page.has("Sign in with Acme") && !page.has("type=\"password\""), "{}", page.text);
    assert_eq!(browser.get("/join?next=%2Fada").await.location(), "/login?next=%2Fada");
    sign_in(&mut browser, &provider, &Person::new("bob", "bob@corp.example"), "/").await;
    let csrf = browser.open("/login/oidc/join").await.csrf();
    for path in ["/login", "/join"] {
        let fields = [("csrf_token", csrf.as_str()), ("username", "ada"), ("password", PASSWORD), ("email", "a@b.example")];
        let page = browser.post(path, &fields).await;
        assert!(page.status == 403 && page.has("sign in with Acme"), "{path}: {}", page.text);
    }
    let asked = reqwest::Client::new().get(format!("{}/api/whoami-v2", hub.base())).basic_auth("ada", Some(PASSWORD));
    assert_eq!(asked.send().await.unwrap().status(), 401);
    token.get_json("/api/whoami-v2", 200).await;
    let strangers = [
        Person::new("eve", "eve@corp.example.evil.example"),
        Person { verified: false, ..Person::new("eve", "eve@corp.example") },
        Person::new("eve", ""),
    ];
    for person in strangers {
        let page = sign_in(&mut Browser::new(&hub), &provider, &person, "/").await;
        assert!(page.status == 403 && page.has("lets in people of corp.example"), "{person:?}: {}", page.text);
    }
    hub.stop().await;
    provider.stop().await;
}
