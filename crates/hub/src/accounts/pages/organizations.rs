//! Founding organisations, and their settings and members.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::navigation::SettingsNavigation;
use crate::accounts::operations::{NewOrganization, create_organization};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::settings::{MemberRow, ProfileRow, list_members};
use crate::accounts::settings::{Profile, remove_member, require_admin_of, set_member, update_organization};
use crate::accounts::{OrgRole, User};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// The viewer's organisations.
#[derive(Debug, Template)]
#[template(path = "accounts/settings_organizations.html")]
pub(super) struct OrganizationsPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The organisations.
    pub organizations: Vec<OrganizationItem>,
}

/// An organisation the viewer belongs to.
#[derive(Debug)]
pub(super) struct OrganizationItem {
    /// Its name.
    pub name: String,
    /// Its full name.
    pub fullname: String,
    /// The viewer's role.
    pub role: &'static str,
}

impl OrganizationItem {
    /// Whether the viewer may change its settings.
    pub(super) fn is_admin(&self) -> bool {
        self.role == "admin"
    }
}

/// The page that founds an organisation.
#[derive(Debug, Template)]
#[template(path = "accounts/organization_new.html")]
pub(super) struct NewOrganizationPage {
    /// The frame.
    pub layout: Layout,
    /// Its name.
    pub name: Field,
    /// Its full name.
    pub fullname: Field,
}

/// An organisation's settings and members.
#[derive(Debug, Template)]
#[template(path = "accounts/organization_settings.html")]
pub(super) struct OrganizationSettingsPage {
    /// The frame.
    pub layout: Layout,
    /// The viewer's settings pages.
    pub navigation: SettingsNavigation,
    /// The organisation.
    pub organization: String,
    /// Its full name.
    pub fullname: Field,
    /// A few words.
    pub details: Field,
    /// Whether new repositories are private unless said otherwise.
    pub default_private: bool,
    /// Somebody to add.
    pub new_member: Field,
    /// Their role.
    pub new_role: Field,
    /// The roles.
    pub role_options: Vec<Choice>,
    /// The members.
    pub members: Vec<MemberItem>,
}

/// A member and what they may do.
#[derive(Debug)]
pub(super) struct MemberItem {
    /// The user name.
    pub name: String,
    /// The full name.
    pub fullname: String,
    /// The role.
    pub role: &'static str,
}

/// The roles a member can have, with the present one chosen.
pub(super) fn role_options(current: &str) -> Vec<Choice> {
    [("read", "Read"), ("contributor", "Contributor"), ("write", "Write"), ("admin", "Admin")]
        .into_iter()
        .map(|(value, label)| Choice::new(value, label, current))
        .collect()
}

