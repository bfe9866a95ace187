//! `/licences` and `/licences/{id}`.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::terms::{self, FAMILIES, Family, Licence};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::layout::Layout;

/// The index.
#[derive(Debug, Template)]
#[template(path = "licences/index.html")]
struct LicencesPage {
    layout: Layout,
    families: Vec<(&'static Family, Vec<&'static Licence>)>,
}

/// One licence.
#[derive(Debug, Template)]
#[template(path = "licences/licence.html")]
struct LicencePage {
    layout: Layout,
    licence: &'static Licence,
    /// With which licences what is made from it may be passed on; nothing if with any.
    under: Vec<&'static Licence>,
    /// Licences of other things from which something under this one may be made.
    takes: Vec<&'static Licence>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/licences", crate::web::read().to(list_licences))
        .route("/licences/{id}", crate::web::read().to(show_licence))
        .route("/licenses", crate::web::read().to(spelled_otherwise))
        .route("/licenses/{id}", crate::web::read().to(spelled_otherwise));
}

async fn spelled_otherwise(page: PageRequest) -> HttpResponse {
    page.redirect(&page.path().replacen("/licenses", "/licences", 1))
}

async fn list_licences(page: PageRequest) -> HubResult<HttpResponse> {
    let of = |family: &'static Family| terms::every().iter().filter(|licence| licence.family == family).collect();
    let families = FAMILIES.iter().map(|family| (family, of(family))).collect();
    let mut layout = page.layout("Licences");
    layout.description = "What the licences of models and datasets allow and ask, in plain words.".to_owned();
    page.show(LicencesPage { layout, families }).await
}

async fn show_licence(page: PageRequest, id: web::Path<String>) -> HubResult<HttpResponse> {
    let Some(licence) = terms::find(&id.to_ascii_lowercase()) else {
        return Err(HubError::not_found(
            "There is no licence of this name among those that cards may name. See /licences for all.",
        ));
    };
    let mut layout = page.layout(licence.name);
    layout.description = format!("What {} allows and asks, in plain words.", licence.name);
    let under = licence.under.iter().filter_map(|id| terms::find(id)).collect();
    let binds = |other: &&Licence| !other.under.is_empty() && other.id != licence.id && other.lets_have(licence);
    let takes = terms::every().iter().filter(binds).collect();
    page.show(LicencePage { layout, licence, under, takes }).await
}
