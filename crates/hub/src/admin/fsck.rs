//! Proves that what the database says about repositories is in the object store: refs lead to commits, commits to
//! trees, trees to files, LFS pointers to large files; the files of buckets, too. Then all rows are compared with all objects
//! ([`whole`]), so that nothing is missed that no repository shows. Nothing is ever repaired.
//!
//! Everything is read from the store anew; caches of the node are not believed.

mod whole;

use std::collections::BTreeSet;
use std::time::Duration;

use hub_git::{NewPointer, PushError, Quarantine, RepoView, Tip};
use hub_storage::{StorageKey, Store};
use hub_types::{RepoId, RepoType, Sha256, XetHash};

use super::queries;
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::gc::Amount;
use crate::objects::{self, Held};
use crate::quotas;
use crate::repos::Repo;
use crate::repos::buckets::{self, BucketFile};
use crate::repos::changes::undoable_since;
use crate::repos::git_cache::GitCache;
use crate::repos::queries::packs::PackRow;
use crate::repos::queries::{self as repo_queries, RefRow};
use crate::start::with_causes;
use crate::xet;

/// Repositories asked for in one query.
const PAGE: i64 = 100;
/// Large files asked for in one query.
const FILES_PER_QUERY: usize = 10_000;
/// Files of a bucket read at once.
const FILES_AT_ONCE: i64 = 10_000;
/// The longest that one repository may take.
const TIMEOUT: Duration = Duration::from_secs(6 * 3600);

/// How much of a large file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// That it is there and has its size.
    Sizes,
    /// All of its bytes, against its SHA-256.
    Bytes,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Repositories looked at.
    pub repos: u64,
    /// What is wrong with them.
    pub problems: u64,
    /// Objects of the store that no row names. Uploads under way have some.
    pub unnamed: Amount,
    /// Owners of whom something else is counted than they hold. It is counted anew every quarter of an hour.
    pub miscounted: u64,
}

/// Checks one repository (`ada/bert`, `datasets/ada/squad`, `buckets/ada/logs`) or all of them. Each problem is told as it is found.
///
/// # Errors
/// There is no such repository, or the database or the store does not answer.
pub async fn check(app: &App, which: Option<&str>, depth: Depth, mut tell: impl FnMut(String)) -> HubResult<Tally> {
    let mut tally = Tally::default();
    if let Some(id) = which {
        let repo = find(app, id).await?;
        check_one(app, &repo, depth, &mut tally, &mut tell).await?;
        return Ok(tally);
    }
    let mut last = 0;
    loop {
        let page = queries::list_repos_after(&app.pool, last, PAGE).await?;
        let Some(newest) = page.last() else { break };
        last = *newest;
        for repo_pk in page {
            // One deleted meanwhile needs no check.
            if let Some(repo) = repo_queries::find_repo_by_pk(&app.pool, repo_pk).await? {
                check_one(app, &repo, depth, &mut tally, &mut tell).await?;
            }
        }
    }
    whole::check(app, &mut tally, &mut tell).await?;
    tally.miscounted = quotas::queries::count_miscounted(&app.pool).await?.unsigned_abs();
    Ok(tally)
}

/// Finds a repository by what an operator calls it.
pub(super) async fn find(app: &App, text: &str) -> HubResult<Repo> {
    let unknown = || {
        HubError::not_found(format!(
            "There is no repository `{text}`. Write `name/of-model`, `datasets/name/of-it` or `buckets/name/of-it`."
        ))
    };
    let (repo_type, id) = match text.split_once('/').and_then(|(first, rest)| Some((RepoType::from_plural(first)?, rest))) {
        Some((repo_type, rest)) if rest.contains('/') => (repo_type, rest),
        _ => (RepoType::Model, text),
    };
    let id: RepoId = id.parse().map_err(|_invalid| unknown())?;
    repo_queries::find_repo(&app.pool, repo_type, id.namespace(), id.name()).await?.ok_or_else(unknown)
}

async fn check_one(app: &App, repo: &Repo, depth: Depth, tally: &mut Tally, tell: &mut impl FnMut(String)) -> HubResult<()> {
    tally.repos += 1;
    let problems = problems_of(app, repo, depth).await?;
    for problem in problems {
        tally.problems += 1;
        tell(format!("{}/{}: {problem}", repo.repo_type.plural(), repo.id));
    }
    Ok(())
}

async fn problems_of(app: &App, repo: &Repo, depth: Depth) -> HubResult<Vec<String>> {
    match repo.repo_type.has_git() {
        true => problems_of_git(app, repo, depth).await,
        false => problems_of_bucket(app, repo, depth).await,
    }
}

