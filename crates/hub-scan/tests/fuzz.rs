//! Real files with damage done to them, and files that are made to cost: whatever strangers send, it is looked at without a panic, and
//! in memory that does not grow with it. `PROPTEST_CASES=100000` looks longer; what was found once is tried again from
//! `proptest-regressions`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../../hub-types/tests/hostile/mod.rs"]
mod hostile;

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use hostile::{Taken, damage, damaged, taken, within};
use hub_scan::{Kind, Level, Limits, Report, scan};
use proptest::prelude::*;

#[global_allocator]
static COUNTING: hostile::Counting = hostile::Counting;

const MIB: usize = 1 << 20;
/// What may be held at once, whatever the file: the stack, the memo and the imports of a pickle; a text or a configuration; an
/// archive that lies in another; what the rules for secrets take once.
const MOST: usize = 96 * MIB;

const FILES: &[(&[u8], Kind)] = &[
    (include_bytes!("../fixtures/evil_0.pkl"), Kind::Pickle),
    (include_bytes!("../fixtures/evil_2.pkl"), Kind::Pickle),
    (include_bytes!("../fixtures/evil_4.pkl"), Kind::Pickle),
    (include_bytes!("../fixtures/good_5.pkl"), Kind::Pickle),
    (include_bytes!("../fixtures/legacy.bin"), Kind::Pickle),
    (include_bytes!("../fixtures/evil.pt"), Kind::Pickle),
    (include_bytes!("../fixtures/evil.npy"), Kind::Pickle),
    (include_bytes!("../fixtures/objects.npy"), Kind::Pickle),
    (include_bytes!("../fixtures/evil.npz"), Kind::Pickle),
    (include_bytes!("../fixtures/good.joblib"), Kind::Pickle),
    (include_bytes!("../fixtures/evil_object.joblib"), Kind::Pickle),
    (include_bytes!("../fixtures/good.joblib.gz"), Kind::Pickle),
    (include_bytes!("../fixtures/good_z.joblib"), Kind::Pickle),
];
const WORDS: &[&str] = &[
    "cos\nsystem\n",
    "\u{8c}\u{2}os",
    "joblib.numpy_pickle",
    "NumpyArrayWrapper",
    "shape",
    "dtype",
    "PK\u{3}\u{4}",
    "PK\u{1}\u{2}",
    "PK\u{5}\u{6}",
    "PK\u{6}\u{6}",
    "PK\u{6}\u{7}",
    "'descr': '|O'",
    "(((((((",
    "}(",
    "ub",
    ".",
    "0",
];
const JSON: &[&str] =
    &["\"class_name\":", "\"Lambda\"", "\"module\":", "\"os\"", "\\u0000", "\\ud800", "{", "}", "[[[[[[", "1e999", "NaN", ","];
const TEXTS: &[&str] =
    &["hf_", "ghp_", "AKIA", "-----BEGIN PRIVATE KEY-----", "{{", "}}", "{%", "__class__", "|attr(", "\\x5f", "\n", "\0"];

fn look(bytes: &[u8], kind: Kind) -> (Report, Taken) {
    taken(|| scan(&mut Cursor::new(bytes), bytes.len() as u64, kind, Limits::default()).unwrap())
}

/// It costs no more than it may, and what is kept of it can be stored and is read as it was.
fn is_calm(bytes: &[u8], kind: Kind) -> Result<(), TestCaseError> {
    let (report, taken) = look(bytes, kind);
    // What is packed is unpacked as often as an archive lists it, within a budget.
    within(taken, bytes.len(), MOST, 0, 4096)?;
    let stored = serde_json::to_string(&report).unwrap();
    prop_assert!(stored.len() < 150_000 && !stored.contains("\\u0000"), "{stored}");
    prop_assert_eq!(serde_json::from_str::<Report>(&stored).unwrap(), report.clone());
    prop_assert_eq!(report.clone().bounded(), report);
    Ok(())
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Pickle,
        Kind::Keras,
        Kind::Template,
        Kind::Jinja,
        Kind::Safetensors,
        Kind::Opaque,
        Kind::Other,
    ])
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// An archive of one file.
fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let packed = packed(bytes);
    let common = [
        &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &(packed.len() as u32).to_le_bytes(),
        &(bytes.len() as u32).to_le_bytes(),
        &(name.len() as u16).to_le_bytes(),
        &[0, 0],
    ]
    .concat();
    let file = [&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed].concat();
    let directory = [&b"PK\x01\x02\x14\x00"[..], &common, &[0; 14], name.as_bytes()].concat();
    let numbers = [directory.len(), file.len()].map(|number| (number as u32).to_le_bytes()).concat();
    [&file[..], &directory, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &numbers, &[0, 0]].concat()
}

