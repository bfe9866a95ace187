//! `/notifications`: what somebody was told, and the buttons that say it is read.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use hub_types::RepoType;

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::notifications::Reason;
use crate::notifications::queries::inbox::{self, Filter, NotificationRow, ToldRepoRow};
use crate::web::cursor::{TimeCursor, cut, one_more, time_of};
use crate::web::extract::Query;
use crate::web::filters;
use crate::web::layout::{Layout, kind_icon};

const PATH: &str = "/notifications";
/// How many a page shows.
const PAGE_LEN: usize = 30;
/// How many repositories the page offers to narrow by.
const MAX_REPOS: i64 = 12;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(PATH, crate::web::read().to(show_inbox))
        .route(PATH, web::post().to(post_read))
        .route("/notifications/{pk}", crate::web::read().to(follow));
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "notifications/inbox.html")]
struct InboxPage {
    layout: Layout,
    /// Unread ones and all.
    states: [InboxLink; 2],
    /// For any reason, or one.
    reasons: Vec<InboxLink>,
    /// The repositories of which there are most, and the one that is chosen.
    repos: Vec<InboxLink>,
    items: Vec<Item>,
    /// Whether anything narrows the list besides that it is not read.
    narrowed: bool,
    unread_only: bool,
    /// What the forms send of the address.
    kept: Vec<(&'static str, String)>,
    /// Up to when all that is here was there.
    until: i64,
    first: Option<String>,
    next: Option<String>,
}

/// A choice of the list.
#[derive(Debug)]
struct InboxLink {
    label: String,
    icon: &'static str,
    href: String,
    current: bool,
}

/// A notification, ready to print.
#[derive(Debug)]
struct Item {
    pk: i64,
    icon: &'static str,
    repo: String,
    heading: String,
    happened: String,
    href: String,
    reason: &'static str,
    unread: bool,
    /// `Draft`, `Closed` or `Merged`, unless it is open.
    state: &'static str,
    at: DateTime<Utc>,
}

impl Item {
    fn of(row: &NotificationRow) -> Self {
        let icon = match (row.discussion_pk, row.is_pull_request, row.repo_type) {
            _ if row.recall_pk.is_some() => "circle-alert",
            (None, _, Some(repo_type)) => kind_icon(repo_type),
            (None, _, None) => "users",
            (_, true, _) => "git-branch",
            (_, false, _) => "message-square-text",
        };
        let state = match row.status.as_deref() {
            Some("draft") => "Draft",
            Some("closed") => "Closed",
            Some("merged") => "Merged",
            _ => "",
        };
        Self {
            pk: row.notification_pk,
            icon,
            repo: row.subject(),
            heading: row.heading(),
            happened: row.happened(),
            // What is about no discussion is read when it is followed from here.
            href: if row.discussion_pk.is_some() { row.href() } else { format!("{PATH}/{}", row.notification_pk) },
            reason: row.reason_label(),
            unread: row.unread,
            state,
            at: row.updated_at,
        }
    }
}

/// What the address asks for.
#[derive(Debug, Clone, Default)]
struct Asked {
    all: bool,
    reason: Option<Reason>,
    /// `models/ada/bert`.
    repo: String,
}

impl Asked {
    fn of(query: &Query) -> Self {
        let repo = query.get("repo").unwrap_or_default().trim();
        Self {
            all: query.get("show") == Some("all"),
            reason: query.get("reason").and_then(Reason::parse),
            repo: if repo_of(repo).is_some() { repo.to_owned() } else { String::new() },
        }
    }

    fn filter(&self) -> Filter {
        Filter { all: self.all, reason: self.reason, repo: repo_of(&self.repo) }
    }

    fn kept(&self) -> Vec<(&'static str, String)> {
        let show = self.all.then(|| ("show", "all".to_owned()));
        let reason = self.reason.map(|reason| ("reason", reason.as_str().to_owned()));
        let repo = (!self.repo.is_empty()).then(|| ("repo", self.repo.clone()));
        show.into_iter().chain(reason).chain(repo).collect()
    }

