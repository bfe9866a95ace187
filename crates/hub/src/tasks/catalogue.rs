//! The catalogue of tasks: read from the embedded files once, with their Markdown rendered.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hub_cards::{LinkContext, SafeHtml, known, render_markdown};
use hub_types::{RepoId, RepoType};
use serde::Deserialize;

use super::demo::Demo;
use super::files;
use crate::error::{HubError, HubResult};
use crate::repos::by_task;

/// A group of tasks, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    /// The word that `known::Task::group` has.
    pub id: &'static str,
    /// The heading.
    pub label: &'static str,
    /// What its tasks have in common.
    pub lead: &'static str,
}

const fn group(id: &'static str, label: &'static str, lead: &'static str) -> Group {
    Group { id, label, lead }
}

/// All groups.
pub(super) const GROUPS: &[Group] = &[
    group("multimodal", "Multimodal", "Several kinds of input read together."),
    group("cv", "Computer vision", "Seeing, drawing and changing images and video."),
    group("nlp", "Natural language processing", "Reading, searching and writing text."),
    group("audio", "Audio", "Hearing, speaking and making sound."),
    group("tabular", "Tabular", "Predictions from rows, columns and time."),
    group("rl", "Reinforcement learning", "Acting in worlds, simulated and real."),
    group("other", "Graphs and other", "Networks, and what fits nowhere else."),
];

/// A kind of value that a task takes or gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DataType {
    Text,
    Image,
    Audio,
    Video,
    Table,
    Number,
    Labels,
    Boxes,
    Mask,
    Vector,
    #[serde(rename = "3d")]
    ThreeD,
    Graph,
    List,
    Spans,
    Segments,
    Points,
    Series,
    State,
    Action,
    Noise,
    Document,
    Any,
}

impl DataType {
    /// Its name and its icon.
    const fn shown(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("Text", "file-text"),
            Self::Image => ("Image", "image"),
            Self::Audio => ("Audio", "audio-lines"),
            Self::Video => ("Video", "film"),
            Self::Table => ("Table", "table"),
            Self::Number => ("Number", "hash"),
            Self::Labels => ("Labels", "tags"),
            Self::Boxes => ("Boxes", "scan"),
            Self::Mask => ("Mask", "lasso-select"),
            Self::Vector => ("Vector", "binary"),
            Self::ThreeD => ("3D object", "rotate-3d"),
            Self::Graph => ("Graph", "waypoints"),
            Self::List => ("Ranked list", "list"),
            Self::Spans => ("Labelled words", "highlighter"),
            Self::Segments => ("Time segments", "activity"),
            Self::Points => ("Points", "circle-dot"),
            Self::Series => ("Time series", "chart-spline"),
            Self::State => ("State", "gamepad-2"),
            Self::Action => ("Action", "move"),
            Self::Noise => ("Noise", "dices"),
            Self::Document => ("Document", "file-text"),
            Self::Any => ("Anything", "infinity"),
        }
    }

    /// What people call it.
    pub(super) const fn label(self) -> &'static str {
        self.shown().0
    }

    /// Its icon.
    pub(super) const fn icon(self) -> &'static str {
        self.shown().1
    }
}

/// Something a task is used for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Use {
    /// A few words.
    pub name: String,
    /// A sentence.
    pub text: String,
}

/// A finer task within a task, as `task_ids` of datasets name it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subtask {
    /// The identifier.
    pub id: String,
    /// The words people read.
    pub name: String,
}

/// Code that runs a model of the task. `{model}` and `{dataset}` stand for a name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snippet {
    /// The library it needs.
    pub library: String,
    /// The code.
    pub code: String,
}

/// A file of `data/`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskFile {
    icon: String,
    summary: String,
    about: String,
    uses: Vec<Use>,
    inputs: Vec<DataType>,
    outputs: Vec<DataType>,
    libraries: Vec<String>,
    metrics: Vec<String>,
    related: Vec<String>,
    #[serde(default)]
    subtasks: Vec<Subtask>,
    demo: Demo,
    snippets: Vec<Snippet>,
}

/// An entry of `metrics.toml`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricFile {
    name: String,
    better: Better,
    #[serde(default)]
    card_names: Vec<String>,
    #[serde(default)]
    share: bool,
    formula: String,
    reading: String,
    pitfalls: String,
}

/// Which way a metric improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Better {
    Higher,
    Lower,
}

impl Better {
    /// In words.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Higher => "Higher is better",
            Self::Lower => "Lower is better",
        }
    }
}

/// A metric, explained.
#[derive(Debug)]
pub(super) struct Metric {
    /// The identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Which way it improves.
    pub better: Better,
    /// What cards call it besides its id.
    pub card_names: Vec<String>,
    /// Whether it is a share, which cards give from 0 to 1 or in percent.
    pub share: bool,
    /// How it is computed.
    pub formula: SafeHtml,
    /// How to read it.
    pub reading: SafeHtml,
    /// The same as it was written.
    pub reading_text: String,
    /// What goes wrong with it.
    pub pitfalls: SafeHtml,
}

impl Metric {
    /// The icon of the way it improves.
    pub(super) const fn icon(&self) -> &'static str {
        match self.better {
            Better::Higher => "trending-up",
            Better::Lower => "trending-down",
        }
    }
}

