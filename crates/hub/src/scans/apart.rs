//! Looks at files, and reads the pickles of checkpoints, in a process of its own, which can do nothing else ([`super::child`]). docs/scanning.md says what holds it.
//!
//! The process is this program once more (`hub scan-one`). It gets no name, no key and no whole file, but asks for the parts that it wants:
//! lines of JSON ([`Request`], [`Said`]), and after each [`Said::Read`] the bytes, with their number in front (four bytes, the lowest first).
//! What it says is taken for what a file may have made it say.

use std::io;
use std::ops::Range;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hub_scan::Kind;
use hub_scan::sandbox::Held;
use hub_weights::checkpoint::{CheckpointError, Contents, LegacyFile, MAX_CHECKPOINT_TENSORS};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::blocks::BLOCK_BYTES;
use super::seen::Seen;
use crate::error::{HubError, HubResult};

/// How long the process may take to begin, and to end.
const STARTING: Duration = Duration::from_secs(20);
const ENDING: Duration = Duration::from_secs(2);
/// How long it may work on a file, without the time in which the hub reads what it asks for. It holds itself to 20 seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it may ask for a part of one file.
const MAX_READS: u32 = 50_000;
/// The longest line that it says, of findings and of the tensors of a checkpoint.
const MAX_LINE_BYTES: u64 = 1 << 20;
const MAX_CONTENTS_BYTES: u64 = 64 << 20;
/// From which length on a line is read on a thread that may take long.
const LONG_LINE_BYTES: usize = 64 << 10;
/// Why a checkpoint is refused that has more tensors than one may have.
const TOO_MANY: CheckpointError = CheckpointError::TooLarge("its tensors");
/// How many characters are kept of why a checkpoint is refused.
const MAX_REFUSAL_CHARS: usize = 500;
/// How much of what it complains about is logged.
const MAX_COMPLAINT_BYTES: u64 = 2 << 10;
/// Its allocator takes memory in pieces of this size, not of a GiB, so that a limit of memory is one.
const PIECES: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "64MiB");

/// What is to be done with a file of a size.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Look at it, for what [`Kind::as_str`] says.
    Look { kind: String, size: u64 },
    /// Read it: it is the pickle of a checkpoint in a zip file.
    Pickle { size: u64 },
    /// Read it: it is the beginning of an older checkpoint of so many bytes.
    Legacy { size: u64, file_bytes: u64 },
}

/// What the process says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    /// The walls are up, and it waits.
    Ready(Held),
    /// It wants a part of the file.
    Read { at: u64, count: u64 },
    /// It is done with the file.
    Seen(Seen),
    /// What is in the checkpoint.
    Contents(Contents),
    /// The same for an older one.
    Legacy(LegacyFile),
    /// It reads no such checkpoint.
    Refused { why: String },
    /// It could not read the file.
    Failed { why: String },
}

/// The bytes of a file.
pub trait Source: Sync {
    /// How many there are.
    fn size(&self) -> u64;

    /// Reads a part.
    fn read(&self, range: Range<u64>) -> impl Future<Output = HubResult<Bytes>> + Send;
}

impl Source for Bytes {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> HubResult<Bytes> {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(self.len());
        let (start, end) = (place(range.start), place(range.end));
        Ok(self.slice(start..end.max(start)))
    }
}

/// Why a file was not looked at.
#[derive(Debug)]
pub enum Trouble {
    /// By the file's doing, and it would be so again: what is said of it.
    File(String),
    /// By nothing in the file: it can be tried again.
    Hub(HubError),
}

/// This program, so that it can be started once more: itself, also when a newer one lies in its place by then.
pub fn program() -> PathBuf {
    let own = Path::new("/proc/self/exe");
    if own.exists() { own.to_owned() } else { std::env::current_exe().unwrap_or_else(|_| PathBuf::from("hub")) }
}

/// The process, waiting for a file. Dropped, it is killed.
#[derive(Debug)]
pub struct Scanner {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    held: Held,
}