/// The files of a bucket must be large files that it has, and its totals what they add up to.
async fn problems_of_bucket(app: &App, repo: &Repo, depth: Depth) -> HubResult<Vec<String>> {
    let mut problems = Vec::new();
    let mut from = String::new();
    loop {
        let files = buckets::list_files(&app.pool, repo.pk, "", &from, FILES_AT_ONCE).await?;
        let Some(last) = files.last() else { break };
        // No path has a control character: the next page starts behind this one.
        from = format!("{}\u{1}", last.path);
        let pointer = |file: BucketFile| {
            Some(NewPointer { path: file.path, sha256: file.oid?, size_bytes: file.size_bytes.unsigned_abs() })
        };
        let pointers: Vec<NewPointer> = files.into_iter().filter_map(pointer).collect();
        check_large_files(app, repo, &pointers, depth, &mut problems).await?;
    }
    let sum = buckets::sum_all(&app.pool, repo.pk).await?;
    if (sum.files, sum.bytes) != (repo.file_count, repo.size_bytes) {
        problems.push(format!(
            "it counts {} files of {} bytes, and has {} of {}",
            repo.file_count, repo.size_bytes, sum.files, sum.bytes
        ));
    }
    Ok(problems)
}

async fn problems_of_git(app: &App, repo: &Repo, depth: Depth) -> HubResult<Vec<String>> {
    let refs = repo_queries::list_refs(&app.pool, repo.pk).await?;
    let mut problems = Vec::new();
    let head = repo.default_ref()?;
    let branch = refs.iter().find(|row| row.name == head).map(|row| row.oid);
    if branch.is_none() {
        problems.push(format!("its default branch `{head}` does not exist"));
    }
    if repo.head_oid != branch {
        problems.push(format!("its page shows another commit than `{head}` has"));
    }
    let lost = lost_packs(app, repo).await?;
    if !lost.is_empty() {
        problems.extend(lost);
        problems.push("its objects were not checked, because packs are missing".to_owned());
        return Ok(problems);
    }
    let pointers = check_objects(app, repo, &refs, &mut problems).await?;
    check_large_files(app, repo, &pointers, depth, &mut problems).await?;
    Ok(problems)
}

async fn lost_packs(app: &App, repo: &Repo) -> HubResult<Vec<String>> {
    let mut lost = Vec::new();
    for PackRow { hash, nonce, size_bytes } in repo_queries::packs::list(&app.pool, repo.pk).await? {
        lost.extend(check_stored(&app.store, &StorageKey::pack(&hash, nonce), Some(size_bytes.unsigned_abs())).await?);
        lost.extend(check_stored(&app.store, &StorageKey::pack_idx(&hash, nonce), None).await?);
    }
    Ok(lost)
}

/// What is wrong with an object of the store, as far as its size tells.
async fn check_stored(store: &Store, key: &StorageKey, size: Option<u64>) -> HubResult<Option<String>> {
    match store.head(key).await {
        Ok(info) if size.is_none_or(|size| size == info.size) => Ok(None),
        Ok(info) => Ok(Some(format!("`{key}` has {} bytes in the store, not {}", info.size, size.unwrap_or_default()))),
        Err(error) if error.is_not_found() => Ok(Some(format!("`{key}` is not in the store"))),
        Err(error) => Err(error.into()),
    }
}

/// Has git read all objects, and lists the pointers that the refs reach.
async fn check_objects(app: &App, repo: &Repo, refs: &[RefRow], problems: &mut Vec<String>) -> HubResult<Vec<NewPointer>> {
    let scratch = tempfile::Builder::new().prefix("fsck-").tempdir_in(app.git.temp_dir())?;
    // Before the packs: what a push brings meanwhile, and a forced one leaves behind, is not in them.
    let kept = repo_queries::changes::list_kept(&app.pool, repo.pk, undoable_since(app)).await?;
    let fresh = GitCache::new(scratch.path().to_owned(), app.store.clone()).await?;
    let dir = fresh.open(&app.pool, repo).await?;
    let head = repo.default_ref()?;
    let rows: Vec<_> = refs.iter().map(|row| (row.name.clone(), row.oid)).collect();
    let view = RepoView::create(scratch.path(), dir.path(), &head, &rows)?;
    let findings = hub_git::fsck(&view, TIMEOUT).await.map_err(HubError::internal)?;
    let damaged = !findings.is_empty();
    problems.extend(findings);
    // Without refs, everything that the tips reach counts as new.
    let bare = Quarantine::new(RepoView::create(scratch.path(), dir.path(), &head, &[])?);
    let tips = |rows: &[RefRow]| -> Vec<Tip> { rows.iter().map(|row| Tip { new: row.oid, base: None }).collect() };
    // Their large files may have been deleted for good.
    if !kept.is_empty()
        && let Err(PushError::MissingObjects(what)) = bare.list_pointers(&tips(&kept), TIMEOUT).await
    {
        problems.push(format!("objects are missing that an undo needs: {what}"));
    }
    match bare.list_pointers(&tips(refs), TIMEOUT).await {
        Ok(pointers) => Ok(pointers),
        Err(PushError::MissingObjects(what)) => {
            problems.push(format!("objects are missing: {what}"));
            Ok(Vec::new())
        }
        // Objects that git has found damaged cannot be walked to the end.
        Err(PushError::Server(_)) if damaged => {
            problems.push("not all of its large files were checked, because objects are damaged".to_owned());
            Ok(Vec::new())
        }
        Err(error) => Err(HubError::internal(error)),
    }
}

