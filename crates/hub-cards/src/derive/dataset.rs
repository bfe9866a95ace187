//! The format and modality of a dataset, and which libraries load it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Input;

const FORMATS: &[(&str, &[&str])] = &[
    ("parquet", &["parquet"]),
    ("json", &["jsonl", "json", "ndjson"]),
    ("csv", &["csv", "tsv"]),
    ("arrow", &["arrow"]),
    ("webdataset", &["tar"]),
    ("imagefolder", &["jpg", "jpeg", "png", "webp", "bmp", "gif", "tiff"]),
    ("audiofolder", &["wav", "mp3", "flac", "ogg", "opus", "m4a"]),
    ("text", &["txt"]),
];

/// Files that are about the data.
const NOT_DATA: &[&str] =
    &["dataset_infos.json", "dataset_info.json", "state.json", "requirements.txt", "license.txt", "config.json"];

/// The format most of the data files have.
pub(super) fn format(paths: &[String]) -> Option<&'static str> {
    let mut counts = vec![0usize; FORMATS.len()];
    for path in paths {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        if NOT_DATA.contains(&name.as_str()) || path.starts_with('.') {
            continue;
        }
        let name = [".gz", ".zst", ".bz2", ".xz"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        if let Some(index) = FORMATS.iter().position(|(_, extensions)| extensions.contains(&extension)) {
            counts[index] += 1;
        }
    }
    // `max_by_key` keeps the last of equals; the table is ordered by preference.
    let best = (0..FORMATS.len()).rev().max_by_key(|index| counts[*index])?;
    (counts[best] > 0).then_some(FORMATS[best].0)
}

/// Libraries that load the format.
pub(super) fn libraries(format: &str) -> &'static [&'static str] {
    match format {
        "parquet" | "json" | "csv" => &["datasets", "pandas", "polars", "mlcroissant"],
        "webdataset" => &["datasets", "webdataset", "mlcroissant"],
        "arrow" | "text" | "imagefolder" | "audiofolder" => &["datasets", "mlcroissant"],
        _ => &[],
    }
}

/// What the data is: by the features the card lists, else by the format, else by the tasks.
pub(super) fn modalities(input: Input<'_>, format: Option<&str>) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    if let Some(info) = &input.card.dataset_info {
        let infos = info.as_array().map_or(std::slice::from_ref(info), Vec::as_slice);
        for features in infos.iter().filter_map(|info| info.get("features")) {
            add_features(features, 0, &mut found);
        }
    }
    match format {
        Some("imagefolder") => found.extend(["image"]),
        Some("audiofolder") => found.extend(["audio"]),
        Some("text") => found.extend(["text"]),
        _ => {}
    }
    if found.is_empty() {
        for task in &input.card.task_categories {
            let modality = match task.as_str() {
                task if task.starts_with("tabular") => "tabular",
                task if task.contains("video") => "video",
                task if task.contains("image") || task.contains("object-detection") || task.contains("depth") => "image",
                task if task.contains("audio") || task.contains("speech") => "audio",
                "time-series-forecasting" => "timeseries",
                "robotics" | "reinforcement-learning" | "graph-ml" | "other" => continue,
                _ => "text",
            };
            found.insert(modality);
        }
    }
    found
}

/// Walks the features of a card, which are a list of `{name, dtype}` with further lists inside.
fn add_features(features: &Value, depth: usize, found: &mut BTreeSet<&'static str>) {
    if depth > 8 {
        return;
    }
    for feature in features.as_array().into_iter().flatten() {
        let dtype = feature.get("dtype").or_else(|| feature.get("sequence")).or_else(|| feature.get("list"));
        match dtype {
            Some(Value::String(dtype)) => {
                let modality = match dtype.as_str() {
                    "string" | "large_string" => "text",
                    "image" => "image",
                    "audio" => "audio",
                    "video" => "video",
                    "pdf" => "document",
                    dtype if dtype.starts_with("int") || dtype.starts_with("uint") || dtype.starts_with("float") => "tabular",
                    _ => continue,
                };
                found.insert(modality);
            }
            Some(nested) => add_features(nested, depth + 1, found),
            None => add_features(feature.get("struct").unwrap_or(&Value::Null), depth + 1, found),
        }
    }
}
