//! What the search index is told about a repository, out of its derived columns.

use hub_cards::infer::FactKey;
use hub_search::{Counters, Facet, FacetValues, RepoDoc};
use hub_types::{RepoId, RepoType};
use serde_json::Value;

use super::hardware::{self, Estimate};
use super::queries::{CountersRow, SearchRow};
use crate::repos::apps;

/// Tags of quantisation methods, as [`hub_cards`] derives them from a model's configuration.
const QUANTIZATIONS: &[&str] =
    &["gptq", "awq", "bitsandbytes", "fp8", "compressed-tensors", "gguf", "aqlm", "hqq", "quanto", "torchao", "exl2", "mlx"];
/// The value of [`Facet::Evaluated`] of every model whose card has results; the others are the names of the data.
pub const HAS_RESULTS: &str = "results";
/// The value of [`Facet::Inference`] of models whose card forbids it.
pub const INFERENCE_OFF: &str = "off";
/// Tags that say what a model is made with; none of them is worth a place among "other".
const PREFIXED: &[&str] = &[
    "license:",
    "dataset:",
    "base_model:",
    "region:",
    "arxiv:",
    "modality:",
    "format:",
    "size_categories:",
    "task_categories:",
    "language:",
    "library:",
];

/// The document of a repository; nothing for a name that no longer passes for one.
pub(super) fn of_row(row: SearchRow) -> Option<RepoDoc> {
    let id: RepoId = format!("{}/{}", row.namespace, row.name).parse().ok()?;
    let counters = counters(row.downloads, row.likes, row.trending);
    let parameters = row.parameters.and_then(|number| u64::try_from(number).ok());
    Some(RepoDoc {
        pk: row.repo_pk,
        kind: row.repo_type,
        id,
        public: !row.private,
        counters,
        created: row.created_at.timestamp(),
        updated: row.last_modified_at.timestamp(),
        size_bytes: u64::try_from(row.size_bytes).unwrap_or(0),
        parameters,
        rows: u64::try_from(row.num_rows).ok().filter(|rows| *rows > 0),
        facets: facets(&row),
        owner_name: row.owner_name,
        card: row.card.unwrap_or_default(),
    })
}

/// Who sees what is private in a resource group. No owner has such a name.
pub(super) fn audience(resource_group_pk: i64) -> String {
    format!("group:{resource_group_pk}")
}

/// The counters of a repository.
pub(super) fn counters_of(row: &CountersRow) -> (i64, Counters) {
    (row.repo_pk, counters(row.downloads, row.likes, row.trending))
}

fn counters(downloads: i64, likes: i64, trending: i64) -> Counters {
    Counters {
        #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 nobody can tell the difference")]
        trending: trending as f64,
        downloads: u64::try_from(downloads).unwrap_or(0),
        likes: u64::try_from(likes).unwrap_or(0),
    }
}

fn facets(row: &SearchRow) -> FacetValues {
    let mut values = Values(FacetValues::new());
    let after = |prefix: &'static str| row.tags.iter().filter_map(move |tag| tag.strip_prefix(prefix));
    values.add_all(Facet::Tag, row.tags.iter().map(String::as_str));
    values.add_all(Facet::License, after("license:"));
    values.add_all(Facet::Region, after("region:"));
    values.add_all(Facet::Gated, row.gated.as_deref());
    values.add_all(Facet::Library, row.library_name.as_deref());
    values.add_all(Facet::Audience, row.resource_group_pk.map(audience).as_deref());
    match row.repo_type {
        RepoType::Model => model(row, &mut values),
        RepoType::Dataset => {
            values.add_all(Facet::Task, after("task_categories:"));
            values.add_all(Facet::Language, after("language:"));
            values.add_all(Facet::Library, after("library:"));
            values.add_all(Facet::Modality, after("modality:"));
            values.add_all(Facet::Format, after("format:"));
            values.add_all(Facet::SizeCategory, after("size_categories:"));
            values.add_all(Facet::SizeCategory, inferred(row, FactKey::SizeCategories));
        }
        RepoType::Space => {
            let fact = |name: &str| row.facts.get(name).and_then(Value::as_str);
            values.add_all(Facet::Sdk, fact("sdk"));
            values.add_all(Facet::Status, fact("stage").map(str::to_ascii_lowercase).as_deref());
            values.add_all(Facet::Hardware, fact("suggested_hardware").filter(|name| is_machine(name)));
        }
        RepoType::Bucket => {}
    }
    values.0
}

