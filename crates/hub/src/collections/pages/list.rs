//! `/collections`.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_types::RepoType;

use super::view::{CollectionCard, cards};
use crate::accounts::page::PageRequest;
use crate::collections::access::Scope;
use crate::collections::api::{cursor_of, parse_cursor};
use crate::collections::queries::{CollectionQuery, Order, list_collections};
use crate::error::HubResult;
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::form::Choice;
use crate::web::layout::Layout;

/// How many a page shows.
const PAGE_LEN: usize = 24;

/// The page.
#[derive(Debug, Template)]
#[template(path = "collections/list.html")]
struct ListPage {
    layout: Layout,
    cards: Vec<CollectionCard>,
    /// The words searched for.
    search: String,
    /// The owner, whom no field chooses.
    owner: String,
    /// The repository that all have, as `models/ada/bert`; empty when any will do.
    item: String,
    orders: Vec<Choice>,
    first: Option<String>,
    next: Option<String>,
}

impl ListPage {
    /// The repository that all have, by its name alone.
    fn item_name(&self) -> Option<&str> {
        self.item.split_once('/').map(|(_, id)| id)
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/collections", crate::web::read().to(show_list));
}

async fn show_list(page: PageRequest) -> HubResult<HttpResponse> {
    let query = page.query();
    let text = |key: &str| query.get(key).map(str::trim).filter(|text| !text.contains('\0')).unwrap_or_default().to_owned();
    let (search, owner, sort) = (text("search"), text("owner"), text("sort"));
    let (item, repos) = match repo_of(&text("item")) {
        Some(repo) => (text("item"), vec![repo]),
        None => (String::new(), Vec::new()),
    };
    let order = match sort.as_str() {
        "trending" => Order::Trending,
        "upvotes" => Order::Upvotes,
        _ => Order::Updated,
    };
    let wanted = CollectionQuery {
        owners: Some(owner.clone()).filter(|owner| !owner.is_empty()).into_iter().collect(),
        repos,
        words: Some(search.clone()).filter(|words| !words.is_empty()),
        order,
        // A cursor of another order starts from the top.
        after: query.get("after").and_then(|text| parse_cursor(text).ok()),
        limit: one_more(PAGE_LEN),
        ..CollectionQuery::default()
    };
    let mut rows = list_collections(&page.app.pool, &Scope::of(&page.viewer), &wanted).await?;
    let more = rows.len() > PAGE_LEN;
    rows.truncate(PAGE_LEN);
    let address = |after: Option<&str>| {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        let fields = [
            ("search", search.as_str()),
            ("owner", &owner),
            ("item", &item),
            ("sort", &sort),
            ("after", after.unwrap_or_default()),
        ];
        pairs.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
        format!("/collections?{}", pairs.finish())
    };
    let next = rows.last().filter(|_| more).map(|row| address(Some(&cursor_of(row, order))));
    let mut layout = page.layout("Collections");
    layout.description = "Collections of models, datasets and Spaces on this hub.".to_owned();
    let shown = ListPage {
        layout,
        cards: cards(&page.app, &page.viewer, rows).await?,
        orders: [("", "Recently updated"), ("trending", "Trending"), ("upvotes", "Most upvotes")]
            .map(|(value, label)| Choice::new(value, label, &sort))
            .into(),
        first: wanted.after.map(|_| address(None)),
        next,
        search,
        owner,
        item,
    };
    page.show(shown).await
}

/// Reads `models/ada/bert`.
fn repo_of(item: &str) -> Option<(RepoType, String, String)> {
    let (kind, id) = item.split_once('/')?;
    let (namespace, name) = id.split_once('/')?;
    Some((RepoType::from_plural(kind)?, namespace.to_owned(), name.to_owned()))
}
