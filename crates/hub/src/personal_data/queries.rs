//! Statements on all that is kept of a person.

pub(super) mod exports;
pub(super) mod organizations;
pub(super) mod parts;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// An organisation that a user is in.
#[derive(Debug)]
pub(super) struct Place {
    pub organization_pk: i64,
    pub name: String,
    /// Whether the user is an admin and nobody else is.
    pub only_admin: bool,
    pub has_others: bool,
}

impl Place {
    /// Whether it has nobody else, so that it goes with the user.
    pub(super) fn goes(&self) -> bool {
        self.only_admin && !self.has_others
    }

    /// Whether others would be left without an admin.
    pub(super) fn blocks(&self) -> bool {
        self.only_admin && self.has_others
    }
}

/// The organisations of a user.
pub(super) async fn list_places(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"select m.organization_pk, n.name,
                  m.role = 'admin' and not exists (
                      select from organization_members o
                      where o.organization_pk = m.organization_pk and o.user_pk <> m.user_pk and o.role = 'admin') as "only_admin!",
                  exists (select from organization_members o
                          join users u on u.user_pk = o.user_pk
                          where o.organization_pk = m.organization_pk and o.user_pk <> m.user_pk and u.service_of is null) as "has_others!"
           from organization_members m join namespaces n on n.namespace_pk = m.organization_pk
           where m.user_pk = $1 order by m.organization_pk"#,
        user_pk
    )
    .fetch_all(conn)
    .await
}

/// How many repositories are in these namespaces.
pub(super) async fn count_repos(conn: &mut PgConnection, namespaces: &[i64]) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from repos where namespace_pk = any($1) and deleted_at is null"#,
        namespaces
    )
    .fetch_one(conn)
    .await
}

