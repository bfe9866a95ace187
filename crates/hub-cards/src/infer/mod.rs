//! What a card does not say and its repository's files give away.
//!
//! [`crate::derive`] finds what follows from names and small files, for nothing. [`licence_of`] and [`language_of`] read
//! texts, which takes milliseconds: the hub does that in the background. Nothing here is ever taken for the card's own word.

mod language;
mod licence;

use serde::{Deserialize, Serialize};

pub use language::language_of;
pub use licence::{MAX_LICENCE_BYTES, is_licence_file, licence_of};

use crate::card::edit::KeyValue;
use crate::card::metadata::CardMetadata;

/// A key of the card that files can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKey {
    /// The licence.
    License,
    /// The model's task.
    PipelineTag,
    /// The library that loads the model.
    LibraryName,
    /// The model it was made from.
    BaseModel,
    /// The language.
    Language,
    /// The number of rows of a dataset.
    SizeCategories,
}

impl FactKey {
    /// The key as cards have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::License => "license",
            Self::PipelineTag => "pipeline_tag",
            Self::LibraryName => "library_name",
            Self::BaseModel => "base_model",
            Self::Language => "language",
            Self::SizeCategories => "size_categories",
        }
    }

    /// Whether a card says it itself.
    pub fn is_said_by(self, card: &CardMetadata) -> bool {
        match self {
            Self::License => !card.license.is_empty() || card.license_name.is_some(),
            Self::PipelineTag => card.pipeline_tag.is_some(),
            Self::LibraryName => card.library_name.is_some(),
            Self::BaseModel => !card.base_model.is_empty(),
            Self::Language => !card.language.is_empty(),
            Self::SizeCategories => !card.size_categories.is_empty(),
        }
    }
}

/// A fact that the card leaves out, and where it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inferred {
    /// The key of the card that would say it.
    pub key: FactKey,
    /// What it would say.
    pub value: String,
    /// The file that gives it away.
    pub file: String,
    /// What in that file, for people.
    pub because: String,
    /// Whether it can hardly be otherwise.
    pub sure: bool,
}

impl Inferred {
    /// The value as the card's metadata has it.
    pub fn key_value(&self) -> KeyValue {
        match self.key {
            FactKey::Language | FactKey::SizeCategories => KeyValue::List(vec![self.value.clone()]),
            FactKey::License | FactKey::PipelineTag | FactKey::LibraryName | FactKey::BaseModel => {
                KeyValue::Text(self.value.clone())
            }
        }
    }
}
