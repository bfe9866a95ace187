//! Statements on webhooks that were deleted and can come back for a time.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// A webhook that can come back.
#[derive(Debug, Clone)]
pub struct DeletedWebhook {
    /// The `id` that clients see.
    pub id: String,
    /// Where deliveries went.
    pub url: String,
    /// When it was deleted.
    pub deleted_at: DateTime<Utc>,
}

/// Removes a webhook with its deliveries, and keeps what it was.
///
/// # Errors
/// The database does not answer.
pub async fn delete(conn: &mut PgConnection, webhook_pk: i64) -> sqlx::Result<()> {
    // Whoever changes it waits, and finds it gone.
    sqlx::query!("select webhook_pk from webhooks where webhook_pk = $1 for update", webhook_pk)
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into deleted_webhooks (webhook_pk, public_id, user_pk, url, contents)
         select h.webhook_pk, h.public_id, h.user_pk, h.url, jsonb_build_object(
             'webhook', to_jsonb(h),
             'watches', (select coalesce(jsonb_agg(to_jsonb(w) order by w.watch_pk), '[]') from webhook_watches w
                         where w.webhook_pk = h.webhook_pk))
         from webhooks h where h.webhook_pk = $1",
        webhook_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from webhooks where webhook_pk = $1", webhook_pk).execute(conn).await.map(|_| ())
}

/// Those of a user that were deleted since a time, the last first.
///
/// # Errors
/// The database does not answer.
pub async fn list(pool: &PgPool, user_pk: i64, since: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<DeletedWebhook>> {
    sqlx::query_as!(
        DeletedWebhook,
        "select public_id as id, url, deleted_at from deleted_webhooks
         where user_pk = $1 and deleted_at > $2 order by deleted_at desc, webhook_pk desc limit $3",
        user_pk,
        since,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Brings back one that a user deleted since a time, with what is still there of what it watched, and gives its address; `None` when
/// there is none.
///
/// # Errors
/// The database does not answer.
pub async fn restore(conn: &mut PgConnection, user_pk: i64, id: &str, since: DateTime<Utc>) -> sqlx::Result<Option<String>> {
    let held = sqlx::query!(
        "select webhook_pk, url from deleted_webhooks where user_pk = $1 and public_id = $2 and deleted_at > $3 for update",
        user_pk,
        id,
        since
    );
    let Some(held) = held.fetch_optional(&mut *conn).await? else { return Ok(None) };
    sqlx::query!(
        "insert into webhooks (webhook_pk, public_id, user_pk, url, domains, secret, disabled, disabled_because, created_at)
         overriding system value
         select h.webhook_pk, h.public_id, d.user_pk, h.url, h.domains, h.secret, h.disabled, h.disabled_because, h.created_at
         from deleted_webhooks d cross join lateral jsonb_populate_record(null::webhooks, d.contents -> 'webhook') h
         where d.webhook_pk = $1",
        held.webhook_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into webhook_watches (webhook_pk, namespace_pk, repo_pk, name)
         select d.webhook_pk, w.namespace_pk, w.repo_pk, w.name
         from deleted_webhooks d
         cross join lateral jsonb_populate_recordset(null::webhook_watches, d.contents -> 'watches') w
         where d.webhook_pk = $1
           and (w.namespace_pk is null or exists (select from namespaces n where n.namespace_pk = w.namespace_pk and n.kind <> 'deleted'))
           and (w.repo_pk is null or exists (select from repos r where r.repo_pk = w.repo_pk))
         order by w.watch_pk on conflict do nothing",
        held.webhook_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from deleted_webhooks where webhook_pk = $1", held.webhook_pk).execute(conn).await?;
    Ok(Some(held.url))
}
