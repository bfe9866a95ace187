//! Looks at the files of a bucket. It has no history that tells what changed: each batch notes its paths, and they are taken off the
//! list once they were looked at. The bytes are large files, wherever they lie.

use std::collections::BTreeMap;
use std::time::Duration;

use hub_git::LfsPointer;
use hub_scan::VERSION;
use hub_types::Oid;
use serde_json::Value;
use sqlx::PgConnection;

use super::changes::{ChangedFile, Changes, Place};
use super::{MAX_ISSUES, Progress, Start, finish, issues, look_at, reachable_clamd};
use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;
use crate::repos::Repo;
use crate::repos::buckets::list_files_at;
use crate::repos::queries::scanning::{DueRow, insert_all_due, insert_due, list_due, outdate};
use crate::scans::FileKey;
use crate::scans::queries::{self as scans, RepoScanRow};

/// How many paths one round is about.
const MAX_DUE: usize = 2_000;
/// Batches within this time are looked at together.
const SOON: Duration = Duration::from_secs(1);
/// The blob of what lies in no git.
const NO_BLOB: Oid = Oid::from_bytes([0; 20]);

/// Looks at what changed; at all files, when nobody looked by the rules of now.
pub(super) async fn scan(app: &App, start: &Start) -> HubResult<Progress> {
    let clamd = reachable_clamd(app).await;
    let Some(base) = start.before.as_ref().filter(|row| is_current(row, clamd.is_some())) else {
        return begin(app, start, clamd.is_some()).await;
    };
    let due = list_due(&app.pool, start.repo.pk, i64::try_from(MAX_DUE).unwrap_or(i64::MAX)).await?;
    if due.is_empty() {
        return Ok(Progress::Done);
    }
    let (all, news) = changes_of(app, &start.repo, &due).await?;
    let files: Vec<&ChangedFile> = all.files.iter().collect();
    if look_at(app, &start.repo, &files, clamd).await? == Progress::More {
        return Ok(Progress::More);
    }
    let marks = scans::list_marks(&app.pool, &all.keys()).await?;
    let mut state = RepoScanRow {
        version: VERSION,
        with_av: clamd.is_some(),
        event_pk: next_round(base),
        ..issues(Some(base), &all, &marks)
    };
    // Of too many issues only the worst were kept. When there is room again, the others are found by looking at all files.
    let most = i32::try_from(MAX_ISSUES).unwrap_or(i32::MAX);
    if base.issue_count > most {
        if state.issue_count < most {
            return begin(app, start, clamd.is_some()).await;
        }
        state.issue_count = state.issue_count.max(most + 1);
    }
    let done: Vec<i64> = due.iter().map(|row| row.due_pk).collect();
    match finish(app, start, &state, Some(&news), &done).await? {
        Progress::Done if due.len() < MAX_DUE => Ok(Progress::Done),
        Progress::Done | Progress::More => Ok(Progress::More),
    }
}

/// Has somebody look, soon, at what changed at these paths of a bucket; in the transaction that changes them.
///
/// # Errors
/// The database does not answer.
pub async fn look_later(
    app: &App,
    conn: &mut PgConnection,
    repo_pk: i64,
    actor_pk: Option<i64>,
    paths: &[String],
) -> sqlx::Result<()> {
    if !app.config.scan.enabled {
        return outdate(conn, repo_pk).await;
    }
    insert_due(conn, repo_pk, actor_pk, paths).await?;
    Job::ScanFiles { repo_pk }.enqueue_at(conn, crate::clock::now() + SOON).await
}

/// What is kept of a bucket has a number that counts the rounds, where other repositories have their last event.
fn next_round(before: &RepoScanRow) -> i64 {
    before.event_pk.saturating_add(1)
}

fn is_current(row: &RepoScanRow, with_av: bool) -> bool {
    row.version >= VERSION && (row.with_av || !with_av)
}

/// Has all files looked at in the rounds that come. What was known of them is shown meanwhile.
async fn begin(app: &App, start: &Start, with_av: bool) -> HubResult<Progress> {
    let before = start.before.clone().unwrap_or_default();
    let kept = before.issues.as_array().map_or(0, Vec::len);
    let state = RepoScanRow {
        version: VERSION,
        with_av,
        event_pk: next_round(&before),
        issues: if kept == 0 { Value::Array(Vec::new()) } else { before.issues },
        issue_count: i32::try_from(kept).unwrap_or(i32::MAX),
        ..before
    };
    let mut tx = app.begin().await?;
    insert_all_due(&mut tx, start.repo.pk).await?;
    if scans::store_repo_scan(&mut tx, start.repo.pk, start.since(), &state).await? {
        tx.commit().await?;
    }
    Ok(Progress::More)
}

/// The files at these paths now, and those of them that are news. Where there is none any more, something is gone.
async fn changes_of(app: &App, repo: &Repo, due: &[DueRow]) -> HubResult<(Changes, Changes)> {
    let mut paths: BTreeMap<&str, bool> = BTreeMap::new();
    for row in due {
        *paths.entry(&row.path).or_default() |= row.is_news;
    }
    let wanted: Vec<String> = paths.keys().map(|path| (*path).to_owned()).collect();
    let (mut all, mut news) = (Changes::default(), Changes::default());
    for file in list_files_at(&app.pool, repo.pk, &wanted).await? {
        let Some(oid) = file.oid else { continue };
        let is_news = paths.get(file.path.as_str()).copied().unwrap_or_default();
        let size = file.size_bytes.unsigned_abs();
        let changed = ChangedFile {
            key: FileKey::large(&file.path, oid),
            blob: NO_BLOB,
            size,
            lfs: Some(LfsPointer { oid, size, pointer_size: 0 }),
            place: Place::Head,
            path: file.path,
        };
        if is_news {
            news.files.push(changed.clone());
        }
        all.files.push(changed);
    }
    all.touched = wanted.into_iter().collect();
    news.actors = due.iter().rev().filter(|row| row.is_news).filter_map(|row| row.actor_pk).collect();
    news.actors.dedup();
    Ok((all, news))
}
