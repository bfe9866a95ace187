//! Joins two versions of a card's metadata key by key, where joining lines does not: both may have added a tag at the same place.
//!
//! Lists of texts are sets with an order, mappings are joined key by key, results of evaluations by what was evaluated. What both
//! sides changed to something different is a conflict, which somebody decides.

mod text;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::front_matter::{self, CardError};

/// The most conflicts that are told apart.
const MAX_CONFLICTS: usize = 100;

/// One of the three versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What was there before the two parted.
    Base,
    /// The version that is merged into.
    Ours,
    /// The version that is merged.
    Theirs,
}

/// What both sides changed, each in its own way.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyConflict {
    /// Where: the names on the way, as people read them.
    pub key: String,
    /// What was there.
    pub base: Option<Value>,
    /// What is there on the side that is merged into.
    pub ours: Option<Value>,
    /// What is there on the side that is merged.
    pub theirs: Option<Value>,
}

/// Metadata that was joined.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedMetadata {
    /// What it says; of a conflict, what our side says.
    pub values: Map<String, Value>,
    /// What somebody must decide.
    pub conflicts: Vec<KeyConflict>,
    /// The block without its fences, once nothing is left to decide.
    pub yaml: Option<String>,
}

/// Joins metadata blocks, each without its fences. `choices` decides conflicts, by their keys. Where nothing changed, the text of
/// our side stays as it is. `None` when a block cannot be read, or is written in a way that cannot be changed key by key.
pub fn merge_metadata(base: &str, ours: &str, theirs: &str, choices: &BTreeMap<String, Side>) -> Option<MergedMetadata> {
    let blocks = [base, ours, theirs].map(|yaml| yaml.replace("\r\n", "\n"));
    let parsed = [read(&blocks[0]).ok()?, read(&blocks[1]).ok()?, read(&blocks[2]).ok()?];
    let mut merge = Merge { choices, conflicts: Vec::new() };
    let values = merge.map("", &parsed[0], &parsed[1], &parsed[2]);
    let conflicts = merge.conflicts;
    if conflicts.len() > MAX_CONFLICTS {
        return None;
    }
    let written = text::write(&blocks, &parsed, &values)?;
    if read(&written).ok()? != values {
        return None;
    }
    let written = if ours.contains("\r\n") { written.replace('\n', "\r\n") } else { written };
    let yaml = conflicts.is_empty().then_some(written);
    Some(MergedMetadata { values, conflicts, yaml })
}

/// Parses a block without its fences.
pub(super) fn read(yaml: &str) -> Result<Map<String, Value>, CardError> {
    front_matter::parse(&format!("---\n{}\n---\n", yaml.trim_end()))
}

struct Merge<'a> {
    choices: &'a BTreeMap<String, Side>,
    conflicts: Vec<KeyConflict>,
}

type Object = Map<String, Value>;
type Three<'a> = [Option<&'a Value>; 3];

