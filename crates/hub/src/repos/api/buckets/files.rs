//! `tree` and `paths-info` of buckets.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoContent;
use crate::repos::api::BUCKET;
use crate::repos::buckets::batch::EMPTY_FILE;
use crate::repos::buckets::listing::{Cursor, Depth, Entry, Listing, list};
use crate::repos::buckets::{BucketFile, list_files_at};
use crate::scans::{self, FileKey, FileScan, Mark, Statuses};
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Json, Query, raw_param};
use crate::web::links::decode_tail;
use crate::web::page::{next_link, page_size};

/// How many entries a page has.
const PAGE: usize = 1000;
/// Of how many files it is told what was found in them, and not only how bad they are.
const MAX_REPORTS: usize = 100;
/// The most paths in one question.
const MAX_PATHS: usize = 1000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{BUCKET}/tree"), web::get().to(get_tree))
        .route(&format!("{BUCKET}/tree/{{tail:.*}}"), web::get().to(get_tree))
        .route(&format!("{BUCKET}/paths-info"), web::post().to(post_paths_info));
}

/// A row of a list.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Row {
    /// A file.
    #[serde(rename_all = "camelCase")]
    File {
        path: String,
        size: i64,
        xet_hash: String,
        mtime: String,
        uploaded_at: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
        /// What was found in it, for those who ask.
        #[serde(skip_serializing_if = "Option::is_none")]
        security_file_status: Option<Value>,
    },
    /// A folder.
    Directory { path: String },
}

impl Row {
    fn of_file(file: BucketFile, known: Option<&Security>) -> Self {
        Self::File {
            security_file_status: known.map(|known| known.json(&file)),
            size: file.size_bytes,
            // An empty file has no chunks; most clients make it without asking for any.
            xet_hash: file.file_hash.unwrap_or(EMPTY_FILE).to_hex(),
            mtime: timestamp(file.mtime),
            uploaded_at: timestamp(file.uploaded_at),
            content_type: file.content_type,
            path: file.path,
        }
    }

    fn of(entry: Entry, known: Option<&Security>) -> Self {
        match entry {
            Entry::File(file) => Self::of_file(file, known),
            Entry::Folder(path) => Self::Directory { path },
        }
    }
}

/// What is told of what was found in files: all of it of some, of many how bad they are.
enum Security {
    Reports(Statuses<FileScan>),
    Levels(Statuses<Mark>),
}

impl Security {
    async fn of<'a>(app: &App, repo_pk: i64, files: impl Iterator<Item = &'a BucketFile>) -> HubResult<Self> {
        let keys: Vec<FileKey> = files.filter_map(BucketFile::key).collect();
        Ok(match keys.len() <= MAX_REPORTS {
            true => Self::Reports(scans::statuses_of(app, repo_pk, &keys).await?),
            false => Self::Levels(scans::marks_of(app, repo_pk, &keys).await?),
        })
    }

    fn json(&self, file: &BucketFile) -> Value {
        let key = file.key();
        match self {
            Self::Reports(known) => known.of_key(key.as_ref()).json(),
            Self::Levels(known) => known.of_key(key.as_ref()).json(),
        }
    }
}

async fn get_tree(
    app: web::Data<App>,
    read: RepoContent,
    request: HttpRequest,
    base: BaseUrl,
    query: Query,
) -> HubResult<HttpResponse> {
    let prefix = decode_tail(raw_param(&request, "tail")).ok_or_else(HubError::entry_not_found)?.join("/");
    let wanted = Listing {
        prefix,
        depth: if query.flag("recursive") { Depth::All } else { Depth::BelowPrefix },
        cursor: query.get("cursor").map(Cursor::decode).transpose()?,
        limit: page_size(&query, PAGE, PAGE)?,
    };
    let page = list(&app, &read.repo, &wanted).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        response.insert_header(next_link(&request, &base, &query, "cursor", &next.encode()));
    }
    let known = match query.flag("expand") {
        true => Some(Security::of(&app, read.repo.pk, page.entries.iter().filter_map(Entry::file)).await?),
        false => None,
    };
    Ok(response.json(page.entries.into_iter().map(|entry| Row::of(entry, known.as_ref())).collect::<Vec<_>>()))
}

#[derive(Debug, Deserialize)]
struct PathsRequest {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    expand: bool,
}

/// Paths without a file are left out.
async fn post_paths_info(app: web::Data<App>, read: RepoContent, body: Json<PathsRequest>) -> HubResult<HttpResponse> {
    let Json(mut wanted) = body;
    if wanted.paths.len() > MAX_PATHS {
        return Err(HubError::bad_request(format!("At most {MAX_PATHS} paths can be asked for at once.")));
    }
    // A NUL would be a 500 in the database, and no path has one.
    wanted.paths.retain(|path| !path.contains('\0'));
    let files = list_files_at(&app.pool, read.repo.pk, &wanted.paths).await?;
    let known = match wanted.expand {
        true => Some(Security::of(&app, read.repo.pk, files.iter()).await?),
        false => None,
    };
    Ok(HttpResponse::Ok().json(files.into_iter().map(|file| Row::of_file(file, known.as_ref())).collect::<Vec<_>>()))
}
