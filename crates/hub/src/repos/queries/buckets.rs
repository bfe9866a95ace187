//! Statements on the files of buckets. Paths go by their bytes (the column's collation), so that a prefix is a range of the
//! key and a page goes on from any text, however many files there are.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use hub_types::{BucketPath, Sha256, XetHash};
use sqlx::{PgConnection, PgExecutor};

use crate::scans::FileKey;

/// A file of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketFile {
    /// Its path.
    pub path: String,
    /// Its SHA-256; `None` for an empty file.
    pub oid: Option<Sha256>,
    /// The hash by which clients find its chunks.
    pub file_hash: Option<XetHash>,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// When it last changed where it came from.
    pub mtime: DateTime<Utc>,
    /// The type its sender gave it.
    pub content_type: Option<String>,
    /// When it was put here.
    pub uploaded_at: DateTime<Utc>,
}

impl BucketFile {
    /// What its content is known by to those who look for what is dangerous; nothing for an empty file.
    pub fn key(&self) -> Option<FileKey> {
        self.oid.map(|oid| FileKey::large(&self.path, oid))
    }
}

/// Lists files that start with a prefix, from a text on.
///
/// # Errors
/// The database does not answer.
pub async fn list_files(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    prefix: &str,
    from: &str,
    limit: i64,
) -> sqlx::Result<Vec<BucketFile>> {
    sqlx::query_as!(
        BucketFile,
        r#"select path, oid as "oid: Sha256", file_hash as "file_hash?: XetHash", f.size_bytes, mtime, content_type, uploaded_at
           from bucket_files f left join lfs_objects using (oid)
           where repo_pk = $1 and path >= $2 and path < $3 order by path limit $4"#,
        repo_pk,
        from.max(prefix),
        BucketPath::end_of_prefix(prefix),
        limit
    )
    .fetch_all(conn)
    .await
}

/// A place in a folder: a file, or a folder in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceRow {
    /// The path of a file: of the entry itself, or of the first one in the folder.
    pub path: String,
    /// The folder, if it is one.
    pub folder: Option<String>,
}

