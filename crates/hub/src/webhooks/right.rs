//! Whose webhooks somebody may see and change: their own. What proves who they are decides how much.

use crate::accounts::{Auth, TokenRole, User, Viewer, scopes};
use crate::error::{HubError, HubResult};
use crate::repos::{Repo, RepoRead};

/// What somebody wants to do with their webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// See them, without their secrets.
    Read,
    /// See and change everything.
    Write,
}

/// The account whose webhooks the viewer may read or change. Fine-grained tokens need the permission for it.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens that are not for this.
pub(super) fn keeper(viewer: &Viewer, access: Access) -> HubResult<&User> {
    let user = viewer.require_user()?;
    if user.is_service() {
        return Err(HubError::for_people_only());
    }
    let allowed = match &viewer.auth {
        Auth::Session { .. } | Auth::Password | Auth::Token { role: TokenRole::Write, .. } => true,
        Auth::Token { role: TokenRole::Read, .. } => access == Access::Read,
        Auth::Token { role: TokenRole::FineGrained, scopes: given, .. } => {
            let needed: &[&str] = match access {
                Access::Read => &[scopes::READ_WEBHOOKS, scopes::WRITE_WEBHOOKS],
                Access::Write => &[scopes::WRITE_WEBHOOKS],
            };
            scopes::has_own(given, user, needed)
        }
        Auth::Anonymous => false,
    };
    match (allowed, access) {
        (true, _) => Ok(user),
        (false, Access::Read) => Err(HubError::token_too_weak("the right to read your webhooks")),
        (false, Access::Write) => Err(HubError::token_too_weak("the right to change your webhooks, or the role `write`")),
    }
}

/// Refuses that a fine-grained token watches a user or an organisation whose private repositories its owner sees and it does not: the
/// webhook would hear of them. Of others, webhooks hear only what everybody sees.
///
/// # Errors
/// 403 for such a token.
pub(super) fn check_sees(viewer: &Viewer, namespace_pk: i64, name: &str) -> HubResult<()> {
    let Auth::Token { role: TokenRole::FineGrained, scopes: given, .. } = &viewer.auth else { return Ok(()) };
    if !viewer.namespaces().contains(&namespace_pk) || scopes::reads_all_of(given, name) {
        return Ok(());
    }
    Err(HubError::token_too_weak(&format!("the right to read the repositories of `{name}`, of which the webhook would hear")))
}

/// Somebody as webhooks know them. Who runs the hub is told of what they see as the person they are, and not of all that is private.
pub(super) fn as_person(user: &User, auth: Auth) -> Viewer {
    Viewer { user: Some(User { is_admin: false, is_moderator: false, ..user.clone() }), auth }
}

/// Whether the owner of a webhook may hear of a repository.
pub(super) fn may_hear(user: &User, repo: &Repo) -> bool {
    // What a session of theirs would see, and who is suspended has none.
    !user.suspended && RepoRead::check(repo.clone(), as_person(user, Auth::Password)).is_ok()
}
