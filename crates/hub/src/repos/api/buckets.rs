//! The Hub API about buckets, as `huggingface_hub` 2.4 speaks it (`hf_api.py`, `create_bucket` to `sync_bucket`).

mod batch;
mod files;
mod place;
mod resolve;

use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::RepoType;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::BUCKET;
use super::lifecycle::{ask_browsers, private_of, publishes};
use crate::accounts::Viewer;
use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::access::{RepoAdmin, RepoRead};
use crate::repos::buckets::create::{NewBucket, create_bucket};
use crate::repos::listing::{Cursor, ListQuery, Sort, list};
use crate::repos::settings::{SettingsChange, update_settings};
use crate::repos::visibility::visible_to;
use crate::repos::{Repo, delete};
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Json, Query, raw_param};
use crate::web::page::{next_link, page_size};

/// How many buckets a page of a list has, and the most that can be asked for.
const PAGE_SIZES: (usize, usize) = (100, 1000);
/// The namespace that stands for the viewer's own.
const ME: &str = "me";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(files::routes)
        .configure(batch::routes)
        .configure(place::routes)
        .configure(resolve::routes)
        .route(&format!("{BUCKET}/settings"), web::put().to(put_settings))
        .route(&format!("{BUCKET}/events"), web::get().to(get_events))
        .route("/api/buckets/{namespace}/{name}", web::post().to(post_bucket))
        .route(BUCKET, web::get().to(get_bucket))
        .route(BUCKET, web::delete().to(delete_bucket))
        .route("/api/buckets/{namespace}", web::get().to(list_buckets));
}

/// What clients know of a bucket.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BucketInfo {
    id: String,
    author: String,
    private: bool,
    created_at: String,
    updated_at: String,
    size: i64,
    total_files: i64,
}

impl BucketInfo {
    fn of(repo: &Repo) -> Self {
        Self {
            id: repo.id.to_string(),
            author: repo.id.namespace().to_owned(),
            private: repo.private,
            created_at: timestamp(repo.created_at),
            updated_at: timestamp(repo.last_modified_at),
            size: repo.size_bytes,
            total_files: repo.file_count,
        }
    }
}

#[derive(Debug, Deserialize)]
struct CreateRequest {
    visibility: Option<String>,
    private: Option<bool>,
    #[serde(rename = "resourceGroupId")]
    resource_group: Option<String>,
}

async fn post_bucket(
    app: web::Data<App>,
    viewer: Viewer,
    request: HttpRequest,
    base: BaseUrl,
    body: Json<CreateRequest>,
) -> HubResult<HttpResponse> {
    let Json(wanted) = body;
    let namespace = Some(raw_param(&request, "namespace")).filter(|name| *name != ME);
    let new = NewBucket {
        namespace: namespace.map(str::to_owned),
        name: raw_param(&request, "name").to_owned(),
        private: private_of(wanted.visibility.as_deref(), wanted.private)?,
        resource_group: wanted.resource_group,
    };
    let repo = create_bucket(&app, &viewer, &new, base.as_str()).await?;
    let answer = json!({ "url": base.join(&repo.path()), "name": repo.id.to_string(), "id": repo.public_id });
    Ok(HttpResponse::Ok().json(answer))
}

async fn get_bucket(read: RepoRead) -> HttpResponse {
    HttpResponse::Ok().json(BucketInfo::of(&read.repo))
}

async fn delete_bucket(app: web::Data<App>, admin: RepoAdmin) -> HubResult<HttpResponse> {
    ask_browsers(&app, &admin).await?;
    delete::delete_repo(&app, &admin).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

#[derive(Debug, Deserialize)]
struct SettingsRequest {
    visibility: Option<String>,
    private: Option<bool>,
}

async fn put_settings(app: web::Data<App>, admin: RepoAdmin, body: Json<SettingsRequest>) -> HubResult<HttpResponse> {
    let Json(wanted) = body;
    let private = private_of(wanted.visibility.as_deref(), wanted.private)?;
    if publishes(&admin, private) {
        ask_browsers(&app, &admin).await?;
    }
    update_settings(&app, &admin, SettingsChange { private, ..SettingsChange::default() }).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

/// Clients take this for a hub whose buckets cannot be followed live, and list them anew instead.
async fn get_events(_: RepoRead) -> HubResult<HttpResponse> {
    Err(HubError::new(ErrorKind::NotImplemented, "This hub does not tell of changes in buckets as they happen."))
}

async fn list_buckets(
    app: web::Data<App>,
    viewer: Viewer,
    request: HttpRequest,
    base: BaseUrl,
    query: Query,
) -> HubResult<HttpResponse> {
    let author = match raw_param(&request, "namespace") {
        ME => viewer.require_user()?.name.clone(),
        name => name.to_owned(),
    };
    let sort = Sort::Created;
    let wanted = ListQuery {
        author: Some(author),
        search: query.get("search").map(|text| text.split_whitespace().map(str::to_owned).collect()).unwrap_or_default(),
        sort,
        after: query.get("cursor").map(|text| Cursor::decode(text, sort)).transpose()?,
        limit: page_size(&query, PAGE_SIZES.0, PAGE_SIZES.1)?,
        ..ListQuery::default()
    };
    let page = list(&app, RepoType::Bucket, &visible_to(&viewer), &wanted).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        response.insert_header(next_link(&request, &base, &query, "cursor", &next.encode()));
    }
    let infos = page.repos.iter().map(|row| BucketInfo {
        id: row.id(),
        author: row.namespace.clone(),
        private: row.private,
        created_at: timestamp(row.created_at),
        updated_at: timestamp(row.last_modified_at),
        size: row.size_bytes,
        total_files: row.file_count,
    });
    Ok(response.json(infos.collect::<Vec<_>>()))
}
