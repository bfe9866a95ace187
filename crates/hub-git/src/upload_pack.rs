//! The server's side of a clone or fetch: `git upload-pack` over a repository on local disk.
//!
//! Answers are streamed through a small channel, so memory does not depend on the size of a pack. The
//! process ends when the reader goes away or stops reading.

use std::process::Stdio;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::pkt_line::{write_flush, write_packet};
use crate::process::{Git, Process, ProcessError, git_command};
use crate::repo_view::RepoView;

/// Bytes per message to the reader; with the channel's length this bounds the memory of a fetch.
const CHUNK_BYTES: usize = 64 * 1024;
const CHANNEL_CHUNKS: usize = 4;
/// A client that takes nothing for this long has gone, even if its connection has not.
const STALL: Duration = Duration::from_secs(120);

/// The most a client says in one conversation: a negotiation of HTTP's largest size, some times over.
const MAX_SAID_BYTES: u64 = 64 * 1024 * 1024;

/// What clients may ask for. Sparse filters are left out: they name a blob whose patterns the server
/// would match against every path. Any id may be wanted because lazy fetches of a partial clone name blobs.
const CONFIG: [&str; 8] = [
    "uploadpack.allowFilter=true",
    "uploadpack.allowAnySHA1InWant=true",
    "uploadpackfilter.allow=false",
    "uploadpackfilter.blob:none.allow=true",
    "uploadpackfilter.blob:limit.allow=true",
    "uploadpackfilter.tree.allow=true",
    "uploadpackfilter.object:type.allow=true",
    "uploadpackfilter.combine.allow=true",
];

/// The answer to a fetch, in order. It ends with the channel; an error means that the answer is not whole.
pub type FetchAnswer = mpsc::Receiver<std::io::Result<Bytes>>;

/// The version of the wire protocol that a client asked for by `Git-Protocol`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProtocolVersion(Option<String>);

impl ProtocolVersion {
    /// Takes the header's value; one that cannot be a list of git's `key=value` pairs counts as absent.
    pub fn from_header(value: Option<&str>) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b':' | b'-' | b'.' | b'_');
        Self(value.filter(|value| value.len() <= 100 && value.bytes().all(plain)).map(str::to_owned))
    }

    /// Whether it is version 2.
    pub fn is_v2(&self) -> bool {
        self.0.as_deref().is_some_and(|value| value.split(':').any(|pair| pair == "version=2"))
    }
}

impl Git {
    /// Answers `GET …/info/refs?service=git-upload-pack`. The view lives as long as it is needed.
    ///
    /// # Errors
    /// Too much is running, or git cannot be started.
    pub async fn advertise_for_fetch(&self, view: RepoView, version: &ProtocolVersion) -> Result<FetchAnswer, ProcessError> {
        let mut preamble = Vec::new();
        if !version.is_v2() {
            write_packet(&mut preamble, b"# service=git-upload-pack\n");
            write_flush(&mut preamble);
        }
        self.upload_pack(view, version, &["--stateless-rpc", "--http-backend-info-refs"], preamble.into(), None).await
    }

    /// The answer to `GET …/info/refs?service=git-upload-pack` in version 2: what git can do, which is the same for every
    /// repository and asked for only once. `view` may be of any.
    ///
    /// # Errors
    /// As for [`Git::advertise_for_fetch`], and if git ends early.
    pub async fn capabilities(&self, view: impl Future<Output = std::io::Result<RepoView>>) -> Result<Bytes, ProcessError> {
        let ask = || async {
            let view = view.await.map_err(ProcessError::Start)?;
            let version = ProtocolVersion(Some("version=2".to_owned()));
            let mut answer = self.advertise_for_fetch(view, &version).await?;
            let mut text = BytesMut::new();
            while let Some(chunk) = answer.recv().await {
                text.extend_from_slice(&chunk.map_err(ProcessError::Start)?);
            }
            Ok(text.freeze())
        };
        self.capabilities.get_or_try_init(ask).await.cloned()
    }

    /// Answers `POST …/git-upload-pack` with the given body.
    ///
    /// # Errors
    /// As for [`Git::advertise_for_fetch`].
    pub async fn answer_fetch(
        &self,
        view: RepoView,
        version: &ProtocolVersion,
        request: Bytes,
    ) -> Result<FetchAnswer, ProcessError> {
        self.upload_pack(view, version, &["--stateless-rpc"], Bytes::new(), Some(request)).await
    }

