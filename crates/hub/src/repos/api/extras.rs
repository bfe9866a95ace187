//! What lists tell of each repository beyond its row: storage, its group, and who builds on it. Each is asked for all of a page
//! at once, and only if somebody wants it. The answers are those of [`super::info`].

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::groups::group_json;
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::groups;
use crate::repos::listing::ListedRepo;
use crate::repos::queries::expanded::{list_spaces_using_each, list_used_storage};
use crate::repos::queries::relations::{self, CHILD_RELATIONS};
use crate::repos::visibility::visible_to;

/// Members by the key of the repository.
pub(super) type Extras = HashMap<i64, Map<String, Value>>;

/// The members that take more than the row.
const MEMBERS: &[&str] = &["resourceGroup", "usedStorage", "spaces", "childrenModelCount"];

/// Whether a list asks for any of these.
pub(super) fn are_asked(fields: &Fields) -> bool {
    fields.iter().any(|field| MEMBERS.contains(field))
}

/// What is asked for of the repositories of a page.
pub(super) async fn of_page(app: &App, viewer: &Viewer, repos: &[ListedRepo], fields: &Fields) -> HubResult<Extras> {
    let mut extras = Extras::new();
    if repos.is_empty() || !are_asked(fields) {
        return Ok(extras);
    }
    let has = |name: &str| fields.contains(&name);
    let keys: Vec<i64> = repos.iter().map(|repo| repo.repo_pk).collect();
    if has("resourceGroup") {
        for (key, group) in groups::find_of_members(app, viewer, &keys).await? {
            put(&mut extras, key, "resourceGroup", group_json(&group));
        }
    }
    if has("usedStorage") {
        for (key, bytes) in list_used_storage(&app.pool, &keys).await? {
            put(&mut extras, key, "usedStorage", json!(bytes));
        }
    }
    if has("spaces") || has("childrenModelCount") {
        let names = names_of(app, repos, &keys).await?;
        if has("spaces") {
            add_spaces(app, viewer, &keys, &names, &mut extras).await?;
        }
        if has("childrenModelCount") {
            add_children(app, viewer, &keys, &names, &mut extras).await?;
        }
    }
    Ok(extras)
}

fn put(extras: &mut Extras, key: i64, name: &str, value: Value) {
    extras.entry(key).or_default().insert(name.to_owned(), value);
}

/// What cards may call each of these repositories, in their order.
async fn names_of(app: &App, repos: &[ListedRepo], keys: &[i64]) -> HubResult<Vec<Vec<String>>> {
    let mut old: HashMap<i64, Vec<String>> = HashMap::new();
    for (key, id) in relations::list_old_ids(&app.pool, keys).await? {
        old.entry(key).or_default().push(id);
    }
    let names = |repo: &ListedRepo| {
        let former = old.remove(&repo.repo_pk).unwrap_or_default();
        std::iter::once(repo.id()).chain(former).collect::<Vec<String>>()
    };
    Ok(repos.iter().map(names).collect())
}

async fn add_spaces(app: &App, viewer: &Viewer, keys: &[i64], names: &[Vec<String>], extras: &mut Extras) -> HubResult<()> {
    let mut spaces: Vec<Vec<String>> = vec![Vec::new(); keys.len()];
    for (place, id) in list_spaces_using_each(&app.pool, &visible_to(viewer), names).await? {
        if let Some(of_model) = usize::try_from(place - 1).ok().and_then(|place| spaces.get_mut(place)) {
            of_model.push(id);
        }
    }
    for (key, ids) in keys.iter().zip(spaces) {
        put(extras, *key, "spaces", json!(ids));
    }
    Ok(())
}

/// The tags of what was made from a model with these names.
fn child_tags(how: &str, names: &[String]) -> Vec<String> {
    names.iter().map(|id| format!("base_model:{how}:{id}")).collect()
}

async fn add_children(app: &App, viewer: &Viewer, keys: &[i64], names: &[Vec<String>], extras: &mut Extras) -> HubResult<()> {
    let groups: Vec<Vec<String>> = names.iter().flat_map(|names| CHILD_RELATIONS.map(|how| child_tags(how, names))).collect();
    let visible = visible_to(viewer);
    let counts = relations::count_tagged(&app.pool, &visible, hub_types::RepoType::Model, &groups, i64::MAX).await?;
    for (key, counts) in keys.iter().zip(counts.chunks(CHILD_RELATIONS.len())) {
        let counted = CHILD_RELATIONS.iter().zip(counts).filter(|(_, count)| **count > 0);
        let counted: Map<String, Value> = counted.map(|(relation, count)| ((*relation).to_owned(), json!(count))).collect();
        put(extras, *key, "childrenModelCount", Value::Object(counted));
    }
    Ok(())
}
