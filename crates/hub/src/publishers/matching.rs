//! What an issuer signed about a job, compared with what an admin said.

use openidconnect::AdditionalClaims;
use serde::{Deserialize, Serialize};

use super::issuers::Kind;
use super::queries::PublisherRow;

/// Events of GitHub that strangers begin: from a fork, or after a run of one. What runs then may be theirs, whatever branch it names.
const STRANGE_EVENTS: [&str; 2] = ["pull_request", "workflow_run"];
/// The same of GitLab: a merge request of a fork runs in the project, and names the fork's branch as its own.
const STRANGE_SOURCES: [&str; 2] = ["merge_request_event", "external_pull_request_event"];

/// What issuers sign besides what OpenID Connect knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CiClaims {
    pub jti: Option<String>,
    pub nbf: Option<i64>,
    // Of GitHub Actions.
    pub repository: Option<String>,
    pub repository_id: Option<String>,
    pub workflow_ref: Option<String>,
    pub event_name: Option<String>,
    // Of GitLab.
    pub project_path: Option<String>,
    pub project_id: Option<String>,
    pub ci_config_ref_uri: Option<String>,
    pub pipeline_source: Option<String>,
    // Of both.
    pub environment: Option<String>,
    #[serde(rename = "ref")]
    pub git_ref: Option<String>,
    pub ref_type: Option<String>,
}

impl AdditionalClaims for CiClaims {}

/// A job, as its issuer has signed. What is not known of it is empty, and is nothing that anybody can ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CiJob {
    /// The repository there.
    pub project: String,
    /// Its id, which no other has.
    pub project_id: Option<String>,
    /// The file of the workflow.
    pub workflow: String,
    /// The environment it runs for.
    pub environment: String,
    /// The branch it runs on.
    pub branch: String,
    /// What began it, when that is something that strangers do: then it is trusted by nobody.
    pub strange: Option<String>,
}

/// How a job fits to a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Not at all.
    No,
    /// By its names, but strangers can begin such a job.
    Strange,
    /// By its names, but they belong to another repository now.
    OtherProject,
    /// It does.
    Yes,
}

impl CiJob {
    /// Reads the claims of an issuer of this kind. Nothing when they do not say for what the job runs.
    pub(super) fn read(kind: Kind, subject: &str, claims: &CiClaims) -> Option<Self> {
        let text = |claim: &Option<String>| claim.clone().unwrap_or_default();
        let is_branch = claims.ref_type.as_deref() == Some("branch");
        let git_ref = claims.git_ref.as_deref().unwrap_or_default();
        let job = match kind {
            Kind::GitHub => {
                let project = text(&claims.repository);
                Self {
                    project_id: claims.repository_id.clone(),
                    workflow: github_workflow(&project, claims.workflow_ref.as_deref().unwrap_or_default()),
                    environment: text(&claims.environment),
                    branch: git_ref.strip_prefix("refs/heads/").unwrap_or_default().to_owned(),
                    strange: github_strange(subject, git_ref, claims.event_name.as_deref().unwrap_or_default()),
                    project,
                }
            }
            Kind::GitLab => {
                let project = text(&claims.project_path);
                Self {
                    project_id: claims.project_id.clone(),
                    workflow: gitlab_workflow(&project, claims.ci_config_ref_uri.as_deref().unwrap_or_default()),
                    environment: text(&claims.environment),
                    // A tag has the same form here.
                    branch: if is_branch { git_ref.to_owned() } else { String::new() },
                    strange: claims.pipeline_source.clone().filter(|source| STRANGE_SOURCES.contains(&source.as_str())),
                    project,
                }
            }
            Kind::Other => Self { project: subject.to_owned(), ..Self::default() },
        };
        (!job.project.is_empty()).then_some(job)
    }

    /// Whether the job is what a publisher says.
    pub fn fits(&self, kind: Kind, publisher: &PublisherRow) -> Fit {
        let is_project = match kind {
            Kind::GitHub | Kind::GitLab => publisher.project.eq_ignore_ascii_case(&self.project),
            Kind::Other => publisher.project == self.project,
        };
        let is_workflow = is_file(&publisher.workflow, &self.workflow);
        // GitLab takes `Production` for another environment than `production`, with other rules.
        let is_environment = publisher.environment.is_empty()
            || publisher.environment == self.environment
            || (kind == Kind::GitHub && publisher.environment.eq_ignore_ascii_case(&self.environment));
        let is_branch = publisher.branch.is_empty() || publisher.branch == self.branch;
        if !(is_project && is_workflow && is_environment && is_branch) {
            return Fit::No;
        }
        if self.strange.is_some() {
            return Fit::Strange;
        }
        match &publisher.project_id {
            Some(id) if self.project_id.as_ref() != Some(id) => Fit::OtherProject,
            Some(_) | None => Fit::Yes,
        }
    }

