//! Repositories that are not for all audiences, in the words of the Hub: their card has the tag, or their owner or moderators
//! labelled them, which a trigger keeps among the tags. Pages ask before they show one, and no list has it that nobody narrowed to
//! it; programs see all of it, as on the Hub.

use hub_search::{Clause, Facet, Rule};
use hub_types::RepoId;

use super::access::RepoRead;
use super::queries::audience as queries;
use crate::accounts::page::PageRequest;
use crate::accounts::{User, Viewer};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// The tag, as cards have it.
pub const TAG: &str = "not-for-all-audiences";
/// What it is called.
pub const LABEL: &str = "Not for all audiences";
/// The cookie of browsers in which somebody chose to see some.
const COOKIE: &str = "shown";
/// How many a browser remembers, the latest.
const REMEMBERED: usize = 20;

/// Whether a repository with these tags is not for all audiences.
pub fn is_labelled(tags: &[String]) -> bool {
    tags.iter().any(|tag| tag == TAG)
}

/// Whether somebody wants to see all without being asked.
pub fn shows_all(viewer: &Viewer) -> bool {
    viewer.user.as_ref().is_some_and(|user| user.shows_labelled)
}

/// What keeps such repositories out of a list for who does not want them.
pub fn clause(viewer: &Viewer) -> Option<Clause> {
    (!shows_all(viewer)).then(|| Clause { facet: Facet::Tag, rule: Rule::NoneOf, values: vec![TAG.to_owned()] })
}

/// Whether a text is the whole name of a repository: who types that wants it, and is asked on its page.
pub fn is_whole_name(text: &str) -> bool {
    text.contains('/') && text.parse::<RepoId>().is_ok()
}

/// Checks that a page may show what is in a repository: it is for all, the viewer wants all or belongs to it, or chose to see it.
///
/// # Errors
/// What becomes the page that asks.
pub fn check(page: &PageRequest, read: &RepoRead) -> HubResult<()> {
    let open = !read.repo.labelled
        || shows_all(&page.viewer)
        || read.is_shown_as_member()
        || chosen(page).contains(&read.repo.public_id);
    if open { Ok(()) } else { Err(HubError::content_warning(format!("{}/view-content", read.repo.path()))) }
}

fn chosen(page: &PageRequest) -> Vec<String> {
    let cookie = page.kept(COOKIE);
    cookie.iter().flat_map(|cookie| cookie.value().split('.')).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// What a browser remembers once somebody chose to see this repository, too: the cookie's name and value.
pub(super) fn remember(page: &PageRequest, read: &RepoRead) -> (&'static str, String) {
    let mut ids = chosen(page);
    ids.retain(|id| *id != read.repo.public_id);
    ids.push(read.repo.public_id.clone());
    let first = ids.len().saturating_sub(REMEMBERED);
    (COOKIE, ids.split_off(first).join("."))
}

/// Changes whether somebody is shown such repositories without being asked.
///
/// # Errors
/// The database does not answer.
pub async fn set_shows_all(app: &App, user: &User, shows: bool) -> HubResult<()> {
    Ok(queries::set_shows_labelled(&app.pool, user.pk, shows).await?)
}
