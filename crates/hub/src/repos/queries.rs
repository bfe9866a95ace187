//! Statements on repositories, their names, refs and packs.

pub mod attachments;
pub mod audience;
pub mod buckets;
pub mod changes;
pub mod conversions;
pub mod derived;
pub mod discussions;
pub mod gating;
pub mod likes;
pub mod lineage;
pub mod listing;
pub mod named_refs;
pub mod own;
pub mod packs;
pub mod pickles;
pub mod relations;
pub mod results;
pub mod scanning;
pub mod trending;
pub mod usage;

use chrono::{DateTime, Utc};
use hub_types::{Oid, RefName, RepoId, RepoType};
use sqlx::{PgConnection, PgExecutor};

/// A repository: what every request about it needs.
#[derive(Debug, Clone)]
pub struct Repo {
    /// The key.
    pub pk: i64,
    /// The `_id` clients see.
    pub public_id: String,
    /// Model, dataset or Space.
    pub repo_type: RepoType,
    /// The id in its canonical spelling.
    pub id: RepoId,
    /// The owner.
    pub namespace_pk: i64,
    /// Whether only members see it.
    pub private: bool,
    /// `auto` or `manual` when readers must ask.
    pub gated: Option<String>,
    /// Whether moderators switched it off.
    pub disabled: bool,
    /// The branch pages and metadata show.
    pub default_branch: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the default branch last moved.
    pub last_modified_at: DateTime<Utc>,
    /// The head of the default branch.
    pub head_oid: Option<Oid>,
    /// Grows with each pack.
    pub pack_generation: i64,
    /// Grows when large files are taken from it: the commit point refuses a change that was prepared before.
    pub held_generation: i64,
    /// Who made it.
    pub created_by: Option<i64>,
    /// How many files the default branch has.
    pub file_count: i64,
    /// Their size, large ones with their real size.
    pub size_bytes: i64,
    /// Whether clients are kept to plain HTTP, away from Xet.
    pub plain_http: bool,
    /// The resource group of the organisation that it is in.
    pub resource_group_pk: Option<i64>,
    /// Whether it is not for all audiences.
    pub labelled: bool,
}

impl Repo {
    /// Who sees it while it is private, and all large files of it: who belongs to its resource group, or else to its owner. The keys of groups
    /// are negative, so that they are none of an owner.
    pub fn audience(&self) -> i64 {
        self.resource_group_pk.unwrap_or(self.namespace_pk)
    }

    /// The path of its page: `/{ns}/{name}` with the type's prefix.
    pub fn path(&self) -> String {
        format!("/{}{}", self.repo_type.url_prefix(), self.id)
    }

    /// The path of its API: `/api/models/{ns}/{name}`.
    pub fn api_path(&self) -> String {
        format!("/api/{}/{}", self.repo_type.plural(), self.id)
    }

    /// The full name of the default branch.
    ///
    /// # Errors
    /// Never for a stored branch name.
    pub fn default_ref(&self) -> Result<RefName, hub_types::RefError> {
        RefName::branch(&self.default_branch)
    }
}

struct RepoRow {
    repo_pk: i64,
    public_id: String,
    repo_type: RepoType,
    namespace_pk: i64,
    namespace: String,
    name: String,
    private: bool,
    gated: Option<String>,
    disabled: bool,
    default_branch: String,
    created_at: DateTime<Utc>,
    last_modified_at: DateTime<Utc>,
    head_oid: Option<Oid>,
    pack_generation: i64,
    held_generation: i64,
    created_by: Option<i64>,
    file_count: i64,
    size_bytes: i64,
    plain_http: bool,
    resource_group_pk: Option<i64>,
    labelled: bool,
}

impl TryFrom<RepoRow> for Repo {
    type Error = sqlx::Error;

    fn try_from(row: RepoRow) -> Result<Self, sqlx::Error> {
        let id = RepoId::new(&row.namespace, &row.name).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self {
            pk: row.repo_pk,
            public_id: row.public_id,
            repo_type: row.repo_type,
            id,
            namespace_pk: row.namespace_pk,
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
        })
    }
}

