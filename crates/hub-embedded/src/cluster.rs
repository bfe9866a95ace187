//! The cluster's folder: making it, and clearing up after a hub that was killed.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::binaries::{self, Binaries};
use crate::identity::RunAs;
use crate::{DATABASE, Error};

const LEFTOVER_STOP: Duration = Duration::from_secs(30);
const LEFTOVER_QUIT: Duration = Duration::from_secs(10);

pub(crate) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres")
}

/// Clusters are made here and renamed when complete, so an `initdb` that was cut short is never taken for one.
fn unfinished(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.new")
}

pub(crate) fn create_private_dir(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| Error::folder(path, e))
}

/// The major version of an existing cluster.
pub(crate) fn version(folder: &Path) -> Option<u32> {
    fs::read_to_string(folder.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Where a program started by [`command_in`] finds the cluster.
pub(crate) const HANDED_OVER: &str = "/proc/self/fd/9";

/// A command that `words` begins and that finds the open folder at [`HANDED_OVER`].
///
/// A hub started as root often has its data in a place the server's account cannot walk to (below `/root`, say). We
/// open the folder while we still may and hand the open folder over; the server then needs no right on what lies
/// above. `sh` moves it from standard input to a number that Postgres passes on to its children.
pub(crate) fn command_in(folder: &Path, words: &[&Path], run_as: RunAs) -> Result<Command, Error> {
    let opened = File::open(folder).map_err(|e| Error::folder(folder, e))?;
    let mut command = binaries::command(Path::new("/bin/sh"));
    command.args(["-c", "exec 9<&0 </dev/null; exec \"$@\"", "sh"]).args(words).args(["-D", HANDED_OVER]);
    command.stdin(opened);
    run_as.apply(&mut command);
    Ok(command)
}

pub(crate) fn remove_unfinished(data_dir: &Path) -> Result<(), Error> {
    let path = unfinished(data_dir);
    match fs::remove_dir_all(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::folder(&path, e)),
        _ => Ok(()),
    }
}

/// Makes the cluster. No password: whoever may enter the socket's folder is the owner.
pub(crate) fn init(data_dir: &Path, binaries: &Binaries, run_as: RunAs) -> Result<(), Error> {
    let new = unfinished(data_dir);
    tracing::info!(folder = %data_dir.display(), version = binaries.major(), "making a Postgres cluster");
    // Byte order for sorting is fast and never changes under an index; the character type still knows all letters.
    // Systems without C.UTF-8 get the plain C locale.
    let mut result = Ok(());
    for ctype in ["C.UTF-8", "C"] {
        remove_unfinished(data_dir)?;
        create_private_dir(&new)?;
        run_as.own(&new)?;
        let mut command = command_in(&new, &[&binaries.path("initdb")], run_as)?;
        command.args(["--username", DATABASE, "--encoding=UTF8", "--locale=C", "--lc-ctype", ctype, "--auth=trust"]);
        result = binaries::output(command).map(drop);
        if result.is_ok() {
            break;
        }
    }
    result.map_err(|error| match error {
        Error::Failed { output, .. } => Error::Failed { program: binaries.path("initdb"), output },
        other => other,
    })?;
    let folder = folder(data_dir);
    fs::rename(&new, &folder).map_err(|e| Error::folder(&folder, e))
}

/// What a running server writes about itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: i32,
    pub(crate) socket_dir: PathBuf,
    pub(crate) ready: bool,
}

impl PidFile {
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(path_of_pid_file(folder)).ok()?)
    }

    /// Lines: pid, folder, start time, port, socket folder, TCP address, shared memory, status.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let pid = lines.first()?.parse().ok()?;
        let socket_dir = lines.get(4).map(PathBuf::from).unwrap_or_default();
        Some(Self { pid, socket_dir, ready: lines.get(7) == Some(&"ready") })
    }
}

fn path_of_pid_file(folder: &Path) -> PathBuf {
    folder.join("postmaster.pid")
}

/// The Postgres processes that work in this cluster. Their working directory tells, which a recycled process id in an
/// old pid file does not.
pub(crate) fn processes(folder: &Path) -> Vec<i32> {
    let Ok(folder) = folder.canonicalize() else { return Vec::new() };
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let works_here = |process: &Path| {
        fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder)
            && fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "postgres")
    };
    let pid = |process: &Path| process.file_name().and_then(OsStr::to_str)?.parse().ok();
    entries.flatten().map(|e| e.path()).filter(|p| works_here(p)).filter_map(|p| pid(&p)).collect()
}

/// Stops a server that outlived its hub, and removes a pid file whose process is another program by now. To be called
/// with the lock held, so whatever runs here belongs to no living hub.
pub(crate) fn stop_leftovers(folder: &Path) -> Result<(), Error> {
    for (signal, limit) in [(Signal::INT, LEFTOVER_STOP), (Signal::QUIT, LEFTOVER_QUIT)] {
        let running = processes(folder);
        if running.is_empty() {
            break;
        }
        let main = PidFile::read(folder).map(|file| file.pid).filter(|pid| running.contains(pid));
        tracing::warn!(pids = ?running, "stopping a Postgres server left over from an earlier run");
        for pid in main.map_or(running, |pid| vec![pid]) {
            send(pid, signal);
        }
        let deadline = Instant::now() + limit;
        while !processes(folder).is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let pids = processes(folder);
    if !pids.is_empty() {
        return Err(Error::Leftover { folder: folder.to_path_buf(), pids });
    }
    // Postgres itself only compares process ids and would refuse to start if this one was given to someone else.
    let path = path_of_pid_file(folder);
    match fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::folder(&path, e)),
        _ => Ok(()),
    }
}

/// Sends a signal; a process that is gone is no error.
pub(crate) fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid).filter(|_| pid > 0) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pid_files_are_read_in_every_state() {
        let whole = "4711\n/proc/self/fd/9\n1795519347\n5432\n/run/hub-pg\n\n 10748688         9\nready   \n";
        let expected = PidFile { pid: 4711, socket_dir: PathBuf::from("/run/hub-pg"), ready: true };
        assert_eq!(PidFile::parse(whole), Some(expected));
        let early = PidFile::parse("4711\n/data\n").unwrap();
        assert!(!early.ready && early.pid == 4711);
        assert_eq!(PidFile::parse(""), None);
    }
}
