//! `/api/collections`.

mod json;

use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::RepoType;
use serde::Deserialize;
use serde_json::{Value, json};

use self::json::{collection_json, full_json};
use super::access::{CollectionRead, CollectionWrite, Scope};
use super::contents::items_of;
use super::operations::{self, NewCollection, Place};
use super::queries::{self, Collection, CollectionChange, CollectionQuery, Order};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::base_url::BaseUrl;
use crate::web::cursor::one_more;
use crate::web::extract::{Json, Query, raw_param};
use crate::web::page::{next_link, page_size};

/// How many there are on a page when nothing is said, and at most.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 100;
/// How many items of each a list shows, and how many are looked at for that: some may not be the viewer's to see.
const SHOWN_ITEMS: usize = 4;
const READ_ITEMS: i64 = 12;

/// The pattern of every path about one collection.
const COLLECTION: &str = "/api/collections/{namespace}/{slug}";

/// Mounts the API.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/collections", web::get().to(list))
        .route("/api/collections", web::post().to(post_collection))
        .route(COLLECTION, web::get().to(show))
        .route(COLLECTION, web::patch().to(patch_collection))
        .route(COLLECTION, web::delete().to(delete_collection))
        .route(&format!("{COLLECTION}/items"), web::post().to(post_item))
        .route(&format!("{COLLECTION}/items/{{item}}"), web::patch().to(patch_item))
        .route(&format!("{COLLECTION}/items/{{item}}"), web::delete().to(delete_item))
        .route(&format!("{COLLECTION}/upvote"), web::post().to(post_upvote))
        .route(&format!("{COLLECTION}/upvote"), web::delete().to(delete_upvote))
        .route(&format!("{COLLECTION}/resource-group"), web::post().to(post_resource_group));
}

async fn read(app: &App, viewer: &Viewer, request: &HttpRequest) -> HubResult<CollectionRead> {
    CollectionRead::find(app, viewer, raw_param(request, "slug")).await
}

async fn write(app: &App, viewer: &Viewer, request: &HttpRequest) -> HubResult<CollectionWrite> {
    read(app, viewer, request).await?.into_write()
}

async fn list(app: web::Data<App>, viewer: Viewer, base: BaseUrl, query: Query, request: HttpRequest) -> HubResult<HttpResponse> {
    let limit = page_size(&query, DEFAULT_LIMIT, MAX_LIMIT)?;
    let mut wanted = parse(&query)?;
    wanted.limit = one_more(limit);
    let mut rows = queries::list_collections(&app.pool, &Scope::of(&viewer), &wanted).await?;
    let mut response = HttpResponse::Ok();
    if rows.len() > limit {
        rows.truncate(limit);
        if let Some(last) = rows.last() {
            response.insert_header(next_link(&request, &base, &query, "cursor", &cursor_of(last, wanted.order)));
        }
    }
    let keys: Vec<i64> = rows.iter().map(|row| row.collection_pk).collect();
    let mut items = items_of(&app, &viewer, &keys, READ_ITEMS).await?;
    let found = rows.iter().map(|row| {
        let mut items = items.remove(&row.collection_pk).unwrap_or_default();
        items.truncate(SHOWN_ITEMS);
        // Python numbers the collections of a list itself and does not take a `position`.
        collection_json(row, &items)
    });
    Ok(response.json(found.collect::<Vec<Value>>()))
}

/// The place of a row in an order, as text for an address.
pub(super) fn cursor_of(row: &Collection, order: Order) -> String {
    let value = match order {
        Order::Updated => row.updated_at.timestamp_micros(),
        Order::Upvotes => row.upvotes,
        Order::Trending => row.trending,
        Order::Owner => row.position,
    };
    format!("{value}_{}", row.collection_pk)
}

/// Reads what [`cursor_of`] made.
pub(super) fn parse_cursor(text: &str) -> HubResult<(i64, i64)> {
    let parsed = text.split_once('_').and_then(|(value, key)| Some((value.parse().ok()?, key.parse().ok()?)));
    parsed.ok_or_else(|| HubError::bad_request("`cursor` is not one that this list gave. Start again without it."))
}

fn parse(query: &Query) -> HubResult<CollectionQuery> {
    // The database has no text with a NUL; what cannot be the name of anything finds nothing.
    let texts = |key: &str| -> Vec<String> {
        let texts = query.all(key).map(str::trim).filter(|text| !text.is_empty());
        texts.map(|text| text.replace('\0', "\u{fffd}")).take(20).collect()
    };
    let mut wanted = CollectionQuery { owners: texts("owner"), ..CollectionQuery::default() };
    for item in texts("item") {
        let (kind, id) = item.split_once('/').unwrap_or_default();
        match (kind, RepoType::from_plural(kind), id.split_once('/')) {
            ("papers", _, _) => wanted.papers.push(id.to_owned()),
            (_, Some(repo_type), Some((namespace, name))) => {
                wanted.repos.push((repo_type, namespace.to_owned(), name.to_owned()));
            }
            _ => return Err(HubError::bad_request("`item` must look like `models/ada/bert` or `papers/2307.09288`.")),
        }
    }
    wanted.words = query.get("q").map(str::trim).filter(|words| !words.is_empty() && !words.contains('\0')).map(str::to_owned);
    wanted.order = match query.get("sort") {
        None | Some("lastModified") => Order::Updated,
        Some("trending") => Order::Trending,
        Some("upvotes") => Order::Upvotes,
        Some(_) => return Err(HubError::bad_request("`sort` must be `lastModified`, `trending` or `upvotes`.")),
    };
    wanted.after = query.get("cursor").map(parse_cursor).transpose()?;
    Ok(wanted)
}

