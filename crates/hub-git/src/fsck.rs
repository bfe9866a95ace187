use std::time::Duration;

use tokio::io::AsyncReadExt;

use crate::process::{Process, git_command};
use crate::quarantine::PushError;
use crate::quarantine::index_pack::HARMLESS;
use crate::repo_view::RepoView;

/// Enough to see what is wrong; a lost pack would fill screens.
const MAX_FINDINGS: usize = 50;
const MAX_OUTPUT_BYTES: u64 = 64 * 1024;

/// Runs `git fsck` over a view: reads every object of its packs, checks each one's hash and that all which the refs
/// reach is there. Gives what is wrong, nothing if all is well.
///
/// # Errors
/// The process cannot run, or takes too long.
pub async fn fsck(view: &RepoView, timeout: Duration) -> Result<Vec<String>, PushError> {
    // What a push may bring is no damage.
    let harmless = HARMLESS.map(|flaw| format!("fsck.{flaw}=ignore"));
    let harmless = harmless.iter().map(String::as_str).collect::<Vec<_>>();
    let mut command = git_command(view.git_dir(), &harmless);
    command.args(["fsck", "--full", "--no-dangling", "--no-reflogs", "--no-progress"]);
    let mut process = Process::start(command)?;
    let check = async {
        let mut printed = String::new();
        if let Some(stdout) = process.take_stdout() {
            let mut bytes = Vec::new();
            let mut limited = stdout.take(MAX_OUTPUT_BYTES);
            limited.read_to_end(&mut bytes).await?;
            // Read on, so that git can come to its end.
            tokio::io::copy(&mut limited.into_inner(), &mut tokio::io::sink()).await?;
            printed = String::from_utf8_lossy(&bytes).into_owned();
        }
        let (status, complaints) = process.wait().await?;
        Ok::<_, std::io::Error>((status.success(), printed, complaints))
    };
    let checked = tokio::time::timeout(timeout, check).await.map_err(|_elapsed| PushError::TimedOut)?;
    let (sound, printed, complaints) = checked.map_err(PushError::Server)?;
    if sound {
        return Ok(Vec::new());
    }
    let place = view.git_dir().display().to_string();
    let harmless = |line: &&str| !line.starts_with("warning") && !line.starts_with("notice") && !line.trim().is_empty();
    let findings = complaints.lines().chain(printed.lines()).filter(harmless).take(MAX_FINDINGS);
    let mut findings: Vec<String> = findings.map(|line| line.replace(&place, "")).collect();
    if findings.is_empty() {
        findings.push("git fsck failed without a word".to_owned());
    }
    Ok(findings)
}
