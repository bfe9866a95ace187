//! The form's fields: which keys of the metadata each kind of card has, and how they are chosen.

use hub_cards::{CardMetadata, KeyValue, known};
use hub_types::RepoType;

use super::super::tags;
use crate::accounts::page::CheckedForm;
use crate::web::form::Choice;

/// The most values in one field.
const MAX_VALUES: usize = 100;

/// A key of the metadata that has a field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// The key, which is the field's name as well.
    pub name: &'static str,
    label: &'static str,
    hint: &'static str,
    how: How,
}

/// How a value is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Typed.
    Text,
    /// Typed, several with commas between.
    List,
    /// One of a known list.
    Choice(Known),
    /// Typed, several, each of a known list that is offered.
    Several(Known),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Licenses,
    Tasks,
    Libraries,
    Languages,
    Sizes,
    Sdks,
}

const fn key(name: &'static str, label: &'static str, hint: &'static str, how: How) -> Key {
    Key { name, label, hint, how }
}

const LICENSE: Key = key("license", "Licence", "", How::Choice(Known::Licenses));
const LANGUAGE: Key = key("language", "Languages", "Codes such as `en, de`", How::Several(Known::Languages));
const TAGS: Key = key("tags", "Tags", "With commas between", How::List);

const MODEL: &[Key] = &[
    LICENSE,
    LANGUAGE,
    key("pipeline_tag", "Task", "", How::Choice(Known::Tasks)),
    key("library_name", "Library", "", How::Choice(Known::Libraries)),
    key("base_model", "Base models", "`owner/name`, with commas between", How::List),
    key("datasets", "Trained on", "Datasets as `owner/name`, with commas between", How::List),
    TAGS,
];
const DATASET: &[Key] = &[
    key("pretty_name", "Title", "", How::Text),
    LICENSE,
    LANGUAGE,
    key("task_categories", "Tasks", "Such as `text-generation`, with commas between", How::Several(Known::Tasks)),
    key("size_categories", "Rows", "", How::Several(Known::Sizes)),
    TAGS,
];
const SPACE: &[Key] = &[
    key("title", "Title", "", How::Text),
    key("emoji", "Emoji", "", How::Text),
    key("sdk", "SDK", "", How::Choice(Known::Sdks)),
    key("short_description", "In a sentence", "", How::Text),
    key("models", "Models it uses", "`owner/name`, with commas between", How::List),
    key("datasets", "Datasets it uses", "`owner/name`, with commas between", How::List),
    LICENSE,
    TAGS,
];

/// The keys of a kind of card.
pub(super) const fn keys_of(kind: RepoType) -> &'static [Key] {
    match kind {
        RepoType::Model => MODEL,
        RepoType::Dataset => DATASET,
        RepoType::Space | RepoType::Bucket => SPACE,
    }
}

impl Known {
    /// Values with their labels.
    fn values(self) -> Vec<(&'static str, String)> {
        let same = |id: &&'static str| (*id, (*id).to_owned());
        match self {
            Self::Licenses => known::LICENSES.iter().map(same).collect(),
            Self::Tasks => known::TASKS.iter().map(|task| (task.id, task.label.to_owned())).collect(),
            Self::Libraries => known::LIBRARIES.iter().map(|(id, label)| (*id, (*label).to_owned())).collect(),
            Self::Languages => known::LANGUAGES.iter().map(|(id, label)| (*id, (*label).to_owned())).collect(),
            Self::Sizes => known::SIZE_CATEGORIES.iter().map(same).collect(),
            Self::Sdks => known::SDKS.iter().map(same).collect(),
        }
    }
}

