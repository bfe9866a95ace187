//! Changing what is in a bucket: some files come, are copied and go, all in one transaction or none of them. Of two
//! operations on one path the later one counts.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use hub_types::{BucketPath, RepoId, RepoType, Sha256, XetHash};
use serde_json::json;
use sqlx::PgConnection;

use super::Totals;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::objects;
use crate::recalls;
use crate::repos::access::{self, RepoWrite};
use crate::repos::queries;
use crate::repos::queries::buckets::{self as bucket_queries, NewFiles};
use crate::repos::scanning;
use crate::xet;

/// The most operations in one batch.
pub const MAX_OPERATIONS: usize = 1000;
/// How many paths an event names.
const PATHS_IN_EVENT: usize = 50;
/// The hash of a file without chunks.
pub const EMPTY_FILE: XetHash = XetHash::from_bytes([0; 32]);

/// Something to do at a path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Where, as it was sent.
    pub path: String,
    /// What.
    pub action: Action,
}

/// What to do.
#[derive(Debug, Clone)]
pub enum Action {
    /// Put a file there that was sent for this bucket.
    Add(FileFacts),
    /// Put a file there that another repository has.
    Copy(FileFacts, Source),
    /// Remove what is there, if anything is.
    Delete,
}

/// A file about to be put somewhere.
#[derive(Debug, Clone)]
pub struct FileFacts {
    /// The hash of its chunks.
    pub hash: XetHash,
    /// When it last changed where it came from.
    pub mtime: DateTime<Utc>,
    /// Its type.
    pub content_type: Option<String>,
}

/// Where a copy comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// The kind of the repository.
    pub repo_type: RepoType,
    /// Its id.
    pub id: String,
}

/// An operation that cannot be done, which is why the whole batch was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its path, as it was sent.
    pub path: String,
    /// The sentence for the person.
    pub error: String,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was done.
    Done,
    /// Nothing was done.
    Refused(Vec<Failure>),
}

/// A file that a repository has: its SHA-256 and size; no SHA-256 if it is empty.
type Found = (Option<Sha256>, i64);

/// What is to be at each path in the end; `None`: nothing.
type Changes = BTreeMap<BucketPath, Option<(Found, FileFacts)>>;

/// Does all operations, or none.
///
/// # Errors
/// 404 when the bucket was deleted meanwhile, 403 when moderators disabled it, 413 when it would hold more than is allowed.
pub async fn apply(app: &App, write: &RepoWrite, operations: Vec<Operation>) -> HubResult<Outcome> {
    let repo = &write.repo;
    let sources = readable_sources(app, write, &operations).await?;
    let mut tx = app.begin().await?;
    let before = bucket_queries::lock(&mut tx, repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?;
    // Moderators disabled it while the batch was on its way. Who runs the hub changes one that was disabled before.
    if !repo.disabled && bucket_queries::is_disabled(&mut tx, repo.pk).await? {
        return Err(access::disabled(repo));
    }
    let files = Files::find(app, &mut tx, repo.pk, &operations, &sources).await?;
    let mut changes = Changes::new();
    let mut failures = Vec::new();
    for Operation { path, action } in operations {
        match files.change(&path, action) {
            Ok((path, change)) => _ = changes.insert(path, change),
            Err(error) => failures.push(Failure { path, error }),
        }
    }
    if !failures.is_empty() {
        return Ok(Outcome::Refused(failures));
    }
    let after = write_changes(&mut tx, repo.pk, before, &changes).await?;
    check_limit(app, &repo.id, before, after)?;
    check_owner(app, &mut tx, (repo.namespace_pk, repo.id.namespace()), before, after).await?;
    let actor = write.viewer.user.as_ref().map(|user| user.pk);
    queries::insert_event(&mut tx, repo.pk, actor, "change_bucket", event_of(&changes)).await?;
    let changed: Vec<String> = changes.keys().map(ToString::to_string).collect();
    scanning::look_later(app, &mut tx, repo.pk, actor, &changed).await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}

/// A source that the writer may read: its key, and whether only what its files are now may be copied. Or why not.
type Readable = Result<(i64, bool), String>;

async fn readable_sources(app: &App, write: &RepoWrite, operations: &[Operation]) -> HubResult<HashMap<Source, Readable>> {
    let mut sources = HashMap::new();
    for operation in operations {
        let Action::Copy(_, source) = &operation.action else { continue };
        if sources.contains_key(source) {
            continue;
        }
        let readable = match find_source(app, write, source).await {
            Ok(found) => Ok(found),
            Err(error) if error.is_for_client() => Err(format!("{}: {}", source.id, error.message())),
            Err(error) => return Err(error),
        };
        sources.insert(source.clone(), readable);
    }
    Ok(sources)
}

async fn find_source(app: &App, write: &RepoWrite, source: &Source) -> HubResult<(i64, bool)> {
    let id: RepoId = source.id.parse()?;
    let read = access::find_readable(app, &write.viewer, source.repo_type, id.namespace(), id.name()).await?;
    let content = read.into_content(app).await?;
    if content.repo.pk != write.repo.pk {
        content.require_copyable()?;
    }
    // What was deleted from a bucket is nobody's any more, except for a writer who moves files in their own.
    let only_present = content.repo.repo_type == RepoType::Bucket && content.repo.pk != write.repo.pk;
    Ok((content.repo.pk, only_present))
}

/// The files that operations name, as far as they may be used.
struct Files<'a> {
    own: HashMap<XetHash, (Sha256, i64)>,
    others: HashMap<&'a Source, HashMap<XetHash, (Sha256, i64)>>,
    sources: &'a HashMap<Source, Readable>,
}

