//! What a list can be narrowed by: the keys of its address, the facets behind them, and the words people read.

use hub_cards::known;
use hub_search::Facet;
use hub_types::RepoType;

use crate::repos::pages::tags;
use crate::repos::{apps, audience};
use crate::search::document::{HAS_RESULTS, INFERENCE_OFF};
use crate::search::hardware;

/// A facet of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// Its key in the address; the Hub's where that has one.
    pub key: &'static str,
    /// What it is in the index.
    pub facet: Facet,
    /// Its heading.
    pub label: &'static str,
    /// How many values are shown before one asks for all.
    pub shown: usize,
    /// What the Hub writes before its values in addresses. With and without it is the same.
    pub prefix: &'static str,
}

const fn group(key: &'static str, facet: Facet, label: &'static str, shown: usize, prefix: &'static str) -> Group {
    Group { key, facet, label, shown, prefix }
}

const LIBRARY: Group = group("library", Facet::Library, "Library", 6, "library:");
const LANGUAGE: Group = group("language", Facet::Language, "Language", 6, "language:");
const LICENSE: Group = group("license", Facet::License, "Licence", 6, "license:");
const OTHER: Group = group("other", Facet::Tag, "Other tags", 6, "");
const GATED: Group = group("gated", Facet::Gated, "Asks for access", 2, "");
const REGION: Group = group("region", Facet::Region, "Region", 3, "region:");

const MODEL: &[Group] = &[
    group("pipeline_tag", Facet::Task, "Task", 8, ""),
    LIBRARY,
    LICENSE,
    LANGUAGE,
    group("hardware", Facet::Hardware, "Fits on", 6, ""),
    group("apps", Facet::App, "App", 4, ""),
    group("relation", Facet::Relation, "Made as", 5, ""),
    group("precision", Facet::Precision, "Precision", 5, ""),
    group("quantization", Facet::Quantization, "Quantisation", 4, ""),
    group("dataset", Facet::TrainedOn, "Trained on", 5, "dataset:"),
    group("base_model", Facet::BaseModel, "Base model", 5, "base_model:"),
    group("evaluated", Facet::Evaluated, "Evaluated on", 4, ""),
    group("inference", Facet::Inference, "Inference", 3, ""),
    GATED,
    REGION,
    OTHER,
];

const DATASET: &[Group] = &[
    group("modality", Facet::Modality, "Modality", 9, "modality:"),
    group("pipeline_tag", Facet::Task, "Task", 8, "task_categories:"),
    group("format", Facet::Format, "Format", 6, "format:"),
    group("size_categories", Facet::SizeCategory, "Rows", 10, "size_categories:"),
    LICENSE,
    LANGUAGE,
    LIBRARY,
    GATED,
    REGION,
    OTHER,
];

const SPACE: &[Group] = &[
    group("sdk", Facet::Sdk, "SDK", 4, ""),
    group("status", Facet::Status, "Status", 4, ""),
    group("hardware", Facet::Hardware, "Made for", 6, ""),
    LICENSE,
    OTHER,
];

/// The facets of a kind of repository, in the order they are shown.
pub(super) const fn groups(kind: RepoType) -> &'static [Group] {
    match kind {
        RepoType::Model => MODEL,
        RepoType::Dataset => DATASET,
        RepoType::Space => SPACE,
        RepoType::Bucket => &[],
    }
}

/// A facet by its key.
pub(super) fn find(kind: RepoType, key: &str) -> Option<&'static Group> {
    groups(kind).iter().find(|group| group.key == key)
}

