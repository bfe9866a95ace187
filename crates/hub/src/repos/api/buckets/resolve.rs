//! `GET` and `HEAD` of a file in a bucket. `HEAD` always leads to the chunks: clients know no other way to download from
//! buckets.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use hub_types::{BucketPath, Sha256};
use sha2::Digest as _;

use crate::app::App;
use crate::downloads::client::is_from_start;
use crate::error::{HubError, HubResult};
use crate::fetches::{Content, Fetcher};
use crate::objects;
use crate::objects::serve::FileAnswer;
use crate::recalls;
use crate::repos::access::RepoContent;
use crate::repos::api::resolve::content_disposition;
use crate::repos::buckets::batch::EMPTY_FILE;
use crate::repos::buckets::{BucketFile, list_files_at};
use crate::repos::queries::Repo;
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Query, raw_param};
use crate::web::links::decode_tail;
use crate::web::media_type;

/// Files up to this size, in bytes, are shown as text if their name says so.
const TEXT_BYTES: i64 = 10 * 1024 * 1024;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/{repo_type:buckets}/{namespace}/{name}/resolve/{tail:.*}", crate::web::read().to(resolve));
}

async fn resolve(app: web::Data<App>, read: RepoContent, request: HttpRequest, query: Query) -> HubResult<HttpResponse> {
    let tail = decode_tail(raw_param(&request, "tail")).ok_or_else(HubError::entry_not_found)?.join("/");
    let path = BucketPath::new(&tail).map_err(|_| HubError::entry_not_found())?;
    let found = list_files_at(&app.pool, read.repo.pk, &[path.to_string()]).await?;
    let file = found.into_iter().next().ok_or_else(HubError::entry_not_found)?;
    let empty = Sha256::from_bytes(sha2::Sha256::digest([]).into());
    let etag = format!("\"{}\"", file.oid.unwrap_or(empty));
    let headers = headers(&read.repo, &file, &etag, &BaseUrl::of(&request));
    let disposition = content_disposition(path.file_name(), query.flag("download"));
    let answer = FileAnswer {
        size: file.size_bytes.unsigned_abs(),
        etag: &etag,
        content_type: media_type::of(path.file_name(), file.size_bytes > TEXT_BYTES),
        disposition: Some(&disposition).filter(|_| !query.flag("noContentDisposition")).map(String::as_str),
        headers: &headers,
    };
    let Some(oid) = file.oid else {
        return Ok(answer.without_bytes(&request).unwrap_or_else(|| answer.send_bytes(&request, &Bytes::new())));
    };
    recalls::check(&app, read.repo.pk, Content::Large(oid)).await?;
    let held = objects::find_held(&app, read.repo.pk, oid).await?;
    let held = held.ok_or_else(|| HubError::internal(format!("a bucket lacks its file {oid}")))?;
    let sent = answer.send_object(&app, &request, &oid, &held).await?;
    let is_sent = sent.status().is_success() || sent.status() == StatusCode::FOUND;
    if is_sent && *request.method() == Method::GET && is_from_start(&request) {
        let user_pk = read.viewer.user.as_ref().map(|user| user.pk);
        app.fetches.note(Fetcher { repo_pk: read.repo.pk, commit: None, user_pk }, Content::Large(oid));
    }
    Ok(sent)
}

fn headers(repo: &Repo, file: &BucketFile, etag: &str, base: &BaseUrl) -> Vec<(&'static str, String)> {
    let file_hash = file.file_hash.unwrap_or(EMPTY_FILE).to_hex();
    let refresh = base.join(&format!("{}/xet-read-token", repo.api_path()));
    let chunks = base.join(&format!("/xet/v1/reconstructions/{file_hash}"));
    vec![
        ("link", format!("<{refresh}>; rel=\"xet-auth\", <{chunks}>; rel=\"xet-reconstruction-info\"")),
        ("x-xet-hash", file_hash),
        ("x-xet-refresh-route", refresh),
        ("x-linked-etag", etag.to_owned()),
        ("x-linked-size", file.size_bytes.to_string()),
        ("last-modified", file.mtime.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        ("cache-control", format!("{}, no-cache, no-transform", if repo.private { "private" } else { "public" })),
        ("content-security-policy", media_type::SANDBOX.to_owned()),
        ("vary", "Authorization, Cookie".to_owned()),
    ]
}
