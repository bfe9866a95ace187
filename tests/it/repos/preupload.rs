use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_tests::{Value, json};

use super::seeded::{Seeded, add, add_lfs};

fn file(path: &str, content: &[u8]) -> Value {
    json!({ "path": path, "sample": STANDARD.encode(&content[..content.len().min(512)]), "size": content.len() })
}

async fn ask(seeded: &Seeded, body: Value) -> Value {
    seeded.ada.post_json(&format!("{}/preupload/main", seeded.api), &body, 200).await
}

fn modes(answer: &Value) -> Vec<&str> {
    answer["files"].as_array().unwrap().iter().map(|file| file["uploadMode"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn files_are_sorted_into_git_and_lfs() {
    let seeded = Seeded::model(&[(".gitattributes", "*.parquet filter=lfs diff=lfs merge=lfs -text\n")]).await;
    let files = json!([
        file("data/train.parquet", b"PAR1"),
        file("README.md", b"# hi"),
        file("picture.bin", b"\x89PNG\0"),
        { "path": "big.txt", "sample": STANDARD.encode("text"), "size": 11 * 1024 * 1024 },
        file("empty.parquet", b""),
        { "path": "./odd//path.txt", "size": 3 },
    ]);
    let answer = ask(&seeded, json!({ "files": files })).await;
    assert_eq!(modes(&answer), ["lfs", "regular", "lfs", "lfs", "regular", "regular"]);
    let odd = &answer["files"][5];
    assert_eq!((&odd["path"], &odd["shouldIgnore"]), (&json!("./odd//path.txt"), &json!(false)));
    assert!(odd["refused"].as_str().unwrap().contains("not a path a repository can hold"), "what the commit will refuse is told");
    assert!(answer["files"][0].get("refused").is_none());
    assert_eq!(answer["commitOid"], json!(seeded.repo().await.head_oid));
    let answer =
        ask(&seeded, json!({ "files": [file("a.csv", b"1"), file("a.parquet", b"1")], "gitAttributes": "*.csv filter=lfs" }))
            .await;
    assert_eq!(modes(&answer), ["lfs", "regular"]);
    seeded.stop().await;
}

#[tokio::test]
async fn what_is_there_is_named_by_its_content() {
    let seeded = Seeded::model(&[("a.txt", "hello\n"), ("d/b", "1")]).await;
    seeded.commit("main", "weights", vec![add_lfs("w.bin", 9, 1000)]).await;
    let files = json!([file("a.txt", b"x"), file("w.bin", b"x"), file("d", b"x"), file("new", b"x")]);
    let answer = ask(&seeded, json!({ "files": files })).await;
    assert_eq!(answer["files"][0]["oid"], "ce013625030ba8dba906f756967f9e9ca394464a");
    assert_eq!(answer["files"][1]["oid"], "09".repeat(32));
    assert!(answer["files"][2].get("oid").is_none() && answer["files"][3].get("oid").is_none());
    seeded.stop().await;
}

#[tokio::test]
async fn ignored_files_are_told() {
    let seeded = Seeded::model(&[(".gitignore", "*.log\nbuild/\n")]).await;
    let ignored = |answer: Value| -> Vec<bool> {
        answer["files"].as_array().unwrap().iter().map(|file| file["shouldIgnore"].as_bool().unwrap()).collect()
    };
    let files = json!([file("a.log", b"1"), file("x/build/y", b"1"), file("a.txt", b"1")]);
    assert_eq!(ignored(ask(&seeded, json!({ "files": files })).await), [true, true, false]);
    assert_eq!(ignored(ask(&seeded, json!({ "files": files, "gitIgnore": "*.txt" })).await), [false, false, true]);
    seeded.stop().await;
}

#[tokio::test]
async fn bad_questions_are_refused() {
    let seeded = Seeded::model(&[("a", "1")]).await;
    let path = |revision: &str| format!("{}/preupload/{revision}", seeded.api);
    let many: Vec<Value> = (0..1001).map(|n| file(&format!("f{n}"), b"1")).collect();
    seeded.ada.post_json(&path("main"), &json!({ "files": many }), 422).await;
    seeded.ada.post_json(&path("main"), &json!({}), 400).await;
    seeded.ada.post_json(&path("nope"), &json!({ "files": [] }), 404).await;
    let eve = seeded.hub.user("eve").await;
    eve.post_json(&path("main"), &json!({ "files": [] }), 403).await;
    seeded.hub.anonymous().post_json(&path("main"), &json!({ "files": [] }), 401).await;
    seeded.commit("main", "second", vec![add("b", "1")]).await;
    seeded.stop().await;
}
