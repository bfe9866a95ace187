use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;

const PAUSE: Duration = Duration::from_secs(5);

/// Wakes this node's runner when any node adds a job, until told to stop. While it cannot listen, the runner polls.
pub async fn listen(app: App, stop: CancellationToken) {
    let listening = async {
        loop {
            if let Err(error) = hear(&app).await {
                tracing::debug!(%error, "not listening for jobs");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    stop.run_until_cancelled(listening).await;
}

async fn hear(app: &App) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(&app.pool).await?;
    listener.listen("jobs").await?;
    loop {
        listener.recv().await?;
        app.jobs.wake();
    }
}
