//! `GET /api/models-tags-by-type` and `/api/datasets-tags-by-type`: the tags in use, and those the specification
//! lists, by what they say.

use std::collections::HashSet;

use actix_web::{HttpResponse, web};
use hub_cards::known;
use hub_types::RepoType;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::HubResult;
use crate::repos::queries::relations;
use crate::web::extract::Query;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/models-tags-by-type", web::get().to(model_tags))
        .route("/api/datasets-tags-by-type", web::get().to(dataset_tags));
}

async fn model_tags(app: web::Data<App>, query: Query) -> HubResult<HttpResponse> {
    let mut tags = TagsByType::default();
    known::TASKS.iter().for_each(|task| tags.add("pipeline_tag", task.id, task.label, Some(task.group)));
    known::LIBRARIES.iter().for_each(|(id, label)| tags.add("library", id, label, None));
    known::LICENSES.iter().for_each(|id| tags.add("license", &format!("license:{id}"), id, None));
    for tag in relations::list_tags(&app.pool, RepoType::Model).await? {
        let (kind, label) = match tag.split_once(':') {
            Some(("license", name)) => ("license", name),
            Some(("dataset", name)) => ("dataset", name),
            Some(("region", name)) => ("region", name),
            Some(("base_model" | "arxiv" | "doi", _)) => continue,
            _ => match known::language_name(&tag) {
                Some(name) => ("language", name),
                None => ("other", tag.as_str()),
            },
        };
        tags.add(kind, &tag, label, None);
    }
    Ok(HttpResponse::Ok().json(tags.finish(&query)))
}

async fn dataset_tags(app: web::Data<App>, query: Query) -> HubResult<HttpResponse> {
    let mut tags = TagsByType::default();
    for task in known::TASKS {
        tags.add("task_categories", &format!("task_categories:{}", task.id), task.label, Some(task.group));
    }
    known::SIZE_CATEGORIES.iter().for_each(|id| tags.add("size_categories", &format!("size_categories:{id}"), id, None));
    known::LICENSES.iter().for_each(|id| tags.add("license", &format!("license:{id}"), id, None));
    for tag in relations::list_tags(&app.pool, RepoType::Dataset).await? {
        match tag.split_once(':') {
            Some(("arxiv" | "doi" | "source_datasets", _)) => {}
            Some(("language", code)) => tags.add("language", &tag, known::language_name(code).unwrap_or(code), None),
            Some((kind, name)) if KINDS.contains(&kind) => tags.add(kind, &tag, name, None),
            _ => tags.add("other", &tag, &tag, None),
        }
    }
    Ok(HttpResponse::Ok().json(tags.finish(&query)))
}

/// Prefixes of dataset tags that are a type of their own.
const KINDS: &[&str] = &[
    "task_categories",
    "task_ids",
    "language_creators",
    "annotations_creators",
    "multilinguality",
    "size_categories",
    "license",
    "format",
    "modality",
    "library",
    "region",
    "benchmark",
];

#[derive(Default)]
struct TagsByType {
    types: Map<String, Value>,
    seen: HashSet<String>,
}

impl TagsByType {
    fn add(&mut self, kind: &str, id: &str, label: &str, group: Option<&str>) {
        if !self.seen.insert(id.to_owned()) {
            return;
        }
        let mut tag = json!({ "id": id, "label": label, "type": kind });
        if let Some(group) = group {
            tag["subType"] = json!(group);
        }
        if let Value::Array(tags) = self.types.entry(kind).or_insert_with(|| json!([])) {
            tags.push(tag);
        }
    }

    /// All types, or the one that `type` asks for.
    fn finish(self, query: &Query) -> Value {
        match query.get("type") {
            Some(kind) => Value::Object(self.types.into_iter().filter(|(name, _)| name == kind).collect()),
            None => Value::Object(self.types),
        }
    }
}
