//! Saying whom a repository or an organisation trusts, and trusting them no longer.

use super::issuers::{Issuer, Kind};
use super::queries::{self, NewPublisher, PublisherRow, RemovedRow};
use crate::accounts::{User, audit};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::repos::changes::undoable_since;
use crate::web::text::is_readable_line;

/// How many a repository or an organisation can trust.
pub const MOST: i64 = 50;
/// How many of those that were removed are listed.
const MOST_REMOVED: i64 = 50;
/// The longest name of what a job runs for, in bytes: all of them fit in one row of an index.
const MOST_BYTES: usize = 250;
/// The folder of GitHub's workflows, which need not be written.
const WORKFLOWS: &str = ".github/workflows/";

/// Who trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// One repository.
    Repo(i64),
    /// An organisation, for all repositories of its own.
    Organization(i64),
}

impl Owner {
    const fn keys(self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Repo(pk) => (Some(pk), None),
            Self::Organization(pk) => (None, Some(pk)),
        }
    }
}

/// Whom somebody typed into the form.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The address of the issuer.
    pub issuer: String,
    /// The repository there.
    pub project: String,
    /// The only file of a workflow, or empty.
    pub workflow: String,
    /// The only environment, or empty.
    pub environment: String,
    /// The only branch, or empty.
    pub branch: String,
}

/// Whom an owner trusts.
///
/// # Errors
/// The database does not answer.
pub async fn list(app: &App, owner: Owner) -> HubResult<Vec<PublisherRow>> {
    let (repo_pk, organization_pk) = owner.keys();
    Ok(queries::list_publishers(&app.pool, repo_pk, organization_pk).await?)
}

/// Whom an owner trusted and can trust again.
///
/// # Errors
/// The database does not answer.
pub async fn list_removed(app: &App, owner: Owner) -> HubResult<Vec<RemovedRow>> {
    let (repo_pk, organization_pk) = owner.keys();
    Ok(queries::list_removed(&app.pool, repo_pk, organization_pk, undoable_since(app), MOST_REMOVED).await?)
}

/// What the issuer of an address is called; the address itself when the operator took it off the list.
pub fn label_of(app: &App, url: &str) -> String {
    let issuer = app.config.publisher_issuers.iter().find(|issuer| issuer.url == url);
    issuer.map_or_else(|| url.to_owned(), Issuer::label)
}

/// Trusts somebody from now on.
///
/// # Errors
/// 400 for what names nobody, 409 for whom the owner trusts already, and for too many.
pub async fn add(app: &App, owner: Owner, by: &User, typed: &Typed) -> HubResult<()> {
    let issuer = app.config.publisher_issuers.iter().find(|issuer| issuer.url == typed.issuer);
    let issuer = issuer.ok_or_else(|| HubError::bad_request("Choose where the jobs run.").at("issuer"))?;
    let checked = check(issuer.kind, typed)?;
    let (repo_pk, organization_pk) = owner.keys();
    let mut tx = audit::begin(app).await?;
    if queries::lock_and_count(&mut tx, repo_pk, organization_pk).await? >= MOST {
        return Err(too_many().at("project"));
    }
    let new = NewPublisher {
        repo_pk,
        organization_pk,
        issuer: &issuer.url,
        project: &checked.project,
        workflow: &checked.workflow,
        environment: &checked.environment,
        branch: &checked.branch,
        added_by: by.pk,
    };
    match queries::insert_publisher(&mut tx, &new).await {
        Err(error)
            if db::violates(&error, "trusted_publishers_repo_idx")
                || db::violates(&error, "trusted_publishers_organization_idx") =>
        {
            Err(HubError::conflict("This one is trusted already.").at("project"))
        }
        other => {
            other?;
            Ok(tx.commit().await?)
        }
    }
}

/// Trusts somebody no longer. The tokens of their jobs end at once. For some time, they can be trusted again ([`restore`]).
///
/// # Errors
/// 409 when the owner does not trust them, any more.
pub async fn remove(app: &App, owner: Owner, publisher_pk: i64) -> HubResult<()> {
    let (repo_pk, organization_pk) = owner.keys();
    let mut tx = audit::begin(app).await?;
    if !queries::delete_publisher(&mut tx, repo_pk, organization_pk, publisher_pk).await? {
        return Err(HubError::conflict("There is no such trusted publisher: it may have been removed meanwhile."));
    }
    Ok(tx.commit().await?)
}

fn too_many() -> HubError {
    HubError::conflict(format!("There can be {MOST} trusted publishers: remove one that is not needed first."))
}

