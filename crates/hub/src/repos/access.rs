//! The one permission check. A handler about a repository takes [`RepoRead`], [`RepoWrite`] or [`RepoAdmin`];
//! none of them can be had without [`level_of`] having said yes.
//!
//! A repository the viewer may not see answers exactly as one that does not exist.

mod find;
mod places;

use std::ops::Deref;

use hub_types::RepoType;
use serde_json::Value;

use super::queries::Repo;
use super::queries::gating::{RequestStatus, find_standing};
use crate::accounts::{Auth, GroupMembership, OrgRole, TokenRole, User, Viewer};
use crate::app::App;
use crate::error::{Barrier, HubError, HubResult};
use crate::flags::Flag;
use crate::moderation;
use crate::oauth;

pub use find::{find_addressed, find_disabled, find_readable};
pub use places::{Place, check_name_is_free, find_group_pk, group_to_move_to, may_create, target_namespace, target_place};

/// What a viewer may do with a repository, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// See and download it.
    Read,
    /// Change its contents.
    Write,
    /// Change its settings, name and existence.
    Admin,
}

/// Says what a viewer may do with a repository, or `None` if they may not know of it.
pub fn level_of(viewer: &Viewer, repo: &Repo) -> Option<Level> {
    let by_role = role_level(viewer, repo);
    let public = (!repo.private).then_some(Level::Read);
    let level = by_role.max(public)?;
    let cap = token_cap(viewer, repo.namespace_pk, repo.repo_type, &repo.id.to_string());
    // A token never shows less than the public sees.
    cap.map(|cap| level.min(cap)).max(public)
}

/// Whether somebody belongs to a repository, by whatever they show for it.
pub fn is_member(user: User, repo: &Repo) -> bool {
    role_level(&Viewer { user: Some(user), auth: Auth::Password }, repo).is_some()
}

/// Whether a viewer belongs to a repository, by what was shown for them: a token for other things belongs nowhere.
pub fn is_shown_as_member(viewer: &Viewer, repo: &Repo) -> bool {
    role_level(viewer, repo).is_some() && token_cap(viewer, repo.namespace_pk, repo.repo_type, &repo.id.to_string()).is_some()
}

fn role_level(viewer: &Viewer, repo: &Repo) -> Option<Level> {
    let user = viewer.user.as_ref()?;
    if user.is_admin {
        return Some(Level::Admin);
    }
    let role = match (viewer.role_in(repo.namespace_pk)?, repo.resource_group_pk) {
        (OrgRole::Admin, _) => OrgRole::Admin,
        // In a group, only the group's roles count.
        (_, Some(group_pk)) => group_of(user, repo.namespace_pk, |group| group.pk == group_pk)?.role,
        (role, None) => role,
    };
    match role {
        OrgRole::Admin => Some(Level::Admin),
        OrgRole::Write => Some(Level::Write),
        OrgRole::Contributor if repo.created_by == Some(user.pk) => Some(Level::Admin),
        OrgRole::Contributor | OrgRole::Read => Some(Level::Read),
    }
}

fn group_of(user: &User, namespace_pk: i64, is_it: impl Fn(&GroupMembership) -> bool) -> Option<&GroupMembership> {
    user.membership_in(namespace_pk)?.groups.iter().find(|group| is_it(group))
}

/// Whether somebody administers a repository, whatever they show for it.
pub fn administers(viewer: &Viewer, repo: &Repo) -> bool {
    role_level(viewer, repo) == Some(Level::Admin)
}

/// Whether what was shown for the viewer stands for the whole account, and not for chosen repositories.
pub fn sees_whole_account(viewer: &Viewer) -> bool {
    !matches!(viewer.auth, Auth::Token { role: TokenRole::FineGrained, .. })
}

/// Whether the viewer may see a repository that moderators disabled, and change nothing in it: its members, who are told why, and
/// moderators. Their tokens must be for it.
fn may_read_disabled(viewer: &Viewer, repo: &Repo) -> bool {
    let moderates = viewer.user.as_ref().is_some_and(User::moderates);
    let is_for_it = token_cap(viewer, repo.namespace_pk, repo.repo_type, &repo.id.to_string()).is_some();
    is_for_it && (moderates || role_level(viewer, repo).is_some())
}

