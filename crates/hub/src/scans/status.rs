//! What is known of a file, and how the API says it.

use std::collections::HashMap;

use hub_git::{Entry, EntryKind, LfsPointer};
use hub_scan::{Kind, Level, Report, Topic};
use hub_types::{Oid, Sha256};
use serde_json::{Value, json};

use super::queries::{self, ScanRow};
use crate::app::App;
use crate::jobs;

/// A content, and what it is looked at for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileKey {
    /// The SHA-256 of a large file, the blob of one in git.
    pub content: Vec<u8>,
    /// What it is looked at for.
    pub kind: Kind,
}

impl FileKey {
    /// Of a file at a path.
    pub fn new(path: &str, blob: Oid, lfs: Option<&LfsPointer>) -> Self {
        let content = lfs.map_or_else(|| blob.as_bytes().to_vec(), |pointer| pointer.oid.as_bytes().to_vec());
        Self { content, kind: Kind::of(path) }
    }

    /// Of a large file at a path.
    pub fn large(path: &str, oid: Sha256) -> Self {
        Self { content: oid.as_bytes().to_vec(), kind: Kind::of(path) }
    }

    /// Of an entry that is a file.
    pub fn of(entry: &Entry) -> Option<Self> {
        (entry.kind == EntryKind::File).then(|| Self::new(&entry.path, entry.oid, entry.lfs.as_ref()))
    }

    /// Whether it lies in git.
    pub(super) fn is_blob(&self) -> bool {
        self.content.len() == 20
    }
}

/// What ClamAV said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AvStatus {
    /// It found nothing.
    Safe,
    /// It found something.
    Unsafe,
    /// It did not look.
    Error,
}

impl AvStatus {
    /// As it is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Error => "error",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Safe, Self::Unsafe, Self::Error].into_iter().find(|status| status.as_str() == text)
    }
}

/// What ClamAV said, with the name of what it found, or why it did not look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Av {
    /// In a word.
    pub status: AvStatus,
    /// The rest.
    pub detail: Option<String>,
}

/// What lists say of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The worst of what was found.
    pub level: Level,
    /// Whether ClamAV found something.
    pub is_malware: bool,
    /// Whether there are pickles in it.
    pub has_pickle: bool,
    /// Whether there are secrets in it.
    pub has_secrets: bool,
}

/// What was found in a file.
#[derive(Debug, Clone)]
pub struct FileScan {
    /// The worst of it.
    pub level: Level,
    /// What this hub found.
    pub report: Report,
    /// What ClamAV found, if it was asked.
    pub av: Option<Av>,
}

impl FileScan {
    pub(super) fn of(row: ScanRow) -> Self {
        let status = row.av_status.as_deref().and_then(AvStatus::parse);
        Self {
            level: Level::parse(&row.level).unwrap_or(Level::Error),
            report: serde_json::from_value(row.report).unwrap_or_default(),
            av: status.map(|status| Av { status, detail: row.av_detail }),
        }
    }

    /// The name of the malware that it is.
    pub fn malware(&self) -> Option<&str> {
        let av = self.av.as_ref().filter(|av| av.status == AvStatus::Unsafe)?;
        Some(av.detail.as_deref().unwrap_or("malware"))
    }

    /// The same in short.
    pub fn mark(&self) -> Mark {
        Mark {
            level: self.level,
            is_malware: self.malware().is_some(),
            has_pickle: self.report.imports.is_some(),
            has_secrets: self.report.has_secrets(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "status": self.level.as_str(),
            "avScan": self.av.as_ref().map(av_json),
            "pickleImportScan": pickle_json(&self.report),
            "findings": self.report.findings.iter().filter(|finding| finding.topic != Topic::Pickle).map(|finding| json!({
                "topic": finding.topic,
                "status": finding.level.as_str(),
                "message": finding.text,
                "line": finding.line,
                "entry": finding.entry,
            })).collect::<Vec<_>>(),
            "message": self.report.note,
        })
    }
}

/// `virusFound` and `virusNames` are what the documentation of `huggingface_hub` shows, the others what the Hub sends.
fn av_json(av: &Av) -> Value {
    let (message, names) = match av.status {
        AvStatus::Safe => ("No security issues detected".to_owned(), Value::Null),
        AvStatus::Unsafe => (format!("ClamAV found {}", av.detail.as_deref().unwrap_or("malware")), json!([av.detail])),
        AvStatus::Error => (av.detail.clone().unwrap_or_default(), Value::Null),
    };
    json!({ "status": av.status.as_str(), "message": message, "virusFound": av.status == AvStatus::Unsafe, "virusNames": names })
}