/// Trusts somebody again who was removed, as before. The tokens that their jobs had stay over.
///
/// # Errors
/// 409 when they are trusted already, the time for that is over, and for too many.
pub async fn restore(app: &App, owner: Owner, publisher_pk: i64) -> HubResult<()> {
    let (repo_pk, organization_pk) = owner.keys();
    let mut tx = audit::begin(app).await?;
    if queries::lock_and_count(&mut tx, repo_pk, organization_pk).await? >= MOST {
        return Err(too_many());
    }
    match queries::restore_publisher(&mut tx, repo_pk, organization_pk, publisher_pk, undoable_since(app)).await {
        Err(error)
            if db::violates(&error, "trusted_publishers_repo_idx")
                || db::violates(&error, "trusted_publishers_organization_idx") =>
        {
            Err(HubError::conflict("This one was added again already, and is trusted."))
        }
        Err(error) => Err(error.into()),
        Ok(false) => Err(HubError::no_longer_restorable()),
        Ok(true) => Ok(tx.commit().await?),
    }
}

/// Reads what was typed, as an issuer of this kind says it.
fn check(kind: Kind, typed: &Typed) -> HubResult<Typed> {
    let project = typed.project.trim();
    let project = if kind == Kind::Other { project } else { project.trim_matches('/') };
    let parts: Vec<&str> = project.split('/').collect();
    let is_path = parts.iter().all(|part| is_name(part));
    let (fits, wanted) = match kind {
        Kind::GitHub => (is_path && parts.len() == 2, "Give the repository as `owner/name`, without an address."),
        Kind::GitLab => (is_path && parts.len() >= 2, "Give the project as `group/name`, without an address."),
        Kind::Other => (is_readable_line(project), "Give the subject (`sub`) that the issuer signs for the job."),
    };
    if !fits || project.len() > MOST_BYTES {
        return Err(HubError::bad_request(wanted).at("project"));
    }
    let workflow = typed.workflow.trim().trim_start_matches('/');
    let workflow = if kind == Kind::GitHub { workflow.trim_start_matches(WORKFLOWS) } else { workflow };
    let branch = typed.branch.trim();
    let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    let environment = typed.environment.trim();
    for (field, value) in [("workflow", workflow), ("environment", environment), ("branch", branch)] {
        if value.is_empty() {
            continue;
        }
        if kind == Kind::Other {
            return Err(HubError::bad_request("Of this issuer only the subject counts: leave it empty.").at(field));
        }
        if !is_readable_line(value) || value.len() > MOST_BYTES || (field == "workflow" && value.contains('@')) {
            return Err(HubError::bad_request("Give one name, or leave it empty for any.").at(field));
        }
    }
    Ok(Typed {
        issuer: typed.issuer.clone(),
        project: project.to_owned(),
        workflow: workflow.to_owned(),
        environment: environment.to_owned(),
        branch: branch.to_owned(),
    })
}

/// A part of the name of a repository or a group.
fn is_name(part: &str) -> bool {
    let fits = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    fits && !part.is_empty() && !part.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(project: &str, workflow: &str, branch: &str) -> Typed {
        Typed { project: project.to_owned(), workflow: workflow.to_owned(), branch: branch.to_owned(), ..Typed::default() }
    }

    #[test]
    fn what_people_type_is_read_as_the_issuer_says_it() {
        let read = check(Kind::GitHub, &typed(" octo/bert/ ", ".github/workflows/release.yml", "refs/heads/main")).unwrap();
        assert_eq!((read.project.as_str(), read.workflow.as_str(), read.branch.as_str()), ("octo/bert", "release.yml", "main"));
        let read = check(Kind::GitLab, &typed("group/sub/bert", "ci/release.yml", "")).unwrap();
        assert_eq!((read.project.as_str(), read.workflow.as_str()), ("group/sub/bert", "ci/release.yml"));
        assert!(check(Kind::Other, &typed("build:bert", "", "")).is_ok());
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for project in ["", "octo", "octo/", "octo/bert/x", "https://github.com/octo/bert", "octo/b ert", "octo/*", "../bert"] {
            assert!(check(Kind::GitHub, &typed(project, "", "")).is_err(), "{project}");
        }
        assert!(check(Kind::GitLab, &typed("bert", "", "")).is_err());
        assert!(check(Kind::GitHub, &typed("octo/bert", "release.yml@main", "")).is_err());
        assert!(check(Kind::Other, &typed("build:bert", "", "main")).is_err());
        assert!(check(Kind::Other, &typed("", "", "")).is_err());
    }
}
