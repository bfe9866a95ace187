//! What counts as a download, through every door.

use hub::accounts::OrgRole;
use hub_tests::{Client, Value, json};
use hub_types::RepoType;
use reqwest::Method;

use crate::pages::browser::Browser;
use crate::repos::seeded::{Seeded, add};
use crate::work::Work;

const NEW_CLIENT: &str = "unknown/None; hf_hub/2.4.0; python/3.11";

async fn fetch(client: &Client, method: Method, path: &str, headers: &[(&str, &str)]) {
    let request = headers.iter().fold(client.request(method, path), |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.bytes().await.unwrap();
}

async fn counts(seeded: &Seeded, api: &str) -> (i64, i64, i64) {
    hub::downloads::flush(seeded.hub.app()).await.unwrap();
    let info = seeded.ada.get_json(&format!("{api}?expand=downloads&expand=downloadsAllTime"), 200).await;
    let requests = sqlx::query_scalar("select coalesce(sum(requests), 0)::bigint from download_hours");
    let requests: i64 = requests.fetch_one(&seeded.hub.app().pool).await.unwrap();
    (info["downloads"].as_i64().unwrap(), info["downloadsAllTime"].as_i64().unwrap(), requests)
}

#[tokio::test]
async fn a_client_counts_once_a_day_for_each_commit() {
    let seeded = Seeded::model(&[("README.md", "# x\n"), ("a.safetensors", "aaaa"), ("b.safetensors", "bbbb")]).await;
    let (anyone, ada, api) = (seeded.hub.anonymous(), seeded.ada.clone(), seeded.api.clone());
    for file in ["a.safetensors", "b.safetensors", "a.safetensors"] {
        fetch(&anyone, Method::GET, &format!("/ada/bert/resolve/main/{file}"), &[]).await;
    }
    assert_eq!(counts(&seeded, &api).await, (1, 1, 3));
    fetch(&anyone, Method::GET, "/ada/bert/resolve/main/a.safetensors", &[]).await;
    assert_eq!(counts(&seeded, &api).await, (1, 1, 4), "also after it was written down");
    fetch(&ada, Method::GET, "/ada/bert/resolve/main/a.safetensors", &[]).await;
    assert_eq!(counts(&seeded, &api).await, (2, 2, 5), "an account is another client");
    seeded.commit("main", "second", vec![add("c.safetensors", "cccc")]).await;
    fetch(&ada, Method::GET, "/ada/bert/resolve/main/a.safetensors", &[]).await;
    assert_eq!(counts(&seeded, &api).await, (3, 3, 6), "so is another commit");
    seeded.stop().await;
}

#[tokio::test]
async fn questions_looks_and_other_files_do_not_count() {
    let seeded = Seeded::model(&[("README.md", "# x\n"), ("config.json", "{}"), ("w.bin", "weights")]).await;
    let (anyone, api) = (seeded.hub.anonymous(), seeded.api.clone());
    let file = "/ada/bert/resolve/main/w.bin";
    let mark = ("x-hf-download-counter", "1");
    fetch(&anyone, Method::HEAD, file, &[mark]).await;
    fetch(&anyone, Method::GET, "/ada/bert/resolve/main/config.json", &[mark]).await;
    fetch(&anyone, Method::GET, "/ada/bert/resolve/main/README.md", &[mark]).await;
    fetch(&anyone, Method::GET, &api, &[mark]).await;
    fetch(&anyone, Method::GET, "/ada/bert/raw/main/w.bin", &[]).await;
    fetch(&anyone, Method::GET, "/ada/bert/blob/main/w.bin", &[]).await;
    fetch(&anyone, Method::GET, file, &[("range", "bytes=2-4")]).await;
    fetch(&anyone, Method::GET, file, &[("user-agent", NEW_CLIENT)]).await;
    assert_eq!(counts(&seeded, &api).await, (0, 0, 0));
    fetch(&anyone, Method::GET, file, &[("user-agent", NEW_CLIENT), mark]).await;
    fetch(&anyone, Method::GET, file, &[("range", "bytes=0-2")]).await;
    assert_eq!(counts(&seeded, &api).await, (1, 1, 2));
    seeded.stop().await;
}

#[tokio::test]
async fn clones_and_large_files_by_git_lfs_count() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let api = seeded.api.clone();
    let bob = seeded.hub.user("bob").await;
    let clone = |client: &Client, body: &'static str| {
        let request = client.request(Method::POST, "/ada/bert/git-upload-pack");
        request.header("content-type", "application/x-git-upload-pack-request").header("git-protocol", "version=2").body(body)
    };
    clone(&bob, "0014command=ls-refs\n0000").send().await.unwrap().bytes().await.unwrap();
    assert_eq!(counts(&seeded, &api).await, (0, 0, 0), "asking what there is");
    let work = Work::clone(&bob, "/ada/bert").await;
    assert_eq!(counts(&seeded, &api).await, (1, 1, 1));
    work.git(&["fetch", "-q"]).await;
    assert_eq!(counts(&seeded, &api).await, (1, 1, 1), "there was nothing to fetch");
    let asked = json!({ "operation": "download", "objects": [] });
    bob.request(Method::POST, "/ada/bert.git/info/lfs/objects/batch").json(&asked).send().await.unwrap();
    assert_eq!(counts(&seeded, &api).await, (1, 1, 1), "nothing was given");
    seeded.stop().await;
}

