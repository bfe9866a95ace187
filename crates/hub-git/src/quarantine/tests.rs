use std::time::Duration;

use hub_types::Oid;

use super::*;
use crate::fixture::{Fixture, raw_pack, run};

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

async fn inspect(fixture: &Fixture, pack: &[u8], new: Oid) -> Result<Inspection, PushError> {
    let (quarantine, received) = receive(fixture, pack).await;
    received?;
    quarantine.inspect(&[Tip { new, base: Some(fixture.server_head()) }], LIMITS).await
}

async fn refusal(fixture: &Fixture, pack: &[u8]) -> String {
    receive(fixture, pack).await.1.unwrap_err().to_string()
}

/// What is found in a commit of this tree, pushed whole.
async fn inspect_tree(fixture: &Fixture, tree: &str) -> Result<Inspection, PushError> {
    let commit = fixture.commit_tree(tree);
    inspect(fixture, &fixture.pack_of_everything(), commit).await
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

#[tokio::test]
async fn missing_objects_are_found() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"never sent\n");
    let tree = fixture.git_with(&["mktree"], format!("100644 blob {blob}\tx\n").as_bytes());
    let commit = fixture.commit_tree(&tree);
    let pack = fixture.pack_of(&[&tree, &commit.to_hex()]);
    let error = inspect(&fixture, &pack, commit).await.unwrap_err();
    assert!(matches!(error, PushError::MissingObjects(_)), "{error}");
    let unknown = Oid::from_bytes([9; 20]);
    let error = inspect(&fixture, &fixture.pack_of(&[]), unknown).await.unwrap_err();
    assert!(matches!(error, PushError::MissingObjects(_)), "{error}");
}

#[tokio::test]
async fn large_files_are_named_with_a_way_out() {
    let fixture = Fixture::new();
    fixture.commit("weights/model.bin", &vec![1; 10 * 1024 * 1024 + 1]);
    std::fs::remove_file(fixture.work().join("weights/model.bin")).unwrap();
    let new = fixture.commit("exact.bin", &vec![2; 10 * 1024 * 1024]);
    let found = inspect(&fixture, &fixture.thin_pack(new), new).await.unwrap();
    assert_eq!(found.violations.len(), 1, "{:?}", found.violations);
    let text = found.violations[0].to_string();
    assert!(text.contains("`weights/model.bin` has 10 MB; files over 10 MB must be stored with Git LFS"), "{text}");
    let advice = found.violations[0].advice().unwrap();
    assert!(advice.contains("git lfs track \"*.bin\"") && advice.contains("git lfs migrate import"), "{advice}");
}

#[tokio::test]
async fn lfs_pointers_are_listed() {
    let fixture = Fixture::new();
    let sha256 = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize 12345\n");
    fixture.commit("a/model.safetensors", pointer.as_bytes());
    let new = fixture.commit("b.txt", pointer.replace("spec/v1", "spec/v9").as_bytes());
    let found = inspect(&fixture, &fixture.thin_pack(new), new).await.unwrap();
    let expected = NewPointer { path: "a/model.safetensors".into(), sha256: sha256.parse().unwrap(), size_bytes: 12_345 };
    assert_eq!(found.pointers, [expected]);
}

#[tokio::test]
async fn names_that_git_fears_are_refused() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"x");
    for name in [&b".."[..], b".", b".git", b".GIT", b"a/b", b"git~1", ".g\u{200c}it".as_bytes(), b""] {
        let tree = fixture.raw_tree(&[("100644", name, &blob)]);
        let error = inspect_tree(&fixture, &tree).await.unwrap_err();
        assert!(matches!(error, PushError::BrokenPack(_)), "{name:?}: {error}");
    }
}

