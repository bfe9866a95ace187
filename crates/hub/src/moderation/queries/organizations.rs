//! What acts do to organisations, and how that is taken back. As with people, what they cover is in `moderation_covers`.

use sqlx::PgConnection;

use super::effects::cover;
use super::removal::take_picture;

/// Takes hold of organisations before what they have; gives those that are there.
///
/// # Errors
/// The database does not answer.
pub async fn hold(conn: &mut PgConnection, organization_pks: &[i64]) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select organization_pk from organizations where organization_pk = any($1) order by organization_pk for no key update",
        organization_pks
    )
    .fetch_all(conn)
    .await
}

/// Limits an organisation: what it has, and what is made for it from now on, is in no list.
///
/// # Errors
/// The database does not answer.
pub async fn limit(conn: &mut PgConnection, act_pk: i64, organization_pk: i64) -> sqlx::Result<u64> {
    let found = hold(&mut *conn, &[organization_pk]).await?;
    sqlx::query!("update organizations set limited_at = coalesce(limited_at, now()) where organization_pk = $1", organization_pk)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "with held as (
             select repo_pk from repos where namespace_pk = $1 and not unlisted order by repo_pk for no key update
         )
         update repos r set unlisted = true from held where r.repo_pk = held.repo_pk",
        organization_pk
    )
    .execute(&mut *conn)
    .await?;
    cover(conn, act_pk, "limit", found).await
}

/// Suspends an organisation: its members read what it has, and change nothing.
///
/// # Errors
/// The database does not answer.
pub async fn suspend(conn: &mut PgConnection, act_pk: i64, organization_pk: i64) -> sqlx::Result<u64> {
    let found = hold(&mut *conn, &[organization_pk]).await?;
    sqlx::query!(
        "update organizations set suspended_at = coalesce(suspended_at, now()) where organization_pk = $1",
        organization_pk
    )
    .execute(&mut *conn)
    .await?;
    cover(conn, act_pk, "organization", found).await
}

/// Empties an organisation's page but for the name; what was there is kept with the act.
///
/// # Errors
/// The database does not answer.
pub async fn empty_profile(conn: &mut PgConnection, act_pk: i64, organization_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk, body)
         select $1, 'profile', organization_pk, coalesce(
             (select body from moderation_standing where kind = 'profile' and pk = organization_pk limit 1),
             jsonb_build_object('fullname', fullname, 'details', details, 'homepage', homepage, 'links', to_jsonb(links))::text)
         from organizations where organization_pk = $2",
        act_pk,
        organization_pk
    )
    .execute(&mut *conn)
    .await?;
    tell_audit_log(&mut *conn, false).await?;
    sqlx::query!(
        "update organizations set fullname = '', details = '', homepage = '', links = '{}' where organization_pk = $1",
        organization_pk
    )
    .execute(&mut *conn)
    .await?;
    tell_audit_log(&mut *conn, true).await?;
    take_picture(conn, act_pk, organization_pk).await
}

/// Whether the audit log tells of what changes in organisations from now on in this transaction: of acts it tells by themselves.
async fn tell_audit_log(conn: &mut PgConnection, tells: bool) -> sqlx::Result<()> {
    let moderates = if tells { "" } else { "on" };
    sqlx::query_scalar!("select set_config('hub.moderates', $1, true)", moderates).fetch_one(conn).await.map(|_| ())
}

/// Puts back what an act took from organisations. The caller holds them.
///
/// # Errors
/// The database does not answer.
pub async fn restore(
    conn: &mut PgConnection,
    act_pk: i64,
    suspended: &[i64],
    limited: &[i64],
    profiles: &[i64],
) -> sqlx::Result<()> {
    sqlx::query!("update organizations set suspended_at = null where organization_pk = any($1)", suspended)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("update organizations set limited_at = null where organization_pk = any($1)", limited)
        .execute(&mut *conn)
        .await?;
    tell_audit_log(&mut *conn, false).await?;
    sqlx::query!(
        "update organizations o set fullname = c.was ->> 'fullname', details = c.was ->> 'details', homepage = c.was ->> 'homepage',
                links = array(select jsonb_array_elements_text(c.was -> 'links'))
         from (select pk, nullif(body, '')::jsonb as was from moderation_covers
               where act_pk = $1 and kind = 'profile' and pk = any($2)) c
         where o.organization_pk = c.pk and c.was is not null",
        act_pk,
        profiles
    )
    .execute(&mut *conn)
    .await?;
    tell_audit_log(conn, true).await
}
