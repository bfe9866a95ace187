//! `/settings/profile`: name, mail address, password.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::navigation::SettingsNavigation;
use super::picture::PictureForm;
use super::rename::RenameForm;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::email::find_new_email;
use crate::accounts::queries::identities::has_password;
use crate::accounts::queries::settings::find_profile;
use crate::accounts::settings::{Profile, change_password, update_profile};
use crate::accounts::{Auth, User, passwords, sign_in};
use crate::error::{HubError, HubResult};
use crate::repos::audience::set_shows_all;
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
    /// A few words.
    pub details: Field,
    /// A page of their own.
    pub homepage: Field,
    /// Where else they are.
    pub links: Field,
    /// The picture.
    pub picture: PictureForm,
    /// Whether pages show what is not for all audiences without asking.
    pub shows_labelled: bool,
    /// The mail address.
    pub present_email: String,
    /// Whether it is known to be the viewer's.
    pub email_confirmed: bool,
    /// The address that is to be the viewer's when it is confirmed.
    pub wanted_email: Option<String>,
    /// Another mail address.
    pub email: Field,
    /// The password, to change the address; without one who is there is asked at `/sudo`.
    pub email_password: Option<Field>,
    /// The password until now, if there is one.
    pub current_password: Option<Field>,
    /// The password from now on.
    pub new_password: Field,
    /// Another user name.
    pub rename: RenameForm,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings", crate::web::read().to(show_settings))
        .route("/settings/profile", crate::web::read().to(show_profile))
        .route("/settings/profile", web::post().to(post_profile))
        .route("/settings/audience", web::post().to(post_audience))
        .route("/settings/password", web::post().to(post_password));
}

/// What stands under the field for links.
pub(super) const LINKS_HINT: &str = "Up to five, one address a line: where else to find you.";

/// What was typed into a form about a profile.
pub(super) fn profile_of(form: &CheckedForm) -> Profile {
    let text = |name| form.text(name).to_owned();
    Profile { fullname: text("fullname"), details: text("details"), homepage: text("homepage"), links: text("links") }
}

async fn show_settings(page: PageRequest) -> HttpResponse {
    page.redirect("/settings/profile")
}

async fn show_profile(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let shown = profile_page(&page, user, Shown::default(), &Refusal::default()).await?;
    page.show(shown).await
}

async fn post_profile(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let profile = profile_of(&form);
    match update_profile(&page.app, user, &profile).await {
        Ok(()) => Ok(page.redirect_saying("/settings/profile", "Profile saved.")),
        Err(error) => show_refused(&page, user, error, Shown { profile: Some(profile), ..Shown::default() }).await,
    }
}

async fn post_audience(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let shows = form.fields().flag("shows");
    set_shows_all(&page.app, user, shows).await?;
    let text = match shows {
        true => "Content that is not for all audiences is shown to you without asking.",
        false => "You are asked before content that is not for all audiences is shown.",
    };
    Ok(page.redirect_saying("/settings/profile", text))
}

async fn post_password(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let Auth::Session { session_hash } = &page.viewer.auth else { return Err(HubError::login_required()) };
    let changed = match sign_in::ask_password(&page.app, page.http(), user, form.exact("current_password")).await {
        Ok(()) => change_password(&page.app, user, form.exact("new_password"), session_hash).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => Ok(page.redirect_saying("/settings/profile", "Password changed. Other sessions were logged out.")),
        Err(error) => show_refused(&page, user, error, Shown::default()).await,
    }
}

/// What was typed into the form that was sent.
#[derive(Debug, Default)]
pub(super) struct Shown<'a> {
    /// In the profile.
    pub profile: Option<Profile>,
    /// The new mail address.
    pub email: Option<&'a str>,
    /// The new user name.
    pub name: &'a str,
}

/// Shows the forms again with what was wrong.
///
/// # Errors
/// The error itself, when it is not about what was typed.
pub(super) async fn show_refused(page: &PageRequest, user: &User, error: HubError, shown: Shown<'_>) -> HubResult<HttpResponse> {
    let refusal = Refusal::of(error)?;
    let status = refusal.status;
    let again = profile_page(page, user, shown, &refusal).await?;
    page.show_with(status, again).await
}

async fn profile_page(page: &PageRequest, user: &User, shown: Shown<'_>, refusal: &Refusal) -> HubResult<ProfileSettingsPage> {
    let none = Refusal::default();
    let (of_email, of_password) = if shown.email.is_some() { (refusal, &none) } else { (&none, refusal) };
    let profile = match shown.profile {
        Some(profile) => profile,
        None => {
            let row = find_profile(&page.app.pool, &user.name).await?.ok_or_else(HubError::login_required)?;
            Profile::of(&row)
        }
    };
    let has_password = has_password(&page.app.pool, user.pk).await?;
    let new_password = Field::new("new_password", "New password").hint(format!("At least {} characters.", passwords::MIN_LEN));
    let email_password = Field { key: "email-", ..Field::new("current_password", "Current password") };
    Ok(ProfileSettingsPage {
        layout: page.layout("Profile"),
        navigation: SettingsNavigation::new(user, "/settings/profile"),
        username: user.name.clone(),
        fullname: refusal.mark(Field::new("fullname", "Full name").value(profile.fullname)),
        details: refusal
            .mark(Field::new("details", "About you").value(profile.details).hint("One or two sentences, shown on your page.")),
        homepage: refusal.mark(Field::new("homepage", "Homepage").value(profile.homepage)),
        links: refusal.mark(Field::new("links", "Links").value(profile.links).hint(LINKS_HINT)),
        picture: PictureForm::of_user(page, user, refusal),
        shows_labelled: user.shows_labelled,
        present_email: user.email.clone(),
        email_confirmed: user.email_confirmed,
        wanted_email: find_new_email(&page.app.pool, user.pk).await?,
        email: of_email.mark(Field::new("email", "New email").value(shown.email.unwrap_or_default())),
        email_password: has_password.then(|| of_email.mark(email_password)),
        current_password: has_password.then(|| of_password.mark(Field::new("current_password", "Current password"))),
        new_password: of_password.mark(new_password),
        rename: RenameForm::of_user(page, user, shown.name, refusal).await?,
    })
}
