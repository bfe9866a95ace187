//! Create, delete, move, settings, duplicate, access checks.

use actix_web::{HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_types::{RepoId, RepoPath, RepoType};
use serde::Deserialize;
use serde_json::{Value, json};

use super::REPO;
use crate::accounts::{Viewer, sudo};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::{self, RepoAdmin, RepoContent, RepoRead, RepoWrite};
use crate::repos::create::{NewRepo, create_repo, starter_card};
use crate::repos::settings::{Gating, SettingsChange};
use crate::repos::{delete, duplicate, rename, settings};
use crate::web::base_url::BaseUrl;
use crate::web::extract::Json;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/repos/create", web::post().to(post_create))
        .route("/api/repos/delete", web::delete().to(post_delete))
        .route("/api/repos/move", web::post().to(post_move))
        .route(&format!("{REPO}/settings"), web::put().to(put_settings))
        .route(&format!("{REPO}/duplicate"), web::post().to(post_duplicate))
        .route(&format!("{REPO}/auth-check"), web::get().to(auth_check))
        .route(&format!("{REPO}/auth-check/write"), web::get().to(auth_check_write));
}

#[derive(Debug, Deserialize)]
struct CreateRequest {
    name: String,
    organization: Option<String>,
    #[serde(rename = "type")]
    repo_type: Option<String>,
    visibility: Option<String>,
    private: Option<bool>,
    #[serde(rename = "resourceGroupId")]
    resource_group: Option<String>,
    license: Option<String>,
    sdk: Option<String>,
    #[serde(default)]
    files: Vec<CreateFile>,
}

#[derive(Debug, Deserialize)]
struct CreateFile {
    path: String,
    content: String,
    encoding: Option<String>,
}

async fn post_create(app: web::Data<App>, viewer: Viewer, base: BaseUrl, body: Json<CreateRequest>) -> HubResult<HttpResponse> {
    let Json(request) = body;
    let repo_type = repo_type_of(request.repo_type.as_deref())?;
    if !repo_type.has_git() {
        return Err(HubError::bad_request("Make buckets by `POST /api/buckets/{namespace}/{name}`."));
    }
    // Older clients put the whole id into `name`.
    let (namespace, name) = match request.name.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
        None => (request.organization.filter(|name| !name.is_empty()), request.name.clone()),
    };
    let mut files = Vec::new();
    for file in &request.files {
        files.push((RepoPath::new(&file.path)?, decode_content(&file.content, file.encoding.as_deref())?));
    }
    let has_card = files.iter().any(|(path, _)| path.as_str() == "README.md");
    if !has_card && let Some(card) = starter_card(repo_type, request.license.as_deref(), request.sdk.as_deref(), &name)? {
        files.push((RepoPath::new("README.md")?, card.into_bytes()));
    }
    let private = private_of(request.visibility.as_deref(), request.private)?;
    let new = NewRepo { repo_type, namespace, name, private, resource_group: request.resource_group, files };
    let repo = create_repo(&app, &viewer, &new, base.as_str()).await?;
    Ok(HttpResponse::Ok().json(json!({
        "url": base.join(&repo.path()),
        "name": repo.id.to_string(),
        "id": repo.public_id,
    })))
}

fn decode_content(content: &str, encoding: Option<&str>) -> HubResult<Vec<u8>> {
    match encoding {
        Some("base64") => STANDARD.decode(content).map_err(|_| HubError::bad_request("A file's content is not valid base64.")),
        None | Some("utf-8" | "utf8") => Ok(content.as_bytes().to_vec()),
        Some(other) => Err(HubError::bad_request(format!("`{other}` is not an encoding: use `base64` or `utf-8`."))),
    }
}

fn repo_type_of(text: Option<&str>) -> HubResult<RepoType> {
    Ok(text.map(str::parse).transpose()?.unwrap_or(RepoType::Model))
}

pub(super) fn private_of(visibility: Option<&str>, private: Option<bool>) -> HubResult<Option<bool>> {
    match visibility {
        None => Ok(private),
        Some("public") => Ok(Some(false)),
        Some("private") => Ok(Some(true)),
        Some(other) => Err(HubError::bad_request(format!("`{other}` is not a visibility: use `public` or `private`."))),
    }
}

/// Before dangerous acts: a browser that was left open does none of them by a script, either.
pub(super) async fn ask_browsers(app: &App, read: &RepoRead) -> HubResult<()> {
    sudo::check(app, &read.viewer, &format!("{}/settings", read.repo.path())).await
}

/// Whether everybody would see what only some do.
pub(super) fn publishes(read: &RepoRead, private: Option<bool>) -> bool {
    read.repo.private && private == Some(false)
}

