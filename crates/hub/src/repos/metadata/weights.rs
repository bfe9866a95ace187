//! Which files of a commit hold a model's weights, by their names: nothing is opened but folders.
//!
//! A pipeline of diffusers has a folder for each of its parts, which `model_index.json` names. Every part may lie there several times: in
//! other formats, and as variants such as `fp16`, of which one is loaded.

use std::collections::BTreeSet;

use hub_cards::derive::Derived;
use hub_cards::{BaseModelRelation, CardMetadata};
use hub_git::GitReader;
use hub_types::Oid;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::repos::weight_files::{gguf_of, gguf_shards, safetensors_of};

/// The most folders that are looked into. Real pipelines have up to ten parts.
const MAX_FOLDERS: usize = 32;
/// How many files of a part's folder are looked at.
const MAX_FILES: usize = 1_000;
/// Files that hold a whole model by the convention of transformers, whatever tags say.
const WHOLE: &[&str] = &["model.safetensors", "model.safetensors.index.json"];
/// What PEFT calls its files.
const ADAPTER: &str = "adapter_model.safetensors";
/// Words in the names of classes that have no weights.
const WEIGHTLESS: &[&str] = &["Scheduler", "Tokenizer", "Processor", "FeatureExtractor"];

/// The parts of a pipeline.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pipeline {
    /// One file for each part: its weights, or the index of several.
    chosen: Vec<String>,
    /// All weight files of all parts with their blobs.
    files: Vec<(String, Oid)>,
}

/// The parts that a `model_index.json` names. Nothing if one of them has no weights that can be read: the sum of the others would be
/// too little.
pub(super) fn pipeline_of(reader: &GitReader, commit: Oid, model_index: &[u8]) -> hub_git::Result<Option<Pipeline>> {
    let components = components(model_index);
    if components.len() > MAX_FOLDERS {
        return Ok(None);
    }
    let mut pipeline = Pipeline::default();
    for (folder, has_weights) in components {
        let files = reader.files_in(commit, &folder, MAX_FILES)?;
        match component_of(files.iter().map(|(name, _)| name.as_str())) {
            Some(name) => pipeline.chosen.push(format!("{folder}/{name}")),
            None if has_weights => return Ok(None),
            None => {}
        }
        let weights = files.into_iter().filter(|(name, _)| is_safetensors(name));
        pipeline.files.extend(weights.map(|(name, blob)| (format!("{folder}/{name}"), blob)));
    }
    Ok(Some(pipeline).filter(|pipeline| !pipeline.chosen.is_empty()))
}

/// GGUF files in folders, of which many repositories have one for each precision. `paths` are the first of the commit.
pub(super) fn nested_ggufs(reader: &GitReader, commit: Oid, paths: &[String]) -> hub_git::Result<Vec<(String, Oid)>> {
    let ggufs = paths.iter().filter(|path| path.ends_with(".gguf"));
    let folders: BTreeSet<&str> = ggufs.filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
    let mut found = Vec::new();
    for folder in folders.into_iter().take(MAX_FOLDERS) {
        let files = reader.files_in(commit, folder, MAX_FILES)?.into_iter().filter(|(name, _)| name.ends_with(".gguf"));
        found.extend(files.map(|(name, blob)| (format!("{folder}/{name}"), blob)));
    }
    Ok(found)
}

/// The folders of a pipeline's parts, and whether each must have weights. A part that is left out is `[null, null]`.
fn components(model_index: &[u8]) -> Vec<(String, bool)> {
    let index: Map<String, Value> = serde_json::from_slice(model_index).unwrap_or_default();
    let named = index.into_iter().filter_map(|(folder, value)| {
        let class = value.get(1)?.as_str()?;
        let is_folder = !folder.is_empty() && !folder.starts_with(['_', '.']) && !folder.contains(['/', '\0']);
        is_folder.then(|| (folder, !WEIGHTLESS.iter().any(|word| class.contains(word))))
    });
    named.take(MAX_FOLDERS + 1).collect()
}

