//! Running `git` itself, for the parts of the protocol where nothing equals it.
//!
//! Every process gets a clean environment, so that no configuration of the machine and no variable of
//! a request reaches it, and a process group of its own, so that stopping it stops what it started.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

/// How much of what a process complains about is kept, in bytes.
const MAX_COMPLAINT_BYTES: usize = 8 * 1024;
/// The largest single allocation a process may make, so that nothing it is given makes it ask for all memory.
/// Serving a clone of a repository with ten million objects stays below.
const MAX_ALLOCATION: &str = "2g";

/// Configuration that every process gets, whatever it does.
const CONFIG: [&str; 9] = [
    "safe.directory=*",
    "core.hooksPath=/dev/null",
    "core.fsync=none",
    "core.packedGitWindowSize=64m",
    "core.packedGitLimit=1g",
    "core.bigFileThreshold=16m",
    "pack.windowMemory=128m",
    "gc.auto=0",
    "maintenance.auto=false",
];

/// Why a process did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// As many processes as allowed are running, and none ended in time.
    #[error("too many git requests are running; try again in a moment")]
    Busy,
    /// The program could not be started.
    #[error("git could not be started")]
    Start(#[source] std::io::Error),
    /// It ended early, or whoever it talked with went away.
    #[error("the conversation with git broke off")]
    Broken(#[source] std::io::Error),
}

/// The `git` program of the machine, and how much of it may run at once.
#[derive(Debug, Clone)]
pub struct Git {
    fetches: Arc<Semaphore>,
    pushes: Arc<Semaphore>,
    patience: Duration,
    /// What [`Git::capabilities`] has asked for once.
    pub(crate) capabilities: Arc<OnceCell<Bytes>>,
}

/// How many requests of each kind may run `git` at once. Fetches never starve pushes.
#[derive(Debug, Clone, Copy)]
pub struct GitConcurrency {
    /// Clones and fetches.
    pub fetches: usize,
    /// Pushes.
    pub pushes: usize,
    /// How long a request waits for its turn before it is told to come back.
    pub patience: Duration,
}

impl Default for GitConcurrency {
    fn default() -> Self {
        Self { fetches: 32, pushes: 16, patience: Duration::from_secs(20) }
    }
}

impl Git {
    /// Uses the `git` found in `PATH`.
    pub fn new(concurrency: GitConcurrency) -> Self {
        Self {
            fetches: Arc::new(Semaphore::new(concurrency.fetches)),
            pushes: Arc::new(Semaphore::new(concurrency.pushes)),
            patience: concurrency.patience,
            capabilities: Arc::default(),
        }
    }

    /// Waits for the right to run a fetch.
    pub(crate) async fn fetch_turn(&self) -> Result<OwnedSemaphorePermit, ProcessError> {
        self.turn(&self.fetches).await
    }

    /// Waits for the right to run a push. Hold it as long as the push uses processes.
    ///
    /// # Errors
    /// Others were not done in time.
    pub async fn push_turn(&self) -> Result<OwnedSemaphorePermit, ProcessError> {
        self.turn(&self.pushes).await
    }

    async fn turn(&self, semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ProcessError> {
        let turn = tokio::time::timeout(self.patience, Arc::clone(semaphore).acquire_owned()).await;
        turn.map_or(Err(ProcessError::Busy), |permit| permit.map_err(|_closed| ProcessError::Busy))
    }
}

impl Default for Git {
    fn default() -> Self {
        Self::new(GitConcurrency::default())
    }
}

/// Prepares `git` with the bare repository `git_dir` and nothing of the machine's configuration.
pub(crate) fn git_command(git_dir: &Path, config: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("HOME", git_dir)
        .env("GIT_DIR", git_dir)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOC_LIMIT", MAX_ALLOCATION)
        .env("LC_ALL", "C")
        .current_dir(git_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for setting in CONFIG.iter().chain(config) {
        command.args([OsStr::new("-c"), OsStr::new(setting)]);
    }
    command
}

/// Where `git` is. Started by its whole path, a process begins as a new one; else it would begin as a copy of this one,
/// with all its tables of memory, since `PATH` is set for it.
fn program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut places = std::env::split_paths(&path).map(|folder| folder.join("git"));
        places.find(|place| place.is_file()).unwrap_or_else(|| PathBuf::from("git"))
    });
    &PROGRAM
}

static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// How many git processes this process has started that have not ended.
pub fn running_processes() -> usize {
    RUNNING.load(Ordering::Relaxed)
}

/// A running `git`; dropping it kills it with all that it started.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    complaints: JoinHandle<String>,
}

impl Process {
    /// Starts the process and collects what it complains about.
    pub(crate) fn start(mut command: Command) -> Result<Self, ProcessError> {
        let mut child = command.spawn().map_err(ProcessError::Start)?;
        RUNNING.fetch_add(1, Ordering::Relaxed);
        let stderr = child.stderr.take();
        let complaints = tokio::spawn(async move {
            match stderr {
                Some(stderr) => read_tail(stderr).await,
                None => String::new(),
            }
        });
        Ok(Self { child, complaints })
    }

    /// The pipe to its standard input, if it was asked for and not yet taken.
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The pipe from its standard output, if it was asked for and not yet taken.
    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end, which can be asked for again; returns whether all went well.
    pub(crate) async fn ended(&mut self) -> bool {
        self.child.wait().await.is_ok_and(|status| status.success())
    }

    /// Waits for its end; returns the status and the last of its complaints.
    pub(crate) async fn wait(mut self) -> std::io::Result<(ExitStatus, String)> {
        drop(self.child.stdin.take());
        let status = self.child.wait().await?;
        let complaints = (&mut self.complaints).await.unwrap_or_default();
        Ok((status, complaints))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Relaxed);
        // The id is gone once the end was seen, so this never reaches a stranger.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

async fn read_tail(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut tail = Vec::new();
    let mut chunk = [0u8; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        tail.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let surplus = tail.len().saturating_sub(MAX_COMPLAINT_BYTES);
        tail.drain(..surplus);
    }
    String::from_utf8_lossy(&tail).into_owned()
}
