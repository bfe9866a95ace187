//! Some values of the largest tensors, at places that follow from names and shapes.
//!
//! Stored: a version, then for each tensor its key (8 bytes), the code of its dtype (1 byte) and its samples as f32, all
//! little endian.

use crate::keys::keys_of;
use crate::random::SplitMix;
use crate::similarity::{Similarity, compare_tensors};
use crate::{Dtype, Tensor};

const VERSION: u8 = 1;
/// How many tensors a sketch has.
const TENSORS: usize = 48;
/// Runs of neighbouring values that are read of a tensor: one in each quarter of it.
const RUNS: usize = 4;
/// Values in a run.
const RUN_VALUES: usize = 40;
/// Values of a tensor.
pub(crate) const SAMPLES: usize = RUNS * RUN_VALUES;
const TENSOR_BYTES: usize = 8 + 1 + SAMPLES * 4;
/// The size of the largest sketch, in bytes: 1 + 48 · (9 + 160 · 4) = 31,153.
pub const MAX_SKETCH_BYTES: usize = 1 + TENSORS * TENSOR_BYTES;
/// The length of [`Sketch::digest`].
pub const DIGEST_BITS: usize = 256;
/// Smaller tensors say little; vectors (norms, biases) look alike in all models.
const MIN_ELEMENTS: u64 = 1024;

/// A tensor that is to be sampled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTensor {
    /// Its place in the list that was planned for.
    pub index: usize,
    /// What name and shape make.
    pub key: u64,
    /// The type of its numbers.
    pub dtype: Dtype,
    /// Where runs begin, in elements.
    pub runs: [u64; RUNS],
}

impl PlannedTensor {
    /// The bytes of the runs within a file.
    pub fn ranges(&self, tensor: &Tensor) -> [std::ops::Range<u64>; RUNS] {
        let width = self.dtype.width() as u64;
        self.runs.map(|run| {
            let start = tensor.bytes.start + run * width;
            start..start + RUN_VALUES as u64 * width
        })
    }

    /// The samples out of the bytes of all runs, one behind the other; `None` when bytes are missing.
    pub fn sampled(&self, bytes: &[u8]) -> Option<SketchedTensor> {
        let mut numbers = Vec::with_capacity(SAMPLES);
        self.dtype.decode(bytes, &mut numbers);
        let samples: Vec<f32> = numbers.into_iter().map(|number| number as f32).collect();
        (samples.len() == SAMPLES).then_some(SketchedTensor { key: self.key, dtype: self.dtype, samples })
    }
}

/// Chooses the largest tensors with at least two sides and the places in them. Among tensors of one size the keys
/// decide, so that two models of one architecture choose the same ones.
pub fn plan_sketch(tensors: &[&Tensor]) -> Vec<PlannedTensor> {
    let keys = keys_of(tensors);
    let mut chosen: Vec<(u64, u64, usize, Dtype)> = Vec::new();
    for (index, (tensor, key)) in tensors.iter().zip(keys).enumerate() {
        let is_matrix = tensor.shape.iter().filter(|side| **side > 1).count() >= 2;
        let dtype = tensor.numbers().filter(|dtype| dtype.is_float());
        if let Some(dtype) = dtype.filter(|_| is_matrix && tensor.elements() >= MIN_ELEMENTS) {
            chosen.push((tensor.elements(), key, index, dtype));
        }
    }
    chosen.sort_by_key(|(elements, key, ..)| (std::cmp::Reverse(*elements), *key));
    // One model twice in a list would otherwise fill a sketch with copies.
    chosen.dedup_by_key(|(_, key, ..)| *key);
    chosen.truncate(TENSORS);
    let planned = |(elements, key, index, dtype)| PlannedTensor { index, key, dtype, runs: runs_of(key, elements) };
    chosen.into_iter().map(planned).collect()
}

fn runs_of(key: u64, elements: u64) -> [u64; RUNS] {
    let mut random = SplitMix(key);
    let quarter = elements / RUNS as u64;
    let mut start = 0;
    [(); RUNS].map(|()| {
        let run = start + random.below(quarter - RUN_VALUES as u64 + 1);
        start += quarter;
        run
    })
}

/// The samples of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct SketchedTensor {
    /// What name and shape make.
    pub key: u64,
    /// The type of its numbers.
    pub dtype: Dtype,
    /// Its samples.
    pub samples: Vec<f32>,
}

/// The samples of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sketch {
    /// Its tensors.
    pub tensors: Vec<SketchedTensor>,
}

impl Sketch {
    /// The keys of its tensors, as Postgres stores them: models that share them have the same architecture.
    pub fn keys(&self) -> Vec<i64> {
        self.tensors.iter().map(|tensor| tensor.key.cast_signed()).collect()
    }

