//! The fetch ledger: which account was sent which file, from which repository, at which commit, on which day; and a pack of git from
//! which repository. What it is kept for is telling people of a recall ([`crate::recalls`]); docs/recalls.md says what is in it and for
//! how long.
//!
//! As with downloads, requests only note in memory what was sent; every [`FLUSH_EVERY`] a node writes it down in one transaction, so
//! that a node that is killed loses that much and no more. There is one row a day for each account, content and repository. Of those
//! without an account there is only a number, and of their packs nothing.

mod queries;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta, Utc};
use hub_git::{Entry, EntryKind};
use hub_scan::Kind;
use hub_types::{Oid, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::queries::{AnonymousColumns, FetchColumns, PackColumns};
use crate::app::App;
use crate::error::HubResult;

/// How often what was noted is written down.
pub const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// How many wait before they are written down sooner.
const MANY: usize = 20_000;
/// How many wait at most, while the database does not answer: about 40 MB. What comes after is not noted.
const MOST: usize = 200_000;
/// How many rows one statement writes.
const BATCH: usize = 5_000;
/// How many old rows are removed at a time.
const MAX_REMOVED: i64 = 10_000;
/// Endings of small files that are noted because they are run, beside those that are loaded as pickles.
const SCRIPTS: &[&str] = &[
    "py", "pyc", "pyx", "ipynb", "sh", "bash", "zsh", "ps1", "bat", "cmd", "js", "mjs", "ts", "rb", "pl", "r", "lua", "jl", "so",
    "dll", "exe", "whl", "jar", "c", "h", "cc", "cpp", "cu", "cuh",
];
/// Endings of those that are noted because they are data: somebody's, perhaps, who did not allow it.
const TABLES: &[&str] = &[
    "csv", "tsv", "jsonl", "ndjson", "parquet", "arrow", "feather", "avro", "orc", "xlsx", "sqlite", "db", "h5", "hdf5", "zip",
    "tar", "tgz", "gz", "zst", "xz", "bz2", "7z",
];
/// How JSON files are called that every client fetches with a model or a dataset: they would be most of the ledger.
const SETTINGS: &[&str] = &[
    "config.json",
    "index.json",
    "_map.json",
    "infos.json",
    "modules.json",
    "tokenizer.json",
    "vocab.json",
    "tokens.json",
    "template.json",
    "metadata.json",
    "results.json",
    "state.json",
];

/// What names the bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// A large file.
    Large(Sha256),
    /// A file in git.
    Blob(Oid),
}

impl Content {
    /// Of an entry that has bytes.
    pub fn of(entry: &Entry) -> Option<Self> {
        let blob = || matches!(entry.kind, EntryKind::File | EntryKind::Symlink).then_some(Self::Blob(entry.oid));
        entry.lfs.as_ref().map(|pointer| Self::Large(pointer.oid)).or_else(blob)
    }

    /// As it is stored.
    pub fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Large(oid) => oid.as_bytes().to_vec(),
            Self::Blob(oid) => oid.as_bytes().to_vec(),
        }
    }

    /// Reads what is stored.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Sha256::from_slice(bytes).map(Self::Large).or_else(|| Oid::from_slice(bytes).map(Self::Blob))
    }

    /// Reads 64 hexadecimal digits as a SHA-256, 40 as a blob.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        match text.len() {
            64 => text.parse().ok().map(Self::Large),
            40 => text.parse().ok().map(Self::Blob),
            _ => None,
        }
    }

    /// In hexadecimal digits.
    pub fn to_hex(self) -> String {
        match self {
            Self::Large(oid) => oid.to_hex(),
            Self::Blob(oid) => oid.to_hex(),
        }
    }
}

/// Whether a file is noted: large ones, and of small ones those that are loaded or run, and tables. Cards and configurations are not:
/// every client fetches them, with each model and dataset.
pub fn is_noted(path: &str, content: Content) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_loaded = matches!(Kind::of(path), Kind::Pickle | Kind::Keras | Kind::Jinja);
    let is_table = TABLES.contains(&ending) || (ending == "json" && !SETTINGS.iter().any(|end| name.ends_with(end)));
    matches!(content, Content::Large(_)) || is_loaded || is_table || SCRIPTS.contains(&ending)
}

/// What this node has noted and not written down yet. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fetches {
    is_kept: bool,
    pending: Arc<Mutex<Pending>>,
    full: Arc<Notify>,
    /// Held while it is written down, so that who asks for that meanwhile waits until it is.
    writing: Arc<tokio::sync::Mutex<()>>,
}

