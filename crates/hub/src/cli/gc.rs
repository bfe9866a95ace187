//! `hub admin gc`.

use std::time::Duration;

use super::say;
use crate::app::App;
use crate::gc::{self, Limits, Mode};

/// What the command line says about what is kept, and for how many days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Graces {
    pub(super) unused: Option<u32>,
    pub(super) deleted: Option<u32>,
    pub(super) quarantine: Option<u32>,
    pub(super) many_orphans: bool,
}

impl Graces {
    fn over(self, limits: Limits) -> Limits {
        let or = |days: Option<u32>, else_: Duration| days.map_or(else_, |days| Duration::from_secs(u64::from(days) * 86_400));
        Limits {
            unused: or(self.unused, limits.unused),
            undelete: or(self.deleted, limits.undelete),
            quarantine: or(self.quarantine, limits.quarantine),
            many_orphans: self.many_orphans,
            ..limits
        }
    }
}

pub(super) async fn run(app: &App, dry_run: bool, graces: Graces) -> Result<(), String> {
    let mode = if dry_run { Mode::DryRun } else { Mode::Real };
    let report = gc::collect(app, graces.over(Limits::of(&app.config)), mode).await.map_err(|error| error.to_string())?;
    let report = report.ok_or("garbage is being collected already, by the hub or by another command")?;
    say(report.table());
    if dry_run {
        say("This was a dry run: nothing has changed.");
    }
    Ok(())
}
