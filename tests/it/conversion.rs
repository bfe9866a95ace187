//! Weights in pickles become safetensors, by a job that opens a pull request.

use hub::repos::conversion;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use crate::lfs::{Large, upload};
use crate::pages::browser::Browser;

const API: &str = "/api/models/ada/bert";
const ASK: &str = "/api/models/ada/bert/convert-weights";
const STATE: &[u8] = include_bytes!("../../crates/hub-weights/tests/checkpoints/state.bin");
const SMALL: &[u8] = include_bytes!("../../crates/hub-weights/tests/checkpoints/trainer.ckpt");
const EVIL: &[u8] = include_bytes!("../../crates/hub-weights/tests/checkpoints/evil.bin");

async fn bert(files: &[(&str, &[u8])], texts: &[Value]) -> (TestHub, Client) {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let mut lines = texts.to_vec();
    lines.push(Client::file("README.md", "# Bert\n"));
    for (path, bytes) in files {
        let file = Large::new(*bytes);
        upload(&ada, "ada/bert", &file).await;
        let value = json!({ "path": path, "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
        lines.push(json!({ "key": "lfsFile", "value": value }));
    }
    ada.commit(API, "main", &lines, 200).await;
    hub.jobs_done().await;
    (hub, ada)
}

async fn ask(client: &Client, path: &str) -> Value {
    client.post_json(ASK, &json!({ "path": path }), 200).await
}

async fn bytes(client: &Client, revision: &str, path: &str) -> Vec<u8> {
    client.get(&format!("/ada/bert/resolve/{revision}/{path}"), 200).await.bytes().await.unwrap().to_vec()
}

/// The header of a safetensors file.
fn header(file: &[u8]) -> Value {
    let length = usize::try_from(u64::from_le_bytes(file[..8].try_into().unwrap())).unwrap();
    serde_json::from_slice(&file[8..8 + length]).unwrap()
}

async fn paths(client: &Client, revision: &str) -> Vec<String> {
    let tree = client.get_json(&format!("{API}/tree/{revision}"), 200).await;
    let mut paths: Vec<String> =
        tree.as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap().to_owned()).collect();
    paths.retain(|path| path != ".gitattributes");
    paths
}

#[tokio::test]
async fn a_pickle_becomes_a_pull_request_and_asked_twice_it_is_the_same() {
    let (hub, ada) = bert(&[("pytorch_model.bin", STATE)], &[]).await;
    let bob = hub.user("bob").await;
    ada.get(&format!("{ASK}?path=pytorch_model.bin"), 404).await;
    // Anybody who may propose asks, at the same time as well, and it is one conversion.
    let (by_ada, by_bob) = tokio::join!(ask(&ada, "pytorch_model.bin"), ask(&bob, "pytorch_model.bin"));
    assert_ne!(by_ada["state"], "failed");
    assert_ne!(by_bob["state"], "failed");
    hub.jobs_done().await;
    let done = bob.get_json(&format!("{ASK}?path=pytorch_model.bin"), 200).await;
    assert_eq!(
        (&done["state"], &done["percent"], &done["pullRequest"]["num"]),
        (&json!("done"), &json!(100), &json!(1)),
        "{done}"
    );
    assert_eq!(ask(&ada, "pytorch_model.bin").await["pullRequest"]["num"], 1);
    hub.jobs_done().await;
    assert_eq!((hub.count("discussions").await, hub.count("conversions").await), (1, 1));
    // The branch is as it was, and the pull request has the file and says where it is from.
    assert_eq!(paths(&ada, "main").await, ["README.md", "pytorch_model.bin"]);
    assert_eq!(paths(&ada, "refs%2Fpr%2F1").await, ["README.md", "model.safetensors", "pytorch_model.bin"]);
    let pull = ada.get_json(&format!("{API}/discussions/1"), 200).await;
    assert_eq!(pull["title"], "Adding `safetensors` variant of this model");
    let said = pull.to_string();
    for text in [Large::new(STATE).oid.as_str(), "**Compared**", "`lm_head.weight` (is `wte.weight`)", "all 9 tensors"] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let file = bytes(&ada, "refs%2Fpr%2F1", "model.safetensors").await;
    let header = header(&file);
    assert_eq!(header["__metadata__"], json!({ "format": "pt", "lm_head.weight": "wte.weight" }));
    assert_eq!((&header["wte.transposed"]["shape"], &header["eighth"]["dtype"]), (&json!([3, 4]), &json!("F8_E4M3")));
    // A pull request that is closed is over: the next wish is a new one.
    ada.post_json(&format!("{API}/discussions/1/status"), &json!({ "status": "closed" }), 200).await;
    assert_eq!(ask(&bob, "pytorch_model.bin").await["state"], "waiting");
    hub.jobs_done().await;
    assert_eq!(ask(&ada, "pytorch_model.bin").await["pullRequest"]["num"], 2);
    ada.post_json(&format!("{API}/discussions/2/merge"), &json!({}), 200).await;
    assert_eq!(bytes(&ada, "main", "model.safetensors").await, file);
    let there = ada.post_json(ASK, &json!({ "path": "pytorch_model.bin" }), 409).await;
    assert!(there["error"].as_str().unwrap().contains("is there already"), "{there}");
    hub.stop().await;
}

#[tokio::test]
async fn what_cannot_be_converted_is_told_and_leaves_nothing() {
    let (hub, ada) = bert(&[("pytorch_model.bin", EVIL), ("zeros.pt", &[0; 200]), ("small.pt", SMALL)], &[]).await;
    ask(&ada, "pytorch_model.bin").await;
    ask(&ada, "zeros.pt").await;
    hub.jobs_done().await;
    let found = ada.get_json(&format!("{ASK}?path=pytorch_model.bin"), 200).await;
    assert_eq!(found["state"], "failed");
    assert!(found["problem"].as_str().unwrap().starts_with("`pytorch_model.bin` imports `posix.system`"), "{found}");
    assert!(
        ada.get_json(&format!("{ASK}?path=zeros.pt"), 200).await["problem"].as_str().unwrap().contains("no PyTorch checkpoint")
    );
    assert_eq!((hub.count("discussions").await, hub.count("lfs_objects").await), (0, 3));
    ada.post_json(ASK, &json!({ "path": "README.md" }), 422).await;
    ada.post_json(ASK, &json!({ "path": "none.bin" }), 404).await;
    // No room is a reason, too, and asked again when there is some it goes on.
    hub.sql("insert into storage_quotas (namespace_pk, limit_bytes, reason) select namespace_pk, 100, 'x' from namespaces where name = 'ada'")
        .await;
    ask(&ada, "small.pt").await;
    hub.jobs_done().await;
    assert_eq!(ada.get_json(&format!("{ASK}?path=small.pt"), 200).await["state"], "failed");
    hub.sql("delete from storage_quotas").await;
    ask(&ada, "small.pt").await;
    hub.jobs_done().await;
    let pull = ada.get_json(&format!("{API}/discussions/1"), 200).await;
    assert_eq!(pull["title"], "Adding `safetensors` variant of `small.pt`");
    assert!(pull.to_string().contains("**Left out, as no tensors**: `epoch`, `lr`, `note`"), "{pull}");
    // Where pull requests are turned off there can be none.
    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "discussionsDisabled": true }), 200).await;
    ada.post_json(ASK, &json!({ "path": "zeros.pt" }), 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_model_in_parts_goes_on_where_it_was_and_is_seen_when_it_is_whole() {
    const FIRST: &str = "pytorch_model-00001-of-00002.bin";
    let index = json!({ "metadata": {}, "weight_map": { "bias": FIRST, "weight": "pytorch_model-00002-of-00002.bin" } });
    let index = Client::file("pytorch_model.bin.index.json", &index.to_string());
    let (hub, ada) = bert(&[(FIRST, STATE), ("pytorch_model-00002-of-00002.bin", SMALL)], &[index]).await;
    // As asked for by a node that dies: nobody but this test works on it.
    hub.sql(
        "insert into conversions (repo_pk, path, user_pk, removes_source, commit_oid, source, total_bytes)
         select repo_pk, 'pytorch_model.bin.index.json', created_by, true, head_oid, 'x', 9000 from repos where name = 'bert'",
    )
    .await;
    let app = hub.app();
    let pk: i64 = sqlx::query_scalar("select conversion_pk from conversions").fetch_one(&app.pool).await.unwrap();
    let parts = async || -> i32 {
        let count = sqlx::query_scalar("select jsonb_array_length(parts) from conversions");
        count.fetch_one(&app.pool).await.unwrap()
    };
    // The pull request would need the repository's row: the node dies while it waits for that.
    let mut tx = app.begin().await.unwrap();
    sqlx::query("select from repos where name = 'bert' for no key update").execute(&mut *tx).await.unwrap();
    conversion::convert(app, pk).await.unwrap();
    assert_eq!(parts().await, 1);
    hub.sql("delete from jobs where kind = 'convert_weights'").await;
    let written = async {
        while parts().await < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        outcome = conversion::convert(app, pk) => panic!("it went by the lock: {outcome:?}"),
        () = written => {}
    }
    tx.rollback().await.unwrap();
    assert_eq!((hub.count("discussions").await, hub.count("refs").await, hub.count("lfs_objects").await), (0, 1, 4));
    assert_eq!(paths(&ada, "main").await.len(), 4);
    let found = ada.get_json(&format!("{ASK}?path={FIRST}"), 200).await;
    assert_eq!((&found["state"], &found["path"]), (&json!("waiting"), &json!("pytorch_model.bin.index.json")));
    // Again, by two nodes at once, and after the end.
    let (one, other) = tokio::join!(conversion::convert(app, pk), conversion::convert(app, pk));
    one.and(other).unwrap();
    conversion::convert(app, pk).await.unwrap();
    assert_eq!((hub.count("discussions").await, hub.count("lfs_objects").await), (1, 4));
    let files =
        ["README.md", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"];
    assert_eq!(paths(&ada, "refs%2Fpr%2F1").await, files, "and the pickles are deleted");
    let index: Value = serde_json::from_slice(&bytes(&ada, "refs%2Fpr%2F1", "model.safetensors.index.json").await).unwrap();
    assert_eq!(index["weight_map"]["weight"], "model-00002-of-00002.safetensors");
    assert_eq!(index["weight_map"].as_object().unwrap().len(), 10);
    hub.stop().await;
}

#[tokio::test]
async fn the_page_of_a_pickle_offers_it_and_says_what_came_of_it() {
    const PAGE: &str = "/ada/bert/blob/main/pytorch_model.bin";
    const FORM: &str = "/ada/bert/convert-weights";
    let (hub, ada) = bert(&[("pytorch_model.bin", STATE), ("other.bin", &[7; 300])], &[]).await;
    assert!(!Browser::new(&hub).open(PAGE).await.has(FORM), "strangers are offered nothing");
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = browser.open(PAGE).await;
    assert!(page.has(FORM) && page.has("Convert to safetensors") && !page.has("Delete this pickle"));
    assert!(!browser.open("/ada/bert/blob/main/other.bin").await.has(FORM));
    // Where none are taken any more, the pickle can go in the same pull request.
    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "refusesPickles": true }), 200).await;
    assert!(browser.open(PAGE).await.has("name=\"remove\" checked"));
    let sent = browser.submit(PAGE, FORM, &[("path", "pytorch_model.bin"), ("remove", "on")]).await;
    assert_eq!((sent.status, sent.location()), (303, "/ada/bert/blob/main/pytorch_model.bin#conversion"), "{}", sent.text);
    hub.jobs_done().await;
    let page = browser.open(PAGE).await;
    assert!(
        page.has("href=\"/ada/bert/discussions/1\">pull request #1</a>") && !page.has("Convert to safetensors"),
        "{}",
        page.text
    );
    assert_eq!(paths(&ada, "refs%2Fpr%2F1").await, ["README.md", "model.safetensors", "other.bin"]);
    let sent = browser.submit("/ada/bert", FORM, &[("path", "pytorch_model.bin")]).await;
    assert_eq!(sent.location(), "/ada/bert/discussions/1");
    let merged = browser.submit("/ada/bert/discussions/1", "/ada/bert/discussions/1/merge", &[("comment", "")]).await;
    assert_eq!(merged.status, 303, "{}", merged.text);
    assert_eq!(paths(&ada, "main").await, ["README.md", "model.safetensors", "other.bin"]);
    hub.stop().await;
}
