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

/// A number of a quarter of a year.
#[derive(Debug, Clone)]
pub struct QuarterRow {
    /// The quarter: `2026-Q4`.
    pub quarter: String,
    /// What is counted: `reports`, `cases`, `acts` or `appeals`.
    pub what: String,
    /// Of which kind.
    pub key: String,
    /// How many.
    pub count: i64,
    /// Of cases: the median of the hours until somebody decided.
    pub median_hours: Option<f64>,
}

/// What was reported and decided in each of the last quarters, this one too, the last first.
///
/// # Errors
/// The database does not answer.
pub async fn count_by_quarter(pool: &PgPool, quarters: i32) -> sqlx::Result<Vec<QuarterRow>> {
    sqlx::query_as!(
        QuarterRow,
        r#"with start as (
               select date_trunc('quarter', now() at time zone 'utc') at time zone 'utc' - make_interval(months => 3 * ($1 - 1)) as at
           )
           select to_char(at at time zone 'utc', 'YYYY-"Q"Q') as "quarter!", what as "what!", key as "key!", count(*) as "count!",
                  percentile_cont(0.5) within group (order by hours) as median_hours
           from (
               select 'reports' as what, coalesce('rule: ' || rule, 'people') as key, created_at as at, null::float8 as hours
               from moderation_reports where created_at >= (select at from start)
               union all
               select 'cases', category, opened_at, extract(epoch from closed_at - opened_at)::float8 / 3600
               from moderation_cases where opened_at >= (select at from start)
               union all
               select case when moderator_pk = 0 then 'acts of rules' else 'acts' end, act, created_at, null
               from moderation_acts where created_at >= (select at from start)
               union all
               select 'appeals', case when granted then 'granted' when not granted then 'upheld' else 'waiting' end, created_at, null
               from moderation_appeals where created_at >= (select at from start)
           ) happened
           group by 1, 2, 3 order by 1 desc, 2, 4 desc, 3"#,
        quarters
    )
    .fetch_all(pool)
    .await
}
