//! `/admin/repositories`: all repositories, and those that were deleted and can come back.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use hub_types::RepoType;
use serde_json::json;

use super::frame::{ConsoleNavigation, Place, note, pattern, require_admin, require_proof, require_reason, search_text};
use super::queries::lists::{self, RepoRow, ReposWanted};
use crate::accounts::audit;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::settings::find_profile;
use crate::error::{HubError, HubResult};
use crate::repos::changes::{deleted, undoable_since};
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::form::{Choice, Field};
use crate::web::layout::{Layout, kind_title};

/// Repositories of a page.
const PAGE_LEN: usize = 50;
const PATH: &str = "/admin/repositories";
/// No namespace has this key.
const NOBODY: i64 = -1;

/// The page.
#[derive(Debug, Template)]
#[template(path = "console/repositories.html")]
struct RepositoriesPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// What is looked for.
    search: Field,
    /// Of which kind.
    kind: Field,
    /// The kinds.
    kinds: Vec<Choice>,
    /// Which list.
    list: Field,
    /// The lists.
    lists: Vec<Choice>,
    /// The list shown.
    which: List,
    /// The repositories.
    rows: Vec<RepoItem>,
    /// Why something is restored.
    reason: Field,
    /// For how many days a deleted one can come back.
    days: u64,
    /// The first page.
    previous: Option<String>,
    /// The page after.
    next: Option<String>,
}

/// A repository.
#[derive(Debug)]
struct RepoItem {
    row: RepoRow,
    /// Its address.
    path: String,
    /// Until when it can come back.
    until: Option<DateTime<Utc>>,
}

impl RepoItem {
    /// What scanning found.
    fn scan(&self) -> (&'static str, String) {
        match (self.row.unsafe_files, self.row.issues) {
            (None, _) | (_, None) => ("", "Not scanned".to_owned()),
            (Some(0), Some(0)) => ("badge-accent", "Nothing found".to_owned()),
            (Some(0), Some(issues)) => ("badge-warning", format!("{issues} suspicious")),
            (Some(bad), _) => ("badge-danger", format!("{bad} unsafe")),
        }
    }
}

/// Which repositories, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Newest,
    Largest,
    Disabled,
    Deleted,
}

impl List {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Newest, "newest", "Newest first"),
        (Self::Largest, "largest", "Largest first"),
        (Self::Disabled, "disabled", "Disabled by moderators"),
        (Self::Deleted, "deleted", "Deleted, and can be restored"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(list, ..)| *list == self).map_or("", |(_, word, _)| word)
    }

    fn is_deleted(self) -> bool {
        self == Self::Deleted
    }
}

/// What was asked for.
#[derive(Debug)]
struct Asked {
    search: String,
    kind: Option<RepoType>,
    list: List,
    after: Option<Place>,
}

impl Asked {
    fn read(page: &PageRequest) -> HubResult<Self> {
        let query = page.query();
        let kind = query.get("kind").map(|word| RepoType::EVERY.into_iter().find(|kind| kind.as_str() == word));
        let kind = kind.map(|kind| kind.ok_or_else(|| HubError::bad_request("Choose one of the kinds of repositories.")));
        let word = query.get("list").unwrap_or("newest");
        let list = List::ALL.into_iter().find(|(_, name, _)| *name == word).map(|(list, ..)| list);
        let list = list.ok_or_else(|| HubError::bad_request("`list` must be newest, largest, disabled or deleted."))?;
        Ok(Self { search: search_text(&query), kind: kind.transpose()?, list, after: Place::read(&query)? })
    }

    fn address(&self, after: Option<Place>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("list", self.list.word());
        if !self.search.is_empty() {
            query.append_pair("q", &self.search);
        }
        if let Some(kind) = self.kind {
            query.append_pair("kind", kind.as_str());
        }
        if let Some(place) = after {
            query.append_pair("after", &place.encode());
        }
        format!("{PATH}?{}", query.finish())
    }

