//! What receivers are sent, and what becomes of deliveries that fail.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hub::accounts::TokenRole;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use super::receiver::{Got, Receiver};
use super::{API, hub, watch};
use crate::locks::in_order;
use crate::outbox::{mails, the_mail};

/// Has everything that waits be tried again at once.
pub(super) async fn try_now(hub: &TestHub) {
    // Apart: in one transaction they would wait for a delivery that ends just now, and it for them.
    hub.sql("update webhook_deliveries set next_try_at = now() where state = 'waiting'").await;
    hub.sql("update webhooks set due_at = now(), locked_until = null where due_at is not null").await;
    hub.app().webhooks.wake();
}

/// Waits until a question has a certain answer.
async fn until(hub: &TestHub, question: &'static str, expected: &str) {
    let started = Instant::now();
    loop {
        let found: Option<Option<String>> = sqlx::query_scalar(question).fetch_optional(&hub.app().pool).await.unwrap();
        let found = found.flatten();
        if found.as_deref() == Some(expected) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{question}: {found:?}, not {expected}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until everything that happened was heard and nothing is being sent.
pub(super) async fn settled(hub: &TestHub) {
    until(hub, "select count(*)::text from webhook_changes", "0").await;
    until(hub, "select count(*)::text from webhooks where locked_until > now() or due_at <= now() and not disabled", "0").await;
}

const TALK: &str = "/api/datasets/ada/new/discussions";

/// Does everything that a webhook can hear of, to a dataset of ada's. What is told says how things are a moment later, so each is waited
/// for.
async fn do_everything(ada: &Client, receiver: &Receiver) {
    let heard = async |count: usize| drop(receiver.wait_for(count).await);
    ada.create_repo("dataset", "ada/old", false).await;
    heard(1).await;
    let api = "/api/datasets/ada/old";
    ada.commit(api, "main", &[Client::file("README.md", "---\nlicense: mit\n---\n# Data\n")], 200).await;
    heard(2).await;
    ada.post_json(&format!("{api}/branch/dev"), &json!({}), 200).await;
    heard(3).await;
    ada.call(Method::PUT, &format!("{api}/settings"), &json!({ "private": true }), 200).await;
    heard(4).await;
    let body = json!({ "fromRepo": "ada/old", "toRepo": "ada/new", "type": "dataset" });
    ada.post_json("/api/repos/move", &body, 200).await;
    ada.post_json(TALK, &json!({ "title": "A question", "description": "Why?" }), 200).await;
    heard(6).await;
    let said = ada.post_json(&format!("{TALK}/1/comment"), &json!({ "comment": "Because." }), 201).await;
    heard(7).await;
    let comment = format!("{TALK}/1/comment/{}", said["newMessage"]["id"].as_str().unwrap());
    ada.post_json(&format!("{comment}/edit"), &json!({ "content": "Therefore." }), 200).await;
    heard(8).await;
    ada.post_json(&format!("{comment}/hide"), &json!({}), 200).await;
    ada.post_json(&format!("{TALK}/1/status"), &json!({ "status": "closed" }), 200).await;
    ada.post_json(TALK, &json!({ "title": "A change", "description": "", "pullRequest": true }), 200).await;
    heard(12).await;
    ada.commit("/api/datasets/ada/new", "refs%2Fpr%2F2", &[Client::file("more.txt", "more")], 200).await;
    ada.post_json(&format!("{TALK}/2/status"), &json!({ "status": "open" }), 200).await;
    heard(14).await;
    ada.post_json(&format!("{TALK}/2/merge"), &json!({}), 200).await;
    ada.call(Method::DELETE, &format!("{TALK}/1"), &json!({}), 200).await;
    let body = json!({ "name": "new", "organization": "ada", "type": "dataset" });
    ada.call(Method::DELETE, "/api/repos/delete", &body, 200).await;
}

const EVERYTHING: [&str; 18] = [
    "repo create",
    "repo.content update",
    "repo.content update",
    "repo.config update",
    "repo move",
    "discussion create",
    "discussion.comment create",
    "discussion.comment update",
    "discussion.comment update",
    "discussion update",
    "repo.content update",
    "discussion create",
    "repo.content update",
    "discussion update",
    "repo.content update",
    "discussion update",
    "discussion delete",
    "repo delete",
];

#[tokio::test]
async fn everything_arrives_once_and_in_order_as_the_hub_sends_it() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let ada = hub.user("ada").await;
    let webhook = watch(&ada, &receiver.url("/all"), &["user ada"]).await;
    do_everything(&ada, &receiver).await;
    let got = receiver.wait_for(EVERYTHING.len()).await;
    settled(&hub).await;
    let got = if receiver.got().len() > got.len() { receiver.got() } else { got };
    let events: Vec<String> = got.iter().map(Got::event).collect();
    assert_eq!(events, EVERYTHING);
    let ids: BTreeSet<&str> = got.iter().map(Got::id).collect();
    assert_eq!(ids.len(), got.len(), "each has an id of its own");
    for one in &got {
        assert_eq!(one.body["webhook"], json!({ "id": webhook["id"], "version": 3 }));
        assert_eq!(one.headers["x-webhook-secret"], "s3cret");
        assert!(one.headers["webhook-signature"].starts_with("v1,") && one.headers["content-type"] == "application/json");
    }
    check_repo(&got);
    check_talk(&got);
    hub.stop().await;
}

fn check_repo(got: &[Got]) {
    let repo = &got[1].body["repo"];
    assert_eq!((&repo["type"], &repo["name"], &repo["private"]), (&json!("dataset"), &json!("ada/old"), &json!(false)));
    assert!(repo["id"].as_str().unwrap().len() == 24 && repo["owner"]["id"].as_str().unwrap().len() == 24, "{repo}");
    assert!(repo["url"]["web"].as_str().unwrap().ends_with("/datasets/ada/old"), "{repo}");
    assert!(repo["url"]["api"].as_str().unwrap().ends_with("/api/datasets/ada/old"), "{repo}");
    let refs = &got[1].body["updatedRefs"][0];
    assert_eq!(refs["ref"], "refs/heads/main");
    assert!(refs["oldSha"].as_str().unwrap().len() == 40 && refs["newSha"] != refs["oldSha"], "{refs}");
    assert_eq!(got[2].body["updatedRefs"][0]["oldSha"], Value::Null);
    assert_eq!(got[3].body["updatedConfig"], json!({ "private": true }));
    let moved = &got[4].body;
    assert_eq!((&moved["repo"]["name"], &moved["movedTo"]["name"]), (&json!("ada/old"), &json!("ada/new")));
    assert_eq!(moved["movedTo"]["owner"], moved["repo"]["owner"]);
    assert_eq!(got[12].body["updatedRefs"][0]["ref"], "refs/pr/2");
    // The ref of the pull request stays where it is.
    assert_eq!(got[14].body["updatedRefs"].as_array().unwrap().len(), 1);
    assert_eq!(got[14].body["updatedRefs"][0]["ref"], "refs/heads/main");
    assert_eq!(got[17].body["repo"]["name"], "ada/new");
}

fn check_talk(got: &[Got]) {
    let opened = &got[5].body;
    assert_eq!(opened["comment"]["content"], "Why?");
    let discussion = &opened["discussion"];
    assert_eq!((&discussion["num"], &discussion["isPullRequest"]), (&json!(1), &json!(false)));
    assert!(discussion["url"]["web"].as_str().unwrap().ends_with("/datasets/ada/new/discussions/1"), "{discussion}");
    assert_eq!(opened["repo"].get("headSha"), None);
    let hidden = &got[8].body["comment"];
    assert_eq!((&hidden["hidden"], hidden.get("content")), (&json!(true), None));
    let comments = [6, 7].map(|at| got[at].body["comment"]["content"].as_str().unwrap());
    assert_eq!(comments, ["Because.", "Therefore."]);
    assert_eq!(got[9].body["discussion"]["status"], "closed");
    assert_eq!(got[11].body["discussion"]["changes"]["base"], "refs/heads/main");
    let deleted = &got[16].body["discussion"];
    assert_eq!((&deleted["num"], &deleted["title"], &deleted["id"]), (&json!(1), &json!("A question"), &discussion["id"]));
    let merged = &got[15].body["discussion"];
    assert_eq!(
        (&merged["status"], &merged["changes"]["mergeCommitId"]),
        (&json!("merged"), &got[14].body["updatedRefs"][0]["newSha"])
    );
}

#[tokio::test]
async fn only_what_is_watched_is_told_and_nothing_is_noted_without_webhooks() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let (ada, bob) = (hub.user("ada").await, hub.user("bob").await);
    ada.create_repo("model", "ada/quiet", false).await;
    assert_eq!(hub.count("webhook_changes").await, 0);
    ada.create_repo("model", "ada/loud", false).await;
    let bucket = bob.post_json("/api/buckets/bob/runs", &json!({}), 200).await;
    assert!(bucket.is_object(), "{bucket}");
    watch(&bob, &receiver.url("/user"), &["user bob"]).await;
    watch(&bob, &receiver.url("/named"), &["model ada/loud", "bucket bob/runs"]).await;
    let talk = json!({ "url": receiver.url("/talk"), "watched": [{ "type": "user", "name": "ada" }], "domains": ["discussion"] });
    bob.post_json(API, &talk, 200).await;
    for repo in ["quiet", "loud"] {
        ada.commit(&format!("/api/models/ada/{repo}"), "main", &[Client::file("a.txt", "a")], 200).await;
    }
    ada.post_json("/api/models/ada/quiet/discussions", &json!({ "title": "A question", "description": "" }), 200).await;
    bob.call(Method::DELETE, "/api/buckets/bob/runs", &json!({}), 200).await;
    receiver.wait_for(3).await;
    settled(&hub).await;
    let mut got: Vec<String> = receiver.got().iter().map(|one| format!("{} {}", one.path, one.event())).collect();
    got.sort();
    assert_eq!(got, ["/named repo delete", "/named repo.content update", "/talk discussion create"]);
    hub.stop().await;
}

