//! Finding repositories by name and by key.

use chrono::{DateTime, Utc};
use hub_types::{Oid, RefName, RepoId, RepoType};
use sqlx::PgExecutor;

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

pub(super) struct RepoRow {
    pub(super) repo_pk: i64,
    pub(super) public_id: String,
    pub(super) repo_type: RepoType,
    pub(super) namespace_pk: i64,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) private: bool,
    pub(super) gated: Option<String>,
    pub(super) disabled: bool,
    pub(super) default_branch: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_modified_at: DateTime<Utc>,
    pub(super) head_oid: Option<Oid>,
    pub(super) pack_generation: i64,
    pub(super) held_generation: i64,
    pub(super) created_by: Option<i64>,
    pub(super) file_count: i64,
    pub(super) size_bytes: i64,
    pub(super) plain_http: bool,
    pub(super) resource_group_pk: Option<i64>,
    pub(super) labelled: bool,
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
/// Nearly every request asks this, so that its plan is to be kept, see [`crate::db`]. `offset 0` has it look by the whole name
/// and not through all of the owner's repositories.
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
           from unnest((select $1::text[]), (select $2::text[]), (select $3::text[])) as w (repo_type, namespace, name)
           join namespaces n on lower(n.name) = w.namespace
           cross join lateral (
               select k.repo_pk from repos k
               where k.repo_type = w.repo_type and k.namespace_pk = n.namespace_pk and lower(k.name) = w.name and k.deleted_at is null
               offset 0
           ) k join repos r using (repo_pk, namespace_pk)"#,
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

/// Those of these repositories that are in a resource group, in no order.
///
/// # Errors
/// The database does not answer.
pub async fn list_in_groups(conn: impl PgExecutor<'_>, repo_pks: &[i64]) -> sqlx::Result<Vec<Repo>> {
    let rows = sqlx::query_as!(
        RepoRow,
        r#"select repo_pk, public_id, repo_type as "repo_type: RepoType", namespace_pk, n.name as namespace, r.name, private,
                  gated, disabled, default_branch, r.created_at, last_modified_at, head_oid as "head_oid: Oid",
                  pack_generation, held_generation, created_by, file_count, size_bytes, plain_http, resource_group_pk,
                  'not-for-all-audiences' = any(tags) as "labelled!"
           from repos r join namespaces n using (namespace_pk)
           where repo_pk = any((select $1::bigint[])::bigint[]) and resource_group_pk is not null and deleted_at is null"#,
        repo_pks
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Repo::try_from).collect()
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
