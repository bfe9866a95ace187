//! What owners hold. Triggers note what repositories gain and lose (`migrations/*_measure_storage.up.sql`); [`measure`] adds it up, for
//! lists of the largest and for the growth by day. Knows repositories by key only.

pub mod queries;

use crate::app::App;
use crate::db::{self, LockKey};
use crate::error::HubResult;

/// How many repositories are measured from the ground up at once.
const REPOS_AT_ONCE: i64 = 500;
/// How many changes are added up at once.
const CHANGES_AT_ONCE: i64 = 20_000;

/// Adds up what changed and what there is: the body of [`crate::jobs::Job::MeasureStorage`].
///
/// # Errors
/// The database does not answer.
pub async fn measure(app: &App) -> HubResult<()> {
    let mut after = Some(0);
    while let Some(pk) = after {
        let mut tx = app.begin().await?;
        db::lock(&mut tx, LockKey::MeasureStorage).await?;
        after = queries::measure_new(&mut tx, pk, REPOS_AT_ONCE).await?;
        tx.commit().await?;
    }
    loop {
        let mut tx = app.begin().await?;
        db::lock(&mut tx, LockKey::MeasureStorage).await?;
        let folded = queries::fold(&mut tx, CHANGES_AT_ONCE).await?;
        tx.commit().await?;
        if folded < CHANGES_AT_ONCE {
            break;
        }
    }
    let mut tx = app.begin().await?;
    db::lock(&mut tx, LockKey::MeasureStorage).await?;
    queries::sum_owners(&mut tx).await?;
    queries::note_day(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}
