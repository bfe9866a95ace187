//! Undoing what was done to repositories, and names that nobody else can take.

mod discussions;
mod names;
mod pages;
mod refs;
mod repos;
mod storage;

use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

const API: &str = "/api/models/ada/bert";

/// A hub with ada's public model.
async fn start() -> (TestHub, Client) {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    (hub, ada)
}

/// The changes of a repository, newest first.
async fn changes(client: &Client, api: &str) -> Vec<Value> {
    client.get_json(&format!("{api}/changes"), 200).await.as_array().unwrap().clone()
}

/// Takes the newest change back.
async fn undo_last(client: &Client, api: &str, body: Value, status: u16) -> Value {
    let id = changes(client, api).await[0]["id"].clone();
    client.post_json(&format!("{api}/changes/{id}/undo"), &body, status).await
}

async fn delete_repo(client: &Client, namespace: &str, name: &str) {
    let body = json!({ "type": "model", "organization": namespace, "name": name });
    client.call(Method::DELETE, "/api/repos/delete", &body, 200).await;
}

/// Makes everything that was done to repositories look as if it had been done so many days ago.
async fn age(hub: &TestHub, days: i32) {
    for sql in [
        "update repo_changes set created_at = created_at - make_interval(days => $1)",
        "update repos set deleted_at = deleted_at - make_interval(days => $1)",
        "update deleted_discussions set deleted_at = deleted_at - make_interval(days => $1)",
        "update repo_lfs_objects set wanted_at = wanted_at - make_interval(days => $1)",
        "update events set created_at = created_at - make_interval(days => $1)",
        "update repos set large_files_checked_at = large_files_checked_at - make_interval(days => $1),
                large_files_checked_before = large_files_checked_before - make_interval(days => $1),
                changes_checked_before = changes_checked_before - make_interval(days => $1)",
    ] {
        sqlx::query(sql).bind(days).execute(&hub.app().pool).await.unwrap();
    }
}

/// Where a branch or tag is.
async fn ref_of(client: &Client, name: &str) -> Option<String> {
    let refs = client.get_json(&format!("{API}/refs"), 200).await;
    let all = ["branches", "tags"].into_iter().flat_map(|kind| refs[kind].as_array().unwrap().clone());
    all.into_iter().find(|row| row["ref"] == name).map(|row| row["targetCommit"].as_str().unwrap().to_owned())
}
