//! Reading what is in repositories: revisions, entries, history. For pages, the API and downloads alike.
//!
//! Reads run on blocking threads, at most a few at once, so that a burst of them cannot take all threads or
//! the disk. What is kept is keyed by repository and commit id, and so is never stale.

mod errors;
mod revision;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hub_git::{CommitInfo, Entry, GitReader, LastCommitsHelp};
use hub_types::Oid;
use moka::{future, sync};
use tokio::sync::Semaphore;

use super::merging::{self, Outcome};
use super::queries::{self, Repo};
use crate::app::App;
use crate::error::{HubError, HubResult};

pub use revision::{resolve, resolve_branch};

/// Entries kept, each some hundred bytes.
const MAX_ENTRIES: u64 = 100_000;
/// Bytes of small files kept, all together.
const MAX_BLOBS_BYTES: u64 = 32 * 1024 * 1024;
/// The largest file that is kept.
const MAX_KEPT_BLOB_BYTES: usize = 256 * 1024;
/// The largest file that is read into memory, though a push may have been allowed more once.
const MAX_BLOB_BYTES: u64 = 64 * 1024 * 1024;
/// Commits kept.
const MAX_COMMITS: u64 = 50_000;
/// Merges whose outcome is kept, each some hundred bytes.
const MAX_MERGES: u64 = 10_000;
/// Names of folders whose last commits are kept, summed over the folders.
const MAX_LAST_COMMITS: u64 = 200_000;
/// How long the last commits of a folder are searched for. What is not found by then is shown without.
const LAST_COMMITS_PATIENCE: Duration = Duration::from_secs(10);

/// The caches of one node, and how many reads may run at once.
#[derive(Debug, Clone)]
pub struct Reading {
    permits: Arc<Semaphore>,
    entries: sync::Cache<(i64, Oid, String), Option<Arc<Entry>>>,
    blobs: sync::Cache<(i64, Oid), Bytes>,
    commits: sync::Cache<(i64, Oid), Arc<CommitInfo>>,
    counts: sync::Cache<(i64, Oid), u64>,
    merges: future::Cache<(i64, Oid, Oid), Outcome>,
    sizes: sync::Cache<(i64, Oid, String), u64>,
    last_commits: future::Cache<(i64, Oid, String), Arc<LastCommits>>,
    /// The same, for walks to look into: what is known of a commit spares walking on from it.
    earlier_commits: sync::Cache<(i64, Oid, String), Arc<LastCommits>>,
}

fn weight(names: &LastCommits) -> u32 {
    u32::try_from(names.len() + 1).unwrap_or(u32::MAX)
}

/// For the names in a folder, the commit that last changed each.
pub type LastCommits = HashMap<String, Arc<CommitInfo>>;

impl Default for Reading {
    fn default() -> Self {
        let parallel = std::thread::available_parallelism().map_or(4, |cores| cores.get() * 4);
        let hour = Duration::from_secs(3600);
        Self {
            permits: Arc::new(Semaphore::new(parallel)),
            entries: sync::Cache::builder().max_capacity(MAX_ENTRIES).time_to_idle(hour).build(),
            blobs: sync::Cache::builder()
                .weigher(|_, bytes: &Bytes| u32::try_from(bytes.len() + 100).unwrap_or(u32::MAX))
                .max_capacity(MAX_BLOBS_BYTES)
                .time_to_idle(hour)
                .build(),
            commits: sync::Cache::builder().max_capacity(MAX_COMMITS).time_to_idle(hour).build(),
            counts: sync::Cache::builder().max_capacity(MAX_COMMITS).time_to_idle(hour).build(),
            merges: future::Cache::builder().max_capacity(MAX_MERGES).time_to_idle(hour).build(),
            sizes: sync::Cache::builder().max_capacity(MAX_COMMITS).time_to_idle(hour).build(),
            last_commits: future::Cache::builder()
                .weigher(|_, names: &Arc<LastCommits>| weight(names))
                .max_capacity(MAX_LAST_COMMITS)
                .time_to_idle(hour)
                .build(),
            earlier_commits: sync::Cache::builder()
                .weigher(|_, names: &Arc<LastCommits>| weight(names))
                .max_capacity(MAX_LAST_COMMITS)
                .time_to_idle(hour)
                .build(),
        }
    }
}

