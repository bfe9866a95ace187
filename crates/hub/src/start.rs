//! Bringing a hub up and down.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::{App as ActixApp, HttpServer, web};
use hub_embedded::EmbeddedPostgres;
use hub_storage::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::Config;
use crate::jobs::{self, Jobs};
use crate::repos::git_cache::GitCache;
use crate::repos::write_queue::WriteQueue;
use crate::signing::Signer;
use crate::{db, router};

/// Why a hub does not come up. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The private Postgres.
    #[error("the embedded Postgres did not start: {0}")]
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
    /// A folder or socket.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A hub that serves. Dropping it does not stop it; call [`RunningHub::stop`].
#[derive(Debug)]
pub struct RunningHub {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its state, for the command line and tests.
    pub app: App,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    background: Vec<JoinHandle<()>>,
    stop: CancellationToken,
    postgres: Option<EmbeddedPostgres>,
}

/// Opens the database and the store without serving: what `hub admin …` needs.
///
/// # Errors
/// Says which part is not usable.
pub async fn open_app(config: Config) -> Result<(App, Option<EmbeddedPostgres>), StartError> {
    // Every TLS client in the process uses this; a second call finds it set.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::fs::create_dir_all(&config.data_dir).await?;
    let (url, postgres) = match &config.database_url {
        Some(url) => (url.clone(), None),
        None => {
            let postgres = EmbeddedPostgres::start(&config.data_dir).await?;
            (postgres.url().to_owned(), Some(postgres))
        }
    };
    let pool = db::connect(&url).await?;
    db::migrate(&pool).await?;
    let store = Store::open(&config.store)?;
    store.ensure_bucket().await?;
    let git = GitCache::new(config.data_dir.join("cache"), store.clone()).await?;
    let signer = Signer::load(&pool).await?;
    let app = App { config: Arc::new(config), pool, store, git, writes: WriteQueue::default(), signer, jobs: Jobs::default() };
    Ok((app, postgres))
}

/// Starts a hub on a listener: the one way, for `hub serve` and for tests.
///
/// # Errors
/// Says which part is not usable.
pub async fn start(config: Config, listener: TcpListener) -> Result<RunningHub, StartError> {
    let (app, postgres) = open_app(config).await?;
    let address = listener.local_addr()?;
    let state = web::Data::new(app.clone());
    let factory = move || {
        ActixApp::new()
            .app_data(state.clone())
            .wrap(actix_web::middleware::from_fn(crate::error::render_errors))
            .wrap(actix_web::middleware::from_fn(crate::web::cors::allow_origins))
            .wrap(actix_web::middleware::from_fn(crate::web::request_id::name_requests))
            .configure(router::routes)
    };
    let server = HttpServer::new(factory).disable_signals().shutdown_timeout(30).listen(listener)?.run();
    let handle = server.handle();
    let stop = CancellationToken::new();
    let background = vec![tokio::spawn(jobs::run(app.clone(), stop.clone()))];
    Ok(RunningHub { address, app, server: handle, serving: tokio::spawn(server), background, stop, postgres })
}

impl RunningHub {
    /// Stops taking requests, lets those in hand finish (at most 30 s), then ends jobs and the private Postgres.
    pub async fn stop(self) {
        self.server.stop(true).await;
        self.stop.cancel();
        let _ = self.serving.await;
        for task in self.background {
            let _ = task.await;
        }
        self.app.pool.close().await;
        if let Some(postgres) = self.postgres
            && let Err(error) = postgres.stop().await
        {
            tracing::warn!(%error, "the embedded Postgres did not stop cleanly");
        }
    }
}
