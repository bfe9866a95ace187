//! `…/user-access-request/…`: who asked for the files of a gated repository, and deciding about it.

mod report;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::REPO;
use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::gating::{self, Decision, Whose};
use crate::repos::queries::gating::{RequestRow, RequestStatus, count_by_status, list_requests};
use crate::repos::{Repo, RepoRead, RepoWrite};
use crate::web::base_url::BaseUrl;
use crate::web::cursor::{TimeCursor, cut, one_more};
use crate::web::extract::{Json, Query, raw_param};
use crate::web::page::next_link;

/// How many there are on a page when nothing is said, and at most.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: u64 = 1_000;
/// How many are decided about at once.
const MAX_BATCH: usize = 100;
/// The longest text that is looked for in names, in characters.
const MAX_SEARCH_CHARS: usize = 100;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/user-access-request/handle"), web::post().to(post_handle))
        .route(&format!("{REPO}/user-access-request/grant"), web::post().to(post_grant))
        .route(&format!("{REPO}/user-access-request/cancel"), web::post().to(post_cancel))
        .route(&format!("{REPO}/user-access-request/batch"), web::post().to(post_batch))
        .route(&format!("{REPO}/user-access-request/{{status}}"), web::get().to(get_list));
    for repo in ["/{repo_type:datasets|spaces}/{namespace}/{name}", "/{namespace}/{name}"] {
        config.route(&format!("{repo}/user-access-report"), web::get().to(report::get_report));
    }
}

/// Goes on to decide: for those who may write, but no jobs.
fn decider(read: RepoRead) -> HubResult<RepoWrite> {
    read.viewer.require_no_job()?;
    read.into_write().map_err(HubError::for_reader)
}

/// How many are asked for.
fn limit_of(query: &Query) -> HubResult<usize> {
    let wanted = query.number("limit")?;
    if wanted.is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit)) {
        return Err(HubError::bad_request(format!("`limit` must be between 1 and {MAX_LIMIT}.")));
    }
    Ok(wanted.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT))
}

async fn get_list(
    app: web::Data<App>,
    read: RepoRead,
    base: BaseUrl,
    query: Query,
    request: HttpRequest,
) -> HubResult<HttpResponse> {
    let write = decider(read)?;
    let status = RequestStatus::parse(raw_param(&request, "status"))
        .ok_or_else(|| HubError::bad_request("Ask for `pending`, `accepted` or `rejected` requests."))?;
    let limit = limit_of(&query)?;
    require_list(&app, &write.repo).await?;
    let after = TimeCursor::read(&query, "cursor")?;
    let search: Option<String> = query.get("q").map(|text| text.chars().take(MAX_SEARCH_CHARS).collect());
    let mut rows = list_requests(&app.pool, write.repo.pk, status, search.as_deref(), after, one_more(limit)).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = cut(&mut rows, limit, RequestRow::cursor) {
        response.insert_header(next_link(&request, &base, &query, "cursor", &next.encode()));
    }
    Ok(response.json(rows.iter().map(|row| item(&app, row)).collect::<Vec<_>>()))
}

/// Lists stay when a gate was switched off; where there never was one, there is none.
async fn require_list(app: &App, repo: &Repo) -> HubResult<()> {
    if repo.gated.is_none() && count_by_status(&app.pool, repo.pk).await?.is_empty() {
        return Err(HubError::not_gated(repo.repo_type, &repo.id));
    }
    Ok(())
}

fn item(app: &App, row: &RequestRow) -> Value {
    let mut user = json!({
        "_id": format!("{:024x}", row.user_pk),
        "user": row.user_name,
        "fullname": row.shown_name(),
        "avatarUrl": app.pictures.avatar_of(&row.user_name),
        "type": "user",
        "isPro": false,
    });
    if let Some(email) = &row.email {
        user["email"] = json!(email);
    }
    let mut item = json!({
        "requestId": row.public_id,
        "user": user,
        "status": row.status.as_str(),
        "timestamp": timestamp(row.requested_at),
    });
    if row.answers.as_object().is_some_and(|answers| !answers.is_empty()) {
        item["fields"] = row.answers.clone();
    }
    if let Some(reason) = &row.rejection_reason {
        item["rejectionReason"] = json!(reason);
    }
    if let Some(at) = row.decided_at {
        item["reviewedAt"] = json!(timestamp(at));
    }
    if let Some(by) = row.decided_by.as_ref().filter(|_| row.status == RequestStatus::Accepted) {
        item["grantedBy"] = json!({ "user": by });
    }
    item
}

/// What names a request: exactly one of these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    user: Option<String>,
    request_id: Option<String>,
}

impl Named {
    fn whose(&self) -> HubResult<Whose> {
        match (&self.user, &self.request_id) {
            (Some(user), None) => Ok(Whose::User(user.clone())),
            (None, Some(id)) => Ok(Whose::Request(id.clone())),
            _ => Err(HubError::bad_request("Name each request by `user` or by `requestId`, and not by both.")),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HandleRequest {
    #[serde(flatten)]
    named: Named,
    #[serde(default)]
    status: String,
    rejection_reason: Option<String>,
}

async fn post_handle(app: web::Data<App>, read: RepoRead, body: Json<HandleRequest>) -> HubResult<HttpResponse> {
    let write = decider(read)?;
    let Json(wanted) = body;
    let decision = Decision::new(&wanted.status, wanted.rejection_reason.as_deref())?;
    gating::decide(&app, &write, wanted.named.whose()?, &decision).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

#[derive(Debug, Deserialize)]
struct GrantRequest {
    user: String,
}

async fn post_grant(app: web::Data<App>, read: RepoRead, body: Json<GrantRequest>) -> HubResult<HttpResponse> {
    let write = decider(read)?;
    gating::grant(&app, &write, &body.0.user).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

async fn post_cancel(app: web::Data<App>, read: RepoRead) -> HubResult<HttpResponse> {
    gating::withdraw(&app, &read).await?;
    Ok(HttpResponse::Ok().json(json!({ "ok": true })))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchRequest {
    #[serde(default)]
    status: String,
    rejection_reason: Option<String>,
    #[serde(default)]
    requests: Vec<Named>,
}

async fn post_batch(app: web::Data<App>, read: RepoRead, body: Json<BatchRequest>) -> HubResult<HttpResponse> {
    let write = decider(read)?;
    let Json(wanted) = body;
    if wanted.requests.len() > MAX_BATCH {
        return Err(HubError::bad_request(format!(
            "At most {MAX_BATCH} requests are decided about at once. Send several batches."
        )));
    }
    let decision = Decision::new(&wanted.status, wanted.rejection_reason.as_deref())?;
    let whose: Vec<Whose> = wanted.requests.iter().map(Named::whose).collect::<HubResult<_>>()?;
    let outcomes = gating::decide_many(&app, &write, &whose, &decision).await?;
    let results = whose.iter().zip(&outcomes).map(|(whose, outcome)| {
        let mut result = match whose {
            Whose::User(name) => json!({ "user": name }),
            Whose::Request(id) => json!({ "requestId": id }),
        };
        result["success"] = json!(outcome.is_ok());
        if let Err(error) = outcome {
            result["error"] = json!(error.message());
        }
        result
    });
    Ok(HttpResponse::Ok().json(results.collect::<Vec<_>>()))
}
