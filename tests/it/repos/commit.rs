use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

const API: &str = "/api/models/ada/bert";

async fn start() -> (TestHub, Client) {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    (hub, ada)
}

async fn paths(client: &Client) -> Vec<String> {
    let rows = client.get_json(&format!("{API}/tree/main?recursive=true"), 200).await;
    rows.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap().to_owned()).collect()
}

fn delete(kind: &str, path: &str) -> Value {
    json!({ "key": kind, "value": { "path": path } })
}

#[tokio::test]
async fn a_commit_does_what_its_lines_say_in_order() {
    let (hub, ada) = start().await;
    let base64 = json!({ "key": "file", "value": { "path": "b/binary", "content": "AP8=", "encoding": "base64" } });
    let lines = [Client::file("a.txt", "one"), base64, Client::file("old/x", "1"), Client::file("old/y", "2")];
    let answer = ada.commit(API, "main", &lines, 200).await;
    assert_eq!(answer["success"], true);
    let id = answer["commitOid"].as_str().unwrap();
    assert_eq!(answer["commitUrl"], hub.anonymous().url(&format!("/ada/bert/commit/{id}")));
    assert_eq!(paths(&ada).await, [".gitattributes", "a.txt", "b", "b/binary", "old", "old/x", "old/y"]);
    let lines = [
        delete("deletedFolder", "old/"),
        Client::file("old/z", "3"),
        delete("deletedFile", "a.txt"),
        delete("deletedEntry", "b"),
    ];
    ada.commit(API, "main", &lines, 200).await;
    assert_eq!(paths(&ada).await, [".gitattributes", "old", "old/z"]);
    let body = ada.get("/ada/bert/resolve/main/old/z", 200).await.text().await.unwrap();
    assert_eq!(body, "3");
    let commits = ada.get_json(&format!("{API}/commits/main"), 200).await;
    assert_eq!((&commits[0]["title"], &commits[0]["authors"][0]["user"]), (&json!("test commit"), &json!("ada")));
    hub.stop().await;
}

#[tokio::test]
async fn nothing_changed_is_the_head() {
    let (hub, ada) = start().await;
    let first = ada.commit(API, "main", &[Client::file("a", "1")], 200).await;
    let again = ada.commit(API, "main", &[Client::file("a", "1")], 200).await;
    assert_eq!(first["commitOid"], again["commitOid"]);
    assert_eq!(ada.commit(API, "main", &[], 200).await["commitOid"], first["commitOid"]);
    hub.stop().await;
}

#[tokio::test]
async fn a_stale_parent_is_a_412_with_the_text_that_clients_compare() {
    let (hub, ada) = start().await;
    let first = ada.commit(API, "main", &[Client::file("a", "1")], 200).await["commitOid"].as_str().unwrap().to_owned();
    let second = ada.commit(API, "main", &[Client::file("a", "2")], 200).await["commitOid"].as_str().unwrap().to_owned();
    let post = |parent: String| {
        let header = json!({ "key": "header", "value": { "summary": "s", "description": "", "parentCommit": parent } });
        let body = format!("{header}\n{}\n", Client::file("a", &parent));
        ada.request(Method::POST, &format!("{API}/commit/main")).header("Content-Type", "application/x-ndjson").body(body)
    };
    let stale: Value = ada.send(post(first), 412).await.json().await.unwrap();
    assert_eq!(stale["error"], "The branch was updated since you opened this page. Please refresh and try again.");
    ada.send(post(second[..7].to_owned()), 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn bad_commits_are_refused_and_change_nothing() {
    let (hub, ada) = start().await;
    ada.commit(API, "main", &[Client::file("a", "1"), Client::file("d/b", "2")], 200).await;
    let before = ada.get_json(&format!("{API}/refs"), 200).await;
    let lfs = |size: Value| json!({ "key": "lfsFile", "value": { "path": "w.bin", "algo": "sha256", "oid": "ab".repeat(32), "size": size } });
    for (line, status) in [
        (delete("deletedFile", "nope"), 404),
        (delete("deletedFile", "d"), 404),
        (delete("deletedFolder", "a"), 404),
        (Client::file("../x", "1"), 422),
        (Client::file("..\\x", "1"), 422),
        (Client::file(".git/config", "1"), 422),
        (Client::file("/abs", "1"), 422),
        (Client::file("d", "a file in a folder's place"), 422),
        (Client::file("a/b", "a folder in a file's place"), 422),
        (Client::file("README.md", "---\nlicense: [\n---\n"), 400),
        (lfs(json!(20)), 422),
        (json!({ "key": "file", "value": { "path": "x", "content": "%%", "encoding": "base64" } }), 400),
        (json!({ "key": "unknown", "value": {} }), 400),
    ] {
        let lines = [Client::file("good", "1"), line.clone()];
        let answer = ada.commit(API, "main", &lines, status).await;
        assert!(!answer["error"].as_str().unwrap().is_empty(), "{line}");
    }
    let missing = ada.commit(API, "main", &[delete("deletedFile", "nope")], 404).await;
    assert!(missing["error"].as_str().unwrap().contains("A file with this name doesn't exist"));
    ada.commit(API, "nope", &[Client::file("a", "2")], 404).await;
    assert_eq!(ada.get_json(&format!("{API}/refs"), 200).await, before);
    hub.stop().await;
}

#[tokio::test]
async fn writers_of_one_branch_all_succeed() {
    let (hub, ada) = start().await;
    let commits = (0..24).map(|n| {
        let ada = ada.clone();
        async move { ada.commit(API, "main", &[Client::file(&format!("d{}/f{n}", n % 3), "x")], 200).await }
    });
    futures::future::join_all(commits).await;
    let found = paths(&ada).await;
    assert_eq!(found.iter().filter(|path| path.contains('/')).count(), 24);
    let response = ada.get(&format!("{API}/commits/main?limit=1"), 200).await;
    assert_eq!(response.headers()["x-total-count"], "25");
    hub.stop().await;
}

#[tokio::test]
async fn strangers_cannot_commit() {
    let (hub, ada) = start().await;
    let eve = hub.user("eve").await;
    eve.commit(API, "main", &[Client::file("a", "1")], 403).await;
    hub.anonymous().commit(API, "main", &[Client::file("a", "1")], 401).await;
    ada.create_repo("model", "ada/secret", true).await;
    eve.commit("/api/models/ada/secret", "main", &[Client::file("a", "1")], 404).await;
    hub.stop().await;
}
