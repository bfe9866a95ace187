//! Whom an organisation trusts to publish to its repositories.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::queries::settings::ProfileRow;
use crate::accounts::settings::require_admin_of;
use crate::accounts::sudo;
use crate::error::HubResult;
use crate::publishers::operations::{self, Owner, Typed};
use crate::publishers::{Publishers, read_form};
use crate::web::filters;
use crate::web::form::Refusal;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "organizations/publishers.html")]
struct PublishersPage {
    /// The frame.
    layout: Layout,
    /// The viewer's settings pages.
    navigation: SettingsNavigation,
    /// The organisation.
    organization: String,
    /// Whom it trusts.
    publishers: Publishers,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/organizations/{name}/settings/publishers", crate::web::read().to(show_publishers))
        .route("/organizations/{name}/settings/publishers", web::post().to(post_publisher))
        .route("/organizations/{name}/settings/publishers/{publisher_pk}/remove", web::post().to(post_remove));
}

fn path_of(row: &ProfileRow) -> String {
    format!("/organizations/{}/settings/publishers", row.name)
}

async fn show_publishers(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let row = require_admin_of(&page.app, page.require_session()?, &path).await?;
    show(&page, &row, &Typed::default(), &Refusal::default()).await
}

async fn show(page: &PageRequest, row: &ProfileRow, typed: &Typed, refusal: &Refusal) -> HubResult<HttpResponse> {
    let shown = PublishersPage {
        layout: page.layout(format!("Trusted publishers of {}", row.name)),
        navigation: SettingsNavigation::new(page.require_session()?, "/settings/organizations"),
        organization: row.name.clone(),
        publishers: Publishers::load(page, Owner::Organization(row.namespace_pk), path_of(row), typed, refusal).await?,
    };
    page.show_with(refusal.status, shown).await
}

async fn post_publisher(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let row = require_admin_of(&page.app, page.require_session()?, &path).await?;
    // It lets programs in that nobody looks at.
    let user = sudo::require(&page, &path_of(&row)).await?;
    if let Some(publisher_pk) = form.restored() {
        return match operations::restore(&page.app, Owner::Organization(row.namespace_pk), publisher_pk).await {
            Ok(()) => Ok(page.redirect_saying(&path_of(&row), "The publisher is trusted again.")),
            Err(error) => show(&page, &row, &Typed::default(), &Refusal::of(error)?).await,
        };
    }
    let typed = read_form(&form);
    match operations::add(&page.app, Owner::Organization(row.namespace_pk), user, &typed).await {
        Ok(()) => Ok(page.redirect_saying(&path_of(&row), "The publisher is trusted now.")),
        Err(error) => show(&page, &row, &typed, &Refusal::of(error)?).await,
    }
}

async fn post_remove(page: PageRequest, path: web::Path<(String, i64)>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let row = require_admin_of(&page.app, page.require_session()?, &path.0).await?;
    operations::remove(&page.app, Owner::Organization(row.namespace_pk), path.1).await?;
    Ok(page.redirect_saying(&path_of(&row), "The publisher is trusted no more, and its tokens open nothing."))
}
