//! What was done to a repository and can be undone, and deleted repositories. The hub's own: no client library asks for these.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BUCKET, REPO};
use crate::accounts::Viewer;
use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::RepoAdmin;
use crate::repos::changes::{self, Change, Listed, deleted, undo};
use crate::repos::queries::changes::DeletedRepo;
use crate::web::base_url::BaseUrl;
use crate::web::cursor::one_more;
use crate::web::extract::{Json, Query, raw_param};

/// How many changes an answer has.
const PAGE: usize = 50;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/changes"), web::get().to(list_changes))
        .route(&format!("{REPO}/changes/{{change}}/undo"), web::post().to(post_undo))
        .route(&format!("{BUCKET}/changes"), web::get().to(list_changes))
        .route(&format!("{BUCKET}/changes/{{change}}/undo"), web::post().to(post_undo))
        .route("/api/settings/deleted-repos", web::get().to(list_deleted))
        .route("/api/deleted-repos/{id}/restore", web::post().to(post_restore));
}

async fn list_changes(app: web::Data<App>, admin: RepoAdmin, base: BaseUrl, query: Query) -> HubResult<HttpResponse> {
    let before = query.number("before")?.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    let limit = one_more(PAGE);
    let mut found = changes::list(&app, admin.repo.pk, Listed::All, before, limit).await?;
    let mut response = HttpResponse::Ok();
    if found.len() > PAGE {
        found.truncate(PAGE);
        if let Some(last) = found.last() {
            let next = base.join(&format!("{}/changes?before={}", admin.repo.api_path(), last.pk));
            response.insert_header(("Link", format!("<{next}>; rel=\"next\"")));
        }
    }
    Ok(response.json(found.iter().map(change_json).collect::<Vec<_>>()))
}

fn change_json(change: &Change) -> Value {
    let mut object = json!(change.what);
    object["id"] = json!(change.pk);
    object["summary"] = json!(change.what.in_words());
    object["actor"] = json!(change.actor);
    object["at"] = json!(timestamp(change.at));
    object["undoUntil"] = json!(timestamp(change.undo_until));
    object["undoable"] = json!(change.is_undoable());
    object["undoes"] = json!(change.undoes);
    object["undoneAt"] = json!(change.undone.as_ref().map(|(at, _)| timestamp(*at)));
    object["undoneBy"] = json!(change.undone.as_ref().and_then(|(_, by)| by.clone()));
    object
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UndoRequest {
    /// Puts a branch or tag under a name of its own, beside what is there now.
    as_new: bool,
}

async fn post_undo(
    app: web::Data<App>,
    admin: RepoAdmin,
    request: HttpRequest,
    body: Json<Option<UndoRequest>>,
) -> HubResult<HttpResponse> {
    let change = raw_param(&request, "change").parse().map_err(|_| HubError::not_found("There is no such change."))?;
    let undone = undo::undo(&app, &admin, change, body.0.unwrap_or_default().as_new).await?;
    Ok(HttpResponse::Ok().json(json!({
        "id": undone.id.map(|id| id.to_string()),
        "ref": undone.name.map(|name| name.to_string()),
        "message": undone.said,
    })))
}

async fn list_deleted(app: web::Data<App>, viewer: Viewer) -> HubResult<HttpResponse> {
    viewer.require_user()?;
    let found = deleted::list_all(&app, &viewer).await?;
    let item = |deleted: &DeletedRepo| {
        let repo = &deleted.repo;
        json!({
            "_id": repo.public_id,
            "id": repo.id.to_string(),
            "type": repo.repo_type,
            "visibility": if repo.private { "private" } else { "public" },
            "deletedAt": timestamp(deleted.deleted_at),
            "deletedBy": deleted.deleted_by,
            "restorableUntil": timestamp(deleted::restorable_until(&app, deleted.deleted_at)),
        })
    };
    Ok(HttpResponse::Ok().json(found.iter().map(item).collect::<Vec<_>>()))
}

#[derive(Debug, Default, Deserialize)]
struct RestoreRequest {
    /// Another name than the one it had.
    name: Option<String>,
}

async fn post_restore(
    app: web::Data<App>,
    viewer: Viewer,
    request: HttpRequest,
    base: BaseUrl,
    body: Json<Option<RestoreRequest>>,
) -> HubResult<HttpResponse> {
    let admin = deleted::find(&app, &viewer, raw_param(&request, "id")).await?;
    let wanted = body.0.unwrap_or_default();
    let id = deleted::restore(&app, &admin, wanted.name.as_deref()).await?;
    let repo = &admin.repo;
    let url = base.join(&format!("/{}{id}", repo.repo_type.url_prefix()));
    Ok(HttpResponse::Ok().json(json!({ "url": url, "id": id.to_string(), "type": repo.repo_type })))
}
