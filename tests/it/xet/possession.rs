//! Knowing a hash opens nothing, and nobody learns of chunks that they may not read.

use hub_tests::{Client, TestHub, json};
use hub_types::XetHash;
use reqwest::Method;
use xet_core_structures::merklehash::MerkleHash;
use xet_core_structures::metadata_shard::MDBShardInfo;

use super::client::{Packed, Xorb, commit, random, read_token, reconstruction, send_body, send_shard, shard, write_token};
use super::{hubs, start};

/// ada has a private file; eve has a repository of her own.
async fn secret(hub: &TestHub, ada: &Client) -> (Client, Packed) {
    let eve = hub.user("eve").await;
    eve.create_repo("model", "eve/mine", false).await;
    ada.create_repo("model", "ada/secret", true).await;
    let packed = Packed::new(random(600_000, 1), 4);
    packed.upload(ada, "ada/secret", "w.bin").await;
    (eve, packed)
}

#[tokio::test]
async fn the_hashes_of_a_private_file_make_no_file_of_it() {
    for (hub, ada) in hubs().await {
        let (eve, packed) = secret(&hub, &ada).await;
        let cas = write_token(&eve, "eve/mine").await;
        // She has heard of everything: the hashes of file and xorbs, how many chunks of what size, even the SHA-256.
        let known = &packed.entry;
        let guesses = [
            vec![XetHash::from_bytes([0; 32]); known.terms.len()],
            vec![known.hash; known.terms.len()],
            packed.xorbs.iter().map(Xorb::hash).collect(),
            packed.xorbs.iter().map(|xorb| hub_xet::range_hash([&xorb.hash()].into_iter())).collect(),
            known.terms.iter().map(|_| hub_xet::range_hash([].into_iter())).collect(),
            Vec::new(),
        ];
        for proofs in guesses {
            let claim = hub_xet::FileEntry { proofs, ..known.clone() };
            let infos: Vec<_> = packed.xorbs.iter().map(|xorb| &xorb.info).collect();
            for xorbs in [&[][..], &infos] {
                send_shard(&cas, shard(std::slice::from_ref(&claim), xorbs), 400).await;
            }
        }
        reconstruction(&cas, 2, &known.hash, "", 404).await;
        commit(&eve, "eve/mine", "w.bin", &packed.file, 422).await;
        assert_eq!(crate::lfs::entry(&eve, "eve/mine", "download", &packed.file).await["error"]["code"], 404);

        // Who has the bytes has the proofs, and need not send what is here.
        send_shard(&cas, packed.shard(), 200).await;
        commit(&eve, "eve/mine", "w.bin", &packed.file, 200).await;
        assert!(crate::lfs::download(&eve, "eve/mine", &packed.file).await == packed.file.bytes);
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_proof_of_some_chunks_is_none_of_others() {
    let (hub, ada) = start().await;
    let (eve, packed) = secret(&hub, &ada).await;
    let cas = write_token(&eve, "eve/mine").await;
    let info = &packed.xorbs[0].info;
    // She has the first two chunks, and wants the third.
    let proof = info.range_hash(0..2).expect("chunks");
    let mut claim = super::client::entry(&[(info, 0, 3)]);
    claim.proofs = vec![proof];
    send_shard(&cas, shard(&[claim], &[]), 400).await;
    let honest = super::client::entry(&[(info, 0, 2)]);
    send_shard(&cas, shard(std::slice::from_ref(&honest), &[]), 200).await;
    let answer = reconstruction(&cas, 1, &honest.hash, "", 200).await;
    let [part] = super::client::parts(&answer).try_into().expect("one part");
    let stored = info.stored_range(0..2).expect("chunks");
    assert_eq!(part.bytes, (0, u64::from(stored.end) - 1), "nothing beside what she has");
    hub.stop().await;
}

/// Asks about a chunk; gives the answer if there is one.
async fn ask(cas: &Client, chunk: &XetHash) -> Option<Vec<u8>> {
    let answer = cas.request(Method::GET, &format!("/xet/v1/chunks/default/{chunk}")).send().await.expect("an answer");
    match answer.status().as_u16() {
        200 => Some(answer.bytes().await.expect("bytes").to_vec()),
        404 => None,
        other => panic!("the question is answered {other}"),
    }
}

#[tokio::test]
async fn private_chunks_are_not_told_to_others() {
    for (hub, ada) in hubs().await {
        let (eve, packed) = secret(&hub, &ada).await;
        let first = *packed.xorbs[0].info.chunks()[0].hash();
        let hers = write_token(&eve, "eve/mine").await;
        let anonymous = read_token(&hub.anonymous(), "ada/bert").await;
        let stranger = read_token(&eve, "ada/bert").await;
        for cas in [&hers, &anonymous, &stranger] {
            assert_eq!(ask(cas, &first).await, None);
        }
        for xorb in &packed.xorbs {
            assert!(!xorb.is_known(&hers).await);
        }
        // In the namespace they are known.
        let his = write_token(&ada, "ada/bert").await;
        assert!(ask(&his, &first).await.is_some());
        assert!(packed.xorbs[0].is_known(&his).await);

        // A gated file is no more public than a private one.
        let settings = async |body: hub_tests::Value| ada.call(Method::PUT, "/api/models/ada/secret/settings", &body, 200).await;
        settings(json!({ "private": false, "gated": "auto" })).await;
        assert_eq!(ask(&hers, &first).await, None);
        assert!(!packed.xorbs[0].is_known(&hers).await);
        settings(json!({ "gated": false })).await;
        for cas in [&hers, &anonymous, &stranger] {
            assert!(ask(cas, &first).await.is_some());
        }
        for xorb in &packed.xorbs {
            assert!(xorb.is_known(&hers).await);
        }
        settings(json!({ "private": true })).await;
        assert_eq!(ask(&hers, &first).await, None);
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_private_xorb_does_not_hide_a_public_one() {
    for (hub, ada) in hubs().await {
        let (eve, private) = secret(&hub, &ada).await;
        // The same chunks and some more, packed in other xorbs, for everybody.
        let public = Packed::new([private.file.bytes.as_ref(), random(50_000, 9).as_slice()].concat(), 3);
        let first = *private.xorbs[0].info.chunks()[0].hash();
        assert_eq!(&first, public.xorbs[0].info.chunks()[0].hash());
        let hers = write_token(&eve, "eve/mine").await;
        public.send(&write_token(&ada, "ada/secret").await).await;
        assert_eq!(ask(&hers, &first).await, None, "both are private");
        public.upload(&ada, "ada/bert", "w.bin").await;
        let answer = ask(&hers, &first).await.expect("the public one is found");
        let names = |xorb: &Xorb| answer.windows(32).any(|window| window == xorb.hash().as_bytes());
        assert!(names(&public.xorbs[0]));
        assert!(!private.xorbs.iter().any(names), "the private ones are not told");
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_chunk_is_indexed_for_a_bounded_number_of_xorbs() {
    let (hub, ada) = start().await;
    let cas = write_token(&ada, "ada/bert").await;
    let start = random(200_000, 1);
    for seed in 2..22 {
        Packed::new([start.as_slice(), random(50_000, seed).as_slice()].concat(), 8).send(&cas).await;
    }
    let sql = "select max(xorbs) from (select count(*) as xorbs from xet_chunks group by chunk_hash) chunks";
    let most: i64 = sqlx::query_scalar(sql).fetch_one(&hub.app().pool).await.expect("a number");
    assert_eq!((hub.count("xet_xorbs").await, most), (20, 16));
    hub.stop().await;
}

#[tokio::test]
async fn sending_other_bytes_does_not_tell_that_a_xorb_is_here() {
    for (hub, ada) in hubs().await {
        let (eve, packed) = secret(&hub, &ada).await;
        let cas = write_token(&eve, "eve/mine").await;
        let missing = Xorb::of(&[random(5_000, 8)]);
        for body in [Vec::new(), b"nonsense".to_vec(), missing.body[..100].to_vec()] {
            let here = send_body(&cas, &packed.xorbs[0].hash(), body.clone(), 400).await;
            let not = send_body(&cas, &missing.hash(), body, 400).await;
            assert_eq!(here["error"], not["error"]);
        }
        hub.stop().await;
    }
}

#[tokio::test]
async fn answers_about_chunks_are_keyed() {
    for (hub, ada) in hubs().await {
        let packed = Packed::new(random(600_000, 2), 4);
        packed.upload(&ada, "ada/bert", "w.bin").await;
        let first = *packed.xorbs[0].info.chunks()[0].hash();
        let answer = ask(&write_token(&ada, "ada/bert").await, &first).await.expect("it is known");
        let contains = |hash: &XetHash| answer.windows(32).any(|window| window == hash.as_bytes());
        for xorb in &packed.xorbs {
            assert!(contains(&xorb.hash()), "the other xorbs of the file are told, too");
            for chunk in xorb.info.chunks() {
                assert!(!contains(chunk.hash()), "a plain hash would be the proof of the chunk");
            }
        }
        // As a client reads it.
        let shard = MDBShardInfo::load_from_reader(&mut std::io::Cursor::new(&answer)).expect("it is a shard");
        let key = shard.metadata.chunk_hash_hmac_key;
        assert_ne!(key, MerkleHash::default());
        assert!(shard.metadata.shard_key_expiry > super::permissions::now().unsigned_abs() + 3600);
        for chunk in packed.xorbs.iter().flat_map(|xorb| xorb.info.chunks()) {
            let keyed = MerkleHash::from(chunk.hash().as_bytes()).hmac(key);
            assert!(contains(&XetHash::from_bytes(keyed.into())), "who has the chunk finds it");
        }
        hub.stop().await;
    }
}
