//! Statements that take from an account what opens it.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::sessions::delete_other_sessions_in;
use crate::accounts::UserPk;
use crate::oauth::queries::grants::hold_all;

/// Ends all that acts in the name of a user without being asked who it is: browsers, tokens, applications, jobs that
/// they trust, SSH keys.
///
/// # Errors
/// The database does not answer.
pub async fn revoke_access(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    delete_other_sessions_in(conn, user_pk, &[]).await?;
    sqlx::query!("delete from ceremonies where user_pk = $1", user_pk).execute(&mut *conn).await?;
    // All that goes is held first, in the orders in which others do.
    hold_all(&mut *conn, Some(user_pk), None).await?;
    sqlx::query!("select token_pk from access_tokens where user_pk = $1 order by token_pk for update", user_pk)
        .fetch_all(&mut *conn)
        .await?;
    // Tokens and grants of applications go with them.
    sqlx::query!("delete from oauth_consents where user_pk = $1", user_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from oauth_repos where user_pk = $1", user_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from access_tokens where user_pk = $1", user_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from trusted_publishers where added_by = $1", user_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from deleted_publishers where added_by = $1", user_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from ssh_keys where user_pk = $1", user_pk).execute(conn).await.map(|_| ())
}

/// Removes the ways into an account besides its password, and what is asked for after that.
///
/// # Errors
/// The database does not answer.
pub async fn remove_ways_in(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!("delete from user_identities where user_pk = $1", user_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from authenticator_apps where user_pk = $1", user_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from passkeys where user_pk = $1", user_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from recovery_codes where user_pk = $1", user_pk).execute(conn).await.map(|_| ())
}

/// An organisation that is being deleted.
#[derive(Debug)]
pub struct ClosedRow {
    /// Its name.
    pub name: String,
    /// Its full name.
    pub fullname: String,
    /// When it is removed.
    pub deletes_at: DateTime<Utc>,
}

/// The organisations that a user administered, are being deleted, and can be kept.
///
/// # Errors
/// The database does not answer.
pub async fn list_closed_of(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<ClosedRow>> {
    sqlx::query_as!(
        ClosedRow,
        "select n.name, o.fullname, c.deletes_at from closed_organization_members m join closed_organizations c using (organization_pk)
         join organizations o using (organization_pk) join namespaces n on n.namespace_pk = m.organization_pk
         where m.user_pk = $1 and m.role = 'admin' and c.deletes_at > now() order by lower(n.name) limit 200",
        user_pk
    )
    .fetch_all(pool)
    .await
}
