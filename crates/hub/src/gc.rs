//! Garbage collection: large files, chunks and git packs that nobody needs go, and nothing that somebody needs ever does.
//!
//! In four steps, each of which may be interrupted at any point and is taken up again by the next run:
//!
//! - [`unlink`]: a repository loses the large files that none of its refs names, nor named before a change that can be undone.
//! - [`condemn`]: files and packs that no repository has, and xorbs that no file and no client needs, are noted. From then on they
//!   wait in quarantine. Whoever comes to need one meanwhile takes it out again.
//! - [`sweep`]: what has been in quarantine long enough loses its row; in the same transaction its objects of the store
//!   are noted as doomed, and doomed objects are deleted.
//! - [`orphans`]: objects of the store that no row names are deleted or told; so is what [`unfinished`] uploads left there.
//!
//! What was deleted from other tables and could be restored until then is forgotten by itself, before: [`kept`].
//!
//! Why this is safe beside uploads, commits and other nodes: docs/storage.md. In short: rows are judged again under the lock
//! that everybody takes who comes to need them; a repository loses files only while its refs cannot move, and what was
//! prepared for them before is refused; and no key of the store is ever used twice, so a deletion, however late it
//! arrives, never meets other bytes than it was meant for.

mod condemn;
pub mod kept;
mod orphans;
mod queries;
mod report;
mod sweep;
mod unfinished;
mod unlink;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::clock;
use crate::config::Config;
use crate::db::{self, LockKey};
use crate::error::{HubError, HubResult};

pub use report::{Amount, Item, Report, size};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// A job that comes sooner after the last run does nothing.
const AT_MOST_EVERY: Duration = Duration::from_secs(20 * 3600);
/// How long bytes of the store may wait for their row. Twice what [`crate::objects::receive::check_fresh`] lets them.
const ORPHANED_AFTER: Duration = Duration::from_secs(48 * 3600);

/// How long files may wait for the comment that they are added to.
const ATTACHED_AFTER: Duration = DAY;

/// How long what is kept for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Large files that no ref names, after they were last sent or asked for.
    pub unused: Duration,
    /// What deleted repositories had, and the large files of histories that can be put back: what an undo needs.
    pub undelete: Duration,
    /// What is condemned. Longer than addresses of downloads are valid and than nodes remember things.
    pub quarantine: Duration,
    /// Whole copies of files that are also in chunks; `None`: for ever.
    pub plain: Option<Duration>,
    /// Whether orphans of the store are deleted even if they are suspiciously many.
    pub many_orphans: bool,
}

impl Limits {
    /// As the settings say.
    pub fn of(config: &Config) -> Self {
        let days = |days: u64| DAY * u32::try_from(days).unwrap_or(u32::MAX);
        Self {
            unused: days(config.gc_unused_days),
            undelete: days(config.undo_days),
            quarantine: days(config.gc_quarantine_days),
            plain: Some(config.xet_plain_days).filter(|days| *days > 0).map(days),
            many_orphans: false,
        }
    }
}

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is.
    DryRun,
    /// What is found goes.
    Real,
}

/// One run.
struct Run<'a> {
    app: &'a App,
    limits: Limits,
    mode: Mode,
    started: DateTime<Utc>,
}

impl Run<'_> {
    fn is_dry(&self) -> bool {
        self.mode == Mode::DryRun
    }

    /// The moment that lies so far back.
    fn before(&self, age: Duration) -> DateTime<Utc> {
        chrono::TimeDelta::from_std(age).ok().and_then(|age| self.started.checked_sub_signed(age)).unwrap_or_default()
    }
}

/// Collects garbage and says what went; `None` when another run is under way, here or on another node.
///
/// # Errors
/// The database or the store does not answer, or clocks are so far apart that nobody knows what is old. What was done stays done; the
/// next run goes on from there.
pub async fn collect(app: &App, limits: Limits, mode: Mode) -> HubResult<Option<Report>> {
    // The lock spares work and keeps reports apart. Every step is safe without it.
    let mut turn = app.begin().await?;
    if !db::try_lock(&mut turn, LockKey::CollectGarbage).await? {
        return Ok(None);
    }
    clock::ask(&app.pool).await?;
    clock::check_ages()?;
    let run = Run { app, limits, mode, started: clock::of_database(&app.pool).await? };
    let mut report = Report::default();
    unlink::unlink_unused(&run, &mut report).await?;
    unlink::unlink_deleted(&run, &mut report).await?;
    condemn::condemn(&run, &mut report).await?;
    sweep::sweep_files(&run, &mut report).await?;
    sweep::sweep_xorbs(&run, &mut report).await?;
    sweep::sweep_packs(&run, &mut report).await?;
    sweep::sweep_attachments(&run, &mut report).await?;
    sweep::forget_scans(&run, &mut report).await?;
    sweep::drop_plain_copies(&run, &mut report).await?;
    sweep::delete_doomed(&run, &mut report).await?;
    clock::check_ages_in_store(app).await?;
    orphans::look(&run, &mut report).await?;
    unfinished::look(&run, &mut report).await?;
    condemn::count_waiting(&run, &mut report).await?;
    if !run.is_dry() {
        let text = serde_json::to_value(&report).map_err(HubError::internal)?;
        queries::insert_run(&app.pool, run.started, &text).await?;
    }
    turn.rollback().await?;
    Ok(Some(report))
}

/// What waits in quarantine or for its deletion: what it is, and how much.
///
/// # Errors
/// The database does not answer.
pub async fn list_waiting(app: &App) -> sqlx::Result<Vec<(Item, Amount)>> {
    let found = queries::count_waiting(&app.pool).await?;
    let amount = |count: i64, bytes: i64| Amount { count: count.unsigned_abs(), bytes: bytes.unsigned_abs() };
    Ok(found.into_iter().map(|(item, count, bytes)| (item, amount(count, bytes))).collect())
}

/// When the last run ended, and what it deleted from the store.
///
/// # Errors
/// The database does not answer.
pub async fn find_last_run(app: &App) -> sqlx::Result<Option<(DateTime<Utc>, Amount)>> {
    let found = queries::find_last_run(&app.pool).await?;
    let amount = |count: i64, bytes: i64| Amount { count: count.unsigned_abs(), bytes: bytes.unsigned_abs() };
    Ok(found.map(|(at, count, bytes)| (at, amount(count, bytes))))
}

/// Body of [`crate::jobs::Job::CollectGarbage`]: a run in the background, unless there was one lately.
///
/// # Errors
/// The database does not answer.
pub async fn collect_daily(app: &App) -> HubResult<()> {
    if queries::has_run_since(&app.pool, clock::now() - AT_MOST_EVERY).await? {
        return Ok(());
    }
    let app = app.clone();
    // It may take hours, for which no other job should wait. When it is cut off, the next day's goes on from there.
    tokio::spawn(async move {
        match collect(&app, Limits::of(&app.config), Mode::Real).await {
            Ok(Some(report)) => tracing::info!(report = %report.summary(), "collected garbage"),
            Ok(None) => {}
            Err(error) => tracing::warn!(?error, "garbage collection did not come to its end; the next run goes on"),
        }
    });
    Ok(())
}
