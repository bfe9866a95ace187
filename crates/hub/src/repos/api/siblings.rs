//! The files that a repository's info names, read and sent page by page: a million of them are never in memory at once.

use actix_web::{HttpResponse, http::header::ContentType, web::Bytes};
use futures::stream::{self, StreamExt};
use hub_git::{Entry, EntryKind, TreeCursor};
use hub_types::Oid;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::{Repo, reading};

/// How many entries of the tree are read at once.
const PAGE: usize = 5_000;

/// Answers with `body`, an object with some fields, and all files of a commit as its last field `siblings`.
pub(super) async fn answer_with(body: &Value, app: &App, repo: &Repo, commit: Oid, blobs: bool) -> HubResult<HttpResponse> {
    let mut begin = serde_json::to_string(body).map_err(HubError::internal)?;
    // Left open for its last field.
    begin.pop();
    begin.push_str(",\"siblings\":[");
    let walk = Walk { app: app.clone(), repo: repo.clone(), commit, blobs, after: None, begun: false, over: false };
    // The first page is read before the answer begins, so that what is wrong has its status.
    let (first, walk) = walk.page().await?;
    begin.push_str(&first);
    let begin = stream::once(async move { Ok(Bytes::from(begin)) });
    Ok(HttpResponse::Ok()
        .content_type(ContentType::json())
        .streaming::<_, HubError>(begin.chain(stream::try_unfold(walk, Walk::next))))
}

/// A walk through the files of a commit.
struct Walk {
    app: App,
    repo: Repo,
    commit: Oid,
    blobs: bool,
    after: Option<TreeCursor>,
    /// Whether a file was named.
    begun: bool,
    over: bool,
}

impl Walk {
    async fn next(self) -> HubResult<Option<(Bytes, Self)>> {
        if self.over {
            return Ok(None);
        }
        let (text, walk) = self.page().await?;
        Ok(Some((Bytes::from(text), walk)))
    }

    /// The next page as a part of the array; the last one with its end.
    async fn page(mut self) -> HubResult<(String, Self)> {
        let (commit, blobs, after) = (self.commit, self.blobs, self.after.take());
        let read = reading::read(&self.app, &self.repo, move |reader| {
            let page = reader.walk(commit, "", after.as_ref(), PAGE)?;
            let is_file = |entry: &&Entry| matches!(entry.kind, EntryKind::File | EntryKind::Symlink);
            let files: Vec<String> = page.entries.iter().filter(is_file).map(|entry| sibling(entry, blobs).to_string()).collect();
            Ok((files.join(","), page.next))
        });
        let (mut text, next) = read.await?;
        if !text.is_empty() {
            if self.begun {
                text.insert(0, ',');
            }
            self.begun = true;
        }
        self.over = next.is_none();
        self.after = next;
        if self.over {
            text.push_str("]}");
        }
        Ok((text, self))
    }
}

fn sibling(entry: &Entry, blobs: bool) -> Value {
    if !blobs {
        return json!({ "rfilename": entry.path });
    }
    let mut file = json!({ "rfilename": entry.path, "size": entry.size, "blobId": entry.oid });
    if let Some(pointer) = &entry.lfs {
        file["lfs"] = json!({ "sha256": pointer.oid.to_hex(), "size": pointer.size, "pointerSize": pointer.pointer_size });
    }
    file
}
