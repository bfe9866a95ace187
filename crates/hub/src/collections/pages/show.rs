//! One collection. Those who may change it find the forms for that beside its items.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::view::ItemView;
use crate::accounts::page::PageRequest;
use crate::collections::CollectionRead;
use crate::collections::contents::items_of;
use crate::collections::operations::{MAX_TEXT, MAX_TITLE, THEMES};
use crate::collections::queries::{Collection, has_upvoted};
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
    let shown = collection_page(&page, read, &Refusal::default(), "").await?;
    page.show(shown).await
}

/// The page, with what was wrong with a form.
pub(super) async fn collection_page(
    page: &PageRequest,
    read: CollectionRead,
    refusal: &Refusal,
    typed: &str,
) -> HubResult<CollectionPage> {
    let key = read.collection.collection_pk;
    let items = items_of(&page.app, &page.viewer, &[key], ALL_ITEMS).await?.remove(&key).unwrap_or_default();
    let upvoted = match &page.viewer.user {
        Some(user) => has_upvoted(&page.app.pool, key, user.pk).await?,
        None => false,
    };
    let edit = read.may_edit().then(|| edit_forms(&read.collection, refusal, typed));
    let collection = read.collection;
    let mut layout = page.layout(collection.title.clone());
    layout.description = format!("The collection {} of {} on this hub.", collection.title, collection.namespace);
    Ok(CollectionPage {
        layout,
        href: collection.path(),
        address: page.base.join(&collection.path()),
        items: items.into_iter().map(ItemView::from).collect(),
        upvoted,
        edit,
        collection,
    })
}

fn edit_forms(collection: &Collection, refusal: &Refusal, typed: &str) -> EditForms {
    let title = Field::new("title", "Title").value(&collection.title).hint(format!("At most {MAX_TITLE} characters."));
    let description = Field::new("description", "Description").value(&collection.description);
    let hint = "`ada/bert`, `datasets/ada/corpus`, an address of this hub, or a paper such as `arxiv:2307.09288`.";
    let item = Field::new("item", "Item").value(typed).hint(hint);
    let about_settings = refusal.message_at("title").is_some() || refusal.message_at("description").is_some();
    EditForms {
        title: refusal.mark(title),
        description: refusal.mark(description.hint(format!("At most {MAX_TEXT} characters."))),
        themes: THEMES.iter().map(|theme| Choice::new(*theme, *theme, &collection.theme)).collect(),
        item: item.error(refusal.message_elsewhere(&["title", "description"])),
        settings_open: about_settings,
    }
}
