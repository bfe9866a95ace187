//! Bringing a hub up and down.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App as ActixApp, HttpServer, web};
use hub_embedded::EmbeddedPostgres;
use hub_storage::Store;
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::accounts::last_uses::{self, LastUses};
use crate::accounts::oidc::Provider;
use crate::accounts::rate_limits::{self, RequestCounts};
use crate::accounts::throttle::Throttle;
use crate::accounts::{passwords, tokens};
use crate::app::App;
use crate::config::{Config, Role};
use crate::downloads::{self, Downloads};
use crate::fetches::{self, Fetches};
use crate::gpg::Gpg;
use crate::jobs::{self, Jobs};
use crate::listen::listen;
use crate::mailer::{MailError, Mailer};
use crate::metrics::Metrics;
use crate::repos::by_task::ByTask;
use crate::repos::git_cache::{GitCache, keep_tidy};
use crate::repos::lookup::Lookups;
use crate::repos::reading::Reading;
use crate::repos::tensor_diff::DiffTurns;
use crate::repos::write_queue::WriteQueue;
use crate::search::{self, Search};
use crate::signing::{self, Signer};
use crate::site::health::Health;
use crate::web::outbound::Asker;
use crate::web::pictures::Pictures;
use crate::web::turns::Turns;
use crate::webhooks::{self, Webhooks};
use crate::xet::Xet;
use crate::{banner, clock, db, flags, router, saved, ssh};

