//! Telling those who fetched what was recalled: the body of [`Job::TellOfRecall`].
//!
//! First everybody whom it concerns is noted, by one statement; then they are told in batches, each a transaction that notes the
//! notification, that it was told, and the job that mails it. A node that dies in between leaves a batch undone, and the job begins
//! again with those who were not told: nobody is told twice.

use std::time::Duration;

use super::queries::tell;
use crate::app::App;
use crate::error::HubResult;
use crate::fetches;
use crate::jobs::Job;

/// How many people one transaction tells.
const BATCH: i64 = 500;
/// How many recalls are looked at again at a time.
const MAX_AGAIN: i64 = 500;
/// By then every node has written down what it sent before a recall was opened.
const ALL_FLUSHED: Duration = Duration::from_secs(2 * fetches::FLUSH_EVERY.as_secs());

/// Tells of a recall, or of its end if it was withdrawn. Of one that was opened just now, it does so once more a little later: what
/// other nodes sent is not written down yet.
///
/// # Errors
/// The database does not answer.
pub async fn tell_of_recall(app: &App, recall_pk: i64) -> HubResult<()> {
    fetches::flush(app).await?;
    tell::gather(&mut *app.pool.acquire().await?, recall_pk).await?;
    tell_once_more(app, recall_pk).await?;
    let mut after = 0;
    loop {
        let mut tx = app.begin().await?;
        let told = match tell::hold(&mut tx, recall_pk).await? {
            None => return Ok(()),
            Some(true) => tell::tell_next(&mut tx, recall_pk, after, BATCH).await?,
            Some(false) => tell::tell_next_of_end(&mut tx, recall_pk, after, BATCH).await?,
        };
        let Some(last) = told.iter().map(|row| row.user_pk).max() else { return Ok(()) };
        after = last;
        let mails = told.iter().filter(|row| row.mail).map(|row| Job::MailNotifications { user_pk: row.user_pk });
        let mails: Vec<Job> = mails.collect();
        Job::enqueue_all(&mails, &mut tx).await?;
        tx.commit().await?;
        app.jobs.wake();
    }
}

async fn tell_once_more(app: &App, recall_pk: i64) -> HubResult<()> {
    let mut conn = app.pool.acquire().await?;
    if let Some(left) = tell::left_of(&mut conn, recall_pk, ALL_FLUSHED.as_secs_f64()).await? {
        let at = crate::clock::now() + Duration::from_secs_f64(left);
        Job::TellOfRecall { recall_pk }.enqueue_at(&mut conn, at).await?;
    }
    Ok(())
}

/// Tells those of the recalls of the last day whose fetch another node had not written down when they were opened.
///
/// # Errors
/// The database does not answer.
pub async fn tell_late(app: &App) -> HubResult<()> {
    for recall_pk in tell::list_recent(&app.pool, MAX_AGAIN).await? {
        tell_of_recall(app, recall_pk).await?;
    }
    Ok(())
}
