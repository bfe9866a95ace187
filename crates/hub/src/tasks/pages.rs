//! `/tasks` and `/tasks/{task}`.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::known;
use hub_types::RepoType;

use super::catalogue::{Better, Catalogue, GROUPS, Group, Metric, Task};
use super::demo::{Panel, Scene};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::by_results::{Best, COMPARED, Measure, best};
use crate::repos::by_task::{TaskCounts, counts};
use crate::repos::pages::lists;
use crate::repos::pages::view::RepoSummary;
use crate::web::filters;
use crate::web::layout::Layout;

/// How many models and datasets a task's page shows.
const SHOWN: usize = 5;
/// How many tasks are suggested for a name that is none.
const SUGGESTED: usize = 6;
/// What stands in a snippet when there is no repository that it runs with.
const PLACEHOLDER: &str = "owner/name";

/// The index.
#[derive(Debug, Template)]
#[template(path = "tasks/index.html")]
struct TasksPage {
    layout: Layout,
    groups: Vec<(Group, Vec<TaskCard>)>,
}

/// A task in a list.
#[derive(Debug)]
struct TaskCard {
    task: &'static Task,
    models: u64,
    datasets: u64,
}

impl TaskCard {
    fn new(task: &'static Task, counts: &TaskCounts) -> Self {
        Self { task, models: counts.of(RepoType::Model, task.id), datasets: counts.of(RepoType::Dataset, task.id) }
    }

    /// How much there is of it here.
    fn counts(&self) -> String {
        let say = |number: u64, word: &str| match number {
            0 => None,
            1 => Some(format!("1 {word}")),
            _ => Some(format!("{} {word}s", filters::short_count(number))),
        };
        let said: Vec<String> = [say(self.models, "model"), say(self.datasets, "dataset")].into_iter().flatten().collect();
        said.join(" · ")
    }
}

/// One task.
#[derive(Debug, Template)]
#[template(path = "tasks/task.html")]
struct TaskPage {
    layout: Layout,
    task: &'static Task,
    hub_url: String,
    shelves: Vec<Shelf>,
    /// The models that did best, if any card tells results.
    best: Option<BestShelf>,
    snippets: Vec<RunSnippet>,
    metrics: Vec<&'static Metric>,
    related: Vec<TaskCard>,
}

/// Repositories of a task.
#[derive(Debug)]
struct Shelf {
    kind: RepoType,
    icon: &'static str,
    title: &'static str,
    href: String,
    more: String,
    empty: &'static str,
    repos: Vec<RepoSummary>,
}

/// The models that did best by their cards.
#[derive(Debug)]
struct BestShelf {
    best: Arc<Best>,
    /// The list of all that were measured on the same data.
    href: String,
    /// How many models are compared at most.
    compared: usize,
}

impl BestShelf {
    fn new(task: &Task, best: Arc<Best>) -> Self {
        let fields = [(task.keys().0, task.id), ("evaluated", best.dataset.as_str())];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { href: format!("/models?{query}"), compared: COMPARED, best }
    }
}

/// A snippet with names filled in.
#[derive(Debug)]
struct RunSnippet {
    label: String,
    code: String,
}

/// A name that is no task.
#[derive(Debug, Template)]
#[template(path = "tasks/unknown.html")]
struct UnknownTaskPage {
    layout: Layout,
    name: String,
    suggested: Vec<TaskCard>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/tasks", crate::web::read().to(list_tasks)).route("/tasks/{task}", crate::web::read().to(show_task));
}

async fn list_tasks(page: PageRequest) -> HubResult<HttpResponse> {
    let catalogue = Catalogue::get().await?;
    let counts = counts(&page.app).await?;
    let cards = |group: Group| catalogue.in_group(group).map(|task| TaskCard::new(task, &counts)).collect();
    let groups = GROUPS.iter().map(|group| (*group, cards(*group))).collect();
    let mut layout = page.layout("Tasks");
    layout.description = "What models do, task by task: examples, metrics, code, and the models and datasets here.".to_owned();
    page.show(TasksPage { layout, groups }).await
}

