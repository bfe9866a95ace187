//! Mail domains of an organisation: adding and proving them, and joining by one.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::find_organization;
use super::service_accounts::role_of;
use crate::accounts::domains::{self, proof_record, proof_url};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::members::lower_role_options;
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::queries::domains::{DomainRow, RemovedDomain, list_domains};
use crate::accounts::queries::settings::ProfileRow;
use crate::accounts::settings::require_admin_of;
use crate::accounts::{User, sudo};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;
use crate::web::removed::{Removed, RemovedItem};

/// The page.
#[derive(Debug, Template)]
#[template(path = "organizations/domains.html")]
struct DomainsPage {
    /// The frame.
    layout: Layout,
    /// The viewer's settings pages.
    navigation: SettingsNavigation,
    /// The organisation.
    organization: String,
    /// What concerns no field.
    error: Option<String>,
    /// The domains.
    domains: Vec<DomainItem>,
    /// Those that were removed, and can come back.
    removed: Removed,
    /// A new one.
    domain: Field,
    /// Its role.
    role: Field,
    /// The roles to choose from.
    roles: Vec<Choice>,
}

/// A domain.
#[derive(Debug)]
struct DomainItem {
    pk: i64,
    domain: String,
    is_proven: bool,
    /// Where its file is, until it is proven.
    address: String,
    /// The name of its record.
    record: String,
    challenge: String,
    roles: Vec<Choice>,
}

impl DomainItem {
    fn of(page: &PageRequest, row: DomainRow) -> Self {
        Self {
            pk: row.domain_pk,
            is_proven: row.proven_at.is_some(),
            address: proof_url(&page.app, &row.domain),
            record: proof_record(&row.domain),
            roles: lower_role_options(&row.role),
            domain: row.domain,
            challenge: row.challenge,
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/organizations/{name}/settings/domains", crate::web::read().to(show_domains))
        .route("/organizations/{name}/settings/domains", web::post().to(post_domain))
        .route("/organizations/{name}/settings/domains/{domain_pk}", web::post().to(post_change))
        .route("/organizations/{name}/join-by-domain", web::post().to(post_join));
}

fn path_of(row: &ProfileRow) -> String {
    format!("/organizations/{}/settings/domains", row.name)
}

fn removed_item(row: RemovedDomain) -> RemovedItem {
    RemovedItem { key: row.domain_pk, name: row.domain, of: String::new(), note: String::new(), deleted_at: row.deleted_at }
}

async fn domains_page(
    page: &PageRequest,
    user: &User,
    row: &ProfileRow,
    (domain, role): (&str, &str),
    refusal: &Refusal,
) -> HubResult<DomainsPage> {
    let domains = list_domains(&page.app.pool, row.namespace_pk).await?;
    let hint = "What stands after the @ in the addresses of your people. Subdomains are domains of their own.";
    Ok(DomainsPage {
        layout: page.layout(format!("Mail domains of {}", row.name)),
        navigation: SettingsNavigation::new(user, "/settings/organizations"),
        organization: row.name.clone(),
        error: refusal.message_elsewhere(&["domain", "role"]),
        domains: domains.into_iter().map(|row| DomainItem::of(page, row)).collect(),
        removed: Removed {
            heading: "Removed domains",
            column: "Domain",
            hint: "They are to be proven again then, by the same text.",
            days: page.app.config.undo_days,
            path: path_of(row),
            items: domains::list_removed(&page.app, row.namespace_pk).await?.into_iter().map(removed_item).collect(),
        },
        domain: refusal.mark(Field::new("domain", "Domain").value(domain).hint(hint)),
        role: refusal.mark(Field::new("role", "Role of who joins by it")),
        roles: lower_role_options(if role.is_empty() { "read" } else { role }),
    })
}

async fn show_domains(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let shown = domains_page(&page, user, &row, ("", ""), &Refusal::default()).await?;
    page.show(shown).await
}

async fn post_domain(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    // It lets people in whom nobody looks at.
    sudo::require(&page, &path_of(&row)).await?;
    if let Some(domain_pk) = form.restored() {
        return restore(&page, user, &row, domain_pk).await;
    }
    let domain = form.text("domain");
    let done = match role_of(&form) {
        Ok(role) => domains::add(&page.app, row.namespace_pk, domain, role).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => {
            Ok(page.redirect_saying(&path_of(&row), "The domain is in the list. Prove that it is yours, as it says there."))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = domains_page(&page, user, &row, (domain, form.text("role")), &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn restore(page: &PageRequest, user: &User, row: &ProfileRow, domain_pk: i64) -> HubResult<HttpResponse> {
    match domains::restore(&page.app, row.namespace_pk, domain_pk).await {
        Ok(domain) => {
            let text = format!("{domain} is in the list again. Prove that it is yours: by the same text as before.");
            Ok(page.redirect_saying(&path_of(row), &text))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = domains_page(page, user, row, ("", ""), &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_change(page: PageRequest, path: web::Path<(String, i64)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (name, domain_pk) = path.into_inner();
    let row = require_admin_of(&page.app, user, &name).await?;
    let found = domains::find(&page.app, row.namespace_pk, domain_pk).await?;
    let (done, text) = match form.text("action") {
        "prove" => {
            let text = format!("{} is proven: whoever has a confirmed address there can join now.", found.domain);
            (domains::prove(&page.app, &found).await, text)
        }
        "role" => {
            sudo::require(&page, &path_of(&row)).await?;
            let role = role_of(&form)?;
            let text = format!("Who joins by {} from now on is {}.", found.domain, role.as_str());
            (domains::set_role(&page.app, row.namespace_pk, domain_pk, role).await, text)
        }
        "remove" => {
            let text = format!("{} was removed. Who joined by it stays a member.", found.domain);
            (domains::remove(&page.app, row.namespace_pk, domain_pk).await, text)
        }
        _ => return Err(HubError::bad_request("Press the button again.")),
    };
    match done {
        Ok(()) => Ok(page.redirect_saying(&path_of(&row), &text)),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = domains_page(&page, user, &row, ("", ""), &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_join(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = find_organization(&page, &path).await?;
    let role = domains::join(&page.app, user, &row).await?;
    let text = format!("You are a member of {} now, as {}.", row.name, role.as_str());
    Ok(page.redirect_saying(&format!("/{}", row.name), &text))
}
