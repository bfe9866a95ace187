//! What only a local folder has.

use std::time::Duration;

use bytes::Bytes;
use hub_storage::{StorageKey, Store, StoreConfig, Unfinished};

use crate::places::{HOUR, Kind, Place};

#[tokio::test]
async fn files_left_by_a_killed_writer_are_swept() {
    let place = Place::fresh(Kind::Local).await.unwrap();
    let key = StorageKey::upload("x");
    place.store.put_bytes(&key, Bytes::from_static(b"kept")).await.unwrap();
    let root = place.folder();
    for name in ["uploads/x#1", "uploads/y#23", ".download-abc"] {
        std::fs::write(root.join(name), "half").unwrap();
    }
    assert_eq!(place.store.sweep_unfinished(HOUR).await.unwrap(), Unfinished::default());
    let both = Unfinished { count: 2, bytes: 8 };
    assert_eq!(place.store.find_unfinished(Duration::ZERO).await.unwrap(), both);
    assert_eq!(place.store.sweep_unfinished(Duration::ZERO).await.unwrap(), both, "looking removes nothing");
    assert_eq!(place.store.get_bytes(&key).await.unwrap().as_ref(), b"kept");
    assert_eq!(place.files().len(), 2);
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = Store::open(&StoreConfig::Local { dir: file }).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}
