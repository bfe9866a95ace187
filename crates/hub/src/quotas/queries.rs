//! Statements on what repositories and owners hold.

pub mod held;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::accounts::UserPk;

/// Measures repositories after a key that were never measured. Gives the last, while there may be more.
///
/// # Errors
/// The database does not answer.
pub async fn measure_new(conn: &mut PgConnection, after: i64, limit: i64) -> sqlx::Result<Option<i64>> {
    // One statement sees one state: what is added up here is just what the changes that go were about.
    let row = sqlx::query!(
        r#"with missing as (
               select repo_pk, repo_type from repos r
               where repo_pk > $1 and not exists (select from repo_sizes s where s.repo_pk = r.repo_pk)
               order by repo_pk limit $2
           ),
           gone as (delete from repo_size_changes c using missing m where c.repo_pk = m.repo_pk),
           measured as (
               insert into repo_sizes (repo_pk, repo_type, bytes)
               select repo_pk, repo_type,
                      coalesce((select sum(size_bytes) from repo_lfs_objects l join lfs_objects using (oid)
                                where l.repo_pk = m.repo_pk), 0)
                      + coalesce((select sum(size_bytes) from repo_packs p join packs using (pack_hash)
                                  where p.repo_pk = m.repo_pk), 0)
                      + coalesce((select sum(size_bytes) from attachments a where a.repo_pk = m.repo_pk), 0)
               from missing m returning repo_pk, bytes
           ),
           owners as (
               insert into owner_sizes as o (namespace_pk, is_organization, repos, bytes)
               select r.namespace_pk, n.kind = 'organization', 0, sum(m.bytes)::bigint
               from measured m join repos r using (repo_pk) join namespaces n using (namespace_pk)
               where r.deleted_at is null group by r.namespace_pk, n.kind
               on conflict (namespace_pk) do update set bytes = o.bytes + excluded.bytes
           )
           select count(*) as "count!", max(repo_pk) as last from measured"#,
        after,
        limit
    )
    .fetch_one(conn)
    .await?;
    Ok(row.last.filter(|_| row.count >= limit))
}

/// Adds changes to the sizes of their repositories and owners, in one statement, so that nothing counts twice or not at all meanwhile.
/// Gives how many there were.
///
/// # Errors
/// The database does not answer.
pub async fn fold(conn: &mut PgConnection, limit: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with taken as (
               delete from repo_size_changes where change_pk in (
                   select change_pk from repo_size_changes c
                   where c.repo_pk is null or exists (select from repo_sizes s where s.repo_pk = c.repo_pk)
                      or not exists (select from repos r where r.repo_pk = c.repo_pk)
                   order by change_pk limit $1
               ) returning repo_pk, owner_pk, bytes
           ),
           sums as (select repo_pk, sum(bytes)::bigint as bytes from taken group by repo_pk),
           added as (update repo_sizes s set bytes = s.bytes + sums.bytes from sums where s.repo_pk = sums.repo_pk),
           owners as (
               insert into owner_sizes as o (namespace_pk, is_organization, repos, bytes)
               select n.namespace_pk, n.kind = 'organization', 0, sum(t.bytes)::bigint
               from taken t join namespaces n on n.namespace_pk = t.owner_pk group by n.namespace_pk, n.kind
               on conflict (namespace_pk) do update set bytes = o.bytes + excluded.bytes
           )
           select count(*) as "count!" from taken"#,
        limit
    )
    .fetch_one(conn)
    .await
}

