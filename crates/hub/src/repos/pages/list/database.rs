//! A list out of the database: for buckets, and while there is no search index or it does not answer.

use hub_types::RepoType;

use super::facets::{self, ActiveFilter};
use super::params::Params;
use super::{ListPage, PAGE_LEN, PastEnd, empty_page};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::listing::{Cursor, ListQuery, Sort, list};
use crate::repos::pages::view::RepoSummary;
use crate::repos::visibility::{shown_to, visible_to};
use crate::web::extract::Query;

/// Why a list is from here.
pub(super) const BEING_BUILT: &str = "The search index is being built. Until then, lists are narrowed by name only.";
/// The same while a Meilisearch is away.
pub(super) const AWAY: &str = "The search does not answer right now. Until it does, lists are narrowed by name only.";

/// The list, narrowed by name and owner; lists of what could be searched for say why.
pub(super) async fn list_page(page: &PageRequest, query: &Query, params: &Params, why: &str) -> HubResult<ListPage> {
    let sort = match params.sort {
        hub_search::Sort::Created => Sort::Created,
        hub_search::Sort::Size => Sort::Size,
        hub_search::Sort::Trending if params.kind.has_git() => Sort::Trending,
        hub_search::Sort::Downloads if params.kind.has_git() => Sort::Downloads,
        hub_search::Sort::Likes if params.kind.has_git() => Sort::Likes,
        _ => Sort::LastModified,
    };
    let wanted = ListQuery {
        author: params.author.clone(),
        search: params.search.split_whitespace().map(str::to_owned).collect(),
        sort,
        // A cursor of another order, after the order was changed, starts from the top.
        after: query.get("cursor").and_then(|text| Cursor::decode(text, sort).ok()),
        limit: PAGE_LEN,
        ..ListQuery::default()
    };
    let visible = if params.left_out(&page.viewer).is_some() { shown_to(&page.viewer) } else { visible_to(&page.viewer) };
    let found = list(&page.app, params.kind, &visible, &wanted).await?;
    let mut shown = empty_page(page, query, params);
    if params.kind != RepoType::Bucket {
        shown.notes.push(why.to_owned());
    }
    shown.parameters.clear();
    shown.orders.retain(|order| order.value != "relevance" && order.value != "num_parameters");
    let author = params.author.as_ref();
    shown.active = author
        .map(|author| ActiveFilter {
            label: format!("By {author}"),
            href: facets::address(params.kind, query, &["author", "cursor"], None),
        })
        .into_iter()
        .collect();
    let next = found.next.map(|cursor| cursor.encode());
    shown.next = next.map(|cursor| facets::address(params.kind, query, &["cursor"], Some(("cursor", &cursor))));
    shown.previous = query.get("cursor").map(|_| facets::address(params.kind, query, &["cursor"], None));
    // What came after was removed since, or renamed.
    shown.past_end = (found.repos.is_empty() && shown.previous.is_some()).then(|| PastEnd {
        title: "This list ends before this page".to_owned(),
        label: "Go to the first page",
        href: facets::address(params.kind, query, &["cursor"], None),
    });
    shown.repos = found.repos.into_iter().map(RepoSummary::from).collect();
    Ok(shown)
}
