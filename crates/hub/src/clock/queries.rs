//! The database's time, and what it wrote while it was ahead.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// What time it is.
pub(super) async fn find_time(pool: &PgPool) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(pool).await
}

/// Sets right what is dated in the future and would live, wait or count for as long as that. What waits to be deleted stays as it is:
/// it waits longer. Gives how many rows it were.
pub(super) async fn mend(pool: &PgPool) -> sqlx::Result<u64> {
    let mut mended = mend_what_opens(pool).await?;
    mended += mend_what_counts(pool).await?;
    mended += mend_what_waits(pool).await?;
    Ok(mended)
}

/// Sessions and links end; tokens, grants and invitations last as long as they were to last.
async fn mend_what_opens(pool: &PgPool) -> sqlx::Result<u64> {
    let mut mended = 0;
    let done = sqlx::query!("delete from sessions where created_at > now() + interval '1 minute'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("update sessions set proved_at = null where proved_at > now() + interval '1 minute'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("delete from mail_links where sent_at > now() + interval '1 minute'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("delete from sign_ups where expires_at > now() + interval '25 hours'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("delete from ceremonies where expires_at > now() + interval '1 day'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("delete from oauth_codes where expires_at > now() + interval '1 day'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("delete from oauth_devices where expires_at > now() + interval '1 day'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!(
        "with held as (
             select token_pk from access_tokens where created_at > now() + interval '1 minute' order by token_pk for no key update
         )
         update access_tokens t set expires_at = expires_at - (created_at - now()), created_at = now()
         from held where t.token_pk = held.token_pk"
    );
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!(
        "with held as (
             select grant_pk from oauth_grants where created_at > now() + interval '1 minute' order by grant_pk for no key update
         )
         update oauth_grants g set ends_at = ends_at - (created_at - now()), created_at = now()
         from held where g.grant_pk = held.grant_pk"
    );
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!(
        "update organization_invitations set expires_at = expires_at - (created_at - now()), created_at = now()
         where created_at > now() + interval '1 minute'"
    );
    Ok(mended + done.execute(pool).await?.rows_affected())
}

/// Codes of apps are taken again from the next on, and limits on how often something may be done end as they should.
async fn mend_what_counts(pool: &PgPool) -> sqlx::Result<u64> {
    let mut mended = 0;
    let done = sqlx::query!(
        "update authenticator_apps set last_step = floor(extract(epoch from now()) / 30)::bigint
         where last_step > floor(extract(epoch from now()) / 30)::bigint + 2"
    );
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("update wrong_codes set since = now() where since > now() + interval '1 minute'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("update rule_counts set since = now() where since > now() + interval '1 minute'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("update rule_texts set created_at = now() where created_at > now() + interval '1 minute'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("update attachments set created_at = now() where created_at > now() + interval '1 minute'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("update data_exports set asked_at = now() where asked_at > now() + interval '1 minute'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("update users set email_asked_at = null where email_asked_at > now() + interval '1 minute'");
    Ok(mended + done.execute(pool).await?.rows_affected())
}

/// What was put off is done now.
async fn mend_what_waits(pool: &PgPool) -> sqlx::Result<u64> {
    let mut mended = 0;
    let done = sqlx::query!(
        "update jobs set created_at = least(created_at, now()), run_at = least(run_at, now()),
                locked_until = case when locked_until is not null then least(locked_until, now()) end
         where failed_at is null and (created_at > now() + interval '1 minute' or locked_until > now() + interval '1 hour')"
    );
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!(
        "update gc_runs set started_at = least(started_at, now()), finished_at = now()
         where finished_at > now() + interval '1 minute'"
    );
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!(
        "with held as (
             select webhook_pk from webhooks
             where locked_until > now() + interval '1 day' or due_at > now() + interval '2 days'
                or failing_since > now() + interval '1 minute'
             order by webhook_pk for no key update
         )
         update webhooks h set locked_until = case when locked_until is not null then least(locked_until, now()) end,
                due_at = case when due_at is not null then least(due_at, now()) end, failing_since = null
         from held where h.webhook_pk = held.webhook_pk"
    );
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!(
        "with held as (
             select delivery_pk from webhook_deliveries
             where state = 'waiting' and (created_at > now() + interval '1 minute' or next_try_at > now() + interval '2 days')
             order by delivery_pk for no key update
         )
         update webhook_deliveries d set created_at = least(created_at, now()), next_try_at = least(next_try_at, now())
         from held where d.delivery_pk = held.delivery_pk"
    );
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("delete from notification_mails where mailed_at > now() + interval '1 minute'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!("delete from access_request_mails where told_at > now() + interval '1 minute'");
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!(
        "with held as (
             select notification_pk from notifications
             where mail_due_at > now() + interval '2 days' or mailing_until > now() + interval '1 day'
             order by user_pk, notification_pk for no key update
         )
         update notifications n set mail_due_at = now(), mailing_until = null
         from held where n.notification_pk = held.notification_pk"
    );
    mended += done.execute(pool).await?.rows_affected();
    let done = sqlx::query!(
        "with held as (
             select saved_search_pk from saved_searches
             where looked_until > now() + interval '1 minute' or look_at > now() + interval '8 days'
                or telling_until > now() + interval '1 day'
             order by saved_search_pk for no key update
         )
         update saved_searches s set look_at = case when look_at is not null then now() end,
                looked_until = least(looked_until, now()), seen_at = least(seen_at, now()), telling_until = null, mailed_at = null
         from held where s.saved_search_pk = held.saved_search_pk"
    );
    Ok(mended + done.execute(pool).await?.rows_affected())
}
