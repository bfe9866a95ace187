//! Statements that list repositories. Optional filters make them too varied for the checked macros.

mod clauses;

use chrono::{DateTime, Utc};
use hub_types::{Oid, RepoType};
use serde_json::Value;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use sqlx::{PgPool, Postgres, QueryBuilder};

use self::clauses::{columns, is_counter, push_after, push_filters, push_joins, push_order};
use crate::repos::listing::{Columns, ListQuery, Sort};
use crate::repos::visibility::Visibility;
use crate::web::cursor::one_more;

/// A repository in a list, with what is derived from its default branch.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ListedRepo {
    /// The key.
    pub repo_pk: i64,
    /// The `_id` clients see.
    pub public_id: String,
    /// Model, dataset or Space.
    pub repo_type: RepoType,
    /// The owner.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Whether only members see it.
    pub private: bool,
    /// `auto` or `manual` when readers must ask.
    pub gated: Option<String>,
    /// Whether moderators switched it off.
    pub disabled: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the default branch last moved.
    pub last_modified_at: DateTime<Utc>,
    /// The commit the derived values describe.
    pub head_oid: Option<Oid>,
    /// Recent downloads.
    pub downloads: i64,
    /// All downloads.
    pub downloads_all_time: i64,
    /// Likes.
    pub likes: i64,
    /// The trending score.
    pub trending: i64,
    /// How many parameters the weights have.
    pub parameters: Option<i64>,
    /// Tags in the Hub's form.
    pub tags: Vec<String>,
    /// The task.
    pub pipeline_tag: Option<String>,
    /// The library.
    pub library_name: Option<String>,
    /// How many files there are.
    pub file_count: i64,
    /// Their size.
    pub size_bytes: i64,
    /// The card's metadata, when asked for.
    pub card: Option<Value>,
    /// Facts by name, when asked for.
    pub facts: Option<Value>,
    /// The first file names, when asked for.
    pub siblings: Option<Vec<String>>,
    /// What the list is sorted by.
    pub sort_value: i64,
}

impl ListedRepo {
    /// `namespace/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// How far an order is followed in search of what passes a filter, or [`FOLLOWED_PAGES`] if that is more. A filter that lets fewer
/// than a page of so many pass lets few pass in all, so that they can be sorted: whichever of both the database would choose is
/// seconds too slow for the other kind, and it cannot tell which is which.
const FOLLOWED: i64 = 3_000;
/// The same in pages' worth of rows: what one of fifty repositories passes fills a page of any size.
const FOLLOWED_PAGES: i64 = 50;
/// So many pages' worth are followed first: most filters that people choose let one of ten pass.
const FOLLOWED_FIRST: i64 = 10;

/// Lists repositories; one more than a page holds, to tell whether there is another.
///
/// # Errors
/// The database does not answer.
pub async fn list_repos(
    pool: &PgPool,
    repo_type: RepoType,
    visible: &Visibility,
    query: &ListQuery,
) -> sqlx::Result<Vec<ListedRepo>> {
    if !may_be_rare(query) {
        let mut sql = columns(query.columns, query.sort);
        sql.push(" from repos r");
        push_joins(&mut sql);
        sql.push(" where ");
        push_type(&mut sql, repo_type, query.sort);
        visible.push(&mut sql);
        push_filters(&mut sql, query);
        push_after(&mut sql, query);
        push_order(&mut sql, query, wanted(query));
        return sql.build_query_as().fetch_all(pool).await;
    }
    let page = wanted(query);
    let first = page.saturating_mul(FOLLOWED_FIRST);
    for rows in [first, FOLLOWED.max(page.saturating_mul(FOLLOWED_PAGES))] {
        let found = list_among_first(pool, repo_type, visible, query, rows).await?;
        if found.len() > query.limit {
            return Ok(found);
        }
    }
    list_all_that_fit(pool, repo_type, visible, query).await
}

/// What fits among the first `rows` in the list's order.
async fn list_among_first(
    pool: &PgPool,
    repo_type: RepoType,
    visible: &Visibility,
    query: &ListQuery,
    rows: i64,
) -> sqlx::Result<Vec<ListedRepo>> {
    let mut sql = columns(query.columns, query.sort);
    let table = match query.sort {
        sort if is_counter(sort) => "repo_counters c",
        Sort::Id => "repos r join namespaces n using (namespace_pk)",
        _ => "repos r",
    };
    sql.push(format!(" from (select repo_pk from {table} where "));
    if is_counter(query.sort) {
        sql.push("c.repo_type = ").push_bind(repo_type);
    } else {
        sql.push("r.deleted_at is null and r.repo_type = ").push_bind(repo_type);
    }
    push_after(&mut sql, query);
    push_order(&mut sql, query, rows);
    sql.push(") first join repos r using (repo_pk)");
    push_joins(&mut sql);
    sql.push(" where r.repo_type = ").push_bind(repo_type);
    visible.push(&mut sql);
    push_filters(&mut sql, query);
    push_order(&mut sql, query, wanted(query));
    planned_anew(&mut sql).fetch_all(pool).await
}

/// What fits, found by the filters alone and sorted then.
async fn list_all_that_fit(
    pool: &PgPool,
    repo_type: RepoType,
    visible: &Visibility,
    query: &ListQuery,
) -> sqlx::Result<Vec<ListedRepo>> {
    let mut sql = columns(query.columns, query.sort);
    sql.push(" from (select r.repo_pk from repos r join namespaces n using (namespace_pk) where r.repo_type = ")
        .push_bind(repo_type);
    visible.push(&mut sql);
    push_filters(&mut sql, query);
    // Without `offset 0` the database would follow the order again.
    sql.push(" offset 0) fits join repos r using (repo_pk)");
    push_joins(&mut sql);
    sql.push(" where true");
    push_after(&mut sql, query);
    push_order(&mut sql, query, wanted(query));
    planned_anew(&mut sql).fetch_all(pool).await
}

/// The plan that the database makes for any numbers reads the whole table, and after five times it would keep that one.
fn planned_anew(sql: &mut QueryBuilder<Postgres>) -> QueryAs<'_, Postgres, ListedRepo, PgArguments> {
    sql.build_query_as().persistent(false)
}

