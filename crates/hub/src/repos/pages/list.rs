//! `/models`, `/datasets`, `/spaces` and `/buckets`.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::known;
use hub_types::RepoType;

use super::tags;
use super::view::{RepoSummary, kind_plural_word};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::listing::{Cursor, ListQuery, RepoPage, Sort, list};
use crate::repos::visibility::visible_to;
use crate::web::extract::Query;
use crate::web::filters;
use crate::web::form::Choice;
use crate::web::layout::{Layout, kind_icon, kind_title, new_path};

/// How many repositories a page shows.
const PAGE_LEN: usize = 30;
/// The order when none is asked for.
const DEFAULT_SORT: Sort = Sort::LastModified;
/// The orders to choose from, as addresses and people call them; buckets are not downloaded as a whole, and have the first two.
const ORDERS: &[(&str, &str)] = &[
    ("modified", "Recently updated"),
    ("created", "Recently created"),
    ("trending", "Trending"),
    ("downloads", "Most downloads"),
];

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/list.html")]
pub(super) struct ListPage {
    /// The frame.
    pub layout: Layout,
    /// What is listed.
    pub kind: RepoType,
    /// Its icon.
    pub icon: &'static str,
    /// The heading.
    pub title: &'static str,
    /// The page that makes one.
    pub new_path: &'static str,
    /// The button that leads there.
    pub new_label: &'static str,
    /// The page that explains the task chosen, or all tasks.
    pub tasks_link: Option<TasksLink>,
    /// The choices on the left.
    pub filters: Vec<Filter>,
    /// The choices made.
    pub active: Vec<ActiveFilter>,
    /// The words searched for.
    pub search: String,
    /// The repositories of this page.
    pub repos: Vec<RepoSummary>,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

/// A link to what is told of tasks.
#[derive(Debug)]
pub(super) struct TasksLink {
    /// Its text.
    pub label: &'static str,
    /// Where it leads.
    pub href: String,
}

/// A choice to narrow the list.
#[derive(Debug)]
pub(super) struct Filter {
    /// Its key in the address.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// The values.
    pub options: Vec<Choice>,
}

/// A choice made, and the address without it.
#[derive(Debug)]
pub(super) struct ActiveFilter {
    /// Its text.
    pub label: String,
    /// The list without it.
    pub href: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/{repo_type:models|datasets|spaces|buckets}", crate::web::read().to(list_repos));
}

async fn list_repos(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let kind = RepoType::from_plural(&path).ok_or_else(|| HubError::not_found("There is nothing at this address."))?;
    let query = page.query();
    let value = |key: &str| query.get(key).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let sort = query.get("sort").and_then(Sort::parse).unwrap_or(DEFAULT_SORT);
    let mut wanted = ListQuery {
        author: value("author"),
        search: value("search").map(|text| text.split_whitespace().map(str::to_owned).collect()).unwrap_or_default(),
        tags: tag_filters(kind, &query),
        pipeline_tag: value("pipeline_tag"),
        library: value("library"),
        sort,
        // A cursor of another order, after the order was changed, starts from the top.
        after: query.get("cursor").and_then(|text| Cursor::decode(text, sort).ok()),
        limit: PAGE_LEN,
        ..ListQuery::default()
    };
    if kind == RepoType::Dataset {
        wanted.tags.extend(wanted.pipeline_tag.take().map(|task| format!("task_categories:{task}")));
    }
    let found = list(&page.app, kind, &visible_to(&page.viewer), &wanted).await?;
    let shown = list_page(&page, kind, &query, found);
    page.show(shown).await
}

/// The filters that are tags of a repository.
fn tag_filters(kind: RepoType, query: &Query) -> Vec<String> {
    let language_prefix = match kind {
        RepoType::Dataset => "language:",
        RepoType::Model | RepoType::Space | RepoType::Bucket => "",
    };
    let keys = [("sdk", ""), ("license", "license:"), ("language", language_prefix), ("other", "")];
    let mut tags = Vec::new();
    for (key, prefix) in keys {
        let values = query.all(key).map(str::trim).filter(|value| !value.is_empty());
        tags.extend(values.take(10).map(|value| format!("{prefix}{value}")));
    }
    tags
}

fn list_page(page: &PageRequest, kind: RepoType, query: &Query, found: RepoPage) -> ListPage {
    let next = found.next.map(|cursor| address(kind, query, &["cursor"], Some(("cursor", &cursor.encode()))));
    let mut layout = page.layout_in(kind, kind_title(kind));
    layout.description = format!("Browse the {} of this hub.", kind_plural_word(kind));
    ListPage {
        layout,
        kind,
        icon: kind_icon(kind),
        title: kind_title(kind),
        new_path: new_path(kind),
        new_label: match kind {
            RepoType::Model => "New model",
            RepoType::Dataset => "New dataset",
            RepoType::Space => "New Space",
            RepoType::Bucket => "New bucket",
        },
        tasks_link: tasks_link(kind, query),
        filters: filters_of(kind, query),
        active: active_filters(kind, query),
        search: query.get("search").unwrap_or_default().to_owned(),
        repos: found.repos.into_iter().map(RepoSummary::from).collect(),
        previous: query.get("cursor").map(|_| address(kind, query, &["cursor"], None)),
        next,
    }
}

/// Where people read what a task is, for lists that are narrowed by task.
fn tasks_link(kind: RepoType, query: &Query) -> Option<TasksLink> {
    if !matches!(kind, RepoType::Model | RepoType::Dataset) {
        return None;
    }
    let chosen = query.get("pipeline_tag").and_then(known::find_task);
    Some(match chosen {
        Some(task) => TasksLink { label: "About this task", href: format!("/tasks/{}", task.id) },
        None => TasksLink { label: "Browse by task", href: "/tasks".to_owned() },
    })
}

/// The list's address with some keys left out and one added.
fn address(kind: RepoType, query: &Query, without: &[&str], with: Option<(&str, &str)>) -> String {
    let kept = query.pairs().iter().filter(|(key, value)| !value.is_empty() && !without.contains(&key.as_str()));
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(kept.map(|(key, value)| (key.as_str(), value.as_str())));
    text.extend_pairs(with);
    match text.finish() {
        query if query.is_empty() => format!("/{}", kind.plural()),
        query => format!("/{}?{query}", kind.plural()),
    }
}

fn filters_of(kind: RepoType, query: &Query) -> Vec<Filter> {
    let tasks = || known::TASKS.iter().map(|task| (task.id.to_owned(), task.label.to_owned())).collect();
    let pairs = |list: &[(&str, &str)]| list.iter().map(|(id, label)| ((*id).to_owned(), (*label).to_owned())).collect();
    let words = |list: &[&str]| list.iter().map(|id| ((*id).to_owned(), (*id).to_owned())).collect();
    let filter = |name: &'static str, label: &'static str, any: &str, options: Vec<(String, String)>| {
        let current = query.get(name).unwrap_or_default();
        let mut options: Vec<Choice> = options.into_iter().map(|(id, label)| Choice::new(id, label, current)).collect();
        if !current.is_empty() && !options.iter().any(|option| option.selected) {
            options.insert(0, Choice::new(current, current, current));
        }
        options.insert(0, Choice::new("", any, current));
        Filter { name, label, options }
    };
    let mut filters = match kind {
        RepoType::Model => vec![
            filter("pipeline_tag", "Task", "Any task", tasks()),
            filter("library", "Library", "Any library", pairs(known::LIBRARIES)),
        ],
        RepoType::Dataset => vec![filter("pipeline_tag", "Task", "Any task", tasks())],
        RepoType::Space => vec![filter("sdk", "SDK", "Any SDK", words(known::SDKS))],
        RepoType::Bucket => Vec::new(),
    };
    if kind.has_git() {
        filters.push(filter("license", "Licence", "Any licence", words(known::LICENSES)));
    }
    if matches!(kind, RepoType::Model | RepoType::Dataset) {
        filters.push(filter("language", "Language", "Any language", pairs(tags::LANGUAGES)));
    }
    let sort = query.get("sort").unwrap_or("modified");
    let orders = if kind.has_git() { ORDERS } else { ORDERS.get(..2).unwrap_or(ORDERS) };
    let orders = orders.iter().map(|(word, label)| Choice::new(*word, *label, sort)).collect();
    filters.push(Filter { name: "sort", label: "Sort", options: orders });
    filters
}

/// The choices made, in words, each with the list without it.
fn active_filters(kind: RepoType, query: &Query) -> Vec<ActiveFilter> {
    let mut active = Vec::new();
    for (key, value) in query.pairs() {
        let label = match key.as_str() {
            _ if value.is_empty() => continue,
            "pipeline_tag" => tags::task_label(value),
            "library" => tags::library_label(value),
            "language" => tags::language_label(value),
            "license" => format!("Licence: {value}"),
            "author" => format!("By {value}"),
            "sdk" | "other" => value.clone(),
            _ => continue,
        };
        active.push(ActiveFilter { label, href: address(kind, query, &["cursor", key], None) });
    }
    active
}
