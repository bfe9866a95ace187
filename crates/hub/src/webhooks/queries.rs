//! Every statement on webhooks and on what they watch.

pub mod changes;
pub mod deleted;
pub mod deliveries;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::accounts::queries::lock_user;

/// A webhook.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The key.
    pub pk: i64,
    /// The `id` that clients see.
    pub id: String,
    /// Whose it is.
    pub user_pk: i64,
    /// Where deliveries go.
    pub url: String,
    /// `repo`, `discussion` or both.
    pub domains: Vec<String>,
    /// What is sent with each delivery.
    pub secret: Option<String>,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Why the hub has switched it off: `failing` or `behind`.
    pub disabled_because: Option<String>,
    /// How many tries failed since the last that arrived.
    pub failures: i32,
    /// Since when none has arrived.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Something that a webhook watches.
#[derive(Debug, Clone)]
pub struct WatchRow {
    /// The webhook.
    pub webhook_pk: i64,
    /// `user`, `organization`, or the type of a repository.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Something to watch: a namespace or a repository.
#[derive(Debug, Clone)]
pub struct Target {
    /// The namespace.
    pub namespace_pk: Option<i64>,
    /// The repository.
    pub repo_pk: Option<i64>,
    /// What it is called.
    pub name: String,
}

/// What a webhook shall be.
#[derive(Debug)]
pub struct Form<'a> {
    /// Where deliveries go.
    pub url: &'a str,
    /// `repo`, `discussion` or both.
    pub domains: &'a [String],
    /// What is sent with each delivery.
    pub secret: Option<&'a str>,
}