async fn check_large_files(
    app: &App,
    repo: &Repo,
    pointers: &[NewPointer],
    depth: Depth,
    problems: &mut Vec<String>,
) -> HubResult<()> {
    for pointers in pointers.chunks(FILES_PER_QUERY) {
        let mut oids: Vec<Sha256> = pointers.iter().map(|pointer| pointer.sha256).collect();
        oids.sort_unstable();
        oids.dedup();
        let held = objects::list_held(&app.pool, repo.pk, &oids).await?;
        for pointer in pointers {
            let NewPointer { path, sha256, size_bytes } = pointer;
            let problem = match held.get(sha256) {
                None => Some(format!("the repository does not hold {sha256}")),
                Some(held) if held.size != *size_bytes => Some(format!("{sha256} has {} bytes", held.size)),
                Some(held) => check_large_file(app, sha256, held, depth).await?,
            };
            problems.extend(problem.map(|problem| format!("large file `{path}` of {size_bytes} bytes: {problem}")));
        }
    }
    Ok(())
}

async fn check_large_file(app: &App, sha256: &Sha256, held: &Held, depth: Depth) -> HubResult<Option<String>> {
    if let Some(key) = held.plain_key(sha256) {
        let missing = check_stored(&app.store, &key, Some(held.size)).await?;
        if missing.is_some() {
            return Ok(missing);
        }
    }
    if let Some(file_hash) = &held.file_hash {
        let missing = check_chunks(app, file_hash).await?;
        if missing.is_some() {
            return Ok(missing);
        }
    }
    if depth == Depth::Sizes {
        return Ok(None);
    }
    // What lies whole and in chunks is read both ways: clients get it either way.
    let in_chunks = Held { is_plain: false, ..*held };
    for place in if held.is_plain && held.file_hash.is_some() { vec![*held, in_chunks] } else { vec![*held] } {
        let found = match objects::read::digest(app, sha256, &place).await {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::Internal => {
                return Ok(Some(format!("its bytes in the store are damaged: {}", with_causes(&error))));
            }
            Err(error) => return Err(error),
        };
        if found != *sha256 {
            return Ok(Some(format!("its bytes in the store are damaged: they have the SHA-256 {found}")));
        }
    }
    Ok(None)
}

/// Whether every xorb of a file in chunks is stored.
async fn check_chunks(app: &App, file_hash: &XetHash) -> HubResult<Option<String>> {
    let Some(file) = xet::read::find(app, file_hash).await? else {
        return Ok(Some(format!("the list of its chunks ({file_hash}) is gone")));
    };
    let xorbs: BTreeSet<XetHash> = file.terms.iter().map(|term| term.xorb).collect();
    let xorbs: Vec<XetHash> = xorbs.into_iter().collect();
    let known = xet::queries::list_xorbs(&app.pool, &xorbs).await?;
    for row in &known {
        let meta = StorageKey::xorb_meta(&row.xorb_hash, row.nonce);
        if let Some(problem) = check_stored(&app.store, &meta, None).await? {
            return Ok(Some(problem));
        }
        app.xet.forget_xorb(&row.xorb_hash).await;
        let size = match xet::store::load(app, &[row.xorb_hash]).await {
            Ok(found) => found.get(&row.xorb_hash).map(|xorb| u64::from(xorb.info.total_stored_len())),
            Err(error) if error.kind() == ErrorKind::Internal => {
                return Ok(Some(format!("`{meta}` is damaged: {}", with_causes(&error))));
            }
            Err(error) => return Err(error),
        };
        if let Some(problem) = check_stored(&app.store, &StorageKey::xorb(&row.xorb_hash, row.nonce), size).await? {
            return Ok(Some(problem));
        }
    }
    let gone = xorbs.len() - known.len();
    Ok((gone > 0).then(|| format!("{gone} of its {} xorbs are gone", xorbs.len())))
}
