//! Xorbs that are not what they should be leave nothing.

use futures::{StreamExt as _, stream};
use hub_storage::StorageKey;
use hub_tests::TestHub;
use hub_types::XetHash;
use reqwest::Method;
use xet_core_structures::xorb_object::lz4_compress_from_slice;

use super::client::{Packed, Xorb, cut, random, send_body, write_token};
use super::{hubs, start};

fn sample() -> Xorb {
    let text = b"what is said again and again compresses. ".repeat(3_000);
    Xorb::of(&[cut(&random(300_000, 1)), cut(&text)].concat())
}

/// A chunk as it lies in a xorb.
fn chunk(stored: &[u8], scheme: u8, raw: u32) -> Vec<u8> {
    let (len, raw) = ((stored.len() as u32).to_le_bytes(), raw.to_le_bytes());
    [&[0, len[0], len[1], len[2], scheme, raw[0], raw[1], raw[2]], stored].concat()
}

/// What lies in the local store's folder of xorbs, and what is on its way there.
fn stored(hub: &TestHub) -> Vec<String> {
    fn walk(dir: &std::path::Path, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() { walk(&path, into) } else { into.push(path.display().to_string()) }
        }
    }
    let mut found = Vec::new();
    walk(&hub.app().config.data_dir.join("store/xorbs"), &mut found);
    found
}

/// Checks that a body is refused as the xorb `hash` and that nothing of it stays.
async fn check_refused(hub: &TestHub, cas: &hub_tests::Client, hash: &XetHash, body: Vec<u8>, what: &str) {
    let answer = send_body(cas, hash, body, 400).await;
    assert!(answer["error"].as_str().is_some_and(|text| text.contains("Nothing was stored")), "{what}: {answer}");
    assert_eq!(hub.count("xet_xorbs").await, 0, "{what}");
    assert_eq!(stored(hub), Vec::<String>::new(), "{what}");
}

#[tokio::test]
async fn bad_xorbs_are_refused_and_leave_nothing() {
    for (hub, ada) in hubs().await {
        let cas = write_token(&ada, "ada/bert").await;
        let xorb = sample();
        let (hash, body) = (xorb.hash(), xorb.body.to_vec());
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut changed = body.clone();
            change(&mut changed);
            assert_ne!(changed, body);
            changed
        };
        let border = xorb.info.chunks()[2].stored_end() as usize;
        let cases = [
            ("a flipped bit at the start", with(&|body| body[100] ^= 1)),
            ("a flipped bit at the end", with(&|body| *body.last_mut().expect("bytes") ^= 0x80)),
            ("a flipped bit in a header", with(&|body| body[border + 4] ^= 2)),
            ("half a chunk", body[..border - 5].to_vec()),
            ("half a header", body[..border + 3].to_vec()),
            ("some chunks of it", body[..border].to_vec()),
            ("a chunk more", [body.clone(), chunk(b"x", 0, 1)].concat()),
            ("garbage behind it", [body.clone(), vec![7; 100]].concat()),
            ("itself twice", [body.clone(), body.clone()].concat()),
            ("nothing", Vec::new()),
            ("random bytes", random(100_000, 9)),
            ("an unknown compression", with(&|body| body[4] = 99)),
            ("an unknown version", with(&|body| body[0] = 1)),
        ];
        for (what, body) in cases {
            check_refused(&hub, &cas, &hash, body, what).await;
        }
        check_refused(&hub, &cas, &Xorb::of(&[b"other".to_vec()]).hash(), body.clone(), "another's hash").await;
        check_refused(&hub, &cas, &XetHash::from_bytes([0; 32]), Vec::new(), "the hash of nothing").await;
        xorb.send(&cas, 200).await;
        assert_eq!(hub.count("xet_xorbs").await, 1, "and the right one is taken");
        hub.stop().await;
    }
}

#[tokio::test]
async fn xorbs_over_the_limits_are_refused() {
    let (hub, ada) = start().await;
    let cas = write_token(&ada, "ada/bert").await;
    let hash = sample().hash();
    let largest = chunk(&[7; 131_072], 0, 131_072);
    check_refused(&hub, &cas, &hash, largest.repeat(513), "more than 64 MiB").await;
    check_refused(&hub, &cas, &hash, chunk(b"x", 0, 1).repeat(8193), "more than 8192 chunks").await;
    check_refused(&hub, &cas, &hash, chunk(&[7; 131_073], 0, 131_073), "a chunk of more than 128 KiB").await;
    check_refused(&hub, &cas, &hash, chunk(b"", 0, 0), "an empty chunk").await;
    check_refused(&hub, &cas, &hash, [largest, b"XETBLOB".to_vec(), vec![0; 400_000]].concat(), "a footer without end").await;
    hub.stop().await;
}

