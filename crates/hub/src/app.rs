//! What every handler can reach: the database, the store, the git cache, the settings.

use std::sync::Arc;

use hub_storage::Store;
use hub_types::Sha256;
use sqlx::{PgPool, Postgres, Transaction};

use crate::accounts::Viewer;
use crate::accounts::last_uses::LastUses;
use crate::accounts::oidc::Provider;
use crate::accounts::rate_limits::RequestCounts;
use crate::accounts::throttle::Throttle;
use crate::banner;
use crate::config::Config;
use crate::db;
use crate::discover;
use crate::downloads::Downloads;
use crate::fetches::Fetches;
use crate::flags::Flags;
use crate::gpg::Gpg;
use crate::jobs::Jobs;
use crate::mailer::Mailer;
use crate::metrics::Metrics;
use crate::objects::HeldObjects;
use crate::publishers;
use crate::recalls;
use crate::repos::by_task::ByTask;
use crate::repos::git_cache::GitCache;
use crate::repos::lookup::Lookups;
use crate::repos::reading::Reading;
use crate::repos::tensor_diff::DiffTurns;
use crate::repos::write_queue::WriteQueue;
use crate::search::Search;
use crate::signing::Signer;
use crate::site::health::Health;
use crate::together::Together;
use crate::web::outbound::Asker;
use crate::web::pictures::Pictures;
use crate::web::turns::Turns;
use crate::webhooks::Webhooks;
use crate::xet::Xet;

/// The hub's shared state; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// Settings.
    pub config: Arc<Config>,
    /// The database.
    pub pool: PgPool,
    /// The object store.
    pub store: Store,
    /// Repositories as bare git folders on this node's disk.
    pub git: GitCache,
    /// Reads what is in repositories, with caches.
    pub reading: Reading,
    /// `git` itself, for clones, fetches and pushes, and how much of it may run at once.
    pub transfers: hub_git::Git,
    /// Finds repositories by name.
    pub lookups: Lookups,
    /// Finds who a token is of, by its hash.
    pub token_viewers: Together<[u8; 32], Viewer>,
    /// Lines up this node's writers of one repository.
    pub writes: WriteQueue,
    /// Which repository was found to have which large file.
    pub held_objects: HeldObjects,
    /// What this process remembers of chunks and files in chunks.
    pub xet: Xet,
    /// Lines up the checks of one uploaded object.
    pub adoptions: Turns<(i64, Sha256)>,
    /// How many repositories each task has.
    pub by_task: ByTask,
    /// Lines up comparisons of models.
    pub diffs: DiffTurns,
    /// How many requests were made, and by whom.
    pub request_counts: RequestCounts,
    /// When tokens were used, as far as it is not written down yet.
    pub last_uses: LastUses,
    /// How often passwords were tried.
    pub throttle: Throttle,
    /// Asks the outside provider at which people sign in.
    pub oidc: Provider,
    /// Checks what jobs of CI show.
    pub publishers: publishers::Verifier,
    /// Signs what leaves the hub and must come back unchanged.
    pub signer: Signer,
    /// Finds repositories.
    pub search: Search,
    /// Finds users and organisations by name.
    pub owners: discover::Directory,
    /// What was downloaded and is not written down yet.
    pub downloads: Downloads,
    /// Who fetched what, as far as it is not written down yet.
    pub fetches: Fetches,
    /// Which contents are recalled.
    pub recalls: recalls::Known,
    /// What everybody is told.
    pub banner: banner::Current,
    /// What is switched on and off.
    pub flags: Flags,
    /// Who has a picture.
    pub pictures: Pictures,
    /// Lines up what decodes pictures.
    pub picture_turns: Turns<()>,
    /// Sends mail.
    pub mailer: Mailer,
    /// Wakes the job runner.
    pub jobs: Jobs,
    /// Reads what proves that a mail domain is an organisation's, and the keys of who signs for jobs of CI.
    pub proofs: Asker,
    /// Sends to webhooks.
    pub webhooks: Webhooks,
    /// Whether this process can do its work.
    pub health: Health,
    /// Reads GPG keys and checks what they signed.
    pub gpg: Gpg,
    /// What this process counts.
    pub metrics: Metrics,
}

impl App {
    /// Begins a transaction.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        db::begin(&self.pool).await
    }
}
