//! `POST /api/{type}s/{id}/preupload/{revision}`: which files go to git and which to LFS, and which need not be
//! uploaded at all.

use std::ops::Deref as _;

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_git::{ATTRIBUTES_FILE, Entry, EntryKind, GitReader, IgnoreRules, LfsRules};
use hub_types::Oid;
use serde::{Deserialize, Serialize};

use super::REPO;
use super::tail::whole_tail;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::quotas;
use crate::repos::access::RepoRead;
use crate::repos::discussions::{self, PullWrite};
use crate::repos::reading;
use crate::web::extract::{Json, Query};

/// The most files in one question.
const MAX_FILES: usize = 1000;
/// The largest `.gitattributes` or `.gitignore` that is read.
const MAX_RULES_BYTES: u64 = 4 * 1024 * 1024;
/// How files come that git does not hold.
const LARGE: &str = "lfs";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(&format!("{REPO}/preupload/{{tail:.*}}"), web::post().to(post_preupload));
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    files: Vec<File>,
    git_attributes: Option<String>,
    git_ignore: Option<String>,
}

#[derive(Debug, Deserialize)]
struct File {
    path: String,
    #[serde(default)]
    sample: String,
    size: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    files: Vec<Verdict>,
    commit_oid: Oid,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    /// Exactly as asked: clients look it up by it.
    path: String,
    upload_mode: &'static str,
    should_ignore: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    oid: Option<String>,
    /// Why the path cannot be committed. The hub's own pages show it before they send anything; other clients learn it
    /// from the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

async fn post_preupload(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    query: Query,
    body: Json<Request>,
) -> HubResult<HttpResponse> {
    let revision = whole_tail(&request)?;
    let read: RepoRead = match discussions::number_of_ref(&revision) {
        _ if query.get("create_pr").is_some() && query.flag("create_pr") => {
            discussions::may_propose(&app, read).await?.deref().clone()
        }
        Some(num) => PullWrite::check(&app, read, num).await?.read().deref().clone(),
        None => read.into_write()?.deref().clone(),
    };
    let Json(wanted) = body;
    if wanted.files.len() > MAX_FILES {
        return Err(HubError::unprocessable(format!("At most {MAX_FILES} files can be asked about at once.")));
    }
    let commit = reading::resolve(&app, &read.repo, &revision).await?;
    let sizes: Vec<u64> = wanted.files.iter().map(|file| file.size).collect();
    let inline_limit = app.config.inline_limit_bytes;
    let answer = reading::read(&app, &read.repo, move |reader| answer(reader, commit, &wanted, inline_limit)).await?;
    let comes = |verdict: &Verdict| verdict.upload_mode == LARGE && !verdict.should_ignore;
    let large = answer.files.iter().zip(sizes).filter(|(verdict, _)| comes(verdict)).map(|(_, size)| size);
    quotas::require_room_for_new(&app, read.repo.pk, &large.collect::<Vec<_>>()).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// What decides at a commit whether a file is large: the repository's `.gitattributes`.
pub(in crate::repos) fn lfs_rules(reader: &GitReader, commit: Oid) -> hub_git::Result<LfsRules> {
    Ok(LfsRules::parse(&small_text(reader, commit, ATTRIBUTES_FILE)?))
}

fn answer(reader: &GitReader, commit: Oid, request: &Request, inline_limit: u64) -> hub_git::Result<Answer> {
    let text = |given: &Option<String>, file: &str| match given {
        Some(text) => Ok(text.clone()),
        None => small_text(reader, commit, file),
    };
    let lfs = LfsRules::parse(&text(&request.git_attributes, ATTRIBUTES_FILE)?);
    let ignored = IgnoreRules::parse(&text(&request.git_ignore, ".gitignore")?);
    let paths: Vec<String> = request.files.iter().map(|file| file.path.clone()).collect();
    let present = reader.entries_at(commit, &paths)?;
    let present: std::collections::HashMap<&str, &Entry> = present.iter().map(|entry| (entry.path.as_str(), entry)).collect();
    let verdict = |file: &File| Verdict {
        upload_mode: if is_large(file, &lfs, inline_limit) { LARGE } else { "regular" },
        should_ignore: ignored.is_ignored(&file.path),
        oid: present.get(file.path.as_str()).and_then(|entry| content_id(entry)),
        refused: hub_types::RepoPath::new(&file.path).err().map(|error| error.to_string()),
        path: file.path.clone(),
    };
    Ok(Answer { files: request.files.iter().map(verdict).collect(), commit_oid: commit })
}

fn small_text(reader: &GitReader, commit: Oid, path: &str) -> hub_git::Result<String> {
    match reader.entry_at(commit, path)? {
        Some(entry) if entry.kind == EntryKind::File && entry.lfs.is_none() && entry.size <= MAX_RULES_BYTES => {
            Ok(String::from_utf8_lossy(&reader.blob(entry.oid, MAX_RULES_BYTES)?).into_owned())
        }
        _ => Ok(String::new()),
    }
}

/// What a client compares its file with: of a large file the SHA-256, of others the blob's id.
fn content_id(entry: &Entry) -> Option<String> {
    match (entry.kind, &entry.lfs) {
        (EntryKind::File, Some(pointer)) => Some(pointer.oid.to_hex()),
        (EntryKind::File, None) => Some(entry.oid.to_hex()),
        _ => None,
    }
}

fn is_large(file: &File, rules: &LfsRules, inline_limit: u64) -> bool {
    file.size > 0 && (rules.is_lfs(&file.path) || file.size > inline_limit || is_binary(&file.sample))
}

fn is_binary(sample: &str) -> bool {
    STANDARD.decode(sample).is_ok_and(|bytes| is_no_text(&bytes))
}

/// Whether the first bytes are no text. A character may be cut off at their end.
pub(in crate::repos) fn is_no_text(bytes: &[u8]) -> bool {
    let cut_off = |error: std::str::Utf8Error| error.error_len().is_none();
    bytes.contains(&0) || !std::str::from_utf8(bytes).map_or_else(cut_off, |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_may_be_cut_off_and_binary_is_told() {
        let sample = |bytes: &[u8]| is_binary(&STANDARD.encode(bytes));
        assert!(!sample(b"") && !sample("héllo\n".as_bytes()) && !sample(&"é".as_bytes()[..1]));
        assert!(sample(b"a\0b") && sample(b"\xff\xfe") && sample(b"\xc3("));
    }

    #[test]
    fn empty_files_are_never_large() {
        let rules = LfsRules::parse("*.bin filter=lfs");
        let file = |path: &str, size| File { path: path.to_owned(), sample: String::new(), size };
        assert!(!is_large(&file("a.bin", 0), &rules, 10) && is_large(&file("a.bin", 1), &rules, 10));
        assert!(!is_large(&file("a.txt", 10), &rules, 10) && is_large(&file("a.txt", 11), &rules, 10));
    }
}
