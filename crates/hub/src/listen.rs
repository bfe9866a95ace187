//! Hears what other nodes write to the database, so that nobody has to ask again and again.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use crate::accounts::pictures::{self, CHANNEL as PICTURES};
use crate::app::App;

const PAUSE: Duration = Duration::from_secs(5);

/// Wakes this node's job runner and its search index when any node has work for them, and hears of new pictures, until told to
/// stop. While it cannot listen, the former poll.
pub(crate) async fn listen(app: App, stop: CancellationToken) {
    let listening = async {
        loop {
            if let Err(error) = hear(&app).await {
                tracing::debug!(%error, "not listening to the database");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    stop.run_until_cancelled(listening).await;
}

async fn hear(app: &App) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(&app.pool).await?;
    listener.listen_all(["jobs", "search", PICTURES]).await?;
    // What was said before is not heard.
    pictures::load(app).await?;
    loop {
        match listener.recv().await?.channel() {
            "jobs" => app.jobs.wake(),
            PICTURES => pictures::load(app).await?,
            _ => app.search.wake(),
        }
    }
}
