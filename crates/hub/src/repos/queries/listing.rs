//! Statements that list repositories. Optional filters make them too varied for the checked macros.

use chrono::{DateTime, Utc};
use hub_types::{Oid, RepoType};
use serde_json::Value;
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::repos::listing::{Columns, Direction, ListQuery, Sort};
use crate::repos::visibility::Visibility;
use crate::web::cursor::{one_more, time_of};

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
    sql.build_query_as().fetch_all(pool).await
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
    sql.build_query_as().fetch_all(pool).await
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
    sql.push(" where r.repo_pk = any(").push_bind(repo_pks.to_vec()).push(")");
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

fn push_joins(sql: &mut QueryBuilder<Postgres>) {
    sql.push(" join repo_counters c using (repo_pk) join namespaces n using (namespace_pk)");
}

/// What is selected, without from where.
fn columns(columns: Columns, sort: Sort) -> QueryBuilder<Postgres> {
    // Wide columns are stored apart and not read unless asked for.
    let wide = |wanted: bool, column: &str, kind: &str| match wanted {
        true => format!(", r.{column}"),
        false => format!(", null::{kind} as {column}"),
    };
    let mut sql = QueryBuilder::new(
        "select r.repo_pk, r.public_id, r.repo_type, n.name as namespace, r.name, r.private, r.gated, r.disabled, r.created_at,
                r.last_modified_at, r.head_oid, c.downloads, c.downloads_all_time, c.likes, c.trending, r.parameters, r.tags,
                r.pipeline_tag, r.library_name, r.file_count, r.size_bytes",
    );
    sql.push(wide(columns.card, "card", "jsonb"));
    sql.push(wide(columns.facts, "facts", "jsonb"));
    sql.push(wide(columns.siblings, "siblings", "text[]"));
    let value = match sort {
        Sort::LastModified | Sort::Created => format!("(extract(epoch from {}) * 1000000)::bigint", column(sort)),
        Sort::Parameters => "coalesce(r.parameters, 0)".to_owned(),
        // Names are in the cursor themselves.
        Sort::Id => "0::bigint".to_owned(),
        Sort::Trending
        | Sort::Downloads
        | Sort::Likes
        | Sort::Likes7
        | Sort::Likes30
        | Sort::Likes90
        | Sort::Size
        | Sort::Rows => column(sort).to_owned(),
    };
    sql.push(format!(", {value} as sort_value"));
    sql
}

/// Whether an order is by what is counted, in `repo_counters`.
const fn is_counter(sort: Sort) -> bool {
    matches!(sort, Sort::Trending | Sort::Downloads | Sort::Likes | Sort::Likes7 | Sort::Likes30 | Sort::Likes90)
}

const fn column(sort: Sort) -> &'static str {
    match sort {
        Sort::Trending => "c.trending",
        Sort::Downloads => "c.downloads",
        Sort::Likes => "c.likes",
        Sort::Likes7 => "c.likes_7d",
        Sort::Likes30 => "c.likes_30d",
        Sort::Likes90 => "c.likes_90d",
        Sort::LastModified => "r.last_modified_at",
        Sort::Created => "r.created_at",
        Sort::Parameters => "r.parameters",
        Sort::Size => "r.size_bytes",
        Sort::Rows => "r.num_rows",
        Sort::Id => "lower(n.name)",
    }
}

