//! Users and organisations with what they own: overviews, members, and what their repositories take up.

use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::RepoType;
use serde_json::{Map, Value, json};

use crate::accounts::api::timestamp;
use crate::accounts::queries::follows::count_follows;
use crate::accounts::queries::public::{self, OwnerRow};
use crate::accounts::{OrgRole, Viewer};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::queries::{likes, relations};
use crate::repos::visibility::visible_to;
use crate::web::base_url::BaseUrl;
use crate::web::cursor::one_more;
use crate::web::extract::{Query, raw_param};

/// How many there are on a page.
const PAGE: usize = 500;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/users/{name}/overview", web::get().to(user_overview))
        .route("/api/organizations/{name}/overview", web::get().to(organization_overview))
        .route("/api/organizations/{name}/members", web::get().to(list_members))
        .route("/api/settings/repositories", web::get().to(list_own_storage))
        .route("/api/organizations/{name}/settings/repositories", web::get().to(list_organization_storage));
}

/// Finds a user.
///
/// # Errors
/// 404 when there is none of this name.
pub(super) async fn get_user(app: &App, name: &str) -> HubResult<OwnerRow> {
    let found = if hub_types::check_name(name).is_ok() { public::find_public_user(&app.pool, name).await? } else { None };
    found.ok_or_else(|| HubError::not_found("There is no user with this name."))
}

async fn get_organization(app: &App, name: &str) -> HubResult<OwnerRow> {
    let found = if hub_types::check_name(name).is_ok() { public::find_public_organization(&app.pool, name).await? } else { None };
    found.ok_or_else(|| HubError::not_found("There is no organisation with this name."))
}

fn user_json(app: &App, user: &OwnerRow) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("_id".to_owned(), json!(format!("{:024x}", user.namespace_pk)));
    object.insert("user".to_owned(), json!(user.name));
    object.insert("fullname".to_owned(), json!(user.display_name()));
    object.insert("avatarUrl".to_owned(), json!(app.pictures.avatar_of(&user.name)));
    object.insert("type".to_owned(), json!("user"));
    object.insert("isPro".to_owned(), json!(false));
    object
}

/// Adds `numModels`, `numDatasets`, `numSpaces` and `numBuckets`, as far as the viewer sees them.
async fn add_counts(app: &App, viewer: &Viewer, owner: &OwnerRow, object: &mut Map<String, Value>) -> HubResult<()> {
    let counts = relations::count_by_type(&app.pool, &visible_to(viewer), owner.namespace_pk).await?;
    for repo_type in RepoType::EVERY {
        let count = counts.iter().find(|row| row.repo_type == repo_type).map_or(0, |row| row.count);
        let name = match repo_type {
            RepoType::Model => "numModels",
            RepoType::Dataset => "numDatasets",
            RepoType::Space => "numSpaces",
            RepoType::Bucket => "numBuckets",
        };
        object.insert(name.to_owned(), json!(count));
    }
    Ok(())
}

/// Adds who follows, and whether the viewer does.
async fn add_follows(app: &App, viewer: &Viewer, owner: &OwnerRow, object: &mut Map<String, Value>) -> HubResult<()> {
    let viewer_pk = viewer.user.as_ref().map(|user| user.pk);
    let counts = count_follows(&app.pool, owner.namespace_pk, viewer_pk).await?;
    object.insert("isFollowing".to_owned(), json!(counts.is_following));
    object.insert("numFollowers".to_owned(), json!(counts.followers));
    object.insert("numFollowing".to_owned(), json!(counts.following));
    Ok(())
}

async fn user_overview(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let user = get_user(&app, raw_param(&request, "name")).await?;
    let mut object = user_json(&app, &user);
    add_counts(&app, &viewer, &user, &mut object).await?;
    object.insert("details".to_owned(), json!(user.details));
    object.insert("createdAt".to_owned(), json!(timestamp(user.created_at)));
    let organizations = public::list_public_organizations(&app.pool, user.namespace_pk).await?;
    let organizations: Vec<Value> = organizations
        .iter()
        .map(|row| json!({ "name": row.name, "fullname": row.display_name(), "avatarUrl": app.pictures.avatar_of(&row.name) }))
        .collect();
    object.insert("orgs".to_owned(), json!(organizations));
    add_follows(&app, &viewer, &user, &mut object).await?;
    let liked = likes::count_liked(&app.pool, &visible_to(&viewer), user.namespace_pk).await?;
    object.insert("numLikes".to_owned(), json!(liked));
    for name in ["numDiscussions", "numPapers", "numUpvotes"] {
        object.insert(name.to_owned(), json!(0));
    }
    Ok(HttpResponse::Ok().json(object))
}