/// Finds a repository by its present name, whatever the case.
///
/// # Errors
/// The database does not answer.
pub async fn find_repo(
    conn: impl PgExecutor<'_>,
    repo_type: RepoType,
    namespace: &str,
    name: &str,
) -> sqlx::Result<Option<Repo>> {
    let row = sqlx::query_as!(
        RepoRow,
        r#"select repo_pk, public_id, repo_type as "repo_type: RepoType", namespace_pk, n.name as namespace, r.name, private,
                  gated, disabled, default_branch, r.created_at, last_modified_at, head_oid as "head_oid: Oid",
                  pack_generation, held_generation, created_by, file_count, size_bytes, plain_http, resource_group_pk,
                  'not-for-all-audiences' = any(tags) as "labelled!"
           from repos r join namespaces n using (namespace_pk)
           where r.repo_type = $1 and lower(n.name) = lower($2) and lower(r.name) = lower($3) and deleted_at is null"#,
        repo_type as RepoType,
        namespace,
        name
    )
    .fetch_optional(conn)
    .await?;
    row.map(Repo::try_from).transpose()
}

/// Finds repositories by their present names: type, namespace and name, in lower case. In no order; those that are not there
/// are missing.
///
/// # Errors
/// The database does not answer.
pub async fn find_repos_by_name(conn: impl PgExecutor<'_>, names: &[(RepoType, String, String)]) -> sqlx::Result<Vec<Repo>> {
    let types: Vec<String> = names.iter().map(|(repo_type, ..)| repo_type.as_str().to_owned()).collect();
    let namespaces: Vec<String> = names.iter().map(|(_, namespace, _)| namespace.clone()).collect();
    let names: Vec<String> = names.iter().map(|(.., name)| name.clone()).collect();
    let rows = sqlx::query_as!(
        RepoRow,
        r#"select repo_pk, public_id, r.repo_type as "repo_type: RepoType", namespace_pk, n.name as namespace, r.name, private,
                  gated, disabled, default_branch, r.created_at, last_modified_at, head_oid as "head_oid: Oid",
                  pack_generation, held_generation, created_by, file_count, size_bytes, plain_http, resource_group_pk,
                  'not-for-all-audiences' = any(tags) as "labelled!"
           from unnest($1::text[], $2::text[], $3::text[]) as w (repo_type, namespace, name)
           join namespaces n on lower(n.name) = w.namespace
           join repos r using (namespace_pk)
           where r.repo_type = w.repo_type and lower(r.name) = w.name and deleted_at is null"#,
        &types,
        &namespaces,
        &names
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Repo::try_from).collect()
}

/// Finds a repository by key.
///
/// # Errors
/// The database does not answer.
pub async fn find_repo_by_pk(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<Option<Repo>> {
    let row = sqlx::query_as!(
        RepoRow,
        r#"select repo_pk, public_id, repo_type as "repo_type: RepoType", namespace_pk, n.name as namespace, r.name, private,
                  gated, disabled, default_branch, r.created_at, last_modified_at, head_oid as "head_oid: Oid",
                  pack_generation, held_generation, created_by, file_count, size_bytes, plain_http, resource_group_pk,
                  'not-for-all-audiences' = any(tags) as "labelled!"
           from repos r join namespaces n using (namespace_pk) where repo_pk = $1 and deleted_at is null"#,
        repo_pk
    )
    .fetch_optional(conn)
    .await?;
    row.map(Repo::try_from).transpose()
}

/// Finds a repository by key, also one that was deleted.
///
/// # Errors
/// The database does not answer.
pub async fn find_repo_or_deleted(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<Option<Repo>> {
    let row = sqlx::query_as!(
        RepoRow,
        r#"select repo_pk, public_id, repo_type as "repo_type: RepoType", namespace_pk, n.name as namespace, r.name, private,
                  gated, disabled, default_branch, r.created_at, last_modified_at, head_oid as "head_oid: Oid",
                  pack_generation, held_generation, created_by, file_count, size_bytes, plain_http, resource_group_pk,
                  'not-for-all-audiences' = any(tags) as "labelled!"
           from repos r join namespaces n using (namespace_pk) where repo_pk = $1"#,
        repo_pk
    )
    .fetch_optional(conn)
    .await?;
    row.map(Repo::try_from).transpose()
}

/// Keeps a repository from being renamed, moved and deleted until this transaction ends; tells whether it is there by this name.
///
/// # Errors
/// The database does not answer.
pub async fn hold_named(conn: &mut PgConnection, repo_pk: i64, namespace_pk: i64, name: &str) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select repo_pk from repos where repo_pk = $1 and namespace_pk = $2 and name = $3 and deleted_at is null for share",
        repo_pk,
        namespace_pk,
        name
    );
    Ok(found.fetch_optional(conn).await?.is_some())
}

