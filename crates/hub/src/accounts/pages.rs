//! Pages about one's own account: sign-up, login, settings, organisations.

pub(crate) mod audit_log;
mod authentication;
mod change_email;
mod confirm_email;
mod entry;
mod first_password;
mod invitation;
pub mod members;
pub mod navigation;
mod oidc;
mod oidc_new;
mod organizations;
mod picture;
mod profile_settings;
mod recovery;
mod rename;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_up;
mod sudo;
pub mod tokens;

use actix_web::web;

pub(crate) use sessions::browser_name;

/// Mounts them.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(entry::routes)
        .configure(oidc::routes)
        .configure(oidc_new::routes)
        .configure(sign_in::routes)
        .configure(sign_up::routes)
        .configure(second_factor::routes)
        .configure(first_password::routes)
        .configure(sudo::routes)
        .configure(authentication::routes)
        .configure(profile_settings::routes)
        .configure(confirm_email::routes)
        .configure(change_email::routes)
        .configure(recovery::routes)
        .configure(tokens::routes)
        .configure(sessions::routes)
        .configure(audit_log::routes)
        .configure(organizations::routes)
        .configure(members::routes)
        .configure(invitation::routes)
        .configure(picture::routes)
        .configure(rename::routes);
}
