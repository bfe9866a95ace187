//! The library and task of a model, and how it relates to its base models.

use serde_json::Value;

use super::{Derived, Files};
use crate::card::known;
use crate::card::metadata::{BaseModelRelation, CardMetadata};

/// A library, and the file that gives it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByFile {
    /// The library.
    pub name: &'static str,
    /// The file.
    pub file: String,
    /// What of it.
    pub because: &'static str,
    /// Whether only this library has such files.
    pub sure: bool,
}

/// The card's word, or what the files or its tags give away.
pub(super) fn library_name(card: &CardMetadata, files: &Files<'_>) -> Option<String> {
    let from_card = card.library_name.clone().filter(|name| name.len() <= 100);
    let from_files = || own_files(files).map(|found| found.name);
    let name = || from_files().or_else(|| by_tag(card)).or_else(|| common_files(files).map(|found| found.name));
    from_card.or_else(|| name().map(str::to_owned))
}

/// The library that the files give away, where the card's tags do not say it.
pub(super) fn by_files(card: &CardMetadata, files: &Files<'_>) -> Option<ByFile> {
    own_files(files).or_else(|| if by_tag(card).is_some() { None } else { common_files(files) })
}

/// Files that only one library has.
fn own_files(files: &Files<'_>) -> Option<ByFile> {
    const CONFIG: &str = "config.json";
    let config = files.json(CONFIG);
    let config_has = |key: &str| config.is_some_and(|config| config.contains_key(key));
    let named =
        |file: &'static str, name: &'static str| files.has(file).then(|| ByFile::certain(name, file, "a file of its own"));
    let keyed = |key: &'static str, name: &'static str| config_has(key).then(|| ByFile::certain(name, CONFIG, key));
    let ending = |ending: &'static str, name: &'static str| {
        files.first_ending(ending).map(|file| ByFile::certain(name, file, "a file of its own"))
    };
    named("modules.json", "sentence-transformers")
        .or_else(|| named("config_sentence_transformers.json", "sentence-transformers"))
        .or_else(|| named("model_index.json", "diffusers"))
        .or_else(|| keyed("_diffusers_version", "diffusers"))
        .or_else(|| named("config_setfit.json", "setfit"))
        .or_else(|| named("adapter_config.json", "peft"))
        .or_else(|| keyed("pretrained_cfg", "timm"))
        .or_else(|| keyed("architecture", "timm").filter(|_| config_has("num_features")))
        .or_else(|| named("open_clip_config.json", "open_clip"))
        .or_else(|| named("config.cfg", "spacy").filter(|_| files.has("meta.json")))
        .or_else(|| named("gliner_config.json", "gliner"))
        .or_else(|| named("hyperparams.yaml", "speechbrain"))
        .or_else(|| named("models/default.zip", "stanza"))
        .or_else(|| named("topics.json", "bertopic").filter(|_| files.root_matches(|name| name.starts_with("topic_embeddings."))))
        .or_else(|| keyed("model_type", "model2vec").filter(|_| files.text(CONFIG, "model_type") == Some("model2vec")))
        .or_else(|| ending(".pdparams", "paddlenlp").filter(|_| files.has("model_config.json")))
        .or_else(|| ending(".sentis", "unity-sentis"))
        .or_else(|| ending(".nemo", "nemo"))
        .or_else(|| ending(".keras", "keras"))
        .or_else(|| named("keras_metadata.pb", "keras").filter(|_| files.has("saved_model.pb")))
        .or_else(|| keyed("sklearn", "sklearn"))
}

/// Libraries whose files have common names are known by the card's tags.
fn by_tag(card: &CardMetadata) -> Option<&'static str> {
    let tagged = |name: &str| card.tags.iter().any(|tag| tag == name);
    known::LIBRARIES.iter().map(|(id, _)| *id).find(|id| SPECIFIC.contains(id) && tagged(id))
}

/// Files that several libraries have, and formats, which count as libraries where nothing better is known.
fn common_files(files: &Files<'_>) -> Option<ByFile> {
    let config = files.json("config.json");
    let key = ["architectures", "model_type"].into_iter().find(|key| config.is_some_and(|config| config.contains_key(*key)));
    if let Some(key) = key {
        return Some(ByFile::certain("transformers", "config.json", key));
    }
    let formats =
        [(".gguf", "gguf"), (".onnx", "onnx"), (".tflite", "tflite"), (".mlmodel", "coreml"), (".safetensors", "safetensors")];
    formats.into_iter().find_map(|(ending, name)| {
        let file = files.first_ending(ending)?;
        Some(ByFile { sure: name == "gguf", ..ByFile::certain(name, file, "the format of its weights") })
    })
}

