//! Read-only operation: by whichever door somebody comes, nothing that people made is changed, and reading goes on. Which routes go on is
//! walked over in `permissions`.

use hub_tests::{Client, TestHub, Value, json, until};
use reqwest::Method;

use crate::pages::browser::Browser;
use crate::work::Work;

const SAID: &str = "The hub takes no changes at the moment: ";

/// Turns the switch as another node does, and waits until this one has heard of it.
pub(crate) async fn switch(hub: &TestHub, on: bool) {
    let turned = match on {
        true => {
            "insert into flag_changes (flag, after, reason) values ('read-only', true, 'elsewhere'); select pg_notify('flags', '')"
        }
        false => {
            "insert into flag_changes (flag, after, reason) values ('read-only', false, 'elsewhere'); select pg_notify('flags', '')"
        }
    };
    hub.sql(turned).await;
    until("the switch of another node is known", async || hub.app().is_read_only() == on).await;
}

async fn turn(boss: &mut Browser, to: &str, told: &str) -> u16 {
    let fields = [("act", "turn"), ("flag", "read-only"), ("to", to), ("told", told), ("reason", "a new database")];
    boss.submit("/admin/flags", "/admin/flags", &fields).await.status
}

/// A model of ada's with a file, and who made it.
async fn model() -> (TestHub, Browser, Client) {
    let hub = TestHub::start().await;
    hub.account("boss").await;
    let ada = hub.user("ada").await;
    let boss = Browser::logged_in(&hub, "boss").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit("/api/models/ada/bert", "main", &[Client::file("a.txt", "1")], 200).await;
    (hub, boss, ada)
}

#[tokio::test]
async fn changes_are_refused_with_what_is_told_and_reading_goes_on() {
    let (hub, mut boss, ada) = model().await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let csrf = browser.open("/settings/profile").await.csrf();
    assert!(!browser.open("/ada/bert").await.has(SAID));
    assert_eq!(turn(&mut boss, "on", "The database moves <b>now</b>").await, 303);

    let api = "/api/models/ada/bert";
    let refused = ada.request(Method::POST, &format!("{api}/commit/main")).body("{}").send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    let said: Value = refused.json().await.unwrap();
    let sentence = format!("{SAID}The database moves <b>now</b>. Reading and downloading go on. Try again later.");
    assert_eq!(said["error"], sentence);
    for (method, path) in [
        (Method::POST, "/api/repos/create".to_owned()),
        (Method::DELETE, "/api/repos/delete".to_owned()),
        (Method::PUT, format!("{api}/settings")),
        (Method::POST, format!("{api}/branch/other")),
        (Method::POST, format!("{api}/like")),
        (Method::POST, format!("{api}/preupload/main")),
        (Method::POST, "/xet/v1/shards".to_owned()),
        (Method::PUT, "/lfs/put/1/2".to_owned()),
        (Method::GET, format!("{api}/xet-write-token/main")),
        (Method::GET, "/ada/bert/info/refs?service=git-receive-pack".to_owned()),
    ] {
        let answer = ada.request(method.clone(), &path).send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(status == 503 && text.contains(SAID), "{method} {path} is {status}: {text}");
    }
    let upload = json!({ "operation": "upload", "objects": [] });
    let answer = ada.post_json("/ada/bert.git/info/lfs/objects/batch", &upload, 503).await;
    assert_eq!(answer["message"], sentence, "in the words of Git LFS: {answer}");

    // A form is answered by a page that says what to do, and every page says it.
    let page = browser.post("/settings/profile", &[("csrf_token", &csrf), ("fullname", "Ada L.")]).await;
    assert!(page.status == 503 && page.has("Nothing was saved. Go back in your browser"), "{}", page.text);
    assert_eq!(page.headers["retry-after"], "1");
    for path in ["/", "/ada/bert", "/settings/profile"] {
        let page = browser.open(path).await;
        assert!(page.has(SAID) && page.has("aria-label=\"Read-only operation\"") && !page.has("<b>now</b>"), "{path}");
    }

    let download = json!({ "operation": "download", "objects": [] });
    ada.post_json("/ada/bert.git/info/lfs/objects/batch", &download, 200).await;
    let infos = ada.post_json(&format!("{api}/paths-info/main"), &json!({ "paths": ["a.txt"] }), 200).await;
    assert_eq!(infos[0]["path"], "a.txt");
    ada.get("/ada/bert/resolve/main/a.txt", 200).await;
    ada.get(&format!("{api}/xet-read-token/main"), 200).await;
    for path in ["/readyz", "/api/models", "/models"] {
        ada.get(path, 200).await;
    }
    let mut other = Browser::logged_in(&hub, "ada").await;
    assert_eq!(other.submit("/settings/profile", "/logout", &[]).await.status, 303);
    hub.stop().await;
}

