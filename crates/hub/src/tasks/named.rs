//! Tasks by words, for the search over everything.

use super::catalogue::{Catalogue, Task};
use super::pages::suggestions;
use crate::error::HubResult;

/// Below this length, too many names look alike.
const FORGIVEN_FROM: usize = 4;

/// A task as it is listed where it is one thing among others.
#[derive(Debug, Clone)]
pub struct TaskName {
    /// Its id, which is its page's address below `/tasks`.
    pub id: &'static str,
    /// What people read.
    pub label: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// What it is, in a sentence.
    pub summary: &'static str,
}

/// The tasks that have a word for each word of the text, which may be unfinished; if none has, those with a similar name.
///
/// # Errors
/// The descriptions cannot be read.
pub async fn named(text: &str) -> HubResult<Vec<TaskName>> {
    let catalogue = Catalogue::get().await?;
    let words: Vec<String> = text.to_lowercase().split(is_between).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: Vec<&'static Task> = catalogue.tasks().iter().filter(|task| has_all(task, &words)).collect();
    if found.is_empty() && text.chars().count() >= FORGIVEN_FROM {
        found = suggestions(catalogue, text);
    }
    Ok(found
        .into_iter()
        .map(|task| TaskName { id: task.id, label: task.label, icon: &task.icon, summary: &task.summary })
        .collect())
}

fn is_between(letter: char) -> bool {
    !letter.is_alphanumeric()
}

fn has_all(task: &Task, words: &[String]) -> bool {
    let label = task.label.to_lowercase();
    words.iter().all(|word| {
        let begins = |own: &str| own.split(is_between).any(|own| own.starts_with(word.as_str()));
        begins(&label) || begins(task.id)
    })
}