#[tokio::test]
async fn what_fails_is_tried_again_and_in_the_end_switched_off() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let account = hub.account("ada").await;
    let ada = hub.token(&account, TokenRole::Write).await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let webhook = watch(&ada, &receiver.url("/"), &["user ada"]).await;
    receiver.answer(503);
    ada.create_repo("model", "ada/bert", false).await;
    until(&hub, "select attempts::text from webhook_deliveries", "1").await;
    check_metrics(&hub, &["hub_webhook_deliveries_waiting 1"]).await;
    let waits = "select round(extract(epoch from next_try_at - tried_at))::text from webhook_deliveries";
    for (tries, wait) in [(2, "10"), (3, "60"), (4, "300"), (5, "1800"), (6, "7200"), (7, "21600"), (8, "21600"), (9, "21600")] {
        until(&hub, waits, wait).await;
        settled(&hub).await;
        try_now(&hub).await;
        let got = receiver.wait_for(tries).await;
        assert!(got.iter().all(|one| one.id() == got[0].id()), "the same delivery");
    }
    until(&hub, "select state || ' ' || attempts || ' ' || status_code from webhook_deliveries", "failed 9 503").await;
    until(&hub, "select failures || ' ' || disabled from webhooks", "9 false").await;
    let answer: String = sqlx::query_scalar("select answer from webhook_deliveries").fetch_one(&hub.app().pool).await.unwrap();
    assert!(answer.starts_with("\u{fffd}thanks x") && answer.len() <= 4096 + 8, "{}", answer.len());

    // Something arrives, and all is forgotten; then nothing does for days.
    receiver.answer(202);
    ada.commit("/api/models/ada/bert", "main", &[Client::file("a.txt", "a")], 200).await;
    until(&hub, "select count(*)::text from webhooks where failures = 0 and failing_since is null", "1").await;
    receiver.answer(500);
    hub.sql("update webhooks set failures = 9, failing_since = now() - interval '73 hours'").await;
    ada.commit("/api/models/ada/bert", "main", &[Client::file("b.txt", "b")], 200).await;
    until(&hub, "select disabled || ' ' || disabled_because from webhooks", "true failing").await;
    until(&hub, "select count(*)::text from webhook_deliveries where state = 'waiting'", "0").await;
    let mails = mails(&hub, 1).await;
    let mail = the_mail(&mails, "ada@example.org", "A webhook of yours was disabled");
    assert!(
        mail.contains("127.0.0.1") && mail.contains(&format!("/settings/webhooks/{}", webhook["id"].as_str().unwrap())),
        "{mail}"
    );
    let before = receiver.got().len();
    ada.commit("/api/models/ada/bert", "main", &[Client::file("c.txt", "c")], 200).await;
    settled(&hub).await;
    assert_eq!((receiver.got().len(), hub.count("webhook_changes").await), (before, 0));
    let told = [
        r#"hub_webhook_deliveries_total{outcome="delivered"} 1"#,
        r#"hub_webhook_deliveries_total{outcome="failed"} 1"#,
        r#"hub_webhook_deliveries_total{outcome="retry"} 9"#,
        r#"hub_webhooks_disabled{because="failing"} 1"#,
        "hub_webhook_deliveries_waiting 0",
    ];
    check_metrics(&hub, &told).await;
    hub.stop().await;
}

