use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Job;
use super::lanes::{Lane, Queue};
use super::lease::Lease;
use super::queries::{self, ClaimedJob};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::{accounts, clock, gc, moderation, notifications, oauth, objects, personal_data, quotas, recalls, repos, saved, xet};

/// How long a claim lasts when nobody extends it. Nodes of before claimed for 600 s and extended nothing; a claim of theirs is heeded.
const LEASE: Duration = Duration::from_secs(120);
/// How often a job of an unknown kind is tried.
const UNKNOWN_ATTEMPTS: i32 = 8;
/// How much oftener than it may fail a job is begun: one that comes to no end may be what kills its nodes.
const BROKEN_OFF: i32 = 8;
const POLL: Duration = Duration::from_secs(5);

/// Works through the jobs of a lane until told to stop; a job in hand is finished first.
pub async fn run(app: App, lane: Lane, stop: CancellationToken) {
    let mut queues = lane.queues().to_vec();
    while !stop.is_cancelled() {
        let worked = match claim(&app, &mut queues).await {
            Ok(Some((job, lease))) => {
                perform(&app, lane, job, lease).await;
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(%error, "jobs cannot be claimed");
                false
            }
        };
        if !worked {
            tokio::select! {
                () = stop.cancelled() => {}
                () = app.jobs.woken(lane) => {}
                () = tokio::time::sleep(until_next(&app).await) => {}
            }
        }
    }
}

/// Claims a job, if there is one to do. The queue that it is from comes last the next time, so that one that is long leaves turns to
/// the other.
async fn claim(app: &App, queues: &mut [Queue]) -> sqlx::Result<Option<(ClaimedJob, Lease)>> {
    let left = if app.is_read_only() { Job::changing() } else { Vec::new() };
    let mut found = None;
    for (at, queue) in queues.iter().copied().enumerate() {
        let lease = Lease::from_now(LEASE);
        if let Some(job) = queries::claim(&app.pool, queue, lease.length(), &left).await? {
            found = Some((at, job, lease));
            break;
        }
    }
    let Some((at, job, lease)) = found else { return Ok(None) };
    queues.rotate_left(at + 1);
    Ok(Some((job, lease)))
}

/// Until a job is due that waits for its time; at most until it is time to look anyway.
async fn until_next(app: &App) -> Duration {
    match queries::seconds_to_next(&app.pool).await {
        Ok(Some(seconds)) => Duration::try_from_secs_f64(seconds.max(0.01)).unwrap_or(POLL).min(POLL),
        Ok(None) | Err(_) => POLL,
    }
}

async fn perform(app: &App, lane: Lane, claimed: ClaimedJob, lease: Lease) {
    let (outcome, max_attempts) = match serde_json::from_value::<Job>(json!({ "kind": claimed.kind, "payload": claimed.payload }))
    {
        Ok(job) if claimed.attempts > job.max_attempts() + BROKEN_OFF => {
            (Err(HubError::internal("it was broken off too often, perhaps by what it does to its node")), 0)
        }
        Ok(job) => {
            let max_attempts = job.max_attempts();
            let body = bounded(lane.patience(), Box::pin(body(app, job)));
            let Some(outcome) = lease.keep(&app.pool, &claimed, body).await else {
                // Whoever has it now notes what comes of it.
                tracing::warn!(job.kind = %claimed.kind, "a job was stopped, since this node had lost its claim to it");
                return;
            };
            (outcome, max_attempts)
        }
        // Of a later version of this program, whose node takes it when this one has put it back.
        Err(error) => (Err(HubError::internal(error)), UNKNOWN_ATTEMPTS),
    };
    let noted = match outcome {
        Ok(()) => queries::finish(&app.pool, claimed.job_pk).await,
        Err(error) => {
            tracing::warn!(job.kind = %claimed.kind, attempts = claimed.attempts, ?error, "a job failed");
            queries::fail(&app.pool, &claimed, &format!("{error:?}"), max_attempts).await
        }
    };
    if let Err(error) = noted {
        // The lease runs out and the job comes again.
        tracing::warn!(%error, "the outcome of a job could not be noted");
    }
}

/// Does a job within its time. One that panics fails, and does not take its lane with it.
async fn bounded(patience: Duration, body: impl Future<Output = HubResult<()>>) -> HubResult<()> {
    match AssertUnwindSafe(timeout(patience, body)).catch_unwind().await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(HubError::internal("it took longer than any job may")),
        Err(_) => Err(HubError::internal("it panicked")),
    }
}

