//! Which of the derived facts the card does not say itself, and what gave them away.

use serde_json::Value;

use super::{Derived, Files, Input, library, transformers};
use crate::card::known;
use crate::infer::{FactKey, Inferred};

/// Libraries most of whose models are for one task.
const ONE_TASK: &[&str] = &["sentence-transformers", "timm", "setfit", "spacy"];

/// The facts about a model that only its files tell.
pub(super) fn of_model(input: Input<'_>, files: &Files<'_>, derived: &Derived) -> Vec<Inferred> {
    let found = [library(input, files), task(input, files, derived), base_model(files, derived)];
    found.into_iter().flatten().filter(|fact| !fact.key.is_said_by(input.card)).collect()
}

fn fact(key: FactKey, value: &str, file: &str, because: String, sure: bool) -> Inferred {
    // Names in files are as long as their authors like.
    let because = because.chars().take(200).collect();
    Inferred { key, value: value.to_owned(), file: file.to_owned(), because, sure }
}

fn library(input: Input<'_>, files: &Files<'_>) -> Option<Inferred> {
    let found = library::by_files(input.card, files)?;
    Some(fact(FactKey::LibraryName, found.name, &found.file, found.because.to_owned(), found.sure))
}

fn task(input: Input<'_>, files: &Files<'_>, derived: &Derived) -> Option<Inferred> {
    // A tag that is a task is the card's word.
    let tagged = |task: &str| input.card.tags.iter().any(|tag| tag == task);
    let task = derived.pipeline_tag.as_deref().filter(|task| known::find_task(task).is_some() && !tagged(task))?;
    if let Some(architecture) = transformers::architecture_for(files, task) {
        return Some(fact(FactKey::PipelineTag, task, "config.json", format!("the architecture {architecture}"), true));
    }
    if derived.library_name.as_deref() == Some("diffusers")
        && let Some(class) = files.text("model_index.json", "_class_name")
    {
        return Some(fact(FactKey::PipelineTag, task, "model_index.json", format!("the pipeline {class}"), false));
    }
    let library = library::by_files(input.card, files).filter(|library| ONE_TASK.contains(&library.name))?;
    Some(fact(FactKey::PipelineTag, task, &library.file, format!("what most models for {} do", library.name), false))
}

fn base_model(files: &Files<'_>, derived: &Derived) -> Option<Inferred> {
    let model = derived.base_models.first()?;
    let named = files.text("adapter_config.json", "base_model_name_or_path") == Some(model);
    // A name alone is a folder as often as a repository.
    let because = "base_model_name_or_path".to_owned();
    named.then(|| fact(FactKey::BaseModel, model, "adapter_config.json", because, model.contains('/')))
}

/// What a card leaves out of the number of rows, though it lists the splits.
pub(super) fn of_dataset(input: Input<'_>, rows: Option<u64>) -> Vec<Inferred> {
    if FactKey::SizeCategories.is_said_by(input.card) {
        return Vec::new();
    }
    let category = rows.and_then(|rows| Some((rows, size_category(rows)?)));
    let because = |rows: u64| format!("`num_examples` of its splits: {rows}");
    category
        .map(|(rows, category)| fact(FactKey::SizeCategories, category, "README.md", because(rows), true))
        .into_iter()
        .collect()
}

/// The rows of all splits of all configurations; nothing when one does not say.
pub(super) fn rows_of(info: &Value) -> Option<u64> {
    let infos = info.as_array().map_or(std::slice::from_ref(info), Vec::as_slice);
    let splits = infos.iter().map(|info| info.get("splits")?.as_array());
    let splits: Vec<&Value> = splits.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    let rows = splits.iter().map(|split| split.get("num_examples")?.as_u64());
    let total = rows.collect::<Option<Vec<u64>>>()?.into_iter().fold(0, u64::saturating_add);
    (total > 0).then_some(total)
}

