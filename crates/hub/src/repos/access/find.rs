//! From a request's path to the repository it is about, as far as the viewer may go.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use hub_types::{RepoId, RepoType};

use super::{
    Level, RepoAdmin, RepoContent, RepoEvidence, RepoRead, RepoWrite, level_of, may_read_disabled, not_found, role_level,
};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{ErrorKind, Family, HubError, HubResult, family_of};
use crate::repos::queries::{self, Repo};
use crate::web::extract::{app_of, is_safe, raw_param};

/// Finds a repository by its present or a former name and checks that the viewer may read it.
///
/// # Errors
/// As [`RepoRead::check`]; the names are checked first, an impossible one is simply not found.
pub async fn find_readable(app: &App, viewer: &Viewer, repo_type: RepoType, namespace: &str, name: &str) -> HubResult<RepoRead> {
    let missing = || not_found(viewer, namespace);
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
    let repo = repo.filter(|repo| level_of(viewer, repo).is_some()).ok_or_else(missing)?;
    RepoRead::check(repo, viewer.clone())
}

/// The same for an address that somebody may have kept: whoever asks for a repository that was public until it was deleted learns that.
/// What is there now and is not for this viewer changes nothing about the answer, so that it tells nothing of it.
///
/// # Errors
/// As [`find_readable`]; for a repository that was public until it was deleted with a sentence that says so, and by pages and git as 410.
pub async fn find_addressed(
    app: &App,
    viewer: &Viewer,
    family: Family,
    repo_type: RepoType,
    namespace: &str,
    name: &str,
) -> HubResult<RepoRead> {
    let missing = match find_readable(app, viewer, repo_type, namespace, name).await {
        Err(error) if error.kind() == ErrorKind::RepoNotFound => error,
        other => return other,
    };
    let Ok(id) = RepoId::new(namespace, name) else { return Err(missing) };
    if !queries::was_public(&app.pool, repo_type, id.namespace(), id.name()).await? {
        return Err(missing);
    }
    Err(match family {
        Family::Page => HubError::repo_gone(repo_type, &id),
        // Git sends the login that it has once it is asked for one: the name may be that of a private repository by now.
        Family::Git if !viewer.is_anonymous() => HubError::repo_gone(repo_type, &id),
        // Clients that ask whether there is one take nothing else for a no.
        Family::Git | Family::Lfs | Family::Api | Family::File => HubError::repo_deleted(repo_type, &id, viewer.is_anonymous()),
    })
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
    let found = find_addressed(app, &viewer, family, repo_type, namespace, name).await?;
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

impl FromRequest for RepoEvidence {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { from_path(&request).await?.into_evidence(app_of(&request)?).await })
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
