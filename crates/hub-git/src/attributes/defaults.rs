use hub_types::RepoType;

use super::LFS_ATTRIBUTES;

/// Weights, archives and arrays.
const COMMON: &[&str] = &[
    "*.7z",
    "*.arrow",
    "*.bin",
    "*.bz2",
    "*.ckpt",
    "*.ftz",
    "*.gz",
    "*.h5",
    "*.joblib",
    "*.lfs.*",
    "*.mlmodel",
    "*.model",
    "*.msgpack",
    "*.npy",
    "*.npz",
    "*.onnx",
    "*.ot",
    "*.parquet",
    "*.pb",
    "*.pickle",
    "*.pkl",
    "*.pt",
    "*.pth",
    "*.rar",
    "*.safetensors",
    "saved_model/**/*",
    "*.tar.*",
    "*.tar",
    "*.tflite",
    "*.tgz",
    "*.wasm",
    "*.xz",
    "*.zip",
    "*.zst",
    "*tfevents*",
];

/// What datasets have besides.
const DATASET: &[(&str, &[&str])] = &[
    ("Dataset shards", &["*.lz4", "*.mds"]),
    ("Audio files - uncompressed", &["*.pcm", "*.sam", "*.raw"]),
    ("Audio files - compressed", &["*.aac", "*.flac", "*.mp3", "*.ogg", "*.wav"]),
    ("Image files - uncompressed", &["*.bmp", "*.gif", "*.png", "*.tiff"]),
    ("Image files - compressed", &["*.jpg", "*.jpeg", "*.webp"]),
    ("Video files - compressed", &["*.avi", "*.mkv", "*.mov", "*.mp4", "*.webm"]),
];

/// The `.gitattributes` that a new repository starts with.
pub fn default_attributes(kind: RepoType) -> String {
    let mut text = lines(COMMON);
    if kind == RepoType::Dataset {
        for (title, patterns) in DATASET {
            text.push_str(&format!("# {title}\n{}", lines(patterns)));
        }
    }
    text
}

fn lines(patterns: &[&str]) -> String {
    patterns.iter().map(|pattern| format!("{pattern} {LFS_ATTRIBUTES}\n")).collect()
}
