//! Going to a file by some letters of its path, over all paths of a commit.

mod fuzzy;

use std::cmp::Reverse;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_types::Oid;
use moka::future::Cache;

use self::fuzzy::Word;
use super::BASES;
use super::context::{Place, View, header_of, layout_of};
use super::view::{RepoHeader, RepoTab, RevisionPicker, SnippetPart};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::{Repo, RepoRead, reading};
use crate::web::filters;
use crate::web::layout::Layout;

/// How many paths of a commit are looked at.
const MAX_PATHS: usize = 100_000;
/// How many are shown.
const MAX_SHOWN: usize = 100;
/// How many bytes of paths are kept for the next letters.
const MAX_KEPT_BYTES: u64 = 64 * 1024 * 1024;

type Paths = Arc<Vec<String>>;

static PATHS: LazyLock<Cache<(i64, Oid), Paths>> = LazyLock::new(|| {
    let weight = |paths: &Paths| paths.iter().map(|path| path.len() + 24).sum::<usize>();
    Cache::builder()
        .weigher(move |_, paths: &Paths| u32::try_from(weight(paths)).unwrap_or(u32::MAX))
        .max_capacity(MAX_KEPT_BYTES)
        .time_to_idle(Duration::from_secs(600))
        .build()
});

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/find.html")]
struct FindPage {
    layout: Layout,
    header: RepoHeader,
    picker: RevisionPicker,
    action: String,
    tree_href: String,
    word: String,
    found: Vec<FoundPath>,
    /// What there is beside what is shown.
    note: Option<String>,
}

/// A path that fits.
#[derive(Debug)]
struct FoundPath {
    href: String,
    /// Its text, the found letters marked.
    parts: Vec<SnippetPart>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/find/{{tail:.*}}"), crate::web::read().to(show_find));
    }
}

async fn show_find(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let repo = &read.repo;
    let place = Place::of(&page, repo).await?;
    let (header, _) = header_of(&page, &read, RepoTab::Files).await?;
    let paths = paths_of(&page, repo, place.commit).await?;
    let query = page.query();
    let word: String = query.get("q").unwrap_or_default().trim().chars().take(fuzzy::MAX_WORD_CHARS).collect();
    let (wanted, looked_at) = (Word::new(&word), paths.len());
    let best = tokio::task::spawn_blocking(move || best(&paths, &wanted)).await?;
    let (best, count) = best;
    let note = match (looked_at, count) {
        (MAX_PATHS, _) => Some(format!("Only the first {MAX_PATHS} paths are looked at.")),
        (_, count) if count > MAX_SHOWN => Some(format!("{} more fit.", count - MAX_SHOWN)),
        _ => None,
    };
    let found =
        |(path, places): (String, Vec<usize>)| FoundPath { href: place.href(View::Blob, &path), parts: parts(&path, &places) };
    let shown = FindPage {
        layout: layout_of(&page, repo, "Go to file"),
        picker: place.picker(&page, repo, View::Find).await?,
        action: place.href(View::Find, ""),
        tree_href: place.href(View::Tree, ""),
        word,
        found: best.into_iter().map(found).collect(),
        note,
        header,
    };
    page.show(shown).await
}

async fn paths_of(page: &PageRequest, repo: &Repo, commit: Oid) -> HubResult<Paths> {
    let list = async {
        let read = reading::read(&page.app, repo, move |reader| reader.first_paths(commit, MAX_PATHS));
        read.await.map(Arc::new)
    };
    // Whoever types meanwhile waits for the same list.
    PATHS.try_get_with((repo.pk, commit), list).await.map_err(|error| HubError::new(error.kind(), error.message()))
}

/// The paths that fit best, and how many fit. Without letters the first paths stand for all.
fn best(paths: &[String], word: &Word) -> (Vec<(String, Vec<usize>)>, usize) {
    if word.is_empty() {
        return (paths.iter().take(MAX_SHOWN).map(|path| (path.clone(), Vec::new())).collect(), paths.len());
    }
    let fits = paths.iter().enumerate().filter_map(|(at, path)| Some((Reverse(word.find(path)?.0), at)));
    let mut fits: Vec<_> = fits.collect();
    let count = fits.len();
    fits.sort_unstable();
    let path = |at: usize| (paths[at].clone(), word.find(&paths[at]).map(|(_, places)| places).unwrap_or_default());
    (fits.into_iter().take(MAX_SHOWN).map(|(_, at)| path(at)).collect(), count)
}

/// Cuts a path where the found letters begin and end.
fn parts(path: &str, places: &[usize]) -> Vec<SnippetPart> {
    let mut parts: Vec<SnippetPart> = Vec::new();
    for (at, character) in path.char_indices() {
        let marked = places.contains(&at);
        match parts.last_mut().filter(|part| part.marked == marked) {
            Some(part) => part.text.push(character),
            None => parts.push(SnippetPart { text: character.to_string(), marked }),
        }
    }
    parts
}
