//! Background work: a table that is also the outbox, and the runner that works through it.
//!
//! A job is enqueued in the transaction that causes it and runs at least once: job bodies are idempotent.
//! Rows are claimed with `for update skip locked` for a lease, which a node extends as long as it works; one that dies lets go of
//! them when it ends. Three lanes are worked through beside each other ([`Lane`]).

mod lanes;
mod lease;
pub mod queries;
mod runner;
mod schedule;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hub_types::Sha256;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tokio::sync::Notify;

use crate::accounts::letters::Notice;
use crate::accounts::requests::Joining;
use crate::signing::random_secret;

pub use lanes::{Lane, Queue};
pub use lease::Lease;
pub use runner::run;
pub use schedule::enqueue_periodic;

/// Every kind of background work. A new one is of the quick lane; what reads files or takes longer than seconds is named in
/// [`queries::claim`].
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum Job {
    /// Reads the headers of weight files of a repository's default branch.
    ReadHeaders {
        /// The repository.
        repo_pk: i64,
    },
    /// Reads the licence and the card of a repository's default branch for what the card's metadata leaves out.
    ReadTexts {
        /// The repository.
        repo_pk: i64,
    },
    /// Takes samples of the weights of a model's default branch.
    SketchWeights {
        /// The repository.
        repo_pk: i64,
    },
    /// Looks at the files that were pushed to a repository.
    ScanFiles {
        /// The repository.
        repo_pk: i64,
    },
    /// Looks at files again that older rules have looked at, or none.
    ScanAgain {
        /// The last repository that is done.
        after: i64,
    },
    /// Looks at a card that a new account changed.
    LookAtCard {
        /// The repository.
        repo_pk: i64,
        /// Who changed it.
        user_pk: i64,
    },
    /// Joins the packs of a repository if they are too many.
    Repack {
        /// The repository.
        repo_pk: i64,
    },
    /// Puts a large file that lies whole in the store into chunks.
    PutInChunks {
        /// The file.
        oid: Sha256,
    },
    /// Makes a safetensors file of weights in a pickle, and proposes it.
    ConvertWeights {
        /// What was asked for.
        conversion_pk: i64,
    },
    /// Derives again what pages and lists show of repositories, where an older program has done it.
    DeriveAgain {
        /// The last repository that is done.
        after: i64,
    },
    /// Removes uploads that were begun and never finished.
    SweepUploads,
    /// Removes large files and chunks that nobody needs.
    CollectGarbage,
    /// Removes what is older in the audit log than it is kept.
    PruneAuditLog,
    /// Forgets sign-ins to applications that are over.
    SweepSignIns,
    /// Counts trending scores and recent downloads anew.
    CountActivity,
    /// Adds up what repositories and owners hold.
    MeasureStorage,
    /// Mails what is new in a saved search.
    SendAlert {
        /// The saved search.
        saved_search_pk: i64,
    },
    /// Mails a link to choose a new password.
    SendPasswordLink {
        /// The address that somebody typed.
        email: String,
    },
    /// Mails a link by which somebody who signed up gets an account, or tells who has the address that they did.
    SendSignUpLink {
        /// The sign-up.
        sign_up_pk: i64,
    },
    /// Mails a link that proves whose the address is that a user wants to have.
    SendEmailLink {
        /// The user.
        user_pk: i64,
    },
    /// Mails a link by which an account is kept that is being deleted.
    SendKeepLink {
        /// The user.
        user_pk: i64,
    },
    /// Makes a copy of what is kept of somebody.
    ExportData {
        /// What they asked for.
        export_pk: i64,
    },
    /// Removes accounts whose owners have left, and copies of data that are over.
    SweepPersonalData,
    /// Mails an invitation into an organisation.
    SendInvitation {
        /// The invitation.
        invitation_pk: i64,
    },
    /// Makes tokens worthless that were found where everybody can read them.
    RevokeLeaked {
        /// The SHA-256 of each, in hexadecimal.
        hashes: Vec<String>,
    },
    /// Has those told who decide about requests for access to a repository.
    AnnounceRequests {
        /// The repository.
        repo_pk: i64,
    },
    /// Mails what was done with an account.
    TellUser {
        /// The user.
        user_pk: i64,
        /// What was done.
        notice: Notice,
        /// What tells the mail from others.
        id: String,
    },
    /// Tells those whom it concerns of something that happened in a discussion.
    TellOfEvent {
        /// The id of the event that clients see.
        id: String,
    },
    /// Tells those who watch its owner of a repository.
    TellOfRepo {
        /// The repository.
        repo_pk: i64,
    },
    /// Tells of a request to join an organisation, or who made it what became of it.
    TellOfJoining {
        /// The organisation.
        organization_pk: i64,
        /// Who asked.
        user_pk: i64,
        /// Who did it, as far as that is told.
        actor_pk: Option<i64>,
        /// What happened.
        what: Joining,
        /// When, in microseconds.
        at: i64,
    },
    /// Tells those who fetched a file that it was recalled, or that this was withdrawn.
    TellOfRecall {
        /// The recall.
        recall_pk: i64,
    },
    /// Mails the notifications that are due.
    MailNotifications {
        /// To whom.
        user_pk: i64,
    },
    /// Has mails about notifications sent that are due, and removes old ones.
    TendNotifications,
    /// Mails a link that proves whose an address is.
    ConfirmEmail {
        /// The user.
        user_pk: i64,
    },
}

