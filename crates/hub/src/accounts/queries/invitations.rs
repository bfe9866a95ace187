//! Statements on invitations to organisations.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::requests::hold_request;
use crate::accounts::{OrgRole, UserPk};

/// An invitation that is not over.
#[derive(Debug, Clone)]
pub struct InvitationRow {
    /// The key.
    pub invitation_pk: i64,
    /// Into which organisation.
    pub organization_pk: i64,
    /// Its name.
    pub organization: String,
    /// Its full name, possibly empty.
    pub fullname: String,
    /// What it says of itself.
    pub details: String,
    /// The stored word for the role.
    pub role: String,
    /// To whom it was sent; none for a link.
    pub email: Option<String>,
    /// Who invites.
    pub invited_by: String,
    /// How many came by it.
    pub uses: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
}

/// What a new invitation says.
#[derive(Debug)]
pub struct NewInvitation<'a> {
    /// Into which organisation.
    pub organization_pk: i64,
    /// As what.
    pub role: OrgRole,
    /// To whom it is sent; none for a link.
    pub email: Option<&'a str>,
    /// Who invites.
    pub invited_by: UserPk,
    /// How long it works, in days.
    pub days: i32,
}

/// Keeps a new invitation. Those of the organisation that are over go, and one to the same address.
///
/// # Errors
/// The database does not answer.
pub async fn insert_invitation(conn: &mut PgConnection, new: &NewInvitation<'_>) -> sqlx::Result<i64> {
    sqlx::query!(
        "delete from organization_invitations
         where organization_pk = $1 and (expires_at < now() or lower(email) = lower($2))",
        new.organization_pk,
        new.email
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "insert into organization_invitations (organization_pk, role, email, invited_by, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(days => $5)) returning invitation_pk",
        new.organization_pk,
        new.role.as_str(),
        new.email,
        new.invited_by,
        new.days
    )
    .fetch_one(conn)
    .await
}

/// Finds an invitation that is not over.
///
/// # Errors
/// The database does not answer.
pub async fn find_invitation(pool: &PgPool, invitation_pk: i64) -> sqlx::Result<Option<InvitationRow>> {
    sqlx::query_as!(
        InvitationRow,
        r#"select i.invitation_pk, i.organization_pk, n.name as organization, o.fullname, o.details, i.role, i.email,
                  u.name as invited_by, i.uses, i.created_at, i.expires_at
           from organization_invitations i join organizations o using (organization_pk)
           join namespaces n on n.namespace_pk = i.organization_pk join namespaces u on u.namespace_pk = i.invited_by
           where i.invitation_pk = $1 and i.expires_at > now()"#,
        invitation_pk
    )
    .fetch_optional(pool)
    .await
}

/// The invitations of an organisation that are not over, the latest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_invitations(pool: &PgPool, organization_pk: i64) -> sqlx::Result<Vec<InvitationRow>> {
    sqlx::query_as!(
        InvitationRow,
        r#"select i.invitation_pk, i.organization_pk, n.name as organization, o.fullname, o.details, i.role, i.email,
                  u.name as invited_by, i.uses, i.created_at, i.expires_at
           from organization_invitations i join organizations o using (organization_pk)
           join namespaces n on n.namespace_pk = i.organization_pk join namespaces u on u.namespace_pk = i.invited_by
           where i.organization_pk = $1 and i.expires_at > now() order by i.invitation_pk desc limit 200"#,
        organization_pk
    )
    .fetch_all(pool)
    .await
}

/// Counts the invitations of an organisation that are not over.
///
/// # Errors
/// The database does not answer.
pub async fn count_invitations(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<i64> {
    let counted = sqlx::query_scalar!(
        r#"select count(*) as "count!" from organization_invitations where organization_pk = $1 and expires_at > now()"#,
        organization_pk
    );
    counted.fetch_one(conn).await
}

/// Uses an invitation that is not over, and tells whether it still was there: one by mail is gone then, a link counts.
///
/// # Errors
/// The database does not answer.
pub async fn use_invitation(conn: &mut PgConnection, invitation_pk: i64) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        "delete from organization_invitations where invitation_pk = $1 and email is not null and expires_at > now()",
        invitation_pk
    );
    if taken.execute(&mut *conn).await?.rows_affected() > 0 {
        return Ok(true);
    }
    let counted = sqlx::query!(
        "update organization_invitations set uses = uses + 1
         where invitation_pk = $1 and email is null and expires_at > now()",
        invitation_pk
    );
    Ok(counted.execute(conn).await?.rows_affected() > 0)
}

/// Ends an invitation of an organisation, and tells whether there was one.
///
/// # Errors
/// The database does not answer.
pub async fn delete_invitation(conn: impl PgExecutor<'_>, organization_pk: i64, invitation_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from organization_invitations where organization_pk = $1 and invitation_pk = $2",
        organization_pk,
        invitation_pk
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Ends the invitations into an organisation that a user made.
///
/// # Errors
/// The database does not answer.
pub async fn delete_invitations_by(conn: &mut PgConnection, organization_pk: i64, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!("delete from organization_invitations where organization_pk = $1 and invited_by = $2", organization_pk, user_pk)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Ends the invitations into an organisation by which a user can come back: its links, and what was sent to their address.
///
/// # Errors
/// The database does not answer.
pub async fn delete_ways_back(conn: &mut PgConnection, organization_pk: i64, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from organization_invitations where organization_pk = $1
           and (email is null or lower(email) = (select lower(u.email) from users u where u.user_pk = $2))",
        organization_pk,
        user_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Takes part in what an organisation has: whoever closes it holds it before its invitations, requests and domains, and so does whoever
/// makes or uses one of these.
///
/// # Errors
/// The database does not answer.
pub async fn hold_organization(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("select organization_pk from organizations where organization_pk = $1 for key share", organization_pk)
        .fetch_optional(conn)
        .await
        .map(|_| ())
}

/// Makes a user a member with a role, unless they are one, and tells whether it did.
///
/// # Errors
/// The database does not answer.
pub async fn insert_member(conn: &mut PgConnection, organization_pk: i64, user_pk: UserPk, role: OrgRole) -> sqlx::Result<bool> {
    hold_request(&mut *conn, organization_pk, user_pk).await?;
    let done = sqlx::query!(
        "insert into organization_members (organization_pk, user_pk, role) values ($1, $2, $3) on conflict do nothing",
        organization_pk,
        user_pk,
        role.as_str()
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}
