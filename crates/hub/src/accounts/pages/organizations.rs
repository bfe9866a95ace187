//! The viewer's organisations, founding one, and its settings.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::members::{People, role_options};
use super::navigation::SettingsNavigation;
use super::picture::PictureForm;
use super::profile_settings::{LINKS_HINT, profile_of};
use super::rename::RenameForm;
use crate::accounts::operations::{NewOrganization, create_organization};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::closing::{ClosedRow, list_closed_of};
use crate::accounts::queries::domains::{Joinable, list_joinable};
use crate::accounts::queries::settings::{OrganizationRules, ProfileRow};
use crate::accounts::settings::{Profile, require_admin_of, set_requires_second_factor, update_organization};
use crate::accounts::{OrgRole, User, sudo};
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
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
    /// Those that the viewer can join by the domain of their address.
    pub joinable: Vec<Joinable>,
    /// Those that the viewer can keep.
    pub closed: Vec<ClosedRow>,
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
    /// Whether it asks for a second factor that the viewer does not have.
    pub locked: bool,
}

impl OrganizationItem {
    /// Whether the viewer may change its settings.
    pub(super) fn is_admin(&self) -> bool {
        self.role == "admin" && !self.locked
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
    /// What concerns no field.
    pub error: Option<String>,
    /// Its picture.
    pub picture: PictureForm,
    /// Its full name.
    pub fullname: Field,
    /// A few words.
    pub details: Field,
    /// A page of its own.
    pub homepage: Field,
    /// Where else it is.
    pub links: Field,
    /// Whether new repositories are private unless said otherwise.
    pub default_private: bool,
    /// Who makes repositories.
    pub create_role: Field,
    /// The roles to choose from for that.
    pub create_roles: Vec<Choice>,
    /// The role that forms offer for new members.
    pub default_role: Field,
    /// The roles to choose from for that.
    pub default_roles: Vec<Choice>,
    /// Whether people can ask to join.
    pub takes_requests: bool,
    /// Whether its repositories refuse pickles.
    pub refuses_pickles: bool,
    /// Whether it asks its members for a second factor.
    pub requires_second_factor: bool,
    /// The members, and who is invited.
    pub people: People,
    /// Another name.
    pub rename: RenameForm,
    /// For how many days a deletion can be undone.
    pub undo_days: u64,
}

/// The fields that show an error themselves.
const FIELDS: &[&str] = &[
    "name",
    "fullname",
    "details",
    "homepage",
    "links",
    "picture",
    "user",
    "email",
    "link_role",
    "days",
    "create_role",
    "default_role",
];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/organizations", crate::web::read().to(show_organizations))
        .route("/organizations/new", crate::web::read().to(show_new))
        .route("/organizations/new", web::post().to(post_new))
        .route("/organizations/{name}/settings", crate::web::read().to(show_settings))
        .route("/organizations/{name}/settings", web::post().to(post_settings))
        .route("/organizations/{name}/settings/second-factors", web::post().to(post_second_factors));
}

async fn show_organizations(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let item = |membership: &crate::accounts::Membership| OrganizationItem {
        name: membership.name.clone(),
        fullname: membership.fullname.clone(),
        role: membership.role.as_str(),
        locked: membership.locked,
    };
    let shown = OrganizationsPage {
        layout: page.layout("Organizations"),
        navigation: SettingsNavigation::new(user, "/settings/organizations"),
        organizations: user.locked_out.iter().chain(&user.memberships).map(item).collect(),
        joinable: list_joinable(&page.app.pool, user.pk).await?,
        closed: list_closed_of(&page.app.pool, user.pk).await?,
    };
    page.show(shown).await
}

async fn show_new(page: PageRequest) -> HubResult<HttpResponse> {
    page.require_session()?;
    page.app.require(Flag::Organizations)?;
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
    page.app.require(Flag::Organizations)?;
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
    let shown = settings_page(&page, user, &row, &Profile::of(&row), Typed::default(), &Refusal::default()).await?;
    page.show(shown).await
}

/// What was typed into the forms about members, and for another name.
#[derive(Debug, Default)]
pub(super) struct Typed<'a> {
    /// Somebody to add.
    pub member: &'a str,
    /// An address to invite.
    pub email: &'a str,
    /// Another name for the organisation.
    pub name: &'a str,
}