impl Job {
    /// Jobs with one key that still wait are the same work.
    fn dedup_key(&self) -> Option<String> {
        match self {
            Self::ReadHeaders { repo_pk }
            | Self::ReadTexts { repo_pk }
            | Self::SketchWeights { repo_pk }
            | Self::ScanFiles { repo_pk }
            | Self::AnnounceRequests { repo_pk }
            | Self::Repack { repo_pk } => Some(repo_pk.to_string()),
            Self::PutInChunks { oid } => Some(oid.to_hex()),
            Self::ConvertWeights { conversion_pk } => Some(conversion_pk.to_string()),
            Self::SendAlert { saved_search_pk } => Some(saved_search_pk.to_string()),
            Self::ConfirmEmail { user_pk } | Self::SendEmailLink { user_pk } | Self::SendKeepLink { user_pk } => {
                Some(user_pk.to_string())
            }
            Self::SendPasswordLink { email } => Some(email.to_lowercase()),
            Self::SendSignUpLink { sign_up_pk } => Some(sign_up_pk.to_string()),
            Self::ExportData { export_pk } => Some(export_pk.to_string()),
            Self::SendInvitation { invitation_pk } => Some(invitation_pk.to_string()),
            // One that waits may be taken before this transaction ends, and would not see what it is about.
            Self::RevokeLeaked { .. }
            | Self::TellOfEvent { .. }
            | Self::TellOfRepo { .. }
            | Self::TellOfJoining { .. }
            | Self::TellOfRecall { .. }
            | Self::LookAtCard { .. }
            | Self::MailNotifications { .. } => None,
            Self::TellUser { id, .. } => Some(id.clone()),
            Self::SweepUploads
            | Self::CollectGarbage
            | Self::PruneAuditLog
            | Self::SweepSignIns
            | Self::SweepPersonalData
            | Self::CountActivity
            | Self::MeasureStorage
            | Self::TendNotifications
            | Self::DeriveAgain { .. }
            | Self::ScanAgain { .. } => Some(String::new()),
        }
    }

