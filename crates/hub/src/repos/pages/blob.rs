//! One file.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::{LinkContext, SafeHtml, highlight_lines};
use hub_git::{Entry, EntryKind};

use super::context::{Place, View, commit_summary, header_of, layout_of};
use super::tree::latest_commit;
use super::view::{CommitSummary, Crumb, RepoHeader, RepoTab, RevisionPicker};
use super::{BASES, markdown};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoContent;
use crate::repos::{Repo, reading};
use crate::web::filters;
use crate::web::layout::Layout;

/// The largest file that is shown as text, in bytes.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;
/// The most lines of it that are shown: more would make a page that browsers scroll badly.
const MAX_LINES: usize = 5_000;

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
    /// Its text as it is.
    pub raw_href: String,
    /// Its bytes.
    pub download_href: String,
    /// Its history.
    pub history_href: String,
    /// For a large file: what the pointer says.
    pub lfs: Option<LfsPointerInfo>,
    /// The content.
    pub view: FileView,
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
    /// A picture at this address.
    Image(String),
    /// A sound at this address.
    Audio(String),
    /// A film at this address.
    Video(String),
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
    let (header, _) = header_of(&page, &content, RepoTab::Files).await?;
    let is_markdown = entry.lfs.is_none() && has_ending(entry.name(), &["md", "markdown", "mdx"]);
    let plain = page.query().flag("plain");
    let (view, line_count) = view_of(&page, repo, &place, &entry, is_markdown && !plain).await?;
    let href = place.href(View::Blob, &place.path);
    let shown = BlobPage {
        layout: layout_of(&page, repo, entry.name()),
        picker: place.picker(&page, repo, View::Blob).await?,
        crumbs: place.crumbs(repo.id.name(), View::Tree),
        latest: latest_commit(&page, repo, &place).await?.map(|info| commit_summary(repo, &info)),
        name: entry.name().to_owned(),
        path: place.path.clone(),
        size_bytes: entry.size,
        line_count,
        preview_href: (is_markdown && plain).then(|| href.clone()),
        source_href: (is_markdown && !plain).then(|| format!("{href}?plain=1")),
        raw_href: place.href(View::Raw, &place.path),
        download_href: format!("{}?download=true", place.href(View::Resolve, &place.path)),
        history_href: place.href(View::Commits, &place.path),
        lfs: entry.lfs.as_ref().map(|pointer| LfsPointerInfo {
            sha256: pointer.oid.to_hex(),
            size_bytes: pointer.size,
            pointer_size_bytes: pointer.pointer_size,
        }),
        view,
        header,
    };
    page.show(shown).await
}

fn has_ending(name: &str, endings: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending.to_ascii_lowercase().as_str()))
}

async fn view_of(
    page: &PageRequest,
    repo: &Repo,
    place: &Place,
    entry: &Entry,
    rendered: bool,
) -> HubResult<(FileView, Option<usize>)> {
    let name = entry.name();
    let src = || place.href(View::Resolve, &place.path);
    if has_ending(name, &["png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "bmp", "ico"]) {
        return Ok((FileView::Image(src()), None));
    }
    if has_ending(name, &["wav", "mp3", "flac", "ogg", "m4a", "opus"]) {
        return Ok((FileView::Audio(src()), None));
    }
    if has_ending(name, &["mp4", "webm", "mov", "ogv"]) {
        return Ok((FileView::Video(src()), None));
    }
    if entry.lfs.is_some() {
        return Ok((FileView::Note("This file is stored with Git LFS. Download it to see what is in it.".to_owned()), None));
    }
    if rendered {
        let folder = place.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let context = LinkContext::new(repo.repo_type, &repo.id, &place.revision, folder);
        let place_key = format!("{}/{folder}", place.revision);
        if let Some(card) = markdown::render(page, repo, entry.oid, context, &place_key).await? {
            return Ok((FileView::Markdown(card.html.clone()), None));
        }
    }
    code(page, repo, entry).await
}

async fn code(page: &PageRequest, repo: &Repo, entry: &Entry) -> HubResult<(FileView, Option<usize>)> {
    let note = |text: &str| Ok((FileView::Note(text.to_owned()), None));
    if entry.size > MAX_TEXT_BYTES {
        return note("This file is too large to show here.");
    }
    let oid = entry.oid;
    let bytes = reading::read(&page.app, repo, move |reader| reader.blob(oid, MAX_TEXT_BYTES)).await?;
    let text = match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text,
        _ => return note("This file is not text."),
    };
    if text.is_empty() {
        return note("This file is empty.");
    }
    let name = entry.name().to_owned();
    let mut file = tokio::task::spawn_blocking(move || highlight_lines(&text, &name)).await.map_err(HubError::from)?;
    let count = file.lines.len();
    file.lines.truncate(MAX_LINES);
    Ok((FileView::Code { truncated: file.truncated || count > MAX_LINES, lines: file.lines }, Some(count)))
}
