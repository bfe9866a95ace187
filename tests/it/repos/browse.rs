use hub_tests::{Value, json};
use hub_types::RepoType;
use reqwest::Method;

use super::seeded::{Seeded, add, add_lfs};

fn paths(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_folder_is_listed_with_all_that_clients_index() {
    for repo_type in RepoType::WITH_GIT {
        let seeded = Seeded::empty(repo_type, false).await;
        let files = vec![add("README.md", "hi"), add("data/a b.txt", "12345"), add_lfs("model.safetensors", 7, 5_000_000_000)];
        let commit = seeded.commit("main", "first", files).await;
        let rows = seeded.get("tree/main", 200).await;
        assert_eq!(paths(&rows), ["data", "README.md", "model.safetensors"]);
        assert_eq!((&rows[0]["type"], &rows[0]["size"]), (&json!("directory"), &json!(0)));
        assert_eq!(rows[0]["oid"].as_str().unwrap().len(), 40);
        assert_eq!((&rows[1]["type"], &rows[1]["size"]), (&json!("file"), &json!(2)));
        assert!(rows[1].get("lfs").is_none() && rows[1].get("lastCommit").is_none() && rows[1].get("xetHash").is_none());
        assert_eq!(rows[2]["size"], 5_000_000_000_u64);
        assert_eq!(rows[2]["lfs"], json!({ "oid": "07".repeat(32), "size": 5_000_000_000_u64, "pointerSize": 135 }));
        for (path, expected) in [("tree/main/data", "data/a b.txt"), ("tree/main/data/", "data/a b.txt")] {
            assert_eq!(paths(&seeded.get(path, 200).await), [expected]);
        }
        assert_eq!(paths(&seeded.get(&format!("tree/{commit}?recursive=true"), 200).await).len(), 4);
        seeded.stop().await;
    }
}

#[tokio::test]
async fn revisions_are_found_however_they_are_written() {
    let seeded = Seeded::model(&[("a", "1"), ("d/e/f", "2")]).await;
    let head = seeded.commit("feat/x", "on a branch", vec![add("sub dir/é#?.txt", "3")]).await;
    for revision in ["feat%2Fx", "refs%2Fheads%2Ffeat%2Fx", &head.to_hex(), &head.to_hex()[..7]] {
        let rows = seeded.get(&format!("tree/{revision}/sub%20dir"), 200).await;
        assert_eq!(paths(&rows), ["sub dir/é#?.txt"], "{revision}");
    }
    for path in ["tree/main/d%2Fe", "tree/refs/heads/main/d/e", "tree/refs%2Fheads%2Fmain/d%2Fe", "tree/HEAD/d/e"] {
        assert_eq!(paths(&seeded.get(path, 200).await), ["d/e/f"], "{path}");
    }
    seeded.stop().await;
}

#[tokio::test]
async fn long_listings_come_in_pages_with_absolute_links() {
    let seeded = Seeded::empty(RepoType::Dataset, false).await;
    let files = (0..2500).map(|n| add(&format!("d{}/f{n:04}", n % 7), &n.to_string())).collect();
    seeded.commit("main", "many", files).await;
    let pages = seeded.pages("tree/main?recursive=true", "path").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 507]);
    let mut all: Vec<_> = pages.concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 2507);
    let small = seeded.pages("tree/main/d3?limit=100&recursive=false&expand=true", "path").await;
    assert_eq!(small.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 100, 57]);
    assert_eq!(seeded.get("tree/main?recursive=true&expand=true&limit=5000", 200).await.as_array().unwrap().len(), 100);
    seeded.get("tree/main?cursor=nonsense", 400).await;
    seeded.get("tree/main?limit=x", 400).await;
    seeded.stop().await;
}

#[tokio::test]
async fn expanded_rows_name_the_last_commit() {
    let seeded = Seeded::model(&[("a", "1"), ("d/b", "2")]).await;
    let second = seeded.commit("main", "change b\n\nwith a body", vec![add("d/b", "3")]).await;
    let rows = seeded.get("tree/main?recursive=true&expand=true", 200).await;
    assert_eq!(paths(&rows), ["a", "d", "d/b"]);
    assert_eq!(rows[0]["lastCommit"]["title"], "first");
    for row in [&rows[1], &rows[2]] {
        assert_eq!(row["lastCommit"], json!({ "id": second, "title": "change b", "date": "2023-11-14T22:15:20.000Z" }));
    }
    let status = &rows[2]["securityFileStatus"];
    assert!(["queued", "safe"].contains(&status["status"].as_str().unwrap()), "{status}");
    assert!(status.get("avScan").is_some() && status.get("pickleImportScan").is_some(), "{status}");
    seeded.stop().await;
}

