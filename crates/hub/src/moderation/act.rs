//! What moderators can do about something.

use super::subject::SubjectKind;

/// What can be done about something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Dismiss,
    /// Nobody reads the comment.
    HideComment,
    /// Nobody but writers of the repository comments any more.
    LockDiscussion,
    /// The same, and nobody reads its title and what its author wrote.
    HideDiscussion,
    /// Nobody but its members and moderators reads it, and nobody changes it.
    DisableRepo,
    /// The same for all that an account has.
    DisableRepos,
    /// It is deleted: nobody reads it. For some time it can be brought back.
    RemoveRepo,
    /// People are asked before they see what is in the repository, whatever its card says.
    LabelRepo,
    /// Nobody but its owner sees it.
    HideCollection,
    /// What the person has is in no list, no search and no notification; links to it work.
    LimitUser,
    /// The person cannot sign in; what they made stays.
    SuspendUser,
    /// The same, and nobody sees what they made.
    BanUser,
    /// The same, and what they made is deleted; for some time it can be brought back.
    RemoveUser,
    /// What the organisation has is in no list, no search and no notification; links to it work.
    LimitOrganization,
    /// Nobody makes or changes anything in the organisation; what is there stays.
    SuspendOrganization,
    /// The same, and what it has is deleted; for some time it can be brought back.
    RemoveOrganization,
}

impl Act {
    const ALL: [Self; 16] = [
        Self::Dismiss,
        Self::HideComment,
        Self::LockDiscussion,
        Self::HideDiscussion,
        Self::DisableRepo,
        Self::DisableRepos,
        Self::RemoveRepo,
        Self::LabelRepo,
        Self::HideCollection,
        Self::LimitUser,
        Self::SuspendUser,
        Self::BanUser,
        Self::RemoveUser,
        Self::LimitOrganization,
        Self::SuspendOrganization,
        Self::RemoveOrganization,
    ];

    /// The word stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dismiss => "dismiss",
            Self::HideComment => "hide_comment",
            Self::LockDiscussion => "lock_discussion",
            Self::HideDiscussion => "hide_discussion",
            Self::DisableRepo => "disable_repo",
            Self::DisableRepos => "disable_repos",
            Self::RemoveRepo => "remove_repo",
            Self::LabelRepo => "label_repo",
            Self::HideCollection => "hide_collection",
            Self::LimitUser => "limit_user",
            Self::SuspendUser => "suspend_user",
            Self::BanUser => "ban_user",
            Self::RemoveUser => "remove_user",
            Self::LimitOrganization => "limit_organization",
            Self::SuspendOrganization => "suspend_organization",
            Self::RemoveOrganization => "remove_organization",
        }
    }

    /// What the moderator chooses.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Dismiss => "Do nothing: it may stay",
            Self::HideComment => "Hide the comment",
            Self::LockDiscussion => "Lock the discussion",
            Self::HideDiscussion => "Hide and lock the discussion",
            Self::DisableRepo => "Disable the repository",
            Self::DisableRepos => "Disable all its repositories",
            Self::RemoveRepo => "Remove the repository: nobody reads it, nor its members",
            Self::LabelRepo => "Label it as not for all audiences",
            Self::HideCollection => "Hide the collection",
            Self::LimitUser => "Limit the user: what they have is in no list",
            Self::SuspendUser => "Suspend the user; what they made stays",
            Self::BanUser => "Ban the user and hide what they made",
            Self::RemoveUser => "Remove the user with all they made",
            Self::LimitOrganization => "Limit the organization: what it has is in no list",
            Self::SuspendOrganization => "Suspend the organization: nobody changes anything in it",
            Self::RemoveOrganization => "Remove the organization with all it has",
        }
    }

    /// What was done, by the stored word.
    pub fn done(word: &str) -> &'static str {
        match word {
            "dismiss" => "Dismissed",
            "hide_comment" => "Comment hidden",
            "lock_discussion" => "Discussion locked",
            "hide_discussion" => "Discussion hidden",
            "disable_repo" => "Repository disabled",
            "disable_repos" => "Repositories disabled",
            "remove_repo" => "Repository removed",
            "label_repo" => "Repository labelled as not for all audiences",
            "hide_collection" => "Collection hidden",
            "limit_user" => "User limited",
            "suspend_user" => "User suspended",
            "ban_user" => "User banned",
            "remove_user" => "User removed",
            "limit_organization" => "Organization limited",
            "suspend_organization" => "Organization suspended",
            "remove_organization" => "Organization removed",
            _ => "Taken back",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }

    /// What can be done about a thing. Whoever made it can be removed with it.
    pub fn fitting(kind: SubjectKind, is_user: bool) -> &'static [Self] {
        let (without, with): (&[Self], &[Self]) = match kind {
            SubjectKind::Repo => (
                &[Self::Dismiss, Self::LabelRepo, Self::DisableRepo, Self::RemoveRepo],
                &[Self::Dismiss, Self::LabelRepo, Self::DisableRepo, Self::RemoveRepo, Self::RemoveUser],
            ),
            SubjectKind::Discussion => (
                &[Self::Dismiss, Self::LockDiscussion, Self::HideDiscussion],
                &[Self::Dismiss, Self::LockDiscussion, Self::HideDiscussion, Self::RemoveUser],
            ),
            SubjectKind::Comment => (&[Self::Dismiss, Self::HideComment], &[Self::Dismiss, Self::HideComment, Self::RemoveUser]),
            SubjectKind::Collection => {
                (&[Self::Dismiss, Self::HideCollection], &[Self::Dismiss, Self::HideCollection, Self::RemoveUser])
            }
            SubjectKind::Account => (
                &[
                    Self::Dismiss,
                    Self::LimitOrganization,
                    Self::SuspendOrganization,
                    Self::DisableRepos,
                    Self::RemoveOrganization,
                ],
                &[Self::Dismiss, Self::LimitUser, Self::SuspendUser, Self::BanUser, Self::DisableRepos, Self::RemoveUser],
            ),
        };
        if is_user { with } else { without }
    }

    /// What takes a thing out of sight, for many at once. People are only suspended.
    pub const fn take_down(kind: SubjectKind, is_user: bool) -> Self {
        match kind {
            SubjectKind::Repo => Self::DisableRepo,
            SubjectKind::Discussion => Self::HideDiscussion,
            SubjectKind::Comment => Self::HideComment,
            SubjectKind::Collection => Self::HideCollection,
            SubjectKind::Account if is_user => Self::SuspendUser,
            SubjectKind::Account => Self::DisableRepos,
        }
    }

    /// Whether it is about an account of its own, and not about a thing.
    pub(super) const fn is_about_account(self) -> bool {
        matches!(self, Self::LimitUser | Self::SuspendUser | Self::BanUser | Self::RemoveUser | Self::DisableRepos)
    }
}
