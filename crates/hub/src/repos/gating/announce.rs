use chrono::TimeDelta;

use super::named;
use crate::accounts::letters::Notice;
use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;
use crate::repos::queries::changes::lock_settings;
use crate::repos::queries::find_repo_by_pk;
use crate::repos::queries::gating::{last_told, list_deciders, take_untold};

/// How long there is no second mail about a repository.
const PAUSE: TimeDelta = TimeDelta::hours(1);
/// How many people get one.
const MAX_DECIDERS: i64 = 50;
/// How many names it has.
const MAX_NAMES: usize = 10;

/// Has those told who decide about a repository's requests: the body of [`Job::AnnounceRequests`]. What comes within an hour of the
/// last mail waits, and goes into one.
///
/// # Errors
/// The database does not answer.
pub async fn announce(app: &App, repo_pk: i64) -> HubResult<()> {
    let Some(repo) = find_repo_by_pk(&app.pool, repo_pk).await?.filter(|repo| repo.gated.is_some()) else { return Ok(()) };
    let mut tx = app.begin().await?;
    // Whoever asks holds the repository until their request is there. Who found this job waiting and ends after it was taken is
    // waited for here: nobody else would tell of them.
    if lock_settings(&mut tx, repo_pk).await?.is_none() {
        return Ok(());
    }
    let again_at = last_told(&mut tx, repo_pk).await?.map(|told_at| told_at + PAUSE);
    if let Some(at) = again_at.filter(|at| *at > crate::clock::now()) {
        Job::AnnounceRequests { repo_pk }.enqueue_at(&mut tx, at).await?;
        tx.commit().await?;
        return Ok(());
    }
    let mut people = take_untold(&mut tx, repo_pk).await?;
    if people.is_empty() {
        return Ok(());
    }
    let more = people.len().saturating_sub(MAX_NAMES);
    people.truncate(MAX_NAMES);
    let page = format!("{}/settings/access-requests", repo.path());
    let notice = Notice::AccessRequested { repo: named(&repo), page, people, more };
    for user_pk in list_deciders(&mut tx, repo_pk, MAX_DECIDERS).await? {
        Job::tell(user_pk, notice.clone()).enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}