    /// What it is, for who looks for the reason that it fits to nothing.
    pub fn in_words(&self) -> String {
        let parts = [("workflow", &self.workflow), ("environment", &self.environment), ("branch", &self.branch)];
        let parts = parts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!(", {name} `{value}`"));
        format!("`{}`{}", self.project, parts.collect::<String>())
    }
}

/// Whether a file is the one that is asked for, by its path or by its name alone.
fn is_file(asked: &str, path: &str) -> bool {
    let is_named = |asked: &str| path.strip_suffix(asked).is_some_and(|folder| folder.ends_with('/'));
    asked.is_empty() || path == asked || (!asked.contains('/') && is_named(asked))
}

/// The event that began a job of GitHub, when strangers begin such: all that is about pull requests, and what follows other runs.
fn github_strange(subject: &str, git_ref: &str, event: &str) -> Option<String> {
    if STRANGE_EVENTS.iter().any(|strange| event.starts_with(strange)) {
        return Some(event.to_owned());
    }
    // Whoever follows GitHub may not say which event it was.
    let is_pull = git_ref.starts_with("refs/pull/") || subject.ends_with(":pull_request");
    is_pull.then(|| "pull_request".to_owned())
}

/// `octo/bert/.github/workflows/release.yml@refs/heads/main` of `octo/bert`. A workflow of another repository has no name here.
fn github_workflow(project: &str, workflow_ref: &str) -> String {
    let path = workflow_ref.strip_prefix(project).and_then(|rest| rest.strip_prefix('/'));
    path.and_then(|path| path.split_once('@')).map(|(path, _)| path.to_owned()).unwrap_or_default()
}

