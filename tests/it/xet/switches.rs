//! The way around Xet: hub, repository and user have a switch each that keeps clients to plain HTTP.

use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use super::client::{Packed, assemble, random, read_token, reconstruction};
use super::{settle, start};
use crate::lfs::{Large, download, upload};
use crate::pages::browser::Browser;

/// What leads a client to chunks.
const LEADS: [&str; 3] = ["x-xet-hash", "x-xet-refresh-route", "link"];

/// Whether somebody's clients are led to the chunks of `w.bin`: every answer about it must say the same.
async fn is_led(client: &Client, repo: &str) -> bool {
    let head = client.head(&format!("/{repo}/resolve/main/w.bin"), 200).await;
    let got = client.get(&format!("/{repo}/resolve/main/w.bin"), 200).await;
    let tree = client.get_json(&format!("/api/models/{repo}/tree/main"), 200).await;
    let asked = json!({ "paths": ["w.bin"] });
    let info = client.post_json(&format!("/api/models/{repo}/paths-info/main"), &asked, 200).await;
    let named = |rows: &Value| {
        let row = rows.as_array().expect("a list").iter().find(|row| row["path"] == "w.bin").expect("the file is listed");
        assert!(row["lfs"]["oid"].is_string(), "what plain clients need is there: {row}");
        row["xetHash"].is_string()
    };
    let mut said: Vec<bool> = LEADS.iter().map(|name| head.headers().contains_key(*name)).collect();
    said.extend(LEADS.iter().map(|name| got.headers().contains_key(*name)));
    said.extend([named(&tree), named(&info)]);
    assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
    said[0]
}

/// Plain clients get the bytes whatever the switches say.
async fn assert_plain(client: &Client, repo: &str, file: &Large) {
    let got = client.get(&format!("/{repo}/resolve/main/w.bin"), 200).await.bytes().await.expect("bytes");
    assert!(got == file.bytes, "by plain HTTP");
    assert!(download(client, repo, file).await == file.bytes, "by Git LFS");
}

#[tokio::test]
async fn a_hub_without_xet_leads_nobody_to_chunks() {
    let hub = TestHub::start_with(|config| config.xet = false).await;
    let ada = settle(&hub).await;
    let packed = Packed::new(random(300_000, 1), 4);
    // Which way files go up, clients decide: the door stays open.
    packed.upload(&ada, "ada/bert", "w.bin").await;
    for client in [&ada, &hub.anonymous()] {
        assert!(!is_led(client, "ada/bert").await);
        assert_plain(client, "ada/bert", &packed.file).await;
    }
    // Files that came whole stay so.
    let whole = Large::new(random(200_000, 2));
    upload(&ada, "ada/bert", &whole).await;
    hub.jobs_done().await;
    assert_eq!(hub.count("xet_files").await, 1);
    // A client that began before the switch was thrown comes to its end.
    let answer = reconstruction(&read_token(&ada, "ada/bert").await, 2, &packed.entry.hash, "", 200).await;
    assert!(assemble(&answer, packed.file.bytes.len()).await == packed.file.bytes);
    hub.stop().await;
}

#[tokio::test]
async fn a_repository_is_kept_to_plain_http_by_its_settings() {
    let (hub, ada) = start().await;
    ada.create_repo("model", "ada/other", false).await;
    let packed = Packed::new(random(300_000, 3), 4);
    for repo in ["ada/bert", "ada/other"] {
        packed.upload(&ada, repo, "w.bin").await;
        assert!(is_led(&ada, repo).await && is_led(&hub.anonymous(), repo).await);
    }
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let (page, form) = ("/ada/bert/settings", "/ada/bert/settings/transfer");
    assert!(browser.open(page).await.has(r#"value="chunks" checked"#));
    let saved = browser.submit(page, form, &[("transfer", "http")]).await;
    assert_eq!((saved.status, saved.location()), (303, page));
    let shown = browser.open(page).await;
    assert!(shown.has("Downloads go by plain HTTP now.") && shown.has(r#"value="http" checked"#), "{}", shown.text);
    for client in [&ada, &hub.anonymous()] {
        assert!(!is_led(client, "ada/bert").await);
        assert!(is_led(client, "ada/other").await, "its neighbour stays as it was");
        assert_plain(client, "ada/bert", &packed.file).await;
    }
    assert_eq!(browser.submit(page, form, &[("transfer", "pigeons")]).await.status, 400);
    assert!(!is_led(&ada, "ada/bert").await);
    // Other settings leave the switch alone.
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 200).await;
    assert!(!is_led(&ada, "ada/bert").await);
    browser.submit(page, form, &[("transfer", "chunks")]).await;
    assert!(is_led(&ada, "ada/bert").await);
    hub.stop().await;
}

#[tokio::test]
async fn a_user_keeps_their_own_clients_to_plain_http() {
    let (hub, ada) = start().await;
    let eve = hub.user("eve").await;
    let packed = Packed::new(random(300_000, 4), 4);
    packed.upload(&ada, "ada/bert", "w.bin").await;
    let mut browser = Browser::logged_in(&hub, "eve").await;
    let page = "/settings/storage";
    assert!(browser.open(page).await.has(r#"value="chunks" checked"#));
    let saved = browser.submit(page, page, &[("transfer", "http")]).await;
    assert_eq!((saved.status, saved.location()), (303, page));
    let shown = browser.open(page).await;
    assert!(shown.has("Your clients download by plain HTTP now.") && shown.has(r#"value="http" checked"#), "{}", shown.text);
    assert!(!is_led(&eve, "ada/bert").await);
    assert_plain(&eve, "ada/bert", &packed.file).await;
    for client in [&ada, &hub.anonymous()] {
        assert!(is_led(client, "ada/bert").await, "others stay as they were");
    }
    assert_eq!(browser.submit(page, page, &[("transfer", "")]).await.status, 400);
    assert_eq!(browser.post(page, &[("transfer", "chunks")]).await.status, 403, "another site cannot throw it");
    assert!(!is_led(&eve, "ada/bert").await);
    browser.submit(page, page, &[("transfer", "chunks")]).await;
    assert!(is_led(&eve, "ada/bert").await);
    hub.stop().await;
}

#[tokio::test]
async fn which_way_files_go_up_no_switch_changes() {
    for xet in [true, false] {
        let hub = TestHub::start_with(|config| config.xet = xet).await;
        let ada = settle(&hub).await;
        let files = json!({ "files": [{ "path": "w.bin", "size": 300_000, "sample": "AAEC" }, { "path": "a.txt", "size": 2, "sample": "aGk=" }] });
        let answer = ada.post_json("/api/models/ada/bert/preupload/main", &files, 200).await;
        let modes: Vec<_> = answer["files"].as_array().expect("a list").iter().map(|file| &file["uploadMode"]).collect();
        assert_eq!(modes, ["lfs", "regular"], "the client finds its way from there by itself");
        let file = Large::new(random(300_000, 5));
        let entry = crate::lfs::entry(&ada, "ada/bert", "upload", &file).await;
        assert!(entry["actions"]["upload"]["href"].is_string(), "{entry}");
        ada.get("/api/models/ada/bert/xet-write-token/main", 200).await;
        hub.stop().await;
    }
}
