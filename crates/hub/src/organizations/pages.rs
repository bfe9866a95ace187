//! Pages of who belongs to an organisation and what it arranges: resource groups, requests to join, service accounts,
//! mail domains and trusted publishers.

mod domains;
mod group;
mod groups;
mod members;
mod publishers;
mod requests;
mod service_account;
mod service_accounts;

use actix_web::web;

use crate::accounts::page::PageRequest;
use crate::accounts::queries::settings::{ProfileRow, find_profile};
use crate::error::{HubError, HubResult};

/// Mounts them.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(groups::routes)
        .configure(group::routes)
        .configure(members::routes)
        .configure(requests::routes)
        .configure(service_accounts::routes)
        .configure(service_account::routes)
        .configure(domains::routes)
        .configure(publishers::routes);
}

/// Finds an organisation for those who are no members.
async fn find_organization(page: &PageRequest, name: &str) -> HubResult<ProfileRow> {
    let found = if hub_types::check_name(name).is_ok() { find_profile(&page.app.pool, name).await? } else { None };
    let found = found.filter(|found| found.kind == "organization");
    found.ok_or_else(|| HubError::not_found("There is no organization of this name."))
}
