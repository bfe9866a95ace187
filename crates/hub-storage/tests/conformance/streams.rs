//! Writing: an object is there whole or not at all.

use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use hub_storage::{Error, Expect, StorageKey, Stored};
use tokio::sync::oneshot;

use crate::lists::keys;
use crate::places::{Kind, MIB, Place, bytes, chunks, sha256};

pub(crate) async fn small_and_large_ones_come_back_as_they_went_in(place: &Place) {
    for size in [0, 1, 2 * MIB, 8 * MIB, 20 * MIB + 17] {
        let data = bytes(size);
        let sha = sha256(&data);
        let key = StorageKey::lfs(&sha, Some(7));
        let stored = place.store.put_stream(&key, chunks(&data), Expect::exactly(sha, size as u64)).await.unwrap();
        assert_eq!((stored.sha256, stored.size), (sha, size as u64));
        assert_eq!(place.store.head(&key).await.unwrap().size, size as u64);
        assert!(place.store.get_bytes(&key).await.unwrap() == data, "{size}");
        assert_eq!(place.store.digest(&key).await.unwrap(), stored);
    }
}

pub(crate) async fn a_lie_about_size_or_hash_leaves_nothing(place: &Place) {
    for size in [10, 20 * MIB] {
        let data = bytes(size);
        let key = StorageKey::lfs(&sha256(b"something else"), Some(7));
        let wrong_hash = Expect::exactly(sha256(b"something else"), size as u64);
        let error = place.store.put_stream(&key, chunks(&data), wrong_hash).await.unwrap_err();
        assert!(matches!(error, Error::HashMismatch { .. }), "{error}");
        for announced in [size as u64 - 1, size as u64 + 1] {
            let expect = Expect::exactly(sha256(&data), announced);
            let error = place.store.put_stream(&key, chunks(&data), expect).await.unwrap_err();
            assert!(matches!(error, Error::SizeMismatch { .. }), "{error}");
        }
        let limit = Expect::at_most(size as u64 - 1);
        let error = place.store.put_stream(&key, chunks(&data), limit).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        assert!(!place.store.exists(&key).await.unwrap());
    }
    assert!(keys(&place.store, "lfs").await.is_empty());
    place.no_files().await;
}

pub(crate) async fn what_breaks_off_or_is_dropped_leaves_nothing(place: &Place) {
    let data = bytes(20 * MIB);
    let key = StorageKey::upload("broken");
    let broken = chunks(&data).chain(stream::once(async { Err("connection reset".to_owned()) })).boxed();
    let error = place.store.put_stream(&key, broken, Expect::at_most(u64::MAX)).await.unwrap_err();
    assert!(matches!(&error, Error::Interrupted { reason } if reason == "connection reset"), "{error}");
    let hanging = chunks(&data).chain(stream::pending()).boxed();
    let put = place.store.put_stream(&key, hanging, Expect::at_most(u64::MAX));
    assert!(tokio::time::timeout(Duration::from_millis(500), put).await.is_err());
    assert!(!place.store.exists(&key).await.unwrap());
    assert!(keys(&place.store, StorageKey::UPLOADS).await.is_empty());
    place.no_files().await;
    // What is left of it, if the service keeps it for a while, is in nobody's way.
    let stored = place.store.put_stream(&key, chunks(&data), Expect::exactly(sha256(&data), data.len() as u64)).await.unwrap();
    assert_eq!(place.store.digest(&key).await.unwrap(), stored);
}

pub(crate) async fn nothing_is_seen_of_an_object_before_its_end(place: &Place) {
    let data = bytes(20 * MIB);
    let key = StorageKey::upload("slow");
    let (sent, all_sent) = oneshot::channel::<()>();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let end = async move {
        let _ = sent.send(());
        let _ = may_go_on.await;
        Ok(Bytes::from_static(b"end"))
    };
    let slow = chunks(&data).chain(stream::once(end)).boxed();
    let (store, to) = (place.store.clone(), key.clone());
    let put = tokio::spawn(async move { store.put_stream(&to, slow, Expect::at_most(u64::MAX)).await });
    all_sent.await.unwrap();
    assert!(!place.store.exists(&key).await.unwrap());
    assert!(place.store.get_range(&key, 0..1).await.unwrap_err().is_not_found());
    assert!(keys(&place.store, StorageKey::UPLOADS).await.is_empty());
    go_on.send(()).unwrap();
    let stored: Stored = put.await.unwrap().unwrap();
    assert_eq!(place.store.digest(&key).await.unwrap(), stored);
    assert_eq!(stored.size, data.len() as u64 + 3);
}

/// Only what lies under `uploads/` is replaced at all.
pub(crate) async fn readers_see_one_of_the_objects_that_replace_each_other(place: &Place) {
    let key = StorageKey::upload("replaced");
    let versions = [bytes(9 * MIB), bytes(9 * MIB).slice(MIB..), Bytes::from_static(b"short")];
    let expected: Vec<_> = versions.iter().map(|data| sha256(data)).collect();
    place.store.put_bytes(&key, versions[0].clone()).await.unwrap();
    let done = Cell::new(false);
    let write = async {
        for data in versions.iter().cycle().take(6) {
            place.store.put_stream(&key, chunks(data), Expect::at_most(u64::MAX)).await.unwrap();
        }
        done.set(true);
    };
    let read = async {
        while !done.get() {
            // A service may end an answer whose object is replaced; it must not go on with the new one.
            if let Ok(found) = place.store.digest(&key).await {
                assert!(expected.contains(&found.sha256), "a mixture of {} bytes", found.size);
            }
        }
    };
    tokio::join!(write, read);
    assert_eq!(place.store.digest(&key).await.unwrap().sha256, expected[2]);
}

pub(crate) async fn the_same_object_may_be_written_by_many_at_once(place: &Place) {
    let data = bytes(5 * MIB);
    let sha = sha256(&data);
    let key = StorageKey::lfs(&sha, Some(7));
    let write = |_| place.store.put_stream(&key, chunks(&data), Expect::exactly(sha, data.len() as u64));
    futures::future::try_join_all((0..8).map(write)).await.unwrap();
    assert!(place.store.get_bytes(&key).await.unwrap() == data);
}

/// Who commits blocks on Azure drops those of others, who are told so. No two uploads of the hub share a key, except those of
/// the same part, and there one is enough.
pub(crate) async fn of_many_large_writers_at_least_one_wins(place: &Place) {
    let data = bytes(20 * MIB);
    let sha = sha256(&data);
    let key = StorageKey::lfs(&sha, Some(7));
    let write = |_| place.store.put_stream(&key, chunks(&data), Expect::exactly(sha, data.len() as u64));
    let outcomes = futures::future::join_all((0..4).map(write)).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(won > 0 && (won == 4 || place.kind == Kind::Azure), "{outcomes:?}");
    assert_eq!(place.store.digest(&key).await.unwrap().sha256, sha);
}
