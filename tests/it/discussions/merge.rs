use super::pulls::propose;
use super::{API, events, open, path, start};
use hub_tests::{Client, Value, json};

async fn merge(client: &Client, num: i64, status: u16) -> Value {
    let request = client.request(reqwest::Method::POST, &path(num, "/merge"));
    serde_json::from_slice(&client.send(request, status).await.bytes().await.unwrap()).unwrap_or(Value::Null)
}

async fn text(client: &Client, name: &str) -> String {
    client.get(&format!("/ada/bert/resolve/main/{name}"), 200).await.text().await.unwrap()
}

#[tokio::test]
async fn a_writer_merges_it_as_one_commit() {
    let (hub, ada, bob) = start().await;
    let (num, first) = propose(&bob, "a.txt", "one\n").await;
    bob.commit(API, "refs%2Fpr%2F1", &[Client::file("b.txt", "two\n")], 200).await;
    merge(&bob, num, 403).await;
    let merged = merge(&ada, num, 200).await["commitOid"].as_str().unwrap().to_owned();
    let commits = ada.get_json(&format!("{API}/commits/main"), 200).await;
    assert_eq!((commits[0]["id"].as_str(), commits[0]["title"].as_str()), (Some(merged.as_str()), Some("test commit (#1)")));
    assert!(commits[0]["message"].as_str().unwrap().contains(&format!("- test commit ({first})")), "{commits}");
    let authors: Vec<&Value> = commits[0]["authors"].as_array().unwrap().iter().map(|author| &author["user"]).collect();
    assert_eq!(authors, ["ada", "bob"]);
    assert_eq!(commits.as_array().unwrap().len(), 2);
    assert_eq!((text(&ada, "a.txt").await, text(&ada, "b.txt").await), ("one\n".to_owned(), "two\n".to_owned()));
    let found = ada.get_json(&path(num, "?diff=1"), 200).await;
    assert_eq!((&found["status"], &found["changes"]["mergeCommitId"]), (&json!("merged"), &json!(merged)));
    assert!(found["diff"].as_str().unwrap().contains("+one"), "{found}");
    assert_eq!(events(&ada, num).await.last().unwrap(), &("status-change".to_owned(), json!({ "status": "merged" })));
    // The list shows the files of the new head, and the commits of the request stay.
    assert_eq!(ada.get_json(API, 200).await["sha"], merged.as_str());
    ada.get("/ada/bert/resolve/refs%2Fpr%2F1/b.txt", 200).await;
    merge(&ada, num, 400).await;
    ada.post_json(&path(num, "/status"), &json!({ "status": "closed" }), 409).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_full_discussion_is_merged_without_another_comment() {
    let (hub, ada, bob) = start().await;
    let (num, _) = propose(&bob, "a.txt", "one\n").await;
    hub.sql(
        "insert into discussion_events (discussion_pk, kind, body)
         select discussion_pk, 'comment', 'more' from discussions, generate_series(1, 1000)",
    )
    .await;
    let refused = ada.post_json(&path(num, "/merge"), &json!({ "comment": "Thanks" }), 400).await;
    assert!(refused["error"].as_str().unwrap().contains("full"), "{refused}");
    assert_eq!(ada.get_json(&path(num, ""), 200).await["status"], "open");
    merge(&ada, num, 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn what_came_to_the_branch_meanwhile_stays() {
    let (hub, ada, bob) = start().await;
    let lines = |changed: [&str; 2]| format!("{}\nb\nc\nd\ne\nf\ng\n{}\n", changed[0], changed[1]);
    ada.commit(API, "main", &[Client::file("a.txt", &lines(["a", "h"])), Client::file("d/x.txt", "x\n")], 200).await;
    let (num, _) = propose(&bob, "a.txt", &lines(["A", "h"])).await;
    ada.commit(API, "main", &[Client::file("a.txt", &lines(["a", "H"])), Client::file("d/y.txt", "y\n")], 200).await;
    assert_eq!(ada.get_json(&path(num, ""), 200).await["filesWithConflicts"], json!([]));
    merge(&ada, num, 200).await;
    assert_eq!(text(&ada, "a.txt").await, lines(["A", "H"]));
    assert_eq!(text(&ada, "d/y.txt").await, "y\n");
    hub.stop().await;
}

#[tokio::test]
async fn conflicts_are_named_and_nothing_changes() {
    let (hub, ada, bob) = start().await;
    ada.commit(API, "main", &[Client::file("a.txt", "old\n"), Client::file("b.txt", "old\n")], 200).await;
    let (num, _) = propose(&bob, "a.txt", "bob's\n").await;
    let head = ada.commit(API, "main", &[Client::file("a.txt", "ada's\n")], 200).await["commitOid"].clone();
    assert_eq!(ada.get_json(&path(num, ""), 200).await["filesWithConflicts"], json!(["a.txt"]));
    let refused = merge(&ada, num, 409).await;
    assert_eq!(refused["filesWithConflicts"], json!(["a.txt"]));
    assert!(refused["error"].as_str().unwrap().contains("`a.txt`"), "{refused}");
    assert_eq!(ada.get_json(API, 200).await["sha"], head);
    assert_eq!(ada.get_json(&path(num, ""), 200).await["status"], "open");
    hub.stop().await;
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused() {
    let (hub, ada, bob) = start().await;
    let draft = open(&bob, "A change", true).await;
    let refused = merge(&ada, draft, 400).await;
    assert!(refused["error"].as_str().unwrap().contains("draft"), "{refused}");
    ada.post_json(&path(draft, "/status"), &json!({ "status": "open" }), 200).await;
    let refused = merge(&ada, draft, 400).await;
    assert!(refused["error"].as_str().unwrap().contains("no changes"), "{refused}");
    let talk = open(&bob, "Only talk", false).await;
    merge(&ada, talk, 400).await;
    merge(&ada, 99, 404).await;
    let (num, _) = propose(&bob, "README.md", "---\nlicense: [\n---\n").await;
    let refused = merge(&ada, num, 400).await;
    assert!(refused["error"].as_str().unwrap().contains("Invalid metadata in README.md"), "{refused}");
    ada.post_json(&path(num, "/status"), &json!({ "status": "closed" }), 200).await;
    merge(&ada, num, 400).await;
    hub.stop().await;
}

#[tokio::test]
async fn merges_at_once_with_commits_lose_nothing() {
    let (hub, ada, bob) = start().await;
    let mut nums = Vec::new();
    for index in 0..6 {
        nums.push(propose(&bob, &format!("p{index}.txt"), "x\n").await.0);
    }
    let merges = nums.iter().map(|num| merge(&ada, *num, 200));
    let commits = (0..6).map(|index| {
        let ada = ada.clone();
        async move { ada.commit(API, "main", &[Client::file(&format!("c{index}.txt"), "x\n")], 200).await }
    });
    futures::join!(futures::future::join_all(merges), futures::future::join_all(commits));
    let rows = ada.get_json(&format!("{API}/tree/main"), 200).await;
    assert_eq!(rows.as_array().unwrap().len(), 13, "{rows}");
    hub.stop().await;
}

#[tokio::test]
async fn large_files_that_both_changed_are_not_merged_line_by_line() {
    let (hub, ada, bob) = start().await;
    let lines = |mark: &str, at: usize| -> String {
        (0..60_000).map(|n| if n == at { format!("{mark}\n") } else { format!("line {n}\n") }).collect()
    };
    ada.commit(API, "main", &[Client::file("large.txt", &lines("old", 5))], 200).await;
    let (num, _) = propose(&bob, "large.txt", &lines("bob's", 5)).await;
    ada.commit(API, "main", &[Client::file("large.txt", &lines("ada's", 50_000))], 200).await;
    assert_eq!(ada.get_json(&path(num, ""), 200).await["filesWithConflicts"], json!(["large.txt"]));
    merge(&ada, num, 409).await;
    // One that only one side changed is no matter.
    let (other, _) = propose(&bob, "other.txt", &lines("new", 5)).await;
    merge(&ada, other, 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_merge_makes_no_pointer_to_what_nobody_uploaded() {
    let (hub, ada, bob) = start().await;
    let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
    ada.commit(API, "main", &[Client::file("m.bin", &format!("junk\n{pointer}tail\n"))], 200).await;
    let (first, _) = propose(&bob, "m.bin", &format!("{pointer}tail\n")).await;
    let (second, _) = propose(&bob, "m.bin", &format!("junk\n{pointer}")).await;
    merge(&ada, first, 200).await;
    let refused = merge(&ada, second, 409).await;
    assert!(refused["error"].as_str().unwrap().contains(oid), "{refused}");
    assert_eq!(text(&ada, "m.bin").await, format!("{pointer}tail\n"));
    hub.stop().await;
}
