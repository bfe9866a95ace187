//! `/settings/sign-in`: the ways into an account.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::navigation::SettingsNavigation;
use crate::accounts::oidc::operations;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::identities::{IdentityRow, has_password, list_identities};
use crate::accounts::sudo;
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::layout::Layout;

/// The ways into an account.
#[derive(Debug, Template)]
#[template(path = "accounts/settings_sign_in.html")]
struct SignInPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: SettingsNavigation,
    /// What the provider is called, if there is one.
    provider: Option<String>,
    /// Its address, or nothing.
    issuer: String,
    /// Whether nobody signs in with a password.
    no_passwords: bool,
    /// Whether the account has a password.
    has_password: bool,
    /// What is linked.
    identities: Vec<IdentityRow>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/sign-in", crate::web::read().to(show))
        .route("/settings/sign-in/{id}/unlink", web::post().to(post_unlink));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let provider = page.app.config.oidc.as_ref();
    let shown = SignInPage {
        layout: page.layout("Sign-in"),
        navigation: SettingsNavigation::new(user, "/settings/sign-in"),
        provider: provider.map(|provider| provider.name.clone()),
        issuer: provider.map(|provider| provider.issuer.clone()).unwrap_or_default(),
        no_passwords: provider.is_some_and(|provider| provider.only),
        has_password: has_password(&page.app.pool, user.pk).await?,
        identities: list_identities(&page.app.pool, user.pk).await?,
    };
    page.show(shown).await
}

async fn post_unlink(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, "/settings/sign-in").await?;
    let unknown = || HubError::not_found("Your account has no such link: it may be unlinked already.");
    let identity_pk = path.parse().map_err(|_| unknown())?;
    operations::unlink(&page.app, user, identity_pk).await?;
    Ok(page.redirect_saying("/settings/sign-in", "Unlinked."))
}
