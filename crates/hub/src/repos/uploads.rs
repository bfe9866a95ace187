//! Files that come from a browser's form, one after the other: small texts go to git, the rest becomes large files, by the
//! rules that every upload follows. Memory does not depend on their sizes.

use std::fmt::Display;
use std::io::Write as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use hub_git::LfsRules;
use hub_types::{Oid, RepoPath};

use super::access::RepoWrite;
use super::api::preupload::{is_no_text, lfs_rules};
use super::commit::{FileContent, NewCommit, Operation, create_commit};
use super::reading;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects::receive::receive_unknown;

/// What the commit of an upload says.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// The first line of its message.
    pub summary: String,
    /// The rest.
    pub description: String,
    /// The commit the branch must be at.
    pub parent: Option<String>,
}

/// An upload in hand: nothing of it is seen before it is committed.
#[derive(Debug)]
pub struct FormUpload<'a> {
    app: &'a App,
    write: &'a RepoWrite,
    revision: String,
    rules: LfsRules,
    spool: Arc<std::fs::File>,
    spooled: u64,
    operations: Vec<Operation>,
}

impl<'a> FormUpload<'a> {
    /// Begins an upload to a branch.
    ///
    /// # Errors
    /// 404 for an unknown branch.
    pub async fn begin(app: &'a App, write: &'a RepoWrite, revision: &str) -> HubResult<Self> {
        let commit = reading::resolve(app, &write.repo, revision).await?;
        let rules = reading::read(app, &write.repo, move |reader| lfs_rules(reader, commit)).await?;
        let spool = Arc::new(tempfile::tempfile()?);
        Ok(Self { app, write, revision: revision.to_owned(), rules, spool, spooled: 0, operations: Vec::new() })
    }

    /// How many files have come.
    pub fn count(&self) -> usize {
        self.operations.len()
    }

    /// Takes a file.
    ///
    /// # Errors
    /// 400 when the bytes break off.
    pub async fn add<S, E>(&mut self, path: RepoPath, bytes: S) -> HubResult<()>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Display,
    {
        // Asked again after its end below, which not every stream bears.
        let mut bytes = bytes.fuse();
        let limit = usize::try_from(self.app.config.inline_limit_bytes).unwrap_or(usize::MAX);
        let mut start = BytesMut::new();
        while start.len() <= limit {
            let Some(part) = bytes.next().await else {
                if start.is_empty() || !(self.rules.is_lfs(path.as_str()) || is_no_text(&start)) {
                    return self.keep_text(path, start.freeze()).await;
                }
                break;
            };
            let broken =
                |error: E| HubError::bad_request(format!("The upload broke off ({error}). Nothing was changed; try again."));
            start.extend_from_slice(&part.map_err(broken)?);
        }
        let rest = bytes.map(|part| part.map_err(|error| error.to_string()));
        let whole = stream::iter([Ok(start.freeze())]).chain(rest);
        let (oid, size) = receive_unknown(self.app, self.write.repo.pk, whole).await?;
        self.operations.push(Operation::AddLfs { path, oid, size: Some(size) });
        Ok(())
    }

    async fn keep_text(&mut self, path: RepoPath, text: Bytes) -> HubResult<()> {
        let (spool, offset, len) = (Arc::clone(&self.spool), self.spooled, text.len() as u64);
        tokio::task::spawn_blocking(move || (&*spool).write_all(&text)).await??;
        self.spooled += len;
        let content = FileContent::Spooled { file: Arc::clone(&self.spool), offset, len };
        self.operations.push(Operation::AddFile { path, content });
        Ok(())
    }

    /// Commits what has come.
    ///
    /// # Errors
    /// As [`create_commit`].
    pub async fn commit(self, note: Note) -> HubResult<Oid> {
        let new = NewCommit {
            revision: self.revision,
            summary: note.summary,
            description: note.description,
            parent: note.parent,
            operations: self.operations,
        };
        create_commit(self.app, self.write, new).await
    }
}
