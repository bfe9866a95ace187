//! What can be done with collections.

use hub_types::RepoType;

use super::access::{CollectionRead, CollectionWrite, Scope, target_place};
use super::contents::items_of;
use super::queries::items::{self, Target};
use super::queries::{self, Collection, CollectionChange, NewCollectionRow};
use crate::accounts::Viewer;
use crate::app::App;
use crate::db;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::access::find_readable;
use crate::web::text::{is_readable_line, with_plain_newlines};

/// The colours, as the Hub has them.
pub const THEMES: [&str; 6] = ["orange", "blue", "green", "purple", "pink", "indigo"];
/// The longest title, in characters.
pub const MAX_TITLE: usize = 60;
/// The longest description and the longest note, in characters.
pub const MAX_TEXT: usize = 500;
/// How many items a collection may have.
const MAX_ITEMS: i64 = 1_000;

/// What a new collection is to be.
#[derive(Debug, Default)]
pub struct NewCollection {
    /// The owner; `None`: the viewer.
    pub namespace: Option<String>,
    /// The title.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// A colour; `None`: the first.
    pub theme: Option<String>,
    /// Whether only members see it.
    pub private: bool,
    /// The id of the resource group that it is in.
    pub resource_group: Option<String>,
}

/// Makes a collection.
///
/// # Errors
/// 400 for a bad title, 403 for a foreign namespace, 409 (with `slug`) when the owner has one of this title.
pub async fn create(app: &App, viewer: &Viewer, new: &NewCollection) -> HubResult<Collection> {
    let user = viewer.require_user()?;
    let (namespace, resource_group_pk) =
        target_place(app, viewer, new.namespace.as_deref(), new.resource_group.as_deref()).await?;
    let title = checked_title(&new.title)?;
    let description = checked_text("description", &new.description)?;
    let theme = new.theme.as_deref().unwrap_or(THEMES[0]);
    check_theme(theme)?;
    let row = NewCollectionRow {
        namespace_pk: namespace.namespace_pk,
        title: &title,
        description: &description,
        theme,
        private: new.private,
        created_by: user.pk,
        resource_group_pk,
    };
    let mut tx = app.begin().await?;
    let made = match queries::insert_collection(&mut tx, &row).await {
        Ok(pk) => queries::find_by_key(&mut tx, pk).await?,
        Err(error) if is_taken(&error) => {
            drop(tx);
            return Err(title_taken(app, viewer, namespace.namespace_pk, &title).await?);
        }
        Err(error) => return Err(group_gone(error)),
    };
    tx.commit().await?;
    made.ok_or_else(|| HubError::internal("the new collection is gone"))
}

fn group_gone(error: sqlx::Error) -> HubError {
    if db::violates(&error, "collections_resource_group_fk") { HubError::resource_group_gone() } else { error.into() }
}

/// Puts a collection into the resource group with an id, or for no id into none.
///
/// # Errors
/// 400 for a group that the owner does not have, 403 where the viewer may not write, 409 when the group was deleted meanwhile.
pub async fn move_to_group(app: &App, write: &CollectionWrite, id: Option<&str>) -> HubResult<()> {
    let collection = &write.collection;
    let (_, group_pk) = target_place(app, &write.viewer, Some(&collection.namespace), id).await?;
    queries::set_resource_group(&app.pool, collection.collection_pk, group_pk).await.map_err(group_gone)
}

/// Whether the owner has another collection of the title.
pub(super) fn is_taken(error: &sqlx::Error) -> bool {
    db::violates(error, "collections_namespace_pk_title_idx")
}

/// Says that a title is taken, and by which collection if the viewer may see it: it may be private in a resource group.
async fn title_taken(app: &App, viewer: &Viewer, namespace_pk: i64, title: &str) -> HubResult<HubError> {
    let found = queries::find_by_title(&app.pool, namespace_pk, title).await?.filter(|found| Scope::of(viewer).shows(found));
    let slug = found.map(|found| found.slug()).unwrap_or_default();
    Ok(HubError::conflict(format!("There is a collection with the title `{title}` already.")).with("slug", slug).at("title"))
}

