//! The hashes of Xet: of chunks, xorbs and files.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Number of hex digits of a Xet hash.
const DIGITS: usize = 64;

/// Where the eight digits of each four bytes stand: in every eight bytes the later four come first.
const TEXT_PLACES: [usize; 8] = [8, 0, 24, 16, 40, 32, 56, 48];

/// Text that is not a Xet hash in its string form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a Xet hash: it must be 64 lower-case hexadecimal digits")]
pub struct XetHashError {
    found: String,
}

/// A hash of Xet: of a chunk, a xorb or a file. 32 raw bytes.
///
/// Its text is not the plain hex of the bytes: Xet prints four little-endian 64-bit numbers of 16
/// digits each, so that within every eight bytes the order is reversed. This type is the one place
/// where the two forms meet. Databases and files hold the raw bytes, URLs and JSON the text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct XetHash([u8; 32]);

impl XetHash {
    /// Wraps raw hash bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads raw hash bytes, if there are exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The raw hash bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash in its string form, as ASCII digits.
    pub fn hex_digits(&self) -> [u8; DIGITS] {
        let mut digits = [0; DIGITS];
        // File hashes are made of this text: eight digits at once, or it takes longer than the hashing.
        for (word, text) in self.0.as_chunks::<4>().0.iter().zip(TEXT_PLACES) {
            digits[text..text + 8].copy_from_slice(&eight_digits(u32::from_le_bytes(*word)));
        }
        digits
    }

    /// The hash in its string form: 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        self.hex_digits().iter().map(|digit| char::from(*digit)).collect()
    }
}

impl fmt::Display for XetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for XetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "XetHash({})", self.to_hex())
    }
}

impl FromStr for XetHash {
    type Err = XetHashError;

    /// Upper case is refused: a hash is a key in URLs and stores, so it has one spelling.
    fn from_str(text: &str) -> Result<Self, XetHashError> {
        let parse = || {
            let digits: &[u8; DIGITS] = text.as_bytes().try_into().ok()?;
            let mut bytes = [0; 32];
            for (word, text) in bytes.chunks_exact_mut(8).zip(digits.chunks_exact(16)) {
                for (byte, pair) in word.iter_mut().rev().zip(text.chunks_exact(2)) {
                    *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
                }
            }
            Some(Self(bytes))
        };
        parse().ok_or_else(|| XetHashError { found: text.chars().take(80).collect() })
    }
}

/// The digits of a number, most significant first, computed in the bytes of one word.
fn eight_digits(number: u32) -> [u8; 8] {
    let mut nibbles = u64::from(number);
    nibbles = (nibbles | nibbles << 16) & 0x0000_ffff_0000_ffff;
    nibbles = (nibbles | nibbles << 8) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // One in every byte whose digit is a letter.
    let letters = (nibbles + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    (nibbles + 0x3030_3030_3030_3030 + letters * u64::from(b'a' - b'0' - 10)).to_be_bytes()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl Serialize for XetHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for XetHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918";

    fn counting() -> XetHash {
        XetHash::from_bytes(std::array::from_fn(|index| index as u8))
    }

    #[test]
    fn text_reverses_every_eight_bytes() {
        assert_eq!(counting().to_hex(), TEXT);
        assert_eq!(TEXT.parse::<XetHash>().unwrap(), counting());
        assert_eq!(format!("{}", counting()), TEXT);
        assert_eq!(format!("{:?}", counting()), format!("XetHash({TEXT})"));
    }

    #[test]
    fn every_digit_is_printed_and_read() {
        for byte in 0..=255u8 {
            let hash = XetHash::from_bytes(std::array::from_fn(|index| byte.wrapping_add((index as u8).wrapping_mul(37))));
            let words: Vec<_> = hash.as_bytes().as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
            let text: String = words.iter().map(|word| format!("{word:016x}")).collect();
            assert_eq!(hash.to_hex(), text);
            assert_eq!(text.parse::<XetHash>().unwrap(), hash);
        }
    }

    #[test]
    fn raw_bytes_round_trip() {
        assert_eq!(XetHash::from_slice(counting().as_bytes()), Some(counting()));
        assert_eq!(XetHash::from_slice(&[0; 31]), None);
        assert_eq!(XetHash::from_slice(&[0; 33]), None);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "07",
            &TEXT.to_uppercase(),
            &TEXT[1..],
            &format!("{TEXT}0"),
            &format!(" {}", &TEXT[1..]),
            &format!("+{}", &TEXT[1..]),
            &format!("{}g", &TEXT[1..]),
            &"é".repeat(32),
        ] {
            assert!(text.parse::<XetHash>().is_err(), "{text}");
        }
    }
}
