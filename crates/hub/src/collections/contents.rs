//! What is in collections, as far as a viewer may see it.

use std::collections::HashMap;

use super::access::Scope;
use super::queries::items::{ItemRow, list_items};
use super::queries::{self, Collection};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::queries::listing::{ListedRepo, list_by_keys};
use crate::repos::visibility::visible_to;

/// An item that the viewer may see.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The `_id` clients see.
    pub id: String,
    /// What somebody says of it.
    pub note: String,
    /// What it is.
    pub what: What,
}

/// What an item is.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A repository.
    Repo(Box<ListedRepo>),
    /// Another collection.
    Collection(Box<Collection>),
    /// A paper's id.
    Paper(String),
}

/// The items of collections by their keys, in order; the first `each` of each are looked at.
pub(super) async fn items_of(app: &App, viewer: &Viewer, keys: &[i64], each: i64) -> HubResult<HashMap<i64, Vec<Item>>> {
    let rows = list_items(&app.pool, keys, each).await?;
    let repo_keys: Vec<i64> = rows.iter().filter_map(|row| row.repo_pk).collect();
    let repos = list_by_keys(&app.pool, &visible_to(viewer), &repo_keys).await?;
    let repos: HashMap<i64, ListedRepo> = repos.into_iter().map(|repo| (repo.repo_pk, repo)).collect();
    let nested_keys: Vec<i64> = rows.iter().filter_map(|row| row.nested_pk).collect();
    let nested = match nested_keys.is_empty() {
        true => Vec::new(),
        false => queries::list_by_keys(&app.pool, &Scope::of(viewer), &nested_keys).await?,
    };
    let nested: HashMap<i64, Collection> = nested.into_iter().map(|found| (found.collection_pk, found)).collect();
    let mut items: HashMap<i64, Vec<Item>> = HashMap::new();
    for row in rows {
        if let Some(what) = what_of(&row, &repos, &nested) {
            items.entry(row.collection_pk).or_default().push(Item { id: row.public_id, note: row.note, what });
        }
    }
    Ok(items)
}

fn what_of(row: &ItemRow, repos: &HashMap<i64, ListedRepo>, nested: &HashMap<i64, Collection>) -> Option<What> {
    match (row.repo_pk, row.nested_pk) {
        (Some(key), _) => repos.get(&key).cloned().map(|repo| What::Repo(Box::new(repo))),
        (_, Some(key)) => nested.get(&key).cloned().map(|found| What::Collection(Box::new(found))),
        _ => row.paper.clone().map(What::Paper),
    }
}