/// Lists what starts with a prefix, from a text on, with all that is behind a `/` after the first `cut` characters as one
/// folder. Walks from entry to entry, so that a folder costs one step, whatever is in it.
///
/// # Errors
/// The database does not answer.
pub async fn list_places(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    prefix: &str,
    cut: i32,
    from: &str,
    limit: i64,
) -> sqlx::Result<Vec<PlaceRow>> {
    // No path has a control character, so nothing is between a path and the same with one behind it; `0` is what follows `/`.
    sqlx::query_as!(
        PlaceRow,
        r#"with recursive walk (step, path, folder) as (
               (select 1::bigint, path,
                       case when strpos(substr(path, $4), '/') > 0 then left(path, $4 + strpos(substr(path, $4), '/') - 2) end
                from bucket_files where repo_pk = $1 and path >= $2 and path < $3 order by path limit 1)
               union all
               select walk.step + 1, next.path,
                      case when strpos(substr(next.path, $4), '/') > 0
                           then left(next.path, $4 + strpos(substr(next.path, $4), '/') - 2) end
               from walk cross join lateral (
                   select path from bucket_files
                   where repo_pk = $1 and path < $3
                     and path >= case when walk.folder is null then walk.path || chr(1) else walk.folder || '0' end
                   order by path limit 1
               ) next
               where walk.step < $5
           )
           select path as "path!", folder from walk order by step"#,
        repo_pk,
        from.max(prefix),
        BucketPath::end_of_prefix(prefix),
        cut,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Finds files by their paths, in order of the paths.
///
/// # Errors
/// The database does not answer.
pub async fn list_files_at(conn: impl PgExecutor<'_>, repo_pk: i64, paths: &[String]) -> sqlx::Result<Vec<BucketFile>> {
    sqlx::query_as!(
        BucketFile,
        r#"select path, oid as "oid: Sha256", file_hash as "file_hash?: XetHash", f.size_bytes, mtime, content_type, uploaded_at
           from bucket_files f left join lfs_objects using (oid)
           where repo_pk = $1 and path = any($2) order by path"#,
        repo_pk,
        paths
    )
    .fetch_all(conn)
    .await
}

/// Lists files in these folders and below, at most `limit` of each.
///
/// # Errors
/// The database does not answer.
pub async fn list_files_below(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    folders: &[String],
    limit: i64,
) -> sqlx::Result<Vec<BucketFile>> {
    let starts: Vec<String> = folders.iter().map(|folder| format!("{folder}/")).collect();
    let ends: Vec<String> = starts.iter().map(|start| BucketPath::end_of_prefix(start)).collect();
    sqlx::query_as!(
        BucketFile,
        r#"select f.path as "path!", f.oid as "oid: Sha256", o.file_hash as "file_hash?: XetHash", f.size_bytes as "size_bytes!",
                  f.mtime as "mtime!", f.content_type, f.uploaded_at as "uploaded_at!"
           from unnest($2::text[], $3::text[]) wanted (start, stop)
           cross join lateral (
               select * from bucket_files b
               where b.repo_pk = $1 and b.path >= wanted.start and b.path < wanted.stop order by b.path limit $4
           ) f
           left join lfs_objects o on o.oid = f.oid"#,
        repo_pk,
        &starts,
        &ends,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Whether a file of a bucket has this SHA-256 now.
///
/// # Errors
/// The database does not answer.
pub async fn has_oid(conn: impl PgExecutor<'_>, repo_pk: i64, oid: &Sha256) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from bucket_files where repo_pk = $1 and oid = $2) as "there!""#,
        repo_pk,
        oid as &Sha256
    )
    .fetch_one(conn)
    .await
}

/// Of these large files, those that files of a bucket are now.
///
/// # Errors
/// The database does not answer.
pub async fn list_present(conn: impl PgExecutor<'_>, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<HashSet<Sha256>> {
    let rows = sqlx::query_scalar!(
        r#"select distinct oid as "oid!: Sha256" from bucket_files where repo_pk = $1 and oid = any($2)"#,
        repo_pk,
        oids as &[Sha256]
    );
    Ok(rows.fetch_all(conn).await?.into_iter().collect())
}

/// Lists the large files that a bucket's files are, each once, in order, after one: what must be kept for it. Everything
/// else in `repo_lfs_objects` of a bucket was deleted, or sent and never put anywhere.
///
/// # Errors
/// The database does not answer.
pub async fn list_oids(conn: impl PgExecutor<'_>, repo_pk: i64, after: Option<Sha256>, limit: i64) -> sqlx::Result<Vec<Sha256>> {
    sqlx::query_scalar!(
        r#"select distinct oid as "oid!: Sha256" from bucket_files
           where repo_pk = $1 and oid is not null and ($2::bytea is null or oid > $2) order by 1 limit $3"#,
        repo_pk,
        after as Option<Sha256>,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How much a bucket holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many files.
    pub files: i64,
    /// Their sizes, summed up.
    pub bytes: i64,
}

/// Takes hold of a bucket until the transaction ends, so that its writers go one after the other; gives what it holds.
///
/// # Errors
/// The database does not answer.
pub async fn lock(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Option<Totals>> {
    sqlx::query_as!(
        Totals,
        "select file_count as files, size_bytes as bytes from repos
         where repo_pk = $1 and deleted_at is null for no key update",
        repo_pk
    )
    .fetch_optional(conn)
    .await
}

/// Whether moderators disabled a repository. To be asked with its row locked.
///
/// # Errors
/// The database does not answer.
pub async fn is_disabled(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!("select disabled from repos where repo_pk = $1", repo_pk).fetch_one(conn).await
}

/// Adds up the files at some paths.
///
/// # Errors
/// The database does not answer.
pub async fn sum_at(conn: &mut PgConnection, repo_pk: i64, paths: &[String]) -> sqlx::Result<Totals> {
    sqlx::query_as!(
        Totals,
        r#"select count(*) as "files!", coalesce(sum(size_bytes), 0)::bigint as "bytes!" from bucket_files
           where repo_pk = $1 and path = any($2)"#,
        repo_pk,
        paths
    )
    .fetch_one(conn)
    .await
}

/// Adds up all files: what the totals must be.
///
/// # Errors
/// The database does not answer.
pub async fn sum_all(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<Totals> {
    sqlx::query_as!(
        Totals,
        r#"select count(*) as "files!", coalesce(sum(size_bytes), 0)::bigint as "bytes!" from bucket_files where repo_pk = $1"#,
        repo_pk
    )
    .fetch_one(conn)
    .await
}

/// Takes hold of an owner until the transaction ends, so that those who count its buckets go one after the other.
///
/// # Errors
/// The database does not answer.
pub async fn lock_owner(conn: &mut PgConnection, namespace_pk: i64) -> sqlx::Result<()> {
    // No row: whoever closes or renames an owner holds theirs before its repositories.
    sqlx::query!("select pg_advisory_xact_lock(21, hashint8($1))", namespace_pk).execute(conn).await.map(|_| ())
}

/// Adds up what the buckets of each of these owners hold. Owners without buckets are missing.
///
/// # Errors
/// The database does not answer.
pub async fn sum_of_owners(conn: impl PgExecutor<'_>, namespaces: &[i64]) -> sqlx::Result<HashMap<i64, i64>> {
    let rows = sqlx::query!(
        r#"select namespace_pk, sum(size_bytes)::bigint as "bytes!" from repos
           where namespace_pk = any($1) and repo_type = 'bucket' and deleted_at is null group by namespace_pk"#,
        namespaces
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.namespace_pk, row.bytes)).collect())
}

/// Removes the files at some paths.
///
/// # Errors
/// The database does not answer.
pub async fn delete_files(conn: &mut PgConnection, repo_pk: i64, paths: &[String]) -> sqlx::Result<()> {
    sqlx::query!("delete from bucket_files where repo_pk = $1 and path = any($2)", repo_pk, paths).execute(conn).await.map(|_| ())
}

/// Files about to be put into a bucket, as columns.
#[derive(Debug, Default)]
pub struct NewFiles {
    /// Their paths, each once.
    pub paths: Vec<String>,
    /// Their SHA-256; `None` for empty files.
    pub oids: Vec<Option<Sha256>>,
    /// Their sizes in bytes.
    pub sizes: Vec<i64>,
    /// When they last changed where they came from.
    pub mtimes: Vec<DateTime<Utc>>,
    /// The types their sender gave them.
    pub content_types: Vec<Option<String>>,
}

/// Puts files into a bucket, over those that are there.
///
/// # Errors
/// The database does not answer, or the bucket does not have one of the large files.
pub async fn upsert_files(conn: &mut PgConnection, repo_pk: i64, files: &NewFiles) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into bucket_files (repo_pk, path, oid, size_bytes, mtime, content_type)
         select $1, t.* from unnest($2::text[], $3::bytea[], $4::bigint[], $5::timestamptz[], $6::text[]) t
         on conflict (repo_pk, path) do update set
             oid = excluded.oid, size_bytes = excluded.size_bytes, mtime = excluded.mtime,
             content_type = excluded.content_type, uploaded_at = excluded.uploaded_at",
        repo_pk,
        &files.paths,
        &files.oids as &[Option<Sha256>],
        &files.sizes,
        &files.mtimes,
        &files.content_types as &[Option<String>]
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Writes down what a bucket holds now.
///
/// # Errors
/// The database does not answer.
pub async fn update_totals(conn: &mut PgConnection, repo_pk: i64, totals: Totals) -> sqlx::Result<()> {
    sqlx::query!(
        "update repos set file_count = $2, size_bytes = $3, last_modified_at = now() where repo_pk = $1",
        repo_pk,
        totals.files,
        totals.bytes
    )
    .execute(conn)
    .await
    .map(|_| ())
}