fn model(row: &SearchRow, values: &mut Values) {
    let after = |prefix: &'static str| row.tags.iter().filter_map(move |tag| tag.strip_prefix(prefix));
    let listed = |name: &str| row.facts.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    values.add_all(Facet::Task, row.pipeline_tag.as_deref());
    values.add_all(Facet::Language, listed("language"));
    values.add_all(Facet::TrainedOn, after("dataset:"));
    values.add_all(Facet::BaseModel, after("base_model:"));
    match row.facts.get("base_model_relation").and_then(Value::as_str) {
        Some(relation) if listed("base_models").next().is_some() => values.add_all(Facet::Relation, Some(relation)),
        _ => values.add_all(Facet::Relation, Some("original")),
    }
    let dtypes = hardware::dtypes_of(&row.facts);
    for dtype in dtypes.into_iter().flat_map(serde_json::Map::keys) {
        values.add_all(Facet::Precision, Some(dtype.to_ascii_lowercase().as_str()));
    }
    let has = |tag: &str| row.tags.iter().any(|found| found == tag);
    values.add_all(Facet::Precision, ["4-bit", "8-bit"].into_iter().filter(|tag| has(tag)));
    values.add_all(Facet::Quantization, QUANTIZATIONS.iter().copied().filter(|tag| has(tag)));
    match Estimate::of(&row.facts, row.base.as_ref()) {
        Some(estimate) => values.add_all(Facet::Hardware, hardware::fits(estimate.total(0))),
        None => values.add_all(Facet::Hardware, Some(hardware::NOT_KNOWN)),
    }
    values.add_all(Facet::Library, row.tags.iter().map(String::as_str).filter(|tag| is_weight_format(tag)));
    values.add_all(Facet::App, apps::that_run(&row.tags));
    let is_off = row.facts.get("inference") == Some(&Value::Bool(false));
    values.add_all(Facet::Inference, Some(INFERENCE_OFF).filter(|_| is_off));
    values.add_all(Facet::Evaluated, Some(HAS_RESULTS).filter(|_| has("model-index")));
    values.add_all(
        Facet::Evaluated,
        row.evaluated_on.iter().map(String::as_str).map(str::trim).filter(|name| !name.eq_ignore_ascii_case(HAS_RESULTS)),
    );
}

/// What a card leaves out of a key, and its files or the rest of it say. It is stored only where the card is silent.
fn inferred(row: &SearchRow, key: FactKey) -> Option<&str> {
    let facts = row.facts.get("inferred").and_then(Value::as_array)?;
    facts.iter().find(|fact| fact.get("key").and_then(Value::as_str) == Some(key.as_str()))?.get("value")?.as_str()
}

/// Whether a text can be the name of a machine, and not a sentence about one.
fn is_machine(name: &str) -> bool {
    name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// Formats that the Hub lists among libraries.
fn is_weight_format(tag: &str) -> bool {
    matches!(
        tag,
        "pytorch" | "tf" | "jax" | "onnx" | "safetensors" | "gguf" | "openvino" | "coreml" | "tflite" | "joblib" | "rust"
    )
}

/// Whether a tag says something that no other facet says.
pub fn is_other(tag: &str) -> bool {
    !PREFIXED.iter().any(|prefix| tag.starts_with(prefix)) && !is_weight_format(tag) && !QUANTIZATIONS.contains(&tag)
}

/// Values, each once.
struct Values(FacetValues);

impl Values {
    fn add_all<'a>(&mut self, facet: Facet, values: impl IntoIterator<Item = &'a str>) {
        for value in values.into_iter().filter(|value| !value.is_empty()) {
            let list = self.0.entry(facet).or_default();
            if !list.iter().any(|known| known == value) {
                list.push(value.to_owned());
            }
        }
    }
}
