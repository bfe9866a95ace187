//! The metadata block with the types of the Hub's card specification.

use serde::Serialize;
use serde_json::{Map, Value};

use super::front_matter::{self, CardError};

/// How a model came from its base model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BaseModelRelation {
    /// A small module to be loaded on top.
    Adapter,
    /// Several models' weights combined.
    Merge,
    /// The same model in fewer bits.
    Quantized,
    /// Trained further.
    Finetune,
}

impl BaseModelRelation {
    /// The word the card and the tags use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adapter => "adapter",
            Self::Merge => "merge",
            Self::Quantized => "quantized",
            Self::Finetune => "finetune",
        }
    }

    /// Reads the card's word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Adapter, Self::Merge, Self::Quantized, Self::Finetune].into_iter().find(|relation| relation.as_str() == word)
    }
}

/// What a card says. Where the specification has a text or a list of texts, both are read as a list;
/// a value of another type counts as absent here and is reported by [`crate::validate`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CardMetadata {
    /// Licence identifiers, lower case.
    pub license: Vec<String>,
    /// The name of a licence that is not in the list.
    pub license_name: Option<String>,
    /// Where its text is.
    pub license_link: Option<String>,
    /// Language codes.
    pub language: Vec<String>,
    /// Free tags.
    pub tags: Vec<String>,
    /// The model's task.
    pub pipeline_tag: Option<String>,
    /// The library that loads the model.
    pub library_name: Option<String>,
    /// The models this one was made from.
    pub base_model: Vec<String>,
    /// How it was made from them.
    pub base_model_relation: Option<BaseModelRelation>,
    /// A newer version of this model.
    pub new_version: Option<String>,
    /// Datasets it was trained on, or that a Space uses.
    pub datasets: Vec<String>,
    /// Models that a Space uses.
    pub models: Vec<String>,
    /// Metrics it was measured by.
    pub metrics: Vec<String>,
    /// Evaluation results, as given.
    pub model_index: Option<Value>,
    /// Tasks a dataset is for.
    pub task_categories: Vec<String>,
    /// Finer tasks.
    pub task_ids: Vec<String>,
    /// Row-count buckets.
    pub size_categories: Vec<String>,
    /// How many languages: `monolingual`, …
    pub multilinguality: Vec<String>,
    /// Who wrote the text.
    pub language_creators: Vec<String>,
    /// Who made the labels.
    pub annotations_creators: Vec<String>,
    /// What a dataset was made from.
    pub source_datasets: Vec<String>,
    /// A dataset's displayed name.
    pub pretty_name: Option<String>,
    /// A dataset's configurations, as given.
    pub configs: Option<Value>,
    /// A dataset's features and splits, as given.
    pub dataset_info: Option<Value>,
    /// A dataset's identifier on Papers with Code.
    pub paperswithcode_id: Option<String>,
    /// What a Space runs on.
    pub sdk: Option<String>,
    /// The version of it.
    pub sdk_version: Option<String>,
    /// The file a Space starts.
    pub app_file: Option<String>,
    /// The port a Docker Space listens on.
    pub app_port: Option<u16>,
    /// The machine that a Space's author would have it run on: `cpu-basic`, …
    pub suggested_hardware: Option<String>,
    /// A Space's title.
    pub title: Option<String>,
    /// A Space's emoji.
    pub emoji: Option<String>,
    /// Gradient of a Space's card.
    pub color_from: Option<String>,
    /// Gradient of a Space's card.
    pub color_to: Option<String>,
    /// One line about a Space.
    pub short_description: Option<String>,
    /// A picture for previews.
    pub thumbnail: Option<String>,
    /// Whether the card is pinned on its owner's page.
    pub pinned: bool,
    /// The heading of the form that asks for access.
    pub extra_gated_heading: Option<String>,
    /// The text above that form.
    pub extra_gated_prompt: Option<String>,
    /// The form's fields, as given.
    pub extra_gated_fields: Option<Value>,
    /// The label of the form's button.
    pub extra_gated_button_content: Option<String>,
    /// Examples for trying the model, as given.
    pub widget: Option<Value>,
    /// Whether and how the model may be run, as given.
    pub inference: Option<Value>,
    /// The prompt that belongs to the model's style.
    pub instance_prompt: Option<String>,
    /// `false` keeps the viewer off.
    pub viewer: Option<bool>,
}

impl CardMetadata {
    /// Reads the metadata of a README.
    ///
    /// # Errors
    /// The block cannot be read, see [`front_matter::parse`].
    pub fn parse(text: &str) -> Result<Self, CardError> {
        Ok(Self::from_map(&front_matter::parse(text)?))
    }

