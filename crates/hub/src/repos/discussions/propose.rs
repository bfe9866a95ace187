use std::sync::Arc;

use hub_types::Oid;

use super::open::{insert_pull, next_num};
use super::{NewDiscussion, PullWrite, participant, pull_ref};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoContent;
use crate::repos::commit::{self, NewCommit};
use crate::repos::queries::{
    self, conversions,
    discussions::{self, Status},
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
    propose(app, content, new, None).await
}

/// The same for a conversion of weights, which is done by it. Where another node was quicker, nothing is opened.
///
/// # Errors
/// As [`propose_commit`].
pub async fn propose_conversion(app: &App, content: &RepoContent, new: NewCommit, conversion_pk: i64) -> HubResult<()> {
    propose(app, content, new, Some(conversion_pk)).await.map(|_| ())
}

async fn propose(app: &App, content: &RepoContent, new: NewCommit, conversion_pk: Option<i64>) -> HubResult<Proposed> {
    let author_pk = participant(content)?;
    let (base, head) = reading::resolve_branch(app, &content.repo, &new.revision).await?;
    let parent = match &new.parent {
        Some(parent) if !commit::is_abbreviation(parent, &head) => reading::resolve(app, &content.repo, parent).await?,
        _ => head,
    };
    let meta = commit::commit_meta(&content.viewer, &new)?;
    let opening = NewDiscussion::of_message(meta.message.lines().next().unwrap_or_default(), &new.description);
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
        let (commit, packs) = built.map_or((parent, Vec::new()), |built| (built.commit, built.packs));
        let mut tx = app.begin().await?;
        let num = next_num(&mut tx, &repo).await?;
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
        if let Some(conversion_pk) = conversion_pk
            && !conversions::mark_done(&mut tx, conversion_pk, num).await?
        {
            return Ok(Proposed { num, commit: parent });
        }
        if commit != parent {
            discussions::note_commits(&mut tx, repo.pk, num, Some(author_pk), (Some(parent), commit)).await?;
        }
        tx.commit().await?;
        app.jobs.wake();
        bring_packs(app, &change, generation).await;
        return Ok(Proposed { num, commit });
    }
    Err(RefError::Outdated.into())
}

/// Commits to a pull request and gives the commit's id; with nothing changed, its head.
///
/// # Errors
/// As [`commit::create_commit`].
pub async fn commit_to_pull(app: &App, pull: &PullWrite, new: NewCommit) -> HubResult<Oid> {
    commit::commit_onto(app, pull.read(), pull.name(), new).await
}
