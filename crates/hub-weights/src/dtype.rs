//! The types of numbers in safetensors files.

use serde::{Deserialize, Serialize};

/// A type of number whose values can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Dtype {
    /// 64-bit IEEE.
    F64 = 0,
    /// 32-bit IEEE.
    F32 = 1,
    /// 16-bit IEEE: 5 bits of exponent, 10 of fraction.
    F16 = 2,
    /// The upper half of an [`Dtype::F32`].
    Bf16 = 3,
    /// 4 bits of exponent, 3 of fraction, no infinities (OCP 8-bit floating point, 2023).
    F8E4m3 = 4,
    /// The upper half of an [`Dtype::F16`].
    F8E5m2 = 5,
    /// Signed, 64 bits.
    I64 = 6,
    /// Signed, 32 bits.
    I32 = 7,
    /// Signed, 16 bits.
    I16 = 8,
    /// Signed, 8 bits.
    I8 = 9,
    /// Unsigned, 64 bits.
    U64 = 10,
    /// Unsigned, 32 bits.
    U32 = 11,
    /// Unsigned, 16 bits.
    U16 = 12,
    /// Unsigned, 8 bits.
    U8 = 13,
    /// A byte that is 0 or 1.
    Bool = 14,
}

const NAMES: [(Dtype, &str, usize); 15] = [
    (Dtype::F64, "F64", 8),
    (Dtype::F32, "F32", 4),
    (Dtype::F16, "F16", 2),
    (Dtype::Bf16, "BF16", 2),
    (Dtype::F8E4m3, "F8_E4M3", 1),
    (Dtype::F8E5m2, "F8_E5M2", 1),
    (Dtype::I64, "I64", 8),
    (Dtype::I32, "I32", 4),
    (Dtype::I16, "I16", 2),
    (Dtype::I8, "I8", 1),
    (Dtype::U64, "U64", 8),
    (Dtype::U32, "U32", 4),
    (Dtype::U16, "U16", 2),
    (Dtype::U8, "U8", 1),
    (Dtype::Bool, "BOOL", 1),
];

impl Dtype {
    /// Reads the name that safetensors headers use.
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known, _)| *known == name).map(|(dtype, ..)| *dtype)
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        NAMES.iter().find(|(dtype, ..)| *dtype as u8 == code).map(|(dtype, ..)| *dtype)
    }

    /// The name that safetensors headers use.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(dtype, ..)| *dtype == self).map_or("", |(_, name, _)| name)
    }

    /// The size of a number in bytes.
    pub fn width(self) -> usize {
        NAMES.iter().find(|(dtype, ..)| *dtype == self).map_or(1, |(.., width)| *width)
    }

    /// Whether numbers of this type have fractions: weights, not positions or masks.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16 | Self::F8E4m3 | Self::F8E5m2)
    }

    /// The most that rounding to this type moves a number: half a unit in the last place, 2^-(p+1) of the number for `p`
    /// bits of fraction, and below the smallest normal number half the smallest one.
    pub(crate) fn rounding(self, value: f64) -> f64 {
        let (fraction_bits, smallest) = match self {
            Self::F16 => (10, 2_f64.powi(-24)),
            Self::Bf16 => (7, 2_f64.powi(-133)),
            Self::F8E4m3 => (3, 2_f64.powi(-9)),
            Self::F8E5m2 => (2, 2_f64.powi(-16)),
            _ => (23, 2_f64.powi(-149)),
        };
        (value.abs() * 2_f64.powi(-fraction_bits - 1)).max(smallest / 2.0)
    }

    /// Appends the numbers in little-endian `bytes`; what is left of them at the end is no whole number and is ignored.
    pub fn decode(self, bytes: &[u8], numbers: &mut Vec<f64>) {
        match self {
            Self::F64 => numbers.extend(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b))),
            Self::F32 => numbers.extend(bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b)))),
            Self::F16 => numbers.extend(bytes.as_chunks().0.iter().map(|b| f64::from(f16(u16::from_le_bytes(*b))))),
            Self::Bf16 => numbers.extend(bytes.as_chunks().0.iter().map(|b| f64::from(bf16(u16::from_le_bytes(*b))))),
            Self::F8E4m3 => numbers.extend(bytes.iter().map(|b| f64::from(f8_e4m3(*b)))),
            Self::F8E5m2 => numbers.extend(bytes.iter().map(|b| f64::from(f16(u16::from(*b) << 8)))),
            // Beyond 2^53 the nearest double stands for the integer.
            Self::I64 => numbers.extend(bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64)),
            Self::U64 => numbers.extend(bytes.as_chunks().0.iter().map(|b| u64::from_le_bytes(*b) as f64)),
            Self::I32 => numbers.extend(bytes.as_chunks().0.iter().map(|b| f64::from(i32::from_le_bytes(*b)))),
            Self::U32 => numbers.extend(bytes.as_chunks().0.iter().map(|b| f64::from(u32::from_le_bytes(*b)))),
            Self::I16 => numbers.extend(bytes.as_chunks().0.iter().map(|b| f64::from(i16::from_le_bytes(*b)))),
            Self::U16 => numbers.extend(bytes.as_chunks().0.iter().map(|b| f64::from(u16::from_le_bytes(*b)))),
            Self::I8 => numbers.extend(bytes.iter().map(|b| f64::from(b.cast_signed()))),
            Self::U8 | Self::Bool => numbers.extend(bytes.iter().map(|b| f64::from(*b))),
        }
    }
}

