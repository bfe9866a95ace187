//! Statements on what lists tell of repositories beyond their rows: each is asked once for all of a page.

use serde_json::json;
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::repos::visibility::Visibility;

/// The bytes that each of these repositories keeps in the store, as [`super::relations::used_storage`] counts them. In no order.
///
/// # Errors
/// The database does not answer.
pub async fn list_used_storage(pool: &PgPool, repo_pks: &[i64]) -> sqlx::Result<Vec<(i64, i64)>> {
    let rows = sqlx::query!(
        r#"select w.repo_pk as "repo_pk!",
                  (coalesce((select sum(size_bytes) from repo_lfs_objects l join lfs_objects using (oid) where l.repo_pk = w.repo_pk), 0)
                   + coalesce((select sum(size_bytes) from repo_packs p join packs using (pack_hash) where p.repo_pk = w.repo_pk), 0))::bigint
                  as "used!"
           from unnest((select $1::bigint[])) as w (repo_pk)"#,
        repo_pks
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.repo_pk, row.used)).collect())
}

/// For each of these models, told by all of its names, the Spaces that name it in their cards, as far as the viewer sees them: the
/// place of the model from 1, and the Space. Of each model they come as from [`super::relations::list_spaces_using`].
///
/// # Errors
/// The database does not answer.
pub async fn list_spaces_using_each(
    pool: &PgPool,
    visible: &Visibility,
    models: &[Vec<String>],
) -> sqlx::Result<Vec<(i64, String)>> {
    let mut sql = QueryBuilder::<Postgres>::new("select wanted.place, used.id from jsonb_array_elements((select ");
    sql.push_bind(json!(models)).push(")) with ordinality wanted (names, place) cross join lateral (");
    // Counters and owners are looked up one by one: else all Spaces are walked in their order, and all owners, for each model.
    sql.push("select n.name || '/' || r.name as id, r.repo_pk, ");
    sql.push("(select c.trending from repo_counters c where c.repo_pk = r.repo_pk) as trending from repos r cross join lateral ");
    sql.push("(select name from namespaces where namespace_pk = r.namespace_pk offset 0) n where r.repo_type = 'space' ");
    sql.push("and r.facts -> 'models' ?| array(select jsonb_array_elements_text(wanted.names))");
    visible.push(&mut sql);
    sql.push(" order by trending desc, r.repo_pk desc limit 100) used ");
    sql.push("order by wanted.place, used.trending desc, used.repo_pk desc");
    sql.build_query_as().fetch_all(pool).await
}