#[tokio::test]
async fn no_address_is_kept_and_days_cannot_be_linked() {
    let seeded = Seeded::model(&[("w.bin", "weights")]).await;
    fetch(&seeded.hub.anonymous(), Method::GET, "/ada/bert/resolve/main/w.bin", &[]).await;
    counts(&seeded, &seeded.api).await;
    let pool = &seeded.hub.app().pool;
    let tables = ["download_clients", "download_hours", "download_keys"];
    for table in tables {
        let sql = sqlx::AssertSqlSafe(format!("select coalesce(string_agg(t::text, ' '), '') from {table} t"));
        let text: String = sqlx::query_scalar(sql).fetch_one(pool).await.unwrap();
        assert!(!text.contains("127.0.0.1") && !text.is_empty(), "{table}: {text}");
    }
    sqlx::query("update download_clients set day = day - 2").execute(pool).await.unwrap();
    sqlx::query("update download_keys set day = day - 2").execute(pool).await.unwrap();
    hub::downloads::forget_old(seeded.hub.app()).await.unwrap();
    assert_eq!((seeded.hub.count("download_clients").await, seeded.hub.count("download_keys").await), (0, 0));
    assert_eq!(seeded.hub.count("download_hours").await, 1);
    seeded.stop().await;
}

#[tokio::test]
async fn two_nodes_count_a_client_once() {
    let seeded = Seeded::model(&[("w.bin", "weights")]).await;
    let app = seeded.hub.app();
    let (repo, client) = (seeded.repo().await, hub::downloads::client::Client::Account(1));
    let mut other = app.clone();
    other.downloads = hub::downloads::Downloads::default();
    for node in [app, &other] {
        node.downloads.note(repo.pk, repo.head_oid, client);
    }
    let (first, second) = tokio::join!(hub::downloads::flush(app), hub::downloads::flush(&other));
    first.unwrap();
    second.unwrap();
    assert_eq!(counts(&seeded, &seeded.api).await, (1, 1, 2));
    seeded.stop().await;
}