/// Runs `work` on a repository's objects on a blocking thread. It may run twice: when an object is missing
/// because a push came after the repository was looked up.
///
/// # Errors
/// What `work` says, and 503 when the object store does not answer.
pub async fn read<T, W>(app: &App, repo: &Repo, work: W) -> HubResult<T>
where
    T: Send + 'static,
    W: Fn(&GitReader) -> hub_git::Result<T> + Send + 'static,
{
    let (result, work) = read_once(app, repo, work).await?;
    if !matches!(result, Err(hub_git::Error::ObjectMissing(_) | hub_git::Error::RevisionNotFound(_))) {
        return Ok(result?);
    }
    match queries::find_repo_by_pk(&app.pool, repo.pk).await? {
        Some(now) if now.pack_generation > repo.pack_generation => Ok(read_once(app, &now, work).await?.0?),
        _ => Ok(result?),
    }
}

async fn read_once<T, W>(app: &App, repo: &Repo, work: W) -> HubResult<(hub_git::Result<T>, W)>
where
    T: Send + 'static,
    W: Fn(&GitReader) -> hub_git::Result<T> + Send + 'static,
{
    let dir = app.git.open(&app.pool, repo).await?;
    let permit = Arc::clone(&app.reading.permits).acquire_owned().await.map_err(HubError::internal)?;
    let done = tokio::task::spawn_blocking(move || {
        let result = GitReader::open(dir.path()).and_then(|reader| work(&reader));
        drop(permit);
        (result, work)
    });
    Ok(done.await?)
}

/// What a commit has at a path (`""` is the root folder), or `None`.
///
/// # Errors
/// 404 for a commit the repository does not have.
pub async fn entry(app: &App, repo: &Repo, commit: Oid, path: &str) -> HubResult<Option<Arc<Entry>>> {
    let key = (repo.pk, commit, path.to_owned());
    if let Some(found) = app.reading.entries.get(&key) {
        return Ok(found);
    }
    let wanted = path.to_owned();
    let found = read(app, repo, move |reader| reader.entry_at(commit, &wanted)).await?.map(Arc::new);
    app.reading.entries.insert(key, found.clone());
    Ok(found)
}

/// As [`entry`], for what must be there.
///
/// # Errors
/// 404 for an unknown commit or a path it does not have.
pub async fn get_entry(app: &App, repo: &Repo, commit: Oid, path: &str) -> HubResult<Arc<Entry>> {
    entry(app, repo, commit, path).await?.ok_or_else(HubError::entry_not_found)
}

/// What a commit says.
///
/// # Errors
/// 404 for a commit the repository does not have.
pub async fn commit(app: &App, repo: &Repo, commit: Oid) -> HubResult<Arc<CommitInfo>> {
    let key = (repo.pk, commit);
    if let Some(found) = app.reading.commits.get(&key) {
        return Ok(found);
    }
    let found = Arc::new(read(app, repo, move |reader| reader.commit(commit)).await?);
    app.reading.commits.insert(key, Arc::clone(&found));
    Ok(found)
}

/// The bytes of a blob that [`entry`] found: a file that git itself holds.
///
/// # Errors
/// 413 for one too large to hold in memory, which no push lets in.
pub async fn blob(app: &App, repo: &Repo, oid: Oid) -> HubResult<Bytes> {
    let key = (repo.pk, oid);
    if let Some(bytes) = app.reading.blobs.get(&key) {
        return Ok(bytes);
    }
    let limit = app.config.inline_limit_bytes.max(MAX_BLOB_BYTES);
    let bytes = Bytes::from(read(app, repo, move |reader| reader.blob(oid, limit)).await?);
    if bytes.len() <= MAX_KEPT_BLOB_BYTES {
        app.reading.blobs.insert(key, bytes.clone());
    }
    Ok(bytes)
}