/// Finds the repository that once had a name: before it moved, or before its owner was renamed.
///
/// # Errors
/// The database does not answer.
pub async fn find_moved(
    conn: impl PgExecutor<'_>,
    repo_type: RepoType,
    namespace: &str,
    name: &str,
) -> sqlx::Result<Option<i64>> {
    // A name of the repository's own goes before one that its owner had.
    sqlx::query_scalar!(
        r#"select repo_pk as "repo_pk!" from (
               select 0 as rank, o.repo_pk from repo_redirects o join repos r using (repo_pk)
               where o.repo_type = $1 and o.namespace_key = lower($2) and o.name_key = lower($3) and r.deleted_at is null
               union all
               select 1, r.repo_pk from retired_names t join repos r using (namespace_pk)
               where t.name_key = lower($2) and r.repo_type = $1 and lower(r.name) = lower($3) and r.deleted_at is null
           ) found order by rank limit 1"#,
        repo_type as RepoType,
        namespace,
        name
    )
    .fetch_optional(conn)
    .await
}

/// A new repository.
#[derive(Debug)]
pub struct NewRepoRow<'a> {
    /// Model, dataset or Space.
    pub repo_type: RepoType,
    /// The owner.
    pub namespace_pk: i64,
    /// The name.
    pub name: &'a str,
    /// Whether only members see it.
    pub private: bool,
    /// Who makes it.
    pub created_by: Option<i64>,
    /// The resource group it is put in.
    pub resource_group_pk: Option<i64>,
}

/// Makes a repository without refs.
///
/// # Errors
/// The name is taken (`repos_type_namespace_name_idx`).
pub async fn insert_repo(conn: &mut PgConnection, repo: &NewRepoRow<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into repos (repo_type, namespace_pk, name, private, created_by, resource_group_pk)
         values ($1, $2, $3, $4, $5, $6) returning repo_pk",
        repo.repo_type as RepoType,
        repo.namespace_pk,
        repo.name,
        repo.private,
        repo.created_by,
        repo.resource_group_pk
    )
    .fetch_one(conn)
    .await
}

