//! Every statement on accounts, organisations, sessions and tokens.

pub mod audit;
pub mod closing;
pub mod domains;
pub mod email;
pub mod factors;
pub mod follows;
pub mod groups;
pub mod identities;
pub mod invitations;
pub mod links;
pub mod members;
pub mod passwords;
pub mod pictures;
pub mod public;
pub mod rename;
pub mod requests;
pub mod rules;
pub mod service_accounts;
pub mod sessions;
pub mod settings;
pub mod sign_ups;
pub mod tokens;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::{Membership, OrgRole, User, UserPk};

/// A user's password hash.
#[derive(Debug)]
pub struct PasswordRow {
    /// The user.
    pub user_pk: UserPk,
    /// The argon2id hash in PHC form.
    pub password_hash: String,
    /// [`User::sign_in_version`] while the account had it.
    pub sign_in_version: i32,
    /// Until when it works, if it was made up and must be changed.
    pub password_ends_at: Option<DateTime<Utc>>,
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
    /// The least role that makes repositories there, as it is stored.
    pub create_role: String,
}

/// Finds a password hash by user name or mail address.
///
/// # Errors
/// The database does not answer.
pub async fn find_password(pool: &PgPool, name: &str) -> sqlx::Result<Option<PasswordRow>> {
    sqlx::query_as!(
        PasswordRow,
        "select user_pk, password_hash, sign_in_version, password_ends_at from users join namespaces on namespace_pk = user_pk
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

/// Makes others that add something to the same account wait until this transaction ends, so that nobody adds more than there may be.
///
/// # Errors
/// The database does not answer.
pub async fn lock_user(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!("select user_pk from users where user_pk = $1 for no key update", user_pk).fetch_optional(conn).await.map(|_| ())
}

/// Loads users with their organisations, in no order.
///
/// # Errors
/// The database does not answer.
pub async fn list_users(conn: impl PgExecutor<'_>, user_pks: &[UserPk]) -> sqlx::Result<Vec<User>> {
    let rows = sqlx::query_as!(
        UserRow,
        r#"select user_pk, name, fullname, case when service_of is null then email else '' end as "email!",
                  email_confirmed_at is not null as "email_confirmed!", is_admin, is_moderator,
                  (suspended_at is not null or deletes_at is not null or service_disabled_at is not null) as "suspended!", service_of,
                  deletes_at, plain_http, shows_labelled, sign_in_version,
                  (select jsonb_agg(jsonb_build_object('namespace_pk', m.organization_pk, 'name', n.name,
                                                       'fullname', o.fullname, 'create_role', o.create_role,
                                                       'role', case when o.suspended_at is null then m.role else 'read' end,
                                                       'suspended', o.suspended_at is not null, 'answers', m.role = 'admin',
                                                       'locked', is_locked_out(m.organization_pk, m.user_pk),
                                                       'groups', coalesce(g.groups, '[]')) order by lower(n.name))
                   from organization_members m join organizations o using (organization_pk)
                   join namespaces n on n.namespace_pk = m.organization_pk
                   left join lateral (
                       select jsonb_agg(jsonb_build_object('pk', g.resource_group_pk, 'id', g.public_id, 'name', g.name,
                                                           'role', case when o.suspended_at is not null then 'read'
                                                                        when m.role = 'admin' then m.role else w.role end)
                                        order by lower(g.name)) as groups
                       from resource_groups g
                       left join resource_group_members w on w.resource_group_pk = g.resource_group_pk and w.user_pk = m.user_pk
                       where g.organization_pk = m.organization_pk and (m.role = 'admin' or w.user_pk is not null)
                   ) g on true
                   where m.user_pk = u.user_pk) as "memberships: Json<Vec<Membership>>"
           from users u join namespaces on namespace_pk = user_pk where user_pk = any((select $1::bigint[])::bigint[])"#,
        user_pks
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(User::from).collect())
}

/// A user and their organisations, as one row.
#[derive(Debug)]
struct UserRow {
    user_pk: UserPk,
    name: String,
    fullname: String,
    email: String,
    email_confirmed: bool,
    is_admin: bool,
    is_moderator: bool,
    suspended: bool,
    service_of: Option<i64>,
    deletes_at: Option<DateTime<Utc>>,
    plain_http: bool,
    shows_labelled: bool,
    sign_in_version: i32,
    memberships: Option<Json<Vec<Membership>>>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let memberships = row.memberships.map(|Json(memberships)| memberships).unwrap_or_default();
        let (locked_out, memberships) = memberships.into_iter().partition(|membership: &Membership| membership.locked);
        Self {
            pk: row.user_pk,
            name: row.name,
            fullname: row.fullname,
            email: row.email,
            email_confirmed: row.email_confirmed,
            is_admin: row.is_admin,
            is_moderator: row.is_moderator,
            suspended: row.suspended,
            service_of: row.service_of,
            deletes_at: row.deletes_at,
            plain_http: row.plain_http,
            shows_labelled: row.shows_labelled,
            sign_in_version: row.sign_in_version,
            memberships,
            locked_out,
        }
    }
}

/// Finds a namespace by its name or one that it had, whatever the case.
///
/// # Errors
/// The database does not answer.
pub async fn find_namespace(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<NamespaceRow>> {
    sqlx::query_as!(
        NamespaceRow,
        r#"select namespace_pk, name, kind, coalesce(default_private, false) as "default_private!",
                  coalesce(create_role, 'contributor') as "create_role!" from namespaces
           left join organizations on organization_pk = namespace_pk
           where namespace_pk = (select namespace_called($1)) and kind <> 'deleted'"#,
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
    requests::hold_request(&mut *conn, organization_pk, user_pk).await?;
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

/// Whether a user runs the hub and nobody else does: one who is suspended does not.
///
/// # Errors
/// The database does not answer.
pub async fn is_last_admin(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select coalesce((select is_admin from users where user_pk = $1), false)
                  and not exists (select from users where is_admin and suspended_at is null and deletes_at is null and user_pk <> $1) as "last!""#,
        user_pk
    )
    .fetch_one(conn)
    .await
}

/// Whether an account is suspended.
///
/// # Errors
/// The database does not answer.
pub async fn is_suspended(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from users where user_pk = $1 and suspended_at is not null) as "suspended!""#,
        user_pk
    )
    .fetch_one(conn)
    .await
}

/// What a user is on the hub as a whole: whether they run it, and whether they moderate it.
///
/// # Errors
/// The database does not answer.
pub async fn find_site_role(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<Option<(bool, bool)>> {
    let row = sqlx::query!("select is_admin, is_moderator from users where user_pk = $1", user_pk).fetch_optional(conn).await?;
    Ok(row.map(|row| (row.is_admin, row.is_moderator)))
}

/// Sets what a user is on the hub as a whole, and tells whether that changed anything.
///
/// # Errors
/// The database does not answer.
pub async fn update_site_role(
    conn: &mut PgConnection,
    user_pk: UserPk,
    is_admin: bool,
    is_moderator: bool,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update users set is_admin = $2, is_moderator = $3
         where user_pk = $1 and (is_admin, is_moderator) is distinct from ($2, $3)",
        user_pk,
        is_admin,
        is_moderator
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
