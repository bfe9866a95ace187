//! Files of buckets, which have no history: what a batch brings is looked at like what is pushed.

use hub::accounts::TokenRole;
use hub_tests::{Client, TestHub, Value, json};

use super::fixture;
use crate::buckets::{batch, copy, delete, file_hash};
use crate::lfs::{Large, upload};
use crate::outbox::{mails, the_mail};
use crate::pages::browser::Browser;

const BUCKET: &str = "/api/buckets/ada/data";

/// What the tree says of a file.
async fn status(client: &Client, path: &str) -> Value {
    let tree = client.get_json(&format!("{BUCKET}/tree?recursive=true&expand=true"), 200).await;
    tree.as_array().unwrap().iter().find(|row| row["path"] == path).unwrap()["securityFileStatus"].clone()
}

#[tokio::test]
async fn files_of_buckets_are_looked_at_and_told_of() {
    let hub = TestHub::start().await;
    let (ada, dave) = (hub.account("ada").await, hub.account("dave").await);
    hub.sql("update users set email_confirmed_at = now()").await;
    let (ada, leaked) = (hub.token(&ada, TokenRole::Write).await, hub.token(&dave, TokenRole::Write).await);
    ada.create_repo("model", "ada/src", false).await;
    ada.post_json(BUCKET, &json!({}), 200).await;
    let secret = format!("# settings\n\nHF_TOKEN={}\n{}", leaked.token(), "# more\n".repeat(300));
    let files = [Large::new(fixture("evil.pt")), Large::new(fixture("good.pt")), Large::new(secret)];
    for file in &files {
        upload(&ada, "ada/src", file).await;
    }
    hub.jobs_done().await;
    let mut lines = Vec::new();
    for (path, file) in ["runs/evil.pt", "good.pt", "conf/.env"].into_iter().zip(&files) {
        lines.push(copy(path, &file_hash(&hub, "ada", "src", &file.oid).await, "model", "ada/src"));
    }
    assert_eq!(hub.count("file_scans where length(content) = 32").await, 0, "in no commit of the model");
    batch(&ada, BUCKET, &lines, 200).await;
    hub.jobs_done().await;

    let evil = status(&ada, "runs/evil.pt").await;
    let import = json!({ "module": "posix", "name": "system", "safety": "dangerous" });
    assert_eq!((evil["status"].as_str(), &evil["pickleImportScan"]["pickleImports"][0]), (Some("unsafe"), &import), "{evil}");
    assert_eq!(status(&ada, "good.pt").await["status"], "safe");
    assert_eq!(status(&ada, "conf/.env").await["findings"][0]["line"], 3);
    let asked = json!({ "paths": ["runs/evil.pt"], "expand": true });
    assert_eq!(ada.post_json(&format!("{BUCKET}/paths-info"), &asked, 200).await[0]["securityFileStatus"], evil);
    let plain = ada.get_json(&format!("{BUCKET}/tree?recursive=true"), 200).await;
    assert!(plain.as_array().unwrap().iter().all(|row| row.get("securityFileStatus").is_none()), "for those who ask");

    // The token stops working, and those are told whom it concerns.
    leaked.get("/api/whoami-v2", 401).await;
    let sent = mails(&hub, 2).await;
    the_mail(&sent, "dave@example.org", "An access token of yours leaked");
    let mail = the_mail(&sent, "ada@example.org", "Secrets or malware in ada/data");
    assert!(mail.contains("conf/.env, line 3: Hugging Face token") && mail.contains("/buckets/ada/data"), "{mail}");

    let mut browser = Browser::new(&hub);
    let page = browser.open("/buckets/ada/data").await;
    assert!(page.has("A file of this bucket should not be loaded.") && page.has("href=\"/buckets/ada/data/tree/runs\""));
    assert!(browser.open("/buckets/ada/data/tree/runs").await.has("Unsafe</span>"));

    // What was there before there were rules is caught up with, which mails nobody.
    hub.sql("delete from repo_scans; delete from file_scans").await;
    assert_eq!(status(&ada, "runs/evil.pt").await["status"], "unscanned");
    hub::repos::scanning::ask_again(hub.app()).await.unwrap();
    hub.jobs_done().await;
    assert_eq!(status(&ada, "runs/evil.pt").await, evil);
    assert!(browser.open("/buckets/ada/data").await.has("should not be loaded"));
    mails(&hub, 2).await;

    // Where more was found than is kept, all of it is found again as soon as there is room.
    hub.sql("update repo_scans set issues = '[]', issue_count = 201, unsafe_count = 0").await;
    let again = copy("again.pt", &file_hash(&hub, "ada", "src", &files[1].oid).await, "model", "ada/src");
    batch(&ada, BUCKET, &[again], 200).await;
    hub.jobs_done().await;
    let counts: (i32, i32) =
        sqlx::query_as("select issue_count, unsafe_count from repo_scans join repos using (repo_pk) where repo_type = 'bucket'")
            .fetch_one(&hub.app().pool)
            .await
            .unwrap();
    assert_eq!((counts, hub.count("bucket_scans_due").await), ((2, 1), 0));

    // What is gone is warned of no more.
    batch(&ada, BUCKET, &[delete("runs/evil.pt")], 200).await;
    hub.jobs_done().await;
    assert!(!browser.open("/buckets/ada/data").await.has("should not be loaded"));
    assert_eq!(hub.count("bucket_scans_due").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn what_came_while_nobody_looked_is_looked_at_later() {
    let hub = TestHub::start_with(|config| config.scan.enabled = false).await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/src", false).await;
    ada.post_json(BUCKET, &json!({}), 200).await;
    let evil = Large::new(fixture("evil.pt"));
    upload(&ada, "ada/src", &evil).await;
    hub.jobs_done().await;
    hub.sql(
        "insert into repo_scans (repo_pk, version, with_av, event_pk, issues, issue_count, unsafe_count)
         select repo_pk, 1000, true, 0, '[]', 0, 0 from repos where repo_type = 'bucket'",
    )
    .await;
    let line = copy("evil.pt", &file_hash(&hub, "ada", "src", &evil.oid).await, "model", "ada/src");
    batch(&ada, BUCKET, &[line], 200).await;
    hub.jobs_done().await;
    assert_eq!(status(&ada, "evil.pt").await["status"], "unscanned");
    assert_eq!(hub.count("bucket_scans_due").await, 0, "no list grows meanwhile");
    let outdated = hub::scans::queries::list_outdated(&hub.app().pool, 0, false, 10).await.unwrap();
    let bucket: i64 =
        sqlx::query_scalar("select repo_pk from repos where repo_type = 'bucket'").fetch_one(&hub.app().pool).await.unwrap();
    assert!(outdated.contains(&bucket), "it is known that something came");
    hub.stop().await;
}
