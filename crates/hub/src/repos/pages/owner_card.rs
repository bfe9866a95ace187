//! What an organisation says of itself at length, as on the Hub: the text of the card of its Space `README`.

use hub_cards::SafeHtml;
use hub_types::RepoType;

use super::card::card_of;
use crate::accounts::page::PageRequest;
use crate::repos::access::{Level, find_readable};
use crate::repos::audience;

/// The name of the Space.
pub const SPACE: &str = "README";
/// Longer text is left to the Space's own page, in bytes of HTML.
const MAX_HTML_BYTES: usize = 256 * 1024;

/// The card of an organisation.
#[derive(Debug)]
pub struct OwnerCard {
    /// Its text, if there is some that the viewer wants to see.
    pub html: Option<SafeHtml>,
    /// Where the viewer may change it.
    pub edit_href: Option<String>,
}

/// The card of an owner, if there is one that the viewer may see. The page around it is there without the store of objects, too.
pub async fn owner_card(page: &PageRequest, owner: &str) -> Option<OwnerCard> {
    let read = match find_readable(&page.app, &page.viewer, RepoType::Space, owner, SPACE).await {
        Ok(read) => read,
        Err(error) if error.is_for_client() => return None,
        // Whether there is one is not known: nobody is led to making another.
        Err(error) => {
            tracing::warn!(owner, %error, "the card of an organisation cannot be found");
            return Some(OwnerCard { html: None, edit_href: None });
        }
    };
    // One that was renamed is found by its old names, but is the card no more.
    let is_it = read.repo.id.name() == SPACE && read.repo.id.namespace() == owner;
    if !is_it || audience::check(page, &read).is_err() {
        return None;
    }
    let card = card_of(page, &read.repo).await.unwrap_or_else(|error| {
        tracing::warn!(repo.pk = read.repo.pk, %error, "the card of an organisation cannot be shown");
        None
    });
    let card = card.filter(|card| !card.is_blank && card.html.as_str().len() <= MAX_HTML_BYTES);
    let may_edit = read.level >= Level::Write && page.require_session().is_ok();
    Some(OwnerCard {
        html: card.map(|card| card.html.clone()),
        edit_href: may_edit.then(|| format!("{}/edit-card", read.repo.path())),
    })
}