/// Notes that an account goes, and tells whether that is news.
pub(super) async fn mark_leaving(conn: &mut PgConnection, user_pk: UserPk, until: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update users set deletion_asked_at = now(), deletes_at = $2, new_email = null where user_pk = $1 and deletes_at is null",
        user_pk,
        until
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Notes that an account stays, and tells when its deletion was asked for.
pub(super) async fn stop_leaving(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<Option<DateTime<Utc>>> {
    let asked_at = sqlx::query_scalar!(
        "with asked as (select user_pk, deletion_asked_at from users where user_pk = $1 and deletes_at > now() for update)
         update users u set deletion_asked_at = null, deletes_at = null from asked where u.user_pk = asked.user_pk
         returning asked.deletion_asked_at",
        user_pk
    );
    Ok(asked_at.fetch_optional(conn).await?.flatten())
}

/// Nothing is sent in the name of an account that is closed.
pub(super) async fn delete_webhooks(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!(
        "with held as (select webhook_pk from webhooks where user_pk = $1 order by webhook_pk for update)
         delete from webhooks h using held where h.webhook_pk = held.webhook_pk",
        user_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Nobody comes into an organisation any more that goes.
pub(super) async fn close_doors(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<()> {
    // In the order in which whoever comes in holds these.
    sqlx::query!("delete from organization_invitations where organization_pk = $1", organization_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from organization_domains where organization_pk = $1", organization_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from organization_requests where organization_pk = $1", organization_pk).execute(&mut *conn).await?;
    // Its programs do nothing any more, until it is kept.
    sqlx::query!(
        "update users set service_disabled_at = now() where service_of = $1 and service_disabled_at is null",
        organization_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Deletes the repositories of these namespaces, as [`crate::repos::delete`] does with one.
pub(super) async fn delete_repos(conn: &mut PgConnection, namespaces: &[i64], actor_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!(
        "with held as (
             select repo_pk from repos where namespace_pk = any($1) and deleted_at is null order by repo_pk for no key update
         ), gone as (
             update repos r set deleted_at = now() from held where r.repo_pk = held.repo_pk
             returning r.repo_pk, r.repo_type, r.namespace_pk, r.name
         ), named as (
             select repo_pk, repo_type, n.name || '/' || gone.name as id from gone join namespaces n using (namespace_pk)
         ), noted as (
             insert into repo_changes (repo_pk, actor_pk, kind, details)
             select repo_pk, $2::bigint, 'delete_repo', jsonb_build_object('id', id) from named
         )
         insert into events (repo_pk, actor_pk, kind, payload)
         select repo_pk, $2::bigint, 'delete_repo', jsonb_build_object('repo_type', repo_type, 'id', id) from named",
        namespaces,
        actor_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Restores the repositories that were deleted at that time, unless their contents were removed, their names given to others, or they
/// are those that moderators removed meanwhile.
pub(super) async fn restore_repos(
    conn: &mut PgConnection,
    namespaces: &[i64],
    deleted_at: DateTime<Utc>,
    actor_pk: UserPk,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with held as (
             select r.repo_pk from repos r
             where r.namespace_pk = any($1) and r.deleted_at = $2 and r.purged_at is null
               and not exists (select from moderation_standing s where s.kind = 'deleted' and s.pk = r.repo_pk)
               and not exists (select from repos o where o.namespace_pk = r.namespace_pk and o.repo_type = r.repo_type
                               and lower(o.name) = lower(r.name) and o.deleted_at is null)
             order by r.repo_pk for no key update of r
         ), back as (
             update repos r set deleted_at = null from held where r.repo_pk = held.repo_pk
             returning r.repo_pk, r.repo_type, r.namespace_pk, r.name
         ), named as (
             select repo_pk, repo_type, n.name || '/' || back.name as id from back join namespaces n using (namespace_pk)
         ), undone as (
             update repo_changes c set undone_at = now(), undone_by = $3 from named
             where c.repo_pk = named.repo_pk and c.kind = 'delete_repo' and c.undone_at is null
             returning c.repo_pk, c.change_pk
         ), noted as (
             insert into repo_changes (repo_pk, actor_pk, kind, details, undoes)
             select named.repo_pk, $3::bigint, 'restore_repo', jsonb_build_object('id', id), max(change_pk)
             from named left join undone using (repo_pk) group by named.repo_pk, id
         )
         insert into events (repo_pk, actor_pk, kind, payload)
         select repo_pk, $3::bigint, 'restore_repo', jsonb_build_object('repo_type', repo_type, 'id', id) from named",
        namespaces,
        deleted_at,
        actor_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// The accounts whose time is over.
pub(super) async fn list_due(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<UserPk>> {
    sqlx::query_scalar!("select user_pk from users where deletes_at <= now() order by deletes_at limit $1", limit)
        .fetch_all(pool)
        .await
}

/// Whether an account is still to be removed; nobody keeps it from then on.
pub(super) async fn lock_due(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("select user_pk from users where user_pk = $1 and deletes_at <= now() for update", user_pk);
    Ok(found.fetch_optional(conn).await?.is_some())
}

/// Takes hold of what a user's removal deletes or leaves without its author, which may be in many places: of each kind in the order in
/// which everybody does who changes several.
pub(super) async fn hold_all_of(conn: &mut PgConnection, user_pk: UserPk, namespaces: &[i64]) -> sqlx::Result<()> {
    sqlx::query!("select repo_pk from repos where created_by = $1 order by repo_pk for no key update", user_pk)
        .fetch_all(&mut *conn)
        .await?;
    sqlx::query!(
        "select collection_pk from collections where created_by = $1 or namespace_pk = any($2) order by collection_pk for update",
        user_pk,
        namespaces
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("select discussion_pk from discussions where author_pk = $1 order by discussion_pk for no key update", user_pk)
        .fetch_all(&mut *conn)
        .await?;
    sqlx::query!("select event_pk from discussion_events where author_pk = $1 order by event_pk for no key update", user_pk)
        .fetch_all(&mut *conn)
        .await?;
    sqlx::query!(
        "select notification_pk from notifications where user_pk = $1 or actor_pk = $1
         order by user_pk, notification_pk for update",
        user_pk
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "select access_request_pk from access_requests where user_pk = $1 or decided_by = $1 order by access_request_pk for update",
        user_pk
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("select saved_search_pk from saved_searches where user_pk = $1 order by saved_search_pk for update", user_pk)
        .fetch_all(conn)
        .await
        .map(|_| ())
}

/// Forgets what a user said that others hid, and what their page said that moderators emptied: nobody is left whom it could be given
/// back to. What they said and is shown stays, without their name. Whoever calls it holds their comments.
pub(super) async fn forget_hidden(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!(
        "update discussion_events set kept_body = null, hidden_at = null where author_pk = $1 and kept_body is not null",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from moderation_covers c using discussion_events e
         where e.author_pk = $1 and c.kind = 'comment' and c.pk = e.event_pk",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    // Also what they said in discussions that are deleted. It stays covered: when one comes back, it is still hidden.
    sqlx::query!(
        "update moderation_covers c set body = '' from moderation_acts a
         where a.owner_pk = $1 and a.act in ('hide_comment', 'hide_discussion', 'ban_user', 'remove_user') and c.act_pk = a.act_pk
           and c.kind = 'comment' and c.body <> ''",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from discussion_edits o using discussion_events e
         where e.author_pk = $1 and e.hidden and o.event_pk = e.event_pk",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update remark_threads t set snippet = '' from discussion_events e
         where e.author_pk = $1 and e.hidden and t.event_pk = e.event_pk and t.snippet <> ''",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from moderation_covers where kind in ('profile', 'picture') and pk = $1", user_pk)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Removes what hangs on namespaces. Their rows stay: they keep the names from others, and what is left of repositories refers to them.
pub(super) async fn remove_namespaces(conn: &mut PgConnection, namespaces: &[i64]) -> sqlx::Result<()> {
    // They and what they or others hold of them, in the orders in which who deletes one holds these.
    sqlx::query!(
        "select collection_pk from collections where namespace_pk = any($1) order by collection_pk for update",
        namespaces
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "select item_pk from collection_items
         where collection_pk in (select collection_pk from collections where namespace_pk = any($1))
            or nested_pk in (select collection_pk from collections where namespace_pk = any($1))
         order by item_pk for update",
        namespaces
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("delete from collections where namespace_pk = any($1)", namespaces).execute(&mut *conn).await?;
    sqlx::query!("delete from deleted_collections where namespace_pk = any($1)", namespaces).execute(&mut *conn).await?;
    sqlx::query!("delete from follows where namespace_pk = any($1)", namespaces).execute(&mut *conn).await?;
    sqlx::query!("delete from pictures where namespace_pk = any($1)", namespaces).execute(&mut *conn).await?;
    sqlx::query!("delete from namespace_watches where namespace_pk = any($1)", namespaces).execute(&mut *conn).await?;
    sqlx::query!("delete from webhook_watches where namespace_pk = any($1)", namespaces).execute(&mut *conn).await?;
    sqlx::query!("update namespaces set kind = 'deleted' where namespace_pk = any($1)", namespaces)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Removes those of these namespaces that are organisations.
pub(super) async fn remove_organizations(conn: &mut PgConnection, namespaces: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "with held as (
             select repo_pk from repos where namespace_pk = any($1) and resource_group_pk is not null
             order by repo_pk for no key update
         )
         update repos r set resource_group_pk = null from held where r.repo_pk = held.repo_pk",
        namespaces
    )
    .execute(&mut *conn)
    .await?;
    // What people were told of it goes with it.
    sqlx::query!(
        "select notification_pk from notifications where organization_pk = any($1) order by user_pk, notification_pk for update",
        namespaces
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("delete from organizations where organization_pk = any($1)", namespaces).execute(conn).await.map(|_| ())
}

/// Lets the programs of these organisations go on that were stopped when the account was closed.
pub(super) async fn enable_service_accounts(
    conn: &mut PgConnection,
    organizations: &[i64],
    stopped_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set service_disabled_at = null where service_of = any($1) and service_disabled_at = $2",
        organizations,
        stopped_at
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Removes a user with all that is theirs alone. What they wrote in discussions stays, without an author.
pub(super) async fn remove_user(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!("delete from users where user_pk = $1", user_pk).execute(conn).await.map(|_| ())
}
