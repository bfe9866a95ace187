//! The history of a revision or of a path.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_git::{CommitInfo, EntryKind, LogRange};

use super::BASES;
use super::context::{Place, View, commit_summary, header_of, layout_of, time_of};
use super::target::offer_of;
use super::view::{CommitSummary, Crumb, RepoHeader, RepoTab, RevisionPicker};
use crate::accounts::page::PageRequest;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::{Repo, RepoRead, reading};
use crate::ssh::signatures::{self, Signature};
use crate::web::atom::{Feed, FeedEntry};
use crate::web::filters;
use crate::web::layout::Layout;

/// How many commits a page shows.
const PAGE_LEN: usize = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/commits.html")]
pub(super) struct CommitsPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// The menu of revisions.
    pub picker: RevisionPicker,
    /// The way here.
    pub crumbs: Vec<Crumb>,
    /// The commits by day.
    pub days: Vec<CommitDay>,
    /// The file or folder whose history it is; empty for all of it.
    pub path: String,
    /// Newer commits.
    pub previous: Option<String>,
    /// Older commits.
    pub next: Option<String>,
}

/// The commits of one day.
#[derive(Debug)]
pub(super) struct CommitDay {
    /// The date.
    pub label: String,
    /// The commits.
    pub commits: Vec<CommitSummary>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/commits.atom"), crate::web::read().to(show_feed))
            .route(&format!("{base}/commits/{{tail:.*}}"), crate::web::read().to(show_commits));
    }
}

async fn show_commits(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let repo = &read.repo;
    let place = Place::of(&page, repo).await?;
    let (header, _) = header_of(&page, &read, RepoTab::Files).await?;
    let number = page.query().number("p")?.unwrap_or(0).min(1_000_000);
    let skip = usize::try_from(number).unwrap_or(0).saturating_mul(PAGE_LEN);
    let (commit, path) = (place.commit, place.path.clone());
    let mut commits = reading::read(&page.app, repo, move |reader| {
        let path = (!path.is_empty()).then_some(path.as_str());
        reader.log(commit, LogRange { skip, limit: PAGE_LEN + 1, path })
    })
    .await?;
    let more = commits.len() > PAGE_LEN;
    commits.truncate(PAGE_LEN);
    let href = place.href(View::Commits, &place.path);
    let numbered = |number: u64| if number == 0 { href.clone() } else { format!("{href}?p={number}") };
    let shown = CommitsPage {
        layout: layout_of(&page, repo, "History"),
        picker: place.picker(&page, repo, View::Commits).await?,
        crumbs: place.crumbs(repo.id.name(), View::Tree),
        days: days_of_path(&page, &read, &place, &commits).await?,
        path: place.path.clone(),
        previous: number.checked_sub(1).map(&numbered),
        next: more.then(|| numbered(number + 1)),
        header,
    };
    page.show(shown).await
}

/// The history of a path leads to the path as it was then, and those who may change the branch, or propose to, to its return.
async fn days_of_path(page: &PageRequest, read: &RepoRead, place: &Place, commits: &[CommitInfo]) -> HubResult<Vec<CommitDay>> {
    let mut days = by_day(&read.repo, commits);
    add_signatures(&page.app, &read.repo, &mut days, commits).await?;
    if place.path.is_empty() {
        return Ok(days);
    }
    let is_file = match reading::entry(&page.app, &read.repo, place.commit, &place.path).await? {
        Some(entry) => entry.kind == EntryKind::File,
        None => was_file(page, read, place, commits).await?,
    };
    let may_restore = is_file && offer_of(page, read, &place.revision).await?.is_some();
    let restore = place.href(View::Restore, &place.path);
    for commit in days.iter_mut().flat_map(|day| &mut day.commits) {
        // A folder's page sends on from here to its files.
        commit.tree_href = place.href_at(&commit.oid, View::Blob, &place.path);
        commit.restore_href = may_restore.then(|| format!("{restore}?from={}", commit.oid));
    }
    Ok(days)
}

/// Whether what is there no longer was a file when it was there last.
async fn was_file(page: &PageRequest, read: &RepoRead, place: &Place, commits: &[CommitInfo]) -> HubResult<bool> {
    for commit in commits {
        if let Some(entry) = reading::entry(&page.app, &read.repo, commit.oid, &place.path).await? {
            return Ok(entry.kind == EntryKind::File);
        }
    }
    Ok(true)
}

/// Says which commits are signed.
async fn add_signatures(app: &App, repo: &Repo, days: &mut [CommitDay], commits: &[CommitInfo]) -> HubResult<()> {
    let signatures = signatures::of_commits(app, repo, commits.iter().map(|commit| commit.oid).collect()).await?;
    if signatures.is_empty() {
        return Ok(());
    }
    let signatures: HashMap<String, Signature> =
        signatures.into_iter().map(|(oid, signature)| (oid.to_hex(), signature)).collect();
    for commit in days.iter_mut().flat_map(|day| &mut day.commits) {
        commit.signature = signatures.get(&commit.oid).cloned();
    }
    Ok(())
}

/// The last commits of the default branch as an Atom feed.
async fn show_feed(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let repo = &read.repo;
    let commits = match repo.head_oid {
        Some(head) => {
            reading::read(&page.app, repo, move |reader| reader.log(head, LogRange { skip: 0, limit: PAGE_LEN, path: None }))
                .await?
        }
        None => Vec::new(),
    };
    let entries = commits.iter().map(|info| {
        let commit = commit_summary(repo, info);
        FeedEntry {
            title: commit.title,
            href: page.base.join(&commit.href),
            tag: String::new(),
            author: commit.author,
            at: commit.at,
        }
    });
    let feed = Feed {
        title: format!("Commits to {}", repo.id),
        href: page.base.join(&format!("{}/commits.atom", repo.path())),
        page: page.base.join(&repo.path()),
        entries: entries.collect(),
    };
    Ok(feed.respond())
}

/// Puts commits, newest first, under their days.
pub(super) fn by_day(repo: &Repo, commits: &[CommitInfo]) -> Vec<CommitDay> {
    let mut days: Vec<CommitDay> = Vec::new();
    for info in commits {
        let label = time_of(info).format("%-d %B %Y").to_string();
        match days.last_mut() {
            Some(day) if day.label == label => day.commits.push(commit_summary(repo, info)),
            _ => days.push(CommitDay { label, commits: vec![commit_summary(repo, info)] }),
        }
    }
    days
}
