//! Git over SSH with the real `ssh` and `git`.

mod access;
mod hostile;
mod keys;
mod lfs;
mod signatures;
mod transfer;

use std::path::PathBuf;
use std::process::Output;

use hub::accounts::User;
use hub::config::SshConfig;
use hub::ssh::keys::add;
use hub_tests::TestHub;
use tempfile::TempDir;

use crate::work::{Work, command};

/// A hub that serves git by SSH.
async fn start() -> TestHub {
    TestHub::start_with(|config| {
        config.ssh = Some(SshConfig { address: ([127, 0, 0, 1], 0).into(), public_host: None, public_port: None });
    })
    .await
}

/// Somebody's machine with a key.
struct Machine {
    dir: TempDir,
    port: u16,
    /// More options of `ssh`.
    extra: Vec<String>,
}

impl Machine {
    /// With a key that nobody knows yet.
    async fn new(hub: &TestHub) -> Self {
        Self::with_kind(hub, &["-t", "ed25519"]).await
    }

    async fn with_kind(hub: &TestHub, kind: &[&str]) -> Self {
        let port = hub.app().config.ssh.as_ref().unwrap().address.port();
        let machine = Self { dir: tempfile::tempdir().unwrap(), port, extra: Vec::new() };
        let made = tokio::process::Command::new("ssh-keygen")
            .args(kind)
            .args(["-q", "-N", "", "-C", "ada@laptop", "-f"])
            .arg(machine.key())
            .output();
        let made = made.await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        machine
    }

    /// With a key of an account.
    async fn of(hub: &TestHub, user: &User) -> Self {
        let machine = Self::new(hub).await;
        add(hub.app(), user, "", &machine.public_key()).await.unwrap();
        machine
    }

    fn key(&self) -> PathBuf {
        self.dir.path().join("key")
    }

    fn public_key(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("key.pub")).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("ssh://git@127.0.0.1:{}/{path}", self.port)
    }

    fn options(&self) -> Vec<String> {
        let known = self.dir.path().join("known_hosts");
        let mut options = vec!["-F".to_owned(), "/dev/null".to_owned(), "-i".to_owned(), self.key().display().to_string()];
        for option in [
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "BatchMode=yes",
            "StrictHostKeyChecking=accept-new",
            "LogLevel=ERROR",
            &format!("UserKnownHostsFile={}", known.display()),
        ] {
            options.extend(["-o".to_owned(), option.to_owned()]);
        }
        options.extend_from_slice(&self.extra);
        options
    }

    /// `ssh` itself.
    async fn ssh(&self, arguments: &[&str]) -> Output {
        let mut ssh = tokio::process::Command::new("ssh");
        ssh.args(self.options()).args(["-p", &self.port.to_string()]).args(arguments).stdin(std::process::Stdio::null());
        ssh.output().await.unwrap()
    }

    /// Runs git in a folder.
    async fn git_in(&self, dir: &std::path::Path, arguments: &[&str]) -> Output {
        let ssh = format!("ssh {}", self.options().join(" "));
        command(dir).args(arguments).env("GIT_SSH_COMMAND", ssh).output().await.unwrap()
    }

    async fn run(&self, work: &Work, arguments: &[&str]) -> Output {
        self.git_in(work.path(), arguments).await
    }

    async fn git(&self, work: &Work, arguments: &[&str]) -> String {
        let output = self.run(work, arguments).await;
        assert!(output.status.success(), "git {arguments:?}: {}", said(&output));
        said(&output)
    }

    async fn refused(&self, work: &Work, arguments: &[&str]) -> String {
        let output = self.run(work, arguments).await;
        assert!(!output.status.success(), "git {arguments:?} should fail: {}", said(&output));
        said(&output)
    }

    /// A clone by SSH.
    async fn clone(&self, path: &str) -> Work {
        let work = Work::empty();
        self.git(&work, &["clone", "-q", &self.url(path), "."]).await;
        work
    }
}

/// What people read.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
