//! The index of a model in several files, `model.safetensors.index.json`: `weight_map` says in which file each tensor is, `metadata`
//! something of the model as a whole.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::MAX_METADATA_BYTES;
use crate::headers::HeaderError;

/// The largest index of a sharded model that is read.
pub const MAX_INDEX_BYTES: usize = 64 << 20;
/// The most files that an index may name.
const MAX_SHARDS: usize = 5_000;

/// Reads `model.safetensors.index.json`: the names of the shards, in order. Names are of files in the
/// same folder; others are refused.
///
/// # Errors
/// Not such an index, or one with too many or strange file names.
pub fn parse_index(json: &[u8]) -> Result<BTreeSet<String>, HeaderError> {
    let index: Index = read(json)?;
    if index.weight_map.0.is_empty() {
        return Err(HeaderError::Malformed("`weight_map` is empty".to_owned()));
    }
    Ok(index.weight_map.0)
}

/// Reads what `model.safetensors.index.json` says of the model as a whole, such as `total_size`: texts and numbers. What is
/// nested or long is passed over.
///
/// # Errors
/// Not such an index.
pub fn parse_index_metadata(json: &[u8]) -> Result<Map<String, Value>, HeaderError> {
    let head: IndexHead = read(json)?;
    Ok(head.metadata.map(|metadata| metadata.0).unwrap_or_default())
}

fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, HeaderError> {
    if json.len() > MAX_INDEX_BYTES {
        return Err(HeaderError::TooLarge("the index"));
    }
    serde_json::from_slice(json).map_err(|error| HeaderError::Malformed(error.to_string()))
}

#[derive(Deserialize)]
struct IndexHead {
    #[serde(default)]
    metadata: Option<Scalars>,
}

/// Never more than [`MAX_METADATA_BYTES`], whatever is sent.
struct Scalars(Map<String, Value>);

impl<'de> Deserialize<'de> for Scalars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ScalarsVisitor)
    }
}

struct ScalarsVisitor;

impl<'de> Visitor<'de> for ScalarsVisitor {
    type Value = Scalars;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Scalars, A::Error> {
        let (mut kept, mut left) = (Map::new(), MAX_METADATA_BYTES);
        while let Some((key, Scalar(value))) = entries.next_entry::<String, Scalar>()? {
            let length = key.len() + value.as_str().map_or(16, str::len);
            if !value.is_null() && length <= left {
                left -= length;
                kept.insert(key, value);
            }
        }
        Ok(Scalars(kept))
    }
}

/// A text, a number, or whether something is so; null for all else.
struct Scalar(Value);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar(Value::from(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar(Value::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar(Value::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar(Value::from(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar(Value::from(value)))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar(Value::Null))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Scalar, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar(Value::Null))
    }
}

#[derive(Deserialize)]
struct Index {
    weight_map: Shards,
}

struct Shards(BTreeSet<String>);

impl<'de> Deserialize<'de> for Shards {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ShardsVisitor)
    }
}

struct ShardsVisitor;

impl<'de> Visitor<'de> for ShardsVisitor {
    type Value = Shards;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping from tensor to file name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shards, A::Error> {
        let mut files = BTreeSet::new();
        while let Some((IgnoredAny, file)) = entries.next_entry::<IgnoredAny, String>()? {
            let is_name = !file.is_empty() && file.len() <= 255 && !file.contains(['/', '\\']) && !file.starts_with('.');
            if !is_name {
                return Err(A::Error::custom("`weight_map` names something that is not a file in the same folder"));
            }
            files.insert(file);
            if files.len() > MAX_SHARDS {
                return Err(A::Error::custom("`weight_map` names too many files"));
            }
        }
        Ok(Shards(files))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_index_names_its_shards() {
        let files = parse_index(
            br#"{"metadata":{"total_size":1},"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors","c":"m-2.safetensors"}}"#,
        );
        assert_eq!(files.unwrap().into_iter().collect::<Vec<_>>(), ["m-1.safetensors", "m-2.safetensors"]);
        for index in [
            "{}",
            r#"{"weight_map":{}}"#,
            r#"{"weight_map":{"a":"../x"}}"#,
            r#"{"weight_map":{"a":"/x"}}"#,
            r#"{"weight_map":{"a":3}}"#,
        ] {
            assert!(parse_index(index.as_bytes()).is_err(), "{index}");
        }
    }

    #[test]
    fn an_index_says_something_of_the_whole_model() {
        let said = parse_index_metadata(
            br#"{"metadata":{"total_size":64,"scale":0.5,"by":"us","tied":true,"none":null,"list":[[1],2],"nested":{"a":{}}},"weight_map":{}}"#,
        );
        assert_eq!(Value::Object(said.unwrap()), json!({"total_size":64,"scale":0.5,"by":"us","tied":true}));
        let long = format!(r#"{{"metadata":{{"long":"{}","n":1}}}}"#, "x".repeat(MAX_METADATA_BYTES + 1));
        assert_eq!(Value::Object(parse_index_metadata(long.as_bytes()).unwrap()), json!({"n":1}));
        for index in ["{}", r#"{"metadata":null}"#, r#"{"metadata":{}}"#] {
            assert!(parse_index_metadata(index.as_bytes()).unwrap().is_empty(), "{index}");
        }
        for index in ["3", r#"{"metadata":3}"#, r#"{"metadata":{"#] {
            assert!(parse_index_metadata(index.as_bytes()).is_err(), "{index}");
        }
    }
}
