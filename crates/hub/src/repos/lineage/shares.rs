//! Which other repositories have the same bytes: whole files with one SHA-256, and files with chunks in common.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use chrono::{DateTime, Utc};
use hub_types::{Sha256, XetHash};
use hub_xet::Term;

use crate::app::App;
use crate::error::HubResult;
use crate::objects;
use crate::repos::queries::lineage::{NeighbourLimits, list_holders, list_neighbours};
use crate::repos::visibility::Visibility;
use crate::repos::{Repo, reading};
use crate::xet;

/// How many entries of the default branch are looked at.
const MAX_ENTRIES: usize = 2_000;
/// How many repositories with one file.
const MAX_HOLDERS: i64 = 40;
/// Fifty files of other repositories are compared chunk by chunk; see [`NeighbourLimits`].
const NEIGHBOURS: NeighbourLimits = NeighbourLimits { xorbs: 20_000, files_of_xorb: 500, holders: 10, files: 50 };

/// What the default branch shares with one other repository.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared {
    /// Bytes of this repository's large files that the other one has too.
    pub bytes: u64,
    /// Paths of files that the other one has as they are.
    pub identical: BTreeSet<String>,
    /// Since when the other repository has any of it.
    pub since: Option<DateTime<Utc>>,
    /// Since when this repository has any of it.
    pub here_since: Option<DateTime<Utc>>,
}

/// What the default branch shares, by repository.
#[derive(Debug, Default)]
pub(super) struct Shares {
    /// The size of all large files of the default branch, in bytes.
    pub total_bytes: u64,
    /// What it shares with whom.
    pub by_repo: HashMap<i64, Shared>,
}

struct File {
    path: String,
    oid: Sha256,
    size: u64,
    since: Option<DateTime<Utc>>,
}

/// Finds what the default branch shares with repositories that the viewer sees. Files are looked for in all their
/// revisions: deleting a file does not unmake its being a source.
pub(super) async fn find(app: &App, repo: &Repo, visible: &Visibility) -> HubResult<Shares> {
    let mut files = large_files(app, repo).await?;
    let oids: Vec<Sha256> = files.iter().map(|file| file.oid).collect();
    let since = objects::list_held_since(&app.pool, repo.pk, &oids).await?;
    files.iter_mut().for_each(|file| file.since = since.get(&file.oid).copied());
    let mut shares = Shares { total_bytes: files.iter().map(|file| file.size).sum(), by_repo: HashMap::new() };
    if files.is_empty() {
        return Ok(shares);
    }
    for holder in list_holders(&app.pool, visible, repo.pk, &oids, MAX_HOLDERS).await? {
        let shared = shares.note(holder.repo_pk, holder.since);
        for file in files.iter().filter(|file| file.oid == holder.oid) {
            if shared.identical.insert(file.path.clone()) {
                shared.add(file, file.size);
            }
        }
    }
    add_chunks(app, repo, visible, &files, &mut shares).await?;
    shares.by_repo.retain(|_, shared| shared.bytes > 0);
    Ok(shares)
}

impl Shared {
    fn add(&mut self, file: &File, bytes: u64) {
        if bytes > 0 {
            self.bytes += bytes;
            self.here_since = [self.here_since, file.since].into_iter().flatten().min();
        }
    }
}

impl Shares {
    fn note(&mut self, repo_pk: i64, since: DateTime<Utc>) -> &mut Shared {
        let shared = self.by_repo.entry(repo_pk).or_default();
        shared.since = Some(shared.since.map_or(since, |known| known.min(since)));
        shared
    }
}

async fn large_files(app: &App, repo: &Repo) -> HubResult<Vec<File>> {
    let Some(head) = repo.head_oid else { return Ok(Vec::new()) };
    let page = reading::read(app, repo, move |reader| reader.walk(head, "", None, MAX_ENTRIES)).await?;
    let large = page.entries.into_iter().filter_map(|entry| {
        let pointer = entry.lfs?;
        Some(File { path: entry.path, oid: pointer.oid, size: pointer.size, since: None })
    });
    Ok(large.collect())
}

/// Adds the chunks of files that are not there whole.
async fn add_chunks(app: &App, repo: &Repo, visible: &Visibility, files: &[File], shares: &mut Shares) -> HubResult<()> {
    let oids: Vec<Sha256> = files.iter().map(|file| file.oid).collect();
    let held = objects::list_held(&app.pool, repo.pk, &oids).await?;
    let mut theirs: HashMap<i64, Vec<XetHash>> = HashMap::new();
    for near in list_neighbours(&app.pool, visible, repo.pk, &oids, NEIGHBOURS).await? {
        shares.note(near.repo_pk, near.since);
        theirs.entry(near.repo_pk).or_default().extend(near.file_hash);
    }
    for (repo_pk, hashes) in theirs {
        let mut chunks = Chunks::default();
        for hash in hashes {
            if let Some(file) = xet::read::find(app, &hash).await? {
                chunks.add(&file.terms);
            }
        }
        let Some(shared) = shares.by_repo.get_mut(&repo_pk) else { continue };
        for file in files.iter().filter(|file| !shared.identical.contains(&file.path)).collect::<Vec<_>>() {
            let Some(hash) = held.get(&file.oid).and_then(|held| held.file_hash) else { continue };
            if let Some(mine) = xet::read::find(app, &hash).await? {
                shared.add(file, chunks.bytes_of(&mine.terms));
            }
        }
    }
    Ok(())
}

/// Runs of chunks by xorb.
#[derive(Debug, Default)]
struct Chunks(HashMap<XetHash, Vec<Range<u32>>>);

impl Chunks {
    fn add(&mut self, terms: &[Term]) {
        for term in terms {
            let runs = self.0.entry(term.xorb).or_default();
            runs.push(term.start..term.end);
            runs.sort_by_key(|run| run.start);
            runs.dedup_by(|next, run| {
                let touches = next.start <= run.end;
                if touches {
                    run.end = run.end.max(next.end);
                }
                touches
            });
        }
    }

    /// How many bytes of a file lie in these chunks. Of a run that is shared in part, the bytes are counted by the number of
    /// chunks: exact to the sizes of a few chunks (of 64 kB).
    fn bytes_of(&self, terms: &[Term]) -> u64 {
        terms
            .iter()
            .map(|term| {
                let runs = self.0.get(&term.xorb).map(Vec::as_slice).unwrap_or_default();
                let common = |run: &Range<u32>| u64::from(run.end.min(term.end).saturating_sub(run.start.max(term.start)));
                let shared: u64 = runs.iter().map(common).sum();
                u64::from(term.raw_len) * shared / u64::from(term.end.saturating_sub(term.start)).max(1)
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_chunks_are_counted_once() {
        let term = |xorb: u8, start, end, raw_len| Term { xorb: XetHash::from_bytes([xorb; 32]), start, end, raw_len };
        let mut chunks = Chunks::default();
        chunks.add(&[term(1, 0, 10, 1000), term(1, 5, 15, 1000), term(2, 0, 4, 400), term(1, 20, 30, 1000)]);
        assert_eq!(chunks.bytes_of(&[term(1, 0, 20, 2000), term(2, 2, 6, 400), term(3, 0, 9, 900)]), 1500 + 200);
        assert_eq!(chunks.bytes_of(&[term(1, 15, 20, 500)]), 0);
    }
}
