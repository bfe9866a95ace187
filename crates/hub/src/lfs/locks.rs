//! The file locking API of git-lfs: a notice to others that somebody works on a file. `git push` respects it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::RepoPath;
use serde::Deserialize;
use serde_json::{Value, json};

use super::LFS_JSON;
use super::queries::{self, LockRow};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::{Level, RepoRead, RepoWrite};
use crate::web::extract::{Json, Query, raw_param};

const PAGE: i64 = 100;

#[derive(Debug, Deserialize)]
pub(super) struct LockRequest {
    path: String,
}

pub(super) async fn post_lock(app: web::Data<App>, write: RepoWrite, body: Json<LockRequest>) -> HubResult<HttpResponse> {
    let path = RepoPath::new(&body.0.path)?;
    let owner = write.viewer.require_user()?;
    let made = queries::insert_lock(&app.pool, write.repo.pk, path.as_str(), owner.pk).await?;
    let existing = queries::list_locks(&app.pool, write.repo.pk, Some(path.as_str()), 0, 1).await?;
    let Some(lock) = existing.first() else {
        return Err(HubError::conflict("The lock was taken and released at the same moment. Try again."));
    };
    Ok(match made {
        Some(_) => answer(StatusCode::CREATED, &json!({ "lock": shown(lock) })),
        None => {
            let message = format!("`{path}` is locked by {} already.", lock.owner);
            answer(StatusCode::CONFLICT, &json!({ "lock": shown(lock), "message": message }))
        }
    })
}

pub(super) async fn list_locks(app: web::Data<App>, read: RepoRead, query: Query) -> HubResult<HttpResponse> {
    if let Some(id) = query.get("id") {
        let found = queries::find_lock(&app.pool, read.repo.pk, id.parse().unwrap_or(0)).await?;
        let locks: Vec<Value> = found.iter().map(shown).collect();
        return Ok(answer(StatusCode::OK, &json!({ "locks": locks })));
    }
    let page = Page::of(query.get("cursor"), query.number("limit")?);
    let (locks, next) = page.read(&app, &read, query.get("path")).await?;
    let locks: Vec<Value> = locks.iter().map(shown).collect();
    Ok(answer(StatusCode::OK, &with_next(json!({ "locks": locks }), next)))
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct VerifyRequest {
    cursor: Option<String>,
    limit: Option<u64>,
}

pub(super) async fn verify_locks(app: web::Data<App>, write: RepoWrite, body: Json<VerifyRequest>) -> HubResult<HttpResponse> {
    let me = write.viewer.require_user()?.pk;
    let page = Page::of(body.0.cursor.as_deref(), body.0.limit);
    let (locks, next) = page.read(&app, &write, None).await?;
    let (ours, theirs): (Vec<&LockRow>, Vec<&LockRow>) = locks.iter().partition(|lock| lock.owner_pk == me);
    let list = |locks: Vec<&LockRow>| locks.into_iter().map(shown).collect::<Vec<_>>();
    Ok(answer(StatusCode::OK, &with_next(json!({ "ours": list(ours), "theirs": list(theirs) }), next)))
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct UnlockRequest {
    #[serde(default)]
    force: bool,
}

pub(super) async fn post_unlock(
    app: web::Data<App>,
    write: RepoWrite,
    request: HttpRequest,
    body: Json<UnlockRequest>,
) -> HubResult<HttpResponse> {
    let id = raw_param(&request, "lock_id").parse().unwrap_or(0);
    let found = queries::find_lock(&app.pool, write.repo.pk, id).await?;
    let lock = found.ok_or_else(|| HubError::not_found("There is no such lock."))?;
    let is_ours = lock.owner_pk == write.viewer.require_user()?.pk;
    let may_force = body.0.force && write.level >= Level::Admin;
    if !is_ours && !may_force {
        return Err(HubError::forbidden(format!(
            "`{}` is locked by {}. Only they, or an admin with `--force`, can unlock it.",
            lock.path, lock.owner
        )));
    }
    queries::delete_lock(&app.pool, lock.lock_pk).await?;
    Ok(answer(StatusCode::OK, &json!({ "lock": shown(&lock) })))
}

/// A page of locks: cursors are keys.
struct Page {
    after: i64,
    limit: i64,
}

impl Page {
    fn of(cursor: Option<&str>, limit: Option<u64>) -> Self {
        let limit = limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(PAGE).clamp(1, PAGE);
        Self { after: cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0), limit }
    }

    async fn read(&self, app: &App, read: &RepoRead, path: Option<&str>) -> HubResult<(Vec<LockRow>, Option<i64>)> {
        let mut locks = queries::list_locks(&app.pool, read.repo.pk, path, self.after, self.limit + 1).await?;
        let has_more = i64::try_from(locks.len()).is_ok_and(|count| count > self.limit);
        if has_more {
            locks.pop();
        }
        let next = locks.last().filter(|_| has_more).map(|lock| lock.lock_pk);
        Ok((locks, next))
    }
}

fn with_next(mut body: Value, next: Option<i64>) -> Value {
    if let Some(next) = next {
        body["next_cursor"] = Value::from(next.to_string());
    }
    body
}

fn shown(lock: &LockRow) -> Value {
    json!({
        "id": lock.lock_pk.to_string(),
        "path": lock.path,
        "locked_at": lock.locked_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "owner": { "name": lock.owner },
    })
}

fn answer(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status).content_type(LFS_JSON).body(body.to_string())
}