async fn organization_overview(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let organization = get_organization(&app, raw_param(&request, "name")).await?;
    let mut object = Map::new();
    object.insert("_id".to_owned(), json!(format!("{:024x}", organization.namespace_pk)));
    object.insert("type".to_owned(), json!("org"));
    object.insert("name".to_owned(), json!(organization.name));
    object.insert("fullname".to_owned(), json!(organization.display_name()));
    object.insert("avatarUrl".to_owned(), json!(app.pictures.avatar_of(&organization.name)));
    object.insert("details".to_owned(), json!(organization.details));
    object.insert("isVerified".to_owned(), json!(false));
    object.insert("numUsers".to_owned(), json!(public::count_members(&app.pool, organization.namespace_pk).await?));
    add_follows(&app, &viewer, &organization, &mut object).await?;
    object.insert("numPapers".to_owned(), json!(0));
    add_counts(&app, &viewer, &organization, &mut object).await?;
    Ok(HttpResponse::Ok().json(object))
}

/// Members with their roles, which the organisation's page shows, too.
async fn list_members(app: web::Data<App>, base: BaseUrl, query: Query, request: HttpRequest) -> HubResult<HttpResponse> {
    let organization = get_organization(&app, raw_param(&request, "name")).await?;
    let mut members = public::list_public_members(&app.pool, organization.namespace_pk, after(&query)?, one_more(PAGE)).await?;
    let path = format!("/api/organizations/{}/members", organization.name);
    let mut response = HttpResponse::Ok();
    if members.len() > PAGE {
        members.truncate(PAGE);
        if let Some((last, _)) = members.last() {
            response.insert_header(("Link", next_link(&base, &path, last.namespace_pk)));
        }
    }
    let items = members.iter().map(|(member, role)| {
        let mut object = user_json(&app, member);
        object.insert("role".to_owned(), json!(role));
        object
    });
    Ok(response.json(items.collect::<Vec<_>>()))
}

async fn list_own_storage(app: web::Data<App>, viewer: Viewer, base: BaseUrl, query: Query) -> HubResult<HttpResponse> {
    let user = viewer.require_user()?;
    let owner = (user.pk, user.name.as_str());
    storage(&app, &viewer, &base, &query, "/api/settings/repositories", owner).await
}

async fn list_organization_storage(
    app: web::Data<App>,
    viewer: Viewer,
    base: BaseUrl,
    query: Query,
    request: HttpRequest,
) -> HubResult<HttpResponse> {
    let user = viewer.require_user()?;
    let organization = get_organization(&app, raw_param(&request, "name")).await?;
    let role = viewer.role_in(organization.namespace_pk);
    if !user.is_admin && role.is_none_or(|role| role < OrgRole::Write) {
        return Err(HubError::forbidden(format!("Only members of {} who may write see this.", organization.name)));
    }
    let path = format!("/api/organizations/{}/settings/repositories", organization.name);
    storage(&app, &viewer, &base, &query, &path, (organization.namespace_pk, &organization.name)).await
}

async fn storage(
    app: &App,
    viewer: &Viewer,
    base: &BaseUrl,
    query: &Query,
    path: &str,
    (namespace_pk, namespace): (i64, &str),
) -> HubResult<HttpResponse> {
    let mut rows = relations::list_storage(&app.pool, &visible_to(viewer), namespace_pk, after(query)?, one_more(PAGE)).await?;
    let mut response = HttpResponse::Ok();
    if rows.len() > PAGE {
        rows.truncate(PAGE);
        if let Some(last) = rows.last() {
            response.insert_header(("Link", next_link(base, path, last.repo_pk)));
        }
    }
    let items = rows.iter().map(|row| {
        json!({
            "id": format!("{namespace}/{}", row.name),
            "type": row.repo_type,
            "updatedAt": timestamp(row.last_modified_at),
            "visibility": if row.private { "private" } else { "public" },
            "storage": row.storage,
        })
    });
    Ok(response.json(items.collect::<Vec<_>>()))
}

fn after(query: &Query) -> HubResult<i64> {
    Ok(query.number("cursor")?.and_then(|cursor| i64::try_from(cursor).ok()).unwrap_or_default())
}

fn next_link(base: &BaseUrl, path: &str, last: i64) -> String {
    format!("<{}?cursor={last}>; rel=\"next\"", base.join(path))
}
