//! Checkpoints as PyTorch writes them (`tests/harness/torch_checkpoint.py` made the files), and with damage done to them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../../hub-types/tests/hostile/mod.rs"]
mod hostile;

use std::ops::Range;

use hostile::{damage, damaged, taken, within};
use hub_weights::checkpoint::{
    CheckpointError, Contents, Conversion, LegacyFile, Source, TAIL_BYTES, ZipFile, directory_range, safetensors_name,
};
use hub_weights::{Dtype, Step, parse_layout};
use proptest::prelude::*;

#[global_allocator]
static COUNTING: hostile::Counting = hostile::Counting;

const STATE: &[u8] = include_bytes!("checkpoints/state.bin");
const LEGACY: &[u8] = include_bytes!("checkpoints/legacy.bin");

fn part(file: &[u8], range: &Range<u64>) -> Vec<u8> {
    let at = |place: u64| usize::try_from(place).unwrap().min(file.len());
    file[at(range.start)..at(range.end)].to_vec()
}

/// Reads a checkpoint as the hub does.
fn read(file: &[u8]) -> Result<(Contents, Conversion), CheckpointError> {
    let size = file.len() as u64;
    if LegacyFile::is_one(file) {
        let read = LegacyFile::parse(file, size)?;
        for (at, range) in read.ranges.iter().enumerate() {
            let numel = part(file, &(range.start - 8..range.start)).try_into().unwrap();
            if !read.agrees(at, numel) {
                return Err(CheckpointError::Broken("as many numbers"));
            }
        }
        let plan = Conversion::plan(&read.contents, &read.ranges, size)?;
        return Ok((read.contents, plan));
    }
    let directory = directory_range(&part(file, &(size.saturating_sub(TAIL_BYTES)..size)), size)?;
    let zip = ZipFile::parse(&part(file, &directory))?;
    let range_of = |entry: &hub_weights::checkpoint::ZipEntry| entry.range(&part(file, &entry.header_range()), size);
    if let Some(order) = zip.byte_order() {
        assert!(part(file, &range_of(order)?).len() <= 16);
    }
    let contents = Contents::parse(&part(file, &range_of(zip.pickle()?)?))?;
    let ranges = contents.storages.iter().map(|storage| range_of(zip.storage(&storage.key)?)).collect::<Result<Vec<_>, _>>()?;
    let plan = Conversion::plan(&contents, &ranges, size)?;
    Ok((contents, plan))
}

fn written(file: &[u8], plan: &Conversion) -> Vec<u8> {
    let mut out = plan.header.clone();
    for piece in &plan.pieces {
        match &piece.source {
            Source::Straight(range) => out.extend(part(file, range)),
            Source::Strided(strided) => out.extend(strided.gather(&part(file, &strided.range)).unwrap()),
        }
    }
    out
}

fn numbers(file: &[u8], name: &str) -> (String, Vec<u64>, Vec<f64>) {
    let Ok(Step::Done(tensors)) = parse_layout(file, file.len() as u64) else { panic!("no safetensors file") };
    let tensor = tensors.into_iter().find(|tensor| tensor.name == name).unwrap_or_else(|| panic!("{name}"));
    let mut numbers = Vec::new();
    tensor.numbers().unwrap().decode(&part(file, &tensor.bytes), &mut numbers);
    (tensor.dtype, tensor.shape, numbers)
}

#[test]
fn what_is_read_goes_from_one_process_to_another() {
    for file in [STATE, LEGACY] {
        let (contents, _) = read(file).unwrap();
        let json = serde_json::to_string(&contents).unwrap();
        assert_eq!(serde_json::from_str::<Contents>(&json).unwrap(), contents);
    }
}

