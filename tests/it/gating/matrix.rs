//! Every way to the files, before and after each decision.

use hub::accounts::TokenRole;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use super::{API, Gated, ask};
use crate::lfs::{Large, download, entry, upload};
use crate::pages::browser::Browser;
use crate::work::Work;

/// What is for those who were let in: method, path, body. The answers to others say why.
const WAYS: &[(&str, &str, &str)] = &[
    ("GET", "/acme/gated/resolve/main/data.txt", ""),
    ("HEAD", "/acme/gated/resolve/main/data.txt", ""),
    ("GET", "/acme/gated/resolve/main/w.bin", ""),
    ("GET", "/acme/gated/raw/main/data.txt", ""),
    ("GET", "/acme/gated/raw/main/README.md", ""),
    ("GET", "/acme/gated/archive/main.zip", ""),
    ("GET", "/acme/gated/info/refs?service=git-upload-pack", ""),
    ("GET", "/acme/gated.git/info/refs?service=git-upload-pack", ""),
    ("POST", "/acme/gated.git/info/lfs/objects/batch", r#"{"operation": "download", "objects": []}"#),
    ("GET", "/api/models/acme/gated/xet-read-token/main", ""),
    ("GET", "/api/models/acme/gated/compare/main..main", ""),
    ("GET", "/api/models/acme/gated/auth-check", ""),
];

/// What everybody may see.
const OPEN: &[&str] = &[
    "/api/models/acme/gated",
    "/api/models/acme/gated/tree/main",
    "/acme/gated/resolve/main/README.md",
    "/acme/gated",
    "/acme/gated/tree/main",
];

/// What a file in a folder says that is shown with it.
const INSIDE: &str = "What stands in the folder.";

const PAGES: &[&str] = &["/acme/gated/blob/main/data.txt", "/acme/gated/commit/main", "/acme/gated/compare"];

async fn check(client: &Client, opens: bool, why: &str) {
    for (method, path, body) in WAYS {
        let request = client.request(method.parse().unwrap(), path).header("Content-Type", "application/json").body(*body);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        if opens {
            assert!(response.status().is_success() || status == 302, "{method} {path} is {status}");
            continue;
        }
        assert_eq!(status, 403, "{method} {path}");
        assert_eq!(response.headers()["x-error-code"], "GatedRepo", "{method} {path}");
        let said = response.headers()["x-error-message"].to_str().unwrap().to_owned();
        assert!(said.contains(why), "{method} {path}: {said}");
    }
    for path in OPEN {
        client.get(path, 200).await;
    }
}

async fn check_pages(browser: &mut Browser, opens: bool) {
    for path in PAGES {
        let page = browser.get(path).await;
        assert_eq!(page.status, if opens { 200 } else { 403 }, "{path}");
        assert!(opens || page.has("href=\"/acme/gated\""), "{path} leads to the gate: {}", page.text);
    }
    let tree = browser.open("/acme/gated/tree/main").await;
    assert_eq!(tree.has("/archive/main.zip"), opens, "the folder offers what can be had");
    let docs = browser.open("/acme/gated/tree/main/docs").await;
    assert_eq!(docs.has(INSIDE), opens, "a folder's README is a file like others: {}", docs.text);
}

/// A large file and its pointer, in the gated repository.
async fn with_large_file(gated: &Gated) -> Large {
    let file = Large::of(100_000, 7);
    upload(&gated.ada, "acme/gated", &file).await;
    let pointer = json!({ "path": "w.bin", "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
    gated.ada.commit(API, "main", &[json!({ "key": "lfsFile", "value": pointer })], 200).await;
    gated.hub.jobs_done().await;
    file
}

#[tokio::test]
async fn every_way_opens_and_closes_with_the_decision() {
    let gated = Gated::start().await;
    with_large_file(&gated).await;
    gated.ada.commit(API, "main", &[Client::file("docs/README.md", &format!("# Docs\n\n{INSIDE}\n"))], 200).await;
    let mut browser = Browser::logged_in(&gated.hub, "bob").await;
    let page = gated.bob.url("/acme/gated");
    let not_asked = format!("is restricted and you are not in the authorized list. Visit {page} to ask for access.");
    check(&gated.bob, false, &not_asked).await;
    check_pages(&mut browser, false).await;
    ask(&gated.bob).await;
    check(&gated.bob, false, "Your request to access model acme/gated is awaiting a review from the repo authors.").await;
    check_pages(&mut browser, false).await;
    gated.decide("bob", "accepted").await;
    check(&gated.bob, true, "").await;
    check_pages(&mut browser, true).await;
    let body = json!({ "user": "bob", "status": "rejected", "rejectionReason": "You are a competitor." });
    gated.ada.post_json(&format!("{API}/user-access-request/handle"), &body, 200).await;
    let rejected = "has been rejected by the repo's authors. They gave a reason: You are a competitor.";
    check(&gated.bob, false, rejected).await;
    check_pages(&mut browser, false).await;
    gated.decide("bob", "pending").await;
    check(&gated.bob, false, "awaiting a review").await;
    gated.decide("bob", "accepted").await;
    gated.gate(json!(false)).await;
    check(&gated.bob, true, "").await;
    gated.gate(json!("auto")).await;
    check(&gated.bob, true, "").await;
    // Nobody else has come in by that.
    check(&gated.hub.user("dave").await, false, "to ask for access").await;
    let anonymous = gated.hub.anonymous();
    assert!(!Browser::new(&gated.hub).open("/acme/gated/tree/main/docs").await.has(INSIDE));
    let response = anonymous.get("/acme/gated/resolve/main/data.txt", 401).await;
    assert_eq!(response.headers()["x-error-code"], "GatedRepo");
    gated.hub.stop().await;
}

#[tokio::test]
async fn git_large_files_and_proposals_go_as_far_as_the_decision() {
    let gated = Gated::start().await;
    let file = with_large_file(&gated).await;
    ask(&gated.bob).await;
    gated.bob.commit(API, "main?create_pr=1", &[Client::file("a.txt", "x")], 403).await;
    gated.decide("bob", "accepted").await;
    let work = Work::clone(&gated.bob, "/acme/gated").await;
    assert!(work.path().join("data.txt").exists());
    assert!(download(&gated.bob, "acme/gated", &file).await == file.bytes);
    let made = gated.bob.commit(API, "main?create_pr=1", &[Client::file("a.txt", "mine\n")], 200).await;
    assert!(made["pullRequestUrl"].is_string(), "{made}");
    gated.bob.commit(API, "main", &[Client::file("a.txt", "x")], 403).await;
    assert!(gated.bob.get_json(&format!("{API}/discussions/1?diff=1"), 200).await.get("diff").is_some());
    gated.decide("bob", "rejected").await;
    assert!(work.refused(&["fetch", "origin"]).await.contains("403"), "git is refused");
    assert!(gated.bob.get_json(&format!("{API}/discussions/1?diff=1"), 200).await.get("diff").is_none());
    gated.bob.commit(API, "refs%2Fpr%2F1", &[Client::file("b.txt", "x")], 403).await;
    let response = gated.bob.request(Method::POST, "/acme/gated.git/info/lfs/objects/batch");
    gated.bob.send(response.json(&json!({ "operation": "download", "objects": [] })), 403).await;
    assert!(entry(&gated.ada, "acme/gated", "download", &file).await["actions"].is_object());
    gated.hub.stop().await;
}

/// Asks the store of chunks for a file that is not there: 404 for those who may ask.
async fn ask_store(hub: &TestHub, token: &str, status: u16) {
    let store = hub.with_token(token);
    store.get(&format!("/xet/v1/reconstructions/{}", "0".repeat(64)), status).await;
}

#[tokio::test]
async fn a_token_for_chunks_ends_with_the_decision() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    gated.decide("bob", "accepted").await;
    let found = gated.bob.get_json(&format!("{API}/xet-read-token/main"), 200).await;
    let token = found["accessToken"].as_str().unwrap();
    ask_store(&gated.hub, token, 404).await;
    gated.decide("bob", "rejected").await;
    ask_store(&gated.hub, token, 403).await;
    gated.decide("bob", "accepted").await;
    ask_store(&gated.hub, token, 404).await;
    gated.hub.stop().await;
}

#[tokio::test]
async fn rows_are_shown_to_those_who_were_let_in() {
    let gated = Gated::start().await;
    gated.ada.create_repo("dataset", "acme/rows", false).await;
    let api = "/api/datasets/acme/rows";
    let files = [Client::file("README.md", "# Rows\n"), Client::file("train.csv", "ship,tons\nsecret,12\n")];
    gated.ada.commit(api, "main", &files, 200).await;
    gated.ada.call(Method::PUT, &format!("{api}/settings"), &json!({ "gated": "manual" }), 200).await;
    let mut bob = Browser::logged_in(&gated.hub, "bob").await;
    assert!(!bob.open("/datasets/acme/rows").await.has(">secret<"));
    gated.ada.post_json(&format!("{api}/user-access-request/grant"), &json!({ "user": "bob" }), 200).await;
    assert!(bob.open("/datasets/acme/rows").await.has(">secret<"));
    let body = json!({ "user": "bob", "status": "pending" });
    gated.ada.post_json(&format!("{api}/user-access-request/handle"), &body, 200).await;
    assert!(!bob.open("/datasets/acme/rows").await.has(">secret<"));
    gated.hub.stop().await;
}

#[tokio::test]
async fn tokens_for_chosen_things_must_be_for_gated_repositories() {
    let gated = Gated::start().await;
    with_large_file(&gated).await;
    let user = gated.hub.account("robert").await;
    let write = gated.hub.token(&user, TokenRole::Write).await;
    ask(&write).await;
    gated.decide("robert", "accepted").await;
    let scoped = async |scopes: Value| gated.hub.scoped_token(&user, TokenRole::FineGrained, scopes).await;
    let elsewhere = json!([{ "entity": { "type": "user", "name": "robert" }, "permissions": ["repo.content.read"] }]);
    let without = scoped(json!({ "canReadGatedRepos": false, "scoped": elsewhere })).await;
    check(&without, false, "your access token is not for gated repositories").await;
    check(&scoped(json!({ "canReadGatedRepos": true, "scoped": [] })).await, true, "").await;
    let named = json!([{ "entity": { "type": "model", "name": "acme/gated" }, "permissions": ["repo.content.read"] }]);
    check(&scoped(json!({ "canReadGatedRepos": false, "scoped": named })).await, true, "").await;
    check(&gated.hub.token(&user, TokenRole::Read).await, true, "").await;
    gated.decide("robert", "rejected").await;
    check(&scoped(json!({ "canReadGatedRepos": true, "scoped": [] })).await, false, "rejected").await;
    gated.hub.stop().await;
}
