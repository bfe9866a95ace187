//! A private Postgres for a hub that has no `DATABASE_URL`.
//!
//! [`EmbeddedPostgres::start`] makes a cluster in the data folder from the PostgreSQL that the system has, runs it on
//! a Unix socket only, and stops it again. Start reading at [`EmbeddedPostgres`]; then `supervisor.rs` (the child and
//! who watches it), `cluster.rs` (the folder: initdb, leftovers of a killed hub), `identity.rs` (whom the server runs
//! as), `socket.rs`, `binaries.rs`, `lock.rs`.
//!
//! In the data folder: `postgres/` is the cluster, `postgres.lock` is held for as long as a hub uses it,
//! `postgres.log` is what the server says.
//!
//! **Invariants.** The server never listens on TCP. It never runs as root. One process at a time uses a cluster, held
//! by a file lock that the kernel drops when that process dies, however it dies. A server whose hub was killed shuts
//! down by itself; if it could not, the next start stops it before it starts its own.

mod binaries;
mod cluster;
mod error;
mod identity;
mod lock;
mod socket;
mod supervisor;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::Error;

use binaries::Binaries;
use identity::RunAs;
use lock::DataFolderLock;
use supervisor::{Launch, Supervisor};

/// The name of the database, and of the role that owns the cluster.
const DATABASE: &str = "hub";

/// A running private Postgres. Dropping it stops the server and waits until it is down; prefer [`Self::stop`] where
/// blocking the thread would hurt.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    url: String,
    socket_dir: PathBuf,
    supervisor: Arc<Supervisor>,
    // Released after the server is down, because fields drop in this order and `supervisor` waits.
    _lock: DataFolderLock,
}

/// What may differ from one cluster to another.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Settings of `postgresql.conf`, given to the server after the built-in ones, so that these win.
    pub settings: Vec<(String, String)>,
}

impl EmbeddedPostgres {
    /// Starts the cluster in `data_dir`, making both when they do not exist, and waits until it takes connections.
    ///
    /// # Errors
    /// Every error is a sentence for the operator: no PostgreSQL installed, a folder that another hub uses, a cluster
    /// of another major version, or what the server wrote to its log when it did not come up.
    pub async fn start(data_dir: &Path) -> Result<Self, Error> {
        Self::start_with(data_dir, Options::default()).await
    }

    /// Starts as [`Self::start`] does, with more settings.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub async fn start_with(data_dir: &Path, options: Options) -> Result<Self, Error> {
        let data_dir = data_dir.to_path_buf();
        match tokio::task::spawn_blocking(move || start_blocking(&data_dir, &options)).await {
            Ok(result) => result,
            Err(stopped) => Err(Error::Interrupted(stopped.to_string())),
        }
    }

    /// The address for sqlx: a Unix socket, no password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the server: open transactions are rolled back, committed ones are safe. Returns when it is down.
    ///
    /// # Errors
    /// When the server did not stop within its time limit and had to be left to crash recovery.
    pub async fn stop(self) -> Result<(), Error> {
        let stopping = tokio::task::spawn_blocking(move || {
            let result = self.supervisor.stop();
            drop(self);
            result
        });
        match stopping.await {
            Ok(result) => result,
            Err(stopped) => Err(Error::Interrupted(stopped.to_string())),
        }
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if let Err(error) = self.supervisor.stop() {
            tracing::error!(error = %error, "the embedded Postgres did not stop cleanly");
        }
        // Only tidiness: the next start takes the folder over if it is still there.
        let _ = std::fs::remove_dir(&self.socket_dir);
    }
}

/// Returns the address of the server that another process runs in `data_dir`, for commands that work beside it;
/// `None` when none is running there.
pub fn find_running(data_dir: &Path) -> Option<String> {
    let cluster = cluster::folder(data_dir);
    let pid_file = cluster::PidFile::read(&cluster)?;
    cluster::processes(&cluster).contains(&pid_file.pid).then(|| socket::url(&pid_file.socket_dir, DATABASE))
}

/// Returns the major version of the PostgreSQL that a new cluster would be made with.
///
/// # Errors
/// No PostgreSQL is installed.
pub fn installed_version() -> Result<u32, Error> {
    Binaries::find(None).map(|binaries| binaries.major())
}

/// Returns where a client program such as `pg_dump` is: with the newest PostgreSQL that is installed, else wherever the
/// path has it.
pub fn program(name: &str) -> PathBuf {
    let newest = Binaries::find(None).map(|binaries| binaries.path(name));
    newest.ok().filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(name))
}

fn start_blocking(data_dir: &Path, options: &Options) -> Result<EmbeddedPostgres, Error> {
    cluster::create_private_dir(data_dir)?;
    let data_dir = data_dir.canonicalize().map_err(|e| Error::folder(data_dir, e))?;
    let lock = DataFolderLock::take(&data_dir)?;
    let folder = cluster::folder(&data_dir);
    let run_as = RunAs::choose(&folder)?;
    let binaries = Binaries::find(cluster::version(&folder))?;

    cluster::stop_leftovers(&folder)?;
    cluster::remove_unfinished(&data_dir)?;
    if !folder.exists() {
        cluster::init(&data_dir, &binaries, run_as)?;
    }
    let socket_dir = socket::prepare(&data_dir, run_as)?;
    let supervisor = Supervisor::start(Launch {
        server: binaries.path("postgres"),
        cluster: folder,
        log: data_dir.join("postgres.log"),
        run_as,
        arguments: arguments(&socket_dir, options),
    })?;
    // From here on a failure must not leave the server running: dropping the value stops it.
    let url = socket::url(&socket_dir, DATABASE);
    let running = EmbeddedPostgres { url, socket_dir, supervisor, _lock: lock };
    create_database(&binaries, &running.socket_dir)?;
    tracing::info!(folder = %data_dir.display(), version = binaries.major(), "started the embedded Postgres");
    Ok(running)
}

/// The settings suit a machine with one or two gigabytes; a bigger hub brings its own database.
fn arguments(socket_dir: &Path, options: &Options) -> Vec<String> {
    let socket_dir = socket_dir.to_string_lossy().into_owned();
    let built_in = [
        ("cluster_name", "hub"),
        ("listen_addresses", ""),
        ("unix_socket_directories", socket_dir.as_str()),
        ("unix_socket_permissions", "0700"),
        ("max_connections", "100"),
        ("shared_buffers", "128MB"),
        ("effective_cache_size", "512MB"),
        ("random_page_cost", "1.1"),
        ("jit", "off"),
        ("wal_level", "replica"),
        ("max_wal_size", "512MB"),
        ("wal_compression", "on"),
        ("logging_collector", "off"),
        ("log_checkpoints", "off"),
        ("log_min_duration_statement", "1000"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
    ];
    let given = options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    built_in.into_iter().chain(given).flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]).collect()
}

fn create_database(binaries: &Binaries, socket_dir: &Path) -> Result<(), Error> {
    let psql: PathBuf = binaries.path("psql");
    let run = |sql: &str| {
        let mut command = binaries::command(&psql);
        command.arg("-h").arg(socket_dir).args(["-U", DATABASE, "-d", "postgres", "-XAtqc", sql]);
        binaries::output(command)
    };
    if run(&format!("select 1 from pg_database where datname = '{DATABASE}'"))?.trim().is_empty() {
        run(&format!("create database {DATABASE}"))?;
    }
    Ok(())
}