/// A field as the page shows it.
#[derive(Debug, Clone)]
pub(super) struct MetaField {
    /// The key, with which its names begin.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// What helps to fill it in.
    pub hint: &'static str,
    /// What is in it.
    pub value: String,
    /// What was in it when the block of YAML was written: only what differs is changed there.
    pub was: String,
    /// Options of a choice; empty for what is typed.
    pub choices: Vec<Choice>,
    /// Values to offer while somebody types.
    pub offers: Vec<(&'static str, String)>,
}

impl MetaField {
    fn new(key: &Key, value: String, was: String) -> Self {
        let (choices, offers) = match key.how {
            How::Choice(list) => (choices(list, &value), Vec::new()),
            How::Several(list) => (Vec::new(), list.values()),
            How::Text | How::List => (Vec::new(), Vec::new()),
        };
        Self { name: key.name, label: key.label, hint: key.hint, value, was, choices, offers }
    }

    /// Whether the author changed it.
    pub(super) fn is_changed(&self) -> bool {
        self.value.trim() != self.was.trim()
    }
}

/// All values of a list to choose from, the one that is none of them, and nothing.
fn choices(list: Known, value: &str) -> Vec<Choice> {
    let values = list.values();
    let unknown = !value.is_empty() && !values.iter().any(|(id, _)| *id == value);
    let none = Choice::new("", "Not said", value);
    let own = unknown.then(|| Choice::new(value, value, value));
    let known = values.into_iter().map(|(id, label)| Choice::new(id, label, value));
    std::iter::once(none).chain(own).chain(known).collect()
}

/// The fields as the metadata fills them.
pub(super) fn of_card(kind: RepoType, card: &CardMetadata) -> Vec<MetaField> {
    let field = |key: &Key| {
        let value = value_in(card, key.name);
        MetaField::new(key, value.clone(), value)
    };
    keys_of(kind).iter().map(field).collect()
}

/// The fields as somebody filled them.
pub(super) fn of_form<const LIMIT: usize>(kind: RepoType, form: &CheckedForm<LIMIT>) -> Vec<MetaField> {
    let field = |key: &Key| {
        MetaField::new(
            key,
            form.text(&format!("meta-{}", key.name)).to_owned(),
            form.text(&format!("was-{}", key.name)).to_owned(),
        )
    };
    keys_of(kind).iter().map(field).collect()
}

fn value_in(card: &CardMetadata, key: &str) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match key {
        "license" => card.license.join(", "),
        "language" => card.language.join(", "),
        "pipeline_tag" => text(&card.pipeline_tag),
        "library_name" => text(&card.library_name),
        "base_model" => card.base_model.join(", "),
        "datasets" => card.datasets.join(", "),
        "models" => card.models.join(", "),
        "tags" => card.tags.join(", "),
        "pretty_name" => text(&card.pretty_name),
        "task_categories" => card.task_categories.join(", "),
        "size_categories" => card.size_categories.join(", "),
        "title" => text(&card.title),
        "emoji" => text(&card.emoji),
        "sdk" => text(&card.sdk),
        "short_description" => text(&card.short_description),
        _ => String::new(),
    }
}

/// What a field's text means for its key.
pub(super) fn key_value(kind: RepoType, field: &MetaField) -> KeyValue {
    let how = keys_of(kind).iter().find(|key| key.name == field.name).map(|key| key.how);
    match how {
        Some(How::List | How::Several(_)) => {
            let values = field.value.split(',').map(str::trim).filter(|value| !value.is_empty()).take(MAX_VALUES);
            KeyValue::List(values.map(str::to_owned).collect())
        }
        _ if field.value.trim().is_empty() => KeyValue::Absent,
        _ => KeyValue::Text(field.value.trim().to_owned()),
    }
}

/// Values of the fields that are in no known list, as sentences.
pub(super) fn unknown_values(kind: RepoType, fields: &[MetaField]) -> Vec<String> {
    let mut found = Vec::new();
    for (key, field) in keys_of(kind).iter().zip(fields) {
        let How::Several(list) = key.how else { continue };
        let values = list.values();
        let unknown = field.value.split(',').map(str::trim).filter(|value| !value.is_empty());
        let unknown = unknown.filter(|value| !values.iter().any(|(id, _)| id == value));
        found.extend(unknown.map(|value| format!("{}: `{}` is not a known value.", key.label, tags::language_label(value))));
    }
    found
}
