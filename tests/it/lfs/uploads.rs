use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use hub::objects::sweep;
use hub_tests::{json, until};
use reqwest::Method;

use super::{Large, PART, batch, download, entry, follow, hubs, post, send, upload, verify};

#[tokio::test]
async fn small_and_large_files_come_back_as_they_went_in() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        for size in [1, 100_000, PART, PART + 1, 2 * PART, 2 * PART + 17] {
            let file = Large::of(size, 3);
            upload(&ada, "ada/bert", &file).await;
            assert!(download(&ada, "ada/bert", &file).await == file.bytes, "{size}");
        }
        hub.stop().await;
    }
}

#[tokio::test]
async fn parts_are_offered_only_to_those_who_know_them() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        let (small, large) = (Large::of(10, 1), Large::of(PART + 1, 1));
        let reply = batch(&ada, "ada/bert", "upload", &[&small, &large], 200).await;
        assert_eq!(reply["transfer"], "multipart");
        for object in reply["objects"].as_array().expect("a list") {
            let header = &object["actions"]["upload"]["header"];
            assert_eq!(header["chunk_size"], PART.to_string(), "a decimal string, for every object of the batch");
            assert!(header["00001"].is_string());
        }
        let body = json!({ "operation": "upload", "transfers": ["basic"], "objects": [large.object()] });
        let reply = ada.post_json("/ada/bert/info/lfs/objects/batch", &body, 200).await;
        assert_eq!(reply["transfer"], "basic");
        assert_eq!(reply["objects"][0]["actions"]["upload"]["header"], json!({}));
        assert!(follow(&reply["objects"][0], &large.bytes).await.status().is_success());
        assert_eq!(verify(&reply["objects"][0]).await.status(), 200);
        hub.stop().await;
    }
}

#[tokio::test]
async fn other_bytes_than_announced_are_refused_and_leave_nothing() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        for size in [1000, 2 * PART] {
            let (file, lie) = (Large::of(size, 1), Large::of(size, 2));
            let object = entry(&ada, "ada/bert", "upload", &file).await;
            let sent = follow(&object, &lie.bytes).await;
            // On S3 a plain PUT is seen by the hub only when it is verified.
            let refused = if sent.status().is_success() { verify(&object).await } else { sent };
            assert_eq!(refused.status(), 422);
            let text = refused.text().await.expect("a text");
            assert!(text.contains(&lie.oid) && text.contains("upload the file again"), "{text}");
            assert_eq!(verify(&object).await.status(), 404, "nothing is left of it");
            assert_eq!(entry(&ada, "ada/bert", "download", &file).await["error"]["code"], 404);
            upload(&ada, "ada/bert", &file).await;
            assert!(download(&ada, "ada/bert", &file).await == file.bytes);
        }
        hub.stop().await;
    }
}

#[tokio::test]
async fn fewer_or_more_bytes_than_announced_are_refused() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        let file = Large::of(1000, 1);
        let longer = [file.bytes.as_slice(), b"x"].concat();
        for bytes in [&file.bytes[..999], &longer, b""] {
            let object = entry(&ada, "ada/bert", "upload", &file).await;
            let href = object["actions"]["upload"]["href"].as_str().expect("an address");
            let chunked = stream::iter([Ok::<_, std::io::Error>(Bytes::copy_from_slice(bytes))]);
            let bodies = [reqwest::Body::from(bytes.to_vec()), reqwest::Body::wrap_stream(chunked)];
            for body in bodies {
                let sent = send(Method::PUT, href, body).await;
                // S3 itself wants a length.
                let refused = if sent.status().is_success() { verify(&object).await } else { sent };
                assert!(matches!(refused.status().as_u16(), 404 | 411 | 422 | 501), "{}", refused.status());
            }
            assert_eq!(verify(&object).await.status(), 404);
        }
        hub.stop().await;
    }
}

