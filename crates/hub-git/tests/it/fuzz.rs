//! What is read of git without git: pointers, attributes, packets. (Packs are read by git itself: `quarantine/fuzz.rs`.)
//! `PROPTEST_CASES=100000` looks longer.

use hub_git::pkt_line::{Packet, split_packet, write_packet};
use hub_git::{IgnoreRules, LfsPointer, LfsRules, LsRefs, TreeCursor, cover_lfs_paths};
use hub_types::{RepoPath, Sha256};
use proptest::prelude::*;

use crate::hostile::{damage, damaged, damaged_text, taken, within};

const MIB: usize = 1 << 20;
const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nsize 12345\n";
const ATTRIBUTES: &str = "# large\n*.bin filter=lfs diff=lfs merge=lfs -text\n\"a b.txt\" filter=lfs\n/data/** filter=lfs\n*.txt text -filter\n[attr]big filter=lfs\n!x\nmodel-[0-9]?.pt big\n";
const WORDS: &[&str] = &[
    "\n",
    "\r\n",
    "**",
    "*",
    "?",
    "[",
    "]",
    "[!a-",
    "\\",
    "/",
    "\"",
    "!",
    "filter=lfs",
    "-filter",
    " ",
    "\t",
    "version ",
    "oid sha256:",
    "size -1",
    "size 99999999999999999999",
    "ext-0-x sha256:",
    "é",
    "0000",
    "0001",
    "fff0",
    "zzzz",
];

fn packets(lines: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    lines.iter().for_each(|line| match *line {
        "" => bytes.extend_from_slice(b"0000"),
        "--" => bytes.extend_from_slice(b"0001"),
        line => write_packet(&mut bytes, line.as_bytes()),
    });
    bytes
}

proptest! {
    #[test]
    fn pointers(changes in damage(), oid in any::<[u8; 32]>(), size in 0..u64::MAX / 2) {
        let pointer = LfsPointer::new(Sha256::from_bytes(oid), size);
        prop_assert_eq!(LfsPointer::parse(pointer.to_string().as_bytes()), Some(pointer));
        let text = damaged(POINTER.as_bytes(), WORDS, &changes);
        let (read, took) = taken(|| LfsPointer::parse(&text));
        within(took, text.len(), 4096, 4, 8)?;
        if let Some(read) = read {
            prop_assert!(i64::try_from(read.size).is_ok() && read.pointer_size == text.len() as u64);
        }
    }

    #[test]
    fn attributes(changes in damage(), path in "[a-z]{1,3}(/[a-z0-9 .]{1,5}){0,3}(\\.bin|\\.txt|\\.pt)?") {
        // As paths of repositories are: none has `.` or `..` in it, nor a space at an end.
        prop_assume!(RepoPath::new(&path).is_ok());
        let text = damaged_text(ATTRIBUTES, WORDS, &changes);
        let (rules, took) = taken(|| LfsRules::parse(&text));
        within(took, text.len(), MIB, 1000, 10_000)?;
        let (_, took) = taken(|| rules.is_lfs(&path));
        within(took, text.len(), MIB, 10, 100)?;
        // What is added to cover a file covers it, whatever stood there before.
        if let Some(covered) = cover_lfs_paths(&text, std::slice::from_ref(&path)) {
            prop_assert!(covered.starts_with(text.trim_end_matches('\n')) || text.is_empty());
            prop_assert!(LfsRules::parse(&covered).is_lfs(&path), "{path:?} in {covered:?}");
        }
        let (ignored, took) = taken(|| IgnoreRules::parse(&text));
        within(took, text.len(), 16 * MIB, 2000, 20_000)?;
        let _ = ignored.is_ignored(&path);
    }

    #[test]
    fn packets_and_what_asks_for_refs(changes in damage()) {
        let whole = packets(&["command=ls-refs\n", "agent=git/2.47\n", "object-format=sha1\n", "--", "peel\n", "symrefs\n", "ref-prefix refs/heads/\n", ""]);
        prop_assert!(LsRefs::parse(&whole).is_some());
        let bytes = damaged(&whole, WORDS, &changes);
        let (_, took) = taken(|| LsRefs::parse(&bytes));
        within(took, bytes.len(), 4096, 10, 40)?;
        let mut rest = bytes.as_slice();
        let mut again = Vec::new();
        while let Some(packet) = split_packet(&mut rest) {
            match packet {
                Packet::Data(data) => write_packet(&mut again, &data),
                Packet::Flush => again.extend_from_slice(b"0000"),
                Packet::Delimiter => again.extend_from_slice(b"0001"),
                Packet::ResponseEnd => again.extend_from_slice(b"0002"),
            }
        }
        let read = &bytes[..bytes.len() - rest.len()];
        prop_assert!(again.eq_ignore_ascii_case(read), "packets are written as they were read");
    }

    #[test]
    fn cursors(text in "[A-Za-z0-9+/=_-]{0,60}|.{0,30}") {
        let (read, took) = taken(|| TreeCursor::decode(&text));
        within(took, text.len(), 4096, 10, 20)?;
        if let Some(cursor) = read {
            prop_assert_eq!(TreeCursor::decode(&cursor.encode()).map(|cursor| cursor.encode()), Some(cursor.encode()));
        }
    }
}
