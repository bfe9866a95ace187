//! Who is told by mail of what was found, and how often.

use hub::accounts::{OrgRole, TokenRole};
use hub::scans::queries::{find_repo_scan, store_repo_scan};
use hub_tests::{Client, TestHub, Value, json};

use super::{API, binary, fixture, repo_status, run, security};
use crate::outbox::{mails, outbox, the_mail};
use crate::pages::browser::Browser;

#[tokio::test]
async fn secrets_are_told_to_owners_and_tokens_of_this_hub_stop_working() {
    let hub = TestHub::start().await;
    let (ada, grace, dave) = (hub.account("ada").await, hub.account("grace").await, hub.account("dave").await);
    run(&hub, "update users set email_confirmed_at = now()").await;
    hub.organization("acme", &[(&grace, OrgRole::Admin), (&ada, OrgRole::Write)]).await;
    let client = hub.token(&ada, TokenRole::Write).await;
    let leaked = hub.token(&dave, TokenRole::Write).await;
    client.create_repo("model", "acme/bert", false).await;
    let api = "/api/models/acme/bert";
    let text = format!("# settings\n\nHF_TOKEN={}\n", leaked.token());
    client.commit(api, "main", &[Client::file("conf/.env", &text)], 200).await;
    hub.jobs_done().await;

    leaked.get("/api/whoami-v2", 401).await;
    client.get("/api/whoami-v2", 200).await;
    let found = security(&client, api, "main", "conf/.env").await;
    assert_eq!(found["status"], "caution");
    let finding = json!({ "topic": "secret", "status": "caution", "message": "Hugging Face token", "line": 3, "entry": null });
    assert_eq!(found["findings"], json!([finding]));
    let sent = mails(&hub, 3).await;
    the_mail(&sent, "dave@example.org", "An access token of yours leaked");
    for who in ["ada@example.org", "grace@example.org"] {
        let mail = the_mail(&sent, who, "Secrets or malware in acme/bert");
        assert!(mail.contains("conf/.env, line 3: Hugging Face token") && !mail.contains(leaked.token()), "{mail}");
    }
    let stored: Value = sqlx::query_scalar("select jsonb_agg(report) from file_scans").fetch_one(&hub.app().pool).await.unwrap();
    assert!(!stored.to_string().contains(&leaked.token()[3..20]), "{stored}");

    let mut browser = Browser::new(&hub);
    let page = browser.open("/acme/bert/blob/main/conf/.env").await;
    assert!(page.has("Hugging Face token in plain text") && page.has("?plain=1#L3"), "{}", page.text);
    assert!(!browser.open("/acme/bert").await.has("should not be loaded"), "secrets harm nobody who downloads");
    // Nobody is told twice.
    client.commit(api, "main", &[Client::file("other.txt", "nothing")], 200).await;
    hub.jobs_done().await;
    mails(&hub, 3).await;
    hub.stop().await;
}

/// Only so many issues are kept; what is news does not depend on it.
#[tokio::test]
async fn beside_many_issues_news_are_told_and_told_once() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let client = hub.token(&ada, TokenRole::Write).await;
    client.create_repo("model", "ada/bert", false).await;
    let paths: Vec<String> = (0..205).map(|n| format!("{n}.pkl")).collect();
    let lines: Vec<Value> = paths.iter().map(|path| binary(path, &fixture("evil_4.pkl"))).collect();
    client.commit(API, "main", &lines, 200).await;
    hub.jobs_done().await;
    assert_eq!(repo_status(&client, API).await["filesWithIssues"].as_array().unwrap().len(), 200);
    // Of many files only the level is told.
    for (count, has_imports) in [(100, true), (101, false)] {
        let rows = json!({ "paths": paths[..count], "expand": true });
        let rows = client.post_json(&format!("{API}/paths-info/main"), &rows, 200).await;
        let found = &rows[0]["securityFileStatus"];
        assert_eq!((found["status"].as_str(), found["pickleImportScan"].is_object()), (Some("unsafe"), has_imports), "{found}");
    }
    let secret = |name: &str| Client::file(name, &format!("{name}: {}0Zq8WkX2mVbT9LcPr4xA", ["glp", "at-"].concat()));
    client.commit(API, "main", &[secret("a.env")], 200).await;
    hub.jobs_done().await;
    let mail = the_mail(&mails(&hub, 1).await, "ada@example.org", "Secrets or malware in ada/bert").clone();
    assert!(mail.contains("a.env, line 1: GitLab token"), "{mail}");
    client.commit(API, "main", &[Client::file("README.md", "# Bert")], 200).await;
    hub.jobs_done().await;
    mails(&hub, 1).await;
    let counted: (i32, i32) =
        sqlx::query_as("select issue_count, unsafe_count from repo_scans").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(counted, (206, 205));
    // A job that began with an older state neither overwrites what is kept nor tells of it.
    let mut tx = hub.app().begin().await.unwrap();
    let state = find_repo_scan(&mut *tx, 0).await.unwrap();
    assert!(state.is_none());
    let repo_pk: i64 = sqlx::query_scalar("select repo_pk from repo_scans").fetch_one(&mut *tx).await.unwrap();
    let state = find_repo_scan(&mut *tx, repo_pk).await.unwrap().unwrap();
    for since in [None, Some(state.event_pk - 1), Some(state.event_pk)] {
        let is_kept = store_repo_scan(&mut tx, repo_pk, since, &state).await.unwrap();
        assert_eq!(is_kept, since == Some(state.event_pk), "{since:?}");
    }
    drop(tx);
    hub.stop().await;
}

/// Anybody can open a pull request, and write into it what they like.
#[tokio::test]
async fn of_a_pull_request_only_who_opened_it_is_told() {
    let hub = TestHub::start().await;
    let (ada, dave) = (hub.account("ada").await, hub.account("dave").await);
    hub.sql("update users set email_confirmed_at = now()").await;
    let (ada, dave) = (hub.token(&ada, TokenRole::Write).await, hub.token(&dave, TokenRole::Write).await);
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[Client::file("README.md", "# Bert")], 200).await;
    hub.jobs_done().await;
    let secret = Client::file("a.env", &format!("x: {}0Zq8WkX2mVbT9LcPr4xA", ["glp", "at-"].concat()));
    dave.commit(API, "main?create_pr=1", &[secret], 200).await;
    hub.jobs_done().await;
    let about = |to: &str| {
        let to = format!("\r\nTo: {to}@example.org\r\n");
        outbox(&hub).iter().filter(|mail| mail.contains("Secrets or malware") && mail.contains(&to)).count()
    };
    assert_eq!((about("ada"), about("dave")), (0, 1));
    ada.post_json(&format!("{API}/discussions/1/merge"), &json!({}), 200).await;
    hub.jobs_done().await;
    assert_eq!((about("ada"), about("dave")), (1, 1));
    hub.stop().await;
}