/// The words of cards for a number of rows: a thousand, ten thousand, and so on are where one ends.
fn size_category(rows: u64) -> Option<&'static str> {
    let step = (0..10).find(|step| rows < 1_000 * 10_u64.pow(*step)).unwrap_or(10);
    known::SIZE_CATEGORIES.get(usize::try_from(step).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hub_types::RepoType;
    use serde_json::json;

    use super::*;
    use crate::card::metadata::CardMetadata;
    use crate::derive::derive;

    fn of(kind: RepoType, readme: &str, paths: &[&str], contents: &[(&str, Value)]) -> Vec<(&'static str, String, String, bool)> {
        let card = CardMetadata::parse(readme).unwrap();
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let contents: BTreeMap<_, _> =
            contents.iter().map(|(name, value)| ((*name).to_owned(), value.to_string().into_bytes())).collect();
        let derived = derive(Input { repo_type: kind, card: &card, body: "", paths: &paths, contents: &contents });
        derived.inferred.into_iter().map(|fact| (fact.key.as_str(), fact.value, fact.file, fact.sure)).collect()
    }

    fn found(key: &'static str, value: &str, file: &str, sure: bool) -> (&'static str, String, String, bool) {
        (key, value.to_owned(), file.to_owned(), sure)
    }

    #[test]
    fn what_the_card_says_is_not_inferred() {
        let config = json!({"architectures": ["BertForMaskedLM"], "model_type": "bert"});
        let contents = [("config.json", config)];
        let of = |readme: &str| of(RepoType::Model, readme, &["config.json"], &contents);
        assert_eq!(
            of(""),
            [found("library_name", "transformers", "config.json", true), found("pipeline_tag", "fill-mask", "config.json", true)]
        );
        assert_eq!(of("---\nlibrary_name: x\n---\n"), [found("pipeline_tag", "fill-mask", "config.json", true)]);
        assert_eq!(of("---\nlibrary_name: x\ntags: [summarization]\n---\n"), []);
        assert_eq!(of("---\nlibrary_name: x\npipeline_tag: fill-mask\n---\n"), []);
    }

    #[test]
    fn what_is_only_usual_is_not_sure() {
        let encoder = of(RepoType::Model, "", &["modules.json"], &[]);
        assert_eq!(
            encoder,
            [
                found("library_name", "sentence-transformers", "modules.json", true),
                found("pipeline_tag", "sentence-similarity", "modules.json", false)
            ]
        );
        let bare = [("config.json", json!({"architectures": ["BertModel"], "model_type": "bert"}))];
        assert_eq!(
            of(RepoType::Model, "---\nlibrary_name: transformers\n---\n", &["config.json"], &bare),
            [],
            "a bare encoder can be anything"
        );
        let packed = of(RepoType::Model, "", &["a/x.Q4.gguf"], &[]);
        assert_eq!(packed, [found("library_name", "gguf", "a/x.Q4.gguf", true)]);
        let weights = of(RepoType::Model, "", &["x.safetensors"], &[]);
        assert_eq!(weights, [found("library_name", "safetensors", "x.safetensors", false)]);
    }

    #[test]
    fn adapters_name_their_base() {
        let adapter = |name: &str| [("adapter_config.json", json!({ "base_model_name_or_path": name }))];
        let paths = ["adapter_config.json"];
        let library = found("library_name", "peft", "adapter_config.json", true);
        let of = |name: &str| of(RepoType::Model, "", &paths, &adapter(name));
        assert_eq!(of("meta/llama"), [library.clone(), found("base_model", "meta/llama", "adapter_config.json", true)]);
        assert_eq!(of("llama"), [library.clone(), found("base_model", "llama", "adapter_config.json", false)]);
        assert_eq!(of("/home/me/llama"), [library]);
    }

    #[test]
    fn rows_follow_from_the_splits() {
        let card = |splits: &str| format!("---\ndataset_info:\n  splits: {splits}\n---\n");
        let of = |splits: &str| of(RepoType::Dataset, &card(splits), &[], &[]);
        let rows = of("[{name: train, num_examples: 12345}, {name: test, num_examples: 5}]");
        assert_eq!(rows, [found("size_categories", "10K<n<100K", "README.md", true)]);
        assert_eq!(of("[{name: train, num_examples: 12345}, {name: test}]"), []);
        for (rows, category) in [(1, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (u64::MAX, "n>1T"), (10_u64.pow(12), "n>1T")] {
            assert_eq!(size_category(rows), Some(category), "{rows}");
        }
        assert_eq!(size_category(10_u64.pow(12) - 1), Some("100B<n<1T"));
    }
}
