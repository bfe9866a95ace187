//! Small numbers in runs and packed bits: `RLE` of parquet-format's `Encodings.md`. Levels and places in dictionaries are
//! written so.

/// Numbers of `width` bits, read one by one: a run of a billion costs nothing until somebody asks for it.
#[derive(Debug, Clone)]
pub(super) struct Runs<'a> {
    bytes: &'a [u8],
    width: u32,
    run: Run,
}

#[derive(Debug, Clone, Copy)]
enum Run {
    /// A number that is still to come so often.
    Repeated { number: u32, left: u64 },
    /// Numbers bit by bit; how many are left, and the bit at which the next one starts.
    Packed { left: u64, bit: usize },
}

impl<'a> Runs<'a> {
    /// Reads from the start; `None` for numbers wider than 32 bits.
    pub(super) fn new(bytes: &'a [u8], width: u32) -> Option<Self> {
        (width <= 32).then_some(Self { bytes, width, run: Run::Repeated { number: 0, left: 0 } })
    }

    fn start_run(&mut self) -> Option<()> {
        let header = self.varint()?;
        let count = header >> 1;
        self.run = if header & 1 == 1 {
            Run::Packed { left: count.checked_mul(8)?, bit: 0 }
        } else {
            let length = self.width.div_ceil(8) as usize;
            let number = self.bytes.get(..length)?;
            let number = number.iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            self.bytes = &self.bytes[length..];
            Run::Repeated { number, left: count }
        };
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn packed(&self, bit: usize) -> Option<u32> {
        let (first, offset) = (bit / 8, bit % 8);
        let end = (bit + self.width as usize).div_ceil(8);
        let bytes = self.bytes.get(first..end)?;
        let bits = bytes.iter().rev().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) >> offset;
        u32::try_from(bits & ((1_u64 << self.width) - 1)).ok()
    }
}

impl Iterator for Runs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            match &mut self.run {
                Run::Repeated { number, left } if *left > 0 => {
                    *left -= 1;
                    return Some(*number);
                }
                Run::Packed { left, bit } if *left > 0 => {
                    let at = *bit;
                    *left -= 1;
                    *bit += self.width as usize;
                    let (left, next) = (*left, *bit);
                    let number = self.packed(at)?;
                    if left == 0 {
                        self.bytes = self.bytes.get(next.div_ceil(8)..)?;
                    }
                    return Some(number);
                }
                Run::Repeated { .. } | Run::Packed { .. } => self.start_run()?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packed_numbers_are_read() {
        // Four times 1 in a run, then the numbers 0 to 7 in three bits each, as the format's documentation has them.
        let bytes = [8, 1, 3, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        let numbers: Vec<u32> = Runs::new(&bytes, 3).unwrap().collect();
        assert_eq!(numbers, [1, 1, 1, 1, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(Runs::new(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 7], 8).unwrap().take(3).collect::<Vec<_>>(), [7, 7, 7]);
    }

    #[test]
    fn hostile_runs_end() {
        for bytes in [&[][..], &[0, 0, 0, 0], &[0xff; 30], &[3], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]] {
            for width in [0, 1, 7, 32] {
                let _ = Runs::new(bytes, width).unwrap().take(1_000).count();
            }
        }
        assert!(Runs::new(&[], 33).is_none());
    }
}
