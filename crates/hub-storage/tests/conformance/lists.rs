//! Lists.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use hub_storage::{StorageKey, Store};

use crate::places::{Kind, Place};

pub(crate) async fn keys(store: &Store, folder: &str) -> Vec<String> {
    let mut keys: Vec<_> = store.list(folder).map_ok(|info| info.key.to_string()).try_collect().await.unwrap();
    keys.sort();
    keys
}

pub(crate) async fn folders_are_listed_and_nothing_beside_them(place: &Place) {
    for id in ["x", "x.y", "x/a", "x/b/c", "xy/a", "y"] {
        // A folder and a file of one name cannot be in a file system.
        if id != "x" || place.kind != Kind::Local {
            place.store.put_bytes(&StorageKey::upload(id), id.to_owned()).await.unwrap();
        }
    }
    place.store.put_bytes(&StorageKey::export("x"), "x").await.unwrap();
    assert_eq!(keys(&place.store, "uploads/x").await, ["uploads/x/a", "uploads/x/b/c"]);
    assert_eq!(keys(&place.store, "uploads/x/b").await, ["uploads/x/b/c"]);
    assert!(keys(&place.store, "uploads/z").await.is_empty());
    let expected = 6 - usize::from(place.kind == Kind::Local);
    assert_eq!(keys(&place.store, StorageKey::UPLOADS).await.len(), expected);
    let infos: Vec<_> = place.store.list("uploads/x").try_collect().await.unwrap();
    for info in infos {
        let head = place.store.head(&info.key).await.unwrap();
        assert_eq!((info.size, info.key.as_str()), (head.size, head.key.as_str()));
        assert_eq!(info.size, info.key.as_str().len() as u64 - "uploads/".len() as u64);
        assert!((info.modified_at - head.modified_at).num_seconds().abs() <= 1);
        assert!((chrono::Utc::now() - info.modified_at).num_seconds().abs() < 60);
    }
}

/// A page has 1000 on S3 and at Google, 5000 on Azure.
pub(crate) async fn more_than_a_page_is_listed_once_each(place: &Place) {
    let count = if place.kind == Kind::Azure { 5050 } else { 2050 };
    let id = |number: usize| StorageKey::upload(&format!("many/{:02}/{number:05}", number % 7));
    let write = |number: usize| {
        let (store, key) = (place.store.clone(), id(number));
        async move { store.put_bytes(&key, "x").await }
    };
    stream::iter(0..count).map(write).buffer_unordered(32).try_collect::<()>().await.unwrap();
    let listed = keys(&place.store, "uploads/many").await;
    assert_eq!(listed.len(), count);
    let expected: BTreeSet<_> = (0..count).map(|number| id(number).to_string()).collect();
    assert!(listed.into_iter().collect::<BTreeSet<_>>() == expected);
}
