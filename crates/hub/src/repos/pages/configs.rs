//! What a dataset's card says of how its files are put together: configurations, splits and features.

use serde_json::Value;

/// How many configurations are shown.
const MAX_CONFIGS: usize = 50;
/// How many splits or features of one are shown.
const MAX_ROWS: usize = 200;
/// How many patterns of a split are shown.
const MAX_PATTERNS: usize = 20;
/// The longest text of a cell, in characters.
const MAX_CHARS: usize = 120;
/// How deep the type of a feature is told.
const MAX_DEPTH: usize = 4;

/// One way to load a dataset.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::repos) struct DatasetConfig {
    /// Its name.
    pub name: String,
    /// Whether it is loaded when none is named.
    pub is_default: bool,
    /// Its parts.
    pub splits: Vec<Split>,
    /// Its columns: name and type.
    pub features: Vec<(String, String)>,
}

/// A part of a dataset.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::repos) struct Split {
    /// Its name.
    pub name: String,
    /// The files it comes from, as patterns.
    pub files: Vec<String>,
    /// How many rows it has.
    pub rows: Option<u64>,
    /// How many bytes.
    pub size_bytes: Option<u64>,
}

/// Reads `configs` and `dataset_info` of a card.
pub(in crate::repos) fn configs_of(card: &Value) -> Vec<DatasetConfig> {
    let mut configs: Vec<DatasetConfig> =
        list(card.get("configs")).iter().take(MAX_CONFIGS).map(|config| from_files(config)).collect();
    for info in list(card.get("dataset_info")).into_iter().take(MAX_CONFIGS) {
        let name = name_of(info);
        let at = configs.iter().position(|config| config.name == name).unwrap_or_else(|| {
            configs.push(DatasetConfig { name, ..DatasetConfig::default() });
            configs.len() - 1
        });
        add_info(&mut configs[at], info);
    }
    configs.truncate(MAX_CONFIGS);
    configs
}

/// A list, or the one value that stands for it.
fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

fn name_of(config: &Value) -> String {
    config.get("config_name").and_then(Value::as_str).map_or_else(|| "default".to_owned(), cut)
}

fn from_files(config: &Value) -> DatasetConfig {
    let split = |file: &&Value| match file {
        Value::String(pattern) => Split { name: "train".to_owned(), files: vec![cut(pattern)], ..Split::default() },
        file => Split {
            name: file.get("split").and_then(Value::as_str).map_or_else(|| "train".to_owned(), cut),
            files: list(file.get("path")).iter().take(MAX_PATTERNS).filter_map(|path| path.as_str().map(cut)).collect(),
            ..Split::default()
        },
    };
    DatasetConfig {
        name: name_of(config),
        is_default: config.get("default").and_then(Value::as_bool).unwrap_or_default(),
        splits: list(config.get("data_files")).iter().take(MAX_ROWS).map(split).collect(),
        features: Vec::new(),
    }
}

fn add_info(config: &mut DatasetConfig, info: &Value) {
    let features = list(info.get("features")).into_iter().take(MAX_ROWS);
    config.features = features.filter_map(|feature| Some((cut(feature.get("name")?.as_str()?), type_of(feature, 0)))).collect();
    for split in list(info.get("splits")).into_iter().take(MAX_ROWS) {
        let Some(name) = split.get("name").and_then(Value::as_str).map(cut) else { continue };
        let number = |key: &str| split.get(key).and_then(Value::as_u64);
        let (rows, size_bytes) = (number("num_examples"), number("num_bytes"));
        match config.splits.iter_mut().find(|known| known.name == name) {
            Some(known) => (known.rows, known.size_bytes) = (rows, size_bytes),
            None => config.splits.push(Split { name, files: Vec::new(), rows, size_bytes }),
        }
    }
}

/// The type of a feature in words: `string`, `class label (3)`, `list of int64`, `struct of 4`.
fn type_of(feature: &Value, depth: usize) -> String {
    if depth > MAX_DEPTH {
        return "…".to_owned();
    }
    let inner = |value: &Value| match value {
        Value::String(name) => cut(name),
        Value::Array(fields) => format!("struct of {}", fields.len()),
        Value::Object(map) if map.contains_key("class_label") => class_label(&map["class_label"]),
        value => type_of(value, depth + 1),
    };
    if let Some(items) = feature.get("sequence").or_else(|| feature.get("list")) {
        return format!("list of {}", inner(items));
    }
    if let Some(fields) = feature.get("struct") {
        return inner(fields);
    }
    feature.get("dtype").map_or_else(|| "unknown".to_owned(), inner)
}

fn class_label(label: &Value) -> String {
    let names = label.get("names").map_or(0, |names| match names {
        Value::Array(list) => list.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    });
    format!("class label ({names})")
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_and_features_meet_by_name() {
        let card = json!({
            "configs": [{"config_name": "a", "default": true, "data_files": [{"split": "train", "path": ["x/*", "y/*"]}]},
                        {"config_name": "b", "data_files": "b.csv"}],
            "dataset_info": [{"config_name": "a", "features": [
                {"name": "text", "dtype": "string"},
                {"name": "label", "dtype": {"class_label": {"names": {"0": "no", "1": "yes"}}}},
                {"name": "tokens", "sequence": "int32"},
                {"name": "answers", "struct": [{"name": "x", "dtype": "string"}]}],
                "splits": [{"name": "train", "num_examples": 10, "num_bytes": 100}, {"name": "test", "num_examples": 2}]}],
        });
        let configs = configs_of(&card);
        let names: Vec<_> = configs.iter().map(|config| (config.name.as_str(), config.is_default)).collect();
        assert_eq!(names, [("a", true), ("b", false)]);
        let types: Vec<_> = configs[0].features.iter().map(|(_, kind)| kind.as_str()).collect();
        assert_eq!(types, ["string", "class label (2)", "list of int32", "struct of 1"]);
        assert_eq!((configs[0].splits[0].files.join(" "), configs[0].splits[0].rows), ("x/* y/*".to_owned(), Some(10)));
        assert_eq!(configs[0].splits[1].name, "test");
        assert_eq!(configs[1].splits[0].files, ["b.csv"]);
    }

    #[test]
    fn hostile_cards_are_bounded() {
        let deep = (0..100).fold(json!("string"), |inner, _| json!({"list": inner}));
        let many: Vec<_> = (0..1_000).map(|n| json!({"name": format!("f{n}"), "list": deep})).collect();
        let configs: Vec<_> = (0..500).map(|n| json!({"config_name": n.to_string(), "data_files": 3})).collect();
        let found = configs_of(&json!({"configs": configs, "dataset_info": {"features": many}}));
        assert_eq!(found.len(), MAX_CONFIGS);
        let found = configs_of(&json!({"dataset_info": {"features": many}}));
        assert_eq!((found.len(), found[0].features.len()), (1, MAX_ROWS));
        assert!(found[0].features[0].1.len() < 100);
        assert!(configs_of(&json!({"configs": null, "dataset_info": "x"}))[0].features.is_empty());
    }
}
