//! Reads a commit body line by line as it arrives: one JSON object per line, file contents spooled to disk
//! beyond a few megabytes, so that memory does not grow with the commit.

use std::io::Write as _;
use std::sync::Arc;

use actix_web::dev::Payload;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use hub_types::{RepoPath, Sha256};
use serde::Deserialize;

use crate::error::{HubError, HubResult};
use crate::repos::commit::{FileContent, Operation};

/// The most operations in one commit.
const MAX_OPERATIONS: usize = 1_000_000;
/// Contents up to this size stay in memory, in bytes.
const KEEP_BYTES: usize = 64 * 1024;

/// The first line.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    /// The first line of the commit message.
    #[serde(default)]
    pub summary: Option<String>,
    /// The rest of it.
    #[serde(default)]
    pub description: Option<String>,
    /// The commit the branch must be at.
    #[serde(default)]
    pub parent_commit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "key", content = "value", rename_all = "camelCase")]
enum Line {
    Header(Header),
    File { path: String, content: String, encoding: Option<String> },
    LfsFile { path: String, algo: Option<String>, oid: String, size: Option<u64> },
    DeletedFile { path: String },
    DeletedFolder { path: String },
    DeletedEntry { path: String },
}

/// A commit as the client sent it.
#[derive(Debug, Default)]
pub(super) struct CommitBody {
    /// Message and parent.
    pub header: Header,
    /// What to do, in order.
    pub operations: Vec<Operation>,
}

/// Reads the body to its end.
///
/// # Errors
/// 400 for what is not a commit, 413 for a file that git should not hold and for more than `most` bytes of files, 422 for a forbidden
/// path.
pub(super) async fn read_commit(payload: &mut Payload, inline_limit: u64, most: u64) -> HubResult<CommitBody> {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(16);
    // Parsing and decoding megabytes would hold up the other requests of this thread.
    let parsing = tokio::task::spawn_blocking(move || parse(receiver, inline_limit, most));
    let mut broken = None;
    while let Some(part) = payload.next().await {
        match part {
            Ok(part) => {
                // A closed channel means that the parser has given up; its error is the answer.
                if sender.send(part).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                broken = Some(HubError::bad_request(format!("The commit broke off: {error}. Nothing was changed.")));
                break;
            }
        }
    }
    drop(sender);
    let body = parsing.await?;
    match broken {
        Some(error) => Err(error),
        None => body,
    }
}

fn parse(mut parts: tokio::sync::mpsc::Receiver<Bytes>, inline_limit: u64, most: u64) -> HubResult<CommitBody> {
    let mut reader = Reader::new(inline_limit, most)?;
    let mut rest = BytesMut::new();
    // Base64 adds a third; the rest is path and punctuation.
    let line_limit = usize::try_from(inline_limit).unwrap_or(usize::MAX).saturating_mul(4) / 3 + 64 * 1024;
    while let Some(part) = parts.blocking_recv() {
        let mut from = rest.len();
        rest.extend_from_slice(&part);
        while let Some(at) = rest.get(from..).and_then(|tail| tail.iter().position(|byte| *byte == b'\n')) {
            let line = rest.split_to(from + at + 1);
            reader.line(&line)?;
            from = 0;
        }
        if rest.len() > line_limit {
            return Err(too_large(inline_limit, None));
        }
    }
    reader.line(&rest)?;
    reader.finish()
}

fn too_large(limit: u64, path: Option<&str>) -> HubError {
    let which = path.map_or_else(|| "A file".to_owned(), |path| format!("`{path}`"));
    HubError::too_large(format!("{which} is larger than {limit} bytes, the most that git holds here. Upload it as an LFS file."))
}

struct Reader {
    inline_limit: u64,
    /// How many bytes of files may come.
    most: u64,
    /// How many have come.
    taken: u64,
    spool: Arc<std::fs::File>,
    spooled: u64,
    seen_header: bool,
    /// Lines that were not empty.
    lines: usize,
    body: CommitBody,
}

