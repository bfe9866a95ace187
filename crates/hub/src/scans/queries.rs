//! Every statement on what was found in files.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use hub_scan::{Kind, Level, VERSION};
use hub_types::Oid;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::{Av, FileKey, FileScan, Mark};

/// How many files are asked for at once.
const MAX_KEYS: usize = 5_000;
/// The version of a file that could not be looked at: older than all rules.
const FAILED: i32 = 0;

/// What was found in a file, as it is stored.
#[derive(Debug)]
pub struct ScanRow {
    /// The content.
    pub content: Vec<u8>,
    /// What it was looked at for.
    pub kind: String,
    /// The worst of what was found.
    pub level: String,
    /// What was found.
    pub report: Value,
    /// What ClamAV said.
    pub av_status: Option<String>,
    /// What it found, or why it did not look.
    pub av_detail: Option<String>,
}

fn columns(keys: &[FileKey]) -> (Vec<Vec<u8>>, Vec<String>) {
    keys.iter().map(|key| (key.content.clone(), key.kind.as_str().to_owned())).unzip()
}

fn key_of(content: Vec<u8>, kind: &str) -> FileKey {
    FileKey { content, kind: Kind::parse(kind).unwrap_or(Kind::Other) }
}

/// What was found in some files, as far as they were looked at.
///
/// # Errors
/// The database does not answer.
pub async fn list_scans(pool: &PgPool, keys: &[FileKey]) -> sqlx::Result<HashMap<FileKey, FileScan>> {
    let mut found = HashMap::new();
    for keys in keys.chunks(MAX_KEYS) {
        let (contents, kinds) = columns(keys);
        let rows = sqlx::query_as!(
            ScanRow,
            r#"select f.content, f.kind, level, report, av_status, av_detail
               from unnest($1::bytea[], $2::text[]) as wanted (content, kind)
               join file_scans f on f.content = wanted.content and f.kind = wanted.kind"#,
            &contents,
            &kinds
        );
        for row in rows.fetch_all(pool).await? {
            found.insert(key_of(row.content.clone(), &row.kind), FileScan::of(row));
        }
    }
    Ok(found)
}

/// What lists say of some files, as far as they were looked at. Their reports are not read.
///
/// # Errors
/// The database does not answer.
pub async fn list_marks(pool: &PgPool, keys: &[FileKey]) -> sqlx::Result<HashMap<FileKey, Mark>> {
    let mut found = HashMap::new();
    for keys in keys.chunks(MAX_KEYS) {
        let (contents, kinds) = columns(keys);
        let rows = sqlx::query!(
            r#"select f.content, f.kind, level, has_pickle, has_secrets, (av_status is not distinct from 'unsafe') as "is_malware!"
               from unnest($1::bytea[], $2::text[]) as wanted (content, kind)
               join file_scans f on f.content = wanted.content and f.kind = wanted.kind"#,
            &contents,
            &kinds
        );
        found.extend(rows.fetch_all(pool).await?.into_iter().map(|row| {
            let level = Level::parse(&row.level).unwrap_or(Level::Error);
            let mark = Mark { level, is_malware: row.is_malware, has_pickle: row.has_pickle, has_secrets: row.has_secrets };
            (key_of(row.content, &row.kind), mark)
        }));
    }
    Ok(found)
}

/// How far a file was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// By the rules of now, and by ClamAV if that was asked for.
    Now,
    /// By older ones, or not by ClamAV.
    Before,
    /// Looking at it failed.
    Failed,
}

