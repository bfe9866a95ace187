//! What a repository was made from, as far as it is on this hub and the viewer may see it, with the licences of all of it.

use std::collections::{HashMap, HashSet};

use hub_types::RepoType;
use serde_json::Value;

use super::listing::Columns;
use super::queries::listing::{ListedRepo, list_by_names};
use super::queries::relations::list_known;
use super::visibility::{Visibility, visible_to};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::licences::follows::{Part, Use};

/// How many generations are followed.
const MAX_DEPTH: usize = 5;
/// How many repositories are looked at in all.
const MAX_PARTS: usize = 60;

/// Everything that something was made from.
#[derive(Debug, Default)]
pub struct Chain {
    /// Base models, their base models, and datasets.
    pub parts: Vec<Part>,
    /// Names that cards give and that are not here, or that the viewer may not see, and how they were used.
    pub elsewhere: Vec<(String, Use)>,
}

/// A generation that is still to be read: names, and how they were used.
type Wanted = Vec<(RepoType, String, Use)>;

/// Reads the chain of a repository. At most three queries for each generation.
///
/// # Errors
/// The database does not answer.
pub async fn chain_of(app: &App, viewer: &Viewer, repo: &ListedRepo) -> HubResult<Chain> {
    let visible = visible_to(viewer);
    let mut chain = Chain::default();
    let mut seen = HashSet::from([(repo.repo_type, repo.id().to_lowercase())]);
    let mut wanted = repo.facts.as_ref().map(made_from).unwrap_or_default();
    for _ in 0..MAX_DEPTH {
        wanted.retain(|(kind, id, _)| seen.insert((*kind, id.to_lowercase())));
        wanted.truncate(MAX_PARTS.saturating_sub(chain.parts.len() + chain.elsewhere.len()));
        if wanted.is_empty() {
            break;
        }
        let names: Vec<_> = wanted.iter().map(|(kind, id, _)| (*kind, id.clone())).collect();
        let known = list_known(&app.pool, &visible, &names).await?;
        let rows = read(app, &visible, &known).await?;
        let mut next = Wanted::new();
        for (kind, id, used) in wanted {
            let row = known.get(&(kind, id.clone())).and_then(|now| rows.get(&(kind, now.clone())));
            let Some(row) = row else {
                chain.elsewhere.push((id, used));
                continue;
            };
            // What the parts of a part ask, a part that only leans on them does not contain either.
            let older =
                row.facts.as_ref().map(made_from).unwrap_or_default().into_iter().filter(|(kind, ..)| *kind == RepoType::Model);
            next.extend(older.map(|(kind, id, of_base)| (kind, id, if used == Use::Adapter { used } else { of_base })));
            let href = format!("/{}{}", kind.url_prefix(), row.id());
            chain.parts.push(Part { id: row.id(), href, used, licences: licences_of(&row.tags) });
        }
        wanted = next;
    }
    Ok(chain)
}

/// The licences that tags name.
pub fn licences_of(tags: &[String]) -> Vec<String> {
    tags.iter().filter_map(|tag| tag.strip_prefix("license:")).map(str::to_owned).collect()
}

type ById<T> = HashMap<(RepoType, String), T>;

/// The repositories that names lead to, by what they are called now.
async fn read(app: &App, visible: &Visibility, known: &ById<String>) -> HubResult<ById<ListedRepo>> {
    let mut rows = HashMap::new();
    for kind in [RepoType::Model, RepoType::Dataset] {
        let ids: Vec<&str> = known.iter().filter(|((of, _), _)| *of == kind).map(|(_, now)| now.as_str()).collect();
        if !ids.is_empty() {
            let found = list_by_names(&app.pool, visible, kind, &ids, Columns { facts: true, ..Columns::default() }).await?;
            rows.extend(found.into_iter().map(|row| ((kind, row.id()), row)));
        }
    }
    Ok(rows)
}

fn made_from(facts: &Value) -> Wanted {
    let ids = |name: &str| facts.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let used = match facts.get("base_model_relation").and_then(Value::as_str) {
        Some("adapter") => Use::Adapter,
        _ => Use::Weights,
    };
    let bases = ids("base_models").map(|id| (RepoType::Model, id.to_owned(), used));
    bases.chain(ids("datasets").map(|id| (RepoType::Dataset, id.to_owned(), Use::Data))).collect()
}
