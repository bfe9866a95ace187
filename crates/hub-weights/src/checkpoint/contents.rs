//! What the pickle of a checkpoint says: tensors by name, and what else it has.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::value::Value;
use super::{CheckpointError, Result};
use crate::Dtype;

/// The keys under which training loops keep the weights.
const WRAPPERS: [&str; 4] = ["state_dict", "model_state_dict", "model", "module"];
/// How many names of what is left out are told.
const MAX_DROPPED: usize = 20;
const MAX_NAME_BYTES: usize = 512;

/// Numbers, as they lie in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// What names it in the file.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The type of its numbers, where it has one.
    pub(super) dtype: Option<Dtype>,
}

/// A tensor: some of the numbers of a storage.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct View {
    pub(super) storage: usize,
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    pub(super) strides: Vec<u64>,
    pub(super) dtype: Dtype,
}

/// What a checkpoint has. Another process may have read it: [`Conversion::plan`](super::Conversion::plan) trusts none of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Where its numbers are, in the order in which the pickle names them.
    pub storages: Vec<Storage>,
    /// What is no tensor, or not in the dictionary that has them: some names of it.
    pub dropped: Vec<String>,
    /// How much that is.
    pub dropped_count: usize,
    pub(super) tensors: Vec<(String, View)>,
}

impl Contents {
    /// Reads the pickle of a checkpoint in a zip file.
    ///
    /// # Errors
    /// It has more than tensors and plain values, or is damaged, or too large.
    pub fn parse(pickle: &[u8]) -> Result<Self> {
        let mut machine = Machine::default();
        let (root, _) = machine.read(pickle)?;
        Self::of(machine, &root)
    }

    pub(super) fn of(machine: Machine, root: &Value) -> Result<Self> {
        let none = || CheckpointError::unsupported("has no dictionary of tensors, such as `model.state_dict()` gives");
        let items = machine.dict(root).ok_or_else(none)?;
        let has_tensors = |items: &[(Value, Value)]| items.iter().any(|(_, value)| matches!(value, Value::Tensor(_)));
        let (inner, wrapper) = match has_tensors(items) {
            true => (items, None),
            false => {
                let of_key = |wanted: &str| {
                    let mut found = items.iter().filter(|(key, _)| matches!(key, Value::Text(key) if &**key == wanted));
                    found.next().and_then(|(_, value)| machine.dict(value)).filter(|inner| has_tensors(inner))
                };
                let found = WRAPPERS.iter().find_map(|wanted| Some((of_key(wanted)?, *wanted)));
                found.map(|(inner, wanted)| (inner, Some(wanted))).ok_or_else(none)?
            }
        };
        let is_wrapper = |key: &Value| matches!((key, wrapper), (Value::Text(key), Some(wrapper)) if **key == *wrapper);
        let mut dropped_count = 0;
        let mut dropped = Vec::new();
        let mut drop_it = |key: &Value| {
            dropped_count += 1;
            if dropped_count <= MAX_DROPPED {
                dropped.push(shown(key));
            }
        };
        items.iter().filter(|(key, _)| wrapper.is_some() && !is_wrapper(key)).for_each(|(key, _)| drop_it(key));
        let (mut tensors, mut seen) = (Vec::new(), HashSet::new());
        for (key, value) in inner {
            match (key, value) {
                (Value::Text(name), Value::Tensor(at)) => {
                    let view = machine.views.get(*at).ok_or_else(none)?;
                    check_name(name)?;
                    if !seen.insert(name.to_string()) {
                        return Err(CheckpointError::Broken("two tensors have one name"));
                    }
                    tensors.push((name.to_string(), view.clone()));
                }
                (_, Value::Tensor(_)) => return Err(CheckpointError::unsupported("has tensors whose names are no texts")),
                _ => drop_it(key),
            }
        }
        Ok(Self { storages: machine.storages, dropped, dropped_count, tensors })
    }

    /// How many tensors there are.
    pub fn tensor_count(&self) -> usize {
        self.tensors.len()
    }

    /// Of each storage, whether a tensor needs it.
    pub fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.storages.len()];
        for (_, view) in &self.tensors {
            if let Some(needed) = needed.get_mut(view.storage) {
                *needed = true;
            }
        }
        needed
    }
}

fn check_name(name: &str) -> Result<()> {
    match name.len() <= MAX_NAME_BYTES && name != "__metadata__" {
        true => Ok(()),
        false => Err(CheckpointError::unsupported("has a tensor with a name that safetensors cannot have")),
    }
}

fn shown(key: &Value) -> String {
    match key {
        Value::Text(text) => text.chars().filter(|c| !c.is_control() && *c != '`').take(60).collect(),
        Value::Int(number) => number.to_string(),
        _ => "(no name)".to_owned(),
    }
}
