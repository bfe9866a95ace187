//! Files go up in chunks and come down every way there is.

use hub_tests::{Client, Value};
use reqwest::Method;

use super::client::{
    Packed, Xorb, api, assemble, commit, cut, entry, get, parts, random, read_token, reconstruction, send_shard, shard,
    write_token,
};
use super::hubs;
use crate::lfs::{Large, download};

async fn resolve(client: &Client, range: &str) -> reqwest::Response {
    let request = client.request(Method::GET, "/ada/bert/resolve/main/w.bin");
    let request = if range.is_empty() { request } else { request.header("Range", range) };
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn a_file_in_chunks_comes_back_every_way() {
    for (hub, ada) in hubs().await {
        // Of several xorbs, with chunks that compress and such that do not.
        let text = b"what is said again and again compresses. ".repeat(20_000);
        let packed = Packed::new([random(1_500_000, 1), text, random(700_000, 2)].concat(), 9);
        assert!(packed.xorbs.len() > 3, "{}", packed.xorbs.len());
        packed.upload(&ada, "ada/bert", "w.bin").await;
        let bytes = &packed.file.bytes;

        let whole = resolve(&ada, "").await;
        assert_eq!(whole.status(), 200);
        assert_eq!(whole.headers()["content-length"], bytes.len().to_string());
        assert!(whole.bytes().await.expect("bytes") == *bytes);
        assert!(download(&ada, "ada/bert", &packed.file).await == *bytes, "by Git LFS");
        let cas = read_token(&ada, "ada/bert").await;
        for version in [1, 2] {
            let answer = reconstruction(&cas, version, &packed.entry.hash, "", 200).await;
            assert!(assemble(&answer, bytes.len()).await == *bytes, "v{version}");
        }
        hub.stop().await;
    }
}

#[tokio::test]
async fn any_range_of_a_file_in_chunks_is_exact() {
    for (hub, ada) in hubs().await {
        let packed = Packed::new(random(1_000_000, 3), 4);
        packed.upload(&ada, "ada/bert", "w.bin").await;
        let (bytes, size) = (&packed.file.bytes, packed.file.bytes.len());
        let border = packed.xorbs[0].info.total_raw_len() as usize;
        let cas = read_token(&ada, "ada/bert").await;
        let lfs = crate::lfs::entry(&ada, "ada/bert", "download", &packed.file).await;
        let href = lfs["actions"]["download"]["href"].as_str().expect("an address");
        for (first, last) in [
            (0, 0),
            (1, 1),
            (size - 1, size - 1),
            (border - 1, border),
            (border - 7, border + 90_001),
            (300_001, 299_999 + 400_000),
        ] {
            let range = format!("bytes={first}-{last}");
            let expected = &bytes[first..=last];
            for part in [resolve(&ada, &range).await, get(href, &range).await] {
                assert_eq!(part.status(), 206, "{range}");
                assert_eq!(part.headers()["content-range"], format!("bytes {first}-{last}/{size}"));
                assert_eq!(part.headers()["content-length"], expected.len().to_string());
                assert!(part.bytes().await.expect("bytes") == expected, "{range}");
            }
            for version in [1, 2] {
                let answer = reconstruction(&cas, version, &packed.entry.hash, &range, 200).await;
                assert!(assemble(&answer, expected.len()).await == expected, "v{version} {range}");
            }
        }
        let suffix = resolve(&ada, "bytes=-70000").await;
        assert_eq!(suffix.headers()["content-range"], format!("bytes {}-{}/{size}", size - 70_000, size - 1));
        assert!(suffix.bytes().await.expect("bytes") == bytes[size - 70_000..]);
        let open = resolve(&ada, "bytes=999000-").await;
        assert!(open.bytes().await.expect("bytes") == bytes[999_000..]);
        let outside = resolve(&ada, &format!("bytes={size}-")).await;
        assert_eq!(outside.status(), 416);
        assert_eq!(outside.headers()["content-range"], format!("bytes */{size}"));
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_reconstruction_is_cut_to_what_is_asked() {
    for (hub, ada) in hubs().await {
        let packed = Packed::new(random(1_000_000, 4), 4);
        packed.upload(&ada, "ada/bert", "w.bin").await;
        let (cas, file) = (read_token(&ada, "ada/bert").await, packed.entry.hash);
        for version in [1, 2] {
            let whole = reconstruction(&cas, version, &file, "", 200).await;
            let terms = |answer: &Value| answer["terms"].as_array().expect("a list").len();
            assert_eq!(terms(&whole), packed.xorbs.len());
            let one = reconstruction(&cas, version, &file, "bytes=100-200", 200).await;
            assert_eq!((terms(&one), parts(&one).len()), (1, 1));
            assert_eq!(parts(&one)[0].chunks, (0, 1), "a chunk is enough");
            assert_eq!(one["offset_into_first_range"], 100);
            let clamped = reconstruction(&cas, version, &file, "bytes=999999-99999999", 200).await;
            assert!(assemble(&clamped, 1).await == packed.file.bytes[999_999..]);
            reconstruction(&cas, version, &file, "bytes=1000000-1000001", 416).await;
            for nonsense in ["bytes=5-4", "bytes=x-1", "lines=1-2", "bytes=-5", "5-6"] {
                reconstruction(&cas, version, &file, nonsense, 400).await;
            }
        }
        hub.stop().await;
    }
}

#[tokio::test]
async fn the_head_of_a_file_in_chunks_leads_there() {
    for (hub, ada) in hubs().await {
        let packed = Packed::new(random(200_000, 5), 100);
        packed.upload(&ada, "ada/bert", "w.bin").await;
        let head = ada.head("/ada/bert/resolve/main/w.bin", 200).await;
        let header = |name: &str| head.headers()[name].to_str().expect("text").to_owned();
        let commit = header("x-repo-commit");
        let etag = format!("\"{}\"", packed.file.oid);
        assert_eq!((header("etag"), header("x-linked-etag")), (etag.clone(), etag));
        assert_eq!((header("content-length"), header("x-linked-size")), ("200000".to_owned(), "200000".to_owned()));
        assert_eq!(header("x-xet-hash"), packed.entry.hash.to_hex());
        let refresh = ada.url(&format!("/api/models/ada/bert/xet-read-token/{commit}"));
        assert_eq!(header("x-xet-refresh-route"), refresh);
        assert!(header("link").contains(&format!("<{refresh}>; rel=\"xet-auth\"")), "{}", header("link"));
        let answer = ada.get_json(refresh.strip_prefix(hub.base()).expect("the hub's own"), 200).await;
        let cas = hub.with_token(answer["accessToken"].as_str().expect("a token"));
        reconstruction(&cas, 2, &packed.entry.hash, "", 200).await;
        let tree = ada.get_json("/api/models/ada/bert/tree/main", 200).await;
        let row = tree.as_array().expect("a list").iter().find(|row| row["path"] == "w.bin").expect("the file is listed");
        assert_eq!((&row["xetHash"], &row["lfs"]["oid"]), (&packed.entry.hash.to_hex().into(), &packed.file.oid.clone().into()));
        hub.stop().await;
    }
}

#[tokio::test]
async fn both_forms_of_a_shard_are_answered() {
    for (hub, ada) in hubs().await {
        let cas = write_token(&ada, "ada/bert").await;
        let packed = Packed::new(random(200_000, 6), 2);
        packed.send_xorbs(&cas).await;
        // Clients repeat what broke off.
        for _ in 0..2 {
            let v1 = cas.send(cas.request(Method::POST, "/xet/v1/shards").body(packed.shard()), 200).await;
            assert_eq!(v1.json::<Value>().await.expect("JSON")["result"], 1);
            let v2 = cas.send(cas.request(Method::POST, "/xet/v2/shards").body(packed.shard()), 200).await;
            assert_eq!(v2.headers()["content-type"], "application/x-ndjson");
            let text = v2.text().await.expect("text");
            let last: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
            assert_eq!(last["type"], "result");
        }
        commit(&ada, "ada/bert", "w.bin", &packed.file, 200).await;
        assert!(resolve(&ada, "").await.bytes().await.expect("bytes") == packed.file.bytes);
        hub.stop().await;
    }
}

#[tokio::test]
async fn what_files_share_is_stored_once() {
    for (hub, ada) in hubs().await {
        let cas = write_token(&ada, "ada/bert").await;
        let first = Packed::new(random(600_000, 7), 100);
        first.send(&cas).await;
        let known = &first.xorbs[0];
        assert!(known.is_known(&cas).await);
        assert_eq!(known.send(&cas, 200).await["was_inserted"], false);

        // The old chunks, three times, in another order, and a new one between.
        let new = Xorb::of(&cut(&random(50_000, 8)));
        new.send(&cas, 200).await;
        let count = known.info.chunk_count();
        let mut file = entry(&[(&known.info, 3, count), (&new.info, 0, 1), (&known.info, 0, 4), (&known.info, 2, 3)]);
        let old = &first.file.bytes;
        let at = |chunk: u32| known.info.raw_len(0..chunk).expect("chunks") as usize;
        let bytes = [&old[at(3)..], &random(50_000, 8), &old[..at(4)], &old[at(2)..at(3)]].concat();
        let large = Large::new(bytes);
        file.sha256 = Some(large.oid.parse().expect("a SHA-256"));
        send_shard(&cas, shard(&[file.clone()], &[&new.info]), 200).await;
        commit(&ada, "ada/bert", "w.bin", &large, 200).await;
        assert!(resolve(&ada, "").await.bytes().await.expect("bytes") == large.bytes);
        let answer = reconstruction(&cas, 1, &file.hash, "", 200).await;
        assert!(assemble(&answer, large.bytes.len()).await == large.bytes);
        assert_eq!(parts(&answer).len(), 2, "what overlaps is one part");
        hub.stop().await;
    }
}

#[tokio::test]
async fn many_files_are_one_shard() {
    for (hub, ada) in hubs().await {
        let cas = write_token(&ada, "ada/bert").await;
        let files: Vec<Large> = (0..100).map(|n| Large::new(random(100 + n, n as u64))).collect();
        let xorb = Xorb::of(&files.iter().map(|file| file.bytes.clone()).collect::<Vec<_>>());
        xorb.send(&cas, 200).await;
        let entries = files.iter().zip(0..).map(|(file, at)| {
            let mut entry = entry(&[(&xorb.info, at, at + 1)]);
            entry.sha256 = Some(file.oid.parse().expect("a SHA-256"));
            entry
        });
        send_shard(&cas, shard(&entries.collect::<Vec<_>>(), &[&xorb.info]), 200).await;
        let lines = files.iter().enumerate().map(|(n, file)| {
            let value =
                hub_tests::json!({ "path": format!("{n}.bin"), "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
            hub_tests::json!({ "key": "lfsFile", "value": value })
        });
        let lines: Vec<Value> = lines.collect();
        ada.commit(&api("ada/bert"), "main", &lines, 200).await;
        for n in [0, 57, 99] {
            let got = ada.get(&format!("/ada/bert/resolve/main/{n}.bin"), 200).await.bytes().await.expect("bytes");
            assert!(got == files[n].bytes, "{n}");
        }
        hub.stop().await;
    }
}
