//! Pictures and files in comments: what is taken, who sees it, and when it goes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub::accounts::TokenRole;
use hub::gc::{self, Amount, Item, Limits, Mode};
use hub_storage::StorageKey;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;
use reqwest::multipart::{Form, Part};

use super::{API, events, open, say, start};
use crate::pages::browser::Browser;

/// One pixel.
fn png() -> Vec<u8> {
    let text = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    STANDARD.decode(text).unwrap()
}

/// The same, with words that say where it was made.
fn telling_png() -> Vec<u8> {
    let words = b"tEXtComment\x0052.5N 13.4E";
    let mut crc = flate2::Crc::new();
    crc.update(words);
    let length = u32::try_from(words.len() - 4).unwrap().to_be_bytes();
    let png = png();
    [&png[..33], &length, words, &crc.sum().to_be_bytes(), &png[33..]].concat()
}

async fn upload(client: &Client, api: &str, name: &str, bytes: Vec<u8>, status: u16) -> Value {
    let request = client.request(Method::POST, &format!("{api}/discussions/uploads?name={name}")).body(bytes);
    client.send(request, status).await.json().await.unwrap()
}

fn url_of(answer: &Value) -> String {
    answer["url"].as_str().unwrap().to_owned()
}

fn key_of(url: &str) -> StorageKey {
    StorageKey::attachment(url.split('/').nth(2).unwrap())
}

