//! Statements on the rules of organisations and what they were before.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::accounts::OrgRole;

/// Of these lines of an organisation's log, those since a time that tell of rules which did not change again since.
///
/// # Errors
/// The database does not answer.
pub async fn list_standing(
    conn: impl PgExecutor<'_>,
    organization_pk: i64,
    lines: &[i64],
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select a.audit_pk from audit_log a
         where a.namespace_pk = $1 and a.audit_pk = any($2) and a.created_at > $3
           and not exists (
               select from audit_log l
               where l.namespace_pk = a.namespace_pk and l.action = 'organization.settings' and l.audit_pk > a.audit_pk
                 and jsonb_exists_any(l.details -> 'was', array(select jsonb_object_keys(a.details -> 'was'))))",
        organization_pk,
        lines,
        since
    )
    .fetch_all(conn)
    .await
}

/// Rules to set; those that are not said stay.
#[derive(Debug)]
pub struct SomeRules {
    /// Whether new repositories are private unless said otherwise.
    pub default_private: Option<bool>,
    /// The least role that makes repositories of its own.
    pub create_role: Option<OrgRole>,
    /// The role that forms offer for new members.
    pub default_role: Option<OrgRole>,
    /// Whether people can ask to join.
    pub takes_requests: Option<bool>,
    /// Whether its repositories refuse pickles.
    pub refuses_pickles: Option<bool>,
}

/// Makes others that change the rules of an organisation wait until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("select from organizations where organization_pk = $1 for no key update", organization_pk)
        .fetch_optional(conn)
        .await
        .map(|_| ())
}

/// Sets rules of an organisation.
///
/// # Errors
/// The database does not answer.
pub async fn set(conn: &mut PgConnection, organization_pk: i64, rules: &SomeRules) -> sqlx::Result<()> {
    sqlx::query!(
        "update organizations set default_private = coalesce($2, default_private), create_role = coalesce($3, create_role),
                default_role = coalesce($4, default_role), takes_requests = coalesce($5, takes_requests),
                refuses_pickles = coalesce($6, refuses_pickles)
         where organization_pk = $1",
        organization_pk,
        rules.default_private,
        rules.create_role.map(OrgRole::as_str),
        rules.default_role.map(OrgRole::as_str),
        rules.takes_requests,
        rules.refuses_pickles
    )
    .execute(conn)
    .await
    .map(|_| ())
}
