//! Reads a configuration without keeping it: of each object, the few texts that say what Keras makes of it. What strangers send
//! takes many times its size as values.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How many values are visited.
const MAX_VALUES: usize = 1_000_000;
/// How many characters of a text are kept; names of modules are shorter.
const MAX_CHARS: usize = 500;

/// What Keras goes by, as far as it is text.
#[derive(Debug, Default)]
pub(super) struct Object {
    pub class_name: Option<String>,
    pub module: Option<String>,
    pub registered_name: Option<String>,
    pub config: Option<String>,
}

impl Object {
    fn field(&mut self, key: &str) -> Option<&mut Option<String>> {
        match key {
            "class_name" => Some(&mut self.class_name),
            "module" => Some(&mut self.module),
            "registered_name" => Some(&mut self.registered_name),
            "config" => Some(&mut self.config),
            _ => None,
        }
    }
}

/// Shows each object, the inner ones first; false when it is no JSON, nested too deeply or too much.
pub(super) fn walk(bytes: &[u8], show: &mut dyn FnMut(Object)) -> bool {
    let mut visited = 0;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let walk = Walk { show, visited: &mut visited };
    (&mut reader).deserialize_any(walk).is_ok() && reader.end().is_ok()
}

struct Walk<'a> {
    show: &'a mut dyn FnMut(Object),
    visited: &'a mut usize,
}

impl Walk<'_> {
    fn inner(&mut self) -> Walk<'_> {
        Walk { show: &mut *self.show, visited: &mut *self.visited }
    }
}

/// Gives the value if it is a text.
impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        value.deserialize_any(self)
    }
}

/// The name of a member, if it means something.
struct Key<'a>(&'a mut Object);

impl<'de, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = Option<&'a mut Option<String>>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Key<'a> {
    type Value = Option<&'a mut Option<String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.field(key))
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a configuration")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.chars().take(MAX_CHARS).collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element_seed(self.inner())?.is_some() {
            count(self.visited)?;
        }
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::default();
        while let Some(field) = members.next_key_seed(Key(&mut object))? {
            count(self.visited)?;
            let text = members.next_value_seed(self.inner())?;
            // Of two with one name Python takes the last one.
            if let Some(field) = field {
                *field = text;
            }
        }
        (self.show)(object);
        Ok(None)
    }
}

fn count<E: Error>(visited: &mut usize) -> Result<(), E> {
    *visited += 1;
    if *visited > MAX_VALUES { Err(E::custom("too many values")) } else { Ok(()) }
}
