//! Statements on what people watch, and on when mails tell them.

use hub_types::RepoType;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::accounts::queries::lock_user;
use crate::notifications::watching::{Level, MailTime, Settings};

/// What somebody said about a repository.
///
/// # Errors
/// The database does not answer.
pub async fn find_level(pool: &PgPool, user_pk: i64, repo_pk: i64) -> sqlx::Result<Option<Level>> {
    sqlx::query_scalar!(
        r#"select level as "level: Level" from repo_watches where user_pk = $1 and repo_pk = $2"#,
        user_pk,
        repo_pk
    )
    .fetch_optional(pool)
    .await
}

/// Notes what somebody says about a repository.
///
/// # Errors
/// The database does not answer.
pub async fn set_level(conn: &mut PgConnection, user_pk: i64, repo_pk: i64, level: Level) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into repo_watches (user_pk, repo_pk, level) values ($1, $2, $3)
         on conflict (user_pk, repo_pk) do update set level = excluded.level",
        user_pk,
        repo_pk,
        level as Level
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Forgets what somebody said about a repository.
///
/// # Errors
/// The database does not answer.
pub async fn delete_level(pool: &PgPool, user_pk: i64, repo_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from repo_watches where user_pk = $1 and repo_pk = $2", user_pk, repo_pk).execute(pool).await.map(|_| ())
}

/// Makes others that watch something for the same user wait, and counts what is watched.
///
/// # Errors
/// The database does not answer.
pub async fn lock_and_count(conn: &mut PgConnection, user_pk: i64) -> sqlx::Result<i64> {
    lock_user(conn, user_pk).await?;
    sqlx::query_scalar!(
        r#"select (select count(*) from repo_watches where user_pk = $1)
                + (select count(*) from namespace_watches where user_pk = $1) as "count!""#,
        user_pk
    )
    .fetch_one(conn)
    .await
}

/// Whether somebody watches a user or an organisation.
///
/// # Errors
/// The database does not answer.
pub async fn watches_namespace(pool: &PgPool, user_pk: i64, namespace_pk: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from namespace_watches where user_pk = $1 and namespace_pk = $2) as "watches!""#,
        user_pk,
        namespace_pk
    )
    .fetch_one(pool)
    .await
}

/// Notes that somebody watches a user or an organisation.
///
/// # Errors
/// The database does not answer.
pub async fn insert_namespace(conn: &mut PgConnection, user_pk: i64, namespace_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into namespace_watches (user_pk, namespace_pk) values ($1, $2) on conflict do nothing",
        user_pk,
        namespace_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Notes that somebody watches a user or an organisation no longer.
///
/// # Errors
/// The database does not answer.
pub async fn delete_namespace(pool: &PgPool, user_pk: i64, namespace_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from namespace_watches where user_pk = $1 and namespace_pk = $2", user_pk, namespace_pk)
        .execute(pool)
        .await
        .map(|_| ())
}

/// A repository about which somebody said what they want to hear.
#[derive(Debug, Clone)]
pub struct WatchedRepoRow {
    /// Its type.
    pub repo_type: RepoType,
    /// Its owner.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What.
    pub level: Level,
}

/// The repositories about which somebody said something, by name; those that they may still read.
///
/// # Errors
/// The database does not answer.
pub async fn list_repos(pool: &PgPool, user_pk: i64, namespaces: &[i64]) -> sqlx::Result<Vec<WatchedRepoRow>> {
    sqlx::query_as!(
        WatchedRepoRow,
        r#"select r.repo_type as "repo_type: RepoType", n.name as namespace, r.name, w.level as "level: Level"
           from repo_watches w join repos r using (repo_pk) join namespaces n on n.namespace_pk = r.namespace_pk
           where w.user_pk = $1 and r.deleted_at is null and not r.disabled and (not r.private or coalesce(r.resource_group_pk, r.namespace_pk) = any($2))
           order by lower(n.name), lower(r.name), r.repo_type limit 1000"#,
        user_pk,
        namespaces
    )
    .fetch_all(pool)
    .await
}

/// The users and organisations that somebody watches, by name.
///
/// # Errors
/// The database does not answer.
pub async fn list_namespaces(pool: &PgPool, user_pk: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select name from namespace_watches join namespaces using (namespace_pk) where user_pk = $1 order by lower(name) limit 1000",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// When mails tell somebody, if they ever said so.
///
/// # Errors
/// The database does not answer.
pub async fn find_settings(conn: impl PgExecutor<'_>, user_pk: i64) -> sqlx::Result<Option<Settings>> {
    sqlx::query_as!(
        Settings,
        r#"select mention_mail as "mention: MailTime", participating_mail as "participating: MailTime",
                  watching_mail as "watching: MailTime", organizations
           from notification_settings where user_pk = $1"#,
        user_pk
    )
    .fetch_optional(conn)
    .await
}

/// Notes when mails tell somebody. Of what they do not want to be told, nothing is due any more.
///
/// # Errors
/// The database does not answer.
pub async fn save_settings(conn: &mut PgConnection, user_pk: i64, settings: &Settings) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into notification_settings (user_pk, mention_mail, participating_mail, watching_mail, organizations)
         values ($1, $2, $3, $4, $5)
         on conflict (user_pk) do update set mention_mail = excluded.mention_mail, participating_mail = excluded.participating_mail,
             watching_mail = excluded.watching_mail, organizations = excluded.organizations",
        user_pk,
        settings.mention as MailTime,
        settings.participating as MailTime,
        settings.watching as MailTime,
        settings.organizations
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "with held as (
             select notification_pk from notifications
             where user_pk = $1 and mail_due_at is not null
               and (case reason when 3 then $2 when 2 then $3 else $4 end) = 'never'
             order by notification_pk for no key update
         )
         update notifications n set mail_due_at = null from held where n.notification_pk = held.notification_pk",
        user_pk,
        settings.mention as MailTime,
        settings.participating as MailTime,
        settings.watching as MailTime
    )
    .execute(conn)
    .await
    .map(|_| ())
}