fn bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

fn f16(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(bits >> 10) & 0x1f, u32::from(bits) & 0x3ff);
    let magnitude = match exponent {
        // Subnormal: the fraction counts units of 2^-24, which an f32 holds exactly.
        0 => (fraction as f32 * 2_f32.powi(-24)).to_bits(),
        0x1f => 0x7f80_0000 | (fraction << 13),
        // The exponent's bias goes from 15 to 127.
        _ => ((exponent + 112) << 23) | (fraction << 13),
    };
    f32::from_bits(sign | magnitude)
}

fn f8_e4m3(bits: u8) -> f32 {
    let sign = if bits & 0x80 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 3) & 0xf, f32::from(bits & 7));
    match (exponent, bits & 7) {
        (0xf, 7) => f32::NAN,
        (0, _) => sign * fraction * 2_f32.powi(-9),
        _ => sign * (1.0 + fraction / 8.0) * 2_f32.powi(exponent - 7),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(dtype: Dtype, bytes: &[u8]) -> Vec<f64> {
        let mut numbers = Vec::new();
        dtype.decode(bytes, &mut numbers);
        numbers
    }

    #[test]
    fn halves_are_decoded() {
        // From IEEE 754-2008: one, the largest, the smallest normal and subnormal, minus two, a third.
        let known = [
            (0x3c00, 1.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_625e-5),
            (0x0001, 5.960_464_477_539_063e-8),
            (0xc000, -2.0),
            (0x3555, 0.333_251_953_125),
            (0x8000, 0.0),
            (0x7c00, f64::INFINITY),
        ];
        for (bits, value) in known {
            assert_eq!(decoded(Dtype::F16, &u16::to_le_bytes(bits)), [value], "{bits:x}");
        }
        assert!(decoded(Dtype::F16, &[0, 0x7e])[0].is_nan());
    }

    #[test]
    fn other_types_are_decoded() {
        assert_eq!(decoded(Dtype::Bf16, &[0x80, 0x3f, 0x49, 0x40]), [1.0, 3.140625]);
        assert_eq!(decoded(Dtype::F8E4m3, &[0x38, 0x7e, 0x01, 0xb8]), [1.0, 448.0, 2_f64.powi(-9), -1.0]);
        assert!(decoded(Dtype::F8E4m3, &[0xff])[0].is_nan());
        assert_eq!(decoded(Dtype::F8E5m2, &[0x3c, 0x7b]), [1.0, 57344.0]);
        assert_eq!(decoded(Dtype::I64, &(-5_i64).to_le_bytes()), [-5.0]);
        assert_eq!(decoded(Dtype::I8, &[0xff]), [-1.0]);
        assert_eq!(decoded(Dtype::F32, &[0, 0, 0x80, 0x3f, 9, 9]), [1.0], "what is no whole number is ignored");
        for (dtype, name, _) in NAMES {
            assert_eq!((Dtype::parse(name), Dtype::from_code(dtype as u8)), (Some(dtype), Some(dtype)));
        }
    }
}