/// Adds up anew what each owner has: what repositories hold, less what changes that are not added up yet say of the owner. With those it
/// is what there is, also where something was counted wrong (an upload ended just while its repository moved).
///
/// # Errors
/// The database does not answer.
pub async fn sum_owners(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "with parts as (
             select r.namespace_pk, 1 as repos, s.bytes from repos r left join repo_sizes s using (repo_pk) where r.deleted_at is null
             union all
             select r.namespace_pk, 0, c.bytes from repo_size_changes c join repos r using (repo_pk) where r.deleted_at is null
             union all
             select owner_pk, 0, -bytes from repo_size_changes where owner_pk is not null
         ),
         sums as (
             select namespace_pk, n.kind = 'organization' as is_organization, sum(repos) as repos,
                    coalesce(sum(bytes), 0)::bigint as bytes
             from parts join namespaces n using (namespace_pk) group by namespace_pk, n.kind
         ),
         gone as (delete from owner_sizes o where not exists (select from sums where sums.namespace_pk = o.namespace_pk))
         insert into owner_sizes as o (namespace_pk, is_organization, repos, bytes)
         select namespace_pk, is_organization, repos, bytes from sums
         on conflict (namespace_pk) do update set repos = excluded.repos, bytes = excluded.bytes
         where (o.repos, o.bytes) is distinct from (excluded.repos, excluded.bytes)"
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Notes what the store keeps today.
///
/// # Errors
/// The database does not answer.
pub async fn note_day(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into storage_days as d (day, counted_at, owned_bytes, files, file_bytes, xorbs, xorb_bytes, packs, pack_bytes)
         select (now() at time zone 'utc')::date, now(), o.bytes, f.count, f.bytes, x.count, x.bytes, p.count, p.bytes
         from (select coalesce(sum(bytes), 0)::bigint as bytes from owner_sizes) o,
              (select count(*), coalesce(sum(size_bytes), 0)::bigint as bytes from lfs_objects where is_plain) f,
              (select count(*), coalesce(sum(stored_bytes), 0)::bigint as bytes from xet_xorbs) x,
              (select count(*), coalesce(sum(size_bytes), 0)::bigint as bytes from packs) p
         on conflict (day) do update set
             counted_at = excluded.counted_at, owned_bytes = excluded.owned_bytes, files = excluded.files,
             file_bytes = excluded.file_bytes, xorbs = excluded.xorbs, xorb_bytes = excluded.xorb_bytes,
             packs = excluded.packs, pack_bytes = excluded.pack_bytes"
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// What the store kept on a day.
#[derive(Debug, Clone)]
pub struct DayRow {
    /// The day.
    pub day: NaiveDate,
    /// When it was counted last.
    pub counted_at: DateTime<Utc>,
    /// What owners see of theirs: every file of every repository.
    pub owned_bytes: i64,
    /// Large files that lie whole in the store.
    pub files: i64,
    /// Their bytes.
    pub file_bytes: i64,
    /// Xorbs: packs of chunks.
    pub xorbs: i64,
    /// Their bytes.
    pub xorb_bytes: i64,
    /// Git packs.
    pub packs: i64,
    /// Their bytes.
    pub pack_bytes: i64,
}

impl DayRow {
    /// Everything that the store keeps.
    pub fn stored_bytes(&self) -> i64 {
        self.file_bytes.saturating_add(self.xorb_bytes).saturating_add(self.pack_bytes)
    }
}

/// The last days that were counted, the newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_days(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<DayRow>> {
    sqlx::query_as!(
        DayRow,
        "select day, counted_at, owned_bytes, files, file_bytes, xorbs, xorb_bytes, packs, pack_bytes
         from storage_days order by day desc limit $1",
        limit
    )
    .fetch_all(pool)
    .await
}

/// What an owner has.
#[derive(Debug, Clone)]
pub struct OwnerRow {
    /// The name.
    pub name: String,
    /// Whether it is an organisation.
    pub is_organization: bool,
    /// How many repositories.
    pub repos: i64,
    /// Their bytes.
    pub bytes: i64,
}

/// Those who have most.
///
/// # Errors
/// The database does not answer.
pub async fn list_largest_owners(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<OwnerRow>> {
    sqlx::query_as!(
        OwnerRow,
        "select n.name, o.is_organization, o.repos, o.bytes from owner_sizes o join namespaces n using (namespace_pk)
         order by o.bytes desc, o.namespace_pk desc limit $1",
        limit
    )
    .fetch_all(pool)
    .await
}

/// An owner, and the limit that was set for them.
#[derive(Debug, Clone)]
pub struct LimitRow {
    /// The owner.
    pub namespace_pk: i64,
    /// Their name.
    pub name: String,
    /// Whether one was set.
    pub is_set: bool,
    /// The limit; nothing: as much as they like.
    pub limit_bytes: Option<i64>,
}

impl LimitRow {
    /// What was set for this owner, if something was.
    pub fn own(&self) -> Option<Option<i64>> {
        self.is_set.then_some(self.limit_bytes)
    }
}

/// What was set for a repository's owner.
///
/// # Errors
/// The database does not answer.
pub async fn find_limit_of_repo(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<Option<LimitRow>> {
    sqlx::query_as!(
        LimitRow,
        r#"select n.namespace_pk as "namespace_pk!", n.name as "name!", q.namespace_pk is not null as "is_set!",
                  q.limit_bytes as "limit_bytes?"
           from repos r join namespaces n using (namespace_pk) left join storage_quotas q using (namespace_pk)
           where repo_pk = $1"#,
        repo_pk
    )
    .fetch_optional(conn)
    .await
}

/// What was set for owners.
///
/// # Errors
/// The database does not answer.
pub async fn list_limits(conn: impl PgExecutor<'_>, namespaces: &[i64]) -> sqlx::Result<Vec<LimitRow>> {
    sqlx::query_as!(
        LimitRow,
        r#"select n.namespace_pk as "namespace_pk!", n.name as "name!", q.namespace_pk is not null as "is_set!",
                  q.limit_bytes as "limit_bytes?"
           from namespaces n left join storage_quotas q using (namespace_pk) where n.namespace_pk = any($1)"#,
        namespaces
    )
    .fetch_all(conn)
    .await
}

/// What all repositories of an owner hold: what was added up, and what changed since.
///
/// # Errors
/// The database does not answer.
pub async fn sum_owner(conn: impl PgExecutor<'_>, namespace_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select greatest(coalesce((select bytes from owner_sizes where namespace_pk = $1), 0)
                           + coalesce((select sum(bytes) from repo_size_changes where owner_pk = $1), 0), 0)::bigint as "bytes!""#,
        namespace_pk
    )
    .fetch_one(conn)
    .await
}

