//! The store's promises, held by a local folder and, when `HUB_TEST_S3_ENDPOINT` is set, by an S3
//! service (see docs/storage.md): every test runs on both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use hub_storage::{Error, Expect, PresignedGet, Secret, StorageKey, Store, StoreConfig};
use hub_types::Sha256;
use sha2::Digest;

const MIB: usize = 1024 * 1024;
const HOUR: Duration = Duration::from_secs(3600);

struct TestStore {
    store: Store,
    dir: Option<tempfile::TempDir>,
}

fn local() -> TestStore {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreConfig::Local { dir: dir.path().join("objects") }).unwrap();
    TestStore { store, dir: Some(dir) }
}

async fn s3() -> Option<Store> {
    let var = |name: &str| std::env::var(format!("HUB_TEST_S3_{name}")).ok();
    let config = StoreConfig::S3 {
        endpoint: var("ENDPOINT")?,
        public_endpoint: None,
        bucket: format!("test-{:08x}", rand::random::<u32>()),
        region: var("REGION").unwrap_or("us-east-1".into()),
        access_key_id: var("ACCESS_KEY_ID").unwrap(),
        secret_access_key: Secret::new(var("SECRET_ACCESS_KEY").unwrap()),
        path_style: true,
    };
    let store = Store::open(&config).unwrap();
    store.ensure_bucket().await.unwrap();
    store.ensure_bucket().await.unwrap();
    Some(store)
}

async fn stores() -> Vec<TestStore> {
    let mut all = vec![local()];
    all.extend(s3().await.map(|store| TestStore { store, dir: None }));
    all
}

fn bytes(size: usize) -> Bytes {
    let seed = 2_654_435_761_u32;
    (0..size).map(|i| ((i as u32).wrapping_mul(seed) >> 13) as u8).collect::<Vec<_>>().into()
}

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

fn chunks(bytes: &Bytes) -> impl futures::Stream<Item = Result<Bytes, String>> + Unpin + use<> {
    let bytes = bytes.clone();
    let step = 40_001;
    stream::iter((0..bytes.len()).step_by(step).map(move |at| Ok(bytes.slice(at..bytes.len().min(at + step)))))
}

async fn keys(store: &Store, folder: &str) -> Vec<String> {
    let mut keys: Vec<_> = store.list(folder).map_ok(|info| info.key.to_string()).try_collect().await.unwrap();
    keys.sort();
    keys
}

/// Everything below the local folder, staging files included.
fn files(test: &TestStore) -> Vec<std::path::PathBuf> {
    fn walk(dir: &std::path::Path, into: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, into) } else { into.push(path) }
        }
    }
    let mut found = Vec::new();
    if let Some(dir) = &test.dir {
        walk(dir.path(), &mut found);
    }
    found
}

#[tokio::test]
async fn a_store_that_works_passes_its_probe() {
    for test in stores().await {
        test.store.probe().await.unwrap();
        assert!(keys(&test.store, "probe").await.is_empty());
    }
}

#[tokio::test]
async fn streams_small_and_large_come_back_as_they_went_in() {
    for test in stores().await {
        for size in [0, 1, 2 * MIB, 8 * MIB, 20 * MIB + 17] {
            let data = bytes(size);
            let sha = sha256(&data);
            let key = StorageKey::lfs(&sha, Some(7));
            let stored = test.store.put_stream(&key, chunks(&data), Expect::exactly(sha, size as u64)).await.unwrap();
            assert_eq!((stored.sha256, stored.size), (sha, size as u64));
            assert_eq!(test.store.head(&key).await.unwrap().size, size as u64);
            assert!(test.store.get_bytes(&key).await.unwrap() == data, "{size}");
            assert_eq!(test.store.digest(&key).await.unwrap(), stored);
        }
    }
}

