//! What statements that list repositories are made of: columns, filters, and orders.

use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};

use crate::repos::listing::{Columns, Direction, ListQuery, Sort};
use crate::web::cursor::time_of;

pub(super) fn push_joins(sql: &mut QueryBuilder<Postgres>) {
    sql.push(" join repo_counters c using (repo_pk) join namespaces n using (namespace_pk)");
}

/// What is selected, without from where.
pub(super) fn columns(columns: Columns, sort: Sort) -> QueryBuilder<Postgres> {
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
pub(super) const fn is_counter(sort: Sort) -> bool {
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

pub(super) fn push_filters(sql: &mut QueryBuilder<Postgres>, query: &ListQuery) {
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
pub(super) fn push_after(sql: &mut QueryBuilder<Postgres>, query: &ListQuery) {
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

pub(super) fn push_order(sql: &mut QueryBuilder<Postgres>, query: &ListQuery, limit: i64) {
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