async fn check_metrics(hub: &TestHub, lines: &[&str]) {
    let text = hub.anonymous().get("/metrics", 200).await.text().await.unwrap();
    for line in lines {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}

#[tokio::test]
async fn a_webhook_that_falls_behind_is_switched_off() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let ada = hub.user("ada").await;
    watch(&ada, &receiver.url("/"), &["user ada"]).await;
    hub.sql(
        "insert into webhook_deliveries (webhook_pk, event, payload, next_try_at)
         select webhook_pk, 'repo create', '{}', now() + interval '1 day' from webhooks, generate_series(1, 1000)",
    )
    .await;
    ada.create_repo("model", "ada/bert", false).await;
    until(&hub, "select disabled || ' ' || disabled_because from webhooks", "true behind").await;
    until(&hub, "select count(*)::text from webhook_deliveries where state = 'waiting'", "0").await;
    hub.stop().await;
}

#[tokio::test]
async fn what_is_heard_at_once_is_told_to_webhooks_in_one_order() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let ada = hub.user("ada").await;
    for name in ["one", "two"] {
        ada.create_repo("model", &format!("ada/{name}"), false).await;
    }
    for name in ["one", "two"] {
        let model = format!("model ada/{name}");
        watch(&ada, &receiver.url(&format!("/{name}")), &[model.as_str()]).await;
    }
    settled(&hub).await;
    // Nobody hears of anything for a while, and then of two changes at once, of which the first is told to the newer webhook.
    let mut quiet = hub.app().begin().await.unwrap();
    hub::db::lock(&mut quiet, hub::db::LockKey::HearChanges).await.unwrap();
    for name in ["two", "one"] {
        ada.post_json(&format!("/api/models/ada/{name}/branch/dev"), &json!({}), 200).await;
    }
    let hear = async {
        quiet.rollback().await.unwrap();
        hub.app().webhooks.wake();
        receiver.wait_for(2).await
    };
    let (first, then) = (
        "select from webhooks where url like '%/one' for update",
        "select from webhooks where url like '%/two' for update nowait",
    );
    let got = in_order(&hub, first, then, hear).await;
    assert_eq!(got.iter().map(|got| got.path.as_str()).collect::<BTreeSet<_>>(), BTreeSet::from(["/one", "/two"]));
    hub.stop().await;
}

