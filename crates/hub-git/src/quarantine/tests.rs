//! What a push may send, and what it may not.

mod by_hand;
mod contents;

use std::time::Duration;

use super::*;
use crate::fixture::{Fixture, run};

const LIMITS: PushLimits = PushLimits {
    max_pack_bytes: 40 * 1024 * 1024,
    max_file_bytes: 10 * 1024 * 1024,
    max_changed_entries: 1_000,
    timeout: Duration::from_secs(60),
};

async fn receive(fixture: &Fixture, pack: &[u8]) -> (Quarantine, Result<Option<ReceivedPack>, PushError>) {
    let quarantine = Quarantine::new(fixture.view());
    let mut index = IndexPack::start(&quarantine, LIMITS).unwrap();
    let mut body = pack;
    let result = match index.feed(&mut body, PackEnd::WithStream).await {
        Ok(()) => index.finish(&quarantine).await,
        Err(error) => Err(error),
    };
    (quarantine, result)
}

async fn refusal(fixture: &Fixture, pack: &[u8]) -> String {
    receive(fixture, pack).await.1.unwrap_err().to_string()
}

#[tokio::test]
async fn a_good_push_passes_and_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let new = fixture.commit("dir/new.txt", b"hello\n");
    let (quarantine, received) = receive(&fixture, &fixture.thin_pack(new)).await;
    let received = received.unwrap().unwrap();
    assert_eq!(received.objects, 4);
    assert_eq!(received.size_bytes, std::fs::metadata(&received.pack).unwrap().len());
    assert!(received.idx.exists());
    let found = quarantine.inspect(&[Tip { new, base: None }], LIMITS).await.unwrap();
    assert_eq!(found, Inspection::default());
    drop(quarantine);
    assert_eq!(std::fs::read_dir(fixture.scratch()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_thin_pack_is_completed() {
    let fixture = Fixture::new();
    let text = std::fs::read_to_string(fixture.work().join("text.txt")).unwrap();
    let new = fixture.commit("text.txt", text.replace("line 7 ", "line seven ").as_bytes());
    let pack = fixture.thin_pack(new);
    assert!(pack.len() < 1_000, "the pack should be thin, not {} bytes", pack.len());
    let (quarantine, received) = receive(&fixture, &pack).await;
    let received = received.unwrap().unwrap();
    assert_eq!(received.objects, 4, "three new objects and the base of the delta");
    run(&["index-pack", "--strict", received.pack.to_str().unwrap()], quarantine.git_dir(), b"");
}

/// Git takes such a pack, and repeats what came behind it.
#[tokio::test]
async fn bytes_behind_a_pack_are_left_alone() {
    let fixture = Fixture::new();
    let new = fixture.commit("dir/new.txt", b"hello\n");
    let pack = fixture.thin_pack(new);
    for behind in [&b"\xff\xfe\0"[..], &[0xff; 3000]] {
        let (_, received) = receive(&fixture, &[&pack, behind].concat()).await;
        let received = received.unwrap().unwrap();
        assert_eq!(received.objects, 4);
    }
}

#[tokio::test]
async fn a_pack_without_objects_is_none() {
    let fixture = Fixture::new();
    assert_eq!(receive(&fixture, &fixture.pack_of(&[])).await.1.unwrap(), None);
}

#[tokio::test]
async fn a_pack_without_its_base_is_refused() {
    let fixture = Fixture::new();
    let text = std::fs::read_to_string(fixture.work().join("text.txt")).unwrap();
    let unknown = text.replace("line 9 ", "LINE NINE ");
    fixture.commit("text.txt", unknown.as_bytes());
    let unknown = fixture.head();
    let new = fixture.commit("text.txt", text.replace("line 9 ", "LINE NINE! ").as_bytes());
    let input = format!("{new}\n^{unknown}\n");
    let thin = run(&["pack-objects", "--revs", "--thin", "--stdout", "-q"], &fixture.work(), input.as_bytes());
    let message = refusal(&fixture, &thin).await;
    assert!(message.contains("this repository does not have"), "{message}");
}

#[tokio::test]
async fn a_pack_that_ends_early_is_refused() {
    let fixture = Fixture::new();
    let new = fixture.commit("new.bin", &[7; 50_000]);
    let pack = fixture.thin_pack(new);
    for length in [0, 3, 12, 40, pack.len() / 2, pack.len() - 20, pack.len() - 1] {
        let message = refusal(&fixture, &pack[..length]).await;
        assert!(message.contains("cut off"), "{length} bytes: {message}");
    }
}

#[tokio::test]
async fn flipped_bits_are_found_wherever_they_are() {
    let fixture = Fixture::new();
    let new = fixture.commit("new.txt", b"some new text\n");
    let pack = fixture.thin_pack(new);
    for position in 0..pack.len() {
        let mut damaged = pack.clone();
        damaged[position] ^= 0x10;
        let (_quarantine, received) = receive(&fixture, &damaged).await;
        assert!(received.is_err(), "byte {position}");
        assert!(!received.unwrap_err().is_server_fault(), "byte {position}");
    }
}

#[tokio::test]
async fn what_is_no_pack_is_refused_without_machine_paths() {
    let fixture = Fixture::new();
    let message = refusal(&fixture, b"GIF89a, really, and more of it").await;
    assert!(message.contains("not a git pack"), "{message}");
    assert!(!message.contains('/'), "{message}");
}

#[tokio::test]
async fn a_pack_that_claims_billions_of_objects_is_refused_at_once() {
    let fixture = Fixture::new();
    let message = refusal(&fixture, b"PACK\0\0\0\x02\xff\xff\xff\xf0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").await;
    assert!(message.contains("too large"), "{message}");
}

#[tokio::test]
async fn a_pack_over_the_limit_is_refused() {
    let fixture = Fixture::new();
    let noise: Vec<u8> =
        (0..50u32 * 1024 * 1024 / 4).flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes()).collect();
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x01".to_vec();
    // A blob of 50 MiB in stored deflate blocks.
    let size = noise.len();
    pack.push(0xb0 | (size & 15) as u8);
    let mut rest = size >> 4;
    while rest > 0 {
        pack.push((rest & 127) as u8 | if rest > 127 { 128 } else { 0 });
        rest >>= 7;
    }
    let mut encoder = flate2::write::ZlibEncoder::new(pack, flate2::Compression::none());
    std::io::Write::write_all(&mut encoder, &noise).unwrap();
    let message = refusal(&fixture, &encoder.finish().unwrap()).await;
    assert!(message.contains("larger than 40 MB"), "{message}");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing() {
    let fixture = Fixture::new();
    let new = fixture.commit("new.bin", &[7; 50_000]);
    let pack = fixture.thin_pack(new);
    let quarantine = Quarantine::new(fixture.view());
    let mut index = IndexPack::start(&quarantine, LIMITS).unwrap();
    let gone = broken_stream(&pack[..30]);
    let error = index.feed(&mut { gone }, PackEnd::WithStream).await.unwrap_err();
    assert!(matches!(error, PushError::Body(_)));
    drop(index);
    drop(quarantine);
    assert_eq!(std::fs::read_dir(fixture.scratch()).unwrap().count(), 0);
}

/// A stream that fails after some bytes, as the body of a request does when its client goes away.
fn broken_stream(bytes: &[u8]) -> impl tokio::io::AsyncRead + Unpin {
    struct Broken;
    impl tokio::io::AsyncRead for Broken {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()))
        }
    }
    tokio::io::AsyncReadExt::chain(std::io::Cursor::new(bytes.to_vec()), Broken)
}
