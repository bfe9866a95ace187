//! Deleted repositories of an account or organisation that can still be restored.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::settings::require_admin_of;
use crate::accounts::{OrgRole, User};
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::changes::deleted;
use crate::repos::queries::changes::DeletedRepo;
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::{Layout, kind_word};

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/deleted.html")]
pub(super) struct DeletedPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// Whose they are.
    pub owner: String,
    /// Whether that is an organisation.
    pub is_organization: bool,
    /// For how many days they can be restored.
    pub days: u64,
    /// Why one could not be restored.
    pub error: Option<String>,
    /// The one that can be restored under another name instead, and the name.
    pub instead: Option<(DeletedItem, Field)>,
    /// The repositories, the last deleted first.
    pub repos: Vec<DeletedItem>,
}

/// A deleted repository.
#[derive(Debug)]
pub(super) struct DeletedItem {
    /// The id that clients see.
    pub public_id: String,
    /// Its name and owner.
    pub id: String,
    /// What it is.
    pub kind: &'static str,
    /// Whether only members saw it.
    pub private: bool,
    /// When it was deleted.
    pub deleted_at: DateTime<Utc>,
    /// By whom.
    pub deleted_by: Option<String>,
    /// Until when it can be restored.
    pub until: DateTime<Utc>,
    /// Whether moderators took it down: only they bring it back.
    pub taken_down: bool,
}

impl DeletedItem {
    fn of(app: &App, row: DeletedRepo) -> Self {
        let repo = &row.repo;
        Self {
            id: repo.id.to_string(),
            kind: kind_word(repo.repo_type),
            private: repo.private,
            deleted_at: row.deleted_at,
            until: deleted::restorable_until(app, row.deleted_at),
            deleted_by: row.deleted_by,
            taken_down: repo.disabled,
            public_id: row.repo.public_id,
        }
    }

    /// How long it can be restored, in words.
    pub(super) fn time_left(&self) -> String {
        match deleted::days_left(self.until) {
            0 | 1 => "less than a day".to_owned(),
            days => format!("{days} days"),
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/deleted", crate::web::read().to(show_own))
        .route("/settings/deleted/{id}/restore", web::post().to(post_restore))
        .route("/organizations/{name}/settings/deleted", crate::web::read().to(show_organization));
}

/// The page that lists what was deleted from a namespace, as far as the user may see it; else the namespace's own.
pub(super) fn deleted_path(user: &User, namespace_pk: i64, namespace: &str) -> String {
    let role =
        user.memberships.iter().find(|membership| membership.namespace_pk == namespace_pk).map(|membership| membership.role);
    match role {
        Some(OrgRole::Admin) => format!("/organizations/{namespace}/settings/deleted"),
        Some(_) => "/settings/deleted".to_owned(),
        None if user.pk == namespace_pk => "/settings/deleted".to_owned(),
        None => format!("/{namespace}"),
    }
}

async fn show_own(page: PageRequest) -> HubResult<HttpResponse> {
    let shown = own_page(&page).await?;
    page.show(shown).await
}

async fn own_page(page: &PageRequest) -> HubResult<DeletedPage> {
    let user = page.require_session()?;
    // What contributors deleted of their own is on no page of an organisation that they see.
    let contributes = user.memberships.iter().filter(|membership| membership.role != OrgRole::Admin);
    let mut namespaces: Vec<i64> = contributes.map(|membership| membership.namespace_pk).collect();
    namespaces.push(user.pk);
    page_of(page, &user.name, deleted::list_in(&page.app, &page.viewer, &namespaces).await?)
}

fn page_of(page: &PageRequest, owner: &str, found: Vec<DeletedRepo>) -> HubResult<DeletedPage> {
    Ok(DeletedPage {
        layout: page.layout("Deleted repositories"),
        navigation: SettingsNavigation::new(page.require_session()?, "/settings/deleted"),
        owner: owner.to_owned(),
        is_organization: false,
        days: page.app.config.undo_days,
        error: None,
        instead: None,
        repos: found.into_iter().map(|row| DeletedItem::of(&page.app, row)).collect(),
    })
}

async fn show_organization(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let found = deleted::list_in(&page.app, &page.viewer, &[row.namespace_pk]).await?;
    let navigation = SettingsNavigation::new(user, "/settings/organizations");
    let shown = DeletedPage { is_organization: true, navigation, ..page_of(&page, &row.name, found)? };
    page.show(shown).await
}

async fn post_restore(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let admin = deleted::find(&page.app, &page.viewer, raw_param(page.http(), "id")).await?;
    let name = Some(form.text("name")).filter(|name| !name.is_empty());
    let repo = &admin.repo;
    match deleted::restore(&page.app, &admin, name).await {
        Ok(id) => {
            let to = format!("/{}{id}", repo.repo_type.url_prefix());
            Ok(page.redirect_saying(&to, &format!("{id} is back, with all that it had.")))
        }
        Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::BadRequest) => {
            refused(&page, &repo.public_id, name.unwrap_or(repo.id.name()), error).await
        }
        Err(error) => Err(error),
    }
}

/// Shows the list again, with a form for another name.
async fn refused(page: &PageRequest, public_id: &str, name: &str, error: HubError) -> HubResult<HttpResponse> {
    let refusal = Refusal::of(error)?;
    let found = deleted::list_all(&page.app, &page.viewer).await?;
    let wanted = found.iter().find(|row| row.repo.public_id == public_id).cloned();
    let mut shown = page_of(page, "", found)?;
    shown.error = refusal.message_elsewhere(&["name"]);
    shown.instead = wanted.map(|row| {
        let suggested = if name == row.repo.id.name() { format!("{name}-restored") } else { name.to_owned() };
        let field = refusal.mark(Field::new("name", "New name").value(suggested));
        (DeletedItem::of(&page.app, row), field)
    });
    page.show_with(refusal.status, shown).await
}
