//! What entries and commits look like on the wire.

use chrono::{DateTime, SecondsFormat};
use hub_git::{CommitInfo, Entry, EntryKind};
use hub_types::XetHash;
use serde::Serialize;
use serde_json::{Value, json};

use crate::repos::new_objects::{SERVICE_HOST, USER_HOST};
use crate::web::base_url::BaseUrl;

/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// A time as all clients parse it.
pub(super) fn wire_time(seconds: i64) -> String {
    // Clients read years of four digits.
    DateTime::from_timestamp(seconds.clamp(0, LAST_SECOND), 0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A row of `tree` and `paths-info`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TreeRow {
    #[serde(rename = "type")]
    kind: &'static str,
    oid: String,
    size: u64,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lfs: Option<LfsPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xet_hash: Option<XetHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_commit: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_file_status: Option<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LfsPart {
    oid: String,
    size: u64,
    pointer_size: u64,
}

impl TreeRow {
    /// A file or folder, with the hash by which its chunks are found; `None` for submodules, which clients do not know.
    pub(super) fn of(entry: &Entry, xet_hash: Option<&XetHash>) -> Option<Self> {
        let kind = match entry.kind {
            EntryKind::Folder => "directory",
            EntryKind::File | EntryKind::Symlink => "file",
            EntryKind::Submodule => return None,
        };
        let lfs = entry.lfs.map(|pointer| LfsPart {
            oid: pointer.oid.to_hex(),
            size: pointer.size,
            pointer_size: pointer.pointer_size,
        });
        let (oid, path) = (entry.oid.to_hex(), entry.path.clone());
        Some(Self {
            kind,
            oid,
            size: entry.size,
            path,
            lfs,
            xet_hash: xet_hash.copied(),
            last_commit: None,
            security_file_status: None,
        })
    }

    /// Adds what `expand` asks for: the last commit, and what was found in a file.
    pub(super) fn expand(mut self, last: Option<&CommitInfo>, security: Value) -> Self {
        self.last_commit =
            last.map(|commit| json!({ "id": commit.oid, "title": commit.title, "date": wire_time(commit.committer.time) }));
        if self.kind == "file" {
            self.security_file_status = Some(security);
        }
        self
    }
}

/// A commit as `commits` lists it.
pub(super) fn commit_json(commit: &CommitInfo, base: &BaseUrl, formatted: bool) -> Value {
    let mut authors = vec![author_json(&commit.author.name, &commit.author.email, base)];
    authors.extend(co_authors(&commit.message).map(|(name, email)| author_json(name, email, base)));
    let mut value = json!({
        "id": commit.oid,
        "title": commit.title,
        "message": commit.message,
        "date": wire_time(commit.committer.time),
        "authors": authors,
    });
    if formatted {
        value["formatted"] = json!({ "title": escape(&commit.title), "message": paragraphs(&commit.message) });
    }
    value
}

/// Commits made here carry `{user}@users.noreply.hub`, or that of a service account; of others the name is shown.
fn author_json(name: &str, email: &str, base: &BaseUrl) -> Value {
    match email.split_once('@') {
        Some((user, USER_HOST | SERVICE_HOST)) if hub_types::check_name(user).is_ok() => {
            json!({ "user": user, "avatar": base.join(&format!("/avatars/{user}.svg")) })
        }
        _ => json!({ "user": name }),
    }
}

fn co_authors(message: &str) -> impl Iterator<Item = (&str, &str)> {
    let trailers = message.lines().filter_map(|line| line.strip_prefix("Co-authored-by: "));
    trailers.filter_map(|who| who.strip_suffix('>')?.split_once(" <")).take(20)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn paragraphs(message: &str) -> String {
    let blocks = message.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    blocks.map(|block| format!("<p>{}</p>", escape(block).replace('\n', "<br>"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_z_and_milliseconds() {
        assert_eq!(wire_time(1_700_000_000), "2023-11-14T22:13:20.000Z");
        assert_eq!(wire_time(i64::MAX), "9999-12-31T23:59:59.000Z");
        assert_eq!(wire_time(-1), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn formatted_messages_are_escaped() {
        assert_eq!(paragraphs("a <b>\nc\n\n\n'd'"), "<p>a &lt;b&gt;<br>c</p><p>&#39;d&#39;</p>");
    }

    #[test]
    fn co_authors_are_read_from_trailers() {
        let found: Vec<_> = co_authors("text\n\nCo-authored-by: Bob B <bob@x.org>\nCo-authored-by: broken").collect();
        assert_eq!(found, [("Bob B", "bob@x.org")]);
    }
}