impl Reader {
    fn new(inline_limit: u64, most: u64) -> HubResult<Self> {
        let spool = Arc::new(tempfile::tempfile()?);
        let body = CommitBody::default();
        Ok(Self { inline_limit, most, taken: 0, spool, spooled: 0, seen_header: false, lines: 0, body })
    }

    fn line(&mut self, line: &[u8]) -> HubResult<()> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        if self.body.operations.len() >= MAX_OPERATIONS {
            return Err(HubError::too_large(format!("A commit holds at most {MAX_OPERATIONS} operations. Split it.")));
        }
        self.lines += 1;
        let number = self.lines;
        let line: Line = serde_json::from_slice(line)
            .map_err(|error| HubError::bad_request(format!("Line {number} of the commit cannot be read: {error}")))?;
        match line {
            Line::Header(header) if !self.seen_header => {
                self.seen_header = true;
                self.body.header = header;
                return Ok(());
            }
            Line::Header(_) => return Err(HubError::bad_request("A commit has one header line, as its first.")),
            _ if !self.seen_header => return Err(HubError::bad_request("The first line of a commit must be its header.")),
            Line::File { path, content, encoding } => self.file(&path, content, encoding.as_deref())?,
            Line::LfsFile { path, algo, oid, size } => self.lfs_file(&path, algo.as_deref(), &oid, size)?,
            Line::DeletedFile { path } => self.push(Operation::DeleteFile(RepoPath::new(&path)?)),
            Line::DeletedFolder { path } => self.push(Operation::DeleteFolder(RepoPath::new(&path)?)),
            Line::DeletedEntry { path } if path.ends_with('/') => self.push(Operation::DeleteFolder(RepoPath::new(&path)?)),
            Line::DeletedEntry { path } => self.push(Operation::DeleteEntry(RepoPath::new(&path)?)),
        }
        Ok(())
    }

    fn push(&mut self, operation: Operation) {
        self.body.operations.push(operation);
    }

    fn file(&mut self, path: &str, content: String, encoding: Option<&str>) -> HubResult<()> {
        let checked = RepoPath::new(path)?;
        let bytes = match encoding {
            Some("base64") => STANDARD
                .decode(content)
                .map_err(|_| HubError::bad_request(format!("The content of `{checked}` is not valid base64.")))?,
            None | Some("utf-8" | "utf8") => content.into_bytes(),
            Some(other) => return Err(HubError::bad_request(format!("`{other}` is not an encoding: use `base64` or `utf-8`."))),
        };
        if bytes.len() as u64 > self.inline_limit {
            return Err(too_large(self.inline_limit, Some(path)));
        }
        let content = self.keep(bytes)?;
        self.push(Operation::AddFile { path: checked, content });
        Ok(())
    }

    fn keep(&mut self, bytes: Vec<u8>) -> HubResult<FileContent> {
        self.taken = self.taken.saturating_add(bytes.len() as u64);
        if self.taken > self.most {
            return Err(HubError::proposal_too_large(self.most));
        }
        if bytes.len() <= KEEP_BYTES {
            return Ok(FileContent::Bytes(bytes));
        }
        (&*self.spool).write_all(&bytes)?;
        let offset = self.spooled;
        self.spooled += bytes.len() as u64;
        Ok(FileContent::Spooled { file: Arc::clone(&self.spool), offset, len: bytes.len() as u64 })
    }

    fn lfs_file(&mut self, path: &str, algo: Option<&str>, oid: &str, size: Option<u64>) -> HubResult<()> {
        if !matches!(algo, None | Some("sha256" | "sha_256")) {
            return Err(HubError::bad_request("The only `algo` for LFS files is `sha256`."));
        }
        let oid: Sha256 = oid.parse().map_err(|error| HubError::bad_request(format!("The `oid` of `{path}`: {error}.")))?;
        let path = RepoPath::new(path)?;
        self.push(Operation::AddLfs { path, oid, size });
        Ok(())
    }

    fn finish(self) -> HubResult<CommitBody> {
        if !self.seen_header {
            return Err(HubError::bad_request("The commit is empty: its first line must be a header."));
        }
        Ok(self.body)
    }
}