#[tokio::test]
async fn names_that_only_the_hub_refuses_are_named() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"x");
    let long = vec![b'n'; 256];
    for name in [&b"a\\b"[..], b"a\nb", b"a\x1bb", b"\xff\xfe", &long] {
        let inner = fixture.raw_tree(&[("100644", name, &blob)]);
        let outer = fixture.raw_tree(&[("40000", b"dir", &inner)]);
        let found = inspect_tree(&fixture, &outer).await.unwrap();
        assert!(
            matches!(&found.violations[..], [Violation::ForbiddenPath { path, .. }] if path.starts_with("dir/")),
            "{found:?}"
        );
        assert!(!found.violations[0].to_string().contains(['\n', '\x1b']));
    }
}

#[tokio::test]
async fn a_second_name_of_a_known_object_is_checked_too() {
    let fixture = Fixture::new();
    let known = fixture.git(&["rev-parse", "HEAD:text.txt"]);
    let tree = fixture.raw_tree(&[("100644", b"bad\\name", &known), ("100644", b"good", &known)]);
    let found = inspect_tree(&fixture, &tree).await.unwrap();
    assert_eq!(found.violations.len(), 1);
}

#[tokio::test]
async fn paths_that_only_nesting_makes_too_long_are_refused() {
    let fixture = Fixture::new();
    let mut tree = fixture.raw_tree(&[("100644", b"x", &fixture.blob(b"x"))]);
    for _ in 0..6 {
        tree = fixture.raw_tree(&[("40000", &[b'd'; 200], &tree)]);
    }
    let found = inspect_tree(&fixture, &tree).await.unwrap();
    assert!(matches!(&found.violations[..], [Violation::ForbiddenPath { .. }]), "{found:?}");
}

#[tokio::test]
async fn a_tree_that_unfolds_to_billions_of_files_is_refused_quickly() {
    let fixture = Fixture::new();
    let mut tree = fixture.blob(b"boom");
    let mut mode = "100644";
    for _ in 0..10 {
        let names: Vec<String> = (0..10).map(|index| format!("f{index}")).collect();
        let entries: Vec<(&str, &[u8], &str)> = names.iter().map(|name| (mode, name.as_bytes(), tree.as_str())).collect();
        tree = fixture.raw_tree(&entries);
        mode = "40000";
    }
    let commit = fixture.commit_tree(&tree);
    let found = inspect(&fixture, &fixture.thin_pack(commit), commit).await.unwrap();
    assert_eq!(found.violations, [Violation::TooManyChanges { commit }]);
}

#[tokio::test]
async fn symlinks_and_submodules_pass_as_in_git() {
    let fixture = Fixture::new();
    let link = fixture.blob(b"text.txt");
    let commit = fixture.head().to_hex();
    let tree = fixture.raw_tree(&[("120000", b"link", &link), ("160000", b"module", &commit)]);
    assert_eq!(inspect_tree(&fixture, &tree).await.unwrap(), Inspection::default());
}

#[tokio::test]
async fn a_tip_must_lead_to_a_commit() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"a blob\n");
    let oid = blob.parse().unwrap();
    let found = inspect(&fixture, &fixture.pack_of(&[&blob]), oid).await.unwrap();
    assert_eq!(found.violations, [Violation::NotACommit { oid }]);
    fixture.git(&["tag", "-a", "-m", "annotated", "v1"]);
    let tag = fixture.git(&["rev-parse", "v1"]);
    let found = inspect(&fixture, &fixture.pack_of(&[&tag]), tag.parse().unwrap()).await.unwrap();
    assert_eq!(found.violations, []);
}

const BLOB: u8 = 3;
const REF_DELTA: u8 = 7;

/// A number as deltas write it.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[tokio::test]
async fn packs_by_hand_are_as_good_as_gits() {
    let fixture = Fixture::new();
    let received = receive(&fixture, &raw_pack(&[(BLOB, 5, None, b"hello")])).await.1;
    assert_eq!(received.unwrap().unwrap().objects, 1);
}

