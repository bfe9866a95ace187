//! The members of a repository's JSON: which there are, which are sent unasked, and what is in them.

use hub_types::RepoType;
use serde_json::{Map, Value, json};

use crate::accounts::api::timestamp;
use crate::error::{HubError, HubResult};
use crate::repos::listing::Columns;
use crate::repos::queries::listing::ListedRepo;
use crate::web::extract::Query;

/// What `expand` takes, by type (`huggingface_hub` 2.4.0, `ExpandModelProperty_T` and its siblings; `gitalyUid`
/// is asked by `@huggingface/hub`, `xetEnabled` by older clients).
const COMMON: &[&str] = &[
    "author",
    "cardData",
    "createdAt",
    "disabled",
    "lastModified",
    "likes",
    "private",
    "resourceGroup",
    "sha",
    "siblings",
    "tags",
    "trendingScore",
    "usedStorage",
    "gated",
    "downloads",
    "downloadsAllTime",
    "gitalyUid",
    "xetEnabled",
];
const MODEL: &[&str] = &[
    "baseModels",
    "childrenModelCount",
    "config",
    "evalResults",
    "gguf",
    "inference",
    "inferenceProviderMapping",
    "library_name",
    "mask_token",
    "model-index",
    "pipeline_tag",
    "safetensors",
    "spaces",
    "transformersInfo",
    "widgetData",
];
const DATASET: &[&str] = &["citation", "description", "mainSize", "paperswithcode_id"];
const SPACE: &[&str] = &["datasets", "models", "region", "runtime", "sdk", "subdomain"];

/// Members of one repository.
pub(super) type Fields = Vec<&'static str>;

fn own(repo_type: RepoType) -> &'static [&'static str] {
    match repo_type {
        RepoType::Model => MODEL,
        RepoType::Dataset => DATASET,
        RepoType::Space => SPACE,
        // Buckets have answers of their own.
        RepoType::Bucket => &[],
    }
}

