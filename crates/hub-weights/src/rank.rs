//! The rank of a change, estimated while its rows pass by: low for adapters that were merged, full for training.
//!
//! The first rows of Δ are multiplied by a random matrix Ω of signs (the range finder of Halko, Martinsson, Tropp:
//! Finding Structure with Randomness, 2011). Y = ΔΩ has the singular values of Δ, blurred a little: the rank is where
//! they fall by a large factor. Only YᵀY is kept, whose eigenvalues are their squares.

use crate::random::SplitMix;

/// Columns of Ω: ranks of up to 64 are found, with some columns to see the fall.
const PROBES: usize = 72;
/// Rows of Δ that are looked at.
const ROWS: usize = 256;
/// The widest rows that are looked at: Ω takes 36 MB at this width.
const MAX_COLUMNS: usize = 65_536;
/// The least factor by which singular values fall behind the rank. Rounding of half-precision weights leaves noise
/// some ten times below a typical adapter.
const FALL: f64 = 5.0;

/// Sees the rows of a change.
#[derive(Debug)]
pub struct RankProbe {
    columns: usize,
    rows: usize,
    column: usize,
    /// Ω, a row of [`PROBES`] signs for each column of Δ.
    signs: Vec<i8>,
    row: [f64; PROBES],
    gram: Vec<f64>,
}

impl RankProbe {
    /// A probe for matrices of a shape; `None` for other tensors, and for those too small or too wide to tell.
    pub fn new(shape: &[u64]) -> Option<Self> {
        let [rows, columns] = *shape else { return None };
        let columns = usize::try_from(columns).ok().filter(|columns| (PROBES + 8..=MAX_COLUMNS).contains(columns))?;
        if rows < (PROBES + 8) as u64 {
            return None;
        }
        let mut random = SplitMix(columns as u64);
        let signs = (0..columns * PROBES).map(|_| random.sign() as i8).collect();
        Some(Self { columns, rows: 0, column: 0, signs, row: [0.0; PROBES], gram: vec![0.0; PROBES * PROBES] })
    }

    /// Adds the next numbers of a and b, row after row.
    pub fn add(&mut self, a: &[f64], b: &[f64]) {
        for (a, b) in a.iter().zip(b) {
            if self.rows >= ROWS {
                return;
            }
            let delta = a - b;
            if delta != 0.0 && delta.is_finite() {
                let signs = self.signs.iter().skip(self.column * PROBES);
                self.row.iter_mut().zip(signs).for_each(|(sum, sign)| *sum += delta * f64::from(*sign));
            }
            self.column += 1;
            if self.column == self.columns {
                self.end_row();
            }
        }
    }

    fn end_row(&mut self) {
        for (line, left) in self.gram.chunks_mut(PROBES).zip(self.row) {
            line.iter_mut().zip(self.row).for_each(|(sum, right)| *sum += left * right);
        }
        (self.column, self.rows, self.row) = (0, self.rows + 1, [0.0; PROBES]);
    }

    /// The rank, if it is small; `None` for a change of full rank, or none.
    pub fn rank(mut self) -> Option<usize> {
        let mut values = eigenvalues(&mut self.gram);
        values.sort_by(|a, b| b.total_cmp(a));
        let largest = *values.first().filter(|value| **value > 0.0)?;
        // Below this the eigenvalues are rounding noise of the sums.
        let floor = largest * 1e-13;
        let singular: Vec<f64> = values.iter().map(|value| value.max(floor).sqrt()).collect();
        let falls = singular.windows(2).take(PROBES - 8).map(|pair| pair[0] / pair[1]);
        let (at, fall) = falls.enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
        (fall >= FALL).then_some(at + 1)
    }
}

/// The eigenvalues of a symmetric matrix of [`PROBES`] rows, by Jacobi's rotations.
fn eigenvalues(m: &mut [f64]) -> Vec<f64> {
    const N: usize = PROBES;
    for _ in 0..12 {
        for p in 0..N {
            for q in p + 1..N {
                rotate(m, p, q);
            }
        }
    }
    (0..N).map(|at| m[at * N + at]).collect()
}

fn rotate(m: &mut [f64], p: usize, q: usize) {
    const N: usize = PROBES;
    let off = m[p * N + q];
    if off == 0.0 {
        return;
    }
    let theta = (m[q * N + q] - m[p * N + p]) / (2.0 * off);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let t = if theta == 0.0 { 1.0 } else { t };
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..N {
        let (x, y) = (m[k * N + p], m[k * N + q]);
        (m[k * N + p], m[k * N + q]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..N {
        let (x, y) = (m[p * N + k], m[q * N + k]);
        (m[p * N + k], m[q * N + k]) = (c * x - s * y, s * x + c * y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(random: &mut SplitMix) -> f64 {
        random.below(1 << 20) as f64 / f64::from(1 << 19) - 1.0
    }

    fn rank_of(shape: [usize; 2], delta: impl Fn(usize, usize) -> f64) -> Option<usize> {
        let mut probe = RankProbe::new(&shape.map(|side| side as u64)).unwrap();
        for row in 0..shape[0] {
            let line: Vec<f64> = (0..shape[1]).map(|column| delta(row, column)).collect();
            // In blocks that do not end where rows do.
            line.chunks(37).for_each(|part| probe.add(part, &vec![0.0; part.len()]));
        }
        probe.rank()
    }

    #[test]
    fn merged_adapters_have_their_rank() {
        let mut random = SplitMix(7);
        let mut matrix = |count: usize| (0..count).map(|_| noise(&mut random)).collect::<Vec<f64>>();
        for rank in [1, 4, 16] {
            let (left, right, rounding) = (matrix(384 * rank), matrix(rank * 384), matrix(384 * 384));
            let product = |row: usize, column: usize| {
                (0..rank).map(|k| left[row * rank + k] * right[k * 384 + column]).sum::<f64>() * 1e-3
                    + rounding[row * 384 + column] * 1e-6
            };
            assert_eq!(rank_of([384, 384], product), Some(rank));
        }
    }

    #[test]
    fn other_changes_have_none() {
        let mut random = SplitMix(9);
        let full: Vec<f64> = (0..384 * 384).map(|_| noise(&mut random)).collect();
        assert_eq!(rank_of([384, 384], |row, column| full[row * 384 + column]), None);
        assert_eq!(rank_of([384, 384], |_, _| 0.0), None);
        assert!(RankProbe::new(&[384]).is_none() && RankProbe::new(&[8, 384]).is_none());
    }
}
