//! Every statement that feeds the search index.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};

/// What the index is told about a repository.
#[derive(Debug, sqlx::FromRow)]
pub struct SearchRow {
    /// The key.
    pub repo_pk: i64,
    /// Model, dataset or Space.
    pub repo_type: hub_types::RepoType,
    /// The owner.
    pub namespace: String,
    /// What the owner calls themselves; possibly empty.
    pub owner_name: String,
    /// The name.
    pub name: String,
    /// Whether only members see it.
    pub private: bool,
    /// The resource group it is in.
    pub resource_group_pk: Option<i64>,
    /// `auto` or `manual` when readers must ask.
    pub gated: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the default branch last moved.
    pub last_modified_at: DateTime<Utc>,
    /// Recent downloads.
    pub downloads: i64,
    /// Likes.
    pub likes: i64,
    /// The trending score.
    pub trending: i64,
    /// How many parameters the weights have.
    pub parameters: Option<i64>,
    /// Tags in the Hub's form.
    pub tags: Vec<String>,
    /// The task.
    pub pipeline_tag: Option<String>,
    /// The library.
    pub library_name: Option<String>,
    /// The size of its files.
    pub size_bytes: i64,
    /// The rows of a dataset; zero when its card does not count them.
    pub num_rows: i64,
    /// Facts by name.
    pub facts: Value,
    /// Of an adapter: what is known of the weights of its base, if all who see the one see the other.
    pub base: Option<Value>,
    /// The card's text; nothing when there is no card.
    pub card: Option<String>,
    /// The names of the data that the card has results on.
    pub evaluated_on: Vec<String>,
}

/// Counters of a repository.
#[derive(Debug, Clone, Copy)]
pub struct CountersRow {
    /// The repository.
    pub repo_pk: i64,
    /// Recent downloads.
    pub downloads: i64,
    /// Likes.
    pub likes: i64,
    /// The trending score.
    pub trending: i64,
}

/// Something that happened to a repository.
#[derive(Debug, Clone, Copy)]
pub struct ChangeRow {
    /// Its place in the order.
    pub position: i64,
    /// The repository.
    pub repo_pk: i64,
    /// Whether only counters changed.
    pub counters_only: bool,
}

/// How far the feed goes.
#[derive(Debug, Clone, Copy)]
pub struct FeedBounds {
    /// The lowest position that is still there; nothing when none is.
    pub oldest: Option<i64>,
    /// The highest position that was ever given.
    pub newest: i64,
}

/// Gives positions to changes that have none. To be called under [`crate::db::LockKey::NumberSearchChanges`].
///
/// # Errors
/// The database does not answer.
pub async fn number_changes(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update search_changes set position = nextval('search_position_seq')
         where change_pk in (select change_pk from search_changes where position is null order by change_pk limit 10000)"
    );
    done.execute(conn).await.map(|done| done.rows_affected())
}

