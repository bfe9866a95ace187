//! What is said of repositories: whether they are there, what is in them, and who may do what with them.

use hub_types::{RefName, RepoId, RepoType};

use super::{Barrier, ErrorKind, HubError, wire};

impl HubError {
    /// 403: moderators disabled the repository. Clients compare the text.
    pub fn repo_disabled(notice: String) -> Self {
        Self::forbidden(wire::REPO_DISABLED).leading_to(notice)
    }

    /// 451: the file was recalled; `why` ends the sentence. Clients take the code for that of a missing file, and so do not go on with a
    /// copy that they have (`file_download.py` of `huggingface_hub`).
    pub fn recalled(why: &str, page: &str, instead: Option<&str>) -> Self {
        let instead = instead.map(|instead| format!(" Use {instead} instead.")).unwrap_or_default();
        let text =
            format!("This file was recalled {why}: do not use copies of it. Open {page} in your browser to read more.{instead}");
        Self::new(ErrorKind::Recalled, text).leading_to(page.to_owned())
    }

    /// 409: a copy would give out again what was recalled.
    pub fn recalled_copy(number: i64) -> Self {
        let page = format!("/recalls/{number}");
        Self::conflict(format!(
            "Files of this repository were recalled, so it cannot be duplicated. Open {page} in your browser to read why."
        ))
        .leading_to(page)
    }

    /// What is on this page is not for all audiences: the viewer is asked first. `view` is where they say yes.
    pub fn content_warning(view: String) -> Self {
        let message = "This repository is not for all audiences. Say on its page that you want to see it.";
        Self::new(ErrorKind::ContentWarning, message).leading_to(view)
    }

    /// A repository that does not exist, or that this viewer may not know of: one answer for both.
    pub fn repo_not_found(anonymous: bool) -> Self {
        Self::new(ErrorKind::RepoNotFound, "Repository not found").for_anonymous(anonymous)
    }

    /// The same for a repository that was public until it was deleted: what programs ask for answers like what does not exist, with a
    /// sentence for whoever reads it.
    pub fn repo_deleted(repo_type: RepoType, id: &RepoId, anonymous: bool) -> Self {
        Self::new(ErrorKind::RepoNotFound, deleted_text(repo_type, id)).for_anonymous(anonymous)
    }

    /// 410 for a repository that was public until it was deleted, to people and to git.
    pub fn repo_gone(repo_type: RepoType, id: &RepoId) -> Self {
        Self::new(ErrorKind::RepoGone, deleted_text(repo_type, id))
    }

    /// 404 for a revision.
    pub fn revision_not_found(revision: &str) -> Self {
        Self::new(ErrorKind::RevisionNotFound, format!("Invalid rev id: {}", shorten(revision)))
    }

    /// 404 for a path.
    pub fn entry_not_found() -> Self {
        Self::new(ErrorKind::EntryNotFound, "Entry not found")
    }

    /// 404 for a deletion of something that is not there.
    pub fn nothing_to_delete() -> Self {
        Self::new(ErrorKind::EntryNotFound, "A file with this name doesn't exist")
    }

    /// 412: the branch moved on.
    pub fn stale_parent() -> Self {
        Self::new(ErrorKind::PreconditionFailed, wire::STALE_PARENT)
    }

    /// 409: a repository of this name is there. Clients read the `url` (`create_repo(exist_ok=True)`).
    pub fn repo_exists(repo_type: RepoType, id: &RepoId, url: &str) -> Self {
        let _ = id;
        Self::conflict(format!("You already created this {repo_type} repo")).with("url", url)
    }

    /// 409: a repository cannot move onto another.
    pub fn move_target_exists(repo_type: RepoType, id: &RepoId) -> Self {
        Self::conflict(format!("A {repo_type} repository called {id} already exists"))
    }

    /// 409: git cannot keep two refs of which one's name goes on where the other's ends (`a` and `a/b`).
    pub fn ref_blocked(name: &RefName, by: &RefName) -> Self {
        let (wanted, there) = (shown_ref(name), shown_ref(by));
        Self::conflict(format!(
            "There cannot be {wanted} beside {there}: to git, one of them is a folder of the other. Choose another name."
        ))
    }

    /// 409: a branch or tag of this name is there.
    pub fn ref_exists(name: &RefName) -> Self {
        Self::conflict(format!("Reference {name} already exists"))
    }

