use hub_git::{BuiltCommit, CommitMeta, LfsPointer};
use hub_types::{Oid, RefName, Sha256};
use serde_json::json;

use super::changes::{check_room, insert};
use super::open::checked_comment;
use super::{get, participant, pull_ref, tell};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects;
use crate::repos::access::RepoWrite;
use crate::repos::head::Derive;
use crate::repos::metadata::HeadMetadata;
use crate::repos::queries::{
    self, Repo,
    discussions::{self, Discussion, Status},
};
use crate::repos::refs::{RefChange, RefError, RefUpdate, StoredPack, apply_in, bring_packs, get_ref};
use crate::repos::{commit, merging, new_objects, pickles, reading};

/// How often a merge is built anew because a ref moved meanwhile.
const MAX_ROUNDS: usize = 20;
/// The most commits that the message of a merge names.
const MAX_NAMED_COMMITS: usize = 50;

/// Merges a pull request: one commit on its branch has all of its changes. Gives that commit.
///
/// # Errors
/// 400 for what cannot be merged, 403 for jobs of trusted publishers, 404 when there is none, 409 with the paths when both changed the same.
pub async fn merge(app: &App, write: &RepoWrite, num: i64, comment: &str) -> HubResult<Oid> {
    participant(write)?;
    let comment = checked_comment(comment)?;
    let _turn = app.writes.enter(write.repo.pk).await;
    for _ in 0..MAX_ROUNDS {
        let repo = queries::find_repo_by_pk(&app.pool, write.repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?;
        let found = get(app, &repo, num).await?;
        let base = mergeable(&found)?;
        let built = Built::make(app, write, &repo, &found, base).await?;
        match apply(app, write, &repo, &found, built, &comment).await {
            Ok(commit) => return Ok(commit),
            Err(RefError::Conflict { .. } | RefError::Outdated) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(HubError::unavailable(
        "The branch is changing too fast. Try again in a moment.",
        "every round of the merge lost the race",
    ))
}

/// The branch of a pull request that can be merged.
fn mergeable(found: &Discussion) -> HubResult<&RefName> {
    let num = found.num;
    let Some(base) = &found.base else {
        return Err(HubError::bad_request(format!("#{num} is a discussion: there is nothing to merge.")));
    };
    match found.status {
        Status::Open => Ok(base),
        Status::Draft => Err(HubError::bad_request(format!("#{num} is a draft. Open it before it is merged."))),
        Status::Closed => Err(HubError::bad_request(format!("#{num} is closed. Open it again before it is merged."))),
        Status::Merged => Err(HubError::bad_request(format!("#{num} is merged already."))),
    }
}

/// A merge whose objects are in the store.
struct Built {
    base: RefName,
    onto: Oid,
    from: Oid,
    commit: Oid,
    packs: Vec<StoredPack>,
    metadata: Option<HeadMetadata>,
}

/// What came of joining a pull request with its branch; nothing when the branch has all of it.
#[derive(Default)]
struct Merged {
    built: Option<BuiltCommit>,
    metadata: Option<HeadMetadata>,
    card: Option<Vec<u8>>,
    conflicts: Vec<String>,
}

impl Built {
    async fn make(app: &App, write: &RepoWrite, repo: &Repo, found: &Discussion, base: &RefName) -> HubResult<Self> {
        let shown = base.branch_name().unwrap_or(base.as_str());
        let onto = get_ref(app, repo, base, shown).await?;
        let pull = pull_ref(found.num)?;
        let from = get_ref(app, repo, &pull, pull.as_str()).await?;
        pickles::refuse_merge(app, repo, onto, from).await?;
        let message = message(app, repo, found, (onto, from)).await?;
        let author = new_objects::person(&write.viewer)?;
        let meta = CommitMeta { committer: author.clone(), author, message };
        let (scratch, derive) = (app.git.temp_dir(), Derive::for_branch(repo, base)?);
        let merged = reading::read(app, repo, move |reader| {
            let merge = merging::join(reader, onto, from, ["", ""])?.merge;
            let conflicts = merge.conflict_paths()?;
            if !conflicts.is_empty() {
                return Ok(Merged { conflicts, ..Merged::default() });
            }
            let built = merge.commit(reader, &scratch, &[onto], &meta)?;
            if !built.changed {
                return Ok(Merged::default());
            }
            let metadata = derive.of_commit(reader, built.commit, built.pack.as_ref())?;
            let card = if metadata.is_some() { commit::card_of(reader, built.commit)? } else { None };
            Ok(Merged { built: Some(built), metadata, card, conflicts })
        });
        let Merged { built, metadata, card, conflicts } = merged.await?;
        if !conflicts.is_empty() {
            return Err(in_conflict(found.num, shown, conflicts));
        }
        let Some(built) = built else {
            return Err(HubError::bad_request(format!("#{} has no changes that `{shown}` does not have.", found.num)));
        };
        if let Some(card) = card {
            commit::check_card_text(repo, card).await?;
        }
        check_held(app, repo, found.num, &built.lfs).await?;
        let packs = new_objects::store(app, built.pack).await?;
        Ok(Self { base: base.clone(), onto, from, commit: built.commit, packs, metadata })
    }
}

/// Lines from both sides may make the pointer of a large file that nobody has uploaded.
pub(super) async fn check_held(app: &App, repo: &Repo, num: i64, pointers: &[LfsPointer]) -> HubResult<()> {
    let oids: Vec<Sha256> = pointers.iter().map(|pointer| pointer.oid).collect();
    let held = objects::has_objects(app, repo.pk, &oids).await?;
    match pointers.iter().find(|pointer| held.get(&pointer.oid) != Some(&pointer.size)) {
        Some(pointer) => Err(HubError::conflict(format!(
            "#{num} cannot be merged: the result would name the large file {}, which this repository does not have.",
            pointer.oid
        ))),
        None => Ok(()),
    }
}

fn in_conflict(num: i64, branch: &str, paths: Vec<String>) -> HubError {
    let named: Vec<String> = paths.iter().take(5).map(|path| format!("`{path}`")).collect();
    let more = paths.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    HubError::conflict(format!(
        "#{num} cannot be merged: it and `{branch}` both changed {}{more}. Settle what differs on the page of #{num}, or merge \
         `{branch}` into refs/pr/{num} with git and push that.",
        named.join(", ")
    ))
    .with("filesWithConflicts", paths)
}

/// What the commit of a merge says: the title with the number, what was in it, and by whom.
async fn message(app: &App, repo: &Repo, found: &Discussion, (onto, from): (Oid, Oid)) -> HubResult<String> {
    let commits = reading::read(app, repo, move |reader| reader.log_between(onto, from, MAX_NAMED_COMMITS)).await?;
    let mut message = format!("{} (#{})\n", found.title, found.num);
    for commit in commits.iter().rev() {
        message.push_str(&format!("\n- {} ({})", commit.title, commit.oid));
    }
    if let Some(author) = &found.author {
        message.push_str(&format!("\n\nCo-authored-by: {author} <{author}@users.noreply.hub>"));
    }
    Ok(message)
}

async fn apply(
    app: &App,
    write: &RepoWrite,
    repo: &Repo,
    found: &Discussion,
    built: Built,
    comment: &str,
) -> Result<Oid, RefError> {
    let actor_pk = write.viewer.require_user().map_err(RefError::Hub)?.pk;
    let pull = pull_ref(found.num).map_err(RefError::Hub)?;
    let change = RefChange {
        repo,
        actor_pk: Some(actor_pk),
        kind: "commit",
        updates: vec![
            RefUpdate { name: built.base, expected: Some(built.onto), new: Some(built.commit) },
            // It stays where it is: what is merged is what was looked at.
            RefUpdate { name: pull, expected: Some(built.from), new: Some(built.from) },
        ],
        packs: built.packs,
        metadata: built.metadata,
    };
    let mut tx = app.begin().await?;
    let generation = apply_in(&mut tx, &change).await?;
    match discussions::lock(&mut tx, found.discussion_pk).await? {
        Some((Status::Open, _)) => {}
        // Read again what it has become.
        _ => return Err(RefError::Outdated),
    }
    if !comment.is_empty() {
        check_room(&mut tx, found).await.map_err(RefError::Hub)?;
        Box::pin(insert(app, &mut tx, (repo.pk, found), actor_pk, comment)).await.map_err(RefError::Hub)?;
    }
    discussions::set_status(&mut tx, found.discussion_pk, Status::Merged, Some(built.commit)).await?;
    let payload = json!({ "status": Status::Merged.as_str(), "oid": built.commit });
    let id = discussions::insert_change(&mut tx, found.discussion_pk, Some(actor_pk), "status-change", payload).await?;
    tell(&mut tx, &id).await?;
    tx.commit().await?;
    app.jobs.wake();
    bring_packs(app, &change, generation).await;
    Ok(built.commit)
}
