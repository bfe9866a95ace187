//! `/api/organizations/{name}/resource-groups`, as on the Hub.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::{RepoId, RepoType};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::groups::{self, MOST, Managed};
use crate::accounts::queries::groups::{self as queries, GroupRow};
use crate::accounts::settings::require_admin_of;
use crate::accounts::{Auth, OrgRole, TokenRole, Viewer, audit, scopes, settings};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::{access, groups as repo_groups};
use crate::web::extract::{Json, raw_param};

/// How many people and repositories a list of groups names, of all groups together.
const MOST_NAMED: i64 = 5_000;
/// How many people or repositories one call brings.
const MOST_SENT: usize = 100;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/organizations/{name}/resource-groups", web::get().to(list_groups))
        .route("/api/organizations/{name}/resource-groups", web::post().to(post_group))
        .route("/api/organizations/{name}/resource-groups/{id}", web::get().to(get_group))
        .route("/api/organizations/{name}/resource-groups/{id}", web::patch().to(patch_group))
        .route("/api/organizations/{name}/resource-groups/{id}", web::delete().to(delete_group))
        .route("/api/organizations/{name}/resource-groups/{id}/users", web::post().to(post_users))
        .route("/api/organizations/{name}/resource-groups/{id}/users/{user}", web::patch().to(patch_user))
        .route("/api/organizations/{name}/resource-groups/{id}/users/{user}", web::delete().to(delete_user));
}

/// The groups that the viewer may know of: admins all, members their own. A token for chosen things must be for the organisation.
async fn visible(app: &App, viewer: &Viewer, name: &str) -> HubResult<Vec<GroupRow>> {
    let user = viewer.require_user()?;
    // By a name that it had, it is the same.
    let name = &settings::present_name(app, name).await?;
    if let Auth::Token { role: TokenRole::FineGrained, scopes: given, .. } = &viewer.auth
        && !scopes::reads_all_of(given, name)
    {
        return Err(HubError::token_too_weak(&format!("the right to read the repositories of `{name}`")));
    }
    let membership = user.memberships.iter().find(|membership| membership.name.eq_ignore_ascii_case(name));
    let Some(membership) = membership else {
        let organization = require_admin_of(app, user, name).await?;
        return Ok(queries::list_groups(&app.pool, organization.namespace_pk, MOST).await?);
    };
    let mut found = queries::list_groups(&app.pool, membership.namespace_pk, MOST).await?;
    found.retain(|row| user.is_admin || membership.groups.iter().any(|group| group.pk == row.resource_group_pk));
    Ok(found)
}

/// Groups with who and what is in them. Of repositories only those are named that the viewer's token may see.
async fn described(app: &App, viewer: &Viewer, groups: Vec<GroupRow>) -> HubResult<Vec<Value>> {
    let pks: Vec<i64> = groups.iter().map(|group| group.resource_group_pk).collect();
    let mut users: HashMap<i64, Vec<Value>> = HashMap::new();
    for row in queries::list_group_members(&app.pool, &pks, MOST_NAMED).await? {
        let user = json!({
            "name": row.name, "user": row.name, "fullname": row.fullname, "role": row.role, "type": "user",
            "avatarUrl": app.pictures.avatar_of(&row.name),
        });
        users.entry(row.resource_group_pk).or_default().push(user);
    }
    let mut repos: HashMap<i64, Vec<Value>> = HashMap::new();
    if access::sees_whole_account(viewer) {
        for row in queries::list_group_repos(&app.pool, &pks, MOST_NAMED).await? {
            let name = format!("{}/{}", row.namespace, row.name);
            let repo = json!({ "type": row.repo_type.as_str(), "name": name, "private": row.private });
            repos.entry(row.resource_group_pk).or_default().push(repo);
        }
    }
    let describe = |group: GroupRow| {
        json!({
            "id": group.public_id,
            "name": group.name,
            "description": group.description,
            "users": users.remove(&group.resource_group_pk).unwrap_or_default(),
            "repos": repos.remove(&group.resource_group_pk).unwrap_or_default(),
            "autoJoin": { "enabled": false },
        })
    };
    Ok(groups.into_iter().map(describe).collect())
}

async fn list_groups(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let groups = visible(&app, &viewer, raw_param(&request, "name")).await?;
    Ok(HttpResponse::Ok().json(described(&app, &viewer, groups).await?))
}

async fn one(app: &App, viewer: &Viewer, group: GroupRow) -> HubResult<HttpResponse> {
    Ok(HttpResponse::Ok().json(described(app, viewer, vec![group]).await?.pop()))
}

async fn get_group(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let mut groups = visible(&app, &viewer, raw_param(&request, "name")).await?;
    groups.retain(|group| group.public_id == raw_param(&request, "id"));
    one(&app, &viewer, groups.pop().ok_or_else(HubError::no_such_group)?).await
}

#[derive(Debug, Deserialize)]
struct NewGroup {
    // Whether it is allowed is said before what is missing.
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    users: Vec<NewUser>,
    #[serde(default)]
    repos: Vec<NewRepo>,
}

