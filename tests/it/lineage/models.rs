//! Small models that are made here.

use crate::lfs::Large;

const LAYERS: usize = 4;
pub(super) const SIDE: usize = 64;

/// Noise that differs by seed.
pub(super) fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The matrices of a small model, by layer.
pub(super) fn matrices(seed: u64) -> Vec<Vec<f32>> {
    (0..LAYERS).map(|layer| noise(seed + layer as u64, SIDE * SIDE)).collect()
}

/// The matrices moved by a share of their size; those of `kept` layers stay.
pub(super) fn trained(from: &[Vec<f32>], by: f32, kept: usize) -> Vec<Vec<f32>> {
    let moved = |(layer, numbers): (usize, &Vec<f32>)| match layer < kept {
        true => numbers.clone(),
        false => numbers.iter().zip(noise(900 + layer as u64, SIDE * SIDE)).map(|(a, step)| a + by * step).collect(),
    };
    from.iter().enumerate().map(moved).collect()
}

/// A file of these tensors: their names, types, shapes and bytes.
pub(super) fn safetensors(tensors: &[(String, &str, Vec<usize>, Vec<u8>)]) -> Large {
    let mut at = 0;
    let entries: Vec<String> = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            at += bytes.len();
            format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{},{at}]}}"#, at - bytes.len())
        })
        .collect();
    let header = format!("{{{}}}", entries.join(","));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    tensors.iter().for_each(|(.., bytes)| file.extend_from_slice(bytes));
    Large::new(file)
}

/// A model of these matrices.
pub(super) fn model(matrices: &[Vec<f32>]) -> Large {
    let tensor = |(layer, numbers): (usize, &Vec<f32>)| {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        (format!("encoder.layer.{layer}.weight"), "F32", vec![SIDE, SIDE], bytes)
    };
    safetensors(&matrices.iter().enumerate().map(tensor).collect::<Vec<_>>())
}

/// The same in half as many bits: the upper halves of the numbers, rounded as converters do.
pub(super) fn model_bf16(matrices: &[Vec<f32>]) -> Large {
    let half = |number: &f32| {
        let bits = number.to_bits();
        ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
    };
    let tensor = |(layer, numbers): (usize, &Vec<f32>)| {
        let bytes = numbers.iter().flat_map(|number| half(number).to_le_bytes()).collect();
        (format!("encoder.layer.{layer}.weight"), "BF16", vec![SIDE, SIDE], bytes)
    };
    safetensors(&matrices.iter().enumerate().map(tensor).collect::<Vec<_>>())
}
