//! Deleted, moved, hidden and gated repositories.

use hub::accounts::{OrgRole, TokenRole};
use hub::admin::fsck;
use hub::gc::{self, Limits, Mode};
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use super::{API, age, changes, delete_repo, ref_of, start, undo_last};
use crate::lfs::{Large, upload};
use crate::work::Work;
use crate::xet::client::{Packed, random};

async fn deleted(client: &Client) -> Vec<Value> {
    client.get_json("/api/settings/deleted-repos", 200).await.as_array().unwrap().clone()
}

async fn restore(client: &Client, id: &Value, body: Value, status: u16) -> Value {
    client.post_json(&format!("/api/deleted-repos/{}/restore", id.as_str().unwrap()), &body, status).await
}

/// Everything of the model that somebody can see.
async fn look(client: &Client) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in ["", "/tree/main?recursive=true", "/refs", "/commits/main", "/likers", "/discussions"] {
        let mut found = client.get_json(&format!("{API}{path}"), 200).await;
        found.as_object_mut().map(|found| found.remove("downloads"));
        seen.push(found);
    }
    seen
}

#[tokio::test]
async fn a_deleted_repository_comes_back_with_all_that_it_had() {
    let (hub, ada) = start().await;
    let (large, packed) = (Large::of(200_000, 1), Packed::new(random(300_000, 2), 8));
    upload(&ada, "ada/bert", &large).await;
    let pointer = json!({ "path": "w.bin", "algo": "sha256", "oid": large.oid, "size": large.bytes.len() });
    let card = Client::file("README.md", "---\nlicense: mit\n---\n# Bert\n");
    ada.commit(API, "main", &[card, json!({ "key": "lfsFile", "value": pointer })], 200).await;
    packed.upload(&ada, "ada/bert", "x.bin").await;
    ada.post_json("/api/repos/move", &json!({ "fromRepo": "ada/bert", "toRepo": "ada/bert2", "type": "model" }), 200).await;
    ada.post_json("/api/repos/move", &json!({ "fromRepo": "ada/bert2", "toRepo": "ada/bert", "type": "model" }), 200).await;
    let bob = hub.user("bob").await;
    bob.post_json(&format!("{API}/like"), &json!({}), 200).await;
    bob.post_json(&format!("{API}/discussions"), &json!({ "title": "A question", "description": "" }), 200).await;
    hub.jobs_done().await;
    let before = look(&ada).await;

    delete_repo(&ada, "ada", "bert").await;
    for path in [API.to_owned(), "/ada/bert/resolve/main/w.bin".to_owned(), "/api/models/ada/bert2".to_owned()] {
        ada.get(&path, 404).await;
    }
    assert_eq!(ada.get_json("/api/models?author=ada", 200).await, json!([]));
    // Collection goes by every day.
    for _ in 0..3 {
        gc::collect(hub.app(), Limits::of(&hub.app().config), Mode::Real).await.unwrap().unwrap();
        age(&hub, 9).await;
        sqlx::query("update xet_xorbs set lease_until = now()").execute(&hub.app().pool).await.unwrap();
        sqlx::query("update lfs_objects set condemned_at = condemned_at - interval '9 days'")
            .execute(&hub.app().pool)
            .await
            .unwrap();
    }
    let listed = deleted(&ada).await;
    assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["deletedBy"]), (1, &json!("ada/bert"), &json!("ada")));
    let restored = restore(&ada, &listed[0]["_id"], json!({}), 200).await;
    assert_eq!((&restored["id"], &restored["url"]), (&json!("ada/bert"), &json!(ada.url("/ada/bert"))));
    assert_eq!(look(&ada).await, before);
    for (path, bytes) in [("w.bin", &large.bytes), ("x.bin", &packed.file.bytes)] {
        let read = ada.get(&format!("/ada/bert/resolve/main/{path}"), 200).await.bytes().await.unwrap();
        assert!(read == *bytes, "{path}");
    }
    ada.get("/api/models/ada/bert2", 307).await;
    assert_eq!(Work::clone(&ada, "/ada/bert").await.git(&["log", "--oneline"]).await.lines().count(), 3);
    hub.indexed().await;
    assert_eq!(ada.get_json("/api/models?search=bert", 200).await[0]["id"], "ada/bert");
    assert_eq!(deleted(&ada).await, Vec::<Value>::new());
    restore(&ada, &listed[0]["_id"], json!({}), 404).await;
    let kinds: Vec<Value> = changes(&ada, API).await.iter().map(|change| change["kind"].clone()).collect();
    assert_eq!(kinds, ["restore_repo", "delete_repo", "move_repo", "move_repo"]);

    // The undo can be undone.
    let undone = undo_last(&ada, API, json!({}), 200).await;
    assert_eq!(undone["id"], Value::Null);
    ada.get(API, 404).await;
    restore(&ada, &listed[0]["_id"], json!({}), 200).await;
    let mut problems = Vec::new();
    fsck::check(hub.app(), None, fsck::Depth::Bytes, |problem| problems.push(problem)).await.unwrap();
    assert_eq!(problems, Vec::<String>::new());
    hub.stop().await;
}

