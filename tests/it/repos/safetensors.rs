//! The headers of all shards of a model in one answer.

use hub_git::{Change, Content};
use hub_tests::{Value, json};
use hub_types::RepoType;

use super::seeded::{Seeded, add};

fn weights(path: &str, header: &Value) -> Change {
    let header = header.to_string();
    let end = header.len() + 64;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(end + 8, 0);
    Change::AddBlob { path: hub_types::RepoPath::new(path).unwrap(), content: Content::Bytes(bytes) }
}

fn tensor(count: u64) -> Value {
    json!({ "dtype": "F32", "shape": [count], "data_offsets": [0, count * 4] })
}

const INDEX: &str =
    r#"{"metadata": {"total_size": 24, "nested": [1]}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}"#;

#[tokio::test]
async fn the_headers_of_all_shards_come_in_one_answer() {
    let seeded = Seeded::model(&[("README.md", "# x\n"), ("model.safetensors.index.json", INDEX)]).await;
    let (first, second) = (json!({ "__metadata__": { "format": "pt" }, "a": tensor(4) }), json!({ "b": tensor(2) }));
    let path = "/api/models/ada/bert/safetensors-metadata/model.safetensors.index.json";
    let refused = seeded.hub.anonymous().get_json(path, 422).await;
    assert!(refused["error"].as_str().unwrap().contains("`m-1.safetensors` is not there"), "{refused}");
    let inner = INDEX.replace("\"nested\": [1]", "\"by\": \"us\"");
    let files = vec![
        weights("m-1.safetensors", &first),
        weights("m-2.safetensors", &second),
        add("inner/model.safetensors.index.json", &inner),
        weights("inner/m-1.safetensors", &first),
        weights("inner/m-2.safetensors", &second),
    ];
    seeded.commit("main", "weights", files).await;
    let headers = json!({ "m-1.safetensors": first, "m-2.safetensors": second });
    let found = seeded.hub.anonymous().get_json(path, 200).await;
    assert_eq!(found, json!({ "index": { "metadata": { "total_size": 24 } }, "headers": headers }));
    let inner = path.replace("metadata/", "metadata/inner/");
    let found = seeded.hub.anonymous().get_json(&inner, 200).await;
    assert_eq!(found, json!({ "index": { "metadata": { "total_size": 24, "by": "us" } }, "headers": headers }));
    let variant = vec![add("model.safetensors.index.fp16.json", INDEX)];
    seeded.commit("main", "variant", variant).await;
    let found = seeded.hub.anonymous().get_json(&path.replace(".json", ".fp16.json"), 200).await;
    assert_eq!(found["headers"], headers, "the index of a variant");
    seeded.stop().await;
}

#[tokio::test]
async fn what_is_no_index_or_not_for_the_viewer_is_refused() {
    let seeded = Seeded::empty(RepoType::Model, true).await;
    let files = [("README.md", "# x\n"), ("list.index.json", "[1]"), ("out.index.json", r#"{"weight_map": {"a": "../x"}}"#)];
    seeded.commit("main", "first", files.iter().map(|(path, text)| add(path, text)).collect()).await;
    let path = |name: &str| format!("/api/models/ada/bert/safetensors-metadata/{name}");
    for (name, status) in [("README.md", 404), ("none.index.json", 404), ("list.index.json", 422), ("out.index.json", 422)] {
        seeded.ada.get(&path(name), status).await;
        seeded.hub.anonymous().get(&path(name), 401).await;
    }
    seeded.stop().await;
}