impl<'a> Files<'a> {
    async fn find(
        app: &App,
        conn: &mut PgConnection,
        repo_pk: i64,
        operations: &[Operation],
        sources: &'a HashMap<Source, Readable>,
    ) -> HubResult<Self> {
        let own: Vec<XetHash> = operations.iter().filter_map(|operation| operation.action.added()).collect();
        let own = xet::queries::list_held_files(&mut *conn, repo_pk, &own).await?;
        let mut others = HashMap::new();
        let mut copied = Vec::new();
        for (source, readable) in sources {
            let Ok((source_pk, only_present)) = readable else { continue };
            let hashes: Vec<XetHash> = operations.iter().filter_map(|operation| operation.action.copied(source)).collect();
            let mut found = xet::queries::list_held_files(&mut *conn, *source_pk, &hashes).await?;
            if *only_present {
                let oids: Vec<Sha256> = found.values().map(|(oid, _)| *oid).collect();
                let present = bucket_queries::list_present(&mut *conn, *source_pk, &oids).await?;
                found.retain(|_, (oid, _)| present.contains(oid));
            }
            // A copy would give out again what was recalled there.
            let contents: Vec<Content> = found.values().map(|(oid, _)| Content::Large(*oid)).collect();
            let recalled = recalls::among_in(app, &mut *conn, *source_pk, &contents).await?;
            found.retain(|_, (oid, _)| !recalled.contains_key(&Content::Large(*oid)));
            copied.extend(found.values().map(|(oid, _)| *oid));
            others.insert(source, found);
        }
        // All at once: uploads to the bucket take them in the same order.
        if !copied.is_empty() {
            objects::link(&mut *conn, repo_pk, &copied).await?;
        }
        Ok(Self { own, others, sources })
    }

    /// What an operation makes of its path, or why it cannot be done.
    fn change(&self, path: &str, action: Action) -> Result<(BucketPath, Option<(Found, FileFacts)>), String> {
        let path = BucketPath::new(path).map_err(|error| error.to_string())?;
        let change = match action {
            Action::Delete => None,
            Action::Add(facts) | Action::Copy(facts, _) if facts.hash == EMPTY_FILE => Some(((None, 0), facts)),
            Action::Add(facts) => {
                let (oid, size) = self.own.get(&facts.hash).copied().ok_or_else(|| not_sent(&facts.hash))?;
                Some(((Some(oid), size), facts))
            }
            Action::Copy(facts, source) => {
                if let Some(Err(refusal)) = self.sources.get(&source) {
                    return Err(refusal.clone());
                }
                let found = self.others.get(&source).and_then(|files| files.get(&facts.hash)).copied();
                let (oid, size) = found.ok_or_else(|| not_at_source(&facts.hash, &source))?;
                Some(((Some(oid), size), facts))
            }
        };
        Ok((path, change))
    }
}

fn not_sent(hash: &XetHash) -> String {
    format!("No file with the hash {hash} was uploaded to this bucket. Upload it first.")
}

