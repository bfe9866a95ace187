//! Statements on deliveries: what is to be sent, and the log of what was.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::metrics::WebhookState;

/// A delivery in the log.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The key.
    pub pk: i64,
    /// The id that is sent with it.
    pub id: String,
    /// What it is about.
    pub repo_pk: Option<i64>,
    /// Scope and action.
    pub event: String,
    /// What is sent.
    pub payload: Value,
    /// `waiting`, `delivered` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next, if it waits.
    pub next_try_at: DateTime<Utc>,
    /// When it was tried last.
    pub tried_at: Option<DateTime<Utc>>,
    /// The status of the last answer.
    pub status_code: Option<i32>,
    /// How long the last try took.
    pub duration_ms: Option<i32>,
    /// How the last answer began.
    pub answer: String,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A line of the log: a delivery without what is large.
#[derive(Debug, Clone)]
pub struct LogRow {
    /// The key.
    pub pk: i64,
    /// The id that is sent with it.
    pub id: String,
    /// Scope and action.
    pub event: String,
    /// `waiting`, `delivered` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// The status of the last answer.
    pub status_code: Option<i32>,
    /// How long the last try took.
    pub duration_ms: Option<i32>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A delivery that is due, with where it goes.
#[derive(Debug, Clone)]
pub struct DueRow {
    /// The key.
    pub delivery_pk: i64,
    /// The id that is sent with it.
    pub id: String,
    /// What it is about.
    pub repo_pk: Option<i64>,
    /// What is sent.
    pub payload: Value,
    /// How often it was tried.
    pub attempts: i32,
    /// Whose webhook it is.
    pub user_pk: i64,
    /// Where it goes.
    pub url: String,
    /// What is sent with it.
    pub secret: Option<String>,
}

/// What came of a try.
#[derive(Debug, Clone, Default)]
pub struct Tried {
    /// The status of the answer.
    pub status_code: Option<i32>,
    /// How long it took.
    pub duration_ms: i32,
    /// How the answer began.
    pub answer: String,
    /// Why it failed; nothing when it arrived.
    pub error: Option<String>,
}

/// Makes one delivery for each of these webhooks, due at once. Each payload says for which webhook it is.
///
/// # Errors
/// The database does not answer.
pub async fn insert(
    conn: &mut PgConnection,
    webhook_pks: &[i64],
    repo_pk: Option<i64>,
    event: &str,
    payload: &Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into webhook_deliveries (webhook_pk, repo_pk, event, payload)
         select webhook_pk, $2, $3, $4::jsonb || jsonb_build_object('webhook', jsonb_build_object('id', public_id, 'version', 3))
         from webhooks where webhook_pk = any($1) and not disabled",
        webhook_pks,
        repo_pk,
        event,
        payload
    )
    .execute(&mut *conn)
    .await?;
    set_due(conn, webhook_pks).await
}

/// Puts a payload among the deliveries once more, and gives the id of the new one.
///
/// # Errors
/// The database does not answer.
pub async fn repeat(conn: &mut PgConnection, webhook_pk: i64, delivery_pk: i64) -> sqlx::Result<String> {
    let id = sqlx::query_scalar!(
        "insert into webhook_deliveries (webhook_pk, repo_pk, event, payload)
         select webhook_pk, repo_pk, event, payload from webhook_deliveries where delivery_pk = $1 returning public_id",
        delivery_pk
    );
    let id = id.fetch_one(&mut *conn).await?;
    set_due(conn, &[webhook_pk]).await?;
    Ok(id)
}

/// Takes hold of webhooks that are about to get deliveries. Whoever changes several holds them in this order, so that no two of these
/// wait for each other.
///
/// # Errors
/// The database does not answer.
pub async fn hold(conn: &mut PgConnection, webhook_pks: &[i64]) -> sqlx::Result<()> {
    sqlx::query!("select webhook_pk from webhooks where webhook_pk = any($1) order by webhook_pk for no key update", webhook_pks)
        .fetch_all(conn)
        .await
        .map(|_| ())
}

