//! Every statement on accounts, organisations, sessions and tokens.

pub mod email;
pub mod follows;
pub mod public;
pub mod settings;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::tokens::NewToken;
use super::{Auth, Membership, OrgRole, TokenRole, User, UserPk, Viewer, tokens};

/// A user's password hash.
#[derive(Debug)]
pub struct PasswordRow {
    /// The user.
    pub user_pk: UserPk,
    /// The argon2id hash in PHC form.
    pub password_hash: String,
}

/// A namespace as found by name.
#[derive(Debug, Clone)]
pub struct NamespaceRow {
    /// The key.
    pub namespace_pk: i64,
    /// The name as its owner writes it.
    pub name: String,
    /// `user` or `organization`.
    pub kind: String,
    /// Whether an organisation's new repositories are private unless said otherwise.
    pub default_private: bool,
}

/// Finds a password hash by user name or mail address.
///
/// # Errors
/// The database does not answer.
pub async fn find_password(pool: &PgPool, name: &str) -> sqlx::Result<Option<PasswordRow>> {
    sqlx::query_as!(
        PasswordRow,
        "select user_pk, password_hash from users join namespaces on namespace_pk = user_pk
         where lower(name) = lower($1) or lower(email) = lower($1)",
        name
    )
    .fetch_optional(pool)
    .await
}

