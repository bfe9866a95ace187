//! Statements on what was done to repositories and can be undone, and on deleted repositories.

use chrono::{DateTime, Utc};
use hub_types::{Oid, RefName, RepoType};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::{RefRow, Repo, RepoRow};
use crate::repos::changes::{Openness, Options};

/// A change to be noted.
#[derive(Debug)]
pub struct NewChange<'a> {
    /// The repository.
    pub repo_pk: i64,
    /// Who did it.
    pub actor_pk: Option<i64>,
    /// What it was.
    pub kind: &'a str,
    /// What changed.
    pub details: &'a Value,
    /// Where a ref was before.
    pub old_oid: Option<Oid>,
    /// The change that this one takes back.
    pub undoes: Option<i64>,
}

/// Notes a change.
///
/// # Errors
/// The database does not answer.
pub async fn insert(conn: &mut PgConnection, change: &NewChange<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into repo_changes (repo_pk, actor_pk, kind, details, old_oid, undoes)
         values ($1, $2, $3, $4, $5, $6) returning change_pk",
        change.repo_pk,
        change.actor_pk,
        change.kind,
        change.details,
        change.old_oid as Option<Oid>,
        change.undoes
    )
    .fetch_one(conn)
    .await
}

/// A change as pages and the API list it.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    /// The key.
    pub change_pk: i64,
    /// What it was.
    pub kind: String,
    /// What changed.
    pub details: Value,
    /// Who did it, unless the account is gone.
    pub actor: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// The change that this one took back.
    pub undoes: Option<i64>,
    /// When it was taken back.
    pub undone_at: Option<DateTime<Utc>>,
    /// By whom.
    pub undone_by: Option<String>,
}

/// The changes of a repository before one of them, newest first; with `decisions`, those about access alone, or all but those.
///
/// # Errors
/// The database does not answer.
pub async fn list_page(
    pool: &PgPool,
    repo_pk: i64,
    decisions: Option<bool>,
    before: i64,
    limit: i64,
) -> sqlx::Result<Vec<ChangeRow>> {
    sqlx::query_as!(
        ChangeRow,
        r#"select change_pk, c.kind, details, a.name as "actor?", c.created_at, undoes, undone_at, u.name as "undone_by?"
           from repo_changes c
           left join namespaces a on a.namespace_pk = c.actor_pk left join namespaces u on u.namespace_pk = c.undone_by
           where repo_pk = $1 and change_pk < $2 and ($4::boolean is null or (c.kind = 'decide_access') = $4)
           order by change_pk desc limit $3"#,
        repo_pk,
        before,
        limit,
        decisions
    )
    .fetch_all(pool)
    .await
}

/// One change of a repository.
///
/// # Errors
/// The database does not answer.
pub async fn find(pool: &PgPool, repo_pk: i64, change_pk: i64) -> sqlx::Result<Option<ChangeRow>> {
    sqlx::query_as!(
        ChangeRow,
        r#"select change_pk, c.kind, details, a.name as "actor?", c.created_at, undoes, undone_at, u.name as "undone_by?"
           from repo_changes c
           left join namespaces a on a.namespace_pk = c.actor_pk left join namespaces u on u.namespace_pk = c.undone_by
           where repo_pk = $1 and change_pk = $2"#,
        repo_pk,
        change_pk
    )
    .fetch_optional(pool)
    .await
}

