//! Letting a repository have large files that another one has: what a client asks before it commits copies. No bytes move.

use hub_types::{RepoId, RepoType, Sha256, XetHash};

use super::access::{self, RepoContent};
use crate::app::App;
use crate::error::HubResult;
use crate::fetches::Content;
use crate::{objects, recalls, xet};

/// The most files that are shared at once.
pub const MAX_FILES: usize = 1000;

/// A file as whoever wants it knows it.
#[derive(Debug, Clone, Copy)]
pub struct WantedFile {
    /// The hash of its chunks.
    pub hash: XetHash,
    /// Its SHA-256.
    pub oid: Sha256,
}

/// A file that the target did not get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its SHA-256.
    pub oid: Sha256,
    /// The sentence for the person.
    pub error: String,
}

/// Lets `target` have files of `source`, and gives those it did not get. Only what the source has is shared, so the viewer
/// gains nothing that they could not download.
///
/// # Errors
/// 404 and 403 for a target that the viewer may not see or write to, 403 for a source that moderators disabled.
pub async fn share_files(
    app: &App,
    source: &RepoContent,
    target: (RepoType, &RepoId),
    wanted: &[WantedFile],
) -> HubResult<Vec<Failure>> {
    source.require_copyable()?;
    let (repo_type, id) = target;
    let target = access::find_readable(app, &source.viewer, repo_type, id.namespace(), id.name()).await?.into_write()?;
    let hashes: Vec<XetHash> = wanted.iter().map(|file| file.hash).collect();
    let contents: Vec<Content> = wanted.iter().map(|file| Content::Large(file.oid)).collect();
    let recalled = recalls::among(app, source.repo.pk, &contents).await?;
    let mut tx = app.begin().await?;
    let held = xet::queries::list_held_files(&mut *tx, source.repo.pk, &hashes).await?;
    let is_held = |file: &&WantedFile| {
        let is_its = held.get(&file.hash).is_some_and(|(oid, _)| *oid == file.oid);
        is_its && !recalled.contains_key(&Content::Large(file.oid))
    };
    let oids: Vec<Sha256> = wanted.iter().filter(is_held).map(|file| file.oid).collect();
    let shared = objects::link(&mut tx, target.repo.pk, &oids).await?;
    tx.commit().await?;
    let failed = wanted.iter().filter(|file| !shared.contains(&file.oid));
    Ok(failed.map(|file| Failure { oid: file.oid, error: not_at_source(source, file) }).collect())
}

fn not_at_source(source: &RepoContent, file: &WantedFile) -> String {
    let (repo_type, id) = (source.repo.repo_type, &source.repo.id);
    format!("The {repo_type} {id} has no file with the hash {} and the SHA-256 {}.", file.hash, file.oid)
}
