//! `GET /api/recalls`: what is recalled, for programs that look after copies. `?sha256=` (repeated, or with commas) asks about files on
//! a disk, `?blob=` about small ones by their git blob.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::category::Category;
use super::path_of;
use super::queries::lists::{self, FileRow, RecallRow};
use crate::accounts::Viewer;
use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::repos::visibility::visible_to;
use crate::web::base_url::BaseUrl;
use crate::web::cursor::one_more;
use crate::web::extract::Query;
use crate::web::page::{next_link, page_size};

/// How many there are on a page when nothing is said, and at most.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;
/// How many files one request asks about.
const MAX_ASKED: usize = 200;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/api/recalls", web::get().to(get_recalls)).route("/api/recalls/{recall}", web::get().to(get_recall));
}

async fn get_recalls(
    app: web::Data<App>,
    viewer: Viewer,
    base: BaseUrl,
    query: Query,
    request: HttpRequest,
) -> HubResult<HttpResponse> {
    let limit = page_size(&query, DEFAULT_LIMIT, MAX_LIMIT)?;
    let before = query.number("cursor")?.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let sees = visible_to(&viewer).coarse();
    let mut keys = match asked_for(&query)? {
        Some(contents) => lists::list_keys_of(&app.pool, &sees, &contents, before, one_more(limit)).await?,
        None => lists::list_keys(&app.pool, &sees, before, one_more(limit)).await?,
    };
    let has_more = keys.len() > limit;
    keys.truncate(limit);
    let mut response = HttpResponse::Ok();
    if let Some(last) = keys.last().filter(|_| has_more) {
        response.insert_header(next_link(&request, &base, &query, "cursor", &last.to_string()));
    }
    let rows = lists::list_by_keys(&app.pool, &sees, &keys).await?;
    let files = lists::list_files(&app.pool, &keys).await?;
    let recalls: Vec<Value> = rows.iter().map(|row| json_of(row, &files, &base)).collect();
    Ok(response.insert_header(("Cache-Control", "private, no-cache")).json(json!({ "recalls": recalls })))
}

async fn get_recall(app: web::Data<App>, viewer: Viewer, base: BaseUrl, path: web::Path<String>) -> HubResult<HttpResponse> {
    let (row, files) = super::pages::find(&app, &viewer, &path).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "private, no-cache")).json(json_of(&row, &files, &base)))
}

/// The contents that are asked about; `None` when nothing is narrowed.
fn asked_for(query: &Query) -> HubResult<Option<Vec<Vec<u8>>>> {
    let mut asked = Vec::new();
    for (key, length, what) in [("sha256", 64, "64 hexadecimal digits"), ("blob", 40, "40 hexadecimal digits")] {
        for text in query.all(key).flat_map(|value| value.split(',')).map(str::trim) {
            let content = Content::parse(text).filter(|_| text.len() == length);
            let content = content.ok_or_else(|| HubError::bad_request(format!("`{key}` must be {what}.")))?;
            asked.push(content.to_bytes());
            if asked.len() > MAX_ASKED {
                return Err(HubError::bad_request(format!("Ask about at most {MAX_ASKED} files at a time.")));
            }
        }
    }
    let is_narrowed = query.all("sha256").chain(query.all("blob")).next().is_some();
    Ok(is_narrowed.then_some(asked))
}

fn json_of(row: &RecallRow, files: &[FileRow], base: &BaseUrl) -> Value {
    let category = Category::parse(&row.category).unwrap_or(Category::Other);
    let files: Vec<Value> = files.iter().filter(|file| file.recall_pk == row.recall_pk).map(file_json).collect();
    json!({
        "id": row.recall_pk,
        "title": row.title,
        "category": category.as_str(),
        "text": row.body,
        "everywhere": row.everywhere,
        "repo": row.repo.as_ref().map(|id| json!({ "type": row.repo_type, "name": id })),
        "files": files,
        "replacement": row.replacement.as_ref().map(|id| json!({
            "type": row.replacement_type,
            "name": id,
            "commit": row.replacement_commit.as_ref().map(hex::encode),
        })),
        "createdAt": timestamp(row.created_at),
        "withdrawn": row.withdrawn_at.map(|at| json!({ "at": timestamp(at), "reason": row.withdrawn_why })),
        "url": base.join(&path_of(row.recall_pk)),
    })
}

fn file_json(file: &FileRow) -> Value {
    let content = Content::from_slice(&file.content);
    let key = if matches!(content, Some(Content::Blob(_))) { "blobId" } else { "sha256" };
    let mut value = json!({ "size": file.size_bytes, key: content.map(Content::to_hex) });
    if !file.path.is_empty() {
        value["path"] = json!(file.path);
    }
    value
}