#[tokio::test]
async fn a_lie_about_size_or_hash_leaves_nothing() {
    for test in stores().await {
        for size in [10, 20 * MIB] {
            let data = bytes(size);
            let key = StorageKey::lfs(&sha256(b"something else"), Some(7));
            let wrong_hash = Expect::exactly(sha256(b"something else"), size as u64);
            let error = test.store.put_stream(&key, chunks(&data), wrong_hash).await.unwrap_err();
            assert!(matches!(error, Error::HashMismatch { .. }), "{error}");
            for announced in [size as u64 - 1, size as u64 + 1] {
                let expect = Expect::exactly(sha256(&data), announced);
                let error = test.store.put_stream(&key, chunks(&data), expect).await.unwrap_err();
                assert!(matches!(error, Error::SizeMismatch { .. }), "{error}");
            }
            let limit = Expect::at_most(size as u64 - 1);
            let error = test.store.put_stream(&key, chunks(&data), limit).await.unwrap_err();
            assert!(matches!(error, Error::TooLarge { .. }), "{error}");
            assert!(!test.store.exists(&key).await.unwrap());
        }
        gone(&test).await;
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_is_dropped_leaves_nothing() {
    for test in stores().await {
        let data = bytes(20 * MIB);
        let key = StorageKey::upload("broken");
        let broken = chunks(&data).chain(stream::once(async { Err("connection reset".to_owned()) })).boxed();
        let error = test.store.put_stream(&key, broken, Expect::at_most(u64::MAX)).await.unwrap_err();
        assert!(matches!(&error, Error::Interrupted { reason } if reason == "connection reset"), "{error}");
        let hanging = chunks(&data).chain(stream::pending()).boxed();
        let put = test.store.put_stream(&key, hanging, Expect::at_most(u64::MAX));
        assert!(tokio::time::timeout(Duration::from_millis(500), put).await.is_err());
        assert!(!test.store.exists(&key).await.unwrap());
        gone(&test).await;
    }
}

/// Waits until no file is left; aborting happens in the background.
async fn gone(test: &TestStore) {
    for _ in 0..100 {
        if files(test).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("left behind: {:?}", files(test));
}

#[tokio::test]
async fn ranges_are_exact_and_stop_at_the_end() {
    for test in stores().await {
        let data = bytes(3 * MIB);
        let key = StorageKey::upload("ranges");
        test.store.put_bytes(&key, data.clone()).await.unwrap();
        let size = data.len() as u64;
        for (start, end) in [(0, 1), (5, 5), (262_143, 262_145), (1, size), (size - 1, size + 100)] {
            let got = test.store.get_range(&key, start..end).await.unwrap();
            assert!(got == data.slice(start as usize..end.min(size) as usize), "{start}..{end}");
        }
        let error = test.store.get_range(&key, size..size + 1).await.unwrap_err();
        assert!(matches!(error, Error::RangeOutside { size: 3145728, .. }), "{error:?}");
        let part = test.store.get_stream(&key, Some(10..20)).await.unwrap();
        assert_eq!((part.size, part.range), (size, 10..20));
    }
}

#[tokio::test]
async fn missing_objects_are_not_found() {
    for test in stores().await {
        let (key, to) = (StorageKey::upload("missing"), StorageKey::upload("to"));
        assert!(test.store.head(&key).await.unwrap_err().is_not_found());
        assert!(test.store.get_bytes(&key).await.unwrap_err().is_not_found());
        assert!(test.store.get_range(&key, 0..5).await.unwrap_err().is_not_found());
        assert!(test.store.copy(&key, &to).await.unwrap_err().is_not_found());
        let dir = tempfile::tempdir().unwrap();
        assert!(test.store.download(&key, &dir.path().join("f")).await.unwrap_err().is_not_found());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(!test.store.exists(&key).await.unwrap());
        test.store.delete(&key).await.unwrap();
    }
}

#[tokio::test]
async fn objects_are_copied_listed_and_deleted() {
    for test in stores().await {
        let (a, b) = (StorageKey::upload("x/a"), StorageKey::upload("x/b"));
        test.store.put_bytes(&a, Bytes::from_static(b"same")).await.unwrap();
        test.store.copy(&a, &b).await.unwrap();
        test.store.copy(&a, &b).await.unwrap();
        assert_eq!(keys(&test.store, StorageKey::UPLOADS).await, ["uploads/x/a", "uploads/x/b"]);
        test.store.delete(&a).await.unwrap();
        assert_eq!(test.store.get_bytes(&b).await.unwrap().as_ref(), b"same");
        assert_eq!(keys(&test.store, "uploads/x").await, ["uploads/x/b"]);
        assert!(keys(&test.store, "uploads/y").await.is_empty());
    }
}

#[tokio::test]
async fn files_go_in_and_come_out() {
    for test in stores().await {
        let dir = tempfile::tempdir().unwrap();
        let data = bytes(9 * MIB);
        let (source, target) = (dir.path().join("source"), dir.path().join("deep/er/target"));
        std::fs::write(&source, &data).unwrap();
        let key = StorageKey::pack(&hub_types::Oid::from_bytes([7; 20]), None);
        let stored = test.store.put_file(&key, &source).await.unwrap();
        assert_eq!(stored.sha256, sha256(&data));
        for _ in 0..2 {
            assert_eq!(test.store.download(&key, &target).await.unwrap(), data.len() as u64);
            assert!(std::fs::read(&target).unwrap() == data);
        }
        assert_eq!(std::fs::read_dir(target.parent().unwrap()).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn the_same_object_may_be_written_by_many_at_once() {
    for test in stores().await {
        let data = bytes(5 * MIB);
        let sha = sha256(&data);
        let key = StorageKey::lfs(&sha, Some(7));
        let write = |_| test.store.put_stream(&key, chunks(&data), Expect::exactly(sha, data.len() as u64));
        futures::future::try_join_all((0..8).map(write)).await.unwrap();
        assert!(test.store.get_bytes(&key).await.unwrap() == data);
    }
}

#[tokio::test]
async fn files_left_by_a_killed_writer_are_swept() {
    let test = local();
    let key = StorageKey::upload("x");
    test.store.put_bytes(&key, Bytes::from_static(b"kept")).await.unwrap();
    let root = test.dir.as_ref().unwrap().path().join("objects");
    for name in ["uploads/x#1", "uploads/y#23", ".download-abc"] {
        std::fs::write(root.join(name), "half").unwrap();
    }
    assert_eq!(test.store.sweep_unfinished(HOUR).await.unwrap(), 0);
    assert_eq!(test.store.sweep_unfinished(Duration::ZERO).await.unwrap(), 2);
    assert_eq!(test.store.get_bytes(&key).await.unwrap().as_ref(), b"kept");
    assert_eq!(files(&test).len(), 2);
}

#[tokio::test]
async fn a_local_store_has_no_presigned_urls() {
    let test = local();
    assert!(!test.store.supports_presign());
    let error = test.store.presign_put(&StorageKey::upload("x"), HOUR).unwrap_err();
    assert!(matches!(error, Error::PresignUnsupported));
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = Store::open(&StoreConfig::Local { dir: file }).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}

#[tokio::test]
async fn presigned_urls_put_and_get() {
    let Some(store) = s3().await else { return };
    let http = reqwest::Client::new();
    let key = StorageKey::upload("presigned/1");
    let data = bytes(MIB);
    let put = store.presign_put(&key, HOUR).unwrap();
    assert!(http.put(put.clone()).body(data.clone()).send().await.unwrap().status().is_success());
    // Clients add a content type of their own.
    let typed = http.put(put).header("content-type", "text/x-odd").body(data.clone());
    assert!(typed.send().await.unwrap().status().is_success());

    let answer = PresignedGet {
        content_disposition: Some("inline; filename=\"a b.bin\";"),
        content_type: Some("text/plain"),
        only_range: None,
    };
    let get = store.presign_get(&key, HOUR, &answer).unwrap();
    let whole = http.get(get.clone()).send().await.unwrap();
    assert_eq!(whole.headers()["content-disposition"], "inline; filename=\"a b.bin\";");
    assert_eq!(whole.headers()["content-type"], "text/plain");
    assert!(whole.bytes().await.unwrap() == data);
    let part = http.get(get.clone()).header("range", "bytes=5-9").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 5-9/1048576");
    assert!(part.bytes().await.unwrap() == data.slice(5..10));
    let suffix = http.get(get.clone()).header("range", "bytes=-3").send().await.unwrap();
    assert!(suffix.bytes().await.unwrap() == data.slice(MIB - 3..));
    let behind = http.get(get.clone()).header("range", "bytes=1048576-").send().await.unwrap();
    assert_eq!(behind.status(), 416);

    let mut forged = get;
    forged.set_path(&forged.path().replace("presigned/1", "presigned/2"));
    assert_eq!(http.get(forged).send().await.unwrap().status(), 403);
    let short = store.presign_get(&key, Duration::from_secs(1), &PresignedGet::default()).unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(http.get(short).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn presigned_parts_become_one_object() {
    let Some(store) = s3().await else { return };
    let http = reqwest::Client::new();
    let key = StorageKey::upload("parts/1");
    let data = bytes(12 * MIB);
    let id = store.create_upload(&key).await.unwrap();
    // Out of order, and one of them twice.
    for number in [3_u16, 1, 2, 1] {
        let start = 5 * MIB * usize::from(number - 1);
        let part = data.slice(start..data.len().min(start + 5 * MIB));
        let url = store.presign_part(&key, &id, number, HOUR).unwrap();
        let sent = http.put(url).body(part).send().await.unwrap();
        assert!(sent.status().is_success());
        assert!(!sent.headers()["etag"].is_empty());
    }
    assert!(!store.exists(&key).await.unwrap());
    let parts = store.list_parts(&key, &id).await.unwrap();
    let seen: Vec<_> = parts.iter().map(|part| (part.number, part.size)).collect();
    assert_eq!(seen, [(1, 5 * MIB as u64), (2, 5 * MIB as u64), (3, 2 * MIB as u64)]);
    let etags = parts.into_iter().map(|part| part.etag).collect();
    store.complete_upload(&key, &id, etags).await.unwrap();
    assert!(store.get_bytes(&key).await.unwrap() == data);
    // Whoever still holds a part's URL cannot change the object.
    http.put(store.presign_part(&key, &id, 1, HOUR).unwrap()).body(bytes(5 * MIB)).send().await.unwrap();
    assert!(store.get_bytes(&key).await.unwrap() == data);
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let Some(store) = s3().await else { return };
    let key = StorageKey::upload("parts/2");
    let id = store.create_upload(&key).await.unwrap();
    let url = store.presign_part(&key, &id, 1, HOUR).unwrap();
    reqwest::Client::new().put(url).body(bytes(5 * MIB)).send().await.unwrap();
    store.abort_upload(&key, &id).await.unwrap();
    store.abort_upload(&key, &id).await.unwrap();
    assert!(!store.exists(&key).await.unwrap());
    assert!(store.list_parts(&key, &id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn wrong_credentials_and_dead_services_are_told_apart() {
    let Ok(endpoint) = std::env::var("HUB_TEST_S3_ENDPOINT") else { return };
    let config = |endpoint: String| StoreConfig::S3 {
        endpoint,
        public_endpoint: None,
        bucket: "nobody".into(),
        region: "us-east-1".into(),
        access_key_id: "nobody".into(),
        secret_access_key: Secret::new("nothing"),
        path_style: true,
    };
    let denied = Store::open(&config(endpoint)).unwrap().ensure_bucket().await.unwrap_err();
    assert!(matches!(denied, Error::Denied { .. }), "{denied:?}");
    let dead = Store::open(&config("http://127.0.0.1:9".into())).unwrap();
    assert!(matches!(dead.ensure_bucket().await.unwrap_err(), Error::Unavailable { .. }));
    assert!(matches!(dead.probe().await.unwrap_err(), Error::Unavailable { .. }));
}