/// Whether the viewer is a member of an organisation in name only, because it asks for a second factor.
fn locked_out(viewer: &Viewer, namespace: &str) -> bool {
    viewer.user.as_ref().is_some_and(|user| user.locked_out_of(namespace).is_some())
}

/// For a repository that the viewer may not know of, asked for in a namespace: the answer for those that do not exist. Who lacks a
/// second factor is told so, whether there is one of this name or not.
fn not_found(viewer: &Viewer, namespace: &str) -> HubError {
    match locked_out(viewer, namespace) {
        true => HubError::second_factor_required(namespace),
        false => HubError::repo_not_found(viewer.is_anonymous()),
    }
}

/// 403 with the page that says why.
pub fn disabled(repo: &Repo) -> HubError {
    HubError::repo_disabled(moderation::notice_path(repo.repo_type, &repo.id))
}

/// The most a token may do with a repository of a namespace; sessions and passwords may do all.
fn token_cap(viewer: &Viewer, namespace_pk: i64, repo_type: RepoType, id: &str) -> Option<Level> {
    let Auth::Token { role, scopes, .. } = &viewer.auth else { return Some(Level::Admin) };
    match role {
        TokenRole::Read => Some(Level::Read),
        TokenRole::Write => Some(Level::Admin),
        TokenRole::FineGrained => scoped_level(viewer, scopes, namespace_pk, repo_type, id),
    }
}

/// What a token lacks to do what its owner may. Only who may know of the repository is told so.
fn token_lacks(viewer: &Viewer, repo: &Repo, level: Level) -> HubError {
    let Auth::Token { name, scopes, .. } = &viewer.auth else { return HubError::write_denied(&repo.id) };
    let may = match token_cap(viewer, repo.namespace_pk, repo.repo_type, &repo.id.to_string()) {
        None => None,
        Some(Level::Read) => Some("read"),
        Some(Level::Write | Level::Admin) => Some("read and change"),
    };
    let (lacks, scope) = match level {
        Level::Read => ("read it", "read-repos"),
        Level::Write => ("write to it", "write-repos"),
        Level::Admin => ("change its settings, move or delete it", "manage-repos"),
    };
    match oauth::is_of_application(scopes) {
        true => HubError::application_lacks(name, &repo.id, may, lacks, scope),
        false => HubError::token_lacks(name, &repo.id, may, lacks),
    }
}

/// Reads a fine-grained token's scopes, in the shape `whoami-v2` shows them:
/// `{"scoped": [{"entity": {"type": "user" | "org" | "model" | …, "name": "ada" | "ada/bert"}, "permissions": ["repo.write"]}]}`.
fn scoped_level(viewer: &Viewer, scopes: &Value, namespace_pk: i64, repo_type: RepoType, id: &str) -> Option<Level> {
    let namespace =
        namespace_name(viewer, namespace_pk).or_else(|| id.split_once('/').map(|(namespace, _)| namespace.to_owned()))?;
    let entries = scopes.get("scoped").and_then(Value::as_array)?;
    let mut best = None;
    for entry in entries {
        let kind = entry.pointer("/entity/type").and_then(Value::as_str).unwrap_or_default();
        let name = entry.pointer("/entity/name").and_then(Value::as_str).unwrap_or_default();
        let applies = match kind {
            "user" | "org" => name.eq_ignore_ascii_case(&namespace),
            other => other == repo_type.as_str() && name.eq_ignore_ascii_case(id),
        };
        if applies {
            let permissions = entry.get("permissions").and_then(Value::as_array).into_iter().flatten();
            best = permissions.filter_map(Value::as_str).filter_map(permission_level).max().max(best);
        }
    }
    best
}

