//! Lists of repositories: what they can be narrowed and sorted by, and how they are paged.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub_types::RepoType;
use serde::{Deserialize, Serialize};

use super::queries::listing::{list_by_keys_with, list_repos};
use super::visibility::{Visibility, visible_to};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};

pub use super::queries::listing::ListedRepo;

/// What a list is sorted by, highest or newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Sort {
    /// The trending score.
    #[default]
    Trending,
    /// Recent downloads.
    Downloads,
    /// Likes.
    Likes,
    /// Those of the last 7 days.
    Likes7,
    /// Those of the last 30 days.
    Likes30,
    /// Those of the last 90 days.
    Likes90,
    /// When the default branch last moved.
    LastModified,
    /// When the repository was made.
    Created,
    /// The number of parameters; repositories without one are left out.
    Parameters,
    /// The size of all files of the default branch.
    Size,
    /// The rows that a dataset has by its card.
    Rows,
    /// The full name.
    Id,
}

impl Sort {
    /// Reads the names that clients use.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "trendingScore" | "trending_score" | "trending" => Self::Trending,
            "downloads" | "downloads30d" | "downloadsAllTime" => Self::Downloads,
            "likes" => Self::Likes,
            "likes7d" => Self::Likes7,
            "likes30d" => Self::Likes30,
            "likes3m" => Self::Likes90,
            "lastModified" | "last_modified" | "modified" | "updated" => Self::LastModified,
            "createdAt" | "created_at" | "created" => Self::Created,
            "num_parameters" => Self::Parameters,
            "mainSize" => Self::Size,
            "datasetsServerInfo.numRows" => Self::Rows,
            "id" => Self::Id,
            _ => return None,
        })
    }
}

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Direction {
    /// Highest first.
    #[default]
    Descending,
    /// Lowest first.
    Ascending,
}

/// Columns beyond the light ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    /// The card's metadata.
    pub card: bool,
    /// Facts by name.
    pub facts: bool,
    /// The first file names.
    pub siblings: bool,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// The owner.
    pub author: Option<String>,
    /// Words that must all be part of the id.
    pub search: Vec<String>,
    /// Tags that must all be there.
    pub tags: Vec<String>,
    /// Tags of which one must be there, by group.
    pub any_tags: Vec<Vec<String>>,
    /// The task.
    pub pipeline_tag: Option<String>,
    /// The library.
    pub library: Option<String>,
    /// Whether readers must ask.
    pub gated: Option<bool>,
    /// The least number of parameters.
    pub min_parameters: Option<i64>,
    /// The most.
    pub max_parameters: Option<i64>,
    /// For Spaces: models, all of which it uses.
    pub models: Vec<String>,
    /// For Spaces: datasets, all of which it uses.
    pub datasets: Vec<String>,
    /// For Spaces: only those that use any model or dataset.
    pub linked: bool,
    /// The order.
    pub sort: Sort,
    /// Its direction.
    pub direction: Direction,
    /// Where the page starts.
    pub after: Option<Cursor>,
    /// How many there are on a page.
    pub limit: usize,
    /// What is needed of each.
    pub columns: Columns,
}

/// A place in a sorted list: the last row of the page before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The order it belongs to.
    pub sort: Sort,
    /// The value of the row.
    pub value: i64,
    /// Its key.
    pub repo_pk: i64,
    /// Its full name, in the order by names.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
}

impl Cursor {
    fn of(repo: &ListedRepo, sort: Sort) -> Self {
        let id = if sort == Sort::Id { repo.id() } else { String::new() };
        Self { sort, value: repo.sort_value, repo_pk: repo.repo_pk, id }
    }

    /// The cursor as text for a URL.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads what [`Cursor::encode`] made.
    ///
    /// # Errors
    /// 400 for anything else, and for a cursor of another order.
    pub fn decode(text: &str, sort: Sort) -> HubResult<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor = bytes.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        // A NUL would be a 500 in the database, and nothing has one in its name.
        let cursor = cursor.filter(|cursor| cursor.sort == sort && !cursor.id.contains('\0'));
        cursor.ok_or_else(|| HubError::bad_request("`cursor` is not one that this list gave. Start again without it."))
    }
}

/// A page of a list.
#[derive(Debug)]
pub struct RepoPage {
    /// The repositories.
    pub repos: Vec<ListedRepo>,
    /// Where the next page starts.
    pub next: Option<Cursor>,
}

/// Lists repositories of one type that a viewer may see.
///
/// # Errors
/// The database does not answer.
pub async fn list(app: &App, repo_type: RepoType, visible: &Visibility, query: &ListQuery) -> HubResult<RepoPage> {
    // A NUL would be a 500 in the database, and nothing has one in its name.
    let texts = query.search.iter().chain(&query.tags).chain(query.any_tags.iter().flatten());
    let texts = texts.chain(&query.models).chain(&query.datasets);
    let single = [&query.author, &query.pipeline_tag, &query.library].into_iter().flatten();
    if texts.chain(single).any(|text| text.contains('\0')) {
        return Ok(RepoPage { repos: Vec::new(), next: None });
    }
    let mut repos = list_repos(&app.pool, repo_type, visible, query).await?;
    let more = repos.len() > query.limit;
    repos.truncate(query.limit);
    let last = repos.last().filter(|_| more);
    let next = last.map(|repo| Cursor::of(repo, query.sort));
    Ok(RepoPage { repos, next })
}

/// The repositories with these keys that a viewer may see, in the order of the keys.
///
/// # Errors
/// The database does not answer.
pub async fn by_keys(app: &App, viewer: &Viewer, keys: &[i64], columns: Columns) -> HubResult<Vec<ListedRepo>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = list_by_keys_with(&app.pool, &visible_to(viewer), keys, columns).await?;
    let mut rows: HashMap<i64, ListedRepo> = rows.into_iter().map(|row| (row.repo_pk, row)).collect();
    Ok(keys.iter().filter_map(|key| rows.remove(key)).collect())
}
