//! Getting around: going to a file, comparing revisions, making branches.

use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use super::Browser;

#[tokio::test]
async fn a_file_is_found_by_some_letters() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/many", false).await;
    let mut files: Vec<_> = (0..150).map(|n| Client::file(&format!("data/part-{n:03}.txt"), "x")).collect();
    files.push(Client::file("src/config <b>.json", "{}"));
    ada.commit("/api/models/ada/many", "main", &files, 200).await;
    let mut browser = Browser::new(&hub);
    assert!(browser.open("/ada/many/tree/main").await.has("href=\"/ada/many/find/main\" data-go-to-file"));
    let page = browser.open("/ada/many/find/main?q=cfgjs").await;
    assert_eq!(page.text.matches("href=\"/ada/many/blob/main/").count(), 1);
    assert!(page.has("<mark>js</mark>on") && page.has("&#60;b&#62;") && !page.has("<b>"), "names are escaped: {}", page.text);
    let page = browser.open("/ada/many/find/main?q=part").await;
    assert_eq!(page.text.matches("href=\"/ada/many/blob/main/").count(), 100);
    assert!(page.has("50 more fit."));
    assert!(browser.open("/ada/many/find/main?q=zzz").await.has("No file fits"));
    assert!(browser.open("/ada/many/find/main").await.has("/blob/main/data/part-000.txt"));
    hub.stop().await;
}

#[tokio::test]
async fn revisions_are_compared_page_by_page() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/two", false).await;
    ada.commit("/api/models/ada/two", "main", &[Client::file("a.txt", "one\n")], 200).await;
    ada.call(Method::POST, "/api/models/ada/two/tag/main", &json!({ "tag": "v1" }), 200).await;
    let mut files = vec![Client::file("a.txt", "two\n")];
    files.extend((0..60).map(|n| Client::file(&format!("new/{n:02}.txt"), "x\n")));
    ada.commit("/api/models/ada/two", "main", &files, 200).await;
    let mut browser = Browser::new(&hub);
    let first = browser.open("/ada/two/compare?base=v1&head=main").await;
    assert!(first.has("diff-removed") && first.has("<td class=\"diff-text\">two</td>"));
    assert_eq!(first.text.matches("diff-file-name").count(), 40);
    assert!(first.has("main is 1 commit ahead of v1.") && first.text.matches("commit-row").count() == 1, "{}", first.text);
    assert!(browser.open("/ada/two/compare?base=main&head=v1").await.has("v1 is 1 commit behind main."));
    assert!(first.has("head=main&#38;p=1") || first.has("head=main&amp;p=1"), "there is another page");
    let second = browser.open("/ada/two/compare?base=v1&head=main&p=1").await;
    assert_eq!(second.text.matches("diff-file-name").count(), 21);
    assert!(browser.open("/ada/two/compare?base=main&head=main").await.has("Nothing differs"));
    let unknown = browser.open("/ada/two/compare?base=none&head=main").await;
    assert!(unknown.has("There is no such branch, tag or commit.") && !unknown.has("Nothing differs"));
    hub.stop().await;
}

#[tokio::test]
async fn many_branches_are_paged() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/grows", false).await;
    ada.commit("/api/models/ada/grows", "main", &[Client::file("a.txt", "one\n")], 200).await;
    let many = "insert into refs (repo_pk, name, oid, updated_at)
                select repo_pk, kind || lpad(n::text, 4, '0'), oid, updated_at + n * interval '1 second'
                from refs, generate_series(1, 604) n, unnest(array['refs/heads/b', 'refs/tags/v']) kind";
    sqlx::query(many).execute(&hub.app().pool).await.unwrap();
    let mut browser = Browser::new(&hub);
    let first = browser.open("/ada/grows/refs").await;
    assert!(first.has(">main</a> <span class=\"badge badge-accent\">Default"), "the default branch comes first");
    assert!(first.has(">b0604<") && !first.has(">b0505<") && first.has(">v0505<"));
    assert!(first.has("href=\"/ada/grows/refs?branches=1\" rel=\"next\"") && first.has("refs?tags=1\" rel=\"next\""));
    let last = browser.open("/ada/grows/refs?branches=6").await;
    assert!(last.has(">b0005<") && last.has(">b0001<") && last.has("refs?branches=5\" rel=\"prev\"") && last.has(">v0604<"));
    assert!(!last.has("branches=7") && browser.open("/ada/grows/refs?branches=999999999999").await.has("There are no more."));
    hub.stop().await;
}

#[tokio::test]
async fn a_branch_is_made_on_its_page() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/grows", false).await;
    ada.commit("/api/models/ada/grows", "main", &[Client::file("a.txt", "one\n")], 200).await;
    assert!(!Browser::new(&hub).open("/ada/grows/refs").await.has("Create branch"), "strangers have no form");
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let (page, action) = ("/ada/grows/refs", "/ada/grows/refs/create");
    let made = browser.submit(page, action, &[("name", "feat/x"), ("start", "main")]).await;
    assert_eq!((made.status, made.location()), (303, "/ada/grows/tree/feat%2Fx"));
    assert!(browser.open("/ada/grows/tree/feat%2Fx").await.has("a.txt"));
    for (fields, status, text) in [
        ([("name", "feat/x"), ("start", "main")], 409, "already exists"),
        ([("name", "feat"), ("start", "main")], 409, "beside the branch <code>feat/x</code>"),
        ([("name", "feat/x/y"), ("start", "main")], 409, "beside the branch <code>feat/x</code>"),
        ([("name", "a b"), ("start", "main")], 400, "Invalid reference"),
        ([("name", "new"), ("start", "nowhere")], 400, "There is no such branch"),
    ] {
        let refused = browser.submit(page, action, &fields).await;
        assert!(refused.status == status && refused.has(text) && refused.has("aria-invalid"), "{fields:?}: {}", refused.status);
    }
    hub.stop().await;
}
