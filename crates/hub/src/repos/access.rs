//! The one permission check. A handler about a repository takes [`RepoRead`], [`RepoWrite`] or [`RepoAdmin`];
//! none of them can be had without [`level_of`] having said yes.
//!
//! A repository the viewer may not see answers exactly as one that does not exist.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use hub_types::RepoType;
use serde_json::Value;
use sqlx::PgConnection;

use super::queries::gating::{RequestStatus, find_standing};
use super::queries::{self, Repo};
use crate::accounts::queries::groups::find_group;
use crate::accounts::queries::{NamespaceRow, find_namespace};
use crate::accounts::{Auth, GroupMembership, OrgRole, TokenRole, User, Viewer};
use crate::app::App;
use crate::error::{Barrier, HubError, HubResult};
use crate::error::{Family, family_of};
use crate::moderation;
use crate::web::extract::{app_of, is_safe, raw_param};

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

/// Where a repository shall live: in a namespace, and there perhaps in a resource group.
#[derive(Debug, Clone)]
pub struct Place {
    /// The namespace.
    pub namespace: NamespaceRow,
    /// The group.
    pub resource_group_pk: Option<i64>,
}

/// Whether a viewer may make repositories in a place: by the role in the group, or else in the namespace.
///
/// # Errors
/// 401 for anonymous viewers, 403 for others who may not (never 404: `create_repo(exist_ok=True)` relies on it).
pub fn may_create(viewer: &Viewer, place: &Place, repo_type: RepoType) -> HubResult<()> {
    let user = viewer.require_user()?;
    let NamespaceRow { namespace_pk, name, .. } = &place.namespace;
    let role = viewer.role_in(*namespace_pk);
    let needed = OrgRole::parse(&place.namespace.create_role).unwrap_or(OrgRole::Contributor);
    let allowed = match place.resource_group_pk {
        _ if user.is_admin => true,
        Some(group_pk) => group_of(user, *namespace_pk, |group| group.pk == group_pk).is_some_and(GroupMembership::may_create),
        None => role.is_some_and(|role| role >= needed),
    };
    if !allowed && role.is_some() && place.resource_group_pk.is_none() {
        return Err(HubError::forbidden(format!(
            "You don't have the rights to create a {repo_type} under the namespace \"{name}\": that takes the role `{}` there, or a \
             resource group in which you may write.",
            needed.as_str()
        )));
    }
    if !allowed {
        return Err(may_not_create(repo_type, name));
    }
    match token_cap(viewer, *namespace_pk, repo_type, &format!("{name}/")) {
        Some(Level::Admin) => Ok(()),
        _ => Err(HubError::token_too_weak("the role `write`")),
    }
}

fn may_not_create(repo_type: RepoType, namespace: &str) -> HubError {
    HubError::forbidden(format!("You don't have the rights to create a {repo_type} under the namespace \"{namespace}\"."))
}

/// Finds the namespace a repository shall live in and checks that the viewer may put one there. One that is there already stays
/// in its resource group.
///
/// # Errors
/// 403 for a foreign namespace, and for one that does not exist.
pub async fn target_namespace(
    app: &App,
    viewer: &Viewer,
    name: Option<&str>,
    repo_type: RepoType,
    there: Option<&Repo>,
) -> HubResult<NamespaceRow> {
    let namespace = find_target(app, viewer, name, repo_type).await?;
    let stays = there.filter(|repo| repo.namespace_pk == namespace.namespace_pk);
    let place = Place { namespace, resource_group_pk: stays.and_then(|repo| repo.resource_group_pk) };
    may_create(viewer, &place, repo_type)?;
    Ok(place.namespace)
}

