//! Statements of the rules: what new accounts do, and what is found.

use hub_types::RepoType;
use sqlx::PgConnection;

use crate::accounts::UserPk;
use crate::moderation::category::Category;

/// Whether the rules look at what an account does: it is young, and neither runs nor moderates the hub.
///
/// # Errors
/// The database does not answer.
pub async fn is_new(conn: &mut PgConnection, user_pk: UserPk, days: i32) -> sqlx::Result<bool> {
    let row = sqlx::query_scalar!(
        "select user_pk from users join namespaces on namespace_pk = user_pk
         where user_pk = $1 and created_at > now() - make_interval(days => $2) and not is_admin and not is_moderator",
        user_pk,
        days
    );
    Ok(row.fetch_optional(conn).await?.is_some())
}

/// Counts what an account does, and gives how much that is in the hour that began with the first.
///
/// # Errors
/// The database does not answer.
pub async fn count(conn: &mut PgConnection, user_pk: UserPk, what: &str, amount: i32) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"insert into rule_counts as c (user_pk, what, count) values ($1, $2, $3)
           on conflict (user_pk, what) do update set
               count = case when c.since < now() - interval '1 hour' then excluded.count else c.count + excluded.count end,
               since = case when c.since < now() - interval '1 hour' then now() else c.since end
           returning count::bigint as "count!""#,
        user_pk,
        what,
        amount
    )
    .fetch_one(conn)
    .await
}

/// Notes that an account said something, and gives how often that was said within a week. What is older is forgotten.
///
/// # Errors
/// The database does not answer.
pub async fn note_text(conn: &mut PgConnection, user_pk: UserPk, hash: &[u8]) -> sqlx::Result<i64> {
    sqlx::query!(
        "delete from rule_texts where text_pk in (
             select text_pk from rule_texts where created_at < now() - interval '7 days' order by created_at limit 20
             for update skip locked)"
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("insert into rule_texts (hash, user_pk) values ($1, $2)", hash, user_pk).execute(&mut *conn).await?;
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from rule_texts where hash = $1 and created_at > now() - interval '7 days' limit 1000) lately"#,
        hash
    )
    .fetch_one(conn)
    .await
}

/// What somebody said, as [`note_shape`] keeps it.
#[derive(Debug)]
pub struct ShapeRow {
    /// Who said it.
    pub user_pk: UserPk,
    /// The least of each hash.
    pub mins: Vec<i32>,
}

/// Notes what somebody said, and gives what was said within a week that may be like it, this included. What is older is forgotten.
///
/// # Errors
/// The database does not answer.
pub async fn note_shape(
    conn: &mut PgConnection,
    user_pk: UserPk,
    mins: &[i32],
    bands: &[i64],
    limit: i64,
) -> sqlx::Result<Vec<ShapeRow>> {
    sqlx::query!(
        "delete from rule_shapes where shape_pk in (
             select shape_pk from rule_shapes where created_at < now() - interval '7 days' order by created_at limit 20
             for update skip locked)"
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("insert into rule_shapes (user_pk, mins, bands) values ($1, $2, $3)", user_pk, mins, bands)
        .execute(&mut *conn)
        .await?;
    sqlx::query_as!(
        ShapeRow,
        "select user_pk, mins from rule_shapes where bands && $1 and created_at > now() - interval '7 days'
         order by shape_pk desc limit $2",
        bands,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How many public repositories somebody made in a namespace that have nothing in them but what comes with a new one, counted up to
/// `most`.
///
/// # Errors
/// The database does not answer.
pub async fn count_empty(conn: &mut PgConnection, namespace_pk: i64, user_pk: UserPk, most: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from repos where namespace_pk = $1 and created_by = $2 and not private and deleted_at is null
                   and file_count <= 2 and size_bytes < 4096 limit $3) empty"#,
        namespace_pk,
        user_pk,
        most
    )
    .fetch_one(conn)
    .await
}

/// A comment, with where it is.
#[derive(Debug)]
pub struct CommentPlace {
    /// The key.
    pub event_pk: i64,
    /// Whose it is.
    pub author_pk: Option<i64>,
    /// Their name.
    pub author: Option<String>,
    /// The kind of its repository.
    pub repo_type: RepoType,
    /// The id of the repository.
    pub repo: String,
    /// Whether only members see that.
    pub private: bool,
    /// The number of the discussion.
    pub num: i64,
}

