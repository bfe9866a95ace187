//! Authenticator apps, recovery codes, half sign-ins and the question who is there. Passkeys need a browser: tests/browser.

pub(super) mod codes;

use codes::{code, step, step_with_time_left};
use hub::accounts::{TokenRole, second_factors};
use hub_tests::TestHub;

use crate::outbox::mails;
use crate::pages::browser::{Browser, PASSWORD, Page};

const APP: &str = "/settings/authentication/app";
const SECOND: &str = "/login/second-factor";

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().unwrap()
}

/// What somebody has who set an app up: the app's secret and the recovery codes.
pub(crate) struct Factors {
    pub secret: String,
    pub codes: Vec<String>,
    /// The step of time whose code is used up.
    pub used: u64,
}

/// Sets an app up. The code of the step before this one is used up.
pub(crate) async fn set_up(browser: &mut Browser) -> Factors {
    let page = browser.open(APP).await;
    let secret = between(&page.text, "id=\"app-key\" readonly value=\"", "\"").to_owned();
    let setup = between(&page.text, "name=\"setup\" value=\"", "\"").to_owned();
    let csrf = page.csrf();
    let mut send = async |code: &str| browser.post(APP, &[("csrf_token", &csrf), ("setup", &setup), ("code", code)]).await;
    let page = send("12").await;
    assert!(page.status == 403 && page.has(&secret), "the same secret again: {}", page.text);
    let used = step_with_time_left().await - 1;
    let page = send(&code(&secret, used)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.headers["cache-control"], "no-store");
    let codes: Vec<String> = between(&page.text, "<code>", "</code>").lines().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10, "{codes:?}");
    Factors { secret, codes, used }
}

/// A browser in which somebody gave the right password.
pub(super) async fn half_way(hub: &TestHub, name: &str) -> Browser {
    let mut browser = Browser::new(hub);
    give_password(&mut browser, name).await;
    browser
}

async fn give_password(browser: &mut Browser, name: &str) {
    let fields = [("username", name), ("password", PASSWORD), ("next", "/settings/tokens")];
    let page = browser.submit("/login", "/login", &fields).await;
    assert_eq!((page.status, page.location()), (303, SECOND), "{}", page.text);
    assert!(browser.cookie("session").is_none_or(|value| value == "planted"), "no session yet");
}

pub(super) async fn give(browser: &mut Browser, code: &str) -> Page {
    browser.submit(SECOND, SECOND, &[("code", code)]).await
}

async fn run(hub: &TestHub, sql: &'static str) {
    hub.sql(sql).await;
}

async fn actions(hub: &TestHub) -> Vec<(String, String)> {
    let sql = "select action, via from audit_log where action like 'factor.%' or action = 'account.sign_in' order by audit_pk";
    sqlx::query_as(sql).fetch_all(&hub.app().pool).await.unwrap()
}

