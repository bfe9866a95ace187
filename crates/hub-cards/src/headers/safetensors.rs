//! The header of a safetensors file: eight bytes of length (little endian), then JSON that maps each
//! tensor to `{"dtype", "shape", "data_offsets": [begin, end]}`, and `__metadata__` to texts.

mod index;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use super::{HeaderError, Progress};

pub use index::{MAX_INDEX_BYTES, parse_index, parse_index_metadata};

/// The largest JSON header the format allows (`safetensors`, `MAX_HEADER_SIZE`).
pub const MAX_HEADER_BYTES: u64 = 100_000_000;
/// The most different types of numbers; today's format has about twenty.
const MAX_DTYPES: usize = 64;
const MAX_METADATA_BYTES: usize = 64 << 10;

/// What a model's weights consist of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Parameters by type of number: `F32`, `BF16`, `I64`, …
    pub parameters: BTreeMap<String, u64>,
    /// How many tensors there are.
    pub tensors: u64,
    /// The texts under `__metadata__`, such as `format`.
    pub metadata: BTreeMap<String, String>,
}

impl Summary {
    /// All parameters.
    pub fn total(&self) -> u64 {
        self.parameters.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Adds the weights of another shard.
    pub fn add(&mut self, other: &Self) {
        for (dtype, count) in &other.parameters {
            let sum = self.parameters.entry(dtype.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
        self.tensors = self.tensors.saturating_add(other.tensors);
        for (key, value) in &other.metadata {
            self.metadata.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }

    /// The form the API has: `{"parameters": {"F32": 1}, "total": 1}`.
    pub fn to_json(&self) -> Value {
        json!({"parameters": self.parameters, "total": self.total()})
    }
}

/// Reads the header from a prefix of a file of `file_bytes` bytes.
///
/// # Errors
/// The bytes are not such a header, or it is larger than the format allows.
pub fn parse(prefix: &[u8], file_bytes: u64) -> Result<Progress<Summary>, HeaderError> {
    let Some(length) = prefix.first_chunk::<8>() else {
        return if file_bytes < 10 { Err(HeaderError::WrongFormat("safetensors")) } else { Ok(Progress::NeedBytes(8)) };
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER_BYTES {
        // Almost always a file of another kind, whose first bytes are no length.
        return Err(HeaderError::WrongFormat("safetensors"));
    }
    let end = length + 8;
    if end > file_bytes {
        return Err(HeaderError::Truncated);
    }
    let Some(header) = usize::try_from(end).ok().and_then(|end| prefix.get(8..end)) else {
        return Ok(Progress::NeedBytes(end));
    };
    if header.first() != Some(&b'{') {
        return Err(HeaderError::WrongFormat("safetensors"));
    }
    let header: Header = serde_json::from_slice(header).map_err(|error| HeaderError::Malformed(error.to_string()))?;
    if header.data_bytes > file_bytes - end {
        return Err(HeaderError::Truncated);
    }
    Ok(Progress::Done(header.summary))
}

/// Counts while it reads, so that a header with millions of tensors takes no memory.
#[derive(Default)]
struct Header {
    summary: Summary,
    data_bytes: u64,
}

#[derive(Deserialize)]
struct Tensor {
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
        let mut header = Header::default();
        while let Some(name) = entries.next_key::<String>()? {
            if name == "__metadata__" {
                header.summary.metadata = short_texts(entries.next_value::<Map<String, Value>>()?);
                continue;
            }
            let tensor: Tensor = entries.next_value()?;
            header.add(&tensor).map_err(|what| A::Error::custom(format!("tensor `{}`: {what}", shown(&name))))?;
        }
        Ok(header)
    }
}

impl Header {
    fn add(&mut self, tensor: &Tensor) -> Result<(), &'static str> {
        let known = self.summary.parameters.contains_key(&tensor.dtype);
        if tensor.dtype.len() > 16 || (!known && self.summary.parameters.len() >= MAX_DTYPES) {
            return Err("unknown type of number");
        }
        let size = tensor.shape.iter().try_fold(1u64, |size, side| size.checked_mul(*side)).ok_or("impossible shape")?;
        let (begin, end) = tensor.data_offsets;
        if begin > end {
            return Err("its data ends before it begins");
        }
        let count = self.summary.parameters.entry(tensor.dtype.clone()).or_default();
        *count = count.checked_add(size).ok_or("impossible number of parameters")?;
        self.summary.tensors += 1;
        self.data_bytes = self.data_bytes.max(end);
        Ok(())
    }
}

fn short_texts(map: Map<String, Value>) -> BTreeMap<String, String> {
    let mut left = MAX_METADATA_BYTES;
    let mut texts = BTreeMap::new();
    for (key, value) in map {
        let Value::String(value) = value else { continue };
        let Some(rest) = left.checked_sub(key.len() + value.len()) else { break };
        left = rest;
        texts.insert(key, value);
    }
    texts
}

fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes
    }

    fn done(header: &str, data_bytes: u64) -> Result<Summary, HeaderError> {
        let bytes = file(header);
        match parse(&bytes, bytes.len() as u64 + data_bytes)? {
            Progress::Done(summary) => Ok(summary),
            Progress::NeedBytes(count) => panic!("{count}"),
        }
    }

    #[test]
    fn parameters_are_counted_by_type() {
        let summary = done(
            r#"{"__metadata__":{"format":"pt","n":3},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
                "b":{"dtype":"I64","shape":[],"data_offsets":[24,32]},"c":{"dtype":"F32","shape":[4],"data_offsets":[32,48]}}  "#,
            48,
        )
        .unwrap();
        assert_eq!(summary.to_json(), json!({"parameters":{"F32":10,"I64":1},"total":11}));
        assert_eq!((summary.tensors, summary.metadata["format"].as_str()), (3, "pt"));
    }