async fn show_task(page: PageRequest, name: web::Path<String>) -> HubResult<HttpResponse> {
    let catalogue = Catalogue::get().await?;
    let counts = counts(&page.app).await?;
    let Some(task) = catalogue.find(&name) else {
        return match known::find_legacy_task(&name) {
            Some(task) => Ok(page.redirect(&format!("/tasks/{task}"))),
            None => show_unknown(&page, catalogue, &counts, &name).await,
        };
    };
    let models = lists::trending(&page.app, &page.viewer, RepoType::Model, task.id, SHOWN).await?;
    let datasets = lists::trending(&page.app, &page.viewer, RepoType::Dataset, task.id, SHOWN).await?;
    let metrics = catalogue.metrics_of(task);
    let measures: Vec<Measure> = metrics.iter().map(|metric| measure_of(metric)).collect();
    let best = best(&page.app, task.id, &measures).await?.map(|best| BestShelf::new(task, best));
    let mut layout = page.layout(task.label);
    layout.description.clone_from(&task.summary);
    let snippets = snippets(task, &models, &datasets);
    let mut shelves = vec![shelf(RepoType::Model, task, &counts, models), shelf(RepoType::Dataset, task, &counts, datasets)];
    if !page.app.search.is_ready() {
        shelves.iter_mut().for_each(|shelf| shelf.empty = "The search index is being built. Come back in a moment.");
    }
    let shown = TaskPage {
        layout,
        task,
        hub_url: page.base.as_str().to_owned(),
        snippets,
        shelves,
        best,
        metrics,
        related: catalogue.related(task).into_iter().map(|task| TaskCard::new(task, &counts)).collect(),
    };
    page.show(shown).await
}

fn measure_of(metric: &Metric) -> Measure {
    Measure {
        label: metric.name.clone(),
        card_names: metric.card_names.iter().cloned().chain([metric.id.clone()]).collect(),
        higher_is_better: metric.better == Better::Higher,
        share: metric.share,
    }
}

async fn show_unknown(
    page: &PageRequest,
    catalogue: &'static Catalogue,
    counts: &TaskCounts,
    name: &str,
) -> HubResult<HttpResponse> {
    let suggested = suggestions(catalogue, name).into_iter().map(|task| TaskCard::new(task, counts)).collect();
    let shown = UnknownTaskPage { layout: page.layout("No such task"), name: name.chars().take(80).collect(), suggested };
    page.show_with(StatusCode::NOT_FOUND, shown).await
}

/// The tasks whose ids look most like a name, best first.
pub(super) fn suggestions(catalogue: &'static Catalogue, name: &str) -> Vec<&'static Task> {
    let pairs = |text: &str| -> Vec<(char, char)> {
        let letters: Vec<char> = text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).take(80).collect();
        letters.iter().copied().zip(letters.iter().copied().skip(1)).collect()
    };
    let wanted = pairs(name);
    let mut scored: Vec<(usize, &Task)> = Vec::new();
    for task in catalogue.tasks() {
        let own = pairs(task.id);
        let shared = own.iter().filter(|pair| wanted.contains(pair)).count();
        let score = shared * 2000 / (own.len() + wanted.len()).max(1);
        if score >= 500 {
            scored.push((score, task));
        }
    }
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().take(SUGGESTED).map(|(_, task)| task).collect()
}

fn shelf(kind: RepoType, task: &Task, counts: &TaskCounts, repos: Vec<RepoSummary>) -> Shelf {
    let (icon, title) = (crate::web::layout::kind_icon(kind), crate::web::layout::kind_title(kind));
    let more = match counts.of(kind, task.id) {
        0 | 1 => "Browse all".to_owned(),
        number => format!("Browse all {}", filters::short_count(number)),
    };
    let empty = match kind {
        RepoType::Dataset => "No dataset for this task is here yet.",
        RepoType::Model | RepoType::Space | RepoType::Bucket => "No model for this task is here yet.",
    };
    let href = format!("/{}?{}={}&sort=trending", kind.plural(), task.keys().0, task.id);
    Shelf { kind, icon, title, href, more, empty, repos }
}

/// The task's snippets, with the most active repository of the right library for a name.
fn snippets(task: &Task, models: &[RepoSummary], datasets: &[RepoSummary]) -> Vec<RunSnippet> {
    let id = |repo: &RepoSummary| format!("{}/{}", repo.namespace, repo.name);
    let dataset = datasets.first().map_or_else(|| PLACEHOLDER.to_owned(), id);
    let fill = |snippet: &super::catalogue::Snippet| {
        let label = library_label(format_of(&snippet.library));
        let model = models.iter().find(|repo| repo.library.as_deref() == Some(label.as_str()));
        let model = model.map_or_else(|| PLACEHOLDER.to_owned(), id);
        let code = snippet.code.trim().replace("{model}", &model).replace("{dataset}", &dataset);
        RunSnippet { label: library_label(&snippet.library), code }
    };
    task.snippets.iter().map(fill).collect()
}

/// The library whose models a library runs: vLLM has none of its own.
fn format_of(library: &str) -> &str {
    if library == "vllm" { "transformers" } else { library }
}

/// The name of a library as people write it.
fn library_label(id: &str) -> String {
    match id {
        "datasets" => "Datasets".to_owned(),
        "torch_geometric" => "PyTorch Geometric".to_owned(),
        "chronos-forecasting" => "Chronos".to_owned(),
        _ => known::LIBRARIES
            .iter()
            .find(|(known, _)| *known == id)
            .map_or_else(|| id.to_owned(), |(_, label)| (*label).to_owned()),
    }
}
