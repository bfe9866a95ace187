//! Statements on access tokens.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::list_users;
use crate::accounts::tokens::{self, NewToken};
use crate::accounts::{Auth, TokenRole, User, UserPk, Viewer, scopes};

/// Finds the owners of tokens that have not expired and are not known to have leaked, by the tokens' hashes.
///
/// # Errors
/// The database does not answer.
pub async fn find_token_viewers(pool: &PgPool, hashes: &[[u8; 32]]) -> sqlx::Result<HashMap<[u8; 32], Viewer>> {
    let hashes: Vec<&[u8]> = hashes.iter().map(<[u8; 32]>::as_slice).collect();
    let rows = sqlx::query!(
        r#"select t.token_hash, t.token_pk, t.user_pk, t.name, t.role, t.scopes, t.created_at, t.requests_limit,
                  case when t.scopes #> '{oauth,scopes}' ? 'contribute-repos' then
                      (select jsonb_agg(jsonb_build_object('type', made.repo_type, 'name', made.name))
                       from (select r.repo_type, n.name || '/' || r.name as name
                             from oauth_grants g join oauth_consents c on c.consent_pk = g.consent_pk
                             join oauth_repos o on o.client_pk = c.client_pk and o.user_pk = c.user_pk
                             join repos r on r.repo_pk = o.repo_pk and r.deleted_at is null
                             join namespaces n on n.namespace_pk = r.namespace_pk
                             where g.grant_pk = t.grant_pk order by o.repo_pk desc limit 1000) made)
                  end as "made?: Value"
           from access_tokens t
           where t.token_hash = any($1) and t.leaked_at is null and (t.expires_at is null or t.expires_at > now())"#,
        &hashes as &[&[u8]]
    )
    .fetch_all(pool)
    .await?;
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let user_pks: Vec<UserPk> = rows.iter().map(|row| row.user_pk).collect();
    let users: HashMap<UserPk, User> = list_users(pool, &user_pks).await?.into_iter().map(|user| (user.pk, user)).collect();
    let mut viewers = HashMap::new();
    for row in rows {
        let (Ok(hash), Some(user)) = (row.token_hash.try_into(), users.get(&row.user_pk)) else { continue };
        let auth = Auth::Token {
            token_pk: row.token_pk,
            name: row.name,
            role: TokenRole::parse(&row.role).unwrap_or(TokenRole::Read),
            scopes: scopes::with_made(row.scopes, row.made),
            created_at: row.created_at,
            requests_limit: row.requests_limit.and_then(|limit| u64::try_from(limit).ok()),
        };
        viewers.insert(hash, Viewer { user: Some(user.clone()), auth });
    }
    Ok(viewers)
}

/// Whether a token is there, has not expired and is not known to have leaked.
///
/// # Errors
/// The database does not answer.
pub async fn has_token(pool: &PgPool, token_pk: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select token_pk from access_tokens
         where token_pk = $1 and leaked_at is null and (expires_at is null or expires_at > now())",
        token_pk
    );
    Ok(found.fetch_optional(pool).await?.is_some())
}

