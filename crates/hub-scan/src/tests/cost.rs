//! What hostile bytes may cost: little time, little memory, small reports, and never the process.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

#[test]
fn hostile_pickles_cost_little() {
    let head = b"\x80\x04";
    let huge_long = [&head[..], b"\x8b\xff\xff\xff\x7f"].concat();
    let huge_text = [&head[..], b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff"].concat();
    let marks = [&head[..], &b"(".repeat(3 << 20)].concat();
    let numbers = [&head[..], &b"K\x01".repeat(3 << 20)].concat();
    let memo: Vec<u8> = head
        .iter()
        .copied()
        .chain((0..2_000_000_u32).flat_map(|n| [&b"\x8c\x06abcdefr"[..], &n.to_le_bytes(), b"0"].concat()))
        .collect();
    let doubled = [&head[..], b"]", &b"2\x86".repeat(2 << 20)].concat();
    let line = [&b"c"[..], &b"x".repeat(4 << 20)].concat();
    let names: Vec<u8> = head.iter().copied().chain((0..300_000).flat_map(|n| format!("cm{n}\nx\n0").into_bytes())).collect();
    for (name, bytes) in [
        ("long", huge_long),
        ("text", huge_text),
        ("marks", marks),
        ("numbers", numbers),
        ("memo", memo),
        ("doubled", doubled),
        ("line", line),
        ("names", names),
    ] {
        let started = Instant::now();
        let report = scan_as(&bytes, Kind::Pickle);
        assert!(started.elapsed() < Duration::from_secs(10), "{name}: {:?}", started.elapsed());
        let stored = serde_json::to_string(&report).unwrap().len();
        assert!(stored < 100_000, "{name}: {stored}");
        assert!(report.level > Level::Safe || name == "line", "{name}: {report:?}");
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let bytes = [&b"\x80\x04"[..], &b"K\x010".repeat(100_000), b"."].concat();
    let limits = Limits { steps: 1_000, ..Limits::default() };
    let report = scan(&mut Cursor::new(&bytes), bytes.len() as u64, Kind::Pickle, limits).unwrap();
    assert_eq!(report.level, Level::Error);
    assert!(report.note.unwrap().contains("too large"));
    assert_eq!(scan_as(b"BZh91AY&SY", Kind::Pickle).level, Level::Error);
}

/// Of a file that cannot be read nothing is said.
#[test]
fn a_failing_store_is_an_error() {
    struct Failing(Cursor<Vec<u8>>);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.position() > 0 { Err(io::Error::other("gone")) } else { self.0.read(buffer) }
        }
    }
    impl Seek for Failing {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    let bytes = fixture("good.pt");
    let size = bytes.len() as u64;
    assert!(scan(&mut Failing(Cursor::new(bytes)), size, Kind::Pickle, Limits::default()).is_err());
}

/// Only the directory and the pickle of a checkpoint are read, not its tensors.
#[test]
fn tensors_are_not_read() {
    struct Counting(Cursor<Vec<u8>>, u64);
    impl Read for Counting {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            self.1 += count as u64;
            Ok(count)
        }
    }
    impl Seek for Counting {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    let noise: Vec<u8> = (0..20_000_000_u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect();
    let bytes = deflated_zip(&[("archive/data.pkl", &fixture("evil_2.pkl")), ("archive/data/0", &noise)]);
    let mut file = Counting(Cursor::new(bytes.clone()), 0);
    let report = scan(&mut file, bytes.len() as u64, Kind::Pickle, Limits::default()).unwrap();
    assert_eq!(report.level, Level::Unsafe);
    assert!(file.1 < 1_000_000, "{}", file.1);
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Pickle, Kind::Keras, Kind::Template, Kind::Jinja, Kind::Safetensors, Kind::Other])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..2_000), kind in any_kind(), start in 0_usize..5) {
        let start: &[u8] = [&b""[..], b"\x80\x04", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"\x1f\x8b\x08"][start];
        scan_as(&[start, &bytes].concat(), kind);
    }

    #[test]
    fn random_opcodes_do_no_harm(
        codes in prop::collection::vec(prop::sample::select(b"(.012FIJKLMNPQRSTUVXabcdeghijlopqrstu}]) \x80\x81\x82\x85\x86\x87\x88\x8a\x8c\x8f\x90\x91\x92\x93\x94\n\x00\x01".to_vec()), 0..3_000),
    ) {
        scan_as(&[&b"\x80\x04"[..], &codes].concat(), Kind::Pickle);
    }

    #[test]
    fn mutated_files_do_no_harm(
        name in prop::sample::select(vec!["evil_0.pkl", "evil_4.pkl", "good.pt", "evil.joblib", "evil.npz", "legacy.bin", "good_z.joblib"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = fixture(name);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        scan_as(&bytes, Kind::Pickle);
        bytes.truncate(cut.index(bytes.len()));
        scan_as(&bytes, Kind::Other);
    }
}