/// A task, explained.
#[derive(Debug)]
pub(super) struct Task {
    /// The identifier.
    pub id: &'static str,
    /// The words people read.
    pub label: &'static str,
    /// Its group.
    pub group: Group,
    /// Its icon in the sprite.
    pub icon: String,
    /// One sentence.
    pub summary: String,
    /// A few paragraphs.
    pub about: SafeHtml,
    /// What it is used for.
    pub uses: Vec<Use>,
    /// What it takes.
    pub inputs: Vec<DataType>,
    /// What it gives.
    pub outputs: Vec<DataType>,
    /// Libraries that run its models, by the names that cards use.
    pub libraries: Vec<String>,
    /// How results are measured, by the metrics' ids.
    pub metrics: Vec<String>,
    /// Tasks near it, by id.
    pub related: Vec<String>,
    /// Finer tasks in it.
    pub subtasks: Vec<Subtask>,
    /// An example.
    pub demo: Demo,
    /// Code.
    pub snippets: Vec<Snippet>,
}

impl Task {
    /// The key by which lists are narrowed to it, on pages and in the API.
    pub(super) fn keys(&self) -> (&'static str, &'static str) {
        if by_task::is_tag(self.id) { ("other", "filter") } else { ("pipeline_tag", "pipeline_tag") }
    }
}

/// Every task and every metric.
#[derive(Debug)]
pub(super) struct Catalogue {
    tasks: Vec<Task>,
    metrics: BTreeMap<String, Metric>,
}

static CATALOGUE: LazyLock<Result<Catalogue, String>> = LazyLock::new(Catalogue::read);

impl Catalogue {
    /// The catalogue of this build. The first call renders all texts, off the async threads.
    ///
    /// # Errors
    /// 500 when a file is not as it should be, which a test prevents.
    pub(super) async fn get() -> HubResult<&'static Self> {
        let read = match LazyLock::get(&CATALOGUE) {
            Some(read) => read,
            None => tokio::task::spawn_blocking(|| LazyLock::force(&CATALOGUE)).await.map_err(HubError::from)?,
        };
        read.as_ref().map_err(|problem| HubError::internal(problem.as_str()))
    }

    fn read() -> Result<Self, String> {
        let written: BTreeMap<String, MetricFile> =
            toml::from_str(files::METRICS).map_err(|error| format!("metrics: {error}"))?;
        // The renderer of cards wants a repository for relative links, of which these texts have none.
        let nowhere: RepoId = "hub/tasks".parse().map_err(|error| format!("{error}"))?;
        let nowhere = LinkContext::new(RepoType::Model, &nowhere, "main", "");
        let metrics = written.into_iter().map(|(id, metric)| (id.clone(), metric.explained(id, &nowhere)));
        let metrics: BTreeMap<String, Metric> = metrics.collect();
        let mut tasks = Vec::with_capacity(known::TASKS.len() + known::FORMER_TASKS.len());
        for task in known::TASKS.iter().chain(known::FORMER_TASKS) {
            let (_, text) = files::TASKS.iter().find(|(id, _)| *id == task.id).ok_or_else(|| format!("{}: no file", task.id))?;
            let file: TaskFile = toml::from_str(text).map_err(|error| format!("{}: {error}", task.id))?;
            let group = GROUPS.iter().copied().find(|group| group.id == task.group);
            let group = group.ok_or_else(|| format!("{}: no group {}", task.id, task.group))?;
            tasks.push(file.explained(*task, group, &nowhere));
        }
        Ok(Self { tasks, metrics })
    }

    /// Every task, by group in the Hub's order; former ones come last.
    pub(super) fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// A task by its id.
    pub(super) fn find(&self, id: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// The tasks that are near a task.
    pub(super) fn related(&self, task: &Task) -> Vec<&Task> {
        task.related.iter().filter_map(|id| self.find(id)).collect()
    }

    /// How results of a task are measured.
    pub(super) fn metrics_of(&self, task: &Task) -> Vec<&Metric> {
        task.metrics.iter().filter_map(|id| self.metrics.get(id)).collect()
    }

    /// The tasks of a group.
    pub(super) fn in_group(&self, group: Group) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |task| task.group == group)
    }
}

impl TaskFile {
    fn explained(self, task: known::Task, group: Group, links: &LinkContext) -> Task {
        Task {
            id: task.id,
            label: task.label,
            group,
            about: render_markdown(&self.about, links),
            icon: self.icon,
            summary: self.summary,
            uses: self.uses,
            inputs: self.inputs,
            outputs: self.outputs,
            libraries: self.libraries,
            metrics: self.metrics,
            related: self.related,
            subtasks: self.subtasks,
            demo: self.demo,
            snippets: self.snippets,
        }
    }
}

impl MetricFile {
    fn explained(self, id: String, links: &LinkContext) -> Metric {
        Metric {
            id,
            name: self.name,
            better: self.better,
            card_names: self.card_names,
            share: self.share,
            formula: render_markdown(&self.formula, links),
            reading: render_markdown(&self.reading, links),
            reading_text: self.reading,
            pitfalls: render_markdown(&self.pitfalls, links),
        }
    }
}

#[cfg(test)]
mod tests;