/// Notes that a change is taken back; `false` when it was already.
///
/// # Errors
/// The database does not answer.
pub async fn mark_undone(conn: &mut PgConnection, repo_pk: i64, change_pk: i64, by: Option<i64>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update repo_changes set undone_at = now(), undone_by = $3
         where repo_pk = $1 and change_pk = $2 and undone_at is null",
        repo_pk,
        change_pk,
        by
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Where refs were before changes that can still be undone, by the names that they had: what garbage collection keeps.
///
/// # Errors
/// The database does not answer.
pub async fn list_kept(conn: impl PgExecutor<'_>, repo_pk: i64, since: DateTime<Utc>) -> sqlx::Result<Vec<RefRow>> {
    sqlx::query_as!(
        RefRow,
        r#"select distinct details ->> 'name' as "name!: RefName", old_oid as "oid!: Oid" from repo_changes
           where repo_pk = $1 and old_oid is not null and created_at >= $2 and undone_at is null order by 1, 2"#,
        repo_pk,
        since
    )
    .fetch_all(conn)
    .await
}

/// The settings of a repository, which stay so until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock_settings(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Option<(Openness, Options)>> {
    let row = sqlx::query!(
        "select private, gated, discussions_disabled, refuses_pickles, labelled_by_owner, plain_http from repos
         where repo_pk = $1 and deleted_at is null for update",
        repo_pk
    );
    let settings = row.fetch_optional(conn).await?.map(|row| {
        let options = Options {
            discussions_disabled: Some(row.discussions_disabled),
            refuses_pickles: Some(row.refuses_pickles),
            labelled: Some(row.labelled_by_owner),
            plain_http: Some(row.plain_http),
        };
        (Openness { private: row.private, gated: row.gated }, options)
    });
    Ok(settings)
}

/// A deleted repository.
#[derive(Debug, Clone)]
pub struct DeletedRepo {
    /// The repository as it was.
    pub repo: Repo,
    /// When it was deleted.
    pub deleted_at: DateTime<Utc>,
    /// By whom, unless the account is gone.
    pub deleted_by: Option<String>,
}

/// Of whose deleted repositories somebody sees a part.
#[derive(Debug)]
pub struct Contributed<'a> {
    /// The organisations.
    pub namespaces: &'a [i64],
    /// Those that this user made.
    pub created_by: i64,
    /// Those in these resource groups.
    pub groups: &'a [i64],
}

/// The repositories that were deleted since a time and can come back, the last deleted first: those of some namespaces, and of
/// others a part.
///
/// # Errors
/// The database does not answer.
pub async fn list_deleted(
    pool: &PgPool,
    namespaces: &[i64],
    part: &Contributed<'_>,
    since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<DeletedRepo>> {
    let rows = sqlx::query!(
        r#"select repo_pk, public_id, repo_type as "repo_type: RepoType", namespace_pk, n.name as namespace, r.name, private,
                  gated, disabled, default_branch, r.created_at, last_modified_at, head_oid as "head_oid: Oid",
                  pack_generation, held_generation, created_by, file_count, size_bytes, plain_http, resource_group_pk, deleted_at as "deleted_at!",
                  'not-for-all-audiences' = any(tags) as "labelled!",
                  (select a.name from repo_changes c join namespaces a on a.namespace_pk = c.actor_pk
                   where c.repo_pk = r.repo_pk and c.kind = 'delete_repo' order by change_pk desc limit 1) as deleted_by
           from repos r join namespaces n using (namespace_pk)
           where (namespace_pk = any($1) or namespace_pk = any($2) and (created_by = $3 or resource_group_pk = any($6))) and deleted_at >= $4 and purged_at is null
           order by deleted_at desc, repo_pk desc limit $5"#,
        namespaces,
        part.namespaces,
        part.created_by,
        since,
        limit,
        part.groups
    )
    .fetch_all(pool)
    .await?;
    let deleted = rows.into_iter().map(|row| {
        let repo = RepoRow {
            repo_pk: row.repo_pk,
            public_id: row.public_id,
            repo_type: row.repo_type,
            namespace_pk: row.namespace_pk,
            namespace: row.namespace,
            name: row.name,
            private: row.private,
            gated: row.gated,
            disabled: row.disabled,
            default_branch: row.default_branch,
            created_at: row.created_at,
            last_modified_at: row.last_modified_at,
            head_oid: row.head_oid,
            pack_generation: row.pack_generation,
            held_generation: row.held_generation,
            created_by: row.created_by,
            file_count: row.file_count,
            size_bytes: row.size_bytes,
            plain_http: row.plain_http,
            resource_group_pk: row.resource_group_pk,
            labelled: row.labelled,
        };
        Ok(DeletedRepo { repo: Repo::try_from(repo)?, deleted_at: row.deleted_at, deleted_by: row.deleted_by })
    });
    deleted.collect()
}

/// A deleted repository by the id that clients see.
///
/// # Errors
/// The database does not answer.
pub async fn find_deleted(pool: &PgPool, public_id: &str, since: DateTime<Utc>) -> sqlx::Result<Option<Repo>> {
    let row = sqlx::query_as!(
        RepoRow,
        r#"select repo_pk, public_id, repo_type as "repo_type: RepoType", namespace_pk, n.name as namespace, r.name, private,
                  gated, disabled, default_branch, r.created_at, last_modified_at, head_oid as "head_oid: Oid",
                  pack_generation, held_generation, created_by, file_count, size_bytes, plain_http, resource_group_pk,
                  'not-for-all-audiences' = any(tags) as "labelled!"
           from repos r join namespaces n using (namespace_pk)
           where public_id = $1 and deleted_at >= $2 and purged_at is null"#,
        public_id,
        since
    )
    .fetch_optional(pool)
    .await?;
    row.map(Repo::try_from).transpose()
}

/// Brings a deleted repository back under a name, unless garbage collection has taken what it had; tells whether it is there.
///
/// # Errors
/// The name is taken (`repos_type_namespace_name_idx`).
pub async fn mark_restored(conn: &mut PgConnection, repo_pk: i64, name: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update repos set deleted_at = null, name = $2 where repo_pk = $1 and deleted_at is not null and purged_at is null",
        repo_pk,
        name
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Whether an act of moderators by which a repository is deleted stands.
///
/// # Errors
/// The database does not answer.
pub async fn is_removed_by_moderators(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from moderation_standing where kind = 'deleted' and pk = $1) as "removed!""#,
        repo_pk
    )
    .fetch_one(conn)
    .await
}

