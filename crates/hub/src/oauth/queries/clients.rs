//! Statements on applications and on what people let them do.

pub mod deleted;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::grants::hold_all;
use crate::accounts::UserPk;
use crate::accounts::queries::lock_user;

/// An application.
#[derive(Debug, Clone)]
pub struct Client {
    /// The key.
    pub pk: i64,
    /// The `client_id`.
    pub id: String,
    /// Who keeps it.
    pub keeper: Option<String>,
    /// `person`, `itself` or `hub`: who made it known.
    pub origin: String,
    /// Its name.
    pub name: String,
    /// Its home page, or nothing.
    pub homepage: String,
    /// Where people are sent back to.
    pub redirect_uris: Vec<String>,
    /// The most it may ask for.
    pub scopes: Vec<String>,
    /// SHA-256 of its secret.
    pub secret_hash: Option<Vec<u8>>,
    /// When it was made known.
    pub created_at: DateTime<Utc>,
}

impl Client {
    /// Whether it keeps a secret.
    pub fn is_confidential(&self) -> bool {
        self.secret_hash.is_some()
    }

    /// Whether nobody on this hub keeps it.
    pub fn made_itself_known(&self) -> bool {
        self.origin == "itself"
    }

    /// Whether every hub knows it.
    pub fn is_of_the_hub(&self) -> bool {
        self.origin == "hub"
    }
}

/// What an application shall be.
#[derive(Debug)]
pub struct ClientForm<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its home page.
    pub homepage: &'a str,
    /// Where people are sent back to.
    pub redirect_uris: &'a [String],
    /// The most it may ask for.
    pub scopes: &'a [String],
}

/// Finds an application by its `client_id`. Those of suspended accounts are none.
///
/// # Errors
/// The database does not answer.
pub async fn find_client(pool: &PgPool, client_id: &str) -> sqlx::Result<Option<Client>> {
    find(pool, Some(client_id), None).await
}

/// Finds an application by its key. Those of suspended accounts are none.
///
/// # Errors
/// The database does not answer.
pub async fn find_client_by_pk(pool: &PgPool, client_pk: i64) -> sqlx::Result<Option<Client>> {
    find(pool, None, Some(client_pk)).await
}

async fn find(pool: &PgPool, client_id: Option<&str>, client_pk: Option<i64>) -> sqlx::Result<Option<Client>> {
    sqlx::query_as!(
        Client,
        r#"select client_pk as pk, client_id as id, n.name as "keeper?", origin, c.name, homepage, redirect_uris, scopes, secret_hash,
                  c.created_at
           from oauth_clients c left join namespaces n on n.namespace_pk = c.user_pk where (client_id = $1 or client_pk = $2)
             and not exists (select from users u where u.user_pk = c.user_pk and u.suspended_at is not null)"#,
        client_id,
        client_pk
    )
    .fetch_optional(pool)
    .await
}

