//! A person who works with the real `git`.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use hub_tests::Client;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A folder in which a person works with git.
pub(crate) struct Work {
    dir: TempDir,
    remote: String,
}

impl Work {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), remote: String::new() }
    }

    /// Clones a repository as somebody.
    pub(crate) async fn clone(client: &Client, path: &str) -> Self {
        Self::clone_with(client, path, &[]).await
    }

    pub(crate) async fn clone_with(client: &Client, path: &str, options: &[&str]) -> Self {
        let work = Self { dir: tempfile::tempdir().unwrap(), remote: remote_of(client, path) };
        let arguments = [&["clone", "-q"], options, &[work.remote.as_str(), "."]].concat();
        work.git(&arguments).await;
        work
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn remote(&self) -> &str {
        &self.remote
    }

    /// Runs git; fails the test if git fails. Gives what it prints.
    pub(crate) async fn git(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, b"").await;
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs git with input; gives the raw output.
    pub(crate) async fn git_with(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.run(arguments, input).await;
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Runs git; fails the test if git does not fail. Gives its complaints.
    pub(crate) async fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, b"").await;
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "git {arguments:?} should fail: {complaints}");
        complaints
    }

    /// Runs git; gives its complaints whether it fails or not.
    pub(crate) async fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = command(self.path()).args(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = tokio::spawn(async move { stdin.write_all(&input).await });
        let output = child.wait_with_output().await.unwrap();
        let _ = writer.await.unwrap();
        output
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let file = self.file(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }

    /// Commits a file and gives the commit's id.
    pub(crate) async fn commit(&self, path: &str, content: &[u8]) -> String {
        self.write(path, content);
        self.git(&["add", "-A"]).await;
        self.git(&["commit", "-q", "-m", &format!("change {path}")]).await;
        self.head().await
    }

    pub(crate) async fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).await
    }

    pub(crate) async fn blob(&self, content: &[u8]) -> String {
        text(self.git_with(&["hash-object", "-w", "--stdin"], content).await)
    }

    /// Writes a tree without git's checks.
    pub(crate) async fn raw_tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut data = Vec::new();
        for (mode, name, oid) in entries {
            data.extend_from_slice(mode.as_bytes());
            data.push(b' ');
            data.extend_from_slice(name);
            data.push(0);
            data.extend(hex::decode(oid).unwrap());
        }
        text(self.git_with(&["hash-object", "-w", "--literally", "-t", "tree", "--stdin"], &data).await)
    }

    /// A commit of a tree on top of `HEAD`.
    pub(crate) async fn commit_tree(&self, tree: &str) -> String {
        self.git(&["commit-tree", "-m", "crafted", "-p", "HEAD", tree]).await
    }

    /// A pack of these objects.
    pub(crate) async fn pack_of(&self, oids: &[&str]) -> Vec<u8> {
        let list: String = oids.iter().map(|oid| format!("{oid}\n")).collect();
        self.git_with(&["pack-objects", "--stdout", "-q"], list.as_bytes()).await
    }

    /// A pack of what `new` has beyond `old`.
    pub(crate) async fn pack_between(&self, old: &str, new: &str) -> Vec<u8> {
        let input = format!("{new}\n^{old}\n");
        self.git_with(&["pack-objects", "--revs", "--thin", "--stdout", "-q"], input.as_bytes()).await
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap().trim().to_owned()
}

fn remote_of(client: &Client, path: &str) -> String {
    let url = client.url(path);
    match client.token() {
        "" => url,
        token => url.replacen("http://", &format!("http://hf_user:{token}@"), 1),
    }
}

/// `git` without the machine's settings, in a folder.
pub(crate) fn command(dir: &Path) -> Command {
    let mut command = Command::new("git");
    for setting in ["user.name=Ada", "user.email=ada@example.org", "core.fsync=none", "gc.auto=0", "init.defaultBranch=main"] {
        command.args(["-c", setting]);
    }
    command
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
