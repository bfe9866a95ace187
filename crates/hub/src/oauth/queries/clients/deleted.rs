//! Statements on applications that were deleted and can come back for a time, without what people let them do.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;
use crate::oauth::queries::grants::hold_all;

/// An application that can come back.
#[derive(Debug, Clone)]
pub struct DeletedClient {
    /// The key.
    pub pk: i64,
    /// The `client_id`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was deleted.
    pub deleted_at: DateTime<Utc>,
}

/// Deletes an application that somebody keeps, and with it all that people let it do; what it was is kept.
///
/// # Errors
/// The database does not answer.
pub async fn delete(conn: &mut PgConnection, client_pk: i64) -> sqlx::Result<()> {
    hold_all(&mut *conn, None, Some(client_pk)).await?;
    sqlx::query!(
        "with gone as (
             delete from oauth_clients where client_pk = $1
             returning client_pk, client_id, user_pk, name, homepage, redirect_uris, scopes, secret_hash, created_at
         )
         insert into deleted_applications (client_pk, client_id, user_pk, name, homepage, redirect_uris, scopes, secret_hash,
                                           created_at)
         select client_pk, client_id, user_pk, name, homepage, redirect_uris, scopes, secret_hash, created_at from gone
         where user_pk is not null",
        client_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Those of a user that were deleted since a time, the last first.
///
/// # Errors
/// The database does not answer.
pub async fn list(pool: &PgPool, user_pk: UserPk, since: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<DeletedClient>> {
    sqlx::query_as!(
        DeletedClient,
        "select client_pk as pk, client_id as id, name, deleted_at from deleted_applications
         where user_pk = $1 and deleted_at > $2 order by deleted_at desc, client_pk desc limit $3",
        user_pk,
        since,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Brings back one that a user deleted since a time, under its id and with its secret; gives the id, and `None` when there is none.
///
/// # Errors
/// The database does not answer.
pub async fn restore(
    conn: &mut PgConnection,
    user_pk: UserPk,
    client_pk: i64,
    since: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    let back = sqlx::query_scalar!(
        "with back as (
             select client_pk, client_id, user_pk, name, homepage, redirect_uris, scopes, secret_hash, created_at
             from deleted_applications where user_pk = $1 and client_pk = $2 and deleted_at > $3 for update
         )
         insert into oauth_clients (client_pk, client_id, user_pk, origin, name, homepage, redirect_uris, scopes, secret_hash,
                                    created_at)
         overriding system value
         select client_pk, client_id, user_pk, 'person', name, homepage, redirect_uris, scopes, secret_hash, created_at from back
         returning client_id",
        user_pk,
        client_pk,
        since
    );
    let id = back.fetch_optional(&mut *conn).await?;
    // Afterwards: by it the log knew that none was made.
    if id.is_some() {
        sqlx::query!("delete from deleted_applications where client_pk = $1", client_pk).execute(conn).await?;
    }
    Ok(id)
}
