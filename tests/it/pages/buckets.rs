use hub_tests::{Client, TestHub, json};
use reqwest::Method;

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
    assert_eq!(eve.get("/buckets/ada/walks").await.status, 404);
    hub.stop().await;
}
