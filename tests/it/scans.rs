//! Files that were pushed are looked at, and what is found is told: by the API, on pages, by mail.

mod buckets;
mod clamav;
mod told;

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use hub::config::Role;
use hub::gc::{self, Item, Limits, Mode};
use hub_tests::{Client, TestHub, Value, json, until};
use reqwest::Method;

use crate::lfs::{Large, upload};
use crate::pages::browser::Browser;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/hub-scan/fixtures").join(name)).unwrap()
}

fn binary(path: &str, bytes: &[u8]) -> Value {
    let content = base64::engine::general_purpose::STANDARD.encode(bytes);
    json!({ "key": "file", "value": { "path": path, "content": content, "encoding": "base64" } })
}

fn large(path: &str, file: &Large) -> Value {
    json!({ "key": "lfsFile", "value": { "path": path, "algo": "sha256", "oid": file.oid, "size": file.bytes.len() } })
}

fn delete(path: &str) -> Value {
    json!({ "key": "deletedFile", "value": { "path": path } })
}

async fn run(hub: &TestHub, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&hub.app().pool).await.unwrap();
}

/// What the API says of a file.
async fn security(client: &Client, api: &str, revision: &str, path: &str) -> Value {
    let rows = client.post_json(&format!("{api}/paths-info/{revision}"), &json!({ "paths": [path], "expand": true }), 200).await;
    rows[0]["securityFileStatus"].clone()
}

async fn repo_status(client: &Client, api: &str) -> Value {
    client.get_json(&format!("{api}?securityStatus=true"), 200).await["securityRepoStatus"].clone()
}

const API: &str = "/api/models/ada/bert";

#[tokio::test]
async fn dangerous_pickles_are_told_of_until_they_are_gone() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let checkpoint = Large::new(fixture("evil.pt"));
    upload(&ada, "ada/bert", &checkpoint).await;
    let lines = [
        large("pytorch_model.bin", &checkpoint),
        binary("model.pkl", &fixture("evil_4.pkl")),
        binary("good.pkl", &fixture("good_4.pkl")),
        Client::file("README.md", "# Bert"),
    ];
    ada.commit(API, "main", &lines, 200).await;
    hub.jobs_done().await;

    for path in ["pytorch_model.bin", "model.pkl"] {
        let found = security(&ada, API, "main", path).await;
        assert_eq!((found["status"].as_str(), &found["avScan"]), (Some("unsafe"), &Value::Null), "{path}: {found}");
        let import = json!({ "module": "posix", "name": "system", "safety": "dangerous" });
        assert_eq!(found["pickleImportScan"]["pickleImports"][0], import, "{path}: {found}");
        assert_eq!(found["pickleImportScan"]["status"], "unsafe");
    }
    let good = security(&ada, API, "main", "good.pkl").await;
    assert_eq!((good["status"].as_str(), good["pickleImportScan"]["status"].as_str()), (Some("safe"), Some("safe")), "{good}");
    let card = security(&ada, API, "main", "README.md").await;
    assert_eq!((card["status"].as_str(), &card["pickleImportScan"]), (Some("safe"), &Value::Null), "{card}");
    let tree = ada.get_json(&format!("{API}/tree/main?expand=true"), 200).await;
    let row = tree.as_array().unwrap().iter().find(|row| row["path"] == "model.pkl").unwrap();
    assert_eq!(row["securityFileStatus"]["status"], "unsafe");
    let status = repo_status(&ada, API).await;
    let issue = |path: &str| json!({ "path": path, "level": "unsafe" });
    let mut issues = status["filesWithIssues"].as_array().unwrap().clone();
    issues.sort_by_key(|issue| issue["path"].to_string());
    assert_eq!((&status["scansDone"], issues), (&json!(true), vec![issue("model.pkl"), issue("pytorch_model.bin")]));

    let mut browser = Browser::new(&hub);
    let page = browser.open("/ada/bert/tree/main").await;
    assert!(page.text.matches("Unsafe</a>").count() == 2 && page.has("Pickle</a>"), "{}", page.text);
    let page = browser.open("/ada/bert").await;
    assert!(page.has("2 files of this model should not be loaded."), "{}", page.text);
    let page = browser.open("/ada/bert/blob/main/model.pkl").await;
    assert!(page.has("<code>posix.system</code>") && page.has("dangerous</span>") && page.has("Do not load this file"));

    ada.commit(API, "main", &[delete("model.pkl"), delete("pytorch_model.bin")], 200).await;
    hub.jobs_done().await;
    assert_eq!(repo_status(&ada, API).await, json!({ "scansDone": true, "filesWithIssues": [] }));
    assert!(!browser.open("/ada/bert").await.has("should not be loaded"));
    hub.stop().await;
}

