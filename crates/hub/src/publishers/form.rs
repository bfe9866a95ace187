//! What the pages of repositories and of organisations have alike: whom they trust, and the form for another.

use chrono::{DateTime, Utc};

use super::operations::{Owner, Typed, label_of, list, list_removed};
use super::queries::{PublisherRow, RemovedRow};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::HubResult;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::removed::{Removed, RemovedItem};

/// The fields that show an error themselves.
const FIELDS: &[&str] = &["issuer", "project", "workflow", "environment", "branch"];

/// Whom somebody trusts, as a page shows it.
#[derive(Debug)]
pub struct Publishers {
    /// Where the forms go.
    pub path: String,
    /// What concerns no field.
    pub error: Option<String>,
    /// Those that are trusted.
    pub items: Vec<PublisherItem>,
    /// Those that were removed, and can be trusted again.
    pub removed: Removed,
    /// For whom ID tokens are to be; none while the hub does not know its own address.
    pub audience: Option<String>,
    /// Where the jobs of a new one run.
    pub issuer: Field,
    /// Where they may run; empty when the operator switched it off.
    pub issuers: Vec<Choice>,
    /// The repository there.
    pub project: Field,
    /// The only file of a workflow.
    pub workflow: Field,
    /// The only environment.
    pub environment: Field,
    /// The only branch.
    pub branch: Field,
}

/// One that is trusted.
#[derive(Debug)]
pub struct PublisherItem {
    /// Its key.
    pub pk: i64,
    /// What its issuer is called.
    pub issuer: String,
    /// The repository there.
    pub project: String,
    /// What it is narrowed to: `branch main`.
    pub only: Vec<String>,
    /// Who trusts it.
    pub added_by: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When a job of it came last.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What of a repository is trusted alone: `branch main`.
fn narrowed<'a>(workflow: &'a str, environment: &'a str, branch: &'a str) -> impl Iterator<Item = String> + use<'a> {
    let only = [("workflow", workflow), ("environment", environment), ("branch", branch)];
    only.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name} {value}"))
}

fn removed_item(page: &PageRequest, row: RemovedRow) -> RemovedItem {
    let only: Vec<String> = narrowed(&row.workflow, &row.environment, &row.branch).collect();
    RemovedItem {
        key: row.publisher_pk,
        of: label_of(&page.app, &row.issuer),
        note: if only.is_empty() { String::new() } else { format!("Only {}", only.join(", ")) },
        name: row.project,
        deleted_at: row.deleted_at,
    }
}

impl PublisherItem {
    fn of(page: &PageRequest, row: PublisherRow) -> Self {
        let only = narrowed(&row.workflow, &row.environment, &row.branch);
        Self {
            pk: row.publisher_pk,
            issuer: label_of(&page.app, &row.issuer),
            only: only.collect(),
            project: row.project,
            added_by: row.added_by_name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

impl Publishers {
    /// Puts together what a page shows. `path` is its own.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn load(page: &PageRequest, owner: Owner, path: String, typed: &Typed, refusal: &Refusal) -> HubResult<Self> {
        let items = list(&page.app, owner).await?.into_iter().map(|row| PublisherItem::of(page, row)).collect();
        let config = &page.app.config;
        let removed = Removed {
            heading: "Removed publishers",
            column: "Publisher",
            hint: "The tokens that their jobs had stay over.",
            days: config.undo_days,
            path: path.clone(),
            items: list_removed(&page.app, owner).await?.into_iter().map(|row| removed_item(page, row)).collect(),
        };
        let issuers = config.publisher_issuers.iter();
        let field = |name, label, value: &str, hint: &str| refusal.mark(Field::new(name, label).value(value).hint(hint));
        Ok(Self {
            path,
            error: refusal.message_elsewhere(FIELDS),
            items,
            removed,
            audience: config.public_url.clone(),
            issuer: refusal.mark(Field::new("issuer", "Where the jobs run")),
            issuers: issuers.map(|issuer| Choice::new(issuer.url.as_str(), issuer.label(), &typed.issuer)).collect(),
            project: field(
                "project",
                "Repository there",
                &typed.project,
                "As `owner/name` or `group/project`. Its jobs are trusted, and no fork's.",
            ),
            workflow: field(
                "workflow",
                "Workflow (optional)",
                &typed.workflow,
                "The file alone may publish, such as `release.yml`.",
            ),
            environment: field(
                "environment",
                "Environment (optional)",
                &typed.environment,
                "Jobs for this environment alone may publish.",
            ),
            branch: field("branch", "Branch (optional)", &typed.branch, "Jobs on this branch alone may publish."),
        })
    }
}

/// What was typed for a new one.
pub fn read_form(form: &CheckedForm) -> Typed {
    let text = |name| form.text(name).to_owned();
    Typed {
        issuer: text("issuer"),
        project: text("project"),
        workflow: text("workflow"),
        environment: text("environment"),
        branch: text("branch"),
    }
}
