//! The service accounts of an organisation, and making one.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::groups::counted;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::members::{label_of, lower_role_options};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::queries::service_accounts::deleted::DeletedServiceAccount;
use crate::accounts::queries::service_accounts::{ServiceAccountRow, list_service_accounts};
use crate::accounts::queries::settings::ProfileRow;
use crate::accounts::service_accounts::{self, MOST, path_of};
use crate::accounts::settings::require_admin_of;
use crate::accounts::{OrgRole, User, UserPk, sudo};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;
use crate::web::removed::{Removed, RemovedItem};

/// The page.
#[derive(Debug, Template)]
#[template(path = "organizations/service_accounts.html")]
struct ServiceAccountsPage {
    /// The frame.
    layout: Layout,
    /// The viewer's settings pages.
    navigation: SettingsNavigation,
    /// The organisation.
    organization: String,
    /// What concerns no field.
    error: Option<String>,
    /// The accounts.
    accounts: Vec<AccountItem>,
    /// Those that were deleted, and can come back.
    deleted: Removed,
    /// The name of a new one.
    name: Field,
    /// What it is for.
    purpose: Field,
    /// Its role.
    role: Field,
    /// The roles to choose from.
    roles: Vec<Choice>,
}

/// A service account.
#[derive(Debug)]
struct AccountItem {
    href: String,
    name: String,
    purpose: String,
    role: &'static str,
    tokens: String,
    last_used_at: Option<DateTime<Utc>>,
    is_off: bool,
}

impl AccountItem {
    fn of(organization: &str, row: ServiceAccountRow) -> Self {
        Self {
            href: path_of(organization, &row.name),
            role: label_of(OrgRole::parse(&row.role).unwrap_or(OrgRole::Read)),
            tokens: counted(row.tokens, "token"),
            last_used_at: row.last_used_at,
            is_off: row.disabled_at.is_some() || row.suspended_at.is_some(),
            name: row.name,
            purpose: row.details,
        }
    }
}

/// Where the list is.
pub(super) fn list_path(organization: &str) -> String {
    format!("/organizations/{organization}/settings/service-accounts")
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/organizations/{name}/settings/service-accounts", crate::web::read().to(show_accounts))
        .route("/organizations/{name}/settings/service-accounts", web::post().to(post_account));
}

/// What was typed for a new one.
#[derive(Debug, Default)]
struct Typed<'a> {
    name: &'a str,
    purpose: &'a str,
    role: &'a str,
}

async fn show_accounts(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let shown = accounts_page(&page, user, &row, &Typed::default(), &Refusal::default()).await?;
    page.show(shown).await
}

async fn accounts_page(
    page: &PageRequest,
    user: &User,
    row: &ProfileRow,
    typed: &Typed<'_>,
    refusal: &Refusal,
) -> HubResult<ServiceAccountsPage> {
    let accounts = list_service_accounts(&page.app.pool, row.namespace_pk, None, MOST).await?;
    let hint = "A name of its own, as people have one: it stands beside what the program does.";
    Ok(ServiceAccountsPage {
        layout: page.layout(format!("Service accounts of {}", row.name)),
        navigation: SettingsNavigation::new(user, "/settings/organizations"),
        organization: row.name.clone(),
        error: refusal.message_elsewhere(&["name", "purpose", "role"]),
        accounts: accounts.into_iter().map(|account| AccountItem::of(&row.name, account)).collect(),
        deleted: deleted_accounts(page, row).await?,
        name: refusal.mark(Field::new("name", "Name").value(typed.name).hint(hint)),
        purpose: refusal
            .mark(Field::new("purpose", "What it is for").value(typed.purpose).hint("Everybody sees it on its page.")),
        role: refusal.mark(Field::new("role", "Role")),
        roles: lower_role_options(if typed.role.is_empty() { "write" } else { typed.role }),
    })
}

async fn deleted_accounts(page: &PageRequest, row: &ProfileRow) -> HubResult<Removed> {
    let deleted = service_accounts::list_deleted(&page.app, row.namespace_pk).await?;
    let item = |account: DeletedServiceAccount| RemovedItem {
        key: account.user_pk,
        name: account.name,
        of: String::new(),
        note: account.details,
        deleted_at: account.deleted_at,
    };
    Ok(Removed {
        heading: "Deleted service accounts",
        column: "Account",
        hint: "They come back with their role and in their resource groups. Their tokens stay revoked: make new ones then.",
        days: page.app.config.undo_days,
        path: list_path(&row.name),
        items: deleted.into_iter().map(item).collect(),
    })
}

/// The role that was chosen in a form.
///
/// # Errors
/// 400 for none.
pub(super) fn role_of(form: &CheckedForm) -> HubResult<OrgRole> {
    OrgRole::parse(form.text("role")).ok_or_else(|| HubError::bad_request("Choose a role.").at("role"))
}

async fn post_account(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    if let Some(user_pk) = form.restored() {
        return restore(&page, &row, user_pk).await;
    }
    let typed = Typed { name: form.text("name"), purpose: form.text("purpose"), role: form.text("role") };
    let made = match role_of(&form) {
        Ok(role) => service_accounts::create(&page.app, &row, typed.name, typed.purpose, role).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(()) => {
            let text = format!("The service account {} is there. Make its first token.", typed.name);
            Ok(page.redirect_saying(&path_of(&row.name, typed.name), &text))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = accounts_page(&page, user, &row, &typed, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn restore(page: &PageRequest, row: &ProfileRow, user_pk: UserPk) -> HubResult<HttpResponse> {
    // It lets a program in again that nobody looks at.
    let user = sudo::require(page, &list_path(&row.name)).await?;
    match service_accounts::restore(&page.app, row.namespace_pk, user_pk).await {
        Ok(name) => {
            let text = format!("The service account {name} is back. Its tokens stay revoked: make a new one.");
            Ok(page.redirect_saying(&path_of(&row.name, &name), &text))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = accounts_page(page, user, row, &Typed::default(), &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}
