//! What `config.json` and `tokenizer_config.json` say to `transformers`.

use serde_json::{Map, Value, json};

use super::Files;

/// Architectures by the end of their name: the class that loads them, and their task.
const HEADS: &[(&str, &str, Option<&str>)] = &[
    ("ForCausalLM", "AutoModelForCausalLM", Some("text-generation")),
    ("LMHeadModel", "AutoModelForCausalLM", Some("text-generation")),
    ("ForMaskedLM", "AutoModelForMaskedLM", Some("fill-mask")),
    ("ForPreTraining", "AutoModelForPreTraining", None),
    ("ForSequenceClassification", "AutoModelForSequenceClassification", Some("text-classification")),
    ("ForTokenClassification", "AutoModelForTokenClassification", Some("token-classification")),
    ("ForQuestionAnswering", "AutoModelForQuestionAnswering", Some("question-answering")),
    ("ForMultipleChoice", "AutoModelForMultipleChoice", Some("multiple-choice")),
    ("ForImageClassification", "AutoModelForImageClassification", Some("image-classification")),
    ("ForZeroShotObjectDetection", "AutoModelForZeroShotObjectDetection", Some("zero-shot-object-detection")),
    ("ForObjectDetection", "AutoModelForObjectDetection", Some("object-detection")),
    ("ForSemanticSegmentation", "AutoModelForSemanticSegmentation", Some("image-segmentation")),
    ("ForInstanceSegmentation", "AutoModelForInstanceSegmentation", Some("image-segmentation")),
    ("ForUniversalSegmentation", "AutoModelForUniversalSegmentation", Some("image-segmentation")),
    ("ForImageSegmentation", "AutoModelForImageSegmentation", Some("image-segmentation")),
    ("ForDepthEstimation", "AutoModelForDepthEstimation", Some("depth-estimation")),
    ("ForVideoClassification", "AutoModelForVideoClassification", Some("video-classification")),
    ("ForCTC", "AutoModelForCTC", Some("automatic-speech-recognition")),
    ("ForSpeechSeq2Seq", "AutoModelForSpeechSeq2Seq", Some("automatic-speech-recognition")),
    ("ForAudioClassification", "AutoModelForAudioClassification", Some("audio-classification")),
    ("ForTextToWaveform", "AutoModelForTextToWaveform", Some("text-to-audio")),
    ("ForVisualQuestionAnswering", "AutoModelForVisualQuestionAnswering", Some("visual-question-answering")),
    ("ForTableQuestionAnswering", "AutoModelForTableQuestionAnswering", Some("table-question-answering")),
    ("MTModel", "AutoModelForSeq2SeqLM", Some("translation")),
    ("VisionEncoderDecoderModel", "AutoModelForImageTextToText", Some("image-to-text")),
];

/// Model types whose `…ForConditionalGeneration` listens or sees.
const SPEECH: &[&str] = &["whisper", "speech_to_text", "speecht5", "moonshine", "seamless_m4t"];
const VISION_LANGUAGE: &[&str] = &[
    "llava",
    "llava_next",
    "llava_onevision",
    "qwen2_vl",
    "qwen2_5_vl",
    "qwen3_vl",
    "paligemma",
    "idefics",
    "idefics2",
    "idefics3",
    "smolvlm",
    "gemma3",
    "gemma3n",
    "mllama",
    "mistral3",
    "pixtral",
    "internvl",
    "florence2",
    "kosmos-2",
    "fuyu",
    "aya_vision",
];
const CAPTIONING: &[&str] = &["blip", "blip-2", "git", "pix2struct", "instructblip"];
/// Model types whose bare model sees.
const VISION: &[&str] =
    &["vit", "dinov2", "dinov3_vit", "swin", "beit", "convnext", "deit", "resnet", "vit_mae", "hiera", "ijepa"];
const IMAGE_AND_TEXT: &[&str] = &["clip", "siglip", "siglip2", "align", "altclip", "chinese_clip"];