async fn set_due(conn: &mut PgConnection, webhook_pks: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "with held as (
             select webhook_pk from webhooks where webhook_pk = any($1) and not disabled order by webhook_pk for no key update
         )
         update webhooks h set due_at = least(h.due_at, now()) from held where h.webhook_pk = held.webhook_pk",
        webhook_pks
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Which of these webhooks have more deliveries waiting than there may be. Moves do not count: an account that is renamed moves all its
/// repositories at once, which is nothing that the webhook's owner could keep up with.
///
/// # Errors
/// The database does not answer.
pub async fn list_behind(conn: &mut PgConnection, webhook_pks: &[i64], most: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select webhook_pk from webhook_deliveries where webhook_pk = any($1) and state = 'waiting' and event <> 'repo move'
         group by webhook_pk having count(*) > $2",
        webhook_pks,
        most
    )
    .fetch_all(conn)
    .await
}

/// How many deliveries of a webhook wait.
///
/// # Errors
/// The database does not answer.
pub async fn count_waiting(conn: &mut PgConnection, webhook_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from webhook_deliveries where webhook_pk = $1 and state = 'waiting'"#,
        webhook_pk
    )
    .fetch_one(conn)
    .await
}

/// Takes the webhook that is due longest, for `lease_secs`. Of an account, all nodes together have at most `of_one_account`.
///
/// # Errors
/// The database does not answer.
pub async fn claim(pool: &PgPool, lease_secs: f64, of_one_account: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "update webhooks set locked_until = now() + make_interval(secs => $1)
         where webhook_pk = (
             select webhook_pk from webhooks
             where due_at <= now() and not disabled and (locked_until is null or locked_until < now())
               and user_pk not in (select user_pk from webhooks where locked_until > now() group by user_pk having count(*) >= $2)
             order by due_at limit 1 for update skip locked
         )
         returning webhook_pk",
        lease_secs,
        of_one_account
    )
    .fetch_optional(pool)
    .await
}

