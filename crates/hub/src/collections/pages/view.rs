//! What pages show of collections, ready to print.

use chrono::{DateTime, Utc};

use crate::accounts::Viewer;
use crate::app::App;
use crate::collections::access::Scope;
use crate::collections::contents::{Item, What, items_of};
use crate::collections::queries::{self, Collection, CollectionQuery, Order};
use crate::error::HubResult;
use crate::repos::pages::view::RepoSummary;
use crate::web::layout::kind_icon;

/// How many items a card names, and how many are looked at for that.
const SHOWN_ITEMS: usize = 4;
const READ_ITEMS: i64 = 12;

/// A collection in a list.
#[derive(Debug)]
pub struct CollectionCard {
    /// The title.
    pub title: String,
    /// The owner.
    pub owner: String,
    /// What it is about.
    pub description: String,
    /// A colour.
    pub theme: String,
    /// Whether only members see it.
    pub private: bool,
    /// How many people find it good.
    pub upvotes: u64,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Its page.
    pub href: String,
    /// The first items.
    pub items: Vec<CardItem>,
}

/// An item on a card.
#[derive(Debug)]
pub struct CardItem {
    /// The icon.
    pub icon: &'static str,
    /// The name.
    pub label: String,
}

/// Cards of collections, with their first items.
///
/// # Errors
/// The database does not answer.
pub(super) async fn cards(app: &App, viewer: &Viewer, rows: Vec<Collection>) -> HubResult<Vec<CollectionCard>> {
    let keys: Vec<i64> = rows.iter().map(|row| row.collection_pk).collect();
    let mut items = items_of(app, viewer, &keys, READ_ITEMS).await?;
    let card = |row: Collection| CollectionCard {
        href: row.path(),
        items: items.remove(&row.collection_pk).unwrap_or_default().iter().take(SHOWN_ITEMS).map(card_item).collect(),
        title: row.title,
        owner: row.namespace,
        description: row.description,
        theme: row.theme,
        private: row.private,
        upvotes: u64::try_from(row.upvotes).unwrap_or(0),
        updated_at: row.updated_at,
    };
    Ok(rows.into_iter().map(card).collect())
}

/// The collections of an owner, in the owner's order.
///
/// # Errors
/// The database does not answer.
pub async fn cards_of_owner(app: &App, viewer: &Viewer, owner: &str, limit: i64) -> HubResult<Vec<CollectionCard>> {
    let query = CollectionQuery { owners: vec![owner.to_owned()], order: Order::Owner, limit, ..CollectionQuery::default() };
    let rows = queries::list_collections(&app.pool, &Scope::of(viewer), &query).await?;
    cards(app, viewer, rows).await
}

fn card_item(item: &Item) -> CardItem {
    match &item.what {
        What::Repo(repo) => CardItem { icon: kind_icon(repo.repo_type), label: repo.id() },
        What::Collection(nested) => CardItem { icon: "layers", label: nested.title.clone() },
        What::Paper(id) => CardItem { icon: "file-text", label: format!("arXiv {id}") },
    }
}

/// An item on the collection's page.
#[derive(Debug)]
pub struct ItemView {
    /// Its id.
    pub id: String,
    /// What somebody says of it.
    pub note: String,
    /// A repository.
    pub repo: Option<RepoSummary>,
    /// Anything else: an icon, a name and where it leads.
    pub other: Option<OtherItem>,
}

/// An item that is no repository.
#[derive(Debug)]
pub struct OtherItem {
    /// The icon.
    pub icon: &'static str,
    /// The name.
    pub label: String,
    /// Where it leads; a paper leads to those who know it here.
    pub href: String,
}

impl From<Item> for ItemView {
    fn from(item: Item) -> Self {
        let (repo, other) = match item.what {
            What::Repo(repo) => (Some(RepoSummary::from(*repo)), None),
            What::Collection(nested) => (None, Some(OtherItem { icon: "layers", href: nested.path(), label: nested.title })),
            What::Paper(id) => {
                let href = format!("/models?other=arxiv:{}", crate::web::links::encode_segment(&id));
                (None, Some(OtherItem { icon: "file-text", label: format!("arXiv {id}"), href }))
            }
        };
        Self { id: item.id, note: item.note, repo, other }
    }
}

impl ItemView {
    /// What buttons call it.
    pub fn label(&self) -> String {
        match (&self.repo, &self.other) {
            (Some(repo), _) => format!("{}/{}", repo.namespace, repo.name),
            (_, Some(other)) => other.label.clone(),
            _ => String::new(),
        }
    }
}
