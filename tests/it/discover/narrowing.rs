//! Lists narrowed by when repositories changed and were made, by what Spaces need, and by what cards leave out; and as feeds.

use hub_tests::{Client, TestHub, Value};

use super::repo;
use crate::pages::browser::Browser;
use crate::search::{count, names};

/// Makes it as if a repository were made and had changed so many days ago.
async fn age(hub: &TestHub, name: &str, created: i32, updated: i32) {
    let sql =
        "update repos set created_at = now() - make_interval(days => $2), last_modified_at = now() - make_interval(days => $3)
               where name = $1";
    sqlx::query(sql).bind(name).bind(created).bind(updated).execute(&hub.app().pool).await.unwrap();
}

/// The day so many days ago.
async fn day(hub: &TestHub, days: i32) -> String {
    let sql = "select to_char(now() at time zone 'utc' - make_interval(days => $1), 'YYYY-MM-DD')";
    sqlx::query_scalar(sql).bind(days).fetch_one(&hub.app().pool).await.unwrap()
}

#[tokio::test]
async fn lists_and_their_feeds_are_narrowed_by_time() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    for (name, created, updated) in [("new", 1, 1), ("kept", 400, 5), ("still", 20, 15), ("old", 500, 450)] {
        repo(&ada, "model", &format!("ada/{name}"), false, "license: mit", "Ships.").await;
        age(&hub, name, created, updated).await;
    }
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let since_17 = format!("updated_since={}", day(&hub, 17).await);
    let since_30 = format!("updated=week&created_since={}", day(&hub, 30).await);
    for (query, found) in [
        ("updated=week", vec!["ada/new", "ada/kept"]),
        ("updated=month&license=mit", vec!["ada/new", "ada/kept", "ada/still"]),
        ("updated=year&created=year", vec!["ada/new", "ada/still"]),
        (since_17.as_str(), vec!["ada/new", "ada/kept", "ada/still"]),
        (since_30.as_str(), vec!["ada/new"]),
        ("updated_since=9999-01-01", vec![]),
        ("updated=&created=ever&updated_since=2026-02-31", vec!["ada/new", "ada/kept", "ada/still", "ada/old"]),
    ] {
        let page = browser.open(&format!("/models?sort=modified&{query}")).await;
        assert_eq!(names(&page), found, "{query}");
        assert_eq!(count(&page, "license", "mit").unwrap_or_default(), found.len() as u64, "{query}");
        let feed: Value = serde_json::from_str(&browser.open(&format!("/models.json?{query}")).await.text).unwrap();
        let titles: Vec<&str> = feed["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect();
        assert_eq!(titles, found, "{query}");
        let atom = browser.get(&format!("/models.atom?{query}")).await;
        assert_eq!(atom.text.matches("<entry>").count(), found.len(), "{query}");
    }
    // What is chosen can be seen, taken away and counted after, and stays chosen by the form.
    let page = browser.open("/models?updated=week&created_since=2020-02-03&count=license").await;
    for shown in [
        "Remove the filter Updated in the past week\"",
        "href=\"/models?created_since=2020-02-03&#38;count=license\"",
        "<option value=\"week\" selected>Past week</option>",
        "name=\"created_since\" value=\"2020-02-03\"",
        "Created since 3 February 2020</th>",
        "type=\"application/feed+json\" title=\"Models\" href=\"/models.json?updated=week&#38;created_since=2020-02-03\"",
    ] {
        assert!(page.has(shown), "{shown}: {}", page.text);
    }
    let feed = browser.get("/models.json?updated=week").await;
    assert_eq!(feed.headers["content-type"], "application/feed+json; charset=utf-8");
    assert_eq!(browser.get("/buckets.json").await.status, 404);
    hub.stop().await;
}

async fn add(client: &Client, id: &str, file: &str) {
    client.commit(&format!("/api/spaces/{id}"), "main", &[Client::file(file, "x\n")], 200).await;
}

#[tokio::test]
async fn what_cards_say_of_machines_and_leave_out_of_rows_narrows_lists() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    let machine = "sdk: gradio\nsuggested_hardware: t4-small";
    repo(&ada, "space", "ada/whole", false, machine, "A page.").await;
    add(&ada, "ada/whole", "app.py").await;
    repo(&ada, "space", "ada/empty", false, &machine.replace("t4-small", "as much as there is"), "A page.").await;
    repo(&ada, "space", "ada/unsaid", false, "title: Nothing", "A page.").await;
    let splits = |rows: u32| format!("dataset_info:\n  splits: [{{name: train, num_examples: {rows}}}]");
    repo(&ada, "dataset", "ada/silent", false, &splits(5_000), "Rows.").await;
    repo(&ada, "dataset", "ada/said", false, &format!("size_categories: [n<1K]\n{}", splits(5_000)), "Rows.").await;
    repo(&ada, "model", "ada/off", false, "inference: false", "Not to be run.").await;
    repo(&ada, "model", "ada/on", false, "inference: true", "To be run.").await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    for (query, found) in [
        ("spaces?status=stopped", vec!["spaces/ada/whole"]),
        ("spaces?status=no_app_file", vec!["spaces/ada/empty"]),
        ("spaces?status=config_error", vec!["spaces/ada/unsaid"]),
        ("spaces?hardware=t4-small", vec!["spaces/ada/whole"]),
        ("datasets?size_categories=1K<n<10K", vec!["datasets/ada/silent"]),
        ("datasets?size_categories=n<1K", vec!["datasets/ada/said"]),
        ("models?inference=off", vec!["ada/off"]),
        ("models?inference=warm", vec![]),
    ] {
        assert_eq!(names(&browser.open(&format!("/{query}")).await), found, "{query}");
    }
    let page = browser.open("/spaces").await;
    assert!(
        page.has("Not running</span>") && page.has("Has no app file</span>") && page.has("Nvidia T4, small</span>"),
        "{}",
        page.text
    );
    assert!(!page.has("as much as there is</span>"), "a sentence is no machine");
    let page = browser.open("/datasets?size_categories=1K<n<10K").await;
    assert!(page.has("Where a card does not say how many rows there are"), "{}", page.text);
    // The page of the dataset marks it as what its card leaves out.
    let page = browser.open("/datasets/ada/silent").await;
    assert!(page.has("/datasets?size_categories=1K%3Cn%3C10K"), "{}", page.text);
    hub.stop().await;
}