impl ByFile {
    fn certain(name: &'static str, file: &str, because: &'static str) -> Self {
        Self { name, file: file.to_owned(), because, sure: true }
    }
}

const SPECIFIC: &[&str] = &[
    "adapter-transformers",
    "allennlp",
    "asteroid",
    "bertopic",
    "espnet",
    "fastai",
    "fasttext",
    "flair",
    "gliner",
    "lerobot",
    "ml-agents",
    "mlx",
    "model2vec",
    "paddlenlp",
    "pyannote-audio",
    "sklearn",
    "span-marker",
    "speechbrain",
    "stable-baselines3",
    "stanza",
    "transformers.js",
    "ultralytics",
    "unity-sentis",
];

/// The card's word, then the library's nature, then a tag that is a task, then the architecture.
pub(super) fn pipeline_tag(card: &CardMetadata, files: &Files<'_>, derived: &Derived) -> Option<String> {
    if let Some(tag) = card.pipeline_tag.clone().filter(|tag| tag.len() <= 100) {
        return Some(tag);
    }
    match derived.library_name.as_deref() {
        Some("sentence-transformers") => return Some("sentence-similarity".to_owned()),
        Some("timm") => return Some("image-classification".to_owned()),
        Some("setfit") => return Some("text-classification".to_owned()),
        Some("spacy") => return Some("token-classification".to_owned()),
        Some("diffusers") => {
            if let Some(task) = diffusers_task(files) {
                return Some(task.to_owned());
            }
        }
        _ => {}
    }
    let tag = card.tags.iter().find(|tag| *tag != "other" && known::find_task(tag).is_some());
    let architecture = || derived.transformers_info.as_ref()?.get("pipeline_tag")?.as_str().map(str::to_owned);
    tag.cloned().or_else(architecture)
}

fn diffusers_task(files: &Files<'_>) -> Option<&'static str> {
    let class = files.text("model_index.json", "_class_name")?;
    let has = |part: &str| class.contains(part);
    Some(match () {
        () if has("Img2Img") || has("Inpaint") || has("Edit") || has("Upscale") => "image-to-image",
        () if has("ImageToVideo") || has("VideoDiffusion") => "image-to-video",
        () if has("Video") || has("Wan") || has("CogVideo") || has("Mochi") || has("LTX") => "text-to-video",
        () if has("Audio") || has("MusicLDM") => "text-to-audio",
        () if has("DDPM") || has("DDIM") || has("ScoreSde") || has("PNDM") => "unconditional-image-generation",
        () => "text-to-image",
    })
}

/// The card's base models; an adapter's own configuration names one too.
pub(super) fn base_models(card: &CardMetadata, files: &Files<'_>) -> Vec<String> {
    let mut models: Vec<String> = card.base_model.iter().filter(|model| is_repo_name(model)).take(20).cloned().collect();
    if models.is_empty()
        && let Some(model) = files.text("adapter_config.json", "base_model_name_or_path").filter(|model| is_repo_name(model))
    {
        models.push(model.to_owned());
    }
    models
}

/// `namespace/name` or a name alone, and no path on somebody's disk.
fn is_repo_name(text: &str) -> bool {
    text.split('/').count() <= 2 && text.split('/').all(|part| hub_types::check_name(part).is_ok())
}

pub(super) fn base_model_relation(card: &CardMetadata, files: &Files<'_>) -> BaseModelRelation {
    let tagged = |names: &[&str]| card.tags.iter().any(|tag| names.contains(&tag.to_ascii_lowercase().as_str()));
    if let Some(relation) = card.base_model_relation {
        return relation;
    }
    if files.has("adapter_config.json") || card.library_name.as_deref() == Some("peft") || tagged(&["lora"]) {
        return BaseModelRelation::Adapter;
    }
    if card.base_model.len() > 1 || tagged(&["merge", "mergekit"]) {
        return BaseModelRelation::Merge;
    }
    if files.has_ending(".gguf") || quantization(files).is_some() {
        return BaseModelRelation::Quantized;
    }
    BaseModelRelation::Finetune
}

/// How the weights were packed, and into how many bits.
pub(super) fn quantization(files: &Files<'_>) -> Option<(String, Option<u64>)> {
    let config = files.json("config.json")?;
    let settings = config.get("quantization_config").or_else(|| config.get("quantization"))?;
    let bits = settings.get("bits").or_else(|| settings.get("w_bit")).and_then(Value::as_u64);
    let flag = |key: &str| settings.get(key).and_then(Value::as_bool).unwrap_or_default();
    let bits = bits.or_else(|| flag("load_in_4bit").then_some(4)).or_else(|| flag("load_in_8bit").then_some(8));
    let method = settings.get("quant_method").and_then(Value::as_str).unwrap_or_default();
    Some((method.chars().take(40).collect(), bits))
}
