use std::sync::Arc;

use hub_git::CommitMeta;
use hub_types::Oid;

use super::open::{insert_pull, next_num};
use super::{NewDiscussion, PullWrite, participant, pull_ref};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::quotas;
use crate::repos::access::RepoContent;
use crate::repos::commit::{self, NewCommit};
use crate::repos::queries::{
    self, Repo, conversions,
    discussions::{self, RecentPull, Status},
};
use crate::repos::reading;
use crate::repos::refs::{RefChange, RefError, RefUpdate, apply_in, bring_packs};

/// How often it is tried again because the repository lost large files meanwhile.
const MAX_ROUNDS: usize = 5;

/// A pull request with its first commit.
#[derive(Debug, Clone, Copy)]
pub struct Proposed {
    /// Its number.
    pub num: i64,
    /// The commit; the parent's when nothing changed.
    pub commit: Oid,
}

/// Opens a pull request for a branch with a commit. No branch moves.
///
/// # Errors
/// 401 or 403 for those who may not take part, and as [`commit::create_commit`].
pub async fn propose_commit(app: &App, content: &RepoContent, new: NewCommit) -> HubResult<Proposed> {
    propose(app, content, new, By::Program).await
}

/// The same for what a form sends, and a double click sends twice: within a minute, the same commit of the same person is one pull
/// request.
///
/// # Errors
/// As [`propose_commit`], and 400 for a commit that changes nothing.
pub async fn propose_once(app: &App, content: &RepoContent, new: NewCommit) -> HubResult<Proposed> {
    propose(app, content, new, By::Form).await
}

/// The same for a conversion of weights, which is done by it. Where another node was quicker, nothing is opened.
///
/// # Errors
/// As [`propose_commit`].
pub async fn propose_conversion(app: &App, content: &RepoContent, new: NewCommit, conversion_pk: i64) -> HubResult<()> {
    propose(app, content, new, By::Conversion(conversion_pk)).await.map(|_| ())
}

/// What proposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// A program, which means what it says.
    Program,
    /// A form, which may have been sent twice.
    Form,
    /// A conversion, by its key.
    Conversion(i64),
}

async fn propose(app: &App, content: &RepoContent, new: NewCommit, by: By) -> HubResult<Proposed> {
    let author_pk = participant(content)?;
    let (base, head) = reading::resolve_branch(app, &content.repo, &new.revision).await?;
    let parent = match &new.parent {
        Some(parent) if !commit::is_abbreviation(parent, &head) => reading::resolve(app, &content.repo, parent).await?,
        _ => head,
    };
    let meta = commit::commit_meta(&content.viewer, &new)?;
    let opening = NewDiscussion::of_message(meta.message.lines().next().unwrap_or_default(), &new.description)?;
    let changes: Arc<[hub_git::Change]> = commit::changes_of(app, &content.repo, new.operations).await?.into();
    for round in 0..MAX_ROUNDS {
        let repo = match round {
            0 => content.repo.clone(),
            _ => queries::find_repo_by_pk(&app.pool, content.repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?,
        };
        if round > 0 {
            commit::check_held(app, &repo, &changes).await?;
        }
        let built = commit::build(app, &repo, None, parent, Arc::clone(&changes), meta.clone()).await?;
        let seen = match (by, &built) {
            (By::Form, None) => {
                return Err(HubError::bad_request("This changes nothing, so there is nothing to propose."));
            }
            (By::Form, Some(built)) => {
                let seen = discussions::list_recent_pulls(&app.pool, repo.pk, author_pk, &base).await?;
                if let Some(twin) = Box::pin(find_twin(app, &repo, &seen, (parent, built.tree, &meta))).await? {
                    return Ok(Proposed { num: twin.num, commit: twin.oid });
                }
                Some(seen)
            }
            (By::Program | By::Conversion(_), _) => None,
        };
        let (commit, packs) = built.map_or((parent, Vec::new()), |built| (built.commit, built.packs));
        let packed = packs.iter().fold(0_u64, |sum, pack| sum.saturating_add(pack.size_bytes.unsigned_abs()));
        quotas::require_room_in_git(app, repo.pk, packed).await?;
        let mut tx = app.begin().await?;
        let num = next_num(&mut tx, &repo).await?;
        // Under the lock of the repository: another was opened since, which may be the same.
        if let Some(seen) = seen
            && discussions::list_recent_pulls(&mut *tx, repo.pk, author_pk, &base).await? != seen
        {
            continue;
        }
        let change = RefChange {
            repo: &repo,
            actor_pk: Some(author_pk),
            kind: "open_pull_request",
            updates: vec![RefUpdate { name: pull_ref(num)?, expected: None, new: Some(commit) }],
            packs,
            metadata: None,
        };
        let generation = match apply_in(&mut tx, &change).await {
            Err(RefError::Outdated) => continue,
            other => other?,
        };
        insert_pull(app, &mut tx, &change, (num, author_pk), (&base, Status::Open), &opening).await?;
        if let By::Conversion(conversion_pk) = by
            && !conversions::mark_done(&mut tx, conversion_pk, num).await?
        {
            return Ok(Proposed { num, commit: parent });
        }
        if commit != parent {
            discussions::note_commits(&mut tx, repo.pk, num, Some(author_pk), (Some(parent), commit)).await?;
        }
        quotas::check_added_in_git(app, &mut tx, repo.pk, packed).await?;
        tx.commit().await?;
        app.jobs.wake();
        bring_packs(app, &change, generation).await;
        return Ok(Proposed { num, commit });
    }
    Err(RefError::Outdated.into())
}

/// The pull request whose only commit says and does the same: on the same parent, with the same tree and message.
async fn find_twin(
    app: &App,
    repo: &Repo,
    recent: &[RecentPull],
    (parent, tree, meta): (Oid, Oid, &CommitMeta),
) -> HubResult<Option<RecentPull>> {
    // As git keeps it.
    let message = meta.message.replace("\r\n", "\n");
    let (title, rest) = message.split_once('\n').unwrap_or((message.as_str(), ""));
    for pull in recent {
        let info = reading::commit(app, repo, pull.oid).await?;
        let does_the_same = info.parents == [parent] && info.tree == tree;
        if does_the_same && info.title == title.trim() && info.message.trim() == rest.trim() {
            return Ok(Some(*pull));
        }
    }
    Ok(None)
}

/// Commits to a pull request and gives the commit's id; with nothing changed, its head.
///
/// # Errors
/// As [`commit::create_commit`].
pub async fn commit_to_pull(app: &App, pull: &PullWrite, new: NewCommit) -> HubResult<Oid> {
    commit::commit_onto(app, pull.read(), pull.name(), new).await
}
