//! Lists of repositories for other pages: the home page, profiles, tasks.

use hub_types::RepoType;

use super::view::{OwnRepo, RepoSummary};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::listing::{Cursor, ListQuery, Sort, list};
use crate::repos::queries::own::list_own;
use crate::repos::visibility::visible_to;

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
    let page = list(app, kind, &visible_to(viewer), &query).await?;
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

/// The most active repositories of a kind for a task.
///
/// # Errors
/// The database does not answer.
pub async fn trending(app: &App, viewer: &Viewer, kind: RepoType, task: &str, limit: usize) -> HubResult<Vec<RepoSummary>> {
    let mut query = ListQuery { sort: Sort::Trending, limit, ..ListQuery::default() };
    match kind {
        RepoType::Dataset => query.tags.push(format!("task_categories:{task}")),
        RepoType::Model | RepoType::Space | RepoType::Bucket => query.pipeline_tag = Some(task.to_owned()),
    }
    let page = list(app, kind, &visible_to(viewer), &query).await?;
    Ok(page.repos.into_iter().map(RepoSummary::from).collect())
}

/// The most active repositories of a kind.
///
/// # Errors
/// The database does not answer.
pub async fn most_active(app: &App, viewer: &Viewer, kind: RepoType, limit: usize) -> HubResult<Vec<RepoSummary>> {
    let query = ListQuery { sort: Sort::Trending, limit, ..ListQuery::default() };
    let page = list(app, kind, &visible_to(viewer), &query).await?;
    Ok(page.repos.into_iter().map(RepoSummary::from).collect())
}

/// The latest repositories of the viewer and their organisations.
///
/// # Errors
/// The database does not answer.
pub async fn own(app: &App, viewer: &Viewer, limit: i64) -> HubResult<Vec<OwnRepo>> {
    let rows = list_own(&app.pool, &viewer.namespaces(), limit).await?;
    Ok(rows.into_iter().map(OwnRepo::from).collect())
}