#[tokio::test]
async fn chunked_uploads_are_taken() {
    let hub = hub_tests::TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let file = Large::of(300_000, 1);
    let object = entry(&ada, "ada/bert", "upload", &file).await;
    let chunks: Vec<_> = file.bytes.chunks(1000).map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk))).collect();
    let href = object["actions"]["upload"]["href"].as_str().expect("an address");
    let sent = send(Method::PUT, href, reqwest::Body::wrap_stream(stream::iter(chunks))).await;
    assert_eq!(sent.status(), 200);
    assert!(download(&ada, "ada/bert", &file).await == file.bytes);
    hub.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing() {
    let hub = hub_tests::TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let file = Large::of(6 * 1024 * 1024, 1);
    let object = entry(&ada, "ada/bert", "upload", &file).await;
    let href = object["actions"]["upload"]["href"].as_str().expect("an address").to_owned();
    let half = Bytes::copy_from_slice(&file.bytes[..file.bytes.len() / 2]);
    let body = stream::iter([Ok::<_, std::io::Error>(half)]).chain(stream::pending());
    let sending = send(Method::PUT, &href, reqwest::Body::wrap_stream(body));
    assert!(tokio::time::timeout(Duration::from_millis(500), sending).await.is_err());
    until("nothing of it is left", async || stored_files(&hub).is_empty()).await;
    assert_eq!(verify(&object).await.status(), 404);
    assert_eq!(follow(&object, &file.bytes).await.status(), 200, "the same address works for the next try");
    hub.stop().await;
}

/// What lies in the local store's folders of large files, staging included.
fn stored_files(hub: &hub_tests::TestHub) -> Vec<String> {
    fn walk(dir: &std::path::Path, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() { walk(&path, into) } else { into.push(path.display().to_string()) }
        }
    }
    let mut found = Vec::new();
    for folder in ["store/lfs", "store/uploads"] {
        walk(&hub.app().config.data_dir.join(folder), &mut found);
    }
    found
}

#[tokio::test]
async fn repeated_and_simultaneous_uploads_are_fine() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        for size in [100_000, PART + 5] {
            let file = Large::of(size, 1);
            let object = entry(&ada, "ada/bert", "upload", &file).await;
            let sent = futures::future::join_all((0..4).map(|_| follow(&object, &file.bytes))).await;
            // They share one upload: once one has completed it, the store refuses what the others still send.
            assert!(sent.iter().any(|response| response.status().is_success()));
            let verified = futures::future::join_all((0..4).map(|_| verify(&object))).await;
            assert!(verified.iter().all(|response| response.status() == 200));
            assert!(download(&ada, "ada/bert", &file).await == file.bytes);
        }
        hub.stop().await;
    }
}

#[tokio::test]
async fn an_upload_in_parts_goes_on_where_it_stopped() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        let file = Large::of(2 * PART + 9, 1);
        let first = entry(&ada, "ada/bert", "upload", &file).await;
        let href =
            |entry: &hub_tests::Value, key: &str| entry["actions"]["upload"]["header"][key].as_str().expect("a part").to_owned();
        let mut parts = Vec::new();
        for (number, range) in [(3, 2 * PART..2 * PART + 9), (1, 0..PART)] {
            let sent = send(Method::PUT, &href(&first, &format!("{number:05}")), file.bytes[range].to_vec()).await;
            let etag = sent.headers()["etag"].to_str().expect("text").to_owned();
            parts.push(json!({ "partNumber": number, "etag": etag }));
        }
        let complete = first["actions"]["upload"]["href"].as_str().expect("an address");
        let early = post(complete, &json!({ "oid": file.oid, "parts": parts })).await;
        assert_eq!(early.status(), 422);
        assert!(early.text().await.expect("a text").contains("Part 2 of 3"));
        // The client comes again, and sends only what is missing.
        let second = entry(&ada, "ada/bert", "upload", &file).await;
        let sent = send(Method::PUT, &href(&second, "00002"), file.bytes[PART..2 * PART].to_vec()).await;
        assert!(sent.status().is_success());
        let complete = second["actions"]["upload"]["href"].as_str().expect("an address");
        for _ in 0..2 {
            assert_eq!(post(complete, &json!({ "oid": file.oid, "parts": parts })).await.status(), 200);
        }
        assert!(download(&ada, "ada/bert", &file).await == file.bytes);
        hub.stop().await;
    }
}

