//! Tags in the form and order of the Hub.

use std::collections::HashSet;

use serde_json::Value;

use super::{Derived, Files, Input, MAX_TAG_CHARS, MAX_TAGS, dataset, library, references};

/// Tags in order, each once.
#[derive(Default)]
struct Tags {
    list: Vec<String>,
    seen: HashSet<String>,
}

impl Tags {
    fn add(&mut self, tag: impl Into<String>) {
        let tag: String = tag.into();
        let usable = !tag.is_empty() && tag.chars().count() <= MAX_TAG_CHARS && !tag.chars().any(char::is_control);
        if usable && self.list.len() < MAX_TAGS && self.seen.insert(tag.clone()) {
            self.list.push(tag);
        }
    }

    fn add_all(&mut self, prefix: &str, values: &[String]) {
        values.iter().for_each(|value| self.add(format!("{prefix}{value}")));
    }

    /// Where everything is kept, last as on the Hub.
    fn finish(mut self) -> Vec<String> {
        if self.list.len() >= MAX_TAGS {
            self.list.truncate(MAX_TAGS - 1);
        }
        self.list.push("region:us".to_owned());
        self.list
    }
}

pub(super) fn of_model(input: Input<'_>, files: &Files<'_>, derived: &Derived) -> Vec<String> {
    let card = input.card;
    let mut tags = Tags::default();
    tags.add(derived.library_name.clone().unwrap_or_default());
    weight_formats(files).into_iter().for_each(|format| tags.add(format));
    tags.add(files.text("config.json", "model_type").unwrap_or_default());
    if let Some(class) = files.text("model_index.json", "_class_name") {
        tags.add(format!("diffusers:{class}"));
    }
    tags.add(derived.pipeline_tag.clone().unwrap_or_default());
    tags.add_all("", &card.tags);
    let chat = files.json("tokenizer_config.json").is_some_and(|tokenizer| tokenizer.contains_key("chat_template"));
    if chat || files.has("chat_template.jinja") {
        tags.add("conversational");
    }
    if files.json("config.json").is_some_and(|config| config.contains_key("auto_map")) {
        tags.add("custom_code");
    }
    tags.add_all("", &card.language);
    tags.add_all("dataset:", &card.datasets);
    references::arxiv_ids(input.body).iter().for_each(|id| tags.add(format!("arxiv:{id}")));
    tags.add_all("base_model:", &derived.base_models);
    if let Some(relation) = derived.base_model_relation {
        tags.add_all(&format!("base_model:{}:", relation.as_str()), &derived.base_models);
    }
    tags.add_all("license:", &card.license);
    if card.model_index.as_ref().and_then(Value::as_array).is_some_and(|results| !results.is_empty()) {
        tags.add("model-index");
    }
    if let Some((method, bits)) = library::quantization(files) {
        bits.into_iter().for_each(|bits| tags.add(format!("{bits}-bit")));
        tags.add(method);
    }
    tags.finish()
}

/// Formats of weights, by the files that hold them.
fn weight_formats(files: &Files<'_>) -> Vec<&'static str> {
    let starts =
        |prefix: &'static str, end: &'static str| files.root_matches(|name| name.starts_with(prefix) && name.ends_with(end));
    let formats = [
        (
            "pytorch",
            starts("pytorch_model", ".bin") || files.root_matches(|name| name.ends_with(".pt") || name.ends_with(".pth")),
        ),
        ("tf", starts("tf_model", ".h5")),
        ("jax", starts("flax_model", ".msgpack")),
        ("rust", files.has("rust_model.ot")),
        ("coreml", files.has_ending(".mlmodel") || files.has_ending(".mlpackage/Manifest.json")),
        ("onnx", files.has_ending(".onnx")),
        ("safetensors", files.has_ending(".safetensors")),
        ("openvino", files.has_ending("openvino_model.xml")),
        ("tensorboard", files.paths.iter().any(|path| path.contains("events.out.tfevents"))),
        ("tflite", files.has_ending(".tflite")),
        ("gguf", files.has_ending(".gguf")),
        ("joblib", files.has_ending(".joblib")),
    ];
    formats.into_iter().filter_map(|(format, there)| there.then_some(format)).collect()
}

pub(super) fn of_dataset(input: Input<'_>) -> Vec<String> {
    let card = input.card;
    let mut tags = Tags::default();
    tags.add_all("task_categories:", &card.task_categories);
    tags.add_all("task_ids:", &card.task_ids);
    tags.add_all("annotations_creators:", &card.annotations_creators);
    tags.add_all("language_creators:", &card.language_creators);
    tags.add_all("multilinguality:", &card.multilinguality);
    tags.add_all("source_datasets:", &card.source_datasets);
    tags.add_all("language:", &card.language);
    tags.add_all("license:", &card.license);
    tags.add_all("size_categories:", &card.size_categories);
    let format = dataset::format(input.paths);
    format.into_iter().for_each(|format| tags.add(format!("format:{format}")));
    dataset::modalities(input, format).into_iter().for_each(|modality| tags.add(format!("modality:{modality}")));
    for library in dataset::libraries(input, format) {
        tags.add(format!("library:{library}"));
    }
    references::arxiv_ids(input.body).iter().for_each(|id| tags.add(format!("arxiv:{id}")));
    tags.add_all("", &card.tags);
    tags.finish()
}

pub(super) fn of_space(input: Input<'_>) -> Vec<String> {
    let card = input.card;
    let mut tags = Tags::default();
    tags.add(card.sdk.clone().unwrap_or_default());
    tags.add_all("", &card.tags);
    tags.add_all("license:", &card.license);
    tags.finish()
}