/// How many commits the history of a commit has, itself included.
///
/// # Errors
/// 404 for a commit the repository does not have.
pub async fn count_commits(app: &App, repo: &Repo, commit: Oid) -> HubResult<u64> {
    let key = (repo.pk, commit);
    if let Some(count) = app.reading.counts.get(&key) {
        return Ok(count);
    }
    let (counts, repo_pk) = (app.reading.counts.clone(), repo.pk);
    let count = read(app, repo, move |reader| reader.count_commits(commit, |oid| counts.get(&(repo_pk, oid)))).await?;
    app.reading.counts.insert(key, count);
    Ok(count)
}

/// The bytes that downloading a folder or file gives.
///
/// # Errors
/// 404 for a commit or path the repository does not have.
pub async fn size(app: &App, repo: &Repo, commit: Oid, path: &str) -> HubResult<u64> {
    let key = (repo.pk, commit, path.to_owned());
    if let Some(size) = app.reading.sizes.get(&key) {
        return Ok(size);
    }
    let wanted = path.to_owned();
    let size = read(app, repo, move |reader| reader.size_at(commit, &wanted)).await?;
    app.reading.sizes.insert(key, size);
    Ok(size)
}

/// What comes of joining two commits. Many who ask at once join them once.
///
/// # Errors
/// 404 for a commit the repository does not have.
pub async fn merge_outcome(app: &App, repo: &Repo, onto: Oid, from: Oid) -> HubResult<Outcome> {
    let merge = read(app, repo, move |reader| merging::outcome(reader, onto, from));
    app.reading.merges.try_get_with((repo.pk, onto, from), merge).await.map_err(|error| HubError::again(&error))
}

/// For each commit or annotated tag the commit it stands for; `None` for anything else.
///
/// # Errors
/// The objects cannot be read.
pub async fn peel_all(app: &App, repo: &Repo, oids: Vec<Oid>) -> HubResult<Vec<Option<Oid>>> {
    // Commits stay what they are; only for others is the repository opened.
    if oids.iter().all(|oid| app.reading.commits.contains_key(&(repo.pk, *oid))) {
        return Ok(oids.into_iter().map(Some).collect());
    }
    read(app, repo, move |reader| oids.iter().map(|oid| reader.peel(*oid)).collect()).await
}

/// The last commit of each entry of a folder. One walk finds all; it is done once per commit and folder.
///
/// # Errors
/// 404 for a commit or folder the repository does not have.
pub async fn last_commits(app: &App, repo: &Repo, commit: Oid, folder: &str) -> HubResult<Arc<LastCommits>> {
    let folder = folder.trim_end_matches('/').to_owned();
    let key = (repo.pk, commit, folder.clone());
    let (earlier, repo_pk) = (app.reading.earlier_commits.clone(), repo.pk);
    let walk = async {
        let found = read(app, repo, move |reader| {
            let known = |commit: Oid| {
                let names = earlier.get(&(repo_pk, commit, folder.clone()))?;
                Some(names.iter().map(|(name, info)| (name.clone(), info.oid)).collect())
            };
            let help = LastCommitsHelp { known: &known, until: Some(Instant::now() + LAST_COMMITS_PATIENCE) };
            let mut infos: HashMap<Oid, Arc<CommitInfo>> = HashMap::new();
            let mut names = LastCommits::new();
            for (name, oid) in reader.last_commits(commit, &folder, &help)? {
                let info = match infos.get(&oid) {
                    Some(info) => Arc::clone(info),
                    None => Arc::new(reader.commit(oid)?),
                };
                infos.insert(oid, Arc::clone(&info));
                names.insert(name, info);
            }
            let names = Arc::new(names);
            earlier.insert((repo_pk, commit, folder.clone()), Arc::clone(&names));
            Ok(names)
        });
        found.await
    };
    // Many requests for one page walk once.
    app.reading.last_commits.try_get_with(key, walk).await.map_err(|error| HubError::again(&error))
}