#[tokio::test]
async fn after_its_time_a_deleted_repository_is_gone_for_good() {
    let (hub, ada) = start().await;
    delete_repo(&ada, "ada", "bert").await;
    let id = deleted(&ada).await[0]["_id"].clone();
    age(&hub, 31).await;
    assert_eq!(deleted(&ada).await, Vec::<Value>::new());
    restore(&ada, &id, json!({}), 404).await;
    gc::collect(hub.app(), Limits::of(&hub.app().config), Mode::Real).await.unwrap().unwrap();
    for table in ["refs", "repo_packs"] {
        assert_eq!(hub.count(table).await, 0, "{table}");
    }
    // Though the setting be raised.
    sqlx::query("update repos set deleted_at = now()").execute(&hub.app().pool).await.unwrap();
    restore(&ada, &id, json!({}), 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn webhooks_are_not_told_of_what_goes_with_a_repository_that_is_gone_for_good() {
    let (hub, ada) = start().await;
    ada.post_json(&format!("{API}/discussions"), &json!({ "title": "A question", "description": "" }), 200).await;
    delete_repo(&ada, "ada", "bert").await;
    hub.jobs_done().await;
    age(&hub, 31).await;
    let pool = &hub.app().pool;
    let webhook = "insert into webhooks (user_pk, url, domains)
                   select namespace_pk, 'https://example.org/', '{repo,discussion}' from namespaces where name = 'ada'";
    sqlx::query(webhook).execute(pool).await.unwrap();
    gc::collect(hub.app(), Limits::of(&hub.app().config), Mode::Real).await.unwrap().unwrap();
    assert_eq!(hub.count("discussions").await, 0);
    // Rows of it do not stay, numbers do.
    let noted: bool = sqlx::query_scalar("select is_called from webhook_changes_change_pk_seq").fetch_one(pool).await.unwrap();
    assert!(!noted, "something was noted for webhooks");
    hub.stop().await;
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_and_another_one_works() {
    let (hub, ada) = start().await;
    let head = ref_of(&ada, "refs/heads/main").await;
    delete_repo(&ada, "ada", "bert").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[Client::file("new", "1")], 200).await;
    let id = deleted(&ada).await[0]["_id"].clone();
    let refused = restore(&ada, &id, json!({}), 409).await;
    assert!(refused["error"].as_str().unwrap().contains("There is another ada/bert now"), "{refused}");
    restore(&ada, &id, json!({ "name": "a..b" }), 400).await;
    restore(&ada, &id, json!({ "name": refused["restoreAs"] }), 200).await;
    let back = ada.get_json("/api/models/ada/bert-restored", 200).await;
    assert_eq!(back["sha"].as_str(), head.as_deref());
    assert_ne!(ref_of(&ada, "refs/heads/main").await, head);
    hub.stop().await;
}

#[tokio::test]
async fn moves_and_settings_are_taken_back() {
    let (hub, ada) = start().await;
    let user = hub.account("grace").await;
    hub.organization("acme", &[(&user, OrgRole::Admin)]).await;
    let grace = hub.token(&user, TokenRole::Write).await;
    let to = |from: &str, to: &str| json!({ "fromRepo": from, "toRepo": to, "type": "model" });
    ada.post_json("/api/repos/move", &to("ada/bert", "ada/berta"), 200).await;
    undo_last(&ada, "/api/models/ada/berta", json!({}), 200).await;
    ada.get_json(API, 200).await;
    ada.get("/api/models/ada/berta", 307).await;

    for (change, wanted) in [
        (json!({ "private": true }), json!([false, false])),
        (json!({ "gated": "manual" }), json!([false, false])),
        (json!({ "private": true, "gated": "auto" }), json!([false, false])),
    ] {
        ada.call(Method::PUT, &format!("{API}/settings"), &change, 200).await;
        undo_last(&ada, API, json!({}), 200).await;
        let model = ada.get_json(API, 200).await;
        assert_eq!(json!([model["private"], model["gated"]]), wanted, "{change}");
    }
    let count = changes(&ada, API).await.len();
    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "private": false }), 200).await;
    assert_eq!(changes(&ada, API).await.len(), count, "nothing changed");

    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "private": true }), 200).await;
    let hidden = changes(&ada, API).await[0]["id"].clone();
    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "gated": "auto" }), 200).await;
    let refused = ada.post_json(&format!("{API}/changes/{hidden}/undo"), &json!({}), 409).await;
    assert!(refused["error"].as_str().unwrap().contains("changed again since"), "{refused}");

    // To an organisation: who has it now may not put it into ada's namespace again.
    grace.create_repo("model", "acme/gpt", false).await;
    grace.post_json("/api/repos/move", &to("acme/gpt", "grace/gpt"), 200).await;
    ada.get_json("/api/models/grace/gpt/changes", 200).await; // ada runs the hub
    hub.user("eve").await.get("/api/models/grace/gpt/changes", 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn only_admins_see_and_restore_what_was_deleted() {
    let (hub, ada) = start().await;
    let people = [("read", OrgRole::Read), ("con", OrgRole::Contributor), ("write", OrgRole::Write), ("adm", OrgRole::Admin)];
    let mut members = Vec::new();
    for (name, role) in people {
        members.push((hub.account(name).await, role));
    }
    hub.organization("acme", &members.iter().map(|(user, role)| (user, *role)).collect::<Vec<_>>()).await;
    let admin = hub.token(&members[3].0, TokenRole::Write).await;
    admin.create_repo("model", "acme/gpt", false).await;
    delete_repo(&admin, "acme", "gpt").await;
    let id = deleted(&admin).await[0]["_id"].clone();
    for (user, role) in &members[..3] {
        let client = hub.token(user, TokenRole::Write).await;
        assert_eq!(deleted(&client).await, Vec::<Value>::new(), "{role:?}");
        restore(&client, &id, json!({}), 403).await;
    }
    restore(&hub.user("eve").await, &id, json!({}), 404).await;
    restore(&hub.anonymous(), &id, json!({}), 401).await;
    let reading = hub.token(&members[3].0, TokenRole::Read).await;
    assert_eq!(deleted(&reading).await.len(), 1);
    restore(&reading, &id, json!({}), 403).await;
    let elsewhere = json!({ "scoped": [{ "entity": { "type": "user", "name": "adm" }, "permissions": ["repo.write"] }] });
    let elsewhere = hub.scoped_token(&members[3].0, TokenRole::FineGrained, elsewhere).await;
    assert_eq!(deleted(&elsewhere).await, Vec::<Value>::new());
    restore(&elsewhere, &id, json!({}), 404).await;
    restore(&ada, &json!("no-such-id"), json!({}), 404).await;
    restore(&admin, &id, json!({}), 200).await;

    // Contributors have what they made themselves.
    let contributor = hub.token(&members[1].0, TokenRole::Write).await;
    contributor.create_repo("model", "acme/own", false).await;
    delete_repo(&contributor, "acme", "own").await;
    let own = deleted(&contributor).await;
    assert_eq!(own.len(), 1);
    restore(&contributor, &own[0]["_id"], json!({}), 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn two_who_undo_at_once_do_it_once() {
    let (hub, ada) = start().await;
    delete_repo(&ada, "ada", "bert").await;
    let id = deleted(&ada).await[0]["_id"].clone();
    let path = format!("/api/deleted-repos/{}/restore", id.as_str().unwrap());
    let ask = async || ada.request(Method::POST, &path).json(&json!({})).send().await.unwrap().status().as_u16();
    let mut answers = [0; 2];
    (answers[0], answers[1]) = tokio::join!(ask(), ask());
    answers.sort_unstable();
    assert!(answers[0] == 200 && matches!(answers[1], 404 | 409), "{answers:?}");
    assert_eq!(changes(&ada, API).await.len(), 2);
    hub.stop().await;
}

#[tokio::test]
async fn a_deleted_bucket_comes_back() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.post_json("/api/buckets/ada/box", &json!({}), 200).await;
    let before = ada.get_json("/api/buckets/ada/box", 200).await;
    ada.call(Method::DELETE, "/api/buckets/ada/box", &json!({}), 200).await;
    ada.get("/api/buckets/ada/box", 404).await;
    restore(&ada, &deleted(&ada).await[0]["_id"], json!({}), 200).await;
    assert_eq!(ada.get_json("/api/buckets/ada/box", 200).await, before);
    hub.stop().await;
}

/// Sends a file of 300 kB in chunks and puts it into a bucket.
async fn fill(hub: &TestHub, ada: &Client, bucket: &str, seed: u64) {
    let packed = Packed::new(random(300_000, seed), 8);
    let access = ada.get_json(&format!("/api/buckets/{bucket}/xet-write-token"), 200).await;
    packed.send(&hub.with_token(access["accessToken"].as_str().unwrap())).await;
    let line = json!({ "type": "addFile", "path": "w.bin", "xetHash": packed.entry.hash });
    ada.send(ada.request(Method::POST, &format!("/api/buckets/{bucket}/batch")).body(line.to_string()), 200).await;
}

#[tokio::test]
async fn an_owner_without_room_gets_no_bucket_back_and_none_by_a_move() {
    let hub = TestHub::start_with(|config| config.owner_buckets_limit_bytes = Some(500_000)).await;
    let user = hub.account("ada").await;
    hub.organization("acme", &[(&user, OrgRole::Admin)]).await;
    let ada = hub.token(&user, TokenRole::Write).await;
    for (seed, bucket) in [(1, "ada/one"), (2, "ada/two"), (3, "acme/three")] {
        ada.post_json(&format!("/api/buckets/{bucket}"), &json!({}), 200).await;
        fill(&hub, &ada, bucket, seed).await;
        if bucket == "ada/one" {
            ada.call(Method::DELETE, "/api/buckets/ada/one", &json!({}), 200).await;
        }
    }
    let id = deleted(&ada).await[0]["_id"].clone();
    let refused = restore(&ada, &id, json!({}), 413).await;
    let sentence = refused["error"].as_str().unwrap();
    assert!(sentence.contains("buckets of ada would hold 600 kB together") && sentence.contains("hold 300 kB now"), "{sentence}");
    let to = |from: &str, to: &str| json!({ "fromRepo": from, "toRepo": to, "type": "bucket" });
    ada.post_json("/api/repos/move", &to("acme/three", "ada/three"), 413).await;
    ada.post_json("/api/repos/move", &to("ada/two", "ada/renamed"), 200).await;
    ada.get("/api/buckets/acme/three", 200).await;

    ada.call(Method::DELETE, "/api/buckets/ada/renamed", &json!({}), 200).await;
    restore(&ada, &id, json!({}), 200).await;
    ada.get("/api/buckets/ada/one", 200).await;
    hub.stop().await;
}