/// Forgets that a name led elsewhere: the name is in use again.
///
/// # Errors
/// The database does not answer.
pub async fn delete_redirect(conn: &mut PgConnection, repo_type: RepoType, namespace: &str, name: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from repo_redirects where repo_type = $1 and namespace_key = lower($2) and name_key = lower($3)",
        repo_type as RepoType,
        namespace,
        name
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Makes an old name lead to a repository.
///
/// # Errors
/// The database does not answer.
pub async fn insert_redirect(
    conn: &mut PgConnection,
    repo_type: RepoType,
    namespace: &str,
    name: &str,
    repo_pk: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into repo_redirects (repo_type, namespace_key, name_key, repo_pk, old_id)
         values ($1, lower($2), lower($3), $4, $2 || '/' || $3)
         on conflict (repo_type, namespace_key, name_key)
         do update set repo_pk = excluded.repo_pk, created_at = now(), old_id = excluded.old_id",
        repo_type as RepoType,
        namespace,
        name,
        repo_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Makes the name lead to a repository also under what its owner was called before.
///
/// # Errors
/// The database does not answer.
pub async fn insert_redirects_of_former_owners(
    conn: &mut PgConnection,
    repo_type: RepoType,
    namespace_pk: i64,
    name: &str,
    repo_pk: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into repo_redirects (repo_type, namespace_key, name_key, repo_pk, old_id)
         select $1, t.name_key, lower($3), $4, coalesce(t.name, t.name_key) || '/' || $3
         from retired_names t where t.namespace_pk = $2
         on conflict (repo_type, namespace_key, name_key) do nothing",
        repo_type as RepoType,
        namespace_pk,
        name,
        repo_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Gives a repository another owner and name. With another owner it is in no resource group any more.
///
/// # Errors
/// The name is taken (`repos_type_namespace_name_idx`).
pub async fn update_name(conn: &mut PgConnection, repo_pk: i64, namespace_pk: i64, name: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update repos set namespace_pk = $2, name = $3,
                resource_group_pk = case when namespace_pk = $2 then resource_group_pk end
         where repo_pk = $1",
        repo_pk,
        namespace_pk,
        name
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Puts a repository of a namespace into a resource group or into none, and tells whether it is there.
///
/// # Errors
/// The namespace has no such group (`repos_resource_group_fk`).
pub async fn set_resource_group(
    conn: &mut PgConnection,
    repo_pk: i64,
    namespace_pk: i64,
    resource_group_pk: Option<i64>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update repos set resource_group_pk = $3 where repo_pk = $1 and namespace_pk = $2 and deleted_at is null",
        repo_pk,
        namespace_pk,
        resource_group_pk
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Hides a repository and frees its name; its rows, old names and bytes stay until they are collected.
///
/// # Errors
/// The database does not answer.
pub async fn mark_deleted(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("update repos set deleted_at = now() where repo_pk = $1 and deleted_at is null", repo_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Sets visibility and gating; `None` leaves a setting as it is. When a repository first became public is kept.
///
/// # Errors
/// The database does not answer.
pub async fn update_settings(
    conn: &mut PgConnection,
    repo_pk: i64,
    private: Option<bool>,
    gated: Option<Option<&str>>,
    plain_http: Option<bool>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update repos set private = coalesce($2, private), gated = case when $3 then $4 else gated end,
                plain_http = coalesce($5, plain_http),
                published_at = case when $2 = not private then coalesce(published_at, case when private then now() else created_at end)
                                    else published_at end
         where repo_pk = $1",
        repo_pk,
        private,
        gated.is_some(),
        gated.flatten(),
        plain_http
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// A ref and where it points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefRow {
    /// The full name.
    pub name: RefName,
    /// The commit, or the tag object of an annotated tag.
    pub oid: Oid,
}

/// Keeps a repository as it is until the transaction ends: its refs do not move, it loses no large file. `false` when it
/// is deleted.
///
/// # Errors
/// The database does not answer.
pub async fn hold_repo(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("select repo_pk from repos where repo_pk = $1 and deleted_at is null for share", repo_pk);
    Ok(found.fetch_optional(conn).await?.is_some())
}

/// Lists all refs of a repository, by name.
///
/// # Errors
/// The database does not answer.
pub async fn list_refs(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<Vec<RefRow>> {
    sqlx::query_as!(
        RefRow,
        r#"select name as "name: RefName", oid as "oid: Oid" from refs where repo_pk = $1 order by name"#,
        repo_pk
    )
    .fetch_all(conn)
    .await
}

/// Finds where a ref points.
///
/// # Errors
/// The database does not answer.
pub async fn find_ref(conn: impl PgExecutor<'_>, repo_pk: i64, name: &RefName) -> sqlx::Result<Option<Oid>> {
    sqlx::query_scalar!(r#"select oid as "oid: Oid" from refs where repo_pk = $1 and name = $2"#, repo_pk, name.as_str())
        .fetch_optional(conn)
        .await
}

/// Appends to a repository's history of what was done to it.
///
/// # Errors
/// The database does not answer.
pub async fn insert_event(
    conn: &mut PgConnection,
    repo_pk: i64,
    actor_pk: Option<i64>,
    kind: &str,
    payload: serde_json::Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into events (repo_pk, actor_pk, kind, payload) values ($1, $2, $3, $4)",
        repo_pk,
        actor_pk,
        kind,
        payload
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Appends an event in which refs moved, and has the files looked at that came, a second later: what comes in a burst is looked at
/// once. One statement, for it is on the way of every commit.
///
/// # Errors
/// The database does not answer.
pub async fn insert_ref_event(
    conn: &mut PgConnection,
    repo_pk: i64,
    actor_pk: Option<i64>,
    kind: &str,
    payload: serde_json::Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with scan as (
             insert into jobs (kind, dedup_key, payload, run_at)
             values ('scan_files', $1::bigint::text, jsonb_build_object('repo_pk', $1::bigint), now() + interval '1 second')
             on conflict (kind, dedup_key) where failed_at is null and locked_until is null do nothing)
         insert into events (repo_pk, actor_pk, kind, payload) values ($1, $2, $3, $4)",
        repo_pk,
        actor_pk,
        kind,
        payload
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Lets a new repository share the packs and the derived metadata of another one. No bytes move.
///
/// # Errors
/// The database does not answer.
pub async fn copy_contents(conn: &mut PgConnection, from_pk: i64, to_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into repo_packs (repo_pk, pack_hash) select $2, pack_hash from repo_packs where repo_pk = $1",
        from_pk,
        to_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update repos t set head_oid = s.head_oid, card = s.card, tags = s.tags, pipeline_tag = s.pipeline_tag,
                library_name = s.library_name, file_count = s.file_count, size_bytes = s.size_bytes, facts = s.facts,
                default_branch = s.default_branch, parameters = s.parameters, siblings = s.siblings, derived_version = s.derived_version, pack_generation = 1,
                num_rows = s.num_rows,
                labelled_by_owner = s.labelled_by_owner or s.labelled_by_moderators
         from repos s where s.repo_pk = $1 and t.repo_pk = $2",
        from_pk,
        to_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}
