//! The machine: programs and room on the disk.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::{DEADLINE, Finding};
use crate::config::Config;

/// The oldest git whose options the hub uses.
const OLDEST_GIT: (u32, u32) = (2, 34);
const GIB: u64 = 1024 * 1024 * 1024;
/// With less, the first larger push may fill the disk.
const LITTLE_ROOM: u64 = 2 * GIB;
/// With less, the database may stop.
const NO_ROOM: u64 = GIB / 4;

/// Looks at the programs and at the disk.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let mut findings = vec![git().await, git_lfs().await, gnupg(), room(config)];
    if let Some(home) = std::env::home_dir() {
        findings.extend(closed_home(&home).await);
    }
    findings
}

/// The library that reads repositories looks for settings there, and gives up when it may not look.
async fn closed_home(home: &Path) -> Option<Finding> {
    let error = tokio::fs::metadata(home.join(".gitconfig")).await.err()?;
    (error.kind() == ErrorKind::PermissionDenied).then(|| {
        Finding::fail(
            "git",
            format!("the hub's user may not look into its home folder, which is {}", home.display()),
            "Set HOME to a folder of the hub's user, such as the data folder. Repositories cannot be read otherwise.",
        )
    })
}

async fn git() -> Finding {
    let mend = "Install git 2.34 or newer (`apt install git`), and see that it is on the PATH of the hub.";
    let Some(said) = output("git", &["--version"]).await else { return Finding::fail("git", "there is no `git`", mend) };
    match version_in(&said) {
        Some(version) if version < OLDEST_GIT => Finding::fail("git", format!("{said} is too old"), mend),
        Some(_) => Finding::pass("git", said),
        None => Finding::warn("git", format!("`{said}` is no version"), mend),
    }
}

async fn git_lfs() -> Finding {
    match output("git", &["lfs", "version"]).await {
        Some(said) => Finding::pass("git-lfs", said),
        None => Finding::warn(
            "git-lfs",
            "there is none on this machine; the hub needs none, people who push large files with git do",
            "`apt install git-lfs` on the machines of those who push.",
        ),
    }
}

fn gnupg() -> Finding {
    let missing: Vec<&str> = ["gpg", "gpgv"].into_iter().filter(|name| !crate::gpg::is_installed(name)).collect();
    if missing.is_empty() {
        return Finding::pass("gnupg", "`gpg` and `gpgv` are there");
    }
    Finding::warn(
        "gnupg",
        format!(
            "there is no `{}`: GPG keys cannot be added, and commits that they signed are shown as signed, not as verified",
            missing.join("`, no `")
        ),
        "`apt install gpg gpgv`, and see that they are on the PATH of the hub.",
    )
}

pub(super) fn room(config: &Config) -> Finding {
    let folder = existing(&config.data_dir);
    match rustix::fs::statvfs(folder) {
        Ok(disk) => judge_room(folder, disk.f_bavail.saturating_mul(disk.f_frsize)),
        Err(error) => Finding::fail(
            "disk",
            format!("`{}` cannot be looked at: {error}", folder.display()),
            "Set HUB_DATA_DIR to a folder that the hub may write.",
        ),
    }
}

fn judge_room(folder: &Path, free: u64) -> Finding {
    let message = format!("{:.1} GiB are free in {}", free as f64 / GIB as f64, folder.display());
    let mend =
        "Make room, move HUB_DATA_DIR to a larger disk, or lower limits.cache_gib. `hub admin gc` removes what nobody needs.";
    match free {
        ..NO_ROOM => Finding::fail("disk", message, mend),
        NO_ROOM..LITTLE_ROOM => Finding::warn("disk", message, mend),
        _ => Finding::pass("disk", message),
    }
}

/// The folder, or the nearest above it that exists.
fn existing(folder: &Path) -> &Path {
    folder.ancestors().find(|above| above.exists()).unwrap_or(Path::new("."))
}

/// What a program prints, in one line; nothing when it fails.
async fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let done = tokio::time::timeout(DEADLINE, command.output()).await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&done.stdout).trim().to_owned();
    (done.status.success() && !text.is_empty()).then_some(text)
}

/// The first two numbers of a version in a text such as `git version 2.39.5 (Apple Git-154)`.
fn version_in(text: &str) -> Option<(u32, u32)> {
    let word = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut numbers = word.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn versions_are_found() {
        assert_eq!(version_in("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(version_in("git version unknown"), None);
    }

    #[test]
    fn room_is_judged() {
        let verdict = |free| judge_room(Path::new("/"), free).verdict;
        assert_eq!([verdict(GIB / 8), verdict(GIB), verdict(9 * GIB)], [Verdict::Fail, Verdict::Warn, Verdict::Pass]);
    }
}
