//! Single objects: reading, ranges, copies, names.

use bytes::Bytes;
use hub_storage::{Error, StorageKey};

use crate::lists::keys;
use crate::places::{MIB, Place, bytes, sha256};

pub(crate) async fn a_store_that_works_passes_its_probe(place: &Place) {
    place.store.probe().await.unwrap();
    assert!(keys(&place.store, "probe").await.is_empty());
}

pub(crate) async fn ranges_are_exact_and_stop_at_the_end(place: &Place) {
    let data = bytes(3 * MIB);
    let key = StorageKey::upload("ranges");
    place.store.put_bytes(&key, data.clone()).await.unwrap();
    let size = data.len() as u64;
    for (start, end) in [(0, 1), (5, 5), (262_143, 262_145), (1, size), (size - 1, size + 100)] {
        let got = place.store.get_range(&key, start..end).await.unwrap();
        assert!(got == data.slice(start as usize..end.min(size) as usize), "{start}..{end}");
    }
    for start in [size, size + 1] {
        let error = place.store.get_range(&key, start..start + 1).await.unwrap_err();
        assert!(matches!(error, Error::RangeOutside { size: 3145728, .. }), "{error:?}");
    }
    let part = place.store.get_stream(&key, Some(10..20)).await.unwrap();
    assert_eq!((part.size, part.range), (size, 10..20));
}

pub(crate) async fn missing_objects_are_not_found(place: &Place) {
    let store = &place.store;
    let (key, to) = (StorageKey::upload("missing"), StorageKey::upload("to"));
    assert!(store.head(&key).await.unwrap_err().is_not_found());
    assert!(store.get_bytes(&key).await.unwrap_err().is_not_found());
    assert!(store.get_range(&key, 0..5).await.unwrap_err().is_not_found());
    assert!(store.digest(&key).await.unwrap_err().is_not_found());
    let copied = store.copy(&key, &to).await.unwrap_err();
    assert!(copied.is_not_found(), "{copied:?}");
    let dir = tempfile::tempdir().unwrap();
    assert!(store.download(&key, &dir.path().join("f")).await.unwrap_err().is_not_found());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(!store.exists(&key).await.unwrap());
    store.delete(&key).await.unwrap();
}

pub(crate) async fn objects_are_copied_and_deleted(place: &Place) {
    let (a, b) = (StorageKey::upload("x/a"), StorageKey::upload("x/b"));
    place.store.put_bytes(&a, Bytes::from_static(b"same")).await.unwrap();
    place.store.copy(&a, &b).await.unwrap();
    place.store.copy(&a, &b).await.unwrap();
    place.store.delete(&a).await.unwrap();
    assert!(!place.store.exists(&a).await.unwrap());
    assert_eq!(place.store.get_bytes(&b).await.unwrap().as_ref(), b"same");
    place.store.delete(&a).await.unwrap();
    // An object may come back under its old key.
    place.store.put_bytes(&a, Bytes::from_static(b"other")).await.unwrap();
    place.store.copy(&a, &b).await.unwrap();
    assert_eq!(place.store.get_bytes(&b).await.unwrap().as_ref(), b"other");
}

pub(crate) async fn large_objects_are_copied_whole(place: &Place) {
    let data = bytes(20 * MIB + 17);
    let (from, to) = (StorageKey::upload("from"), StorageKey::lfs(&sha256(&data), Some(7)));
    place.store.put_bytes(&from, data.clone()).await.unwrap();
    place.store.copy(&from, &to).await.unwrap();
    assert_eq!(place.store.digest(&to).await.unwrap().sha256, sha256(&data));
}

pub(crate) async fn files_go_in_and_come_out(place: &Place) {
    let dir = tempfile::tempdir().unwrap();
    let data = bytes(9 * MIB);
    let (source, target) = (dir.path().join("source"), dir.path().join("deep/er/target"));
    std::fs::write(&source, &data).unwrap();
    let key = StorageKey::pack(&hub_types::Oid::from_bytes([7; 20]), None);
    let stored = place.store.put_file(&key, &source).await.unwrap();
    assert_eq!(stored.sha256, sha256(&data));
    for _ in 0..2 {
        assert_eq!(place.store.download(&key, &target).await.unwrap(), data.len() as u64);
        assert!(std::fs::read(&target).unwrap() == data);
    }
    assert_eq!(std::fs::read_dir(target.parent().unwrap()).unwrap().count(), 1);
}

/// As odd as keys can be: ids of uploads hold no other characters.
pub(crate) async fn names_may_be_odd(place: &Place) {
    let long = "n".repeat(200);
    let ids =
        ["a", "A", "a.b", "a..b", "...", "-", "_", "--/-", "0/00000", "x.parts-1/00001", "%2e%2e/b c+d&e=f?g#h", "xä/ö", &long];
    for (number, id) in ids.iter().enumerate() {
        place.store.put_bytes(&StorageKey::upload(id), number.to_string()).await.unwrap();
    }
    for (number, id) in ids.iter().enumerate() {
        let found = place.store.get_bytes(&StorageKey::upload(id)).await.unwrap();
        assert_eq!(found.as_ref(), number.to_string().as_bytes(), "{id}");
    }
    let mut expected: Vec<_> = ids.iter().map(|id| StorageKey::upload(id).to_string()).collect();
    expected.sort();
    assert_eq!(keys(&place.store, StorageKey::UPLOADS).await, expected);
    for id in ids {
        place.store.delete(&StorageKey::upload(id)).await.unwrap();
    }
    assert!(keys(&place.store, StorageKey::UPLOADS).await.is_empty());
}
