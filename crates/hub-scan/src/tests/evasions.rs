//! What was once called safe, or broke the scan, though it is neither. Bytes as they were found.

use super::*;

/// An end record of a zip file.
fn end(length: usize, start: usize) -> Vec<u8> {
    let [length, start] = [length, start].map(|number| (number as u32).to_le_bytes());
    [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &length, &start, &[0, 0]].concat()
}

/// The parts of an archive of one file: what comes before the directory, and the directory.
fn parts(name: &str, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut files = deflated_zip(&[(name, bytes)]);
    files.truncate(files.len() - 22);
    let at = files.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    let directory = files.split_off(at);
    (files, directory)
}

/// A report with NUL could not be stored, and a job that cannot store is tried until it is given up.
#[test]
fn no_name_brings_control_characters() {
    let secret = format!("TOKEN=hf_{}\n", "aZ3kQ9mX7pLr2TvB8nWc5YdFgHjKsE4uRt");
    let lambda = r#"{"module":"os\u0000","class_name":"sys\u0000tem\u001b","config":{}}"#;
    for (bytes, kind) in [
        (deflated_zip(&[("a\u{1}\n.env", secret.as_bytes()), ("../\u{7f}x", b"")]), Kind::Other),
        (deflated_zip(&[("config.json", lambda.as_bytes())]), Kind::Keras),
        (b"\x80\x04\x8c\x03o\0s\x8c\x06sys\x1bem\x93\x8c\x02ls\x85R.".to_vec(), Kind::Pickle),
    ] {
        let report = scan_as(&bytes, kind);
        assert!(report.level > Level::Error, "{report:?}");
        let stored = serde_json::to_string(&report).unwrap();
        assert!(!stored.contains("\\u00") && !stored.contains("\\n"), "{stored}");
    }
}

/// Python takes what stands before a NUL for the name.
#[test]
fn names_end_at_nul() {
    let layer = br#"{"module":"keras.layers","class_name":"Lambda","config":{}}"#;
    assert_eq!(scan_as(&deflated_zip(&[("config.json\0.png", layer)]), Kind::Keras).level, Level::Suspicious);
    let long = format!("{}.pkl", "a".repeat(600));
    assert_eq!(scan_as(&deflated_zip(&[(&long, &fixture("evil_0.pkl"))]), Kind::Other).level, Level::Unsafe);
}

#[test]
fn reports_stay_small() {
    let names: String = (0..2_000).map(|n| format!("c{n}{}\nx\n0", "\u{10ffff}".repeat(200))).collect();
    let texts: Vec<(String, String)> =
        (0..400).map(|n| (format!("{n}{}.env", "\u{10ffff}".repeat(300)), format!("glpat-{n:04}Zq8WkX2mVbT9LcPr"))).collect();
    let mut entries: Vec<(&str, &[u8])> = texts.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let pickle = [b"\x80\x04", names.as_bytes(), b"."].concat();
    entries.push(("data.pkl", &pickle));
    let report = scan_as(&deflated_zip(&entries), Kind::Pickle);
    assert!(report.findings.len() == 50 && report.imports.as_ref().unwrap().len() == 50, "{report:?}");
    assert!(serde_json::to_string(&report).unwrap().len() < 100_000);
    // The worst are kept, and this hub's own tokens are told of whatever else there is.
    let evil = fixture("evil_4.pkl");
    entries.push(("../x.pkl", &evil[..evil.len() - 4]));
    let report = scan_as(&deflated_zip(&entries), Kind::Other);
    assert!(report.findings.len() == 50 && report.findings[0].level == Level::Suspicious, "{report:?}");
    let many: String =
        (0..400).map(|n| format!("glpat-{n:04}Zq8WkX2mVbT9LcPr xoxb-{n:04}Zq8WkX2mVbT9LcPr AKIA{:0>16}\n", "Q")).collect();
    let text = format!("{many}hf_{}\n", "aZ3kQ9mX7pLr2TvB8nWc5YdFgHjKsE4uRt");
    assert!(has_hub_tokens(&scan_as(text.as_bytes(), Kind::Other)));
}

