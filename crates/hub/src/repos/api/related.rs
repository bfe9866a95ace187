//! `GET /api/{type}/{id}/related`: what goes with a repository, with the reasons. The hub's own.

use actix_web::{HttpResponse, web};
use hub_types::RepoType;
use serde_json::{Value, json};

use super::REPO;
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::RepoRead;
use crate::repos::listing::Columns;
use crate::repos::queries::listing::find_listed;
use crate::repos::related::datasets::{Own, datasets_for};
use crate::repos::related::models::similar_models;
use crate::repos::related::{Suggested, trained_on};
use crate::search::terms::decimal;
use crate::web::extract::Query;
use crate::web::page::page_size;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(&format!("{REPO}/related"), web::get().to(get_related));
}

/// `?declared=true` judges the datasets that the card names as if it did not.
async fn get_related(app: web::Data<App>, viewer: Viewer, read: RepoRead, query: Query) -> HubResult<HttpResponse> {
    let limit = page_size(&query, 10, 100)?;
    let own = if query.flag("declared") { Own::Judged } else { Own::LeftOut };
    let found = find_listed(&app.pool, read.repo.pk, Columns { facts: true, ..Columns::default() }).await?;
    let repo = found.ok_or_else(|| HubError::repo_not_found(viewer.is_anonymous()))?;
    let body = match repo.repo_type {
        RepoType::Model => json!({
            "datasets": datasets_for(&app, &viewer, &repo, own, limit).await?.iter().map(suggested).collect::<Vec<_>>(),
            "similarModels": similar_models(&app, &viewer, &repo, limit).await?.iter().map(suggested).collect::<Vec<_>>(),
        }),
        RepoType::Dataset => {
            let (total, models) = trained_on(&app, &viewer, &repo.id(), limit).await?;
            json!({ "trainedModelsCount": total, "trainedModels": models.iter().map(|model| json!({ "id": model.id() })).collect::<Vec<_>>() })
        }
        RepoType::Space | RepoType::Bucket => json!({}),
    };
    Ok(HttpResponse::Ok().json(body))
}

fn suggested(found: &Suggested) -> Value {
    let terms = found.terms.iter().map(|term| json!({ "label": term.label, "text": term.text, "value": term.shown() }));
    json!({ "id": found.repo.id(), "score": decimal(found.total()), "terms": terms.collect::<Vec<_>>() })
}
