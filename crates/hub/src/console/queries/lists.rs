//! Statements that list organisations and repositories. Those that look for some give keys in order; rows come by their keys.

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use sqlx::PgPool;

use crate::console::frame::Place;
use crate::web::cursor::time_of;

/// The newest organisations after a key.
pub(in crate::console) async fn list_organizations(pool: &PgPool, before: i64, limit: i64) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"select 0::bigint as "rank!", organization_pk as pk from organizations o
           where organization_pk < $1 and not exists (select from closed_organizations c where c.organization_pk = o.organization_pk)
           order by organization_pk desc limit $2"#,
        before,
        limit
    )
    .fetch_all(pool)
    .await
}

/// The organisations that hold most, after one of them.
pub(in crate::console) async fn list_largest_organizations(pool: &PgPool, after: Place, limit: i64) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        "select bytes as rank, namespace_pk as pk from owner_sizes
         where is_organization and (bytes, namespace_pk) < ($1, $2) order by bytes desc, namespace_pk desc limit $3",
        after.rank,
        after.pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Organisations whose name or full name is like a pattern in lower case.
pub(in crate::console) async fn find_organizations(
    pool: &PgPool,
    pattern: &str,
    by_size: bool,
    after: Place,
    limit: i64,
) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"select rank as "rank!", pk as "pk!" from (
               select pk, case when $2 then coalesce(s.bytes, 0) else 0 end as rank from (
                   select namespace_pk as pk from namespaces where kind = 'organization' and lower(name) like $1
                   union select organization_pk from organizations o where lower(fullname) like $1
                     and not exists (select from closed_organizations c where c.organization_pk = o.organization_pk)
               ) found left join owner_sizes s on s.namespace_pk = pk
           ) ranked where (rank, pk) < ($3, $4) order by rank desc, pk desc limit $5"#,
        pattern,
        by_size,
        after.rank,
        after.pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// An organisation.
#[derive(Debug)]
pub(in crate::console) struct OrganizationRow {
    /// Its name.
    pub name: String,
    /// Its full name.
    pub fullname: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// How many belong to it.
    pub members: i64,
    /// How many repositories it had when it was counted last.
    pub repos: i64,
    /// What those held.
    pub bytes: i64,
}

/// Organisations in the order of their keys here.
pub(in crate::console) async fn load_organizations(pool: &PgPool, pks: &[i64]) -> sqlx::Result<Vec<OrganizationRow>> {
    sqlx::query_as!(
        OrganizationRow,
        r#"select n.name, o.fullname, n.created_at, coalesce(s.repos, 0) as "repos!", coalesce(s.bytes, 0) as "bytes!",
                  (select count(*) from organization_members m where m.organization_pk = o.organization_pk) as "members!"
           from unnest($1::bigint[]) with ordinality as t (pk, place)
           join organizations o on o.organization_pk = t.pk join namespaces n on n.namespace_pk = t.pk
           left join owner_sizes s on s.namespace_pk = t.pk
           order by t.place"#,
        pks
    )
    .fetch_all(pool)
    .await
}

/// Which repositories are looked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::console) struct ReposWanted<'a> {
    /// Of which kind.
    pub kind: Option<RepoType>,
    /// Whose.
    pub owner: Option<i64>,
    /// What their names are like, in lower case.
    pub pattern: Option<&'a str>,
    /// After which one.
    pub after: Place,
    /// How many.
    pub limit: i64,
}

/// The newest repositories.
pub(in crate::console) async fn list_newest_repos(pool: &PgPool, wanted: ReposWanted<'_>) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"select 0::bigint as "rank!", repo_pk as pk from repos
           where deleted_at is null and repo_pk < $1 order by repo_pk desc limit $2"#,
        wanted.after.pk,
        wanted.limit
    )
    .fetch_all(pool)
    .await
}

/// The newest repositories of a kind.
pub(in crate::console) async fn list_newest_of_kind(
    pool: &PgPool,
    kind: RepoType,
    wanted: ReposWanted<'_>,
) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"select (extract(epoch from created_at) * 1000000)::bigint as "rank!", repo_pk as pk from repos
           where repo_type = $1 and deleted_at is null and ($2::timestamptz is null or (created_at, repo_pk) < ($2, $3))
           order by created_at desc, repo_pk desc limit $4"#,
        kind as RepoType,
        time_of(wanted.after.rank),
        wanted.after.pk,
        wanted.limit
    )
    .fetch_all(pool)
    .await
}

/// The repositories that hold most.
pub(in crate::console) async fn list_largest_repos(pool: &PgPool, wanted: ReposWanted<'_>) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        "select s.bytes as rank, s.repo_pk as pk from repo_sizes s join repos r using (repo_pk)
         where r.deleted_at is null and (s.bytes, s.repo_pk) < ($1, $2) order by s.bytes desc, s.repo_pk desc limit $3",
        wanted.after.rank,
        wanted.after.pk,
        wanted.limit
    )
    .fetch_all(pool)
    .await
}