impl MemberItem {
    /// The roles to choose from.
    pub(super) fn options(&self) -> Vec<Choice> {
        role_options(self.role)
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/organizations", crate::web::read().to(show_organizations))
        .route("/organizations/new", crate::web::read().to(show_new))
        .route("/organizations/new", web::post().to(post_new))
        .route("/organizations/{name}/settings", crate::web::read().to(show_settings))
        .route("/organizations/{name}/settings", web::post().to(post_settings))
        .route("/organizations/{name}/members", web::post().to(post_member))
        .route("/organizations/{name}/members/{user}", web::post().to(post_change));
}

async fn show_organizations(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let item = |membership: &crate::accounts::Membership| OrganizationItem {
        name: membership.name.clone(),
        fullname: membership.fullname.clone(),
        role: membership.role.as_str(),
    };
    let shown = OrganizationsPage {
        layout: page.layout("Organizations"),
        navigation: SettingsNavigation::new(user, "/settings/organizations"),
        organizations: user.memberships.iter().map(item).collect(),
    };
    page.show(shown).await
}

async fn show_new(page: PageRequest) -> HubResult<HttpResponse> {
    page.require_session()?;
    let shown = new_page(&page, "", "", &Refusal::default());
    page.show(shown).await
}

fn new_page(page: &PageRequest, name: &str, fullname: &str, refusal: &Refusal) -> NewOrganizationPage {
    let hint = "Part of every address: letters, digits, `-`, `_` or `.`";
    NewOrganizationPage {
        layout: page.layout("New organization"),
        name: refusal.mark(Field::new("name", "Name").value(name).hint(hint)),
        fullname: refusal.mark(Field::new("fullname", "Full name").value(fullname)),
    }
}

async fn post_new(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (name, fullname) = (form.text("name"), form.text("fullname"));
    let new = NewOrganization { name: name.to_owned(), fullname: fullname.to_owned(), default_private: false };
    match create_organization(&page.app, &new, &[(user.pk, OrgRole::Admin)]).await {
        Ok(_) => Ok(page
            .redirect_saying(&format!("/{name}"), &format!("The organization {name} is there. Add members under its settings."))),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = new_page(&page, name, fullname, &refusal);
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn show_settings(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let shown = settings_page(&page, user, &row, "", &Refusal::default()).await?;
    page.show(shown).await
}

async fn settings_page(
    page: &PageRequest,
    user: &User,
    row: &ProfileRow,
    new_member: &str,
    refusal: &Refusal,
) -> HubResult<OrganizationSettingsPage> {
    let members = list_members(&page.app.pool, row.namespace_pk).await?;
    Ok(OrganizationSettingsPage {
        layout: page.layout(format!("{} settings", row.name)),
        navigation: SettingsNavigation::new(user, "/settings/organizations"),
        organization: row.name.clone(),
        fullname: refusal.mark(Field::new("fullname", "Full name").value(&row.fullname)),
        details: refusal
            .mark(Field::new("details", "About").value(&row.details).hint("One or two sentences, shown on its page.")),
        default_private: row.default_private,
        new_member: refusal.mark(Field::new("user", "Username").value(new_member)),
        new_role: Field::new("role", "Role"),
        role_options: role_options("write"),
        members: members.into_iter().map(member_item).collect(),
    })
}

fn member_item(row: MemberRow) -> MemberItem {
    MemberItem { name: row.name, fullname: row.fullname, role: OrgRole::parse(&row.role).unwrap_or(OrgRole::Read).as_str() }
}

fn settings_path(row: &ProfileRow) -> String {
    format!("/organizations/{}/settings", row.name)
}

async fn post_settings(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let mut row = require_admin_of(&page.app, user, &path).await?;
    let profile = Profile { fullname: form.text("fullname").to_owned(), details: form.text("details").to_owned() };
    let default_private = form.text("default_private") == "true";
    match update_organization(&page.app, row.namespace_pk, &profile, default_private).await {
        Ok(()) => Ok(page.redirect_saying(&settings_path(&row), "Settings saved.")),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            (row.fullname, row.details, row.default_private) = (profile.fullname, profile.details, default_private);
            let shown = settings_page(&page, user, &row, "", &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

fn role_of(form: &CheckedForm) -> HubResult<OrgRole> {
    OrgRole::parse(form.text("role")).ok_or_else(|| HubError::bad_request("Choose a role."))
}

async fn post_member(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let name = form.text("user");
    match set_member(&page.app, row.namespace_pk, name, role_of(&form)?).await {
        Ok(()) => Ok(page.redirect_saying(&settings_path(&row), &format!("{name} is a member now."))),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = settings_page(&page, user, &row, name, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_change(page: PageRequest, path: web::Path<(String, String)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (organization, member) = path.into_inner();
    let row = require_admin_of(&page.app, user, &organization).await?;
    let (done, text) = if form.text("action") == "remove" {
        (remove_member(&page.app, row.namespace_pk, &member).await, format!("{member} is no longer a member."))
    } else {
        let role = role_of(&form)?;
        (set_member(&page.app, row.namespace_pk, &member, role).await, format!("{member} is now {}.", role.as_str()))
    };
    match done {
        Ok(()) => Ok(page.redirect_saying(&settings_path(&row), &text)),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = settings_page(&page, user, &row, &member, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}