#[derive(Debug, Deserialize)]
struct NewUser {
    #[serde(alias = "name")]
    user: String,
    role: OrgRole,
}

#[derive(Debug, Deserialize)]
struct NewRepo {
    #[serde(rename = "type")]
    repo_type: RepoType,
    name: String,
}

fn check_count(count: usize) -> HubResult<()> {
    if count <= MOST_SENT {
        return Ok(());
    }
    Err(HubError::bad_request(format!("Send at most {MOST_SENT} users or repositories at a time.")))
}

/// Makes a group with its first members and repositories, all or nothing.
async fn post_group(app: web::Data<App>, viewer: Viewer, request: HttpRequest, body: Json<NewGroup>) -> HubResult<HttpResponse> {
    let user = viewer.require_actor()?;
    let organization = require_admin_of(&app, user, raw_param(&request, "name")).await?;
    let Json(new) = body;
    check_count(new.users.len())?;
    check_count(new.repos.len())?;
    let mut repos = Vec::new();
    for repo in &new.repos {
        let id: RepoId = repo.name.parse()?;
        repos.push(access::find_readable(&app, &viewer, repo.repo_type, id.namespace(), id.name()).await?.into_admin()?);
    }
    let members = groups::find_users(&app, &pairs(&new.users)).await?;
    let mut tx = audit::begin(&app).await?;
    let (group_pk, id) = groups::create_in(&mut tx, organization.namespace_pk, &new.name, &new.description).await?;
    groups::set_members_in(&mut tx, (group_pk, &organization), &members).await?;
    for admin in &repos {
        if admin.repo.namespace_pk != organization.namespace_pk {
            let text = format!("{} does not belong to {}: transfer it there first.", admin.repo.id, organization.name);
            return Err(HubError::bad_request(text));
        }
        repo_groups::put_into(&mut tx, admin, Some(group_pk)).await?;
    }
    tx.commit().await?;
    one(&app, &viewer, groups::find(&app, organization.namespace_pk, &id).await?).await
}

fn pairs(users: &[NewUser]) -> Vec<(String, OrgRole)> {
    users.iter().map(|new| (new.user.clone(), new.role)).collect()
}

async fn set_users(app: &App, managed: &Managed, users: &[NewUser]) -> HubResult<()> {
    groups::set_members(app, managed, &pairs(users)).await
}

/// The group named in the path, of which the viewer manages the members.
async fn managed(app: &App, viewer: &Viewer, request: &HttpRequest) -> HubResult<Managed> {
    let user = viewer.require_actor()?;
    groups::require_manager_of(app, user, raw_param(request, "name"), raw_param(request, "id")).await
}

#[derive(Debug, Deserialize)]
struct ChangedGroup {
    name: Option<String>,
    description: Option<String>,
}

async fn patch_group(
    app: web::Data<App>,
    viewer: Viewer,
    request: HttpRequest,
    body: Json<ChangedGroup>,
) -> HubResult<HttpResponse> {
    let Managed { organization, group, .. } = managed(&app, &viewer, &request).await?;
    let Json(new) = body;
    let name = new.name.unwrap_or_else(|| group.name.clone());
    let description = new.description.unwrap_or_else(|| group.description.clone());
    groups::rename(&app, &group, &name, &description).await?;
    one(&app, &viewer, groups::find(&app, organization.namespace_pk, &group.public_id).await?).await
}

async fn delete_group(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let user = viewer.require_actor()?;
    let organization = require_admin_of(&app, user, raw_param(&request, "name")).await?;
    let group = groups::find(&app, organization.namespace_pk, raw_param(&request, "id")).await?;
    groups::delete(&app, &group).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

#[derive(Debug, Deserialize)]
struct NewUsers {
    #[serde(default)]
    users: Vec<NewUser>,
}

async fn post_users(app: web::Data<App>, viewer: Viewer, request: HttpRequest, body: Json<NewUsers>) -> HubResult<HttpResponse> {
    let managed = managed(&app, &viewer, &request).await?;
    check_count(body.0.users.len())?;
    set_users(&app, &managed, &body.0.users).await?;
    one(&app, &viewer, managed.group).await
}

#[derive(Debug, Deserialize)]
struct ChangedRole {
    role: Option<OrgRole>,
}

async fn patch_user(
    app: web::Data<App>,
    viewer: Viewer,
    request: HttpRequest,
    body: Json<ChangedRole>,
) -> HubResult<HttpResponse> {
    let managed = managed(&app, &viewer, &request).await?;
    let role = body.0.role.ok_or_else(|| HubError::bad_request("Send a `role`: `read`, `contributor`, `write` or `admin`."))?;
    let user = NewUser { user: raw_param(&request, "user").to_owned(), role };
    set_users(&app, &managed, &[user]).await?;
    one(&app, &viewer, managed.group).await
}

async fn delete_user(app: web::Data<App>, viewer: Viewer, request: HttpRequest) -> HubResult<HttpResponse> {
    let managed = managed(&app, &viewer, &request).await?;
    groups::remove_member(&app, &managed.group, raw_param(&request, "user")).await?;
    one(&app, &viewer, managed.group).await
}