#[tokio::test]
async fn a_chunk_that_unpacks_to_more_than_it_says_is_refused() {
    let (hub, ada) = start().await;
    let cas = write_token(&ada, "ada/bert").await;
    let bomb = lz4_compress_from_slice(&vec![0; 20 << 20]).expect("it compresses");
    assert!(bomb.len() < 131_072, "{}", bomb.len());
    for scheme in [1, 2] {
        for raw in [131_072, 0xff_ffff] {
            check_refused(&hub, &cas, &sample().hash(), chunk(&bomb, scheme, raw).repeat(100), "a bomb").await;
        }
    }
    let less = lz4_compress_from_slice(&[0; 1000]).expect("it compresses");
    check_refused(&hub, &cas, &sample().hash(), chunk(&less, 1, 1001), "less than it says").await;
    hub.stop().await;
}

#[tokio::test]
async fn the_footer_of_older_clients_is_taken_and_not_kept() {
    for (hub, ada) in hubs().await {
        let cas = write_token(&ada, "ada/bert").await;
        let xorb = sample();
        let footer = xorb.info.to_bytes().expect("written");
        let answer = send_body(&cas, &xorb.hash(), [&xorb.body, footer.as_slice()].concat(), 200).await;
        assert_eq!(answer["was_inserted"], true);
        let rows = hub::xet::queries::list_xorbs(&hub.app().pool, &[xorb.hash()]).await.expect("rows");
        let key = StorageKey::xorb(&xorb.hash(), rows[0].nonce);
        assert_eq!(hub.app().store.get_bytes(&key).await.expect("it is there"), xorb.body);
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_xorb_sent_by_many_at_once_is_kept_once() {
    for (hub, ada) in hubs().await {
        let cas = write_token(&ada, "ada/bert").await;
        let packed = Packed::new(random(400_000, 2), 100);
        let sent = futures::future::join_all((0..6).map(|_| packed.xorbs[0].send(&cas, 200))).await;
        assert_eq!(sent.iter().filter(|answer| answer["was_inserted"] == true).count(), 1);
        if !hub.app().store.is_remote() {
            assert_eq!(stored(&hub).len(), 2, "the body and what is known of it");
        }
        let shards = futures::future::join_all((0..4).map(|_| super::client::send_shard(&cas, packed.shard(), 200))).await;
        assert_eq!(shards.len(), 4);
        super::client::commit(&ada, "ada/bert", "w.bin", &packed.file, 200).await;
        let got = crate::lfs::download(&ada, "ada/bert", &packed.file).await;
        assert!(got == packed.file.bytes);
        hub.stop().await;
    }
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let (hub, ada) = start().await;
    let cas = write_token(&ada, "ada/bert").await;
    let xorb = Xorb::of(&cut(&random(12_000_000, 3)));
    let half = xorb.body.slice(..xorb.body.len() / 2);
    let on_its_way = || {
        let staging = hub.app().config.data_dir.join("store");
        let mut found = Vec::new();
        all_files(&staging, &mut found);
        found.len()
    };
    let before = on_its_way();
    let body = stream::iter([Ok::<_, std::io::Error>(half)]).chain(stream::pending());
    let request = cas.request(Method::POST, &format!("/xet/v1/xorbs/default/{}", xorb.hash()));
    let sending = tokio::spawn(request.body(reqwest::Body::wrap_stream(body)).send());
    wait_until(|| on_its_way() > before).await;
    sending.abort();
    wait_until(|| on_its_way() == before).await;
    assert_eq!((hub.count("xet_xorbs").await, stored(&hub).len()), (0, 0));
    xorb.send(&cas, 200).await;
    hub.stop().await;
}

fn all_files(dir: &std::path::Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { all_files(&path, into) } else { into.push(path) }
    }
}

async fn wait_until(is_so: impl Fn() -> bool) {
    hub_tests::until("it comes to that", async || is_so()).await;
}

#[tokio::test]
async fn addresses_that_are_none_are_refused() {
    let (hub, ada) = start().await;
    let cas = write_token(&ada, "ada/bert").await;
    let xorb = sample();
    let hash = xorb.hash().to_hex();
    for path in [
        format!("xorbs/other/{hash}"),
        format!("xorbs/default/{}", hash.to_uppercase()),
        format!("xorbs/default/{}", &hash[1..]),
        format!("xorb-grants/other/{hash}"),
        "xorb-grants/default/..%2F..".to_owned(),
    ] {
        cas.send(cas.request(Method::POST, &format!("/xet/v1/{path}")).body(xorb.body.clone()), 400).await;
    }
    for path in [format!("v1/chunks/other/{hash}"), "v1/chunks/default/0".to_owned(), "v2/reconstructions/0".to_owned()] {
        cas.get(&format!("/xet/{path}"), 400).await;
    }
    cas.get(&format!("/xet/v2/file-chunk-hashes/{hash}"), 501).await;
    assert_eq!(hub.count("xet_xorbs").await, 0);
    hub.stop().await;
}
