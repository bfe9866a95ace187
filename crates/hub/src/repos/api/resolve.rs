//! `GET` and `HEAD` of `resolve` (the file) and `raw` (what git holds of it): what every download is made of.
//!
//! `HEAD` answers 200 with all that clients want to know, also on S3, where `GET` then leads to a presigned URL. Python's
//! client reads the metadata from the first answer that is not a redirect inside the hub, in 1.28 and in 2.4 alike, and
//! a presigned URL could not be asked by `HEAD` anyway.

use std::sync::Arc;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, guard, web};
use hub_git::{Entry, EntryKind};
use hub_types::{Oid, RepoPath, Sha256, XetHash, split_revision};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::app::App;
use crate::downloads::client::{Client, is_counted_file, is_download, is_from_start};
use crate::error::{HubError, HubResult};
use crate::fetches::{Content, Fetcher, is_noted};
use crate::objects::serve::FileAnswer;
use crate::objects::{self, Held};
use crate::recalls;
use crate::repos::access::RepoRead;
use crate::repos::queries::Repo;
use crate::repos::reading;
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Query, raw_param};
use crate::web::links::decode_tail;
use crate::web::media_type;

/// Mounts the doors to files. They are outside `/api`, as clients expect them, and asked for more than all else: patterns are
/// tried one after another, so these come first, each once.
pub fn routes(config: &mut web::ServiceConfig) {
    for (repo, has_type) in [("/{repo_type:datasets|spaces}/{namespace}/{name}", true), ("/{namespace}/{name}", false)] {
        let is_of_repo = || guard::fn_guard(move |context| has_type || is_of_model(context));
        config
            .route(&format!("{repo}/resolve/{{tail:.*}}"), crate::web::read().guard(is_of_repo()).to(resolve))
            .route(&format!("{repo}/raw/{{tail:.*}}"), crate::web::read().guard(is_of_repo()).to(raw));
    }
}

/// Whether a path with `resolve` or `raw` in the third place is a model's: owners and repositories may have such names, as in
/// `/api/models/resolve/bert` and `/datasets/ada/raw/tree/main`.
fn is_of_model(context: &guard::GuardContext<'_>) -> bool {
    let path = context.head().uri.path();
    !["/api/", "/buckets/", "/datasets/", "/spaces/"].iter().any(|start| path.starts_with(start))
}

/// Mounts the doors of ids without a namespace, which are names the public Hub once gave. They come after the pages of
/// repositories, which may have the name `resolve`.
pub fn legacy_routes(config: &mut web::ServiceConfig) {
    config
        .route("/{name}/resolve/{tail:.*}", web::to(no_legacy_id))
        .route("/{repo_type:datasets|spaces}/{name}/resolve/{tail:.*}", web::to(no_legacy_id));
}

async fn resolve(app: web::Data<App>, read: RepoRead, request: HttpRequest, query: Query) -> HubResult<HttpResponse> {
    serve(&app, read, &request, &query, Door::Resolve).await
}

async fn raw(app: web::Data<App>, read: RepoRead, request: HttpRequest, query: Query) -> HubResult<HttpResponse> {
    serve(&app, read, &request, &query, Door::Raw).await
}

