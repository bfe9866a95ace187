//! Looks at the files that were pushed: a job, some seconds after refs of a repository moved.
//!
//! What changed is told by the events of the refs, so a push pays one row more. Each content is looked at once for the whole hub
//! ([`crate::scans`]); what a repository has is put together from that. Older rules, and files from before there were any,
//! are caught up with in the background ([`scan_again`]).

mod again;
mod changes;
mod look;
mod reader;
mod tell;

use std::time::{Duration, Instant};

use hub_scan::{Level, VERSION};
use hub_types::Oid;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;
use crate::repos::{Repo, queries, reading};
use crate::scans::clamd::{self, Address};
use crate::scans::queries::{self as scans, RepoScanRow};
use crate::scans::{FileKey, FileScan, State, statuses};

use self::changes::{ChangedFile, Changes};
use self::tell::Tell;

pub use again::{ask_again, scan_again};

/// How long one run works; other jobs wait meanwhile.
const SLICE: Duration = Duration::from_secs(20);
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
    if scan_repo(app, repo_pk, Tell::Pushers, Instant::now() + SLICE).await? == Progress::More {
        Job::ScanFiles { repo_pk }.enqueue(&mut *app.pool.acquire().await?).await?;
        app.jobs.wake();
    }
    Ok(())
}

async fn scan_repo(app: &App, repo_pk: i64, tell: Tell, until: Instant) -> HubResult<Progress> {
    {
        // A push that found this job waiting may not have ended when it was taken: it is waited for, since nobody else looks at it.
        let mut tx = app.begin().await?;
        if !queries::hold_repo(&mut tx, repo_pk).await? {
            return Ok(Progress::Done);
        }
    }
    let Some(repo) = queries::find_repo_by_pk(&app.pool, repo_pk).await? else { return Ok(Progress::Done) };
    if !app.config.scan.enabled || !repo.repo_type.has_git() {
        return Ok(Progress::Done);
    }
    let before = scans::find_repo_scan(&app.pool, repo_pk).await?;
    let clamd = reachable_clamd(app).await;
    let with_av = clamd.is_some();
    // Of rules that were older everything is looked at again, and so is what is only partly known.
    let current = before.as_ref().filter(|row| {
        row.version >= VERSION
            && (row.with_av || !with_av)
            && usize::try_from(row.issue_count).is_ok_and(|count| count <= MAX_ISSUES)
    });
    let changes = changes::of(app, &repo, current).await?;
    let known = scans::list_known(&app.pool, &changes.keys(), with_av).await?;
    let mut done = known;
    for file in &changes.files {
        if done.contains(&file.key) || !(with_av || file.key.kind.is_looked_at()) {
            continue;
        }
        if Instant::now() > until {
            return Ok(Progress::More);
        }
        look::look_at(app, &repo, file, clamd).await?;
        done.insert(file.key.clone());
    }
    // What was only looked at again is no news.
    let tell = if before.is_some() && current.is_none() { Tell::Nobody } else { tell };
    finish(app, &repo, current, &changes, tell, with_av).await?;
    Ok(Progress::Done)
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

/// Notes what the repository has now, and has those told who must know.
async fn finish(
    app: &App,
    repo: &Repo,
    before: Option<&RepoScanRow>,
    changes: &Changes,
    tell: Tell,
    with_av: bool,
) -> HubResult<()> {
    let found = scans::list_issues(&app.pool, &changes.keys()).await?;
    let bad: Vec<(&ChangedFile, &FileScan)> =
        changes.files.iter().filter_map(|file| Some((file, found.get(&file.key)?))).collect();
    let mut issues: Vec<Value> = before.and_then(|row| row.issues.as_array().cloned()).unwrap_or_default();
    issues.retain(|issue| !issue["path"].as_str().is_some_and(|path| changes.touched.contains(path)));
    issues.extend(
        bad.iter().filter(|(file, _)| file.in_head).map(|(file, scan)| json!({ "path": file.path, "level": scan.level })),
    );
    let level_of = |issue: &Value| issue["level"].as_str().and_then(Level::parse).unwrap_or_default();
    issues.sort_by_key(|issue| std::cmp::Reverse(level_of(issue)));
    let count = |issues: usize| i32::try_from(issues).unwrap_or(i32::MAX);
    let unsafe_count = count(issues.iter().filter(|issue| level_of(issue) == Level::Unsafe).count());
    let issue_count = count(issues.len());
    issues.truncate(MAX_ISSUES);
    let row = RepoScanRow {
        version: VERSION,
        with_av,
        commit_oid: changes.head,
        event_pk: changes.event_pk,
        issues: Value::Array(issues),
        issue_count,
        unsafe_count,
    };
    let letters = tell::letters(app, repo, &bad, changes, tell).await?;
    let mut tx = app.begin().await?;
    scans::store_repo_scan(&mut tx, repo.pk, &row).await?;
    for letter in &letters {
        letter.enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    if !letters.is_empty() {
        app.jobs.wake();
    }
    Ok(())
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
        return Ok((true, row.issues));
    }
    let page = reading::read(app, repo, move |reader| reader.walk(commit, "", None, MAX_LOOKED_UP)).await?;
    let known = statuses(app, repo.pk, &page.entries).await?;
    let mut issues = Vec::new();
    let mut done = page.next.is_none() && known.is_done();
    for entry in &page.entries {
        match known.of(entry) {
            State::Scanned(scan) if scan.level >= Level::Caution => {
                issues.push(json!({ "path": entry.path, "level": scan.level }))
            }
            State::Scanned(_) => {}
            State::Queued => done = false,
            State::Unscanned => done &= !FileKey::of(entry).is_some_and(|key| key.kind.is_looked_at()),
        }
    }
    Ok((done, Value::Array(issues)))
}