impl Group {
    /// The words for a value.
    pub(super) fn value_label(&self, value: &str) -> String {
        let known = |list: &[(&str, &str)]| list.iter().find(|(id, _)| *id == value).map(|(_, label)| (*label).to_owned());
        let found = match self.facet {
            Facet::Task => Some(tags::task_label(value)),
            Facet::Library => Some(tags::library_label(value)),
            Facet::Language => Some(tags::language_label(value)),
            Facet::Sdk => Some(capital(value)),
            Facet::Status => known(STAGES).or_else(|| Some(capital(value))),
            Facet::Inference => known(&[(INFERENCE_OFF, "Turned off by its card")]),
            Facet::Modality => known(MODALITIES).or_else(|| Some(capital(value))),
            Facet::Gated => known(GATES),
            Facet::Relation => known(RELATIONS),
            Facet::App => apps::find(value).map(|app| app.label.to_owned()),
            Facet::Hardware if value == hardware::NOT_KNOWN => Some("Not known".to_owned()),
            Facet::Hardware => hardware::find(value).map(|class| class.label.to_owned()).or_else(|| known(MACHINES)),
            Facet::Precision => Some(value.to_uppercase()),
            Facet::Evaluated => known(&[(HAS_RESULTS, "Any data")]),
            Facet::Region => Some(value.to_uppercase()),
            Facet::Tag if value == audience::TAG => Some(audience::LABEL.to_owned()),
            _ => None,
        };
        found.unwrap_or_else(|| value.to_owned())
    }

    /// The values that people know by words with a text in them. Only of facets whose values have words of their own.
    pub(super) fn values_called(&self, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let values: Vec<&str> = match self.facet {
            Facet::Task => known::TASKS.iter().chain(known::FORMER_TASKS).map(|task| task.id).collect(),
            Facet::Library => known::LIBRARIES.iter().chain(known::DATASET_LIBRARIES).map(|(id, _)| *id).collect(),
            Facet::Language => tags::LANGUAGES.iter().map(|(code, _)| *code).collect(),
            Facet::App => apps::APPS.iter().map(|app| app.name).collect(),
            _ => Vec::new(),
        };
        values.into_iter().filter(|value| self.value_label(value).to_lowercase().contains(&text)).map(str::to_owned).collect()
    }

    /// Values in a fixed order, for facets whose values have one; the others go by how many there are.
    pub(super) fn order(&self) -> Vec<&'static str> {
        match self.facet {
            Facet::SizeCategory => known::SIZE_CATEGORIES.to_vec(),
            Facet::Hardware => hardware::CLASSES.iter().map(|class| class.name).collect(),
            _ => Vec::new(),
        }
    }
}

/// What tasks work on, in the order in which their sections are shown: the word that `known::Task::group` has, and the heading.
const SECTIONS: &[(&str, &str)] = &[
    ("multimodal", "Multimodal"),
    ("cv", "Computer vision"),
    ("nlp", "Natural language"),
    ("audio", "Audio"),
    ("tabular", "Tabular"),
    ("rl", "Reinforcement learning"),
    ("other", "Other"),
];

/// The place and the heading of the section that a task is in.
pub(super) fn section_of(task: &str) -> (usize, &'static str) {
    let group = known::find_any_task(task).map_or("other", |task| task.group);
    let place = SECTIONS.iter().position(|(id, _)| *id == group).unwrap_or(SECTIONS.len() - 1);
    (place, SECTIONS.get(place).map_or("Other", |(_, label)| *label))
}

const MODALITIES: &[(&str, &str)] = &[("3d", "3D"), ("timeseries", "Time series")];
const STAGES: &[(&str, &str)] =
    &[("stopped", "Not running"), ("no_app_file", "Has no app file"), ("config_error", "Card names no known SDK")];
/// The machines that the Hub lets Spaces run on, of those most cards name.
const MACHINES: &[(&str, &str)] = &[
    ("cpu-basic", "CPU, basic"),
    ("cpu-upgrade", "CPU, upgraded"),
    ("zero-a10g", "ZeroGPU"),
    ("t4-small", "Nvidia T4, small"),
    ("t4-medium", "Nvidia T4, medium"),
    ("l4x1", "Nvidia L4"),
    ("l4x4", "Four Nvidia L4"),
    ("l40sx1", "Nvidia L40S"),
    ("a10g-small", "Nvidia A10G, small"),
    ("a10g-large", "Nvidia A10G, large"),
    ("a10g-largex2", "Two Nvidia A10G, large"),
    ("a10g-largex4", "Four Nvidia A10G, large"),
    ("a100-large", "Nvidia A100, large"),
    ("h100", "Nvidia H100"),
];
const GATES: &[(&str, &str)] = &[("auto", "Yes, granted at once"), ("manual", "Yes, granted by the owner")];
const RELATIONS: &[(&str, &str)] =
    &[("original", "Original"), ("finetune", "Finetune"), ("adapter", "Adapter"), ("merge", "Merge"), ("quantized", "Quantised")];
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