#[derive(Debug, Deserialize)]
struct CreateRequest {
    title: String,
    namespace: Option<String>,
    description: Option<String>,
    theme: Option<String>,
    #[serde(default)]
    private: bool,
    item: Option<ItemRequest>,
    #[serde(rename = "resourceGroupId")]
    resource_group: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ItemRequest {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

async fn post_collection(app: web::Data<App>, viewer: Viewer, body: Json<CreateRequest>) -> HubResult<HttpResponse> {
    let Json(request) = body;
    let first = match &request.item {
        Some(item) => Some(operations::find_target(&app, &viewer, &item.kind, &item.id).await?),
        None => None,
    };
    let new = NewCollection {
        namespace: request.namespace,
        title: request.title,
        description: request.description.unwrap_or_default(),
        theme: request.theme,
        private: request.private,
        resource_group: request.resource_group,
    };
    let collection = operations::create(&app, &viewer, &new).await?;
    let made = CollectionRead { collection, viewer };
    if let Some(target) = first {
        let write = made.into_write()?;
        operations::add_item(&app, &write, &target, "").await?;
        return Ok(HttpResponse::Ok().json(full_json(&app, &write).await?));
    }
    Ok(HttpResponse::Ok().json(full_json(&app, &made).await?))
}

async fn show(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let read = read(&app, &viewer, &request).await?;
    Ok(HttpResponse::Ok().json(full_json(&app, &read).await?))
}

#[derive(Debug, Deserialize)]
struct PatchRequest {
    title: Option<String>,
    description: Option<String>,
    theme: Option<String>,
    private: Option<bool>,
    position: Option<u32>,
}

async fn patch_collection(
    app: web::Data<App>,
    viewer: Viewer,
    request: HttpRequest,
    body: Json<PatchRequest>,
) -> HubResult<HttpResponse> {
    let Json(wanted) = body;
    let write = write(&app, &viewer, &request).await?;
    let PatchRequest { title, description, theme, private, position } = wanted;
    let change = CollectionChange { title, description, theme, private, position: position.map(place) };
    let collection = operations::update(&app, &write, change).await?;
    let read = CollectionRead { collection, viewer };
    Ok(HttpResponse::Ok().json(json!({ "success": true, "data": full_json(&app, &read).await? })))
}

fn place(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

async fn delete_collection(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    operations::delete(&app, &write(&app, &viewer, &request).await?).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

#[derive(Debug, Deserialize)]
struct AddRequest {
    item: ItemRequest,
    note: Option<String>,
}

async fn post_item(app: web::Data<App>, viewer: Viewer, request: HttpRequest, body: Json<AddRequest>) -> HubResult<HttpResponse> {
    let Json(wanted) = body;
    let write = write(&app, &viewer, &request).await?;
    let target = operations::find_target(&app, &viewer, &wanted.item.kind, &wanted.item.id).await?;
    operations::add_item(&app, &write, &target, wanted.note.as_deref().unwrap_or_default()).await?;
    let read = CollectionRead::find(&app, &viewer, &write.collection.public_id).await?;
    Ok(HttpResponse::Ok().json(full_json(&app, &read).await?))
}

#[derive(Debug, Deserialize)]
struct PatchItemRequest {
    position: Option<u32>,
    note: Option<String>,
}

async fn patch_item(
    app: web::Data<App>,
    viewer: Viewer,
    request: HttpRequest,
    body: Json<PatchItemRequest>,
) -> HubResult<HttpResponse> {
    let Json(wanted) = body;
    let write = write(&app, &viewer, &request).await?;
    let place = wanted.position.map(|position| Place::At(place(position)));
    operations::update_item(&app, &write, raw_param(&request, "item"), place, wanted.note.as_deref()).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

async fn delete_item(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let write = write(&app, &viewer, &request).await?;
    operations::delete_item(&app, &write, raw_param(&request, "item")).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

async fn post_upvote(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    upvote(&app, &viewer, &request, true).await
}

async fn delete_upvote(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    upvote(&app, &viewer, &request, false).await
}

async fn upvote(app: &App, viewer: &Viewer, request: &HttpRequest, up: bool) -> HubResult<HttpResponse> {
    let upvotes = operations::set_upvote(app, &read(app, viewer, request).await?, up).await?;
    Ok(HttpResponse::Ok().json(json!({ "upvoted": up, "upvotes": upvotes })))
}

#[derive(Debug, Deserialize)]
struct GroupRequest {
    #[serde(rename = "resourceGroupId")]
    resource_group: Option<String>,
}

async fn post_resource_group(
    app: web::Data<App>,
    viewer: Viewer,
    request: HttpRequest,
    body: Json<GroupRequest>,
) -> HubResult<HttpResponse> {
    let Json(wanted) = body;
    operations::move_to_group(&app, &write(&app, &viewer, &request).await?, wanted.resource_group.as_deref()).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}
