//! Lists by prefix and page by page, and the files themselves.

use hub_tests::{Client, Value, json};
use reqwest::Method;

use super::{API, EMPTY, Filled, add, batch, members};

/// The paths of all pages, with a `/` after those of folders.
async fn pages(client: &Client, path: &str) -> Vec<Vec<String>> {
    let mut url = client.url(&format!("{API}/{path}"));
    let mut pages = Vec::new();
    loop {
        let response = client.get_url(&url).await;
        let next = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let rows: Vec<Value> = response.json().await.unwrap();
        let shown =
            |row: &Value| format!("{}{}", row["path"].as_str().unwrap(), if row["type"] == "directory" { "/" } else { "" });
        pages.push(rows.iter().map(shown).collect());
        let Some(link) = next else { return pages };
        url = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
    }
}

const PATHS: [&str; 9] = ["a", "a/1", "a/2/3", "a/2/4", "a.txt", "logs-old/x", "logs.json", "logs/1", "logs/é/2"];

#[tokio::test]
async fn prefixes_find_what_clients_expect() {
    let full = Filled::start().await;
    let lines: Vec<Value> = PATHS.iter().map(|path| add(path, EMPTY)).collect();
    batch(&full.ada, API, &lines, 200).await;
    for (path, expected) in [
        ("tree", vec!["a", "a.txt", "a/", "logs-old/", "logs.json", "logs/"]),
        ("tree/", vec!["a", "a.txt", "a/", "logs-old/", "logs.json", "logs/"]),
        ("tree/a", vec!["a", "a.txt", "a/1", "a/2/"]),
        ("tree/a%2F", vec!["a/1", "a/2/"]),
        ("tree/a%2F2", vec!["a/2/3", "a/2/4"]),
        ("tree/lo", vec!["logs-old/", "logs.json", "logs/"]),
        ("tree/logs", vec!["logs-old/", "logs.json", "logs/1", "logs/é/"]),
        ("tree/logs/%C3%A9", vec!["logs/é/2"]),
        ("tree/logs?recursive=true", vec!["logs-old/x", "logs.json", "logs/1", "logs/é/2"]),
        ("tree/logs%2F?recursive=true", vec!["logs/1", "logs/é/2"]),
        ("tree/%00", vec![]),
        ("tree/%F4%8F%BF%BF", vec![]),
        ("tree/zzz", vec![]),
    ] {
        assert_eq!(pages(&full.ada, path).await.concat(), expected, "{path}");
        let joint = if path.contains('?') { '&' } else { '?' };
        for limit in [1, 2, 3] {
            let small = pages(&full.ada, &format!("{path}{joint}limit={limit}")).await;
            assert!(small.iter().all(|page| page.len() <= limit), "{path}");
            assert_eq!(small.concat(), expected, "{path} by {limit}");
        }
    }
    for cursor in ["*", "AA"] {
        full.ada.get(&format!("{API}/tree?cursor={cursor}"), 400).await;
    }
    full.stop().await;
}

#[tokio::test]
async fn lists_are_ranges_of_the_key() {
    let full = Filled::start().await;
    let pool = &full.hub.app().pool;
    let fill = "insert into bucket_files (repo_pk, path, size_bytes, mtime)
                select repo_pk, 'f' || (i / 1000) || '/' || i, 0, now() from repos, generate_series(1, 20000) i
                where repo_type = 'bucket'";
    sqlx::query(fill).execute(pool).await.unwrap();
    sqlx::query("analyze bucket_files").execute(pool).await.unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        "explain select path from bucket_files f left join lfs_objects using (oid)
         where repo_pk = (select repo_pk from repos where repo_type = 'bucket') and path >= 'f7/' and path < 'f70' order by path limit 100",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("bucket_files_pkey") && !plan.contains("Sort"), "{plan}");
    let folders = pages(&full.ada, "tree?limit=10").await;
    assert_eq!(folders.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 1]);
    assert_eq!(pages(&full.ada, "tree/f7%2F?recursive=true").await.concat().len(), 1000);
    full.stop().await;
}

#[tokio::test]
async fn files_answer_as_clients_need_it() {
    let full = Filled::start().await;
    full.fill(&[("d/w.bin", 2), ("page.html", 0)]).await;
    batch(&full.ada, API, &[add("empty.txt", EMPTY)], 200).await;
    let rows =
        full.ada.post_json(&format!("{API}/paths-info"), &json!({ "paths": ["d/w.bin", "empty.txt", "d", "nope"] }), 200).await;
    assert_eq!(members(&rows, "path"), ["d/w.bin", "empty.txt"]);
    assert_eq!(
        (&rows[0]["xetHash"], &rows[0]["size"], &rows[1]["xetHash"]),
        (&json!(full.hashes[2]), &json!(200_000), &json!(EMPTY))
    );
    assert_eq!((&rows[1]["mtime"], &rows[1]["contentType"]), (&json!("2026-09-21T14:13:20.123Z"), &json!("text/plain")));
    let many: Vec<String> = (0..1001).map(|number| number.to_string()).collect();
    full.ada.post_json(&format!("{API}/paths-info"), &json!({ "paths": many }), 400).await;

    let path = "/buckets/ada/data/resolve/d%2Fw.bin";
    let head = full.hub.anonymous().head(path, 200).await;
    let text = |name: &str| head.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (text("x-xet-hash"), text("x-linked-size"), text("content-length")),
        (full.hashes[2].clone(), "200000".into(), "200000".into())
    );
    assert_eq!(text("etag"), format!("\"{}\"", full.files[2].oid));
    let refresh = full.ada.url("/api/buckets/ada/data/xet-read-token");
    assert!(text("link").starts_with(&format!("<{refresh}>; rel=\"xet-auth\"")), "{}", text("link"));
    let part = full.ada.request(Method::GET, path).header("Range", "bytes=1000-1999");
    let part = full.ada.send(part, 206).await;
    assert_eq!(part.headers()["content-range"], "bytes 1000-1999/200000");
    assert!(part.bytes().await.unwrap() == full.files[2].bytes[1000..2000]);
    let outside = full.ada.request(Method::GET, path).header("Range", "bytes=200000-");
    full.ada.send(outside, 416).await;
    let known = full.ada.request(Method::GET, path).header("If-None-Match", text("etag"));
    full.ada.send(known, 304).await;

    let empty = full.ada.get("/buckets/ada/data/resolve/empty.txt", 200).await;
    assert_eq!(empty.headers()["etag"], "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"");
    assert!(empty.bytes().await.unwrap().is_empty());
    assert_eq!(full.ada.head("/buckets/ada/data/resolve/empty.txt", 200).await.headers()["x-xet-hash"], EMPTY);
    let token = full.ada.get_json(&format!("{API}/xet-read-token"), 200).await;
    let chunks = full.ada.url(&format!("/xet/v2/reconstructions/{EMPTY}"));
    let chunks = reqwest::Client::new().get(chunks).bearer_auth(token["accessToken"].as_str().unwrap());
    assert_eq!(chunks.send().await.unwrap().status(), 416, "which is the end of the file to `hf_xet`");
    let page = full.ada.get("/buckets/ada/data/resolve/page.html", 200).await;
    assert_eq!(page.headers()["content-type"], "text/plain; charset=utf-8", "nothing uploaded runs");
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
    full.stop().await;
}
