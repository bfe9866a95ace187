//! The format and modality of a dataset, and which libraries load it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Input;

const FORMATS: &[(&str, &[&str])] = &[
    ("parquet", &["parquet"]),
    ("json", &["jsonl", "json", "ndjson"]),
    ("csv", &["csv", "tsv"]),
    ("arrow", &["arrow"]),
    ("lance", &["lance"]),
    ("webdataset", &["tar"]),
    ("imagefolder", &["jpg", "jpeg", "png", "webp", "bmp", "gif", "tiff"]),
    ("audiofolder", &["wav", "mp3", "flac", "ogg", "opus", "m4a"]),
    ("text", &["txt"]),
];

/// Files that are about the data.
const NOT_DATA: &[&str] =
    &["dataset_infos.json", "dataset_info.json", "state.json", "requirements.txt", "license.txt", "config.json"];

/// What files of one kind of data are named like.
const MODALITIES: &[(&str, &[&str])] = &[
    (
        "3d",
        &[
            "glb", "gltf", "obj", "ply", "stl", "fbx", "off", "dae", "3mf", "usd", "usda", "usdc", "usdz", "blend", "las", "laz",
            "pcd", "e57",
        ],
    ),
    (
        "geospatial",
        &[
            "geojson",
            "topojson",
            "shp",
            "shx",
            "gpkg",
            "kml",
            "kmz",
            "gml",
            "gpx",
            "fgb",
            "geoparquet",
            "mbtiles",
            "pmtiles",
            "osm",
            "grib",
            "grib2",
        ],
    ),
    ("document", &["pdf", "doc", "docx", "odt", "rtf", "ppt", "pptx", "odp", "epub", "djvu", "xps"]),
    ("timeseries", &["tsf"]),
];
/// How many in a hundred data files are enough for a modality: a paper beside the data is not the data.
const ENOUGH_PERCENT: usize = 10;

/// The ending of a data file, in small letters.
fn extension(path: &str) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    if NOT_DATA.contains(&name.as_str()) || path.starts_with('.') {
        return None;
    }
    let name = [".gz", ".zst", ".bz2", ".xz"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    name.rsplit_once('.').map(|(_, extension)| extension.to_owned())
}

/// The format most of the data files have.
pub(super) fn format(paths: &[String]) -> Option<&'static str> {
    let counts = count(paths, FORMATS);
    // `max_by_key` keeps the last of equals; the table is ordered by preference.
    let best = (0..FORMATS.len()).rev().max_by_key(|index| counts[*index])?;
    (counts[best] > 0).then_some(FORMATS[best].0)
}

/// How many files have an ending of each row.
fn count(paths: &[String], rows: &[(&str, &[&str])]) -> Vec<usize> {
    let mut counts = vec![0_usize; rows.len()];
    for extension in paths.iter().filter_map(|path| extension(path)) {
        if let Some(index) = rows.iter().position(|(_, extensions)| extensions.contains(&extension.as_str())) {
            counts[index] += 1;
        }
    }
    counts
}

/// What the names of the data files say that they are, of what no format stands for.
fn by_files(paths: &[String]) -> impl Iterator<Item = &'static str> {
    let counts = count(paths, MODALITIES);
    let all: usize = counts.iter().chain(&count(paths, FORMATS)).sum();
    let enough = move |count: usize| count > 0 && count * 100 >= all * ENOUGH_PERCENT;
    MODALITIES.iter().zip(counts).filter(move |(_, count)| enough(*count)).map(|((modality, _), _)| *modality)
}

/// Libraries that make or keep datasets, by which cards tag them.
const BY_TAG: &[&str] = &[
    "argilla",
    "datadesigner",
    "distilabel",
    "fiftyone",
    "harbor",
    "lance",
    "lerobot",
    "nemo-gym",
    "openenv",
    "verifiers",
    "webdataset",
];

