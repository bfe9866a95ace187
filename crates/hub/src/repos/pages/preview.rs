//! How a file is shown: rendered where it says more that way, as highlighted text, or not at all. Of large files only the
//! beginning is read, and nothing of any file runs.

use hub_cards::{LinkContext, Table, highlight_lines, notebook, pretty_json, read_delimited, read_json_lines, read_json_list};
use hub_git::Entry;
use hub_types::Oid;

use super::blob::FileView;
use super::context::{Place, View};
use super::media::{self, Media};
use super::tensors::weights_of;
use super::{markdown, parquet};
use crate::accounts::page::PageRequest;
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::fetches::Content;
use crate::recalls;
use crate::repos::weight_files::open;
use crate::repos::{Repo, reading};

/// The largest file that is shown as text, in bytes.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;
/// The most lines of it that are shown: more would make a page that browsers scroll badly.
const MAX_LINES: usize = 5_000;
/// How much of a table is read, in bytes.
const MAX_TABLE_BYTES: u64 = 512 * 1024;
/// How much of a table is read for the page of its dataset, in bytes.
const FIRST_ROWS_BYTES: u64 = 64 * 1024;
/// How many tensors the page of a file shows; another page lists all.
const MAX_TENSORS: usize = 50;

/// A file as its page shows it.
#[derive(Debug)]
pub(super) struct Shown {
    /// The content.
    pub view: FileView,
    /// How many lines it has.
    pub line_count: Option<usize>,
    /// Which side of a file with two is shown.
    pub side: Side,
}

/// Files that are rendered have their source as another side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// There is no other.
    Only,
    /// The rendered one.
    Rendering,
    /// The source of what can be rendered.
    Source,
}

/// What a file is rendered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rendering {
    Markdown,
    Notebook,
    Delimited,
    JsonLines,
    Json,
}

impl Rendering {
    fn of(name: &str) -> Option<Self> {
        let has = |endings: &[&str]| has_ending(name, endings);
        match () {
            () if has(&["md", "markdown", "mdx"]) => Some(Self::Markdown),
            () if has(&["ipynb"]) => Some(Self::Notebook),
            () if has(&["csv", "tsv"]) => Some(Self::Delimited),
            () if has(&["jsonl", "ndjson"]) => Some(Self::JsonLines),
            () if has(&["json", "geojson"]) => Some(Self::Json),
            () => None,
        }
    }

    /// How much of the file is read, and whether its beginning is enough.
    fn needs(self) -> (u64, bool) {
        match self {
            Self::Delimited | Self::JsonLines => (MAX_TABLE_BYTES, true),
            Self::Notebook => (notebook::MAX_BYTES as u64, false),
            Self::Json | Self::Markdown => (MAX_TEXT_BYTES, false),
        }
    }
}

/// How a file is shown; `plain` asks for its source.
///
/// # Errors
/// 503 when the store does not answer.
pub(super) async fn of(page: &PageRequest, repo: &Repo, place: &Place, entry: &Entry, plain: bool) -> HubResult<Shown> {
    let only = |view| Shown { view, line_count: None, side: Side::Only };
    let src = || place.href(View::Resolve, &place.path);
    let name = entry.name();
    if let Some(media) = Media::of(name) {
        return Ok(only(media_file(page, repo, place, media, src()).await?));
    }
    if has_ending(name, &["safetensors", "gguf"]) {
        return Ok(only(weights(page, repo, place).await?));
    }
    if has_ending(name, &["parquet"]) {
        return Ok(only(parquet_file(page, repo, place).await?));
    }
    if has_ending(name, &["pdf"]) {
        // A viewer within the page would need a right that no page of ours gives away.
        return Ok(only(FileView::Pdf(src())));
    }
    let rendering = Rendering::of(name);
    if let Some(rendering) = rendering.filter(|_| !plain)
        && let Some(view) = rendered(page, repo, place, entry, rendering).await?
    {
        return Ok(Shown { view, line_count: None, side: if entry.lfs.is_some() { Side::Only } else { Side::Rendering } });
    }
    if entry.lfs.is_some() {
        return Ok(only(note("This file is stored with Git LFS. Download it to see what is in it.")));
    }
    let (view, line_count) = source(page, repo, entry).await?;
    let side = if plain && rendering.is_some() { Side::Source } else { Side::Only };
    Ok(Shown { view, line_count, side })
}

/// The first rows of a file that is a table. Of Parquet, the beginning of each column is read; of text, little of the file.
///
/// # Errors
/// 503 when the store does not answer.
pub(super) async fn first_rows(app: &App, repo: &Repo, commit: Oid, path: &str) -> HubResult<Option<Table>> {
    if let Some(entry) = reading::entry(app, repo, commit, path).await?
        && let Some(content) = Content::of(&entry)
        && recalls::find(app, repo.pk, content).await?.is_some()
    {
        return Ok(None);
    }
    let Some(file) = open(app, repo, commit, path).await? else { return Ok(None) };
    if has_ending(path, &["parquet"]) {
        return Ok(parquet::view_of(app, &file).await?.ok().and_then(|view| view.rows));
    }
    let (rendering, limit) = match Rendering::of(path) {
        Some(how @ (Rendering::Delimited | Rendering::JsonLines)) => (how, FIRST_ROWS_BYTES),
        // Its end has to be there.
        Some(Rendering::Json) if file.size <= MAX_TEXT_BYTES => (Rendering::Json, MAX_TEXT_BYTES),
        _ => return Ok(None),
    };
    let (bytes, is_whole) = (file.head(app, limit).await?, file.size <= limit);
    let read = move || {
        let text = text_of(&bytes, is_whole)?;
        match rendering {
            Rendering::Delimited => read_delimited(text, is_whole),
            Rendering::JsonLines => read_json_lines(text, is_whole),
            Rendering::Json => read_json_list(text),
            Rendering::Markdown | Rendering::Notebook => None,
        }
    };
    let table = tokio::task::spawn_blocking(read).await.map_err(HubError::from)?;
    Ok(table.filter(|table| !table.rows.is_empty()))
}