/// The applications that a user keeps.
///
/// # Errors
/// The database does not answer.
pub async fn list_kept(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<Client>> {
    sqlx::query_as!(
        Client,
        r#"select client_pk as pk, client_id as id, n.name as "keeper?", origin, c.name, homepage, redirect_uris, scopes, secret_hash,
                  c.created_at
           from oauth_clients c join namespaces n on n.namespace_pk = c.user_pk where c.user_pk = $1 order by client_pk"#,
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Makes others that make an application of the same user wait, and counts what is there.
///
/// # Errors
/// The database does not answer.
pub async fn lock_and_count(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<i64> {
    lock_user(conn, user_pk).await?;
    sqlx::query_scalar!(r#"select count(*) as "count!" from oauth_clients where user_pk = $1"#, user_pk).fetch_one(conn).await
}

/// Makes an application known, and gives its `client_id`.
///
/// # Errors
/// The database does not answer.
pub async fn insert_client(
    conn: &mut PgConnection,
    user_pk: Option<UserPk>,
    form: &ClientForm<'_>,
    secret_hash: Option<&[u8]>,
) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        "insert into oauth_clients (user_pk, origin, name, homepage, redirect_uris, scopes, secret_hash)
         values ($1, case when $1::bigint is null then 'itself' else 'person' end, $2, $3, $4, $5, $6) returning client_id",
        user_pk,
        form.name,
        form.homepage,
        form.redirect_uris,
        form.scopes,
        secret_hash
    )
    .fetch_one(conn)
    .await
}

/// Changes an application.
///
/// # Errors
/// The database does not answer.
pub async fn update_client(conn: &mut PgConnection, client_pk: i64, form: &ClientForm<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "update oauth_clients set name = $2, homepage = $3, redirect_uris = $4, scopes = $5 where client_pk = $1",
        client_pk,
        form.name,
        form.homepage,
        form.redirect_uris,
        form.scopes
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Gives an application that keeps a secret another one.
///
/// # Errors
/// The database does not answer.
pub async fn update_secret(conn: &mut PgConnection, client_pk: i64, secret_hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "update oauth_clients set secret_hash = $2 where client_pk = $1 and secret_hash is not null",
        client_pk,
        secret_hash
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// What a user lets an application do.
#[derive(Debug, Clone)]
pub struct Consent {
    /// The key.
    pub pk: i64,
    /// What it may do.
    pub scopes: Vec<String>,
    /// With which organisations.
    pub organization_pks: Vec<i64>,
}

/// Finds what a user lets an application do.
///
/// # Errors
/// The database does not answer.
pub async fn find_consent(pool: &PgPool, client_pk: i64, user_pk: UserPk) -> sqlx::Result<Option<Consent>> {
    sqlx::query_as!(
        Consent,
        "select consent_pk as pk, scopes, organization_pks from oauth_consents where client_pk = $1 and user_pk = $2",
        client_pk,
        user_pk
    )
    .fetch_optional(pool)
    .await
}

/// What a person says to an application.
#[derive(Debug)]
pub struct NewConsent<'a> {
    /// The application.
    pub client_pk: i64,
    /// Who says it.
    pub user_pk: UserPk,
    /// What it may do.
    pub scopes: &'a [String],
    /// With which organisations.
    pub organization_pks: &'a [i64],
    /// The scopes that are about repositories, and so also about those of organisations.
    pub of_repos: &'a [String],
}

/// Lets an application do something, beside what it was let do before, with these organisations. What it was let do with
/// repositories before counts no more where other organisations are chosen: nobody said yes to that for those.
///
/// # Errors
/// The database does not answer.
pub async fn upsert_consent(conn: &mut PgConnection, consent: &NewConsent<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into oauth_consents as c (client_pk, user_pk, scopes, organization_pks) values ($1, $2, $3, $4)
         on conflict (client_pk, user_pk) do update
         set scopes = (select array_agg(distinct scope) from unnest(c.scopes || excluded.scopes) scope
                       where scope = any(excluded.scopes) or scope <> all($5)
                          or c.organization_pks @> excluded.organization_pks),
             organization_pks = excluded.organization_pks, allowed_at = now()
         returning consent_pk",
        consent.client_pk,
        consent.user_pk,
        consent.scopes,
        consent.organization_pks,
        consent.of_repos
    )
    .fetch_one(conn)
    .await
}

/// An application that a user lets do something.
#[derive(Debug)]
pub struct ConnectedRow {
    /// The key of the application.
    pub client_pk: i64,
    /// Its name.
    pub name: String,
    /// Its home page.
    pub homepage: String,
    /// `person`, `itself` or `hub`.
    pub origin: String,
    /// Who keeps it.
    pub keeper: Option<String>,
    /// What it may do, by any sign-in that has not ended.
    pub scopes: Vec<String>,
    /// With which organisations.
    pub organization_pks: Vec<i64>,
    /// How many times somebody is signed in.
    pub grants: i64,
    /// When the person last said so.
    pub allowed_at: DateTime<Utc>,
    /// When one of its tokens was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The applications that a user lets do something, the latest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_connected(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<ConnectedRow>> {
    sqlx::query_as!(
        ConnectedRow,
        r#"select c.client_pk, c.name, c.homepage, c.origin, n.name as "keeper?", s.allowed_at,
                  array(select unnest(s.scopes) union
                        select unnest(g.scopes) from oauth_grants g where g.consent_pk = s.consent_pk and g.ends_at > now())
                      as "scopes!",
                  array(select unnest(s.organization_pks) union
                        select unnest(g.organization_pks) from oauth_grants g
                        where g.consent_pk = s.consent_pk and g.ends_at > now()) as "organization_pks!",
                  (select count(*) from oauth_grants g where g.consent_pk = s.consent_pk and g.ends_at > now()) as "grants!",
                  (select max(t.last_used_at) from oauth_grants g join access_tokens t using (grant_pk)
                   where g.consent_pk = s.consent_pk) as last_used_at
           from oauth_consents s join oauth_clients c using (client_pk) left join namespaces n on n.namespace_pk = c.user_pk
           where s.user_pk = $1 order by s.consent_pk desc limit 200"#,
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Lets an application do nothing any more, and tells whether it could do anything.
///
/// # Errors
/// The database does not answer.
pub async fn delete_consent(conn: &mut PgConnection, client_pk: i64, user_pk: UserPk) -> sqlx::Result<bool> {
    hold_all(&mut *conn, Some(user_pk), Some(client_pk)).await?;
    sqlx::query!(
        "select t.token_pk from access_tokens t join oauth_grants g on g.grant_pk = t.grant_pk
         join oauth_consents c on c.consent_pk = g.consent_pk
         where c.client_pk = $1 and c.user_pk = $2 order by t.token_pk for update of t",
        client_pk,
        user_pk
    )
    .fetch_all(&mut *conn)
    .await?;
    let done = sqlx::query!("delete from oauth_consents where client_pk = $1 and user_pk = $2", client_pk, user_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Forgets applications that registered themselves a day ago and that nobody signs in to.
///
/// # Errors
/// The database does not answer.
pub async fn delete_unused_clients(conn: impl PgExecutor<'_>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from oauth_clients c where origin = 'itself' and created_at < now() - interval '1 day'
         and not exists (select from oauth_consents s where s.client_pk = c.client_pk)"
    );
    Ok(done.execute(conn).await?.rows_affected())
}
