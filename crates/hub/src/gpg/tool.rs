//! Runs GnuPG: few at a time, not for long, each in an empty folder, without the machine's settings, and with nothing of it to find.
//! Neither program asks the network for anything.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hub_types::Oid;
use moka::sync::Cache;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::listing::{self, Listing};

/// How many run at once.
pub(super) const AT_ONCE: usize = 4;
/// How long one may take. They take some milliseconds.
const DEADLINE: Duration = Duration::from_secs(5);
/// The most that one may print.
const MAX_OUTPUT_BYTES: u64 = 256 * 1024;
/// How many signatures are remembered.
const REMEMBERED: u64 = 20_000;
/// Read a key as if to keep it, but print it instead, with the newest signatures of its owner alone.
const CLEAN: &[&str] = &["--import-options", "import-minimal,import-export", "--import"];
const SHOW: &[&str] = &["--with-colons", "--show-keys"];

/// GnuPG, and what it said of signatures.
#[derive(Debug, Clone)]
pub struct Gpg {
    turns: Arc<Semaphore>,
    pub(super) seen: Cache<Question, Outcome>,
}

/// A commit, and the keys that may have made its signature, each with when it was last given.
pub(super) type Question = (Oid, Vec<(i64, DateTime<Utc>)>);

/// What `gpgv` says of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It fits: by which key, below which primary key.
    Good { part: String, primary: String },
    /// The same, but the key had ended.
    Expired,
    /// The same, but the key was taken back.
    Revoked,
    /// It does not fit.
    Bad,
    /// It is of none of the keys.
    UnknownKey,
    /// It was made in a way that proves nothing.
    Refused,
}

/// Why a program said nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ToolError {
    #[error("there is no `{0}` on this machine")]
    Missing(&'static str),
    #[error("`{0}` took too long")]
    TooLong(&'static str),
    #[error("`{0}` could not be run")]
    Broken(&'static str, #[source] std::io::Error),
}

impl Default for Gpg {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), seen: Cache::new(REMEMBERED) }
    }
}

impl Gpg {
    /// Reads a public key, armoured or not: what it is, and its bytes without what others put there. Nothing if it is none.
    pub(super) async fn read_key(&self, text: &[u8]) -> Result<Option<(Listing, Vec<u8>)>, ToolError> {
        let folder = folder("gpg")?;
        let options = ["--no-options", "--batch", "--quiet", "--no-autostart", "--no-auto-check-trustdb", "--homedir", "."];
        let arguments = |last: &[&'static str]| -> Vec<&'static str> { [&options[..], last].concat() };
        let clean = self.run("gpg", &arguments(CLEAN), &folder, text).await?;
        if clean.is_empty() {
            return Ok(None);
        }
        let shown = self.run("gpg", &arguments(SHOW), &folder, &clean).await?;
        Ok(listing::parse(&String::from_utf8_lossy(&shown)).map(|listing| (listing, clean)))
    }

    /// Checks a signature with the keys that may have made it.
    pub(super) async fn verify(&self, keys: &[u8], signature: &[u8], content: &[u8]) -> Result<Outcome, ToolError> {
        let folder = folder("gpgv")?;
        let broken = |error| ToolError::Broken("gpgv", error);
        tokio::fs::write(folder.path().join("keys"), keys).await.map_err(broken)?;
        tokio::fs::write(folder.path().join("signature"), signature).await.map_err(broken)?;
        let options = ["--status-fd", "1", "--homedir", ".", "--weak-digest", "SHA1", "--keyring", "./keys", "./signature", "-"];
        let said = self.run("gpgv", &options, &folder, content).await?;
        Ok(outcome_of(&String::from_utf8_lossy(&said)))
    }

    async fn run(&self, name: &'static str, arguments: &[&str], folder: &TempDir, input: &[u8]) -> Result<Vec<u8>, ToolError> {
        let broken = |error| ToolError::Broken(name, error);
        let program = program(name).ok_or(ToolError::Missing(name))?;
        let _turn = self.turns.acquire().await.map_err(|error| broken(std::io::Error::other(error)))?;
        let mut child = command(&program, folder.path(), arguments).spawn().map_err(broken)?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = pipes else { return Err(broken(std::io::Error::other("there are no pipes"))) };
        let hand_in = async move {
            // It may stop reading when it has seen enough.
            let _ = stdin.write_all(input).await;
        };
        let mut said = Vec::new();
        let mut limited = stdout.take(MAX_OUTPUT_BYTES);
        let work = async {
            let ((), read) = tokio::join!(hand_in, limited.read_to_end(&mut said));
            read?;
            child.wait().await
        };
        tokio::time::timeout(DEADLINE, work).await.map_err(|_elapsed| ToolError::TooLong(name))?.map_err(broken)?;
        Ok(said)
    }
}

fn command(program: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments.iter().map(OsStr::new))
        .env_clear()
        .env("LC_ALL", "C")
        .env("HOME", folder)
        .env("GNUPGHOME", folder)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    command
}