    #[test]
    fn a_prefix_asks_for_what_is_missing() {
        let bytes = file(r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#);
        let size = bytes.len() as u64 + 1;
        assert_eq!(parse(&[], size), Ok(Progress::NeedBytes(8)));
        assert_eq!(parse(&bytes[..8], size), Ok(Progress::NeedBytes(size - 1)));
        assert!(matches!(parse(&bytes, size), Ok(Progress::Done(_))));
    }

    #[test]
    fn hostile_headers_are_refused() {
        assert_eq!(parse(b"PK\x03\x04....", 1 << 40), Err(HeaderError::WrongFormat("safetensors")));
        assert_eq!(parse(&u64::MAX.to_le_bytes(), u64::MAX), Err(HeaderError::WrongFormat("safetensors")));
        assert_eq!(parse(&1000u64.to_le_bytes(), 100), Err(HeaderError::Truncated));
        assert_eq!(parse(b"x", 1), Err(HeaderError::WrongFormat("safetensors")));
        for header in [
            r#"{"a":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,1]}}"#,
            r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,1]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[5,1]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1]}}"#,
            r#"{"a":{"dtype":"F32FFFFFFFFFFFFFFFFFFFFFF","shape":[1],"data_offsets":[0,1]}}"#,
            r#"{"a":1}"#,
            r#"{"a":"#,
        ] {
            assert!(matches!(done(header, 8), Err(HeaderError::Malformed(_))), "{header}");
        }
        assert_eq!(done(r#"{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}"#, 8), Err(HeaderError::Truncated));
        let deep = format!(r#"{{"__metadata__":{}}}"#, "[".repeat(100_000));
        assert!(matches!(done(&deep, 0), Err(HeaderError::Malformed(_))));
    }

    #[test]
    fn shards_add_up() {
        let one = done(r#"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#, 4).unwrap();
        let mut sum = one.clone();
        sum.add(&one);
        assert_eq!((sum.total(), sum.tensors), (4, 2));
    }
}
