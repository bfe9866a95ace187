//! Rendered README files, kept by the id of their blob and the place their links start from.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hub_cards::{Heading, LinkContext, MAX_MARKDOWN_BYTES, SafeHtml, citation, front_matter, headings, render_markdown};
use hub_types::Oid;
use moka::future::Cache;

use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::recalls;
use crate::repos::{Repo, reading};

/// How many bytes of rendered cards are kept.
const MAX_KEPT_BYTES: u64 = 32 * 1024 * 1024;

/// A README as a page shows it.
#[derive(Debug)]
pub(super) struct Rendered {
    /// The text.
    pub html: SafeHtml,
    /// Whether there is nothing but metadata.
    pub is_blank: bool,
    /// Its headings.
    pub headings: Vec<Heading>,
    /// How to cite it, in BibTeX.
    pub citation: Option<String>,
}

/// The file, its repository, the place in it and the address of the hub that links start from.
type Key = (Oid, String, String, String);

static RENDERED: LazyLock<Cache<Key, Arc<Rendered>>> = LazyLock::new(|| {
    Cache::builder()
        .weigher(|key: &Key, card: &Arc<Rendered>| {
            u32::try_from(card.html.as_str().len() + key.3.len() + 200).unwrap_or(u32::MAX)
        })
        .max_capacity(MAX_KEPT_BYTES)
        .time_to_idle(Duration::from_secs(3600))
        .build()
});

/// Renders a Markdown file; `None` when it is too large to show, not text, or recalled. `place` says where its links start from.
///
/// # Errors
/// 503 when the object store does not answer.
pub(super) async fn render(
    page: &PageRequest,
    repo: &Repo,
    blob: Oid,
    context: LinkContext,
    place: &str,
) -> HubResult<Option<Arc<Rendered>>> {
    if recalls::find(&page.app, repo.pk, Content::Blob(blob)).await?.is_some() {
        return Ok(None);
    }
    let key = (blob, repo.path(), place.to_owned(), page.base.as_str().to_owned());
    if let Some(card) = RENDERED.get(&key).await {
        return Ok(Some(card));
    }
    let limit = u64::try_from(MAX_MARKDOWN_BYTES).unwrap_or(u64::MAX);
    let read = reading::read(&page.app, repo, move |reader| match reader.blob(blob, limit) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(hub_git::Error::TooLarge { .. }) => Ok(None),
        Err(error) => Err(error),
    });
    let Some(text) = read.await? else { return Ok(None) };
    let render = move || {
        let body = front_matter::split(&text).body;
        let html = render_markdown(body, &context);
        Rendered { headings: headings(&html), citation: citation(body), is_blank: body.trim().is_empty(), html }
    };
    let card = Arc::new(tokio::task::spawn_blocking(render).await.map_err(HubError::from)?);
    RENDERED.insert(key, Arc::clone(&card)).await;
    Ok(Some(card))
}