fn folder(name: &'static str) -> Result<TempDir, ToolError> {
    tempfile::Builder::new().prefix("hub-gpg-").tempdir().map_err(|error| ToolError::Broken(name, error))
}

/// Where a program is.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|place| place.is_file())
}

/// Whether a program of GnuPG is on this machine.
pub fn is_installed(name: &str) -> bool {
    program(name).is_some()
}

/// Reads the lines that `gpgv` writes for programs.
fn outcome_of(said: &str) -> Outcome {
    let mut lines: Vec<Vec<&str>> = Vec::new();
    lines.extend(said.lines().filter_map(|line| Some(line.strip_prefix("[GNUPG:] ")?.split(' ').collect())));
    let find = |word: &str| lines.iter().find(|line| line.first() == Some(&word));
    if lines.iter().filter(|line| line.first() == Some(&"NEWSIG")).count() != 1 || find("BADSIG").is_some() {
        return Outcome::Bad;
    }
    if let Some(error) = find("ERRSIG") {
        // The sixth word after it says why.
        return if error.get(6) == Some(&"9") { Outcome::UnknownKey } else { Outcome::Refused };
    }
    let Some(valid) = find("VALIDSIG") else { return Outcome::Bad };
    let (Some(part), Some(primary)) = (valid.get(1), valid.get(10)) else { return Outcome::Bad };
    let good = || Outcome::Good { part: (*part).to_owned(), primary: (*primary).to_owned() };
    let kinds =
        [("GOODSIG", good()), ("EXPKEYSIG", Outcome::Expired), ("REVKEYSIG", Outcome::Revoked), ("EXPSIG", Outcome::Refused)];
    let mut found = kinds.into_iter().filter(|(word, _)| find(word).is_some());
    match (found.next(), found.next()) {
        (Some((_, outcome)), None) => outcome,
        _ => Outcome::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_good_signature_is_good() {
        let valid = "[GNUPG:] VALIDSIG F380 2026-11-27 1795771878 0 4 0 22 8 00 ABCD\n";
        let good = format!("[GNUPG:] NEWSIG a@x\n[GNUPG:] GOODSIG 1EBA Ada\n{valid}");
        assert_eq!(outcome_of(&good), Outcome::Good { part: "F380".to_owned(), primary: "ABCD".to_owned() });
        assert_eq!(outcome_of(&good.replace("GOODSIG", "EXPKEYSIG")), Outcome::Expired);
        assert_eq!(outcome_of(&good.replace("GOODSIG", "REVKEYSIG")), Outcome::Revoked);
        assert_eq!(outcome_of(&good.replace("GOODSIG", "EXPSIG")), Outcome::Refused);
        for bad in [
            String::new(),
            good.repeat(2),
            good.replace(valid, ""),
            good.replace("[GNUPG:] VALIDSIG", "VALIDSIG"),
            good.replace("GOODSIG", "OTHER"),
            format!("{good}[GNUPG:] BADSIG 1EBA Ada\n"),
            format!("{good}[GNUPG:] REVKEYSIG 1EBA Ada\n"),
        ] {
            assert_eq!(outcome_of(&bad), Outcome::Bad, "{bad}");
        }
        let error = |why| format!("[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG 1EBA 22 8 00 1795771878 {why} F380\n");
        assert_eq!((outcome_of(&error(9)), outcome_of(&error(5))), (Outcome::UnknownKey, Outcome::Refused));
    }
}