#[tokio::test]
async fn parts_are_joined_once_and_to_the_end_though_nobody_waits_for_it() {
    let hub = hub_tests::TestHub::start_with(|config| {
        config.lfs_multipart_above_bytes = PART as u64;
        config.lfs_part_bytes = PART as u64;
    })
    .await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let file = Large::of(PART + 9, 6);
    let object = entry(&ada, "ada/bert", "upload", &file).await;
    let action = &object["actions"]["upload"];
    for (number, range) in [("00001", 0..PART), ("00002", PART..PART + 9)] {
        let href = action["header"][number].as_str().expect("a part");
        assert!(send(Method::PUT, href, file.bytes[range].to_vec()).await.status().is_success());
    }
    let complete = action["href"].as_str().expect("an address").to_owned();
    let body = json!({ "oid": file.oid, "parts": [] });
    let stored = async || hub.app().store.list("lfs").try_collect::<Vec<_>>().await.expect("a list").len();
    // So that it cannot come to its end.
    let mut held = hub.app().begin().await.expect("a transaction");
    sqlx::query("lock table lfs_objects in exclusive mode").execute(&mut *held).await.expect("the table");
    let ask = || {
        let (complete, body) = (complete.clone(), body.clone());
        tokio::spawn(async move { post(&complete, &body).await.status() })
    };
    let asking: Vec<_> = (0..3).map(|_| ask()).collect();
    until("the first one has stored it", async || stored().await > 0).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stored().await, 1, "who asks again waits for the first");
    for asked in asking {
        asked.abort();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    held.rollback().await.expect("the table is free");
    until("the repository has it", async || hub.count("repo_lfs_objects").await > 0).await;
    assert!(download(&ada, "ada/bert", &file).await == file.bytes);
    assert_eq!(post(&complete, &body).await.status(), 200);
    assert_eq!(stored().await, 1);
    hub.stop().await;
}

#[tokio::test]
async fn unfinished_uploads_are_swept_and_finished_ones_stay() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        let (kept, left) = (Large::of(10, 1), Large::of(2 * PART, 2));
        upload(&ada, "ada/bert", &kept).await;
        let object = entry(&ada, "ada/bert", "upload", &left).await;
        let part = object["actions"]["upload"]["header"]["00001"].as_str().expect("a part");
        assert!(send(Method::PUT, part, left.bytes[..PART].to_vec()).await.status().is_success());
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let early = sweep::sweep(hub.app(), Duration::from_secs(60)).await.expect("sweeps");
        assert_eq!(early, sweep::Leftovers::default());
        let found = sweep::find(hub.app(), Duration::ZERO).await.expect("looks");
        assert_eq!(found.in_parts.bytes + found.staged.bytes, PART as u64, "{found:?}");
        assert_eq!(sweep::sweep(hub.app(), Duration::ZERO).await.expect("sweeps"), found);
        let complete = object["actions"]["upload"]["href"].as_str().expect("an address");
        assert_eq!(post(complete, &json!({ "oid": left.oid, "parts": [] })).await.status(), 422);
        assert!(download(&ada, "ada/bert", &kept).await == kept.bytes);
        hub.stop().await;
    }
}

#[tokio::test]
async fn the_sweep_is_a_job() {
    let hub = hub_tests::TestHub::start().await;
    let mut conn = hub.app().pool.acquire().await.expect("a connection");
    for _ in 0..2 {
        hub::jobs::Job::SweepUploads.enqueue(&mut conn).await.expect("enqueued");
    }
    drop(conn);
    hub.app().jobs.wake();
    hub.jobs_done().await;
    hub.stop().await;
}

#[tokio::test]
async fn parts_that_arrived_are_named_so_that_they_are_not_sent_again() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        let file = Large::of(2 * PART + 17, 5);
        let object = entry(&ada, "ada/bert", "upload", &file).await;
        let action = &object["actions"]["upload"];
        let complete = action["href"].as_str().expect("an address");
        let arrived = async || -> serde_json::Value {
            let reply = send(Method::GET, complete, reqwest::Body::from("")).await;
            assert_eq!(reply.status(), 200);
            reply.json::<serde_json::Value>().await.expect("JSON")["parts"].clone()
        };
        assert_eq!(arrived().await, json!([]));
        let second = action["header"]["00002"].as_str().expect("an address");
        let sent = send(Method::PUT, second, reqwest::Body::from(file.bytes[PART..2 * PART].to_vec())).await;
        assert!(sent.status().is_success());
        assert_eq!(arrived().await, json!([2]));
        // Asked for anew, as after a reload, the upload is the same.
        let again = entry(&ada, "ada/bert", "upload", &file).await;
        let complete = again["actions"]["upload"]["href"].as_str().expect("an address");
        let reply: serde_json::Value = send(Method::GET, complete, reqwest::Body::from("")).await.json().await.expect("JSON");
        assert_eq!(reply["parts"], json!([2]));
        assert!(follow(&object, &file.bytes).await.status().is_success());
        assert_eq!(arrived().await, json!([1, 2, 3]), "once whole, all are");
        hub.stop().await;
    }
}