type Pending = HashMap<Fetch, Seen>;

/// Who was sent something on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Fetch {
    day: NaiveDate,
    repo_pk: i64,
    user_pk: Option<i64>,
    what: What,
}

/// What somebody was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum What {
    /// A file.
    File(Content),
    /// A pack of git.
    Pack,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    commit: Option<Oid>,
    times: i32,
}

impl Seen {
    /// The commit as it is written down; empty where it is not known.
    fn commit_bytes(&self) -> Vec<u8> {
        self.commit.map_or_else(Vec::new, |commit| commit.as_bytes().to_vec())
    }
}

/// Who is sent something, from where.
#[derive(Debug, Clone, Copy)]
pub struct Fetcher {
    /// The repository.
    pub repo_pk: i64,
    /// The commit, if it is known.
    pub commit: Option<Oid>,
    /// The account, if there is one.
    pub user_pk: Option<i64>,
}

impl Fetches {
    /// A ledger, which is empty for ever when none is kept.
    pub fn new(is_kept: bool) -> Self {
        Self { is_kept, pending: Arc::default(), full: Arc::default(), writing: Arc::default() }
    }

    /// Notes that somebody was sent a file.
    pub fn note(&self, who: Fetcher, content: Content) {
        self.note_all(who, std::iter::once(content));
    }

    /// Notes that somebody was sent some files.
    pub fn note_all(&self, who: Fetcher, contents: impl Iterator<Item = Content>) {
        self.note_each(who, contents.map(What::File));
    }

    /// Notes that an account was sent a pack of git. Of those without one nothing is noted: what was in it nobody could say.
    pub fn note_pack(&self, who: Fetcher) {
        if who.user_pk.is_some() {
            self.note_each(who, std::iter::once(What::Pack));
        }
    }

    fn note_each(&self, who: Fetcher, things: impl Iterator<Item = What>) {
        if !self.is_kept {
            return;
        }
        let day = Utc::now().date_naive();
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for what in things {
            let fetch = Fetch { day, repo_pk: who.repo_pk, user_pk: who.user_pk, what };
            if pending.len() >= MOST && !pending.contains_key(&fetch) {
                continue;
            }
            let seen = pending.entry(fetch).or_default();
            seen.times = seen.times.saturating_add(1);
            seen.commit = who.commit.or(seen.commit);
        }
        if pending.len() >= MANY {
            self.full.notify_one();
        }
    }

    fn take(&self) -> Pending {
        std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what could not be written down.
    fn put_back(&self, taken: Pending) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for (fetch, old) in taken {
            if pending.len() >= MOST && !pending.contains_key(&fetch) {
                continue;
            }
            let seen = pending.entry(fetch).or_default();
            seen.times = seen.times.saturating_add(old.times);
            seen.commit = seen.commit.or(old.commit);
        }
    }
}

/// Writes down what is noted, now and then, until told to stop.
pub async fn keep_flushing(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.fetches.full.notified() => {}
            () = tokio::time::sleep(FLUSH_EVERY) => {}
        }
        if let Err(error) = flush(&app).await {
            tracing::warn!(?error, "fetches could not be written down; they are kept for the next time");
        }
    }
}

/// Writes down what this node has noted; all that was noted before is in the database then.
///
/// # Errors
/// The database does not answer; nothing is lost then.
pub async fn flush(app: &App) -> HubResult<()> {
    let _turn = app.fetches.writing.lock().await;
    let taken = app.fetches.take();
    if taken.is_empty() {
        return Ok(());
    }
    let written = write(app, &taken).await;
    if written.is_err() {
        app.fetches.put_back(taken);
    }
    written
}

