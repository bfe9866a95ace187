//! Statements on what repositories have in common: files, chunks, weights.
//!
//! What a viewer may not see is left out by the database already, so that it takes no place of what they may (but for the
//! files that one xorb is looked up in); each repository is checked once more before it is shown.

use chrono::{DateTime, Utc};
use hub_types::{Sha256, XetHash};
use serde_json::Value;
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::accounts::User;
use crate::repos::visibility::Visibility;

/// A model's samples as stored.
#[derive(Debug, Clone)]
pub struct SketchRow {
    /// The weight files they were taken from.
    pub weights_key: String,
    /// See [`hub_weights::Sketch`].
    pub sketch: Vec<u8>,
    /// Since when the repository has the oldest of these files.
    pub weights_since: DateTime<Utc>,
}

/// Finds the samples of a model.
///
/// # Errors
/// The database does not answer.
pub async fn find_sketch(pool: &PgPool, repo_pk: i64) -> sqlx::Result<Option<SketchRow>> {
    sqlx::query_as!(SketchRow, "select weights_key, sketch, weights_since from repo_sketches where repo_pk = $1", repo_pk)
        .fetch_optional(pool)
        .await
}

/// New samples of a model.
#[derive(Debug)]
pub struct NewSketch<'a> {
    /// The model.
    pub repo_pk: i64,
    /// The weight files they were taken from.
    pub weights_key: &'a str,
    /// What stands for names and shapes.
    pub tensor_keys: &'a [i64],
    /// 256 times `0` or `1`.
    pub digest: &'a str,
    /// See [`hub_weights::Sketch`].
    pub sketch: &'a [u8],
    /// Since when the repository has the oldest of these files.
    pub weights_since: DateTime<Utc>,
}

/// Stores the samples of a model in place of former ones, unless its weights have changed in the meantime.
///
/// # Errors
/// The database does not answer.
pub async fn store_sketch(pool: &PgPool, new: &NewSketch<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into repo_sketches (repo_pk, weights_key, tensor_keys, digest, sketch, weights_since)
         select repo_pk, $2, $3, $4::text::bit(256), $5, $6 from repos where repo_pk = $1 and facts #>> '{weights,key}' = $2
         on conflict (repo_pk) do update set weights_key = excluded.weights_key, tensor_keys = excluded.tensor_keys,
             digest = excluded.digest, sketch = excluded.sketch, weights_since = excluded.weights_since, created_at = now()",
        new.repo_pk,
        new.weights_key,
        new.tensor_keys,
        new.digest,
        new.sketch,
        new.weights_since
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Forgets the samples of a model that has no weights any more.
///
/// # Errors
/// The database does not answer.
pub async fn delete_sketch(pool: &PgPool, repo_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from repo_sketches where repo_pk = $1", repo_pk).execute(pool).await.map(|_| ())
}

/// A model of the same architecture with nearby weights.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct NearModel {
    /// The model.
    pub repo_pk: i64,
    /// Its samples.
    pub sketch: Vec<u8>,
    /// Since when it has them.
    pub weights_since: DateTime<Utc>,
}

/// Lists models that have tensors of the same names and shapes and whose digests differ in at most `bits`, the
/// nearest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_near_models(
    pool: &PgPool,
    visible: &Visibility,
    of: &NewSketch<'_>,
    bits: i64,
    limit: i64,
) -> sqlx::Result<Vec<NearModel>> {
    let mut sql = QueryBuilder::<Postgres>::new("select s.repo_pk, s.sketch, s.weights_since from repo_sketches s ");
    sql.push(
        "join repos r using (repo_pk) join namespaces n using (namespace_pk) cross join lateral (select bit_count(s.digest # ",
    );
    sql.push_bind(of.digest.to_owned()).push("::text::bit(256)) as bits) d where s.tensor_keys && ");
    sql.push_bind(of.tensor_keys.to_vec()).push(" and s.repo_pk <> ").push_bind(of.repo_pk);
    sql.push(" and d.bits <= ").push_bind(bits);
    visible.push(&mut sql);
    sql.push(" order by d.bits, s.weights_since limit ").push_bind(limit);
    sql.build_query_as().fetch_all(pool).await
}

