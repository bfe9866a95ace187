//! One file.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::notebook::Notebook;
use hub_cards::{SafeHtml, Table};
use hub_git::{Entry, EntryKind};

use super::BASES;
use super::context::{Place, View, commit_summary, header_of, layout_of};
use super::conversion::{self, ConversionPanel, Stage};
use super::file_editor::MAX_TEXT_BYTES;
use super::parquet::ParquetView;
use super::preview::{self, Shown, Side};
use super::security::{Security, security_of};
use super::target::{Offer, offer_of};
use super::tensors::{WeightsView, has_tensors};
use super::tree::latest_commit;
use super::view::{CommitSummary, Crumb, RepoHeader, RepoTab, RevisionPicker};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::recalls;
use crate::recalls::category::Category;
use crate::repos::access::RepoContent;
use crate::repos::{Repo, reading};
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/blob.html")]
pub(super) struct BlobPage {
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
    /// The last commit that touched the file.
    pub latest: Option<CommitSummary>,
    /// The file's name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its size; a large file's real size.
    pub size_bytes: u64,
    /// How many lines are shown.
    pub line_count: Option<usize>,
    /// Where it is shown rendered.
    pub preview_href: Option<String>,
    /// Where its source is shown.
    pub source_href: Option<String>,
    /// Where its tensors are listed.
    pub tensors_href: Option<String>,
    /// Its text as it is.
    pub raw_href: String,
    /// Its bytes.
    pub download_href: String,
    /// Its history.
    pub history_href: String,
    /// What the viewer may do with it: change it, or propose to.
    pub actions: Option<FileActions>,
    /// For a large file: what the pointer says.
    pub lfs: Option<LfsPointerInfo>,
    /// What was found in it.
    pub security: Option<Security>,
    /// Whether it could be safetensors.
    pub conversion: Option<ConversionPanel>,
    /// Its recall.
    pub recall: Option<FileRecall>,
    /// The form that recalls it, for those who may.
    pub recall_href: Option<String>,
    /// The content.
    pub view: FileView,
}

/// The recall of a file.
#[derive(Debug)]
pub(super) struct FileRecall {
    /// Its page.
    pub href: String,
    /// What is wrong.
    pub category: Category,
    /// What to use instead.
    pub instead: Option<String>,
}

/// What changes a file.
#[derive(Debug)]
pub(super) struct FileActions {
    /// Whether it can only be proposed.
    pub proposes: bool,
    /// The editor, for texts that fit in it.
    pub edit_href: Option<String>,
    /// The form that moves it.
    pub move_href: String,
    /// The question before it is deleted.
    pub delete_href: String,
}

/// How a file is shown.
#[derive(Debug)]
pub(super) enum FileView {
    /// Lines of highlighted text.
    Code {
        /// The lines.
        lines: Vec<SafeHtml>,
        /// Whether more follow that are not shown.
        truncated: bool,
    },
    /// Rendered Markdown.
    Markdown(SafeHtml),
    /// The first rows of a table.
    Table(Table),
    /// The cells of a notebook.
    Notebook(Notebook),
    /// The header of a weight file.
    Weights(WeightsView),
    /// The columns and the first rows of a Parquet file.
    Parquet(ParquetView),
    /// A picture at this address.
    Image(String),
    /// A sound at this address.
    Audio(String),
    /// A film at this address.
    Video(String),
    /// A PDF at this address, for the browser's own viewer.
    Pdf(String),
    /// Not at all, and why.
    Note(String),
    /// Not at all: it was recalled.
    Recalled,
}

/// What git holds in the place of a large file.
#[derive(Debug)]
pub(super) struct LfsPointerInfo {
    /// The SHA-256 of the bytes.
    pub sha256: String,
    /// Their number.
    pub size_bytes: u64,
    /// The size of the pointer.
    pub pointer_size_bytes: u64,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/blob/{{tail:.*}}"), crate::web::read().to(show_blob));
    }
}