fn namespace_name(viewer: &Viewer, namespace_pk: i64) -> Option<String> {
    let user = viewer.user.as_ref()?;
    if user.pk == namespace_pk {
        return Some(user.name.clone());
    }
    user.memberships.iter().find(|membership| membership.namespace_pk == namespace_pk).map(|membership| membership.name.clone())
}

fn permission_level(permission: &str) -> Option<Level> {
    match permission {
        "repo.content.read" => Some(Level::Read),
        "repo.content.write" => Some(Level::Write),
        "repo.write" => Some(Level::Admin),
        _ => None,
    }
}

/// A repository the viewer may read.
#[derive(Debug, Clone)]
pub struct RepoRead {
    /// The repository.
    pub repo: Repo,
    /// Who asks.
    pub viewer: Viewer,
    /// What they may do with it.
    pub level: Level,
}

/// A repository whose contents the viewer may change.
#[derive(Debug, Clone)]
pub struct RepoWrite(RepoRead);

/// A repository the viewer administers.
#[derive(Debug, Clone)]
pub struct RepoAdmin(RepoRead);

/// A repository of which the viewer may see what its bytes say of where it comes from: who may change it, and moderators.
#[derive(Debug, Clone)]
pub struct RepoEvidence(RepoRead);

/// A repository whose files the viewer may download: of a gated one, those who were not let in see the page but not the bytes.
#[derive(Debug, Clone)]
pub struct RepoContent(RepoRead);

impl Deref for RepoContent {
    type Target = RepoRead;

    fn deref(&self) -> &RepoRead {
        &self.0
    }
}

impl Deref for RepoWrite {
    type Target = RepoRead;

    fn deref(&self) -> &RepoRead {
        &self.0
    }
}

impl Deref for RepoEvidence {
    type Target = RepoRead;

    fn deref(&self) -> &RepoRead {
        &self.0
    }
}

impl Deref for RepoAdmin {
    type Target = RepoRead;

    fn deref(&self) -> &RepoRead {
        &self.0
    }
}

impl RepoContent {
    /// Checks that what is in the repository may go into another one. Of what moderators disabled, nothing does: else its members
    /// would publish it again under another name.
    ///
    /// # Errors
    /// 403 for a repository that is disabled, except for who runs the hub.
    pub fn require_copyable(&self) -> HubResult<()> {
        if self.repo.disabled && !self.viewer.is_site_admin() { Err(disabled(&self.repo)) } else { Ok(()) }
    }
}

impl RepoRead {
    /// Checks that the viewer may read.
    ///
    /// # Errors
    /// 404 (401 when anonymous) for a repository the viewer may not know of, 403 for one that is switched off.
    pub fn check(repo: Repo, viewer: Viewer) -> HubResult<Self> {
        let Some(level) = level_of(&viewer, &repo) else { return Err(HubError::repo_not_found(viewer.is_anonymous())) };
        if !repo.disabled || viewer.user.as_ref().is_some_and(|user| user.is_admin) {
            return Ok(Self { repo, viewer, level });
        }
        if may_read_disabled(&viewer, &repo) {
            return Ok(Self { repo, viewer, level: Level::Read });
        }
        Err(disabled(&repo))
    }

    /// Whether this viewer's clients are led to the chunks of the repository's files. Hub, repository and user each have a
    /// switch that keeps them to plain HTTP, for versions that stall.
    pub fn offers_chunks(&self, app: &App) -> bool {
        app.allows(Flag::Xet) && !self.repo.plain_http && !self.viewer.user.as_ref().is_some_and(|user| user.plain_http)
    }

    /// Goes on to download files.
    ///
    /// # Errors
    /// 403 (401 when anonymous) with the code for gated repositories for those the owner has not let in.
    pub async fn into_content(self, app: &App) -> HubResult<RepoContent> {
        match self.barrier(app).await? {
            None => Ok(RepoContent(self)),
            Some(_) if locked_out(&self.viewer, self.repo.id.namespace()) => {
                Err(HubError::second_factor_required(self.repo.id.namespace()))
            }
            Some(barrier) => Err(HubError::gated(self.repo.repo_type, &self.repo.id, &barrier)),
        }
    }

