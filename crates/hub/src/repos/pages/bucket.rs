//! The files of a bucket: one level at a time, with folders made of the paths.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::BUCKET_BASE;
use super::card::Way;
use super::context::{header_of, layout_of};
use super::media::icon_of;
use super::security::{Shield, shield_of_key};
use super::view::{Crumb, RepoHeader, RepoTab};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::access::Level;
use crate::repos::buckets::listing::{Cursor, Depth, Entry, EntryPage, Listing, list};
use crate::repos::buckets::{BucketFile, list_files_at};
use crate::repos::{Repo, RepoRead};
use crate::scans::{FileKey, Mark, Statuses, marks_of};
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::layout::Layout;
use crate::web::links::{decode_tail, encode_path};

/// How many entries a page shows.
const PAGE_LEN: usize = 200;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/bucket.html")]
pub(super) struct BucketPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// How to fill it, when it is empty.
    pub ways: Vec<Way>,
    /// What those who may write can do here.
    pub actions: Option<Actions>,
    /// The way here.
    pub crumbs: Vec<Crumb>,
    /// This folder, without search.
    pub href: String,
    /// What names must begin with.
    pub search: String,
    /// How many files the whole bucket has.
    pub file_count: i64,
    /// Their size.
    pub size_bytes: i64,
    /// When one of them last changed.
    pub changed_at: DateTime<Utc>,
    /// The files and folders of this page.
    pub rows: Vec<Row>,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

/// Where files of a folder are added and changed.
#[derive(Debug)]
pub(super) struct Actions {
    /// The form that takes files.
    pub upload_href: String,
    /// The page about what was chosen.
    pub change_href: String,
}

/// A file or folder.
#[derive(Debug)]
pub(super) struct Row {
    /// Its name in this folder.
    pub name: String,
    /// Its page, or the file itself.
    pub href: String,
    /// What only files have.
    pub file: Option<BucketFile>,
    /// What was found in it.
    pub shield: Option<Shield>,
}

impl Row {
    /// The icon of a file.
    pub(super) fn icon(&self) -> &'static str {
        icon_of(&self.name)
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for path in ["", "/tree", "/tree/{tail:.*}"] {
        config.route(&format!("{BUCKET_BASE}{path}"), crate::web::read().to(show_bucket));
    }
}

async fn show_bucket(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let repo = read.into_content(&page.app).await?.repo.clone();
    let read = RepoRead::check(repo, page.viewer.clone())?;
    let folder = folder_of(&page)?;
    let query = page.query();
    let search = query.get("search").unwrap_or_default().trim_start_matches('/').to_owned();
    let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let wanted = Listing {
        prefix: format!("{start}{search}"),
        depth: Depth::AtPrefix,
        cursor: query.get("after").map(Cursor::decode).transpose()?,
        limit: PAGE_LEN,
    };
    let found = list(&page.app, &read.repo, &wanted).await?;
    if found.entries.is_empty() && !folder.is_empty() && search.is_empty() {
        return leave(&page, &read.repo, &folder).await;
    }
    let keys: Vec<FileKey> = found.entries.iter().filter_map(|entry| entry.file()?.key()).collect();
    let known = marks_of(&page.app, read.repo.pk, &keys).await?;
    let (header, _) = header_of(&page, &read, RepoTab::Files).await?;
    let shown = bucket_page(&page, header, &read, &folder, search, (found, &known));
    page.show(shown).await
}

/// The folder that the address of a page ends in.
///
/// # Errors
/// 404 for what can be no path.
pub(super) fn folder_of(page: &PageRequest) -> HubResult<String> {
    let tail = decode_tail(raw_param(page.http(), "tail")).ok_or_else(HubError::entry_not_found)?;
    Ok(tail.join("/").trim_matches('/').to_owned())
}

/// What is no folder is a file, or nothing.
async fn leave(page: &PageRequest, repo: &Repo, path: &str) -> HubResult<HttpResponse> {
    let is_file = !path.contains('\0') && !list_files_at(&page.app.pool, repo.pk, &[path.to_owned()]).await?.is_empty();
    match is_file {
        true => Ok(page.redirect(&file_href(repo, path))),
        false => Err(HubError::entry_not_found()),
    }
}

fn file_href(repo: &Repo, path: &str) -> String {
    format!("{}/resolve/{}", repo.path(), encode_path(path))
}