fn pickle_json(report: &Report) -> Option<Value> {
    let imports = report.imports.as_ref()?;
    let odd = report.findings.iter().find(|finding| finding.topic == Topic::Pickle);
    Some(json!({
        "status": report.pickle_level().as_str(),
        "pickleImports": imports,
        "message": odd.map(|finding| &finding.text),
        "version": hub_scan::VERSION.to_string(),
    }))
}

/// What is known of a file.
#[derive(Debug)]
pub enum State<T> {
    /// It was looked at.
    Scanned(T),
    /// It will be.
    Queued,
    /// Nothing is looked for in such files, or nobody has.
    Unscanned,
}

impl State<&FileScan> {
    /// As `securityFileStatus`.
    pub fn json(&self) -> Value {
        match self {
            Self::Scanned(scan) => scan.json(),
            Self::Queued => level_json("queued"),
            Self::Unscanned => level_json("unscanned"),
        }
    }
}

impl State<&Mark> {
    /// As `securityFileStatus`, without what was found: that tells what is in the file, and takes long to read of many.
    pub fn json(&self) -> Value {
        level_json(match self {
            Self::Scanned(mark) => mark.level.as_str(),
            Self::Queued => "queued",
            Self::Unscanned => "unscanned",
        })
    }
}

fn level_json(status: &str) -> Value {
    json!({ "status": status, "avScan": null, "pickleImportScan": null })
}

/// What is known of some files: all of it, or [`Mark`]s.
#[derive(Debug)]
pub struct Statuses<T> {
    found: HashMap<FileKey, T>,
    is_waiting: bool,
    /// Whether everything is looked at, and not only what is dangerous by its form.
    with_av: bool,
}

impl<T> Statuses<T> {
    async fn new(app: &App, repo_pk: i64, keys: &[FileKey], found: HashMap<FileKey, T>) -> sqlx::Result<Self> {
        let with_av = app.config.scan.clamd.is_some();
        let is_known = |key: &FileKey| found.contains_key(key) || !(with_av || key.kind.is_looked_at());
        let is_waiting = app.config.scan.enabled
            && !keys.iter().all(is_known)
            && jobs::queries::is_waiting(&app.pool, "scan_files", &repo_pk.to_string()).await?;
        Ok(Self { found, is_waiting, with_av })
    }

    /// Of one of them.
    pub fn of(&self, entry: &Entry) -> State<&T> {
        self.of_key(FileKey::of(entry).as_ref())
    }

    /// Of what has this key; of what has none nothing is known.
    pub fn of_key(&self, key: Option<&FileKey>) -> State<&T> {
        let Some(key) = key else { return State::Unscanned };
        match self.found.get(key) {
            Some(scan) => State::Scanned(scan),
            None if self.is_waiting && (self.with_av || key.kind.is_looked_at()) => State::Queued,
            None => State::Unscanned,
        }
    }

    /// Whether none of them waits.
    pub fn is_done(&self) -> bool {
        !self.is_waiting
    }
}

/// Finds what is known of some files of a repository, in two questions at most.
///
/// # Errors
/// The database does not answer.
pub async fn statuses(app: &App, repo_pk: i64, entries: &[Entry]) -> sqlx::Result<Statuses<FileScan>> {
    let keys: Vec<FileKey> = entries.iter().filter_map(FileKey::of).collect();
    statuses_of(app, repo_pk, &keys).await
}

/// The same of files by their keys.
///
/// # Errors
/// The database does not answer.
pub async fn statuses_of(app: &App, repo_pk: i64, keys: &[FileKey]) -> sqlx::Result<Statuses<FileScan>> {
    let found = queries::list_scans(&app.pool, keys).await?;
    Statuses::new(app, repo_pk, keys, found).await
}

/// The same in short: for lists.
///
/// # Errors
/// The database does not answer.
pub async fn marks(app: &App, repo_pk: i64, entries: &[Entry]) -> sqlx::Result<Statuses<Mark>> {
    let keys: Vec<FileKey> = entries.iter().filter_map(FileKey::of).collect();
    marks_of(app, repo_pk, &keys).await
}

/// The same of files by their keys.
///
/// # Errors
/// The database does not answer.
pub async fn marks_of(app: &App, repo_pk: i64, keys: &[FileKey]) -> sqlx::Result<Statuses<Mark>> {
    let found = queries::list_marks(&app.pool, keys).await?;
    Statuses::new(app, repo_pk, keys, found).await
}
