//! The files of a folder.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::{LinkContext, SafeHtml};
use hub_git::{CommitInfo, Entry, LogRange, TreeCursor};

use super::context::{Place, View, commit_summary, header_of, layout_of};
use super::media::icon_of;
use super::security::{Shield, known_of, shield_of};
use super::target::{Offer, offer_of};
use super::view::{CommitSummary, Crumb, RepoHeader, RepoTab, RevisionPicker};
use super::{BASES, markdown};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::archive::Format;
use crate::repos::reading::{self, LastCommits};
use crate::repos::{Repo, RepoRead};
use crate::web::filters;
use crate::web::layout::Layout;

/// How many entries a page shows.
const PAGE_LEN: usize = 200;
/// How long a page waits for the last commit of each entry. The search goes on after that, for the next visit.
const HISTORY_PATIENCE: Duration = Duration::from_millis(1500);

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/tree.html")]
pub(super) struct TreePage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// The menu of revisions.
    pub picker: RevisionPicker,
    /// The way here.
    pub crumbs: Vec<Crumb>,
    /// The search for a path.
    pub find_href: String,
    /// What the viewer may do here: change it, or propose to.
    pub actions: Option<FolderActions>,
    /// The whole folder in one file, for those who may download.
    pub archives: Vec<(&'static str, String)>,
    /// The history of this folder.
    pub history_href: String,
    /// The last commit that touched this folder.
    pub latest: Option<CommitSummary>,
    /// The files and folders of this page.
    pub entries: Vec<TreeEntry>,
    /// The folder's README.
    pub readme: Option<SafeHtml>,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

/// What changes a folder.
#[derive(Debug)]
pub(super) struct FolderActions {
    /// Whether it can only be proposed.
    pub proposes: bool,
    /// The form that adds files.
    pub upload_href: String,
    /// The editor of a new file.
    pub new_href: String,
    /// The question before it is deleted; the root is not.
    pub delete_href: Option<String>,
}

/// A file or folder.
#[derive(Debug)]
pub(super) struct TreeEntry {
    /// Its name in this folder.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// The size of a file; a large file's real size.
    pub size_bytes: Option<u64>,
    /// Whether git holds only a pointer to it.
    pub lfs: bool,
    /// Its bytes.
    pub download_href: Option<String>,
    /// The last commit that touched it.
    pub last_commit: Option<CommitSummary>,
    /// What was found in it.
    pub shield: Option<Shield>,
}

impl TreeEntry {
    /// The icon.
    pub(super) fn icon(&self) -> &'static str {
        if self.is_folder { "folder" } else { icon_of(&self.name) }
    }

    /// The classes of the icon.
    pub(super) fn icon_class(&self) -> &'static str {
        if self.is_folder { "icon icon-folder" } else { "icon" }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/tree/{{tail:.*}}"), crate::web::read().to(show_tree));
    }
}

async fn show_tree(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let repo = &read.repo;
    let place = Place::of(&page, repo).await?;
    let entry = reading::get_entry(&page.app, repo, place.commit, &place.path).await?;
    if !entry.is_folder() {
        return Ok(page.redirect(&place.href(View::Blob, &place.path)));
    }
    let (header, _) = header_of(&page, &read, RepoTab::Files).await?;
    let query = page.query();
    let after = query.get("after").and_then(TreeCursor::decode);
    let is_first_page = after.is_none();
    let listed = list_folder(&page, repo, &place, after).await?;
    let commits = last_commits(&page, repo, &place).await;
    let known = known_of(&page, repo, &listed.entries).await?;
    // A gated repository shows its files' names to more people than their bytes.
    let barrier = read.barrier(&page.app).await?;
    let readme = match listed.entries.iter().find(|entry| entry.name().eq_ignore_ascii_case("README.md")) {
        // At the root the card's own tab shows it.
        Some(entry) if !place.path.is_empty() && barrier.is_none() => readme(&page, repo, &place, entry).await?,
        _ => None,
    };
    let href = place.href(View::Tree, &place.path);
    let title = if place.path.is_empty() { "Files" } else { &place.path };
    let shown = TreePage {
        layout: layout_of(&page, repo, title),
        picker: place.picker(&page, repo, View::Tree).await?,
        crumbs: place.crumbs(repo.id.name(), View::Tree),
        find_href: place.href(View::Find, ""),
        actions: offer_of(&page, &read, &place.revision).await?.map(|offer| FolderActions {
            proposes: offer == Offer::Propose,
            upload_href: place.href(View::Upload, &place.path),
            new_href: place.href(View::New, &place.path),
            delete_href: (!place.path.is_empty()).then(|| place.href(View::Delete, &place.path)),
        }),
        archives: if barrier.is_none() { archives(&place) } else { Vec::new() },
        history_href: place.href(View::Commits, &place.path),
        latest: latest_commit(&page, repo, &place).await?.map(|info| commit_summary(repo, &info)),
        entries: listed
            .entries
            .iter()
            .map(|entry| TreeEntry { shield: shield_of(&known, entry), ..tree_entry(repo, &place, entry, commits.as_deref()) })
            .collect(),
        readme,
        previous: (!is_first_page).then(|| href.clone()),
        next: listed.next.map(|next| format!("{href}?after={}", next.encode())),
        header,
    };
    page.show(shown).await
}