#[tokio::test]
async fn of_gated_files_those_outside_hear_the_level_only() {
    let hub = TestHub::start().await;
    let (ada, bob) = (hub.user("ada").await, hub.user("bob").await);
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[binary("model.pkl", &fixture("evil_4.pkl"))], 200).await;
    hub.jobs_done().await;
    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "gated": "manual" }), 200).await;
    let whole = security(&ada, API, "main", "model.pkl").await;
    assert_eq!(whole["pickleImportScan"]["pickleImports"][0]["name"], "system", "{whole}");
    let level = json!({ "status": "unsafe", "avScan": null, "pickleImportScan": null });
    for outside in [&bob, &hub.anonymous()] {
        assert_eq!(security(outside, API, "main", "model.pkl").await, level);
        let tree = outside.get_json(&format!("{API}/tree/main?expand=true"), 200).await;
        let row = tree.as_array().unwrap().iter().find(|row| row["path"] == "model.pkl").unwrap();
        assert_eq!(row["securityFileStatus"], level);
    }
    ada.post_json(&format!("{API}/user-access-request/grant"), &json!({ "user": "bob" }), 200).await;
    assert_eq!(security(&bob, API, "main", "model.pkl").await, whole);
    hub.stop().await;
}

#[tokio::test]
async fn files_wait_for_their_turn() {
    let hub = TestHub::start_with(|config| config.role = Role::Web).await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[binary("model.pkl", &fixture("evil_4.pkl")), binary("cat.png", b"\x89PNG")], 200).await;
    let waiting = json!({ "status": "queued", "avScan": null, "pickleImportScan": null });
    assert_eq!(security(&ada, API, "main", "model.pkl").await, waiting);
    assert_eq!(security(&ada, API, "main", "cat.png").await["status"], "unscanned", "nobody looks at pictures");
    assert_eq!(repo_status(&ada, API).await, json!({ "scansDone": false, "filesWithIssues": [] }));
    hub.stop().await;
}

/// The same bytes are looked at once, whoever pushes them; but for what their name makes of them each time.
#[tokio::test]
async fn a_content_is_looked_at_once_for_the_whole_hub() {
    let hub = TestHub::start().await;
    let (ada, bob) = (hub.user("ada").await, hub.user("bob").await);
    for (client, id) in [(&ada, "ada/bert"), (&bob, "bob/copy")] {
        client.create_repo("model", id, false).await;
        client.commit(&format!("/api/models/{id}"), "main", &[binary("a.pkl", &fixture("evil_2.pkl"))], 200).await;
        hub.jobs_done().await;
        let count: i64 = sqlx::query_scalar("select count(*) from file_scans where level = 'unsafe'")
            .fetch_one(&hub.app().pool)
            .await
            .unwrap();
        assert_eq!(count, 1, "{id}");
    }
    assert_eq!(security(&bob, "/api/models/bob/copy", "main", "a.pkl").await["status"], "unsafe");
    // A text protocol has no mark: only its name tells that somebody loads it.
    let text = binary("a.txt", &fixture("evil_0.pkl"));
    ada.commit(API, "main", &[text], 200).await;
    hub.jobs_done().await;
    assert_eq!(security(&ada, API, "main", "a.txt").await["status"], "safe");
    ada.commit(API, "main", &[binary("a.pickle", &fixture("evil_0.pkl"))], 200).await;
    hub.jobs_done().await;
    assert_eq!(security(&ada, API, "main", "a.pickle").await["status"], "unsafe");
    hub.stop().await;
}

/// Nobody has to merge something to see what is in it.
#[tokio::test]
async fn what_is_only_proposed_is_looked_at() {
    let hub = TestHub::start().await;
    let (ada, dave) = (hub.user("ada").await, hub.user("dave").await);
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[Client::file("README.md", "# Bert")], 200).await;
    let lines = [binary("model.pkl", &fixture("evil_4.pkl"))];
    dave.commit(API, "main?create_pr=1", &lines, 200).await;
    hub.jobs_done().await;
    assert_eq!(security(&ada, API, "refs%2Fpr%2F1", "model.pkl").await["status"], "unsafe");
    assert_eq!(repo_status(&ada, API).await, json!({ "scansDone": true, "filesWithIssues": [] }));
    ada.post_json(&format!("{API}/discussions/1/merge"), &json!({}), 200).await;
    hub.jobs_done().await;
    assert_eq!(repo_status(&ada, API).await["filesWithIssues"][0]["path"], "model.pkl");
    hub.stop().await;
}

#[tokio::test]
async fn newer_rules_look_at_everything_again() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[binary("model.pkl", &fixture("evil_4.pkl"))], 200).await;
    hub.jobs_done().await;
    let token = ada.token().to_owned();
    // As rules before would have left it.
    let hub = hub
        .restart_after(async |pool| {
            let older = "update file_scans set version = 0, level = 'safe', report = '{\"level\":\"safe\"}';
                         update repo_scans set version = 0, issues = '[]', issue_count = 0, unsafe_count = 0";
            sqlx::raw_sql(older).execute(pool).await.unwrap();
        })
        .await;
    let ada = hub.with_token(&token);
    hub.jobs_done().await;
    until("it is looked at again", async || security(&ada, API, "main", "model.pkl").await["status"] == "unsafe").await;
    hub.jobs_done().await;
    assert_eq!(repo_status(&ada, API).await["filesWithIssues"][0]["level"], "unsafe");
    hub.stop().await;
}

