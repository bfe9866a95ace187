//! Statements on mails about notifications, and on what is too old to keep.

use sqlx::PgPool;

/// A notification that a mail tells of.
#[derive(Debug, Clone, Copy)]
pub struct DueRow {
    /// The key.
    pub notification_pk: i64,
    /// The last event that it was about when the mail was written.
    pub last_event_pk: i64,
}

/// Takes what mails shall tell somebody by now, for `lease_secs`: another node that asks meanwhile gets nothing. From now on, what
/// they are told at once waits a while.
///
/// # Errors
/// The database does not answer.
pub async fn take_due(pool: &PgPool, user_pk: i64, lease_secs: f64, limit: i64) -> sqlx::Result<Vec<DueRow>> {
    sqlx::query_as!(
        DueRow,
        "with due as (
             select notification_pk from notifications
             where user_pk = $1 and mail_due_at <= now() and (mailing_until is null or mailing_until < now())
             order by mail_due_at limit $3 for update skip locked
         ), begun as (
             insert into notification_mails (user_pk, mailed_at) select $1, now() from due limit 1
             on conflict (user_pk) do update set mailed_at = excluded.mailed_at
         )
         update notifications n set mailing_until = now() + make_interval(secs => $2) from due
         where n.notification_pk = due.notification_pk
         returning n.notification_pk, n.last_event_pk",
        user_pk,
        lease_secs,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Whether somebody has taken what mails shall tell a user by now.
///
/// # Errors
/// The database does not answer.
pub async fn is_taken(pool: &PgPool, user_pk: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from notifications where user_pk = $1 and mail_due_at <= now() and mailing_until >= now()) as "taken!""#,
        user_pk
    )
    .fetch_one(pool)
    .await
}

/// Notes that a mail told of these. What came meanwhile is told by the next.
///
/// # Errors
/// The database does not answer.
pub async fn note_mailed(pool: &PgPool, told: &[DueRow]) -> sqlx::Result<()> {
    let keys: Vec<i64> = told.iter().map(|row| row.notification_pk).collect();
    let last: Vec<i64> = told.iter().map(|row| row.last_event_pk).collect();
    // In one order, here and wherever somebody reads many at once: the two do not wait for each other.
    sqlx::query!(
        "with held as (
             select notification_pk from notifications where notification_pk = any($1) order by notification_pk for no key update
         )
         update notifications n
         set mail_due_at = case when n.last_event_pk = t.last then null else n.mail_due_at end, mailing_until = null
         from held join unnest($1::bigint[], $2::bigint[]) t (pk, last) on held.notification_pk = t.pk
         where n.notification_pk = held.notification_pk",
        &keys,
        &last
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Lets go of what was taken and could not be sent.
///
/// # Errors
/// The database does not answer.
pub async fn release(pool: &PgPool, taken: &[DueRow]) -> sqlx::Result<()> {
    let keys: Vec<i64> = taken.iter().map(|row| row.notification_pk).collect();
    sqlx::query!(
        "with held as (
             select notification_pk from notifications where notification_pk = any($1) order by notification_pk for no key update
         )
         update notifications n set mailing_until = null from held where n.notification_pk = held.notification_pk",
        &keys
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Forgets all mails to somebody that are due: to them none may go.
///
/// # Errors
/// The database does not answer.
pub async fn forget(pool: &PgPool, user_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "with held as (
             select notification_pk from notifications where user_pk = $1 and mail_due_at is not null
             order by notification_pk for no key update
         )
         update notifications n set mail_due_at = null from held where n.notification_pk = held.notification_pk",
        user_pk
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// To whom mails are due, without those for whom a job waits already, as it does for long when the mail server is away.
///
/// # Errors
/// The database does not answer.
pub async fn list_due(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select user_pk from notifications n
         where mail_due_at <= now() and (mailing_until is null or mailing_until < now())
           and not exists (select from jobs j where j.kind = 'mail_notifications' and j.failed_at is null
                           and j.payload = jsonb_build_object('user_pk', n.user_pk))
         group by user_pk order by min(mail_due_at) limit $1",
        limit
    )
    .fetch_all(pool)
    .await
}

/// Removes what was read and is older than `read_days`, and what is older than `days`, some at a time. Says how many.
///
/// # Errors
/// The database does not answer.
pub async fn delete_old(pool: &PgPool, read_days: i32, days: i32, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from notifications where notification_pk in (
             select notification_pk from notifications
             where updated_at < now() - make_interval(days => $1)
               and (not unread or updated_at < now() - make_interval(days => $2))
             order by updated_at limit $3 for update skip locked)",
        read_days,
        days,
        limit
    );
    Ok(done.execute(pool).await?.rows_affected())
}