async fn order(client: &Client, path: &str) -> Vec<String> {
    let list = client.get_json(path, 200).await;
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn scores_are_the_sum_of_what_the_page_shows() {
    let seeded = Seeded::model(&[("w.bin", "weights")]).await;
    let (hub, app) = (&seeded.hub, seeded.hub.app());
    let quiet = seeded.another(RepoType::Model, "ada/quiet", false, &[("w.bin", "w")]).await;
    let data = seeded.another(RepoType::Dataset, "ada/data", false, &[("a.csv", "a")]).await;
    sqlx::query("update repos set created_at = now() - interval '10 days'").execute(&app.pool).await.unwrap();
    for name in ["bob", "carol", "dave"] {
        let liker = hub.user(name).await;
        hub.sql("update namespaces set created_at = now() - interval '8 days'").await;
        liker.call(Method::POST, &format!("{}/like", seeded.api), &json!({}), 200).await;
    }
    for user in 0..5 {
        app.downloads.note(seeded.repo().await.pk, None, hub::downloads::client::Client::Account(user));
    }
    app.downloads.note(data, None, hub::downloads::client::Client::Account(1));
    hub::downloads::flush(app).await.unwrap();
    hub::repos::trending::count_activity(app).await.unwrap();
    let score =
        seeded.ada.get_json(&format!("{}?expand=trendingScore", seeded.api), 200).await["trendingScore"].as_i64().unwrap();
    // 30 for three likes, 26 for five downloads (10 × log2 of 6), 7 for ten days.
    assert_eq!(score, 30 + 26 + 7);
    for (sort, days) in [("likes7d", 8), ("likes30d", 31), ("likes3m", 91)] {
        let list = format!("/api/models?sort={sort}");
        sqlx::query("update likes set created_at = now() - interval '1 minute'").execute(&app.pool).await.unwrap();
        hub::repos::trending::count_activity(app).await.unwrap();
        assert_eq!(order(&seeded.ada, &list).await, ["ada/bert", "ada/quiet"], "{sort}");
        let age = format!("update likes set created_at = now() - interval '{days} days'");
        sqlx::query(sqlx::AssertSqlSafe(age)).execute(&app.pool).await.unwrap();
        hub::repos::trending::count_activity(app).await.unwrap();
        assert_eq!(order(&seeded.ada, &list).await, ["ada/quiet", "ada/bert"], "{sort}: too long ago, so the latest is first");
    }
    sqlx::query("update likes set created_at = now()").execute(&app.pool).await.unwrap();
    hub::repos::trending::count_activity(app).await.unwrap();
    let page = Browser::new(hub).open("/ada/bert/trending").await;
    let number = |part: &str| -> i64 { part.split('<').next().unwrap().parse().unwrap() };
    let terms: Vec<i64> = page.text.split("data-term>").skip(1).map(number).collect();
    assert_eq!(number(page.text.split("data-score>").nth(1).unwrap()), score);
    assert_eq!((terms.len(), terms.iter().sum::<i64>()), (3, score));
    assert_eq!(order(&seeded.ada, "/api/models").await, ["ada/bert", "ada/quiet"]);
    let trending = hub.anonymous().get_json("/api/trending?limit=2", 200).await;
    let found: Vec<Value> =
        trending["recentlyTrending"].as_array().unwrap().iter().map(|item| item["repoType"].clone()).collect();
    assert_eq!(found, [json!("model"), json!("dataset")]);
    assert_eq!(trending["recentlyTrending"][0]["repoData"]["id"], "ada/bert");
    let one = hub.anonymous().get_json("/api/trending?type=model&limit=1", 200).await;
    assert_eq!(one["recentlyTrending"].as_array().unwrap().len(), 1);
    hub.anonymous().get("/api/trending?type=paper", 400).await;
    // A month later nothing of it is left, and what did not change is not written.
    sqlx::query("update likes set created_at = created_at - interval '40 days'").execute(&app.pool).await.unwrap();
    sqlx::query("update download_hours set hour = hour - interval '40 days'").execute(&app.pool).await.unwrap();
    sqlx::query("update repos set created_at = created_at - interval '40 days'").execute(&app.pool).await.unwrap();
    hub::repos::trending::count_activity(app).await.unwrap();
    let numbers: Vec<(i64, i64, i64)> =
        sqlx::query_as("select trending, downloads, downloads_all_time from repo_counters order by repo_pk")
            .fetch_all(&app.pool)
            .await
            .unwrap();
    assert_eq!(numbers, [(0, 0, 5), (0, 0, 0), (0, 0, 1)]);
    let before = hub.count("search_changes").await;
    hub::repos::trending::count_activity(app).await.unwrap();
    assert_eq!(hub.count("search_changes").await, before);
    assert!(quiet > 0);
    seeded.stop().await;
}

/// Makes people of this age who like the model.
async fn crowd(seeded: &Seeded, name: &str, people: i32, days: i32) {
    let sql = "with names as (
                   insert into namespaces (name, kind, created_at)
                   select $1 || n, 'user', now() - make_interval(days => $3) from generate_series(1, $2) n returning namespace_pk, name
               ), people as (
                   insert into users (user_pk, email, password_hash) select namespace_pk, name || '@example.org', 'none' from names
                   returning user_pk
               ), liked as (insert into likes (repo_pk, user_pk) select $4, user_pk from people)
               update repo_counters set likes = likes + $2 where repo_pk = $4";
    let repo = seeded.repo().await.pk;
    sqlx::query(sql).bind(name).bind(people).bind(days).bind(repo).execute(&seeded.hub.app().pool).await.unwrap();
}