    /// Gives the parsed block its types.
    pub fn from_map(map: &Map<String, Value>) -> Self {
        let text = |key: &str| map.get(key).and_then(scalar_text);
        let texts = |key: &str| map.get(key).map(list_of_texts).unwrap_or_default();
        let lower = |key: &str| texts(key).into_iter().map(|text| text.to_ascii_lowercase()).collect();
        let raw = |key: &str| map.get(key).filter(|value| !value.is_null()).cloned();
        let first = |one: &str, other: &str| if map.contains_key(one) { texts(one) } else { texts(other) };
        Self {
            license: lower("license"),
            license_name: text("license_name"),
            license_link: text("license_link"),
            language: first("language", "languages"),
            tags: texts("tags"),
            pipeline_tag: text("pipeline_tag"),
            library_name: text("library_name"),
            base_model: texts("base_model"),
            base_model_relation: text("base_model_relation").and_then(|word| BaseModelRelation::from_word(&word)),
            new_version: text("new_version"),
            datasets: texts("datasets"),
            models: texts("models"),
            metrics: texts("metrics"),
            model_index: raw("model-index"),
            task_categories: texts("task_categories"),
            task_ids: texts("task_ids"),
            size_categories: texts("size_categories"),
            multilinguality: texts("multilinguality"),
            language_creators: texts("language_creators"),
            annotations_creators: texts("annotations_creators"),
            source_datasets: texts("source_datasets"),
            pretty_name: text("pretty_name"),
            configs: raw("configs"),
            dataset_info: raw("dataset_info"),
            paperswithcode_id: text("paperswithcode_id"),
            sdk: text("sdk"),
            sdk_version: text("sdk_version"),
            app_file: text("app_file"),
            app_port: map.get("app_port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok()),
            suggested_hardware: text("suggested_hardware"),
            title: text("title"),
            emoji: text("emoji"),
            color_from: text("colorFrom"),
            color_to: text("colorTo"),
            short_description: text("short_description"),
            thumbnail: text("thumbnail"),
            pinned: map.get("pinned").and_then(Value::as_bool).unwrap_or_default(),
            extra_gated_heading: text("extra_gated_heading"),
            extra_gated_prompt: text("extra_gated_prompt"),
            extra_gated_fields: raw("extra_gated_fields"),
            extra_gated_button_content: text("extra_gated_button_content"),
            widget: raw("widget"),
            inference: raw("inference"),
            instance_prompt: text("instance_prompt"),
            viewer: map.get("viewer").and_then(Value::as_bool),
        }
    }
}

/// A text, or a number or truth value as people write them without quotes (`sdk_version: 5.0`).
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A list of texts from a text or a list. Old dataset cards have mappings from configuration to list
/// here; their values are taken together.
fn list_of_texts(value: &Value) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut add = |text: Option<String>| {
        if let Some(text) = text.filter(|text| !texts.contains(text) && texts.len() < MAX_LIST) {
            texts.push(text);
        }
    };
    match value {
        Value::Array(items) => items.iter().for_each(|item| add(scalar_text(item))),
        Value::Object(map) => {
            map.values().filter_map(Value::as_array).flatten().for_each(|item| add(scalar_text(item)));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => add(scalar_text(value)),
    }
    texts
}

/// How many entries of a list are used.
const MAX_LIST: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_and_a_list_mean_the_same() {
        let one = CardMetadata::parse("---\nlanguage: en\nlicense: MIT\ntags: x\nbase_model: a/b\n---\n").unwrap();
        let many = CardMetadata::parse("---\nlanguage: [en]\nlicense: [mit]\ntags: [x, x]\nbase_model: [a/b]\n---\n").unwrap();
        assert_eq!(one, many);
        assert_eq!(one.license, ["mit"]);
    }

    #[test]
    fn values_of_a_wrong_type_count_as_absent() {
        let card =
            CardMetadata::parse("---\nlicense: {a: b}\npipeline_tag: [x]\ntags: [[a], b, 3]\napp_port: 99999\n---\n").unwrap();
        assert_eq!((card.license.len(), card.pipeline_tag, card.app_port), (0, None, None));
        assert_eq!(card.tags, ["b", "3"]);
    }

    #[test]
    fn a_space_card_is_read() {
        let card = CardMetadata::parse(
            "---\ntitle: Demo\nemoji: 🚀\ncolorFrom: red\nsdk: gradio\nsdk_version: 5.1\npinned: true\n---\n",
        )
        .unwrap();
        assert_eq!((card.title.as_deref(), card.sdk_version.as_deref(), card.pinned), (Some("Demo"), Some("5.1"), true));
    }
}
