//! Statements that write many invented repositories at once.

use hub_types::RepoType;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

/// Repositories as columns: a place in each is one repository.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) owners: Vec<String>,
    pub(crate) owner_names: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) private: Vec<bool>,
    pub(crate) gated: Vec<Option<String>>,
    /// Seconds since 1970.
    pub(crate) created: Vec<i64>,
    /// Seconds since 1970.
    pub(crate) updated: Vec<i64>,
    pub(crate) downloads: Vec<i64>,
    pub(crate) likes: Vec<i64>,
    pub(crate) cards: Vec<Value>,
    /// One to a line.
    pub(crate) tags: Vec<String>,
    pub(crate) tasks: Vec<Option<String>>,
    pub(crate) libraries: Vec<Option<String>>,
    pub(crate) sizes: Vec<i64>,
    pub(crate) parameters: Vec<Option<i64>>,
    pub(crate) facts: Vec<Value>,
    pub(crate) texts: Vec<String>,
}

/// Makes an organisation without members for each owner whose name is free.
pub(crate) async fn insert_owners(conn: &mut PgConnection, columns: &Columns) -> sqlx::Result<()> {
    sqlx::query!(
        "with wanted as (
             select distinct on (lower(name)) name, fullname from unnest($1::text[], $2::text[]) as w (name, fullname)
         ), made as (
             insert into namespaces (name, kind) select name, 'organization' from wanted on conflict do nothing
             returning namespace_pk, name
         )
         insert into organizations (organization_pk, fullname)
         select namespace_pk, fullname from made join wanted using (name)",
        &columns.owners,
        &columns.owner_names
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Makes the repositories that are not there, each with the branch and the packs of the pattern. Returns how many.
pub(crate) async fn insert_repos(
    conn: &mut PgConnection,
    pattern_pk: i64,
    repo_type: RepoType,
    columns: &Columns,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"with wanted as (
             select * from unnest($3::text[], $4::text[], $5::bool[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[],
                                  $10::bigint[], $11::jsonb[], $12::text[], $13::text[], $14::text[], $15::bigint[],
                                  $16::bigint[], $17::jsonb[], $18::text[])
                 as w (owner, name, private, gated, created, updated, downloads, likes, card, tags, task, library, size,
                       parameters, facts, text)
         ), made as (
             insert into repos (repo_type, namespace_pk, name, private, gated, created_at, last_modified_at, downloads,
                                downloads_all_time, likes, card, tags, pipeline_tag, library_name, size_bytes, parameters, facts,
                                head_oid, default_branch, file_count, siblings, pack_generation, derived_version)
             select $2, n.namespace_pk, w.name, w.private, w.gated, to_timestamp(w.created), to_timestamp(w.updated), w.downloads,
                    w.downloads, w.likes, w.card, string_to_array(w.tags, E'\n'), w.task, w.library, w.size, w.parameters, w.facts,
                    p.head_oid, p.default_branch, p.file_count, p.siblings, 1, p.derived_version
             from wanted w join namespaces n on lower(n.name) = lower(w.owner), repos p where p.repo_pk = $1
             on conflict do nothing
             returning repo_pk, namespace_pk, name
         ), branches as (
             insert into refs (repo_pk, name, oid) select m.repo_pk, r.name, r.oid from made m, refs r where r.repo_pk = $1
         ), hours as (
             -- Without them the next count would find no downloads.
             insert into download_hours (repo_pk, hour, downloads, requests)
             select m.repo_pk, date_trunc('hour', now()), w.downloads, w.downloads from made m join namespaces n using (namespace_pk)
             join wanted w on lower(w.owner) = lower(n.name) and w.name = m.name where w.downloads > 0
         ), texts as (
             insert into repo_texts (repo_pk, card)
             select m.repo_pk, w.text from made m join namespaces n using (namespace_pk)
             join wanted w on lower(w.owner) = lower(n.name) and w.name = m.name
         ), scans as (
             -- Their files are those of the pattern, which are looked at there.
             insert into repo_scans (repo_pk, version, with_av, commit_oid, event_pk, issues, issue_count, unsafe_count)
             select m.repo_pk, $19, true, p.head_oid, 0, '[]', 0, 0 from made m, repos p where p.repo_pk = $1
         )
         insert into repo_packs (repo_pk, pack_hash) select m.repo_pk, p.pack_hash from made m, repo_packs p where p.repo_pk = $1"#,
        pattern_pk,
        repo_type as RepoType,
        &columns.owners,
        &columns.names,
        &columns.private,
        &columns.gated as &[Option<String>],
        &columns.created,
        &columns.updated,
        &columns.downloads,
        &columns.likes,
        &columns.cards,
        &columns.tags,
        &columns.tasks as &[Option<String>],
        &columns.libraries as &[Option<String>],
        &columns.sizes,
        &columns.parameters as &[Option<i64>],
        &columns.facts,
        &columns.texts,
        hub_scan::VERSION
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Tells the planner what is there now.
pub(crate) async fn analyze(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::raw_sql("analyze namespaces, organizations, repos, refs, repo_packs, repo_texts").execute(pool).await.map(|_| ())
}
