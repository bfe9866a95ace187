use hub_tests::TestHub;
use reqwest::multipart::{Form, Part};

use super::Browser;

fn file(name: &str, bytes: impl Into<Vec<u8>>) -> Part {
    Part::bytes(bytes.into()).file_name(name.to_owned())
}

async fn with_repo() -> (TestHub, Browser, String) {
    let hub = TestHub::start().await;
    hub.user("ada").await.create_repo("model", "ada/bert", false).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let csrf = browser.open("/ada/bert/upload/main").await.csrf();
    (hub, browser, csrf)
}

#[tokio::test]
async fn files_of_a_form_become_one_commit() {
    let (hub, mut browser, csrf) = with_repo().await;
    assert!(browser.open("/ada/bert/tree/main").await.has("/ada/bert/upload/main"));
    let large = vec![b'x'; 11 * 1024 * 1024];
    let form = Form::new()
        .text("csrf_token", csrf)
        .text("summary", "From the browser")
        .part("files", file("notes.md", "# Notes\n"))
        .part("files", file("weights.bin", b"\0\x01\x02".to_vec()))
        .part("files", file("long.txt", large.clone()))
        .part("files", file("empty.txt", ""));
    let page = browser.send_form("/ada/bert/upload/main", form).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(page.location(), "/ada/bert/tree/main");
    assert!(browser.open("/ada/bert/tree/main").await.has("4 files were uploaded."));

    let anyone = hub.anonymous();
    let tree = anyone.get_json("/api/models/ada/bert/tree/main", 200).await;
    let entry = |path: &str| tree.as_array().unwrap().iter().find(|entry| entry["path"] == path).unwrap().clone();
    assert!(entry("notes.md")["lfs"].is_null() && entry("empty.txt")["lfs"].is_null());
    assert_eq!(entry("weights.bin")["lfs"]["size"], 3, "what is no text goes to LFS");
    assert_eq!(entry("long.txt")["lfs"]["size"], large.len(), "and so does what is large");
    let got = anyone.get("/ada/bert/resolve/main/long.txt", 200).await.bytes().await.unwrap();
    assert!(got == large);
    let commits = anyone.get_json("/api/models/ada/bert/commits/main", 200).await;
    assert_eq!(commits[0]["title"], "From the browser");
    hub.jobs_done().await;
    let tree = anyone.get_json("/api/models/ada/bert/tree/main", 200).await;
    let chunked = tree.as_array().unwrap().iter().filter(|entry| entry["xetHash"].is_string()).count();
    assert_eq!(chunked, 2, "large files are put in chunks in the background");
    hub.stop().await;
}

#[tokio::test]
async fn a_folder_comes_with_its_first_file() {
    let (hub, mut browser, csrf) = with_repo().await;
    let form = Form::new().text("csrf_token", csrf).part("files", file("a.txt", "a"));
    let page = browser.send_form("/ada/bert/upload/main/new/folder", form).await;
    assert_eq!(page.location(), "/ada/bert/tree/main/new/folder");
    assert!(browser.open("/ada/bert/tree/main/new/folder").await.has("a.txt"));
    hub.stop().await;
}

#[tokio::test]
async fn a_form_without_token_or_files_or_with_a_bad_name_changes_nothing() {
    let (hub, mut browser, csrf) = with_repo().await;
    for (form, status, says) in [
        (Form::new().part("files", file("a.txt", "a")), 403, "expired"),
        (Form::new().text("csrf_token", "nonsense").part("files", file("a.txt", "a")), 403, "expired"),
        (Form::new().part("files", file("a.txt", "a")).text("csrf_token", csrf.clone()), 403, "expired"),
        (Form::new().text("csrf_token", csrf.clone()), 400, "at least one file"),
        (Form::new().text("csrf_token", csrf.clone()).part("files", file(".git/config", "a")), 422, ".git"),
        (Form::new().text("csrf_token", csrf.clone()).text("summary", "x".repeat(5000)), 413, "too long"),
    ] {
        let page = browser.send_form("/ada/bert/upload/main", form).await;
        assert_eq!(page.status, status, "{says}");
        assert!(page.has(says), "{says} is not in {}", page.text);
    }
    let page = browser.get("/ada/bert/upload/nowhere").await;
    assert_eq!(page.status, 404);
    let commits = hub.anonymous().get_json("/api/models/ada/bert/commits/main", 200).await;
    assert_eq!(commits.as_array().unwrap().len(), 1);
    hub.stop().await;
}
