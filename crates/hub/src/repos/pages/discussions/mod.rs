//! The community of a repository: its discussions and pull requests.

mod attachments;
mod comments;
mod conflicts;
mod files;
mod forms;
mod history;
mod new;
mod new_pull;
mod remarks;
mod thread;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::BASES;
use super::context::{header_of, layout_of};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::RepoRead;
use crate::repos::discussions::is_silenced;
use crate::repos::queries::discussions::{Discussion, Filter, Status, are_disabled, count, list};
use crate::web::extract::{Query, raw_param};
use crate::web::filters;
use crate::web::layout::Layout;

/// How many discussions a page shows.
const PAGE_LEN: i64 = 30;
/// The last page there is.
const MAX_PAGE: i64 = 10_000;

/// Mounts them. The forms come before the numbers.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.configure(attachments::routes);
    for base in BASES {
        config
            .route(&format!("{base}/discussions"), crate::web::read().to(show_list))
            .route(&format!("{base}/discussions/new"), crate::web::read().to(new::show_form))
            .route(&format!("{base}/discussions/new"), web::post().to(new::post_form))
            .route(&format!("{base}/discussions/new-pull-request"), crate::web::read().to(new_pull::show_form))
            .route(&format!("{base}/discussions/new-pull-request"), web::post().to(new_pull::post_form))
            .route(&format!("{base}/discussions/{{num}}"), crate::web::read().to(thread::show_thread))
            .route(&format!("{base}/discussions/{{num}}/history/{{comment}}"), crate::web::read().to(history::show_history))
            .route(&format!("{base}/discussions/{{num}}/files"), crate::web::read().to(files::show_files))
            .route(&format!("{base}/discussions/{{num}}/conflicts"), crate::web::read().to(conflicts::show_conflicts))
            .route(&format!("{base}/discussions/{{num}}/conflicts"), web::post().to(conflicts::post_conflicts))
            .route(&format!("{base}/discussions/{{num}}/comment"), web::post().to(forms::post_comment))
            .route(&format!("{base}/discussions/{{num}}/resolve"), web::post().to(forms::post_resolve))
            .route(&format!("{base}/discussions/{{num}}/edit"), web::post().to(forms::post_edit))
            .route(&format!("{base}/discussions/{{num}}/hide"), web::post().to(forms::post_hide))
            .route(&format!("{base}/discussions/{{num}}/show"), web::post().to(forms::post_show))
            .route(&format!("{base}/discussions/{{num}}/react"), web::post().to(forms::post_reaction))
            .route(&format!("{base}/discussions/{{num}}/delete"), web::post().to(forms::post_delete))
            .route(&format!("{base}/discussions/{{num}}/title"), web::post().to(forms::post_title))
            .route(&format!("{base}/discussions/{{num}}/status"), web::post().to(forms::post_status))
            .route(&format!("{base}/discussions/{{num}}/flags"), web::post().to(forms::post_flags))
            .route(&format!("{base}/discussions/{{num}}/merge"), web::post().to(forms::post_merge));
    }
}

/// The number in an address.
fn num_of(request: &HttpRequest) -> HubResult<i64> {
    raw_param(request, "num").parse().map_err(|_| HubError::not_found("There is no such discussion."))
}

/// The list.
#[derive(Debug, Template)]
#[template(path = "repos/discussions/list.html")]
struct ListPage {
    layout: Layout,
    header: RepoHeader,
    /// Open and closed ones.
    states: [ListLink; 2],
    /// All, discussions, pull requests.
    kinds: [ListLink; 3],
    /// What is looked for in titles.
    search: String,
    /// What else the search keeps.
    kept: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    /// Whether there is none at all, whatever is asked for.
    none_at_all: bool,
    /// Whether moderators disabled the repository.
    silenced: bool,
    /// Whether nobody can open one, for this or because its owners turned them off.
    disabled: bool,
    /// Whether pull requests are offered: not to those whom a gated repository has not let in.
    proposes: bool,
    previous: Option<String>,
    next: Option<String>,
}

/// A choice of the list.
#[derive(Debug)]
struct ListLink {
    label: String,
    href: String,
    current: bool,
}

/// A discussion in the list.
#[derive(Debug)]
struct Row {
    num: i64,
    title: String,
    icon: &'static str,
    state: &'static str,
    author: String,
    by_service: bool,
    pinned: bool,
    /// Comments besides the first.
    replies: i64,
    at: DateTime<Utc>,
}

