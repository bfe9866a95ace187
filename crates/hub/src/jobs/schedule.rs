use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Job;
use crate::app::App;

/// How often each of [`PERIODIC`] comes up. Several nodes ask for it more often, which does no harm.
const PERIOD: Duration = Duration::from_secs(6 * 3600);
/// A hub that has just started has better things to do.
const FIRST_AFTER: Duration = Duration::from_secs(900);

/// Garbage collection comes up more often than it runs: see [`crate::gc::collect_daily`].
const PERIODIC: &[Job] = &[Job::SweepUploads, Job::CollectGarbage];

/// Enqueues what comes up again and again, until told to stop.
pub async fn enqueue_periodic(app: App, stop: CancellationToken) {
    let mut wait = FIRST_AFTER;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = PERIOD;
        if let Err(error) = enqueue_all(&app).await {
            tracing::warn!(%error, "periodic jobs could not be enqueued");
        }
    }
}

async fn enqueue_all(app: &App) -> sqlx::Result<()> {
    let mut conn = app.pool.acquire().await?;
    for job in PERIODIC {
        job.enqueue(&mut conn).await?;
    }
    app.jobs.wake();
    Ok(())
}
