//! What a list can be narrowed by: the keys of its address, the facets behind them, and the words people read.

use hub_cards::known;
use hub_search::Facet;
use hub_types::RepoType;

use crate::repos::apps;
use crate::repos::pages::tags;
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
    group("evaluated", Facet::Evaluated, "Evaluation", 2, ""),
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

const SPACE: &[Group] = &[group("sdk", Facet::Sdk, "SDK", 4, ""), LICENSE, OTHER];

/// The facets of a kind of repository, in the order they are shown.
pub(super) const fn groups(kind: RepoType) -> &'static [Group] {
    match kind {
        RepoType::Model => MODEL,
        RepoType::Dataset => DATASET,
        RepoType::Space => SPACE,
        RepoType::Bucket => &[],
    }
}

impl Group {
    /// The words for a value.
    pub(super) fn value_label(&self, value: &str) -> String {
        let known = |list: &[(&str, &str)]| list.iter().find(|(id, _)| *id == value).map(|(_, label)| (*label).to_owned());
        let found = match self.facet {
            Facet::Task => Some(tags::task_label(value)),
            Facet::Library => Some(tags::library_label(value)),
            Facet::Language => Some(tags::language_label(value)),
            Facet::Sdk | Facet::Status => Some(capital(value)),
            Facet::Modality => known(MODALITIES).or_else(|| Some(capital(value))),
            Facet::Gated => known(GATES),
            Facet::Relation => known(RELATIONS),
            Facet::App => apps::find(value).map(|app| app.label.to_owned()),
            Facet::Hardware => hardware::CLASSES.iter().find(|class| class.name == value).map(|class| class.label.to_owned()),
            Facet::Precision => Some(value.to_uppercase()),
            Facet::Evaluated => known(&[("results", "With results in the card")]),
            Facet::Region => Some(value.to_uppercase()),
            _ => None,
        };
        found.unwrap_or_else(|| value.to_owned())
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

const MODALITIES: &[(&str, &str)] = &[("3d", "3D"), ("timeseries", "Time series")];
const GATES: &[(&str, &str)] = &[("auto", "Yes, granted at once"), ("manual", "Yes, granted by the owner")];
const RELATIONS: &[(&str, &str)] =
    &[("original", "Original"), ("finetune", "Finetune"), ("adapter", "Adapter"), ("merge", "Merge"), ("quantized", "Quantised")];
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
