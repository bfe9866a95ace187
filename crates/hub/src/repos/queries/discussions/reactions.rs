//! Statements on reactions to comments.

use sqlx::PgPool;

/// A reaction to a comment, by however many.
#[derive(Debug, Clone)]
pub struct ReactionRow {
    /// The id of the comment.
    pub comment: String,
    /// The sign.
    pub reaction: String,
    /// How many set it.
    pub count: i64,
    /// The first who did.
    pub users: Vec<String>,
    /// Whether the viewer did.
    pub own: bool,
}

/// Notes a reaction.
///
/// # Errors
/// The database does not answer.
pub async fn insert_reaction(pool: &PgPool, event_pk: i64, user_pk: i64, reaction: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into discussion_reactions (event_pk, user_pk, reaction)
         select event_pk, $2, $3 from discussion_events where event_pk = $1 and not hidden for key share
         on conflict do nothing",
        event_pk,
        user_pk,
        reaction
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Takes a reaction away.
///
/// # Errors
/// The database does not answer.
pub async fn delete_reaction(pool: &PgPool, event_pk: i64, user_pk: i64, reaction: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from discussion_reactions where event_pk = $1 and user_pk = $2 and reaction = $3",
        event_pk,
        user_pk,
        reaction
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Lists the reactions to the comments of a discussion, each with the first ten who set it.
///
/// # Errors
/// The database does not answer.
pub async fn list_reactions(pool: &PgPool, discussion_pk: i64, viewer_pk: Option<i64>) -> sqlx::Result<Vec<ReactionRow>> {
    sqlx::query_as!(
        ReactionRow,
        r#"select e.public_id as comment, x.reaction, count(*) as "count!",
                  (array_agg(n.name order by x.created_at))[1:10] as "users!",
                  coalesce(bool_or(x.user_pk = $2), false) as "own!"
           from discussion_events e join discussion_reactions x using (event_pk) join namespaces n on n.namespace_pk = x.user_pk
           where e.discussion_pk = $1 and not e.hidden
           group by e.event_pk, x.reaction"#,
        discussion_pk,
        viewer_pk
    )
    .fetch_all(pool)
    .await
}
