use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::time::Instant;

use super::{PushError, PushLimits, Quarantine};
use crate::process::{Process, git_command};

/// Flaws of old but popular histories that harm nobody; everything else that `git fsck` knows is refused.
pub(crate) const HARMLESS: [&str; 6] =
    ["zeroPaddedFilemode", "badTimezone", "missingSpaceBeforeDate", "zeroPaddedDate", "missingNameBeforeEmail", "badFilemode"];

fn strict() -> String {
    format!("--strict={}", HARMLESS.map(|flaw| format!("{flaw}=ignore")).join(","))
}

const COPY_BYTES: usize = 64 * 1024;
/// More than git holds back of what came.
const MAX_PRINTED_BYTES: u64 = 64 * 1024;
/// The largest allocation for an incoming pack. No object within our limits needs as much, nor do three million
/// objects; a crafted delta or object count cannot ask for more.
const MAX_ALLOCATION: &str = "256m";
/// A client that sends nothing for this long has gone, even if its connection has not.
const STALL: Duration = Duration::from_secs(60);
/// How long is listened to a client that goes on sending although git has given up on its pack.
const AFTER_THE_END: Duration = Duration::from_secs(5);
/// How long a pack may take to arrive: a slow line, but not a trickle that holds a place for ever.
const MAX_ARRIVAL: Duration = Duration::from_secs(6 * 3600);

/// A pack that `git index-pack` has found good. The files live as long as the quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedPack {
    /// The hash in the pack's name, as hex.
    pub hash: String,
    /// The pack itself.
    pub pack: PathBuf,
    /// Its index.
    pub idx: PathBuf,
    /// The size of the pack.
    pub size_bytes: u64,
    /// How many objects it has, with those that were added to a thin pack.
    pub objects: u32,
}

/// Where a pack ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackEnd {
    /// With the stream it comes in.
    WithStream,
    /// Where git says so: the stream stays open for the client to hear the answer.
    WithPack,
}

/// `git index-pack`, eating the pack of a push.
#[derive(Debug)]
pub struct IndexPack {
    process: Process,
    stdin: Option<ChildStdin>,
    limits: PushLimits,
}

impl IndexPack {
    /// Starts to index into a quarantine.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn start(quarantine: &Quarantine, limits: PushLimits) -> Result<Self, PushError> {
        let mut command = git_command(quarantine.git_dir(), &["pack.threads=2"]);
        command.args(["index-pack", "--stdin", "--fix-thin", "--no-rev-index", &strict()]);
        command.arg(format!("--max-input-size={}", limits.max_pack_bytes));
        command.env("GIT_ALLOC_LIMIT", MAX_ALLOCATION).stdin(Stdio::piped());
        let mut process = Process::start(command)?;
        let stdin = process.take_stdin();
        Ok(Self { process, stdin, limits })
    }

    /// Feeds the pack from the stream until it ends.
    ///
    /// When git gives up on the pack the rest is read all the same, up to the limit, because clients
    /// hear an answer only after they have sent everything.
    ///
    /// # Errors
    /// The stream fails or is far over the limit.
    pub async fn feed<R: AsyncRead + Unpin>(&mut self, body: &mut R, end: PackEnd) -> Result<(), PushError> {
        let limit = self.limits.max_pack_bytes;
        let deadline = Instant::now() + MAX_ARRIVAL;
        let mut buffer = vec![0u8; COPY_BYTES];
        let (mut total, mut gave_up): (u64, bool) = (0, false);
        loop {
            let patience = if gave_up { AFTER_THE_END } else { STALL };
            let patience = patience.min(deadline.saturating_duration_since(Instant::now()));
            let read = tokio::select! {
                read = tokio::time::timeout(patience, body.read(&mut buffer)) => read,
                good = self.process.ended(), if end == PackEnd::WithPack && !gave_up => {
                    if good {
                        break;
                    }
                    gave_up = true;
                    self.stdin = None;
                    continue;
                }
            };
            if gave_up && read.is_err() {
                break;
            }
            let read = read.unwrap_or_else(|_elapsed| Err(std::io::ErrorKind::TimedOut.into()));
            let count = read.map_err(PushError::Body)?;
            let Some(chunk) = buffer.get(..count).filter(|chunk| !chunk.is_empty()) else { break };
            total += chunk.len() as u64;
            if total > limit.saturating_mul(2) {
                return Err(too_large(limit));
            }
            if let Some(stdin) = &mut self.stdin
                && stdin.write_all(chunk).await.is_err()
            {
                self.stdin = None;
            }
        }
        self.stdin = None;
        Ok(())
    }

    /// Waits for git's verdict. A pack without objects, as sent for a branch at a known commit, is `None`.
    ///
    /// # Errors
    /// The pack is broken, too large, or took too long.
    pub async fn finish(self, quarantine: &Quarantine) -> Result<Option<ReceivedPack>, PushError> {
        let Self { mut process, limits, .. } = self;
        let stdout = process.take_stdout();
        let verdict = async {
            let mut printed = Vec::new();
            if let Some(stdout) = stdout {
                // Behind the name of the pack git repeats what came behind the pack: a few KiB of anything.
                stdout.take(MAX_PRINTED_BYTES).read_to_end(&mut printed).await.map_err(PushError::Server)?;
            }
            let (status, complaints) = process.wait().await.map_err(PushError::Server)?;
            if status.success() { Ok(printed) } else { Err(explain(&complaints, limits)) }
        };
        let printed = tokio::time::timeout(limits.timeout, verdict).await.map_err(|_elapsed| PushError::TimedOut)??;
        let unreadable = || PushError::Server(std::io::Error::other("git index-pack printed no pack hash"));
        let line = printed.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
        let hash = line.and_then(|line| line.strip_prefix("pack\t")).ok_or_else(unreadable)?;
        received(quarantine, hash).await.map_err(PushError::Server)
    }
}