#[tokio::test]
async fn nothing_is_looked_at_where_it_is_switched_off() {
    let hub = TestHub::start_with(|config| config.scan.enabled = false).await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[binary("model.pkl", &fixture("evil_4.pkl"))], 200).await;
    assert_eq!(security(&ada, API, "main", "model.pkl").await["status"], "unscanned");
    hub.jobs_done().await;
    assert_eq!(security(&ada, API, "main", "model.pkl").await["status"], "unscanned");
    assert_eq!(repo_status(&ada, API).await, json!({ "scansDone": false, "filesWithIssues": [] }));
    hub.stop().await;
}

/// A file that cannot be kept keeps nobody from the others; the next one who comes by it looks again.
#[tokio::test]
async fn one_file_that_fails_keeps_nobody_from_the_others() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    hub.sql(
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
         create trigger refuse before insert or update on file_scans
         for each row when (new.report::text like '%posix%') execute function refuse()",
    )
    .await;
    let files = [binary("a.pkl", &fixture("evil_4.pkl")), binary("b.pkl", &fixture("good_4.pkl"))];
    ada.commit(API, "main", &files, 200).await;
    hub.jobs_done().await;
    let found = security(&ada, API, "main", "a.pkl").await;
    assert!(found["status"] == "error" && found["message"].as_str().unwrap().contains("later"), "{found}");
    assert_eq!(security(&ada, API, "main", "b.pkl").await["status"], "safe");
    assert_eq!(repo_status(&ada, API).await["scansDone"], true);
    hub.sql("drop trigger refuse on file_scans").await;
    ada.commit(API, "main", &[binary("c.pkl", &fixture("evil_4.pkl"))], 200).await;
    hub.jobs_done().await;
    assert_eq!(security(&ada, API, "main", "a.pkl").await["status"], "unsafe");
    hub.stop().await;
}

/// A push finds a job waiting, and has not ended when that is taken: what it brings is looked at by that job, or by none.
#[tokio::test]
async fn a_push_that_has_not_ended_is_waited_for() {
    let hub = TestHub::start_with(|config| config.role = Role::Web).await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[binary("model.pkl", &fixture("evil_4.pkl"))], 200).await;
    let app = hub.app().clone();
    let mut push = app.begin().await.unwrap();
    let repo_pk: i64 = sqlx::query_scalar("select repo_pk from repos for update").fetch_one(&mut *push).await.unwrap();
    let job = tokio::spawn(async move { hub::repos::scanning::scan_files(&app, repo_pk).await });
    let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    let waits = async || sqlx::query_scalar::<_, i64>(waits).fetch_one(&hub.app().pool).await.unwrap() == 1;
    until("the push is waited for", async || job.is_finished() || waits().await).await;
    assert!(!job.is_finished(), "nobody waited");
    push.commit().await.unwrap();
    job.await.unwrap().unwrap();
    assert_eq!(security(&ada, API, "main", "model.pkl").await["status"], "unsafe");
    hub.stop().await;
}

/// What was found in files is kept as long as a repository has them.
#[tokio::test]
async fn what_nobody_has_is_forgotten() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    let large_file = Large::new(fixture("evil.pt"));
    for id in ["ada/bert", "ada/copy", "ada/other"] {
        ada.create_repo("model", id, false).await;
        upload(&ada, id, &large_file).await;
        let own = [format!("{id}\n").into_bytes(), fixture("evil_0.pkl")].concat();
        let lines = [large("a.bin", &large_file), binary("b.pkl", &fixture("evil_4.pkl")), binary("c.pkl", &own)];
        ada.commit(&format!("/api/models/{id}"), "main", &lines, 200).await;
    }
    hub.jobs_done().await;
    let at_once =
        Limits { unused: Duration::ZERO, undelete: Duration::ZERO, quarantine: Duration::ZERO, plain: None, many_orphans: false };
    // One after the other: their own file goes, what others have stays; the large file goes with the last.
    for (name, own, left) in [("bert", 1, 5), ("copy", 1, 4), ("other", 4, 0)] {
        let body = json!({ "type": "model", "organization": "ada", "name": name });
        ada.call(Method::DELETE, "/api/repos/delete", &body, 200).await;
        let mut forgotten = 0;
        for _ in 0..3 {
            let report = gc::collect(hub.app(), at_once, Mode::Real).await.unwrap().unwrap();
            forgotten += report.get(Item::Scans).count;
        }
        assert_eq!((forgotten, hub.count("file_scans").await), (own, left), "{name}");
    }
    assert_eq!(hub.count("repo_scanned_blobs").await, 0);
    hub.stop().await;
}
