//! The cheap part: reads git only, a handful of small objects and the folders that changed.

use std::collections::BTreeMap;

use hub_cards::derive::{Derived, Input, MAX_SMALL_FILE_BYTES, SMALL_FILES, derive};
use hub_cards::{CardError, CardMetadata, front_matter, plain_text, plain_text_excerpt};
use hub_git::{EntryKind, GitReader};
use hub_types::{Oid, RepoType};
use serde_json::{Map, Value, json};

use super::HeadMetadata;
use super::texts::texts_of;
use super::weights::{is_weight, nested_ggufs, pipeline_of, weights_of};
use crate::repos::Repo;

/// The largest README that is read.
const MAX_README_BYTES: u64 = 4 << 20;
/// How many paths are stored with the repository. Larger ones are read from git when asked for.
pub const MAX_SIBLINGS: usize = 1_000;
/// How many entries of the root the rules look at.
const MAX_ROOT: usize = 1_000;
/// How long the text in lists is.
const EXCERPT_CHARS: usize = 300;

/// What the derived columns say now: the start from which count and size are brought up to date.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// The commit they describe.
    pub head_oid: Oid,
    /// How many files it has.
    pub file_count: i64,
    /// Their size.
    pub size_bytes: i64,
}

impl Before {
    /// As read with the repository; `None` before its first commit.
    pub fn of(repo: &Repo) -> Option<Self> {
        Some(Self { head_oid: repo.head_oid?, file_count: repo.file_count, size_bytes: repo.size_bytes })
    }
}

/// Derives the columns from a commit. Blocking; `reader` must see the commit's objects (those of a new
/// pack through [`GitReader::open_with_objects`]). With `before`, its cost follows what changed.
///
/// # Errors
/// Objects are missing or damaged.
pub fn of_commit(reader: &GitReader, repo_type: RepoType, commit: Oid, before: Option<&Before>) -> hub_git::Result<HeadMetadata> {
    let (file_count, size_bytes) = totals(reader, commit, before)?;
    let root = reader.root_files(commit, MAX_ROOT)?;
    let readme = readme(reader, commit)?;
    let contents = small_files(reader, commit, &root)?;
    let siblings = siblings(reader, commit)?;
    let paths = paths(&root, &siblings);
    let card = front_matter::parse(&readme);
    let metadata = card.as_ref().map(CardMetadata::from_map).unwrap_or_default();
    let body = front_matter::split(&readme).body;
    let derived = derive(Input { repo_type, card: &metadata, body, paths: &paths, contents: &contents });
    let model_index = contents.get("model_index.json").map(Vec::as_slice);
    let weights = weights(reader, commit, (repo_type, &root, &siblings), model_index, (&metadata, &derived))?;
    let mut facts = facts(&derived, &metadata, body, card.as_ref().err(), weights);
    // Of a card that cannot be read nobody knows what it leaves out.
    if card.is_ok() && !derived.inferred.is_empty() {
        facts["inferred"] = json!(derived.inferred);
    }
    if let Some(texts) = texts_of(repo_type, &root, &paths, body).filter(|_| card.is_ok()) {
        facts["texts"] = json!(texts);
    }
    Ok(HeadMetadata {
        head_oid: Some(commit),
        card: card.ok().filter(|card| !card.is_empty()).map(|card| storable(Value::Object(card))),
        tags: derived.tags,
        pipeline_tag: derived.pipeline_tag.map(|text| text.replace('\0', "\u{fffd}")),
        library_name: derived.library_name.map(|text| text.replace('\0', "\u{fffd}")),
        file_count,
        size_bytes,
        num_rows: derived.num_rows.and_then(|rows| i64::try_from(rows).ok()).unwrap_or(0),
        siblings,
        facts: storable(facts),
        text: plain_text(&readme, hub_search::MAX_CARD_BYTES).replace('\0', "\u{fffd}"),
    })
}

fn totals(reader: &GitReader, commit: Oid, before: Option<&Before>) -> hub_git::Result<(i64, i64)> {
    let delta = reader.tree_delta(before.map(|before| before.head_oid), Some(commit))?;
    let (files, size) = before.map_or((0, 0), |before| (before.file_count, before.size_bytes));
    let files = files.saturating_add_unsigned(delta.added).saturating_sub_unsigned(delta.removed);
    Ok((files.max(0), size.saturating_add(delta.size).max(0)))
}