/// Any opcode begins a pickle, and one that stopped may be followed by another.
#[test]
fn pickles_begin_with_any_opcode() {
    let evil = b"cos\nsystem\n\x8c\x02ls\x85R.";
    for start in [
        &b"K\x000"[..],
        b"\x8c\x01x0",
        b"G\0\0\0\0\0\0\0\x000",
        b"2",
        b"\x95\0\0\0\0\0\0\0\0",
        b"K\x00.",
        b"K\x00.K\x000",
        b"N.U\x01x0",
    ] {
        let bytes = [start, evil].concat();
        assert_eq!(scan_as(&bytes, Kind::Pickle).level, Level::Unsafe, "{start:?}");
        // Readers do what comes before the place where it breaks off.
        assert_eq!(scan_as(&bytes[..bytes.len() - 1], Kind::Pickle).level, Level::Unsafe, "{start:?}");
    }
    let unknown = b"K\x000cmy_module\nrun\n)R";
    let report = scan_as(unknown, Kind::Pickle);
    assert_eq!((report.level, imports(&report)), (Level::Suspicious, vec!["my_module.run".to_owned()]), "{report:?}");
    let many = [&b"N.".repeat(64)[..], evil].concat();
    assert_eq!(scan_as(&many, Kind::Pickle).level, Level::Error);
}

/// Lines may be longer than anybody writes them.
#[test]
fn nothing_hides_behind_a_long_line() {
    let long = [&b"S'"[..], &[b'x'; 100_000], b"'\n0cos\nsystem\n(S'ls'\ntR."].concat();
    assert_eq!(scan_as(&long, Kind::Pickle).level, Level::Unsafe);
    let module = [&b"\x80\x02cos."[..], &[b'x'; 100_000], b"\nsystem\n)R."].concat();
    assert_eq!(scan_as(&module, Kind::Pickle).level, Level::Unsafe);
}

/// Names that are put together show even without a mark.
#[test]
fn texts_of_lines_are_what_python_makes_of_them() {
    for (bytes, level) in [
        (&b"K\x000S'o\\x73'\nS'system'\n\x93(S'ls'\ntR."[..], Level::Suspicious),
        (b"V\\u006fs\nVsystem\n\x93(S'ls'\ntR.", Level::Suspicious),
        (b"\x80\x02V\\u006fs\nVsystem\n\x93(S'ls'\ntR.", Level::Suspicious),
        (b"\x80\x04S'os'\nS'system'\n\x93(S'ls'\ntR.", Level::Unsafe),
        // Underscores in the numbers of a memo.
        (b"\x80\x02S'os'\np1_0\n0S'system'\np1_1\n0g10\ng11\n\x93(S'ls'\ntR.", Level::Unsafe),
        // Escapes that no name is made of.
        (b"\x80\x02S'C:\\\\x'\n.", Level::Safe),
    ] {
        assert_eq!(scan_as(bytes, Kind::Pickle).level, level, "{:?}", String::from_utf8_lossy(bytes));
    }
}

const WRAPPER: &[u8] = b"\x8c\x13joblib.numpy_pickle\x8c\x11NumpyArrayWrapper\x93";
const FLOATS: &[u8] = b"cnumpy\ndtype\n\x8c\x02f8\x89\x88\x87R";

fn array(state: &[&[u8]]) -> Vec<u8> {
    [WRAPPER, b")\x81}(", &state.concat(), b"ub"].concat()
}

fn keyed(key: &str, value: &[u8]) -> Vec<u8> {
    [&[0x8c, key.len() as u8][..], key.as_bytes(), value].concat()
}