/// Of some files, how far they were looked at; by ClamAV if `with_av`.
///
/// # Errors
/// The database does not answer.
pub async fn list_looked(pool: &PgPool, keys: &[FileKey], with_av: bool) -> sqlx::Result<HashMap<FileKey, Looked>> {
    let mut looked = HashMap::new();
    for keys in keys.chunks(MAX_KEYS) {
        let (contents, kinds) = columns(keys);
        let rows = sqlx::query!(
            r#"select f.content, f.kind, version, (av_status is not null) as "was_asked!"
               from unnest($1::bytea[], $2::text[]) as wanted (content, kind)
               join file_scans f on f.content = wanted.content and f.kind = wanted.kind"#,
            &contents,
            &kinds
        );
        looked.extend(rows.fetch_all(pool).await?.into_iter().map(|row| {
            let how = match row.version {
                FAILED => Looked::Failed,
                version if version >= VERSION && (row.was_asked || !with_av) => Looked::Now,
                _ => Looked::Before,
            };
            (key_of(row.content, &row.kind), how)
        }));
    }
    Ok(looked)
}

/// Keeps what was found in a file. What ClamAV said before stays when it was not asked now.
///
/// # Errors
/// The database does not answer.
pub async fn store_scan(conn: &mut PgConnection, key: &FileKey, scan: &FileScan) -> sqlx::Result<()> {
    let report = serde_json::to_value(&scan.report).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "insert into file_scans (content, kind, version, level, report, av_status, av_detail) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (content, kind) do update set version = excluded.version, report = excluded.report, scanned_at = now(),
             level = case when excluded.av_status is null and file_scans.av_status = 'unsafe' then 'unsafe' else excluded.level end,
             av_status = coalesce(excluded.av_status, file_scans.av_status),
             av_detail = case when excluded.av_status is null then file_scans.av_detail else excluded.av_detail end",
        key.content,
        key.kind.as_str(),
        VERSION,
        scan.level.as_str(),
        report,
        scan.av.as_ref().map(|av| av.status.as_str()),
        scan.av.as_ref().and_then(|av: &Av| av.detail.as_deref())
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Notes that looking at a file failed. What was found before stays.
///
/// # Errors
/// The database does not answer.
pub async fn store_failure(conn: &mut PgConnection, key: &FileKey) -> sqlx::Result<()> {
    let note = r#"{"level": "error", "note": "It could not be looked at. It is tried again later."}"#;
    sqlx::query!(
        "insert into file_scans (content, kind, version, level, report) values ($1, $2, $3, 'error', $4::text::jsonb)
         on conflict (content, kind) do update set version = excluded.version",
        key.content,
        key.kind.as_str(),
        FAILED,
        note
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Notes that a repository has these contents, as far as nothing else says so: what is in git, not large files.
///
/// # Errors
/// The database does not answer.
pub async fn note_blobs(conn: &mut PgConnection, repo_pk: i64, keys: &[FileKey]) -> sqlx::Result<()> {
    let mut blobs: Vec<Vec<u8>> = keys.iter().filter(|key| key.is_blob()).map(|key| key.content.clone()).collect();
    // In one order, so that two who do this do not wait for each other.
    blobs.sort_unstable();
    blobs.dedup();
    for blobs in blobs.chunks(MAX_KEYS) {
        sqlx::query!(
            "insert into repo_scanned_blobs (repo_pk, blob)
             select repo_pk, blob from repos, unnest($2::bytea[]) as wanted (blob) where repo_pk = $1
             on conflict do nothing",
            repo_pk,
            blobs
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Forgets what was found in files that no repository has any more, as far as it is from before a time. Gives how many.
///
/// # Errors
/// The database does not answer.
pub async fn forget_unused(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<u64> {
    sqlx::query!(
        "delete from file_scans f
         where scanned_at < $1
           and case length(content) when 32 then not exists (select from lfs_objects o where o.oid = f.content)
                                    else not exists (select from repo_scanned_blobs b where b.blob = f.content) end",
        before
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
}

/// How many that would be.
///
/// # Errors
/// The database does not answer.
pub async fn count_unused(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from file_scans f
         where scanned_at < $1
           and case length(content) when 32 then not exists (select from lfs_objects o where o.oid = f.content)
                                    else not exists (select from repo_scanned_blobs b where b.blob = f.content) end"#,
        before
    )
    .fetch_one(pool)
    .await
}

/// How far the files of a repository were looked at.
#[derive(Debug, Clone, Default)]
pub struct RepoScanRow {
    /// By which version of the rules.
    pub version: i32,
    /// Whether ClamAV was asked.
    pub with_av: bool,
    /// The commit of the default branch that the issues are of.
    pub commit_oid: Option<Oid>,
    /// The last event whose files were looked at.
    pub event_pk: i64,
    /// Whether there were more files than are looked at.
    pub is_cut: bool,
    /// The worst files.
    pub issues: Value,
    /// How many files there are with issues.
    pub issue_count: i32,
    /// How many of them are unsafe.
    pub unsafe_count: i32,
}

/// Finds it.
///
/// # Errors
/// The database does not answer.
pub async fn find_repo_scan(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<Option<RepoScanRow>> {
    sqlx::query_as!(
        RepoScanRow,
        r#"select version, with_av, commit_oid as "commit_oid: Oid", event_pk, is_cut, issues, issue_count,
                  unsafe_count
           from repo_scans where repo_pk = $1"#,
        repo_pk
    )
    .fetch_optional(conn)
    .await
}

/// How many files of a repository's default branch are unsafe, and the path of one; `None` when there are none.
///
/// # Errors
/// The database does not answer.
pub async fn find_warning(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<Option<Warning>> {
    sqlx::query_as!(
        Warning,
        r#"select unsafe_count as count, coalesce(issues #>> '{0,path}', '') as "path!" from repo_scans
           where repo_pk = $1 and unsafe_count > 0"#,
        repo_pk
    )
    .fetch_optional(conn)
    .await
}

/// What the pages of a repository warn of.
#[derive(Debug, Clone)]
pub struct Warning {
    /// How many files are unsafe.
    pub count: i32,
    /// The path of one.
    pub path: String,
}

/// Keeps it, if what is kept is still the state up to the event `since` (or nothing, for `None`): whether it was. Otherwise another
/// job was quicker, and has told what there was to tell. A repository that was deleted meanwhile has none.
///
/// # Errors
/// The database does not answer.
pub async fn store_repo_scan(
    conn: &mut PgConnection,
    repo_pk: i64,
    since: Option<i64>,
    scan: &RepoScanRow,
) -> sqlx::Result<bool> {
    sqlx::query!(
        "insert into repo_scans (repo_pk, version, with_av, commit_oid, event_pk, is_cut, issues, issue_count, unsafe_count)
         select repo_pk, $2, $3, $4, $5, $6, $7, $8, $9 from repos where repo_pk = $1
         on conflict (repo_pk) do update set version = excluded.version, with_av = excluded.with_av,
             commit_oid = excluded.commit_oid, event_pk = excluded.event_pk, is_cut = excluded.is_cut, issues = excluded.issues,
             issue_count = excluded.issue_count, unsafe_count = excluded.unsafe_count, scanned_at = now()
         where repo_scans.event_pk = $10",
        repo_pk,
        scan.version,
        scan.with_av,
        scan.commit_oid as Option<Oid>,
        scan.event_pk,
        scan.is_cut,
        scan.issues,
        scan.issue_count,
        scan.unsafe_count,
        since
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() > 0)
}

/// The next repositories after a key whose files were never looked at, by older rules, or without ClamAV; and buckets of which
/// something is left.
///
/// # Errors
/// The database does not answer.
pub async fn list_outdated(pool: &PgPool, after: i64, with_av: bool, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select repo_pk from repos r
         where repo_pk > $1 and deleted_at is null and (head_oid is not null or repo_type = 'bucket')
           and (not exists (select from repo_scans s where s.repo_pk = r.repo_pk and version >= $2 and (with_av or not $3))
                or exists (select from bucket_scans_due d where d.repo_pk = r.repo_pk))
         order by repo_pk limit $4",
        after,
        VERSION,
        with_av,
        limit
    )
    .fetch_all(pool)
    .await
}
