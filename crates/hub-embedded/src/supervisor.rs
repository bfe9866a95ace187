//! The server as our child: one thread starts it, waits for it, and starts it again should it die.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::Error;
use crate::cluster::{self, PidFile};
use crate::identity::RunAs;

/// Crash recovery of a busy cluster takes its time.
const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const QUIT_LIMIT: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const LOG_LIMIT_BYTES: u64 = 16 * 1024 * 1024;

/// Everything needed to start the server.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) server: PathBuf,
    pub(crate) cluster: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) run_as: RunAs,
    pub(crate) arguments: Vec<String>,
}

/// Watches the running server.
#[derive(Debug)]
pub(crate) struct Supervisor {
    launch: Launch,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The process id of the running server.
    pid: Option<i32>,
    /// The server took connections once; from then on it is started again when it dies.
    came_up: bool,
    stopping: bool,
    /// The thread has ended, with the reason when it ended by itself.
    ended: Option<String>,
}

impl Supervisor {
    /// Starts the server and returns once it takes connections.
    pub(crate) fn start(launch: Launch) -> Result<Arc<Self>, Error> {
        let supervisor = Arc::new(Self { launch, state: Mutex::default(), changed: Condvar::new() });
        let thread = std::thread::Builder::new().name("embedded-postgres".to_owned());
        let watched = Arc::clone(&supervisor);
        thread.spawn(move || watched.run()).map_err(|e| Error::spawn(&supervisor.launch.server, e))?;
        supervisor.wait_until_ready().inspect_err(|_| {
            let _ = supervisor.stop();
        })?;
        Ok(supervisor)
    }

    /// Stops the server and waits; does nothing the second time.
    pub(crate) fn stop(&self) -> Result<(), Error> {
        let mut state = self.lock();
        state.stopping = true;
        self.changed.notify_all();
        // Fast shutdown first: it ends sessions and writes a checkpoint. Immediate shutdown leaves recovery to the
        // next start and loses nothing that was committed.
        for (signal, limit) in [(Signal::INT, STOP_LIMIT), (Signal::QUIT, QUIT_LIMIT)] {
            if let Some(pid) = state.pid {
                cluster::send(pid, signal);
            }
            state = self.wait_for_end(state, limit);
            if state.ended.is_some() {
                return Ok(());
            }
        }
        let waited_secs = (STOP_LIMIT + QUIT_LIMIT).as_secs();
        state.pid.map_or(Ok(()), |pid| Err(Error::NotStopped { pid, waited_secs }))
    }

    fn wait_for_end<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout_while(state, limit, |s| s.ended.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until_ready(&self) -> Result<(), Error> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let mut state = self.lock();
            if let Some(reason) = &state.ended {
                return Err(self.not_ready(reason.clone()));
            }
            let file = PidFile::read(&self.launch.cluster);
            if file.is_some_and(|f| f.ready && state.pid == Some(f.pid)) {
                state.came_up = true;
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.not_ready(format!("not ready after {} s", START_LIMIT.as_secs())));
            }
            drop(state);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn not_ready(&self, reason: String) -> Error {
        Error::NotReady { reason, log: self.launch.log.clone(), tail: log_tail(&self.launch.log) }
    }

    /// The body of the thread. The kernel ends the server when the *thread* that started it ends, not the process,
    /// so this must be a thread that lives as long as the server may.
    fn run(&self) {
        let mut pause = Duration::from_secs(1);
        let reason = loop {
            let started = Instant::now();
            let mut child = match self.launch.spawn() {
                Ok(child) => child,
                Err(error) => break error.to_string(),
            };
            {
                let mut state = self.lock();
                state.pid = i32::try_from(child.id()).ok();
                // A stop that came before there was a process to tell.
                if let (true, Some(pid)) = (state.stopping, state.pid) {
                    cluster::send(pid, Signal::QUIT);
                }
            }
            let outcome = match child.wait() {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            let mut state = self.lock();
            state.pid = None;
            if state.stopping || !state.came_up {
                break outcome;
            }
            if started.elapsed() > LONGEST_PAUSE {
                pause = Duration::from_secs(1);
            }
            tracing::error!(outcome, log = %self.launch.log.display(), "the embedded Postgres died; starting it again");
            let waited = self.changed.wait_timeout_while(state, pause, |s| !s.stopping);
            if waited.unwrap_or_else(PoisonError::into_inner).0.stopping {
                break outcome;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            if let Err(error) = cluster::stop_leftovers(&self.launch.cluster) {
                break error.to_string();
            }
        };
        self.lock().ended = Some(reason);
        self.changed.notify_all();
    }
}

impl Launch {
    fn spawn(&self) -> Result<Child, Error> {
        let log_failed = |e| Error::folder(&self.log, e);
        let mut open = OpenOptions::new();
        let log = open.append(true).create(true).mode(0o600).open(&self.log).map_err(log_failed)?;
        if log.metadata().is_ok_and(|m| m.len() > LOG_LIMIT_BYTES) {
            log.set_len(0).map_err(log_failed)?;
        }
        // `setpriv` asks the kernel to stop the server when we die, then becomes it.
        let words = match pdeathsig_program() {
            Some(setpriv) => vec![setpriv, Path::new("--pdeathsig"), Path::new("INT"), &self.server],
            None => vec![self.server.as_path()],
        };
        let mut command = cluster::command_in(&self.cluster, &words, self.run_as)?;
        command.args(&self.arguments).stdout(Stdio::null()).stderr(log);
        command.spawn().map_err(|e| Error::spawn(&self.server, e))
    }
}

/// Part of util-linux; systems without it rely on the next start to find a leftover server.
fn pdeathsig_program() -> Option<&'static Path> {
    ["/usr/bin/setpriv", "/bin/setpriv"].map(Path::new).into_iter().find(|p| p.is_file())
}

fn log_tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(2000)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_else(|e| format!("(unreadable: {e})"))
}
