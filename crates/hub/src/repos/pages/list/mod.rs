//! `/models`, `/datasets`, `/spaces`: a list narrowed by words and facets, out of the search index. What is shown of each
//! repository is read from the database, under the viewer's rights. While there is no index yet, and for buckets, the list
//! comes from the database alone ([`database`]), and has fewer ways to narrow it.

mod asked;
mod atom;
mod counts;
mod database;
mod dates;
mod facets;
mod groups;
mod params;
mod values;
mod why;

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::known;
use hub_search::{Clause, Facet, Rule, SearchQuery, SearchResults, Snippets};
use hub_types::RepoType;

pub use self::asked::ListFilter;
use self::counts::CountWhy;
use self::dates::DateGroup;
use self::facets::{ActiveFilter, FacetGroup};
use self::params::{MAX_PAGE, ORDERS, Params};
use self::why::Why;
use super::lists;
use super::view::{RepoSummary, kind_plural_word};
use crate::accounts::page::PageRequest;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::listing;
use crate::search;
use crate::web::extract::Query;
use crate::web::filters;
use crate::web::form::Choice;
use crate::web::layout::{Layout, kind_icon, kind_title, new_path};

/// How many repositories a page shows.
const PAGE_LEN: usize = 30;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/list.html")]
struct ListPage {
    layout: Layout,
    kind: RepoType,
    icon: &'static str,
    title: &'static str,
    new_path: &'static str,
    new_label: &'static str,
    /// The page that explains the task chosen, or all tasks.
    tasks_link: Option<TasksLink>,
    /// How many repositories there are in all, if that is known.
    total: Option<u64>,
    /// The facets on the left.
    groups: Vec<FacetGroup>,
    /// The choices of the least and the most parameters; none where there are no parameters.
    parameters: Vec<facets::Bound>,
    /// The choices of when repositories changed and were made.
    dates: Vec<DateGroup>,
    /// This list as a feed; none while there is no index.
    feeds: Option<Feeds>,
    /// The orders.
    orders: Vec<Choice>,
    /// The choices made.
    active: Vec<ActiveFilter>,
    /// The list without any of them.
    clear: String,
    /// Where this list is saved to come back to, for those who are logged in.
    save: Option<String>,
    search: String,
    /// The owner, whom no field of the form chooses.
    author: Option<String>,
    /// What the reader should know about how the question was understood.
    notes: Vec<String>,
    /// Other words that would find something, and the list for them.
    suggestion: Option<ActiveFilter>,
    /// What to say on a page after the last one.
    past_end: Option<PastEnd>,
    repos: Vec<RepoSummary>,
    /// Why one of them is where it is, when that was asked.
    why: Option<Why>,
    /// How the numbers of a facet come about, when that was asked.
    count_why: Option<CountWhy>,
    previous: Option<String>,
    next: Option<String>,
}

impl ListPage {
    /// Whether a new one can be made.
    fn offers_new(&self) -> bool {
        self.layout.offers_new(self.kind)
    }

    /// The word for what is listed, in running text.
    fn plural(&self) -> &'static str {
        kind_plural_word(self.kind)
    }
}

/// The addresses of a list as a feed.
#[derive(Debug)]
struct Feeds {
    atom: String,
    json: String,
}

/// A page after the last one of a list.
#[derive(Debug)]
struct PastEnd {
    /// How many pages there are.
    title: String,
    /// The text of the link to one that has something.
    label: &'static str,
    /// That page, with all filters.
    href: String,
}

/// A link to what is told of tasks.
#[derive(Debug)]
struct TasksLink {
    label: &'static str,
    href: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(atom::routes)
        .configure(values::routes)
        .route("/{repo_type:models|datasets|spaces|buckets}", crate::web::read().to(list_repos));
}

async fn list_repos(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let kind = RepoType::from_plural(&path).ok_or_else(|| HubError::not_found("There is nothing at this address."))?;
    // The Hub has another key for the tasks of datasets.
    let query = page.query().renamed("task_categories", "pipeline_tag");
    let params = Params::read(kind, &query);
    let shown = match kind.has_git() && page.app.search.is_ready() {
        true => match from_index(&page, &query, &params).await {
            // A Meilisearch may be away for a time.
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                tracing::warn!(?error, "a list is read from the database, because the search does not answer");
                database::list_page(&page, &query, &params, database::AWAY).await?
            }
            shown => shown?,
        },
        false => database::list_page(&page, &query, &params, database::BEING_BUILT).await?,
    };
    page.show(shown).await
}