fn checked_title(title: &str) -> HubResult<String> {
    let title = title.trim();
    match title.chars().count() {
        0 => Err(HubError::bad_request("A collection needs a title.").at("title")),
        1..=MAX_TITLE if is_readable_line(title) => Ok(title.to_owned()),
        1..=MAX_TITLE => Err(HubError::bad_request("A title is one line of characters that can be seen.").at("title")),
        _ => Err(HubError::bad_request(format!("A title has at most {MAX_TITLE} characters.")).at("title")),
    }
}

/// A text as it is kept.
fn checked_text(field: &'static str, text: &str) -> HubResult<String> {
    let text = with_plain_newlines(text.trim());
    if text.contains('\0') {
        return Err(HubError::bad_request(format!("The {field} has characters that are no text.")).at(field));
    }
    match text.chars().count() {
        0..=MAX_TEXT => Ok(text),
        _ => Err(HubError::bad_request(format!("The {field} can have at most {MAX_TEXT} characters.")).at(field)),
    }
}

fn check_theme(theme: &str) -> HubResult<()> {
    match THEMES.contains(&theme) {
        true => Ok(()),
        false => Err(HubError::bad_request(format!("`theme` must be one of {}.", THEMES.join(", ")))),
    }
}

/// Changes what a collection says of itself.
///
/// # Errors
/// 400 for bad values, 409 when the owner has another of this title.
pub async fn update(app: &App, write: &CollectionWrite, mut change: CollectionChange) -> HubResult<Collection> {
    change.title = change.title.as_deref().map(checked_title).transpose()?;
    change.description = change.description.as_deref().map(|text| checked_text("description", text)).transpose()?;
    change.theme.as_deref().map_or(Ok(()), check_theme)?;
    let collection = &write.collection;
    let mut tx = app.begin().await?;
    // Before this one is written: two changes of one owner's collections would wait for each other.
    let mut order = match change.position {
        Some(_) => queries::hold_order(&mut tx, collection.namespace_pk).await?,
        None => Vec::new(),
    };
    match queries::update_collection(&mut tx, collection.collection_pk, &change).await {
        Err(error) if is_taken(&error) => {
            drop(tx);
            let title = change.title.as_deref().unwrap_or_default();
            return Err(title_taken(app, &write.viewer, collection.namespace_pk, title).await?);
        }
        other => other?,
    }
    if let Some(place) = change.position {
        order.retain(|key| *key != collection.collection_pk);
        order.insert(place.min(order.len()), collection.collection_pk);
        queries::update_order(&mut tx, &order).await?;
    }
    let changed = queries::find_by_key(&mut tx, collection.collection_pk).await?;
    tx.commit().await?;
    changed.ok_or_else(|| HubError::not_found("There is no collection at this address."))
}

/// Removes a collection, not what is in it. For a time, it can come back: [`super::deleted`].
///
/// # Errors
/// The database does not answer.
pub async fn delete(app: &App, write: &CollectionWrite) -> HubResult<()> {
    let user = write.viewer.require_user()?;
    let mut tx = app.begin().await?;
    queries::deleted::delete(&mut tx, write.collection.collection_pk, user.pk).await?;
    Ok(tx.commit().await?)
}

/// Finds what an item shall be, under the viewer's rights.
///
/// # Errors
/// 400 for a type there is not, 404 for what the viewer may not see.
pub async fn find_target(app: &App, viewer: &Viewer, kind: &str, id: &str) -> HubResult<Target> {
    let missing = || HubError::not_found(format!("There is no {kind} `{id}`."));
    match kind {
        "paper" => {
            let fits = !id.is_empty()
                && id.len() <= 40
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-/_".contains(&byte));
            fits.then(|| Target::Paper(id.to_owned())).ok_or_else(missing)
        }
        "collection" => {
            let slug = id.rsplit('/').next().unwrap_or(id);
            Ok(Target::Collection(CollectionRead::find(app, viewer, slug).await?.collection.collection_pk))
        }
        _ => {
            let types = "`type` must be `model`, `dataset`, `space`, `bucket`, `paper` or `collection`.";
            let repo_type: RepoType = kind.parse().map_err(|_| HubError::bad_request(types))?;
            let (namespace, name) = id.split_once('/').ok_or_else(missing)?;
            Ok(Target::Repo(find_readable(app, viewer, repo_type, namespace, name).await?.repo.pk))
        }
    }
}

