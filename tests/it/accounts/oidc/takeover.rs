//! Ways to somebody else's account that there might be, and the way of who is kept out of their own.

use hub::accounts::TokenRole;
use hub::config::OidcConfig;
use hub_tests::TestHub;
use reqwest::header::AUTHORIZATION;

use super::provider::{Person, Provider};
use super::{hub_with, is_logged_in, sign_in};
use crate::accounts::second_factors::{give, set_up};
use crate::outbox::{link, mails, the_mail};
use crate::pages::browser::{Browser, PASSWORD};

const LINK: &str = "/login/oidc/link";

/// Links by the password of the account.
async fn link_by_password(browser: &mut Browser) -> crate::pages::browser::Page {
    browser.submit(LINK, LINK, &[("current_password", PASSWORD)]).await
}

#[tokio::test]
async fn a_second_factor_is_asked_for_before_a_link_also_without_passwords() {
    let provider = Provider::start();
    let settings = OidcConfig { only: true, signup: false, ..provider.settings() };
    let hub = TestHub::start_with(|config| config.oidc = Some(settings)).await;
    hub.account("ada").await;
    let mut browser = Browser::new(&hub);
    sign_in(&mut browser, &provider, &Person::new("ada", "ada@example.org"), "/").await;
    assert_eq!(link_by_password(&mut browser).await.location(), "/");
    let factors = set_up(&mut browser).await;

    // Another account there with the same address: neither the address nor the password opens anything alone.
    let other = Person::new("ada-again", "ada@example.org");
    let mut browser = Browser::new(&hub);
    assert_eq!(sign_in(&mut browser, &provider, &other, "/datasets").await.location(), LINK);
    let page = link_by_password(&mut browser).await;
    assert_eq!((page.status, page.location()), (303, "/login/second-factor"), "{}", page.text);
    assert!(!is_logged_in(&mut browser).await);
    assert_eq!(hub.count("user_identities").await, 1, "not linked yet");
    assert_eq!(give(&mut browser, &factors.codes[0]).await.location(), LINK);
    assert_eq!(link_by_password(&mut browser).await.location(), "/datasets");
    assert_eq!(hub.count("user_identities").await, 2);
    let log = browser.open("/settings/security-log").await;
    assert!(log.has("Single sign-on linked"), "{}", log.text);

    // Somebody who cannot make an account is not shown a form for it.
    let page = sign_in(&mut Browser::new(&hub), &provider, &Person::new("eve", "eve@example.org"), "/").await;
    assert!(page.status == 403 && page.has("sign-up is closed") && page.has("/settings/sign-in"), "{}", page.text);
    hub.stop().await;
    provider.stop().await;
}

#[tokio::test]
async fn who_waits_in_an_account_with_another_s_address_is_out_when_its_owner_comes() {
    let provider = Provider::start();
    let hub = hub_with(&provider).await;
    hub.account("operator").await;
    // Eve makes an account with Ada's address, and whatever could open it later.
    let eve = hub.account("eve").await;
    sqlx::query("update users set email = 'ada@corp.example', email_confirmed_at = null where user_pk = $1")
        .bind(eve.pk)
        .execute(&hub.app().pool)
        .await
        .unwrap();
    let token = hub.token(&eve, TokenRole::Write).await;
    let mut waiting = Browser::logged_in(&hub, "eve").await;
    let hers = Person::new("eve", "eve@evil.example");
    assert_eq!(sign_in(&mut waiting, &provider, &hers, "/").await.location(), LINK);
    assert_eq!(link_by_password(&mut waiting).await.location(), "/");
    set_up(&mut waiting).await;

    let ada = Person::new("ada", "ada@corp.example");
    let mut browser = Browser::new(&hub);
    assert_eq!(sign_in(&mut browser, &provider, &ada, "/").await.location(), LINK);
    let page = browser.submit("/forgot-password", "/forgot-password", &[("email", "ada@corp.example")]).await;
    assert_eq!(page.status, 200);
    let path = link(the_mail(&mails(&hub, 1).await, "ada@corp.example", "Choose a new password"));
    let secret = path.split("link=").nth(1).unwrap();
    let fields = [("link", secret), ("new_password", PASSWORD)];
    assert_eq!(browser.submit(&path, "/reset-password", &fields).await.status, 303);
    token.get("/api/whoami-v2", 401).await;
    assert!(!is_logged_in(&mut waiting).await);
    assert_eq!(hub.count("user_identities").await + hub.count("authenticator_apps").await + hub.count("recovery_codes").await, 0);
    assert_eq!(sign_in(&mut Browser::new(&hub), &provider, &hers, "/").await.location(), "/login/oidc/join", "Eve is a stranger");
    assert_eq!(link_by_password(&mut browser).await.location(), "/");
    assert!(is_logged_in(&mut browser).await);
    // The address is confirmed now: what opens the account is told there.
    the_mail(&mails(&hub, 3).await, "ada@corp.example", "How you log in was changed");
    hub.stop().await;
    provider.stop().await;
}

#[tokio::test]
async fn a_token_is_no_browser_that_is_logged_in() {
    let provider = Provider::start();
    let hub = hub_with(&provider).await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    set_up(&mut ada).await;
    let eve = hub.account("eve").await;
    let token = hub.token(&eve, TokenRole::Write).await;
    // Eve has Ada's password, and her address at the provider, but not her second factor.
    let mut browser = Browser::new(&hub);
    sign_in(&mut browser, &provider, &Person::new("eve", "ada@example.org"), "/").await;
    let csrf = browser.open(LINK).await.csrf();
    let cookies = ["oidc-new", "visit"].map(|name| format!("{name}={}", browser.cookie(name).unwrap_or_default())).join("; ");
    let request = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = request.post(format!("{}{LINK}", hub.base())).header(AUTHORIZATION, format!("Bearer {}", token.token()));
    let request = request.header("Cookie", cookies).form(&[("csrf_token", csrf.as_str()), ("current_password", PASSWORD)]);
    let response = request.send().await.unwrap();
    let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    assert_eq!((response.status().as_u16(), location.as_deref()), (303, Some("/login/second-factor")));
    assert_eq!(hub.count("user_identities").await, 0);
    hub.stop().await;
    provider.stop().await;
}
