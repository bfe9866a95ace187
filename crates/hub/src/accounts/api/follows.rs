//! Who follows whom: `followers`, `following`, and `follow` itself, of users and organisations.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use crate::accounts::Viewer;
use crate::accounts::follows::set_follow;
use crate::accounts::queries::NamespaceRow;
use crate::accounts::queries::find_namespace;
use crate::accounts::queries::follows::{FollowRow, list_followers, list_following};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::base_url::BaseUrl;
use crate::web::cursor::{TimeCursor, cut, one_more};
use crate::web::extract::{Query, raw_param};
use crate::web::page::{next_link, page_size};

/// How many there are on a page when nothing is said, and at most.
const DEFAULT_LIMIT: usize = 500;
const MAX_LIMIT: usize = 1_000;

/// The kinds of namespaces as addresses have them, and as the database does.
const KINDS: [(&str, &str); 2] = [("users", "user"), ("organizations", "organization")];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let owner = "/api/{kind:users|organizations}/{name}";
    config
        .route(&format!("{owner}/followers"), web::get().to(get_followers))
        .route("/api/{kind:users}/{name}/following", web::get().to(get_following))
        .route(&format!("{owner}/follow"), web::post().to(post_follow))
        .route(&format!("{owner}/follow"), web::delete().to(delete_follow));
}

/// The namespace of the address, of the kind the address says.
async fn namespace_of(app: &App, request: &HttpRequest) -> HubResult<NamespaceRow> {
    let (kind, name) = (raw_param(request, "kind"), raw_param(request, "name"));
    let kind = KINDS.iter().find(|(plural, _)| *plural == kind).map_or("", |(_, kind)| kind);
    let missing = || HubError::not_found(format!("There is no {kind} with this name."));
    hub_types::check_name(name).map_err(|_| missing())?;
    let found = find_namespace(&mut *app.pool.acquire().await?, name).await?;
    found.filter(|namespace| namespace.kind == kind).ok_or_else(missing)
}

async fn get_followers(
    app: web::Data<App>,
    viewer: Viewer,
    base: BaseUrl,
    query: Query,
    request: HttpRequest,
) -> HubResult<HttpResponse> {
    let namespace = namespace_of(&app, &request).await?;
    let (limit, after) = (page_size(&query, DEFAULT_LIMIT, MAX_LIMIT)?, TimeCursor::read(&query, "cursor")?);
    let viewer_pk = viewer.user.as_ref().map(|user| user.pk);
    let rows = list_followers(&app.pool, namespace.namespace_pk, viewer_pk, after, one_more(limit)).await?;
    Ok(answer(&app, rows, limit, &request, &base, &query))
}

async fn get_following(
    app: web::Data<App>,
    viewer: Viewer,
    base: BaseUrl,
    query: Query,
    request: HttpRequest,
) -> HubResult<HttpResponse> {
    let namespace = namespace_of(&app, &request).await?;
    let (limit, after) = (page_size(&query, DEFAULT_LIMIT, MAX_LIMIT)?, TimeCursor::read(&query, "cursor")?);
    let viewer_pk = viewer.user.as_ref().map(|user| user.pk);
    let rows = list_following(&app.pool, namespace.namespace_pk, viewer_pk, after, one_more(limit)).await?;
    Ok(answer(&app, rows, limit, &request, &base, &query))
}

fn answer(
    app: &App,
    mut rows: Vec<FollowRow>,
    limit: usize,
    request: &HttpRequest,
    base: &BaseUrl,
    query: &Query,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(next) = cut(&mut rows, limit, |row| TimeCursor { at: row.created_at, pk: row.namespace_pk }) {
        response.insert_header(next_link(request, base, query, "cursor", &next.encode()));
    }
    response.json(rows.iter().map(|row| json_of(app, row)).collect::<Vec<_>>())
}

fn json_of(app: &App, row: &FollowRow) -> Value {
    let fullname = if row.fullname.is_empty() { &row.name } else { &row.fullname };
    json!({
        "_id": format!("{:024x}", row.namespace_pk),
        "user": row.name,
        "fullname": fullname,
        "avatarUrl": app.pictures.avatar_of(&row.name),
        "type": if row.kind == "organization" { "org" } else { "user" },
        "isPro": false,
        "isFollowing": row.is_following,
    })
}

async fn post_follow(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    set_follow(&app, &viewer, &namespace_of(&app, &request).await?, true).await?;
    Ok(HttpResponse::Ok().json(json!({ "isFollowing": true })))
}

async fn delete_follow(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    set_follow(&app, &viewer, &namespace_of(&app, &request).await?, false).await?;
    Ok(HttpResponse::Ok().json(json!({ "isFollowing": false })))
}
