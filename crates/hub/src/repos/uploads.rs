//! Files that come from a browser's form, one after the other: small texts go to git, the rest becomes large files, by the
//! rules that every upload follows. Memory does not depend on their sizes.

use std::fmt::Display;
use std::io::Write as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use hub_git::LfsRules;
use hub_types::RepoPath;

use super::api::preupload::{is_no_text, lfs_rules};
use super::commit::{FileContent, NewCommit, Operation};
use super::discussions::number_of_ref;
use super::queries::Repo;
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

/// What becomes of large files of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LargeFiles {
    /// The hub takes them.
    Take,
    /// They are refused: they come in chunks from those who may only propose.
    Refuse,
}

/// How many bytes of files that go to git somebody may send at once who may only propose: as many as a hundred of the largest have.
/// The room of the owner is asked for when they are packed, which is long after they have come.
pub fn most_proposed(app: &App) -> u64 {
    app.config.inline_limit_bytes.saturating_mul(100)
}

/// An upload in hand: nothing of it is seen before it is committed.
#[derive(Debug)]
pub struct FormUpload<'a> {
    app: &'a App,
    repo: &'a Repo,
    large_files: LargeFiles,
    revision: String,
    rules: LfsRules,
    spool: Arc<std::fs::File>,
    spooled: u64,
    operations: Vec<Operation>,
}

impl<'a> FormUpload<'a> {
    /// Begins an upload to a revision. The caller has made sure that the viewer may send to it.
    ///
    /// # Errors
    /// 404 for an unknown revision.
    pub(super) async fn begin(app: &'a App, repo: &'a Repo, revision: &str, large_files: LargeFiles) -> HubResult<Self> {
        let commit = reading::resolve(app, repo, revision).await?;
        let rules = reading::read(app, repo, move |reader| lfs_rules(reader, commit)).await?;
        let spool = Arc::new(tempfile::tempfile()?);
        let revision = revision.to_owned();
        Ok(Self { app, repo, large_files, revision, rules, spool, spooled: 0, operations: Vec::new() })
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
        if self.large_files == LargeFiles::Refuse {
            return Err(self.refusal(&path));
        }
        let rest = bytes.map(|part| part.map_err(|error| error.to_string()));
        let whole = stream::iter([Ok(start.freeze())]).chain(rest);
        let (oid, size) = receive_unknown(self.app, self.repo.pk, whole).await?;
        self.operations.push(Operation::AddLfs { path, oid, size: Some(size) });
        Ok(())
    }

    /// 422: a large file of somebody who may only propose.
    fn refusal(&self, path: &RepoPath) -> HubError {
        let option = match number_of_ref(&self.revision) {
            Some(_) => format!("--revision {}", self.revision),
            None => "--create-pr".to_owned(),
        };
        HubError::unprocessable(format!(
            "`{path}` is large or no text. In the browser, such files are taken from those who may write to the repository. \
             Propose it with `hf upload {} … {option}{}`, which sends it in chunks.",
            self.repo.id,
            self.repo.repo_type.hf_option()
        ))
    }

    async fn keep_text(&mut self, path: RepoPath, text: Bytes) -> HubResult<()> {
        let (spool, offset, len) = (Arc::clone(&self.spool), self.spooled, text.len() as u64);
        let most = most_proposed(self.app);
        if self.large_files == LargeFiles::Refuse && offset.saturating_add(len) > most {
            return Err(HubError::proposal_too_large(most));
        }
        tokio::task::spawn_blocking(move || (&*spool).write_all(&text)).await??;
        self.spooled += len;
        let content = FileContent::Spooled { file: Arc::clone(&self.spool), offset, len };
        self.operations.push(Operation::AddFile { path, content });
        Ok(())
    }

    /// What has come, as a commit to make.
    pub fn into_commit(self, note: Note) -> NewCommit {
        NewCommit {
            revision: self.revision,
            summary: note.summary,
            description: note.description,
            parent: note.parent,
            operations: self.operations,
        }
    }
}
