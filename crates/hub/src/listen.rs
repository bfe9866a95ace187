//! Hears what other nodes write to the database, so that nobody has to ask again and again.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use crate::accounts::pictures::{self, CHANNEL as PICTURES};
use crate::app::App;
use crate::banner::{self, CHANNEL as BANNER};
use crate::discover::{self, CHANNEL as OWNERS};
use crate::flags::{self, CHANNEL as FLAGS};
use crate::objects;
use crate::recalls::{self, CHANNEL as RECALLS};
use crate::signing::CHANNEL as SIGNING;

const PAUSE: Duration = Duration::from_secs(5);
/// After so long a silence, whatever is held is read again over another connection. Jobs are heard of more often.
const SILENCE: Duration = Duration::from_secs(1200);

/// Wakes this node's job runner, its search index and what sends to webhooks when any node has work for them, has it forget which large files a
/// repository had when that lost some, and hears of new pictures, of the banner, of switches, of recalls, of owners and of keys that sign, until told to stop. While it cannot listen, the former poll,
/// the names of owners are read again every few seconds, and what else is remembered ends by itself.
pub(crate) async fn listen(app: App, stop: CancellationToken) {
    let listening = async {
        loop {
            if let Err(error) = hear(&app).await {
                tracing::debug!(%error, "not listening to the database");
                app.owners.forget();
                tokio::time::sleep(PAUSE).await;
            }
        }
    };
    stop.run_until_cancelled(listening).await;
}

/// Until nothing was said for long: a connection that was lost without a word is silent, too, and another one is taken.
async fn hear(app: &App) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(&app.pool).await?;
    listener.listen_all(["jobs", "search", "unlinked", "webhooks", PICTURES, BANNER, FLAGS, RECALLS, OWNERS, SIGNING]).await?;
    loop {
        // What was said before is not said again.
        app.held_objects.invalidate_all();
        app.owners.forget();
        if app.config.role.serves_web() {
            load_owners(app.clone());
        }
        pictures::load(app).await?;
        recalls::load(app).await?;
        load_banner(app).await;
        flags::load(app).await?;
        app.signer.reload(&app.pool).await?;
        loop {
            let Ok(said) = tokio::time::timeout(SILENCE, listener.try_recv()).await else { return Ok(()) };
            // Nothing: the connection was lost, and another one listens now.
            let Some(said) = said? else { break };
            match said.channel() {
                "jobs" => app.jobs.wake(),
                "webhooks" => app.webhooks.wake(),
                "unlinked" => said.payload().parse().into_iter().for_each(|repo_pk| objects::forget_held(app, repo_pk)),
                PICTURES => pictures::load(app).await?,
                OWNERS => said.payload().parse().into_iter().for_each(|key| app.owners.changed(key)),
                BANNER => load_banner(app).await,
                FLAGS => flags::load(app).await?,
                RECALLS => recalls::load(app).await?,
                SIGNING => app.signer.reload(&app.pool).await?,
                _ => app.search.wake(),
            }
        }
    }
}

async fn load_banner(app: &App) {
    if let Err(error) = banner::load(app).await {
        tracing::warn!(%error, "the banner could not be loaded; the next change is tried again");
    }
}

/// Beside everything else: many names take a while.
fn load_owners(app: App) {
    tokio::spawn(async move {
        if let Err(error) = discover::load(&app).await {
            tracing::warn!(?error, "the names of owners could not be read; the next question tries again");
        }
    });
}
