//! What discussions look like on the wire.

use hub_cards::SafeHtml;
use serde_json::{Value, json};

use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::RepoRead;
use crate::repos::discussions::{
    Details, Reactions, Remarks, Snippets, TimelineEvent, What, reactions_of, render_all, snippets as snippets_of,
};
use crate::repos::queries::Repo;
use crate::repos::queries::discussions::{Discussion, EditRow, ReactionRow};

/// A discussion in a list.
pub(super) fn item(row: &Discussion, repo: &Repo) -> Value {
    let mut value = json!({
        "num": row.num,
        "title": row.title,
        "status": row.status.as_str(),
        "isPullRequest": row.is_pull_request(),
        "createdAt": timestamp(row.created_at),
        "repo": { "name": repo.id.to_string(), "type": repo.repo_type },
        "numComments": row.comments,
        "pinned": row.pinned,
        "locked": row.locked,
    });
    with_author(&mut value, row.author.as_deref());
    value
}

/// Clients say `deleted` where there is no author.
fn with_author(value: &mut Value, author: Option<&str>) {
    if let Some(name) = author {
        value["author"] = json!({ "name": name, "avatarUrl": format!("/avatars/{name}.svg"), "type": "user" });
    }
}

/// A discussion with all that happened in it.
pub(super) async fn details(app: &App, found: &Details, read: &RepoRead) -> HubResult<Value> {
    let repo = &read.repo;
    let mut value = item(&found.discussion, repo);
    let texts: Vec<&str> = found.events.iter().map(TimelineEvent::markdown).collect();
    let shown = render_all(app, repo, &texts).await?;
    let reactions = reactions_of(app, found.discussion.discussion_pk, None).await?;
    let snippets = snippets_of(app, read, &found.discussion).await?;
    let anchored = |row: &TimelineEvent| anchor(&found.remarks, &snippets, &row.id);
    let events = found.events.iter().zip(&shown).map(|(row, html)| event(row, html, &reactions, anchored(row)));
    value["events"] = Value::from(events.collect::<Vec<_>>());
    if let Some(pull) = &found.pull {
        let mut changes = json!({ "base": found.discussion.base.as_ref().map(hub_types::RefName::as_str) });
        if let Some(oid) = found.discussion.merge_oid {
            changes["mergeCommitId"] = json!(oid);
        }
        value["changes"] = changes;
        value["filesWithConflicts"] = json!(pull.conflicts);
    }
    Ok(value)
}

/// The line that a comment stands at, if it does. Clients that do not know of it leave it out.
pub(super) fn anchor(remarks: &Remarks, snippets: &Snippets, comment: &str) -> Option<Value> {
    let thread = remarks.thread_of(comment)?;
    let row = &thread.row;
    let mut value = json!({
        "thread": row.comment,
        "path": row.path,
        "side": row.side.as_str(),
        "line": row.line,
        "commit": row.commit,
        "outdated": thread.now.is_none(),
        "currentLine": thread.now,
        "resolved": row.resolved,
    });
    if let Some(name) = row.resolved_by.as_ref().filter(|_| row.resolved) {
        value["resolvedBy"] = json!(name);
    }
    if let Some(lines) = snippets.of(&row.comment) {
        value["snippet"] = json!(lines);
    }
    Some(value)
}

/// Something that happened. anchor: from [`anchor`].
pub(super) fn event(row: &TimelineEvent, html: &SafeHtml, reactions: &Reactions, anchor: Option<Value>) -> Value {
    let (kind, data) = match &row.what {
        What::Comment { body, hidden, edited_at, history } => {
            let mut latest = json!({
                "raw": body,
                "html": html.as_str(),
                "updatedAt": timestamp(edited_at.unwrap_or(row.created_at)),
            });
            with_author(&mut latest, row.author.as_deref());
            let mut data = json!({
                "edited": edited_at.is_some(),
                "hidden": hidden,
                "latest": latest,
                "history": history.iter().map(earlier).collect::<Vec<_>>(),
                "numEdits": history.len(),
                "reactions": reactions.get(&row.id).into_iter().flatten().map(reaction).collect::<Vec<_>>(),
            });
            if let Some(anchor) = anchor {
                data["anchor"] = anchor;
            }
            ("comment", data)
        }
        What::Status(status) => ("status-change", json!({ "status": status })),
        What::Title { from, to } => ("title-change", json!({ "from": from, "to": to })),
        What::Commit { subject, oid } => ("commit", json!({ "subject": subject, "oid": oid })),
        // Not among the types that clients know, for which they have a general one.
        What::Thread { resolved, thread, path } => {
            ("thread-change", json!({ "resolved": resolved, "thread": thread, "path": path }))
        }
    };
    let mut value = json!({ "id": row.id, "type": kind, "createdAt": timestamp(row.created_at), "data": data });
    with_author(&mut value, row.author.as_deref());
    value
}

/// A reaction to a comment, and who set it.
fn reaction(row: &ReactionRow) -> Value {
    json!({ "reaction": row.reaction, "users": row.users, "count": row.count })
}

fn earlier(edit: &EditRow) -> Value {
    let mut value = json!({ "raw": edit.body, "updatedAt": timestamp(edit.created_at) });
    with_author(&mut value, edit.author.as_deref());
    value
}
