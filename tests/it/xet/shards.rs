//! Shards that do not hold make no file.

use hub_tests::{Client, TestHub, Value};
use hub_types::XetHash;
use hub_xet::FileEntry;
use reqwest::Method;

use super::client::{Packed, Xorb, commit, random, reconstruction, send_shard, shard, write_token};
use super::{hubs, start};

/// Checks that a shard is refused and that no file comes of it, for anybody.
async fn check_refused(hub: &TestHub, cas: &Client, bytes: Vec<u8>, what: &str) -> String {
    let mut said = String::new();
    for version in [1, 2] {
        let request = cas.request(Method::POST, &format!("/xet/v{version}/shards")).body(bytes.clone());
        let answer: Value = cas.send(request, 400).await.json().await.expect("JSON");
        said = answer["error"].as_str().unwrap_or_else(|| panic!("{what}: {answer}")).to_owned();
    }
    for table in ["xet_files", "lfs_objects", "repo_lfs_objects", "xet_file_xorbs"] {
        assert_eq!(hub.count(table).await, 0, "{what}: {table}");
    }
    said
}

#[tokio::test]
async fn shards_that_do_not_hold_are_refused() {
    for (hub, ada) in hubs().await {
        let cas = write_token(&ada, "ada/bert").await;
        let packed = Packed::new(random(500_000, 1), 3);
        let xorbs: Vec<_> = packed.xorbs.iter().map(|xorb| &xorb.info).collect();
        let missing = check_refused(&hub, &cas, packed.shard(), "xorbs that were never sent").await;
        assert!(missing.contains("Upload it first"), "{missing}");
        packed.send_xorbs(&cas).await;
        let with = |change: &dyn Fn(&mut FileEntry)| {
            let mut changed = packed.entry.clone();
            change(&mut changed);
            assert_ne!(changed, packed.entry);
            shard(&[changed], &xorbs)
        };
        let other = Xorb::of(&[b"never sent".to_vec()]).hash();
        let cases = [
            ("an unknown xorb", with(&|file| file.terms[1].xorb = other)),
            ("another order of the xorbs", with(&|file| file.terms.swap(0, 1))),
            (
                "another order of all",
                with(&|file| {
                    file.terms.swap(0, 1);
                    file.proofs.swap(0, 1);
                }),
            ),
            ("chunks behind the last", with(&|file| file.terms[0].end += 1)),
            ("chunks far behind the last", with(&|file| file.terms[0].end = u32::MAX)),
            (
                "chunks from the end to the start",
                with(&|file| {
                    (file.terms[0].start, file.terms[0].end) = (file.terms[0].end, file.terms[0].start);
                }),
            ),
            ("no chunks", with(&|file| file.terms[0].end = file.terms[0].start)),
            ("a byte too few", with(&|file| file.terms[0].raw_len -= 1)),
            ("a byte too many", with(&|file| file.terms[0].raw_len += 1)),
            ("a wrong proof", with(&|file| file.proofs[1] = other)),
            ("a proof of zeros", with(&|file| file.proofs[0] = XetHash::from_bytes([0; 32]))),
            ("no proofs", with(&|file| file.proofs.clear())),
            ("the hash of another file", with(&|file| file.hash = other)),
            (
                "half of the file",
                with(&|file| {
                    file.terms.truncate(1);
                    file.proofs.truncate(1);
                }),
            ),
            (
                "no terms",
                with(&|file| {
                    file.terms.clear();
                    file.proofs.clear();
                }),
            ),
            ("the same file twice", shard(&[packed.entry.clone(), packed.entry.clone()], &xorbs)),
            ("a good file and a bad one", {
                let mut bad = packed.entry.clone();
                bad.hash = other;
                shard(&[packed.entry.clone(), bad], &xorbs)
            }),
        ];
        for (what, bytes) in cases {
            check_refused(&hub, &cas, bytes, what).await;
            commit(&ada, "ada/bert", "w.bin", &packed.file, 422).await;
            reconstruction(&cas, 2, &packed.entry.hash, "", 404).await;
        }
        send_shard(&cas, packed.shard(), 200).await;
        commit(&ada, "ada/bert", "w.bin", &packed.file, 200).await;
        hub.stop().await;
    }
}

