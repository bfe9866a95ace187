//! Where a change goes that somebody makes in the browser: to a branch, to a new pull request for it, or to one that is open.
//!
//! Whoever may write chooses between the first two; others propose. A form says which it was made for (`to`), so that nobody
//! proposes what they meant to commit, or the other way round, because their rights changed meanwhile.

use hub_types::RefName;

use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::access::{Level, RepoContent, RepoRead, RepoWrite};
use crate::repos::commit::{NewCommit, create_commit};
use crate::repos::discussions::{
    PullWrite, commit_to_pull, may_change, may_propose, number_of_ref, participant, propose_once, pull_ref, turned_off,
};
use crate::repos::queries;
use crate::repos::queries::discussions::{are_disabled, find};
use crate::repos::uploads::LargeFiles;
use crate::web::form::Field;

/// What a form sends as `to` for a new pull request.
const NEW_PULL: &str = "pull";

/// What is offered to somebody who looks at a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// To change it.
    Change,
    /// To propose a change.
    Propose,
}

/// What a viewer may do about files at a revision in the browser: nothing, when it is no branch and no open pull request.
///
/// # Errors
/// 503 when the database does not answer.
pub(super) async fn offer_of(page: &PageRequest, read: &RepoRead, revision: &str) -> HubResult<Option<Offer>> {
    if page.require_session().is_err() || participant(read).is_err() {
        return Ok(None);
    }
    let pool = &page.app.pool;
    if let Some(num) = number_of_ref(revision) {
        if read.barrier(&page.app).await?.is_some() {
            return Ok(None);
        }
        let found = find(pool, read.repo.pk, num).await?.filter(|found| found.is_pull_request() && found.status.is_open());
        return Ok(found.filter(|found| may_change(read, found.author_pk)).map(|_| Offer::Change));
    }
    let Ok(branch) = RefName::branch(revision) else { return Ok(None) };
    let offer = if read.level >= Level::Write { Offer::Change } else { Offer::Propose };
    if offer == Offer::Propose && (read.barrier(&page.app).await?.is_some() || are_disabled(pool, read.repo.pk).await?) {
        return Ok(None);
    }
    Ok(queries::find_ref(pool, read.repo.pk, &branch).await?.map(|_| offer))
}

/// The ref that a revision names, if files can change there: a branch, or a pull request.
pub(super) fn ref_of(revision: &str) -> Option<RefName> {
    match number_of_ref(revision) {
        Some(num) => pull_ref(num).ok(),
        None => RefName::branch(revision).ok(),
    }
}

/// What a form asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum To {
    /// A commit where it was opened.
    #[default]
    Here,
    /// A new pull request.
    NewPull,
}

/// Where a change may go, with the right to it.
#[derive(Debug)]
pub(super) struct Target {
    goal: Goal,
    /// The revision.
    revision: String,
    /// Whether new pull requests can be opened.
    takes_pulls: bool,
}

#[derive(Debug)]
enum Goal {
    /// To a branch, or to a new pull request for it.
    Branch(RepoWrite),
    /// To a new pull request only.
    Proposal(RepoContent),
    /// To an open one, with its number.
    Pull(PullWrite, i64),
}

impl Target {
    /// Finds out what the viewer may do at a revision.
    ///
    /// # Errors
    /// 401 or 403 for those who may neither write nor propose, 409 for a pull request that is over.
    pub(super) async fn of(page: &PageRequest, read: RepoRead, revision: &str) -> HubResult<Self> {
        page.require_session()?;
        let num = number_of_ref(revision);
        let takes_pulls = num.is_none() && !are_disabled(&page.app.pool, read.repo.pk).await?;
        let goal = match num {
            Some(num) => Goal::Pull(PullWrite::check(&page.app, read, num).await?, num),
            None if read.level >= Level::Write => Goal::Branch(read.into_write()?),
            None => {
                let content = may_propose(&page.app, read).await.map_err(HubError::of_proposal)?;
                if !takes_pulls {
                    return Err(turned_off(&content.repo));
                }
                Goal::Proposal(content)
            }
        };
        Ok(Self { goal, revision: revision.to_owned(), takes_pulls })
    }

    /// The repository, as its viewer may read it.
    pub(super) fn read(&self) -> &RepoRead {
        match &self.goal {
            Goal::Branch(write) => write,
            Goal::Proposal(content) => content,
            Goal::Pull(pull, _) => pull.read(),
        }
    }

    /// What a form asks for, by its field `to`.
    ///
    /// # Errors
    /// 403 for those who may propose only, and whose form does not say that it does.
    pub(super) fn to(&self, typed: &str) -> HubResult<To> {
        match (&self.goal, typed) {
            (Goal::Branch(_) | Goal::Proposal(_), NEW_PULL) => Ok(To::NewPull),
            (Goal::Branch(_) | Goal::Pull(..), _) => Ok(To::Here),
            (Goal::Proposal(_), _) => Err(HubError::write_denied(&self.read().repo.id)),
        }
    }