async fn show_blob(page: PageRequest, content: RepoContent) -> HubResult<HttpResponse> {
    let repo = &content.repo;
    let place = Place::of(&page, repo).await?;
    let entry = reading::get_entry(&page.app, repo, place.commit, &place.path).await?;
    if entry.is_folder() {
        return Ok(page.redirect(&place.href(View::Tree, &place.path)));
    }
    if entry.kind == EntryKind::Submodule {
        return Err(HubError::not_found("This is a submodule: its files are in another repository, which `.gitmodules` names."));
    }
    let (mut header, _) = header_of(&page, &content, RepoTab::Files).await?;
    let security = security_of(&page, repo, &place, &entry).await?;
    if security.as_ref().is_some_and(|security| security.warning.is_some()) {
        // The page says it of the file itself.
        header.warning = None;
    }
    let plain = page.query().flag("plain");
    let standing = match Content::of(&entry) {
        Some(content) => recalls::find(&page.app, repo.pk, content).await?,
        None => None,
    };
    let found = match &standing {
        Some(_) => Shown { view: FileView::Recalled, line_count: None, side: Side::Only },
        None => preview::of(&page, repo, &place, &entry, plain).await?,
    };
    // The page says it of the file itself.
    header.recall = header.recall.filter(|_| standing.is_none());
    let href = place.href(View::Blob, &place.path);
    let shown = BlobPage {
        layout: layout_of(&page, repo, entry.name()),
        picker: place.picker(&page, repo, View::Blob).await?,
        crumbs: place.crumbs(repo.id.name(), View::Tree),
        find_href: place.href(View::Find, ""),
        latest: latest_commit(&page, repo, &place).await?.map(|info| commit_summary(repo, &info)),
        name: entry.name().to_owned(),
        path: place.path.clone(),
        size_bytes: entry.size,
        line_count: found.line_count,
        preview_href: (found.side == Side::Source).then(|| href.clone()),
        source_href: (found.side == Side::Rendering).then(|| format!("{href}?plain=1")),
        tensors_href: (standing.is_none() && has_tensors(&place.path)).then(|| place.href(View::Tensors, &place.path)),
        raw_href: place.href(View::Raw, &place.path),
        download_href: format!("{}?download=true", place.href(View::Resolve, &place.path)),
        history_href: place.href(View::Commits, &place.path),
        actions: offer_of(&page, &content, &place.revision).await?.map(|offer| FileActions {
            proposes: offer == Offer::Propose,
            edit_href: can_edit(&entry, &found.view).then(|| place.href(View::Edit, &place.path)),
            move_href: place.href(View::Move, &place.path),
            delete_href: place.href(View::Delete, &place.path),
        }),
        lfs: entry.lfs.as_ref().map(|pointer| LfsPointerInfo {
            sha256: pointer.oid.to_hex(),
            size_bytes: pointer.size,
            pointer_size_bytes: pointer.pointer_size,
        }),
        conversion: conversion::panel_of(&page, &content, &place, security.as_ref()).await?,
        security,
        recall_href: recall_href(&page, repo, &place).filter(|_| standing.is_none()),
        recall: standing.map(|standing| FileRecall {
            href: standing.path(),
            category: standing.category(),
            instead: standing.instead(),
        }),
        view: found.view,
        header,
    };
    page.show(shown).await
}

/// The form that recalls a file, for those who may: in a browser.
fn recall_href(page: &PageRequest, repo: &Repo, place: &Place) -> Option<String> {
    page.require_session().ok()?;
    if recalls::open::scopes(&page.viewer, Some(repo)).is_empty() {
        return None;
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("repo", repo.path().trim_start_matches('/'));
    query.append_pair("revision", &place.revision).append_pair("files", &place.path);
    Some(format!("/recalls/new?{}", query.finish()))
}

/// Whether a file is a text that the editor takes. What is shown as no text hardly is one.
fn can_edit(entry: &Entry, view: &FileView) -> bool {
    let is_text = matches!(view, FileView::Code { .. } | FileView::Markdown(_) | FileView::Table(_) | FileView::Notebook(_));
    is_text && entry.kind == EntryKind::File && entry.lfs.is_none() && entry.size <= MAX_TEXT_BYTES as u64
}
