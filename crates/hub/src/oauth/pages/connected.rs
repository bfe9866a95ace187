//! `/settings/connected-applications`: the applications that somebody lets do something, and taking that back.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::origin;
use crate::accounts::User;
use crate::accounts::audit;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{HubError, HubResult};
use crate::oauth::queries::clients::{ConnectedRow, delete_consent, list_connected};
use crate::oauth::scopes;
use crate::web::filters;
use crate::web::layout::Layout;

const PATH: &str = "/settings/connected-applications";

/// The list.
#[derive(Debug, Template)]
#[template(path = "oauth/connected.html")]
struct ConnectedPage {
    layout: Layout,
    navigation: SettingsNavigation,
    applications: Vec<Item>,
}

/// An application, ready to print.
#[derive(Debug)]
struct Item {
    pk: i64,
    name: String,
    homepage: String,
    origin: String,
    may: Vec<&'static str>,
    /// The organisations for whose repositories that is true, too.
    organizations: Vec<String>,
    signed_in: i64,
    allowed_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
}

impl Item {
    fn new(row: ConnectedRow, user: &User) -> Self {
        let reached = user.memberships.iter().filter(|one| row.organization_pks.contains(&one.namespace_pk));
        let organizations = reached.map(|one| one.name.clone()).collect();
        Self {
            pk: row.client_pk,
            organizations: if scopes::reach_organizations(&row.scopes) { organizations } else { Vec::new() },
            origin: origin(&row.origin, row.keeper.as_deref()),
            may: scopes::in_words(&row.scopes),
            name: row.name,
            homepage: row.homepage,
            signed_in: row.grants,
            allowed_at: row.allowed_at,
            last_used_at: row.last_used_at,
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/connected-applications", crate::web::read().to(show))
        .route("/settings/connected-applications/{client_pk}/revoke", web::post().to(post_revoke));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let rows = list_connected(&page.app.pool, user.pk).await?;
    let shown = ConnectedPage {
        layout: page.layout("Connected applications"),
        navigation: SettingsNavigation::new(user, PATH),
        applications: rows.into_iter().map(|row| Item::new(row, user)).collect(),
    };
    page.show(shown).await
}

async fn post_revoke(page: PageRequest, path: web::Path<i64>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let mut tx = audit::begin(&page.app).await?;
    if !delete_consent(&mut tx, path.into_inner(), user.pk).await? {
        return Err(HubError::not_found("This application can do nothing with your account: it was revoked already."));
    }
    tx.commit().await?;
    Ok(page.redirect_saying(PATH, "Access revoked."))
}
