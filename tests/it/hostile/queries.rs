//! Addresses: paths and query strings, made of what means something to somebody.

use proptest::prelude::*;
use reqwest::Method;

use super::{is_calm, promise, start};

/// Values as they stand in an address.
fn value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z0-9]{0,6}",
        4 => prop::sample::select(vec![
            "%00", "%0d%0a", "%ff%fe", "%2e%2e%2f", "%2F", "%25", "%", "%zz", "+", "%20", "..", ".", ":", ",", ";", "'", "\"", "--", "%5b", "%7b%22a%22%3a", "*", "%3a%2a", "~", "-1", "0",
            "999999999999999999999999", "1e9", "NaN", "true", "license:mit", "ada/bert", "eyJpZCI6MX0", "%f0%9f%98%80", "e%cc%81", "%e2%80%ae", "refs%2Fpr%2F1", "HEAD", "main",
            "OR%201=1", "%3Cscript%3E", "\\", "|",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["a".repeat(3000), "(".repeat(500), "%2a".repeat(300), "a%20".repeat(400)]),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

const NAMES: &[&str] = &[
    "search",
    "q",
    "author",
    "filter",
    "sort",
    "direction",
    "limit",
    "cursor",
    "p",
    "page",
    "expand",
    "expand[]",
    "full",
    "config",
    "cardData",
    "recursive",
    "library",
    "language",
    "license",
    "task",
    "pipeline_tag",
    "tags",
    "other",
    "gated",
    "inference",
    "num_parameters",
    "min_parameters",
    "max_parameters",
    "apps",
    "trained_dataset",
    "before",
    "after",
    "path",
    "prefix",
    "delimiter",
    "status",
    "type",
    "type[]",
    "next",
    "unknown",
];

fn query() -> impl Strategy<Value = String> {
    let pair = (prop::sample::select(NAMES), value()).prop_map(|(name, value)| format!("{name}={value}"));
    prop_oneof![9 => prop::collection::vec(pair, 0..6).prop_map(|pairs| pairs.join("&")), 1 => value()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_queries_are_answered() {
    let (hub, ada) = start().await;
    hub.indexed().await;
    let doors = [
        "/api/models",
        "/api/datasets",
        "/api/spaces",
        "/models",
        "/datasets",
        "/spaces",
        "/search",
        "/api/quicksearch",
        "/find/model",
        "/api/models/ada/bert",
        "/api/models/ada/bert/tree/main",
        "/api/models/ada/bert/commits/main",
        "/api/models/ada/bert/refs",
        "/ada/bert/commits/main",
        "/ada/bert/tree/main",
        "/api/models/ada/bert/discussions",
        "/ada/bert/discussions",
        "/ada",
        "/api/models-tags-by-type",
        "/api/collections",
        "/collections",
        "/organizations",
        "/ada/bert.git/info/lfs/locks",
        "/ada/bert.git/info/refs",
        "/login",
        "/api/daily_papers",
        "/tasks",
        "/licences",
    ];
    promise(500, (0..doors.len(), query(), any::<bool>()), async |(door, query, known)| {
        let client = if known { ada.clone() } else { hub.anonymous() };
        let path = format!("{}?{query}", doors[door]);
        is_calm(client.request(Method::GET, &path).send().await).await?;
        Ok(())
    });
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_paths_are_answered_and_lead_to_no_other_file() {
    let (hub, ada) = start().await;
    let doors = [
        "/ada/bert/resolve/main/",
        "/ada/bert/resolve/",
        "/ada/bert/raw/main/",
        "/ada/bert/blob/",
        "/ada/bert/tree/",
        "/ada/bert/blame/main/",
        "/api/models/ada/bert/tree/",
        "/api/models/ada/bert/tree/main/",
        "/api/models/ada/bert/revision/",
        "/api/models/ada/bert/commits/",
        "/api/models/ada/",
        "/ada/",
        "/",
        "/api/",
        "/datasets/ada/",
        "/api/resolve-cache/models/ada/bert/",
        "/ada/bert/commit/",
        "/ada/bert/archive/",
        "/static/",
        "/avatars/",
        "/xet/data/",
        "/api/models/ada/bert/compare/",
        "/collections/ada/",
        "/tasks/",
        "/docs/",
    ];
    let tail = prop::collection::vec(value(), 1..4).prop_map(|parts| parts.join("/").replace('?', "%3f"));
    promise(500, (0..doors.len(), tail), async |(door, tail)| {
        let path = format!("{}{tail}", doors[door]);
        let answer = ada.request(Method::GET, &path).send().await;
        if let Ok(answer) = &answer {
            let name = answer.headers().get("content-disposition").and_then(|value| value.to_str().ok()).unwrap_or_default();
            prop_assert!(!name.contains("..") && !name.contains('/'), "{name}");
        }
        is_calm(answer).await?;
        Ok(())
    });
    hub.stop().await;
}
