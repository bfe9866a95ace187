//! Where no pickles are taken, none come: by commits, pull requests, merges and pushes.

use base64::Engine as _;
use hub::accounts::OrgRole;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use crate::lfs::{Large, upload};
use crate::pages::browser::Browser;
use crate::work::Work;

const API: &str = "/api/models/ada/bert";
/// What `pickle.dumps([])` gives.
const PICKLE: &[u8] = b"\x80\x04]\x94.";

fn binary(path: &str, bytes: &[u8]) -> Value {
    let content = base64::engine::general_purpose::STANDARD.encode(bytes);
    json!({ "key": "file", "value": { "path": path, "content": content, "encoding": "base64" } })
}

fn large(path: &str, file: &Large) -> Value {
    json!({ "key": "lfsFile", "value": { "path": path, "algo": "sha256", "oid": file.oid, "size": file.bytes.len() } })
}

fn delete(path: &str) -> Value {
    json!({ "key": "deletedFile", "value": { "path": path } })
}

async fn start() -> (TestHub, Client) {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[binary("old.pkl", PICKLE), Client::file("README.md", "# Bert")], 200).await;
    (hub, ada)
}

async fn set(client: &Client, refuses: bool) {
    client.call(Method::PUT, &format!("{API}/settings"), &json!({ "refusesPickles": refuses }), 200).await;
}

#[tokio::test]
async fn commits_with_pickles_are_refused_by_what_is_in_them() {
    let (hub, ada) = start().await;
    let checkpoint = Large::new([&b"PK\x03\x04"[..], &[7; 3000]].concat());
    let numbers = Large::new(vec![7; 3000]);
    for file in [&checkpoint, &numbers] {
        upload(&ada, "ada/bert", file).await;
    }
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let saved = browser.submit("/ada/bert/settings", "/ada/bert/settings/pickles", &[("pickles", "refuse")]).await;
    assert_eq!(saved.status, 303);
    assert!(browser.open("/ada/bert/settings").await.has("value=\"refuse\" checked"));
    for line in [
        binary("a.pkl", PICKLE),
        binary("a/model.PT", b"anything"),
        binary("old.pkl", b"\x80\x04N."),
        binary("notes.txt", PICKLE),
        binary("weights.bin", PICKLE),
        large("pytorch_model.bin", &checkpoint),
        large("model.ckpt", &numbers),
    ] {
        for branch in ["main", "main?create_pr=1"] {
            let refused = ada.commit(API, branch, std::slice::from_ref(&line), 400).await;
            let said = refused["error"].as_str().unwrap();
            let path = line["value"]["path"].as_str().unwrap();
            assert!(said.contains("takes no pickles") && said.contains(path) && said.contains("safetensors"), "{said}");
        }
    }
    let fine = [
        large("tokens.bin", &numbers),
        binary("model.safetensors", b"\x02\0\0\0\0\0\0\0{}"),
        binary("tokenizer.model", b"\x0a\x0e\x0a\x05<unk>"),
        delete("old.pkl"),
    ];
    ada.commit(API, "main", &fine, 200).await;
    set(&ada, false).await;
    ada.commit(API, "main", &[large("pytorch_model.bin", &checkpoint)], 200).await;
    hub.stop().await;
}

/// The setting may be younger than the pull request.
#[tokio::test]
async fn pull_requests_with_pickles_are_not_merged() {
    let (hub, ada) = start().await;
    let bob = hub.user("bob").await;
    bob.commit(API, "main?create_pr=1", &[binary("new.pkl", PICKLE)], 200).await;
    bob.commit(API, "main?create_pr=1", &[Client::file("a.txt", "a")], 200).await;
    set(&ada, true).await;
    let refused = ada.post_json(&format!("{API}/discussions/1/merge"), &json!({}), 400).await;
    assert!(refused["error"].as_str().unwrap().contains("`new.pkl`"), "{refused}");
    // What is there already is no hindrance.
    ada.post_json(&format!("{API}/discussions/2/merge"), &json!({}), 200).await;
    set(&ada, false).await;
    ada.post_json(&format!("{API}/discussions/1/merge"), &json!({}), 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn an_organization_refuses_pushes_to_all_of_its_repositories() {
    let hub = TestHub::start().await;
    let (ada, grace) = (hub.account("ada").await, hub.account("grace").await);
    hub.organization("acme", &[(&grace, OrgRole::Admin), (&ada, OrgRole::Write)]).await;
    let ada = hub.token(&ada, hub::accounts::TokenRole::Write).await;
    ada.create_repo("model", "acme/bert", false).await;
    ada.commit("/api/models/acme/bert", "main", &[binary("old.pkl", PICKLE)], 200).await;
    let mut browser = Browser::logged_in(&hub, "grace").await;
    let path = "/organizations/acme/settings";
    let saved = browser.submit(path, path, &[("fullname", "Acme"), ("refuses_pickles", "true")]).await;
    assert_eq!(saved.status, 303);
    assert!(browser.open(path).await.has("name=\"refuses_pickles\" value=\"true\" checked"));
    assert!(browser.open("/acme/bert/settings").await.has("refuse pickles in all of its repositories"));

    let work = Work::clone(&ada, "/acme/bert").await;
    work.commit("model.pkl", PICKLE).await;
    let said = work.refused(&["push", "origin", "HEAD:main"]).await;
    assert!(said.contains("remote: Refused: `model.pkl`.") && said.contains("safetensors"), "{said}");
    assert!(said.contains("no pickles are taken here"), "{said}");
    assert!(work.refused(&["push", "origin", "HEAD:refs/heads/side"]).await.contains("model.pkl"));
    work.git(&["rm", "-q", "model.pkl", "old.pkl"]).await;
    work.commit("model.safetensors", b"\x02\0\0\0\0\0\0\0{}").await;
    // What one commit brings and the next deletes could be fetched, and the branch be set back to it.
    assert!(work.refused(&["push", "origin", "HEAD:main"]).await.contains("model.pkl"));
    work.git(&["reset", "-q", "--soft", "origin/main"]).await;
    work.commit("a.txt", b"a").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    // It was there before: histories that have it go on, and what comes with a merge came before it.
    work.git(&["checkout", "-q", "-b", "side", "HEAD~1"]).await;
    work.commit("b.txt", b"b").await;
    work.git(&["push", "-q", "origin", "side"]).await;
    work.git(&["checkout", "-q", "-"]).await;
    work.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]).await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    hub.stop().await;
}

/// A move, and a file that is brought back from history, copy what is there: by what it holds, under whatever name.
#[tokio::test]
async fn what_is_there_is_not_moved_to_another_name() {
    let (hub, ada) = start().await;
    ada.commit(API, "main", &[binary("weights.bin", PICKLE), binary("tokens.bin", &[1; 100])], 200).await;
    set(&ada, true).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    for (from, status) in [("weights.bin", 400), ("tokens.bin", 303)] {
        let address = format!("/ada/bert/move/main/{from}");
        let text = browser.open(&address).await.text;
        let seen = text.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let page = browser.submit(&address, &address, &[("seen", &seen), ("from", ""), ("target", "b/other.txt")]).await;
        assert_eq!(page.status, status, "{from}: {}", page.text);
    }
    hub.stop().await;
}