    /// What becomes of large files. Those who may not write send them in chunks, which a form cannot.
    pub(super) fn large_files(&self) -> LargeFiles {
        if self.read().level >= Level::Write { LargeFiles::Take } else { LargeFiles::Refuse }
    }

    /// Commits, and gives the number of the pull request where that is seen, if it is one.
    ///
    /// # Errors
    /// As [`create_commit`] and [`propose_once`].
    pub(super) async fn commit(&self, page: &PageRequest, new: NewCommit, to: To) -> HubResult<Option<i64>> {
        match (&self.goal, to) {
            (Goal::Branch(write), To::Here) => {
                create_commit(&page.app, write, new).await?;
                Ok(None)
            }
            (Goal::Branch(write), To::NewPull) => {
                let content = may_propose(&page.app, (**write).clone()).await?;
                Ok(Some(Box::pin(propose_once(&page.app, &content, new)).await?.num))
            }
            (Goal::Proposal(content), _) => Ok(Some(Box::pin(propose_once(&page.app, content, new)).await?.num)),
            (Goal::Pull(pull, num), _) => {
                commit_to_pull(&page.app, pull, new).await?;
                Ok(Some(*num))
            }
        }
    }

    /// The page of the pull request that a commit went to, and what to say there.
    pub(super) fn after(&self, num: i64) -> (String, String) {
        let said = match self.goal {
            Goal::Pull(..) => format!("Your change was added to #{num}."),
            Goal::Branch(_) | Goal::Proposal(_) => format!("Your change is proposed in #{num}."),
        };
        (format!("{}/discussions/{num}", self.read().repo.path()), said)
    }

    /// The first line of the commit, or the title of the pull request: one field for both.
    pub(super) fn summary(&self, value: &str) -> Field {
        let field = match self.goal {
            Goal::Proposal(_) => Field::new("summary", "Title of the pull request"),
            Goal::Branch(_) if self.takes_pulls => {
                Field::new("summary", "Commit message").hint("Of a pull request, it is the title.")
            }
            Goal::Branch(_) | Goal::Pull(..) => Field::new("summary", "Commit message"),
        };
        field.value(value)
    }

    /// What a form says of it.
    pub(super) fn view(&self, to: To) -> TargetView {
        let pull = match self.goal {
            Goal::Pull(_, num) => Some(PullLink { num, href: self.after(num).0 }),
            Goal::Branch(_) | Goal::Proposal(_) => None,
        };
        TargetView {
            revision: self.revision.clone(),
            repo_id: self.read().repo.id.to_string(),
            hf_option: self.read().repo.repo_type.hf_option(),
            proposes: matches!(self.goal, Goal::Proposal(_)),
            can_choose: self.takes_pulls && matches!(self.goal, Goal::Branch(_)),
            opens_pull: to == To::NewPull,
            small_only: self.large_files() == LargeFiles::Refuse,
            pull,
        }
    }
}

/// What a form says of where a change goes.
#[derive(Debug)]
pub(super) struct TargetView {
    /// The branch or pull request.
    pub revision: String,
    /// The repository.
    pub repo_id: String,
    /// What lines of `hf` add for it.
    pub hf_option: &'static str,
    /// Whether it can only be proposed.
    pub proposes: bool,
    /// Whether one can choose between a commit and a pull request.
    pub can_choose: bool,
    /// Whether a pull request is chosen.
    pub opens_pull: bool,
    /// Whether large files are refused.
    pub small_only: bool,
    /// The pull request that gets a commit.
    pub pull: Option<PullLink>,
}

/// A pull request.
#[derive(Debug)]
pub(super) struct PullLink {
    /// Its number.
    pub num: i64,
    /// Its page.
    pub href: String,
}

impl TargetView {
    /// What the button says; `verb` is what it says to those who may write.
    pub(super) fn button(&self, verb: &str) -> String {
        if self.proposes { "Propose changes".to_owned() } else { verb.to_owned() }
    }

    /// The same for an editor.
    pub(super) fn save_button(&self) -> String {
        match &self.pull {
            Some(pull) => format!("Add to #{}", pull.num),
            None if self.can_choose => "Commit changes".to_owned(),
            None => self.button(&format!("Commit to {}", self.revision)),
        }
    }

    /// From where something is gone that a form deletes: what is only proposed is gone with the merge.
    pub(super) fn gone_from(&self) -> String {
        match &self.pull {
            Some(pull) => format!("gone from pull request #{}", pull.num),
            None if self.proposes => "gone from the branch once the pull request is merged".to_owned(),
            None => "gone from the branch".to_owned(),
        }
    }

    /// Where a script goes once it has added a commit to a pull request.
    pub(super) fn pull_href(&self) -> &str {
        self.pull.as_ref().map(|pull| pull.href.as_str()).unwrap_or_default()
    }
}