/// Adds an item behind the others.
///
/// # Errors
/// 400 for a long note, a full collection, or one that is to hold itself; 409 when it is in there already.
pub async fn add_item(app: &App, write: &CollectionWrite, target: &Target, note: &str) -> HubResult<()> {
    let note = checked_text("note", note)?;
    let pk = write.collection.collection_pk;
    if *target == Target::Collection(pk) {
        return Err(HubError::bad_request("A collection cannot hold itself."));
    }
    let mut tx = app.begin().await?;
    if items::hold_items(&mut tx, pk).await? >= MAX_ITEMS {
        return Err(HubError::bad_request(format!("A collection holds at most {MAX_ITEMS} items.")));
    }
    if !items::insert_item(&mut tx, pk, target, &note).await? {
        return Err(HubError::conflict("This is in the collection already."));
    }
    items::touch(&mut tx, pk).await?;
    tx.commit().await?;
    Ok(())
}

/// Where an item shall go, among those that the viewer sees.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// To this place, from 0; the last one if there are fewer.
    At(usize),
    /// One up.
    Up,
    /// One down.
    Down,
}

/// Moves an item, or changes what is said of it.
///
/// # Errors
/// 404 when there is no such item, 400 for a long note.
pub async fn update_item(
    app: &App,
    write: &CollectionWrite,
    item: &str,
    place: Option<Place>,
    note: Option<&str>,
) -> HubResult<()> {
    let note = note.map(|note| checked_text("note", note)).transpose()?;
    let pk = write.collection.collection_pk;
    let seen = match place {
        Some(_) => items_of(app, &write.viewer, &[pk], i64::MAX).await?.remove(&pk).unwrap_or_default(),
        None => Vec::new(),
    };
    let mut tx = app.begin().await?;
    items::hold_items(&mut tx, pk).await?;
    let mut order = items::list_order(&mut tx, pk).await?;
    let from = order.iter().position(|(_, id)| id == item).ok_or_else(no_item)?;
    let (item_pk, _) = order.get(from).cloned().ok_or_else(no_item)?;
    if let Some(place) = place {
        let moved = order.remove(from);
        let at = seen.iter().take_while(|seen| seen.id != item).count();
        let to = match place {
            Place::At(to) => to,
            Place::Up => at.saturating_sub(1),
            Place::Down => at.saturating_add(1),
        };
        // Those that the viewer does not see stay where they are.
        let next = seen.iter().filter(|seen| seen.id != item).nth(to);
        let to = next.and_then(|next| order.iter().position(|(_, id)| *id == next.id)).unwrap_or(order.len());
        order.insert(to, moved);
        let keys: Vec<i64> = order.iter().map(|(key, _)| *key).collect();
        items::update_order(&mut tx, &keys).await?;
    }
    if let Some(note) = note {
        items::update_note(&mut tx, item_pk, &note).await?;
    }
    items::touch(&mut tx, pk).await?;
    tx.commit().await?;
    Ok(())
}

fn no_item() -> HubError {
    HubError::not_found("The collection has no such item.")
}

/// Takes an item out.
///
/// # Errors
/// 404 when there is no such item.
pub async fn delete_item(app: &App, write: &CollectionWrite, item: &str) -> HubResult<()> {
    let pk = write.collection.collection_pk;
    let mut tx = app.begin().await?;
    items::hold_items(&mut tx, pk).await?;
    if item.contains('\0') || !items::delete_item(&mut tx, pk, item).await? {
        return Err(no_item());
    }
    items::touch(&mut tx, pk).await?;
    tx.commit().await?;
    Ok(())
}

/// Says that a collection is good, or no longer; gives the number of those who say so.
///
/// # Errors
/// 401 when anonymous, 403 for tokens that only read.
pub async fn set_upvote(app: &App, read: &CollectionRead, up: bool) -> HubResult<i64> {
    let user = read.viewer.require_actor()?;
    let mut tx = app.begin().await?;
    let upvotes = queries::upvotes::set_upvote(&mut tx, read.collection.collection_pk, user.pk, up).await?;
    tx.commit().await?;
    Ok(upvotes)
}

/// Whether an error is about what somebody typed.
pub fn is_about_input(error: &HubError) -> bool {
    matches!(error.kind(), ErrorKind::BadRequest | ErrorKind::Conflict | ErrorKind::NotFound | ErrorKind::RepoNotFound)
}
