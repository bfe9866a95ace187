//! Zip files: what is in them is looked at, whatever is put around it, and they cost little.

use std::time::{Duration, Instant};

use super::*;

#[test]
fn archives_are_looked_into_and_bombs_told() {
    let evil = fixture("evil_4.pkl");
    let flat = deflated_zip(&[("a/b.txt", b"text"), ("a/model.pkl", &evil)]);
    let report = scan_as(&flat, Kind::Other);
    assert_eq!(report.level, Level::Unsafe, "{report:?}");
    let nested = deflated_zip(&[("inner.zip", &flat)]);
    assert_eq!(scan_as(&nested, Kind::Other).level, Level::Unsafe);
    let mut deep = flat;
    for _ in 0..8 {
        deep = deflated_zip(&[("inner.zip", &deep)]);
    }
    let report = scan_as(&deep, Kind::Other);
    assert!(report.findings.iter().any(|finding| finding.text.contains("deep")), "{report:?}");

    let zeros = vec![0; 300 << 20];
    let bomb = deflated_zip(&[("zeros.bin", &zeros)]);
    assert!(bomb.len() < 400_000);
    let started = Instant::now();
    let report = scan_as(&bomb, Kind::Other);
    assert!(report.level == Level::Suspicious && report.findings[0].text.contains("times what it takes"), "{report:?}");
    assert!(started.elapsed() < Duration::from_secs(20));

    let outside = deflated_zip(&[("../../etc/passwd", b"x")]);
    assert_eq!(scan_as(&outside, Kind::Other).findings[0].topic, Topic::Archive);
}

/// Many entries that are all the same bytes, and an archive whose directory lists itself.
#[test]
fn entries_that_share_bytes_are_told() {
    let inner = deflated_zip(&[("a.pkl", &fixture("good_4.pkl"))]);
    let directory_at = inner.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let end_at = inner.windows(4).position(|bytes| bytes == b"PK\x05\x06").unwrap();
    let entry = &inner[directory_at..end_at];
    let mut bytes = inner[..directory_at].to_vec();
    (0..50_000).for_each(|_| bytes.extend_from_slice(entry));
    let length = (bytes.len() - directory_at) as u32;
    bytes.extend(
        [&b"PK\x05\x06\0\0\0\0\0\0\0\0"[..], &length.to_le_bytes(), &(directory_at as u32).to_le_bytes(), &[0, 0]].concat(),
    );
    let started = Instant::now();
    let report = scan_as(&bytes, Kind::Pickle);
    assert!(report.note.is_some(), "{report:?}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn an_entry_that_says_it_is_encrypted_is_opened_all_the_same() {
    let mut bytes = deflated_zip(&[("archive/data.pkl", &fixture("evil_2.pkl"))]);
    for at in 0..bytes.len() - 10 {
        match &bytes[at..at + 4] {
            b"PK\x03\x04" => bytes[at + 6] |= 1,
            b"PK\x01\x02" => bytes[at + 8] |= 1,
            _ => {}
        }
    }
    assert_eq!(scan_as(&bytes, Kind::Pickle).level, Level::Unsafe);
}

#[test]
fn nothing_can_be_put_before_the_pickle_of_an_archive() {
    let evil = fixture("evil_2.pkl");
    let names: Vec<String> = (0..2_000).map(|number| format!("notes/{number}.txt")).collect();
    let mut entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"text"[..])).collect();
    entries.push(("archive/data.pkl", &evil));
    let report = scan_as(&deflated_zip(&entries), Kind::Pickle);
    assert!(report.level == Level::Unsafe && report.note.is_some(), "{report:?}");
}
