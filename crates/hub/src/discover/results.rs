//! `/search`: everything that fits a question, by kind.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_search::Snippets;

use super::names::Owner;
use super::quick::{Found, FoundRepos, Kind, Question, Wanted, find};
use crate::accounts::Viewer;
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::pages::lists;
use crate::repos::pages::view::RepoSummary;
use crate::tasks::TaskName;
use crate::web::filters;
use crate::web::layout::Layout;

/// How many of each kind are shown among all.
const FEW: usize = 5;
/// How many are on a page of one kind.
const PAGE_LEN: usize = 30;
/// The last page; a list with filters reaches further.
const MAX_PAGE: usize = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "discover/results.html")]
struct ResultsPage {
    layout: Layout,
    question: String,
    only: Option<&'static str>,
    tabs: Vec<Tab>,
    notes: Vec<&'static str>,
    groups: Vec<Group>,
    previous: Option<String>,
    next: Option<String>,
}

/// A kind to look at alone.
#[derive(Debug)]
struct Tab {
    label: &'static str,
    icon: &'static str,
    count: u64,
    href: String,
    current: bool,
}

/// What was found of one kind.
#[derive(Debug)]
struct Group {
    kind: &'static str,
    title: &'static str,
    icon: &'static str,
    /// Where there are more of them.
    more: Option<String>,
    total: u64,
    things: Things,
}

#[derive(Debug)]
enum Things {
    Repos(Vec<RepoSummary>),
    Owners(Vec<Owner>),
    Tasks(Vec<TaskName>),
}

impl Things {
    fn is_empty(&self) -> bool {
        match self {
            Self::Repos(list) => list.is_empty(),
            Self::Owners(list) => list.is_empty(),
            Self::Tasks(list) => list.is_empty(),
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/search", crate::web::read().to(show_results));
}

async fn show_results(page: PageRequest) -> HubResult<HttpResponse> {
    let query = page.query();
    let question = Question::read(query.get("q").unwrap_or_default());
    let only = Kind::parse(query.get("type").unwrap_or_default())?;
    let number = query.get("p").and_then(|text| text.parse().ok()).unwrap_or(0).min(MAX_PAGE);
    let number = if only.is_some() { number } else { 0 };
    // Tabs have counts, so every kind is asked for; those that are not shown give nothing but their number.
    let limit = if only.is_some() { PAGE_LEN } else { FEW };
    let asked = |only, limit, offset| Wanted { only, offset, limit, snippets: Snippets::Card };
    let mut found = find(&page.app, &page.viewer, &question, asked(None, FEW, 0)).await?;
    let tabs = tabs(&found, &question, only);
    if only.is_some() {
        found = find(&page.app, &page.viewer, &question, asked(only, limit, number * PAGE_LEN)).await?;
    }
    let reached = ((number + 1) * PAGE_LEN) as u64;
    let more = only.is_some_and(|kind| kind != Kind::Tasks && found.total(kind) > reached) && number < MAX_PAGE;
    let notes = notes(&question, &found);
    let groups = groups(&page.viewer, found, &question, only);
    let title = if question.text.is_empty() { "Search".to_owned() } else { format!("Search for {}", question.text) };
    let at = |number: usize| address(&question.text, only, number);
    page.show(ResultsPage {
        layout: page.layout(title),
        only: only.map(Kind::word),
        tabs,
        notes,
        groups,
        previous: number.checked_sub(1).map(at),
        next: more.then(|| at(number + 1)),
        question: question.text,
    })
    .await
}

fn tabs(found: &Found, question: &Question, only: Option<Kind>) -> Vec<Tab> {
    let total = Kind::EVERY.iter().map(|kind| found.total(*kind)).sum();
    let all = Tab { label: "All", icon: "search", count: total, href: address(&question.text, None, 0), current: only.is_none() };
    let each = Kind::EVERY.into_iter().map(|kind| Tab {
        label: kind.title(),
        icon: kind.icon(),
        count: found.total(kind),
        href: address(&question.text, Some(kind), 0),
        current: only == Some(kind),
    });
    std::iter::once(all).chain(each).collect()
}

fn notes(question: &Question, found: &Found) -> Vec<&'static str> {
    let reading = |says: fn(&FoundRepos) -> bool| found.repos.iter().any(|(_, found)| found.total > 0 && says(found));
    let mut notes = Vec::new();
    if question.truncated {
        notes.push("That is a long text: only its beginning was searched for.");
    }
    if reading(|found| found.reading.any_word) {
        notes.push("Not everything has all of these words: some have at least one of them.");
    }
    if reading(|found| found.reading.similar) {
        notes.push("Similar words were searched for, too.");
    }
    notes
}

fn groups(viewer: &Viewer, found: Found, question: &Question, only: Option<Kind>) -> Vec<Group> {
    let totals: Vec<(Kind, u64)> = Kind::EVERY.into_iter().map(|kind| (kind, found.total(kind))).collect();
    let mut things = Vec::new();
    for (kind, repos) in found.repos {
        things.push((Kind::Repos(kind), Things::Repos(lists::found(viewer, repos.list, &repos.results))));
    }
    things.push((Kind::Organizations, Things::Owners(found.organizations.list)));
    things.push((Kind::Users, Things::Owners(found.users.list)));
    let tasks = if only.is_some() { found.tasks } else { found.tasks.into_iter().take(FEW).collect() };
    things.push((Kind::Tasks, Things::Tasks(tasks)));
    let shown = things.into_iter().filter(|(_, things)| !things.is_empty()).map(|(kind, things)| {
        let total = totals.iter().find(|(other, _)| *other == kind).map_or(0, |(_, total)| *total);
        let more = only.is_none() && total > FEW as u64;
        Group {
            kind: kind.word(),
            title: kind.title(),
            icon: kind.icon(),
            more: more.then(|| address(&question.text, Some(kind), 0)),
            total,
            things,
        }
    });
    shown.collect()
}

fn address(text: &str, only: Option<Kind>, number: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", text);
    if let Some(kind) = only {
        query.append_pair("type", kind.word());
    }
    if number > 0 {
        query.append_pair("p", &number.to_string());
    }
    format!("/search?{}", query.finish())
}