/// Lets go of a webhook, which comes up again when its next delivery is due, after those that wait already.
///
/// # Errors
/// The database does not answer.
pub async fn release(conn: &mut PgConnection, webhook_pk: i64) -> sqlx::Result<()> {
    // Locked by a statement of its own: the next one sees the deliveries that were made while this waited.
    sqlx::query!("select webhook_pk from webhooks where webhook_pk = $1 for no key update", webhook_pk)
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query!(
        "update webhooks set locked_until = null, due_at = (
             select greatest(min(next_try_at), now()) from webhook_deliveries
             where webhook_pk = $1 and state = 'waiting' having count(*) > 0)
         where webhook_pk = $1",
        webhook_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// The delivery of a webhook that is due longest, unless it is switched off.
///
/// # Errors
/// The database does not answer.
pub async fn next_due(pool: &PgPool, webhook_pk: i64) -> sqlx::Result<Option<DueRow>> {
    sqlx::query_as!(
        DueRow,
        "select delivery_pk, d.public_id as id, repo_pk, payload, attempts, user_pk, url, secret
         from webhook_deliveries d join webhooks w using (webhook_pk)
         where webhook_pk = $1 and state = 'waiting' and next_try_at <= now() and not disabled
         order by next_try_at, delivery_pk limit 1",
        webhook_pk
    )
    .fetch_optional(pool)
    .await
}

// Webhooks are locked before deliveries, here and where they are switched off.

/// Notes that a delivery arrived.
///
/// # Errors
/// The database does not answer.
pub async fn note_arrived(conn: &mut PgConnection, webhook_pk: i64, delivery_pk: i64, tried: &Tried) -> sqlx::Result<()> {
    sqlx::query!("update webhooks set failures = 0, failing_since = null where webhook_pk = $1 and failures > 0", webhook_pk)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "update webhook_deliveries set state = 'delivered', attempts = attempts + 1, tried_at = now(), status_code = $2,
                duration_ms = $3, answer = $4, error = null
         where delivery_pk = $1",
        delivery_pk,
        tried.status_code,
        tried.duration_ms,
        tried.answer
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// How long a webhook has been failing.
#[derive(Debug, Clone, Copy)]
pub struct Failing {
    /// How many tries failed in a row.
    pub failures: i32,
    /// For how many days.
    pub days: f64,
}

/// Notes that a try failed; the delivery is tried again after `wait_secs`, or not at all.
///
/// # Errors
/// The database does not answer.
pub async fn note_failed(
    conn: &mut PgConnection,
    webhook_pk: i64,
    delivery_pk: i64,
    tried: &Tried,
    wait_secs: Option<f64>,
) -> sqlx::Result<Option<Failing>> {
    let failing = sqlx::query_as!(
        Failing,
        r#"update webhooks set failures = failures + 1, failing_since = coalesce(failing_since, now()) where webhook_pk = $1
           returning failures, (extract(epoch from now() - failing_since) / 86400)::float8 as "days!""#,
        webhook_pk
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query!(
        "update webhook_deliveries set state = case when $6::float8 is null then 'failed' else state end, attempts = attempts + 1,
                tried_at = now(), status_code = $2, duration_ms = $3, answer = $4, error = $5,
                next_try_at = now() + make_interval(secs => coalesce($6, 0))
         where delivery_pk = $1 and state = 'waiting'",
        delivery_pk,
        tried.status_code,
        tried.duration_ms,
        tried.answer,
        tried.error,
        wait_secs
    )
    .execute(conn)
    .await?;
    Ok(failing)
}

/// Removes a delivery.
///
/// # Errors
/// The database does not answer.
pub async fn delete(conn: impl PgExecutor<'_>, delivery_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from webhook_deliveries where delivery_pk = $1", delivery_pk).execute(conn).await.map(|_| ())
}

/// Keeps the newest deliveries of a webhook that are over.
///
/// # Errors
/// The database does not answer.
pub async fn keep_newest(conn: impl PgExecutor<'_>, webhook_pk: i64, count: i64) -> sqlx::Result<()> {
    // What somebody else removes at this moment needs nobody to wait for it.
    sqlx::query!(
        "delete from webhook_deliveries where delivery_pk in (
             select delivery_pk from webhook_deliveries where webhook_pk = $1 and state <> 'waiting' and delivery_pk <= (
                 select delivery_pk from webhook_deliveries where webhook_pk = $1 order by delivery_pk desc offset $2 limit 1)
             for update skip locked)",
        webhook_pk,
        count
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Removes deliveries that are over and older than so many days.
///
/// # Errors
/// The database does not answer.
pub async fn delete_old(conn: impl PgExecutor<'_>, days: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from webhook_deliveries where delivery_pk in (
             select delivery_pk from webhook_deliveries
             where created_at < now() - make_interval(days => $1) and state <> 'waiting' for update skip locked)",
        days
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// The log of a webhook, the newest first, from before a key.
///
/// # Errors
/// The database does not answer.
pub async fn list(pool: &PgPool, webhook_pk: i64, before: i64, limit: i64) -> sqlx::Result<Vec<LogRow>> {
    sqlx::query_as!(
        LogRow,
        "select delivery_pk as pk, public_id as id, event, state, attempts, status_code, duration_ms, created_at
         from webhook_deliveries where webhook_pk = $1 and delivery_pk < $2 order by delivery_pk desc limit $3",
        webhook_pk,
        before,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Finds a delivery of a webhook.
///
/// # Errors
/// The database does not answer.
pub async fn find(conn: impl PgExecutor<'_>, webhook_pk: i64, id: &str) -> sqlx::Result<Option<Delivery>> {
    sqlx::query_as!(
        Delivery,
        "select delivery_pk as pk, public_id as id, repo_pk, event, payload, state, attempts, next_try_at, tried_at, status_code,
                duration_ms, answer, error, created_at
         from webhook_deliveries where webhook_pk = $1 and public_id = $2",
        webhook_pk,
        id
    )
    .fetch_optional(conn)
    .await
}

/// What waits to be sent, and which webhooks are switched off.
///
/// # Errors
/// The database does not answer.
pub async fn find_state(pool: &PgPool) -> sqlx::Result<WebhookState> {
    sqlx::query_as!(
        WebhookState,
        r#"select w.waiting as "waiting!", w.oldest as "oldest_secs!", w.overdue as "overdue_secs!",
                  d.off as "off!", d.failing as "failing!", d.behind as "behind!"
           from (select count(*) as waiting, greatest(coalesce(extract(epoch from now() - min(w.created_at)), 0), 0)::float8 as oldest,
                        greatest(coalesce(extract(epoch from now() - min(w.next_try_at)), 0), 0)::float8 as overdue
                 from webhook_deliveries w join webhooks using (webhook_pk) where w.state = 'waiting' and not disabled) w,
                (select count(*) filter (where disabled_because is null) as off,
                        count(*) filter (where disabled_because = 'failing') as failing,
                        count(*) filter (where disabled_because = 'behind') as behind
                 from webhooks where disabled) d"#
    )
    .fetch_one(pool)
    .await
}
