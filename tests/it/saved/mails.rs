//! Mails about saved searches, as they lie in the folder of a hub without a mail server.

use std::time::{Duration, Instant};

use hub::accounts::{OrgRole, TokenRole};
use hub::config::MailConfig;
use hub::jobs::Job;
use hub_tests::{TestHub, json};
use reqwest::Method;

use super::{PATH, aged, hub, key_of, save};
use crate::outbox::{mails, outbox};
use crate::pages::browser::{Browser, PASSWORD};

/// The mails to somebody.
fn to<'a>(mails: &'a [String], name: &str) -> Vec<&'a String> {
    mails.iter().filter(|mail| mail.contains(&format!("\r\nTo: {name}@example.org\r\n"))).collect()
}

async fn run(hub: &TestHub, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&hub.app().pool).await.unwrap();
}

/// Has every search looked at again, as if it had last been looked at some minutes ago.
async fn look_again(hub: &TestHub, minutes: i32) {
    let sql = format!(
        "update saved_searches set looked_until = now() - interval '{minutes} minutes', look_at = now() where look_at is not null"
    );
    run(hub, &sql).await;
}

/// Waits until every search was looked at after it was made due.
async fn looked(hub: &TestHub) {
    run(hub, "update saved_searches set look_at = '2020-01-01' where look_at is not null").await;
    let started = Instant::now();
    let sql = "select count(*) from saved_searches where look_at < '2021-01-01' or looked_until < now() - interval '1 minute'";
    while sqlx::query_scalar::<_, i64>(sql).fetch_one(&hub.app().pool).await.unwrap() > 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "nobody looks");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    hub.jobs_done().await;
}

async fn confirm_all(hub: &TestHub) {
    run(hub, "update users set email_confirmed_at = now()").await;
}

/// The path behind a word in a mail, without the hub's address.
fn path_in(mail: &str, start: &str) -> String {
    let at = mail.find(start).unwrap_or_else(|| panic!("no {start} in {mail}"));
    mail[at..].split(['\r', '\n', '>', '"']).next().unwrap().to_owned()
}

