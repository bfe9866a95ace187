//! What is told of files, and what is not.

mod archives;
mod cost;
mod evasions;
mod tars;

use std::io::{Cursor, Write as _};
use std::path::Path;

use super::*;

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

/// A zip file of these entries.
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