/// What `expand` asks for; `None` when it is not there.
///
/// # Errors
/// 400 for a name that this type does not have.
pub(super) fn expanded(query: &Query, repo_type: RepoType) -> HubResult<Option<Fields>> {
    let asked: Vec<&str> = query.all("expand").flat_map(|value| value.split(',')).filter(|name| !name.is_empty()).collect();
    if asked.is_empty() {
        return Ok(None);
    }
    let known = || COMMON.iter().chain(own(repo_type)).copied();
    let find = |name: &str| {
        known().find(|known| *known == name).ok_or_else(|| {
            let name: String = name.chars().take(60).collect();
            let names = known().collect::<Vec<_>>().join(", ");
            HubError::bad_request(format!("`expand` does not know `{name}` for {}; it takes {names}", repo_type.plural()))
        })
    };
    let mut fields = Fields::new();
    for name in asked {
        let field = find(name)?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Ok(Some(fields))
}

/// Everything about one repository, unless `expand` says otherwise.
pub(super) fn of_info(repo_type: RepoType) -> Fields {
    let mut fields = vec![
        "author",
        "sha",
        "lastModified",
        "createdAt",
        "private",
        "gated",
        "disabled",
        "downloads",
        "likes",
        "tags",
        "cardData",
        "siblings",
        "usedStorage",
    ];
    fields.extend(match repo_type {
        RepoType::Model => &[
            "modelId",
            "pipeline_tag",
            "library_name",
            "mask_token",
            "config",
            "transformersInfo",
            "safetensors",
            "gguf",
            "model-index",
            "widgetData",
            "spaces",
        ][..],
        RepoType::Dataset => &["description", "citation", "paperswithcode_id"][..],
        RepoType::Space => &["sdk", "subdomain", "runtime", "models", "datasets"][..],
        RepoType::Bucket => &[],
    });
    fields
}

/// What lists have of each repository: little, and more by `full`, `cardData`, `config`.
pub(super) fn of_list(query: &Query, repo_type: RepoType) -> Fields {
    let mut fields =
        vec!["private", "gated", "disabled", "likes", "trendingScore", "tags", "createdAt", "lastModified", "author", "sha"];
    match repo_type {
        RepoType::Model => fields.extend(["modelId", "downloads", "pipeline_tag", "library_name"]),
        RepoType::Dataset => fields.extend(["downloads", "description"]),
        RepoType::Space => fields.push("sdk"),
        RepoType::Bucket => {}
    }
    let full = query.flag("full");
    if full {
        fields.push("siblings");
    }
    if query.flag("cardData") || (full && repo_type != RepoType::Model) {
        fields.push("cardData");
    }
    if query.flag("config") && repo_type == RepoType::Model {
        fields.push("config");
    }
    fields
}

/// The wide columns that members need.
pub(super) fn columns_for(fields: &Fields) -> Columns {
    let any = |names: &[&str]| fields.iter().any(|field| names.contains(field));
    Columns {
        card: any(&["cardData", "model-index", "widgetData", "paperswithcode_id"]),
        facts: any(&[
            "config",
            "transformersInfo",
            "mask_token",
            "safetensors",
            "gguf",
            "sdk",
            "models",
            "datasets",
            "description",
            "baseModels",
            "runtime",
        ]),
        siblings: any(&["siblings"]),
    }
}

/// Writes the members that the row itself answers. Others are in `extra` already and stay.
pub(super) fn object(repo: &ListedRepo, fields: &Fields, mut extra: Map<String, Value>) -> Value {
    let mut object = Map::new();
    object.insert("_id".to_owned(), json!(repo.public_id));
    object.insert("id".to_owned(), json!(repo.id()));
    for field in fields {
        if let Some(value) = extra.remove(*field).or_else(|| value_of(repo, field)) {
            object.insert((*field).to_owned(), value);
        }
    }
    Value::Object(object)
}

fn value_of(repo: &ListedRepo, field: &str) -> Option<Value> {
    let fact = |name: &str| repo.facts.as_ref()?.get(name).cloned();
    let card = |name: &str| repo.card.as_ref()?.get(name).filter(|value| !value.is_null()).cloned();
    Some(match field {
        "author" => json!(repo.namespace),
        "modelId" => json!(repo.id()),
        "sha" => json!(repo.head_oid),
        "lastModified" => json!(timestamp(repo.last_modified_at)),
        "createdAt" => json!(timestamp(repo.created_at)),
        "private" => json!(repo.private),
        "gated" => repo.gated.as_ref().map_or(Value::Bool(false), |gated| json!(gated)),
        "disabled" => json!(repo.disabled),
        "downloads" => json!(repo.downloads),
        "downloadsAllTime" => json!(repo.downloads_all_time),
        "likes" => json!(repo.likes),
        "trendingScore" => json!(repo.trending),
        "tags" => json!(repo.tags),
        "pipeline_tag" => json!(repo.pipeline_tag.as_ref()?),
        "library_name" => json!(repo.library_name.as_ref()?),
        "cardData" => repo.card.clone()?,
        "siblings" => repo.siblings.as_ref()?.iter().map(|path| json!({ "rfilename": path })).collect(),
        "mainSize" => json!(repo.size_bytes),
        "gitalyUid" => json!(repo.public_id),
        "resourceGroup" | "citation" => Value::Null,
        "xetEnabled" => Value::Bool(false),
        "model-index" => card("model-index")?,
        "widgetData" => card("widget")?,
        "paperswithcode_id" => card("paperswithcode_id")?,
        "description" => fact("excerpt")?,
        "config" | "transformersInfo" | "mask_token" | "safetensors" | "gguf" | "sdk" => fact(field)?,
        "models" | "datasets" => fact(field).unwrap_or_else(|| json!([])),
        "baseModels" => json!({ "relation": fact("base_model_relation")?, "models": ids(&fact("base_models")?) }),
        // Nothing here is run by providers, and no evaluation files are read.
        "inferenceProviderMapping" | "evalResults" => json!([]),
        "subdomain" => json!(repo.id().replace(['/', '.', '_'], "-").to_ascii_lowercase()),
        "region" => json!("us"),
        // Spaces are kept, not run.
        "runtime" => {
            json!({ "stage": fact("stage").unwrap_or_else(|| json!("STOPPED")), "hardware": { "current": null, "requested": null }, "storage": null })
        }
        _ => return None,
    })
}

fn ids(models: &Value) -> Value {
    models.as_array().into_iter().flatten().map(|id| json!({ "id": id })).collect()
}