/// A header of a tar archive, whatever is in it, with its checksum.
fn tar_header(bytes: &[u8]) -> Vec<u8> {
    let mut block = bytes.to_vec();
    block.resize(512, 0);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// A file in a tar archive.
fn tar_member(name: &str, kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
    block[156] = kind;
    [tar_header(&block), bytes.to_vec(), vec![0; (512 - bytes.len() % 512) % 512]].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_tars_do_no_harm(file in prop::sample::select(FILES.to_vec()), changes in damage(), kind in any_kind()) {
        let attributes = tar_member("x", b'x', b"12 path=a/b\n11 size=64\n");
        let parts = [tar_member("a.txt", b'0', b"text"), attributes, tar_member("model.pkl", b'0', file.0), vec![0; 1024]];
        let bytes = damaged(&parts.concat(), WORDS, &changes);
        is_calm(&bytes, kind)?;
        is_calm(&gzip(&bytes), kind)?;
    }

    #[test]
    fn any_header_of_a_tar_does_no_harm(
        headers in prop::collection::vec(prop::collection::vec(any::<u8>(), 512), 1..6),
        kinds in prop::collection::vec(prop::sample::select(b"01257gxLKS\0".to_vec()), 6),
        digits in prop::collection::vec(prop::collection::vec(b'0'..=b'7', 11), 6),
        kind in any_kind(),
    ) {
        let mut bytes = tar_member("a.txt", b'0', b"text");
        for ((mut header, kind), mut size) in headers.into_iter().zip(kinds).zip(digits) {
            header[156] = kind;
            // Often one that fits.
            if header[0] < 128 {
                size[..7].fill(b'0');
            }
            header[124..135].copy_from_slice(&size);
            header[135] = 0;
            bytes.extend(tar_header(&header));
        }
        is_calm(&bytes, kind)?;
        is_calm(&gzip(&bytes), kind)?;
    }

    #[test]
    fn damaged_files_do_no_harm(file in prop::sample::select(FILES.to_vec()), changes in damage(), other in any_kind()) {
        let bytes = damaged(file.0, WORDS, &changes);
        is_calm(&bytes, file.1)?;
        is_calm(&bytes, other)?;
    }

    #[test]
    fn damaged_configurations_do_no_harm(changes in damage()) {
        let config = r#"{"module":"keras","class_name":"Functional","config":{"layers":[{"module":"keras.layers","class_name":
            "Lambda","config":{"function":{"module":"builtins","class_name":"function","config":"eval"}},"registered_name":null}]}}"#;
        let bytes = damaged(config.as_bytes(), JSON, &changes);
        is_calm(&zip("config.json", &bytes), Kind::Keras)?;
        let whole = damaged(&zip("config.json", config.as_bytes()), WORDS, &changes);
        is_calm(&whole, Kind::Keras)?;
    }

    #[test]
    fn damaged_templates_and_texts_do_no_harm(changes in damage(), kind in any_kind()) {
        let template = "{% for m in messages %}{{ m['role'] }}{{ ''.__class__ }}{% endfor %}";
        let text = format!("# settings\nTOKEN=hf_{}\n{template}", "aZ3kQ9mX7pLr2TvB8nWc5YdFgHjKsE4uRt");
        is_calm(&damaged(text.as_bytes(), TEXTS, &changes), kind)?;
        let json = serde_json::json!({ "chat_template": [{ "name": "tool", "template": text }], "a": [1, null] }).to_string();
        is_calm(&damaged(json.as_bytes(), JSON, &changes), kind)?;
    }
}

