//! What is sent: `WebhookPayload` of `huggingface_hub` (version 3 of the Hub's webhooks), without the part that says for which
//! webhook it is, which each delivery adds.

use hub_types::{RepoId, RepoType};
use serde_json::{Map, Value, json};

use super::queries::changes::{CommentRow, DiscussionRow};
use crate::accounts::User;
use crate::repos::Repo;

/// An id as clients know it.
pub(super) fn id_of(pk: Option<i64>) -> String {
    format!("{:024x}", pk.unwrap_or_default())
}

/// The start of a payload: what happened, and to which repository.
pub(super) fn of_repo(base: &str, scope: &str, action: &str, repo: &Repo) -> Value {
    let mut value = json!({
        "event": { "action": action, "scope": scope },
        "repo": {
            "type": repo.repo_type,
            "name": repo.id.to_string(),
            "id": repo.public_id,
            "private": repo.private,
            "url": { "web": format!("{base}{}", repo.path()), "api": format!("{base}{}", repo.api_path()) },
            "owner": { "id": id_of(Some(repo.namespace_pk)) },
        },
    });
    if repo.repo_type == RepoType::Space {
        value["repo"]["subdomain"] = json!(repo.id.to_string().replace(['/', '.', '_'], "-").to_ascii_lowercase());
    }
    value
}

/// Adds what only payloads about the repository itself have.
pub(super) fn add_contents(value: &mut Value, repo: &Repo, tags: &[String]) {
    if let Some(head) = repo.head_oid {
        value["repo"]["headSha"] = json!(head);
    }
    if repo.repo_type.has_git() {
        value["repo"]["tags"] = json!(tags);
    }
}

/// Says that a repository moved: it is shown as it was, with where it is now.
pub(super) fn add_move(value: &mut Value, base: &str, repo: &Repo, from: &RepoId, former_owner: Option<i64>) {
    let former = Repo { id: from.clone(), namespace_pk: former_owner.unwrap_or(repo.namespace_pk), ..repo.clone() };
    let shown = of_repo(base, "repo", "move", &former);
    for key in ["name", "url", "owner", "subdomain"] {
        if let Some(member) = shown["repo"].get(key) {
            value["repo"][key] = member.clone();
        }
    }
    value["movedTo"] = json!({ "name": repo.id.to_string(), "owner": { "id": id_of(Some(repo.namespace_pk)) } });
}

/// The refs that moved, out of what the history of the repository says; nothing when none has.
pub(super) fn updated_refs(payload: &Value) -> Vec<Value> {
    let moves = payload.get("refs").and_then(Value::as_array).into_iter().flatten();
    let moved = moves.filter(|change| change.get("old") != change.get("new"));
    moved.map(|change| json!({ "ref": change["ref"], "oldSha": change["old"], "newSha": change["new"] })).collect()
}

/// The settings that changed and that receivers hear of.
pub(super) fn updated_config(payload: &Value) -> Value {
    let mut config = Map::new();
    if let Some(private) = payload.get("private").and_then(Value::as_bool) {
        config.insert("private".to_owned(), json!(private));
    }
    Value::Object(config)
}

/// Adds a discussion.
pub(super) fn add_discussion(value: &mut Value, base: &str, repo: &Repo, row: &DiscussionRow) {
    let end = format!("/discussions/{}", row.num);
    let mut discussion = json!({
        "id": id_of(Some(row.discussion_pk)),
        "num": row.num,
        "title": row.title,
        "isPullRequest": row.base.is_some(),
        "status": row.status.as_str(),
        "author": { "id": id_of(row.author_pk) },
        "pinned": row.pinned,
        "url": { "web": format!("{base}{}{end}", repo.path()), "api": format!("{base}{}{end}", repo.api_path()) },
    });
    if let Some(branch) = &row.base {
        discussion["changes"] = json!({ "base": branch.as_str() });
        if let Some(oid) = row.merge_oid {
            discussion["changes"]["mergeCommitId"] = json!(oid);
        }
    }
    value["discussion"] = discussion;
}

/// Adds a comment. What was hidden is not said.
pub(super) fn add_comment(value: &mut Value, base: &str, repo: &Repo, num: i64, row: &CommentRow) {
    let mut comment = json!({
        "id": row.id,
        "author": { "id": id_of(row.author_pk) },
        "hidden": row.hidden,
        "url": { "web": format!("{base}{}/discussions/{num}#{}", repo.path(), row.id) },
    });
    if !row.hidden {
        comment["content"] = json!(row.body);
    }
    value["comment"] = comment;
}

/// What a test sends: valid, about a repository that is not there, and with a scope that no event has.
pub(super) fn ping(base: &str, user: &User) -> Value {
    let name = format!("{}/ping", user.name);
    json!({
        "event": { "action": "update", "scope": "ping" },
        "repo": {
            "type": "model",
            "name": name,
            "id": id_of(None),
            "private": false,
            "url": { "web": format!("{base}/{name}"), "api": format!("{base}/api/models/{name}") },
            "owner": { "id": id_of(Some(user.pk)) },
        },
    })
}