async fn no_legacy_id(_: web::Data<App>, viewer: crate::accounts::Viewer) -> HubResult<HttpResponse> {
    Err(HubError::repo_not_found(viewer.is_anonymous()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// The file, wherever its bytes are.
    Resolve,
    /// The blob in git: of a large file, its pointer.
    Raw,
}

async fn serve(app: &App, read: RepoRead, request: &HttpRequest, query: &Query, door: Door) -> HubResult<HttpResponse> {
    let segments = decode_tail(raw_param(request, "tail")).ok_or_else(HubError::entry_not_found)?;
    let (Some(revision), path) = split_revision(&segments) else { return Err(HubError::entry_not_found()) };
    let path = path.join("/");
    // A gated repository still shows its card.
    let read = if door == Door::Resolve && path == "README.md" { read } else { (*read.into_content(app).await?).clone() };
    let commit = reading::resolve(app, &read.repo, revision.as_str()).await?;
    let found = find_file(app, &read.repo, commit, &path).await;
    // Clients remember under the commit that a file is not there, and do not ask again.
    let (path, entry) = found.map_err(|error| error.with_header("X-Repo-Commit", commit.to_hex()))?;
    recalls::check_entry(app, read.repo.pk, &entry).await?;
    let is_pinned = revision.as_str() == commit.to_hex();
    let is_counted =
        door == Door::Resolve && is_download(request) && is_counted_file(read.repo.repo_type, path.as_str(), entry.lfs.is_some());
    let noted = Content::of(&entry).filter(|content| is_sent_from(door, *content) && is_noted(path.as_str(), *content));
    let noted = noted.filter(|_| *request.method() == Method::GET && is_from_start(request));
    let file = File { repo: &read.repo, commit, path, entry, is_pinned, in_chunks: read.offers_chunks(app) };
    let answer = file.send(app, request, query, door).await?;
    let is_sent = answer.status().is_success() || answer.status() == StatusCode::FOUND;
    let user_pk = read.viewer.user.as_ref().map(|user| user.pk);
    if let Some(content) = noted.filter(|_| is_sent) {
        app.fetches.note(Fetcher { repo_pk: read.repo.pk, commit: Some(commit), user_pk }, content);
    }
    if is_counted
        && is_sent
        && let Some(client) = Client::of(app, request, user_pk)
    {
        app.downloads.note(read.repo.pk, Some(commit), client);
    }
    Ok(answer)
}

/// Whether a door gives the bytes themselves, and of a large file not only its pointer.
fn is_sent_from(door: Door, content: Content) -> bool {
    door == Door::Resolve || matches!(content, Content::Blob(_))
}

async fn find_file(app: &App, repo: &Repo, commit: Oid, path: &str) -> HubResult<(RepoPath, Arc<Entry>)> {
    let path = RepoPath::new(path).map_err(|_| HubError::entry_not_found())?;
    let entry = reading::get_entry(app, repo, commit, path.as_str()).await?;
    match entry.kind {
        EntryKind::File | EntryKind::Symlink => Ok((path, entry)),
        EntryKind::Folder | EntryKind::Submodule => Err(HubError::entry_not_found()),
    }
}

/// A file of a commit, found and allowed.
struct File<'a> {
    repo: &'a Repo,
    commit: Oid,
    path: RepoPath,
    entry: Arc<Entry>,
    /// Whether the address names the commit itself: what it leads to can never change.
    is_pinned: bool,
    /// Whether the viewer's client may be led to the file's chunks.
    in_chunks: bool,
}

impl File<'_> {
    async fn send(&self, app: &App, request: &HttpRequest, query: &Query, door: Door) -> HubResult<HttpResponse> {
        let disposition = match query.flag("noContentDisposition") {
            true => None,
            false => Some(content_disposition(self.path.file_name(), query.flag("download"))),
        };
        let disposition = disposition.as_deref();
        match self.large(app, door).await? {
            Some((oid, held)) => self.send_large(app, request, disposition, oid, held).await,
            None => self.send_blob(app, request, disposition).await,
        }
    }

    /// The object behind a pointer. Anybody can write a pointer: it counts only if the repository has the object.
    async fn large(&self, app: &App, door: Door) -> HubResult<Option<(Sha256, Held)>> {
        let Some(pointer) = self.entry.lfs.as_ref().filter(|_| door == Door::Resolve) else { return Ok(None) };
        let held = objects::find_held(app, self.repo.pk, pointer.oid).await?;
        Ok(held.filter(|held| held.size == pointer.size).map(|held| (pointer.oid, held)))
    }

    async fn send_large(
        &self,
        app: &App,
        request: &HttpRequest,
        disposition: Option<&str>,
        oid: Sha256,
        held: Held,
    ) -> HubResult<HttpResponse> {
        let etag = format!("\"{oid}\"");
        let mut headers = self.headers();
        headers.extend([("x-linked-etag", etag.clone()), ("x-linked-size", held.size.to_string())]);
        if let Some(file_hash) = held.file_hash.filter(|_| self.in_chunks) {
            headers.extend(self.xet_headers(&BaseUrl::of(request), &file_hash));
        }
        let content_type = media_type::of(self.path.file_name(), true);
        let answer = FileAnswer { size: held.size, etag: &etag, content_type, disposition, headers: &headers };
        answer.send_object(app, request, &oid, &held).await
    }

    /// What leads a client that speaks Xet to the chunks (`huggingface_hub` 2.4, `utils/_xet.py`).
    fn xet_headers(&self, base: &BaseUrl, file_hash: &XetHash) -> [(&'static str, String); 3] {
        let refresh = base.join(&format!("{}/xet-read-token/{}", self.repo.api_path(), self.commit));
        let chunks = base.join(&format!("/xet/v1/reconstructions/{file_hash}"));
        let link = format!("<{refresh}>; rel=\"xet-auth\", <{chunks}>; rel=\"xet-reconstruction-info\"");
        [("x-xet-hash", file_hash.to_hex()), ("x-xet-refresh-route", refresh), ("link", link)]
    }

    async fn send_blob(&self, app: &App, request: &HttpRequest, disposition: Option<&str>) -> HubResult<HttpResponse> {
        let etag = format!("\"{}\"", self.entry.oid);
        let headers = self.headers();
        let size = self.entry.lfs.as_ref().map_or(self.entry.size, |pointer| pointer.pointer_size);
        let content_type = media_type::of(self.path.file_name(), false);
        let answer = FileAnswer { size, etag: &etag, content_type, disposition, headers: &headers };
        if let Some(ready) = answer.without_bytes(request) {
            return Ok(ready);
        }
        let bytes = reading::blob(app, self.repo, self.entry.oid).await?;
        Ok(answer.send_bytes(request, &bytes))
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let audience = if self.repo.private || self.repo.gated.is_some() { "private" } else { "public" };
        let caching = match self.is_pinned {
            true => format!("{audience}, max-age=31536000, immutable, no-transform"),
            false => format!("{audience}, no-cache, no-transform"),
        };
        vec![
            ("x-repo-commit", self.commit.to_hex()),
            ("cache-control", caching),
            ("content-security-policy", media_type::policy_of(self.path.file_name()).to_owned()),
            ("vary", "Authorization, Cookie".to_owned()),
        ]
    }
}

/// RFC 8187: what `filename*` keeps as it is.
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'!').remove(b'$');

/// Words `Content-Disposition` as Python's client reads it: with a semicolon at its end.
pub(super) fn content_disposition(file_name: &str, is_download: bool) -> String {
    let kind = if is_download { "attachment" } else { "inline" };
    let plain: String = file_name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let encoded = utf8_percent_encode(file_name, ATTRIBUTE);
    format!("{kind}; filename*=UTF-8''{encoded}; filename=\"{plain}\";")
}

fn is_plain(c: char) -> bool {
    (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '%' | ';')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispositions_are_worded_as_clients_read_them() {
        assert_eq!(content_disposition("x.bin", false), "inline; filename*=UTF-8''x.bin; filename=\"x.bin\";");
        assert_eq!(
            content_disposition("é \"x\";.txt", true),
            "attachment; filename*=UTF-8''%C3%A9%20%22x%22%3B.txt; filename=\"_ _x__.txt\";"
        );
    }
}
