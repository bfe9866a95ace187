//! Migrations on a database that people have used: nothing that they have is lost, and every migration can be undone.

use std::path::Path;

use hub::db::MIGRATOR;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;
use sqlx::PgPool;

use crate::lfs::{Large, download, upload};

/// The migration `create_counters`, which made the table of likes, which are looked at here.
const MADE_LIKES: i64 = 20_261_126_110_100;

/// To which versions a database is taken back before it is upgraded: one step, two, three, seven, eleven, and so on to [`MADE_LIKES`].
/// Each migration since is undone and done again at least once; to go back to each would take a time that grows with its square.
fn earlier_versions() -> Vec<i64> {
    let ups = MIGRATOR.iter().filter(|migration| migration.migration_type.is_up_migration());
    let mut versions: Vec<i64> = ups.map(|migration| migration.version).filter(|version| *version >= MADE_LIKES).collect();
    versions.sort_unstable();
    versions.pop();
    versions.reverse();
    let oldest = versions.len() - 1;
    versions.into_iter().enumerate().filter(|(i, _)| *i < 3 || i % 4 == 2 || *i == oldest).map(|(_, version)| version).collect()
}

/// The migration `collect_packs`, which brought nonces to the names of packs in the store.
const COLLECT_PACKS: i64 = 20_261_126_200_000;

/// Before [`COLLECT_PACKS`] names of packs had no nonces.
fn take_nonces_away(packs: &Path) {
    for folder in std::fs::read_dir(packs).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_str().unwrap();
            if let [hash, _nonce, extension] = name.split('.').collect::<Vec<_>>()[..] {
                std::fs::rename(&file, file.with_file_name(format!("{hash}.{extension}"))).unwrap();
            }
        }
    }
}

/// What somebody with an account sees of what is theirs.
async fn look(ada: &Client, file: &Large) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in
        ["/api/whoami-v2", "/api/models/ada/bert", "/api/models/ada/bert/tree/main?recursive=true", "/api/datasets/ada/secret"]
    {
        let mut found = ada.get_json(path, 200).await;
        // Looking counts as well.
        found.as_object_mut().map(|found| found.remove("downloads"));
        seen.push(found);
    }
    seen.push(json!(ada.get("/ada/bert/resolve/main/README.md", 200).await.text().await.unwrap()));
    assert_eq!(download(ada, "ada/bert", file).await, file.bytes);
    seen
}

#[tokio::test]
async fn what_people_have_is_there_after_every_upgrade() {
    let mut hub = TestHub::start().await;
    let token = hub.user("ada").await.token().to_owned();
    let (ada, file) = (hub.with_token(&token), Large::of(100_000, 1));
    ada.create_repo("model", "ada/bert", false).await;
    ada.create_repo("dataset", "ada/secret", true).await;
    upload(&ada, "ada/bert", &file).await;
    let pointer = json!({ "path": "w.bin", "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
    let lines = [Client::file("README.md", "---\nlicense: mit\n---\n# Bert\n"), json!({ "key": "lfsFile", "value": pointer })];
    ada.commit("/api/models/ada/bert", "main", &lines, 200).await;
    let bob = hub.user("bob").await;
    bob.post_json("/api/models/ada/bert/like", &json!({}), 200).await;
    // One with an old name, which is deleted: what migrations do with such rows leaves it there.
    ada.create_repo("model", "ada/old", false).await;
    ada.post_json("/api/repos/move", &json!({ "fromRepo": "ada/old", "toRepo": "ada/gone", "type": "model" }), 200).await;
    ada.call(Method::DELETE, "/api/repos/delete", &json!({ "type": "model", "organization": "ada", "name": "gone" }), 200).await;
    hub.jobs_done().await;
    let before = look(&ada, &file).await;
    assert_eq!(before[1]["likes"], 1);
    let packs = hub.app().config.data_dir.join("store/git");
    for version in earlier_versions() {
        let undo = async |pool: &PgPool| {
            MIGRATOR.undo(pool, version).await.unwrap();
            if version < COLLECT_PACKS {
                take_nonces_away(&packs);
            }
        };
        hub = hub.restart_after(undo).await;
        let ada = hub.with_token(&token);
        assert_eq!(look(&ada, &file).await, before, "after the migrations since {version}");
    }
    let ada = hub.with_token(&token);
    ada.commit("/api/models/ada/bert", "main", &[Client::file("new.txt", "new")], 200).await;
    let deleted = ada.get_json("/api/settings/deleted-repos", 200).await;
    assert_eq!(deleted[0]["id"], "ada/gone", "{deleted}");
    let restore = format!("/api/deleted-repos/{}/restore", deleted[0]["_id"].as_str().unwrap());
    ada.post_json(&restore, &json!({}), 200).await;
    ada.get_json("/api/models/ada/gone/tree/main", 200).await;
    hub.stop().await;
}

/// Everything that a schema is made of, in words.
async fn describe(pool: &PgPool) -> Vec<String> {
    let sql = "
        select format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
        from information_schema.columns where table_schema = 'public' and table_name <> '_sqlx_migrations'
        union all select format('index %s', indexdef) from pg_indexes
        where schemaname = 'public' and tablename <> '_sqlx_migrations'
        union all select format('constraint %s %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
        where connamespace = 'public'::regnamespace and conrelid::regclass::text <> '_sqlx_migrations'
        union all select format('trigger %s', pg_get_triggerdef(oid)) from pg_trigger where not tgisinternal
        union all select format('function %s', pg_get_functiondef(p.oid)) from pg_proc p
        where pronamespace = 'public'::regnamespace
          and not exists (select 1 from pg_depend where objid = p.oid and deptype = 'e')
        union all select format('type %s', typname) from pg_type
        where typnamespace = 'public'::regnamespace and typtype in ('e', 'd')
        order by 1";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn every_migration_can_be_undone() {
    let hub = TestHub::start().await;
    let pool = &hub.app().pool;
    let before = describe(pool).await;
    assert!(before.len() > 100, "{before:?}");
    MIGRATOR.undo(pool, 0).await.unwrap();
    assert_eq!(describe(pool).await, Vec::<String>::new());
    MIGRATOR.run(pool).await.unwrap();
    assert_eq!(describe(pool).await, before);
    hub.stop().await;
}
