//! What collections look like on the wire (`Collection` and `CollectionItem` of `huggingface_hub` 2.4, `hf_api.py`).

use serde_json::{Value, json};

use crate::accounts::api::timestamp;
use crate::app::App;
use crate::collections::CollectionRead;
use crate::collections::contents::{Item, What, items_of};
use crate::collections::queries::Collection;
use crate::error::HubResult;

/// More than a collection may have.
const ALL_ITEMS: i64 = 2_000;

/// A collection with all items that the viewer may see.
pub(super) async fn full_json(app: &App, read: &CollectionRead) -> HubResult<Value> {
    let key = read.collection.collection_pk;
    let items = items_of(app, &read.viewer, &[key], ALL_ITEMS).await?.remove(&key).unwrap_or_default();
    let mut value = collection_json(&read.collection, &items);
    value["position"] = json!(read.collection.position);
    Ok(value)
}

/// A collection in a list.
pub(super) fn collection_json(collection: &Collection, items: &[Item]) -> Value {
    let kind = if collection.owner_kind == "organization" { "org" } else { "user" };
    let mut value = json!({
        "_id": collection.public_id,
        "slug": collection.slug(),
        "title": collection.title,
        "owner": {
            "name": collection.namespace,
            "type": kind,
            "avatarUrl": format!("/avatars/{}.svg", collection.namespace),
        },
        "items": items.iter().enumerate().map(|(position, item)| item_json(item, position)).collect::<Vec<_>>(),
        "lastUpdated": timestamp(collection.updated_at),
        "private": collection.private,
        "theme": collection.theme,
        "upvotes": collection.upvotes,
        "gating": false,
    });
    if !collection.description.is_empty() {
        value["description"] = json!(collection.description);
    }
    value
}

fn item_json(item: &Item, position: usize) -> Value {
    let mut value = match &item.what {
        What::Repo(repo) => json!({
            "id": repo.id(),
            "type": repo.repo_type,
            "repoType": repo.repo_type,
            "author": repo.namespace,
            "private": repo.private,
            "gated": repo.gated.as_ref().map_or(Value::Bool(false), |gated| json!(gated)),
            "likes": repo.likes,
            "downloads": repo.downloads,
            "lastModified": timestamp(repo.last_modified_at),
            "pipeline_tag": repo.pipeline_tag,
        }),
        // Clients take the slug of a collection for its id.
        What::Collection(nested) => json!({
            "id": nested.public_id,
            "slug": nested.slug(),
            "type": "collection",
            "title": nested.title,
            "theme": nested.theme,
            "upvotes": nested.upvotes,
        }),
        What::Paper(id) => json!({ "id": id, "type": "paper", "title": id }),
    };
    value["_id"] = json!(item.id);
    value["position"] = json!(position);
    if !item.note.is_empty() {
        value["note"] = json!({ "text": item.note, "html": html_of(&item.note) });
    }
    value
}

/// Plain text as HTML.
fn html_of(text: &str) -> String {
    let escaped =
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;");
    escaped.replace('\n', "<br>")
}