/// A repository that has a file.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Holder {
    /// The file.
    pub oid: Sha256,
    /// The file in chunks, where chunks were looked for.
    pub file_hash: Option<XetHash>,
    /// The repository.
    pub repo_pk: i64,
    /// Since when it has the file.
    pub since: DateTime<Utc>,
}

/// Lists other repositories that have some of these files, at most `limit` for each: those that have had it longest.
///
/// # Errors
/// The database does not answer.
pub async fn list_holders(
    pool: &PgPool,
    visible: &Visibility,
    repo_pk: i64,
    oids: &[Sha256],
    limit: i64,
) -> sqlx::Result<Vec<Holder>> {
    let mut sql =
        QueryBuilder::<Postgres>::new("select w.oid, null::bytea as file_hash, l.repo_pk, l.created_at as since from unnest(");
    sql.push_bind(oids.to_vec()).push("::bytea[]) as w(oid)");
    push_holders(&mut sql, visible, repo_pk, "w.oid", limit);
    sql.build_query_as().fetch_all(pool).await
}

/// Lists files of other repositories that have xorbs in common with these files, those with the most first.
///
/// # Errors
/// The database does not answer.
pub async fn list_neighbours(
    pool: &PgPool,
    visible: &Visibility,
    repo_pk: i64,
    oids: &[Sha256],
    limits: NeighbourLimits,
) -> sqlx::Result<Vec<Holder>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "with mine as (select distinct fx.xorb_hash from lfs_objects o join xet_file_xorbs fx using (file_hash) where o.oid = any(",
    );
    sql.push_bind(oids.to_vec()).push(") limit ").push_bind(limits.xorbs);
    sql.push("), near as (select f.oid, f.file_hash, count(*) as shared from mine cross join lateral (");
    sql.push("select fx.file_hash from xet_file_xorbs fx where fx.xorb_hash = mine.xorb_hash limit ");
    sql.push_bind(limits.files_of_xorb).push(") fx join xet_files f using (file_hash) where f.oid <> all(");
    sql.push_bind(oids.to_vec()).push(") group by f.oid, f.file_hash order by shared desc limit ").push_bind(limits.files * 8);
    sql.push(") select near.oid, near.file_hash, l.repo_pk, l.created_at as since from near");
    push_holders(&mut sql, visible, repo_pk, "near.oid", limits.holders);
    sql.push(" order by near.shared desc limit ").push_bind(limits.files);
    sql.build_query_as().fetch_all(pool).await
}

/// How much one question may look at.
#[derive(Debug, Clone, Copy)]
pub struct NeighbourLimits {
    /// Xorbs of the repository.
    pub xorbs: i64,
    /// Files that refer to one xorb.
    pub files_of_xorb: i64,
    /// Repositories that have one file.
    pub holders: i64,
    /// Files in the answer.
    pub files: i64,
}

fn push_holders(sql: &mut QueryBuilder<Postgres>, visible: &Visibility, repo_pk: i64, oid: &str, limit: i64) {
    sql.push(" cross join lateral (select h.repo_pk, h.created_at from repo_lfs_objects h join repos r using (repo_pk) ");
    sql.push(format!("join namespaces n using (namespace_pk) where h.oid = {oid} and h.repo_pk <> ")).push_bind(repo_pk);
    visible.push(sql);
    sql.push(" order by h.created_at limit ").push_bind(limit).push(") l");
}

/// What a card says of where a repository comes from.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// The models it names as its base.
    pub base_models: Vec<String>,
    /// Its licences.
    pub license: Vec<String>,
}

/// Reads what a card says.
///
/// # Errors
/// The database does not answer.
pub async fn find_declared(pool: &PgPool, repo_pk: i64) -> sqlx::Result<Declared> {
    let row = sqlx::query!(
        "select facts -> 'base_models' as base_models, facts -> 'license' as license from repos where repo_pk = $1",
        repo_pk
    );
    let row = row.fetch_optional(pool).await?;
    let texts = |value: Option<Value>| serde_json::from_value(value.unwrap_or_default()).unwrap_or_default();
    Ok(row.map(|row| Declared { base_models: texts(row.base_models), license: texts(row.license) }).unwrap_or_default())
}