#[tokio::test]
async fn a_delta_that_unfolds_to_gigabytes_is_refused() {
    let fixture = Fixture::new();
    let base = fixture.blob(&[b'x'; 60_000]);
    fixture.git(&["push", "-q", "../server", "main"]);
    let oid: Oid = base.parse().unwrap();
    let copies = 100_000;
    // Copy 60,000 bytes from offset 0, again and again.
    let mut delta = [varint(60_000), varint(60_000 * copies)].concat();
    for _ in 0..copies {
        delta.extend_from_slice(&[0b1011_0000, 0x60, 0xea]);
    }
    let pack = raw_pack(&[(BLOB, 60_000, None, &[b'x'; 60_000]), (REF_DELTA, delta.len() as u64, Some(*oid.as_bytes()), &delta)]);
    assert!(pack.len() < 10_000, "{}", pack.len());
    let message = refusal(&fixture, &pack).await;
    assert!(message.contains("too large"), "{message}");
}

#[tokio::test]
async fn deltas_that_build_on_each_other_are_refused() {
    let fixture = Fixture::new();
    let delta = [varint(5), varint(5), vec![5], b"hello".to_vec()].concat();
    let pack = raw_pack(&[
        (REF_DELTA, delta.len() as u64, Some([1; 20]), &delta),
        (REF_DELTA, delta.len() as u64, Some([2; 20]), &delta),
    ]);
    assert!(refusal(&fixture, &pack).await.contains("does not have"));
}

#[tokio::test]
async fn sizes_and_types_that_lie_are_refused() {
    let fixture = Fixture::new();
    for entry in [
        (BLOB, 4, None, &b"hello"[..]),
        (BLOB, 6, None, b"hello"),
        (0, 5, None, b"hello"),
        (5, 5, None, b"hello"),
        (1, 5, None, b"hello"),
    ] {
        let result = receive(&fixture, &raw_pack(&[entry])).await.1;
        assert!(matches!(result, Err(PushError::BrokenPack(_))), "{entry:?}: {result:?}");
    }
}

#[tokio::test]
async fn a_large_file_that_no_commit_has_is_refused_too() {
    let fixture = Fixture::new();
    let new = fixture.commit("small.txt", b"small");
    let hidden = fixture.blob(&vec![0; 11 * 1024 * 1024]);
    let objects =
        [new.to_hex(), fixture.git(&["rev-parse", "HEAD^{tree}"]), fixture.git(&["rev-parse", "HEAD:small.txt"]), hidden.clone()];
    let pack = fixture.pack_of(&objects.iter().map(String::as_str).collect::<Vec<_>>());
    let found = inspect(&fixture, &pack, new).await.unwrap();
    assert_eq!(found.violations.len(), 1);
    assert!(found.violations[0].to_string().contains(&format!("blob {hidden} has 11 MB")), "{:?}", found.violations);
}

#[tokio::test]
async fn a_commit_message_of_a_million_letters_is_refused() {
    let fixture = Fixture::new();
    let message = "x".repeat(1024 * 1024);
    let tree = fixture.git(&["rev-parse", "HEAD^{tree}"]);
    let commit = fixture.git_with(&["commit-tree", "-F", "-", "-p", "HEAD", &tree], message.as_bytes());
    let found = inspect(&fixture, &fixture.pack_of(&[&commit]), commit.parse().unwrap()).await.unwrap();
    assert!(matches!(found.violations[..], [Violation::ObjectTooLarge { kind: "commit", .. }]), "{found:?}");
}

#[tokio::test]
async fn submodule_settings_that_run_commands_are_refused() {
    let fixture = Fixture::new();
    for settings in [
        "[submodule \"a\"]\n\tpath = a\n\turl = -u./payload\n",
        "[submodule \"../x\"]\n\tpath = a\n\turl = https://example.org\n",
    ] {
        let new = fixture.commit(".gitmodules", settings.as_bytes());
        let message = refusal(&fixture, &fixture.thin_pack(new)).await;
        assert!(message.contains("gitmodules"), "{message}");
    }
}