    /// Serves a fetch over a connection that stays open, as SSH has it: what the client says comes from `reader`, what git says
    /// goes to `writer`, until git is done. Returns whether the client wanted objects.
    ///
    /// # Errors
    /// Too much is running, git cannot be started or ends early, or the client goes away or takes nothing for minutes.
    pub async fn converse_fetch<R, W>(
        &self,
        view: &RepoView,
        version: &ProtocolVersion,
        reader: R,
        writer: &mut W,
    ) -> Result<bool, ProcessError>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let _turn = self.fetch_turn().await?;
        let mut command = git_command(view.git_dir(), &CONFIG);
        if let Some(version) = &version.0 {
            command.env("GIT_PROTOCOL", version);
        }
        let timeout = format!("--timeout={}", STALL.as_secs());
        command.args(["upload-pack", "--strict", &timeout, "."]).stdin(Stdio::piped());
        let mut process = Process::start(command)?;
        let missing = || ProcessError::Start(std::io::Error::other("git has no pipes"));
        let stdin = process.take_stdin().ok_or_else(missing)?;
        let mut stdout = process.take_stdout().ok_or_else(missing)?;
        let mut wanted = false;
        let said = hand_in(reader, stdin, &mut wanted);
        let answered = async {
            let mut chunk = vec![0; CHUNK_BYTES];
            loop {
                let count = stdout.read(&mut chunk).await?;
                let Some(part) = chunk.get(..count).filter(|part| !part.is_empty()) else { return writer.flush().await };
                let sent = tokio::time::timeout(STALL, writer.write_all(part)).await;
                sent.unwrap_or_else(|_elapsed| Err(std::io::ErrorKind::TimedOut.into()))?;
            }
        };
        let done = tokio::select! {
            done = answered => done,
            refused = said => Err(refused),
        };
        done.map_err(ProcessError::Broken)?;
        let (status, complaints) = process.wait().await.map_err(ProcessError::Broken)?;
        if !status.success() {
            tracing::debug!(%status, complaints = complaints.trim(), "git upload-pack ended early");
            return Err(ProcessError::Broken(std::io::Error::other("git upload-pack ended early")));
        }
        Ok(wanted)
    }

    async fn upload_pack(
        &self,
        view: RepoView,
        version: &ProtocolVersion,
        arguments: &[&str],
        preamble: Bytes,
        request: Option<Bytes>,
    ) -> Result<FetchAnswer, ProcessError> {
        let turn = self.fetch_turn().await?;
        let mut command = git_command(view.git_dir(), &CONFIG);
        if let Some(version) = &version.0 {
            command.env("GIT_PROTOCOL", version);
        }
        command.args(["upload-pack", "--strict"]).args(arguments).arg(".");
        if request.is_some() {
            command.stdin(Stdio::piped());
        }
        let process = Process::start(command)?;
        let (sender, receiver) = mpsc::channel(CHANNEL_CHUNKS);
        tokio::spawn(pump(process, sender, preamble, request, (turn, view)));
        Ok(receiver)
    }
}

/// Gives git what the client says. Comes to an end only when the client says too much; after its last word git goes on.
async fn hand_in<R: AsyncRead + Unpin>(reader: R, mut stdin: ChildStdin, wanted: &mut bool) -> std::io::Error {
    let mut reader = reader.take(MAX_SAID_BYTES);
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(count @ 1..) = reader.read(&mut chunk).await {
        let part = chunk.get(..count).unwrap_or_default();
        *wanted |= part.windows(5).any(|part| part == b"want ");
        if stdin.write_all(part).await.is_err() {
            break;
        }
    }
    if reader.limit() == 0 {
        return std::io::Error::other("the client says more than a fetch needs");
    }
    drop(stdin);
    std::future::pending().await
}

/// Moves the request in and the answer out until either side is done.
async fn pump(
    mut process: Process,
    sender: mpsc::Sender<std::io::Result<Bytes>>,
    preamble: Bytes,
    request: Option<Bytes>,
    _held: (OwnedSemaphorePermit, RepoView),
) {
    if let (Some(mut stdin), Some(request)) = (process.take_stdin(), request) {
        // Beside the loop below: upload-pack answers while it still reads.
        tokio::spawn(async move {
            let _ = stdin.write_all(&request).await;
        });
    }
    if !preamble.is_empty() && sender.send(Ok(preamble)).await.is_err() {
        return;
    }
    let Some(mut stdout) = process.take_stdout() else { return };
    let mut last = Bytes::new();
    loop {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let read = tokio::select! {
            read = stdout.read_buf(&mut chunk) => read,
            () = sender.closed() => return,
        };
        let message = match read {
            Ok(0) => break,
            Ok(_) => {
                last = chunk.freeze();
                Ok(last.clone())
            }
            Err(error) => Err(error),
        };
        let failed = message.is_err();
        let sent = tokio::time::timeout(STALL, sender.send(message)).await;
        if failed || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
    if let Ok((status, complaints)) = process.wait().await
        && !status.success()
    {
        // Git has told the client why: its answer is whole.
        if last.len() <= 4096 && last.windows(4).any(|word| word == b"ERR ") {
            return;
        }
        tracing::debug!(%status, complaints = complaints.trim(), "git upload-pack ended early");
        let _ = sender.send(Err(std::io::Error::other("git upload-pack ended early"))).await;
    }
}

#[cfg(test)]
mod tests;