/// Shows the page again with what was wrong.
///
/// # Errors
/// The error itself, when it is not about what was typed.
pub(super) async fn show_refused(
    page: &PageRequest,
    user: &User,
    row: &ProfileRow,
    error: HubError,
    typed: Typed<'_>,
) -> HubResult<HttpResponse> {
    let refusal = Refusal::of(error)?;
    let shown = settings_page(page, user, row, &Profile::of(row), typed, &refusal).await?;
    page.show_with(refusal.status, shown).await
}

async fn settings_page(
    page: &PageRequest,
    user: &User,
    row: &ProfileRow,
    profile: &Profile,
    typed: Typed<'_>,
    refusal: &Refusal,
) -> HubResult<OrganizationSettingsPage> {
    let people = People::of(page, user, row, &typed, refusal).await?;
    Ok(OrganizationSettingsPage {
        layout: page.layout(format!("{} settings", row.name)),
        navigation: SettingsNavigation::new(user, "/settings/organizations"),
        error: refusal.message_elsewhere(FIELDS),
        organization: row.name.clone(),
        picture: PictureForm::of(page, row, refusal),
        fullname: refusal.mark(Field::new("fullname", "Full name").value(&profile.fullname)),
        details: refusal
            .mark(Field::new("details", "About").value(&profile.details).hint("One or two sentences, shown on its page.")),
        homepage: refusal.mark(Field::new("homepage", "Homepage").value(&profile.homepage)),
        links: refusal.mark(Field::new("links", "Links").value(&profile.links).hint(LINKS_HINT)),
        default_private: row.default_private,
        create_role: refusal.mark(
            Field::new("create_role", "Who creates repositories")
                .hint("In a resource group, who has a role there that may write."),
        ),
        create_roles: vec![
            Choice::new("contributor", "Contributors and up", &row.create_role),
            Choice::new("write", "Those who may write", &row.create_role),
            Choice::new("admin", "Admins only", &row.create_role),
        ],
        default_role: refusal
            .mark(Field::new("default_role", "Role of new members").hint("What forms offer; each can be given another.")),
        default_roles: role_options(&row.default_role),
        takes_requests: row.takes_requests,
        refuses_pickles: row.refuses_pickles,
        requires_second_factor: row.requires_second_factor,
        people,
        rename: RenameForm::of(page, row, typed.name, refusal).await?,
        undo_days: page.app.config.undo_days,
    })
}

pub(super) fn settings_path(row: &ProfileRow) -> String {
    format!("/organizations/{}/settings", row.name)
}

fn role_in(form: &CheckedForm, field: &'static str, present: &str) -> HubResult<OrgRole> {
    let chosen = Some(form.text(field)).filter(|text| !text.is_empty()).unwrap_or(present);
    OrgRole::parse(chosen).ok_or_else(|| HubError::bad_request("Choose a role."))
}

async fn post_settings(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let mut row = require_admin_of(&page.app, user, &path).await?;
    let profile = profile_of(&form);
    let rules = OrganizationRules {
        default_private: form.text("default_private") == "true",
        // What a form of an earlier version does not have stays.
        create_role: role_in(&form, "create_role", &row.create_role)?,
        default_role: role_in(&form, "default_role", &row.default_role)?,
        takes_requests: form.text("takes_requests") == "true",
        refuses_pickles: form.text("refuses_pickles") == "true",
    };
    match update_organization(&page.app, row.namespace_pk, &profile, &rules).await {
        Ok(()) => Ok(page.redirect_saying(&settings_path(&row), "Settings saved.")),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            row.default_private = rules.default_private;
            row.create_role = rules.create_role.as_str().to_owned();
            row.default_role = rules.default_role.as_str().to_owned();
            row.takes_requests = rules.takes_requests;
            row.refuses_pickles = rules.refuses_pickles;
            let shown = settings_page(&page, user, &row, &profile, Typed::default(), &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_second_factors(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let back = settings_path(&row);
    sudo::require(&page, &back).await?;
    let (requires, text) = match form.text("action") {
        "require" => (true, format!("{} asks its members for a second factor now.", row.name)),
        "end" => (false, format!("{} asks for no second factor any more.", row.name)),
        _ => return Err(HubError::bad_request("Press the button again.")),
    };
    match set_requires_second_factor(&page.app, &row, user, requires).await {
        Ok(()) => Ok(page.redirect_saying(&back, &text)),
        Err(error) => show_refused(&page, user, &row, error, Typed::default()).await,
    }
}
