//! Headers and sketches with damage done to them: no panic, memory and work that follow from their size, and nothing outside
//! the file. `PROPTEST_CASES=100000` looks longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../../hub-types/tests/hostile/mod.rs"]
mod hostile;

use hostile::{damage, damaged, taken, within};
use hub_weights::{MAX_SKETCH_BYTES, Sketch, Step, Tensor, parse_layout, plan_sketch};
use proptest::prelude::*;

#[global_allocator]
static COUNTING: hostile::Counting = hostile::Counting;

const MIB: usize = 1 << 20;
const WORDS: &[&str] =
    &["\"dtype\":", "\"BF16\"", "\"shape\":[", "\"data_offsets\":[0,", "18446744073709551615", "0", "-1", "]", "}", "{{{{{{{{"];

fn file() -> Vec<u8> {
    let tensors: Vec<String> = (0..12_u64)
        .map(|n| format!(r#""layer.{n}":{{"dtype":"F32","shape":[40,30],"data_offsets":[{},{}]}}"#, n * 4800, n * 4800 + 4800))
        .collect();
    let header = format!("{{{}}}", tensors.join(","));
    let numbers: Vec<u8> = (0..12 * 1200).flat_map(|n| (n as f32).sin().to_le_bytes()).collect();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &numbers].concat()
}

fn layout(file: &[u8]) -> Option<Vec<Tensor>> {
    let mut have = 0;
    for _ in 0..8 {
        match parse_layout(&file[..have], file.len() as u64).ok()? {
            Step::Done(tensors) => return Some(tensors),
            Step::NeedBytes(bytes) => {
                assert!(bytes > have as u64 && bytes <= file.len() as u64);
                have = bytes as usize;
            }
        }
    }
    panic!("asked for more eight times");
}

fn sketch(file: &[u8], tensors: &[Tensor]) -> Sketch {
    let planned = plan_sketch(&tensors.iter().collect::<Vec<_>>());
    let read = |plan: &hub_weights::PlannedTensor| {
        let ranges = plan.ranges(&tensors[plan.index]);
        let bytes: Vec<u8> = ranges.iter().flat_map(|range| file[range.start as usize..range.end as usize].to_vec()).collect();
        plan.sampled(&bytes)
    };
    Sketch { tensors: planned.iter().filter_map(read).collect() }
}

#[test]
fn what_is_damaged_is_read_when_it_is_not() {
    let file = file();
    assert_eq!(sketch(&file, &layout(&file).unwrap()).tensors.len(), 12);
}

proptest! {
    /// What a header says lies within the file, so that nothing else is read.
    #[test]
    fn places_of_samples_are_inside_the_file(changes in damage()) {
        let file = damaged(&file(), WORDS, &changes);
        let (tensors, took) = taken(|| layout(&file));
        within(took, file.len(), MIB, 20, 100)?;
        let Some(tensors) = tensors else { return Ok(()) };
        for tensor in &tensors {
            prop_assert!(tensor.bytes.start <= tensor.bytes.end && tensor.bytes.end <= file.len() as u64);
            let _ = (tensor.numbers(), tensor.elements());
        }
        let (sketch, took) = taken(|| sketch(&file, &tensors));
        within(took, file.len(), MIB, 20, 100)?;
        prop_assert!(sketch.to_bytes().len() <= MAX_SKETCH_BYTES);
        let _ = (sketch.digest(), sketch.keys());
    }

    #[test]
    fn sketches_round_trip_or_are_refused(changes in damage()) {
        let whole = file();
        let sketch = sketch(&whole, &layout(&whole).unwrap());
        let stored = sketch.to_bytes();
        prop_assert_eq!(Sketch::from_bytes(&stored).unwrap().to_bytes(), stored.clone());
        let bytes = damaged(&stored, &["\0", "\u{1}"], &changes);
        let (read, took) = taken(|| Sketch::from_bytes(&bytes));
        within(took, bytes.len(), MIB, 4, 8)?;
        if let Some(read) = read {
            prop_assert_eq!(read.to_bytes(), bytes);
            let _ = (read.digest(), read.keys());
            if let Some(likeness) = read.compare(&sketch) {
                let _ = likeness.kinship();
            }
        }
    }
}
