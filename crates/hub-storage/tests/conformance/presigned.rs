//! Addresses with which clients read from the store themselves. (Those to write are S3's alone: `s3.rs`.)

use std::time::Duration;

use hub_storage::{Error, PresignedGet, StorageKey};

use crate::places::{HOUR, Kind, MIB, Place, bytes};

pub(crate) async fn whole_objects_are_read_with_ranges_and_headers(place: &Place) {
    if !place.store.presigns_reads() {
        return;
    }
    let http = reqwest::Client::new();
    let key = StorageKey::upload("presigned/1");
    let data = bytes(MIB);
    place.store.put_bytes(&key, data.clone()).await.unwrap();
    let answer = PresignedGet {
        content_disposition: Some("inline; filename*=UTF-8''%C3%A4.bin; filename=\"a b+c.bin\";"),
        content_type: Some("text/plain"),
    };
    let get = place.store.presign_get(&key, HOUR, &answer).await.unwrap();
    let whole = http.get(get.clone()).send().await.unwrap();
    assert_eq!(whole.status(), 200);
    assert_eq!(whole.headers()["content-disposition"], answer.content_disposition.unwrap());
    assert_eq!(whole.headers()["content-type"], "text/plain");
    assert!(whole.bytes().await.unwrap() == data);
    for (range, start, end) in
        [("bytes=5-9", 5, 10), ("bytes=1048000-", 1_048_000, MIB), ("bytes=1048570-9999999", 1_048_570, MIB)]
    {
        let part = http.get(get.clone()).header("range", range).send().await.unwrap();
        assert_eq!(part.status(), 206, "{range}");
        assert_eq!(part.headers()["content-range"], format!("bytes {start}-{}/{MIB}", end - 1));
        assert!(part.bytes().await.unwrap() == data.slice(start..end));
    }
    if place.store.reads_suffixes() {
        let suffix = http.get(get.clone()).header("range", "bytes=-3").send().await.unwrap();
        assert!(suffix.bytes().await.unwrap() == data.slice(MIB - 3..));
    }
    // Azurite answers 206 with no bytes for the place right behind the end. (The hub has answered that before it sends anybody.)
    let behind = http.get(get).header("range", format!("bytes={}-", MIB + 2)).send().await.unwrap();
    assert_eq!(behind.status(), 416);
    let plain = place.store.presign_get(&key, HOUR, &PresignedGet::default()).await.unwrap();
    let plain = http.get(plain).send().await.unwrap();
    assert_eq!(plain.headers()["content-type"], "application/octet-stream");
    assert!(plain.bytes().await.unwrap() == data);
}

pub(crate) async fn changed_and_old_addresses_are_refused(place: &Place) {
    if !place.store.presigns_reads() {
        return;
    }
    let http = reqwest::Client::new();
    let (key, other) = (StorageKey::upload("presigned/1"), StorageKey::upload("presigned/2"));
    for key in [&key, &other] {
        place.store.put_bytes(key, "bytes").await.unwrap();
    }
    let get = place.store.presign_get(&key, HOUR, &PresignedGet::default()).await.unwrap();
    assert_eq!(http.get(get.clone()).send().await.unwrap().status(), 200);
    let mut forged = get.clone();
    forged.set_path(&forged.path().replace("presigned/1", "presigned/2"));
    assert_eq!(http.get(forged).send().await.unwrap().status(), 403);
    assert_eq!(http.put(get.clone()).header("x-ms-blob-type", "BlockBlob").body("x").send().await.unwrap().status(), 403);
    assert_eq!(http.delete(get.clone()).send().await.unwrap().status(), 403);
    let added = match place.kind {
        Kind::Azure => "rsct=text/html",
        _ => "response-content-type=text/html",
    };
    let mut forged = get.clone();
    forged.set_query(Some(&format!("{added}&{}", get.query().unwrap())));
    let status = http.get(forged).send().await.unwrap().status();
    assert_eq!(status, 403, "a page in the name of the store");
    assert_eq!(place.store.get_bytes(&key).await.unwrap().as_ref(), b"bytes");
    let short = place.store.presign_get(&key, Duration::from_secs(1), &PresignedGet::default()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(http.get(short).send().await.unwrap().status(), 403);
}

pub(crate) async fn what_a_store_does_not_sign_is_an_error(place: &Place) {
    let key = StorageKey::upload("x");
    let store = &place.store;
    let refused = |error: Error| matches!(error, Error::PresignUnsupported);
    if !store.presigns_reads() {
        assert!(refused(store.presign_get(&key, HOUR, &PresignedGet::default()).await.unwrap_err()));
    }
    if !store.presigns_ranges() {
        assert!(refused(store.presign_range(&key, HOUR, "bytes=0-1").unwrap_err()));
    }
    if !store.presigns_uploads() {
        assert!(refused(store.presign_put(&key, HOUR).unwrap_err()));
        assert!(refused(store.presign_part(&key, "id", 1, HOUR).unwrap_err()));
        assert!(refused(store.create_upload(&key).await.unwrap_err()));
        assert!(refused(store.public_origin().unwrap_err()));
    }
    let signs = (store.presigns_reads(), store.presigns_ranges(), store.presigns_uploads());
    let expected = match place.kind {
        Kind::Local => (false, false, false),
        Kind::S3 => (true, true, true),
        Kind::Azure | Kind::Gcs => (true, false, false),
    };
    assert_eq!(signs, expected);
}