/// The score that lists have after the next computation, and what the page says.
async fn scored(seeded: &Seeded) -> (i64, String) {
    hub::repos::trending::count_activity(seeded.hub.app()).await.unwrap();
    let info = seeded.ada.get_json(&format!("{}?expand=trendingScore", seeded.api), 200).await;
    let page = Browser::new(&seeded.hub).open("/ada/bert/trending").await.text;
    let score = info["trendingScore"].as_i64().unwrap();
    let terms = page.split("data-term>").skip(1).map(|part| part.split('<').next().unwrap().parse::<i64>().unwrap());
    assert_eq!(terms.sum::<i64>(), score, "{page}");
    (score, page)
}

#[tokio::test]
async fn young_accounts_and_bought_likes_move_little() {
    let seeded = Seeded::model(&[("w.bin", "weights")]).await;
    let hub = &seeded.hub;
    hub.sql("update repos set created_at = now() - interval '40 days'").await;
    // Also what comes of its owner, who is no young account.
    hub.sql("update namespaces set created_at = now() - interval '40 days'").await;
    seeded.ada.call(Method::POST, &format!("{}/like", seeded.api), &json!({}), 200).await;
    crowd(&seeded, "fresh", 30, 6).await;
    let (score, page) = scored(&seeded).await;
    assert_eq!(score, 0);
    assert!(page.contains("30 likes of accounts that were younger than 7 days"), "{page}");
    assert!(page.contains("1 like of its owner"), "{page}");
    // They do not count by growing older.
    hub.sql("update namespaces set created_at = created_at - interval '2 days' where name like 'fresh%'").await;
    hub.sql("update likes set created_at = created_at - interval '2 days'").await;
    assert_eq!(scored(&seeded).await.0, 0);
    crowd(&seeded, "old", 2, 8).await;
    let (score, page) = scored(&seeded).await;
    assert_eq!(score, 20);
    assert!(page.contains("2 likes in 28 days"), "{page}");
    let mut moderator = Browser::logged_in(hub, "ada").await;
    for change in [
        "update users set suspended_at = now() where email = 'old1@example.org'",
        "update users set suspended_at = null, limited_at = now() where email = 'old1@example.org'",
    ] {
        hub.sql(change).await;
        let (score, page) = scored(&seeded).await;
        assert_eq!(score, 10, "{change}");
        assert!(
            page.contains("31 likes of accounts that were younger than 7 days") && !page.contains("moderators hold back"),
            "{page}"
        );
        // Who looks after the hub sees it apart.
        let page = moderator.open("/ada/bert/trending").await.text;
        assert!(page.contains("1 like of service accounts, and accounts that moderators hold back"), "{page}");
        assert!(page.contains("30 likes of accounts that were younger than 7 days"), "{page}");
    }
    hub.sql("update users set limited_at = null").await;
    assert_eq!(scored(&seeded).await.0, 20);
    // Members of the organisation that owns it are on the owner's side.
    let boss = hub.account("boss").await;
    hub.organization("acme", &[(&boss, OrgRole::Admin)]).await;
    hub.sql(
        "insert into organization_members (organization_pk, user_pk, role) select n.namespace_pk, u.user_pk, 'admin'
         from namespaces n, users u where n.name = 'acme' and u.email in ('ada@example.org', 'old2@example.org')",
    )
    .await;
    let to = json!({ "fromRepo": "ada/bert", "toRepo": "acme/bert", "type": "model" });
    seeded.ada.post_json("/api/repos/move", &to, 200).await;
    hub::repos::trending::count_activity(hub.app()).await.unwrap();
    let score: i64 = sqlx::query_scalar("select trending from repo_counters").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(score, 10);
    seeded.stop().await;
}

