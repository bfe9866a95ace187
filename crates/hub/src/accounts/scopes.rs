//! What a fine-grained token may do, in the shape in which it is kept, `whoami-v2` shows it and the permission check reads it:
//! `{"canReadGatedRepos": false, "global": [], "scoped": [{"entity": {"type": "user" | "org" | "model" | …, "_id": "…",
//! "name": "ada" | "ada/bert"}, "permissions": ["repo.content.read", "repo.write"]}]}`.

use hub_types::{RepoId, RepoType};
use serde_json::{Value, json};

use super::User;
use crate::error::{HubError, HubResult};

/// To see one's webhooks, without their secrets.
pub(crate) const READ_WEBHOOKS: &str = "user.webhooks.read";
/// To see and change one's webhooks.
pub(crate) const WRITE_WEBHOOKS: &str = "user.webhooks.write";

/// To make repositories in a namespace, and do anything with those that were made so ([`with_made`]); nothing with any other.
pub(crate) const MAKE_REPOS: &str = "repo.create";
/// To take part in discussions wherever the token reads; it is no matter of single repositories.
pub(crate) const DISCUSS: &str = "discussion.write";
/// To see the private collections of a namespace.
pub(crate) const READ_COLLECTIONS: &str = "collection.read";
/// To make and change those of a namespace.
pub(crate) const WRITE_COLLECTIONS: &str = "collection.write";
/// What an application may do with what it made.
const WITH_MADE: [&str; 2] = ["repo.content.read", "repo.write"];

/// How many repositories a token can be for.
const MOST_REPOS: usize = 100;

/// What was chosen.
#[derive(Debug, Default)]
pub(super) struct Chosen<'a> {
    /// The namespaces, each with `read` or `write`.
    pub namespaces: Vec<(&'a str, &'a str)>,
    /// Repositories to read, one a line, as in addresses: `ada/bert`, `datasets/ada/squad`.
    pub read: &'a str,
    /// Repositories to write.
    pub write: &'a str,
    /// Whether gated repositories of others are read.
    pub gated: bool,
    /// What is done with the user's webhooks: nothing, `read` or `write`.
    pub webhooks: &'a str,
}

/// Whether a token has one of these permissions for its owner's own account.
pub(crate) fn has_own(scopes: &Value, user: &User, permissions: &[&str]) -> bool {
    has_for(scopes, &["user"], &user.name, permissions)
}

/// Whether a token reads all repositories of a user or an organisation.
pub(crate) fn reads_all_of(scopes: &Value, namespace: &str) -> bool {
    has_for(scopes, &["user", "org"], namespace, &["repo.content.read", "repo.write"])
}

/// Whether a token makes repositories in a namespace, as an application's may that reads nothing else there.
pub(crate) fn makes_repos_in(scopes: &Value, namespace: &str) -> bool {
    has_for(scopes, &["user", "org"], namespace, &[MAKE_REPOS])
}

/// Whether a token sees all collections of a user or an organisation that its owner sees.
pub(crate) fn reads_collections_of(scopes: &Value, namespace: &str) -> bool {
    has_for(scopes, &["user", "org"], namespace, &[READ_COLLECTIONS, WRITE_COLLECTIONS])
}

/// Whether a token changes them.
pub(crate) fn writes_collections_of(scopes: &Value, namespace: &str) -> bool {
    has_for(scopes, &["user", "org"], namespace, &[WRITE_COLLECTIONS])
}

/// Whether it is noted what a token makes.
pub(super) fn makes_repos(scopes: &Value) -> bool {
    gives_somewhere(scopes, MAKE_REPOS)
}

/// Whether a token is for discussions.
pub(super) fn discusses(scopes: &Value) -> bool {
    scopes.get("global").and_then(Value::as_array).is_some_and(|given| given.iter().any(|one| one.as_str() == Some(DISCUSS)))
}

/// The rights of an application's token with those to what it made: entities, as in [`self`].
pub(super) fn with_made(mut scopes: Value, made: Option<Value>) -> Value {
    if let Some(Value::Array(made)) = made
        && let Some(scoped) = scopes.get_mut("scoped").and_then(Value::as_array_mut)
    {
        scoped.extend(made.into_iter().map(|entity| json!({ "entity": entity, "permissions": WITH_MADE })));
    }
    scopes
}

/// Whether a token may write to any repository at all.
pub(super) fn writes_somewhere(scopes: &Value) -> bool {
    gives_somewhere(scopes, "repo.write")
}

fn gives_somewhere(scopes: &Value, permission: &str) -> bool {
    let entries = scopes.get("scoped").and_then(Value::as_array).into_iter().flatten();
    let mut given = entries.filter_map(|entry| entry.get("permissions")?.as_array()).flatten().filter_map(Value::as_str);
    given.any(|one| one == permission)
}

fn has_for(scopes: &Value, kinds: &[&str], name: &str, permissions: &[&str]) -> bool {
    let entries = scopes.get("scoped").and_then(Value::as_array).into_iter().flatten();
    let text = |entry: &Value, pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let meant = entries.filter(|entry| {
        kinds.contains(&text(entry, "/entity/type").as_str()) && text(entry, "/entity/name").eq_ignore_ascii_case(name)
    });
    let mut given = meant.filter_map(|entry| entry.get("permissions")?.as_array()).flatten().filter_map(Value::as_str);
    given.any(|permission| permissions.contains(&permission))
}