/// How many owners hold something else than is counted of them. Those are left out of whose repositories some were never measured.
///
/// # Errors
/// The database does not answer.
pub async fn count_miscounted(conn: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with parts as (
               select repo_pk, size_bytes from repo_lfs_objects join lfs_objects using (oid)
               union all
               select repo_pk, size_bytes from repo_packs join packs using (pack_hash)
               union all
               select repo_pk, size_bytes from attachments
           ),
           differences as (
               select r.namespace_pk, p.size_bytes as bytes from parts p join repos r using (repo_pk) where r.deleted_at is null
               union all
               select namespace_pk, -bytes from owner_sizes
               union all
               select owner_pk, -bytes from repo_size_changes where owner_pk is not null
           )
           select count(*) as "count!" from (
               select namespace_pk from differences d
               where not exists (select from repos r where r.namespace_pk = d.namespace_pk and r.deleted_at is null
                                 and not exists (select from repo_sizes s where s.repo_pk = r.repo_pk))
               group by namespace_pk having sum(bytes) <> 0
           ) wrong"#
    )
    .fetch_one(conn)
    .await
}

/// Makes others wait that add something for the same owner, until the transaction is over.
///
/// # Errors
/// The database does not answer.
pub async fn lock_owner(conn: &mut PgConnection, namespace_pk: i64) -> sqlx::Result<()> {
    // No row: those of owners are locked by whoever renames them, and the last thing that a transaction waits for is in nobody's way.
    sqlx::query!("select pg_advisory_xact_lock(20, hashint8($1))", namespace_pk).execute(conn).await.map(|_| ())
}

/// The same of one repository.
///
/// # Errors
/// The database does not answer.
pub async fn sum_repo(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select (coalesce((select bytes from repo_sizes where repo_pk = $1), 0)
                   + coalesce((select sum(bytes) from repo_size_changes where repo_pk = $1), 0))::bigint as "bytes!""#,
        repo_pk
    )
    .fetch_one(conn)
    .await
}

/// Of these sizes, those that some large file of a repository has.
///
/// # Errors
/// The database does not answer.
pub async fn list_held_sizes(conn: impl PgExecutor<'_>, repo_pk: i64, sizes: &[i64]) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select distinct size_bytes from repo_lfs_objects join lfs_objects using (oid) where repo_pk = $1 and size_bytes = any($2)",
        repo_pk,
        sizes
    )
    .fetch_all(conn)
    .await
}

/// A limit that was set, why, and by whom.
#[derive(Debug, Clone)]
pub struct QuotaRow {
    /// The limit; nothing: as much as they like.
    pub limit_bytes: Option<i64>,
    /// Why.
    pub reason: String,
    /// By whom, unless the account is gone.
    pub set_by: Option<String>,
    /// When.
    pub set_at: DateTime<Utc>,
}

/// The limit that was set for an owner.
///
/// # Errors
/// The database does not answer.
pub async fn find_quota(pool: &PgPool, namespace_pk: i64) -> sqlx::Result<Option<QuotaRow>> {
    sqlx::query_as!(
        QuotaRow,
        r#"select limit_bytes, reason, n.name as "set_by?", set_at
           from storage_quotas q left join namespaces n on n.namespace_pk = q.set_by where q.namespace_pk = $1"#,
        namespace_pk
    )
    .fetch_optional(pool)
    .await
}

/// Sets a limit for an owner.
///
/// # Errors
/// The database does not answer.
pub async fn set_quota(
    conn: &mut PgConnection,
    namespace_pk: i64,
    limit: Option<i64>,
    reason: &str,
    by: UserPk,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into storage_quotas (namespace_pk, limit_bytes, reason, set_by) values ($1, $2, $3, $4)
         on conflict (namespace_pk) do update set
             limit_bytes = excluded.limit_bytes, reason = excluded.reason, set_by = excluded.set_by, set_at = now()",
        namespace_pk,
        limit,
        reason,
        by
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Has an owner's limit be that of all again, and tells whether it was another.
///
/// # Errors
/// The database does not answer.
pub async fn delete_quota(conn: &mut PgConnection, namespace_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from storage_quotas where namespace_pk = $1", namespace_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}