/// Whether there is a filter of which only the rows can tell how many pass it.
fn may_be_rare(query: &ListQuery) -> bool {
    // Of one author there are few, and they have an index of their own.
    query.author.is_none()
        && (!query.tags.is_empty()
            || !query.any_tags.is_empty()
            || !query.search.is_empty()
            || !query.models.is_empty()
            || !query.datasets.is_empty()
            || query.linked
            || query.library.is_some()
            || query.gated.is_some())
}

/// One more than a page holds.
fn wanted(query: &ListQuery) -> i64 {
    one_more(query.limit)
}

fn push_type(sql: &mut QueryBuilder<Postgres>, repo_type: RepoType, sort: Sort) {
    sql.push("r.repo_type = ").push_bind(repo_type);
    if is_counter(sort) {
        // As in `repos`, and what the indexes of these orders begin with.
        sql.push(" and c.repo_type = ").push_bind(repo_type);
    }
}

/// One repository with everything that lists know, or `None` if it is gone.
///
/// # Errors
/// The database does not answer.
pub async fn find_listed(pool: &PgPool, repo_pk: i64, columns: Columns) -> sqlx::Result<Option<ListedRepo>> {
    let mut sql = select(columns, Sort::Trending);
    sql.push(" where r.deleted_at is null and r.repo_pk = ").push_bind(repo_pk);
    sql.build_query_as().fetch_optional(pool).await
}

/// Those of these repositories that a viewer may see, in no order.
///
/// # Errors
/// The database does not answer.
pub async fn list_by_keys(pool: &PgPool, visible: &Visibility, repo_pks: &[i64]) -> sqlx::Result<Vec<ListedRepo>> {
    list_by_keys_with(pool, visible, repo_pks, Columns::default()).await
}

/// The same with wide columns.
///
/// # Errors
/// The database does not answer.
pub async fn list_by_keys_with(
    pool: &PgPool,
    visible: &Visibility,
    repo_pks: &[i64],
    columns: Columns,
) -> sqlx::Result<Vec<ListedRepo>> {
    let mut sql = select(columns, Sort::Trending);
    // So that the plan is kept, see `db`.
    sql.push(" where r.repo_pk = any((select ").push_bind(repo_pks.to_vec()).push(")::bigint[])");
    visible.push(&mut sql);
    sql.build_query_as().fetch_all(pool).await
}

/// Those of these names that are of a type and that a viewer may see, in no order. What is not `namespace/name` is nobody's.
///
/// # Errors
/// The database does not answer.
pub async fn list_by_names(
    pool: &PgPool,
    visible: &Visibility,
    repo_type: RepoType,
    ids: &[&str],
    columns: Columns,
) -> sqlx::Result<Vec<ListedRepo>> {
    let lower = ids.iter().filter(|id| !id.contains('\0')).map(|id| id.to_lowercase());
    let (namespaces, names): (Vec<String>, Vec<String>) =
        lower.filter_map(|id| id.split_once('/').map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))).unzip();
    let mut sql = select(columns, Sort::Trending);
    sql.push(" join unnest(").push_bind(namespaces).push("::text[], ").push_bind(names);
    sql.push("::text[]) wanted (namespace, name) on lower(n.name) = wanted.namespace and lower(r.name) = wanted.name");
    sql.push(" where r.repo_type = ").push_bind(repo_type);
    visible.push(&mut sql);
    sql.build_query_as().fetch_all(pool).await
}

fn select(wide: Columns, sort: Sort) -> QueryBuilder<Postgres> {
    let mut sql = columns(wide, sort);
    sql.push(" from repos r");
    push_joins(&mut sql);
    sql
}