/// Finds the place for a new repository, in the resource group with this id if one is named, and checks that the viewer may make one
/// there.
///
/// # Errors
/// As [`target_namespace`]; 400 for a group that the namespace does not have, as far as the viewer may know.
pub async fn target_place(
    app: &App,
    viewer: &Viewer,
    name: Option<&str>,
    repo_type: RepoType,
    group_id: Option<&str>,
) -> HubResult<Place> {
    let namespace = find_target(app, viewer, name, repo_type).await?;
    let resource_group_pk = match group_id.filter(|id| !id.is_empty()) {
        None => None,
        Some(id) => Some(find_group_pk(app, viewer, &namespace, id).await?),
    };
    let place = Place { namespace, resource_group_pk };
    may_create(viewer, &place, repo_type)?;
    Ok(place)
}

/// The key of a group of a namespace that the viewer may know of.
async fn find_group_pk(app: &App, viewer: &Viewer, namespace: &NamespaceRow, id: &str) -> HubResult<i64> {
    let user = viewer.require_user()?;
    let known = match group_of(user, namespace.namespace_pk, |group| group.id == id) {
        Some(group) => Some(group.pk),
        None if user.is_admin => find_group(&app.pool, namespace.namespace_pk, id).await?.map(|group| group.resource_group_pk),
        None => None,
    };
    known.ok_or_else(|| {
        let text = format!("{} has no such resource group, or you are not in it. Choose another, or none.", namespace.name);
        HubError::bad_request(text).at("resource_group")
    })
}

async fn find_target(app: &App, viewer: &Viewer, name: Option<&str>, repo_type: RepoType) -> HubResult<NamespaceRow> {
    let user = viewer.require_user()?;
    let wanted = name.unwrap_or(&user.name);
    let found =
        if hub_types::check_name(wanted).is_ok() { find_namespace(&mut *app.pool.acquire().await?, wanted).await? } else { None };
    found.ok_or_else(|| may_not_create(repo_type, wanted))
}

/// The key of the group with this id, into which the viewer may move a repository of its organisation; for no id, none. Who makes a
/// repository there may move one there.
///
/// # Errors
/// As [`target_place`].
pub async fn group_to_move_to(app: &App, admin: &RepoAdmin, id: Option<&str>) -> HubResult<Option<i64>> {
    let repo = &admin.repo;
    Ok(target_place(app, &admin.viewer, Some(repo.id.namespace()), repo.repo_type, id).await?.resource_group_pk)
}

