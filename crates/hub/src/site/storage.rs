//! `/settings/storage`: what an account's repositories take, and how its clients download.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::settings::set_plain_http;
use crate::error::{HubError, HubResult};
use crate::repos::usage::StorageUse;
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "site/settings_storage.html")]
pub struct StorageSettingsPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The viewer and their organisations.
    pub accounts: Vec<AccountUse>,
    /// Whether the viewer's clients are kept to plain HTTP.
    pub plain_http: bool,
}

/// What an account takes.
#[derive(Debug)]
pub struct AccountUse {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub storage: StorageUse,
}

/// Mounts it.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/storage", crate::web::read().to(show_storage))
        .route("/settings/storage", web::post().to(post_transfer));
}

async fn show_storage(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let user_and_organizations = page.viewer.namespaces();
    let organizations = user.memberships.iter().map(|membership| (membership.namespace_pk, membership.name.clone()));
    let sums = StorageUse::of_namespaces(&page.app, &user_and_organizations).await?;
    let all = std::iter::once((user.pk, user.name.clone())).chain(organizations);
    let accounts = all.map(|(pk, name)| AccountUse { name, storage: sums.get(&pk).copied().unwrap_or_default() }).collect();
    let shown = StorageSettingsPage {
        layout: page.layout("Storage"),
        navigation: SettingsNavigation::new(user, "/settings/storage"),
        accounts,
        plain_http: user.plain_http,
    };
    page.show(shown).await
}

async fn post_transfer(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let plain_http = match form.text("transfer") {
        "chunks" => false,
        "http" => true,
        _ => return Err(HubError::bad_request("Choose chunks or plain HTTP.")),
    };
    set_plain_http(&page.app, user, plain_http).await?;
    let text = match plain_http {
        true => "Your clients download by plain HTTP now.",
        false => "Your clients download in chunks now, if they know how.",
    };
    Ok(page.redirect_saying("/settings/storage", text))
}
