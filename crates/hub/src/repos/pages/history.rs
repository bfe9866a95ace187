//! What was done to a repository, by whom, and undoing it.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::context::{header_of, layout_of};
use super::deleted::deleted_path;
use super::view::{RepoHeader, RepoTab};
use super::{BASES, BUCKET_BASE};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::RepoAdmin;
use crate::repos::changes::{self, Change, Listed, What, undo};
use crate::web::cursor::one_more;
use crate::web::extract::{Query, raw_param};
use crate::web::filters;
use crate::web::form::Refusal;
use crate::web::layout::Layout;

/// How many changes a page shows.
const PAGE_LEN: usize = 30;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/history.html")]
pub(super) struct HistoryPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// For how many days something can be undone.
    pub days: u64,
    /// Why something could not be undone.
    pub error: Option<String>,
    /// The branch or tag that can be put back under a name of its own instead.
    pub instead: Option<i64>,
    /// What can be listed, where there are decisions about access.
    pub lists: Vec<ListLink>,
    /// Whether something is left out.
    pub is_part: bool,
    /// The changes, newest first.
    pub changes: Vec<ChangeItem>,
    /// The newest.
    pub previous: Option<String>,
    /// Older ones.
    pub next: Option<String>,
}

/// A list to choose.
#[derive(Debug)]
pub(super) struct ListLink {
    /// What it has.
    pub label: &'static str,
    /// Its address.
    pub href: String,
    /// Whether it is shown.
    pub current: bool,
}

/// The lists, their words in addresses, and what they are called.
const LISTS: [(Listed, &str, &str); 3] =
    [(Listed::All, "all", "Everything"), (Listed::Others, "other", "Without access"), (Listed::Decisions, "access", "Access")];

/// Which list an address asks for.
fn listed(query: &Query) -> Listed {
    let asked = query.get("show").unwrap_or_default();
    LISTS.into_iter().find(|(_, word, _)| *word == asked).map_or(Listed::All, |(listed, ..)| listed)
}

/// The address of a list.
fn list_href(path: &str, listed: Listed) -> String {
    let word = LISTS.into_iter().find(|(one, ..)| *one == listed && listed != Listed::All);
    word.map_or_else(|| path.to_owned(), |(_, word, _)| format!("{path}?show={word}"))
}

/// A change.
#[derive(Debug)]
pub(super) struct ChangeItem {
    /// Its key.
    pub pk: i64,
    /// What was done.
    pub what: String,
    /// The same without marks, for a question.
    pub plain: String,
    /// By whom.
    pub actor: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it took another change back.
    pub is_undo: bool,
    /// Who took it back.
    pub undone_by: Option<String>,
    /// Until when it can be undone, if it can.
    pub until: Option<DateTime<Utc>>,
}

impl ChangeItem {
    fn of(change: Change) -> Self {
        let what = change.what.in_words();
        let undone_by = change.undone.as_ref().map(|(_, by)| by.clone().unwrap_or_else(|| "somebody who left".to_owned()));
        Self {
            pk: change.pk,
            plain: what.replace('`', ""),
            what,
            at: change.at,
            is_undo: change.undoes.is_some(),
            undone_by,
            until: change.is_undoable().then_some(change.undo_until),
            actor: change.actor,
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES.into_iter().chain([BUCKET_BASE]) {
        config
            .route(&format!("{base}/settings/history"), crate::web::read().to(show_history))
            .route(&format!("{base}/settings/history/{{change}}/undo"), web::post().to(post_undo));
    }
}

/// The page of a repository's changes.
pub(super) fn history_path(repo_path: &str) -> String {
    format!("{repo_path}/settings/history")
}

async fn show_history(page: PageRequest, admin: RepoAdmin) -> HubResult<HttpResponse> {
    page.require_session()?;
    let query = page.query();
    let before = query.number("before")?.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    let shown = history_page(&page, &admin, listed(&query), before).await?;
    page.show(shown).await
}

async fn history_page(page: &PageRequest, admin: &RepoAdmin, listed: Listed, before: Option<i64>) -> HubResult<HistoryPage> {
    let (header, _) = header_of(page, admin, RepoTab::Settings).await?;
    let limit = one_more(PAGE_LEN);
    let mut found = changes::list(&page.app, admin.repo.pk, listed, before, limit).await?;
    let more = found.len() > PAGE_LEN;
    found.truncate(PAGE_LEN);
    let path = history_path(&admin.repo.path());
    let last = found.last().map(|change| change.pk);
    let (first, is_part) = (list_href(&path, listed), listed != Listed::All);
    let decides =
        admin.repo.gated.is_some() || is_part || found.iter().any(|change| matches!(change.what, What::DecideAccess(_)));
    let link =
        |(one, _, label): (Listed, &str, &'static str)| ListLink { label, href: list_href(&path, one), current: one == listed };
    Ok(HistoryPage {
        layout: layout_of(page, &admin.repo, "History of changes"),
        header,
        days: page.app.config.undo_days,
        error: None,
        instead: None,
        lists: if decides { LISTS.into_iter().map(link).collect() } else { Vec::new() },
        is_part,
        changes: found.into_iter().map(ChangeItem::of).collect(),
        next: last.filter(|_| more).map(|pk| format!("{first}{}before={pk}", if is_part { '&' } else { '?' })),
        previous: before.map(|_| first),
    })
}

async fn post_undo(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let change = raw_param(page.http(), "change").parse().map_err(|_| HubError::not_found("There is no such change."))?;
    match undo::undo(&page.app, &admin, change, form.text("as") == "new").await {
        Ok(undone) => {
            let to = match &undone.id {
                Some(id) => history_path(&format!("/{}{id}", admin.repo.repo_type.url_prefix())),
                None => deleted_path(page.require_session()?, admin.repo.namespace_pk, admin.repo.id.namespace()),
            };
            Ok(page.redirect_saying(&to, &undone.said.replace('`', "")))
        }
        Err(error) if error.kind() == ErrorKind::Conflict => {
            let refusal = Refusal::of(error)?;
            let mut shown = history_page(&page, &admin, Listed::All, None).await?;
            shown.instead = beside(&page, &admin, change).await?;
            shown.error = refusal.message_elsewhere(&[]);
            page.show_with(refusal.status, shown).await
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(page.redirect_saying(&history_path(&admin.repo.path()), error.message()))
        }
        Err(error) => Err(error),
    }
}

/// The change itself, if what it was can be put under a name of its own.
async fn beside(page: &PageRequest, admin: &RepoAdmin, change_pk: i64) -> HubResult<Option<i64>> {
    let found = changes::list(&page.app, admin.repo.pk, Listed::All, change_pk.checked_add(1), 1).await?;
    let is_ref = |change: &&Change| {
        change.pk == change_pk && change.is_undoable() && matches!(change.what, What::DeleteRef { .. } | What::ReplaceRef { .. })
    };
    Ok(found.first().filter(is_ref).map(|change| change.pk))
}
