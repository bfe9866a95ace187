//! What only S3 has: addresses with which clients write, and those that read one range.

use hub_storage::StorageKey;

use crate::places::{HOUR, Kind, MIB, Place, bytes};

#[tokio::test]
async fn whole_objects_are_written_by_address() {
    let Some(Place { store, .. }) = Place::fresh(Kind::S3).await else { return };
    let http = reqwest::Client::new();
    let key = StorageKey::upload("presigned/1");
    let data = bytes(MIB);
    let put = store.presign_put(&key, HOUR).unwrap();
    assert!(http.put(put.clone()).body(data.clone()).send().await.unwrap().status().is_success());
    // Clients add a content type of their own.
    let typed = http.put(put).header("content-type", "text/x-odd").body(data.clone());
    assert!(typed.send().await.unwrap().status().is_success());
    assert!(store.get_bytes(&key).await.unwrap() == data);
}

#[tokio::test]
async fn an_address_of_a_range_opens_that_range() {
    let Some(Place { store, .. }) = Place::fresh(Kind::S3).await else { return };
    let http = reqwest::Client::new();
    let key = StorageKey::upload("range");
    store.put_bytes(&key, bytes(1000)).await.unwrap();
    let get = store.presign_range(&key, HOUR, "bytes=10-19").unwrap();
    let part = http.get(get.clone()).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert!(part.bytes().await.unwrap() == bytes(1000).slice(10..20));
    assert_eq!(http.get(get.clone()).header("range", "bytes=10-20").send().await.unwrap().status(), 403);
    assert_eq!(http.get(get).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn presigned_parts_become_one_object() {
    let Some(Place { store, .. }) = Place::fresh(Kind::S3).await else { return };
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
    let Some(Place { store, .. }) = Place::fresh(Kind::S3).await else { return };
    let key = StorageKey::upload("parts/2");
    let id = store.create_upload(&key).await.unwrap();
    let url = store.presign_part(&key, &id, 1, HOUR).unwrap();
    reqwest::Client::new().put(url).body(bytes(5 * MIB)).send().await.unwrap();
    store.abort_upload(&key, &id).await.unwrap();
    store.abort_upload(&key, &id).await.unwrap();
    assert!(!store.exists(&key).await.unwrap());
    assert!(store.list_parts(&key, &id).await.unwrap_err().is_not_found());
}
