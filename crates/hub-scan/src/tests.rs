use std::io::{Cursor, Read, Seek, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

mod evasions;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).unwrap()
}

fn scan_as(bytes: &[u8], kind: Kind) -> Report {
    super::scan(&mut Cursor::new(bytes), bytes.len() as u64, kind, Limits::default()).unwrap()
}

fn scan_named(name: &str) -> Report {
    scan_as(&fixture(name), Kind::of(name))
}

fn imports(report: &Report) -> Vec<String> {
    report.imports.iter().flatten().map(|import| format!("{}.{}", import.module, import.name)).collect()
}

#[test]
fn what_real_programs_write_is_safe() {
    for (name, some) in [
        ("good_0.pkl", "collections.OrderedDict"),
        ("good_1.pkl", "collections.OrderedDict"),
        ("good_2.pkl", "collections.OrderedDict"),
        ("good_3.pkl", "collections.OrderedDict"),
        ("good_4.pkl", "collections.OrderedDict"),
        ("good_5.pkl", "collections.OrderedDict"),
        ("good.pt", "torch._utils._rebuild_tensor_v2"),
        ("legacy.bin", "torch.FloatStorage"),
        ("good.joblib", "joblib.numpy_pickle.NumpyArrayWrapper"),
        ("good.joblib.gz", "joblib.numpy_pickle.NumpyArrayWrapper"),
        ("good_z.joblib", "joblib.numpy_pickle.NumpyArrayWrapper"),
        ("objects.npy", "numpy.ndarray"),
    ] {
        let report = scan_named(name);
        assert_eq!((report.level, &report.findings, &report.note), (Level::Safe, &Vec::new(), &None), "{name}: {report:?}");
        assert!(imports(&report).iter().any(|import| import == some), "{name}: {report:?}");
    }
    assert_eq!(scan_named("good.npy"), Report::default());
}

#[test]
fn what_runs_commands_is_unsafe() {
    for name in [
        "evil_0.pkl",
        "evil_1.pkl",
        "evil_2.pkl",
        "evil_3.pkl",
        "evil_4.pkl",
        "evil_5.pkl",
        "evil.pt",
        "evil.joblib",
        "evil_object.joblib",
        "evil.npy",
        "evil.npz",
        "evil.pkl.gz",
    ] {
        let report = scan_named(name);
        assert_eq!((report.level, report.pickle_level()), (Level::Unsafe, Level::Unsafe), "{name}: {report:?}");
        let first = &report.imports.as_ref().unwrap()[0];
        assert_eq!((first.module.as_str(), first.name.as_str(), first.safety), ("posix", "system", Safety::Dangerous), "{name}");
    }
    // By its bytes, whatever its name says.
    assert_eq!(scan_as(&fixture("evil_4.pkl"), Kind::Other).level, Level::Unsafe);
    assert_eq!(scan_as(&fixture("evil_4.pkl"), Kind::Safetensors).level, Level::Unsafe);
    assert_eq!(scan_as(&fixture("evil.pt"), Kind::Other).level, Level::Unsafe);
}

#[test]
fn what_breaks_off_is_told_with_what_came_before() {
    let whole = fixture("evil_2.pkl");
    let report = scan_as(&whole[..whole.len() - 4], Kind::Pickle);
    assert_eq!(report.level, Level::Unsafe);
    assert!(report.findings[0].text.contains("breaks off"), "{report:?}");
    let broken = [&whole[..whole.len() - 1], &b"\xff\xff"[..]].concat();
    assert_eq!(scan_as(&broken, Kind::Pickle).level, Level::Unsafe);
    assert_eq!(scan_as(b"\x80\x04\x95\x00", Kind::Pickle).level, Level::Suspicious);
}

