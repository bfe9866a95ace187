//! The pages under `/settings` and of an organisation's settings.

use askama::Template;
use chrono::{DateTime, Utc};

use crate::web::filters;
use crate::web::form::{Choice, Field};
use crate::web::layout::Layout;

/// The list of settings pages.
#[derive(Debug)]
pub struct SettingsNavigation {
    /// Whose settings these are.
    pub heading: String,
    /// The path of the page shown.
    pub current: &'static str,
}

/// A link of that list.
#[derive(Debug)]
pub struct SettingsLink {
    /// Where it leads.
    pub href: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Its text.
    pub label: &'static str,
    /// Whether this page is it.
    pub current: bool,
}

impl SettingsNavigation {
    /// The links.
    pub fn links(&self) -> Vec<SettingsLink> {
        let link = |href, icon, label| SettingsLink { href, icon, label, current: self.current == href };
        vec![
            link("/settings/profile", "user", "Profile"),
            link("/settings/tokens", "key-round", "Access tokens"),
            link("/settings/organizations", "building-2", "Organizations"),
            link("/settings/sessions", "monitor-smartphone", "Sessions"),
        ]
    }
}

/// Name, mail address, password.
#[derive(Debug, Template)]
#[template(path = "accounts/settings_profile.html")]
pub struct ProfileSettingsPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The viewer.
    pub username: String,
    /// The full name.
    pub fullname: Field,
    /// The mail address.
    pub email: Field,
    /// A few words.
    pub details: Field,
    /// The password until now.
    pub current_password: Field,
    /// The password from now on.
    pub new_password: Field,
}

/// Access tokens.
#[derive(Debug, Template)]
#[template(path = "accounts/settings_tokens.html")]
pub struct TokensPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The hub's own address.
    pub hub_url: String,
    /// A token made by this very request: the only time its text is shown.
    pub created: Option<CreatedToken>,
    /// The tokens.
    pub tokens: Vec<TokenItem>,
    /// The name of a new token.
    pub name: Field,
    /// What a new token may do.
    pub roles: Vec<Choice>,
    /// The namespaces a fine-grained token can be limited to.
    pub scopes: Vec<ScopeChoice>,
    /// What is wrong with the namespaces chosen.
    pub scopes_error: Option<String>,
}

/// A token that was just made.
#[derive(Debug)]
pub struct CreatedToken {
    /// Its name.
    pub name: String,
    /// Its text.
    pub value: String,
}

/// A token in the list.
#[derive(Debug)]
pub struct TokenItem {
    /// Its key.
    pub pk: i64,
    /// Its name.
    pub name: String,
    /// The end of its text.
    pub hint: String,
    /// What it may do.
    pub role: &'static str,
    /// For a fine-grained token: where.
    pub scopes: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What a fine-grained token may do in a namespace.
#[derive(Debug)]
pub struct ScopeChoice {
    /// The namespace.
    pub name: String,
    /// Nothing, `read` or `write`.
    pub access: String,
}

/// Open sessions.
#[derive(Debug, Template)]
#[template(path = "accounts/settings_sessions.html")]
pub struct SessionsPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The sessions.
    pub sessions: Vec<SessionItem>,
}

/// A browser that is logged in.
#[derive(Debug)]
pub struct SessionItem {
    /// Its key, in hexadecimal.
    pub id: String,
    /// The browser and its system, as far as they can be told.
    pub browser: String,
    /// What the browser said of itself.
    pub user_agent: String,
    /// Whether it is the one in use.
    pub current: bool,
    /// When it logged in.
    pub created_at: DateTime<Utc>,
    /// When it was last seen.
    pub last_seen_at: DateTime<Utc>,
}

/// The viewer's organisations.
#[derive(Debug, Template)]
#[template(path = "accounts/settings_organizations.html")]
pub struct OrganizationsPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The organisations.
    pub organizations: Vec<OrganizationItem>,
}

/// An organisation the viewer belongs to.
#[derive(Debug)]
pub struct OrganizationItem {
    /// Its name.
    pub name: String,
    /// Its full name.
    pub fullname: String,
    /// The viewer's role.
    pub role: &'static str,
}

impl OrganizationItem {
    /// Whether the viewer may change its settings.
    pub fn is_admin(&self) -> bool {
        self.role == "admin"
    }
}

/// The page that founds an organisation.
#[derive(Debug, Template)]
#[template(path = "accounts/organization_new.html")]
pub struct NewOrganizationPage {
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
pub struct OrganizationSettingsPage {
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
pub struct MemberItem {
    /// The user name.
    pub name: String,
    /// The full name.
    pub fullname: String,
    /// The role.
    pub role: &'static str,
}

/// The roles a member can have, with the present one chosen.
pub fn role_options(current: &str) -> Vec<Choice> {
    [("read", "Read"), ("contributor", "Contributor"), ("write", "Write"), ("admin", "Admin")]
        .into_iter()
        .map(|(value, label)| Choice::new(value, label, current))
        .collect()
}

impl MemberItem {
    /// The roles to choose from.
    pub fn options(&self) -> Vec<Choice> {
        role_options(self.role)
    }
}
