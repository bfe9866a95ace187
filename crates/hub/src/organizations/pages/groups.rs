//! The resource groups of an organisation, and making one.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::group::path_of;
use crate::accounts::User;
use crate::accounts::groups::{self, MOST};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::queries::groups::deleted::DeletedGroup;
use crate::accounts::queries::groups::{GroupRow, list_groups};
use crate::accounts::queries::settings::ProfileRow;
use crate::accounts::settings::require_admin_of;
use crate::error::HubResult;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "organizations/groups.html")]
struct GroupsPage {
    /// The frame.
    layout: Layout,
    /// The viewer's settings pages.
    navigation: SettingsNavigation,
    /// The organisation.
    organization: String,
    /// What concerns no field.
    error: Option<String>,
    /// The groups.
    groups: Vec<GroupItem>,
    /// The name of a new one.
    name: Field,
    /// What it is for.
    description: Field,
    /// For how many days a deleted one can be restored.
    days: u64,
    /// Those that were deleted, the last first.
    deleted: Vec<DeletedItem>,
}

/// A deleted group.
#[derive(Debug)]
struct DeletedItem {
    restore: String,
    name: String,
    members: String,
    deleted_at: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl DeletedItem {
    fn of(organization: &str, (row, until): (DeletedGroup, DateTime<Utc>)) -> Self {
        Self {
            restore: format!("{}/restore", path_of(organization, &row.public_id)),
            name: row.name,
            members: counted(row.members, "member"),
            deleted_at: row.deleted_at,
            until,
        }
    }
}

/// A group.
#[derive(Debug)]
struct GroupItem {
    href: String,
    name: String,
    description: String,
    members: String,
    repos: String,
}

impl GroupItem {
    fn of(organization: &str, row: GroupRow) -> Self {
        Self {
            href: path_of(organization, &row.public_id),
            name: row.name,
            description: row.description,
            members: counted(row.members, "member"),
            repos: if row.repos == 1 { "1 repository".to_owned() } else { format!("{} repositories", row.repos) },
        }
    }
}

/// `1 member`, `3 members`.
pub(super) fn counted(count: i64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/organizations/{name}/settings/groups", crate::web::read().to(show_groups))
        .route("/organizations/{name}/settings/groups", web::post().to(post_group))
        .route("/organizations/{name}/settings/groups/{id}/restore", web::post().to(post_restore));
}

async fn show_groups(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let shown = groups_page(&page, user, &row, ("", ""), &Refusal::default()).await?;
    page.show(shown).await
}

async fn groups_page(
    page: &PageRequest,
    user: &User,
    row: &ProfileRow,
    (name, description): (&str, &str),
    refusal: &Refusal,
) -> HubResult<GroupsPage> {
    let deleted = groups::list_deleted(&page.app, row.namespace_pk).await?;
    let groups = list_groups(&page.app.pool, row.namespace_pk, MOST).await?;
    Ok(GroupsPage {
        layout: page.layout(format!("Resource groups of {}", row.name)),
        navigation: SettingsNavigation::new(user, "/settings/organizations"),
        organization: row.name.clone(),
        error: refusal.message_elsewhere(&["name", "description"]),
        groups: groups.into_iter().map(|group| GroupItem::of(&row.name, group)).collect(),
        name: refusal.mark(Field::new("name", "Name").value(name)),
        description: refusal.mark(Field::new("description", "What it is for").value(description)),
        days: page.app.config.undo_days,
        deleted: deleted.into_iter().map(|found| DeletedItem::of(&row.name, found)).collect(),
    })
}

async fn post_group(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let (name, description) = (form.text("name"), form.text("description"));
    match groups::create(&page.app, row.namespace_pk, name, description).await {
        Ok(id) => {
            let text = format!("The group {name} is there. Add members and repositories.");
            Ok(page.redirect_saying(&path_of(&row.name, &id), &text))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = groups_page(&page, user, &row, (name, description), &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_restore(page: PageRequest, path: web::Path<(String, String)>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path.0).await?;
    match groups::restore(&page.app, row.namespace_pk, &path.1).await {
        Ok(name) => {
            let text = format!("The group {name} is back, with those of its members who are still in {}.", row.name);
            Ok(page.redirect_saying(&path_of(&row.name, &path.1), &text))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = groups_page(&page, user, &row, ("", ""), &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}