fn push_filters(sql: &mut QueryBuilder<Postgres>, query: &ListQuery) {
    if let Some(author) = &query.author {
        sql.push(" and r.namespace_pk = (select namespace_called(");
        sql.push_bind(author.clone()).push("))");
    }
    for words in &query.search {
        push_search(sql, words);
    }
    if !query.tags.is_empty() {
        sql.push(" and r.tags @> ").push_bind(query.tags.clone());
    }
    for group in &query.any_tags {
        sql.push(" and r.tags && ").push_bind(group.clone());
    }
    if let Some(task) = &query.pipeline_tag {
        sql.push(" and r.pipeline_tag = ").push_bind(task.clone());
    }
    if let Some(library) = &query.library {
        sql.push(" and (r.library_name = ").push_bind(library.clone());
        sql.push(" or r.tags @> array[").push_bind(library.clone()).push("])");
    }
    match query.gated {
        Some(true) => _ = sql.push(" and r.gated is not null"),
        Some(false) => _ = sql.push(" and r.gated is null"),
        None => {}
    }
    if let Some(least) = query.min_parameters {
        sql.push(" and r.parameters >= ").push_bind(least);
    }
    if let Some(most) = query.max_parameters {
        sql.push(" and r.parameters <= ").push_bind(most);
    }
    if query.linked {
        sql.push(" and (r.facts ? 'models' or r.facts ? 'datasets')");
    }
    for (name, ids) in [("models", &query.models), ("datasets", &query.datasets)] {
        if !ids.is_empty() {
            sql.push(format!(" and r.facts -> '{name}' @> ")).push_bind(Value::from(ids.clone()));
        }
    }
}

/// A part of `namespace/name`, whatever the case. Names and namespaces are searched apart, so that each uses its
/// own trigram index; with a slash, the parts before and after it meet there.
fn push_search(sql: &mut QueryBuilder<Postgres>, words: &str) {
    let words = words.to_lowercase();
    let pattern = |text: &str| text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    if let Some((namespace, name)) = words.split_once('/') {
        sql.push(" and lower(r.name) like ").push_bind(format!("{}%", pattern(name)));
        sql.push(" and lower(n.name) like ").push_bind(format!("%{}", pattern(namespace)));
        return;
    }
    let anywhere = format!("%{}%", pattern(&words));
    sql.push(" and (lower(r.name) like ").push_bind(anywhere.clone());
    sql.push(" or r.namespace_pk = any(array(select namespace_pk from namespaces where lower(name) like ");
    sql.push_bind(anywhere).push(")))");
}

/// Keeps what comes after the last of the page before.
fn push_after(sql: &mut QueryBuilder<Postgres>, query: &ListQuery) {
    if query.sort == Sort::Parameters {
        sql.push(" and r.parameters is not null");
    }
    let Some(after) = &query.after else { return };
    let compare = match query.direction {
        Direction::Descending => "<",
        Direction::Ascending => ">",
    };
    if query.sort == Sort::Id {
        push_after_name(sql, &after.id, compare);
        return;
    }
    sql.push(format!(" and ({}, {}) {compare} (", column(query.sort), key(query.sort)));
    match query.sort {
        Sort::LastModified | Sort::Created => sql.push_bind(time_of(after.value).unwrap_or_default()),
        _ => sql.push_bind(after.value),
    };
    sql.push(", ").push_bind(after.repo_pk).push(")");
}

/// The same in the order by names, which are of two tables: the first condition is what the index of namespaces starts from.
fn push_after_name(sql: &mut QueryBuilder<Postgres>, id: &str, compare: &str) {
    let (namespace, name) = id.split_once('/').unwrap_or((id, ""));
    sql.push(format!(" and lower(n.name) {compare}= lower(")).push_bind(namespace.to_owned());
    sql.push(format!(") and (lower(n.name), lower(r.name)) {compare} (lower(")).push_bind(namespace.to_owned());
    sql.push("), lower(").push_bind(name.to_owned()).push("))");
}

fn push_order(sql: &mut QueryBuilder<Postgres>, query: &ListQuery, limit: i64) {
    let order = match query.direction {
        Direction::Descending => "desc",
        Direction::Ascending => "asc",
    };
    sql.push(format!(" order by {} {order}, {} {order} limit ", column(query.sort), key(query.sort))).push_bind(limit);
}

/// What decides between equals.
const fn key(sort: Sort) -> &'static str {
    match sort {
        Sort::Id => "lower(r.name)",
        sort if is_counter(sort) => "c.repo_pk",
        _ => "r.repo_pk",
    }
}