/// The README's text; empty when there is none, or when it is a large file.
pub(super) fn readme(reader: &GitReader, commit: Oid) -> hub_git::Result<String> {
    let Some(entry) = reader.entry_at(commit, "README.md")? else { return Ok(String::new()) };
    if entry.kind != EntryKind::File || entry.lfs.is_some() || entry.size > MAX_README_BYTES {
        return Ok(String::new());
    }
    Ok(String::from_utf8_lossy(&reader.blob(entry.oid, MAX_README_BYTES)?).into_owned())
}

fn small_files(reader: &GitReader, commit: Oid, root: &[(String, Oid)]) -> hub_git::Result<BTreeMap<String, Vec<u8>>> {
    let mut contents = BTreeMap::new();
    for name in SMALL_FILES.iter().filter(|name| root.iter().any(|(path, _)| path == *name)) {
        let Some(entry) = reader.entry_at(commit, name)? else { continue };
        if entry.kind == EntryKind::File && entry.lfs.is_none() && entry.size <= MAX_SMALL_FILE_BYTES as u64 {
            contents.insert((*name).to_owned(), reader.blob(entry.oid, MAX_SMALL_FILE_BYTES as u64)?);
        }
    }
    Ok(contents)
}

/// The paths of the first files, in git's order.
fn siblings(reader: &GitReader, commit: Oid) -> hub_git::Result<Vec<String>> {
    let paths = reader.first_paths(commit, MAX_SIBLINGS)?;
    Ok(paths.into_iter().map(|path| path.replace('\0', "\u{fffd}")).collect())
}

/// Names for the rules: the root's files, however many files the folders before them have, and those first files.
fn paths(root: &[(String, Oid)], siblings: &[String]) -> Vec<String> {
    root.iter().map(|(path, _)| path.clone()).chain(siblings.iter().filter(|path| path.contains('/')).cloned()).collect()
}

/// Which files hold the weights: in the root, and of models in folders, too.
fn weights(
    reader: &GitReader,
    commit: Oid,
    (repo_type, root, paths): (RepoType, &[(String, Oid)], &[String]),
    model_index: Option<&[u8]>,
    (card, derived): (&CardMetadata, &Derived),
) -> hub_git::Result<Option<Value>> {
    if repo_type != RepoType::Model {
        return Ok(weights_of(root, None, card, derived));
    }
    let pipeline = model_index.map(|index| pipeline_of(reader, commit, index)).transpose()?.flatten();
    if pipeline.is_none() && !root.iter().any(|(path, _)| is_weight(path)) {
        let nested = nested_ggufs(reader, commit, paths)?;
        return Ok(weights_of(&[root, &nested].concat(), None, card, derived));
    }
    Ok(weights_of(root, pipeline.as_ref(), card, derived))
}

fn facts(derived: &Derived, card: &CardMetadata, body: &str, error: Option<&CardError>, weights: Option<Value>) -> Value {
    let mut facts = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value);
        }
    };
    add("config", derived.config.clone());
    add("transformersInfo", derived.transformers_info.clone());
    add("shape", derived.shape.clone());
    add("mask_token", derived.mask_token.clone().map(Value::from));
    let list = |values: &[String]| (!values.is_empty()).then(|| json!(values));
    add("base_models", list(&derived.base_models));
    add("base_model_relation", derived.base_model_relation.map(|relation| json!(relation.as_str())));
    add("license", list(&card.license));
    add("language", list(&card.language));
    add("datasets", list(&card.datasets));
    add("models", list(&card.models));
    add("sdk", card.sdk.clone().map(Value::from));
    add("stage", derived.stage.map(Value::from));
    add("suggested_hardware", card.suggested_hardware.clone().map(Value::from));
    add("inference", (card.inference == Some(Value::Bool(false))).then_some(Value::Bool(false)));
    add("title", card.title.clone().or_else(|| card.pretty_name.clone()).map(Value::from));
    let excerpt = plain_text_excerpt(body, EXCERPT_CHARS);
    add("excerpt", (!excerpt.is_empty()).then(|| json!(excerpt)));
    add("card_error", error.map(|error| json!({ "message": error.to_string(), "line": error.line() })));
    add("weights", weights);
    Value::Object(facts)
}

/// Postgres holds no NUL in `jsonb`.
fn storable(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => Value::String(text.replace('\0', "\u{fffd}")),
        Value::Array(items) => Value::Array(items.into_iter().map(storable).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key.replace('\0', "\u{fffd}"), storable(value))).collect())
        }
        other => other,
    }
}
