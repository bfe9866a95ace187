//! The program itself. That this test needs it also has `cargo test --no-run --workspace` build it, for the suites in Python.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hub::error::{HubError, HubResult};
use hub::scans::apart::{Scanner, Source, Trouble};
use hub_scan::{Kind, Level, Limits, Report};
use hub_weights::checkpoint::{Contents, LegacyFile};

const HUB: &str = env!("CARGO_BIN_EXE_hub");

#[test]
fn the_program_says_what_it_is() {
    let done = Command::new(HUB).arg("--version").output().unwrap();
    assert!(done.status.success());
    assert_eq!(String::from_utf8(done.stdout).unwrap(), format!("hub {}\n", env!("CARGO_PKG_VERSION")));
}

async fn scanner() -> Scanner {
    Scanner::start(Path::new(HUB)).await.unwrap()
}

async fn report(kind: Kind, source: &impl Source) -> Report {
    scanner().await.look(kind, source).await.unwrap().report
}

#[tokio::test]
async fn another_process_finds_what_this_one_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hub-scan/fixtures");
    let mut scanner = scanner().await;
    let mut levels = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        let kind = Kind::of(&name);
        let here = hub_scan::scan(&mut std::io::Cursor::new(&bytes), bytes.len() as u64, kind, Limits::default()).unwrap();
        let there = scanner.look(kind, &Bytes::from(bytes)).await.unwrap();
        assert_eq!((&there.report, there.tokens.len()), (&here, 0), "{name}");
        levels.push((name, there.report.level));
    }
    for (name, level) in
        [("good.pt", Level::Safe), ("good_4.pkl", Level::Safe), ("evil.pt", Level::Unsafe), ("evil_4.pkl", Level::Unsafe)]
    {
        assert!(levels.contains(&(name.to_owned(), level)), "{name}: {levels:?}");
    }
}

#[tokio::test]
async fn checkpoints_are_read_as_in_this_process() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut scanner, folder) = (scanner().await, crates.join("hub-scan/fixtures"));
    let legacy = std::fs::read(crates.join("hub-weights/tests/checkpoints/legacy.bin")).unwrap();
    let size = legacy.len() as u64;
    let here = LegacyFile::parse(&legacy, size).unwrap();
    assert_eq!(scanner.legacy(&legacy.into(), size).await.unwrap().unwrap(), here);
    for name in ["good_2.pkl", "evil_2.pkl"] {
        let pickle = std::fs::read(folder.join(name)).unwrap();
        let here = Contents::parse(&pickle).map_err(|error| error.to_string());
        let there = scanner.pickle(&pickle.into()).await.unwrap().map_err(|error| error.to_string());
        assert_eq!(there, here, "{name}");
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[tokio::test]
async fn the_process_is_held() {
    // Whether there is Landlock, the kernel decides; `hub-scan` tests what holds.
    let held = scanner().await.held();
    assert!(held.limits && held.calls, "{held:?}");
}

fn packed(piece: &[u8], times: usize) -> Bytes {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    (0..times).for_each(|_| packer.write_all(piece).unwrap());
    packer.finish().unwrap().into()
}

#[tokio::test]
async fn bombs_and_what_is_too_large_are_told_of() {
    // A directory that lists one entry of 4 GB in some bytes.
    let mut bomb = b"PK\x03\x04".to_vec();
    bomb.resize(64, 0);
    let at = bomb.len() as u32;
    let mut entry = b"PK\x01\x02".to_vec();
    entry.resize(46, 0);
    entry[20..24].copy_from_slice(&30_u32.to_le_bytes());
    entry[24..28].copy_from_slice(&4_000_000_000_u32.to_le_bytes());
    entry[28..30].copy_from_slice(&1_u16.to_le_bytes());
    entry.push(b'x');
    bomb.extend_from_slice(&entry);
    let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &(entry.len() as u32).to_le_bytes(), &at.to_le_bytes(), &[0, 0]].concat();
    bomb.extend_from_slice(&end);
    let report_of_bomb = report(Kind::Other, &Bytes::from(bomb)).await;
    assert_eq!(report_of_bomb.level, Level::Suspicious, "{report_of_bomb:?}");
    assert!(report_of_bomb.findings.iter().any(|finding| finding.text.contains("times what it takes")), "{report_of_bomb:?}");

    // 80 MiB of text: more than is looked at.
    let text = packed(&b"nothing to see here\n".repeat(1 << 12), 1 << 10);
    let report_of_text = report(Kind::Other, &text).await;
    assert!(report_of_text.level == Level::Error && report_of_text.note.is_some(), "{report_of_text:?}");
}

/// A file that has no end, or none that can be reached.
struct Endless {
    read: AtomicU64,
    breaks_at: u64,
}

impl Source for Endless {
    fn size(&self) -> u64 {
        1 << 40
    }

    async fn read(&self, range: Range<u64>) -> HubResult<Bytes> {
        let count = range.end - range.start;
        if self.read.fetch_add(count, Ordering::Relaxed) >= self.breaks_at {
            return Err(HubError::internal("the store is away"));
        }
        Ok(Bytes::from(vec![b'a'; usize::try_from(count).unwrap()]))
    }
}

#[tokio::test]
async fn of_a_large_file_only_parts_are_asked_for() {
    let endless = Endless { read: AtomicU64::new(0), breaks_at: u64::MAX };
    let report = report(Kind::Other, &endless).await;
    assert_eq!(report.level, Level::Error, "{report:?}");
    let read = endless.read.load(Ordering::Relaxed);
    assert!(read < 128 << 20, "{read}");
}

#[tokio::test]
async fn a_store_that_fails_is_not_the_files_doing() {
    let endless = Endless { read: AtomicU64::new(0), breaks_at: 1 << 20 };
    let trouble = scanner().await.look(Kind::Other, &endless).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Hub(_)), "{trouble:?}");
}

#[tokio::test]
async fn a_program_that_is_no_scanner_is_noticed() {
    assert!(Scanner::start(Path::new("/bin/true")).await.is_err());
    assert!(Scanner::start(Path::new("/nowhere/hub")).await.is_err());
}

#[test]
fn what_is_no_question_ends_the_process() {
    let mut child =
        Command::new(HUB).arg("scan-one").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"open /etc/passwd\n").unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(!done.status.success() && said.starts_with("{\"ready\":") && said.lines().count() == 1, "{said}");
}
