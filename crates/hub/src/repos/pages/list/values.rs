//! `/{list}.values?facet=…&find_…=…`: the values of one facet that a text is in, for the box in the facet. A script exchanges
//! them while one types; the list's own page shows the same without one.

use std::collections::HashSet;

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_search::SearchQuery;
use hub_types::RepoType;

use super::facets::{self, FacetGroup};
use super::groups::{self, groups};
use super::params::Params;
use super::question;
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::web::filters;

/// The part of the page.
#[derive(Debug, Template)]
#[template(path = "repos/facet_values.html")]
struct FacetValues {
    group: FacetGroup,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/{repo_type:models|datasets|spaces}.values", crate::web::read().to(show_values));
}

async fn show_values(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let kind = RepoType::from_plural(&path).ok_or_else(|| HubError::not_found("There is nothing at this address."))?;
    let query = page.query().renamed("task_categories", "pipeline_tag");
    let params = Params::read(kind, &query);
    let group = groups::find(kind, query.get("facet").unwrap_or_default()).ok_or_else(|| no_such_facet(kind))?;
    let asked = SearchQuery { facets: facets::requests_of(&params, group), ..question(&page, &params) };
    let found = page.app.search.search(asked).await?;
    // The page may show none of the first ones, if others were looked for when it came.
    page.show(FacetValues { group: facets::group_of(&params, group, found.facets, &HashSet::new()).in_one_list() }).await
}

fn no_such_facet(kind: RepoType) -> HubError {
    let keys: Vec<&str> = groups(kind).iter().map(|group| group.key).collect();
    HubError::bad_request(format!("`facet` must be one of {}.", keys.join(", ")))
}
