//! Statements on who said that a repository is not for all audiences.

use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels {
    /// The owner, in the settings.
    pub by_owner: bool,
    /// Moderators.
    pub by_moderators: bool,
    /// The card.
    pub by_card: bool,
}

/// Who said it of a repository.
///
/// # Errors
/// The database does not answer.
pub async fn find_labels(pool: &PgPool, repo_pk: i64) -> sqlx::Result<Labels> {
    sqlx::query_as!(
        Labels,
        r#"select labelled_by_owner as by_owner, labelled_by_moderators as by_moderators,
                  coalesce(card -> 'tags' ? 'not-for-all-audiences', false) as "by_card!" from repos where repo_pk = $1"#,
        repo_pk
    )
    .fetch_one(pool)
    .await
}

/// Changes what the owner says.
///
/// # Errors
/// The database does not answer.
pub async fn set_label(conn: &mut PgConnection, repo_pk: i64, labelled: bool) -> sqlx::Result<()> {
    sqlx::query!("update repos set labelled_by_owner = $2 where repo_pk = $1", repo_pk, labelled).execute(conn).await.map(|_| ())
}

/// Changes whether somebody is shown such repositories without being asked.
///
/// # Errors
/// The database does not answer.
pub async fn set_shows_labelled(pool: &PgPool, user_pk: UserPk, shows: bool) -> sqlx::Result<()> {
    sqlx::query!("update users set shows_labelled = $2 where user_pk = $1", user_pk, shows).execute(pool).await.map(|_| ())
}