#[tokio::test]
async fn missing_things_carry_the_codes_clients_look_for() {
    let seeded = Seeded::model(&[("a", "1"), ("d/b", "2")]).await;
    for (path, code, message) in [
        ("tree/main/nope", "EntryNotFound", "Entry not found"),
        ("tree/main/a", "EntryNotFound", "Entry not found"),
        ("tree/nope", "RevisionNotFound", "Invalid rev id: nope"),
        (
            "tree/0000000000000000000000000000000000000000",
            "RevisionNotFound",
            "Invalid rev id: 0000000000000000000000000000000000000000",
        ),
        ("tree/a%00b", "RevisionNotFound", "Invalid rev id: ab"),
        ("commits/nope", "RevisionNotFound", "Invalid rev id: nope"),
        ("treesize/main/nope", "EntryNotFound", "Entry not found"),
    ] {
        let response = seeded.ada.get(&format!("{}/{path}", seeded.api), 404).await;
        assert_eq!(response.headers()["x-error-code"], code, "{path}");
        assert_eq!(response.headers()["x-error-message"], message, "{path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"], message, "{path}");
    }
    seeded.stop().await;
}

#[tokio::test]
async fn paths_are_asked_for_by_form_and_by_json() {
    let seeded = Seeded::model(&[("a.txt", "1"), ("d/b c.txt", "22"), ("d/e/f", "3")]).await;
    let ask = |kind: &'static str, body: String| {
        let request = seeded.ada.request(Method::POST, &format!("{}/paths-info/main", seeded.api));
        request.header("content-type", kind).body(body)
    };
    let form = "paths=a.txt&paths=d%2Fb+c.txt&paths=nope&paths=d&expand=true";
    let json_body = json!({ "paths": ["a.txt", "d/b c.txt", "nope", "d/"], "expand": true }).to_string();
    for (kind, body) in [("application/x-www-form-urlencoded", form.to_owned()), ("application/json", json_body)] {
        let rows: Value = seeded.ada.send(ask(kind, body), 200).await.json().await.unwrap();
        assert_eq!(paths(&rows), ["a.txt", "d/b c.txt", "d"], "{kind}");
        assert_eq!((&rows[1]["size"], &rows[2]["type"]), (&json!(2), &json!("directory")));
        assert_eq!(rows[0]["lastCommit"]["title"], "first");
    }
    let one = ask("application/json", json!({ "paths": "d/e/f" }).to_string());
    let rows: Value = seeded.ada.send(one, 200).await.json().await.unwrap();
    assert!(paths(&rows) == ["d/e/f"] && rows[0].get("lastCommit").is_none());
    // 2,000 long paths are more than frameworks take by default.
    let many = (0..2000).map(|n| format!("paths=folder%2Fwith%2Fa%2Flong%2Fname%2F{n:0200}")).collect::<Vec<_>>().join("&");
    let rows: Value = seeded.ada.send(ask("application/x-www-form-urlencoded", many.clone()), 200).await.json().await.unwrap();
    assert_eq!(rows, json!([]));
    seeded.ada.send(ask("application/x-www-form-urlencoded", format!("{many}&paths=x")), 400).await;
    seeded.ada.send(ask("application/json", "{".into()), 400).await;
    seeded.stop().await;
}

#[tokio::test]
async fn folders_have_a_size() {
    let seeded = Seeded::model(&[("a", "1"), ("d/b", "22")]).await;
    seeded.commit("main", "weights", vec![add_lfs("d/w.bin", 1, 1000)]).await;
    assert_eq!(seeded.get("treesize/main/d", 200).await["size"], 1002);
    assert_eq!(seeded.get("treesize/main/", 200).await["size"], 1003);
    assert_eq!(seeded.get("treesize/main", 200).await["size"], 1003);
    seeded.stop().await;
}

#[tokio::test]
async fn private_repositories_are_invisible() {
    let seeded = Seeded::empty(RepoType::Model, true).await;
    seeded.commit("main", "first", vec![add("a", "1")]).await;
    let eve = seeded.hub.user("eve").await;
    for path in ["tree/main", "commits/main", "refs", "treesize/main/", "compare/main..main"] {
        let path = format!("{}/{path}", seeded.api);
        let response = eve.get(&path, 404).await;
        assert_eq!(response.headers()["x-error-code"], "RepoNotFound", "{path}");
        seeded.hub.anonymous().get(&path, 401).await;
    }
    seeded.get("tree/main", 200).await;
    seeded.stop().await;
}
