//! Addresses of the hub that carry a permission: changed in any way, or too late, they are worth nothing.

use hub_tests::{TestHub, json};
use reqwest::Method;

use super::{Large, entry, post, send, upload, verify};
use crate::xet::client::{Packed, get, parts, random, read_token, reconstruction};

#[tokio::test]
async fn changed_addresses_are_refused() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.create_repo("model", "ada/other", false).await;
    let (file, other) = (Large::of(100, 1), Large::of(100, 2));
    let object = entry(&ada, "ada/bert", "upload", &file).await;
    let elsewhere = entry(&ada, "ada/other", "upload", &file).await;
    let href = object["actions"]["upload"]["href"].as_str().expect("an address");
    let foreign = elsewhere["actions"]["upload"]["href"].as_str().expect("an address");
    let signature = |url: &str| url.rsplit_once("&sig=").expect("a signature").1.to_owned();
    let changed = [
        href.replace(&file.oid, &other.oid),
        href.replace("size=100", "size=1000"),
        href.replace("expires=1", "expires=2"),
        href.replace(&signature(href), &signature(foreign)),
        href.replace(&signature(href), "AAAA"),
        href.replace("&sig=", "&sig=x"),
        href.split("&sig=").next().expect("a part").to_owned(),
        href.replace("?size", "?number=1&size"),
        format!("{href}&size=5"),
        href.replace("/lfs/put/", "/lfs/part/"),
    ];
    for url in &changed {
        assert_ne!(url, href);
        let sent = send(Method::PUT, url, file.bytes.clone()).await;
        assert_eq!(sent.status(), 403, "{url}");
        let text = sent.text().await.expect("a text");
        assert!(text.contains("batch endpoint"), "{text}");
    }
    let as_read = href.replace("/lfs/put/", "/lfs/get/");
    assert_eq!(send(Method::GET, &as_read, "").await.status(), 403, "a permission to write is none to read");
    assert_eq!(send(Method::PUT, href, file.bytes.clone()).await.status(), 200);
    hub.stop().await;
}

#[tokio::test]
async fn expired_addresses_are_refused() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let file = Large::of(100, 1);
    upload(&ada, "ada/bert", &file).await;
    let object = entry(&ada, "ada/bert", "download", &file).await;
    let href = object["actions"]["download"]["href"].as_str().expect("an address");
    // What the hub would have signed an hour too early.
    let (text, _) = href.rsplit_once("&sig=").expect("a signature");
    let path = text.strip_prefix(hub.base()).expect("the hub's own address");
    let (head, _) = path.split_once("expires=").expect("an end");
    let expired = format!("{head}expires=1700000000");
    let signature = hub.app().signer.sign("lfs", &expired);
    let url = format!("{}{expired}&sig={signature}", hub.base());
    let answer = send(Method::GET, &url, "").await;
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.expect("a text").contains("expired"));
    hub.stop().await;
}

/// What docs/xet.md says of addresses that were given out: they are no question of who asks, and end.
#[tokio::test]
async fn an_address_of_bytes_outlives_the_right_to_them_until_it_ends() {
    let hub = TestHub::start().await;
    let _admin = hub.user("boss").await;
    let (ada, eve) = (hub.user("ada").await, hub.user("eve").await);
    ada.create_repo("model", "ada/bert", false).await;
    let packed = Packed::new(random(100_000, 7), 100);
    packed.upload(&ada, "ada/bert", "w.bin").await;
    let object = entry(&eve, "ada/bert", "download", &packed.file).await;
    let whole = object["actions"]["download"]["href"].as_str().expect("an address").to_owned();
    let cas = read_token(&eve, "ada/bert").await;
    let part = parts(&reconstruction(&cas, 2, &packed.entry.hash, "", 200).await).remove(0);
    let range = format!("bytes={}-{}", part.bytes.0, part.bytes.1);
    let stay_open = async |why: &str| {
        assert_eq!(get(&whole, "").await.bytes().await.expect("bytes"), packed.file.bytes, "{why}");
        assert_eq!(get(&part.url, &range).await.status(), 206, "{why}");
    };
    stay_open("public").await;
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 200).await;
    stay_open("private").await;
    reconstruction(&cas, 2, &packed.entry.hash, "", 404).await;
    eve.get("/ada/bert/resolve/main/w.bin", 404).await;
    ada.call(Method::DELETE, "/api/repos/delete", &json!({ "organization": "ada", "name": "bert" }), 200).await;
    stay_open("deleted").await;

    // The end is part of what is signed (`expired_addresses_are_refused`), and not far.
    let now = hub::clock::now().timestamp();
    for (url, hours) in [(&whole, 6), (&part.url, 1)] {
        let end = url.split_once("expires=").and_then(|(_, rest)| rest.split('&').next()?.parse::<i64>().ok()).expect("an end");
        assert!(end > now && end <= now + hours * 3600, "{url}");
        let later = url.replace(&format!("expires={end}"), &format!("expires={}", end + 1));
        assert_eq!(get(&later, "").await.status(), 403, "{later}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn what_is_verified_must_be_what_was_asked_for() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let (file, other) = (Large::of(100, 1), Large::of(100, 2));
    let object = entry(&ada, "ada/bert", "upload", &file).await;
    let href = object["actions"]["verify"]["href"].as_str().expect("an address");
    assert_eq!(verify(&object).await.status(), 404, "nothing came yet");
    upload(&ada, "ada/bert", &file).await;
    assert_eq!(post(href, &json!({ "oid": other.oid, "size": 100 })).await.status(), 422);
    assert_eq!(post(href, &json!({ "oid": file.oid, "size": 99 })).await.status(), 422);
    assert_eq!(post(href, &json!({})).await.status(), 200);
    hub.stop().await;
}

#[tokio::test]
async fn an_upload_to_a_deleted_repository_is_refused() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let file = Large::of(100, 1);
    let object = entry(&ada, "ada/bert", "upload", &file).await;
    let body = json!({ "type": "model", "organization": "ada", "name": "bert" });
    ada.call(Method::DELETE, "/api/repos/delete", &body, 200).await;
    let href = object["actions"]["upload"]["href"].as_str().expect("an address");
    assert_eq!(send(Method::PUT, href, file.bytes).await.status(), 404);
    hub.stop().await;
}
