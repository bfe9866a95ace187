//! What those did of whom somebody hears, ready to print.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::queries::{self, ActivityQuery, ActivityRow, list_activity};
use crate::accounts::Viewer;
use crate::app::App;
use crate::collections::access::Scope;
use crate::collections::queries::{Collection, list_by_keys as list_collections};
use crate::error::HubResult;
use crate::repos::pages::view::RepoSummary;
use crate::repos::queries::listing::list_by_keys as list_repos;
use crate::repos::visibility::shown_to;
use crate::web::cursor::{TimeCursor, cut, one_more};
use crate::web::layout::kind_word;

/// One thing, or the same thing several times in a row.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who.
    pub actor: String,
    /// When last.
    pub at: DateTime<Utc>,
    /// What: a sentence without its subject and object.
    pub verb: String,
    /// How often in a row.
    pub times: usize,
    /// With which repository.
    pub repo: Option<RepoSummary>,
    /// Or with which collection: its title and its page.
    pub collection: Option<(String, String)>,
    kind: String,
}

impl Entry {
    /// Where it leads.
    pub fn href(&self) -> String {
        match (&self.repo, &self.collection) {
            (Some(repo), _) => repo.href(),
            (_, Some((_, href))) => href.clone(),
            _ => format!("/{}", self.actor),
        }
    }

    /// What it was done with.
    pub fn object(&self) -> String {
        match (&self.repo, &self.collection) {
            (Some(repo), _) => format!("{}/{}", repo.namespace, repo.name),
            (_, Some((title, _))) => title.clone(),
            _ => String::new(),
        }
    }
}

/// A page of a feed.
#[derive(Debug, Default)]
pub struct FeedPage {
    /// The entries, the latest first.
    pub entries: Vec<Entry>,
    /// Where the next page begins.
    pub next: Option<TimeCursor>,
    /// Whether there is anybody whose doings it tells of.
    pub hears_of_any: bool,
}

/// What those did of whom a user hears, themselves left out.
///
/// # Errors
/// The database does not answer.
pub async fn of_user(app: &App, viewer: &Viewer, user_pk: i64, after: TimeCursor, limit: usize) -> HubResult<FeedPage> {
    let heard_of = queries::list_heard_of(&app.pool, user_pk).await?;
    if heard_of.is_empty() {
        return Ok(FeedPage::default());
    }
    page(app, viewer, &heard_of, after, limit, Some(user_pk)).await
}

/// What one namespace did, as far as a viewer may see it.
///
/// # Errors
/// The database does not answer.
pub async fn of_namespace(app: &App, viewer: &Viewer, namespace_pk: i64, limit: usize) -> HubResult<FeedPage> {
    page(app, viewer, &[namespace_pk], TimeCursor::START, limit, None).await
}

async fn page(
    app: &App,
    viewer: &Viewer,
    namespaces: &[i64],
    after: TimeCursor,
    limit: usize,
    without: Option<i64>,
) -> HubResult<FeedPage> {
    let visible = shown_to(viewer);
    let (sees_all, sees) = visible.coarse();
    let query = ActivityQuery { namespaces, without, sees_all, sees: &sees, after, limit: one_more(limit) };
    let mut rows = list_activity(&app.pool, &query).await?;
    // Only what is shown decides where the next page begins: the times of what is hidden are nobody's business.
    let next = cut(&mut rows, limit, |row| TimeCursor { at: row.at, pk: row.pk });
    let keys: Vec<i64> = rows.iter().filter_map(|row| row.repo_pk).collect();
    let repos = list_repos(&app.pool, &visible, &keys).await?;
    let repos: HashMap<i64, RepoSummary> = repos.into_iter().map(|row| (row.repo_pk, RepoSummary::from(row))).collect();
    let keys: Vec<i64> = rows.iter().filter_map(|row| row.collection_pk).collect();
    let collections = list_collections(&app.pool, &Scope::of(viewer), &keys).await?;
    let collections: HashMap<i64, Collection> = collections.into_iter().map(|row| (row.collection_pk, row)).collect();
    let actors: Vec<i64> = rows.iter().map(|row| row.actor_pk).collect();
    let names = queries::list_names(&app.pool, &actors).await?;
    let names: HashMap<i64, String> = names.into_iter().map(|row| (row.namespace_pk, row.name)).collect();
    let entries = rows.iter().filter_map(|row| entry(row, &repos, &collections, &names));
    Ok(FeedPage { entries: together(entries), next, hears_of_any: true })
}

fn entry(
    row: &ActivityRow,
    repos: &HashMap<i64, RepoSummary>,
    collections: &HashMap<i64, Collection>,
    names: &HashMap<i64, String>,
) -> Option<Entry> {
    let repo = row.repo_pk.map(|key| repos.get(&key).cloned());
    let collection = row.collection_pk.map(|key| collections.get(&key).map(|found| (found.title.clone(), found.path())));
    // Something that may not be seen is not told of.
    if matches!(repo, Some(None)) || matches!(collection, Some(None)) {
        return None;
    }
    let actor = names.get(&row.actor_pk)?.clone();
    let (repo, collection) = (repo.flatten(), collection.flatten());
    Some(Entry { actor, at: row.at, verb: String::new(), times: 1, repo, collection, kind: row.kind.clone() })
}

/// Joins what somebody did to one thing several times in a row.
fn together(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let mut joined: Vec<Entry> = Vec::new();
    for entry in entries {
        match joined.last_mut() {
            Some(last) if last.kind == entry.kind && last.actor == entry.actor && last.href() == entry.href() => {
                last.times += 1;
            }
            _ => joined.push(entry),
        }
    }
    for entry in &mut joined {
        entry.verb = verb(entry);
    }
    joined
}

fn verb(entry: &Entry) -> String {
    let noun = entry.repo.as_ref().map_or("collection", |repo| kind_word(repo.kind));
    match (entry.kind.as_str(), entry.times) {
        ("commit", 1) => format!("committed to the {noun}"),
        ("commit", times) => format!("committed {times} times to the {noun}"),
        ("like", _) => format!("liked the {noun}"),
        _ => format!("created the {noun}"),
    }
}