    /// What keeps the viewer from the files, if anything does. The database is asked about gated repositories only, and there
    /// about those who are no members.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn barrier(&self, app: &App) -> HubResult<Option<Barrier>> {
        let Self { repo, viewer, .. } = self;
        if repo.gated.is_none() {
            return Ok(None);
        }
        let Some(user) = &viewer.user else { return Ok(Some(Barrier::LoggedOut)) };
        if role_level(viewer, repo).is_none() {
            let standing = find_standing(&app.pool, repo.pk, user.pk).await?;
            match standing.map(|standing| (standing.status, standing.rejection_reason)) {
                Some((RequestStatus::Accepted, _)) => {}
                Some((RequestStatus::Pending, _)) => return Ok(Some(Barrier::Pending)),
                Some((RequestStatus::Rejected, reason)) => return Ok(Some(Barrier::Rejected(reason))),
                None => return Ok(Some(Barrier::NotAsked)),
            }
        }
        Ok((!self.is_for_gated()).then_some(Barrier::Token))
    }

    /// Whether the viewer belongs to the repository, and need not ask for its files.
    pub fn is_member(&self) -> bool {
        role_level(&self.viewer, &self.repo).is_some()
    }

    /// The same of what was shown for the viewer: a token for other things belongs nowhere.
    pub fn is_shown_as_member(&self) -> bool {
        is_shown_as_member(&self.viewer, &self.repo)
    }

    /// Whether what was shown for the viewer opens gated repositories: of tokens for chosen things, those that say so, or name
    /// this repository.
    fn is_for_gated(&self) -> bool {
        let Self { repo, viewer, .. } = self;
        match &viewer.auth {
            Auth::Token { role: TokenRole::FineGrained, scopes, .. } => {
                scopes.get("canReadGatedRepos") == Some(&Value::Bool(true))
                    || token_cap(viewer, repo.namespace_pk, repo.repo_type, &repo.id.to_string()).is_some()
            }
            Auth::Token { .. } | Auth::Session { .. } | Auth::Password | Auth::Anonymous => true,
        }
    }

    /// Goes on to change the contents.
    ///
    /// # Errors
    /// 401 when anonymous, 403 for those who may only read.
    pub fn into_write(self) -> HubResult<RepoWrite> {
        self.require(Level::Write).map(RepoWrite)
    }

    /// Goes on to see where its bytes come from. Moderators see that of what they may download, by what may act in their name.
    ///
    /// # Errors
    /// 401 when anonymous, 403 for those who may only read, and for moderators whom the owner of a gated one has not let in.
    pub async fn into_evidence(self, app: &App) -> HubResult<RepoEvidence> {
        if self.level < Level::Write && self.viewer.is_moderator() && self.viewer.require_actor().is_ok() {
            return Ok(RepoEvidence(self.into_content(app).await?.0));
        }
        self.require(Level::Write).map(RepoEvidence)
    }

    /// Goes on to administer.
    ///
    /// # Errors
    /// 401 when anonymous, 403 for those who may not.
    pub fn into_admin(self) -> HubResult<RepoAdmin> {
        self.require(Level::Admin).map(RepoAdmin)
    }

    fn require(self, level: Level) -> HubResult<Self> {
        if self.level >= level {
            return Ok(self);
        }
        if self.repo.disabled {
            return Err(disabled(&self.repo));
        }
        self.viewer.require_user()?;
        if role_level(&self.viewer, &self.repo).is_some_and(|role| role >= level) {
            return Err(token_lacks(&self.viewer, &self.repo, level));
        }
        if locked_out(&self.viewer, self.repo.id.namespace()) {
            return Err(HubError::second_factor_required(self.repo.id.namespace()));
        }
        Err(match level {
            Level::Admin => HubError::admin_denied(&self.repo.id),
            Level::Write | Level::Read => HubError::write_denied(&self.repo.id),
        })
    }
}
