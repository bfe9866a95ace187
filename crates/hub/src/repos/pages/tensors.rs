//! The tensors of a weight file, read from its header: a page that can be searched and turned.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::{Progress, gguf};

use super::BASES;
use super::context::{Place, View, header_of, layout_of};
use super::view::{Crumb, RepoHeader, RepoTab, RevisionPicker};
use crate::accounts::page::PageRequest;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::recalls;
use crate::repos::reading;
use crate::repos::weight_files::{open, open_weights};
use crate::repos::{Repo, RepoContent};
use crate::web::filters;
use crate::web::layout::Layout;

/// How many tensors a page shows.
const PAGE_LEN: usize = 200;
/// What is read first of a GGUF file, in bytes.
const FIRST_READ_BYTES: u64 = 256 << 10;
/// The longest GGUF header that a page reads; vocabularies take some megabytes.
const MAX_READ_BYTES: u64 = 32 << 20;
/// The longest word to search for.
const MAX_WORD_CHARS: usize = 200;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/tensors.html")]
struct TensorsPage {
    layout: Layout,
    header: RepoHeader,
    picker: RevisionPicker,
    crumbs: Vec<Crumb>,
    /// Where the search goes.
    action: String,
    word: String,
    weights: WeightsView,
    previous: Option<String>,
    next: Option<String>,
}

/// What the header of a weight file says, as a page shows it.
#[derive(Debug, Default)]
pub(super) struct WeightsView {
    /// Its files: several for a model in shards.
    pub files: Vec<(String, u64)>,
    /// Keys and values of a GGUF file.
    pub keys: Vec<(String, String)>,
    /// How many tensors there are, before any search.
    pub total: usize,
    /// All their numbers.
    pub parameters: u64,
    /// The tensors shown.
    pub rows: Vec<TensorRow>,
}

impl WeightsView {
    /// The size of all files.
    pub(super) fn size_bytes(&self) -> u64 {
        self.files.iter().map(|(_, size)| size).sum()
    }
}

/// A tensor.
#[derive(Debug)]
pub(super) struct TensorRow {
    /// Its name.
    pub name: String,
    /// Its sides.
    pub shape: String,
    /// Its type of number.
    pub dtype: String,
    /// How many numbers.
    pub count: u64,
    /// Which of several files it is in.
    pub file: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/tensors/{{tail:.*}}"), crate::web::read().to(show_tensors));
    }
}

/// Whether a file's header lists tensors, by its name.
pub(super) fn has_tensors(path: &str) -> bool {
    path.ends_with(".safetensors") || path.ends_with(".safetensors.index.json") || path.ends_with(".gguf")
}

async fn show_tensors(page: PageRequest, content: RepoContent) -> HubResult<HttpResponse> {
    let repo = &content.repo;
    let place = Place::of(&page, repo).await?;
    if !has_tensors(&place.path) {
        // Only these formats list tensors in their header.
        return Ok(page.redirect(&place.href(View::Blob, &place.path)));
    }
    let entry = reading::get_entry(&page.app, repo, place.commit, &place.path).await?;
    recalls::check_entry(&page.app, repo.pk, &entry).await?;
    let mut weights = weights_of(&page.app, repo, &place).await?.ok_or_else(HubError::entry_not_found)?;
    let (header, _) = header_of(&page, &content, RepoTab::Files).await?;
    let query = page.query();
    let word: String = query.get("search").unwrap_or_default().trim().chars().take(MAX_WORD_CHARS).collect();
    let number: usize = query.get("p").and_then(|text| text.parse().ok()).unwrap_or(0);
    let wanted = word.to_lowercase();
    weights.rows.retain(|row| row.name.to_lowercase().contains(&wanted));
    let has_next = weights.rows.len() > number.saturating_add(1).saturating_mul(PAGE_LEN);
    weights.rows = weights.rows.into_iter().skip(number.saturating_mul(PAGE_LEN)).take(PAGE_LEN).collect();
    let action = place.href(View::Tensors, &place.path);
    let turned = |to: usize| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("search", &word).append_pair("p", &to.to_string());
        format!("{action}?{}", query.finish())
    };
    let shown = TensorsPage {
        layout: layout_of(&page, repo, "Tensors"),
        picker: place.picker(&page, repo, View::Tensors).await?,
        crumbs: place.crumbs(repo.id.name(), View::Tree),
        previous: (number > 0).then(|| turned(number - 1)),
        next: has_next.then(|| turned(number + 1)),
        action,
        word,
        weights,
        header,
    };
    page.show(shown).await
}

/// Reads the header of a weight file. `None` when the hub does not have its bytes.
///
/// # Errors
/// 422 for a file that is not what its name says, 503 when the store does not answer.
pub(super) async fn weights_of(app: &App, repo: &Repo, place: &Place) -> HubResult<Option<WeightsView>> {
    if place.path.ends_with(".gguf") {
        return gguf_weights(app, repo, place).await;
    }
    let Some(found) = open_weights(app, repo, place.commit, Some(&place.path)).await? else { return Ok(None) };
    let files: Vec<(String, u64)> = found.files.iter().map(|file| (file.path.clone(), file.size)).collect();
    let row = |(file, tensor): &(usize, hub_weights::Tensor)| TensorRow {
        name: tensor.name.clone(),
        shape: shape_text(&tensor.shape),
        dtype: tensor.dtype.clone(),
        count: tensor.elements(),
        file: files.get(*file).map(|(path, _)| path.clone()).unwrap_or_default(),
    };
    let rows: Vec<TensorRow> = found.tensors.iter().map(row).collect();
    Ok(Some(finish(WeightsView { files, rows, ..WeightsView::default() })))
}

async fn gguf_weights(app: &App, repo: &Repo, place: &Place) -> HubResult<Option<WeightsView>> {
    let Some(file) = open(app, repo, place.commit, &place.path).await? else { return Ok(None) };
    let size = file.size;
    let mut wanted = FIRST_READ_BYTES;
    let listing = loop {
        let prefix = file.head(app, wanted.min(size)).await?;
        let read = tokio::task::spawn_blocking(move || gguf::list(&prefix, size)).await?;
        match read.map_err(|error| HubError::unprocessable(format!("`{}`: {error}.", place.path)))? {
            Progress::Done(listing) => break listing,
            Progress::NeedBytes(bytes) if bytes > MAX_READ_BYTES => {
                return Err(HubError::unprocessable("The header of this file is too large to look at."));
            }
            Progress::NeedBytes(bytes) => wanted = bytes,
        }
    };
    let row = |tensor: gguf::Tensor| TensorRow {
        shape: shape_text(&tensor.shape),
        dtype: tensor.dtype.to_owned(),
        count: tensor.shape.iter().fold(1, |product, side| product.saturating_mul(*side)),
        name: tensor.name,
        file: place.path.clone(),
    };
    let rows = listing.tensors.into_iter().map(row).collect();
    let view = WeightsView { files: vec![(file.path, size)], keys: listing.keys, rows, ..WeightsView::default() };
    Ok(Some(finish(view)))
}

fn finish(mut view: WeightsView) -> WeightsView {
    view.total = view.rows.len();
    view.parameters = view.rows.iter().fold(0, |sum, row| sum.saturating_add(row.count));
    view
}

/// `768 × 768`; a single number has no sides.
fn shape_text(shape: &[u64]) -> String {
    let sides: Vec<String> = shape.iter().map(u64::to_string).collect();
    if sides.is_empty() { "scalar".to_owned() } else { sides.join(" × ") }
}