#[tokio::test]
async fn with_an_app_a_password_opens_nothing_and_each_code_works_once() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    run(&hub, "update users set email_confirmed_at = now()").await;
    let token = hub.token(&ada, TokenRole::Write).await;
    let mut elsewhere = Browser::logged_in(&hub, "ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let Factors { secret, codes, used } = set_up(&mut browser).await;
    assert_eq!(elsewhere.get("/settings/profile").await.status, 303, "other sessions ended");
    let page = browser.open("/settings/authentication").await;
    assert!(page.has("10 codes are left") && !page.has(&secret) && !page.has(&codes[0]), "{}", page.text);
    let kept: String =
        sqlx::query_scalar("select recovery_codes::text from recovery_codes").fetch_one(&hub.app().pool).await.unwrap();
    assert!(!kept.contains(&hex::encode(codes[0].replace('-', ""))), "only hashes are kept");

    // Programs: tokens go on, the password alone does not do.
    token.get("/api/whoami-v2", 200).await;
    let http = reqwest::Client::new();
    let whoami = |password: String| http.get(format!("{}/api/whoami-v2", hub.base())).basic_auth("ada", Some(password)).send();
    let refused = whoami(PASSWORD.to_owned()).await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("access token in the place of the password"));
    assert_eq!(whoami("wrong".to_owned()).await.unwrap().status(), 401);
    assert_eq!(whoami(token.token().to_owned()).await.unwrap().status(), 200);

    let mut other = half_way(&hub, "ada").await;
    assert_eq!(other.get("/settings/profile").await.status, 303, "half a sign-in is none");
    let kept: i64 = sqlx::query_scalar("select last_step from authenticator_apps").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(kept, used.cast_signed());
    // The step may have ended since: the code of the one before would be too old, and another one, then.
    let now = step_with_time_left().await;
    let as_if = "update authenticator_apps set last_step = $1";
    sqlx::query(as_if).bind((now - 1).cast_signed()).execute(&hub.app().pool).await.unwrap();
    let page = give(&mut other, &code(&secret, now - 1)).await;
    assert!(page.status == 403 && page.has("used before"), "the code that set the app up: {}", page.text);
    let page = give(&mut other, &code(&secret, now)).await;
    assert_eq!((page.status, page.location()), (303, "/settings/tokens"), "{}", page.text);
    assert_eq!(other.get("/settings/profile").await.status, 200);
    assert!(other.open("/settings/sessions").await.has("by password and app"));
    let mut thief = half_way(&hub, "ada").await;
    assert_eq!(give(&mut thief, &code(&secret, now)).await.status, 403, "somebody looked over a shoulder");
    assert_eq!(give(&mut thief, &codes[3].to_uppercase().replace('-', " ")).await.status, 303);
    let mut thief = half_way(&hub, "ada").await;
    assert_eq!(give(&mut thief, &codes[3]).await.status, 403, "it worked once");

    let expected = [
        ("account.sign_in", "password"),
        ("account.sign_in", "password"),
        ("factor.app_add", "session"),
        ("factor.codes_make", "session"),
        ("factor.code_wrong", "nothing"),
        ("account.sign_in", "password and app"),
        ("factor.code_wrong", "nothing"),
        ("factor.code_use", "nothing"),
        ("account.sign_in", "password and recovery code"),
        ("factor.code_wrong", "nothing"),
    ];
    assert_eq!(actions(&hub).await, expected.map(|(action, via)| (action.to_owned(), via.to_owned())));
    let sent = mails(&hub, 2).await;
    for told in ["authenticator app was added", "recovery code of your account was used"] {
        assert_eq!(sent.iter().filter(|mail| mail.contains(told)).count(), 1, "{told}: {sent:#?}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn codes_are_made_anew_and_everything_goes_again() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    run(&hub, "update users set email_confirmed_at = now()").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = "/settings/authentication";
    let none = browser.submit(page, "/settings/authentication/recovery-codes", &[]).await;
    assert_eq!(none.status, 409, "they stand in for something");
    let first = set_up(&mut browser).await;
    let renewed = browser.submit(page, "/settings/authentication/recovery-codes", &[]).await;
    assert!(renewed.status == 200 && renewed.text.matches('\n').count() > 9, "{}", renewed.text);
    let codes = between(&renewed.text, "<code>", "</code>");
    let mut other = half_way(&hub, "ada").await;
    assert_eq!(give(&mut other, &first.codes[0]).await.status, 403, "those from before are over");
    assert_eq!(give(&mut other, codes.lines().next().unwrap()).await.status, 303);

    // As it was made when codes were shorter: it works, once.
    run(
        &hub,
        "update recovery_codes set hashes = hashes || sha256(convert_to(user_pk::text || ' 0a1b2c3d4e5f60718293', 'UTF8'))",
    )
    .await;
    let mut other = half_way(&hub, "ada").await;
    assert_eq!(give(&mut other, "0A1B2-C3D4E-5F607-18293").await.status, 303);
    let mut other = half_way(&hub, "ada").await;
    assert_eq!(give(&mut other, "0a1b2-c3d4e-5f607-18293").await.status, 403);

    assert_eq!(browser.submit(page, "/settings/authentication/app/remove", &[]).await.status, 303);
    assert_eq!(hub.count("recovery_codes").await, 0, "they stood in for the app");
    Browser::logged_in(&hub, "ada").await;

    // Who lost everything asks whoever runs the hub.
    set_up(&mut browser).await;
    assert!(second_factors::remove_all(hub.app(), "ada").await.unwrap());
    assert!(!second_factors::remove_all(hub.app(), "ada").await.unwrap());
    assert!(second_factors::remove_all(hub.app(), "nobody").await.is_err());
    assert_eq!(browser.get("/settings/profile").await.status, 303, "sessions end");
    let mut browser = Browser::logged_in(&hub, "ada").await;
    assert_eq!(browser.get("/settings/profile").await.status, 200);
    hub.jobs_done().await;
    let sent = crate::outbox::outbox(&hub);
    assert_eq!(sent.iter().filter(|mail| mail.contains("whoever runs the hub removed")).count(), 1, "{sent:#?}");
    hub.stop().await;
}

#[tokio::test]
async fn half_a_sign_in_is_of_one_browser_and_is_short() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let Factors { secret, codes, .. } = set_up(&mut ada).await;

    // Stolen, it is worth nothing in another browser, even to who has a code.
    let mut browser = half_way(&hub, "ada").await;
    let half = browser.cookie("half_sign_in").unwrap().to_owned();
    let mut thief = Browser::new(&hub);
    let csrf = thief.open("/login").await.csrf();
    thief.plant("half_sign_in", &half);
    let page = thief.post(SECOND, &[("csrf_token", &csrf), ("code", &codes[0])]).await;
    assert!(page.status == 400 && page.has("Log in first, and give the second factor"), "{}", page.text);
    assert!(thief.cookie("session").is_none());

    // What somebody planted before does not become a session.
    let mut victim = Browser::new(&hub);
    victim.plant("session", "planted");
    victim.plant("half_sign_in", "planted");
    give_password(&mut victim, "ada").await;
    assert_ne!(victim.cookie("half_sign_in"), Some("planted"));
    assert_eq!(give(&mut victim, &code(&secret, step())).await.status, 303);
    assert_ne!(victim.cookie("session"), Some("planted"));
    assert_eq!(victim.get("/settings/profile").await.status, 200);
    victim.plant("session", "planted");
    assert_eq!(victim.get("/settings/profile").await.status, 303);

    // Of two at once one gets a session.
    let csrf = browser.open(SECOND).await.csrf();
    assert_eq!(give(&mut browser, &codes[1]).await.status, 303);
    browser.plant("half_sign_in", &half);
    browser.forget("session");
    let page = browser.post(SECOND, &[("csrf_token", &csrf), ("code", &codes[2])]).await;
    assert_eq!(page.status, 400, "it is over: {}", page.text);

    for end in ["update ceremonies set expires_at = now() - interval '1 second'", "delete from ceremonies"] {
        let mut late = half_way(&hub, "ada").await;
        let csrf = late.open(SECOND).await.csrf();
        run(&hub, end).await;
        assert_eq!(late.post(SECOND, &[("csrf_token", &csrf), ("code", &codes[4])]).await.status, 400);
    }
    let mut late = half_way(&hub, "ada").await;
    let csrf = late.open(SECOND).await.csrf();
    let fields = [("current_password", PASSWORD), ("new_password", "another horse")];
    assert_eq!(ada.submit("/settings/profile", "/settings/password", &fields).await.status, 303);
    let page = late.post(SECOND, &[("csrf_token", &csrf), ("code", &codes[4])]).await;
    assert_eq!(page.status, 400, "it was begun with the password before");
    hub.stop().await;
}

