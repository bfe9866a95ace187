//! Discussions and pull requests, as `huggingface_hub` 2.4 speaks of them (`community.py`).

mod json;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::REPO;
use super::commits::patch;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::{RepoAdmin, RepoRead, RepoWrite};
use crate::repos::discussions::{self, NewDiscussion, Sender, Spot};
use crate::repos::queries::discussions::{self as rows, Filter, Status};
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Json, Query, raw_param};

/// How many discussions a page of the list has.
const PAGE_SIZE: u64 = 50;
/// The longest diff that is sent, in bytes.
const MAX_DIFF_BYTES: u64 = 4 * 1024 * 1024;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/discussions"), web::get().to(get_list))
        .route(&format!("{REPO}/discussions"), web::post().to(post_new))
        .route(&format!("{REPO}/discussions/uploads"), web::post().to(post_upload))
        .route(&format!("{REPO}/discussions/{{num}}"), web::get().to(get_details))
        .route(&format!("{REPO}/discussions/{{num}}/comment"), web::post().to(post_comment))
        .route(&format!("{REPO}/discussions/{{num}}/comment/{{comment}}/edit"), web::post().to(post_edit))
        .route(&format!("{REPO}/discussions/{{num}}/comment/{{comment}}/hide"), web::post().to(post_hide))
        .route(&format!("{REPO}/discussions/{{num}}/comment/{{comment}}/unhide"), web::post().to(post_unhide))
        .route(&format!("{REPO}/discussions/{{num}}/comment/{{comment}}/resolve"), web::post().to(post_resolve))
        .route(&format!("{REPO}/discussions/{{num}}/comment/{{comment}}/reactions"), web::post().to(post_reaction))
        .route(&format!("{REPO}/discussions/{{num}}/comment/{{comment}}/reactions"), web::delete().to(delete_reaction))
        .route(&format!("{REPO}/discussions/{{num}}"), web::delete().to(delete_discussion))
        .route(&format!("{REPO}/discussions/{{num}}/title"), web::post().to(post_title))
        .route(&format!("{REPO}/discussions/{{num}}/status"), web::post().to(post_status))
        .route(&format!("{REPO}/discussions/{{num}}/merge"), web::post().to(post_merge))
        .route(&format!("{REPO}/discussions/{{num}}/pin"), web::post().to(post_pin))
        .route(&format!("{REPO}/discussions/{{num}}/lock"), web::post().to(post_lock));
}

/// The number in an address.
fn num_of(request: &HttpRequest) -> HubResult<i64> {
    let text = raw_param(request, "num");
    text.parse().map_err(|_| HubError::not_found("Discussions have numbers from 1 on."))
}

fn filter_of(query: &Query) -> HubResult<Filter> {
    let pull_requests = match query.get("type") {
        None | Some("all") => None,
        Some("pull_request") => Some(true),
        Some("discussion") => Some(false),
        Some(_) => return Err(HubError::bad_request("`type` is `all`, `discussion` or `pull_request`.")),
    };
    let open = match query.get("status") {
        None | Some("all") => None,
        Some("open") => Some(true),
        Some("closed") => Some(false),
        Some(_) => return Err(HubError::bad_request("`status` is `all`, `open` or `closed`.")),
    };
    let text = |key: &str| query.get(key).map(str::to_owned);
    Ok(Filter { pull_requests, open, author: text("author"), search: text("search") })
}

async fn get_list(app: web::Data<App>, read: RepoRead, query: Query) -> HubResult<HttpResponse> {
    let filter = filter_of(&query)?;
    let start = query.number("p")?.unwrap_or(0).saturating_mul(PAGE_SIZE).min(i64::MAX.unsigned_abs());
    let (start, size) =
        (i64::try_from(start).map_err(HubError::internal)?, i64::try_from(PAGE_SIZE).map_err(HubError::internal)?);
    let count = rows::count(&app.pool, read.repo.pk, &filter).await?;
    let found = rows::list(&app.pool, read.repo.pk, &filter, start, size).await?;
    let discussions: Vec<Value> = found.iter().map(|row| json::item(row, &read.repo)).collect();
    Ok(HttpResponse::Ok().json(json!({ "count": count, "start": start, "discussions": discussions })))
}

