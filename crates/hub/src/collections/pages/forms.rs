//! Making a collection, and adding what one just looks at to one of the viewer's.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::edit::kind_and_id;
use crate::accounts::OrgRole;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::collections::CollectionRead;
use crate::collections::access::Scope;
use crate::collections::operations::{self, MAX_TEXT, MAX_TITLE, NewCollection, THEMES};
use crate::collections::queries::{CollectionQuery, Order, list_collections};
use crate::error::HubResult;
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// How many of the viewer's collections are offered.
const OFFERED: i64 = 200;

/// The form for a new one.
#[derive(Debug, Template)]
#[template(path = "collections/new.html")]
struct NewPage {
    layout: Layout,
    error: Option<String>,
    title: Field,
    description: Field,
    owner: Field,
    owners: Vec<Choice>,
    themes: Vec<Choice>,
    private: bool,
    /// What it shall begin with.
    item: String,
}

/// The viewer's collections, to add something to one.
#[derive(Debug, Template)]
#[template(path = "collections/add.html")]
struct AddPage {
    layout: Layout,
    /// As it is sent: `models/ada/bert`.
    item: String,
    /// Its name.
    label: String,
    /// Where it is; papers have no page here.
    href: Option<String>,
    /// What is said of it.
    note: String,
    collections: Vec<Offered>,
    error: Option<String>,
}

/// One to choose.
#[derive(Debug)]
struct Offered {
    slug: String,
    owner: String,
    title: String,
    private: bool,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/collections/new", crate::web::read().to(show_new))
        .route("/collections/new", web::post().to(post_new))
        .route("/collections/add", crate::web::read().to(show_add))
        .route("/collections/add", web::post().to(post_add));
}

async fn show_new(page: PageRequest) -> HubResult<HttpResponse> {
    let query = page.query();
    let shown = new_page(&page, |key| query.get(key).unwrap_or_default(), &Refusal::default())?;
    page.show(shown).await
}

fn new_page<'a>(page: &PageRequest, sent: impl Fn(&'static str) -> &'a str, refusal: &Refusal) -> HubResult<NewPage> {
    let user = page.require_session()?;
    let may_write = user.memberships.iter().filter(|membership| membership.role >= OrgRole::Write);
    let names = std::iter::once(&user.name).chain(may_write.map(|membership| &membership.name));
    let title = Field::new("title", "Title").value(sent("title")).hint(format!("At most {MAX_TITLE} characters."));
    let description = Field::new("description", "Description").value(sent("description"));
    let theme = if sent("theme").is_empty() { THEMES[0] } else { sent("theme") };
    Ok(NewPage {
        layout: page.layout("New collection"),
        error: refusal.message_elsewhere(&["title", "description"]),
        title: refusal.mark(title),
        description: refusal.mark(description.hint(format!("Optional, at most {MAX_TEXT} characters."))),
        owner: Field::new("owner", "Owner"),
        owners: names.map(|name| Choice::new(name, name, sent("owner"))).collect(),
        themes: THEMES.iter().map(|name| Choice::new(*name, *name, theme)).collect(),
        private: sent("visibility") == "private",
        item: sent("item").to_owned(),
    })
}

async fn post_new(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    match make(&page, &form).await {
        Ok(path) => Ok(page.redirect(&path)),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = new_page(&page, |key| form.text(key), &refusal)?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn make(page: &PageRequest, form: &CheckedForm) -> HubResult<String> {
    let item = form.text("item");
    let target = match item {
        "" => None,
        item => {
            let (kind, id) = kind_and_id(item, page.base.as_str());
            Some(operations::find_target(&page.app, &page.viewer, kind, id).await?)
        }
    };
    let new = NewCollection {
        namespace: Some(form.text("owner").to_owned()).filter(|name| !name.is_empty()),
        title: form.text("title").to_owned(),
        description: form.text("description").to_owned(),
        theme: Some(form.text("theme").to_owned()).filter(|theme| !theme.is_empty()),
        private: form.text("visibility") == "private",
        resource_group: None,
    };
    let collection = operations::create(&page.app, &page.viewer, &new).await?;
    let path = collection.path();
    if let Some(target) = target {
        let write = CollectionRead { collection, viewer: page.viewer.clone() }.into_write()?;
        operations::add_item(&page.app, &write, &target, "").await?;
    }
    Ok(path)
}

async fn show_add(page: PageRequest) -> HubResult<HttpResponse> {
    let item = page.query().get("item").unwrap_or_default().to_owned();
    let shown = add_page(&page, item, "", None).await?;
    page.show(shown).await
}

async fn add_page(page: &PageRequest, item: String, note: &str, error: Option<String>) -> HubResult<AddPage> {
    let user = page.require_session()?;
    let (kind, id) = kind_and_id(&item, page.base.as_str());
    operations::find_target(&page.app, &page.viewer, kind, id).await?;
    let may_write = user.memberships.iter().filter(|membership| membership.role >= OrgRole::Write);
    let owners = std::iter::once(user.name.clone()).chain(may_write.map(|membership| membership.name.clone())).collect();
    let query = CollectionQuery { owners, order: Order::Updated, limit: OFFERED, ..CollectionQuery::default() };
    let rows = list_collections(&page.app.pool, &Scope::of(&page.viewer), &query).await?;
    let offered =
        rows.into_iter().map(|row| Offered { slug: row.slug(), owner: row.namespace, title: row.title, private: row.private });
    Ok(AddPage {
        layout: page.layout("Add to a collection"),
        label: id.to_owned(),
        href: match kind {
            "paper" => None,
            "model" => Some(format!("/{id}")),
            _ => Some(format!("/{kind}s/{id}")),
        },
        note: note.to_owned(),
        collections: offered.collect(),
        error,
        item,
    })
}

async fn post_add(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let (item, slug) = (form.text("item"), form.text("collection"));
    let (kind, id) = kind_and_id(item, page.base.as_str());
    let target = operations::find_target(&page.app, &page.viewer, kind, id).await?;
    let read = CollectionRead::find(&page.app, &page.viewer, slug.rsplit('/').next().unwrap_or(slug)).await?;
    let write = read.into_write()?;
    match operations::add_item(&page.app, &write, &target, form.text("note")).await {
        Ok(()) => Ok(page.redirect_saying(&write.collection.path(), &format!("Added {id}."))),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = add_page(&page, item.to_owned(), form.text("note"), refusal.message_elsewhere(&[])).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}