#[tokio::test]
async fn a_picture_is_shown_in_a_comment_and_other_files_are_saved() {
    let (hub, ada, bob) = start().await;
    let num = open(&ada, "Results", false).await;
    let made = upload(&bob, API, "Screen%20shot.PNG", png(), 200).await;
    let url = url_of(&made);
    assert_eq!(made["markdown"], format!("![Screen-shot]({url})"));
    assert!(url.starts_with("/uploads/") && url.ends_with("/Screen-shot.png"), "{url}");
    let said = say(&bob, num, made["markdown"].as_str().unwrap(), 201).await;
    let html = said["newMessage"]["data"]["latest"]["html"].as_str().unwrap().to_owned();
    assert!(html.contains(&format!("src=\"{url}\"")), "{html}");
    let shown = hub.anonymous().get(&url, 200).await;
    let header = |name: &str| shown.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(header("content-disposition"), "inline; filename=\"Screen-shot.png\"");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").contains("sandbox") && header("cache-control").contains("private"));
    assert_eq!(shown.bytes().await.unwrap(), png());
    // Where it was made is nobody's business.
    let told = url_of(&upload(&bob, API, "phone.png", telling_png(), 200).await);
    assert_eq!(bob.get(&told, 200).await.bytes().await.unwrap(), png());
    // What no comment leads to yet is for who sent it.
    hub.anonymous().get(&told, 404).await;
    // What a browser could run is text, whatever its name and the sender say, and is saved.
    for (name, text) in
        [("x.svg", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"), ("x.html", "<script>1</script>")]
    {
        let request = bob.request(Method::POST, &format!("{API}/discussions/uploads?name={name}"));
        let request = request.header("Content-Type", "image/svg+xml").body(text);
        let made: Value = bob.send(request, 200).await.json().await.unwrap();
        let shown = bob.get(&url_of(&made), 200).await;
        assert_eq!(shown.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(shown.headers()["content-disposition"], "attachment; filename=\"x.txt\"");
        assert!(!made["markdown"].as_str().unwrap().starts_with('!'));
    }
    // What is none of the kinds, too large, or from who takes no part.
    upload(&bob, API, "run.exe", b"MZ\x90\0".to_vec(), 400).await;
    upload(&bob, API, "empty.png", Vec::new(), 400).await;
    upload(&bob, API, "big.txt", vec![b'a'; 10 * 1024 * 1024 + 1], 413).await;
    upload(&hub.anonymous(), API, "x.png", png(), 401).await;
    let reader = hub.token(&hub.account("carl").await, TokenRole::Read).await;
    upload(&reader, API, "x.png", png(), 403).await;
    for wrong in [url.replace("shot", "shots"), url.replace("/uploads/", "/uploads/0"), "/uploads/../x".to_owned()] {
        hub.anonymous().get(&wrong, 404).await;
    }
    // So much in a day, and no more.
    hub.sql("update attachments set size_bytes = 500 * 1024 * 1024 - 10").await;
    let refused = upload(&bob, API, "x.png", png(), 400).await;
    assert!(refused["error"].as_str().unwrap().contains("today"), "{refused}");
    upload(&ada, API, "x.png", png(), 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn only_who_sees_the_repository_sees_what_is_said_and_what_nobody_says_goes() {
    let (hub, ada, bob) = start().await;
    ada.create_repo("model", "ada/secret", true).await;
    let secret = "/api/models/ada/secret";
    let (used, unused, hidden, elsewhere) = (
        url_of(&upload(&ada, secret, "used.png", png(), 200).await),
        url_of(&upload(&ada, secret, "unused.png", png(), 200).await),
        url_of(&upload(&ada, secret, "hidden.txt", b"said once".to_vec(), 200).await),
        url_of(&upload(&ada, secret, "elsewhere.png", png(), 200).await),
    );
    upload(&bob, secret, "x.png", png(), 404).await;
    let body = json!({ "title": "A question", "description": format!("![it]({used})") });
    let num = ada.post_json(&format!("{secret}/discussions"), &body, 200).await["num"].as_i64().unwrap();
    let comment = json!({ "comment": format!("[file]({hidden})") });
    let said = ada.post_json(&format!("{secret}/discussions/{num}/comment"), &comment, 201).await;
    let id = said["newMessage"]["id"].as_str().unwrap().to_owned();
    // Another repository's discussion leads nobody to it, nor keeps it.
    let other = open(&bob, "Look", false).await;
    say(&bob, other, &format!("![it]({elsewhere})"), 201).await;
    for client in [&bob, &hub.anonymous()] {
        client.get(&used, 404).await;
    }
    ada.get(&used, 200).await;
    let limits =
        Limits { unused: Duration::ZERO, undelete: Duration::ZERO, quarantine: Duration::ZERO, plain: None, many_orphans: false };
    let collect = async || gc::collect(hub.app(), limits, Mode::Real).await.unwrap().unwrap().get(Item::SweptAttachments);
    assert_eq!(collect().await, Amount::default(), "somebody may be about to say it");
    hub.sql("update attachments set created_at = now() - interval '25 hours'").await;
    assert_eq!(collect().await.count, 2);
    for (url, status) in [(&used, 200), (&unused, 404), (&hidden, 200), (&elsewhere, 404)] {
        ada.get(url, status).await;
        assert_eq!(hub.app().store.exists(&key_of(url)).await.unwrap(), status == 200, "{url}");
    }
    // An edit keeps what was said before; what is hidden goes with all that it said.
    let edit = json!({ "content": "nothing" });
    ada.post_json(&format!("{secret}/discussions/{num}/comment/{id}/edit"), &edit, 200).await;
    assert_eq!(collect().await.count, 0);
    ada.post_json(&format!("{secret}/discussions/{num}/comment/{id}/hide"), &json!({}), 200).await;
    assert_eq!(collect().await.count, 1);
    assert!(!hub.app().store.exists(&key_of(&hidden)).await.unwrap());
    hub.stop().await;
}

/// The beginning of a film, and so many bytes.
fn film(size: usize) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41".to_vec();
    bytes.resize(size, 7);
    bytes
}

async fn send(client: &Client, content_type: &str, bytes: Vec<u8>, status: u16) -> String {
    let request = client.request(Method::POST, "/uploads").header("Content-Type", content_type.to_owned()).body(bytes);
    client.send(request, status).await.text().await.unwrap()
}

#[tokio::test]
async fn what_is_sent_before_it_is_said_is_seen_by_its_sender_until_a_comment_names_it() {
    let (hub, ada, bob) = start().await;
    ada.create_repo("model", "ada/secret", true).await;
    let num = open(&ada, "Results", false).await;
    let anonymous = hub.anonymous();
    let url = send(&bob, "image/png", telling_png(), 200).await;
    let path = url.strip_prefix(hub.base()).unwrap_or_else(|| panic!("{url} is not of this hub")).to_owned();
    assert!(path.starts_with("/uploads/") && path.ends_with("/picture.png"), "{path}");
    assert_eq!(bob.get(&path, 200).await.bytes().await.unwrap(), png());
    // Who knows where it is does not see it, and cannot have it shown.
    let markdown = format!("![plot]({url})");
    say(&ada, num, &markdown, 201).await;
    for client in [&ada, &anonymous] {
        client.get(&path, 404).await;
    }
    let html = say(&bob, num, &markdown, 201).await["newMessage"]["data"]["latest"]["html"].as_str().unwrap().to_owned();
    assert!(html.contains(&format!("src=\"{path}\"")), "{html}");
    anonymous.get(&path, 200).await;
    // The first comment decides; what an edit names is seen as well.
    let secret = "/api/models/ada/secret";
    let (early, late) =
        (send(&ada, "image/png", png(), 200).await, send(&ada, "audio/mpeg", b"ID3\x04\0 sound".to_vec(), 200).await);
    let of = |url: &str| url.strip_prefix(hub.base()).unwrap().to_owned();
    let talk = json!({ "title": "Secret", "description": format!("![it]({early})") });
    let made = ada.post_json(&format!("{secret}/discussions"), &talk, 200).await["num"].as_i64().unwrap();
    say(&ada, num, &format!("![it]({early})"), 201).await;
    let said = ada.post_json(&format!("{secret}/discussions/{made}/comment"), &json!({ "comment": "Hear" }), 201).await;
    let id = said["newMessage"]["id"].as_str().unwrap();
    let edit = json!({ "content": format!("<audio controls src=\"{late}\"></audio>") });
    let edited = ada.post_json(&format!("{secret}/discussions/{made}/comment/{id}/edit"), &edit, 200).await;
    let html = edited["updatedComment"]["data"]["latest"]["html"].as_str().unwrap();
    assert!(html.contains("<audio ") && html.contains(&format!("src=\"{}\"", of(&late))), "{html}");
    for path in [of(&early), of(&late)] {
        anonymous.get(&path, 404).await;
        bob.get(&path, 404).await;
        ada.get(&path, 200).await;
    }
    // What nobody says goes after a day, and not before.
    let unsaid = of(&send(&bob, "text/plain", b"never said".to_vec(), 200).await);
    hub.sql("update attachments set created_at = now() - interval '25 hours'").await;
    let limits =
        Limits { unused: Duration::ZERO, undelete: Duration::ZERO, quarantine: Duration::ZERO, plain: None, many_orphans: false };
    let swept = gc::collect(hub.app(), limits, Mode::Real).await.unwrap().unwrap().get(Item::SweptAttachments);
    assert_eq!(swept.count, 1);
    bob.get(&unsaid, 404).await;
    bob.get(&path, 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn films_are_taken_as_they_come_and_played_in_parts() {
    let (hub, ada, bob) = start().await;
    let url = send(&ada, "video/mp4", film(11 * 1024 * 1024), 200).await;
    let path = url.strip_prefix(hub.base()).unwrap().to_owned();
    assert!(path.ends_with("/video.mp4"), "{path}");
    // As `huggingface_hub` writes it: the address alone.
    let talk = json!({ "title": "A film", "description": format!("Look:\n\n{url}") });
    let num = ada.post_json(&format!("{API}/discussions"), &talk, 200).await["num"].as_i64().unwrap();
    let events = events(&bob, num).await;
    let html = events[0].1["latest"]["html"].as_str().unwrap();
    assert!(html.contains(&format!("<video src=\"{path}\"")) && html.contains("controls"), "{html}");
    let request = bob.request(Method::GET, &path).header("Range", "bytes=4-7");
    let part = bob.send(request, 206).await;
    assert_eq!(
        (part.headers()["content-type"].to_str().unwrap(), part.headers()["content-range"].to_str().unwrap()),
        ("video/mp4", "bytes 4-7/11534336")
    );
    assert!(part.headers()["content-disposition"].to_str().unwrap().starts_with("inline"));
    assert_eq!(part.bytes().await.unwrap(), "ftyp");
    assert_eq!(bob.head(&path, 200).await.headers()["content-length"], "11534336");
    // Other files are smaller, and films have a limit as well. What is none of the kinds is not taken, whatever its sender says.
    send(&ada, "video/mp4", vec![b'a'; 10 * 1024 * 1024 + 1], 413).await;
    let said = send(&ada, "video/mp4", film(50 * 1024 * 1024 + 1), 413).await;
    assert!(said.contains("50 MB"), "{said}");
    send(&ada, "video/mp4", b"MZ\x90\0".to_vec(), 400).await;
    assert_eq!(hub.count("attachments").await, 1);
    // Nobody sends without an account, with a token that only reads, or by a form of another site.
    send(&hub.anonymous(), "image/png", png(), 401).await;
    let carl = hub.account("carl").await;
    send(&hub.token(&carl, TokenRole::Read).await, "image/png", png(), 403).await;
    let scopes =
        |permission: &str| json!({ "scoped": [{ "entity": { "type": "user", "name": "carl" }, "permissions": [permission] }] });
    for (permission, status) in [("repo.content.read", 403), ("repo.write", 200)] {
        send(&hub.scoped_token(&carl, TokenRole::FineGrained, scopes(permission)).await, "image/png", png(), status).await;
    }
    let mut browser = Browser::logged_in(&hub, "ada").await;
    assert_eq!(browser.post("/uploads", &[("a", "b")]).await.status, 401);
    hub.stop().await;
}

#[tokio::test]
async fn files_come_with_forms_where_no_script_runs() {
    let hub = TestHub::start().await;
    let owner = hub.user("ada").await;
    owner.create_repo("model", "ada/bert", false).await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let csrf = ada.open("/ada/bert/discussions/new").await.csrf();
    let file = |bytes: Vec<u8>, name: &str| Part::bytes(bytes).file_name(name.to_owned());
    let form = |csrf: &str| {
        let form = Form::new().text("csrf_token", csrf.to_owned()).text("title", "Plots").text("description", "Look:");
        form.part("files", file(png(), "loss.png")).part("files", file(b"a,b\n1,2\n".to_vec(), "loss.csv"))
    };
    assert_eq!(ada.send_form("/ada/bert/discussions/new", form("forged")).await.status, 403);
    let made = ada.send_form("/ada/bert/discussions/new", form(&csrf)).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let page = ada.open("/ada/bert/discussions/1").await;
    assert!(page.has("Look:") && page.has("alt=\"loss\"") && page.has(">loss.csv</a>"), "{}", page.text);
    // A picture alone is a comment; a form without files is one as before.
    let alone = Form::new().text("csrf_token", csrf.clone()).text("comment", "").part("files", file(png(), "x.png"));
    assert_eq!(ada.send_form("/ada/bert/discussions/1/comment", alone).await.status, 303);
    let none = Form::new().text("csrf_token", csrf.clone()).text("comment", "Words").part("files", file(Vec::new(), ""));
    assert_eq!(ada.send_form("/ada/bert/discussions/1/comment", none).await.status, 303);
    // What is refused is said beside what was typed.
    let wrong = Form::new().text("csrf_token", csrf).text("comment", "A program").part("files", file(b"MZ\0".to_vec(), "x.exe"));
    let page = ada.send_form("/ada/bert/discussions/1/comment", wrong).await;
    assert_eq!(page.status, 400);
    assert!(page.has("A program</textarea>") && page.has("Comments take pictures"), "{}", page.text);
    hub.stop().await;
}
