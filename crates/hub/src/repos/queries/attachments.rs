//! Statements on files that people add to what they say in discussions.

use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// A file to be kept.
#[derive(Debug)]
pub struct NewAttachment<'a> {
    /// Its name in the store and in addresses.
    pub public_id: &'a str,
    /// The repository, once it is known.
    pub repo_pk: Option<i64>,
    /// Who adds it.
    pub user_pk: UserPk,
    /// What people see that it is called.
    pub name: &'a str,
    /// What it is, by its content.
    pub content_type: &'a str,
    /// Its size.
    pub size_bytes: i64,
}

/// Keeps a file whose bytes are in the store.
///
/// # Errors
/// The database does not answer.
pub async fn insert_attachment(conn: &mut PgConnection, new: &NewAttachment<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into attachments (public_id, repo_pk, user_pk, name, content_type, size_bytes) values ($1, $2, $3, $4, $5, $6)",
        new.public_id,
        new.repo_pk,
        new.user_pk,
        new.name,
        new.content_type,
        new.size_bytes
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// How many files somebody added within a day, and how large they are together.
///
/// # Errors
/// The database does not answer.
pub async fn count_lately(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) as "count!", coalesce(sum(size_bytes), 0)::bigint as "bytes!" from attachments
           where user_pk = $1 and created_at > now() - interval '1 day'"#,
        user_pk
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.bytes))
}

/// Makes those of some files that a user sent and that are nowhere yet a repository's. Gives their size.
///
/// # Errors
/// The database does not answer.
pub async fn place_attachments(
    conn: &mut PgConnection,
    repo_pk: i64,
    user_pk: UserPk,
    public_ids: &[String],
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with held as (
               select attachment_pk from attachments where public_id = any($3) and user_pk = $2 and repo_pk is null
               order by attachment_pk for no key update
           ), placed as (
               update attachments a set repo_pk = $1 from held where a.attachment_pk = held.attachment_pk
               returning a.size_bytes
           )
           select coalesce(sum(size_bytes), 0)::bigint as "bytes!" from placed"#,
        repo_pk,
        user_pk,
        public_ids
    )
    .fetch_one(conn)
    .await
}

/// A file that somebody added.
#[derive(Debug)]
pub struct Attachment {
    /// The repository, once a comment there named it or it was sent for it.
    pub repo_pk: Option<i64>,
    /// Who sent it, while they have an account.
    pub user_pk: Option<UserPk>,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub content_type: String,
    /// Its size.
    pub size_bytes: i64,
    /// Whether a comment leads to it that is there and not hidden.
    pub is_used: bool,
}

/// Finds a file. One that only deleted discussions and hidden comments lead to is not there until these come back.
///
/// # Errors
/// The database does not answer.
pub async fn find_attachment(pool: &PgPool, public_id: &str) -> sqlx::Result<Option<Attachment>> {
    sqlx::query_as!(
        Attachment,
        r#"select repo_pk, user_pk, name, content_type, size_bytes, is_used as "is_used!"
           from attachments a
           cross join lateral (select exists (select from attachment_uses u
                                              where u.attachment_pk = a.attachment_pk and not u.withdrawn) as is_used) shown
           where public_id = $1
           and (is_used
                or (not exists (select from attachment_uses u where u.attachment_pk = a.attachment_pk)
                    and not exists (select from deleted_discussions d where d.repo_pk = a.repo_pk
                                    and d.contents -> 'uses'
                                        @> jsonb_build_array(jsonb_build_object('attachment_pk', a.attachment_pk)))))"#,
        public_id
    )
    .fetch_optional(pool)
    .await
}
