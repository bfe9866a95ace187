//! Sets of ordinals while they are being gathered.

use roaring::RoaringBitmap;

/// One bit for each ordinal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits(Vec<u8>);

impl Bits {
    /// No ordinal, with room for those below `len`.
    pub(crate) fn new(len: usize) -> Self {
        Self(vec![0; len.div_ceil(8)])
    }

    pub(crate) fn insert(&mut self, ord: u32) {
        self.0[ord as usize / 8] |= 1 << (ord % 8);
    }

    pub(crate) fn contains(&self, ord: u32) -> bool {
        self.0[ord as usize / 8] & (1 << (ord % 8)) != 0
    }

    /// Keeps what is in `other` too.
    pub(crate) fn retain(&mut self, other: &Self) {
        for (byte, other) in self.0.iter_mut().zip(&other.0) {
            *byte &= other;
        }
    }

    /// Adds what is in `other`.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (byte, other) in self.0.iter_mut().zip(&other.0) {
            *byte |= other;
        }
    }

    /// The ordinals below the length of `column` whose number is within the bounds.
    pub(crate) fn within(column: &[i64], min: i64, max: i64) -> Self {
        let byte = |numbers: &[i64]| {
            numbers.iter().enumerate().fold(0, |byte, (at, number)| byte | (u8::from(min <= *number && *number <= max) << at))
        };
        Self(column.chunks(8).map(byte).collect())
    }

    pub(crate) fn to_bitmap(&self) -> RoaringBitmap {
        RoaringBitmap::from_lsb0_bytes(0, &self.0)
    }
}
