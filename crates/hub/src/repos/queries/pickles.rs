//! Statements on whether pickles are taken.

use sqlx::{PgConnection, PgPool};

/// Who refuses pickles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PickleRule {
    /// The repository.
    pub by_repo: bool,
    /// The organisation that owns it.
    pub by_owner: bool,
}

impl PickleRule {
    /// Whether anybody does.
    pub fn refuses(self) -> bool {
        self.by_repo || self.by_owner
    }
}

/// Finds the rule of a repository.
///
/// # Errors
/// The database does not answer.
pub async fn find_pickle_rule(pool: &PgPool, repo_pk: i64) -> sqlx::Result<PickleRule> {
    let found = sqlx::query_as!(
        PickleRule,
        r#"select r.refuses_pickles as by_repo, coalesce(o.refuses_pickles, false) as "by_owner!"
           from repos r left join organizations o on o.organization_pk = r.namespace_pk where repo_pk = $1"#,
        repo_pk
    );
    Ok(found.fetch_optional(pool).await?.unwrap_or_default())
}

/// Has a repository refuse pickles, or take them.
///
/// # Errors
/// The database does not answer.
pub async fn set_refuses_pickles(conn: &mut PgConnection, repo_pk: i64, refuses: bool) -> sqlx::Result<()> {
    sqlx::query!("update repos set refuses_pickles = $2 where repo_pk = $1", repo_pk, refuses).execute(conn).await.map(|_| ())
}