#[tokio::test]
async fn bytes_that_are_no_shard_are_refused() {
    let (hub, ada) = start().await;
    let cas = write_token(&ada, "ada/bert").await;
    let packed = Packed::new(random(100_000, 2), 3);
    packed.send_xorbs(&cas).await;
    let good = packed.shard();
    check_refused(&hub, &cas, Vec::new(), "nothing").await;
    check_refused(&hub, &cas, random(100_000, 3), "random bytes").await;
    check_refused(&hub, &cas, good[..48].to_vec(), "a header alone").await;
    check_refused(&hub, &cas, [good.as_slice(), &[0; 48]].concat(), "a record more").await;
    for at in (48..good.len()).step_by(48).chain([good.len() - 1]) {
        check_refused(&hub, &cas, good[..at].to_vec(), "a part of it").await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_shard_without_files_is_taken_and_makes_none() {
    let (hub, ada) = start().await;
    let cas = write_token(&ada, "ada/bert").await;
    send_shard(&cas, shard(&[], &[]), 200).await;
    let xorb = Xorb::of(&[b"x".to_vec()]);
    send_shard(&cas, shard(&[], &[&xorb.info]), 200).await;
    assert_eq!((hub.count("xet_files").await, hub.count("xet_chunks").await), (0, 0));
    hub.stop().await;
}

#[tokio::test]
async fn another_sha256_than_the_bytes_have_is_refused() {
    for (hub, ada) in hubs().await {
        let cas = write_token(&ada, "ada/bert").await;
        let (packed, claimed) = (Packed::new(random(300_000, 4), 3), Packed::new(random(300_000, 5), 3));
        packed.send_xorbs(&cas).await;
        let mut lie = packed.clone();
        lie.entry.sha256 = claimed.entry.sha256;
        let said = check_refused(&hub, &cas, lie.shard(), "a lie").await;
        assert!(said.contains(&packed.file.oid) && said.contains(&claimed.file.oid), "{said}");
        commit(&ada, "ada/bert", "w.bin", &claimed.file, 422).await;
        commit(&ada, "ada/bert", "w.bin", &packed.file, 422).await;
        reconstruction(&cas, 1, &packed.entry.hash, "", 404).await;

        // Nor is it believed of a file that the hub knows.
        packed.send(&cas).await;
        send_shard(&cas, lie.shard(), 400).await;
        commit(&ada, "ada/bert", "w.bin", &claimed.file, 422).await;
        commit(&ada, "ada/bert", "w.bin", &packed.file, 200).await;

        // A shard may leave it out: the hub computes it anyway.
        let mut silent = claimed.clone();
        silent.entry.sha256 = None;
        silent.send(&cas).await;
        commit(&ada, "ada/bert", "v.bin", &claimed.file, 200).await;
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_size_that_is_not_the_files_is_refused() {
    let (hub, ada) = start().await;
    let packed = Packed::new(random(100_000, 6), 3);
    packed.send(&write_token(&ada, "ada/bert").await).await;
    let mut longer = packed.file.clone();
    longer.bytes.push(0);
    commit(&ada, "ada/bert", "w.bin", &longer, 422).await;
    commit(&ada, "ada/bert", "w.bin", &packed.file, 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_shard_too_large_is_refused_before_it_is_read() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (hub, ada) = start().await;
    let cas = write_token(&ada, "ada/bert").await;
    for version in [1, 2] {
        let mut line = tokio::net::TcpStream::connect(hub.base().trim_start_matches("http://")).await.expect("it connects");
        let head = format!(
            "POST /xet/v{version}/shards HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {}\r\nContent-Length: 99999999999\r\n\r\n",
            cas.token()
        );
        line.write_all(head.as_bytes()).await.expect("it is sent");
        let mut answer = [0; 12];
        line.read_exact(&mut answer).await.expect("an answer comes");
        assert_eq!(&answer, b"HTTP/1.1 413");
    }
    hub.stop().await;
}
