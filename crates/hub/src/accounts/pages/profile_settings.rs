//! `/settings/profile`: name, mail address, password.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::navigation::SettingsNavigation;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::settings::find_profile;
use crate::accounts::settings::{Profile, change_password, update_profile};
use crate::accounts::{Auth, User, passwords};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// Name, mail address, password.
#[derive(Debug, Template)]
#[template(path = "accounts/settings_profile.html")]
pub(super) struct ProfileSettingsPage {
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

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings", crate::web::read().to(show_settings))
        .route("/settings/profile", crate::web::read().to(show_profile))
        .route("/settings/profile", web::post().to(post_profile))
        .route("/settings/password", web::post().to(post_password));
}

async fn show_settings(page: PageRequest) -> HttpResponse {
    page.redirect("/settings/profile")
}

async fn show_profile(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = find_profile(&page.app.pool, &user.name).await?.ok_or_else(HubError::login_required)?;
    let profile = Profile { fullname: row.fullname, details: row.details };
    let form = profile_page(&page, user, &profile, &user.email, &Refusal::default());
    page.show(form).await
}

async fn post_profile(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let profile = Profile { fullname: form.text("fullname").to_owned(), details: form.text("details").to_owned() };
    match update_profile(&page.app, user, &profile, form.text("email")).await {
        Ok(()) => Ok(page.redirect_saying("/settings/profile", "Profile saved.")),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = profile_page(&page, user, &profile, form.text("email"), &refusal);
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_password(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let Auth::Session { session_hash } = &page.viewer.auth else { return Err(HubError::login_required()) };
    match change_password(&page.app, user, form.exact("current_password"), form.exact("new_password"), session_hash).await {
        Ok(()) => Ok(page.redirect_saying("/settings/profile", "Password changed. Other sessions were logged out.")),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let row = find_profile(&page.app.pool, &user.name).await?.ok_or_else(HubError::login_required)?;
            let profile = Profile { fullname: row.fullname, details: row.details };
            let shown = profile_page(&page, user, &profile, &user.email, &refusal);
            page.show_with(refusal.status, shown).await
        }
    }
}

fn profile_page(page: &PageRequest, user: &User, profile: &Profile, email: &str, refusal: &Refusal) -> ProfileSettingsPage {
    let new_password = Field::new("new_password", "New password").hint(format!("At least {} characters.", passwords::MIN_LEN));
    ProfileSettingsPage {
        layout: page.layout("Profile"),
        navigation: SettingsNavigation::new(user, "/settings/profile"),
        username: user.name.clone(),
        fullname: refusal.mark(Field::new("fullname", "Full name").value(&profile.fullname)),
        email: refusal.mark(Field::new("email", "Email").value(email)),
        details: refusal
            .mark(Field::new("details", "About you").value(&profile.details).hint("One or two sentences, shown on your page.")),
        current_password: refusal.mark(Field::new("current_password", "Current password")),
        new_password: refusal.mark(new_password),
    }
}