#[test]
fn tricks_with_names_are_seen_through() {
    let tricks: [(&str, &[u8]); 9] = [
        ("memo", b"\x80\x04\x8c\x02os\x94\x8c\x06system\x9400h\x00h\x01\x93\x8c\x02ls\x85R."),
        ("dup and pop", b"\x80\x04\x8c\x02os2\x8c\x06system\x93\x8c\x02ls\x85R."),
        ("put over", b"\x80\x02\x8c\x04math\x94\x8c\x02osq\x000\x8c\x06systemq\x010h\x00h\x01\x93\x8c\x02ls\x85R."),
        ("inst", b"(S'ls'\nios\nsystem\n."),
        ("instance of text protocol", b"cos\nsystem\n(S'ls'\ntR."),
        ("second pickle", b"\x80\x02N.\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR."),
        ("no end", b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR"),
        ("dotted", b"\x80\x04\x8c\x09posixpath\x8c\x09os.system\x93\x8c\x02ls\x85R."),
        ("too many pops", b"\x80\x0200000000cos\nsystem\n(X\x02\x00\x00\x00lstR."),
    ];
    for (name, bytes) in tricks {
        let report = scan_as(bytes, Kind::Pickle);
        assert_eq!(report.level, Level::Unsafe, "{name}: {report:?}");
    }
    // A name that another call makes.
    let made = b"\x80\x04\x8c\x08builtins\x8c\x03str\x93)R\x8c\x06system\x93.";
    let report = scan_as(made, Kind::Pickle);
    assert!(report.level == Level::Suspicious && report.findings[0].text.contains("puts names together"), "{report:?}");
    assert_eq!(imports(&scan_as(b"\x80\x02\x82\x07.", Kind::Pickle)), ["copyreg.extension 7"]);
}

/// joblib passes over the bytes of an array, `pickle.load` does not.
#[test]
fn opcodes_in_the_bytes_of_an_array_are_seen() {
    let good = fixture("good.joblib");
    let evil = b"cos\nsystem\n\x8c\x02ls\x85R.";
    // Raw numbers of the first array, behind its padding: 0.0 is eight zeros.
    let at = good.windows(16).position(|bytes| bytes[..8] == [0; 8] && bytes[8..] == 1.0_f64.to_le_bytes()).unwrap();
    let padding_at = (at - 16..at).find(|place| usize::from(good[*place]) == at - place - 1).unwrap();
    let mut bytes = good.clone();
    bytes[padding_at..padding_at + evil.len()].copy_from_slice(evil);
    let report = scan_as(&bytes, Kind::Pickle);
    assert_eq!(report.level, Level::Unsafe, "{report:?}");
}

/// The length of a header may be 640: in bytes, the mark of a pickle.
#[test]
fn lengths_that_look_like_pickles_are_none() {
    let header = format!("{{{}}}", " ".repeat(638));
    let bytes = [&640_u64.to_le_bytes()[..], header.as_bytes(), &[1; 64]].concat();
    assert!(bytes.starts_with(b"\x80\x02"));
    assert_eq!(scan_as(&bytes, Kind::Safetensors), Report::default());
    assert_eq!(scan_as(b"\x80\x03\xff\xfe\x00\x00", Kind::Other), Report::default());
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

#[test]
fn texts_that_begin_like_pickles_are_none() {
    for text in [
        "course\nof\nstudy\n",
        "Introduction\nto\nthings.\n",
        "(a, b)\n",
        "import os\nos.system\n",
        "N.",
        "cargo install foo\nbar baz\n",
        "",
        ".",
    ] {
        let report = scan_as(text.as_bytes(), Kind::Pickle);
        assert_eq!(report.level, Level::Safe, "{text}: {report:?}");
    }
}

fn deflated_zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).unwrap();
        let packed = packer.finish().unwrap();
        let common = [
            &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &(packed.len() as u32).to_le_bytes(),
            &(bytes.len() as u32).to_le_bytes(),
            &(name.len() as u16).to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        directory.extend(
            [&b"PK\x01\x02\x14\x00"[..], &common, &[0; 10], &(file.len() as u32).to_le_bytes(), name.as_bytes()].concat(),
        );
        file.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let (start, length) = ((file.len() as u32).to_le_bytes(), (directory.len() as u32).to_le_bytes());
    [file, directory, [&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &length, &start, &[0, 0]].concat()].concat()
}

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
    assert!(started.elapsed() < Duration::from_secs(5));
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
fn keras_models_with_code_are_told() {
    let config = |layer: &str| format!(r#"{{"module":"keras","class_name":"Functional","config":{{"layers":[{layer}]}}}}"#);
    let plain = config(r#"{"module":"keras.layers","class_name":"Dense","config":{},"registered_name":null}"#);
    let zip = |config: &str| deflated_zip(&[("config.json", config.as_bytes()), ("model.weights.h5", b"\x89HDF\r\n\x1a\n")]);
    assert_eq!(scan_as(&zip(&plain), Kind::Keras).level, Level::Safe);
    let lambda =
        config(r#"{"module":"keras.layers","cl\u0061ss_name":"Lambda","config":{"function":{"class_name":"__lambda__"}}}"#);
    let report = scan_as(&zip(&lambda), Kind::Keras);
    assert_eq!((report.level, report.findings[0].topic), (Level::Suspicious, Topic::Keras), "{report:?}");
    let os = config(r#"{"module":"os","class_name":"function","config":"system","registered_name":"system"}"#);
    assert_eq!(scan_as(&zip(&os), Kind::Keras).level, Level::Unsafe);
    let hdf5 = [&b"\x89HDF\r\n\x1a\n"[..], &vec![0; 3 << 20], lambda.replace("\\u0061", "a").as_bytes(), &[0; 100]].concat();
    assert_eq!(scan_as(&hdf5, Kind::Other).level, Level::Suspicious);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(scan_as(&zip(&deep), Kind::Keras).level, Level::Error);
}

#[test]
fn chat_templates_that_reach_out_are_told() {
    let good = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] | trim }}{% endfor %}";
    let bad = "{{ ''.__class__.__mro__[1].__subclasses__() }}";
    assert_eq!(scan_templates(&[good.to_owned()]), Report::default());
    assert_eq!(scan_templates(&[bad.to_owned()]).level, Level::Unsafe);
    assert_eq!(scan_templates(&["{{ x|attr('_'~'_class_'~'_') }}".to_owned()]).level, Level::Suspicious);
    let json = serde_json::json!({ "chat_template": [{ "name": "tool", "template": bad }], "model_max_length": 1 }).to_string();
    assert_eq!(scan_as(json.as_bytes(), Kind::of("a/tokenizer_config.json")).level, Level::Unsafe);
    let report = scan_as(format!("{good}\n\n{bad}").as_bytes(), Kind::of("chat_template.jinja"));
    assert_eq!((report.level, report.findings[0].line), (Level::Unsafe, Some(3)), "{report:?}");
    assert_eq!(scan_as(good.as_bytes(), Kind::Jinja), Report::default());
}

#[test]
fn secrets_are_told_without_being_told() {
    let secret = format!("hf_{}", "aZ3kQ9mX7pLr2TvB8nWc5YdFgHjKsE4uRt");
    let text = format!("# settings\nTOKEN={secret}\n");
    let report = scan_as(text.as_bytes(), Kind::of(".env"));
    assert_eq!((report.level, report.has_secrets(), has_hub_tokens(&report)), (Level::Caution, true, true));
    let stored = serde_json::to_string(&report).unwrap();
    assert!(!stored.contains(&secret[5..20]), "{stored}");
    assert_eq!(serde_json::from_str::<Report>(&stored).unwrap(), report);
    let zip = deflated_zip(&[("conf/.env", text.as_bytes())]);
    assert_eq!(scan_as(&zip, Kind::Other).findings[0].entry.as_deref(), Some("conf/.env"));
}

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
    let report = super::scan(&mut Cursor::new(&bytes), bytes.len() as u64, Kind::Pickle, limits).unwrap();
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
    assert!(super::scan(&mut Failing(Cursor::new(bytes)), size, Kind::Pickle, Limits::default()).is_err());
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
    let report = super::scan(&mut file, bytes.len() as u64, Kind::Pickle, Limits::default()).unwrap();
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
