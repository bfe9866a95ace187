//! One collection. Those who may change it find the forms for that beside its items.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::view::ItemView;
use crate::accounts::page::PageRequest;
use crate::collections::CollectionRead;
use crate::collections::contents::items_of;
use crate::collections::operations::{MAX_TEXT, MAX_TITLE, THEMES};
use crate::collections::queries::upvotes::has_upvoted;
use crate::collections::queries::{Collection, CollectionChange};
use crate::error::HubResult;
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// More than a collection may have.
const ALL_ITEMS: i64 = 2_000;

/// The page.
#[derive(Debug, Template)]
#[template(path = "collections/show.html")]
pub(super) struct CollectionPage {
    pub layout: Layout,
    pub collection: Collection,
    /// Its page.
    pub href: String,
    /// Its address, to share.
    pub address: String,
    pub items: Vec<ItemView>,
    /// Whether the viewer finds it good.
    pub upvoted: bool,
    /// What those who may change it find.
    pub edit: Option<EditForms>,
}

/// The forms of those who may change it.
#[derive(Debug)]
pub(super) struct EditForms {
    pub title: Field,
    pub description: Field,
    pub themes: Vec<Choice>,
    /// What to add.
    pub item: Field,
    /// Whether a form was refused, and is shown open.
    pub settings_open: bool,
    /// What is said of what is added.
    pub note: String,
    pub private: bool,
    /// What was wrong with the form of an item.
    pub error: Option<String>,
}

/// What was sent with a form that was refused.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// What was to be added, and what was said of it.
    pub item: String,
    pub note: String,
    /// How the collection was to be.
    pub settings: Option<CollectionChange>,
    /// What was said of an item that is in it: its id, and the text.
    pub item_note: Option<(String, String)>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/collections/{namespace}/{slug}", crate::web::read().to(show_collection));
}

async fn show_collection(page: PageRequest) -> HubResult<HttpResponse> {
    let read = CollectionRead::find(&page.app, &page.viewer, raw_param(page.http(), "slug")).await?;
    let path = read.collection.path();
    if page.path() != path {
        return Ok(page.redirect(&path));
    }
    let shown = collection_page(&page, read, &Refusal::default(), Sent::default()).await?;
    page.show(shown).await
}

/// The page, with what was wrong with a form.
pub(super) async fn collection_page(
    page: &PageRequest,
    read: CollectionRead,
    refusal: &Refusal,
    sent: Sent,
) -> HubResult<CollectionPage> {
    let key = read.collection.collection_pk;
    let items = items_of(&page.app, &page.viewer, &[key], ALL_ITEMS).await?.remove(&key).unwrap_or_default();
    let upvoted = match &page.viewer.user {
        Some(user) => has_upvoted(&page.app.pool, key, user.pk).await?,
        None => false,
    };
    let mut items: Vec<ItemView> = items.into_iter().map(ItemView::from).collect();
    if let Some((id, text)) = &sent.item_note
        && let Some(item) = items.iter_mut().find(|item| item.id == *id)
    {
        item.note.clone_from(text);
    }
    let edit = read.may_edit().then(|| edit_forms(&read.collection, refusal, sent));
    let collection = read.collection;
    let mut layout = page.layout(collection.title.clone());
    layout.description = format!("The collection {} of {} on this hub.", collection.title, collection.namespace);
    Ok(CollectionPage {
        layout,
        href: collection.path(),
        address: page.base.join(&collection.path()),
        items,
        upvoted,
        edit,
        collection,
    })
}

fn edit_forms(collection: &Collection, refusal: &Refusal, sent: Sent) -> EditForms {
    let settings_open = sent.settings.is_some();
    let settings = sent.settings.unwrap_or_default();
    let title = settings.title.as_ref().unwrap_or(&collection.title);
    let title = Field::new("title", "Title").value(title).hint(format!("At most {MAX_TITLE} characters."));
    let description = settings.description.as_ref().unwrap_or(&collection.description);
    let description = Field::new("description", "Description").value(description);
    let theme = settings.theme.as_ref().unwrap_or(&collection.theme);
    let hint = "`ada/bert`, `datasets/ada/corpus`, an address of this hub, or a paper such as `arxiv:2307.09288`.";
    let item = Field::new("item", "Item").value(&sent.item).hint(hint);
    let elsewhere = refusal.message_elsewhere(&["title", "description"]);
    EditForms {
        title: refusal.mark(title),
        description: refusal.mark(description.hint(format!("At most {MAX_TEXT} characters."))),
        themes: THEMES.iter().map(|name| Choice::new(*name, *name, theme)).collect(),
        error: elsewhere.clone().filter(|_| sent.item_note.is_some() || settings_open),
        item: item.error(elsewhere.filter(|_| sent.item_note.is_none() && !settings_open)),
        settings_open,
        note: sent.note,
        private: settings.private.unwrap_or(collection.private),
    }
}
