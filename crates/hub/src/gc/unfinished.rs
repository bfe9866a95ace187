//! What uploads that nobody finished left in the store. It goes by itself, too ([`sweep`]); here it is told.

use hub_storage::Unfinished;

use super::{Amount, Item, Mode, Report, Run};
use crate::error::HubResult;
use crate::objects::sweep;

pub(super) async fn look(run: &Run<'_>, report: &mut Report) -> HubResult<()> {
    let found = match run.mode {
        Mode::DryRun => sweep::find(run.app, sweep::KEEP).await?,
        Mode::Real => sweep::sweep(run.app, sweep::KEEP).await?,
    };
    for (item, Unfinished { count, bytes }) in
        [(Item::UploadsInParts, found.in_parts), (Item::StagedUploads, found.staged), (Item::HalfWritten, found.half_written)]
    {
        report.add(item, Amount { count, bytes });
    }
    Ok(())
}