/// Checks that a contributor takes no name that was that of somebody else's repository: who asks for it by that name must not
/// get other bytes. Those who may write everywhere in the namespace may have the name again.
///
/// # Errors
/// 403 for such a name.
pub async fn check_name_is_free(
    conn: &mut PgConnection,
    viewer: &Viewer,
    repo_type: RepoType,
    namespace: &NamespaceRow,
    name: &str,
) -> HubResult<()> {
    let user = viewer.require_user()?;
    if viewer.role_in(namespace.namespace_pk) >= Some(OrgRole::Write) || user.is_admin {
        return Ok(());
    }
    let owner = (namespace.namespace_pk, namespace.name.as_str());
    if queries::changes::was_of_another(conn, repo_type, owner, name, user.pk).await? {
        return Err(HubError::forbidden(format!(
            "{}/{name} was the name of somebody else's repository. Choose another, or ask a member who may write to take it.",
            namespace.name
        )));
    }
    Ok(())
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

impl Deref for RepoAdmin {
    type Target = RepoRead;

    fn deref(&self) -> &RepoRead {
        &self.0
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
        app.config.xet && !self.repo.plain_http && !self.viewer.user.as_ref().is_some_and(|user| user.plain_http)
    }

    /// Goes on to download files.
    ///
    /// # Errors
    /// 403 (401 when anonymous) with the code for gated repositories for those the owner has not let in.
    pub async fn into_content(self, app: &App) -> HubResult<RepoContent> {
        match self.barrier(app).await? {
            None => Ok(RepoContent(self)),
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
            return Err(HubError::token_too_weak(&format!("the role `write` on {}", self.repo.id)));
        }
        Err(match level {
            Level::Admin => HubError::admin_denied(&self.repo.id),
            Level::Write | Level::Read => HubError::write_denied(&self.repo.id),
        })
    }
}

/// Finds a repository by its present or a former name and checks that the viewer may read it.
///
/// # Errors
/// As [`RepoRead::check`]; the names are checked first, an impossible one is simply not found.
pub async fn find_readable(app: &App, viewer: &Viewer, repo_type: RepoType, namespace: &str, name: &str) -> HubResult<RepoRead> {
    let missing = || HubError::repo_not_found(viewer.is_anonymous());
    // An impossible name never reaches the database: a NUL in it would be a 500 there.
    if hub_types::RepoId::new(namespace, name).is_err() {
        return Err(missing());
    }
    let repo = match app.lookups.find(repo_type, namespace, name).await? {
        Some(repo) => Some(repo),
        None => match queries::find_moved(&app.pool, repo_type, namespace, name).await? {
            Some(repo_pk) => queries::find_repo_by_pk(&app.pool, repo_pk).await?,
            None => None,
        },
    };
    RepoRead::check(repo.ok_or_else(missing)?, viewer.clone())
}

/// Finds a repository that moderators disabled, for the page that says why, and tells whether the viewer administers it.
///
/// # Errors
/// As for one that does not exist: for those who may not know of it, and when it is not disabled.
pub async fn find_disabled(
    app: &App,
    viewer: &Viewer,
    repo_type: RepoType,
    namespace: &str,
    name: &str,
) -> HubResult<(Repo, bool)> {
    let missing = || HubError::repo_not_found(viewer.is_anonymous());
    if hub_types::RepoId::new(namespace, name).is_err() {
        return Err(missing());
    }
    let repo = app.lookups.find(repo_type, namespace, name).await?.filter(|repo| repo.disabled).ok_or_else(missing)?;
    if level_of(viewer, &repo).is_none() {
        return Err(missing());
    }
    let administers = role_level(viewer, &repo) == Some(Level::Admin) && may_read_disabled(viewer, &repo);
    Ok((repo, administers))
}

async fn from_path(request: &HttpRequest) -> HubResult<RepoRead> {
    let app = app_of(request)?;
    let viewer = Viewer::extract(request).await?;
    let repo_type = match raw_param(request, "repo_type") {
        "" => RepoType::Model,
        plural => RepoType::from_plural(plural).ok_or_else(|| HubError::repo_not_found(viewer.is_anonymous()))?,
    };
    let (namespace, name) = (raw_param(request, "namespace"), raw_param(request, "name"));
    let family = family_of(request.path());
    let name = match family {
        Family::Git | Family::Lfs => name.strip_suffix(".git").unwrap_or(name),
        Family::Api | Family::File | Family::Page => name,
    };
    let found = find_readable(app, &viewer, repo_type, namespace, name).await?;
    let moved = found.repo.id.key() != format!("{namespace}/{name}").to_ascii_lowercase();
    let redirects = is_safe(request) && matches!(family, Family::Api | Family::File | Family::Page);
    if moved && redirects {
        return Err(HubError::moved_to(location_after_move(request, namespace, name, &found.repo)));
    }
    Ok(found)
}

/// The address asked for, with the present id in the place of the old one. Relative, as 1.28 of the Python client needs.
fn location_after_move(request: &HttpRequest, namespace: &str, name: &str, repo: &Repo) -> String {
    let path = request.uri().path().replacen(&format!("/{namespace}/{name}"), &format!("/{}", repo.id), 1);
    match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

impl FromRequest for RepoRead {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { from_path(&request).await })
    }
}

impl FromRequest for RepoContent {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { from_path(&request).await?.into_content(app_of(&request)?).await })
    }
}

impl FromRequest for RepoWrite {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { from_path(&request).await?.into_write() })
    }
}

impl FromRequest for RepoAdmin {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { from_path(&request).await?.into_admin() })
    }
}
