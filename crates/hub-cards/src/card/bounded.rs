//! Deserialises any YAML into JSON, counting what comes out.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What a value costs beside its text: a `Value` in a vector or map.
const NODE_BYTES: usize = 32;

/// Builds a [`Value`] and stops once it would take more than the bytes it was given. The YAML
/// parser's own limits count events; an alias to one long string is a single event.
#[derive(Clone)]
pub(crate) struct Bounded {
    bytes_left: Rc<Cell<usize>>,
    depth_left: usize,
}

impl Bounded {
    pub(crate) fn new(bytes: usize, depth: usize) -> Self {
        Self { bytes_left: Rc::new(Cell::new(bytes)), depth_left: depth }
    }

    fn spend<E: Error>(&self, text_bytes: usize) -> Result<(), E> {
        let left = self.bytes_left.get().checked_sub(text_bytes + NODE_BYTES);
        self.bytes_left.set(left.ok_or_else(|| E::custom("the metadata is too large once its aliases are expanded"))?);
        Ok(())
    }

    fn deeper<E: Error>(&self) -> Result<Self, E> {
        let depth_left = self.depth_left.checked_sub(1).ok_or_else(|| E::custom("the metadata is nested too deeply"))?;
        Ok(Self { bytes_left: Rc::clone(&self.bytes_left), depth_left })
    }
}

impl<'de> DeserializeSeed<'de> for Bounded {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can hold")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.spend(0)?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.spend(0)?;
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.spend(0)?;
        Ok(value.into())
    }

    // JSON has no numbers for `.nan` and `.inf`.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.spend(0)?;
        Ok(Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.spend(value.len())?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.spend(0)?;
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.spend(0)?;
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner.clone())? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.spend(0)?;
        let inner = self.deeper()?;
        let mut values = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.spend(key.len())?;
            values.insert(key, entries.next_value_seed(inner.clone())?);
        }
        Ok(Value::Object(values))
    }
}