#[tokio::test]
async fn one_mail_tells_what_is_new_and_never_again() {
    let hub = hub().await;
    let carol = hub.account("carol").await;
    let bob = hub.user("bob").await;
    hub.organization("acme", &[(&carol, OrgRole::Admin)]).await;
    let acme = hub.token(&carol, TokenRole::Write).await;
    confirm_all(&hub).await;
    let mut browser = Browser::logged_in(&hub, "carol").await;
    save(&mut browser, "license=mit", "Free models", "at_once").await;
    let mut other = Browser::logged_in(&hub, "bob").await;
    save(&mut other, "license=mit", "Bob's", "at_once").await;

    aged(&hub, &bob, "bob/old", false, 90).await;
    aged(&hub, &bob, "bob/new", false, 30).await;
    aged(&hub, &bob, "bob/hidden", true, 30).await;
    aged(&hub, &acme, "acme/inside", true, 30).await;
    look_again(&hub, 60).await;
    let sent = mails(&hub, 2).await;
    let [mail] = to(&sent, "carol")[..] else { panic!("{sent:#?}") };
    for part in
        ["Subject: 2 new models: Free models\r\n", "/bob/new", "/acme/inside", "(Licence: mit)", "From: Hub <hub@localhost>"]
    {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    assert!(!mail.contains("bob/old") && !mail.contains("bob/hidden"), "{mail}");
    let [mail] = to(&sent, "bob")[..] else { panic!("{sent:#?}") };
    assert!(mail.contains("/bob/hidden") && mail.contains("/bob/new") && !mail.contains("acme/inside"), "{mail}");

    // Looked at once more, nothing is new; and what comes then comes alone.
    looked(&hub).await;
    mails(&hub, 2).await;
    aged(&hub, &bob, "bob/newest", false, 10).await;
    look_again(&hub, 20).await;
    let sent = mails(&hub, 4).await;
    let second =
        to(&sent, "carol").into_iter().find(|mail| mail.contains("Subject: 1 new model: Free models")).expect("a second mail");
    assert!(second.contains("/bob/newest") && !second.contains("/bob/new\r\n"), "{second}");
    assert!(browser.open(PATH).await.has("Mail at once, the last"));
    hub.stop().await;
}

#[tokio::test]
async fn what_becomes_public_is_new_to_those_who_did_not_see_it() {
    let hub = hub().await;
    hub.account("carol").await;
    let bob = hub.user("bob").await;
    confirm_all(&hub).await;
    for name in ["carol", "bob"] {
        save(&mut Browser::logged_in(&hub, name).await, "license=mit", name, "at_once").await;
    }
    aged(&hub, &bob, "bob/shy", true, 90).await;
    for private in [false, true, false] {
        bob.call(Method::PUT, "/api/models/bob/shy/settings", &json!({ "private": private }), 200).await;
    }
    run(&hub, "update repos set published_at = published_at - interval '30 minutes' where name = 'shy'").await;
    look_again(&hub, 60).await;
    let sent = mails(&hub, 1).await;
    assert!(to(&sent, "carol")[0].contains("/bob/shy"), "{sent:#?}");
    looked(&hub).await;
    mails(&hub, 1).await;
    hub.stop().await;
}

#[tokio::test]
async fn rights_are_asked_again_when_a_mail_is_sent() {
    let hub = hub().await;
    hub.account("carol").await;
    let bob = hub.user("bob").await;
    confirm_all(&hub).await;
    save(&mut Browser::logged_in(&hub, "carol").await, "license=mit", "Free", "weekly").await;
    aged(&hub, &bob, "bob/gone", true, 30).await;
    let saved_search_pk = key_of(&hub, "Free").await;
    // As if it had been found while it was public.
    run(&hub, "update saved_searches set waiting = (select array_agg(repo_pk) from repos where name = 'gone')").await;
    let mut conn = hub.app().pool.acquire().await.unwrap();
    Job::SendAlert { saved_search_pk }.enqueue(&mut conn).await.unwrap();
    drop(conn);
    hub.app().jobs.wake();
    hub.jobs_done().await;
    let waiting: i64 =
        sqlx::query_scalar("select count(*) from saved_searches where waiting <> '{}'").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!((outbox(&hub).len(), waiting), (0, 0));
    hub.stop().await;
}

#[tokio::test]
async fn mails_end_with_one_request() {
    let hub = hub().await;
    hub.account("carol").await;
    let bob = hub.user("bob").await;
    confirm_all(&hub).await;
    let mut browser = Browser::logged_in(&hub, "carol").await;
    save(&mut browser, "license=mit", "Free", "at_once").await;
    aged(&hub, &bob, "bob/new", false, 30).await;
    look_again(&hub, 60).await;
    let sent = mails(&hub, 1).await;
    assert!(sent[0].contains("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{}", sent[0]);
    let header = sent[0].split("\r\nList-Unsubscribe: <").nth(1).expect("a header").split('>').next().unwrap();
    let path = path_in(header, "/saved-searches/");
    assert!(sent[0].matches(&path).count() >= 3, "in the header and in both texts: {}", sent[0]);

    // Opening it changes nothing: programs open links, too. Neither does a signature that is not ours.
    let mut anybody = Browser::new(&hub);
    assert!(anybody.open(&path).await.has("No more mails?"));
    let wrong = path.replace("/unsubscribe", "x/unsubscribe");
    assert_eq!(anybody.post(&wrong, &[("List-Unsubscribe", "One-Click")]).await.status, 404);
    assert!(browser.open(PATH).await.has("Mail at once, the last"));
    let client = hub.anonymous();
    let request = client.request(Method::POST, &path).form(&[("List-Unsubscribe", "One-Click")]);
    client.send(request, 200).await;
    assert!(browser.open(PATH).await.has("· No mail"));
    assert!(anybody.open(&path).await.has("<h1>No more mails</h1>"));
    let due: i64 = sqlx::query_scalar("select count(look_at) from saved_searches").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(due, 0);
    hub.stop().await;
}

#[tokio::test]
async fn mail_goes_only_to_addresses_that_were_confirmed() {
    let hub = hub().await;
    let user = hub.account("carol").await;
    let bob = hub.user("bob").await;
    let mut browser = Browser::logged_in(&hub, "carol").await;
    save(&mut browser, "license=mit", "Free", "at_once").await;
    aged(&hub, &bob, "bob/new", false, 30).await;
    look_again(&hub, 60).await;
    looked(&hub).await;
    mails(&hub, 0).await;

    let ask = "/settings/confirm-email";
    let asked = browser.submit(PATH, ask, &[("next", PATH)]).await;
    assert_eq!((asked.status, asked.location()), (303, PATH));
    let sent = mails(&hub, 1).await;
    assert!(sent[0].contains("\r\nTo: carol@example.org\r\n") && !sent[0].contains("List-Unsubscribe"), "{}", sent[0]);
    let link = path_in(&sent[0], "/confirm-email/");
    let again = browser.submit(PATH, ask, &[("next", PATH)]).await;
    assert!(again.status == 409 && again.has("A mail was sent to you a moment ago."), "{}", again.status);
    let mut anybody = Browser::new(&hub);
    assert!(anybody.open(&link).await.has("Is this your email address?"));
    let wrong = format!("{link}x");
    assert_eq!(anybody.post(&wrong, &[]).await.status, 404);
    let token = hub.token(&user, TokenRole::Read).await;
    assert_eq!(token.get_json("/api/whoami-v2", 200).await["emailVerified"], false);
    assert!(anybody.post(&link, &[]).await.has("Email address confirmed"));
    assert_eq!(token.get_json("/api/whoami-v2", 200).await["emailVerified"], true);

    // What was made before is not told, and another address is another question.
    looked(&hub).await;
    mails(&hub, 1).await;
    let fields = [("email", "carol@example.net"), ("current_password", PASSWORD)];
    assert_eq!(browser.submit("/settings/profile", "/settings/email", &fields).await.status, 303);
    let sent = mails(&hub, 2).await;
    let other = path_in(sent.iter().find(|mail| mail.contains("carol@example.net")).unwrap(), "/change-email");
    let secret = other.split("link=").nth(1).unwrap();
    assert_eq!(anybody.submit(&other, "/change-email", &[("link", secret)]).await.status, 200);
    assert_eq!(anybody.post(&link, &[]).await.status, 404, "the link was for the old address");
    hub.stop().await;
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_asked_again() {
    let hub = TestHub::start_with(|config| {
        config.alerts_every_secs = 1;
        let smtp_url = "smtp://somebody:hunter2@127.0.0.1:1".to_owned().into();
        config.mail = Some(MailConfig { smtp_url, from: "hub@example.org".to_owned() });
    })
    .await;
    hub.account("operator").await;
    hub.account("carol").await;
    let bob = hub.user("bob").await;
    confirm_all(&hub).await;
    save(&mut Browser::logged_in(&hub, "carol").await, "license=mit", "Free", "at_once").await;
    aged(&hub, &bob, "bob/new", false, 30).await;
    look_again(&hub, 60).await;
    let started = Instant::now();
    let error = loop {
        let sql = "select last_error from jobs where kind = 'send_alert' and last_error is not null and failed_at is null";
        if let Some(error) = sqlx::query_scalar::<_, String>(sql).fetch_optional(&hub.app().pool).await.unwrap() {
            break error;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "no mail was tried");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(error.contains("Unreachable") && !error.contains("hunter2") && !error.contains("carol"), "{error}");
    let waiting: i64 = sqlx::query_scalar("select count(*) from saved_searches where waiting <> '{}' and mailed_at is null")
        .fetch_one(&hub.app().pool)
        .await
        .unwrap();
    assert_eq!(waiting, 1, "what was not told still waits");
    hub.stop().await;
}
