//! How alike the samples of two models are, and what that means.
//!
//! Two models that were trained apart have weights that do not correlate: with n samples of a tensor Pearson's r is
//! spread around 0 by about 1/√n (0.08 for 160), and the median over 48 tensors by about 1.25 · 0.08/√48 = 0.014.
//! Training that starts from a model moves its weights by a small part of their size, so that r stays near 1.
//! Between 0.1 and 0.9 there is hardly anything; [`RELATED_CORRELATION`] lies in the middle.

use crate::sketch::SketchedTensor;

/// From which median correlation on two models are taken for relatives.
pub const RELATED_CORRELATION: f64 = 0.5;
/// Of samples that were rounded, so many may differ otherwise: a few tensors are often kept apart.
const ROUNDED_SHARE: f64 = 0.99;

/// What samples say about two models.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    /// How many tensors have the same name and shape in both.
    pub compared: usize,
    /// In how many of them all samples are equal.
    pub equal: usize,
    /// The median over these tensors of Pearson's r of their samples; `None` when no tensor varies.
    pub correlation: Option<f64>,
    /// ‖a − b‖ / ‖b‖ over all samples: how far training moved the weights.
    pub relative_delta: f64,
    /// The share of samples that differ by no more than rounding to the coarser of the two types does; 1 for equal ones.
    pub rounded_share: f64,
    /// Whether some tensor has another type of number.
    pub retyped: bool,
}

/// How one model may have come from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kinship {
    /// Trained on from it.
    Finetune,
    /// The same numbers, rounded to another type.
    Converted,
    /// The same numbers.
    Identical,
}

impl Similarity {
    /// What the numbers mean; `None` for models that were trained apart.
    pub fn kinship(&self) -> Option<Kinship> {
        if self.equal == self.compared && !self.retyped {
            return Some(Kinship::Identical);
        }
        if self.retyped && self.rounded_share >= ROUNDED_SHARE {
            return Some(Kinship::Converted);
        }
        self.correlation.filter(|r| *r >= RELATED_CORRELATION).map(|_| Kinship::Finetune)
    }
}

pub(crate) fn compare_tensors(pairs: &[(&SketchedTensor, &SketchedTensor)]) -> Similarity {
    let mut correlations: Vec<f64> = Vec::new();
    let (mut equal, mut rounded, mut samples) = (0, 0_usize, 0_usize);
    let (mut delta_squares, mut base_squares) = (0.0, 0.0);
    for (tensor, base) in pairs {
        let both: Vec<(f64, f64)> = finite_pairs(tensor, base);
        let coarser = if tensor.dtype.width() <= base.dtype.width() { tensor.dtype } else { base.dtype };
        equal += usize::from(tensor.samples == base.samples);
        rounded += both.iter().filter(|(a, b)| (a - b).abs() <= coarser.rounding(a.abs().max(b.abs())) * 1.001).count();
        samples += both.len();
        delta_squares += both.iter().map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        base_squares += both.iter().map(|(_, b)| b * b).sum::<f64>();
        correlations.extend(pearson(&both));
    }
    Similarity {
        compared: pairs.len(),
        equal,
        correlation: median(&mut correlations),
        relative_delta: if base_squares > 0.0 { (delta_squares / base_squares).sqrt() } else { 0.0 },
        rounded_share: rounded as f64 / samples.max(1) as f64,
        retyped: pairs.iter().any(|(tensor, base)| tensor.dtype != base.dtype),
    }
}

fn finite_pairs(a: &SketchedTensor, b: &SketchedTensor) -> Vec<(f64, f64)> {
    let pairs = a.samples.iter().zip(&b.samples).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    pairs.filter(|(a, b)| a.is_finite() && b.is_finite()).collect()
}

/// Pearson's r = Σ(a−ā)(b−b̄) / √(Σ(a−ā)² · Σ(b−b̄)²); `None` when one side does not vary.
fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    let count = pairs.len().max(1) as f64;
    let mean_a = pairs.iter().map(|(a, _)| a).sum::<f64>() / count;
    let mean_b = pairs.iter().map(|(_, b)| b).sum::<f64>() / count;
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - mean_a, b - mean_b);
        (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
    }
    (aa > 0.0 && bb > 0.0).then(|| ab / (aa * bb).sqrt())
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