async fn body(app: &App, job: Job) -> HubResult<()> {
    if job.deletes_what_is_old()
        && let Err(error) = clock::check_ages()
    {
        tracing::warn!(?job, ?error, "nothing is deleted for its age while clocks are apart");
        return Ok(());
    }
    match job {
        Job::ReadHeaders { repo_pk } => repos::metadata::read_headers(app, repo_pk).await,
        Job::ReadTexts { repo_pk } => repos::metadata::read_texts(app, repo_pk).await,
        Job::DeriveAgain { after } => repos::metadata::derive_again(app, after).await,
        Job::SketchWeights { repo_pk } => repos::lineage::sketch(app, repo_pk).await,
        Job::ScanFiles { repo_pk } => repos::scanning::scan_files(app, repo_pk).await,
        Job::ScanAgain { after } => repos::scanning::scan_again(app, after).await,
        Job::LookAtCard { repo_pk, user_pk } => moderation::rules::look_at_card(app, repo_pk, user_pk).await,
        Job::Repack { repo_pk } => repos::repack::repack(app, &app.git, repo_pk).await.map(|_| ()),
        Job::ConvertWeights { conversion_pk } => repos::conversion::convert(app, conversion_pk).await,
        Job::PutInChunks { oid } => xet::convert::convert(app, oid).await,
        Job::SweepUploads => objects::sweep::sweep(app, objects::sweep::KEEP).await.map(|_| ()),
        Job::CollectGarbage => {
            moderation::removal::forget(app).await?;
            gc::kept::forget(app).await?;
            repos::gating::forget_decisions(app).await?;
            repos::discussions::forget(app, repos::changes::undoable_since(app)).await?;
            repos::discussions::forget_hidden(app, repos::changes::undoable_since(app)).await?;
            gc::collect_daily(app).await
        }
        Job::PruneAuditLog => accounts::audit::prune(app).await,
        Job::SweepSignIns => oauth::sweep(app).await,
        Job::CountActivity => repos::trending::count_activity(app).await,
        Job::MeasureStorage => quotas::measure(app).await,
        Job::TellOfEvent { id } => notifications::tell::tell_of_event(app, &id).await,
        Job::TellOfRepo { repo_pk } => notifications::tell::tell_of_repo(app, repo_pk).await,
        Job::TellOfJoining { organization_pk, user_pk, actor_pk, what, at } => {
            notifications::tell::tell_of_joining(app, (organization_pk, user_pk), actor_pk, what, at).await
        }
        Job::TellOfRecall { recall_pk } => recalls::tell::tell_of_recall(app, recall_pk).await,
        Job::MailNotifications { user_pk } => notifications::mail::send(app, user_pk).await,
        Job::TendNotifications => {
            recalls::tell::tell_late(app).await?;
            notifications::mail::tend(app).await
        }
        Job::SendAlert { saved_search_pk } => saved::send::send_alert(app, saved_search_pk).await,
        Job::SendPasswordLink { email } => accounts::recovery::send_password_link(app, &email).await,
        Job::SendSignUpLink { sign_up_pk } => accounts::sign_ups::send(app, sign_up_pk).await,
        Job::SendEmailLink { user_pk } => accounts::change_email::send_email_link(app, user_pk).await,
        Job::SendKeepLink { user_pk } => personal_data::closing::send_keep_link(app, user_pk).await,
        Job::ExportData { export_pk } => personal_data::exports::make(app, export_pk).await,
        Job::SweepPersonalData => {
            accounts::sign_ups::forget(app).await?;
            personal_data::sweep(app).await
        }
        Job::SendInvitation { invitation_pk } => accounts::invitations::send_invitation(app, invitation_pk).await,
        Job::AnnounceRequests { repo_pk } => repos::gating::announce(app, repo_pk).await,
        Job::TellUser { user_pk, notice, id } => accounts::letters::tell(app, user_pk, &notice, &id).await,
        Job::RevokeLeaked { hashes } => accounts::leaks::revoke(app, &hashes).await.map(|_| ()),
        Job::ConfirmEmail { user_pk } => accounts::email::send_link(app, user_pk).await,
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    async fn broken() -> HubResult<()> {
        panic!("by a file that nobody thought of")
    }

    #[tokio::test]
    async fn a_job_that_panics_or_hangs_fails() {
        let long = Duration::from_secs(60);
        assert!(bounded(long, broken()).await.is_err());
        assert!(bounded(Duration::from_millis(10), pending()).await.is_err());
        assert!(bounded(long, async { Ok(()) }).await.is_ok());
    }
}
