//! What can go wrong, each as a sentence for the person who started the hub.

use std::io;
use std::path::{Path, PathBuf};

/// Why the embedded Postgres did not start or stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server binaries on this machine.
    #[error(
        "PostgreSQL is not installed, and no DATABASE_URL is set. Install it (Debian and Ubuntu: `apt install postgresql`) \
         or set DATABASE_URL to a database you run"
    )]
    NotInstalled,
    /// The cluster is of a major version that is not installed.
    #[error(
        "the data folder holds a PostgreSQL {cluster} cluster, but only {installed} is installed. Install \
         `postgresql-{cluster}`, or convert the cluster with pg_upgrade"
    )]
    WrongVersion { cluster: u32, installed: String },
    /// Another process holds the lock.
    #[error(
        "the data folder `{}` is used by another process{}. Stop that one, or give this hub a folder of its own \
         (HUB_DATA_DIR)", folder.display(), pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    InUse { folder: PathBuf, pid: Option<i32> },
    /// A server of a killed hub that does not go away.
    #[error(
        "a Postgres server left over from an earlier run still uses `{}` (pids {pids:?}) and did not stop when told to. \
         Stop it by hand, then start the hub again", folder.display()
    )]
    Leftover { folder: PathBuf, pids: Vec<i32> },
    /// The cluster belongs to an account this process cannot act as.
    #[error(
        "the folder `{}` belongs to user id {owner}, and this process runs as user id {own}. Run the hub as the user \
         that made the folder, or change its owner with `chown -R`", folder.display()
    )]
    ForeignOwner { folder: PathBuf, owner: u32, own: u32 },
    /// Root has no account to run the server as.
    #[error(
        "Postgres refuses to run as root, and this system has neither a `postgres` nor a `nobody` user. Run the hub as \
         an ordinary user"
    )]
    NoUnprivilegedUser,
    /// No folder is short enough for a socket.
    #[error("no folder for the database's Unix socket: tried {tried}")]
    NoSocketFolder { tried: String },
    /// A file or folder refused us.
    #[error("cannot use `{}`: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    /// A program could not be run at all.
    #[error("cannot run `{}`: {source}", program.display())]
    Spawn { program: PathBuf, source: io::Error },
    /// A program ran and failed.
    #[error("`{}` failed: {output}", program.display())]
    Failed { program: PathBuf, output: String },
    /// The server ended or hung while starting.
    #[error("the embedded Postgres did not start ({reason}). Its log, `{}`, ends with:\n{tail}", log.display())]
    NotReady { reason: String, log: PathBuf, tail: String },
    /// The server did not stop in time and was left to crash recovery.
    #[error("the embedded Postgres (pid {pid}) did not stop within {waited_secs} s")]
    NotStopped { pid: i32, waited_secs: u64 },
    /// The waiting task was cancelled, which happens while the runtime shuts down.
    #[error("interrupted while waiting for the embedded Postgres: {0}")]
    Interrupted(String),
}

impl Error {
    pub(crate) fn folder(path: &Path, source: io::Error) -> Self {
        Self::Folder { path: path.to_path_buf(), source }
    }

    pub(crate) fn spawn(program: &Path, source: io::Error) -> Self {
        Self::Spawn { program: program.to_path_buf(), source }
    }
}