/// Makes others that make a webhook of the same user wait, and counts what is there.
///
/// # Errors
/// The database does not answer.
pub async fn lock_and_count(conn: &mut PgConnection, user_pk: i64) -> sqlx::Result<i64> {
    lock_user(conn, user_pk).await?;
    sqlx::query_scalar!(r#"select count(*) as "count!" from webhooks where user_pk = $1"#, user_pk).fetch_one(conn).await
}

/// Makes a webhook.
///
/// # Errors
/// The database does not answer.
pub async fn insert(conn: &mut PgConnection, user_pk: i64, form: &Form<'_>) -> sqlx::Result<Webhook> {
    sqlx::query_as!(
        Webhook,
        "insert into webhooks (user_pk, url, domains, secret) values ($1, $2, $3, $4)
         returning webhook_pk as pk, public_id as id, user_pk, url, domains, secret, disabled, disabled_because, failures,
                   failing_since, created_at",
        user_pk,
        form.url,
        form.domains,
        form.secret
    )
    .fetch_one(conn)
    .await
}

/// Changes a webhook. With another address, it begins anew.
///
/// # Errors
/// The database does not answer.
pub async fn update(conn: &mut PgConnection, webhook_pk: i64, form: &Form<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "update webhooks set domains = $3, secret = $4, url = $2,
                failures = case when url = $2 then failures else 0 end,
                failing_since = case when url = $2 then failing_since end
         where webhook_pk = $1",
        webhook_pk,
        form.url,
        form.domains,
        form.secret
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Has a webhook watch these things and no others.
///
/// # Errors
/// The database does not answer.
pub async fn replace_watches(conn: &mut PgConnection, webhook_pk: i64, targets: &[Target]) -> sqlx::Result<()> {
    sqlx::query!("delete from webhook_watches where webhook_pk = $1", webhook_pk).execute(&mut *conn).await?;
    let namespaces: Vec<Option<i64>> = targets.iter().map(|target| target.namespace_pk).collect();
    let repos: Vec<Option<i64>> = targets.iter().map(|target| target.repo_pk).collect();
    let names: Vec<String> = targets.iter().map(|target| target.name.clone()).collect();
    sqlx::query!(
        "insert into webhook_watches (webhook_pk, namespace_pk, repo_pk, name)
         select $1, namespace_pk, repo_pk, name from unnest($2::bigint[], $3::bigint[], $4::text[]) as t (namespace_pk, repo_pk, name)
         on conflict do nothing",
        webhook_pk,
        &namespaces as &[Option<i64>],
        &repos as &[Option<i64>],
        &names
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Lists the webhooks of a user, the oldest first.
///
/// # Errors
/// The database does not answer.
pub async fn list(pool: &PgPool, user_pk: i64) -> sqlx::Result<Vec<Webhook>> {
    sqlx::query_as!(
        Webhook,
        "select webhook_pk as pk, public_id as id, user_pk, url, domains, secret, disabled, disabled_because, failures,
                failing_since, created_at
         from webhooks where user_pk = $1 order by webhook_pk",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Finds a webhook of a user.
///
/// # Errors
/// The database does not answer.
pub async fn find(conn: impl PgExecutor<'_>, user_pk: i64, id: &str) -> sqlx::Result<Option<Webhook>> {
    sqlx::query_as!(
        Webhook,
        "select webhook_pk as pk, public_id as id, user_pk, url, domains, secret, disabled, disabled_because, failures,
                failing_since, created_at
         from webhooks where user_pk = $1 and public_id = $2",
        user_pk,
        id
    )
    .fetch_optional(conn)
    .await
}

/// What webhooks watch, in the order it was named. Of a private repository, those who do not belong to one of `namespaces` are told
/// the name that they know.
///
/// # Errors
/// The database does not answer.
pub async fn list_watches(pool: &PgPool, webhook_pks: &[i64], namespaces: &[i64]) -> sqlx::Result<Vec<WatchRow>> {
    sqlx::query_as!(
        WatchRow,
        r#"select w.webhook_pk, coalesce(nullif(n.kind, 'deleted'), case when n.name is not null then 'organization' end, r.repo_type) as "kind!",
                  coalesce(n.name, case when not r.private or coalesce(r.resource_group_pk, r.namespace_pk) = any($2) then o.name || '/' || r.name end,
                           w.name) as "name!"
           from webhook_watches w left join namespaces n on n.namespace_pk = w.namespace_pk
           left join repos r on r.repo_pk = w.repo_pk left join namespaces o on o.namespace_pk = r.namespace_pk
           where w.webhook_pk = any($1) order by w.watch_pk"#,
        webhook_pks,
        namespaces
    )
    .fetch_all(pool)
    .await
}

/// A namespace by name.
#[derive(Debug, Clone)]
pub struct NamespaceRow {
    /// The key.
    pub namespace_pk: i64,
    /// The name.
    pub name: String,
    /// `user` or `organization`.
    pub kind: String,
}

/// Finds namespaces by their names, in lower case.
///
/// # Errors
/// The database does not answer.
pub async fn list_namespaces(pool: &PgPool, names: &[String]) -> sqlx::Result<Vec<NamespaceRow>> {
    sqlx::query_as!(NamespaceRow, "select namespace_pk, name, kind from namespaces where lower(name) = any($1)", names)
        .fetch_all(pool)
        .await
}

/// Switches a webhook on: it counts as one that has never failed.
///
/// # Errors
/// The database does not answer.
pub async fn enable(conn: &mut PgConnection, webhook_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update webhooks set disabled = false, disabled_because = null, failures = 0, failing_since = null
         where webhook_pk = $1 and disabled",
        webhook_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Switches webhooks off, with why if the hub does it, and gives those that were on.
///
/// # Errors
/// The database does not answer.
pub async fn disable(conn: &mut PgConnection, webhook_pks: &[i64], because: Option<&str>) -> sqlx::Result<Vec<Webhook>> {
    let off = sqlx::query_as!(
        Webhook,
        "with held as (
             select webhook_pk from webhooks where webhook_pk = any($1) and not disabled order by webhook_pk for no key update
         )
         update webhooks h set disabled = true, disabled_because = $2, due_at = null from held where h.webhook_pk = held.webhook_pk
         returning h.webhook_pk as pk, h.public_id as id, h.user_pk, h.url, h.domains, h.secret, h.disabled, h.disabled_because,
                   h.failures, h.failing_since, h.created_at",
        webhook_pks,
        because
    );
    let off = off.fetch_all(&mut *conn).await?;
    sqlx::query!(
        "with held as (
             select delivery_pk from webhook_deliveries where webhook_pk = any($1) and state = 'waiting'
             order by delivery_pk for no key update
         )
         update webhook_deliveries d
         set state = 'failed', error = coalesce(d.error, 'It was not sent: the webhook was disabled.')
         from held where d.delivery_pk = held.delivery_pk",
        webhook_pks
    )
    .execute(conn)
    .await?;
    Ok(off)
}