    /// 400: not a name for a branch.
    pub fn bad_branch_name() -> Self {
        Self::bad_request("Invalid reference for a branch")
    }

    /// 403: the viewer may read but not change.
    pub fn write_denied(id: &RepoId) -> Self {
        Self::forbidden(format!("You don't have the rights to change {id}. Ask one of its owners for write access."))
    }

    /// 403: the viewer may change but not administer.
    pub fn admin_denied(id: &RepoId) -> Self {
        Self::forbidden(format!("Only an admin of {id} can do this."))
    }

    /// 403 (401 when anonymous): the owner wants to be asked before files are downloaded. Clients show these texts as they are.
    pub fn gated(repo_type: RepoType, id: &RepoId, barrier: &Barrier) -> Self {
        let page = format!("/{}{id}", repo_type.url_prefix());
        let message = match barrier {
            Barrier::LoggedOut => format!(
                "Access to {repo_type} {id} is restricted. You must have access to it and be authenticated to access it. Please log in."
            ),
            Barrier::NotAsked => format!(
                "Access to {repo_type} {id} is restricted and you are not in the authorized list. Visit {page} to ask for access."
            ),
            Barrier::Pending => {
                format!("Your request to access {repo_type} {id} is awaiting a review from the repo authors.")
            }
            Barrier::Rejected(reason) => {
                let reason = reason.as_ref().map(|reason| format!(" They gave a reason: {reason}")).unwrap_or_default();
                format!("Your request to access {repo_type} {id} has been rejected by the repo's authors.{reason}")
            }
            Barrier::Token => format!(
                "Access to {repo_type} {id} is restricted, and your access token is not for gated repositories. Make another that \
                 reads them under Settings, Access tokens."
            ),
        };
        Self::new(ErrorKind::Gated, message).for_anonymous(*barrier == Barrier::LoggedOut).leading_to(page)
    }

    /// The same for somebody who wants to propose changes of a gated repository, and does not know that it takes its files.
    #[must_use]
    pub fn of_proposal(mut self) -> Self {
        if self.kind == ErrorKind::Gated {
            self.message = format!("Changes are proposed by those who may download the files. {}", self.message);
        }
        self
    }

    /// 400: nobody needs to ask for the files of this repository.
    pub fn not_gated(repo_type: RepoType, id: &RepoId) -> Self {
        Self::bad_request(format!("{repo_type} {id} is not gated")).with_header("x-error-code", wire::REPO_NOT_GATED)
    }

    /// 404: there is no request for access like this.
    pub fn no_access_request() -> Self {
        Self::not_found("No access request found matching your criteria")
    }

    /// The same for somebody who may not decide about requests, in the words that the Hub has for it.
    #[must_use]
    pub fn for_reader(mut self) -> Self {
        if self.kind == ErrorKind::Forbidden {
            self.message = format!("You have read access but not the required permissions for this operation. {}", self.message);
        }
        self
    }

    /// 409 for a resource group that was deleted while somebody put a repository into it.
    pub fn resource_group_gone() -> Self {
        Self::conflict("This resource group was deleted meanwhile. Choose another, or none.").at("resource_group")
    }

    /// 404 for a resource group.
    pub fn no_such_group() -> Self {
        Self::not_found("There is no such resource group: it may have been deleted. Look at those that the organization has.")
    }

    /// 307 to a path on this hub.
    pub fn moved_to(path: impl Into<String>) -> Self {
        Self::new(ErrorKind::Moved, "This repository has moved.").with_header("Location", path)
    }
}

/// It has the name as it was asked for, and no other. It stays true when the name is that of a private repository by now.
fn deleted_text(repo_type: RepoType, id: &RepoId) -> String {
    let what = if repo_type == RepoType::Bucket { "all its files" } else { "all its files and commits" };
    format!("The public {repo_type} {id} was deleted, with {what}.")
}

/// Keeps what a client sent from filling a header or a page.
fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// A ref in a sentence.
fn shown_ref(name: &RefName) -> String {
    match (name.branch_name(), name.tag_name()) {
        (Some(branch), _) => format!("the branch `{branch}`"),
        (_, Some(tag)) => format!("the tag `{tag}`"),
        (None, None) => format!("`{name}`"),
    }
}
