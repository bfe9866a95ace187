//! What scripts ask of notifications. No client of the Hub does; the addresses and the names of what is sent are the Hub's.

use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::RepoType;
use serde::Deserialize;
use serde_json::{Value, json};

use super::queries::inbox::{self, Filter, NotificationRow};
use super::watching::{Level, set_level, set_namespace};
use super::{MOST_COUNTED, Reason};
use crate::accounts::Viewer;
use crate::accounts::api::timestamp;
use crate::accounts::queries::find_namespace;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::find_readable;
use crate::web::base_url::BaseUrl;
use crate::web::cursor::{TimeCursor, cut, one_more};
use crate::web::extract::{Json, Query};
use crate::web::page::{next_link, page_size};

/// How many there are on a page when nothing is said, and at most.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;
/// How many things one request changes.
const MAX_CHANGES: usize = 100;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/notifications", web::get().to(get_notifications))
        .route("/api/discussions/mark-as-read", web::post().to(post_read))
        .route("/api/settings/watch", web::patch().to(patch_watch));
}

fn filter_of(query: &Query) -> HubResult<Filter> {
    let all = match query.get("readStatus") {
        None | Some("all") => true,
        Some("unread") => false,
        Some(_) => return Err(HubError::bad_request("`readStatus` is `all` or `unread`.")),
    };
    let reason = match query.get("mention") {
        None | Some("all") => None,
        Some("participating") => Some(Reason::Participating),
        Some("mentions") => Some(Reason::Mention),
        Some(_) => return Err(HubError::bad_request("`mention` is `all`, `participating` or `mentions`.")),
    };
    Ok(Filter { all, reason, repo: None })
}

async fn get_notifications(
    app: web::Data<App>,
    viewer: Viewer,
    base: BaseUrl,
    query: Query,
    request: HttpRequest,
) -> HubResult<HttpResponse> {
    let user = viewer.require_actor()?;
    let (limit, after) = (page_size(&query, DEFAULT_LIMIT, MAX_LIMIT)?, TimeCursor::read(&query, "cursor")?);
    let namespaces = user.audiences();
    let unread = inbox::count_unread(&app.pool, user.pk, &namespaces, MOST_COUNTED).await?;
    let mut rows = inbox::list(&app.pool, user.pk, &namespaces, &filter_of(&query)?, after, one_more(limit)).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = cut(&mut rows, limit, |row| TimeCursor { at: row.updated_at, pk: row.notification_pk }) {
        response.insert_header(next_link(&request, &base, &query, "cursor", &next.encode()));
    }
    let notifications: Vec<Value> = rows.iter().map(json_of).collect();
    Ok(response.json(json!({ "count": { "unread": unread }, "notifications": notifications })))
}

fn json_of(row: &NotificationRow) -> Value {
    let mut value = json!({
        "type": match (row.repo_type, row.recall_pk) {
            (_, Some(_)) => "recall",
            (Some(_), None) => "repo",
            (None, None) => "org",
        },
        "read": !row.unread,
        "reason": row.reason.as_str(),
        "updatedAt": timestamp(row.updated_at),
    });
    match row.repo_type {
        _ if row.recall_pk.is_some() => {
            value["recall"] = json!({
                "id": row.recall_pk, "title": row.recall, "category": row.recall_category,
                "withdrawn": row.about.as_deref() == Some("recall_withdrawn"),
                "serviceAccount": row.recall_service, "byGit": row.recall_by_git,
            });
        }
        Some(repo_type) => value["repo"] = json!({ "name": row.subject(), "type": repo_type }),
        None => value["org"] = json!({ "name": row.namespace, "event": row.about }),
    }
    if let (Some(pk), Some(num)) = (row.discussion_pk, row.num) {
        value["discussion"] = json!({
            "id": format!("{pk:024x}"),
            "num": num,
            "title": row.title,
            "status": row.status,
            "isPullRequest": row.is_pull_request,
            "participating": row.reason >= Reason::Participating,
        });
    }
    value
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ReadRequest {
    discussion_ids: Vec<String>,
}

async fn post_read(app: web::Data<App>, viewer: Viewer, body: Json<ReadRequest>) -> HubResult<HttpResponse> {
    let user = viewer.require_actor()?;
    let ids = body.0.discussion_ids;
    check_count(ids.len())?;
    let pks: Vec<i64> = ids.iter().filter_map(|id| i64::from_str_radix(id, 16).ok()).collect();
    inbox::mark_discussions_read(&app.pool, user.pk, &pks).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

fn check_count(count: usize) -> HubResult<()> {
    if count > MAX_CHANGES {
        return Err(HubError::bad_request(format!(
            "At most {MAX_CHANGES} can be changed at a time. Send the others afterwards."
        )));
    }
    Ok(())
}

/// What is watched, or no longer: `{"id": "ada/bert", "type": "model"}`, `{"id": "ada", "type": "user"}`.
#[derive(Debug, Deserialize)]
struct Watched {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WatchRequest {
    add: Vec<Watched>,
    delete: Vec<Watched>,
}

async fn patch_watch(app: web::Data<App>, viewer: Viewer, body: Json<WatchRequest>) -> HubResult<HttpResponse> {
    viewer.require_actor()?;
    let WatchRequest { add, delete } = body.0;
    check_count(add.len() + delete.len())?;
    for watched in &add {
        set(&app, &viewer, watched, true).await?;
    }
    for watched in &delete {
        set(&app, &viewer, watched, false).await?;
    }
    Ok(HttpResponse::Ok().json(json!({})))
}

async fn set(app: &App, viewer: &Viewer, watched: &Watched, watch: bool) -> HubResult<()> {
    let missing = || HubError::not_found(format!("There is no {} `{}`.", watched.kind, watched.id));
    if matches!(watched.kind.as_str(), "user" | "org") {
        hub_types::check_name(&watched.id).map_err(|_| missing())?;
        let found = find_namespace(&mut *app.pool.acquire().await?, &watched.id).await?.ok_or_else(missing)?;
        return set_namespace(app, viewer, &found, watch).await;
    }
    let kinds = || HubError::bad_request("`type` is `model`, `dataset`, `space`, `user` or `org`.");
    let repo_type = watched.kind.parse::<RepoType>().map_err(|_| kinds())?;
    let (namespace, name) = watched.id.split_once('/').ok_or_else(missing)?;
    let read = find_readable(app, viewer, repo_type, namespace, name).await?;
    set_level(app, &read, watch.then_some(Level::All)).await
}