impl Row {
    fn of(row: &Discussion) -> Self {
        Self {
            num: row.num,
            title: row.title.clone(),
            icon: icon_of(row),
            state: label_of(row.status),
            author: author_name(row.author.as_deref()),
            by_service: row.by_service,
            pinned: row.pinned,
            replies: (row.comments - 1).max(0),
            at: row.created_at,
        }
    }
}

const fn label_of(status: Status) -> &'static str {
    match status {
        Status::Draft => "Draft",
        Status::Open => "Open",
        Status::Closed => "Closed",
        Status::Merged => "Merged",
    }
}

fn icon_of(row: &Discussion) -> &'static str {
    if row.is_pull_request() { "git-branch" } else { "message-square-text" }
}

fn author_name(author: Option<&str>) -> String {
    author.unwrap_or("deleted").to_owned()
}

/// What the address asks for.
#[derive(Debug, Clone)]
struct Asked {
    closed: bool,
    kind: &'static str,
    search: String,
}

impl Asked {
    fn of(query: &Query) -> Self {
        let kind = match query.get("type") {
            Some("discussion") => "discussion",
            Some("pull_request") => "pull_request",
            _ => "all",
        };
        let search = query.get("search").unwrap_or_default().trim().to_owned();
        Self { closed: query.get("status") == Some("closed"), kind, search }
    }

    fn filter(&self) -> Filter {
        Filter {
            pull_requests: (self.kind != "all").then_some(self.kind == "pull_request"),
            open: Some(!self.closed),
            author: None,
            search: Some(self.search.clone()).filter(|text| !text.is_empty()),
        }
    }

    fn href(&self, base: &str, page: i64) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in self.kept() {
            query.append_pair(key, &value);
        }
        if !self.search.is_empty() {
            query.append_pair("search", &self.search);
        }
        if page > 0 {
            query.append_pair("p", &page.to_string());
        }
        match query.finish() {
            query if query.is_empty() => format!("{base}/discussions"),
            query => format!("{base}/discussions?{query}"),
        }
    }

    fn kept(&self) -> Vec<(&'static str, String)> {
        let status = self.closed.then(|| ("status", "closed".to_owned()));
        let kind = (self.kind != "all").then(|| ("type", self.kind.to_owned()));
        status.into_iter().chain(kind).collect()
    }
}

async fn show_list(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let asked = Asked::of(&page.query());
    let number = page.query().get("p").and_then(|text| text.parse::<i64>().ok()).unwrap_or(0).clamp(0, MAX_PAGE);
    let pool = &page.app.pool;
    let [open, closed] = [false, true].map(|closed| Asked { closed, ..asked.clone() });
    let counts = [count(pool, read.repo.pk, &open.filter()).await?, count(pool, read.repo.pk, &closed.filter()).await?];
    let found = list(pool, read.repo.pk, &asked.filter(), number * PAGE_LEN, PAGE_LEN).await?;
    let (header, _) = header_of(&page, &read, RepoTab::Community).await?;
    let silenced = is_silenced(&read);
    let base = header.href();
    let total = counts[usize::from(asked.closed)];
    let state = |asked_for: &Asked, label: &str, number: i64| ListLink {
        label: format!("{number} {label}"),
        href: asked_for.href(&base, 0),
        current: asked_for.closed == asked.closed,
    };
    let kind = |kind: &'static str, label: &str| ListLink {
        label: label.to_owned(),
        href: Asked { kind, ..asked.clone() }.href(&base, 0),
        current: kind == asked.kind,
    };
    let shown = ListPage {
        layout: layout_of(&page, &read.repo, "Community"),
        states: [state(&open, "open", counts[0]), state(&closed, "closed", counts[1])],
        kinds: [kind("all", "All"), kind("discussion", "Discussions"), kind("pull_request", "Pull requests")],
        kept: asked.kept(),
        rows: found.iter().map(Row::of).collect(),
        silenced,
        proposes: read.barrier(&page.app).await?.is_none(),
        disabled: silenced || are_disabled(pool, read.repo.pk).await?,
        none_at_all: counts == [0, 0] && asked.search.is_empty() && asked.kind == "all",
        previous: (number > 0).then(|| asked.href(&base, number - 1)),
        next: (total > (number + 1) * PAGE_LEN).then(|| asked.href(&base, number + 1)),
        search: asked.search,
        header,
    };
    page.show(shown).await
}
