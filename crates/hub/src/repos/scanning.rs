//! Looks at the files that were pushed: a job, some seconds after refs of a repository moved.
//!
//! What changed is told by the events of the refs, so a push pays one row more. Each content is looked at once for the whole hub
//! ([`crate::scans`]); what a repository has is put together from that. Older rules, and files from before there were any,
//! are caught up with in the background ([`scan_again`]). Buckets, which have no refs, note their paths.

mod again;
mod bucket;
mod changes;
mod look;
mod tell;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use hub_scan::{Level, VERSION};
use hub_types::Oid;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;
use crate::repos::queries::scanning::{RefEventRow, delete_due, list_ref_events};
use crate::repos::{Repo, queries, reading};
use crate::scans::clamd::{self, Address};
use crate::scans::queries::{self as scans, Looked, RepoScanRow};
use crate::scans::{FileKey, Mark, State, marks};

use self::changes::{ChangedFile, Changes, MAX_EVENTS, MAX_FILES, Place};
use self::tell::First;

pub use again::{ask_again, scan_again};
pub use bucket::look_later;

/// How long one run looks at files; other long jobs wait meanwhile.
const SLICE: Duration = Duration::from_secs(20);
/// How many small files are looked at together.
const BATCH: usize = 256;
/// How many files with issues are kept with a repository.
const MAX_ISSUES: usize = 200;

/// Whether a repository's files are all looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Done,
    More,
}

/// Looks at what was pushed: the body of [`Job::ScanFiles`].
///
/// # Errors
/// Git, the store or the database does not answer: the job is tried again.
pub async fn scan_files(app: &App, repo_pk: i64) -> HubResult<()> {
    if scan_repo(app, repo_pk, First::IsNews).await? == Progress::More {
        Job::ScanFiles { repo_pk }.enqueue(&mut *app.pool.acquire().await?).await?;
        app.jobs.wake();
    }
    Ok(())
}

/// A repository at a moment at which nobody moves its refs.
struct Start {
    repo: Repo,
    /// What was kept of it before.
    before: Option<RepoScanRow>,
    /// Its last events.
    events: Vec<RefEventRow>,
}

impl Start {
    /// A push that found this job waiting may not have ended when it was taken: it is waited for, since nobody else looks at it.
    async fn of(app: &App, repo_pk: i64) -> HubResult<Option<Self>> {
        let mut tx = app.begin().await?;
        if !queries::hold_repo(&mut tx, repo_pk).await? {
            return Ok(None);
        }
        let Some(repo) = queries::find_repo_by_pk(&mut *tx, repo_pk).await? else { return Ok(None) };
        let before = scans::find_repo_scan(&mut *tx, repo_pk).await?;
        let events = list_ref_events(&mut tx, repo_pk, MAX_EVENTS).await?;
        Ok(Some(Self { repo, before, events }))
    }

    /// The last event that is done.
    fn since(&self) -> Option<i64> {
        self.before.as_ref().map(|row| row.event_pk)
    }

    /// What can be built on. Of rules that were older everything is looked at again, and so is what is only partly known.
    fn base(&self, with_av: bool) -> Option<&RepoScanRow> {
        self.before.as_ref().filter(|row| {
            row.version >= VERSION
                && (row.with_av || !with_av)
                && usize::try_from(row.issue_count).is_ok_and(|count| count <= MAX_ISSUES)
        })
    }
}

