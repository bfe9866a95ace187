//! What somebody can do who has a part of what opens an account: its password, or a browser that was left open.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, json, until};
use reqwest::Method;
use sqlx::PgPool;

use super::second_factors::codes::{code, step};
use super::second_factors::{Factors, give, half_way, set_up};
use crate::outbox::{mails, the_mail};
use crate::pages::browser::{Browser, PASSWORD};

/// Waits until `count` statements wait for a lock.
async fn until_held(pool: &PgPool, count: i64) {
    let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let held = async || sqlx::query_scalar::<_, i64>(sql).fetch_one(pool).await.unwrap() >= count;
    until("as many wait", held).await;
}

/// A thief who goes on logging in with the password has a login under way at the very moment at which its owner acts.
#[tokio::test]
async fn a_login_that_was_under_way_when_the_account_was_changed_opens_nothing() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let pool = hub.app().pool.clone();
    let log_in = async |mut thief: Browser, csrf: String| {
        let page = thief.post("/login", &[("csrf_token", &csrf), ("username", "ada"), ("password", PASSWORD)]).await;
        (thief, page)
    };
    let lock = async |sql: &'static str| {
        let mut held = hub.app().begin().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut *held).await.unwrap();
        held
    };

    // Its password was right when it was looked at.
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let mut thief = Browser::new(&hub);
    let csrf = thief.open("/login").await.csrf();
    let held = lock("lock table authenticator_apps in access exclusive mode").await;
    let (change, thief) = tokio::join!(
        async {
            until_held(&pool, 1).await;
            let fields = [("current_password", PASSWORD), ("new_password", "another horse")];
            let page = ada.submit("/settings/profile", "/settings/password", &fields).await;
            held.rollback().await.unwrap();
            page
        },
        log_in(thief, csrf)
    );
    assert_eq!(change.status, 303, "{}", change.text);
    let (mut thief, page) = thief;
    assert_eq!(page.status, 409, "{}", page.text);
    assert_eq!(thief.get("/settings/profile").await.status, 303, "the password was changed");

    // Or it asked for no second factor when there was none.
    hub.account("bob").await;
    let mut bob = Browser::logged_in(&hub, "bob").await;
    let mut thief = Browser::new(&hub);
    let csrf = thief.open("/login").await.csrf();
    let held = lock("lock table sign_ins in share mode").await;
    let (_, (), (mut thief, page)) = tokio::join!(
        async {
            until_held(&pool, 1).await;
            set_up(&mut bob).await
        },
        async {
            until_held(&pool, 1).await;
            // Until the other has done what it does, or waits, too.
            let done = "select count(*) from authenticator_apps";
            let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
            let is_so = async || {
                let done: i64 = sqlx::query_scalar(done).fetch_one(&pool).await.unwrap();
                let waiting: i64 = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
                done > 0 || waiting > 1
            };
            until("the app is set up, or who does it waits", is_so).await;
            held.rollback().await.unwrap();
        },
        async {
            let page = thief.post("/login", &[("csrf_token", &csrf), ("username", "bob"), ("password", PASSWORD)]).await;
            (thief, page)
        }
    );
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(thief.get("/settings/profile").await.status, 303, "a password alone does not do any more");
    hub.stop().await;
}

