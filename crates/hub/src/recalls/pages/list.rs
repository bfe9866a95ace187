//! The list, and the same as a feed.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::accounts::User;
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::fetches::Content;
use crate::recalls::category::Category;
use crate::recalls::path_of;
use crate::recalls::queries::lists::{self, RecallRow};
use crate::repos::visibility::visible_to;
use crate::web::atom::{Feed, FeedEntry};
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::form::Field;
use crate::web::layout::Layout;

const PATH: &str = "/recalls";
const FEED: &str = "/recalls.atom";
/// How many a page shows, and a feed has.
const PAGE_LEN: usize = 30;
const FEED_LEN: i64 = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "recalls/list.html")]
struct ListPage {
    layout: Layout,
    hash: Field,
    /// Whether a hash is asked for.
    is_narrowed: bool,
    items: Vec<Item>,
    /// Whether the viewer can recall by hash.
    moderates: bool,
    first: Option<String>,
    next: Option<String>,
}

/// A recall in the list.
#[derive(Debug)]
struct Item {
    href: String,
    title: String,
    category: &'static str,
    badge: &'static str,
    withdrawn: bool,
    everywhere: bool,
    at: DateTime<Utc>,
}

impl Item {
    fn of(row: &RecallRow) -> Self {
        let category = Category::parse(&row.category).unwrap_or(Category::Other);
        Self {
            href: path_of(row.recall_pk),
            title: row.title.clone(),
            category: category.label(),
            badge: category.badge(),
            withdrawn: row.withdrawn_at.is_some(),
            everywhere: row.everywhere,
            at: row.created_at,
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(PATH, crate::web::read().to(show_list)).route(FEED, crate::web::read().to(show_feed));
}

async fn show_list(page: PageRequest) -> HubResult<HttpResponse> {
    let query = page.query();
    let before = query.number("before")?.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    let hash = query.get("hash").unwrap_or_default().trim().to_owned();
    let asked = Content::parse(&hash);
    let wrong = (!hash.is_empty() && asked.is_none())
        .then(|| "A SHA-256 has 64 hexadecimal digits: `sha256sum FILE` prints it. A git blob has 40.".to_owned());
    let (pool, sees) = (&page.app.pool, visible_to(&page.viewer).coarse());
    let (start, limit) = (before.unwrap_or(i64::MAX), one_more(PAGE_LEN));
    let mut keys = match &asked {
        Some(content) => lists::list_keys_of(pool, &sees, &[content.to_bytes()], start, limit).await?,
        None if wrong.is_some() => Vec::new(),
        None => lists::list_keys(pool, &sees, start, limit).await?,
    };
    let has_more = keys.len() > PAGE_LEN;
    keys.truncate(PAGE_LEN);
    let narrowed = asked.map(|content| format!("hash={}", content.to_hex()));
    let address = |more: Option<String>| {
        let parts: Vec<String> = narrowed.iter().cloned().chain(more).collect();
        if parts.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", parts.join("&")) }
    };
    let rows = lists::list_by_keys(pool, &sees, &keys).await?;
    let shown = ListPage {
        layout: page.layout("Recalled files"),
        is_narrowed: !hash.is_empty(),
        hash: Field::new("hash", "Is a file recalled that you have?")
            .value(hash)
            .hint("Its SHA-256 (`sha256sum FILE`), or its git blob (`git hash-object FILE`).")
            .error(wrong),
        items: rows.iter().map(Item::of).collect(),
        moderates: page.viewer.user.as_ref().is_some_and(User::moderates) && page.require_session().is_ok(),
        first: before.map(|_| address(None)),
        next: keys.last().filter(|_| has_more).map(|last| address(Some(format!("before={last}")))),
    };
    page.show(shown).await
}

/// Feeds go to programs that keep no secrets: they tell what everybody may know.
async fn show_feed(page: PageRequest) -> HubResult<HttpResponse> {
    let (pool, sees) = (&page.app.pool, (false, Vec::new()));
    let keys = lists::list_keys(pool, &sees, i64::MAX, FEED_LEN).await?;
    let rows = lists::list_by_keys(pool, &sees, &keys).await?;
    let entry = |row: &RecallRow| {
        let category = Category::parse(&row.category).unwrap_or(Category::Other);
        let said = if row.withdrawn_at.is_some() { "Withdrawn: " } else { "" };
        FeedEntry {
            title: format!("{said}{} ({})", row.title, category.label()),
            href: page.base.join(&path_of(row.recall_pk)),
            tag: if row.withdrawn_at.is_some() { "withdrawn".to_owned() } else { String::new() },
            author: row.repo.as_deref().and_then(|id| id.split('/').next()).unwrap_or("moderators").to_owned(),
            at: row.withdrawn_at.unwrap_or(row.created_at),
        }
    };
    let feed = Feed {
        title: "Recalled files of this hub".to_owned(),
        href: page.base.join(FEED),
        page: page.base.join(PATH),
        entries: rows.iter().map(entry).collect(),
    };
    Ok(feed.respond())
}

impl ListPage {
    /// What stands where there is nothing.
    fn empty(&self) -> Option<&'static str> {
        match (self.items.is_empty(), self.is_narrowed, self.hash.has_error()) {
            (true, _, true) | (false, _, _) => None,
            (true, true, false) => Some("No recall that you may know of is of this file."),
            (true, false, false) => Some("Nothing was recalled."),
        }
    }
}