/// The question for the index: all that is asked for, without any page or count of it.
fn question(page: &PageRequest, params: &Params) -> SearchQuery {
    SearchQuery {
        text: params.search.clone(),
        clauses: params.clauses().into_iter().chain(params.left_out(&page.viewer)).collect(),
        ranges: params.ranges(),
        visible: search::visible_to(&page.viewer),
        sort: params.sort,
        limit: 0,
        ..SearchQuery::new(params.kind)
    }
}

/// How many more there are that are not for all audiences: what choosing them would give.
async fn count_labelled(page: &PageRequest, params: &Params, left_out: &Clause) -> HubResult<u64> {
    let only = Clause { rule: Rule::AnyOf, ..left_out.clone() };
    // Words are looked for a second time only where there is anything of the kind.
    let any = SearchQuery { visible: search::visible_to(&page.viewer), limit: 0, ..SearchQuery::new(params.kind) };
    if page.app.search.search(SearchQuery { clauses: vec![only.clone()], ..any }).await?.total == 0 {
        return Ok(0);
    }
    let others = params.clauses().into_iter().filter(|clause| clause.facet != only.facet);
    let asked = SearchQuery { clauses: others.chain([only.clone()]).collect(), ..question(page, params) };
    Ok(page.app.search.search(asked).await?.total)
}

/// What the index finds.
async fn found_in_index(page: &PageRequest, params: &Params) -> HubResult<SearchResults> {
    let asked = SearchQuery {
        offset: params.page * PAGE_LEN,
        limit: PAGE_LEN,
        facets: facets::requests(params),
        snippets: Snippets::Card,
        ..question(page, params)
    };
    page.app.search.search(asked).await
}

/// What lists show of what was found, in that order. What the index does not know yet to be gone is left out.
async fn summaries(page: &PageRequest, found: &SearchResults) -> HubResult<Vec<RepoSummary>> {
    let keys: Vec<i64> = found.hits.iter().map(|hit| hit.pk).collect();
    let rows = listing::by_keys(&page.app, &page.viewer, &keys, listing::Columns::default()).await?;
    Ok(lists::found(&page.viewer, rows, found))
}

async fn from_index(page: &PageRequest, query: &Query, params: &Params) -> HubResult<ListPage> {
    let found = found_in_index(page, params).await?;
    let mut repos = summaries(page, &found).await?;
    for repo in &mut repos {
        let id = format!("{}/{}", repo.namespace, repo.name);
        repo.why_href = Some(format!("{}#why", facets::address(params.kind, query, &["why", "count"], Some(("why", &id)))));
    }
    let at_page = |number: usize| {
        let text = number.to_string();
        facets::address(params.kind, query, &["p"], (number > 0).then_some(("p", text.as_str())))
    };
    let reached = u64::try_from((params.page + 1) * PAGE_LEN).unwrap_or(u64::MAX);
    let more = found.total > reached && params.page < MAX_PAGE;
    let mut shown = empty_page(page, query, params);
    if let Some(id) = query.get("why") {
        let close = facets::address(params.kind, query, &["why"], None);
        shown.why = why::why(page, params, &found.hits, id, found.total, close).await?;
    }
    if let Some(group) = query.get("count").and_then(|key| groups::find(params.kind, key)) {
        let close = facets::address(params.kind, query, &["count"], None);
        shown.count_why = Some(counts::why(page, params, group, close).await?);
    }
    shown.notes = notes(params, &found);
    let last = last_page(found.total);
    shown.past_end = (found.total > 0 && params.page > last).then(|| PastEnd {
        title: if last == 0 { "This list has one page".to_owned() } else { format!("This list has {} pages", last + 1) },
        label: "Go to the last page",
        href: at_page(last),
    });
    shown.suggestion = found.suggestion.as_ref().map(|words| ActiveFilter {
        href: facets::address(params.kind, query, &["p", "search"], Some(("search", words))),
        label: words.clone(),
    });
    shown.total = Some(found.total);
    shown.feeds = Some(feeds(query, params));
    shown.groups = facets::groups_of(params, query, found.facets);
    if let Some(clause) = params.left_out(&page.viewer) {
        facets::offer(&mut shown.groups, params, query, count_labelled(page, params, &clause).await?);
    }
    shown.previous = params.page.checked_sub(1).map(at_page);
    shown.next = more.then(|| at_page(params.page + 1));
    shown.repos = repos;
    Ok(shown)
}

/// The last page of so many repositories, from 0.
fn last_page(total: u64) -> usize {
    usize::try_from(total).unwrap_or(usize::MAX).div_ceil(PAGE_LEN).saturating_sub(1).min(MAX_PAGE)
}

