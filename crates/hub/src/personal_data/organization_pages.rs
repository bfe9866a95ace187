//! `/organizations/{name}/settings/delete`, and keeping an organisation after all.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::organizations;
use super::queries::organizations::{Belongings, count_belongings};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::queries::settings::ProfileRow;
use crate::accounts::settings::require_admin_of;
use crate::accounts::{User, sudo};
use crate::error::HubResult;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The page of an admin's organisations, the closed ones among them.
const ALL: &str = "/settings/organizations";

/// What deleting an organisation means.
#[derive(Debug, Template)]
#[template(path = "organizations/delete.html")]
struct DeletePage {
    /// The frame.
    layout: Layout,
    /// The viewer's settings pages.
    navigation: SettingsNavigation,
    /// The organisation.
    organization: String,
    /// What goes, in words.
    goes: Vec<String>,
    /// For how many days it can be undone.
    days: u64,
    /// What is wrong with the deletion.
    error: Option<String>,
    /// The name, typed.
    confirmation: Field,
}

/// Mounts the pages.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/organizations/{name}/settings/delete", crate::web::read().to(show))
        .route("/organizations/{name}/settings/delete", web::post().to(post_delete))
        .route("/organizations/{name}/keep", web::post().to(post_keep));
}

async fn show(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let shown = delete_page(&page, user, &row, &Refusal::default()).await?;
    page.show(shown).await
}

async fn delete_page(page: &PageRequest, user: &User, row: &ProfileRow, refusal: &Refusal) -> HubResult<DeletePage> {
    Ok(DeletePage {
        layout: page.layout(format!("Delete {}", row.name)),
        navigation: SettingsNavigation::new(user, ALL),
        organization: row.name.clone(),
        goes: in_words(&count_belongings(&page.app.pool, row.namespace_pk).await?),
        days: page.app.config.undo_days,
        error: refusal.message_elsewhere(&["confirmation"]),
        confirmation: refusal.mark(Field::new("confirmation", "Name of the organization").hint(format!("Type {}.", row.name))),
    })
}

fn in_words(has: &Belongings) -> Vec<String> {
    let all = [
        (has.models, "model", "models"),
        (has.datasets, "dataset", "datasets"),
        (has.spaces, "Space", "Spaces"),
        (has.buckets, "bucket", "buckets"),
        (has.collections, "collection", "collections"),
        (has.groups, "resource group", "resource groups"),
        (has.members, "membership", "memberships"),
    ];
    let counted = all.into_iter().filter(|(count, ..)| *count > 0);
    counted.map(|(count, one, more)| format!("{count} {}", if count == 1 { one } else { more })).collect()
}

async fn post_delete(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    sudo::require(&page, &format!("/organizations/{}/settings/delete", row.name)).await?;
    match organizations::ask(&page.app, user, &row, form.text("confirmation")).await {
        Ok(until) => {
            let text =
                format!("{} is closed. Until {} its admins can keep it, on this page.", row.name, until.format("%-d %B %Y"));
            Ok(page.redirect_saying(ALL, &text))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = delete_page(&page, user, &row, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_keep(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let name = organizations::keep(&page.app, user, &path).await?;
    Ok(page.redirect_saying(ALL, &format!("{name} is back, with its members and repositories.")))
}
