//! Which tensors a safetensors file has and where: eight bytes of length (little endian), then JSON that maps each
//! tensor to `{"dtype", "shape", "data_offsets": [begin, end]}`, counted from the end of the header.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::Dtype;

/// The most tensors of a file that are listed; mixtures of hundreds of experts have some 60,000.
pub const MAX_TENSORS: usize = 100_000;
const MAX_NAME_BYTES: usize = 512;
const MAX_SIDES: usize = 16;
/// The longest header that is read into memory, in bytes.
const MAX_HEADER_BYTES: u64 = 32 << 20;

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// The name of its type of number.
    pub dtype: String,
    /// Its sides.
    pub shape: Vec<u64>,
    /// Where its bytes are in the file.
    pub bytes: Range<u64>,
}

impl Tensor {
    /// The type of its numbers, if they can be compared and are as many as the shape says.
    pub fn numbers(&self) -> Option<Dtype> {
        let dtype = Dtype::parse(&self.dtype)?;
        let expected = self.elements().checked_mul(dtype.width() as u64)?;
        (expected == self.bytes.end - self.bytes.start).then_some(dtype)
    }

    /// How many numbers it has.
    pub fn elements(&self) -> u64 {
        self.shape.iter().fold(1, |product, side| product.saturating_mul(*side))
    }
}

/// The tensors of a file, in the header's order.
pub type Layout = Vec<Tensor>;

/// What a prefix of a file gives.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The tensors.
    Done(Layout),
    /// The prefix must have at least this many bytes.
    NeedBytes(u64),
}

/// Why a file has no layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Not of this format.
    #[error("this is not a safetensors file")]
    WrongFormat,
    /// Too much to hold in memory.
    #[error("the header of this file is too large")]
    TooLarge,
    /// Damaged.
    #[error("the header of this file is damaged: {0}")]
    Malformed(String),
}

/// Reads the header from a prefix of a file of `file_bytes` bytes.
///
/// # Errors
/// The bytes are not such a header, or it is too large.
pub fn parse_layout(prefix: &[u8], file_bytes: u64) -> Result<Step, LayoutError> {
    let Some(length) = prefix.first_chunk::<8>() else {
        return if file_bytes < 10 { Err(LayoutError::WrongFormat) } else { Ok(Step::NeedBytes(8)) };
    };
    let end = u64::from_le_bytes(*length).checked_add(8).filter(|end| *end <= file_bytes).ok_or(LayoutError::WrongFormat)?;
    if end > MAX_HEADER_BYTES {
        return Err(LayoutError::TooLarge);
    }
    let Some(json) = usize::try_from(end).ok().and_then(|end| prefix.get(8..end)) else { return Ok(Step::NeedBytes(end)) };
    let header: Header = serde_json::from_slice(json).map_err(|error| LayoutError::Malformed(error.to_string()))?;
    let mut tensors = header.0;
    for tensor in &mut tensors {
        let Range { start, end: stop } = tensor.bytes;
        let moved =
            start.checked_add(end).zip(stop.checked_add(end)).filter(|(start, stop)| start <= stop && *stop <= file_bytes);
        let (start, stop) = moved.ok_or_else(|| LayoutError::Malformed("a tensor lies outside of the file".to_owned()))?;
        tensor.bytes = start..stop;
    }
    Ok(Step::Done(tensors))
}

struct Header(Layout);

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping from tensor name to dtype, shape and offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Header, A::Error> {
        let mut tensors = Vec::new();
        while let Some(name) = entries.next_key::<String>()? {
            if name == "__metadata__" {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            let Entry { dtype, shape, data_offsets: (start, end) } = entries.next_value()?;
            if name.len() > MAX_NAME_BYTES || dtype.len() > 16 || shape.len() > MAX_SIDES || tensors.len() >= MAX_TENSORS {
                return Err(A::Error::custom("too many or too large tensors"));
            }
            tensors.push(Tensor { name, dtype, shape, bytes: start..end });
        }
        Ok(Header(tensors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str, data_bytes: u64) -> Result<Step, LayoutError> {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(json.as_bytes());
        parse_layout(&bytes, bytes.len() as u64 + data_bytes)
    }

    #[test]
    fn tensors_are_placed_in_the_file() {
        let json = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#;
        let Ok(Step::Done(tensors)) = parsed(json, 24) else { panic!() };
        let start = 8 + json.len() as u64;
        assert_eq!((tensors[0].bytes.clone(), tensors[0].numbers()), (start..start + 24, Some(Dtype::F32)));
        assert_eq!(parse_layout(&[], 100), Ok(Step::NeedBytes(8)));
        assert_eq!(parse_layout(&50_u64.to_le_bytes(), 100), Ok(Step::NeedBytes(58)));
    }

    #[test]
    fn hostile_headers_are_refused() {
        for json in [
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[9,5]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551615,18446744073709551615]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1]}}"#,
            r#"{"a":"#,
        ] {
            assert!(matches!(parsed(json, 24), Err(LayoutError::Malformed(_))), "{json}");
        }
        assert_eq!(parse_layout(&u64::MAX.to_le_bytes(), u64::MAX), Err(LayoutError::WrongFormat));
        let lies = r#"{"a":{"dtype":"F32","shape":[7],"data_offsets":[0,24]},"b":{"dtype":"X","shape":[],"data_offsets":[0,1]}}"#;
        let Ok(Step::Done(tensors)) = parsed(lies, 24) else { panic!() };
        assert_eq!((tensors[0].numbers(), tensors[1].numbers()), (None, None));
    }
}
