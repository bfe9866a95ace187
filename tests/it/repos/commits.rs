use hub_tests::json;

use super::seeded::{Seeded, add};

#[tokio::test]
async fn history_is_listed_newest_first() {
    let seeded = Seeded::model(&[("a", "1")]).await;
    let second =
        seeded.commit("main", "second <b>\n\nbody & more\nline\n\nCo-authored-by: Bob B <bob@x.org>", vec![add("b", "2")]).await;
    let response = seeded.ada.get(&format!("{}/commits/main?expand[]=formatted", seeded.api), 200).await;
    assert_eq!(response.headers()["x-total-count"], "2");
    assert!(!response.headers().contains_key("link"));
    let rows: hub_tests::Value = response.json().await.unwrap();
    assert_eq!(rows[0]["id"], second.to_hex());
    assert_eq!(rows[0]["title"], "second <b>");
    assert_eq!(rows[0]["date"], "2023-11-14T22:15:20.000Z");
    assert_eq!(rows[0]["authors"][0]["user"], "ada");
    assert_eq!(rows[0]["authors"][0]["avatar"], seeded.ada.url("/avatars/ada.svg"));
    assert_eq!(rows[0]["authors"][1], json!({ "user": "Bob B" }));
    assert_eq!(rows[0]["formatted"]["title"], "second &lt;b&gt;");
    assert!(rows[0]["formatted"]["message"].as_str().unwrap().starts_with("<p>body &amp; more<br>line</p>"));
    assert_eq!((&rows[1]["title"], &rows[1]["message"]), (&json!("first"), &json!("")));
    assert!(seeded.get("commits/main", 200).await[0].get("formatted").is_none());
    seeded.stop().await;
}

#[tokio::test]
async fn history_comes_in_pages() {
    let seeded = Seeded::model(&[("a", "0")]).await;
    for n in 1..7 {
        let path = if n % 2 == 0 { "d/x" } else { "a" };
        seeded.commit("main", &format!("commit {n}"), vec![add(path, &n.to_string())]).await;
    }
    let pages = seeded.pages("commits/main?limit=3", "title").await;
    assert_eq!(pages, [vec!["commit 6", "commit 5", "commit 4"], vec!["commit 3", "commit 2", "commit 1"], vec!["first"]]);
    assert_eq!(seeded.pages("commits/main?limit=1", "title").await.len(), 7);
    assert_eq!(seeded.pages("commits/main/d?limit=2", "title").await, [vec!["commit 6", "commit 4"], vec!["commit 2"]]);
    assert_eq!(seeded.get("commits/main?p=99", 200).await, json!([]));
    let one = seeded.ada.get(&format!("{}/commits/main?limit=1", seeded.api), 200).await;
    assert_eq!(one.headers()["x-total-count"], "7");
    seeded.stop().await;
}

#[tokio::test]
async fn two_revisions_are_compared_as_text() {
    let seeded = Seeded::model(&[("a", "1\n")]).await;
    let first = seeded.repo().await.head_oid.unwrap();
    seeded.ada.post_json(&format!("{}/branch/side", seeded.api), &json!({}), 200).await;
    seeded.commit("side", "on the side", vec![add("side", "s\n")]).await;
    seeded.commit("main", "on main", vec![add("a", "2\n")]).await;
    let compare = |range: &str| {
        let path = format!("{}/compare/{range}", seeded.api);
        async { seeded.ada.get(&{ path }, 200).await }
    };
    let response = compare(&format!("{first}..main")).await;
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.starts_with("diff --git a/a b/a\n") && text.ends_with("-1\n+2\n"), "{text}");
    let both = compare("main..side?raw=true").await.text().await.unwrap();
    assert!(both.contains("\n+1\n") && both.contains("+s"), "{both}");
    let since = compare("main...side").await.text().await.unwrap();
    assert!(!since.contains("\n+1\n") && since.contains("+s"), "{since}");
    assert_eq!(compare("main..main").await.text().await.unwrap(), "");
    seeded.get("compare/main", 400).await;
    seeded.get("compare/main..nope", 404).await;
    seeded.stop().await;
}
