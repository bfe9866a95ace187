//! Sends what is to be sent: each webhook's deliveries one after the other, some webhooks at a time, on every node that runs jobs.
//!
//! A node takes a webhook for a while (`locked_until`), sends what is due, and lets it go behind those that wait: a receiver that is
//! slow or away holds up nobody else, and an account whose receivers all are holds up no other. When the node dies, another takes the
//! webhook up, and sends the last delivery once more.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::queries::deliveries::{self, DueRow, Tried};
use super::{hear, operations, right, send};
use crate::accounts::queries::find_user;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::queries::find_repo_or_deleted;

/// How many webhooks a node sends to at the same time.
const AT_A_TIME: usize = 16;
/// How many webhooks of one account all nodes together send to at the same time.
const OF_ONE_ACCOUNT: i64 = 4;
/// How many deliveries of one webhook are sent before others have their turn, and after how long none is begun any more.
const IN_A_ROW: usize = 20;
const TURN: Duration = Duration::from_secs(20);
/// For how long a node takes a webhook: longer than such a turn takes.
const LEASE_SECS: f64 = 120.0;
/// When to look although nobody said that there is something.
const POLL: Duration = Duration::from_secs(5);
/// How long to wait after each try that failed, in seconds; after the last, a delivery is given up.
const WAITS_SECS: [f64; 8] = [10.0, 60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 21_600.0, 21_600.0];
/// After how many days without an arrival, and how many tries in them, a webhook is switched off.
const FAILING_DAYS: f64 = 3.0;
const FAILING_TRIES: i32 = 10;
/// How many deliveries the log of a webhook keeps, and for how long.
const LOG_LENGTH: i64 = 500;
const LOG_DAYS: i32 = 30;
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// Hears of what happens and sends it, until told to stop. Requests in hand are finished first.
pub async fn keep_sending(app: App, stop: CancellationToken) {
    let mut sending = JoinSet::new();
    let mut forgot = Instant::now();
    while !stop.is_cancelled() {
        let more = hear::hear(&app).await.unwrap_or_else(|error| {
            tracing::warn!(?error, "webhooks are not told what happened");
            false
        });
        if let Err(error) = take_due(&app, &stop, &mut sending).await {
            tracing::warn!(%error, "webhooks that are due cannot be taken");
        }
        if more {
            app.webhooks.wake();
        }
        if forgot.elapsed() > FORGET_EVERY {
            forgot = Instant::now();
            if let Err(error) = deliveries::delete_old(&app.pool, LOG_DAYS).await {
                tracing::warn!(%error, "old deliveries could not be forgotten");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.webhooks.wake.notified() => {}
            Some(_) = sending.join_next(), if !sending.is_empty() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
    while sending.join_next().await.is_some() {}
}

async fn take_due(app: &App, stop: &CancellationToken, sending: &mut JoinSet<()>) -> sqlx::Result<()> {
    while sending.len() < AT_A_TIME {
        let Some(webhook_pk) = deliveries::claim(&app.pool, LEASE_SECS, OF_ONE_ACCOUNT).await? else { break };
        let (app, stop) = (app.clone(), stop.clone());
        sending.spawn(async move {
            if let Err(error) = send_due(&app, &stop, webhook_pk).await {
                // The lease runs out, and the webhook comes up again.
                tracing::warn!(?error, webhook.pk = webhook_pk, "deliveries could not be sent");
            }
        });
    }
    Ok(())
}

/// Sends what is due of one webhook, until a try fails.
async fn send_due(app: &App, stop: &CancellationToken, webhook_pk: i64) -> HubResult<()> {
    let started = Instant::now();
    for _ in 0..IN_A_ROW {
        if stop.is_cancelled() || started.elapsed() > TURN {
            break;
        }
        let Some(due) = deliveries::next_due(&app.pool, webhook_pk).await? else { break };
        if !may_hear(app, &due).await? {
            deliveries::delete(&app.pool, due.delivery_pk).await?;
            app.metrics.webhook_delivery("dropped");
            continue;
        }
        let tried = send::send(&app.webhooks, &due).await;
        let arrived = tried.error.is_none();
        note(app, webhook_pk, &due, &tried).await?;
        if !arrived {
            break;
        }
    }
    deliveries::keep_newest(&app.pool, webhook_pk, LOG_LENGTH).await?;
    let mut tx = app.begin().await?;
    deliveries::release(&mut tx, webhook_pk).await?;
    Ok(tx.commit().await?)
}

/// Whether the owner may still see what a delivery is about.
async fn may_hear(app: &App, due: &DueRow) -> HubResult<bool> {
    let user = find_user(&app.pool, due.user_pk).await?.filter(|user| !user.suspended);
    let Some(repo_pk) = due.repo_pk else { return Ok(user.is_some()) };
    let repo = find_repo_or_deleted(&app.pool, repo_pk).await?;
    Ok(user.zip(repo).is_some_and(|(user, repo)| right::may_hear(&user, &repo)))
}

async fn note(app: &App, webhook_pk: i64, due: &DueRow, tried: &Tried) -> HubResult<()> {
    let mut tx = app.begin().await?;
    if tried.error.is_none() {
        deliveries::note_arrived(&mut tx, webhook_pk, due.delivery_pk, tried).await?;
        tx.commit().await?;
        app.metrics.webhook_delivery("delivered");
        return Ok(());
    }
    let wait = usize::try_from(due.attempts).ok().and_then(|tries| WAITS_SECS.get(tries)).copied();
    let failing = deliveries::note_failed(&mut tx, webhook_pk, due.delivery_pk, tried, wait).await?;
    if failing.is_some_and(|failing| failing.days >= FAILING_DAYS && failing.failures >= FAILING_TRIES) {
        operations::switch_off(&mut tx, &[webhook_pk], "failing").await?;
    }
    tx.commit().await?;
    app.metrics.webhook_delivery(if wait.is_some() { "retry" } else { "failed" });
    app.jobs.wake();
    Ok(())
}