/// Takes a file for what somebody is about to say: its bytes are the body.
async fn post_upload(app: web::Data<App>, read: RepoRead, query: Query, body: web::Payload) -> HubResult<HttpResponse> {
    let sender = Sender::to(&read)?;
    let made = discussions::receive(&app, sender, query.get("name").unwrap_or_default(), body.into_inner()).await?;
    Ok(HttpResponse::Ok().json(json!({ "url": made.url, "markdown": made.markdown })))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewRequest {
    title: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    pull_request: bool,
}

async fn post_new(app: web::Data<App>, read: RepoRead, base: BaseUrl, body: Json<NewRequest>) -> HubResult<HttpResponse> {
    discussions::participant(&read)?;
    let Json(wanted) = body;
    let new = NewDiscussion::new(&wanted.title, wanted.description.as_deref().unwrap_or_default())?;
    let path = read.repo.path();
    let num = match wanted.pull_request {
        true => discussions::open_pull_request(&app, &read.into_content(&app).await?, &new).await?,
        false => discussions::open_discussion(&app, &read, &new).await?,
    };
    Ok(HttpResponse::Ok().json(json!({
        "num": num,
        "url": base.join(&format!("{path}/discussions/{num}")),
        "pullRequest": wanted.pull_request,
    })))
}

async fn get_details(app: web::Data<App>, read: RepoRead, request: HttpRequest, query: Query) -> HubResult<HttpResponse> {
    let found = discussions::details(&app, &read.repo, num_of(&request)?).await?;
    let mut value = json::details(&app, &found, &read).await?;
    // Of a gated repository, the page is for more people than the files.
    if query.flag("diff")
        && let Some(pull) = found.pull.as_ref().map(|pull| (pull.parted, pull.head))
        && read.barrier(&app).await?.is_none()
    {
        // One too long to send is left out.
        if let Ok(diff) = patch(&app, &read.repo, pull, MAX_DIFF_BYTES).await? {
            value["diff"] = Value::from(diff);
        }
    }
    Ok(HttpResponse::Ok().json(value))
}

/// What happened, by its id, as clients read it.
async fn event(app: &App, read: &RepoRead, num: i64, id: &str) -> HubResult<Value> {
    let found = discussions::details(app, &read.repo, num).await?;
    let event = found.events.iter().find(|event| event.id == id.to_ascii_lowercase());
    let event = event.ok_or_else(|| HubError::internal("what was noted is gone"))?;
    let html = discussions::render(app, &read.repo, event.markdown()).await?;
    let reactions = discussions::reactions_of(app, found.discussion.discussion_pk, None).await?;
    let snippets = discussions::snippets(app, read, &found.discussion).await?;
    Ok(json::event(event, &html, &reactions, json::anchor(&found.remarks, &snippets, &event.id)))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommentRequest {
    comment: String,
    /// Of a pull request: the line that it is about.
    #[serde(default)]
    anchor: Option<AnchorRequest>,
    /// A comment on a line, to answer in its thread.
    #[serde(default)]
    reply_to: Option<String>,
}

#[derive(Debug, Deserialize)]
struct AnchorRequest {
    path: String,
    #[serde(default)]
    side: Option<String>,
    line: i64,
    #[serde(default)]
    commit: Option<String>,
}

impl AnchorRequest {
    fn spot(&self) -> HubResult<Spot> {
        Spot::new(&self.path, self.side.as_deref().unwrap_or("new"), self.line, self.commit.as_deref())
    }
}

async fn post_comment(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    body: Json<CommentRequest>,
) -> HubResult<HttpResponse> {
    let num = num_of(&request)?;
    let Json(CommentRequest { comment, anchor, reply_to }) = body;
    let id = match (anchor, reply_to) {
        (None, None) => discussions::comment(&app, &read, num, &comment).await?,
        (None, Some(to)) => discussions::reply(&app, &read, num, &to, &comment).await?,
        (Some(anchor), None) => {
            // Lines are of files, which not everybody may see who may comment.
            let content = discussions::may_propose(&app, read.clone()).await?;
            discussions::remark(&app, &content, num, &anchor.spot()?, &comment).await?
        }
        (Some(_), Some(_)) => {
            return Err(HubError::bad_request("A comment has an `anchor` or a `replyTo`: an answer stands where its thread is."));
        }
    };
    Ok(HttpResponse::Created().json(json!({ "newMessage": event(&app, &read, num, &id).await? })))
}

#[derive(Debug, Deserialize)]
struct EditRequest {
    content: String,
}

async fn post_edit(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    body: Json<EditRequest>,
) -> HubResult<HttpResponse> {
    let (num, id) = (num_of(&request)?, raw_param(&request, "comment"));
    discussions::edit_comment(&app, &read, num, id, &body.0.content).await?;
    Ok(HttpResponse::Ok().json(json!({ "updatedComment": event(&app, &read, num, id).await? })))
}

async fn post_hide(app: web::Data<App>, read: RepoRead, request: HttpRequest) -> HubResult<HttpResponse> {
    let (num, id) = (num_of(&request)?, raw_param(&request, "comment"));
    discussions::hide_comment(&app, &read, num, id).await?;
    Ok(HttpResponse::Ok().json(json!({ "updatedComment": event(&app, &read, num, id).await? })))
}

/// Shows a comment again that somebody hid who may write, as "Show again" does on the page. No client asks for it: the hub's own.
async fn post_unhide(app: web::Data<App>, write: RepoWrite, request: HttpRequest) -> HubResult<HttpResponse> {
    let (num, id) = (num_of(&request)?, raw_param(&request, "comment"));
    discussions::show_comment(&app, &write, num, id).await?;
    Ok(HttpResponse::Ok().json(json!({ "updatedComment": event(&app, &write, num, id).await? })))
}

#[derive(Debug, Deserialize)]
struct ResolveRequest {
    resolved: bool,
}

/// Settles the thread of a comment on a line, or takes that back.
async fn post_resolve(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    body: Json<ResolveRequest>,
) -> HubResult<HttpResponse> {
    let (num, id) = (num_of(&request)?, raw_param(&request, "comment"));
    discussions::resolve(&app, &read, num, id, body.0.resolved).await?;
    Ok(HttpResponse::Ok().json(json!({ "updatedComment": event(&app, &read, num, id).await? })))
}

#[derive(Debug, Deserialize)]
struct ReactionRequest {
    reaction: String,
}

async fn post_reaction(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    body: Json<ReactionRequest>,
) -> HubResult<HttpResponse> {
    react(&app, &read, &request, &body.0.reaction, true).await
}

async fn delete_reaction(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    body: Json<ReactionRequest>,
) -> HubResult<HttpResponse> {
    react(&app, &read, &request, &body.0.reaction, false).await
}

async fn react(app: &App, read: &RepoRead, request: &HttpRequest, reaction: &str, set: bool) -> HubResult<HttpResponse> {
    let (num, id) = (num_of(request)?, raw_param(request, "comment"));
    discussions::react(app, read, num, id, reaction, set).await?;
    Ok(HttpResponse::Ok().json(json!({ "updatedComment": event(app, read, num, id).await? })))
}

async fn delete_discussion(app: web::Data<App>, admin: RepoAdmin, request: HttpRequest) -> HubResult<HttpResponse> {
    discussions::delete(&app, &admin, num_of(&request)?).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

#[derive(Debug, Deserialize)]
struct TitleRequest {
    title: String,
}

async fn post_title(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    body: Json<TitleRequest>,
) -> HubResult<HttpResponse> {
    let num = num_of(&request)?;
    let id = discussions::rename(&app, &read, num, &body.0.title).await?;
    Ok(HttpResponse::Ok().json(json!({ "newTitle": event(&app, &read, num, &id).await? })))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WantedStatus {
    Open,
    Closed,
}

#[derive(Debug, Deserialize)]
struct StatusRequest {
    status: WantedStatus,
    #[serde(default)]
    comment: Option<String>,
}

async fn post_status(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    body: Json<StatusRequest>,
) -> HubResult<HttpResponse> {
    let num = num_of(&request)?;
    let status = match body.0.status {
        WantedStatus::Open => Status::Open,
        WantedStatus::Closed => Status::Closed,
    };
    let id = discussions::set_status(&app, &read, num, status, body.0.comment.as_deref().unwrap_or_default()).await?;
    Ok(HttpResponse::Ok().json(json!({ "newStatus": event(&app, &read, num, &id).await? })))
}

#[derive(Debug, Default, Deserialize)]
struct MergeRequest {
    #[serde(default)]
    comment: Option<String>,
}

async fn post_merge(
    app: web::Data<App>,
    write: RepoWrite,
    request: HttpRequest,
    body: Json<Option<MergeRequest>>,
) -> HubResult<HttpResponse> {
    let comment = body.0.unwrap_or_default().comment.unwrap_or_default();
    let commit = discussions::merge(&app, &write, num_of(&request)?, &comment).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true, "commitOid": commit })))
}

#[derive(Debug, Deserialize)]
struct PinRequest {
    pinned: bool,
}

async fn post_pin(
    app: web::Data<App>,
    write: RepoWrite,
    request: HttpRequest,
    body: Json<PinRequest>,
) -> HubResult<HttpResponse> {
    discussions::set_flags(&app, &write, num_of(&request)?, Some(body.0.pinned), None).await?;
    Ok(HttpResponse::Ok().json(json!({ "pinned": body.0.pinned })))
}

#[derive(Debug, Deserialize)]
struct LockRequest {
    locked: bool,
}

async fn post_lock(
    app: web::Data<App>,
    write: RepoWrite,
    request: HttpRequest,
    body: Json<LockRequest>,
) -> HubResult<HttpResponse> {
    discussions::set_flags(&app, &write, num_of(&request)?, None, Some(body.0.locked)).await?;
    Ok(HttpResponse::Ok().json(json!({ "locked": body.0.locked })))
}