/// Whoever has the password could try codes for weeks, fifteen minutes at a time.
#[tokio::test]
async fn wrong_codes_of_an_app_are_counted_for_a_day_and_told() {
    let hub = TestHub::start_with(|config| config.sign_in_tries = 0).await;
    hub.account("ada").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let Factors { secret, codes, .. } = set_up(&mut Browser::logged_in(&hub, "ada").await).await;
    mails(&hub, 1).await;
    let mut thief = half_way(&hub, "ada").await;
    for _ in 0..10 {
        assert_eq!(give(&mut thief, "000000").await.status, 403);
    }
    let sent = mails(&hub, 2).await;
    let mail = the_mail(&sent, "ada@example.org", "Somebody tries to get into your account");
    assert!(mail.contains("has your password"), "{mail}");
    assert_eq!(hub.count("audit_log where action = 'factor.code_wrong'").await, 10);

    // On all nodes together, after a restart, and in the next quarter of an hour, too.
    hub.sql("update wrong_codes set count = 100").await;
    let page = give(&mut thief, &code(&secret, step())).await;
    assert!(page.status == 429 && page.has("recovery code"), "{}", page.text);
    let page = give(&mut half_way(&hub, "ada").await, &codes[0]).await;
    assert_eq!(page.status, 303, "nobody guesses a recovery code, so its owner gets in: {}", page.text);
    hub.sql("update wrong_codes set since = now() - interval '25 hours'").await;
    assert_eq!(give(&mut half_way(&hub, "ada").await, &code(&secret, step())).await.status, 303, "a day later");
    hub.stop().await;
}

#[tokio::test]
async fn logins_that_fail_and_new_browsers_are_told() {
    let hub = TestHub::start_with(|config| {
        config.trusted_proxies = hub::web::client_address::TrustedProxies::parse("127.0.0.1").unwrap()
    })
    .await;
    hub.account("ada").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let log_in = async |mut browser: Browser, password: &str, address: &str| {
        let csrf = browser.open("/login").await.csrf();
        let fields = [("csrf_token", csrf.as_str()), ("username", "ada"), ("password", password)];
        let page = browser.post_from("/login", &fields, address).await;
        (page.status, browser)
    };
    let (status, mut ada) = log_in(Browser::new(&hub).called(firefox), PASSWORD, "198.51.100.7").await;
    assert_eq!(status, 303);
    mails(&hub, 0).await;
    // The same browser elsewhere, and another of the same kind at home.
    let csrf = ada.open("/settings/profile").await.csrf();
    ada.post("/logout", &[("csrf_token", &csrf)]).await;
    let (status, _) = log_in(ada, PASSWORD, "203.0.113.9").await;
    assert_eq!(status, 303);
    let (status, _) = log_in(Browser::new(&hub).called(firefox), PASSWORD, "198.51.100.7").await;
    assert_eq!(status, 303);
    mails(&hub, 0).await;
    // Another kind of browser, and the same kind where the account never was.
    let (_, mut other) = log_in(Browser::new(&hub).called("curl/8.5"), PASSWORD, "198.51.100.7").await;
    let sent = mails(&hub, 1).await;
    let mail = the_mail(&sent, "ada@example.org", "Your account was opened in a browser that is new to it");
    assert!(mail.contains("with curl from 198.51.100.7") && mail.contains("/settings/sessions"), "{mail}");
    log_in(Browser::new(&hub).called(firefox), PASSWORD, "192.0.2.33").await;
    mails(&hub, 2).await;

    for address in ["192.0.2.80", "192.0.2.80", "192.0.2.81"] {
        assert_eq!(log_in(Browser::new(&hub).called(firefox), "wrong horse", address).await.0, 422);
    }
    let log = "/settings/security-log?action=account.sign_in_failed";
    until("the last one is in the log", async || other.open(log).await.has("192.0.2.81")).await;
    let page = other.open(log).await;
    assert_eq!(page.text.matches("from 192.0.2.8").count(), 2, "once for each network in fifteen minutes: {}", page.text);
    assert!(page.has("Wrong password") && page.has("Firefox on Linux"), "{}", page.text);
    hub.stop().await;
}