#[tokio::test]
async fn those_who_run_the_hub_end_it_and_say_what_people_read() {
    let (hub, mut boss, ada) = model().await;
    let post = || ada.request(Method::POST, "/api/models/ada/bert/like").send();
    let too_long = "x".repeat(201);
    for (to, told) in [("off", "Hello"), ("setting", "Hello"), ("on", too_long.as_str()), ("on", "two\nlines")] {
        assert_eq!(turn(&mut boss, to, told).await, 400, "{to} {told}");
    }
    assert_ne!(post().await.unwrap().status().as_u16(), 503);
    assert_eq!(turn(&mut boss, "on", "").await, 303);
    let plain = post().await.unwrap().text().await.unwrap();
    assert!(plain.contains("those who run it are looking after it. Reading"), "{plain}");
    // It stands so already, unless something else is to be said.
    assert_eq!(turn(&mut boss, "on", "").await, 409);
    assert_eq!(turn(&mut boss, "on", "Back at noon!").await, 303);
    let told = post().await.unwrap().text().await.unwrap();
    assert!(told.contains("Back at noon! Reading"), "{told}");
    assert!(boss.open("/admin/flags").await.has("Back at noon!"));
    // Whoever takes it back that it was turned off has people read the same again.
    assert_eq!(turn(&mut boss, "off", "").await, 303);
    let last: i64 = sqlx::query_scalar("select max(change_pk) from flag_changes").fetch_one(&hub.app().pool).await.unwrap();
    let last = last.to_string();
    let back = [("act", "undo"), ("change", last.as_str()), ("reason", "too early")];
    assert_eq!(boss.submit("/admin/flags", "/admin/flags", &back).await.status, 303);
    let told = post().await.unwrap().text().await.unwrap();
    assert!(told.contains("Back at noon! Reading"), "{told}");
    assert_eq!(turn(&mut boss, "off", "").await, 303);
    ada.commit("/api/models/ada/bert", "main", &[Client::file("b.txt", "2")], 200).await;
    assert!(!boss.open("/").await.has(SAID));
    hub.stop().await;
}

#[tokio::test]
async fn an_incident_is_dealt_with_meanwhile() {
    let (hub, mut boss, _ada) = model().await;
    hub.account("bob").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let mut bob = Browser::logged_in(&hub, "bob").await;
    switch(&hub, true).await;

    let why = "It sends passwords to somebody else when it is loaded.";
    let form = [("repo", "ada/bert"), ("revision", "main"), ("files", "a.txt"), ("category", "malicious"), ("body", why)];
    let opened = ada.submit("/recalls/new?repo=ada/bert", "/recalls/new", &form).await;
    assert_eq!(opened.status, 303, "{}", opened.text);
    let recall = opened.location().to_owned();
    let withdrawal = [("why", "It was harmless.")];
    let refused = ada.submit(&recall, &recall, &withdrawal).await;
    assert!(refused.status == 503 && refused.has(SAID), "{}", refused.text);
    assert_eq!(boss.submit(&recall, &recall, &withdrawal).await.status, 303);

    let report = [("thing", "/ada/bert"), ("category", "malware"), ("text", "It phones home.")];
    assert_eq!(bob.submit("/report", "/report", &report).await.status, 303);
    let case: i64 = sqlx::query_scalar("select max(case_pk) from moderation_cases").fetch_one(&hub.app().pool).await.unwrap();
    let case = format!("/moderation/cases/{case}");
    let decision = [("do", "decide"), ("act", "disable_repo"), ("category", "malware"), ("reason", "It phones home.")];
    assert_eq!(boss.submit(&case, &case, &decision).await.status, 303);
    hub.anonymous().get("/api/models/ada/bert", 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn names_that_look_like_reading_open_no_door() {
    let (hub, _boss, ada) = model().await;
    switch(&hub, true).await;
    for (method, path) in [
        (Method::POST, "/api/buckets/ada/view-content"),
        (Method::DELETE, "/api/buckets/ada/git-upload-pack"),
        (Method::POST, "/ada/bert/edit/info/lfs/objects/batch"),
        (Method::POST, "/ada/bert/upload/git-upload-pack"),
        (Method::POST, "/organizations/acme/members/view-content"),
        (Method::POST, "/ada/bert/%67it-receive-pack"),
    ] {
        let answer = ada.request(method.clone(), path).json(&json!({})).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 503, "{method} {path}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn the_setting_holds_until_the_console_says_otherwise() {
    let hub = TestHub::start_with(|config| config.read_only = true).await;
    hub.account("boss").await;
    let ada = hub.user("ada").await;
    let new = json!({ "type": "model", "name": "bert" });
    ada.post_json("/api/repos/create", &new, 503).await;
    let mut boss = Browser::logged_in(&hub, "boss").await;
    assert_eq!(turn(&mut boss, "off", "").await, 303);
    ada.post_json("/api/repos/create", &new, 200).await;
    assert_eq!(turn(&mut boss, "setting", "").await, 303);
    ada.post_json("/api/repos/create", &new, 503).await;
    hub.stop().await;
}

#[tokio::test]
async fn git_says_it_to_who_pushes_and_lets_others_clone() {
    let (hub, _boss, ada) = model().await;
    let work = Work::clone(&ada, "/ada/bert").await;
    work.commit("b.txt", b"2").await;
    switch(&hub, true).await;
    let complaints = work.refused(&["push", "origin", "HEAD:main"]).await;
    assert!(complaints.contains(&format!("remote: {SAID}")), "{complaints}");
    Work::clone(&ada, "/ada/bert").await;
    work.git(&["fetch", "-q"]).await;
    switch(&hub, false).await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    hub.stop().await;
}

#[tokio::test]
async fn jobs_that_change_what_people_made_wait() {
    let (hub, _boss, _ada) = model().await;
    hub.jobs_done().await;
    switch(&hub, true).await;
    hub.sql(
        "insert into jobs (kind, payload, run_at) values ('sweep_uploads', 'null', now() - interval '1 hour'),
                                                         ('measure_storage', 'null', now())",
    )
    .await;
    until("one is left", async || hub.count("jobs").await == 1).await;
    assert_eq!(hub.count("jobs where kind = 'sweep_uploads' and attempts = 0").await, 1);
    switch(&hub, false).await;
    hub.jobs_done().await;
    hub.stop().await;
}
