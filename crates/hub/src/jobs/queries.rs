//! Every statement on the jobs table.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::Job;
use super::lanes::Queue;

/// A job in hand.
#[derive(Debug)]
pub struct ClaimedJob {
    /// The key.
    pub job_pk: i64,
    /// The kind, as stored.
    pub kind: String,
    /// The arguments.
    pub payload: Value,
    /// How often it was tried, this time included.
    pub attempts: i32,
}

/// Adds a job, to be done at once or not before a time, unless the same work is waiting already.
///
/// # Errors
/// The database does not answer.
pub async fn insert_job(
    conn: &mut PgConnection,
    job: &Job,
    dedup_key: Option<&str>,
    run_at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    let (kind, payload) = stored(job)?;
    sqlx::query!(
        "insert into jobs (kind, dedup_key, payload, run_at) values ($1, $2, $3, coalesce($4, now()))
         on conflict (kind, dedup_key) where failed_at is null and locked_until is null do nothing",
        kind,
        dedup_key,
        payload,
        run_at
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Adds jobs, whatever is waiting already.
///
/// # Errors
/// The database does not answer.
pub async fn insert_jobs(conn: &mut PgConnection, jobs: &[Job]) -> sqlx::Result<()> {
    let stored: Vec<(String, Value)> = jobs.iter().map(stored).collect::<sqlx::Result<_>>()?;
    let (kinds, payloads): (Vec<String>, Vec<Value>) = stored.into_iter().unzip();
    sqlx::query!(
        "insert into jobs (kind, payload) select kind, payload from unnest($1::text[], $2::jsonb[]) as j (kind, payload)",
        &kinds,
        &payloads
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// A job's kind and arguments, as stored.
fn stored(job: &Job) -> sqlx::Result<(String, Value)> {
    let text = serde_json::to_value(job).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let kind = text.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((kind, text.get("payload").cloned().unwrap_or(Value::Null)))
}

/// Claims the job of a queue that waits longest; none of the kinds `left`.
///
/// # Errors
/// The database does not answer.
pub async fn claim(pool: &PgPool, queue: Queue, lease: Duration, left: &[String]) -> sqlx::Result<Option<ClaimedJob>> {
    let secs = lease.as_secs_f64();
    // The kinds stand here as in the predicates of the indexes (migrations/20261130040001_*, 20261201020002_*), or those would be of no
    // use.
    match queue {
        Queue::Quick => {
            sqlx::query_as!(
                ClaimedJob,
                "update jobs set attempts = attempts + 1, locked_until = now() + make_interval(secs => $1)
                 where job_pk = (
                     select job_pk from jobs
                     where failed_at is null and run_at <= now() and (locked_until is null or locked_until < now())
                       and kind not in ('collect_garbage', 'convert_weights', 'count_activity', 'derive_again', 'export_data',
                           'look_at_card', 'measure_storage', 'prune_audit_log', 'put_in_chunks', 'read_headers', 'read_texts',
                           'repack', 'scan_again', 'scan_files', 'sketch_weights', 'sweep_personal_data', 'sweep_sign_ins',
                           'sweep_uploads')
                       and kind <> all ($2)
                     order by run_at limit 1 for update skip locked
                 )
                 returning job_pk, kind, payload, attempts",
                secs,
                left
            )
            .fetch_optional(pool)
            .await
        }
        Queue::Reads => {
            sqlx::query_as!(
                ClaimedJob,
                "update jobs set attempts = attempts + 1, locked_until = now() + make_interval(secs => $1)
                 where job_pk = (
                     select job_pk from jobs
                     where failed_at is null and run_at <= now() and (locked_until is null or locked_until < now())
                       and kind in ('look_at_card', 'read_headers', 'read_texts')
                       and kind <> all ($2)
                     order by run_at limit 1 for update skip locked
                 )
                 returning job_pk, kind, payload, attempts",
                secs,
                left
            )
            .fetch_optional(pool)
            .await
        }
        Queue::Slow => {
            sqlx::query_as!(
                ClaimedJob,
                "update jobs set attempts = attempts + 1, locked_until = now() + make_interval(secs => $1)
                 where job_pk = (
                     select job_pk from jobs
                     where failed_at is null and run_at <= now() and (locked_until is null or locked_until < now())
                       and kind in ('collect_garbage', 'convert_weights', 'count_activity', 'derive_again', 'export_data',
                           'measure_storage', 'prune_audit_log', 'repack', 'scan_again', 'scan_files', 'sketch_weights',
                           'sweep_personal_data', 'sweep_sign_ins', 'sweep_uploads')
                       and kind <> all ($2)
                     order by run_at limit 1 for update skip locked
                 )
                 returning job_pk, kind, payload, attempts",
                secs,
                left
            )
            .fetch_optional(pool)
            .await
        }
        Queue::Chunks => {
            sqlx::query_as!(
                ClaimedJob,
                "update jobs set attempts = attempts + 1, locked_until = now() + make_interval(secs => $1)
                 where job_pk = (
                     select job_pk from jobs
                     where failed_at is null and run_at <= now() and (locked_until is null or locked_until < now())
                       and kind = 'put_in_chunks'
                       and kind <> all ($2)
                     order by run_at limit 1 for update skip locked
                 )
                 returning job_pk, kind, payload, attempts",
                secs,
                left
            )
            .fetch_optional(pool)
            .await
        }
    }
}

/// Makes a claim last from now on; `false` when another node has taken the job up, or it is gone.
///
/// # Errors
/// The database does not answer.
pub async fn extend(pool: &PgPool, job: &ClaimedJob, lease: Duration) -> sqlx::Result<bool> {
    // Each claim counts as a try, so the number tells whose it is.
    let extended = sqlx::query!(
        "update jobs set locked_until = now() + make_interval(secs => $3)
         where job_pk = $1 and attempts = $2 and failed_at is null",
        job.job_pk,
        job.attempts,
        lease.as_secs_f64()
    );
    Ok(extended.execute(pool).await?.rows_affected() > 0)
}

/// In how many seconds the next job is due that waits for its time.
///
/// # Errors
/// The database does not answer.
pub async fn seconds_to_next(pool: &PgPool) -> sqlx::Result<Option<f64>> {
    sqlx::query_scalar!(
        "select extract(epoch from min(run_at) - clock_timestamp())::float8 from jobs
         where failed_at is null and run_at > now() and (locked_until is null or locked_until < now())"
    )
    .fetch_one(pool)
    .await
}

/// Whether such a job waits, or is in hand.
///
/// # Errors
/// The database does not answer.
pub async fn is_waiting(pool: &PgPool, kind: &str, dedup_key: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from jobs where kind = $1 and dedup_key = $2 and failed_at is null) as "waits!""#,
        kind,
        dedup_key
    )
    .fetch_one(pool)
    .await
}

/// Whether at least so many jobs are due that read what takes longer of repositories.
///
/// # Errors
/// The database does not answer.
pub async fn are_many_read(pool: &PgPool, many: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select count(*) >= $1 as "many!" from (
               select from jobs where kind in ('read_headers', 'read_texts') and failed_at is null and run_at <= now() limit $1) due"#,
        many
    )
    .fetch_one(pool)
    .await
}

/// Removes a job that is done.
///
/// # Errors
/// The database does not answer.
pub async fn finish(pool: &PgPool, job_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from jobs where job_pk = $1", job_pk).execute(pool).await.map(|_| ())
}

/// Puts a failed job back for later, or among the dead letters when its tries are used up. One that another node has taken up
/// meanwhile stays with that.
///
/// # Errors
/// The database does not answer.
pub async fn fail(pool: &PgPool, job: &ClaimedJob, error: &str, max_attempts: i32) -> sqlx::Result<()> {
    // Doubles from 2 s. `locked_until` stays set, so that a new job with the same key is not held up by this one.
    let wait_secs = f64::from(2_u32.saturating_pow(u32::try_from(job.attempts.clamp(1, 12)).unwrap_or(1)));
    sqlx::query!(
        "update jobs set last_error = $2, run_at = now() + make_interval(secs => $3), locked_until = now(),
                failed_at = case when attempts >= $4 then now() end
         where job_pk = $1 and attempts = $5",
        job.job_pk,
        error,
        wait_secs,
        max_attempts,
        job.attempts
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// How many jobs wait and how many are dead letters.
///
/// # Errors
/// The database does not answer.
pub async fn count(pool: &PgPool) -> sqlx::Result<(i64, i64)> {
    let row =
        sqlx::query!(r#"select count(*) filter (where failed_at is null) as "waiting!", count(failed_at) as "dead!" from jobs"#)
            .fetch_one(pool)
            .await?;
    Ok((row.waiting, row.dead))
}