/// Notes for whom and by which application a repository was made, if the token is an application's that still works.
///
/// # Errors
/// The database does not answer.
pub async fn insert_made_repo(conn: &mut PgConnection, token_pk: i64, repo_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into oauth_repos (repo_pk, client_pk, user_pk)
         select $2::bigint, c.client_pk, c.user_pk
         from access_tokens t join oauth_grants g on g.grant_pk = t.grant_pk
         join oauth_consents c on c.consent_pk = g.consent_pk
         where t.token_pk = $1 on conflict do nothing",
        token_pk,
        repo_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Stores a token.
///
/// # Errors
/// A token with the same text exists (`access_tokens_token_hash_key`).
pub async fn insert_token(conn: &mut PgConnection, user_pk: UserPk, token: &NewToken, secret: &str) -> sqlx::Result<()> {
    let hash = tokens::hash(secret);
    let hint = hint_of(secret);
    sqlx::query!(
        "insert into access_tokens (user_pk, name, token_hash, hint, role, scopes, expires_at, requests_limit)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        user_pk,
        token.name.trim(),
        hash.as_slice(),
        hint,
        token.role.as_str(),
        token.scopes,
        token.expires_at,
        token.requests_limit
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// A token on the settings page.
#[derive(Debug, Clone)]
pub struct TokenRow {
    /// The key.
    pub token_pk: i64,
    /// The name its owner gave it.
    pub name: String,
    /// Its last four characters.
    pub hint: String,
    /// `read`, `write` or `fineGrained`.
    pub role: String,
    /// For fine-grained tokens: the scopes.
    pub scopes: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to some seconds.
    pub last_used_at: Option<DateTime<Utc>>,
    /// From which address.
    pub last_used_address: Option<String>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was found where everybody can read it.
    pub leaked_at: Option<DateTime<Utc>>,
    /// How many requests of each kind it may make in a window, if its owner said so.
    pub requests_limit: Option<i64>,
}

/// Lists the tokens that a user made, newest first; those of applications and of jobs that are trusted are theirs.
///
/// # Errors
/// The database does not answer.
pub async fn list_tokens(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<TokenRow>> {
    sqlx::query_as!(
        TokenRow,
        "select token_pk, name, hint, role, scopes, created_at, last_used_at, last_used_address, expires_at, leaked_at,
                requests_limit
         from access_tokens where user_pk = $1 and grant_pk is null and publisher_pk is null
         order by created_at desc, token_pk desc",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Deletes a user's token and tells whether it was there.
///
/// # Errors
/// The database does not answer.
pub async fn delete_token(conn: impl PgExecutor<'_>, user_pk: UserPk, token_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from access_tokens where user_pk = $1 and token_pk = $2 and grant_pk is null and publisher_pk is null",
        user_pk,
        token_pk
    )
    .execute(conn);
    Ok(done.await?.rows_affected() > 0)
}

/// Gives a user's token another name, and tells whether it was there.
///
/// # Errors
/// The database does not answer.
pub async fn rename_token(conn: impl PgExecutor<'_>, user_pk: UserPk, token_pk: i64, name: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update access_tokens set name = $3
         where user_pk = $1 and token_pk = $2 and grant_pk is null and publisher_pk is null",
        user_pk,
        token_pk,
        name
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Gives a user's token another limit of requests, or none of its own, and tells whether it was there.
///
/// # Errors
/// The database does not answer.
pub async fn limit_token(
    conn: impl PgExecutor<'_>,
    user_pk: UserPk,
    token_pk: i64,
    requests_limit: Option<i64>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update access_tokens set requests_limit = $3
         where user_pk = $1 and token_pk = $2 and grant_pk is null and publisher_pk is null",
        user_pk,
        token_pk,
        requests_limit
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Makes a token like another of the user's in its place, and gives its name if the other was there and worked. It is another row,
/// so that what was derived from the old one ends with it.
///
/// # Errors
/// The database does not answer.
pub async fn replace_token(
    conn: impl PgExecutor<'_>,
    user_pk: UserPk,
    token_pk: i64,
    secret: &str,
) -> sqlx::Result<Option<String>> {
    let hash = tokens::hash(secret);
    sqlx::query_scalar!(
        "with old as (
             delete from access_tokens
             where user_pk = $1 and token_pk = $2 and grant_pk is null and publisher_pk is null and leaked_at is null
               and (expires_at is null or expires_at > now())
             returning user_pk, name, role, scopes, expires_at, requests_limit
         )
         insert into access_tokens (user_pk, name, token_hash, hint, role, scopes, expires_at, requests_limit)
         select user_pk, name, $3, $4, role, scopes, expires_at, requests_limit from old returning name",
        user_pk,
        token_pk,
        hash.as_slice(),
        hint_of(secret)
    )
    .fetch_optional(conn)
    .await
}

/// The end of a token's text.
fn hint_of(secret: &str) -> String {
    secret.chars().skip(secret.chars().count().saturating_sub(4)).collect()
}

/// When tokens were last used, and from where, as columns.
#[derive(Debug, Default)]
pub struct UseColumns {
    /// The tokens.
    pub token_pks: Vec<i64>,
    /// When.
    pub times: Vec<DateTime<Utc>>,
    /// From where; empty where that is not known.
    pub addresses: Vec<String>,
}

/// Notes when tokens were last used.
///
/// # Errors
/// The database does not answer.
pub async fn update_uses(pool: &PgPool, uses: &UseColumns) -> sqlx::Result<()> {
    // One that somebody has in hand is left out, so that nobody waits for whoever revokes many: the next use says as much.
    sqlx::query!(
        "with used as (
             select token_pk, u.at, u.address from unnest($1::bigint[], $2::timestamptz[], $3::text[]) u (token_pk, at, address)
             join access_tokens using (token_pk) order by token_pk for update of access_tokens skip locked
         )
         update access_tokens t set last_used_at = used.at, last_used_address = nullif(used.address, '')
         from used where t.token_pk = used.token_pk and (t.last_used_at is null or t.last_used_at < used.at)",
        &uses.token_pks,
        &uses.times,
        &uses.addresses
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// A token that leaked, and whose it was.
#[derive(Debug)]
pub struct LeakedRow {
    /// The owner.
    pub user_pk: UserPk,
    /// The owner's name.
    pub owner: String,
    /// The token's name.
    pub name: String,
    /// The end of its text.
    pub hint: String,
}

/// Makes tokens worthless that were found where everybody can read them, and gives those that worked until now.
///
/// # Errors
/// The database does not answer.
pub async fn mark_leaked(conn: &mut PgConnection, hashes: &[Vec<u8>]) -> sqlx::Result<Vec<LeakedRow>> {
    sqlx::query_as!(
        LeakedRow,
        r#"with held as (
               select token_pk from access_tokens where token_hash = any($1) and leaked_at is null order by token_pk for update
           ), leaked as (
               update access_tokens t set leaked_at = now() from held where t.token_pk = held.token_pk
               returning t.user_pk, t.name, t.hint
           )
           select l.user_pk as "user_pk!", n.name as owner, l.name as "name!", l.hint as "hint!"
           from leaked l join namespaces n on n.namespace_pk = l.user_pk"#,
        hashes
    )
    .fetch_all(conn)
    .await
}
