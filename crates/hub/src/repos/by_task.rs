//! How many repositories each task has, and which are the most active: for pages and clients that look at all tasks at
//! once. Public repositories only, out of the search index, and remembered for a short while: an overview need not be
//! exact to the second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use hub_cards::known;
use hub_search::{Clause, Facet, FacetRequest, Narrow, Rule, SearchQuery};
use hub_types::RepoType;
use moka::future::Cache;

use super::audience;
use super::by_results::Best;
use super::listing::{self, Columns, ListedRepo};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::search::visible_to;

/// How long an overview is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// How many repositories of each task are picked.
const PICKED: usize = 3;
/// What has tasks.
const KINDS: [RepoType; 2] = [RepoType::Model, RepoType::Dataset];

/// What this process remembers; cheap to clone.
#[derive(Debug, Clone)]
pub struct ByTask {
    counts: Cache<(), Arc<TaskCounts>>,
    picks: Cache<(), Arc<TaskPicks>>,
    pub(super) best: Cache<&'static str, Option<Arc<Best>>>,
}

impl Default for ByTask {
    fn default() -> Self {
        Self {
            counts: Cache::builder().max_capacity(1).time_to_live(REMEMBERED_FOR).build(),
            picks: Cache::builder().max_capacity(1).time_to_live(REMEMBERED_FOR).build(),
            best: Cache::builder().max_capacity(known::TASKS.len() as u64).time_to_live(REMEMBERED_FOR).build(),
        }
    }
}

/// Numbers of public repositories by task.
#[derive(Debug, Default)]
pub struct TaskCounts(HashMap<(RepoType, String), u64>);

impl TaskCounts {
    /// How many repositories of a kind a task has.
    pub fn of(&self, kind: RepoType, task: &str) -> u64 {
        self.0.get(&(kind, task.to_owned())).copied().unwrap_or(0)
    }
}

/// The most active public repositories by kind and task.
#[derive(Debug, Default)]
pub struct TaskPicks(HashMap<(RepoType, &'static str), Vec<Pick>>);

impl TaskPicks {
    /// Those of a kind for a task, the most active first.
    pub fn of(&self, kind: RepoType, task: &'static str) -> &[Pick] {
        self.0.get(&(kind, task)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A repository that was picked.
#[derive(Debug, Clone)]
pub struct Pick {
    /// `namespace/name`.
    pub id: String,
    /// The library, by the name that cards use.
    pub library: Option<String>,
    /// Recent downloads.
    pub downloads: u64,
}

/// Counts the repositories of all tasks. Nothing is counted while there is no index.
///
/// # Errors
/// 503 when the index does not answer.
pub async fn counts(app: &App) -> HubResult<Arc<TaskCounts>> {
    if !app.search.is_ready() {
        return Ok(Arc::default());
    }
    let count = async {
        let tasks = || known::TASKS.iter().chain(known::FORMER_TASKS).map(|task| task.id.to_owned());
        let mut counts = HashMap::new();
        for kind in KINDS {
            let of = |facet, tasks: Vec<String>| FacetRequest {
                narrow: Narrow::Only(tasks),
                ..FacetRequest::top(facet, known::TASKS.len() + known::FORMER_TASKS.len())
            };
            let (tags, tasks): (Vec<String>, Vec<String>) = tasks().partition(|task: &String| is_tag(task));
            let facets = vec![of(Facet::Task, tasks), of(Facet::Tag, tags)];
            let clauses = audience::clause(&Viewer::ANONYMOUS).into_iter().collect();
            let found = app.search.search(SearchQuery { clauses, facets, limit: 0, ..SearchQuery::new(kind) }).await?;
            let values = found.facets.into_iter().flat_map(|facet| facet.values);
            counts.extend(values.map(|value| ((kind, value.value), value.count)));
        }
        Ok(Arc::new(TaskCounts(counts)))
    };
    // Whoever asks meanwhile waits for the same answer.
    app.by_task.counts.try_get_with((), count).await.map_err(unavailable)
}

/// Picks the most active repositories of all tasks, with one statement or none.
///
/// # Errors
/// 503 while there is no index, and when it or the database does not answer.
pub async fn picks(app: &App) -> HubResult<Arc<TaskPicks>> {
    app.by_task.picks.try_get_with((), pick(app)).await.map_err(unavailable)
}

async fn pick(app: &App) -> HubResult<Arc<TaskPicks>> {
    let asked = KINDS.iter().flat_map(|kind| known::TASKS.iter().map(|task| (*kind, task.id)));
    let found =
        try_join_all(asked.map(async |(kind, task)| {
            Ok::<_, HubError>(((kind, task), keys(app, &Viewer::ANONYMOUS, kind, task, PICKED).await?))
        }))
        .await?;
    let keys: Vec<i64> = found.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
    let rows = listing::by_keys(app, &Viewer::ANONYMOUS, &keys, Columns::default()).await?;
    let rows: HashMap<i64, Pick> = rows.into_iter().map(|row| (row.repo_pk, Pick::from(row))).collect();
    let picked = found.into_iter().map(|(of, keys)| (of, keys.iter().filter_map(|key| rows.get(key).cloned()).collect()));
    Ok(Arc::new(TaskPicks(picked.collect())))
}

pub(super) fn unavailable(error: Arc<HubError>) -> HubError {
    HubError::unavailable("The overview of tasks cannot be made right now. Try again in a moment.", error)
}

impl From<ListedRepo> for Pick {
    fn from(row: ListedRepo) -> Self {
        let downloads = u64::try_from(row.downloads).unwrap_or(0);
        Self { id: row.id(), library: row.library_name, downloads }
    }
}

/// Whether a task is known by a tag, beside the task that its models name.
pub fn is_tag(task: &str) -> bool {
    task == "conversational"
}

/// What narrows a search to a task.
pub(super) fn clause_of(task: &str) -> Clause {
    let facet = if is_tag(task) { Facet::Tag } else { Facet::Task };
    Clause { facet, rule: Rule::AnyOf, values: vec![task.to_owned()] }
}

/// The keys of the most active repositories of a kind for a task, as a viewer may find them.
///
/// # Errors
/// 503 while there is no index, and when it does not answer.
pub async fn keys(app: &App, viewer: &Viewer, kind: RepoType, task: &str, limit: usize) -> HubResult<Vec<i64>> {
    let clauses = std::iter::once(clause_of(task)).chain(audience::clause(viewer)).collect();
    let asked = SearchQuery { clauses, visible: visible_to(viewer), limit, ..SearchQuery::new(kind) };
    Ok(app.search.search(asked).await?.hits.into_iter().map(|hit| hit.pk).collect())
}