/// The namespaces that a token of a user can be for, and their kinds.
pub(super) fn namespaces_of(user: &User) -> Vec<(i64, String, &'static str)> {
    let organizations = user.memberships.iter().map(|membership| (membership.namespace_pk, membership.name.clone(), "org"));
    // A service account has nothing of its own.
    let own = (!user.is_service()).then(|| (user.pk, user.name.clone(), "user"));
    own.into_iter().chain(organizations).collect()
}

/// Puts together what was chosen. A repository that the user cannot see, or that there is not, grants nothing.
///
/// # Errors
/// 400 when nothing is chosen, or a line names no repository.
pub(super) fn build(user: &User, chosen: &Chosen<'_>) -> HubResult<Value> {
    let mut scoped = Vec::new();
    for (pk, namespace, kind) in namespaces_of(user) {
        let access = chosen.namespaces.iter().find(|(name, _)| *name == namespace).map_or("", |(_, access)| access);
        let mut permissions = permissions(access).unwrap_or_default().to_vec();
        if pk == user.pk {
            permissions.extend(webhook_permissions(chosen.webhooks));
        }
        if permissions.is_empty() {
            continue;
        }
        let entity = json!({ "_id": format!("{pk:024x}"), "type": kind, "name": namespace });
        scoped.push(json!({ "entity": entity, "permissions": permissions }));
    }
    for (field, access, lines) in [("repos_read", "read", chosen.read), ("repos_write", "write", chosen.write)] {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (repo_type, id) = repo_of(line).ok_or_else(|| not_a_repo(line).at(field))?;
            let entity = json!({ "type": repo_type.as_str(), "name": id.to_string() });
            scoped.push(json!({ "entity": entity, "permissions": permissions(access) }));
        }
    }
    if scoped.len() > MOST_REPOS {
        return Err(HubError::bad_request(format!("Choose at most {MOST_REPOS} repositories.")).at("repos_read"));
    }
    if scoped.is_empty() && !chosen.gated {
        return Err(HubError::bad_request("Choose at least one namespace or repository.").at("scopes"));
    }
    Ok(json!({ "canReadGatedRepos": chosen.gated, "global": [], "scoped": scoped }))
}

fn permissions(access: &str) -> Option<&'static [&'static str]> {
    match access {
        "read" => Some(&["repo.content.read"]),
        "write" => Some(&["repo.content.read", "repo.write"]),
        _ => None,
    }
}

fn webhook_permissions(access: &str) -> &'static [&'static str] {
    match access {
        "read" => &[READ_WEBHOOKS],
        "write" => &[READ_WEBHOOKS, WRITE_WEBHOOKS],
        _ => &[],
    }
}

/// Reads `ada/bert` or `datasets/ada/squad`.
pub(crate) fn repo_of(line: &str) -> Option<(RepoType, RepoId)> {
    let (repo_type, id) = match line.split_once('/')? {
        (plural, id) if id.contains('/') => (RepoType::from_plural(plural)?, id),
        _ => (RepoType::Model, line),
    };
    let (namespace, name) = id.split_once('/')?;
    Some((repo_type, RepoId::new(namespace, name).ok()?))
}

fn not_a_repo(line: &str) -> HubError {
    let shown: String = line.chars().take(100).collect();
    HubError::bad_request(format!("`{shown}` names no repository: write `ada/bert` or `datasets/ada/squad`, one a line."))
}

/// What the scopes allow, in words: `ada: read and write`.
pub(super) fn in_words(scopes: &Value) -> Vec<String> {
    let entries = scopes.get("scoped").and_then(Value::as_array).into_iter().flatten();
    let words = entries.filter_map(|entry| {
        let (kind, name) = (entry.pointer("/entity/type")?.as_str()?, entry.pointer("/entity/name")?.as_str()?);
        let permissions: Vec<&str> = entry.get("permissions")?.as_array()?.iter().filter_map(Value::as_str).collect();
        let has = |permission: &str| permissions.contains(&permission);
        let repos = [("repo.write", "read and write"), ("repo.content.read", "read")];
        let webhooks = [(WRITE_WEBHOOKS, "webhooks"), (READ_WEBHOOKS, "see webhooks")];
        let said =
            [repos, webhooks].map(|rights| rights.into_iter().find(|(permission, _)| has(permission)).map(|(_, words)| words));
        let said: Vec<&str> = said.into_iter().flatten().collect();
        let prefix = RepoType::EVERY.into_iter().find(|repo_type| repo_type.as_str() == kind).map_or("", RepoType::url_prefix);
        Some(format!("{prefix}{name}: {}", said.join(", ")))
    });
    let gated = (scopes.get("canReadGatedRepos") == Some(&Value::Bool(true))).then(|| "gated repositories: read".to_owned());
    words.chain(gated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_named_as_in_addresses() {
        for (line, expected) in [
            ("ada/bert", Some("model ada/bert")),
            ("datasets/ada/squad", Some("dataset ada/squad")),
            ("buckets/ada/runs", Some("bucket ada/runs")),
            ("ada", None),
            ("ada/bert/main", None),
            ("https://hub.example.org/ada/bert", None),
            ("ada/", None),
        ] {
            let found = repo_of(line).map(|(repo_type, id)| format!("{repo_type} {id}"));
            assert_eq!(found.as_deref(), expected, "{line}");
        }
    }
}