fn archives(place: &Place) -> Vec<(&'static str, String)> {
    Format::ALL.map(|format| (format.ending(), place.archive_href(format))).into()
}

async fn list_folder(page: &PageRequest, repo: &Repo, place: &Place, after: Option<TreeCursor>) -> HubResult<hub_git::Page> {
    let (commit, path) = (place.commit, place.path.clone());
    reading::read(&page.app, repo, move |reader| reader.list_folder(commit, &path, after.as_ref(), PAGE_LEN)).await
}

/// The last commits, unless finding them takes long: then the page is shown without.
async fn last_commits(page: &PageRequest, repo: &Repo, place: &Place) -> Option<Arc<LastCommits>> {
    let (app, repo, commit, path) = (page.app.clone(), repo.clone(), place.commit, place.path.clone());
    let search = tokio::spawn(async move { reading::last_commits(&app, &repo, commit, &path).await });
    match tokio::time::timeout(HISTORY_PATIENCE, search).await {
        Ok(Ok(Ok(found))) => Some(found),
        Ok(Ok(Err(error))) => {
            tracing::warn!(repo.id = %error, "the last commits of a folder were not found");
            None
        }
        Ok(Err(_)) | Err(_) => None,
    }
}

/// The last commit that changed this place.
pub(super) async fn latest_commit(page: &PageRequest, repo: &Repo, place: &Place) -> HubResult<Option<Arc<CommitInfo>>> {
    if place.path.is_empty() {
        return Ok(Some(reading::commit(&page.app, repo, place.commit).await?));
    }
    let (commit, path) = (place.commit, place.path.clone());
    let search =
        reading::read(&page.app, repo, move |reader| reader.log(commit, LogRange { skip: 0, limit: 1, path: Some(&path) }));
    match tokio::time::timeout(HISTORY_PATIENCE, search).await {
        Ok(found) => Ok(found?.into_iter().next().map(Arc::new)),
        Err(_) => Ok(None),
    }
}

async fn readme(page: &PageRequest, repo: &Repo, place: &Place, entry: &Entry) -> HubResult<Option<SafeHtml>> {
    if entry.lfs.is_some() {
        return Ok(None);
    }
    let context = LinkContext::new(repo.repo_type, &repo.id, &place.revision, &place.path).of_hub(page.base.as_str());
    let card = markdown::render(page, repo, entry.oid, context, &format!("{}/{}", place.revision, place.path)).await?;
    Ok(card.map(|card| card.html.clone()))
}

fn tree_entry(repo: &Repo, place: &Place, entry: &Entry, commits: Option<&LastCommits>) -> TreeEntry {
    let is_folder = entry.is_folder();
    let last_commit = commits.and_then(|commits| commits.get(entry.name()));
    TreeEntry {
        name: entry.name().to_owned(),
        href: place.href(if is_folder { View::Tree } else { View::Blob }, &entry.path),
        is_folder,
        size_bytes: (!is_folder).then_some(entry.size),
        lfs: entry.lfs.is_some(),
        download_href: (!is_folder).then(|| format!("{}?download=true", place.href(View::Resolve, &entry.path))),
        last_commit: last_commit.map(|info| commit_summary(repo, info)),
        shield: None,
    }
}