#[derive(Debug, Deserialize)]
struct DeleteRequest {
    name: String,
    organization: Option<String>,
    #[serde(rename = "type")]
    repo_type: Option<String>,
}

async fn post_delete(app: web::Data<App>, viewer: Viewer, body: Json<DeleteRequest>) -> HubResult<HttpResponse> {
    let Json(request) = body;
    let user = viewer.require_user()?;
    let repo_type = repo_type_of(request.repo_type.as_deref())?;
    let (namespace, name) = match request.name.split_once('/') {
        Some((namespace, name)) => (namespace.to_owned(), name),
        None => (request.organization.clone().unwrap_or_else(|| user.name.clone()), request.name.as_str()),
    };
    let admin = access::find_readable(&app, &viewer, repo_type, &namespace, name).await?.into_admin()?;
    ask_browsers(&app, &admin).await?;
    delete::delete_repo(&app, &admin).await?;
    Ok(HttpResponse::Ok().body("OK"))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MoveRequest {
    from_repo: String,
    to_repo: String,
    #[serde(rename = "type")]
    repo_type: Option<String>,
}

async fn post_move(app: web::Data<App>, viewer: Viewer, base: BaseUrl, body: Json<MoveRequest>) -> HubResult<HttpResponse> {
    let Json(request) = body;
    viewer.require_user()?;
    let repo_type = repo_type_of(request.repo_type.as_deref())?;
    let (from, to): (RepoId, RepoId) = (request.from_repo.parse()?, request.to_repo.parse()?);
    let admin = access::find_readable(&app, &viewer, repo_type, from.namespace(), from.name()).await?.into_admin()?;
    ask_browsers(&app, &admin).await?;
    let target = rename::move_repo(&app, &admin, &to).await?;
    Ok(HttpResponse::Ok().json(json!({ "url": base.join(&format!("/{}{target}", repo_type.url_prefix())) })))
}

#[derive(Debug, Deserialize)]
struct SettingsRequest {
    visibility: Option<String>,
    private: Option<bool>,
    gated: Option<Value>,
    #[serde(rename = "discussionsDisabled")]
    discussions_disabled: Option<bool>,
    /// This hub's own.
    #[serde(rename = "refusesPickles")]
    refuses_pickles: Option<bool>,
}

async fn put_settings(app: web::Data<App>, admin: RepoAdmin, body: Json<SettingsRequest>) -> HubResult<HttpResponse> {
    let Json(request) = body;
    let gating = match request.gated {
        None => None,
        Some(Value::Bool(false)) => Some(Gating::Off),
        Some(Value::String(word)) if word == "auto" => Some(Gating::Auto),
        Some(Value::String(word)) if word == "manual" => Some(Gating::Manual),
        Some(_) => return Err(HubError::bad_request("`gated` must be `\"auto\"`, `\"manual\"` or `false`.")),
    };
    let private = private_of(request.visibility.as_deref(), request.private)?;
    if publishes(&admin, private) {
        ask_browsers(&app, &admin).await?;
    }
    let change = SettingsChange {
        private,
        gating,
        discussions_disabled: request.discussions_disabled,
        refuses_pickles: request.refuses_pickles,
        ..SettingsChange::default()
    };
    settings::update_settings(&app, &admin, change).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

#[derive(Debug, Deserialize)]
struct DuplicateRequest {
    repository: String,
    visibility: Option<String>,
    private: Option<bool>,
    #[serde(rename = "resourceGroupId")]
    resource_group: Option<String>,
}

async fn post_duplicate(
    app: web::Data<App>,
    source: RepoContent,
    base: BaseUrl,
    body: Json<DuplicateRequest>,
) -> HubResult<HttpResponse> {
    let Json(request) = body;
    let user = source.viewer.require_user()?;
    let to = match request.repository.contains('/') {
        true => request.repository.parse()?,
        false => RepoId::new(&user.name, &request.repository)?,
    };
    let private = private_of(request.visibility.as_deref(), request.private)?.unwrap_or(source.repo.private);
    if publishes(&source, Some(private)) {
        ask_browsers(&app, &source).await?;
    }
    let repo = duplicate::duplicate_repo(&app, &source, &to, (private, request.resource_group.as_deref()), base.as_str()).await?;
    Ok(HttpResponse::Ok().json(json!({ "url": base.join(&repo.path()), "filesCopyPending": false })))
}

async fn auth_check(_: RepoContent) -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn auth_check_write(_: RepoWrite) -> HttpResponse {
    HttpResponse::Ok().finish()
}