/// Libraries that load the data, and those that its card or its files say it was made with.
pub(super) fn libraries(input: Input<'_>, format: Option<&'static str>) -> Vec<&'static str> {
    let mut found = match format {
        Some(format @ ("parquet" | "json" | "csv")) => {
            // One reads a file, the other all of them as one table.
            let frames = if is_in_parts(input.paths, format) { "dask" } else { "pandas" };
            vec!["datasets", frames, "polars", "mlcroissant"]
        }
        Some("webdataset") => vec!["datasets", "webdataset", "mlcroissant"],
        Some("lance") => vec!["datasets", "lance"],
        Some("arrow" | "text" | "imagefolder" | "audiofolder") => vec!["datasets", "mlcroissant"],
        _ => Vec::new(),
    };
    let is_tagged = |name: &&str| input.card.tags.iter().any(|tag| tag.eq_ignore_ascii_case(name));
    found.extend(BY_TAG.iter().copied().filter(is_tagged));
    let has = |name: &str| input.paths.iter().any(|path| path == name);
    let has_in = |start: &str| input.paths.iter().any(|path| path.starts_with(start));
    if has("meta/info.json") && (has_in("meta/episodes") || has_in("meta/tasks")) {
        found.push("lerobot");
    }
    if has("fiftyone.yml") || has("fiftyone.yaml") {
        found.push("fiftyone");
    }
    if has_in(".argilla/") {
        found.push("argilla");
    }
    found
}

/// Whether there are files of a format whose names differ in digits alone, as those of shards do.
fn is_in_parts(paths: &[String], format: &str) -> bool {
    let Some((_, extensions)) = FORMATS.iter().find(|(name, _)| *name == format) else { return false };
    let data = paths.iter().filter(|path| extension(path).is_some_and(|found| extensions.contains(&found.as_str())));
    let mut seen = BTreeSet::new();
    data.map(|path| path.chars().filter(|letter| !letter.is_ascii_digit()).collect::<String>()).any(|name| !seen.insert(name))
}

/// What the data is: by the features the card lists, the format and the names of the files, else by the tasks.
pub(super) fn modalities(input: Input<'_>, format: Option<&str>) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    if let Some(info) = &input.card.dataset_info {
        let infos = info.as_array().map_or(std::slice::from_ref(info), Vec::as_slice);
        for features in infos.iter().filter_map(|info| info.get("features")) {
            let mut columns = Columns::default();
            columns.add(features, 0);
            found.extend(columns.modalities());
        }
    }
    match format {
        Some("imagefolder") => found.extend(["image"]),
        Some("audiofolder") => found.extend(["audio"]),
        Some("text") => found.extend(["text"]),
        _ => {}
    }
    found.extend(by_files(input.paths));
    if found.is_empty() {
        for task in &input.card.task_categories {
            let modality = match task.as_str() {
                task if task.starts_with("tabular") => "tabular",
                task if task.contains("3d") => "3d",
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

/// What is in the columns of a configuration.
#[derive(Default)]
struct Columns {
    found: BTreeSet<&'static str>,
    moments: usize,
    numbers: usize,
    texts: usize,
}

impl Columns {
    /// Walks the features of a card, which are a list of `{name, dtype}` with further lists inside.
    fn add(&mut self, features: &Value, depth: usize) {
        if depth > 8 {
            return;
        }
        for feature in features.as_array().into_iter().flatten() {
            let dtype = feature.get("dtype").or_else(|| feature.get("sequence")).or_else(|| feature.get("list"));
            match dtype {
                Some(Value::String(dtype)) => self.add_one(dtype),
                Some(nested) => self.add(nested, depth + 1),
                None => self.add(feature.get("struct").unwrap_or(&Value::Null), depth + 1),
            }
        }
    }

    fn add_one(&mut self, dtype: &str) {
        let modality = match dtype {
            "string" | "large_string" => {
                self.texts += 1;
                "text"
            }
            "image" => "image",
            "audio" => "audio",
            "video" => "video",
            "pdf" => "document",
            dtype if dtype.starts_with("int") || dtype.starts_with("uint") || dtype.starts_with("float") => {
                self.numbers += 1;
                "tabular"
            }
            dtype if dtype.starts_with("timestamp") || dtype.starts_with("date") => {
                self.moments += 1;
                return;
            }
            _ => return,
        };
        self.found.insert(modality);
    }

    /// With a moment and more numbers than texts they are a time series.
    fn modalities(self) -> BTreeSet<&'static str> {
        let mut found = self.found;
        if self.moments > 0 && self.numbers > self.texts {
            found.insert("timeseries");
        }
        found
    }
}
