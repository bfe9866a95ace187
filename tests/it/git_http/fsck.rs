use hub::admin::fsck::{Depth, Tally, check};
use hub_tests::TestHub;

use super::{scratch_is_empty, start};
use crate::work::Work;

async fn problems(hub: &TestHub, depth: Depth) -> (Tally, Vec<String>) {
    let mut told = Vec::new();
    let tally = check(hub.app(), None, depth, |line| told.push(line)).await.unwrap();
    (tally, told)
}

/// All files below the store's folder with this ending.
fn stored(hub: &TestHub, folder: &str, ending: &str) -> Vec<std::path::PathBuf> {
    let mut folders = vec![hub.app().config.data_dir.join("store").join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found
}

async fn with_large_file() -> (TestHub, Work) {
    let (hub, _, work) = start().await;
    work.git(&["lfs", "install", "--local"]).await;
    work.git(&["lfs", "track", "*.weights"]).await;
    work.commit("model.weights", &[7; 100_000]).await;
    work.git(&["push", "-q", "origin", "HEAD:main", "HEAD:refs/tags/v1"]).await;
    (hub, work)
}

#[tokio::test]
async fn a_sound_hub_has_no_problems() {
    let (hub, _) = with_large_file().await;
    assert_eq!(problems(&hub, Depth::Bytes).await, (Tally { repos: 1, ..Tally::default() }, vec![]));
    let one = check(hub.app(), Some("Ada/bert"), Depth::Sizes, |_| {}).await.unwrap();
    assert_eq!(one, Tally { repos: 1, ..Tally::default() });
    assert!(check(hub.app(), Some("ada/none"), Depth::Sizes, |_| {}).await.is_err());
    scratch_is_empty(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_lost_pack_is_found_although_the_cache_has_it() {
    let (hub, work) = with_large_file().await;
    Work::clone(&hub.anonymous(), "/ada/bert").await;
    std::fs::remove_file(&stored(&hub, "git", ".pack")[0]).unwrap();
    let (tally, told) = problems(&hub, Depth::Sizes).await;
    assert!(tally.problems > 0 && told[0].starts_with("models/ada/bert: `git/"), "{told:?}");
    let _ = work;
    hub.stop().await;
}

#[tokio::test]
async fn a_damaged_pack_is_found() {
    let (hub, _) = with_large_file().await;
    for pack in stored(&hub, "git", ".pack") {
        let mut bytes = std::fs::read(&pack).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        // Not in place: the cache may share the file.
        std::fs::remove_file(&pack).unwrap();
        std::fs::write(&pack, bytes).unwrap();
    }
    let (tally, told) = problems(&hub, Depth::Sizes).await;
    assert!(tally.problems > 0, "{told:?}");
    hub.stop().await;
}

#[tokio::test]
async fn a_ref_to_nowhere_is_found() {
    let (hub, _) = with_large_file().await;
    let sql =
        "insert into refs (repo_pk, name, oid) select repo_pk, 'refs/heads/lost', decode(repeat('ab', 20), 'hex') from repos";
    sqlx::query(sql).execute(&hub.app().pool).await.unwrap();
    let (tally, told) = problems(&hub, Depth::Sizes).await;
    assert!(tally.problems > 0 && told.join("\n").contains("abababab"), "{told:?}");
    hub.stop().await;
}

#[tokio::test]
async fn lost_and_damaged_large_files_are_found() {
    let (hub, _) = with_large_file().await;
    let file = stored(&hub, "lfs", "").remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[5] ^= 1;
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(problems(&hub, Depth::Sizes).await.0.problems, 0);
    let (tally, told) = problems(&hub, Depth::Bytes).await;
    assert!(tally.problems == 1 && told[0].contains("`model.weights`") && told[0].contains("damaged"), "{told:?}");
    std::fs::remove_file(&file).unwrap();
    let (_, told) = problems(&hub, Depth::Sizes).await;
    assert!(told[0].contains("is not in the store"), "{told:?}");
    sqlx::query("delete from repo_lfs_objects").execute(&hub.app().pool).await.unwrap();
    let (_, told) = problems(&hub, Depth::Sizes).await;
    assert!(told[0].contains("does not hold"), "{told:?}");
    hub.stop().await;
}

#[tokio::test]
async fn rows_and_objects_are_compared_whosever_they_are() {
    let (hub, _, work) = start().await;
    work.git(&["lfs", "install", "--local"]).await;
    work.git(&["lfs", "track", "*.weights"]).await;
    work.commit("model.weights", &[7; 100_000]).await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    // What a deleted repository had is kept for a while, and so it must be there.
    sqlx::query("update repos set deleted_at = now()").execute(&hub.app().pool).await.unwrap();
    assert_eq!(problems(&hub, Depth::Sizes).await, (Tally::default(), vec![]));
    let file = stored(&hub, "lfs", "").remove(0);
    let stray = file.with_file_name(format!("{}.{:016x}", "ab".repeat(32), 7));
    std::fs::rename(&file, &stray).unwrap();
    let (tally, told) = problems(&hub, Depth::Sizes).await;
    assert_eq!((tally.repos, tally.problems, tally.unnamed.count, tally.unnamed.bytes), (0, 1, 1, 100_000));
    assert!(told[0].starts_with("the database names what is not there: `lfs/"), "{told:?}");
    hub.stop().await;
}
