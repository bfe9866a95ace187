//! What is known of the models that adapters are for.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::repos::visibility::Visibility;

/// The facts of the models with these names, as far as the viewer sees them. Names from before a move count.
///
/// # Errors
/// The database does not answer.
pub async fn list_bases(pool: &PgPool, visible: &Visibility, ids: &[&str]) -> sqlx::Result<HashMap<String, Value>> {
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let mut sql = QueryBuilder::<Postgres>::new("select wanted.id, r.facts from unnest(");
    // So that the plan is kept, see `db`; and for `offset 0`, see `relations::list_known`.
    sql.push("(select ").push_bind(ids);
    sql.push("::text[])) wanted(id) cross join lateral (select repo_pk from repo_names k where k.repo_type = 'model' ");
    sql.push("and k.namespace_key = lower(split_part(wanted.id, '/', 1)) and k.name_key = lower(split_part(wanted.id, '/', 2)) offset 0) k ");
    sql.push("join repos r on r.repo_pk = k.repo_pk join namespaces n on n.namespace_pk = r.namespace_pk where true");
    visible.push(&mut sql);
    let rows: Vec<(String, Value)> = sql.build_query_as().fetch_all(pool).await?;
    Ok(rows.into_iter().collect())
}