    /// [`DIGEST_BITS`] bits of which close relatives share most, whatever tensors one of them has more: the signs of random
    /// projections of all standardised samples (Charikar: Similarity Estimation Techniques from Rounding Algorithms,
    /// 2002). For samples that correlate with r, acos(r)/π of the bits differ: half for strangers, a third for r = 0.5.
    pub fn digest(&self) -> [bool; DIGEST_BITS] {
        let mut sums = [0.0; DIGEST_BITS];
        for tensor in &self.tensors {
            let mut random = SplitMix(tensor.key ^ 0x5eed);
            for sample in standardised(&tensor.samples) {
                for sums in sums.chunks_mut(64) {
                    let signs = random.next();
                    sums.iter_mut().enumerate().for_each(|(at, sum)| *sum += if signs >> at & 1 == 0 { sample } else { -sample });
                }
            }
        }
        sums.map(|sum: f64| sum > 0.0)
    }

    /// The stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + self.tensors.len() * TENSOR_BYTES);
        bytes.push(VERSION);
        for tensor in &self.tensors {
            bytes.extend_from_slice(&tensor.key.to_le_bytes());
            bytes.push(tensor.dtype as u8);
            tensor.samples.iter().for_each(|sample| bytes.extend_from_slice(&sample.to_le_bytes()));
        }
        bytes
    }

    /// Reads the stored form; `None` for one of another version.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let (tensors, []) = rest.as_chunks::<TENSOR_BYTES>() else { return None };
        let tensors: Option<Vec<_>> = tensors.iter().map(from_stored).collect();
        Some(Self { tensors: tensors? })
    }

    /// How alike two models are; `None` unless at least two tensors, and half of the smaller sketch, are of the same name
    /// and shape.
    pub fn compare(&self, base: &Self) -> Option<Similarity> {
        let partner = |tensor: &SketchedTensor| base.tensors.iter().find(|other| other.key == tensor.key);
        let pairs: Vec<_> = self.tensors.iter().filter_map(|tensor| Some((tensor, partner(tensor)?))).collect();
        let smaller = self.tensors.len().min(base.tensors.len());
        (pairs.len() >= 2 && pairs.len() * 2 >= smaller).then(|| compare_tensors(&pairs))
    }
}

/// Less their mean, by their deviation; infinite ones and those of a constant tensor are 0.
fn standardised(samples: &[f32]) -> Vec<f64> {
    let finite = |sample: &f32| if sample.is_finite() { f64::from(*sample) } else { 0.0 };
    let mean = samples.iter().map(finite).sum::<f64>() / samples.len().max(1) as f64;
    let squares: f64 = samples.iter().map(|sample| (finite(sample) - mean).powi(2)).sum();
    let scale = if squares > 0.0 { (samples.len() as f64 / squares).sqrt() } else { 0.0 };
    samples.iter().map(|sample| (finite(sample) - mean) * scale).collect()
}

fn from_stored(bytes: &[u8; TENSOR_BYTES]) -> Option<SketchedTensor> {
    let (key, rest) = bytes.split_first_chunk::<8>()?;
    let (code, samples) = rest.split_first()?;
    let samples = samples.as_chunks().0.iter().map(|sample| f32::from_le_bytes(*sample)).collect();
    Some(SketchedTensor { key: u64::from_le_bytes(*key), dtype: Dtype::from_code(*code)?, samples })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, shape: &[u64]) -> Tensor {
        let bytes = shape.iter().product::<u64>() * 4;
        Tensor { name: name.to_owned(), dtype: "F32".to_owned(), shape: shape.to_vec(), bytes: 100..100 + bytes }
    }

    #[test]
    fn the_largest_matrices_are_planned_at_fixed_places() {
        let tensors = [tensor("norm", &[4096]), tensor("tiny", &[8, 8]), tensor("a", &[64, 64]), tensor("b", &[128, 64])];
        let plan = plan_sketch(&tensors.iter().collect::<Vec<_>>());
        assert_eq!(plan.iter().map(|planned| planned.index).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(plan, plan_sketch(&tensors.iter().collect::<Vec<_>>()));
        for planned in &plan {
            let tensor = &tensors[planned.index];
            for (quarter, range) in planned.ranges(tensor).into_iter().enumerate() {
                let bytes = tensor.bytes.end - tensor.bytes.start;
                let from = tensor.bytes.start + bytes / 4 * quarter as u64;
                assert!(range.start >= from && range.end <= from + bytes / 4, "{range:?}");
            }
        }
        // Stored sketches rely on these places: they never change.
        assert_eq!(plan[1].runs, [415, 1615, 2637, 3734]);
    }

    #[test]
    fn sketches_round_trip() {
        let tensor = |key| SketchedTensor { key, dtype: Dtype::Bf16, samples: vec![0.5; SAMPLES] };
        let sketch = Sketch { tensors: (0..TENSORS as u64).map(tensor).collect() };
        let bytes = sketch.to_bytes();
        assert!(bytes.len() == MAX_SKETCH_BYTES && bytes.len() <= 32_000);
        assert_eq!(Sketch::from_bytes(&bytes), Some(sketch));
        assert_eq!(Sketch::from_bytes(&bytes[..500]), None);
        assert_eq!(Sketch::from_bytes(&[9]), None);
    }
}
