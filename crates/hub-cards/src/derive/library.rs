//! The library and task of a model, and how it relates to its base models.

use serde_json::Value;

use super::{Derived, Files};
use crate::card::known;
use crate::card::metadata::{BaseModelRelation, CardMetadata};

/// The card's word, or what the files give away.
pub(super) fn library_name(card: &CardMetadata, files: &Files<'_>) -> Option<String> {
    let from_card = card.library_name.clone().filter(|name| name.len() <= 100);
    from_card.or_else(|| from_files(card, files).map(str::to_owned))
}

fn from_files(card: &CardMetadata, files: &Files<'_>) -> Option<&'static str> {
    let config = files.json("config.json");
    let config_has = |key: &str| config.is_some_and(|config| config.contains_key(key));
    let tagged = |name: &str| card.tags.iter().any(|tag| tag == name);
    if files.has("modules.json") || files.has("config_sentence_transformers.json") {
        return Some("sentence-transformers");
    }
    if files.has("model_index.json") || config_has("_diffusers_version") {
        return Some("diffusers");
    }
    if files.has("config_setfit.json") {
        return Some("setfit");
    }
    if files.has("adapter_config.json") {
        return Some("peft");
    }
    if config_has("pretrained_cfg") || (config_has("architecture") && config_has("num_features")) {
        return Some("timm");
    }
    if files.has("open_clip_config.json") {
        return Some("open_clip");
    }
    if files.has("meta.json") && files.has("config.cfg") {
        return Some("spacy");
    }
    if files.has_ending(".nemo") {
        return Some("nemo");
    }
    if files.has_ending(".keras") || (files.has("saved_model.pb") && files.has("keras_metadata.pb")) {
        return Some("keras");
    }
    if config_has("sklearn") {
        return Some("sklearn");
    }
    // Libraries whose files have common names are known by the card's tags.
    let by_tag = known::LIBRARIES.iter().map(|(id, _)| *id).find(|id| SPECIFIC.contains(id) && tagged(id));
    if by_tag.is_some() {
        return by_tag;
    }
    if config_has("architectures") || config_has("model_type") {
        return Some("transformers");
    }
    if files.has_ending(".gguf") {
        return Some("gguf");
    }
    // Formats count as libraries where nothing better is known.
    [(".onnx", "onnx"), (".tflite", "tflite"), (".mlmodel", "coreml"), (".safetensors", "safetensors")]
        .into_iter()
        .find_map(|(ending, name)| files.has_ending(ending).then_some(name))
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