fn not_at_source(hash: &XetHash, source: &Source) -> String {
    format!("The {} {} has no file with the hash {hash}.", source.repo_type, source.id)
}

impl Action {
    fn added(&self) -> Option<XetHash> {
        match self {
            Self::Add(facts) => Some(facts.hash),
            Self::Copy(..) | Self::Delete => None,
        }
    }

    fn copied(&self, from: &Source) -> Option<XetHash> {
        match self {
            Self::Copy(facts, source) if source == from => Some(facts.hash),
            Self::Add(_) | Self::Copy(..) | Self::Delete => None,
        }
    }
}

/// Writes the changes down and gives what the bucket holds then.
async fn write_changes(conn: &mut PgConnection, repo_pk: i64, before: Totals, changes: &Changes) -> HubResult<Totals> {
    let paths: Vec<String> = changes.keys().map(ToString::to_string).collect();
    let replaced = bucket_queries::sum_at(conn, repo_pk, &paths).await?;
    let mut added = NewFiles::default();
    let mut removed = Vec::new();
    for (path, change) in changes {
        let Some(((oid, size), facts)) = change else {
            removed.push(path.to_string());
            continue;
        };
        added.paths.push(path.to_string());
        added.oids.push(*oid);
        added.sizes.push(*size);
        added.mtimes.push(facts.mtime);
        added.content_types.push(facts.content_type.clone());
    }
    bucket_queries::delete_files(conn, repo_pk, &removed).await?;
    bucket_queries::upsert_files(conn, repo_pk, &added).await?;
    let after = Totals {
        files: before.files - replaced.files + i64::try_from(added.paths.len()).unwrap_or(i64::MAX),
        bytes: added.sizes.iter().fold(before.bytes - replaced.bytes, |sum, size| sum.saturating_add(*size)),
    };
    bucket_queries::update_totals(conn, repo_pk, after).await?;
    Ok(after)
}

/// What makes a bucket smaller is always allowed.
fn check_limit(app: &App, id: &RepoId, before: Totals, after: Totals) -> HubResult<()> {
    let (used, wanted) = (before.bytes.unsigned_abs(), after.bytes.unsigned_abs());
    match app.config.bucket_limit_bytes {
        Some(limit) if wanted > used && wanted > limit => Err(HubError::bucket_full(id, used, wanted, limit)),
        _ => Ok(()),
    }
}

/// All buckets of an owner have a limit together. Their writers go one after the other here, so that two of them do not take
/// the same room.
async fn check_owner(
    app: &App,
    conn: &mut PgConnection,
    (namespace_pk, owner): (i64, &str),
    before: Totals,
    after: Totals,
) -> HubResult<()> {
    let grown = (after.bytes - before.bytes).max(0).unsigned_abs();
    let Some(limit) = app.config.owner_buckets_limit_bytes.filter(|_| grown > 0) else { return Ok(()) };
    bucket_queries::lock_owner(conn, namespace_pk).await?;
    let sums = bucket_queries::sum_of_owners(conn, &[namespace_pk]).await?;
    let wanted = sums.get(&namespace_pk).copied().unwrap_or_default().unsigned_abs();
    match wanted > limit {
        true => Err(HubError::owner_full(owner, wanted.saturating_sub(grown), wanted, limit)),
        false => Ok(()),
    }
}

/// Checks the same when an owner comes to have a whole bucket: it was restored, or moved there. Asked after it was.
///
/// # Errors
/// 413 when all buckets of the owner would hold more than is allowed: the caller must roll back.
pub(in crate::repos) async fn check_arrival(
    app: &App,
    conn: &mut PgConnection,
    repo_pk: i64,
    owner: (i64, &str),
) -> HubResult<()> {
    let held = bucket_queries::lock(&mut *conn, repo_pk).await?.unwrap_or_default();
    check_owner(app, conn, owner, Totals::default(), held).await
}

/// What the history of the bucket says: how many files, and the first of them.
fn event_of(changes: &Changes) -> serde_json::Value {
    let paths: Vec<&str> = changes.keys().take(PATHS_IN_EVENT).map(BucketPath::as_str).collect();
    let written = changes.values().flatten().count();
    json!({ "written": written, "deleted": changes.len() - written, "paths": paths })
}
