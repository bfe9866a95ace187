//! `/settings/storage`: what an account's repositories take, and how its clients download.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::accounts::OrgRole;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::settings::set_plain_http;
use crate::error::{HubError, HubResult};
use crate::quotas;
use crate::repos::buckets::sum_of_owners;
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
    /// What all buckets of an owner may hold together, in bytes.
    pub limit: Option<u64>,
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
    /// What its buckets hold now, in bytes.
    pub buckets: i64,
    /// What it may hold, in bytes.
    pub quota: Option<u64>,
    /// Whether the viewer sees which repositories take how much.
    pub is_own: bool,
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
    let buckets = sum_of_owners(&page.app.pool, &user_and_organizations).await?;
    let quotas = quotas::list_limits(&page.app, &user_and_organizations).await?;
    let account = |(pk, name)| AccountUse {
        is_own: pk == user.pk || user.membership_in(pk).is_some_and(|membership| membership.role == OrgRole::Admin),
        name,
        storage: sums.get(&pk).copied().unwrap_or_default(),
        buckets: buckets.get(&pk).copied().unwrap_or_default(),
        quota: quotas.get(&pk).copied(),
    };
    let accounts = all.map(account).collect();
    let shown = StorageSettingsPage {
        layout: page.layout("Storage"),
        navigation: SettingsNavigation::new(user, "/settings/storage"),
        accounts,
        limit: page.app.config.owner_buckets_limit_bytes,
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