async fn scan_repo(app: &App, repo_pk: i64, first: First) -> HubResult<Progress> {
    let Some(start) = Start::of(app, repo_pk).await? else { return Ok(Progress::Done) };
    let repo = &start.repo;
    if !app.config.scan.enabled {
        return Ok(Progress::Done);
    }
    if !repo.repo_type.has_git() {
        return bucket::scan(app, &start).await;
    }
    let clamd = reachable_clamd(app).await;
    let base = start.base(clamd.is_some());
    // What was only looked at again is no news.
    let news = changes::of(app, repo, &start.events, start.before.as_ref()).await?;
    let all = match base.is_none() && start.before.is_some() {
        true => Some(changes::of(app, repo, &start.events, None).await?),
        false => None,
    };
    let files: Vec<&ChangedFile> = news.files.iter().chain(all.iter().flat_map(|all| &all.files)).collect();
    if look_at(app, repo, &files, clamd).await? == Progress::More {
        return Ok(Progress::More);
    }
    let all = all.as_ref().unwrap_or(&news);
    let is_cut = all.is_cut || base.is_some_and(|row| row.is_cut);
    if is_cut {
        tracing::warn!(repo.id = %repo.id, "a repository has more files than are looked at ({MAX_FILES})");
    }
    let marks = scans::list_marks(&app.pool, &all.keys()).await?;
    let state = RepoScanRow {
        version: VERSION,
        with_av: clamd.is_some(),
        commit_oid: repo.head_oid,
        event_pk: start.events.first().map_or(start.since().unwrap_or(0), |event| event.event_pk),
        is_cut,
        ..issues(base, all, &marks)
    };
    let is_told = start.before.is_some() || first == First::IsNews;
    finish(app, &start, &state, is_told.then_some(&news), &[]).await
}

/// Looks at files that nobody has looked at, for a while. One that fails keeps nobody from the others: it is noted, and tried once
/// more by this job; after that, when somebody comes by its content again.
async fn look_at(app: &App, repo: &Repo, files: &[&ChangedFile], clamd: Option<&Address>) -> HubResult<Progress> {
    let is_wanted = |file: &&&ChangedFile| clamd.is_some() || file.key.kind.is_looked_at();
    let keys: HashSet<&FileKey> = files.iter().filter(is_wanted).map(|file| &file.key).collect();
    let keys: Vec<FileKey> = keys.into_iter().cloned().collect();
    scans::note_blobs(&mut *app.pool.acquire().await?, repo.pk, &keys).await?;
    let mut looked = scans::list_looked(&app.pool, &keys, clamd.is_some()).await?;
    let (until, mut failure) = (Instant::now() + SLICE, None);
    let files: Vec<&ChangedFile> = files.iter().filter(is_wanted).copied().collect();
    for batch in files.chunks(BATCH) {
        let mut batch: Vec<&ChangedFile> =
            batch.iter().filter(|file| looked.get(&file.key) != Some(&Looked::Now)).copied().collect();
        if batch.is_empty() {
            continue;
        }
        if Instant::now() > until {
            return Ok(Progress::More);
        }
        // ClamAV is asked about one file after another.
        if clamd.is_none() {
            match look::look_at_small(app, repo, &batch).await {
                Ok(done) => {
                    batch.retain(|file| !done.contains(&file.key));
                    looked.extend(done.into_iter().map(|key| (key, Looked::Now)));
                }
                Err(error) => tracing::warn!(repo.id = %repo.id, ?error, "files are looked at one by one, not together"),
            }
        }
        for file in batch {
            let before = looked.get(&file.key).copied();
            if before == Some(Looked::Now) {
                continue;
            }
            if Instant::now() > until {
                return Ok(Progress::More);
            }
            if let Err(error) = look::look_at(app, repo, file, clamd).await {
                tracing::warn!(repo.id = %repo.id, file = %file.path, ?error, "a file could not be looked at");
                scans::store_failure(&mut *app.pool.acquire().await?, &file.key).await?;
                if before != Some(Looked::Failed) {
                    failure = Some(error);
                }
            }
            looked.insert(file.key.clone(), Looked::Now);
        }
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(Progress::Done),
    }
}

/// The ClamAV daemon, if there is one that answers. While it does not, everything else goes on, and it is asked some hours later.
async fn reachable_clamd(app: &App) -> Option<&Address> {
    let address = app.config.scan.clamd.as_ref()?;
    match clamd::ping(address).await {
        Ok(()) => Some(address),
        Err(error) => {
            tracing::warn!(?error, %address, "clamd does not answer: pushed files are not looked at for malware");
            None
        }
    }
}

