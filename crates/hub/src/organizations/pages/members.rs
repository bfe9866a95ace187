//! Who belongs to an organisation, by name. Everybody sees that, as on its own page, which has room for some faces only.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::find_organization;
use crate::accounts::page::PageRequest;
use crate::accounts::pages::members::{cut_members, member_label, members_after};
use crate::accounts::queries::public::count_members;
use crate::accounts::queries::settings::{MemberRow, list_members};
use crate::error::HubResult;
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::layout::Layout;

/// How many members a page shows.
const PAGE_LEN: usize = 60;

/// The page.
#[derive(Debug, Template)]
#[template(path = "organizations/members.html")]
struct MembersPage {
    /// The frame.
    layout: Layout,
    /// The organisation.
    organization: String,
    /// How many there are, in words.
    label: String,
    /// Those of this page.
    members: Vec<MemberRow>,
    /// The first page, if this is another one.
    first: Option<String>,
    /// The next one.
    next: Option<String>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/organizations/{name}/members", crate::web::read().to(show_members));
}

async fn show_members(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let row = find_organization(&page, &path).await?;
    let here = format!("/organizations/{}/members", row.name);
    // Written otherwise, or by a name that it had.
    if row.name != *path {
        return Ok(page.redirect(&here));
    }
    let after = members_after(&page.query())?;
    let mut members = list_members(&page.app.pool, row.namespace_pk, &after, one_more(PAGE_LEN)).await?;
    let next = cut_members(&mut members, PAGE_LEN);
    let shown = MembersPage {
        layout: page.layout(format!("Members · {}", row.name)),
        label: member_label(count_members(&page.app.pool, row.namespace_pk).await?),
        members,
        first: (!after.is_empty()).then(|| here.clone()),
        next: next.map(|name| format!("{here}?after={name}")),
        organization: row.name,
    };
    page.show(shown).await
}