impl Scanner {
    /// Starts the process, and waits until its walls are up.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(program: &Path) -> HubResult<Self> {
        let mut command = Command::new(program);
        command.arg0("hub").arg("scan-one").env_clear().env(PIECES.0, PIECES.1).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Its own group: who stops the hub by Ctrl-C does not stop it in the middle of a file.
        let mut child = command.process_group(0).kill_on_drop(true).spawn().map_err(HubError::internal)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(HubError::internal("a process without pipes"));
        };
        let mut scanner = Self { child, input, output: BufReader::new(output), held: Held::default() };
        match timeout(STARTING, scanner.hear(MAX_LINE_BYTES)).await {
            Ok(Ok(Said::Ready(held))) => scanner.held = held,
            Ok(_) => {
                let complaint = scanner.complaint().await;
                return Err(HubError::internal(format!("the process that looks at files does not start: {complaint:?}")));
            }
            Err(_) => return Err(HubError::internal("the process that looks at files takes too long to start")),
        }
        tell_once(scanner.held);
        Ok(scanner)
    }

    /// What holds the process.
    pub fn held(&self) -> Held {
        self.held
    }

    /// Has it look at a file. After any trouble it is of no use any more.
    ///
    /// # Errors
    /// It cannot, by the file's doing or not.
    pub async fn look(&mut self, kind: Kind, source: &impl Source) -> Result<Seen, Trouble> {
        let request = Request::Look { kind: kind.as_str().to_owned(), size: source.size() };
        match self.ask(&request, source, MAX_LINE_BYTES).await? {
            Said::Seen(seen) => Ok(Seen { report: seen.report.bounded(), ..seen }),
            _ => Err(self.ended().await),
        }
    }

    /// Has it read the pickle of a checkpoint in a zip file, as [`Contents::parse`].
    ///
    /// # Errors
    /// As [`Scanner::look`].
    pub async fn pickle(&mut self, pickle: &Bytes) -> Result<Result<Contents, CheckpointError>, Trouble> {
        match self.ask(&Request::Pickle { size: pickle.size() }, pickle, MAX_CONTENTS_BYTES).await? {
            Said::Contents(contents) if is_bounded(&contents) => Ok(Ok(contents)),
            Said::Contents(_) => Ok(Err(TOO_MANY)),
            Said::Refused { why } => Ok(Err(refused(&why))),
            _ => Err(self.ended().await),
        }
    }

    /// Has it read the beginning of an older checkpoint, as [`LegacyFile::parse`].
    ///
    /// # Errors
    /// As [`Scanner::look`].
    pub async fn legacy(&mut self, head: &Bytes, file_bytes: u64) -> Result<Result<LegacyFile, CheckpointError>, Trouble> {
        match self.ask(&Request::Legacy { size: head.size(), file_bytes }, head, MAX_CONTENTS_BYTES).await? {
            Said::Legacy(file) if !is_bounded(&file.contents) => Ok(Err(TOO_MANY)),
            Said::Legacy(file) if is_inside(&file.ranges, file_bytes) => Ok(Ok(file)),
            Said::Refused { why } => Ok(Err(refused(&why))),
            _ => Err(self.ended().await),
        }
    }

    /// Asks it, gives it what it wants to see, and waits for the answer.
    async fn ask(&mut self, request: &Request, source: &impl Source, longest: u64) -> Result<Said, Trouble> {
        let mut head = serde_json::to_vec(request).map_err(|error| Trouble::Hub(HubError::internal(error)))?;
        head.push(b'\n');
        let (mut body, mut left) = (Bytes::new(), PATIENCE);
        for _ in 0..MAX_READS {
            let began = Instant::now();
            let said = match timeout(left, self.exchange(&head, &body, longest)).await {
                Ok(Ok(said)) => said,
                Ok(Err(_)) => return Err(self.ended().await),
                Err(_) => return Err(too_slow()),
            };
            left = left.saturating_sub(began.elapsed());
            match said {
                Said::Failed { why } => return Err(Trouble::Hub(HubError::internal(why))),
                Said::Read { at, count } if count <= BLOCK_BYTES => {
                    let end = at.saturating_add(count).min(source.size());
                    body = source.read(at.min(end)..end).await.map_err(Trouble::Hub)?;
                    let length = u32::try_from(body.len()).map_err(|error| Trouble::Hub(HubError::internal(error)))?;
                    head = length.to_le_bytes().to_vec();
                }
                Said::Read { .. } | Said::Ready(_) => return Err(self.ended().await),
                Said::Seen(_) | Said::Contents(_) | Said::Legacy(_) | Said::Refused { .. } => return Ok(said),
            }
        }
        Err(too_slow())
    }

    async fn exchange(&mut self, head: &[u8], body: &[u8], longest: u64) -> io::Result<Said> {
        self.input.write_all(head).await?;
        self.input.write_all(body).await?;
        self.input.flush().await?;
        self.hear(longest).await
    }

    async fn hear(&mut self, longest: u64) -> io::Result<Said> {
        let mut line = Vec::new();
        (&mut self.output).take(longest).read_until(b'\n', &mut line).await?;
        let is_long = line.len() > LONG_LINE_BYTES;
        let read = move || serde_json::from_slice::<Said>(&line);
        let said = if is_long { tokio::task::spawn_blocking(read).await? } else { read() };
        Ok(said?)
    }

    /// Why it says nothing more, or nonsense.
    async fn ended(&mut self) -> Trouble {
        let complaint = self.complaint().await;
        let status = match timeout(ENDING, self.child.wait()).await {
            Ok(Ok(status)) => Some(status),
            Ok(Err(error)) => return Trouble::Hub(HubError::internal(error)),
            Err(_) => None,
        };
        tracing::warn!(?status, complaint, "the process that looked at a file ended before it was done");
        judge(status)
    }

    /// What it wrote to its log, as far as that is there soon.
    async fn complaint(&mut self) -> String {
        let mut said = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let _ = timeout(ENDING, stderr.take(MAX_COMPLAINT_BYTES).read_to_end(&mut said)).await;
        }
        String::from_utf8_lossy(&said).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