/// Whether there are changes without a position.
///
/// # Errors
/// The database does not answer.
pub async fn has_waiting(conn: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    let row = sqlx::query_scalar!(r#"select exists (select 1 from search_changes where position is null) as "there!""#);
    row.fetch_one(conn).await
}

/// The changes after a position, in order.
///
/// # Errors
/// The database does not answer.
pub async fn list_changes(conn: impl PgExecutor<'_>, after: i64, limit: i64) -> sqlx::Result<Vec<ChangeRow>> {
    sqlx::query_as!(
        ChangeRow,
        r#"select position as "position!", repo_pk, counters_only from search_changes
           where position > $1 order by position limit $2"#,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How far the feed goes.
///
/// # Errors
/// The database does not answer.
pub async fn find_bounds(conn: impl PgExecutor<'_>) -> sqlx::Result<FeedBounds> {
    sqlx::query_as!(
        FeedBounds,
        r#"select (select min(position) from search_changes) as oldest,
                  (select case when is_called then last_value else 0 end from search_position_seq) as "newest!""#
    )
    .fetch_one(conn)
    .await
}

/// How many changes an index at `position` has not read.
///
/// # Errors
/// The database does not answer.
pub async fn count_behind(conn: impl PgExecutor<'_>, position: i64) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from search_changes where position > $1 or position is null"#,
        position
    );
    count.fetch_one(conn).await
}

/// Forgets changes that every index has long read.
///
/// # Errors
/// The database does not answer.
pub async fn delete_old_changes(conn: impl PgExecutor<'_>, days: i32) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from search_changes where position is not null and created_at < now() - make_interval(days => $1)",
        days
    );
    done.execute(conn).await.map(|done| done.rows_affected())
}

/// What the index shall know of these repositories; those that are gone or switched off are left out.
///
/// # Errors
/// The database does not answer.
pub async fn list_documents(pool: &PgPool, repo_pks: &[i64]) -> sqlx::Result<Vec<SearchRow>> {
    sqlx::query_as!(
        SearchRow,
        r#"select r.repo_pk, r.repo_type as "repo_type: hub_types::RepoType", n.name as namespace,
                  coalesce(u.fullname, o.fullname, '') as "owner_name!", r.name, r.private, r.resource_group_pk, r.gated, r.created_at,
                  r.last_modified_at, c.downloads, c.likes, c.trending, r.parameters, r.tags, r.pipeline_tag,
                  r.library_name, r.size_bytes, r.num_rows, r.facts, t.card as "card?",
                  case when r.facts #> '{weights,adapter}' = 'true' then (
                      select jsonb_build_object('safetensors', b.facts -> 'safetensors', 'gguf_parameters', b.facts -> 'gguf_parameters',
                                                'weights', b.facts -> 'weights')
                      from (select k.repo_pk from repo_names k
                            where k.repo_type = 'model'
                              and k.namespace_key = lower(split_part(r.facts #>> '{base_models,0}', '/', 1))
                              and k.name_key = lower(split_part(r.facts #>> '{base_models,0}', '/', 2)) offset 0) k
                      join repos b on b.repo_pk = k.repo_pk
                      where b.deleted_at is null and not b.disabled
                        and (not (b.private or b.unlisted)
                             or (r.private and coalesce(b.resource_group_pk, b.namespace_pk)
                                               = coalesce(r.resource_group_pk, r.namespace_pk)))
                      limit 1) end as "base?",
                  array(select distinct left(coalesce(result #>> '{dataset,name}', result #>> '{dataset,type}'), 100)
                        from jsonb_path_query(case when 'model-index' = any(r.tags) then r.card end,
                                              '$."model-index"[*]."results"[*]') as result
                        where coalesce(result #>> '{dataset,name}', result #>> '{dataset,type}') is not null
                        limit 60) as "evaluated_on!"
           from repos r
           join repo_counters c using (repo_pk)
           join namespaces n using (namespace_pk)
           left join users u on u.user_pk = r.namespace_pk
           left join organizations o on o.organization_pk = r.namespace_pk
           left join repo_texts t on t.repo_pk = r.repo_pk
           where r.repo_pk = any($1) and r.deleted_at is null and not r.disabled and not r.unlisted and r.repo_type <> 'bucket'"#,
        repo_pks
    )
    .fetch_all(pool)
    .await
}

/// The keys of the next repositories after a key, for reading all of them.
///
/// # Errors
/// The database does not answer.
pub async fn list_keys(pool: &PgPool, after: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!("select repo_pk from repos where repo_pk > $1 order by repo_pk limit $2", after, limit)
        .fetch_all(pool)
        .await
}

/// The counters of these repositories.
///
/// # Errors
/// The database does not answer.
pub async fn list_counters(pool: &PgPool, repo_pks: &[i64]) -> sqlx::Result<Vec<CountersRow>> {
    sqlx::query_as!(
        CountersRow,
        "select repo_pk, downloads, likes, trending from repo_counters where repo_pk = any($1)",
        repo_pks
    )
    .fetch_all(pool)
    .await
}

/// In place of a repository's key: the index shall be built anew.
pub const REBUILD: i64 = 0;

/// Asks every node to build its index anew.
///
/// # Errors
/// The database does not answer.
pub async fn insert_rebuild(conn: impl PgExecutor<'_>) -> sqlx::Result<()> {
    sqlx::query!("insert into search_changes (repo_pk, counters_only) values ($1, false)", REBUILD)
        .execute(conn)
        .await
        .map(|_| ())
}
