//! Files that pyarrow wrote (`testdata/make_parquet.py`), and the same with bytes changed.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::{Footer, TAIL_BYTES, footer_bytes, parse};
use super::*;

const FILES: &[(&str, &[u8])] = &[
    ("none-1", include_bytes!("../../../../testdata/none-1.parquet")),
    ("none-2", include_bytes!("../../../../testdata/none-2.parquet")),
    ("snappy-1", include_bytes!("../../../../testdata/snappy-1.parquet")),
    ("snappy-2", include_bytes!("../../../../testdata/snappy-2.parquet")),
    ("gzip-1", include_bytes!("../../../../testdata/gzip-1.parquet")),
    ("gzip-2", include_bytes!("../../../../testdata/gzip-2.parquet")),
    ("zstd-1", include_bytes!("../../../../testdata/zstd-1.parquet")),
    ("zstd-2", include_bytes!("../../../../testdata/zstd-2.parquet")),
    ("lz4-1", include_bytes!("../../../../testdata/lz4-1.parquet")),
    ("lz4-2", include_bytes!("../../../../testdata/lz4-2.parquet")),
];
const DELTA: &[u8] = include_bytes!("../../../../testdata/delta.parquet");

fn footer(file: &[u8]) -> Result<Footer, HeaderError> {
    let end = file.len() - TAIL_BYTES as usize;
    let length = footer_bytes(&file[end..], file.len() as u64)? as usize;
    parse(&file[end - length..end])
}

/// Reads as the hub does: a little, and more when asked to.
fn values(file: &[u8], column: &Column, chunk: &Chunk, count: usize) -> Result<Vec<String>, HeaderError> {
    let start = (chunk.start as usize).min(file.len());
    let mut wanted = 64;
    loop {
        let end = start.saturating_add(wanted).min(file.len());
        match first_values(column, chunk, &file[start..end], count)? {
            Progress::Done(values) => return Ok(values),
            Progress::NeedBytes(bytes) => {
                assert!(bytes > (end - start) as u64 && bytes <= chunk.length);
                if end == file.len() {
                    return Err(HeaderError::Truncated);
                }
                wanted = bytes as usize;
            }
        }
    }
}

fn column(file: &[u8], path: &str, count: usize) -> Vec<String> {
    let footer = footer(file).unwrap();
    let at = footer.columns.iter().position(|column| column.path == path).unwrap();
    values(file, &footer.columns[at], &footer.chunks[at], count).unwrap()
}

#[test]
fn rows_are_read_whatever_they_are_packed_with() {
    for (name, file) in FILES {
        let check = |path: &str, expected: &[&str]| assert_eq!(column(file, path, expected.len()), expected, "{name}: {path}");
        check("id", &["0", "1", "2"]);
        check("name", &["Zürich 0", "Zürich 1", "Zürich 2", "", "Zürich 0"]);
        check("price", &["-0.12", "-0.07", "-0.02", "0.03"]);
        check("at", &["2024-02-29 12:00:00", "2024-02-29 12:00:01.000001"]);
        check("day", &["1969-12-30", "1969-12-31", "1970-01-01"]);
        check("ok", &["true", "false", "false", "true"]);
        check("tags.list.element", &["", "[]", "[null]", "[a]", "[a, b, null]", ""]);
        check("vector.list.element", &["[0.0, 0.1]", "[0.5, 0.1]"]);
        check("info.x", &["250", "250", "", "250"]);
        check("info.y", &["", "y", "", "yyy"]);
        check("blob", &["3 bytes"]);
        check("deep.list.element.list.element", &["[0, 1, 2]", "[1, 1, 2]"]);
    }
}

#[test]
fn all_rows_of_a_group_are_there_and_no_more() {
    for (name, file) in FILES {
        for path in ["id", "name", "tags.list.element", "deep.list.element.list.element"] {
            assert_eq!(column(file, path, 1_000).len(), 60, "{name}: {path}");
        }
        assert_eq!(column(file, "id", 59).last().map(String::as_str), Some("58"));
    }
}

#[test]
fn other_encodings_are_told() {
    let footer = footer(DELTA).unwrap();
    for (column, chunk) in footer.columns.iter().zip(&footer.chunks) {
        let found = values(DELTA, column, chunk, 5);
        assert!(matches!(&found, Err(HeaderError::Malformed(text)) if text.contains("encoding")), "{found:?}");
    }
}

#[test]
fn pages_that_claim_too_much_are_refused() {
    let (_, file) = FILES[2];
    let found = footer(file).unwrap();
    let (column, chunk) = (&found.columns[0], &found.chunks[0]);
    // A page header with 100 MB unpacked, and one with no end.
    let huge = [0x15, 0, 0x15, 0x80, 0xc2, 0xd7, 0x2f, 0x15, 2, 0];
    assert_eq!(first_values(column, chunk, &huge, 5), Err(HeaderError::TooLarge("a page")));
    let elsewhere = Chunk { elsewhere: true, ..chunk.clone() };
    assert!(first_values(column, &elsewhere, &file[4..], 5).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes are, the end comes quickly and without a panic.
    #[test]
    fn damaged_files_end_quickly(
        which in 0..FILES.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file = FILES[which].1.to_vec();
        let whole = footer(&file).unwrap();
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let started = Instant::now();
        // With the footer as it was, so that pages are reached, and with the damaged one.
        for footer in [Some(whole), footer(&file).ok()].into_iter().flatten() {
            for (column, chunk) in footer.columns.iter().zip(&footer.chunks) {
                if let Ok(found) = values(&file, column, chunk, 50) {
                    prop_assert!(found.len() <= 50 && found.iter().all(|cell| cell.chars().count() <= MAX_CELL_CHARS + 2));
                }
            }
        }
        let cut = cut.index(file.len());
        if cut > 8 {
            let _ = footer(&file[..cut]);
        }
        prop_assert!(started.elapsed() < Duration::from_secs(10));
    }
}