impl Merge<'_> {
    fn map(&mut self, path: &str, base: &Object, ours: &Object, theirs: &Object) -> Object {
        let added = theirs.keys().filter(|key| !ours.contains_key(*key));
        let mut merged = Map::new();
        for key in ours.keys().chain(added) {
            let sides = [base.get(key), ours.get(key), theirs.get(key)];
            if let Some(value) = self.value(&below(path, key), key, sides) {
                merged.insert(key.clone(), value);
            }
        }
        merged
    }

    /// The value at a path; `key` is the name that says what a list there is.
    fn value(&mut self, path: &str, key: &str, [base, ours, theirs]: Three<'_>) -> Option<Value> {
        if ours == theirs || base == theirs {
            return ours.cloned();
        }
        if base == ours {
            return theirs.cloned();
        }
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            if let Some(joined) = join_sets(base, ours, theirs) {
                return Some(joined);
            }
            if let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) {
                let none = Map::new();
                let base = base.and_then(Value::as_object).unwrap_or(&none);
                return Some(Value::Object(self.map(path, base, ours, theirs)));
            }
            if let Some(sides) = ListSides::of(key, base, ours, theirs) {
                return Some(self.list(path, &sides));
            }
        }
        self.decide(path, [base, ours, theirs])
    }

    fn list(&mut self, path: &str, sides: &ListSides<'_>) -> Value {
        let [base, ours, theirs] =
            sides.0.each_ref().map(|side| side.iter().map(|(id, item)| (id, *item)).collect::<HashMap<_, _>>());
        let added = sides.0[2].iter().filter(|(id, _)| !ours.contains_key(id));
        let mut merged = Vec::new();
        for (id, _) in sides.0[1].iter().chain(added) {
            let name = id.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" · ");
            let three = [&base, &ours, &theirs].map(|side| side.get(id).copied());
            merged.extend(self.value(&below(path, &name), "", three));
        }
        Value::Array(merged)
    }

    /// What was chosen, or a conflict.
    fn decide(&mut self, path: &str, [base, ours, theirs]: Three<'_>) -> Option<Value> {
        let chosen = match self.choices.get(path) {
            Some(Side::Base) => base,
            Some(Side::Ours) => ours,
            Some(Side::Theirs) => theirs,
            None => {
                let [base, ours, theirs] = [base, ours, theirs].map(|value| value.cloned());
                // Of more than these, nobody asks.
                if self.conflicts.len() <= MAX_CONFLICTS {
                    self.conflicts.push(KeyConflict { key: path.to_owned(), base, ours: ours.clone(), theirs });
                }
                return ours;
            }
        };
        chosen.cloned()
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path} › {key}") }
}

/// Texts as a set that has an order: ours, without what they took out, and then what they added. A single text is a list of one
/// where the other side has a list.
fn join_sets(base: Option<&Value>, ours: &Value, theirs: &Value) -> Option<Value> {
    if !ours.is_array() && !theirs.is_array() {
        return None;
    }
    let (base, ours, theirs) = (base.map_or(Some(Vec::new()), texts)?, texts(ours)?, texts(theirs)?);
    let [in_base, in_ours, in_theirs] = [&base, &ours, &theirs].map(|side| side.iter().copied().collect::<HashSet<&str>>());
    let kept = ours.iter().filter(|text| in_theirs.contains(*text) || !in_base.contains(*text));
    let mut seen = HashSet::new();
    let added = theirs.iter().filter(|text| !in_ours.contains(*text) && !in_base.contains(*text) && seen.insert(**text));
    Some(Value::Array(kept.chain(added).map(|text| Value::from(*text)).collect()))
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// The three versions of a list whose items say what they are.
struct ListSides<'a>([Vec<(Vec<String>, &'a Value)>; 3]);

impl<'a> ListSides<'a> {
    fn of(key: &str, base: Option<&'a Value>, ours: &'a Value, theirs: &'a Value) -> Option<Self> {
        let what = identity_of(key)?;
        let side = |value: &'a Value| {
            let (mut found, mut seen) = (Vec::new(), HashSet::new());
            for item in value.as_array()? {
                item.as_object()?;
                let id: Vec<String> = what.iter().map(|part| plain(item.pointer(part))).collect();
                // Two of the same are no way to tell which is which.
                if !seen.insert(id.clone()) {
                    return None;
                }
                found.push((id, item));
            }
            Some(found)
        };
        Some(Self([base.map_or(Some(Vec::new()), side)?, side(ours)?, side(theirs)?]))
    }
}

/// What tells the items of a list apart. Results as `EvalResult.unique_identifier` of `huggingface_hub` has it.
fn identity_of(key: &str) -> Option<&'static [&'static str]> {
    Some(match key {
        "model-index" | "splits" | "features" => &["/name"],
        "results" => &["/task/type", "/dataset/type", "/dataset/config", "/dataset/split", "/dataset/revision"],
        "metrics" => &["/type", "/name", "/config", "/args"],
        "configs" | "dataset_info" => &["/config_name"],
        "data_files" => &["/split"],
        _ => return None,
    })
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