#[tokio::test]
async fn nothing_is_sent_to_addresses_that_are_not_public() {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let receiver = Receiver::start().await;
    let ada = hub.user("ada").await;
    // A name says nothing until it is resolved.
    for host in ["localhost", "LOCALHOST"] {
        watch(&ada, &format!("http://{host}:{}/", receiver.port()), &["user ada"]).await;
    }
    // As one made when the operator still allowed it.
    hub.sql("insert into webhooks (user_pk, url, domains) select user_pk, replace(url, 'localhost', '127.0.0.1'), domains from webhooks limit 1").await;
    hub.sql("insert into webhook_watches (webhook_pk, namespace_pk, name) select max(webhook_pk), (select namespace_pk from namespaces where name = 'ada'), 'ada' from webhooks").await;
    ada.create_repo("model", "ada/bert", false).await;
    until(&hub, "select count(*)::text from webhook_deliveries where error like 'This address is not public%'", "3").await;
    assert_eq!(receiver.got().len(), 0);
    hub.stop().await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let ada = hub.user("ada").await;
    watch(&ada, &receiver.url("/redirect"), &["user ada"]).await;
    ada.create_repo("model", "ada/bert", false).await;
    until(
        &hub,
        "select status_code || ' ' || left(error, 38) from webhook_deliveries",
        "302 The receiver answered with a redirect,",
    )
    .await;
    assert_eq!(receiver.got().iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["/redirect"]);
    hub.stop().await;
}