    fn href(&self, after: Option<TimeCursor>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in self.kept() {
            query.append_pair(key, &value);
        }
        if let Some(after) = after {
            query.append_pair("after", &after.encode());
        }
        match query.finish() {
            query if query.is_empty() => PATH.to_owned(),
            query => format!("{PATH}?{query}"),
        }
    }
}

/// Reads `models/ada/bert`: the type, and the id in lower case.
fn repo_of(text: &str) -> Option<(RepoType, String)> {
    let (plural, id) = text.split_once('/')?;
    let valid = id.parse::<hub_types::RepoId>().is_ok();
    RepoType::from_plural(plural).filter(|_| valid).map(|repo_type| (repo_type, id.to_ascii_lowercase()))
}

async fn show_inbox(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let query = page.query();
    let asked = Asked::of(&query);
    let after = TimeCursor::read(&query, "after")?;
    let (pool, namespaces) = (&page.app.pool, user.audiences());
    let until = crate::clock::now();
    let mut rows = inbox::list(pool, user.pk, &namespaces, &asked.filter(), after, one_more(PAGE_LEN)).await?;
    let next = cut(&mut rows, PAGE_LEN, |row| TimeCursor { at: row.updated_at, pk: row.notification_pk });
    let repos = inbox::list_repos(pool, user.pk, &namespaces, asked.all, MAX_REPOS).await?;
    let state = |all: bool, label: &str| InboxLink {
        label: label.to_owned(),
        icon: "",
        href: Asked { all, ..asked.clone() }.href(None),
        current: asked.all == all,
    };
    let reason = |reason: Option<Reason>| InboxLink {
        label: reason.map_or("Any reason", Reason::label).to_owned(),
        icon: "",
        href: Asked { reason, ..asked.clone() }.href(None),
        current: asked.reason == reason,
    };
    let shown = InboxPage {
        layout: page.layout("Notifications"),
        states: [state(false, "Unread"), state(true, "All")],
        reasons: [None].into_iter().chain(Reason::EVERY.map(Some)).map(reason).collect(),
        repos: repo_links(&asked, &repos),
        items: rows.iter().map(Item::of).collect(),
        narrowed: asked.reason.is_some() || !asked.repo.is_empty(),
        unread_only: !asked.all,
        kept: asked.kept(),
        until: until.timestamp_micros(),
        first: query.get("after").map(|_| asked.href(None)),
        next: next.map(|next| asked.href(Some(next))),
    };
    page.show(shown).await
}

/// The one that is chosen leads away from it.
fn repo_links(asked: &Asked, repos: &[ToldRepoRow]) -> Vec<InboxLink> {
    let chosen = repo_of(&asked.repo);
    let mut links: Vec<InboxLink> = Vec::new();
    for row in repos {
        let id = format!("{}/{}", row.namespace, row.name);
        let current = chosen == Some((row.repo_type, id.to_ascii_lowercase()));
        let repo = if current { String::new() } else { format!("{}/{id}", row.repo_type.plural()) };
        let href = Asked { repo, ..asked.clone() }.href(None);
        links.push(InboxLink { label: format!("{id} · {}", row.count), icon: kind_icon(row.repo_type), href, current });
    }
    if let Some((repo_type, id)) = chosen.filter(|_| !links.iter().any(|link| link.current)) {
        let href = Asked { repo: String::new(), ..asked.clone() }.href(None);
        links.push(InboxLink { label: id, icon: kind_icon(repo_type), href, current: true });
    }
    links
}

/// Leads to what a notification is about, which is read by that.
async fn follow(page: PageRequest, path: web::Path<i64>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let pk = path.into_inner();
    let found = inbox::find(&page.app.pool, user.pk, &user.audiences(), pk).await?;
    let missing = || HubError::not_found("There is no such notification, or you may not see any more what it is about.");
    let row = found.ok_or_else(missing)?;
    inbox::mark_read(&page.app.pool, user.pk, &[pk]).await?;
    Ok(page.redirect(&row.href()))
}

/// `do` is the button: `some` marks what is ticked, `all` what the list shows and was there when it was shown.
async fn post_read(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let asked = Asked::of(form.fields());
    let pool = &page.app.pool;
    let marked = match form.text("do") {
        "all" => {
            let until = form.text("until").parse().ok().and_then(time_of).unwrap_or_else(crate::clock::now);
            inbox::mark_all_read(pool, user.pk, &asked.filter(), until).await?
        }
        "some" => {
            let keys: Vec<i64> = form.fields().all("pk").filter_map(|pk| pk.parse().ok()).take(PAGE_LEN).collect();
            inbox::mark_read(pool, user.pk, &keys).await?
        }
        _ => return Err(HubError::bad_request("Press the button again.")),
    };
    let text = match marked {
        0 => "Nothing was marked: tick what you have read.".to_owned(),
        1 => "1 notification is marked as read.".to_owned(),
        more => format!("{more} notifications are marked as read."),
    };
    Ok(page.redirect_saying(&asked.href(None), &text))
}