fn too_slow() -> Trouble {
    Trouble::File("It takes too long to look at it.".to_owned())
}

/// Whether there is no more than a checkpoint may have, whoever says so.
fn is_bounded(contents: &Contents) -> bool {
    contents.tensor_count().max(contents.storages.len()) <= MAX_CHECKPOINT_TENSORS
}

fn is_inside(ranges: &[Range<u64>], file_bytes: u64) -> bool {
    ranges.iter().all(|range| range.start <= range.end && range.end <= file_bytes)
}

fn refused(why: &str) -> CheckpointError {
    let why = why.chars().filter(|c| !c.is_control()).take(MAX_REFUSAL_CHARS).collect();
    CheckpointError::Unsupported(why)
}

/// Whose doing an end is. Without one, it was stopped for what it said.
fn judge(status: Option<ExitStatus>) -> Trouble {
    let is = |signal: Signal| status.and_then(|status| status.signal()) == Some(signal.as_raw());
    if [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP].into_iter().any(is) {
        return Trouble::Hub(HubError::internal("the process that looks at files was stopped from outside"));
    }
    if is(Signal::XCPU) {
        return too_slow();
    }
    let why =
        if is(Signal::ABORT) { "It takes too much memory to look at it." } else { "The scanner failed when it looked at it." };
    Trouble::File(why.to_owned())
}

/// What does not hold here, in words; nothing where the walls are whole.
pub fn missing(held: Held) -> Option<String> {
    let walls = [(held.calls, "seccomp"), (held.files, "Landlock"), (held.limits, "limits of resources")];
    let missing: Vec<&str> = walls.iter().filter(|(holds, _)| !holds).map(|(_, name)| *name).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

/// Once in the life of a hub: every process would say the same.
fn tell_once(held: Held) {
    static TOLD: Once = Once::new();
    if let Some(missing) = missing(held) {
        TOLD.call_once(|| tracing::warn!(missing, "the process that looks at pushed files is held by less than it could be"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_doing_an_end_is() {
        let by = |signal: Signal| judge(Some(ExitStatus::from_raw(signal.as_raw())));
        for signal in [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP] {
            assert!(matches!(by(signal), Trouble::Hub(_)), "{signal:?}");
        }
        for (trouble, word) in [
            (by(Signal::XCPU), "too long"),
            (by(Signal::ABORT), "memory"),
            (by(Signal::SEGV), "failed"),
            (judge(Some(ExitStatus::from_raw(101 << 8))), "failed"),
            (judge(None), "failed"),
        ] {
            assert!(matches!(&trouble, Trouble::File(why) if why.contains(word)), "{trouble:?}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(missing(Held { limits: true, files: true, calls: true }), None);
        assert_eq!(missing(Held { limits: true, files: false, calls: true }).as_deref(), Some("Landlock"));
    }

    #[test]
    fn lines_are_short() {
        let line = serde_json::to_string(&Said::Read { at: 1, count: 2 }).unwrap();
        assert_eq!(line, r#"{"read":{"at":1,"count":2}}"#);
        // As many tokens as are kept, each as long as a hash can be written.
        let tokens = (0..crate::accounts::leaks::MOST).map(|number| {
            let mut hash = [255; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            hash
        });
        let most = serde_json::to_vec(&Said::Seen(Seen { tokens: tokens.collect(), ..Seen::default() })).unwrap();
        assert!((most.len() as u64) < MAX_LINE_BYTES / 2, "{}", most.len());
    }
}