/// `gitlab.com/group/bert//.gitlab-ci.yml@refs/heads/main` of `group/bert`.
fn gitlab_workflow(project: &str, uri: &str) -> String {
    let Some((place, file)) = uri.split_once("//") else { return String::new() };
    let is_own = place.split_once('/').is_some_and(|(_, path)| path == project);
    let path = file.split_once('@').filter(|_| is_own);
    path.map(|(path, _)| path.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher(project: &str, workflow: &str, environment: &str, branch: &str) -> PublisherRow {
        PublisherRow {
            publisher_pk: 1,
            issuer: "https://ci.example.org".to_owned(),
            project: project.to_owned(),
            workflow: workflow.to_owned(),
            environment: environment.to_owned(),
            branch: branch.to_owned(),
            project_id: None,
            added_by: 1,
            added_by_name: "ada".to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            last_used_at: None,
        }
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn on_github() -> CiJob {
        let claims = CiClaims {
            repository: some("Octo/bert"),
            repository_id: some("7"),
            workflow_ref: some("Octo/bert/.github/workflows/release.yml@refs/heads/main"),
            environment: some("Production"),
            git_ref: some("refs/heads/main"),
            ref_type: some("branch"),
            ..CiClaims::default()
        };
        CiJob::read(Kind::GitHub, "repo:Octo/bert:ref:refs/heads/main", &claims).unwrap()
    }

    #[test]
    fn a_job_of_github_fits_to_what_names_it() {
        let job = on_github();
        for (workflow, environment, branch, expected) in [
            ("", "", "", Fit::Yes),
            ("release.yml", "production", "main", Fit::Yes),
            (".github/workflows/release.yml", "", "", Fit::Yes),
            ("ease.yml", "", "", Fit::No),
            ("workflows/release.yml", "", "", Fit::No),
            ("test.yml", "", "", Fit::No),
            ("", "staging", "", Fit::No),
            ("", "", "Main", Fit::No),
            ("", "", "mai", Fit::No),
        ] {
            let asked = publisher("octo/bert", workflow, environment, branch);
            assert_eq!(job.fits(Kind::GitHub, &asked), expected, "{workflow} {environment} {branch}");
        }
        assert_eq!(job.fits(Kind::GitHub, &publisher("octo/bert2", "", "", "")), Fit::No);
        let known = PublisherRow { project_id: some("7"), ..publisher("octo/bert", "", "", "") };
        assert_eq!(job.fits(Kind::GitHub, &known), Fit::Yes);
        let another = PublisherRow { project_id: some("8"), ..known };
        assert_eq!(job.fits(Kind::GitHub, &another), Fit::OtherProject);
    }

    #[test]
    fn a_tag_is_no_branch_and_a_workflow_of_another_repository_has_no_name() {
        let claims = CiClaims {
            repository: some("octo/bert"),
            workflow_ref: some("octo/shared/.github/workflows/release.yml@refs/heads/main"),
            git_ref: some("refs/tags/main"),
            ref_type: some("tag"),
            ..CiClaims::default()
        };
        let job = CiJob::read(Kind::GitHub, "", &claims).unwrap();
        assert_eq!((job.workflow.as_str(), job.branch.as_str()), ("", ""));
        assert_eq!(job.fits(Kind::GitHub, &publisher("octo/bert", "", "", "main")), Fit::No);
    }

    #[test]
    fn what_strangers_begin_is_trusted_by_nobody() {
        let asked = publisher("octo/bert", "", "", "");
        let fit = |kind, subject: &str, claims: CiClaims| CiJob::read(kind, subject, &claims).unwrap().fits(kind, &asked);
        let on_github = |event: Option<&str>, git_ref: &str| CiClaims {
            repository: some("octo/bert"),
            event_name: event.map(str::to_owned),
            git_ref: some(git_ref),
            ..CiClaims::default()
        };
        let (main, pull) = ("refs/heads/main", "refs/pull/1/merge");
        for event in ["pull_request", "pull_request_target", "pull_request_review", "workflow_run"] {
            assert_eq!(fit(Kind::GitHub, "", on_github(Some(event), main)), Fit::Strange, "{event}");
        }
        assert_eq!(fit(Kind::GitHub, "", on_github(None, pull)), Fit::Strange);
        assert_eq!(fit(Kind::GitHub, "repo:octo/bert:pull_request", on_github(None, main)), Fit::Strange);
        for event in ["push", "release", "schedule", "workflow_dispatch"] {
            let subject = "repo:octo/bert:ref:refs/heads/main";
            assert_eq!(fit(Kind::GitHub, subject, on_github(Some(event), main)), Fit::Yes, "{event}");
        }
        let on_gitlab = |source: &str| CiClaims {
            project_path: some("octo/bert"),
            pipeline_source: some(source),
            git_ref: some("main"),
            ref_type: some("branch"),
            ..CiClaims::default()
        };
        assert_eq!(fit(Kind::GitLab, "", on_gitlab("merge_request_event")), Fit::Strange);
        assert_eq!(fit(Kind::GitLab, "", on_gitlab("push")), Fit::Yes);
    }

    #[test]
    fn a_job_of_gitlab_is_read_by_its_own_names() {
        let claims = CiClaims {
            project_path: some("group/sub/bert"),
            project_id: some("22"),
            ci_config_ref_uri: some("gitlab.com/group/sub/bert//ci/release.yml@refs/heads/main"),
            git_ref: some("main"),
            ref_type: some("branch"),
            ..CiClaims::default()
        };
        let job = CiJob::read(Kind::GitLab, "project_path:group/sub/bert", &claims).unwrap();
        assert_eq!((job.workflow.as_str(), job.branch.as_str()), ("ci/release.yml", "main"));
        assert_eq!(job.fits(Kind::GitLab, &publisher("group/sub/bert", "ci/release.yml", "", "main")), Fit::Yes);
        let staged = CiJob { environment: "Production".to_owned(), ..job.clone() };
        assert_eq!(staged.fits(Kind::GitLab, &publisher("group/sub/bert", "", "production", "")), Fit::No);
        let tagged = CiClaims { ref_type: some("tag"), ..claims.clone() };
        assert_eq!(CiJob::read(Kind::GitLab, "", &tagged).unwrap().branch, "");
        assert_eq!(job.in_words(), "`group/sub/bert`, workflow `ci/release.yml`, branch `main`");
        // The claims of another kind say nothing.
        assert_eq!(CiJob::read(Kind::GitHub, "x", &claims), None);
    }

    #[test]
    fn of_others_the_subject_counts_to_the_letter() {
        let job = CiJob::read(Kind::Other, "build:Bert", &CiClaims::default()).unwrap();
        assert_eq!(job.fits(Kind::Other, &publisher("build:Bert", "", "", "")), Fit::Yes);
        assert_eq!(job.fits(Kind::Other, &publisher("build:bert", "", "", "")), Fit::No);
    }
}