    /// The rows in order: `acme/bert` looks for a name among those of an owner.
    async fn find(&self, page: &PageRequest) -> HubResult<Vec<Place>> {
        let pool = &page.app.pool;
        let (owner, name) = match self.search.split_once('/') {
            Some((owner, name)) => (Some(owner), name),
            None => (None, self.search.as_str()),
        };
        let owner = match owner {
            Some(owner) => Some(find_profile(pool, owner).await?.map_or(NOBODY, |found| found.namespace_pk)),
            None => None,
        };
        let pattern = pattern(name);
        let wanted = ReposWanted {
            kind: self.kind,
            owner,
            pattern: Some(pattern.as_str()).filter(|_| !name.is_empty()),
            after: self.after.unwrap_or(Place::START),
            limit: one_more(PAGE_LEN),
        };
        let is_filtered = owner.is_some() || wanted.pattern.is_some();
        Ok(match self.list {
            List::Newest | List::Largest if is_filtered => lists::find_repos(pool, wanted, self.list == List::Largest).await?,
            List::Newest => match self.kind {
                None => lists::list_newest_repos(pool, wanted).await?,
                Some(kind) => lists::list_newest_of_kind(pool, kind, wanted).await?,
            },
            List::Largest => match self.kind {
                None => lists::list_largest_repos(pool, wanted).await?,
                Some(kind) => lists::list_largest_of_kind(pool, kind, wanted).await?,
            },
            List::Disabled => lists::list_disabled_repos(pool, wanted).await?,
            List::Deleted => lists::list_deleted_repos(pool, undoable_since(&page.app), wanted).await?,
        })
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/admin/repositories", crate::web::read().to(show)).route("/admin/repositories", web::post().to(post_restore));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let asked = Asked::read(&page)?;
    let mut keys = asked.find(&page).await?;
    let more = keys.len() > PAGE_LEN;
    keys.truncate(PAGE_LEN);
    let last = keys.last().copied().filter(|_| more);
    let pks: Vec<i64> = keys.iter().map(|place| place.pk).collect();
    let rows = lists::load_repos(&page.app.pool, &pks).await?;
    let item = |row: RepoRow| RepoItem {
        path: format!("/{}{}/{}", row.kind.url_prefix(), row.owner, row.name),
        until: row.deleted_at.map(|at| deleted::restorable_until(&page.app, at)),
        row,
    };
    let chosen = asked.kind.map_or("", RepoType::as_str);
    let kinds = RepoType::EVERY.into_iter().map(|kind| Choice::new(kind.as_str(), kind_title(kind), chosen));
    let shown = RepositoriesPage {
        layout: page.layout("Repositories"),
        navigation: ConsoleNavigation::new(PATH),
        kind: Field::new("kind", "Kind"),
        kinds: std::iter::once(Choice::new("", "All kinds", chosen)).chain(kinds).collect(),
        list: Field::new("list", "Which"),
        lists: List::ALL.into_iter().map(|(_, word, label)| Choice::new(word, label, asked.list.word())).collect(),
        which: asked.list,
        rows: rows.into_iter().map(item).collect(),
        reason: Field::new("reason", "Why").hint("The audit log keeps it, and the owner can read it there."),
        days: page.app.config.undo_days,
        previous: asked.after.map(|_| asked.address(None)),
        next: last.map(|place| asked.address(Some(place))),
        search: Field::new("q", "Name, or owner/name").value(asked.search),
    };
    page.show(shown).await
}

/// Brings a deleted repository back under its name.
async fn post_restore(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    require_proof(&page, "/admin/repositories?list=deleted").await?;
    let reason = require_reason(&form)?;
    let app = &page.app;
    let admin = deleted::find(app, &page.viewer, form.text("restore")).await?;
    let (repo, id) = (&admin.repo, admin.repo.id.clone());
    let mut tx = audit::begin(app).await?;
    deleted::restore_as(app, &mut tx, &admin, &id).await?;
    let subject = format!("{}{id}", repo.repo_type.url_prefix());
    note(&mut tx, repo.namespace_pk, "admin.restore_repo", &subject, reason, json!({})).await?;
    tx.commit().await?;
    app.search.wake();
    Ok(page.redirect_saying(&format!("/{subject}"), &format!("{id} is back, with all that it had.")))
}