async fn write(app: &App, pending: &Pending) -> HubResult<()> {
    // In one order, so that two nodes do not wait for each other.
    let mut rows: Vec<(&Fetch, &Seen)> = pending.iter().collect();
    rows.sort_unstable_by_key(|(fetch, _)| (fetch.what, fetch.repo_pk, fetch.user_pk, fetch.day));
    let mut tx = app.begin().await?;
    for batch in rows.chunks(BATCH) {
        let mut known = FetchColumns::default();
        for (fetch, seen) in batch {
            if let (What::File(content), Some(user_pk)) = (fetch.what, fetch.user_pk) {
                known.push(content.to_bytes(), (fetch.repo_pk, user_pk), fetch.day, seen.commit_bytes(), seen.times);
            }
        }
        queries::insert(&mut tx, &known).await?;
    }
    for batch in rows.chunks(BATCH) {
        let mut anonymous = AnonymousColumns::default();
        for (fetch, seen) in batch.iter().filter(|(fetch, _)| fetch.user_pk.is_none()) {
            if let What::File(content) = fetch.what {
                anonymous.push(content.to_bytes(), fetch.repo_pk, fetch.day, seen.times);
            }
        }
        queries::insert_anonymous(&mut tx, &anonymous).await?;
    }
    for batch in rows.chunks(BATCH) {
        let mut packs = PackColumns::default();
        for (fetch, seen) in batch.iter().filter(|(fetch, _)| fetch.what == What::Pack) {
            if let Some(user_pk) = fetch.user_pk {
                packs.push((fetch.repo_pk, user_pk), fetch.day, seen.commit_bytes(), seen.times);
            }
        }
        queries::insert_packs(&mut tx, &packs).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Forgets what is older than the ledger is kept; all of it where none is kept any more.
///
/// # Errors
/// The database does not answer.
pub async fn forget_old(app: &App) -> HubResult<()> {
    let today = Utc::now().date_naive();
    let days = i64::try_from(app.config.fetch_ledger_days).unwrap_or(i64::MAX);
    let kept = TimeDelta::try_days(days.saturating_sub(1)).and_then(|age| today.checked_sub_signed(age));
    let Some(first) = kept else { return Ok(()) };
    while queries::delete_before(&app.pool, first, MAX_REMOVED).await? >= MAX_REMOVED.unsigned_abs() {}
    while queries::delete_anonymous_before(&app.pool, first, MAX_REMOVED).await? >= MAX_REMOVED.unsigned_abs() {}
    while queries::delete_packs_before(&app.pool, first, MAX_REMOVED).await? >= MAX_REMOVED.unsigned_abs() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_loaded_run_or_a_table_is_noted() {
        let (large, small) = (Content::Large(Sha256::from_bytes([1; 32])), Content::Blob(Oid::from_bytes([1; 20])));
        for (path, content, noted) in [
            ("README.md", large, true),
            ("data/train.parquet", large, true),
            ("a/modeling.py", small, true),
            ("weights.PT", small, true),
            ("chat_template.jinja", small, true),
            ("data/Train.CSV", small, true),
            ("train-00000.jsonl", small, true),
            ("data.v2/people.json", small, true),
            ("data.csv/README", small, false),
            ("README.md", small, false),
            ("config.json", small, false),
            ("unet/diffusion_pytorch_model.safetensors.index.json", small, false),
            ("special_tokens_map.json", small, false),
            ("tokenizer.json", small, false),
            ("LICENSE", small, false),
        ] {
            assert_eq!(is_noted(path, content), noted, "{path}");
        }
    }

    #[test]
    fn contents_are_read_as_they_are_written() {
        for content in [Content::Large(Sha256::from_bytes([7; 32])), Content::Blob(Oid::from_bytes([9; 20]))] {
            assert_eq!(Content::parse(&content.to_hex().to_uppercase()), Some(content));
            assert_eq!(Content::from_slice(&content.to_bytes()), Some(content));
        }
        assert!(
            Content::parse("abc").is_none()
                && Content::parse(&"g".repeat(64)).is_none()
                && Content::parse(&"é".repeat(32)).is_none()
        );
    }

    #[test]
    fn one_row_for_a_day_and_what_is_put_back_is_added() {
        let fetches = Fetches::new(true);
        let content = Content::Blob(Oid::from_bytes([1; 20]));
        let who = Fetcher { repo_pk: 1, commit: None, user_pk: Some(2) };
        fetches.note(who, content);
        fetches.note(Fetcher { commit: Some(Oid::from_bytes([3; 20])), ..who }, content);
        let taken = fetches.take();
        assert_eq!(taken.len(), 1);
        fetches.note(who, content);
        fetches.put_back(taken);
        let seen: Vec<Seen> = fetches.take().into_values().collect();
        assert_eq!((seen.len(), seen[0].times, seen[0].commit), (1, 3, Some(Oid::from_bytes([3; 20]))));
        fetches.note_pack(who);
        fetches.note_pack(who);
        fetches.note_pack(Fetcher { user_pk: None, ..who });
        let packs: Vec<(Fetch, Seen)> = fetches.take().into_iter().collect();
        assert_eq!((packs.len(), packs[0].0.what, packs[0].1.times), (1, What::Pack, 2), "of those with an account");
        let off = Fetches::new(false);
        off.note(who, content);
        off.note_pack(who);
        assert!(off.take().is_empty());
    }
}