/// What the default branch has now: what it had, but for what changed.
fn issues(base: Option<&RepoScanRow>, changes: &Changes, marks: &HashMap<FileKey, Mark>) -> RepoScanRow {
    let mut issues: Vec<Value> = base.and_then(|row| row.issues.as_array().cloned()).unwrap_or_default();
    issues.retain(|issue| !issue["path"].as_str().is_some_and(|path| changes.touched.contains(path)));
    let in_head = changes.files.iter().filter(|file| file.place == Place::Head);
    let levels = in_head.filter_map(|file| Some((&file.path, marks.get(&file.key)?.level)));
    issues.extend(
        levels.filter(|(_, level)| *level >= Level::Caution).map(|(path, level)| json!({ "path": path, "level": level })),
    );
    let level_of = |issue: &Value| issue["level"].as_str().and_then(Level::parse).unwrap_or_default();
    issues.sort_by_key(|issue| std::cmp::Reverse(level_of(issue)));
    let count = |issues: usize| i32::try_from(issues).unwrap_or(i32::MAX);
    let unsafe_count = count(issues.iter().filter(|issue| level_of(issue) == Level::Unsafe).count());
    let issue_count = count(issues.len());
    issues.truncate(MAX_ISSUES);
    RepoScanRow { issues: Value::Array(issues), issue_count, unsafe_count, ..RepoScanRow::default() }
}

/// Keeps what the repository has now, and has those told who must know. `done` are paths of a bucket that nobody has to look at again.
async fn finish(app: &App, start: &Start, state: &RepoScanRow, news: Option<&Changes>, done: &[i64]) -> HubResult<Progress> {
    let letters = match news {
        Some(news) => {
            let marks = scans::list_marks(&app.pool, &news.keys()).await?;
            tell::letters(app, &start.repo, news, &marks).await?
        }
        None => Vec::new(),
    };
    let mut tx = app.begin().await?;
    if !scans::store_repo_scan(&mut tx, start.repo.pk, start.since(), state).await? {
        // Another job has stored something meanwhile, and told of it: what is left is done from there.
        return Ok(Progress::More);
    }
    if !done.is_empty() {
        delete_due(&mut tx, done).await?;
    }
    for letter in &letters {
        letter.enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    if !letters.is_empty() {
        app.jobs.wake();
    }
    Ok(Progress::Done)
}

/// How many files of a commit are looked up that is not the one that was put together.
const MAX_LOOKED_UP: usize = 2_000;

/// The files of a commit that something was found in, as the API has them, and whether all of them were looked at.
///
/// # Errors
/// 404 for an unknown commit, or the database does not answer.
pub async fn issues_of(app: &App, repo: &Repo, commit: Oid) -> HubResult<(bool, Value)> {
    let row = scans::find_repo_scan(&app.pool, repo.pk).await?;
    if let Some(row) = row.filter(|row| row.commit_oid == Some(commit) && row.version >= VERSION) {
        return Ok((!row.is_cut, row.issues));
    }
    let page = reading::read(app, repo, move |reader| reader.walk(commit, "", None, MAX_LOOKED_UP)).await?;
    let known = marks(app, repo.pk, &page.entries).await?;
    let mut issues = Vec::new();
    let mut done = page.next.is_none() && known.is_done();
    for entry in &page.entries {
        match known.of(entry) {
            State::Scanned(mark) if mark.level >= Level::Caution => {
                issues.push(json!({ "path": entry.path, "level": mark.level }))
            }
            State::Scanned(_) => {}
            State::Queued => done = false,
            State::Unscanned => done &= !FileKey::of(entry).is_some_and(|key| key.kind.is_looked_at()),
        }
    }
    Ok((done, Value::Array(issues)))
}
