//! How many repositories each task has, and which are the most active: for pages and clients that look at all tasks at
//! once. Public repositories only, and remembered for a short while: an overview need not be exact to the second, and
//! must not count a million rows each time somebody opens it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hub_cards::known;
use hub_types::RepoType;
use moka::future::Cache;

use super::queries::by_task::{self, TaskRepoRow};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// How long an overview is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// How many repositories of each task are picked.
const PICKED: i64 = 3;

/// What this process remembers; cheap to clone.
#[derive(Debug, Clone)]
pub struct ByTask {
    counts: Cache<(), Arc<TaskCounts>>,
    picks: Cache<(), Arc<TaskPicks>>,
}

impl Default for ByTask {
    fn default() -> Self {
        Self {
            counts: Cache::builder().max_capacity(1).time_to_live(REMEMBERED_FOR).build(),
            picks: Cache::builder().max_capacity(1).time_to_live(REMEMBERED_FOR).build(),
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

/// The most active public repositories by task.
#[derive(Debug, Default)]
pub struct TaskPicks {
    /// Models.
    pub models: HashMap<String, Vec<Pick>>,
    /// Datasets.
    pub datasets: HashMap<String, Vec<Pick>>,
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

/// Counts the repositories of all tasks, with one statement or none.
///
/// # Errors
/// The database does not answer.
pub async fn counts(app: &App) -> HubResult<Arc<TaskCounts>> {
    let count = async {
        let rows = by_task::count_by_task(&app.pool).await?;
        let counts = rows.into_iter().map(|row| ((row.repo_type, row.task), u64::try_from(row.count).unwrap_or(0)));
        Ok::<_, sqlx::Error>(Arc::new(TaskCounts(counts.collect())))
    };
    // Whoever asks meanwhile waits for the same answer.
    app.by_task.counts.try_get_with((), count).await.map_err(HubError::internal)
}

/// Picks the most active repositories of all tasks, with two statements or none.
///
/// # Errors
/// The database does not answer.
pub async fn picks(app: &App) -> HubResult<Arc<TaskPicks>> {
    let pick = async {
        let tasks: Vec<String> = known::TASKS.iter().map(|task| task.id.to_owned()).collect();
        let models = grouped(by_task::list_models_by_task(&app.pool, &tasks, PICKED).await?);
        let datasets = grouped(by_task::list_datasets_by_task(&app.pool, &tasks, PICKED).await?);
        Ok::<_, sqlx::Error>(Arc::new(TaskPicks { models, datasets }))
    };
    app.by_task.picks.try_get_with((), pick).await.map_err(HubError::internal)
}

fn grouped(rows: Vec<TaskRepoRow>) -> HashMap<String, Vec<Pick>> {
    let mut by_task: HashMap<String, Vec<Pick>> = HashMap::new();
    for row in rows {
        let downloads = u64::try_from(row.downloads).unwrap_or(0);
        by_task.entry(row.task).or_default().push(Pick { id: row.id, library: row.library_name, downloads });
    }
    by_task
}
