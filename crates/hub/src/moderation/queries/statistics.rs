//! Counting what was reported and decided.

use sqlx::PgPool;

/// A number.
#[derive(Debug, Clone)]
pub struct CountRow {
    /// Of what.
    pub key: String,
    /// How many.
    pub count: i64,
    /// Of cases: the median of the hours until somebody decided.
    pub median_hours: Option<f64>,
}

/// How many cases of each category were opened in the last days, and how long they waited.
///
/// # Errors
/// The database does not answer.
pub async fn count_cases(pool: &PgPool, days: i32) -> sqlx::Result<Vec<CountRow>> {
    sqlx::query_as!(
        CountRow,
        r#"select category as key, count(*) as "count!",
                  percentile_cont(0.5) within group (order by extract(epoch from closed_at - opened_at)::float8 / 3600)
                      as median_hours
           from moderation_cases where opened_at > now() - make_interval(days => $1) group by category order by 2 desc, 1"#,
        days
    )
    .fetch_all(pool)
    .await
}

/// How many acts of each kind there were in the last days.
///
/// # Errors
/// The database does not answer.
pub async fn count_acts(pool: &PgPool, days: i32) -> sqlx::Result<Vec<CountRow>> {
    sqlx::query_as!(
        CountRow,
        r#"select act as key, count(*) as "count!", null::float8 as median_hours
           from moderation_acts where created_at > now() - make_interval(days => $1) group by act order by 2 desc, 1"#,
        days
    )
    .fetch_all(pool)
    .await
}

/// What became of the appeals of the last days.
///
/// # Errors
/// The database does not answer.
pub async fn count_appeals(pool: &PgPool, days: i32) -> sqlx::Result<Vec<CountRow>> {
    sqlx::query_as!(
        CountRow,
        r#"select case when granted then 'granted' when not granted then 'upheld' else 'waiting' end as "key!", count(*) as "count!",
                  null::float8 as median_hours
           from moderation_appeals where created_at > now() - make_interval(days => $1) group by 1 order by 2 desc, 1"#,
        days
    )
    .fetch_all(pool)
    .await
}
