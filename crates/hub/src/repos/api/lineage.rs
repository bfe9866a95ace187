//! `GET /api/{type}/{id}/lineage` and `/tensor-diff`: the hub's own, for owners, moderators and those who run it.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use hub_weights::Similarity;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::REPO;
use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::access::{RepoContent, RepoEvidence};
use crate::repos::lineage::{Lineage, Relative, relatives_of};
use crate::repos::tensor_diff::{self, Event, Wanted};
use crate::web::extract::Query;

/// How long a comparison may take.
const PATIENCE: Duration = Duration::from_secs(900);

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/lineage"), web::get().to(get_lineage))
        .route(&format!("{REPO}/tensor-diff"), web::get().to(get_tensor_diff));
}

async fn get_lineage(app: web::Data<App>, evidence: RepoEvidence) -> HubResult<HttpResponse> {
    let lineage = relatives_of(&app, &evidence).await?;
    Ok(HttpResponse::Ok().json(lineage_json(&evidence.repo.id.to_string(), &lineage)))
}

fn lineage_json(id: &str, lineage: &Lineage) -> Value {
    json!({
        "id": id,
        "sketched": lineage.sketched,
        "largeBytes": lineage.large_bytes,
        "license": lineage.declared.license,
        "baseModels": lineage.declared.base_models,
        "likelyParent": lineage.parent().map(|parent| parent.repo.id.to_string()),
        "relatives": lineage.relatives.iter().map(relative_json).collect::<Vec<_>>(),
    })
}

fn relative_json(relative: &Relative) -> Value {
    json!({
        "id": relative.repo.id.to_string(),
        "relation": relative.relation.as_str(),
        "direction": if relative.is_source { "source" } else { "derived" },
        "since": timestamp(relative.since),
        "declared": relative.declared,
        "license": relative.license,
        "licenseConflict": relative.license_conflict,
        "evidence": {
            "sharedBytes": relative.shared_bytes,
            "sharedShare": relative.shared_share,
            "identicalFiles": relative.identical_files,
            "weights": relative.similarity.as_ref().map(similarity_json),
        },
    })
}

fn similarity_json(similarity: &Similarity) -> Value {
    json!({
        "tensorsCompared": similarity.compared,
        "tensorsEqual": similarity.equal,
        "correlation": similarity.correlation,
        "relativeDelta": similarity.relative_delta,
        "otherDtype": similarity.retyped,
    })
}

/// Reads what is to be compared with what.
pub(in crate::repos) fn wanted(query: &Query) -> Wanted {
    let text = |name: &str| query.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    Wanted { revision: text("revision"), base: text("base"), base_revision: text("base_revision"), file: text("file") }
}

async fn get_tensor_diff(app: web::Data<App>, content: RepoContent, query: Query) -> HubResult<HttpResponse> {
    let comparison = tensor_diff::open(&app, &content, &wanted(&query)).await?;
    let events = comparison.stream(app.get_ref().clone(), Instant::now() + PATIENCE);
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines(events)))
}

/// A line for each tensor, and one at the end that says whether that was all.
fn lines(events: impl Stream<Item = HubResult<Event>>) -> impl Stream<Item = HubResult<Bytes>> {
    events.map(|event| {
        let line = match event {
            Ok(Event::Tensor(change)) => serde_json::to_value(change).map_err(crate::error::HubError::internal)?,
            Ok(Event::End { complete, tensors }) => json!({ "end": { "complete": complete, "tensors": tensors } }),
            Err(error) => {
                tracing::warn!(?error, "a comparison of models broke off");
                json!({ "end": { "complete": false, "error": error.message() } })
            }
        };
        Ok(Bytes::from(format!("{line}\n")))
    })
}
