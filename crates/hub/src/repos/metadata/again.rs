//! The job that derives anew what repositories have from an older version of the rules. Without it, they would keep that until
//! their next commit.

use std::time::{Duration, Instant};

use super::head::{Before, of_commit};
use super::keep;
use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;
use crate::jobs::queries::are_many_read;
use crate::repos::queries::{self, derived};
use crate::repos::reading;

/// How long one run works: other long jobs wait meanwhile.
const SLICE: Duration = Duration::from_secs(10);
/// How many repositories are looked up at a time.
const BATCH: i64 = 50;
/// While so many jobs wait that read headers and texts, it waits, too: people wait for them, too, and the headers of
/// what is pushed meanwhile must not wait for all there is.
const MOST_READ: i64 = 50;
/// How long it waits then.
const PAUSE: Duration = Duration::from_secs(10);

/// Derives again, from the repository after a key on; what does not fit into one run is left to the next. One that cannot be
/// read is told of and passed by: the hub's next start tries it again.
///
/// # Errors
/// The database does not answer: the job is tried again.
pub async fn derive_again(app: &App, mut after: i64) -> HubResult<()> {
    let started = Instant::now();
    loop {
        if are_many_read(&app.pool, MOST_READ).await? {
            let at = crate::clock::now() + PAUSE;
            return Ok(Job::DeriveAgain { after }.enqueue_at(&mut *app.pool.acquire().await?, at).await?);
        }
        let keys = derived::list_outdated(&app.pool, after, BATCH).await?;
        if keys.is_empty() {
            return Ok(());
        }
        for repo_pk in keys {
            if let Err(error) = one(app, repo_pk).await {
                tracing::warn!(repo.pk = repo_pk, %error, "what pages show of a repository could not be derived again");
            }
            after = repo_pk;
            if started.elapsed() > SLICE {
                Job::DeriveAgain { after }.enqueue(&mut *app.pool.acquire().await?).await?;
                return Ok(());
            }
        }
    }
}

/// Asks for it, if there is anything to derive again.
///
/// # Errors
/// The database does not answer.
pub async fn ask_again(app: &App) -> sqlx::Result<()> {
    if !derived::list_outdated(&app.pool, 0, 1).await?.is_empty() {
        Job::DeriveAgain { after: 0 }.enqueue(&mut *app.pool.acquire().await?).await?;
        app.jobs.wake();
    }
    Ok(())
}

async fn one(app: &App, repo_pk: i64) -> HubResult<()> {
    let Some(repo) = queries::find_repo_by_pk(&app.pool, repo_pk).await? else { return Ok(()) };
    let Some(head) = repo.head_oid else { return Ok(()) };
    let (repo_type, before) = (repo.repo_type, Before::of(&repo));
    let metadata = reading::read(app, &repo, move |reader| of_commit(reader, repo_type, head, before.as_ref())).await?;
    let mut tx = app.begin().await?;
    // A commit that came meanwhile has been derived by the rules of now.
    if derived::lock_head(&mut tx, repo_pk).await? == Some(head) {
        keep(&mut tx, repo_pk, &metadata, false).await?;
        tx.commit().await?;
        app.jobs.wake();
    }
    Ok(())
}
