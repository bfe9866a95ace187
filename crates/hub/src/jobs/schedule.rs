use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Job;
use crate::app::App;
use crate::repos;

/// How often [`EACH_TIME`] comes up, the first time after as long: a hub that has just started has better things to do. Several
/// nodes ask for it more often, which does no harm.
const PERIOD: Duration = Duration::from_secs(900);
/// Every how many periods [`SELDOM`] comes up: every six hours.
const SELDOM_PERIODS: u64 = 24;

/// Garbage collection comes up more often than it runs: see [`crate::gc::collect_daily`].
const SELDOM: &[Job] = &[
    Job::SweepUploads,
    Job::CollectGarbage,
    Job::PruneAuditLog,
    Job::SweepSignIns,
    Job::SweepPersonalData,
    Job::ScanAgain { after: 0 },
];
const EACH_TIME: &[Job] = &[Job::CountActivity, Job::MeasureStorage, Job::TendNotifications];

/// Enqueues what comes up when a hub starts, and what comes up again and again, until told to stop.
pub async fn enqueue_periodic(app: App, stop: CancellationToken) {
    if let Err(error) = repos::metadata::ask_again(&app).await {
        tracing::warn!(%error, "what an older program derived is not derived again");
    }
    if let Err(error) = repos::scanning::ask_again(&app).await {
        tracing::warn!(%error, "files that were never looked at are not looked at now");
    }
    for period in 0_u64.. {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        let seldom = if period % SELDOM_PERIODS == 0 { SELDOM } else { &[] };
        if let Err(error) = enqueue_all(&app, EACH_TIME.iter().chain(seldom)).await {
            tracing::warn!(%error, "periodic jobs could not be enqueued");
        }
    }
}

async fn enqueue_all(app: &App, jobs: impl Iterator<Item = &Job>) -> sqlx::Result<()> {
    let mut conn = app.pool.acquire().await?;
    for job in jobs {
        job.enqueue(&mut conn).await?;
    }
    app.jobs.wake();
    Ok(())
}
