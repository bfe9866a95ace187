//! The first rows of a dataset on its own page, with the choice of configuration and split.

use base64::Engine as _;
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use super::Browser;

const API: &str = "/api/datasets/ada/ships";
const PAGE: &str = "/datasets/ada/ships";
const CARD: &str = "---\nconfigs:\n- config_name: small\n  data_files: [{split: train, path: small/train*}, {split: test, path: small/test*}]\n\
    - config_name: all\n  default: true\n  data_files: '**/log?.jsonl'\n---\n# Ships\n";

async fn dataset(hub: &TestHub, files: &[(&str, &str)]) -> Client {
    let ada = hub.user("ada").await;
    ada.create_repo("dataset", "ada/ships", false).await;
    let files: Vec<_> = files.iter().map(|(path, text)| Client::file(path, text)).collect();
    ada.commit(API, "main", &files, 200).await;
    ada
}

#[tokio::test]
async fn rows_of_the_chosen_split_are_shown() {
    let hub = TestHub::start().await;
    let files = [
        ("README.md", CARD),
        ("small/train.csv", "ship,tons\nAda,<b>12</b>\n"),
        ("small/test.tsv", "ship\ttons\nBob\t7\n"),
        ("years/log1.jsonl", "{\"year\": 1851}\n"),
    ];
    dataset(&hub, &files).await;
    let mut browser = Browser::new(&hub);
    let page = browser.open(PAGE).await;
    assert!(page.has("<td dir=\"auto\">1851</td>") && !page.has(">Ada<"), "the default configuration: {}", page.text);
    assert!(page.has("href=\"/datasets/ada/ships/blob/main/years/log1.jsonl\""));
    let small = browser.open(&format!("{PAGE}?config=small")).await;
    assert!(small.has("<td dir=\"auto\">Ada</td>") && small.has("&#60;b&#62;12"), "{}", small.text);
    assert!(small.has("href=\"/datasets/ada/ships?config=small&#38;split=test#rows\""));
    let test = browser.open(&format!("{PAGE}?config=small&split=test")).await;
    assert!(test.has("<td dir=\"auto\">Bob</td>") && test.has("small/test.tsv") && !test.has(">Ada<"));
    let unknown = browser.open(&format!("{PAGE}?config=%00&split=../etc")).await;
    assert!(unknown.has("<td dir=\"auto\">1851</td>"), "what is not there is as if it was not asked for");
    hub.stop().await;
}

#[tokio::test]
async fn rows_are_few_and_short() {
    let hub = TestHub::start().await;
    let wide = format!("{}\n{}\n", "c,".repeat(400), "1,".repeat(400));
    let long = format!("a,b\n{}", format!("{},2\n", "x".repeat(5_000)).repeat(300));
    dataset(&hub, &[("train.csv", &long), ("test.csv", &wide), ("broken.parquet", "PAR1")]).await;
    let mut browser = Browser::new(&hub);
    let page = browser.open(&format!("{PAGE}?split=train")).await;
    assert_eq!(page.text.matches("table-preview-number").count(), 13, "as many whole rows as the beginning of the file has");
    assert!(page.has(&format!("{}…", "x".repeat(160))) && !page.has(&"x".repeat(161)));
    let page = browser.open(&format!("{PAGE}?split=test")).await;
    assert_eq!(page.text.matches("<th scope=\"col\">c</th>").count(), 24);
    hub.stop().await;
}

#[tokio::test]
async fn a_page_without_rows_says_why() {
    let hub = TestHub::start().await;
    let ada = dataset(&hub, &[("README.md", "# Ships\n")]).await;
    let mut browser = Browser::new(&hub);
    assert!(!browser.open(PAGE).await.has("First rows"), "there is no data");
    ada.commit(API, "main", &[Client::file("ships.png", "x")], 200).await;
    assert!(browser.open(PAGE).await.has("No file here is a table that the hub reads"));
    ada.commit(API, "main", &[Client::file("data/broken.parquet", "PAR1 and no more")], 200).await;
    let page = browser.open(PAGE).await;
    assert!(page.has("The rows of this file cannot be shown here") && page.has("/blob/main/data/broken.parquet\""));
    hub.stop().await;
}

#[tokio::test]
async fn rows_are_for_those_who_may_read_the_files() {
    let hub = TestHub::start().await;
    let ada = dataset(&hub, &[("train.csv", "ship,tons\nsecret,12\n")]).await;
    let mut owner = Browser::logged_in(&hub, "ada").await;
    assert!(owner.open(PAGE).await.has(">secret<"));
    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "gated": "manual" }), 200).await;
    assert!(owner.open(PAGE).await.has(">secret<"));
    let page = Browser::new(&hub).open(PAGE).await;
    assert!(!page.has("secret") && page.has("for those whom the owner lets read the files"), "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn rows_of_parquet_files_and_lists_in_json_are_shown() {
    let hub = TestHub::start().await;
    let ada = dataset(&hub, &[("rows.json", "[{\"name\": \"Zoë\"}]")]).await;
    let mut browser = Browser::new(&hub);
    assert!(browser.open(PAGE).await.has("<td dir=\"auto\">Zoë</td>"));
    let file = include_bytes!("../../../crates/hub-cards/testdata/zstd-2.parquet");
    let content = base64::engine::general_purpose::STANDARD.encode(file);
    let line = json!({ "key": "file", "value": { "path": "data/all.parquet", "content": content, "encoding": "base64" } });
    ada.commit(API, "main", &[line], 200).await;
    assert!(browser.open(PAGE).await.has("<td dir=\"auto\">Zürich 0</td>"), "Parquet says more than JSON");
    hub.stop().await;
}