/// A model and its likely parent, which its card does not name.
#[derive(Debug, Clone)]
pub struct FindingRow {
    /// The model.
    pub repo_pk: i64,
    /// Its id.
    pub id: String,
    /// Whether only members see it.
    pub private: bool,
    /// The id of the likely parent.
    pub parent_id: String,
    /// Whether only members see that one.
    pub parent_private: bool,
    /// `identical`, `converted` or `finetune`.
    pub relation: String,
    /// From 0 to 1.
    pub certainty: f64,
    /// When it was found.
    pub found_at: DateTime<Utc>,
    /// What the model's card says of licences, as JSON.
    pub license: Option<Value>,
    /// What the parent's says.
    pub parent_license: Option<Value>,
}

/// Writes down the likely parent of a model, if both are still there.
///
/// # Errors
/// The database does not answer.
pub async fn store_finding(pool: &PgPool, repo_pk: i64, parent_pk: i64, relation: &str, certainty: f64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into lineage_findings (repo_pk, parent_pk, relation, certainty)
         select r.repo_pk, p.repo_pk, $3, $4 from repos r, repos p where r.repo_pk = $1 and p.repo_pk = $2
         on conflict (repo_pk) do update set parent_pk = excluded.parent_pk, relation = excluded.relation,
             certainty = excluded.certainty,
             found_at = case when lineage_findings.parent_pk = excluded.parent_pk then lineage_findings.found_at else now() end",
        repo_pk,
        parent_pk,
        relation,
        certainty
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Forgets the likely parent of a model.
///
/// # Errors
/// The database does not answer.
pub async fn delete_finding(pool: &PgPool, repo_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from lineage_findings where repo_pk = $1", repo_pk).execute(pool).await.map(|_| ())
}

/// Lists models whose cards name their likely parent neither by its name nor by one that it had before, the most certain
/// first, after a place in that order: all for who runs the hub, and for others those of which they may download both.
///
/// # Errors
/// The database does not answer.
pub async fn list_undeclared(
    pool: &PgPool,
    reader: &User,
    (certainty, repo_pk): (f64, i64),
    limit: i64,
) -> sqlx::Result<Vec<FindingRow>> {
    let audiences = reader.audiences();
    sqlx::query_as!(
        FindingRow,
        r#"select f.repo_pk, rn.name || '/' || r.name as "id!", r.private, pn.name || '/' || p.name as "parent_id!",
                  p.private as parent_private, f.relation, f.certainty, f.found_at,
                  r.facts -> 'license' as license, p.facts -> 'license' as parent_license
           from lineage_findings f
           join repos r on r.repo_pk = f.repo_pk join namespaces rn on rn.namespace_pk = r.namespace_pk
           join repos p on p.repo_pk = f.parent_pk join namespaces pn on pn.namespace_pk = p.namespace_pk
           where (f.certainty, f.repo_pk) < ($1, $2) and r.deleted_at is null and p.deleted_at is null
             and ($4 or not exists (
                 select from unnest(array[r.repo_pk, p.repo_pk]) pair(pk) join repos o on o.repo_pk = pair.pk
                 where coalesce(o.resource_group_pk, o.namespace_pk) <> all($5)
                   and (o.private or (o.gated is not null and not exists (
                       select from access_requests a where a.repo_pk = o.repo_pk and a.user_pk = $6 and a.status = 'accepted'
                   )))
             ))
             and not exists (
                 select from jsonb_array_elements_text(
                     case when jsonb_typeof(r.facts -> 'base_models') = 'array' then r.facts -> 'base_models' else '[]'::jsonb end
                 ) base
                 where lower(base) = lower(pn.name || '/' || p.name)
                    or lower(base) in (
                        select lower(coalesce(old_id, namespace_key || '/' || name_key)) from repo_redirects o
                        where o.repo_pk = f.parent_pk
                    )
                    or lower(base) in (select t.name_key || '/' || lower(p.name) from retired_names t where t.namespace_pk = p.namespace_pk)
             )
           order by f.certainty desc, f.repo_pk desc limit $3"#,
        certainty,
        repo_pk,
        limit,
        reader.is_admin,
        &audiences,
        reader.pk
    )
    .fetch_all(pool)
    .await
}