/// Whether moderators limited an organisation; they do not do so until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn is_limited_organization(conn: &mut PgConnection, namespace_pk: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select limited_at is not null as "limited!" from organizations where organization_pk = $1 for share"#,
        namespace_pk
    );
    Ok(found.fetch_optional(conn).await?.unwrap_or_default())
}

/// The deletion of a repository that has not been taken back.
///
/// # Errors
/// The database does not answer.
pub async fn find_deletion(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "select change_pk from repo_changes where repo_pk = $1 and kind = 'delete_repo' and undone_at is null
         order by change_pk desc limit 1",
        repo_pk
    )
    .fetch_optional(conn)
    .await
}

/// Whether a name is or was that of somebody else's repository in a namespace: of a deleted one, or of one that moved. It does not
/// count where the user may write: in its resource group, or the namespace for those in none and those that went elsewhere.
///
/// # Errors
/// The database does not answer.
pub async fn was_of_another(
    conn: &mut PgConnection,
    repo_type: RepoType,
    (namespace_pk, namespace): (i64, &str),
    name: &str,
    (user_pk, may_write_in): (i64, &[i64]),
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select 1 from repos where namespace_pk = $2 and repo_type = $1 and lower(name) = lower($4) and deleted_at is not null
                 and created_by is distinct from $5 and coalesce(resource_group_pk, namespace_pk) <> all($6)
               union all
               select 1 from repo_redirects o join repos r using (repo_pk)
               where o.repo_type = $1 and name_key = lower($4) and r.created_by is distinct from $5
                 and namespace_key = any(array(select lower($3) union all select t.name_key from retired_names t where t.namespace_pk = $2))
                 and case when r.namespace_pk = $2 then coalesce(r.resource_group_pk, $2) else $2 end <> all($6)
           ) as "was!""#,
        repo_type as RepoType,
        namespace_pk,
        namespace,
        name,
        user_pk,
        may_write_in
    )
    .fetch_one(conn)
    .await
}
