//! Tensors whose numbers do not lie in the order in which safetensors files have them.

use std::ops::Range;

use super::contents::View;
use super::{CheckpointError, Result};

/// The most bytes of such a tensor, and of the part of the file that it takes its numbers from: both are in memory.
pub const MAX_STRIDED_BYTES: u64 = 256 << 20;

/// Numbers to be put in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strided {
    /// Where they are in the file.
    pub range: Range<u64>,
    /// From the outermost side: how many, and how many numbers they are apart.
    sides: Vec<(u64, u64)>,
    width: usize,
}

impl Strided {
    pub(super) fn new(view: &View, range: Range<u64>, out_bytes: u64) -> Result<Self> {
        if out_bytes.max(range.end.saturating_sub(range.start)) > MAX_STRIDED_BYTES {
            return Err(CheckpointError::TooLarge("a large tensor does not lie in order (save `tensor.contiguous()` instead)"));
        }
        let sides = view.shape.iter().copied().zip(view.strides.iter().copied()).collect();
        Ok(Self { range, sides, width: view.dtype.width() })
    }

    /// The numbers in order, of the bytes of the range; nothing when these are too few.
    pub fn gather(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let count = self.sides.iter().try_fold(1_u64, |count, (side, _)| count.checked_mul(*side))?;
        let total = usize::try_from(count).ok()?.checked_mul(self.width)?;
        let mut gathered = Vec::with_capacity(total.min(usize::try_from(MAX_STRIDED_BYTES).ok()?));
        let mut places = vec![0_u64; self.sides.len()];
        let mut at = 0_u64;
        for _ in 0..count {
            let start = usize::try_from(at).ok()?.checked_mul(self.width)?;
            gathered.extend_from_slice(bytes.get(start..start.checked_add(self.width)?)?);
            for (place, (side, stride)) in places.iter_mut().zip(&self.sides).rev() {
                *place += 1;
                at = at.checked_add(*stride)?;
                if *place < *side {
                    break;
                }
                *place = 0;
                at = at.checked_sub(side.checked_mul(*stride)?)?;
            }
        }
        Some(gathered)
    }
}
