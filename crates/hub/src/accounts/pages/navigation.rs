//! The list of settings pages.

use crate::accounts::User;

/// The list of settings pages.
#[derive(Debug)]
pub struct SettingsNavigation {
    /// Whose settings these are.
    pub heading: String,
    /// The path of the page shown.
    pub current: &'static str,
    /// Whether it is of somebody who runs the hub.
    runs_the_hub: bool,
    /// Whether it is of somebody who looks after what others publish.
    moderates: bool,
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
    /// The list with one page marked.
    pub fn new(user: &User, current: &'static str) -> Self {
        Self { heading: user.name.clone(), current, runs_the_hub: user.is_admin, moderates: user.moderates() }
    }

    /// The links.
    pub fn links(&self) -> Vec<SettingsLink> {
        let link = |href, icon, label| SettingsLink { href, icon, label, current: self.current == href };
        let mut links = vec![
            link("/settings/profile", "user", "Profile"),
            link("/settings/authentication", "lock", "Authentication"),
            link("/settings/sign-in", "log-in", "Ways to sign in"),
            link("/settings/tokens", "key-round", "Access tokens"),
            link("/settings/keys", "terminal", "SSH keys"),
            link("/settings/gpg-keys", "shield-check", "GPG keys"),
            link("/settings/organizations", "building-2", "Organizations"),
            link("/settings/notifications", "bell", "Notifications"),
            link("/settings/gated-repos", "lock", "Gated repositories"),
            link("/settings/saved-searches", "search", "Saved searches"),
            link("/settings/webhooks", "waypoints", "Webhooks"),
            link("/settings/connected-applications", "layout-grid", "Connected applications"),
            link("/settings/applications", "app-window", "Developer applications"),
            link("/settings/storage", "hard-drive", "Storage"),
            link("/settings/deleted", "package-open", "Deleted repositories"),
            link("/settings/sessions", "monitor-smartphone", "Sessions"),
            link("/settings/security-log", "shield-check", "Security log"),
            link("/settings/reports", "triangle-alert", "Reports"),
            link("/settings/data", "download", "Your data"),
        ];
        links.extend(self.moderates.then(|| link("/moderation", "scale", "Moderation")));
        links.extend(self.moderates.then(|| link("/settings/lineage", "git-branch", "Undeclared parents")));
        links.extend(self.runs_the_hub.then(|| link("/admin", "sliders-horizontal", "Admin console")));
        links
    }
}