/// What `pickle.load` makes of the bytes of an array depends on all that came before.
#[test]
fn what_lies_on_the_stack_is_seen_from_within_an_array() {
    let one = [keyed("shape", b"K\x04\x85"), keyed("dtype", FLOATS)].concat();
    let array = array(&[&one]);
    for (name, before, raw) in [
        ("names on the stack", &b"\x8c\x02os\x8c\x06system"[..], &b"0\x93\x8c\x02ls\x85R."[..]),
        ("names in the memo", b"\x8c\x02os\x94\x8c\x06system\x94", b"h\0h\x01\x93\x8c\x02ls\x85R."),
        ("a mark", b"(\x8c\x02os\x8c\x06system", b"0\x93\x8c\x02ls\x85R."),
        ("goes on behind it", b"\x8c\x02os\x8c\x06system", b"0\x8c\x200000000000000000000000"),
    ] {
        let padded = [raw, &[b'0'; 32]].concat();
        let after = if name == "goes on behind it" { &b"0000\x93\x8c\x02ls\x85R."[..] } else { b"." };
        let bytes = [&b"\x80\x04"[..], before, &array, &padded[..32], after].concat();
        assert_eq!(scan_as(&bytes, Kind::Pickle).level, Level::Unsafe, "{name}: {:?}", scan_as(&bytes, Kind::Pickle));
    }
    // More values than were copied once.
    let memo: Vec<u8> = (0..25_000).flat_map(|_| *b"\x8c\x01x\x940").collect();
    let bytes = [&b"\x80\x04"[..], &memo, b"\x8c\x02os\x8c\x06system", &array, b"0\x93\x8c\x02ls\x85R.0000000000000000000000000"]
        .concat();
    assert_eq!(scan_as(&bytes, Kind::Pickle).level, Level::Unsafe);
    // A name that is put together there.
    let odd = [&b"\x80\x04"[..], &array, b"0\x8c\x08builtins\x8c\x03str\x93)R\x8c\x01x\x93)R.00000", b"."].concat();
    assert!(scan_as(&odd, Kind::Pickle).findings.iter().any(|finding| finding.text.contains("puts names")));
}

/// Where joblib goes on after an array must be certain.
#[test]
fn arrays_that_are_not_described_clearly_are_told() {
    let (shape, dtype) = (keyed("shape", b"K\x04\x85"), keyed("dtype", FLOATS));
    let raw = [0; 32];
    let whole = |array: &[u8]| [&b"\x80\x04"[..], array, &raw, b"."].concat();
    assert_eq!(scan_as(&whole(&array(&[&shape, &dtype])), Kind::Pickle).level, Level::Safe);
    let floats = |state: &[u8]| [FLOATS, b"(K\x03\x8c\x01<NNN", state, b"K\0tb"].concat();
    let plain = floats(b"J\xff\xff\xff\xffJ\xff\xff\xff\xff");
    assert_eq!(scan_as(&whole(&array(&[&shape, &keyed("dtype", &plain)])), Kind::Pickle).level, Level::Safe);
    for (name, bytes) in [
        ("no shape", array(&[&dtype])),
        ("no type", array(&[&shape])),
        ("a shape that is made", array(&[&dtype, &keyed("shape", b"cbuiltins\ntuple\n)R")])),
        ("two shapes", array(&[&shape, &dtype, &keyed("shape", b"N")])),
        ("a key that is made", array(&[&shape, &dtype, b"cbuiltins\nstr\n)RK\x05\x85"])),
        ("a key with escapes", array(&[&shape, &dtype, b"S'sh\\x61pe'\nK\x05\x85"])),
        ("padding or not", array(&[&shape, &dtype, &keyed("numpy_array_alignment_bytes", b"\x88")])),
        ("another size", array(&[&shape, &keyed("dtype", &floats(b"K\x10J\xff\xff\xff\xff"))])),
        ("numbers of eight", array(&[&dtype, &keyed("shape", b"I010\n\x85")])),
        ("made by a call", [WRAPPER, b")R}(", &shape, &dtype, b"ub"].concat()),
        ("made by another", [b"ccopyreg\n__newobj__\n", WRAPPER, b"\x85R}(", &shape, &dtype, b"ub"].concat()),
        ("of an instance", [b"(ijoblib.numpy_pickle\nNumpyArrayWrapper\n}(", &shape[..], &dtype, b"ub"].concat()),
        ("a state of two", [WRAPPER, b")\x81}(", &shape, &dtype, b"uN\x86b"].concat()),
        ("a state of somewhere else", [WRAPPER, b")\x81}\x94(", &shape, &dtype, b"uh\0", &shape, b"s0b"].concat()),
        ("the class itself", [WRAPPER, b"N}\x86b"].concat()),
        ("hidden away", [WRAPPER, b")\x81\x85"].concat()),
    ] {
        let report = scan_as(&whole(&bytes), Kind::Pickle);
        assert!(report.findings.iter().any(|finding| finding.text.contains("bytes of its arrays")), "{name}: {report:?}");
    }
    // In an array of objects there are no such bytes: `pickle.load` reads it.
    let objects = array(&[&shape, &keyed("dtype", b"cnumpy\ndtype\n\x8c\x02O8\x89\x88\x87R")]);
    let inner = [&b"\x80\x04"[..], &array(&[&shape, &dtype]), b"0cos\nsystem\n)R.0000000000000000000"].concat();
    assert_eq!(scan_as(&[&b"\x80\x04"[..], &objects, &inner, b"."].concat(), Kind::Pickle).level, Level::Unsafe);
}

