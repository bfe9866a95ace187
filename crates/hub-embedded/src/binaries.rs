//! Where this system keeps PostgreSQL.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;

const NEEDED: [&str; 3] = ["postgres", "initdb", "psql"];

/// One installed PostgreSQL.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    bin: PathBuf,
    major: u32,
}

impl Binaries {
    /// Finds the newest installed version, or exactly `wanted`, the version of a cluster that exists.
    pub(crate) fn find(wanted: Option<u32>) -> Result<Self, Error> {
        let mut found: Vec<Self> = candidate_folders().into_iter().filter_map(Self::at).collect();
        found.sort_by_key(|b| std::cmp::Reverse(b.major));
        if found.is_empty() {
            return Err(Error::NotInstalled);
        }
        let Some(cluster) = wanted else { return Ok(found.swap_remove(0)) };
        let installed = found.iter().map(|b| b.major.to_string()).collect::<Vec<_>>().join(", ");
        found.into_iter().find(|b| b.major == cluster).ok_or(Error::WrongVersion { cluster, installed })
    }

    fn at(bin: PathBuf) -> Option<Self> {
        if !NEEDED.iter().all(|name| bin.join(name).is_file()) {
            return None;
        }
        let mut command = command(&bin.join("postgres"));
        command.arg("--version");
        let major = parse_major(&output(command).ok()?)?;
        Some(Self { bin, major })
    }

    pub(crate) fn path(&self, program: &str) -> PathBuf {
        self.bin.join(program)
    }

    pub(crate) fn major(&self) -> u32 {
        self.major
    }
}

/// Debian's versioned folders come first: its `PATH` holds only wrappers, which lack `postgres` and `initdb`.
fn candidate_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for root in ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/usr"] {
        let Ok(entries) = fs::read_dir(root) else { continue };
        let versions = entries.flatten().map(|e| e.path());
        folders.extend(versions.filter(|p| root != "/usr" || starts_with(p, "pgsql-")).map(|p| p.join("bin")));
    }
    let mut pg_config = command(Path::new("pg_config"));
    pg_config.arg("--bindir");
    folders.extend(output(pg_config).ok().map(|dir| PathBuf::from(dir.trim())));
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders.dedup();
    folders
}

fn starts_with(path: &Path, prefix: &str) -> bool {
    path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(prefix))
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian ..)` and `.. 17beta1`.
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// A command that the operator's own `PG*` variables cannot send elsewhere, run where any user may be.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
    command
}

/// Runs a command to its end and returns what it printed.
pub(crate) fn output(mut command: Command) -> Result<String, Error> {
    let program = PathBuf::from(command.get_program());
    let output = command.output().map_err(|e| Error::spawn(&program, e))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(Error::Failed { program, output: format!("{} {}", text(&output.stdout), text(&output.stderr)).trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(parse_major("psql"), None);
    }

    #[test]
    fn a_cluster_of_another_version_is_refused_with_advice() {
        let message = Binaries::find(Some(7)).unwrap_err().to_string();
        assert!(message.contains("postgresql-7"), "{message}");
    }
}
