//! `GET /api/models/{id}/safetensors-metadata/{index}`: the headers of all shards of a model in one answer, for
//! `HfApi.get_sharded_safetensors_metadata`.
//!
//! Headers go out one after the other, so that memory does not depend on how many shards there are. What can be refused is refused
//! before the first byte; a file that turns out to be damaged later breaks the answer off.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::{Bytes, BytesMut};
use futures::stream::{self, Stream, StreamExt as _};
use hub_cards::{HeaderError, safetensors};
use hub_types::Oid;
use serde_json::{Map, Value, json};

use super::REPO;
use super::tail::whole_tail;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches;
use crate::recalls;
use crate::repos::weight_files::{Content, WeightFile, open, raw_header};
use crate::repos::{Repo, RepoContent};
use crate::web::streaming::small_parts;

/// The most shards of a model.
const MAX_SHARDS: usize = 1_000;
/// How many bytes of shards that are in git, which are held whole, may be in memory together.
const MAX_HELD_BYTES: u64 = 64 << 20;
/// How many headers are read ahead.
const AT_ONCE: usize = 4;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(&format!("{REPO}/safetensors-metadata/{{tail:.*}}"), web::get().to(get_headers));
}

async fn get_headers(app: web::Data<App>, content: RepoContent, request: HttpRequest) -> HubResult<HttpResponse> {
    let path = whole_tail(&request)?;
    let commit = content.repo.head_oid.filter(|_| is_index(&path)).ok_or_else(HubError::entry_not_found)?;
    let (metadata, shards) = open_shards(&app, &content.repo, commit, &path).await?;
    let parts = small_parts(body(app.get_ref().clone(), metadata, shards));
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "private, no-store, no-transform"))
        .insert_header(("x-repo-commit", commit.to_hex()))
        .streaming(parts))
}

/// `model.safetensors.index.json`, and that of a variant: `model.safetensors.index.fp16.json`.
fn is_index(path: &str) -> bool {
    path.ends_with(".json") && path.rsplit('/').next().is_some_and(|name| name.contains(".index."))
}

/// What the index says of the whole model, and its files by their names there.
async fn open_shards(
    app: &App,
    repo: &Repo,
    commit: Oid,
    path: &str,
) -> HubResult<(Map<String, Value>, Vec<(String, WeightFile)>)> {
    let index = open_given_out(app, repo, commit, path).await?.ok_or_else(HubError::entry_not_found)?;
    if index.size > safetensors::MAX_INDEX_BYTES as u64 {
        return Err(HubError::unprocessable(format!("`{path}` is too large to look at.")));
    }
    let bytes = index.head(app, index.size).await?;
    let read =
        move || -> Result<_, HeaderError> { Ok((safetensors::parse_index_metadata(&bytes)?, safetensors::parse_index(&bytes)?)) };
    let read = tokio::task::spawn_blocking(read).await?;
    let (metadata, names) = read.map_err(|error| HubError::unprocessable(format!("`{path}`: {error}")))?;
    if names.len() > MAX_SHARDS {
        return Err(HubError::unprocessable(format!("`{path}` names more than {MAX_SHARDS} files.")));
    }
    let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let (mut shards, mut held) = (Vec::with_capacity(names.len()), 0);
    for name in names {
        let shard = format!("{folder}{name}");
        let missing = || HubError::unprocessable(format!("`{shard}` is not there, though `{path}` names it."));
        let file = open_given_out(app, repo, commit, &shard).await?.ok_or_else(missing)?;
        if matches!(file.content, Content::Blob(_)) {
            held += file.size;
        }
        if held > MAX_HELD_BYTES {
            return Err(HubError::unprocessable(format!(
                "The files that `{path}` names are too large to look at as long as they are in git."
            )));
        }
        shards.push((name, file));
    }
    Ok((metadata, shards))
}

/// Finds a file of a commit that may be given out.
async fn open_given_out(app: &App, repo: &Repo, commit: Oid, path: &str) -> HubResult<Option<WeightFile>> {
    let found = open(app, repo, commit, path).await?;
    if let Some(file) = &found {
        let content = match file.content {
            Content::Large(oid) => fetches::Content::Large(oid),
            Content::Blob(oid) => fetches::Content::Blob(oid),
        };
        recalls::check(app, repo.pk, content).await?;
    }
    Ok(found)
}

/// `{"index": {"metadata": …}, "headers": {"model-00001-of-2.safetensors": …, …}}`, each header as it stands in its file.
fn body(
    app: App,
    metadata: Map<String, Value>,
    shards: Vec<(String, WeightFile)>,
) -> impl Stream<Item = HubResult<Bytes>> + 'static {
    let start = format!("{{\"index\":{},\"headers\":{{", json!({ "metadata": metadata }));
    let members = stream::iter(shards.into_iter().enumerate()).map(move |(number, (name, file))| {
        let app = app.clone();
        async move {
            let header = raw_header(&app, &file).await?;
            let key = format!("{}{}:", if number > 0 { "," } else { "" }, Value::from(name));
            let mut member = BytesMut::with_capacity(key.len() + header.len());
            member.extend_from_slice(key.as_bytes());
            member.extend_from_slice(&header);
            HubResult::Ok(member.freeze())
        }
    });
    let [start, end] = [Bytes::from(start), Bytes::from_static(b"}}")].map(|part| stream::iter([HubResult::Ok(part)]));
    start.chain(members.buffered(AT_ONCE)).chain(end)
}