    /// How often it is tried before it becomes a dead letter. Mail servers are away for hours: with waits that double up to 68
    /// minutes, 30 tries last a day.
    fn max_attempts(&self) -> i32 {
        match self {
            Self::SendAlert { .. }
            | Self::ConfirmEmail { .. }
            | Self::SendPasswordLink { .. }
            | Self::SendSignUpLink { .. }
            | Self::SendEmailLink { .. }
            | Self::SendKeepLink { .. }
            | Self::SendInvitation { .. }
            | Self::TellOfRecall { .. }
            | Self::MailNotifications { .. }
            | Self::TellUser { .. } => 30,
            Self::ReadHeaders { .. }
            | Self::ReadTexts { .. }
            | Self::SketchWeights { .. }
            | Self::ScanFiles { .. }
            | Self::ScanAgain { .. }
            | Self::LookAtCard { .. }
            | Self::Repack { .. }
            | Self::PutInChunks { .. }
            | Self::ConvertWeights { .. }
            | Self::DeriveAgain { .. }
            | Self::SweepUploads
            | Self::CollectGarbage
            | Self::PruneAuditLog
            | Self::SweepSignIns
            | Self::SweepPersonalData
            | Self::ExportData { .. }
            | Self::RevokeLeaked { .. }
            | Self::TellOfEvent { .. }
            | Self::TellOfRepo { .. }
            | Self::TellOfJoining { .. }
            | Self::TendNotifications
            | Self::AnnounceRequests { .. }
            | Self::MeasureStorage
            | Self::CountActivity => 8,
        }
    }

    /// Whether it goes by how old something is, so that a wrong clock would have it delete what is young.
    fn deletes_what_is_old(&self) -> bool {
        matches!(
            self,
            Self::SweepUploads | Self::CollectGarbage | Self::PruneAuditLog | Self::SweepSignIns | Self::SweepPersonalData
        )
    }

    /// The kinds that change repositories or remove what the store has: they wait while the hub takes no changes.
    fn changing() -> Vec<String> {
        let kinds = ["collect_garbage", "convert_weights", "put_in_chunks", "repack", "sweep_personal_data", "sweep_uploads"];
        kinds.map(str::to_owned).to_vec()
    }

    /// A job that tells a user what was done with their account.
    pub fn tell(user_pk: i64, notice: Notice) -> Self {
        Self::TellUser { user_pk, notice, id: random_secret::<12>() }
    }

    /// Adds the job to the transaction at hand.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn enqueue(&self, conn: &mut PgConnection) -> sqlx::Result<()> {
        queries::insert_job(conn, self, self.dedup_key().as_deref(), None).await
    }

    /// Adds the job to the transaction at hand, to be done no sooner than at a time.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn enqueue_at(&self, conn: &mut PgConnection, at: DateTime<Utc>) -> sqlx::Result<()> {
        queries::insert_job(conn, self, self.dedup_key().as_deref(), Some(at)).await
    }

    /// Adds many jobs of kinds that are never the same work, by one statement.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn enqueue_all(jobs: &[Self], conn: &mut PgConnection) -> sqlx::Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        queries::insert_jobs(conn, jobs).await
    }
}

/// Wakes what works through jobs on this node; other nodes hear Postgres `NOTIFY` or poll.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    quick: Arc<Notify>,
    reads: Arc<Notify>,
    heavy: Arc<Notify>,
}

impl Jobs {
    /// Says that there is new work.
    pub fn wake(&self) {
        self.quick.notify_one();
        self.reads.notify_one();
        self.heavy.notify_one();
    }

    /// Waits until there may be new work for a lane.
    pub async fn woken(&self, lane: Lane) {
        match lane {
            Lane::Quick => self.quick.notified().await,
            Lane::Reads => self.reads.notified().await,
            Lane::Heavy => self.heavy.notified().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_while_nothing_is_changed_is_called_so() {
        let changing = [
            Job::CollectGarbage,
            Job::ConvertWeights { conversion_pk: 1 },
            Job::PutInChunks { oid: Sha256::from_slice(&[0; 32]).unwrap() },
            Job::Repack { repo_pk: 1 },
            Job::SweepPersonalData,
            Job::SweepUploads,
        ];
        let kinds = changing.map(|job| serde_json::to_value(job).unwrap()["kind"].as_str().unwrap().to_owned());
        assert_eq!(kinds.to_vec(), Job::changing());
    }
}
