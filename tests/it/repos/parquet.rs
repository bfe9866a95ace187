//! The Parquet files of a dataset by configuration and split.

use hub_tests::json;
use hub_types::RepoType;
use reqwest::Method;

use super::seeded::{Seeded, add};

const CARD: &str = "---\nconfigs:\n- config_name: small\n  default: true\n  data_files:\n  - {split: train, path: small/train-*}\n  \
    - {split: test, path: small/test.parquet}\n- config_name: all of it\n  data_files: '**/*.parquet'\n---\n# x\n";

#[tokio::test]
async fn parquet_files_are_listed_by_configuration_and_split() {
    let seeded = Seeded::empty(RepoType::Dataset, false).await;
    let paths = ["small/train-0.parquet", "small/train-1.parquet", "small/test.parquet", "more/ü x.parquet", "more/rows.csv"];
    let files = paths.map(|path| add(path, path)).into_iter().chain([add("README.md", CARD)]).collect();
    let commit = seeded.commit("main", "first", files).await;
    let anyone = seeded.hub.anonymous();
    let address = |config: &str, split: &str, number: usize| {
        anyone.url(&format!("/api/datasets/ada/bert/parquet/{config}/{split}/{number}.parquet"))
    };
    let small = json!({
        "train": [address("small", "train", 0), address("small", "train", 1)],
        "test": [address("small", "test", 0)],
    });
    let all: Vec<String> = (0..4).map(|number| address("all%20of%20it", "train", number)).collect();
    let api = "/api/datasets/ada/bert/parquet";
    assert_eq!(anyone.get_json(api, 200).await, json!({ "small": small, "all of it": { "train": all } }));
    assert_eq!(anyone.get_json(&format!("{api}/small"), 200).await, small);
    assert_eq!(anyone.get_json(&format!("{api}/small/train"), 200).await, small["train"]);
    assert_eq!(anyone.get_json(&format!("{api}/all%20of%20it/train"), 200).await, json!(all));
    // An address leads to the file of the commit, by HEAD, too, as DuckDB asks.
    for method in [Method::GET, Method::HEAD] {
        let led = anyone.send(anyone.request(method, &format!("{api}/all%20of%20it/train/0.parquet")), 302).await;
        let to = led.headers()["location"].to_str().unwrap();
        assert_eq!(to, anyone.url(&format!("/datasets/ada/bert/resolve/{}/more/%C3%BC%20x.parquet", commit.to_hex())));
        assert_eq!(anyone.get_url(to).await.text().await.unwrap(), "more/ü x.parquet");
    }
    for path in ["/none", "/small/none", "/small/train/2.parquet", "/small/train/x.parquet", "/small/train/0", "/a/b/c/d"] {
        anyone.get(&format!("{api}{path}"), 404).await;
    }
    seeded.stop().await;
}

#[tokio::test]
async fn what_has_no_parquet_files_says_so() {
    let seeded = Seeded::empty(RepoType::Dataset, false).await;
    let api = "/api/datasets/ada/bert/parquet";
    let anyone = seeded.hub.anonymous();
    anyone.get(api, 404).await;
    seeded.commit("main", "first", vec![add("rows.csv", "a\n")]).await;
    let said = anyone.get_json(api, 404).await;
    assert!(said["error"].as_str().unwrap().contains("no Parquet files"), "{said}");
    seeded.commit("main", "second", vec![add("data/valid.parquet", "x"), add("data/train.parquet", "x")]).await;
    let found = anyone.get_json(&format!("{api}/default"), 200).await;
    assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), ["train", "validation"]);
    seeded.another(RepoType::Model, "ada/model", false, &[("a.parquet", "x")]).await;
    anyone.get("/api/models/ada/model/parquet", 404).await;
    seeded.another(RepoType::Dataset, "ada/hidden", true, &[("a.parquet", "x")]).await;
    anyone.get("/api/datasets/ada/hidden/parquet", 401).await;
    seeded.ada.get("/api/datasets/ada/hidden/parquet", 200).await;
    seeded.stop().await;
}
