//! What a repository is, worked out from its card, the names of its files and its small JSON files.
//!
//! [`derive`] is a pure function: the hub calls it before the transaction that moves the default
//! branch, and stores the result as columns.

mod dataset;
mod inferred;
mod library;
mod references;
mod space;
mod tags;
mod transformers;

use std::collections::BTreeMap;

use hub_types::RepoType;
use serde_json::{Map, Value};

use crate::card::metadata::{BaseModelRelation, CardMetadata};
use crate::infer::Inferred;

/// The files in the root whose content [`derive`] looks at, when they are there.
pub const SMALL_FILES: &[&str] = &[
    "config.json",
    "tokenizer_config.json",
    "adapter_config.json",
    "modules.json",
    "model_index.json",
    "config_sentence_transformers.json",
];
/// Larger ones are passed over.
pub const MAX_SMALL_FILE_BYTES: usize = 4 << 20;
/// The most tags a repository gets.
const MAX_TAGS: usize = 500;
/// The longest tag.
const MAX_TAG_CHARS: usize = 200;

/// What is known about a repository.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// What kind it is.
    pub repo_type: RepoType,
    /// Its card's metadata.
    pub card: &'a CardMetadata,
    /// Its card's Markdown, in which papers are looked for.
    pub body: &'a str,
    /// Paths of its files: all, or those in the root and the folders below it.
    pub paths: &'a [String],
    /// The bytes of [`SMALL_FILES`] by name.
    pub contents: &'a BTreeMap<String, Vec<u8>>,
}

/// What follows from it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Derived {
    /// The library that loads the model.
    pub library_name: Option<String>,
    /// The model's task.
    pub pipeline_tag: Option<String>,
    /// Tags in the Hub's form: `transformers`, `license:mit`, `dataset:ns/x`, `region:us`, …
    pub tags: Vec<String>,
    /// The part of the configuration files that the API shows.
    pub config: Option<Value>,
    /// How `transformers` loads the model.
    pub transformers_info: Option<Value>,
    /// What the memory for a context follows from: `layers`, `kv_heads`, `head_dim`, `max_context`.
    pub shape: Option<Value>,
    /// The token that stands for the word to be guessed.
    pub mask_token: Option<String>,
    /// The models it was made from.
    pub base_models: Vec<String>,
    /// How it was made from them, when there are any.
    pub base_model_relation: Option<BaseModelRelation>,
    /// What keeps a Space from running, in the words of the Hub: `NO_APP_FILE`, `CONFIG_ERROR`; `STOPPED` if nothing does.
    pub stage: Option<&'static str>,
    /// The rows of a dataset, where its card lists its splits with their rows.
    pub num_rows: Option<u64>,
    /// What of this the card does not say itself, and what else small files tell.
    pub inferred: Vec<Inferred>,
}

/// Works it out.
pub fn derive(input: Input<'_>) -> Derived {
    let files = Files::new(input);
    let mut derived = Derived::default();
    match input.repo_type {
        RepoType::Model => {
            derived.library_name = library::library_name(input.card, &files);
            derived.transformers_info = transformers::info(&files);
            derived.pipeline_tag = library::pipeline_tag(input.card, &files, &derived);
            derived.config = transformers::config_subset(&files);
            derived.shape = transformers::shape(&files);
            derived.mask_token = transformers::mask_token(&files);
            derived.base_models = library::base_models(input.card, &files);
            if !derived.base_models.is_empty() {
                derived.base_model_relation = Some(library::base_model_relation(input.card, &files));
            }
            derived.tags = tags::of_model(input, &files, &derived);
            derived.inferred = inferred::of_model(input, &files, &derived);
        }
        RepoType::Dataset => {
            derived.tags = tags::of_dataset(input);
            derived.num_rows = input.card.dataset_info.as_ref().and_then(inferred::rows_of);
            derived.inferred = inferred::of_dataset(input, derived.num_rows);
        }
        RepoType::Space => {
            derived.tags = tags::of_space(input);
            derived.stage = Some(space::stage(input));
        }
        RepoType::Bucket => {}
    }
    derived
}

/// The files as the rules ask for them.
struct Files<'a> {
    paths: &'a [String],
    json: BTreeMap<&'a str, Map<String, Value>>,
}

impl<'a> Files<'a> {
    fn new(input: Input<'a>) -> Self {
        let parse = |bytes: &Vec<u8>| {
            // Files that people put there by mistake, or with `NaN` in them, count as absent.
            let bytes = Some(bytes).filter(|bytes| bytes.len() <= MAX_SMALL_FILE_BYTES)?;
            serde_json::from_slice::<Map<String, Value>>(bytes).ok()
        };
        let json = input.contents.iter().filter_map(|(name, bytes)| Some((name.as_str(), parse(bytes)?))).collect();
        Self { paths: input.paths, json }
    }

    /// Whether the root has this file.
    fn has(&self, name: &str) -> bool {
        self.paths.iter().any(|path| path == name)
    }

    /// Whether a file's name ends so, in any folder.
    fn has_ending(&self, ending: &str) -> bool {
        self.paths.iter().any(|path| path.ends_with(ending))
    }

    /// The first file whose name ends so, in any folder.
    fn first_ending(&self, ending: &str) -> Option<&str> {
        self.paths.iter().find(|path| path.ends_with(ending)).map(String::as_str)
    }

    /// Whether a file in the root is named so.
    fn root_matches(&self, test: impl Fn(&str) -> bool) -> bool {
        self.paths.iter().filter(|path| !path.contains('/')).any(|path| test(path))
    }

    fn json(&self, name: &str) -> Option<&Map<String, Value>> {
        self.json.get(name)
    }

    fn text(&self, name: &str, key: &str) -> Option<&str> {
        self.json(name)?.get(key)?.as_str()
    }
}

#[cfg(test)]
mod tests;