#[tokio::test]
async fn of_much_on_one_day_a_part_counts() {
    let seeded = Seeded::model(&[("w.bin", "weights")]).await;
    let hub = &seeded.hub;
    hub.sql("update repos set created_at = now() - interval '40 days'").await;
    crowd(&seeded, "old", 60, 400).await;
    let (score, page) = scored(&seeded).await;
    // 25 × (1 + ln(60 ÷ 25)) = 46.887.
    assert_eq!(score, 469);
    assert!(page.contains("60 likes in 28 days") && page.contains("Above 25 on a day") && page.contains("-131<"), "{page}");
    // On two days they are two times thirty: 29.558 each, and those of three days ago are worth 0.743 of it.
    hub.sql(
        "update likes set created_at = created_at - interval '3 days'
         where user_pk in (select user_pk from likes order by user_pk limit 30)",
    )
    .await;
    assert_eq!(scored(&seeded).await.0, 515);
    hub.sql(
        "insert into download_hours (repo_pk, hour, downloads, requests) select repo_pk, date_trunc('day', now()), 100000, 1 from repos",
    )
    .await;
    hub.sql("delete from likes").await;
    let (score, page) = scored(&seeded).await;
    // 5,605 instead of 100,000, of today.
    assert!((110..=126).contains(&score), "{score}");
    assert!(page.contains("Above 1000 on a day"), "{page}");
    seeded.stop().await;
}

#[tokio::test]
async fn private_repositories_do_not_trend_before_strangers() {
    let seeded = Seeded::model(&[("w.bin", "weights")]).await;
    let secret = seeded.another(RepoType::Model, "ada/secret", true, &[("w.bin", "w")]).await;
    let pool = &seeded.hub.app().pool;
    sqlx::query("update repo_counters set trending = 99 where repo_pk = $1").bind(secret).execute(pool).await.unwrap();
    let first = |answer: Value| answer["recentlyTrending"][0]["repoData"]["id"].clone();
    assert_eq!(first(seeded.ada.get_json("/api/trending", 200).await), "ada/secret");
    assert_eq!(first(seeded.hub.anonymous().get_json("/api/trending", 200).await), "ada/bert");
    seeded.stop().await;
}

#[tokio::test]
async fn lists_by_counters_read_their_index() {
    let seeded = Seeded::model(&[("w.bin", "weights")]).await;
    let pool = &seeded.hub.app().pool;
    let fill = "insert into repos (repo_type, namespace_pk, name) select 'model', namespace_pk, 'm' || n from repos, generate_series(1, 4000) n";
    sqlx::query(fill).execute(pool).await.unwrap();
    sqlx::query("update repo_counters set trending = repo_pk % 97, likes = repo_pk % 89, downloads = repo_pk % 83, likes_30d = repo_pk % 79")
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("analyze").execute(pool).await.unwrap();
    for column in ["trending", "likes", "downloads", "likes_30d"] {
        // The statement of `repos::queries::listing` for a page in the middle.
        let sql = format!(
            "explain select r.repo_pk, c.{column} from repos r join repo_counters c using (repo_pk) join namespaces n using (namespace_pk)
             where r.repo_type = 'model' and c.repo_type = 'model' and r.deleted_at is null and not r.disabled and not r.private
               and (c.{column}, c.repo_pk) < (50, 9000) order by c.{column} desc, c.repo_pk desc limit 31"
        );
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains(&format!("repo_counters_{column}_idx")), "{plan}");
        assert!(!plan.contains("Seq Scan on repo") && !plan.contains("Sort"), "{plan}");
    }
    seeded.stop().await;
}

#[tokio::test]
async fn the_card_shows_thirty_days_as_a_picture_and_a_table() {
    let seeded = Seeded::model(&[("README.md", "# Some text to read\n"), ("w.bin", "weights")]).await;
    fetch(&seeded.hub.anonymous(), Method::GET, "/ada/bert/resolve/main/w.bin", &[]).await;
    counts(&seeded, &seeded.api).await;
    let page = Browser::new(&seeded.hub).open("/ada/bert").await;
    assert_eq!(page.text.matches("<rect x=").count(), 30);
    assert!(page.has("Downloads by day: 1 in 30 days") && page.has("<caption>Downloads by day</caption>"));
    assert!(page.has("href=\"/ada/bert/trending\""));
    seeded.stop().await;
}
