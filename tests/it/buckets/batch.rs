//! Batches: whole or not at all, the last writer wins, and what a bucket may hold.

use std::time::Duration;

use hub_tests::{Value, json};
use reqwest::Method;

use super::{API, EMPTY, Filled, add, batch, delete, members};

#[tokio::test]
async fn a_batch_happens_whole_or_not_at_all() {
    let full = Filled::start().await;
    full.fill(&[("keep", 0)]).await;
    let mut lines = vec![delete("keep"), full.copy("new", 1), add("empty", EMPTY)];
    for bad in
        ["../up", "", "/abs", "a//b", "a/", "a/./b", "nul\0", "line\nbreak", "back\\slash", &"x".repeat(256), &"y/".repeat(600)]
    {
        lines.push(full.copy(bad, 0));
        let refused = batch(&full.ada, API, &lines, 422).await;
        assert_eq!(members(&refused["failed"], "path"), [bad], "{refused}");
        assert_eq!((&refused["processed"], &refused["succeeded"]), (&json!(4), &json!(0)));
        assert!(refused["error"].as_str().unwrap().starts_with("1 of 4 operations cannot be done"), "{refused}");
        lines.pop();
    }
    assert_eq!(full.paths().await, ["keep"]);
    let info = full.ada.get_json(API, 200).await;
    assert_eq!((&info["totalFiles"], &info["size"]), (&json!(1), &json!(1000)));
    let done = batch(&full.ada, API, &lines, 200).await;
    assert_eq!(done, json!({ "success": true, "processed": 3, "succeeded": 3, "failed": [] }));
    assert_eq!(full.paths().await, ["empty", "new"]);
    let info = full.ada.get_json(API, 200).await;
    assert_eq!((&info["totalFiles"], &info["size"]), (&json!(2), &json!(5000)));
    let kinds: Vec<String> =
        sqlx::query_scalar("select kind from events join repos using (repo_pk) where repo_type = 'bucket' order by event_pk")
            .fetch_all(&full.hub.app().pool)
            .await
            .unwrap();
    assert_eq!(kinds, ["create_repo", "change_bucket", "change_bucket"]);
    full.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_batches_are_refused() {
    let full = Filled::start().await;
    let many: String = (0..1001).map(|number| format!("{}\n", delete(&format!("f{number}")))).collect();
    for (body, status) in [
        ("{\"type\":\"addFile\"}".to_owned(), 400),
        ("not json".to_owned(), 400),
        (format!("{}\nnot json\n", add("good", EMPTY)), 400),
        (many, 400),
        ("x".repeat(20_000), 413),
        (String::new(), 200),
    ] {
        let request = full.ada.request(Method::POST, &format!("{API}/batch")).body(body);
        full.ada.send(request, status).await;
    }
    assert!(full.paths().await.is_empty());
    full.stop().await;
}

#[tokio::test]
async fn the_last_writer_wins() {
    let full = Filled::start().await;
    batch(&full.ada, API, &[full.copy("a", 0), delete("a"), full.copy("a", 1), delete("b"), full.copy("c", 0), delete("c")], 200)
        .await;
    let rows = full.ada.get_json(&format!("{API}/tree?recursive=true"), 200).await;
    assert_eq!((members(&rows, "path"), &rows[0]["size"]), (vec!["a".to_owned()], &json!(5000)));
    // Many writers at once: one of them is last, nothing is torn, and the sums are right.
    let writers = (0..8).map(|writer| {
        let lines = [full.copy("a", writer % 3), full.copy(&format!("w{writer}"), 0), full.copy("z", writer % 2)];
        let ada = full.ada.clone();
        async move {
            batch(&ada, API, &lines, 200).await;
        }
    });
    futures::future::join_all(writers).await;
    let rows = full.ada.get_json(&format!("{API}/tree?recursive=true"), 200).await;
    let sizes: i64 = rows.as_array().unwrap().iter().map(|row| row["size"].as_i64().unwrap()).sum();
    let info = full.ada.get_json(API, 200).await;
    assert_eq!((&info["totalFiles"], &info["size"]), (&json!(10), &json!(sizes)));
    full.stop().await;
}

#[tokio::test]
async fn a_full_bucket_takes_no_more() {
    let full = Filled::start_with(|config| config.bucket_limit_bytes = Some(6500)).await;
    full.fill(&[("a", 0), ("b", 1)]).await;
    let refused = batch(&full.ada, API, &[full.copy("c", 0)], 413).await;
    let sentence = refused["error"].as_str().unwrap();
    assert!(
        sentence.contains("would hold 7 kB") && sentence.contains("allows 6.5 kB") && sentence.contains("holds 6 kB now"),
        "{sentence}"
    );
    assert_eq!(full.paths().await, ["a", "b"]);
    batch(&full.ada, API, &[full.copy("c", 0), delete("a")], 200).await;
    batch(&full.ada, API, &[add("empty", EMPTY), full.copy("b", 0)], 200).await;
    full.stop().await;
}

#[tokio::test]
async fn all_buckets_of_an_owner_have_a_limit_together() {
    let full = Filled::start_with(|config| config.owner_buckets_limit_bytes = Some(6500)).await;
    let (ada, more) = (&full.ada, "/api/buckets/ada/more");
    ada.post_json(more, &json!({}), 200).await;
    full.fill(&[("a", 0), ("b", 1)]).await;
    let refused = batch(ada, more, &[full.copy("c", 0)], 413).await;
    let sentence = refused["error"].as_str().unwrap();
    assert!(
        sentence.contains("buckets of ada would hold 7 kB together") && sentence.contains("they hold 6 kB now"),
        "{sentence}"
    );
    batch(ada, more, &[add("empty", EMPTY), delete("gone")], 200).await;
    // Organizations have room of their own.
    let account = hub::accounts::queries::find_user(&full.hub.app().pool, owner_of(&full, "ada").await).await.unwrap().unwrap();
    full.hub.organization("acme", &[(&account, hub::accounts::OrgRole::Admin)]).await;
    ada.post_json("/api/buckets/acme/own", &json!({}), 200).await;
    batch(ada, "/api/buckets/acme/own", &[full.copy("a", 0), full.copy("b", 1)], 200).await;
    let page = crate::pages::browser::Browser::logged_in(&full.hub, "ada").await.open("/settings/storage").await;
    assert!(page.has("<td>6 kB of 6.5 kB</td>") && page.has("hold 6.5 kB together"), "{}", page.text);

    // Room for one of two who come at once.
    batch(ada, API, &[delete("a")], 200).await;
    let send = async |path: &str| {
        let body = full.copy("c", 0).to_string();
        ada.request(Method::POST, &format!("{path}/batch")).body(body).send().await.unwrap().status().as_u16()
    };
    let mut statuses = [0; 2];
    (statuses[0], statuses[1]) = tokio::join!(send(API), send(more));
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 413]);
    full.stop().await;
}