/// Finds a comment by its id.
///
/// # Errors
/// The database does not answer.
pub async fn find_comment(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<CommentPlace>> {
    sqlx::query_as!(
        CommentPlace,
        r#"select e.event_pk, e.author_pk, a.name as "author?", r.repo_type as "repo_type: RepoType", n.name || '/' || r.name as "repo!",
                  r.private, d.num
           from discussion_events e join discussions d using (discussion_pk) join repos r using (repo_pk)
           join namespaces n on n.namespace_pk = r.namespace_pk left join namespaces a on a.namespace_pk = e.author_pk
           where e.public_id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// The id by which clients know a comment.
///
/// # Errors
/// The database does not answer.
pub async fn find_comment_id(conn: &mut PgConnection, event_pk: i64) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select public_id from discussion_events where event_pk = $1", event_pk).fetch_optional(conn).await
}

/// The name that a new one looks like: one that is known outside, or one that is here.
///
/// # Errors
/// The database does not answer.
pub async fn find_alike(
    conn: &mut PgConnection,
    namespace_pk: i64,
    name: &str,
    known: &[String],
    shortest: i32,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select name as "name!" from (
               (select k as name, 0 as place from unnest($3::text[]) k where name_skeleton(k) = name_skeleton($2) limit 1)
               union all
               (select n.name, 1 from namespaces n
                where name_skeleton(n.name) = name_skeleton($2) and n.namespace_pk <> $1 and length(name_skeleton($2)) >= $4
                order by n.namespace_pk limit 1)
           ) alike order by place limit 1"#,
        namespace_pk,
        name,
        known,
        shortest
    )
    .fetch_optional(conn)
    .await
}

/// What is left of a text when characters that look alike are one.
///
/// # Errors
/// The database does not answer.
pub async fn skeleton_of(conn: &mut PgConnection, text: &str) -> sqlx::Result<String> {
    sqlx::query_scalar!(r#"select name_skeleton($1) as "skeleton!""#, text).fetch_one(conn).await
}

/// Whose names a name is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of people and organisations.
    Anybody,
    /// Those of organisations.
    Organizations,
}

/// The name that has one of these skeletons: one that is known outside, or one that is here and that many know, by its followers or by
/// what is downloaded of it. Members of an organisation can call themselves after it.
///
/// # Errors
/// The database does not answer.
pub async fn find_known_alike(
    conn: &mut PgConnection,
    namespace_pk: i64,
    skeletons: &[String],
    known: &[String],
    whose: Whose,
    shortest: i32,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select name as "name!" from (
               (select k as name, 0 as place from unnest($3::text[]) k where name_skeleton(k) = any($2) limit 1)
               union all
               (select n.name, 1 from namespaces n
                where name_skeleton(n.name) = any($2) and n.namespace_pk <> $1 and length(name_skeleton(n.name)) >= $4
                  and (n.kind = 'organization' or (n.kind = 'user' and not $5))
                  and not exists (select from organization_members m where m.organization_pk = n.namespace_pk and m.user_pk = $1)
                  and ((select count(*) from (select from follows f where f.namespace_pk = n.namespace_pk limit 20) followers) >= 20
                       or (select coalesce(sum(downloads), 0) from (
                               select c.downloads from repos r join repo_counters c using (repo_pk)
                               where r.namespace_pk = n.namespace_pk and not r.private and r.deleted_at is null limit 10000) counted) >= 1000)
                order by n.namespace_pk limit 1)
           ) alike order by place limit 1"#,
        namespace_pk,
        skeletons,
        known,
        shortest,
        whose == Whose::Organizations
    )
    .fetch_optional(conn)
    .await
}

/// Adds the report of a rule to a case, and tells whether it is its first.
///
/// # Errors
/// The database does not answer.
pub async fn insert_report(
    conn: &mut PgConnection,
    case_pk: i64,
    rule: &str,
    category: Category,
    text: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into moderation_reports (case_pk, rule, category, body) values ($1, $2, $3, $4)
         on conflict (case_pk, rule) where rule is not null do nothing",
        case_pk,
        rule,
        category.as_str(),
        text
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// What the hub did about a case by itself, and nobody took back.
///
/// # Errors
/// The database does not answer.
pub async fn list_holds(conn: &mut PgConnection, case_pk: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select act_pk from moderation_acts a
         where case_pk = $1 and moderator_pk = 0 and act <> 'restore'
           and not exists (select from moderation_acts u where u.undoes = a.act_pk)",
        case_pk
    )
    .fetch_all(conn)
    .await
}
