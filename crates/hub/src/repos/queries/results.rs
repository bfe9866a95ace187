//! Statements on the results that cards tell.

use sqlx::PgPool;

/// How many results are read in one go.
const MAX_RESULTS: i64 = 2_000;

/// A result.
#[derive(Debug, Clone)]
pub struct ResultRow {
    /// The model.
    pub repo_pk: i64,
    /// The data it was measured on, cut where the search index cuts it.
    pub dataset: String,
    /// What was measured, as the card calls it.
    pub metric: String,
    /// The value, as the card has it.
    pub value: String,
}

/// The results for a task that the cards of these models tell, of what is called by one of the names (without case and punctuation).
///
/// # Errors
/// The database does not answer.
pub async fn list_results(pool: &PgPool, repo_pks: &[i64], task: &str, metrics: &[String]) -> sqlx::Result<Vec<ResultRow>> {
    sqlx::query_as!(
        ResultRow,
        r#"select r.repo_pk as "repo_pk!", left(coalesce(result #>> '{dataset,name}', result #>> '{dataset,type}'), 100) as "dataset!",
                  left(coalesce(metric ->> 'type', metric ->> 'name'), 80) as "metric!", left(metric ->> 'value', 40) as "value!"
           from repos r
           cross join lateral jsonb_path_query(r.card, '$."model-index"[*]."results"[*]') as result
           cross join lateral jsonb_path_query(result, '$."metrics"[*]') as metric
           where r.repo_pk = any($1) and coalesce(result #>> '{task,type}', $2) = $2
             and regexp_replace(lower(coalesce(metric ->> 'type', metric ->> 'name')), '[^a-z0-9]', '', 'g') = any($3)
             and coalesce(result #>> '{dataset,name}', result #>> '{dataset,type}') is not null and metric ->> 'value' is not null
           limit $4"#,
        repo_pks,
        task,
        metrics,
        MAX_RESULTS
    )
    .fetch_all(pool)
    .await
}