/// Pickles that would take many times what they may if anything of them were kept without a limit.
fn costly_pickles() -> Vec<(&'static str, Vec<u8>, Kind)> {
    let head = b"\x80\x04";
    let pickle = |part: &[u8]| [&head[..], part].concat();
    let long = [&[b'x'; 60_000][..], b"\n"].concat();
    let array = b"\x8c\x13joblib.numpy_pickle\x8c\x11NumpyArrayWrapper\x93)\x81}(\x8c\x05dtypecnumpy\ndtype\n\x8c\x02O8\x85Rub";
    let memo: Vec<u8> = (0..500_000_u32).flat_map(|n| [&b"\x8c\x06abcdefr"[..], &n.to_le_bytes(), b"0"].concat()).collect();
    let values = b"K\x01".repeat(290_000);
    let nested = [&array[..], head, &memo, &values].concat().repeat(8);
    let imports: Vec<u8> = (0..500).flat_map(|n| [format!("cm{n}").as_bytes(), &long, &long, b"0"].concat()).collect();
    let text = [&b"X\0\x02\0\0"[..], &[b'y'; 512]].concat();
    let zeros = vec![0; 64 * MIB];
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&[b"\x80\x04B\xff\xff\xff\x7f", &zeros[..]].concat()).unwrap();
    [
        ("memo", pickle(&memo)),
        ("memos of pickles in a pickle", pickle(&nested)),
        ("stack", pickle(&b"K\x01".repeat(3 * MIB))),
        ("marks", pickle(&b"(".repeat(3 * MIB))),
        ("texts", pickle(&text.repeat(60_000))),
        ("long lines", pickle(&imports)),
        ("one line", pickle(&[b"c", &zeros[..]].concat())),
        ("a text as a pickle", b"nothing\n".repeat(6 * MIB)),
        ("zeros as a pickle", packer.finish().unwrap()),
    ]
    .map(|(name, bytes)| (name, bytes, Kind::Pickle))
    .into()
}

/// The same of everything else.
fn costly_files() -> Vec<(&'static str, Vec<u8>, Kind)> {
    let layers = format!("[{}]", vec!["{}"; 4 * MIB].join(","));
    let deep = format!("{{\"a\":{}", "[".repeat(7 * MIB));
    let objects = format!("{{\"a\":[{}],\"chat_template\":\"x\"}}", vec!["{\"a\":[0]}"; 600_000].join(","));
    let zeros = vec![0; 64 * MIB];
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&zeros).unwrap();
    let inner = zip("a.bin", &zeros[..15 * MIB]);
    let stored = zip("b.zip", &(0..15_u32 << 18).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect::<Vec<u8>>());
    let name = "\u{1}".repeat(60_000);
    let entry = [&b"PK\x01\x02"[..], &[0; 24], &60_000_u16.to_le_bytes(), &[0; 16], name.as_bytes()].concat().repeat(250);
    let numbers = [entry.len(), 4].map(|number| (number as u32).to_le_bytes()).concat();
    let names = [&b"PK\x03\x04"[..], &entry, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &numbers, &[0, 0]].concat();
    vec![
        ("layers", zip("config.json", layers.as_bytes()), Kind::Keras),
        ("objects in a configuration", objects.clone().into_bytes(), Kind::Template),
        ("objects in a model", zip("config.json", objects.as_bytes()), Kind::Keras),
        ("depth", deep.clone().into_bytes(), Kind::Template),
        ("depth in a model", zip("config.json", deep.as_bytes()), Kind::Keras),
        ("secrets", "glpat-0000Zq8WkX2mVbT9LcPr\n".repeat(300_000).into_bytes(), Kind::Other),
        ("a text", b"nothing\n".repeat(6 * MIB), Kind::Other),
        ("zeros", packer.finish().unwrap(), Kind::Other),
        ("zeros in an archive", zip("a.bin", &zeros), Kind::Other),
        ("archives in archives", zip("c.zip", &zip("b.zip", &inner)), Kind::Other),
        ("large ones", zip("c.zip", &zip("b.zip", &stored)), Kind::Other),
        ("names of entries", names, Kind::Other),
        ("members of a tar", tar_member("a.pkl", b'0', b"").repeat(60_000), Kind::Other),
        ("long names in a packed tar", gzip(&tar_member("x", b'L', &vec![b'x'; MIB - 1]).repeat(60)), Kind::Other),
        ("zeros in a tar", gzip(&tar_member("a.bin", b'0', &zeros)), Kind::Other),
    ]
}

#[test]
fn memory_does_not_grow_with_the_file() {
    for (name, bytes, kind) in costly_pickles().into_iter().chain(costly_files()) {
        let (report, taken) = look(&bytes, kind);
        assert!(taken.most < MOST, "{name}: {taken:?} for {} bytes", bytes.len());
        // All that is asked for stands for the work.
        assert!(taken.asked < 2_000 * MIB, "{name}: {taken:?} for {} bytes", bytes.len());
        assert!(serde_json::to_string(&report).unwrap().len() < 150_000, "{name}");
        assert!(report.level != Level::Unsafe, "{name}: {report:?}");
    }
}
