use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;
use reqwest::multipart::{Form, Part};

use super::Browser;

async fn put(client: &Client, bucket: &str, paths: &[&str]) {
    let empty = "0".repeat(64);
    let line = |path: &&str| format!("{}\n", json!({ "type": "addFile", "path": path, "xetHash": empty }));
    let body: String = paths.iter().map(line).collect();
    client.send(client.request(Method::POST, &format!("/api/buckets/{bucket}/batch")).body(body), 200).await;
}

#[tokio::test]
async fn a_bucket_is_made_and_browsed() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    let api = hub.token(&ada, hub::accounts::TokenRole::Write).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let made =
        browser.submit("/new-bucket", "/new-bucket", &[("owner", "ada"), ("name", "runs"), ("visibility", "private")]).await;
    assert_eq!((made.status, made.location()), (303, "/buckets/ada/runs"));
    let again =
        browser.submit("/new-bucket", "/new-bucket", &[("owner", "ada"), ("name", "runs"), ("visibility", "public")]).await;
    assert_eq!(again.status, 409);
    let empty = browser.open("/buckets/ada/runs").await;
    assert!(empty.has("This bucket is empty") && empty.has("hf sync ./folder hf://buckets/ada/runs"));
    assert!(!empty.has("git clone"));

    put(&api, "ada/runs", &["a b/#1.txt", "a b/c/d", "z<script>", "y.txt"]).await;
    let root = browser.open("/buckets/ada/runs").await;
    for text in ["/buckets/ada/runs/tree/a%20b", "4 files", "/buckets/ada/runs/resolve/y.txt?download=true", "z&#60;script&#62;"]
    {
        assert!(root.has(text), "{text}\n{}", root.text);
    }
    let folder = browser.open("/buckets/ada/runs/tree/a%20b").await;
    assert!(
        folder.has("/buckets/ada/runs/resolve/a%20b/%231.txt")
            && folder.has("/buckets/ada/runs/tree/a%20b/c")
            && !folder.has("y.txt")
    );
    let found = browser.open("/buckets/ada/runs/tree/a%20b?search=%23").await;
    assert!(found.has("#1.txt") && !found.has("tree/a%20b/c\""));
    assert!(browser.open("/buckets/ada/runs?search=nothing").await.has("Nothing here begins with"));
    assert_eq!(browser.get("/buckets/ada/runs/tree/y.txt").await.location(), "/buckets/ada/runs/resolve/y.txt");
    for missing in ["tree/nope", "tree/%00", "tree/a", "blob/main/y.txt"] {
        assert_eq!(browser.get(&format!("/buckets/ada/runs/{missing}")).await.status, 404, "{missing}");
    }
    assert!(browser.open("/buckets?search=run").await.has("/buckets/ada/runs"));
    assert!(browser.open("/ada").await.has("/buckets/ada/runs"));
    let mut stranger = Browser::new(&hub);
    assert!(!stranger.open("/buckets").await.has("/buckets/ada/runs"));
    assert_eq!(stranger.get("/buckets/ada/runs").await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn long_folders_have_pages() {
    let hub = TestHub::start().await;
    let api = hub.user("ada").await;
    api.post_json("/api/buckets/ada/many", &json!({}), 200).await;
    let names: Vec<String> = (0..201).map(|number| format!("f/{number:03}")).collect();
    put(&api, "ada/many", &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut browser = Browser::new(&hub);
    let first = browser.open("/buckets/ada/many/tree/f").await;
    assert!(first.has(">199<") && !first.has(">200<"));
    let next = first.text.split("href=\"").find(|link| link.contains("after=")).unwrap().split('"').next().unwrap().to_owned();
    let second = browser.open(&next).await;
    assert!(second.has(">200<") && !second.has(">199<") && second.has("First page"));
    hub.stop().await;
}

#[tokio::test]
async fn a_bucket_is_opened_moved_and_deleted_by_its_owner() {
    let hub = TestHub::start().await;
    let _boss = hub.user("boss").await;
    let ada = hub.account("ada").await;
    let api = hub.token(&ada, hub::accounts::TokenRole::Write).await;
    api.post_json("/api/buckets/ada/runs", &json!({ "private": true }), 200).await;
    hub.account("eve").await;
    let page = "/buckets/ada/runs/settings";
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let shown = browser.open(page).await;
    assert!(shown.has("in 0 files") && !shown.has("Plain HTTP") && !shown.has("history and settings"));
    browser.submit(page, &format!("{page}/visibility"), &[("visibility", "public")]).await;
    let mut eve = Browser::logged_in(&hub, "eve").await;
    assert_eq!(eve.get("/buckets/ada/runs").await.status, 200);
    assert_eq!(eve.get(page).await.status, 403);
    let moved = browser.submit(page, &format!("{page}/move"), &[("owner", "ada"), ("name", "walks")]).await;
    assert_eq!(moved.location(), "/buckets/ada/walks");
    assert_eq!(eve.get("/buckets/ada/runs").await.location(), "/buckets/ada/walks");
    let page = "/buckets/ada/walks/settings";
    assert_eq!(browser.submit(page, &format!("{page}/delete"), &[("confirmation", "no")]).await.status, 400);
    browser.submit(page, &format!("{page}/delete"), &[("confirmation", "ada/walks")]).await;
    assert_eq!(eve.get("/buckets/ada/walks").await.status, 410);
    hub.stop().await;
}

fn file(name: &str, bytes: impl Into<Vec<u8>>) -> Part {
    Part::bytes(bytes.into()).file_name(name.to_owned())
}

/// A hub with ada's bucket, her token, and her browser.
async fn with_bucket() -> (TestHub, Client, Browser) {
    let hub = TestHub::start().await;
    let _boss = hub.user("boss").await;
    let api = hub.user("ada").await;
    api.post_json("/api/buckets/ada/runs", &json!({}), 200).await;
    let browser = Browser::logged_in(&hub, "ada").await;
    (hub, api, browser)
}

/// The paths in the bucket, in order.
async fn paths(api: &Client) -> Vec<String> {
    let tree = api.get_json("/api/buckets/ada/runs/tree?recursive=true", 200).await;
    tree.as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap().to_owned()).collect()
}

async fn bytes(api: &Client, path: &str) -> Vec<u8> {
    api.get(&format!("/buckets/ada/runs/resolve/{path}"), 200).await.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn files_of_a_form_come_into_the_bucket_and_are_in_chunks() {
    let (hub, api, mut browser) = with_bucket().await;
    assert!(browser.open("/buckets/ada/runs").await.has("/buckets/ada/runs/upload/"), "an empty one leads there, too");
    let page = browser.open("/buckets/ada/runs/upload/a%20b").await;
    let large = crate::xet::client::random(3_000_000, 1);
    let form = Form::new()
        .text("csrf_token", page.csrf())
        .part("files", file("w.bin", large.clone()))
        .part("files", file("empty", ""))
        .part("files", file("notes.txt", "some words"));
    let sent = browser.send_form("/buckets/ada/runs/upload/a%20b", form).await;
    assert_eq!((sent.status, sent.location()), (303, "/buckets/ada/runs/tree/a%20b"), "{}", sent.text);
    let folder = browser.open("/buckets/ada/runs/tree/a%20b").await;
    assert!(folder.has("3 files were uploaded.") && folder.has("/buckets/ada/runs/upload/a%20b"));
    assert_eq!(paths(&api).await, ["a b/empty", "a b/notes.txt", "a b/w.bin"]);
    assert!(bytes(&api, "a%20b/w.bin").await == large && bytes(&api, "a%20b/empty").await.is_empty());
    // As clients want it: by chunks.
    let asked = json!({ "paths": ["a b/w.bin", "a b/notes.txt"] });
    let infos = api.post_json("/api/buckets/ada/runs/paths-info", &asked, 200).await;
    let hashes: Vec<&str> = infos.as_array().unwrap().iter().map(|info| info["xetHash"].as_str().unwrap()).collect();
    assert!(hashes.len() == 2 && hashes.iter().all(|hash| hash.len() == 64 && !hash.starts_with("0000000000")), "{infos}");
    let again = Form::new().text("csrf_token", page.csrf()).part("files", file("notes.txt", "other words"));
    assert_eq!(browser.send_form("/buckets/ada/runs/upload/a%20b", again).await.status, 303);
    assert_eq!(bytes(&api, "a%20b/notes.txt").await, b"other words", "whoever writes last wins");
    hub.stop().await;
}

#[tokio::test]
async fn a_hub_that_leads_nobody_to_chunks_takes_files_for_buckets() {
    let hub = TestHub::start_with(|config| config.xet = false).await;
    let api = hub.user("ada").await;
    api.post_json("/api/buckets/ada/runs", &json!({}), 200).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let csrf = browser.open("/buckets/ada/runs/upload/").await.csrf();
    let form = Form::new().text("csrf_token", csrf).part("files", file("w.bin", vec![7; 200_000]));
    assert_eq!(browser.send_form("/buckets/ada/runs/upload/", form).await.status, 303);
    assert_eq!(bytes(&api, "w.bin").await, vec![7; 200_000]);
    hub.stop().await;
}

#[tokio::test]
async fn a_form_for_a_bucket_that_is_not_right_changes_nothing() {
    let (hub, api, mut browser) = with_bucket().await;
    let csrf = browser.open("/buckets/ada/runs/upload/").await.csrf();
    let token = || Form::new().text("csrf_token", csrf.clone());
    for (form, status, says) in [
        (Form::new().part("files", file("a.txt", "a")), 403, "expired"),
        (Form::new().part("files", file("a.txt", "a")).text("csrf_token", csrf.clone()), 403, "expired"),
        (token(), 400, "at least one file"),
        (token().part("files", file("good.txt", "a")).part("files", file("..", "a")), 422, "Nothing was changed"),
    ] {
        let page = browser.send_form("/buckets/ada/runs/upload/", form).await;
        assert_eq!(page.status, status, "{says}: {}", page.text);
        assert!(page.has(says), "{says} is not in {}", page.text);
    }
    assert_eq!(paths(&api).await, Vec::<String>::new());
    hub.stop().await;
}

#[tokio::test]
async fn scripts_send_large_files_to_a_bucket_and_say_where_they_go() {
    let (hub, api, _browser) = with_bucket().await;
    let file = crate::lfs::Large::new(crate::xet::client::random(400_000, 2));
    let place = async |body: Value, status: u16| api.post_json("/api/buckets/ada/runs/place", &body, status).await;
    let wanted = json!({ "files": [{ "path": "w.bin", "oid": file.oid }, { "path": "empty" }] });
    let refused = place(wanted.clone(), 422).await;
    assert!(refused["error"].as_str().unwrap().contains("`w.bin` was not sent to this bucket"), "{refused}");
    // Not even by somebody who has it elsewhere.
    let eve = hub.user("eve").await;
    eve.create_repo("model", "eve/secret", true).await;
    crate::lfs::upload(&eve, "eve/secret", &file).await;
    place(wanted.clone(), 422).await;
    crate::lfs::upload(&api, "buckets/ada/runs", &file).await;
    assert_eq!(place(wanted, 200).await["placed"], 2);
    assert_eq!(paths(&api).await, ["empty", "w.bin"]);
    assert!(bytes(&api, "w.bin").await == file.bytes);
    place(json!({ "files": [] }), 200).await;
    place(json!({ "files": [{ "path": "x" }, { "path": "../y" }] }), 422).await;
    assert_eq!(paths(&api).await, ["empty", "w.bin"], "all or nothing");
    let many: Vec<Value> = (0..1001).map(|number| json!({ "path": number.to_string() })).collect();
    place(json!({ "files": many }), 400).await;

    // What is gone from a bucket cannot be had by its SHA-256.
    let ask = json!({ "operation": "download", "objects": [{ "oid": file.oid, "size": file.bytes.len() }] });
    api.post_json("/buckets/ada/runs.git/info/lfs/objects/batch", &ask, 422).await;
    hub.stop().await;
}

#[tokio::test]
async fn what_was_chosen_is_deleted() {
    let (hub, api, mut browser) = with_bucket().await;
    put(&api, "ada/runs", &["a/1", "a/2", "ab", "b/c/1", "b/c", "keep"]).await;
    assert!(browser.open("/buckets/ada/runs").await.has("name=\"name\" value=\"a/\""));
    let page = "/buckets/ada/runs/change/?do=delete&name=a/&name=ab";
    let shown = browser.open(page).await;
    assert!(shown.has("with 2 files") && shown.has("This cannot be undone") && shown.has(">ab<"), "{}", shown.text);
    assert!(shown.has("name=\"name\" value=\"a/\"") && shown.has("name=\"name\" value=\"ab\""), "{}", shown.text);
    assert_eq!(paths(&api).await.len(), 6, "looking changes nothing");
    let csrf = shown.csrf();
    let fields = [("csrf_token", csrf.as_str()), ("do", "delete"), ("name", "a/"), ("name", "ab")];
    let gone = browser.post("/buckets/ada/runs/change/", &fields).await;
    assert_eq!((gone.status, gone.location()), (303, "/buckets/ada/runs"), "{}", gone.text);
    assert!(browser.open("/buckets/ada/runs").await.has("3 files were deleted."));
    assert_eq!(paths(&api).await, ["b/c", "b/c/1", "keep"]);
    let all = browser.post("/buckets/ada/runs/change/b", &[("csrf_token", &csrf), ("do", "delete"), ("name", "")]).await;
    assert_eq!(all.status, 404, "no name is not the folder itself");
    // A file and a folder of one name are two things.
    for (names, location, left) in [
        (vec!["c"], "/buckets/ada/runs/tree/b", vec!["b/c/1", "keep"]),
        (vec!["c/"], "/buckets/ada/runs/tree/b", vec!["b/c", "keep"]),
        // Both, and one of them twice; and the folder they were in is none any more.
        (vec!["c", "c/", "c"], "/buckets/ada/runs", vec!["keep"]),
    ] {
        put(&api, "ada/runs", &["b/c", "b/c/1"]).await;
        let mut fields = vec![("csrf_token", csrf.as_str()), ("do", "delete")];
        fields.extend(names.iter().map(|name| ("name", *name)));
        let gone = browser.post("/buckets/ada/runs/change/b", &fields).await;
        assert_eq!((gone.status, gone.location()), (303, location), "{names:?}: {}", gone.text);
        assert_eq!(paths(&api).await, left, "{names:?}");
    }

    for (fields, status) in [
        (vec![("do", "delete"), ("name", "gone")], 404),
        (vec![("do", "delete"), ("name", "keep/")], 404),
        (vec![("do", "burn"), ("name", "keep")], 400),
        (vec![("do", "delete")], 400),
    ] {
        let all: Vec<(&str, &str)> = [("csrf_token", csrf.as_str())].into_iter().chain(fields).collect();
        assert_eq!(browser.post("/buckets/ada/runs/change/", &all).await.status, status, "{all:?}");
    }
    let nothing = browser.get("/buckets/ada/runs/change/?do=delete").await;
    assert_eq!((nothing.status, nothing.location()), (303, "/buckets/ada/runs"));
    assert!(browser.open("/buckets/ada/runs").await.has("Choose at least one file or folder first."));
    assert_eq!(browser.post("/buckets/ada/runs/change/", &[("do", "delete"), ("name", "keep")]).await.status, 403);
    assert_eq!(paths(&api).await, ["keep"]);
    hub.stop().await;
}

#[tokio::test]
async fn what_was_chosen_is_moved_with_all_that_is_in_it() {
    let (hub, api, mut browser) = with_bucket().await;
    let file = crate::lfs::Large::new(crate::xet::client::random(200_000, 3));
    crate::lfs::upload(&api, "buckets/ada/runs", &file).await;
    let files = json!({ "files": [{ "path": "a/w.bin", "oid": file.oid }] });
    api.post_json("/api/buckets/ada/runs/place", &files, 200).await;
    put(&api, "ada/runs", &["a/b/1", "x", "y"]).await;
    let shown = browser.open("/buckets/ada/runs/change/?do=move&name=a/").await;
    assert!(shown.has("name=\"target\" type=\"text\" value=\"a\""), "{}", shown.text);
    let csrf = shown.csrf();
    let mut go = async |folder: &str, names: &[&str], target: &str| {
        let mut fields = vec![("csrf_token", csrf.as_str()), ("do", "move"), ("target", target)];
        fields.extend(names.iter().map(|name| ("name", *name)));
        browser.post(&format!("/buckets/ada/runs/change/{folder}"), &fields).await
    };
    // Into itself, which deletes nothing that comes.
    let moved = go("", &["a/"], "a/b").await;
    assert_eq!((moved.status, moved.location()), (303, "/buckets/ada/runs/tree/a"), "{}", moved.text);
    assert_eq!(paths(&api).await, ["a/b/b/1", "a/b/w.bin", "x", "y"]);
    assert!(bytes(&api, "a/b/w.bin").await == file.bytes);
    go("a/b", &["w.bin"], "/w.bin/").await;
    go("", &["x", "y"], "new/place").await;
    assert_eq!(paths(&api).await, ["a/b/b/1", "new/place/x", "new/place/y", "w.bin"]);
    assert_eq!(go("new/place", &["x", "y"], "").await.location(), "/buckets/ada/runs", "into the root");
    assert!(bytes(&api, "w.bin").await == file.bytes);

    for (folder, names, target, status, says) in [
        ("", vec!["x"], "y", 409, "There is a file at"),
        ("", vec!["x"], "x", 400, "It has this path already"),
        ("", vec!["x"], "", 400, "Say where"),
        ("", vec!["x", "y"], "", 400, "in this folder already"),
        ("", vec!["x"], "../y", 422, "This cannot be"),
        ("", vec!["nothing"], "z", 404, ""),
    ] {
        let page = go(folder, &names, target).await;
        assert!(page.status == status && page.has(says), "{names:?} to {target}: {} {}", page.status, page.text);
    }
    assert_eq!(paths(&api).await, ["a/b/b/1", "w.bin", "x", "y"]);
    let tree = api.get_json("/api/buckets/ada/runs", 200).await;
    assert_eq!((&tree["totalFiles"], &tree["size"]), (&json!(4), &json!(200_000)));
    hub.stop().await;
}

/// Puts so many files into a folder, which are called `000`, `001` and so on.
async fn put_many(api: &Client, folder: &str, count: usize) {
    let names: Vec<String> = (0..count).map(|number| format!("{folder}/{number:03}")).collect();
    put(api, "ada/runs", &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_thousand_files_are_changed_at_once_and_a_hundred_names_chosen() {
    let (hub, api, mut browser) = with_bucket().await;
    put_many(&api, "a", 600).await;
    let csrf = browser.open("/buckets/ada/runs/change/?do=move&name=a/").await.csrf();
    let mut go = async |folder: &str, what: &str, names: &[&str]| {
        let mut fields = vec![("csrf_token", csrf.as_str()), ("do", what), ("target", "moved")];
        fields.extend(names.iter().map(|name| ("name", *name)));
        browser.post(&format!("/buckets/ada/runs/change/{folder}"), &fields).await
    };
    let count = async || api.get_json("/api/buckets/ada/runs", 200).await["totalFiles"].clone();
    // Of which each goes and comes: more than a batch takes.
    let moved = go("", "move", &["a/"]).await;
    assert_eq!((moved.status, moved.location()), (303, "/buckets/ada/runs"), "{}", moved.text);
    assert_eq!(count().await, 600);
    api.get("/buckets/ada/runs/resolve/moved/599", 200).await;
    api.get("/buckets/ada/runs/resolve/a/599", 404).await;

    put_many(&api, "more", 401).await;
    for what in ["move", "delete"] {
        let refused = go("", what, &["moved/", "more/"]).await;
        assert!(refused.status == 400 && refused.has("more than 1000 files"), "{what}: {} {}", refused.status, refused.text);
    }
    let names: Vec<String> = (0..101).map(|number| format!("{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let refused = go("more", "delete", &names).await;
    assert!(refused.status == 400 && refused.has("At most 100 files"), "{} {}", refused.status, refused.text);
    assert_eq!(count().await, 1001, "nothing was changed");
    assert_eq!(go("more", "delete", &names[..100]).await.status, 303);
    put_many(&api, "more", 99).await;
    assert_eq!(count().await, 1000);
    assert_eq!(go("", "delete", &["moved/", "more/"]).await.status, 303);
    assert_eq!(count().await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn only_those_who_may_write_are_shown_how() {
    let (hub, api, mut browser) = with_bucket().await;
    put(&api, "ada/runs", &["x"]).await;
    assert!(browser.open("/buckets/ada/runs").await.has("type=\"checkbox\""));
    hub.user("eve").await;
    for mut other in [Browser::new(&hub), Browser::logged_in(&hub, "eve").await] {
        let page = other.open("/buckets/ada/runs").await;
        assert!(!page.has("type=\"checkbox\"") && !page.has("/upload/") && !page.has("/change/"));
    }
    hub.stop().await;
}