/// The object `transformersInfo` of the API. Clients refuse keys beside these four.
pub(super) fn info(files: &Files<'_>) -> Option<Value> {
    let config = files.json("config.json")?;
    let architecture = architecture(config)?;
    let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
    let (auto_model, task) = head(architecture, model_type);
    let mut info = Map::new();
    info.insert("auto_model".to_owned(), json!(auto_model));
    if let Some(class) = config.get("auto_map").and_then(|map| map.get(auto_model)).and_then(Value::as_str) {
        info.insert("custom_class".to_owned(), json!(class));
    }
    if let Some(task) = task {
        info.insert("pipeline_tag".to_owned(), json!(task));
    }
    let tokenizer = ["tokenizer_config.json", "tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "tokenizer.model"];
    if files.has("preprocessor_config.json") || files.has("processor_config.json") {
        info.insert("processor".to_owned(), json!("AutoProcessor"));
    } else if tokenizer.iter().any(|name| files.has(name)) {
        info.insert("processor".to_owned(), json!("AutoTokenizer"));
    }
    Some(Value::Object(info))
}

fn architecture(config: &Map<String, Value>) -> Option<&str> {
    config.get("architectures")?.as_array()?.first()?.as_str()
}

fn head(architecture: &str, model_type: &str) -> (&'static str, Option<&'static str>) {
    if architecture.ends_with("ForConditionalGeneration") {
        return match model_type {
            kind if SPEECH.contains(&kind) => ("AutoModelForSpeechSeq2Seq", Some("automatic-speech-recognition")),
            kind if VISION_LANGUAGE.contains(&kind) => ("AutoModelForImageTextToText", Some("image-text-to-text")),
            kind if CAPTIONING.contains(&kind) => ("AutoModelForImageTextToText", Some("image-to-text")),
            _ => ("AutoModelForSeq2SeqLM", None),
        };
    }
    if let Some((_, auto_model, task)) = HEADS.iter().find(|(end, ..)| architecture.ends_with(end)) {
        return (auto_model, *task);
    }
    match model_type {
        kind if IMAGE_AND_TEXT.contains(&kind) => {
            ("AutoModelForZeroShotImageClassification", Some("zero-shot-image-classification"))
        }
        kind if VISION.contains(&kind) => ("AutoModel", Some("image-feature-extraction")),
        _ => ("AutoModel", Some("feature-extraction")),
    }
}

/// The architecture, when its name says by itself that the model is for this task.
pub(super) fn architecture_for<'a>(files: &'a Files<'_>, task: &str) -> Option<&'a str> {
    let config = files.json("config.json")?;
    let architecture = architecture(config)?;
    let says = architecture.ends_with("ForConditionalGeneration") || HEADS.iter().any(|(end, ..)| architecture.ends_with(end));
    let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
    (says && head(architecture, model_type).1 == Some(task)).then_some(architecture)
}

/// The object `config` of the API: enough to tell what the model is and how to talk to it.
pub(super) fn config_subset(files: &Files<'_>) -> Option<Value> {
    let mut subset = Map::new();
    if let Some(config) = files.json("config.json") {
        copy(config, &["architectures", "model_type", "auto_map"], &mut subset);
        if let Some(settings) = config.get("quantization_config").and_then(Value::as_object) {
            let mut kept = Map::new();
            copy(settings, &["quant_method", "bits", "load_in_4bit", "load_in_8bit"], &mut kept);
            subset.insert("quantization_config".to_owned(), Value::Object(kept));
        }
    }
    if let Some(tokenizer) = files.json("tokenizer_config.json") {
        let mut kept = Map::new();
        for key in ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"] {
            if let Some(token) = tokenizer.get(key).and_then(token_text) {
                kept.insert(key.to_owned(), json!(token));
            }
        }
        copy(tokenizer, &["chat_template"], &mut kept);
        subset.insert("tokenizer_config".to_owned(), Value::Object(kept));
    }
    if let Some(index) = files.json("model_index.json") {
        let mut kept = Map::new();
        copy(index, &["_class_name"], &mut kept);
        subset.insert("diffusers".to_owned(), Value::Object(kept));
    }
    if let Some(adapter) = files.json("adapter_config.json") {
        let mut kept = Map::new();
        copy(adapter, &["base_model_name_or_path", "task_type", "peft_type"], &mut kept);
        subset.insert("peft".to_owned(), Value::Object(kept));
    }
    (!subset.is_empty()).then_some(Value::Object(subset))
}

/// The numbers that say how much memory a token of context takes: layers, heads of keys and values, their width, and the
/// longest context. Models that see or hear have those of the part that writes under `text_config`.
pub(super) fn shape(files: &Files<'_>) -> Option<Value> {
    let config = files.json("config.json")?;
    let config = config.get("text_config").and_then(Value::as_object).unwrap_or(config);
    let number = |names: &[&str]| names.iter().find_map(|name| config.get(*name)?.as_u64()).filter(|number| *number > 0);
    let layers = number(&["num_hidden_layers", "n_layer", "num_layers"])?;
    let heads = number(&["num_attention_heads", "n_head", "num_heads"])?;
    let kv_heads = number(&["num_key_value_heads"]).unwrap_or(heads);
    let head_dim = match number(&["head_dim", "d_kv"]) {
        Some(width) => width,
        None => number(&["hidden_size", "n_embd", "d_model"])? / heads,
    };
    let mut shape = json!({ "layers": layers, "kv_heads": kv_heads, "head_dim": head_dim });
    if let Some(longest) = number(&["max_position_embeddings", "n_positions", "max_seq_len"]) {
        shape["max_context"] = json!(longest);
    }
    Some(shape)
}

/// Copies values up to a size that a list of repositories can carry.
fn copy(from: &Map<String, Value>, keys: &[&str], to: &mut Map<String, Value>) {
    for key in keys {
        if let Some(value) = from.get(*key).filter(|value| !value.is_null() && value.to_string().len() <= 64 << 10) {
            to.insert((*key).to_owned(), value.clone());
        }
    }
}

/// A token is a text, or an object with the text under `content`.
fn token_text(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str()).filter(|text| text.len() <= 200)
}

pub(super) fn mask_token(files: &Files<'_>) -> Option<String> {
    token_text(files.json("tokenizer_config.json")?.get("mask_token")?).map(str::to_owned)
}