/// Of the names in a part's folder, the file that is loaded: the plain one before variants, and the index of several before those.
fn component_of<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let names: Vec<&str> = names.filter(|name| is_safetensors(name) && !is_shard(name)).collect();
    let plain = ["diffusion_pytorch_model", "model"].map(|stem| {
        let named = |ending: &str| names.iter().copied().find(|name| name.strip_prefix(stem) == Some(ending));
        named(".safetensors").or_else(|| named(".safetensors.index.json"))
    });
    plain.into_iter().flatten().next().or_else(|| names.first().copied())
}

/// A file of safetensors, or the index of several: `model.safetensors.index.json`, and of a variant
/// `model.safetensors.index.fp16.json` or `model.fp16.safetensors.index.json`.
fn is_safetensors(name: &str) -> bool {
    name.ends_with(".safetensors") || (name.contains(".safetensors.index.") && name.ends_with(".json"))
}

/// `model-00001-of-00002.safetensors`, and of a variant `model.fp16-00001-of-00002.safetensors`.
fn is_shard(name: &str) -> bool {
    name.split("-of-").nth(1).is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

/// Whether a file holds weights, or is the index of several that do.
pub(super) fn is_weight(name: &str) -> bool {
    name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json") || name.ends_with(".gguf")
}

/// Which files hold the weights, and a key that changes with any of them. `root` may have the files of [`nested_ggufs`] as well.
pub(super) fn weights_of(
    root: &[(String, Oid)],
    pipeline: Option<&Pipeline>,
    card: &CardMetadata,
    derived: &Derived,
) -> Option<Value> {
    let files: Vec<&(String, Oid)> = root.iter().filter(|(path, _)| is_weight(path)).collect();
    if files.is_empty() && pipeline.is_none() {
        return None;
    }
    let names = || files.iter().map(|(path, _)| path.as_str());
    let safetensors = safetensors_of(names());
    let gguf = gguf_of(names());
    let mut hash = Sha256::new();
    for (path, oid) in &files {
        hash.update(format!("{path} {oid}\n"));
    }
    if names().any(|path| path.ends_with(".gguf")) {
        // Version 1 of the rules adds up parameters by type, for which these headers are read again.
        hash.update("by type\n");
    }
    // Version 4 reads all files of a set, and not the first file if another is preferred.
    let first = names().find(|name| name.ends_with(".gguf") && !name.contains("mmproj"));
    if gguf.is_some_and(|name| Some(name) != first || gguf_shards(name).nth(1).is_some()) {
        hash.update("of one set\n");
    }
    for (path, oid) in pipeline.iter().flat_map(|pipeline| &pipeline.files) {
        hash.update(format!("{path} {oid}\n"));
    }
    let mut found = json!({ "key": hex::encode(hash.finalize()), "safetensors": safetensors, "gguf": gguf });
    if let Some(pipeline) = pipeline {
        found["components"] = json!(pipeline.chosen);
    }
    let whole = pipeline.is_some() || safetensors.is_some_and(|name| WHOLE.contains(&name));
    let says_so = safetensors == Some(ADAPTER) || card.base_model_relation == Some(BaseModelRelation::Adapter);
    let has_config = root.iter().any(|(path, _)| path == "adapter_config.json");
    // GGUF files of adapters are rare, and those of models that one was merged into are not.
    let seems_so = has_config || (safetensors.is_some() && is_called_adapter(derived));
    if says_so || (!whole && seems_so) {
        // It is loaded on top of another model, and is nothing without that one.
        found["adapter"] = json!(true);
    }
    Some(found)
}

/// Whether the card speaks of an adapter. It may mean one that was merged into the model.
fn is_called_adapter(derived: &Derived) -> bool {
    derived.base_model_relation == Some(BaseModelRelation::Adapter)
        || derived.tags.iter().any(|tag| tag.eq_ignore_ascii_case("lora"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen<'a>(names: &[&'a str]) -> Option<&'a str> {
        component_of(names.iter().copied())
    }

    #[test]
    fn each_part_is_counted_once() {
        let unet = ["config.json", "diffusion_pytorch_model.bin", "diffusion_pytorch_model.fp16.safetensors"];
        assert_eq!(chosen(&unet), Some("diffusion_pytorch_model.fp16.safetensors"), "a variant, if there is no other");
        let both = [&unet[..], &["diffusion_pytorch_model.safetensors"]].concat();
        assert_eq!(chosen(&both), Some("diffusion_pytorch_model.safetensors"));
        let sharded = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"];
        assert_eq!(chosen(&sharded), Some("model.safetensors.index.json"));
        let variant = [
            "model.fp16-00001-of-00002.safetensors",
            "model.fp16-00002-of-00002.safetensors",
            "model.safetensors.index.fp16.json",
        ];
        assert_eq!(chosen(&variant), Some("model.safetensors.index.fp16.json"));
        assert_eq!(chosen(&["model-00001-of-00002.safetensors"]), None, "files without their index are no model");
        assert_eq!(chosen(&["pytorch_model.bin", "config.json"]), None);
    }

    #[test]
    fn an_index_names_folders_and_whether_they_have_weights() {
        let index = json!({
            "_class_name": "StableDiffusionPipeline", "_ignored": ["diffusers", "X"], "requires_safety_checker": true,
            "feature_extractor": ["transformers", "CLIPImageProcessor"], "safety_checker": [null, null],
            "scheduler": ["diffusers", "PNDMScheduler"], "tokenizer": ["transformers", "CLIPTokenizer"],
            "unet": ["diffusers", "UNet2DConditionModel"], "": ["a", "B"], "../up": ["a", "B"], "a/b": ["a", "B"],
        });
        let found = components(index.to_string().as_bytes());
        let expected = [("feature_extractor", false), ("scheduler", false), ("tokenizer", false), ("unet", true)];
        assert_eq!(found, expected.map(|(folder, weights)| (folder.to_owned(), weights)));
        for nonsense in ["", "[]", "null", "{\"unet\":[]}", "{\"unet\":\"x\"}", "{\"unet\":[1,2]}"] {
            assert!(components(nonsense.as_bytes()).is_empty(), "{nonsense}");
        }
    }

    fn files(names: &[&str]) -> Vec<(String, Oid)> {
        let blob: Oid = "1111111111111111111111111111111111111111".parse().unwrap();
        names.iter().map(|name| ((*name).to_owned(), blob)).collect()
    }

    #[test]
    fn adapters_are_told_from_whole_models() {
        let adapter = |names: &[&str], card: &str, tags: &[&str]| {
            let card = CardMetadata::parse(card).unwrap();
            let derived = Derived { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..Derived::default() };
            weights_of(&files(names), None, &card, &derived).unwrap().get("adapter").is_some()
        };
        assert!(adapter(&["adapter_config.json", "adapter_model.safetensors"], "", &[]));
        assert!(adapter(&["adapter_model.safetensors"], "", &[]));
        assert!(adapter(&["pytorch_lora_weights.safetensors"], "", &["lora"]));
        assert!(adapter(&["style.safetensors"], "---\nbase_model_relation: adapter\n---\n", &[]));
        assert!(!adapter(&["model.safetensors"], "", &["lora"]), "it was merged");
        assert!(!adapter(&["style.safetensors"], "", &[]));
        assert!(!adapter(&["m.Q4_K_M.gguf"], "", &["lora"]), "it was merged");
        assert!(adapter(&["adapter_config.json", "lora.gguf"], "", &[]));
    }

    #[test]
    fn keys_change_with_what_is_read() {
        let (card, derived) = (CardMetadata::default(), Derived::default());
        let key = |names: &[&str], pipeline: Option<&Pipeline>| {
            weights_of(&files(names), pipeline, &card, &derived).map(|found| found["key"].as_str().unwrap().to_owned())
        };
        assert_eq!(key(&["README.md"], None), None);
        let parts = Pipeline { chosen: vec!["vae/model.safetensors".to_owned()], files: files(&["vae/model.safetensors"]) };
        let more = Pipeline { files: files(&["vae/model.safetensors", "vae/model.fp16.safetensors"]), ..Pipeline::default() };
        let keys = [
            key(&["a.safetensors"], None),
            key(&["a.safetensors"], Some(&parts)),
            key(&[], Some(&parts)),
            key(&[], Some(&more)),
            key(&["a.gguf"], None),
            key(&["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"], None),
        ];
        assert!(keys.iter().all(Option::is_some));
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }
}
