//! Garbage collection: on its rules alone ([`model`]), beside everything else ([`storm`]), and case by case.

mod model;
mod orphans;
mod packs;
mod storm;

use std::time::Duration;

use futures::TryStreamExt as _;
use hub::admin::fsck;
use hub::gc::{self, Amount, Item, Limits, Mode, Report};
use hub::repos::queries as repo_queries;
use hub::repos::refs::{RefChange, RefError, apply_ref_updates};
use hub_storage::StorageKey;
use hub_tests::{Client, TestHub, Value, json};
use hub_types::RepoType;
use reqwest::Method;

use crate::lfs::{Large, upload};
use crate::xet::client::{Packed, random, write_token};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Nothing is spared for being young.
const AT_ONCE: Limits =
    Limits { unused: Duration::ZERO, undelete: Duration::ZERO, quarantine: Duration::ZERO, plain: None, many_orphans: false };

async fn start() -> (TestHub, Client) {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    (hub, ada)
}

async fn run(hub: &TestHub, limits: Limits) -> Report {
    gc::collect(hub.app(), limits, Mode::Real).await.unwrap().expect("no other run is under way")
}

fn line(path: &str, file: &Large) -> Value {
    let value = json!({ "path": path, "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
    json!({ "key": "lfsFile", "value": value })
}

async fn commit(client: &Client, repo: &str, path: &str, file: &Large) -> String {
    let done = client.commit(&format!("/api/models/{repo}"), "main", &[line(path, file)], 200).await;
    done["commitOid"].as_str().unwrap().to_owned()
}

async fn delete_file(client: &Client, repo: &str, path: &str) {
    let line = json!({ "key": "deletedFile", "value": { "path": path } });
    client.commit(&format!("/api/models/{repo}"), "main", &[line], 200).await;
}

async fn squash(client: &Client, repo: &str) {
    client.post_json(&format!("/api/models/{repo}/super-squash/main"), &json!({}), 200).await;
}

async fn delete_repo(client: &Client, name: &str) {
    let body = json!({ "type": "model", "organization": "ada", "name": name });
    client.call(Method::DELETE, "/api/repos/delete", &body, 200).await;
}

async fn download(client: &Client, repo: &str, path: &str) -> Vec<u8> {
    client.get(&format!("/{repo}/resolve/main/{path}"), 200).await.bytes().await.unwrap().to_vec()
}

/// What large files and chunks have in the store.
async fn stored(hub: &TestHub) -> Vec<String> {
    let mut keys = Vec::new();
    for folder in [StorageKey::LFS, StorageKey::XORBS] {
        let mut objects = hub.app().store.list(folder);
        while let Some(object) = objects.try_next().await.unwrap() {
            keys.push(object.key.as_str().to_owned());
        }
    }
    keys.sort();
    keys
}

async fn expire_leases(hub: &TestHub) {
    sqlx::query("update xet_xorbs set lease_until = now()").execute(&hub.app().pool).await.unwrap();
}

async fn count(hub: &TestHub, table: &'static str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(&hub.app().pool).await.unwrap()
}

async fn assert_sound(hub: &TestHub) {
    let mut problems = Vec::new();
    fsck::check(hub.app(), None, fsck::Depth::Bytes, |problem| problems.push(problem)).await.unwrap();
    assert_eq!(problems, Vec::<String>::new());
}

#[tokio::test]
async fn gc_removes_what_was_never_committed_and_keeps_what_was() {
    let (hub, ada) = start().await;
    let (kept, loose) = (Large::of(200_000, 1), Large::of(150_000, 2));
    upload(&ada, "ada/bert", &kept).await;
    upload(&ada, "ada/bert", &loose).await;
    commit(&ada, "ada/bert", "w.bin", &kept).await;
    hub.jobs_done().await;
    let first = run(&hub, AT_ONCE).await;
    assert_eq!(first.get(Item::Unused), Amount { count: 1, bytes: 150_000 });
    assert_eq!(first.get(Item::CondemnedFiles).count, 1);
    for _ in 0..3 {
        expire_leases(&hub).await;
        run(&hub, AT_ONCE).await;
    }
    assert_eq!(count(&hub, "lfs_objects").await, 1);
    assert_eq!(count(&hub, "doomed_objects").await, 0);
    let left = stored(&hub).await;
    assert_eq!(left.iter().filter(|key| key.contains(&kept.oid)).count(), 1, "{left:?}");
    assert!(!left.iter().any(|key| key.contains(&loose.oid)), "{left:?}");
    assert_eq!(left.len() as i64, 1 + 2 * count(&hub, "xet_xorbs").await, "{left:?}");
    assert_eq!(download(&ada, "ada/bert", "w.bin").await, kept.bytes);
    assert_sound(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn gc_waits_as_long_as_it_is_told() {
    let (hub, ada) = start().await;
    let loose = Large::of(1000, 1);
    upload(&ada, "ada/bert", &loose).await;
    hub.jobs_done().await;
    let report = run(&hub, Limits { unused: DAY * 7, ..AT_ONCE }).await;
    assert_eq!(report, Report::default(), "an upload may be committed for seven days");
    let patient = Limits { quarantine: DAY * 3, ..AT_ONCE };
    assert_eq!(run(&hub, patient).await.get(Item::CondemnedFiles).count, 1);
    let second = run(&hub, patient).await;
    assert_eq!((second.get(Item::SweptFiles).count, second.get(Item::WaitingFiles).count), (0, 1));
    assert!(stored(&hub).await.iter().any(|key| key.contains(&loose.oid)));

    // Who is told in time that a file need not be sent may commit it.
    upload(&ada, "ada/bert", &loose).await;
    let old = "update repo_lfs_objects set wanted_at = now() - interval '8 days'";
    sqlx::query(old).execute(&hub.app().pool).await.unwrap();
    upload(&ada, "ada/bert", &loose).await;
    assert_eq!(run(&hub, Limits { unused: DAY * 7, ..patient }).await, Report::default());
    commit(&ada, "ada/bert", "w.bin", &loose).await;
    hub.stop().await;
}

#[tokio::test]
async fn gc_gives_back_a_file_that_is_sent_again_during_quarantine() {
    let (hub, ada) = start().await;
    let patient = Limits { quarantine: DAY * 3, ..AT_ONCE };
    let file = Large::of(100_000, 3);
    upload(&ada, "ada/bert", &file).await;
    commit(&ada, "ada/bert", "w.bin", &file).await;
    hub.jobs_done().await;
    delete_file(&ada, "ada/bert", "w.bin").await;
    assert_eq!(run(&hub, patient).await, Report::default(), "the history names it");
    squash(&ada, "ada/bert").await;
    assert_eq!(run(&hub, patient).await.get(Item::Unused).count, 1);
    let refused = ada.commit("/api/models/ada/bert", "main", &[line("w.bin", &file)], 422).await;
    assert!(refused["error"].as_str().unwrap().contains("has not been uploaded"), "{refused}");
    let before = stored(&hub).await;
    upload(&ada, "ada/bert", &file).await;
    assert_eq!(stored(&hub).await, before, "what was sent again is kept once");
    commit(&ada, "ada/bert", "w.bin", &file).await;
    assert_eq!(run(&hub, AT_ONCE).await.get(Item::SweptFiles).count, 0);
    assert_eq!(download(&ada, "ada/bert", "w.bin").await, file.bytes);
    assert_sound(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn gc_trusts_no_row_in_quarantine_whose_bytes_are_gone() {
    let (hub, ada) = start().await;
    let file = Large::of(100_000, 3);
    upload(&ada, "ada/bert", &file).await;
    hub.jobs_done().await;
    run(&hub, Limits { quarantine: DAY * 3, ..AT_ONCE }).await;
    // As after a restore of a database that is older than the store.
    for key in stored(&hub).await.into_iter().filter(|key| key.contains(&file.oid)) {
        std::fs::remove_file(hub.app().config.data_dir.join("store").join(key)).unwrap();
    }
    upload(&ada, "ada/bert", &file).await;
    commit(&ada, "ada/bert", "w.bin", &file).await;
    assert_eq!(download(&ada, "ada/bert", "w.bin").await, file.bytes);
    assert_sound(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_xorb_that_is_sent_again_is_whole_again() {
    let (hub, ada) = start().await;
    let packed = Packed::new(random(900_000, 4), 4);
    packed.upload(&ada, "ada/bert", "w.bin").await;
    let cas = write_token(&ada, "ada/bert").await;
    let xorb = &packed.xorbs[1];
    let hash = xorb.hash().to_hex();
    let lose = async |what: fn(&str) -> bool| {
        for key in stored(&hub).await.into_iter().filter(|key| key.contains(&hash) && what(key)) {
            std::fs::remove_file(hub.app().config.data_dir.join("store").join(key)).unwrap();
        }
    };
    let is_meta = |key: &str| key.ends_with(".meta");
    let cases: [fn(&str) -> bool; 3] = [|key| !key.ends_with(".meta"), is_meta, |_| true];
    for lost in cases {
        assert!(xorb.is_known(&cas).await);
        lose(lost).await;
        assert!(!xorb.is_known(&cas).await, "it is to come again");
        let sent = futures::future::join_all((0..3).map(|_| xorb.send(&cas, 200))).await;
        assert_eq!(sent.iter().filter(|answer| answer["was_inserted"] == true).count(), 1, "{sent:?}");
        assert!(xorb.is_known(&cas).await);
        assert_eq!(xorb.send(&cas, 200).await["was_inserted"], false);
        assert_eq!(download(&ada, "ada/bert", "w.bin").await, packed.file.bytes);
        assert_sound(&hub).await;
    }
    // One that waits for its end in quarantine is as good.
    sqlx::query("update xet_xorbs set condemned_at = now() - interval '1 day'").execute(&hub.app().pool).await.unwrap();
    lose(|_| true).await;
    xorb.send(&cas, 200).await;
    expire_leases(&hub).await;
    run(&hub, AT_ONCE).await;
    assert_eq!(download(&ada, "ada/bert", "w.bin").await, packed.file.bytes);
    assert_sound(&hub).await;

    // The same file may come in other xorbs, and lies in them while the first are lost.
    lose(|_| true).await;
    let other = Packed::new(packed.file.bytes.clone(), 3);
    assert_eq!(other.entry.hash, packed.entry.hash);
    other.send(&cas).await;
    assert_eq!(download(&ada, "ada/bert", "w.bin").await, packed.file.bytes);
    packed.send(&cas).await;
    assert_eq!(download(&ada, "ada/bert", "w.bin").await, packed.file.bytes);
    assert_sound(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn gc_keeps_what_another_repository_has() {
    let (hub, ada) = start().await;
    ada.create_repo("model", "ada/copy", false).await;
    let file = Large::of(100_000, 4);
    upload(&ada, "ada/bert", &file).await;
    commit(&ada, "ada/bert", "w.bin", &file).await;
    upload(&ada, "ada/copy", &file).await;
    commit(&ada, "ada/copy", "w.bin", &file).await;
    hub.jobs_done().await;
    delete_repo(&ada, "bert").await;
    let undeletable = Limits { undelete: DAY * 30, ..AT_ONCE };
    assert_eq!(run(&hub, undeletable).await, Report::default());
    assert_eq!(run(&hub, AT_ONCE).await.get(Item::OfDeleted), Amount { count: 1, bytes: 100_000 });
    run(&hub, AT_ONCE).await;
    assert_eq!(download(&ada, "ada/copy", "w.bin").await, file.bytes);
    delete_repo(&ada, "copy").await;
    for _ in 0..4 {
        run(&hub, AT_ONCE).await;
        expire_leases(&hub).await;
    }
    assert_eq!(stored(&hub).await, Vec::<String>::new());
    hub.stop().await;
}

#[tokio::test]
async fn gc_changes_nothing_in_a_dry_run() {
    let (hub, ada) = start().await;
    ada.create_repo("model", "ada/gone", false).await;
    for (seed, repo) in [(5, "ada/bert"), (6, "ada/gone")] {
        upload(&ada, repo, &Large::of(50_000, seed)).await;
    }
    hub.jobs_done().await;
    delete_repo(&ada, "gone").await;
    let dump = "select jsonb_build_array((select jsonb_agg(l) from repo_lfs_objects l), (select jsonb_agg(o) from lfs_objects o),
                (select jsonb_agg(x) from xet_xorbs x), (select jsonb_agg(r) from repos r), (select count(*) from gc_runs))";
    let rows = async || sqlx::query_scalar::<_, Value>(dump).fetch_one(&hub.app().pool).await.unwrap();
    expire_leases(&hub).await;
    let before = (rows().await, stored(&hub).await);
    let limits = Limits { plain: Some(Duration::ZERO), ..AT_ONCE };
    let report = gc::collect(hub.app(), limits, Mode::DryRun).await.unwrap().unwrap();
    assert_eq!((rows().await, stored(&hub).await), before);
    for item in [Item::Unused, Item::OfDeleted] {
        assert_eq!(report.get(item), Amount { count: 1, bytes: 50_000 }, "{}", report.table());
    }
    assert_eq!(report.get(Item::PlainCopies).count, 2);
    hub.stop().await;
}

#[tokio::test]
async fn gc_drops_whole_copies_of_files_in_chunks() {
    let (hub, ada) = start().await;
    let file = Large::of(300_000, 7);
    upload(&ada, "ada/bert", &file).await;
    commit(&ada, "ada/bert", "w.bin", &file).await;
    hub.jobs_done().await;
    let limits = Limits { plain: Some(Duration::ZERO), quarantine: DAY, ..AT_ONCE };
    assert_eq!(run(&hub, Limits { plain: Some(DAY), ..limits }).await, Report::default());
    let report = run(&hub, limits).await;
    assert_eq!((report.get(Item::PlainCopies).count, report.get(Item::WaitingObjects).count), (1, 1));
    assert!(stored(&hub).await.iter().any(|key| key.contains(&file.oid)), "addresses of it may be in use");
    assert_eq!(download(&ada, "ada/bert", "w.bin").await, file.bytes);
    sqlx::query("update doomed_objects set not_before = now()").execute(&hub.app().pool).await.unwrap();
    assert_eq!(run(&hub, limits).await.get(Item::Deleted), Amount { count: 1, bytes: 300_000 });
    assert!(!stored(&hub).await.iter().any(|key| key.contains(&file.oid)));
    // What this node remembers of where it lay is no longer so.
    assert_eq!(download(&ada, "ada/bert", "w.bin").await, file.bytes);
    assert_sound(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn gc_runs_once_at_a_time_and_once_a_day() {
    let (hub, _ada) = start().await;
    let mut turn = hub.app().begin().await.unwrap();
    assert!(hub::db::try_lock(&mut turn, hub::db::LockKey::CollectGarbage).await.unwrap());
    assert!(gc::collect(hub.app(), AT_ONCE, Mode::Real).await.unwrap().is_none());
    turn.rollback().await.unwrap();
    for _ in 0..3 {
        gc::collect_daily(hub.app()).await.unwrap();
        let asked = std::time::Instant::now();
        while count(&hub, "gc_runs").await == 0 {
            assert!(asked.elapsed().as_secs() < 60, "the run never came");
        }
    }
    assert_eq!(count(&hub, "gc_runs").await, 1);
    hub.stop().await;
}

#[tokio::test]
async fn gc_outdates_what_was_prepared_before_it() {
    let (hub, ada) = start().await;
    let find = async || repo_queries::find_repo(&hub.app().pool, RepoType::Model, "ada", "bert").await.unwrap().unwrap();
    let prepare = |repo| RefChange { repo, actor_pk: None, kind: "push", updates: vec![], packs: vec![], metadata: None };
    upload(&ada, "ada/bert", &Large::of(10, 1)).await;
    let before = find().await;
    apply_ref_updates(hub.app(), prepare(&before)).await.unwrap();
    assert_eq!(run(&hub, AT_ONCE).await.get(Item::Unused).count, 1);
    let refused = apply_ref_updates(hub.app(), prepare(&before)).await.unwrap_err();
    assert!(matches!(refused, RefError::Outdated), "{refused:?}");
    apply_ref_updates(hub.app(), prepare(&find().await)).await.unwrap();
    hub.stop().await;
}

#[tokio::test]
async fn gc_leaves_no_way_to_name_what_is_gone() {
    let (hub, ada) = start().await;
    let file = Large::of(10_000, 8);
    upload(&ada, "ada/bert", &file).await;
    let old = commit(&ada, "ada/bert", "w.bin", &file).await;
    delete_file(&ada, "ada/bert", "w.bin").await;
    squash(&ada, "ada/bert").await;
    let body = json!({ "startingPoint": old });
    ada.post_json("/api/models/ada/bert/branch/rescued", &body, 200).await;
    assert_eq!(run(&hub, AT_ONCE).await.get(Item::Unused).count, 0, "a branch leads there again");
    ada.call(Method::DELETE, "/api/models/ada/bert/branch/rescued", &Value::Null, 200).await;
    assert_eq!(run(&hub, AT_ONCE).await.get(Item::Unused).count, 1);
    ada.post_json("/api/models/ada/bert/branch/late", &body, 409).await;
    ada.post_json(&format!("/api/models/ada/bert/tag/{old}"), &json!({ "tag": "v1" }), 409).await;
    upload(&ada, "ada/bert", &file).await;
    ada.post_json("/api/models/ada/bert/branch/late", &body, 200).await;
    assert_sound(&hub).await;
    hub.stop().await;
}

/// Sends lines to a bucket in one batch.
async fn batch(client: &Client, bucket: &str, lines: &[Value]) {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let request = client.request(Method::POST, &format!("/api/buckets/{bucket}/batch"));
    client.send(request.header("Content-Type", "application/x-ndjson").body(body), 200).await;
}

#[tokio::test]
async fn files_of_a_bucket_stay_and_what_was_deleted_from_it_goes() {
    let (hub, ada) = start().await;
    ada.post_json("/api/buckets/ada/box", &json!({}), 200).await;
    let token = ada.get_json("/api/buckets/ada/box/xet-write-token", 200).await;
    let cas = hub.with_token(token["accessToken"].as_str().unwrap());
    let (kept, gone) = (Packed::new(random(300_000, 1), 8), Packed::new(random(300_000, 2), 8));
    for (path, packed) in [("kept.bin", &kept), ("gone.bin", &gone)] {
        packed.send(&cas).await;
        let line = json!({ "type": "addFile", "path": path, "xetHash": packed.entry.hash, "mtime": 1_700_000_000_000_u64 });
        batch(&ada, "ada/box", &[line]).await;
    }
    batch(&ada, "ada/box", &[json!({ "type": "deleteFile", "path": "gone.bin" })]).await;
    let before = stored(&hub).await.len();
    for _ in 0..5 {
        expire_leases(&hub).await;
        run(&hub, AT_ONCE).await;
    }
    let read = ada.get("/buckets/ada/box/resolve/kept.bin", 200).await.bytes().await.unwrap();
    assert!(read == kept.file.bytes);
    assert_eq!(stored(&hub).await.len(), before / 2, "one of two files of one size is gone");
    ada.call(Method::DELETE, "/api/buckets/ada/box", &json!({}), 200).await;
    for _ in 0..5 {
        expire_leases(&hub).await;
        run(&hub, AT_ONCE).await;
    }
    assert!(stored(&hub).await.is_empty(), "and with the bucket the other");
    hub.stop().await;
}
