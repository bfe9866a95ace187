use hub_tests::{Value, json};
use hub_types::RepoType;
use reqwest::Method;

use super::seeded::{Seeded, add};

async fn names(seeded: &Seeded, kind: &str) -> Vec<String> {
    let refs = seeded.get("refs", 200).await;
    refs[kind].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

async fn call(seeded: &Seeded, method: Method, path: &str, body: Value, status: u16) -> String {
    let answer = seeded.ada.call(method, &format!("{}/{path}", seeded.api), &body, status).await;
    answer["error"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn refs_are_listed_by_kind() {
    let seeded = Seeded::model(&[("a", "1")]).await;
    let head = seeded.repo().await.head_oid.unwrap();
    let refs = seeded.get("refs?include_prs=1", 200).await;
    assert_eq!(
        refs,
        json!({
            "branches": [{ "name": "main", "ref": "refs/heads/main", "targetCommit": head }],
            "converts": [], "tags": [], "pullRequests": [],
        })
    );
    assert!(seeded.get("refs", 200).await.get("pullRequests").is_none());
    seeded.stop().await;
}

#[tokio::test]
async fn branches_come_and_go() {
    let seeded = Seeded::model(&[("a", "1")]).await;
    let first = seeded.repo().await.head_oid.unwrap();
    let second = seeded.commit("main", "second", vec![add("a", "2")]).await;
    let post = |name: &'static str, body: Value, status: u16| call(&seeded, Method::POST, name, body, status);
    post("branch/dev", json!({}), 200).await;
    post("branch/feat%2Fx", json!({ "startingPoint": first }), 200).await;
    post("branch/empty", json!({ "emptyBranch": true }), 200).await;
    assert_eq!(post("branch/dev", json!({}), 409).await, "Reference refs/heads/dev already exists");
    post("branch/dev", json!({ "overwrite": true, "startingPoint": first }), 200).await;
    assert_eq!(post("branch/refs%2Fheads%2Fx", json!({}), 400).await, "Invalid reference for a branch");
    assert_eq!(post("branch/a..b", json!({}), 400).await, "Invalid reference for a branch");
    assert_eq!(post("branch/new", json!({ "startingPoint": "nope" }), 404).await, "Invalid rev id: nope");
    let blocked = post("branch/feat", json!({}), 409).await;
    assert!(blocked.starts_with("There cannot be the branch `feat` beside the branch `feat/"), "{blocked}");
    assert_eq!(names(&seeded, "branches").await, ["dev", "empty", "feat/x", "main"]);
    let refs = seeded.get("refs", 200).await;
    assert_eq!(refs["branches"][0]["targetCommit"], first.to_hex());
    assert_eq!(refs["branches"][3]["targetCommit"], second.to_hex());
    assert_eq!(seeded.get("tree/empty", 200).await, json!([]));

    let delete = |name: &'static str, status: u16| call(&seeded, Method::DELETE, name, json!({}), status);
    delete("branch/feat%2Fx", 200).await;
    assert!(delete("branch/feat%2Fx", 404).await.contains("Invalid rev id"));
    assert!(delete("branch/main", 403).await.contains("Cannot delete refs/heads/main"));
    assert_eq!(names(&seeded, "branches").await, ["dev", "empty", "main"]);
    seeded.stop().await;
}

#[tokio::test]
async fn overwriting_the_default_branch_brings_its_metadata_along() {
    let seeded = Seeded::model(&[("README.md", "---\nlicense: mit\n---\n")]).await;
    let first = seeded.repo().await.head_oid.unwrap();
    seeded.commit("main", "more", vec![add("README.md", "---\nlicense: gpl-3.0\n---\n"), add("b", "22")]).await;
    call(&seeded, Method::POST, "branch/main", json!({ "overwrite": true, "startingPoint": first }), 200).await;
    let repo = seeded.repo().await;
    assert_eq!((repo.head_oid, repo.file_count), (Some(first), 1));
    seeded.stop().await;
}

#[tokio::test]
async fn tags_are_light_or_annotated() {
    let seeded = Seeded::model(&[("a", "1")]).await;
    let first = seeded.repo().await.head_oid.unwrap();
    seeded.commit("main", "second", vec![add("a", "2")]).await;
    let post = |revision: String, body: Value, status: u16| {
        let seeded = &seeded;
        async move { call(seeded, Method::POST, &format!("tag/{revision}"), body, status).await }
    };
    post("main".into(), json!({ "tag": "v2" }), 200).await;
    post(first.to_hex(), json!({ "tag": "v1", "message": "the first" }), 200).await;
    post("v1".into(), json!({ "tag": "again/v1", "message": null }), 200).await;
    post("main".into(), json!({ "tag": "main" }), 200).await;
    assert_eq!(post("main".into(), json!({ "tag": "v1" }), 409).await, "Reference refs/tags/v1 already exists");
    post("nope".into(), json!({ "tag": "v3" }), 404).await;
    post("main".into(), json!({ "tag": "a b" }), 400).await;
    post("main".into(), json!({}), 400).await;
    let refs = seeded.get("refs", 200).await;
    assert_eq!(refs["tags"][0], json!({ "name": "again/v1", "ref": "refs/tags/again/v1", "targetCommit": first }));
    assert_eq!(refs["tags"][2], json!({ "name": "v1", "ref": "refs/tags/v1", "targetCommit": first }));
    assert_eq!(seeded.get("commits/v1", 200).await[0]["id"], first.to_hex());
    // Branches go before tags.
    assert_eq!(seeded.get("commits/main", 200).await.as_array().unwrap().len(), 2);
    let delete = |name: &'static str, status: u16| call(&seeded, Method::DELETE, name, json!({}), status);
    delete("tag/again%2Fv1", 200).await;
    delete("tag/v1", 200).await;
    assert_eq!(delete("tag/v1", 404).await, "Invalid rev id: v1");
    // A tag is not to be had by the route of branches.
    assert!(delete("branch/v2", 404).await.contains("Invalid rev id"));
    assert_eq!(names(&seeded, "tags").await, ["main", "v2"]);
    seeded.stop().await;
}

#[tokio::test]
async fn a_history_is_squashed_into_one_commit() {
    let seeded = Seeded::model(&[("a", "1"), ("d/b", "2")]).await;
    seeded.commit("main", "second", vec![add("a", "2")]).await;
    let before = seeded.get("tree/main?recursive=true", 200).await;
    call(&seeded, Method::POST, "super-squash/main", json!({ "message": "all in one" }), 200).await;
    let commits = seeded.get("commits/main", 200).await;
    assert_eq!(commits.as_array().unwrap().len(), 1);
    assert_eq!(commits[0]["title"], "all in one");
    assert_eq!(seeded.get("tree/main?recursive=true", 200).await, before);
    let repo = seeded.repo().await;
    assert_eq!((repo.head_oid.unwrap().to_hex().as_str(), repo.file_count), (commits[0]["id"].as_str().unwrap(), 2));
    call(&seeded, Method::POST, "super-squash/nope", json!({ "message": "x" }), 404).await;
    call(&seeded, Method::POST, "super-squash/main", json!({ "message": "x".repeat(501) }), 400).await;
    seeded.stop().await;
}

#[tokio::test]
async fn readers_cannot_move_refs() {
    let seeded = Seeded::empty(RepoType::Model, false).await;
    seeded.commit("main", "first", vec![add("a", "1")]).await;
    let eve = seeded.hub.user("eve").await;
    for (method, path) in [
        (Method::POST, "branch/x"),
        (Method::DELETE, "branch/main"),
        (Method::POST, "tag/main"),
        (Method::DELETE, "tag/x"),
        (Method::POST, "super-squash/main"),
    ] {
        let path = format!("{}/{path}", seeded.api);
        eve.call(method.clone(), &path, &json!({ "tag": "t", "message": "m" }), 403).await;
        seeded.hub.anonymous().call(method, &path, &json!({ "tag": "t", "message": "m" }), 401).await;
    }
    assert_eq!(names(&seeded, "branches").await, ["main"]);
    seeded.stop().await;
}