pub(super) fn folder_href(repo: &Repo, path: &str) -> String {
    match path {
        "" => repo.path(),
        path => format!("{}/tree/{}", repo.path(), encode_path(path)),
    }
}

fn bucket_page(
    page: &PageRequest,
    header: RepoHeader,
    read: &RepoRead,
    folder: &str,
    search: String,
    (found, known): (EntryPage, &Statuses<Mark>),
) -> BucketPage {
    let repo = &read.repo;
    let may_change = read.level >= Level::Write && page.require_session().is_ok();
    let actions = may_change
        .then(|| Actions { upload_href: place_href(repo, "upload", folder), change_href: place_href(repo, "change", folder) });
    let href = folder_href(repo, folder);
    let address = |after: Option<&Cursor>| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(Some(("search", search.as_str())).filter(|_| !search.is_empty()));
        query.extend_pairs(after.map(|cursor| ("after", cursor.encode())));
        match query.finish() {
            query if query.is_empty() => href.clone(),
            query => format!("{href}?{query}"),
        }
    };
    let previous = page.query().get("after").map(|_| address(None));
    let next = found.next.as_ref().map(|next| address(Some(next)));
    BucketPage {
        layout: layout_of(page, repo, folder),
        actions,
        ways: if repo.file_count == 0 { ways_of(&header) } else { Vec::new() },
        crumbs: crumbs_of(repo, folder),
        file_count: repo.file_count,
        size_bytes: repo.size_bytes,
        changed_at: repo.last_modified_at,
        rows: rows_of(repo, folder, found.entries, known),
        header,
        href,
        search,
        previous,
        next,
    }
}

/// Folders go before files, on each page.
fn rows_of(repo: &Repo, folder: &str, entries: Vec<Entry>, known: &Statuses<Mark>) -> Vec<Row> {
    let start = if folder.is_empty() { 0 } else { folder.len() + 1 };
    let name = |path: &str| path.get(start..).unwrap_or(path).to_owned();
    let row = |entry: Entry| match entry {
        Entry::Folder(path) => Row { name: name(&path), href: folder_href(repo, &path), file: None, shield: None },
        Entry::File(file) => Row {
            name: name(&file.path),
            href: file_href(repo, &file.path),
            shield: shield_of_key(known, file.key().as_ref()),
            file: Some(file),
        },
    };
    let mut rows: Vec<Row> = entries.into_iter().map(row).collect();
    rows.sort_by_key(|row| row.file.is_some());
    rows
}

/// Where something is done with a folder.
pub(super) fn place_href(repo: &Repo, what: &str, folder: &str) -> String {
    format!("{}/{what}/{}", repo.path(), encode_path(folder))
}

pub(super) fn crumbs_of(repo: &Repo, folder: &str) -> Vec<Crumb> {
    let names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    let root = Crumb { label: repo.id.name().to_owned(), href: (!names.is_empty()).then(|| repo.path()) };
    let step = |(index, name): (usize, &&str)| {
        let path = names.get(..=index).unwrap_or_default().join("/");
        Crumb { label: (*name).to_owned(), href: (index + 1 < names.len()).then(|| folder_href(repo, &path)) }
    };
    std::iter::once(root).chain(names.iter().enumerate().map(step)).collect()
}

/// How to put files into a bucket that has none.
fn ways_of(header: &RepoHeader) -> Vec<Way> {
    let (url, id) = (&header.hub_url, header.id());
    vec![
        Way {
            title: "The hf command",
            text: "Sends a folder; run it again to send what changed. With `--delete` it also removes what you removed.",
            code: format!("export HF_ENDPOINT={url}\nhf auth login\nhf sync ./folder hf://buckets/{id}"),
        },
        Way {
            title: "One file",
            text: "Copies in either direction, also from repositories.",
            code: format!("hf buckets cp model.safetensors hf://buckets/{id}/checkpoints/"),
        },
        Way {
            title: "Python",
            text: "Reads and writes like a file system; pandas and others take such paths as they are.",
            code: format!(
                "from huggingface_hub import HfFileSystem\n\nfs = HfFileSystem(endpoint=\"{url}\")\nwith fs.open(\"buckets/{id}/notes.txt\", \"w\") as file:\n    file.write(\"hello\")"
            ),
        },
    ]
}
