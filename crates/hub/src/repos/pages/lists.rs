//! Lists of repositories for other pages: the home page, profiles, tasks.

use hub_search::{SearchResults, Snippet};
use hub_types::RepoType;

use super::view::{OwnRepo, RepoSummary, SnippetPart};
use crate::accounts::{Auth, TokenRole, Viewer};
use crate::app::App;
use crate::error::HubResult;
use crate::repos::listing::{self, Columns, Cursor, ListQuery, ListedRepo, Sort, list};
use crate::repos::queries::own::list_own;
use crate::repos::visibility::{shown_to, visible_to};
use crate::repos::{audience, by_task};

/// The latest repositories of a kind, of everyone or of one owner.
///
/// # Errors
/// The database does not answer.
pub async fn latest(
    app: &App,
    viewer: &Viewer,
    kind: RepoType,
    owner: Option<&str>,
    limit: usize,
) -> HubResult<Vec<RepoSummary>> {
    let query = ListQuery { author: owner.map(str::to_owned), sort: Sort::LastModified, limit, ..ListQuery::default() };
    // Whoever looks at what one owner has, sees all of it.
    let visible = if owner.is_some() { visible_to(viewer) } else { shown_to(viewer) };
    let page = list(app, kind, &visible, &query).await?;
    Ok(page.repos.into_iter().map(RepoSummary::from).collect())
}

/// A page of an owner's repositories of a kind, the last changed first, and where the next page starts.
///
/// # Errors
/// 400 for a cursor that no page gave, 503 when the database does not answer.
pub async fn page_of(
    app: &App,
    viewer: &Viewer,
    kind: RepoType,
    owner: &str,
    cursor: Option<&str>,
    limit: usize,
) -> HubResult<(Vec<RepoSummary>, Option<String>)> {
    let sort = Sort::LastModified;
    let after = cursor.map(|text| Cursor::decode(text, sort)).transpose()?;
    let query = ListQuery { author: Some(owner.to_owned()), sort, after, limit, ..ListQuery::default() };
    let page = list(app, kind, &visible_to(viewer), &query).await?;
    Ok((page.repos.into_iter().map(RepoSummary::from).collect(), page.next.map(|next| next.encode())))
}

/// The most active repositories of a kind for a task. None while there is no search index.
///
/// # Errors
/// The index or the database does not answer.
pub async fn trending(app: &App, viewer: &Viewer, kind: RepoType, task: &str, limit: usize) -> HubResult<Vec<RepoSummary>> {
    if !app.search.is_ready() {
        return Ok(Vec::new());
    }
    let keys = by_task::keys(app, viewer, kind, task, limit).await?;
    let rows = listing::by_keys(app, viewer, &keys, Columns::default()).await?;
    Ok(rows.into_iter().map(RepoSummary::from).collect())
}

/// The most active repositories of a kind.
///
/// # Errors
/// The database does not answer.
pub async fn most_active(app: &App, viewer: &Viewer, kind: RepoType, limit: usize) -> HubResult<Vec<RepoSummary>> {
    let query = ListQuery { sort: Sort::Trending, limit, ..ListQuery::default() };
    let page = list(app, kind, &shown_to(viewer), &query).await?;
    Ok(page.repos.into_iter().map(RepoSummary::from).collect())
}

/// The latest repositories of the viewer and their organisations.
///
/// # Errors
/// The database does not answer.
pub async fn own(app: &App, viewer: &Viewer, limit: i64) -> HubResult<Vec<OwnRepo>> {
    // A token for chosen repositories shows no others.
    let namespaces = match &viewer.auth {
        Auth::Token { role: TokenRole::FineGrained, .. } => Vec::new(),
        Auth::Token { .. } | Auth::Session { .. } | Auth::Password | Auth::Anonymous => viewer.audiences(),
    };
    let rows = list_own(&app.pool, &namespaces, limit).await?;
    Ok(rows.into_iter().map(OwnRepo::from).collect())
}

/// What lists show of what was found: rows of the database with the passages that the index has for them, but of none that is not for
/// all audiences, for who does not want those.
pub fn found(viewer: &Viewer, rows: Vec<ListedRepo>, results: &SearchResults) -> Vec<RepoSummary> {
    let shows_all = audience::shows_all(viewer);
    let summaries = rows.into_iter().map(|row| {
        let hit = results.hits.iter().find(|hit| hit.pk == row.repo_pk && (shows_all || !audience::is_labelled(&row.tags)));
        let snippet = hit.and_then(|hit| hit.snippet.as_ref());
        RepoSummary { snippet: snippet.map(parts).unwrap_or_default(), ..RepoSummary::from(row) }
    });
    summaries.collect()
}

fn parts(snippet: &Snippet) -> Vec<SnippetPart> {
    let (mut parts, mut at) = (Vec::new(), 0);
    let text = |range: std::ops::Range<usize>| snippet.text.get(range).unwrap_or_default().to_owned();
    for mark in &snippet.marks {
        parts.push(SnippetPart { text: text(at..mark.start), marked: false });
        parts.push(SnippetPart { text: text(mark.clone()), marked: true });
        at = mark.end;
    }
    parts.push(SnippetPart { text: text(at..snippet.text.len()), marked: false });
    parts.retain(|part| !part.text.is_empty());
    parts
}