async fn owner_of(full: &Filled, name: &str) -> i64 {
    let row = sqlx::query_scalar("select namespace_pk from namespaces where name = $1").bind(name);
    row.fetch_one(&full.hub.app().pool).await.unwrap()
}

#[tokio::test]
async fn paths_of_all_kinds_come_back_as_they_went() {
    let full = Filled::start().await;
    let long = format!("{}/{}", "d".repeat(255), "é".repeat(127));
    let longest = vec!["x".repeat(199); 5].join("/");
    let paths = [
        ".git/config",
        "a b/#?%/100%25.txt",
        "ünï/cödé/日本語.txt",
        "e\u{301}",
        "é",
        "...",
        "-rf *",
        "\u{10ffff}",
        "'\"<&>",
        &long,
        &longest,
    ];
    let lines: Vec<Value> = paths.iter().map(|path| full.copy(path, 0)).collect();
    batch(&full.ada, API, &lines, 200).await;
    let mut sorted = paths.map(str::to_owned);
    sorted.sort();
    assert_eq!(full.paths().await, sorted);
    let asked: Vec<&str> = paths.iter().copied().chain(["../x", "nul\0", ""]).collect();
    let infos = full.ada.post_json(&format!("{API}/paths-info"), &json!({ "paths": asked }), 200).await;
    assert_eq!(members(&infos, "path"), sorted);
    let encode = |path: &str| url::form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>().replace('+', "%20");
    for path in paths {
        let found = full.ada.get(&format!("/buckets/ada/data/resolve/{}", encode(path)), 200).await;
        assert!(found.bytes().await.unwrap() == full.files[0].bytes, "{path}");
    }
    for path in ["nope", "%00", "%FF", "a%2F%2F", "", "ünï", "..%2F..%2Fx"] {
        let missing = full.ada.get(&format!("/buckets/ada/data/resolve/{path}"), 404).await;
        assert_eq!(missing.headers()["x-error-code"], "EntryNotFound", "{path}");
    }
    full.stop().await;
}

#[tokio::test]
async fn a_batch_gets_along_with_one_connection() {
    let full = Filled::start_with(|config| config.database_max_connections = 6).await;
    let (app, pool) = (full.hub.app(), &full.hub.app().pool);
    // A copy of something that is recalled somewhere has the database asked about it.
    let recall = "with opened as (
            insert into recalls (everywhere, category, title, body, author_pk)
            select true, 'malicious', 'A bad file', 'It is bad.', min(user_pk) from users returning recall_pk
        )
        insert into recall_files (recall_pk, content, path) select recall_pk, decode($1, 'hex'), 'bad' from opened";
    sqlx::query(recall).bind(&full.files[0].oid).execute(pool).await.unwrap();
    hub::recalls::load(app).await.unwrap();
    let mut taken = Vec::new();
    while let Ok(connection) = tokio::time::timeout(Duration::from_millis(300), pool.acquire()).await {
        taken.push(connection.unwrap());
    }
    drop(taken.pop());
    let refused = batch(&full.ada, API, &[full.copy("bad", 0), full.copy("good", 1)], 422).await;
    assert_eq!(members(&refused["failed"], "path"), ["bad"], "{refused}");
    batch(&full.ada, API, &[full.copy("good", 1)], 200).await;
    drop(taken);
    assert_eq!(full.paths().await, ["good"]);
    full.stop().await;
}