#[tokio::test]
async fn codes_are_not_tried_without_end() {
    let hub = TestHub::start_with(|config| config.sign_in_tries = 3).await;
    hub.account("ada").await;
    let Factors { secret, codes, .. } = set_up(&mut Browser::logged_in(&hub, "ada").await).await;
    let mut browser = half_way(&hub, "ada").await;
    for wrong in ["000000", "", "nonsense"] {
        assert_eq!(give(&mut browser, wrong).await.status, 403, "{wrong}");
    }
    for right in [&code(&secret, step()), &codes[0]] {
        let page = half_way(&hub, "ada").await.submit(SECOND, SECOND, &[("code", right)]).await;
        assert!(page.status == 429 && page.has("Too many wrong codes."), "{}", page.text);
    }
    hub.stop().await;
}

#[tokio::test]
async fn dangerous_acts_ask_once_more_who_is_there() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let Factors { secret, .. } = set_up(&mut ada).await;
    let token = [("name", "laptop"), ("role", "read"), ("expires", "")];
    for proof in ["current_password", "code"] {
        run(&hub, "update sessions set proved_at = now() - interval '31 minutes'").await;
        let before = hub.count("access_tokens").await;
        let page = ada.submit("/settings/tokens", "/settings/tokens", &token).await;
        assert_eq!((page.status, page.location()), (303, "/sudo?next=%2Fsettings%2Ftokens"));
        assert_eq!(hub.count("access_tokens").await, before);
        for action in ["app/remove", "recovery-codes", "passkeys", "passkeys/challenge", "passkeys/1/remove"] {
            let page = ada.submit("/settings/profile", &format!("/settings/authentication/{action}"), &[]).await;
            assert!(page.status == 303 && page.location().starts_with("/sudo?next="), "{action}: {}", page.status);
        }
        assert_eq!(ada.get(APP).await.location(), "/sudo?next=%2Fsettings%2Fauthentication%2Fapp");
        let ask = "/sudo?next=%2Fsettings%2Ftokens";
        assert_eq!(ada.submit(ask, "/sudo", &[("next", "/settings/tokens"), (proof, "000000")]).await.status, 403);
        assert_eq!(ada.get(APP).await.status, 303, "not yet");
        let value = if proof == "code" { code(&secret, step()) } else { PASSWORD.to_owned() };
        let page = ada.submit(ask, "/sudo", &[("next", "/settings/tokens"), (proof, &value)]).await;
        assert_eq!((page.status, page.location()), (303, "/settings/tokens"), "{}", page.text);
        assert_eq!(ada.submit("/settings/tokens", "/settings/tokens", &token).await.status, 303);
        assert_eq!(hub.count("access_tokens").await, before + 1);
    }
    for next in ["//evil.example", "https://evil.example/", "/\\evil.example"] {
        let page = ada.submit("/sudo", "/sudo", &[("next", next), ("current_password", PASSWORD)]).await;
        assert_eq!((page.status, page.location()), (303, "/settings/profile"), "{next}");
    }
    run(&hub, "update sessions set proved_at = null").await;
    assert_eq!(ada.get(APP).await.status, 303, "sessions from before an upgrade prove nothing");
    hub.stop().await;
}