#[tokio::test]
async fn a_receiver_has_ten_seconds_and_holds_up_no_other() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let ada = hub.user("ada").await;
    for path in ["/slow", "/quick"] {
        watch(&ada, &receiver.url(path), &["user ada"]).await;
    }
    ada.create_repo("model", "ada/bert", false).await;
    receiver.wait_for(2).await;
    ada.commit("/api/models/ada/bert", "main", &[Client::file("a.txt", "a")], 200).await;
    let got = receiver.wait_for(3).await;
    assert_eq!((got[2].path.as_str(), got[2].event().as_str()), ("/quick", "repo.content update"));
    until(&hub, "select error from webhook_deliveries where error is not null", "No answer came within 10 seconds.").await;
    let took = "select duration_ms from webhook_deliveries where error is not null";
    let took: i32 = sqlx::query_scalar(took).fetch_one(&hub.app().pool).await.unwrap();
    assert!((10_000..20_000).contains(&took), "{took}");
    receiver.let_go();
    hub.stop().await;
}

#[tokio::test]
async fn one_account_has_four_receivers_at_a_time() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let (ada, bob) = (hub.user("ada").await, hub.user("bob").await);
    for number in 0..6 {
        watch(&ada, &receiver.url(&format!("/slow/{number}")), &["user ada"]).await;
    }
    watch(&bob, &receiver.url("/quick"), &["user bob"]).await;
    ada.create_repo("model", "ada/bert", false).await;
    receiver.wait_for(4).await;
    bob.create_repo("model", "bob/bert", false).await;
    let got = receiver.wait_for(5).await;
    assert_eq!(got[4].path, "/quick");
    until(&hub, "select count(*)::text from webhooks where url like '%/slow/%' and locked_until > now()", "4").await;
    receiver.let_go();
    receiver.wait_for(7).await;
    settled(&hub).await;
    assert_eq!(receiver.got().len(), 7);
    hub.stop().await;
}

#[tokio::test]
async fn what_a_node_that_died_had_taken_is_sent_when_its_time_is_over() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let ada = hub.user("ada").await;
    for path in ["/left", "/taken"] {
        watch(&ada, &receiver.url(path), &["user ada"]).await;
    }
    hub.sql("update webhooks set locked_until = now() - interval '1 second' where url like '%/left'").await;
    hub.sql("update webhooks set locked_until = now() + interval '1 hour' where url like '%/taken'").await;
    ada.create_repo("model", "ada/bert", false).await;
    until(&hub, "select count(*)::text from webhooks where url like '%/left' and due_at is null and locked_until is null", "1")
        .await;
    assert_eq!(receiver.wait_for(1).await.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["/left"]);
    hub.sql("update webhooks set locked_until = now() - interval '1 second' where url like '%/taken'").await;
    hub.app().webhooks.wake();
    assert_eq!(receiver.wait_for(2).await[1].path, "/taken");
    hub.stop().await;
}