fn has_ending(name: &str, endings: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending.to_ascii_lowercase().as_str()))
}

fn note(text: &str) -> FileView {
    FileView::Note(text.to_owned())
}

async fn weights(page: &PageRequest, repo: &Repo, place: &Place) -> HubResult<FileView> {
    match weights_of(&page.app, repo, place).await {
        Ok(Some(mut weights)) => {
            weights.rows.truncate(MAX_TENSORS);
            Ok(FileView::Weights(weights))
        }
        Ok(None) => Ok(note("The hub does not have the bytes of this file.")),
        Err(error) if error.kind() == ErrorKind::Unprocessable => Ok(note(error.message())),
        Err(error) => Err(error),
    }
}

async fn media_file(page: &PageRequest, repo: &Repo, place: &Place, media: Media, src: String) -> HubResult<FileView> {
    let Some(file) = open(&page.app, repo, place.commit, &place.path).await? else {
        return Ok(note("The hub does not have the bytes of this file."));
    };
    let head = file.head(&page.app, media::HEAD_BYTES.min(file.size)).await?;
    Ok(if media.begins_so(&head) { media.view(src) } else { note(media.broken()) })
}

/// The columns of a Parquet file, and its first rows.
async fn parquet_file(page: &PageRequest, repo: &Repo, place: &Place) -> HubResult<FileView> {
    let Some(file) = open(&page.app, repo, place.commit, &place.path).await? else {
        return Ok(note("The hub does not have the bytes of this file."));
    };
    let found = parquet::view_of(&page.app, &file).await?;
    Ok(found.map_or_else(|error| note(&format!("This file cannot be shown: {error}.")), FileView::Parquet))
}

async fn rendered(page: &PageRequest, repo: &Repo, place: &Place, entry: &Entry, how: Rendering) -> HubResult<Option<FileView>> {
    let folder = place.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let context = LinkContext::new(repo.repo_type, &repo.id, &place.revision, folder).of_hub(page.base.as_str());
    if how == Rendering::Markdown {
        if entry.lfs.is_some() {
            return Ok(None);
        }
        let place_key = format!("{}/{folder}", place.revision);
        let card = markdown::render(page, repo, entry.oid, context, &place_key).await?;
        return Ok(card.map(|card| FileView::Markdown(card.html.clone())));
    }
    let (limit, prefix_will_do) = how.needs();
    if !prefix_will_do && entry.size > limit {
        return Ok(None);
    }
    let Some(file) = open(&page.app, repo, place.commit, &place.path).await? else { return Ok(None) };
    let (bytes, is_whole, name) = (file.head(&page.app, limit).await?, file.size <= limit, entry.name().to_owned());
    let render = move || {
        let text = text_of(&bytes, is_whole)?;
        match how {
            Rendering::Notebook => notebook::render(text, &context).map(FileView::Notebook),
            Rendering::Delimited => read_delimited(text, is_whole).map(FileView::Table),
            Rendering::JsonLines => read_json_lines(text, is_whole).map(FileView::Table),
            Rendering::Json => pretty_json(text).map(|pretty| lines_of(&pretty, &name).0),
            Rendering::Markdown => None,
        }
    };
    tokio::task::spawn_blocking(render).await.map_err(HubError::from)
}

/// The text of a file or of its beginning, which may end within a character.
fn text_of(bytes: &[u8], is_whole: bool) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if !is_whole && error.error_len().is_none() => std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

async fn source(page: &PageRequest, repo: &Repo, entry: &Entry) -> HubResult<(FileView, Option<usize>)> {
    if entry.size > MAX_TEXT_BYTES {
        return Ok((note("This file is too large to show here."), None));
    }
    let oid = entry.oid;
    let bytes = reading::read(&page.app, repo, move |reader| reader.blob(oid, MAX_TEXT_BYTES)).await?;
    let text = match text_of(&bytes, true) {
        Some("") => return Ok((note("This file is empty."), None)),
        Some(text) => text.to_owned(),
        None => return Ok((note("This file is not text."), None)),
    };
    let name = entry.name().to_owned();
    let (view, count) = tokio::task::spawn_blocking(move || lines_of(&text, &name)).await.map_err(HubError::from)?;
    Ok((view, Some(count)))
}

/// Highlighted lines, and how many there are in all.
fn lines_of(text: &str, name: &str) -> (FileView, usize) {
    let mut file = highlight_lines(text, name);
    let count = file.lines.len();
    file.lines.truncate(MAX_LINES);
    (FileView::Code { truncated: file.truncated || count > MAX_LINES, lines: file.lines }, count)
}
