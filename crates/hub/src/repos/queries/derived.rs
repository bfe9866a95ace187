//! Statements on what is derived from a repository's default branch.

use hub_types::Oid;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::repos::metadata::{HeadMetadata, VERSION};

/// A repository after its derived columns were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// The number of the state of its packs.
    pub generation: i64,
    /// Whether the headers of weight files have not been read yet.
    pub headers: bool,
    /// Whether licence and card have not.
    pub texts: bool,
    /// Whether samples of the weights are not there yet, or are there and should not.
    pub sketch: bool,
}

/// Writes the derived columns, in the transaction that moves the branch, or when a newer program derives them again. What
/// the headers of weight files said stays while these files stay, and what texts said while the texts do. With `new_packs` it
/// does what [`next_generation`](super::packs::next_generation) does, too: the row is wide, and is written once.
///
/// # Errors
/// The database does not answer.
pub async fn store(conn: &mut PgConnection, repo_pk: i64, metadata: &HeadMetadata, new_packs: bool) -> sqlx::Result<Stored> {
    sqlx::query_as!(
        Stored,
        r#"with text as (
             insert into repo_texts (repo_pk, card) values ($1, $12)
             on conflict (repo_pk) do update set card = excluded.card where repo_texts.card <> excluded.card)
         update repos set head_oid = $2, card = $3, tags = $4, pipeline_tag = $5, library_name = $6, file_count = $7,
                size_bytes = $8, siblings = $10, derived_version = $11, num_rows = $14,
                pack_generation = pack_generation + $13::int,
                last_modified_at = case when head_oid is distinct from $2 then now() else last_modified_at end,
                facts = $9::jsonb || case when facts #> '{weights,key}' = $9::jsonb #> '{weights,key}'
                    then (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(facts)
                          where key in ('safetensors', 'gguf', 'gguf_parameters', 'headers_key', 'header_error'))
                    else '{}'::jsonb end
                    || case when facts ? 'read_texts' and facts #> '{texts,key}' = $9::jsonb #> '{texts,key}'
                    then jsonb_build_object('read_texts', facts -> 'read_texts')
                    else '{}'::jsonb end,
                parameters = case when facts #> '{weights,key}' = $9::jsonb #> '{weights,key}' then parameters end
         where repo_pk = $1
         returning pack_generation as generation, facts #>> '{weights,key}' is not null and facts ->> 'headers_key' is distinct from facts #>> '{weights,key}' as "headers!",
                   facts #>> '{texts,key}' is not null and facts #>> '{read_texts,key}' is distinct from facts #>> '{texts,key}' as "texts!",
                   repo_type = 'model' and facts #>> '{weights,key}' is distinct from
                       (select weights_key from repo_sketches s where s.repo_pk = repos.repo_pk) as "sketch!""#,
        repo_pk,
        metadata.head_oid as Option<Oid>,
        metadata.card,
        &metadata.tags,
        metadata.pipeline_tag,
        metadata.library_name,
        metadata.file_count,
        metadata.size_bytes,
        metadata.facts,
        &metadata.siblings,
        VERSION,
        metadata.text,
        i32::from(new_packs),
        metadata.num_rows
    )
    .fetch_one(conn)
    .await
}

/// The next repositories after a key whose columns an older program derived.
///
/// # Errors
/// The database does not answer.
pub async fn list_outdated(pool: &PgPool, after: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select repo_pk from repos where repo_pk > $1 and derived_version < $2 and head_oid is not null and deleted_at is null
         order by repo_pk limit $3",
        after,
        VERSION,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Locks a repository and gives the commit that its columns describe.
///
/// # Errors
/// The database does not answer.
pub async fn lock_head(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Option<Oid>> {
    let head = sqlx::query_scalar!(
        r#"select head_oid as "oid: Oid" from repos where repo_pk = $1 and deleted_at is null for update"#,
        repo_pk
    );
    Ok(head.fetch_optional(conn).await?.flatten())
}

/// The facts of a repository.
///
/// # Errors
/// The database does not answer.
pub async fn find_facts(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<Option<Value>> {
    sqlx::query_scalar!("select facts from repos where repo_pk = $1", repo_pk).fetch_optional(conn).await
}

/// Adds what the headers of weight files say, unless these files have changed in the meantime.
///
/// # Errors
/// The database does not answer.
pub async fn store_headers(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    weights_key: &str,
    found: &Value,
    parameters: Option<i64>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update repos set facts = (facts - '{safetensors,gguf,gguf_parameters,header_error}'::text[]) || $3, parameters = $4
         where repo_pk = $1 and facts #>> '{weights,key}' = $2",
        repo_pk,
        weights_key,
        found,
        parameters
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Adds what texts say, unless these have changed in the meantime.
///
/// # Errors
/// The database does not answer.
pub async fn store_texts(conn: impl PgExecutor<'_>, repo_pk: i64, texts_key: &str, found: &Value) -> sqlx::Result<()> {
    sqlx::query!(
        "update repos set facts = facts || jsonb_build_object('read_texts', $3::jsonb)
         where repo_pk = $1 and facts #>> '{texts,key}' = $2",
        repo_pk,
        texts_key,
        found
    )
    .execute(conn)
    .await
    .map(|_| ())
}
