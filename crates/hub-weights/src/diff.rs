//! What changed between two tensors of one shape, block by block.

/// The sums over the blocks so far; memory does not depend on the tensor.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TensorDiff {
    /// How many numbers were compared.
    pub elements: u64,
    /// How many of them differ.
    pub changed: u64,
    /// max |a − b|.
    pub max_delta: f64,
    delta_squares: f64,
    squares: f64,
    base_squares: f64,
    products: f64,
}

impl TensorDiff {
    /// Adds a block: `a` is the tensor, `b` what it is compared with. Numbers that are not finite count as changed unless
    /// both sides have the same, and are left out of the sums.
    pub fn add(&mut self, a: &[f64], b: &[f64]) {
        self.elements += a.len().min(b.len()) as u64;
        for (a, b) in a.iter().zip(b) {
            let delta = a - b;
            if !delta.is_finite() {
                self.changed += u64::from(a.to_bits() != b.to_bits());
                continue;
            }
            self.changed += u64::from(delta != 0.0);
            self.max_delta = self.max_delta.max(delta.abs());
            self.delta_squares += delta * delta;
            self.squares += a * a;
            self.base_squares += b * b;
            self.products += a * b;
        }
    }

    /// ‖a − b‖ / ‖b‖; `None` when b is zero.
    pub fn relative_delta(&self) -> Option<f64> {
        (self.base_squares > 0.0).then(|| (self.delta_squares / self.base_squares).sqrt())
    }

    /// a · b / (‖a‖ ‖b‖); `None` when one of them is zero.
    pub fn cosine(&self) -> Option<f64> {
        let norms = (self.squares * self.base_squares).sqrt();
        (norms > 0.0).then(|| (self.products / norms).clamp(-1.0, 1.0))
    }

    /// The share of numbers that differ.
    pub fn changed_share(&self) -> f64 {
        self.changed as f64 / self.elements.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_add_up() {
        let mut diff = TensorDiff::default();
        diff.add(&[3.0, 0.0], &[3.0, 4.0]);
        diff.add(&[f64::NAN, f64::INFINITY], &[f64::NAN, 1.0]);
        assert_eq!((diff.elements, diff.changed, diff.max_delta), (4, 2, 4.0));
        assert_eq!((diff.relative_delta(), diff.cosine()), (Some(0.8), Some(0.6)));
        assert_eq!(diff.changed_share(), 0.5);
        assert_eq!((TensorDiff::default().cosine(), TensorDiff::default().relative_delta()), (None, None));
    }
}