async fn received(quarantine: &Quarantine, hash: &str) -> std::io::Result<Option<ReceivedPack>> {
    let (pack, idx) = (quarantine.pack_file(hash, "pack"), quarantine.pack_file(hash, "idx"));
    let mut file = tokio::fs::File::open(&pack).await?;
    let size_bytes = file.metadata().await?.len();
    let mut header = [0u8; 12];
    file.read_exact(&mut header).await?;
    let [.., a, b, c, d] = header;
    let objects = u32::from_be_bytes([a, b, c, d]);
    Ok((objects > 0).then(|| ReceivedPack { hash: hash.to_owned(), pack, idx, size_bytes, objects }))
}

fn too_large(limit_bytes: u64) -> PushError {
    PushError::PackTooLarge { limit_mb: limit_bytes / (1024 * 1024) }
}

/// Turns what `git index-pack` said into what helps the person who pushed.
fn explain(complaints: &str, limits: PushLimits) -> PushError {
    let said = |text: &str| complaints.contains(text);
    let broken = |text: &str| PushError::BrokenPack(text.to_owned());
    if said("exceeds maximum allowed size") {
        return too_large(limits.max_pack_bytes);
    }
    if said("No space left") || said("unable to create") || said("Read-only file system") {
        return PushError::Server(std::io::Error::other(complaints.trim().to_owned()));
    }
    if said("early EOF") || said("premature end of pack") {
        return broken("it ends early, so the upload was cut off; push again");
    }
    if said("unresolved delta") {
        return PushError::MissingObjects("the pack builds on objects that this repository does not have".to_owned());
    }
    if said("did not receive expected object") {
        return PushError::MissingObjects(last_line(complaints, "did not receive expected object"));
    }
    if said("integerOverflow") || said("integer overflow") || said("Overflow:") {
        return broken(&last_line(complaints, "verflow"));
    }
    if said("attempting to allocate") || said("out of memory") || said("overflow") {
        return broken("it has too many objects, or one that is too large; put large files in Git LFS");
    }
    if said("fsck error") {
        return broken(&last_line(complaints, "error: object"));
    }
    if said("pack signature mismatch") || said("pack version") {
        return broken("what was sent is not a git pack");
    }
    let detail = last_line(complaints, "fatal:");
    broken(&format!("it is damaged ({detail}); run `git fsck` and push again"))
}

/// The last line with the given text in it, without git's prefix.
fn last_line(complaints: &str, text: &str) -> String {
    let line = complaints.lines().rev().find(|line| line.contains(text)).unwrap_or("git gave no reason");
    let line = line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")).unwrap_or(line);
    line.chars().take(300).collect()
}