/// numpy reads the header as Python.
#[test]
fn arrays_of_objects_are_told_by_any_name() {
    let pickle = fixture("evil_4.pkl");
    for name in ["'<O8'", "'=O'", "'|\\x4f'", "'>O'", "[('a', '<i4'), ('b', 'O')]", "'object'", "('O',)"] {
        let header = format!("{{'descr': {name}, 'fortran_order': False, 'shape': (1,), }}\n");
        let length = (header.len() as u16).to_le_bytes();
        let bytes = [&b"\x93NUMPY\x01\0"[..], &length, header.as_bytes(), &pickle].concat();
        assert_eq!(scan_as(&bytes, Kind::Pickle).level, Level::Unsafe, "{name}");
    }
    // A field of that name is no object.
    let header = "{'descr': [('Open', '<f8')], 'fortran_order': False, 'shape': (4,), }\n";
    let length = (header.len() as u16).to_le_bytes();
    let bytes = [&b"\x93NUMPY\x01\0"[..], &length, header.as_bytes(), &[0; 32]].concat();
    assert_eq!(scan_as(&bytes, Kind::Pickle), Report::default());
}

/// `torch` goes by what the end of an archive says, Python by where it is.
#[test]
fn directories_that_lie_elsewhere_are_found() {
    let (good, evil) = (fixture("good_2.pkl"), fixture("evil_2.pkl"));
    let (files, directory) = parts("archive/data.pkl", &good);
    let (more_files, other) = parts("archive/data.pkl", &evil);
    let told = |report: &Report| report.findings.iter().any(|finding| finding.text.contains("not where it says"));
    // Python takes the second one; everything is shifted by what lies in front.
    let shifted = [&files[..], &directory, &more_files, &other, &end(other.len(), more_files.len())].concat();
    let report = scan_as(&shifted, Kind::Pickle);
    assert!(report.level == Level::Unsafe && told(&report), "{report:?}");
    // The other way round: what is written is right, and Python looks somewhere else.
    let written = [&more_files[..], &other, &files, &directory, &end(other.len(), more_files.len())].concat();
    let report = scan_as(&written, Kind::Pickle);
    assert!(report.level == Level::Unsafe && told(&report), "{report:?}");
    // A record for large archives, which Python takes whatever the other one says.
    let wide = |length: usize, start: usize| {
        let numbers = [length, start].map(|number| (number as u64).to_le_bytes()).concat();
        [&b"PK\x06\x06\x2c\0\0\0\0\0\0\0"[..], &[0; 28], &numbers].concat()
    };
    let locator = |at: usize| [&b"PK\x06\x07\0\0\0\0"[..], &(at as u64).to_le_bytes(), &[1, 0, 0, 0]].concat();
    let record_at = files.len() + directory.len() + more_files.len() + other.len();
    let start = files.len() + directory.len() + more_files.len();
    let two = [
        &files[..],
        &directory,
        &more_files,
        &other,
        &wide(other.len(), start),
        &locator(record_at),
        &end(directory.len(), files.len()),
    ]
    .concat();
    // The second archive's places are its own.
    let report = scan_as(&two, Kind::Pickle);
    assert!(told(&report), "{report:?}");
    let one = [
        &files[..],
        &directory,
        &wide(directory.len(), files.len()),
        &locator(files.len() + directory.len()),
        &end(directory.len(), files.len()),
    ]
    .concat();
    assert_eq!(scan_as(&one, Kind::Pickle).level, Level::Safe, "as torch writes it");
    assert_eq!(scan_as(&deflated_zip(&[("a.pkl", &good)]), Kind::Pickle).level, Level::Safe);
}

