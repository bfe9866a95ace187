//! One file.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::notebook::Notebook;
use hub_cards::{SafeHtml, Table};
use hub_git::{Entry, EntryKind};

use super::BASES;
use super::branch_files::may_change;
use super::context::{Place, View, commit_summary, header_of, layout_of};
use super::conversion::{self, ConversionPanel, Stage};
use super::file_editor::MAX_TEXT_BYTES;
use super::parquet::ParquetView;
use super::preview::{self, Side};
use super::security::{Security, security_of};
use super::tensors::{WeightsView, has_tensors};
use super::tree::latest_commit;
use super::view::{CommitSummary, Crumb, RepoHeader, RepoTab, RevisionPicker};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoContent;
use crate::repos::reading;
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
    /// What those may do with it who may write.
    pub actions: Option<FileActions>,
    /// For a large file: what the pointer says.
    pub lfs: Option<LfsPointerInfo>,
    /// What was found in it.
    pub security: Option<Security>,
    /// Whether it could be safetensors.
    pub conversion: Option<ConversionPanel>,
    /// The content.
    pub view: FileView,
}

/// What changes a file.
#[derive(Debug)]
pub(super) struct FileActions {
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
    let found = preview::of(&page, repo, &place, &entry, plain).await?;
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
        tensors_href: has_tensors(&place.path).then(|| place.href(View::Tensors, &place.path)),
        raw_href: place.href(View::Raw, &place.path),
        download_href: format!("{}?download=true", place.href(View::Resolve, &place.path)),
        history_href: place.href(View::Commits, &place.path),
        actions: may_change(&page, &content, &place).await?.then(|| FileActions {
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
        view: found.view,
        header,
    };
    page.show(shown).await
}

/// Whether a file is a text that the editor takes. What is shown as no text hardly is one.
fn can_edit(entry: &Entry, view: &FileView) -> bool {
    let is_text = matches!(view, FileView::Code { .. } | FileView::Markdown(_) | FileView::Table(_) | FileView::Notebook(_));
    is_text && entry.kind == EntryKind::File && entry.lfs.is_none() && entry.size <= MAX_TEXT_BYTES as u64
}