/// Loads a user with their organisations.
///
/// # Errors
/// The database does not answer.
pub async fn find_user(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Option<User>> {
    Ok(list_users(pool, &[user_pk]).await?.pop())
}

/// Loads users with their organisations, in no order.
///
/// # Errors
/// The database does not answer.
pub async fn list_users(pool: &PgPool, user_pks: &[UserPk]) -> sqlx::Result<Vec<User>> {
    let rows = sqlx::query!(
        r#"select user_pk, name, fullname, email, email_confirmed_at is not null as "email_confirmed!", is_admin, plain_http
           from users join namespaces on namespace_pk = user_pk where user_pk = any($1)"#,
        user_pks
    )
    .fetch_all(pool)
    .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut memberships = list_memberships(pool, user_pks).await?;
    let users = rows.into_iter().map(|row| User {
        pk: row.user_pk,
        name: row.name,
        fullname: row.fullname,
        email: row.email,
        email_confirmed: row.email_confirmed,
        is_admin: row.is_admin,
        plain_http: row.plain_http,
        memberships: memberships.remove(&row.user_pk).unwrap_or_default(),
    });
    Ok(users.collect())
}

async fn list_memberships(pool: &PgPool, user_pks: &[UserPk]) -> sqlx::Result<HashMap<UserPk, Vec<Membership>>> {
    let rows = sqlx::query!(
        "select m.user_pk, m.organization_pk, m.role, n.name, o.fullname from organization_members m
         join organizations o using (organization_pk) join namespaces n on n.namespace_pk = m.organization_pk
         where m.user_pk = any($1) order by lower(n.name)",
        user_pks
    )
    .fetch_all(pool)
    .await?;
    let mut found: HashMap<UserPk, Vec<Membership>> = HashMap::new();
    for row in rows {
        let Some(role) = OrgRole::parse(&row.role) else { continue };
        let membership = Membership { namespace_pk: row.organization_pk, name: row.name, fullname: row.fullname, role };
        found.entry(row.user_pk).or_default().push(membership);
    }
    Ok(found)
}

/// Finds the user of a session that has not expired, and notes that it is in use (at most every 5 minutes).
///
/// # Errors
/// The database does not answer.
pub async fn find_session_user(pool: &PgPool, session_hash: &[u8; 32]) -> sqlx::Result<Option<User>> {
    let row = sqlx::query!(
        r#"select user_pk, last_seen_at < now() - interval '5 minutes' as "stale!" from sessions
           where session_hash = $1 and expires_at > now()"#,
        session_hash.as_slice()
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.stale {
        sqlx::query!("update sessions set last_seen_at = now() where session_hash = $1", session_hash.as_slice())
            .execute(pool)
            .await?;
    }
    find_user(pool, row.user_pk).await
}

/// Starts a session.
///
/// # Errors
/// The database does not answer.
pub async fn insert_session(pool: &PgPool, hash: &[u8; 32], user_pk: UserPk, user_agent: &str, days: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into sessions (session_hash, user_pk, user_agent, expires_at)
         values ($1, $2, $3, now() + make_interval(days => $4::int))",
        hash.as_slice(),
        user_pk,
        user_agent,
        i32::try_from(days).unwrap_or(30)
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Ends a session.
///
/// # Errors
/// The database does not answer.
pub async fn delete_session(pool: &PgPool, hash: &[u8; 32]) -> sqlx::Result<()> {
    sqlx::query!("delete from sessions where session_hash = $1", hash.as_slice()).execute(pool).await.map(|_| ())
}

/// Finds the owner of a token that has not expired, and notes that it is in use (at most every minute).
///
/// # Errors
/// The database does not answer.
pub async fn find_token_viewer(pool: &PgPool, token_hash: &[u8; 32]) -> sqlx::Result<Option<Viewer>> {
    let row = sqlx::query!(
        r#"select token_pk, user_pk, name, role, scopes, created_at,
                  (last_used_at is null or last_used_at < now() - interval '1 minute') as "stale!"
           from access_tokens where token_hash = $1 and (expires_at is null or expires_at > now())"#,
        token_hash.as_slice()
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.stale {
        sqlx::query!("update access_tokens set last_used_at = now() where token_pk = $1", row.token_pk).execute(pool).await?;
    }
    let user = find_user(pool, row.user_pk).await?;
    let auth = Auth::Token {
        token_pk: row.token_pk,
        name: row.name,
        role: TokenRole::parse(&row.role).unwrap_or(TokenRole::Read),
        scopes: row.scopes,
        created_at: row.created_at,
    };
    Ok(user.map(|user| Viewer { user: Some(user), auth }))
}

/// Whether a token is there and has not expired.
///
/// # Errors
/// The database does not answer.
pub async fn has_token(pool: &PgPool, token_pk: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select token_pk from access_tokens where token_pk = $1 and (expires_at is null or expires_at > now())",
        token_pk
    );
    Ok(found.fetch_optional(pool).await?.is_some())
}

/// Stores a token.
///
/// # Errors
/// A token with the same text exists (`access_tokens_token_hash_key`).
pub async fn insert_token(conn: &mut PgConnection, user_pk: UserPk, token: &NewToken, secret: &str) -> sqlx::Result<()> {
    let hash = tokens::hash(secret);
    let hint: String = secret.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    sqlx::query!(
        "insert into access_tokens (user_pk, name, token_hash, hint, role, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        user_pk,
        token.name.trim(),
        hash.as_slice(),
        hint,
        token.role.as_str(),
        token.scopes,
        token.expires_at
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
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Lists a user's tokens, newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_tokens(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<TokenRow>> {
    sqlx::query_as!(
        TokenRow,
        "select token_pk, name, hint, role, scopes, created_at, last_used_at, expires_at from access_tokens
         where user_pk = $1 order by created_at desc",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Deletes a user's token and tells whether it was there.
///
/// # Errors
/// The database does not answer.
pub async fn delete_token(pool: &PgPool, user_pk: UserPk, token_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from access_tokens where user_pk = $1 and token_pk = $2", user_pk, token_pk).execute(pool);
    Ok(done.await?.rows_affected() > 0)
}

/// Finds a namespace by name, whatever its case.
///
/// # Errors
/// The database does not answer.
pub async fn find_namespace(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<NamespaceRow>> {
    sqlx::query_as!(
        NamespaceRow,
        r#"select namespace_pk, name, kind, coalesce(default_private, false) as "default_private!" from namespaces
           left join organizations on organization_pk = namespace_pk where lower(name) = lower($1)"#,
        name
    )
    .fetch_optional(conn)
    .await
}

/// Whether nobody has an account yet.
///
/// # Errors
/// The database does not answer.
pub async fn no_users(conn: &mut PgConnection) -> sqlx::Result<bool> {
    let row = sqlx::query!(r#"select not exists (select 1 from users) as "empty!""#).fetch_one(conn).await?;
    Ok(row.empty)
}

/// Makes a namespace.
///
/// # Errors
/// The name is taken (`namespaces_name_idx`).
pub async fn insert_namespace(conn: &mut PgConnection, name: &str, kind: &str) -> sqlx::Result<i64> {
    let row = sqlx::query!("insert into namespaces (name, kind) values ($1, $2) returning namespace_pk", name, kind);
    Ok(row.fetch_one(conn).await?.namespace_pk)
}

/// Makes a user in its namespace.
///
/// # Errors
/// The mail address is taken (`users_email_idx`).
pub async fn insert_user(
    conn: &mut PgConnection,
    user_pk: UserPk,
    email: &str,
    password_hash: &str,
    fullname: &str,
    is_admin: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into users (user_pk, email, password_hash, fullname, is_admin) values ($1, $2, $3, $4, $5)",
        user_pk,
        email,
        password_hash,
        fullname,
        is_admin
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Makes an organisation in its namespace.
///
/// # Errors
/// The database does not answer.
pub async fn insert_organization(conn: &mut PgConnection, pk: i64, fullname: &str, default_private: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into organizations (organization_pk, fullname, default_private) values ($1, $2, $3)",
        pk,
        fullname,
        default_private
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Gives a user a role in an organisation, or another one.
///
/// # Errors
/// The database does not answer.
pub async fn upsert_member(conn: &mut PgConnection, organization_pk: i64, user_pk: UserPk, role: OrgRole) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into organization_members (organization_pk, user_pk, role) values ($1, $2, $3)
         on conflict (organization_pk, user_pk) do update set role = excluded.role",
        organization_pk,
        user_pk,
        role.as_str()
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Sets what an operator's seed says of an account, and tells whether that changed anything.
///
/// # Errors
/// The database does not answer.
pub async fn update_user_by_operator(
    conn: &mut PgConnection,
    user_pk: UserPk,
    fullname: &str,
    is_admin: bool,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update users set fullname = $2, is_admin = $3 where user_pk = $1 and (fullname, is_admin) is distinct from ($2, $3)",
        user_pk,
        fullname,
        is_admin
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Sets an organisation's full name and default, and tells whether that changed anything.
///
/// # Errors
/// The database does not answer.
pub async fn update_organization(conn: &mut PgConnection, pk: i64, fullname: &str, default_private: bool) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update organizations set fullname = $2, default_private = $3
         where organization_pk = $1 and (fullname, default_private) is distinct from ($2, $3)",
        pk,
        fullname,
        default_private
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// The role of a user in an organisation.
///
/// # Errors
/// The database does not answer.
pub async fn find_role(conn: &mut PgConnection, organization_pk: i64, user_pk: UserPk) -> sqlx::Result<Option<OrgRole>> {
    let role = sqlx::query_scalar!(
        "select role from organization_members where organization_pk = $1 and user_pk = $2",
        organization_pk,
        user_pk
    );
    Ok(role.fetch_optional(conn).await?.as_deref().and_then(OrgRole::parse))
}