/// Why a hub does not come up. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The private Postgres.
    #[error("{0}")]
    Embedded(#[from] hub_embedded::Error),
    /// The database.
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema.
    #[error("the database schema cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The object store.
    #[error("the object store cannot be used: {0}")]
    Store(#[from] hub_storage::Error),
    /// The schema, when `hub serve` may not change it.
    #[error("the database schema is not up to date, and database.migrate_on_start is off. Run `hub migrate` first")]
    OldSchema,
    /// The search index.
    #[error("the search index cannot be used: {0}")]
    Search(#[from] hub_search::SearchError),
    /// Mail.
    #[error("{0}")]
    Mail(#[from] MailError),
    /// What sends to webhooks.
    #[error("webhooks cannot be sent: {0}")]
    Webhooks(#[from] reqwest::Error),
    /// What asks the outside provider at which people sign in.
    #[error("single sign-on cannot be set up: {0}")]
    Oidc(reqwest::Error),
    /// The counters.
    #[error("the metrics cannot be set up: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A folder.
    #[error("the folder `{}` cannot be used: {source}", folder.display())]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The socket of git by SSH.
    #[error("git by SSH cannot be served: {0}. Choose another address with HUB_SSH_ADDRESS")]
    Ssh(#[source] std::io::Error),
    /// The file of breached passwords.
    #[error("{0}. Mend it, or unset HUB_PASSWORDS_BREACHED_FILE")]
    Breached(String),
    /// A socket.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl StartError {
    fn folder(folder: &Path, source: std::io::Error) -> Self {
        Self::Folder { folder: folder.to_owned(), source }
    }
}

/// How long an idle connection stays. Longer than clients keep theirs (`hf_xet` 1.8: 60 s), so that none sends a request into
/// a connection that is just being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(90);

/// When, after an answer, the whole head of the next request must have come on a connection. More than [`KEEP_ALIVE`].
const HEAD_WITHIN: Duration = Duration::from_secs(120);

/// A hub that serves. Dropping it does not stop it; call [`RunningHub::stop`].
#[derive(Debug)]
pub struct RunningHub {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it serves git by SSH, if it does.
    pub ssh_address: Option<SocketAddr>,
    /// Its state, for the command line and tests.
    pub app: App,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    background: Vec<JoinHandle<()>>,
    stop: CancellationToken,
    postgres: Option<EmbeddedPostgres>,
}

/// Whether a command may use the private Postgres that a running hub has started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Yes: for commands.
    Allowed,
    /// No: two hubs on one data folder are a mistake.
    Refused,
}

/// Sets the TLS provider that every client in the process uses; a second call finds it set.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// An error with the causes behind it, for an operator's terminal.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(current) = cause {
        let said = current.to_string();
        // Many wrappers repeat what is inside.
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = current.source();
    }
    text
}

/// Opens the database, without touching its schema.
///
/// # Errors
/// Says why it cannot be used.
pub async fn open_database(config: &Config, beside: Beside) -> Result<(PgPool, Option<EmbeddedPostgres>), StartError> {
    let connections = config.database_max_connections;
    if let Some(url) = &config.database_url {
        return Ok((db::connect(url.expose(), connections).await?, None));
    }
    let (url, postgres) = match EmbeddedPostgres::start(&config.data_dir).await {
        Ok(postgres) => (postgres.url().to_owned(), Some(postgres)),
        Err(in_use @ hub_embedded::Error::InUse { .. }) if beside == Beside::Allowed => {
            let running = hub_embedded::find_running(&config.data_dir).ok_or(in_use)?;
            (running, None)
        }
        Err(error) => return Err(error.into()),
    };
    Ok((db::connect(&url, connections).await?, postgres))
}

/// Opens the database and the store without serving: what `hub admin …` needs.
///
/// # Errors
/// Says which part is not usable.
pub async fn open_app(config: Config, beside: Beside) -> Result<(App, Option<EmbeddedPostgres>), StartError> {
    install_tls();
    tokio::fs::create_dir_all(&config.data_dir).await.map_err(|error| StartError::folder(&config.data_dir, error))?;
    let (pool, postgres) = open_database(&config, beside).await?;
    if config.migrate_on_start {
        db::migrate(&pool).await?;
    } else if db::pending_migrations(&pool).await? > 0 {
        return Err(StartError::OldSchema);
    }
    clock::ask(&pool).await?;
    let store = Store::open(&config.store)?;
    store.ensure_bucket().await?;
    let cache = config.data_dir.join("cache");
    let git = GitCache::new(cache.clone(), store.clone()).await.map_err(|error| StartError::folder(&cache, error))?;
    let signer = Signer::load(&pool).await?;
    let mailer = Mailer::open(&config)?;
    let webhooks = Webhooks::new(&config)?;
    let proofs = Asker::new(&config.webhooks_allow, concat!("hub/", env!("CARGO_PKG_VERSION")))?;
    let request_counts = RequestCounts::new(&config.rate_limits);
    let fetches = Fetches::new(config.fetch_ledger_days > 0);
    let app = App {
        config: Arc::new(config),
        lookups: Lookups::start(pool.clone()),
        token_viewers: tokens::viewers(pool.clone()),
        pool,
        store,
        git,
        reading: Reading::default(),
        transfers: hub_git::Git::default(),
        writes: WriteQueue::default(),
        signer,
        search: Search::default(),
        downloads: Downloads::default(),
        fetches,
        recalls: crate::recalls::Known::default(),
        owners: crate::discover::Directory::default(),
        mailer,
        banner: banner::Current::default(),
        flags: flags::Flags::default(),
        pictures: Pictures::default(),
        picture_turns: Turns::default(),
        jobs: Jobs::default(),
        proofs,
        webhooks,
        held_objects: crate::objects::held_objects(),
        xet: Xet::default(),
        adoptions: Turns::default(),
        by_task: ByTask::default(),
        diffs: DiffTurns::default(),
        request_counts,
        last_uses: LastUses::default(),
        throttle: Throttle::default(),
        oidc: Provider::new().map_err(StartError::Oidc)?,
        publishers: crate::publishers::Verifier::default(),
        health: Health::default(),
        gpg: Gpg::default(),
        metrics: Metrics::new()?,
    };
    Ok((app, postgres))
}

/// Starts a hub on a listener: the one way, for `hub serve` and for tests.
///
/// # Errors
/// Says which part is not usable.
pub async fn start(mut config: Config, listener: TcpListener) -> Result<RunningHub, StartError> {
    let address = listener.local_addr()?;
    // The true port, where any was asked for.
    config.listen = address;
    check_breached_passwords(&config).await?;
    let ssh_listener = ssh::bind(&mut config).map_err(StartError::Ssh)?;
    let (app, postgres) = open_app(config, Beside::Refused).await?;
    // Before the first request: what is recalled is never given out.
    crate::recalls::load(&app).await?;
    // Nor is anything changed while nothing is to be.
    flags::load(&app).await?;
    if app.config.role.serves_web() {
        app.search.open(&app.config, &app.config.data_dir.join("search")).await?;
    }
    let state = web::Data::new(app.clone());
    let routes = match app.config.role {
        Role::All | Role::Web => router::routes,
        Role::Cas => router::cas_routes,
        Role::Jobs => router::operator_routes,
    };
    let factory = move || {
        ActixApp::new()
            .app_data(state.clone())
            .wrap(actix_web::middleware::from_fn(flags::read_only::refuse_changes))
            .wrap(actix_web::middleware::from_fn(rate_limits::refuse_excess))
            .wrap(actix_web::middleware::from_fn(crate::web::silence::answer_silence))
            .wrap(actix_web::middleware::from_fn(crate::site::error_page::render_error_pages))
            .wrap(actix_web::middleware::from_fn(crate::error::render_errors))
            .wrap(actix_web::middleware::from_fn(rate_limits::count_requests))
            .wrap(actix_web::middleware::from_fn(crate::web::cors::allow_origins))
            .wrap(actix_web::middleware::from_fn(crate::web::security_headers::secure_responses))
            .wrap(actix_web::middleware::from_fn(crate::accounts::audit::remember_origin))
            .wrap(actix_web::middleware::from_fn(crate::web::observe::observe))
            .wrap(actix_web::middleware::from_fn(crate::web::silence::watch_bodies))
            .wrap(actix_web::middleware::from_fn(crate::web::idle::note_requests))
            .wrap(actix_web::middleware::from_fn(crate::web::request_id::name_requests))
            .wrap(actix_web::middleware::from_fn(crate::site::health::retire_connections))
            .configure(routes)
    };
    let server = HttpServer::new(factory)
        .disable_signals()
        .keep_alive(KEEP_ALIVE)
        .on_connect(crate::web::idle::watch_connections(HEAD_WITHIN))
        // Or the end of an answer in parts waits up to 40 ms for the client to confirm its beginning.
        .tcp_nodelay(true)
        .shutdown_timeout(app.config.shutdown_timeout_secs)
        .listen(listener)?
        .run();
    let handle = server.handle();
    let stop = CancellationToken::new();
    let mut background = Vec::new();
    let tidying = keep_tidy(app.git.clone(), app.config.cache_limit_bytes, stop.clone());
    background.push(tokio::spawn(tidying));
    if app.config.role.runs_jobs() {
        for lane in jobs::Lane::ALL {
            background.push(tokio::spawn(jobs::run(app.clone(), lane, stop.clone())));
        }
        background.push(tokio::spawn(jobs::enqueue_periodic(app.clone(), stop.clone())));
        background.push(tokio::spawn(webhooks::deliver::keep_sending(app.clone(), stop.clone())));
    }
    if app.config.role.serves_web() {
        background.push(tokio::spawn(search::follow(app.clone(), stop.clone())));
        background.push(tokio::spawn(saved::alerts::keep_looking(app.clone(), stop.clone())));
    }
    if let Some(listener) = ssh_listener {
        let host_key = ssh::host_key::load(&app.pool).await?;
        background.push(tokio::spawn(ssh::serve(app.clone(), listener, host_key, stop.clone())));
    }
    background.push(tokio::spawn(last_uses::keep_flushing(app.clone(), stop.clone())));
    background.push(tokio::spawn(downloads::keep_flushing(app.clone(), stop.clone())));
    background.push(tokio::spawn(fetches::keep_flushing(app.clone(), stop.clone())));
    background.push(tokio::spawn(clock::keep_asking(app.clone(), stop.clone())));
    background.push(tokio::spawn(signing::keep_reading(app.clone(), stop.clone())));
    background.push(tokio::spawn(listen(app.clone(), stop.clone())));
    let ssh_address = app.config.ssh.as_ref().map(|ssh| ssh.address);
    Ok(RunningHub { address, ssh_address, app, server: handle, serving: tokio::spawn(server), background, stop, postgres })
}

/// A file that is asked for and cannot be used is a mistake that nobody would see later.
async fn check_breached_passwords(config: &Config) -> Result<(), StartError> {
    let Some(file) = config.breached_passwords.clone().filter(|_| config.role.serves_web()) else { return Ok(()) };
    let looked = tokio::task::spawn_blocking(move || passwords::examine_breached(&file)).await;
    looked.map_err(std::io::Error::other)?.map_err(StartError::Breached)
}

impl RunningHub {
    /// Stops taking requests and jobs, lets those in hand finish (at most `shutdown_timeout_secs` for the requests, then as long for
    /// the jobs), then closes the database.
    pub async fn stop(self) {
        self.app.health.set_stopping();
        tokio::time::sleep(Duration::from_secs(self.app.config.drain_secs)).await;
        self.stop.cancel();
        self.server.stop(true).await;
        let _ = self.serving.await;
        // One for all: they come to their end beside each other.
        let limit = tokio::time::Instant::now() + Duration::from_secs(self.app.config.shutdown_timeout_secs);
        for mut task in self.background {
            if tokio::time::timeout_at(limit, &mut task).await.is_err() {
                // Its lease runs out, and another node takes it up.
                tracing::warn!("a job in hand did not end in time and was dropped");
                task.abort();
            }
        }
        // After the last request.
        if let Err(error) = downloads::flush(&self.app).await {
            tracing::warn!(?error, "the last downloads were not counted");
        }
        if let Err(error) = fetches::flush(&self.app).await {
            tracing::warn!(?error, "the last fetches were not written down");
        }
        self.app.pool.close().await;
        if let Some(postgres) = self.postgres
            && let Err(error) = postgres.stop().await
        {
            tracing::warn!(%error, "the embedded Postgres did not stop cleanly");
        }
    }
}