fn notes(params: &Params, found: &SearchResults) -> Vec<String> {
    let plural = params.kind.plural();
    let mut notes = Vec::new();
    if found.text.truncated {
        notes.push("That is a long text: only its beginning was searched for.".to_owned());
    }
    if found.text.any_word && found.total > 0 {
        notes.push(format!("No {plural} have all of these words. These have at least one of them."));
    }
    if found.text.similar && found.total > 0 {
        notes.push("Similar words were searched for, too.".to_owned());
    }
    for (facet, value) in found.unknown.iter().take(3) {
        let group = groups::groups(params.kind).iter().find(|group| group.facet == *facet);
        let label = group.map_or_else(|| "owner".to_owned(), |group| group.label.to_lowercase());
        notes.push(format!("No {plural} have “{value}” as {label}."));
    }
    let from_files = |facet| matches!(facet, Facet::Task | Facet::Library | Facet::BaseModel);
    if params.kind == RepoType::Model && params.chosen.iter().any(|(group, _)| from_files(group.facet)) {
        notes.push("Where a card does not name its task, library or base model, what its files say counts.".to_owned());
    }
    if params.kind == RepoType::Dataset && params.chosen.iter().any(|(group, _)| group.facet == Facet::SizeCategory) {
        notes.push("Where a card does not say how many rows there are, the sum of its splits counts.".to_owned());
    }
    if let Some((least, most)) = params.contradiction() {
        let (least, most) = (filters::short_count(least), filters::short_count(most));
        notes.push(format!("Nothing has at least {least} and at most {most} parameters: the least is more than the most."));
    }
    if params.page == MAX_PAGE && last_page(found.total) == MAX_PAGE {
        notes.push("Lists end here. Narrow this one to see what comes after.".to_owned());
    }
    notes
}

/// The page before anything was found.
fn empty_page(page: &PageRequest, query: &Query, params: &Params) -> ListPage {
    let kind = params.kind;
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
        tasks_link: tasks_link(params),
        total: None,
        groups: Vec::new(),
        parameters: facets::parameter_bounds(params),
        dates: dates::date_groups(params),
        feeds: None,
        orders: orders(params),
        active: facets::active(params, query),
        clear: format!("/{}", kind.plural()),
        save: save_href(page, query, params),
        search: params.search.clone(),
        author: params.author.clone(),
        notes: Vec::new(),
        suggestion: None,
        past_end: None,
        repos: Vec::new(),
        why: None,
        count_why: None,
        previous: None,
        next: None,
    }
}

/// A list of everything needs no name to be found again.
fn save_href(page: &PageRequest, query: &Query, params: &Params) -> Option<String> {
    let filter = ListFilter::of(params.kind, query);
    let offered = page.viewer.user.is_some() && params.kind.has_git() && filter.is_narrowed();
    offered.then(|| {
        let kept = filter.canonical();
        let fields = [("list", params.kind.plural()), ("query", kept.as_str())];
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        format!("/settings/saved-searches/new?{query}")
    })
}

/// The list as a feed, with what narrows it.
fn feeds(query: &Query, params: &Params) -> Feeds {
    let kept = ListFilter::of(params.kind, query).canonical();
    let asked = if kept.is_empty() { kept } else { format!("?{kept}") };
    let address = |ending: &str| format!("/{}.{ending}{asked}", params.kind.plural());
    Feeds { atom: address("atom"), json: address("json") }
}

/// Where people read what a task is, for lists that are narrowed by task.
fn tasks_link(params: &Params) -> Option<TasksLink> {
    if !matches!(params.kind, RepoType::Model | RepoType::Dataset) {
        return None;
    }
    let tasks = params.chosen.iter().find(|(group, _)| group.facet == hub_search::Facet::Task);
    let chosen = tasks.and_then(|(_, values)| values.first()).and_then(|id| known::find_any_task(id));
    Some(match chosen {
        Some(task) => TasksLink { label: "About this task", href: format!("/tasks/{}", task.id) },
        None => TasksLink { label: "Browse by task", href: "/tasks".to_owned() },
    })
}

fn orders(params: &Params) -> Vec<Choice> {
    let fits = |name: &str| match name {
        "relevance" => !params.search.is_empty(),
        "num_parameters" => params.kind == RepoType::Model,
        "downloads" | "likes" | "trending" => params.kind.has_git(),
        _ => true,
    };
    // The default goes without a name, so that words typed later are answered in the order that fits words.
    let value = |name: &'static str, sort| if sort == params.default_sort { "" } else { name };
    let current = ORDERS.iter().find(|(_, _, sort)| *sort == params.sort).map_or("", |(name, _, sort)| value(name, *sort));
    let orders = ORDERS.iter().filter(|(name, _, _)| fits(name));
    orders.map(|(name, label, sort)| Choice::new(value(name, *sort), *label, current)).collect()
}
