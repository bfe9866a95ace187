//! Services that fail in the middle of their work.

use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use hub_storage::{Error, Expect, Secret, StorageKey, Store, StoreConfig};

use crate::line::Line;
use crate::lists::keys;
use crate::places::{Kind, MIB, Place, bytes, chunks, sha256};

pub(crate) async fn a_line_that_dies_during_an_upload_leaves_nothing(place: &Place) {
    let Some(address) = place.address() else { return };
    let line = Line::to(address).await;
    let store = place.by(&line.address);
    let data = bytes(30 * MIB);
    let key = StorageKey::lfs(&sha256(&data), Some(7));
    // In the first part, in a later one, in the last.
    for sent in [100_000, 20_000_000, 31_000_000] {
        line.die_after_sending(sent);
        let outcome = store.put_stream(&key, chunks(&data), Expect::exactly(sha256(&data), data.len() as u64)).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(line.breaks() > 0);
        assert!(!place.store.exists(&key).await.unwrap(), "{sent}");
        assert!(keys(&place.store, "lfs").await.is_empty());
        line.mend();
    }
    let stored = store.put_stream(&key, chunks(&data), Expect::exactly(sha256(&data), data.len() as u64)).await.unwrap();
    assert_eq!(place.store.digest(&key).await.unwrap(), stored);
}

pub(crate) async fn a_line_that_breaks_once_is_not_noticed(place: &Place) {
    let Some(address) = place.address() else { return };
    let line = Line::to(address).await;
    let store = place.by(&line.address);
    let data = bytes(30 * MIB);
    let key = StorageKey::lfs(&sha256(&data), Some(7));
    line.break_once_after(20_000_000, i64::MAX);
    let expect = Expect::exactly(sha256(&data), data.len() as u64);
    let stored = store.put_stream(&key, chunks(&data), expect).await.unwrap();
    assert_eq!(line.breaks(), 1);
    assert_eq!(place.store.digest(&key).await.unwrap(), stored);
    line.break_once_after(i64::MAX, 10_000_000);
    assert_eq!(store.digest(&key).await.unwrap(), stored, "reading goes on where it was");
    assert_eq!(line.breaks(), 2);
}

pub(crate) async fn a_line_that_dies_during_a_download_gives_no_short_object(place: &Place) {
    let Some(address) = place.address() else { return };
    let line = Line::to(address).await;
    let store = place.by(&line.address);
    let data = bytes(30 * MIB);
    let key = StorageKey::upload("read");
    place.store.put_bytes(&key, data.clone()).await.unwrap();
    line.die_after_receiving(10_000_000);
    let mut object = store.get_stream(&key, None).await.unwrap();
    let mut read = 0;
    let error = loop {
        match object.stream.try_next().await {
            Ok(Some(chunk)) => {
                assert!(chunk == data.slice(read..read + chunk.len()));
                read += chunk.len();
            }
            Ok(None) => panic!("an end after {read} bytes"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Unavailable { .. }) && read < 10_000_000, "{error:?}");
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(store.download(&key, &dir.path().join("f")).await.unwrap_err(), Error::Unavailable { .. }));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    line.mend();
    assert_eq!(store.digest(&key).await.unwrap().sha256, sha256(&data));
}

pub(crate) async fn wrong_credentials_and_dead_services_are_told_apart(place: &Place) {
    if place.kind == Kind::Local {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = place.config.clone();
    match &mut wrong {
        StoreConfig::Local { .. } => {}
        StoreConfig::S3 { secret_access_key, .. } => *secret_access_key = Secret::new("nothing"),
        StoreConfig::Azure { access_key, .. } => *access_key = Secret::new("bm90aGluZw=="),
        StoreConfig::Gcs { key_file, .. } => {
            let text = std::fs::read_to_string(key_file.as_ref().unwrap()).unwrap();
            let other = dir.path().join("key.json");
            std::fs::write(&other, text.replace("hub@tests", "eve@tests")).unwrap();
            *key_file = Some(other);
        }
    }
    let stranger = Store::open(&wrong).unwrap();
    let denied = stranger.ensure_bucket().await.unwrap_err();
    assert!(matches!(denied, Error::Denied { .. }), "{denied:?}");
    let denied = stranger.put_bytes(&StorageKey::upload("x"), Bytes::from_static(b"x")).await.unwrap_err();
    assert!(matches!(denied, Error::Denied { .. }), "{denied:?}");
    let dead = place.by("127.0.0.1:9");
    let asked = tokio::time::timeout(Duration::from_secs(20), dead.ensure_bucket()).await.expect("an answer in time");
    assert!(matches!(asked.unwrap_err(), Error::Unavailable { .. }));
    assert!(matches!(dead.probe().await.unwrap_err(), Error::Unavailable { .. }));
}