/// Where a form is sent, where people come back to, and the form.
type Act<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Everything that a thief of an open browser must not do, by pages and by what scripts of pages may ask.
#[tokio::test]
async fn an_open_browser_does_nothing_dangerous() {
    let hub = TestHub::start().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Read)]).await;
    let token = hub.token(&ada, TokenRole::Write).await;
    token.create_repo("model", "ada/bert", true).await;
    token.create_repo("dataset", "ada/squad", false).await;
    token.commit("/api/models/ada/bert", "main", &[Client::file("a.txt", "a")], 200).await;
    let mut open = Browser::logged_in(&hub, "ada").await;
    let csrf = open.open("/ada/bert/settings").await.csrf();
    hub.sql("update sessions set proved_at = now() - interval '31 minutes'").await;
    let pages: &[Act] = &[
        ("/ada/bert/settings/visibility", "/ada/bert/settings", &[("visibility", "public")]),
        ("/ada/bert/settings/move", "/ada/bert/settings", &[("owner", "acme"), ("name", "bert")]),
        ("/ada/bert/settings/delete", "/ada/bert/settings", &[("confirmation", "ada/bert")]),
        ("/organizations/acme/members", "/organizations/acme/settings", &[("user", "bob"), ("role", "admin")]),
        ("/organizations/acme/members/bob", "/organizations/acme/settings", &[("role", "admin")]),
        ("/organizations/acme/members/bob", "/organizations/acme/settings", &[("action", "remove")]),
        ("/settings/username", "/settings/profile", &[("name", "eve")]),
        ("/organizations/acme/settings/name", "/organizations/acme/settings", &[("name", "eves")]),
        ("/organizations/acme/invitations", "/organizations/acme/settings", &[("email", "e@example.org"), ("role", "admin")]),
        ("/settings/applications", "/settings/applications/new", &[("name", "x"), ("kind", "public")]),
        ("/settings/keys", "/settings/keys", &[("key", "ssh-ed25519 AAAA")]),
        ("/settings/gpg-keys", "/settings/gpg-keys", &[("key", "-----BEGIN PGP PUBLIC KEY BLOCK-----")]),
        ("/settings/tokens", "/settings/tokens", &[("name", "x"), ("role", "write"), ("expires", "")]),
    ];
    for (action, back, fields) in pages {
        let fields: Vec<_> = fields.iter().copied().chain([("csrf_token", csrf.as_str())]).collect();
        let page = open.post(action, &fields).await;
        assert_eq!(page.status, 303, "{action}: {}", page.text);
        let back = back.replace('/', "%2F").replace('-', "%2D");
        assert_eq!(page.location(), format!("/sudo?next={back}"), "{action}");
    }
    let scripts = [
        (Method::DELETE, "/api/repos/delete", r#"{"type": "model", "name": "bert", "organization": "ada"}"#),
        (Method::POST, "/api/repos/move", r#"{"type": "model", "fromRepo": "ada/bert", "toRepo": "acme/bert"}"#),
        (Method::PUT, "/api/models/ada/bert/settings", r#"{"private": false}"#),
        (Method::POST, "/api/models/ada/bert/duplicate", r#"{"repository": "ada/copy", "private": false}"#),
    ];
    for (method, path, body) in scripts {
        let page = open.call(method, path, &csrf, body).await;
        assert!(page.status == 403 && page.has("/sudo?next="), "{path}: {} {}", page.status, page.text);
    }
    let info = token.get_json("/api/models/ada/bert", 200).await;
    assert_eq!((&info["private"], &info["id"]), (&json!(true), &json!("ada/bert")));
    assert_eq!(hub.count("organization_invitations").await + hub.count("oauth_clients where user_pk is not null").await, 0);

    // What can be taken back by whoever may see it is not asked for, nor are programs.
    assert_eq!(
        open.post("/datasets/ada/squad/settings/visibility", &[("csrf_token", &csrf), ("visibility", "private")]).await.status,
        303
    );
    assert_eq!(token.get_json("/api/datasets/ada/squad", 200).await["private"], true);
    token.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": false }), 200).await;

    // A proof opens all of them.
    let proof = [("next", "/ada/bert/settings"), ("current_password", PASSWORD)];
    assert_eq!(open.submit("/sudo?next=/ada/bert/settings", "/sudo", &proof).await.location(), "/ada/bert/settings");
    let page = open.post("/ada/bert/settings/delete", &[("csrf_token", &csrf), ("confirmation", "ada/bert")]).await;
    assert_eq!(page.location(), "/settings/deleted");
    hub.stop().await;
}
