//! The job that looks at what was pushed before there were these rules, or before ClamAV could be asked.

use std::time::Instant;

use super::{Progress, SLICE, reachable_clamd, scan_repo};
use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;
use crate::jobs::queries::is_waiting;
use crate::repos::scanning::tell::First;
use crate::scans::queries::list_outdated;

/// How many repositories are looked up at a time.
const BATCH: i64 = 50;

/// Goes on from the repository after a key; what does not fit into one run is left to the next. One that cannot be read is told of
/// and passed by: it comes up again some hours later.
///
/// # Errors
/// The database does not answer: the job is tried again.
pub async fn scan_again(app: &App, mut after: i64) -> HubResult<()> {
    if !app.config.scan.enabled {
        return Ok(());
    }
    let until = Instant::now() + SLICE;
    let with_av = reachable_clamd(app).await.is_some();
    loop {
        let keys = list_outdated(&app.pool, after, with_av, BATCH).await?;
        if keys.is_empty() {
            return Ok(());
        }
        for repo_pk in keys {
            // What was pushed is another job's, which tells of it.
            if is_waiting(&app.pool, "scan_files", &repo_pk.to_string()).await? {
                after = repo_pk;
                continue;
            }
            match scan_repo(app, repo_pk, First::IsOld).await {
                Ok(Progress::Done) => after = repo_pk,
                // The same repository again.
                Ok(Progress::More) => {}
                Err(error) => {
                    tracing::warn!(repo.pk = repo_pk, %error, "the files of a repository could not be looked at");
                    after = repo_pk;
                }
            }
            if Instant::now() > until {
                Job::ScanAgain { after }.enqueue(&mut *app.pool.acquire().await?).await?;
                return Ok(());
            }
        }
    }
}

/// Asks for it, if there is anything to look at.
///
/// # Errors
/// The database does not answer.
pub async fn ask_again(app: &App) -> sqlx::Result<()> {
    if app.config.scan.enabled && !list_outdated(&app.pool, 0, app.config.scan.clamd.is_some(), 1).await?.is_empty() {
        Job::ScanAgain { after: 0 }.enqueue(&mut *app.pool.acquire().await?).await?;
        app.jobs.wake();
    }
    Ok(())
}
