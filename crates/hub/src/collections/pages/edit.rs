//! What people send to change a collection.

use actix_web::{HttpResponse, web};

use super::show::{Sent, collection_page};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::collections::operations::{self, Place};
use crate::collections::queries::CollectionChange;
use crate::collections::{CollectionRead, CollectionWrite};
use crate::error::{HubError, HubResult};
use crate::web::extract::raw_param;
use crate::web::form::Refusal;

/// The pattern of every form about one collection.
const COLLECTION: &str = "/collections/{namespace}/{slug}";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{COLLECTION}/update"), web::post().to(post_update))
        .route(&format!("{COLLECTION}/delete"), web::post().to(post_delete))
        .route(&format!("{COLLECTION}/upvote"), web::post().to(post_upvote))
        .route(&format!("{COLLECTION}/items"), web::post().to(post_item))
        .route(&format!("{COLLECTION}/items/{{item}}"), web::post().to(post_change));
}

async fn read(page: &PageRequest) -> HubResult<CollectionRead> {
    page.require_session()?;
    CollectionRead::find(&page.app, &page.viewer, raw_param(page.http(), "slug")).await
}

async fn write(page: &PageRequest) -> HubResult<CollectionWrite> {
    read(page).await?.into_write()
}

async fn refuse(page: &PageRequest, error: HubError, sent: Sent) -> HubResult<HttpResponse> {
    let refusal = Refusal::of(error)?;
    let shown = collection_page(page, read(page).await?, &refusal, sent).await?;
    page.show_with(refusal.status, shown).await
}

async fn post_update(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let write = write(&page).await?;
    let change = CollectionChange {
        title: Some(form.text("title").to_owned()),
        description: Some(form.text("description").to_owned()),
        theme: Some(form.text("theme").to_owned()),
        private: Some(form.text("visibility") == "private"),
        position: None,
    };
    match operations::update(&page.app, &write, change.clone()).await {
        Ok(collection) => Ok(page.redirect_saying(&collection.path(), "Saved.")),
        Err(error) => refuse(&page, error, Sent { settings: Some(change), ..Sent::default() }).await,
    }
}

async fn post_delete(page: PageRequest, _: CheckedForm) -> HubResult<HttpResponse> {
    let write = write(&page).await?;
    operations::delete(&page.app, &write).await?;
    let title = &write.collection.title;
    let text = format!("The collection {title} was deleted. You can restore it in your settings, under Deleted repositories.");
    Ok(page.redirect_saying(&format!("/{}", write.collection.namespace), &text))
}

async fn post_upvote(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let read = read(&page).await?;
    operations::set_upvote(&page.app, &read, form.text("upvote") == "yes").await?;
    Ok(page.redirect(&read.collection.path()))
}

async fn post_item(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let write = write(&page).await?;
    let typed = form.text("item");
    let (kind, id) = kind_and_id(typed, page.base.as_str());
    let added = match operations::find_target(&page.app, &page.viewer, kind, id).await {
        Ok(target) => operations::add_item(&page.app, &write, &target, form.text("note")).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(()) => Ok(page.redirect_saying(&write.collection.path(), &format!("Added {id}."))),
        Err(error) if operations::is_about_input(&error) => {
            // What is missing is what was typed, not this page.
            let sent = Sent { item: typed.to_owned(), note: form.text("note").to_owned(), ..Sent::default() };
            refuse(&page, HubError::bad_request(error.message()), sent).await
        }
        Err(error) => Err(error),
    }
}

/// What people type or paste: an id, the address of any page of a repository here, a paper.
pub(super) fn kind_and_id<'a>(typed: &'a str, base: &str) -> (&'static str, &'a str) {
    let typed = typed.trim();
    let path = typed.strip_prefix(base).unwrap_or(typed).trim_matches('/');
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let (kind, id) = kind_and_rest(path);
    match kind {
        "paper" => (kind, id.trim_end_matches(".pdf")),
        "collection" => (kind, id),
        _ => {
            let end = id.match_indices('/').nth(1).map_or(id.len(), |(at, _)| at);
            (kind, &id[..end])
        }
    }
}

fn kind_and_rest(path: &str) -> (&'static str, &str) {
    for (prefix, kind) in [
        ("models/", "model"),
        ("datasets/", "dataset"),
        ("spaces/", "space"),
        ("buckets/", "bucket"),
        ("collections/", "collection"),
        ("papers/", "paper"),
        ("arxiv:", "paper"),
        ("https://arxiv.org/abs/", "paper"),
        ("https://arxiv.org/pdf/", "paper"),
    ] {
        if let Some(id) = path.strip_prefix(prefix) {
            return (kind, id);
        }
    }
    ("model", path)
}

async fn post_change(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let write = write(&page).await?;
    let item = raw_param(page.http(), "item");
    let changed = match form.text("do") {
        "up" => operations::update_item(&page.app, &write, item, Some(Place::Up), None).await,
        "down" => operations::update_item(&page.app, &write, item, Some(Place::Down), None).await,
        "note" => operations::update_item(&page.app, &write, item, None, Some(form.text("note"))).await,
        "remove" => operations::delete_item(&page.app, &write, item).await,
        _ => Err(HubError::bad_request("Press the button again.")),
    };
    if let Err(error) = changed {
        let item_note = (form.text("do") == "note").then(|| (item.to_owned(), form.text("note").to_owned()));
        return refuse(&page, error, Sent { item_note, ..Sent::default() }).await;
    }
    Ok(page.redirect(&format!("{}#items", write.collection.path())))
}

#[cfg(test)]
mod tests {
    use super::kind_and_id;

    #[test]
    fn items_are_typed_and_pasted() {
        for (typed, kind, id) in [
            ("ada/bert", "model", "ada/bert"),
            ("http://hub.example/ada/bert", "model", "ada/bert"),
            ("http://hub.example/datasets/ada/corpus/", "dataset", "ada/corpus"),
            ("spaces/ada/demo", "space", "ada/demo"),
            ("arxiv:2307.09288", "paper", "2307.09288"),
            ("https://arxiv.org/abs/2307.09288", "paper", "2307.09288"),
            ("https://arxiv.org/pdf/2307.09288.pdf", "paper", "2307.09288"),
            ("http://hub.example/ada/bert/tree/main", "model", "ada/bert"),
            (" http://hub.example/spaces/ada/demo?a=b#c", "space", "ada/demo"),
        ] {
            assert_eq!(kind_and_id(typed, "http://hub.example"), (kind, id));
        }
    }
}