#[test]
fn all_kinds_of_tensors_become_the_same_numbers() {
    for file in [STATE, include_bytes!("checkpoints/narrow.bin"), LEGACY] {
        let (contents, plan) = read(file).unwrap();
        let out = written(file, &plan);
        assert_eq!((out.len() as u64, plan.header.len() % 8), (plan.bytes, 0));
        let of = |name: &str| numbers(&out, name);
        let table: Vec<f64> = (0..12_u8).map(f64::from).collect();
        assert_eq!(of("wte.weight"), ("F32".to_owned(), vec![4, 3], table.clone()));
        let turned = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11].map(|n: u8| f64::from(n)).to_vec();
        assert_eq!(of("wte.transposed"), ("F32".to_owned(), vec![3, 4], turned));
        assert_eq!(of("wte.last").2, [9.0, 10.0, 11.0]);
        assert_eq!(of("position_ids"), ("I64".to_owned(), vec![1, 3], vec![0.0, 1.0, 2.0]));
        assert_eq!(of("mask"), ("BOOL".to_owned(), vec![3], vec![1.0, 0.0, 1.0]));
        assert_eq!(of("scalar"), ("F64".to_owned(), vec![], vec![0.5]));
        assert_eq!(of("empty"), ("F32".to_owned(), vec![0, 7], vec![]));
        assert_eq!((of("bias").0, of("bias").1), ("F16".to_owned(), vec![5]));
        // Tied weights are there once, under the name of the embedding.
        let aliases: Vec<_> = plan.aliases.iter().map(|(name, kept)| (name.as_str(), kept.as_str())).collect();
        assert_eq!(aliases, [("lm_head.weight", "wte.weight")]);
        let header = String::from_utf8(plan.header[8..].to_vec()).unwrap();
        assert!(header.contains(r#""__metadata__":{"format":"pt","lm_head.weight":"wte.weight"}"#), "{header}");
        assert_eq!(contents.dropped_count, 0);
        // Wide numbers first, so that each begins at a multiple of its width.
        assert_eq!(plan.pieces[0].dtype.width(), 8);
    }
    let (_, plan) = read(STATE).unwrap();
    assert_eq!(plan.pieces.iter().find(|piece| piece.name == "eighth").unwrap().dtype, Dtype::F8E4m3);
}

#[test]
fn the_weights_of_a_training_are_found_and_the_rest_is_told() {
    let (contents, plan) = read(include_bytes!("checkpoints/trainer.ckpt")).unwrap();
    assert_eq!((contents.dropped, contents.dropped_count), (vec!["epoch".to_owned(), "lr".to_owned(), "note".to_owned()], 3));
    assert_eq!(plan.pieces.len(), 1);
}

#[test]
fn what_cannot_be_converted_says_why() {
    let refused = |file: &[u8]| read(file).unwrap_err().to_string();
    let evil = refused(include_bytes!("checkpoints/evil.bin"));
    assert!(evil.starts_with("imports `posix.system`"), "{evil}");
    assert!(refused(include_bytes!("checkpoints/packed.bin")).contains("packed"));
    assert!(refused(include_bytes!("checkpoints/negative.bin")).contains("negative"));
    assert!(refused(include_bytes!("checkpoints/outside.bin")).contains("beyond its numbers"));
    assert!(refused(include_bytes!("checkpoints/many_times.bin")).contains("many times over"));
    assert!(refused(include_bytes!("checkpoints/no_tensors.bin")).contains("no dictionary of tensors"));
    assert!(refused(b"PK").contains("no PyTorch checkpoint"));
    assert!(refused(&STATE[..STATE.len() - 1]).contains("no PyTorch checkpoint"));
}

#[test]
fn pickles_that_grow_end_soon() {
    // Each opcode a value that is kept; a call with half a million arguments, again and again.
    let lists = [&b"\x80\x02"[..], &b"]".repeat(4 << 20)].concat();
    let (refused, took) = taken(|| Contents::parse(&lists).unwrap_err());
    assert!(refused.to_string().contains("too much"), "{refused}");
    assert!(took.most < 100 << 20, "{took:?}");
    let calls =
        [&b"\x80\x02ccollections\nOrderedDict\nq\x00("[..], &b"N".repeat(400_000), b"tq\x01", &b"h\x00h\x01R".repeat(100_000)]
            .concat();
    let started = std::time::Instant::now();
    assert!(Contents::parse(&calls).is_err());
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn names_are_those_that_the_hub_gives() {
    for (name, expected) in [
        ("pytorch_model.bin", Some("model.safetensors")),
        ("pytorch_model-00001-of-00002.bin", Some("model-00001-of-00002.safetensors")),
        ("adapter_model.bin", Some("adapter_model.safetensors")),
        ("v1.5.ckpt", Some("v1.5.safetensors")),
        ("best.PT", Some("best.safetensors")),
        ("model.safetensors", None),
        ("bin", None),
        (".bin", None),
    ] {
        assert_eq!(safetensors_name(name).as_deref(), expected, "{name}");
    }
}

const WORDS: &[&str] =
    &["ctorch\nFloatStorage\n", "cos\nsystem\n", "(", "t", "R", "Q", "\u{1}", "PK\u{1}\u{2}", "PK\u{5}\u{6}", "]", "h\0"];

proptest! {
    /// What is planned lies within the file, and everything is read in memory and time that follow from its size.
    #[test]
    fn damaged_checkpoints_are_read_or_refused(legacy in any::<bool>(), changes in damage()) {
        let file = damaged(if legacy { LEGACY } else { STATE }, WORDS, &changes);
        let (plan, took) = taken(|| read(&file));
        within(took, file.len(), 4 << 20, 40, 400)?;
        if let Ok((_, plan)) = plan {
            prop_assert_eq!(written(&file, &plan).len() as u64, plan.bytes);
            prop_assert!(parse_layout(&plan.header, plan.bytes).is_ok());
        }
    }
}
