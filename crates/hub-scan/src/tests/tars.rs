//! Tar files: what is in them is looked at, in whatever they are packed, and what readers take differently is told.

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// A header with its checksum.
fn header(name: &str, kind: u8, link: &str, size: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..263].copy_from_slice(b"ustar\0");
    sign(&mut block);
    block
}

/// Puts the checksum right.
fn sign(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn member(name: &str, kind: u8, bytes: &[u8]) -> Vec<u8> {
    [header(name, kind, "", bytes.len()), bytes.to_vec(), vec![0; (512 - bytes.len() % 512) % 512]].concat()
}

fn file(name: &str, bytes: &[u8]) -> Vec<u8> {
    member(name, b'0', bytes)
}

fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    [members.concat(), vec![0; 1024]].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// As programs wrote it before there was a mark.
fn of_no_standard(tar: &[u8]) -> Vec<u8> {
    let mut bytes = tar.to_vec();
    for block in bytes.chunks_mut(512).filter(|block| block[257..263] == *b"ustar\0") {
        block[257..263].fill(0);
        sign(block);
    }
    bytes
}

#[test]
fn pickles_in_tars_are_looked_at() {
    let (evil, checkpoint) = (fixture("evil_4.pkl"), fixture("evil.pt"));
    let flat = tar(&[file("config.yaml", b"a: 1\n"), file("model/weights.pkl", &evil)]);
    let nemo = tar(&[file("model_config.yaml", b"a: 1\n"), file("model_weights.ckpt", &checkpoint)]);
    for (what, bytes, kind) in [
        ("a pickle", flat.clone(), Kind::of("a.tar")),
        ("a checkpoint", nemo.clone(), Kind::of("a.nemo")),
        ("packed", gzip(&flat), Kind::of("a.tar.gz")),
        ("a checkpoint, packed", gzip(&nemo), Kind::of("a.tgz")),
        ("a tar in a tar", tar(&[file("inner.tar", &flat)]), Kind::Other),
        ("a packed one in a tar", tar(&[file("inner.tgz", &gzip(&flat))]), Kind::Other),
        ("a tar in a zip file", deflated_zip(&[("inner.tar", &flat)]), Kind::Other),
        ("of no standard", of_no_standard(&flat), Kind::Other),
        ("what torch wrote", tar(&[file("sys_info", b"x"), file("pickle", &fixture("evil_0.pkl"))]), Kind::of("a.pt")),
        ("with a name of its own", tar(&[file("model", &evil)]), Kind::Other),
    ] {
        let report = scan_as(&bytes, kind);
        assert_eq!((report.level, report.pickle_level()), (Level::Unsafe, Level::Unsafe), "{what}: {report:?}");
    }
    let good = tar(&[file("model_config.yaml", b"a: 1\n"), file("model_weights.ckpt", &fixture("good.pt"))]);
    for bytes in [good.clone(), gzip(&good)] {
        let report = scan_as(&bytes, Kind::Other);
        assert_eq!((report.level, &report.findings, &report.note), (Level::Safe, &Vec::new(), &None), "{report:?}");
        assert!(report.imports.is_some(), "{report:?}");
    }
}

#[test]
fn secrets_in_tars_are_told_with_their_place() {
    let text = format!("# settings\nTOKEN=hf_{}\n", "aZ3kQ9mX7pLr2TvB8nWc5YdFgHjKsE4uRt");
    for bytes in [tar(&[file("conf/.env", text.as_bytes())]), gzip(&tar(&[file("conf/.env", text.as_bytes())]))] {
        let report = scan_as(&bytes, Kind::Other);
        let place = report.findings.first().map(|finding| (finding.entry.as_deref(), finding.line));
        assert_eq!(place, Some((Some("conf/.env"), Some(2))), "{report:?}");
    }
}

/// Of a large archive only the headers are read, and what is looked at.
#[test]
fn tensors_in_tars_are_passed_over() {
    let bytes = tar(&[file("model.safetensors", &vec![1_u8; 32 << 20]), file("model.pkl", &fixture("evil_4.pkl"))]);
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    let report = scan(&mut Cursor::new(&bytes), bytes.len() as u64, Kind::Other, limits).unwrap();
    assert_eq!((report.level, &report.note), (Level::Unsafe, &None), "{report:?}");
    // Packed, it has to be read.
    let packed = gzip(&bytes);
    let report = scan(&mut Cursor::new(&packed), packed.len() as u64, Kind::Other, limits).unwrap();
    assert!(report.level == Level::Error && report.note.is_some(), "{report:?}");
}

#[test]
fn what_leaves_the_folder_is_told() {
    let attributes = |text: &str| member("attributes", b'x', format!("{} {text}\n", text.len() + 4).as_bytes());
    assert_eq!("path=../../evil".len() + 4, 19, "the length counts itself");
    for (what, members, text) in [
        ("a path", vec![file("../../etc/passwd", b"x")], "outside of the folder"),
        ("an absolute path", vec![file("/etc/passwd", b"x")], "outside of the folder"),
        ("a long path", vec![attributes("path=../../evil"), file("a.txt", b"x")], "outside of the folder"),
        ("a long path of GNU", vec![member("././@LongLink", b'L', b"a/../../b\0"), file("a.txt", b"x")], "outside of the folder"),
        ("an absolute link", vec![header("a", b'2', "/etc", 0)], "leads out"),
        ("a link", vec![header("a/b", b'2', "../../c", 0)], "leads out"),
        ("a hard link", vec![header("a/b", b'1', "../c", 0)], "leads out"),
        ("a device", vec![header("null", b'3', "", 0)], "a device"),
    ] {
        for bytes in [tar(&members), gzip(&tar(&members))] {
            let report = scan_as(&bytes, Kind::Other);
            let told = report.findings.iter().any(|finding| finding.topic == Topic::Archive && finding.text.contains(text));
            assert!(told && report.level == Level::Suspicious, "{what}: {report:?}");
        }
    }
    let fine = tar(&[header("a/", b'5', "", 0), header("a/b", b'2', "../c", 0), header("d", b'1', "a/c", 0), file("c", b"x")]);
    assert_eq!(scan_as(&fine, Kind::Other), Report::default());
}

/// What one reader does not see, another one does.
#[test]
fn nothing_is_hidden_from_one_reader_by_what_another_takes() {
    let evil = fixture("evil_4.pkl");
    let hidden = file("model.pkl", &evil);
    let (start, zeros, junk) = (file("a.txt", b"text"), vec![0; 512], vec![b'x'; 512]);
    for (what, members) in [
        ("behind an end", vec![start.clone(), zeros.clone(), hidden.clone()]),
        ("behind the end", vec![start.clone(), zeros.repeat(20), hidden.clone()]),
        ("behind what is none", vec![start.clone(), junk, hidden.clone()]),
        ("in a link that has bytes", vec![start.clone(), header("l", b'2', "a.txt", hidden.len()), hidden.clone()]),
        ("behind a longer size", vec![start, member("p", b'x', b"12 size=512\n"), file("b.txt", &[]), zeros, hidden]),
    ] {
        for bytes in [tar(&members), gzip(&tar(&members))] {
            assert_eq!(scan_as(&bytes, Kind::Other).level, Level::Unsafe, "{what}");
        }
    }
    // A name may be a pickle.
    let named = tar(&[file("cos\nsystem\n(S'ls'\ntR.", b"x")]);
    for bytes in [named.clone(), gzip(&named)] {
        assert_eq!(scan_as(&bytes, Kind::Pickle).level, Level::Unsafe);
    }
    // A size that is a number for some.
    let mut odd = header("model.pkl", b'0', "", 0);
    odd[124..136].copy_from_slice(b"+0000000144\0");
    odd[257..263].fill(0);
    sign(&mut odd);
    let report = scan_as(&[odd, fixture("evil_0.pkl")].concat(), Kind::Other);
    assert!(report.level >= Level::Error, "{report:?}");
    // Sizes that are told twice, or are numbers for some.
    for size in [&b"12 size=512\n"[..], b"14 size=1_024\n", b"13 size=-512\n"] {
        let report = scan_as(&tar(&[member("p", b'x', size), file("b.txt", &[b'x'; 1024])]), Kind::Other);
        assert!(report.findings.iter().any(|finding| finding.text.contains("do not agree")), "{report:?}");
    }
}

#[test]
fn tars_cost_little() {
    let zeros = vec![0; 300 << 20];
    let bomb = gzip(&tar(&[file("zeros.txt", &zeros)]));
    let started = std::time::Instant::now();
    let report = scan_as(&bomb, Kind::Other);
    assert!(report.level == Level::Error && report.note.is_some(), "{report:?}");
    let many = file("a.txt", b"").repeat(100_000);
    assert!(scan_as(&many, Kind::Other).note.is_some());
    let endless = [header("a.pkl", b'0', "", 0o77_777_777_777), b"\x80\x04N.".to_vec()].concat();
    assert_eq!(scan_as(&endless, Kind::Other).level, Level::Safe);
    let mut deep = file("a.txt", b"x");
    for _ in 0..8 {
        deep = tar(&[file("inner.tar", &deep)]);
    }
    assert!(scan_as(&deep, Kind::Other).findings.iter().any(|finding| finding.text.contains("deep")));
    assert!(started.elapsed() < std::time::Duration::from_secs(20));
}
