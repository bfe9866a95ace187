//! What time it is: the database's, wherever the hub runs. Each node asks it every few seconds and goes on by a clock that nobody sets
//! in between, so that nodes agree on when tokens and signed addresses end, and one whose own clock jumps goes on as before
//! (docs/faults.md).
//!
//! [`Utc::now`], the node's own clock, is for what others compare with it (logs, the store's signatures), and to see that it is wrong.

mod queries;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use hub_storage::StorageKey;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::{HubError, HubResult};

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(5);
/// More than this is said in the log.
const APART: TimeDelta = TimeDelta::seconds(5);
/// More than this, and nothing is deleted for its age.
const FAR_APART: TimeDelta = TimeDelta::hours(1);
/// For how long nothing is deleted for its age after the database's clock jumped so far, so that somebody can see it.
const WATCHED: Duration = Duration::from_secs(24 * 3600);

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
/// The database's time when this process began, in microseconds; unknown before it was asked.
static TIME_BEGUN: AtomicI64 = AtomicI64::new(i64::MIN);
/// How far off that can be.
static DOUBT: AtomicI64 = AtomicI64::new(i64::MAX);
/// When the database's clock jumped far, in microseconds since this process began.
static JUMPED: AtomicI64 = AtomicI64::new(i64::MIN);

fn running() -> i64 {
    i64::try_from(BEGUN.elapsed().as_micros()).unwrap_or(i64::MAX)
}

/// The present time.
pub fn now() -> DateTime<Utc> {
    known().unwrap_or_else(Utc::now)
}

/// The same, if the database was asked already.
fn known() -> Option<DateTime<Utc>> {
    let begun = TIME_BEGUN.load(Ordering::Relaxed);
    if begun == i64::MIN { None } else { DateTime::from_timestamp_micros(begun.saturating_add(running())) }
}

/// By how much this node's clock is ahead of the database's, if that was asked already.
pub fn ahead() -> Option<TimeDelta> {
    known().map(|now| Utc::now() - now)
}

/// Asks the database, and tells by how much its clock jumped since it was asked last.
///
/// # Errors
/// The database does not answer.
pub async fn ask(pool: &PgPool) -> sqlx::Result<TimeDelta> {
    let before = running();
    let theirs = queries::find_time(pool).await?;
    Ok(TimeDelta::microseconds(set(before, theirs.timestamp_micros(), running())))
}

/// Takes what the database said between two moments. What fits what is known already changes nothing: answers take time.
fn set(before: i64, theirs: i64, after: i64) -> i64 {
    let known = TIME_BEGUN.load(Ordering::Relaxed);
    let jump = if known == i64::MIN { 0 } else { jump(known, before, theirs, after) };
    let doubt = after.saturating_sub(before);
    // A quicker answer says more.
    if known == i64::MIN || jump != 0 || doubt < DOUBT.load(Ordering::Relaxed) {
        TIME_BEGUN.store(theirs.saturating_sub(before.midpoint(after)), Ordering::Relaxed);
        DOUBT.store(doubt, Ordering::Relaxed);
    }
    if TimeDelta::microseconds(jump).abs() > FAR_APART {
        JUMPED.store(after, Ordering::Relaxed);
    }
    jump
}

/// How far the database's answer is from what it could have been.
fn jump(known: i64, before: i64, theirs: i64, after: i64) -> i64 {
    let (earliest, latest) = (known.saturating_add(before), known.saturating_add(after));
    if (earliest..=latest).contains(&theirs) { 0 } else { theirs.saturating_sub(earliest.midpoint(latest)) }
}

/// The database's time itself.
///
/// # Errors
/// The database does not answer.
pub async fn of_database(pool: &PgPool) -> sqlx::Result<DateTime<Utc>> {
    queries::find_time(pool).await
}

/// Refuses while clocks are so far apart, or were just now, that what seems old may be young.
///
/// # Errors
/// 503, with what to do.
pub fn check_ages() -> HubResult<()> {
    let jumped = JUMPED.load(Ordering::Relaxed);
    let watched = i64::try_from(WATCHED.as_micros()).unwrap_or(i64::MAX);
    if jumped != i64::MIN && running().saturating_sub(jumped) < watched {
        let text = "The clock of the database jumped, so nothing is deleted for its age for 24 hours. Look whether it is right now \
                    (`hub doctor`); after that, restarting the hub ends the wait.";
        return Err(HubError::unavailable(text, "the clock of the database jumped"));
    }
    match ahead() {
        Some(ahead) if ahead.abs() > FAR_APART => Err(apart("the database", ahead)),
        _ => Ok(()),
    }
}

fn apart(whose: &str, ahead: TimeDelta) -> HubError {
    let text = format!(
        "The clocks of this machine and of {whose} are {} s apart, so nothing is deleted for its age. Set them right: `hub doctor` tells \
         which differ.",
        ahead.num_seconds()
    );
    HubError::unavailable(text, "clocks are apart")
}

/// The same for what the store says of the age of its objects, whose clock is another one.
///
/// # Errors
/// 503, with what to do; the store does not answer.
pub async fn check_ages_in_store(app: &App) -> HubResult<()> {
    let key = StorageKey::upload(&format!("clock-{:016x}", rand::random::<u64>()));
    let before = now();
    app.store.put_bytes(&key, "What time is it?").await?;
    let theirs = app.store.head(&key).await.map(|object| object.modified_at);
    app.store.delete(&key).await?;
    let ahead = theirs? - before;
    if ahead.abs() > FAR_APART { Err(apart("the store", ahead)) } else { Ok(()) }
}

/// Keeps asking until told to stop, says what is wrong, and sets right what a clock that ran ahead left.
pub async fn keep_asking(app: App, stop: CancellationToken) {
    mend(&app.pool).await;
    let mut said = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        match ask(&app.pool).await {
            Ok(jump) if jump.abs() > APART => {
                tracing::warn!(seconds = jump.num_seconds(), "the clock of the database jumped");
                mend(&app.pool).await;
            }
            // What else needs the database says so.
            Ok(_) | Err(_) => {}
        }
        let Some(ahead) = ahead() else { continue };
        let is_apart = ahead.abs() > APART;
        if is_apart != said {
            said = is_apart;
            match is_apart {
                true => {
                    tracing::warn!(seconds = ahead.num_seconds(), "this machine's clock is ahead of the database's; `hub doctor`")
                }
                false => tracing::info!("this machine's clock and the database's agree again"),
            }
        }
    }
}

/// Nothing was made in the future. What seems so was made while the database's clock was ahead, and would live, or keep others
/// waiting, for as long as it was.
async fn mend(pool: &PgPool) {
    match queries::mend(pool).await {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, "rows of the database were dated in the future; they are set right"),
        Err(error) => tracing::warn!(%error, "what is dated in the future could not be set right"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_moves_the_clock_only_if_it_could_not_have_been_so() {
        // Known: the process began at 1000. Asked at 10, answered at 30.
        assert_eq!(jump(1000, 10, 1010, 30), 0);
        assert_eq!(jump(1000, 10, 1030, 30), 0);
        assert_eq!(jump(1000, 10, 1120, 30), 100);
        assert_eq!(jump(1000, 10, 920, 30), -100);
    }
}