/// The repositories of a kind that hold most.
pub(in crate::console) async fn list_largest_of_kind(
    pool: &PgPool,
    kind: RepoType,
    wanted: ReposWanted<'_>,
) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        "select s.bytes as rank, s.repo_pk as pk from repo_sizes s join repos r using (repo_pk)
         where s.repo_type = $1 and r.deleted_at is null and (s.bytes, s.repo_pk) < ($2, $3)
         order by s.bytes desc, s.repo_pk desc limit $4",
        kind as RepoType,
        wanted.after.rank,
        wanted.after.pk,
        wanted.limit
    )
    .fetch_all(pool)
    .await
}

/// Repositories by a part of their name, by their owner, or both.
pub(in crate::console) async fn find_repos(pool: &PgPool, wanted: ReposWanted<'_>, by_size: bool) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"select rank as "rank!", repo_pk as "pk!" from (
               select r.repo_pk, case when $1 then coalesce(s.bytes, 0) else 0 end as rank
               from repos r left join repo_sizes s using (repo_pk)
               where r.deleted_at is null and ($2::text is null or lower(r.name) like $2)
                 and ($3::bigint is null or r.namespace_pk = $3) and ($4::text is null or r.repo_type = $4)
           ) ranked where (rank, repo_pk) < ($5, $6) order by rank desc, repo_pk desc limit $7"#,
        by_size,
        wanted.pattern,
        wanted.owner,
        wanted.kind as Option<RepoType>,
        wanted.after.rank,
        wanted.after.pk,
        wanted.limit
    )
    .fetch_all(pool)
    .await
}

/// The repositories that moderators disabled.
pub(in crate::console) async fn list_disabled_repos(pool: &PgPool, wanted: ReposWanted<'_>) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"select 0::bigint as "rank!", repo_pk as pk from repos
           where disabled and deleted_at is null and repo_pk < $1 and ($2::text is null or lower(name) like $2)
             and ($3::bigint is null or namespace_pk = $3) and ($4::text is null or repo_type = $4)
           order by repo_pk desc limit $5"#,
        wanted.after.pk,
        wanted.pattern,
        wanted.owner,
        wanted.kind as Option<RepoType>,
        wanted.limit
    )
    .fetch_all(pool)
    .await
}

/// The repositories that were deleted since a time and can come back, the last deleted first.
pub(in crate::console) async fn list_deleted_repos(
    pool: &PgPool,
    since: DateTime<Utc>,
    wanted: ReposWanted<'_>,
) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"select (extract(epoch from deleted_at) * 1000000)::bigint as "rank!", repo_pk as pk from repos
           where deleted_at > $1 and purged_at is null and ($2::timestamptz is null or (deleted_at, repo_pk) < ($2, $3))
             and ($4::text is null or lower(name) like $4) and ($5::bigint is null or namespace_pk = $5)
             and ($6::text is null or repo_type = $6)
           order by deleted_at desc, repo_pk desc limit $7"#,
        since,
        time_of(wanted.after.rank),
        wanted.after.pk,
        wanted.pattern,
        wanted.owner,
        wanted.kind as Option<RepoType>,
        wanted.limit
    )
    .fetch_all(pool)
    .await
}

/// A repository.
#[derive(Debug)]
pub(in crate::console) struct RepoRow {
    /// The id that clients see.
    pub public_id: String,
    /// What it is.
    pub kind: RepoType,
    /// Whose it is.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Whether only members see it.
    pub private: bool,
    /// Whether readers must ask.
    pub gated: bool,
    /// Whether moderators disabled it.
    pub disabled: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// What it holds: large files and git packs of all its histories.
    pub bytes: i64,
    /// Files in which scanning found something.
    pub issues: Option<i32>,
    /// Those of them that are dangerous.
    pub unsafe_files: Option<i32>,
}

/// Repositories in the order of their keys here.
pub(in crate::console) async fn load_repos(pool: &PgPool, pks: &[i64]) -> sqlx::Result<Vec<RepoRow>> {
    sqlx::query_as!(
        RepoRow,
        r#"select r.public_id, r.repo_type as "kind: RepoType", n.name as owner, r.name, r.private, r.gated is not null as "gated!",
                  r.disabled, r.created_at, r.deleted_at,
                  (coalesce(s.bytes, 0)
                   + coalesce((select sum(c.bytes) from repo_size_changes c where c.repo_pk = r.repo_pk), 0))::bigint as "bytes!",
                  sc.issue_count as "issues?", sc.unsafe_count as "unsafe_files?"
           from unnest($1::bigint[]) with ordinality as t (repo_pk, place)
           join repos r using (repo_pk) join namespaces n using (namespace_pk)
           left join repo_sizes s using (repo_pk) left join repo_scans sc using (repo_pk)
           order by t.place"#,
        pks
    )
    .fetch_all(pool)
    .await
}