/// A record in a comment, and bytes in front of everything.
#[test]
fn archives_need_not_begin_at_the_beginning() {
    let config = br#"{"module":"os","class_name":"system","config":{}}"#;
    for (kind, name, bytes) in [(Kind::Keras, "config.json", &config[..]), (Kind::Pickle, "a.npy", &fixture("evil.npy"))] {
        for front in [&b"#!/bin/sh\n"[..], b"\0", b"\x80\x04N."] {
            let report = scan_as(&[front, &deflated_zip(&[(name, bytes)])].concat(), kind);
            assert_eq!(report.level, Level::Unsafe, "{report:?}");
            assert!(report.findings.iter().any(|finding| finding.text.contains("in front of the archive")), "{report:?}");
        }
    }
}

/// Keras takes the name of a function from its configuration.
#[test]
fn functions_are_told_by_their_configuration() {
    let zip = |config: &str| deflated_zip(&[("config.json", config.as_bytes())]);
    for (config, level) in [
        (r#"{"module":"builtins","class_name":"function","config":"eval","registered_name":"function"}"#, Level::Unsafe),
        (r#"{"module":"keras.utils","class_name":"function","config":"get_file","registered_name":"get_file>x"}"#, Level::Unsafe),
        (r#"{"registered_name":"x","config":"relu","class_name":"function","module":"builtins"}"#, Level::Safe),
        // Of two with one name the last one counts.
        (r#"{"module":"keras","module":"os","class_name":"Dense","class_name":"system"}"#, Level::Unsafe),
    ] {
        assert_eq!(scan_as(&zip(config), Kind::Keras).level, level, "{config}");
    }
}

/// What was not looked at is no more than "not safe", but it is that.
#[test]
fn what_is_too_long_is_said() {
    let line = b"a line of a text that says nothing at all, again and again\n";
    let text = |bytes: usize| line.repeat(bytes / line.len() + 1);
    assert_eq!(scan_as(&text(9 << 20), Kind::Other), Report::default());
    assert_eq!(scan_as(&text(70 << 20), Kind::Other).level, Level::Error);
    for kind in [Kind::Template, Kind::Jinja, Kind::Pickle] {
        assert_eq!(scan_as(&text(9 << 20), kind).level, Level::Error, "{kind:?}");
    }
    let hdf5 = |bytes: usize| [&b"\x89HDF\r\n\x1a\n"[..], &vec![0; bytes]].concat();
    assert_eq!(scan_as(&hdf5(9 << 20), Kind::Other).level, Level::Safe);
    assert_eq!(scan_as(&hdf5(70 << 20), Kind::Other).level, Level::Error);
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    assert_eq!(scan_as(&tar, Kind::Other).level, Level::Error);
    for bad in [r#"{"chat_template": NaN}"#, r#"{"chat_template": "\ud800"}"#, "{"] {
        assert_eq!(scan_as(bad.as_bytes(), Kind::Template).level, Level::Error, "{bad}");
    }
    // Secrets are found wherever they are, with their lines.
    let secret = format!("hf_{}", "aZ3kQ9mX7pLr2TvB8nWc5YdFgHjKsE4uRt");
    let mut long = text(9 << 20);
    let lines = long.len() / line.len();
    long.extend(secret.as_bytes());
    assert_eq!(scan_as(&long, Kind::Other).findings[0].line, Some(lines as u64 + 1));
}

#[test]
fn templates_that_put_names_together_are_told() {
    for (text, level) in [
        ("{{ ''['__cl'~'ass__'] }}", Level::Suspicious),
        ("{{ ''['__cl\\x61ss__'] }}", Level::Suspicious),
        ("{{ ''['\\137\\137class\\137\\137'] }}", Level::Suspicious),
        ("{{ ''['_'~'_class_'~'_'] }}", Level::Suspicious),
        ("{{ bos_token + '<|im_start|>' ~ message['role'] + '_' + x }}", Level::Safe),
    ] {
        assert_eq!(scan_templates(&[text.to_owned()]).level, level, "{text}");
    }
    // As a file it is a template whatever it looks like.
    assert_eq!(scan_as(br#"{"a": "{{ ''.__class__ }}"}"#, Kind::of("chat_template.jinja")).level, Level::Unsafe);
    // Languages of a tokenizer are no templates.
    let tokens = br#"{"additional_special_tokens": ["__en__", "__init__"], "chat_template": "{{ x }}"}"#;
    assert_eq!(scan_as(tokens, Kind::of("tokenizer_config.json")), Report::default());
}
