//! Statements on what else belongs to a repository: what it takes up, and who builds on it.

use std::collections::HashMap;

use serde_json::json;
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::repos::queries::listing::ListedRepo;
use crate::repos::visibility::Visibility;

/// The bytes that a repository keeps in the store: its packs and all large files it ever had.
///
/// # Errors
/// The database does not answer.
pub async fn used_storage(pool: &PgPool, repo_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select (coalesce((select sum(size_bytes) from repo_lfs_objects join lfs_objects using (oid) where repo_pk = $1), 0)
             + coalesce((select sum(size_bytes) from repo_packs join packs using (pack_hash) where repo_pk = $1), 0))::bigint
             as "used!""#,
        repo_pk
    )
    .fetch_one(pool)
    .await
}

/// The names that repositories had before they or their owners were renamed, the last 20 of each: cards go on naming them so.
///
/// # Errors
/// The database does not answer.
pub async fn list_old_ids(pool: &PgPool, repo_pks: &[i64]) -> sqlx::Result<Vec<(i64, String)>> {
    let rows = sqlx::query!(
        r#"select o.repo_pk as "repo_pk!", o.id as "id!" from unnest((select $1::bigint[])) as wanted (pk) cross join lateral (
               select repo_pk, id from (
                   select repo_pk, coalesce(old_id, namespace_key || '/' || name_key) as id, created_at as until
                   from repo_redirects where repo_pk = wanted.pk
                   union all
                   select r.repo_pk, coalesce(t.name, t.name_key) || '/' || r.name, t.retired_at
                   from repos r join retired_names t using (namespace_pk) where r.repo_pk = wanted.pk
               ) old order by until desc limit 20
           ) o"#,
        repo_pks
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.repo_pk, row.id)).collect())
}

/// What cards may call a repository: its name, then those that it had before.
///
/// # Errors
/// The database does not answer.
pub async fn list_ids(pool: &PgPool, repo: &ListedRepo) -> sqlx::Result<Vec<String>> {
    let old = list_old_ids(pool, &[repo.repo_pk]).await?;
    Ok(std::iter::once(repo.id()).chain(old.into_iter().map(|(_, id)| id)).collect())
}

/// Lists Spaces that name a model or dataset in their card by one of its names, as far as the viewer sees them.
///
/// # Errors
/// The database does not answer.
pub async fn list_spaces_using(pool: &PgPool, visible: &Visibility, kind: Used, ids: &[String]) -> sqlx::Result<Vec<String>> {
    let fact = match kind {
        Used::Model => "models",
        Used::Dataset => "datasets",
    };
    let mut sql = QueryBuilder::<Postgres>::new(
        "select n.name || '/' || r.name from repos r join repo_counters c using (repo_pk) join namespaces n using (namespace_pk)
         where r.repo_type = 'space'",
    );
    sql.push(format!(" and r.facts -> '{fact}' ?| ")).push_bind(ids.to_vec());
    visible.push(&mut sql);
    sql.push(" order by c.trending desc, r.repo_pk desc limit 100");
    sql.build_query_scalar().fetch_all(pool).await
}

/// A collection that a repository is in.
#[derive(Debug, Clone)]
pub struct HoldingCollection {
    /// The end of its address.
    pub public_id: String,
    /// The owner's name.
    pub namespace: String,
    /// The title.
    pub title: String,
    /// Whether only members of the namespace see it.
    pub private: bool,
    /// How many people find it good.
    pub upvotes: i64,
}

/// Lists collections that a repository is in, as far as the viewer sees them: those that most people find good first. Those of limited
/// people are shown on their own pages only.
///
/// # Errors
/// The database does not answer.
pub async fn list_collections_with(
    pool: &PgPool,
    visible: &Visibility,
    repo_pk: i64,
    limit: i64,
) -> sqlx::Result<Vec<HoldingCollection>> {
    let (all, audiences) = visible.coarse();
    sqlx::query_as!(
        HoldingCollection,
        r#"select c.public_id, n.name as "namespace!", c.title, c.private, c.upvotes
           from collection_items i join collections c using (collection_pk) join namespaces n on n.namespace_pk = c.namespace_pk
           where i.repo_pk = $1 and n.kind <> 'deleted'
             and not exists (select from users u where u.user_pk = c.namespace_pk
                             and (u.deletes_at is not null or (u.limited_at is not null and not $2)))
             and ($2 or not exists (select from organizations o
                                    where o.organization_pk = c.namespace_pk and o.limited_at is not null))
             and ($2 or not c.private or coalesce(c.resource_group_pk, c.namespace_pk) = any($3))
           order by c.upvotes desc, c.collection_pk desc limit $4"#,
        repo_pk,
        all,
        &audiences,
        limit
    )
    .fetch_all(pool)
    .await
}

/// What a Space uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// A model.
    Model,
    /// A dataset.
    Dataset,
}

/// How a model can be made from another one.
pub const CHILD_RELATIONS: [&str; 4] = ["adapter", "merge", "quantized", "finetune"];

/// How many models were made from one, by how.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ChildCount {
    /// `adapter`, `merge`, `quantized` or `finetune`.
    pub relation: String,
    /// How many.
    pub count: i64,
}

/// Counts the models that were made from one with these names, as far as the viewer sees them.
///
/// # Errors
/// The database does not answer.
pub async fn count_children(pool: &PgPool, visible: &Visibility, ids: &[String]) -> sqlx::Result<Vec<ChildCount>> {
    let mut sql = QueryBuilder::<Postgres>::new("select relation, count(*) as count from unnest(");
    sql.push_bind(CHILD_RELATIONS.map(str::to_owned).to_vec());
    sql.push(") relation join repos r on r.repo_type = 'model' and r.tags && array(");
    sql.push("select 'base_model:' || relation || ':' || id from unnest(").push_bind(ids.to_vec());
    sql.push(") id) join namespaces n using (namespace_pk) where true");
    visible.push(&mut sql);
    sql.push(" group by relation");
    sql.build_query_as().fetch_all(pool).await
}

/// How often the tags of repositories of one type occur. Looks at the repositories that are most used, so that it
/// stays quick; private ones do not count.
///
/// # Errors
/// The database does not answer.
pub async fn list_tags(pool: &PgPool, repo_type: hub_types::RepoType) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select tag as "tag!" from (
             select tags from repos r join repo_counters c using (repo_pk)
             where c.repo_type = $1 and r.repo_type = $1 and deleted_at is null and not private and not disabled and not unlisted
             order by c.trending desc, c.repo_pk desc limit 20000
           ) used, unnest(tags) tag group by tag order by count(*) desc, tag limit 5000"#,
        repo_type as hub_types::RepoType
    )
    .fetch_all(pool)
    .await
}

/// What a repository takes up, for its owner's settings.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StorageRow {
    /// The key.
    pub repo_pk: i64,
    /// Model, dataset or Space.
    pub repo_type: hub_types::RepoType,
    /// The name.
    pub name: String,
    /// Whether only members see it.
    pub private: bool,
    /// When the default branch last moved.
    pub last_modified_at: chrono::DateTime<chrono::Utc>,
    /// The bytes it keeps in the store.
    pub storage: i64,
}

/// Lists an owner's repositories by key, as far as the viewer sees them, with what each takes up.
///
/// # Errors
/// The database does not answer.
pub async fn list_storage(
    pool: &PgPool,
    visible: &Visibility,
    namespace_pk: i64,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<StorageRow>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select r.repo_pk, r.repo_type, r.name, r.private, r.last_modified_at,
                (coalesce((select sum(size_bytes) from repo_lfs_objects l join lfs_objects using (oid) where l.repo_pk = r.repo_pk), 0)
                 + coalesce((select sum(size_bytes) from repo_packs p join packs using (pack_hash) where p.repo_pk = r.repo_pk), 0))::bigint
                as storage
         from repos r join namespaces n using (namespace_pk) where r.namespace_pk = ",
    );
    sql.push_bind(namespace_pk).push(" and r.repo_pk > ").push_bind(after);
    visible.push(&mut sql);
    sql.push(" order by r.repo_pk limit ").push_bind(limit);
    sql.build_query_as().fetch_all(pool).await
}

/// How many repositories of each type an owner has.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TypeCount {
    /// Model, dataset or Space.
    pub repo_type: hub_types::RepoType,
    /// How many.
    pub count: i64,
}

/// Counts an owner's repositories, as far as the viewer sees them.
///
/// # Errors
/// The database does not answer.
pub async fn count_by_type(pool: &PgPool, visible: &Visibility, namespace_pk: i64) -> sqlx::Result<Vec<TypeCount>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select r.repo_type, count(*) as count from repos r join namespaces n using (namespace_pk) where r.namespace_pk = ",
    );
    sql.push_bind(namespace_pk);
    visible.push(&mut sql);
    sql.push(" group by r.repo_type");
    sql.build_query_as().fetch_all(pool).await
}

/// Counts the repositories of a type with one of the tags, for each of these groups of them, up to a limit and as far as
/// the viewer sees them: a page says "1,000+" sooner than it counts a million rows. In the order of the groups.
///
/// # Errors
/// The database does not answer.
pub async fn count_tagged(
    pool: &PgPool,
    visible: &Visibility,
    repo_type: hub_types::RepoType,
    groups: &[Vec<String>],
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    let mut sql = QueryBuilder::<Postgres>::new("select (select count(*) from (select from repos r cross join lateral ");
    // Else Postgres may read all owners for each group.
    sql.push("(select name from namespaces where namespace_pk = r.namespace_pk offset 0) n ");
    sql.push("where r.tags && array(select jsonb_array_elements_text(wanted.tags)) and r.repo_type = ").push_bind(repo_type);
    visible.push(&mut sql);
    sql.push(" limit ").push_bind(limit).push(") found) from jsonb_array_elements((select ").push_bind(json!(groups));
    sql.push(")) with ordinality wanted (tags, place) order by wanted.place");
    sql.build_query_scalar().fetch_all(pool).await
}

/// The ids of the most active repositories of a type with one of these tags, as far as the viewer sees them.
///
/// # Errors
/// The database does not answer.
pub async fn list_tagged(
    pool: &PgPool,
    visible: &Visibility,
    repo_type: hub_types::RepoType,
    tags: &[String],
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select n.name || '/' || r.name from repos r join repo_counters c using (repo_pk) join namespaces n using (namespace_pk)",
    );
    sql.push(" where r.tags && ").push_bind(tags.to_vec()).push(" and r.repo_type = ").push_bind(repo_type);
    visible.push(&mut sql);
    sql.push(" order by c.trending desc, r.repo_pk desc limit ").push_bind(limit);
    sql.build_query_scalar().fetch_all(pool).await
}

// In the two statements below `offset 0` keeps the look-up of each name apart. Without it the view is joined as a whole, by
// reading every repository: no index helps a join with both halves of a union.

/// Which of these names are repositories that the viewer sees, and what they are called now. Names are compared as
/// addresses are: whatever the case, and those from before a move count.
///
/// # Errors
/// The database does not answer.
pub async fn list_known(
    pool: &PgPool,
    visible: &Visibility,
    wanted: &[(hub_types::RepoType, String)],
) -> sqlx::Result<HashMap<(hub_types::RepoType, String), String>> {
    let split = |id: &str| id.split_once('/').map(|(namespace, name)| (namespace.to_lowercase(), name.to_lowercase()));
    let named = wanted.iter().filter_map(|(kind, id)| split(id).map(|(namespace, name)| (kind.to_string(), id, namespace, name)));
    let (mut kinds, mut ids, mut namespaces, mut names) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (kind, id, namespace, name) in named {
        kinds.push(kind);
        ids.push(id.clone());
        namespaces.push(namespace);
        names.push(name);
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = QueryBuilder::<Postgres>::new("select r.repo_type, wanted.id, n.name || '/' || r.name from unnest(");
    // So that the plan is kept, see `db`.
    sql.push("(select ").push_bind(kinds).push("), (select ").push_bind(ids).push("), (select ").push_bind(namespaces);
    sql.push("), (select ").push_bind(names);
    sql.push(")) wanted(kind, id, namespace, name) cross join lateral (select repo_pk from repo_names k where k.repo_type = wanted.kind ");
    sql.push("and k.namespace_key = wanted.namespace and k.name_key = wanted.name offset 0) k ");
    sql.push("join repos r on r.repo_pk = k.repo_pk join namespaces n on n.namespace_pk = r.namespace_pk where true");
    visible.push(&mut sql);
    let rows: Vec<(hub_types::RepoType, String, String)> = sql.build_query_as().fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(kind, id, now)| ((kind, id), now)).collect())
}

/// The first base of a model, the first base of that one, and so on, as far as they are here and the viewer sees them.
/// The last one may be a name that is not here.
///
/// # Errors
/// The database does not answer.
pub async fn list_ancestors(pool: &PgPool, visible: &Visibility, base: &str, depth: i32) -> sqlx::Result<Vec<String>> {
    let mut sql = QueryBuilder::<Postgres>::new("with recursive line(depth, id) as (select 0, ");
    sql.push_bind(base.to_owned()).push("::text union all select line.depth + 1, r.facts -> 'base_models' ->> 0 from line ");
    sql.push("cross join lateral (select repo_pk from repo_names k where k.repo_type = 'model' ");
    sql.push("and k.namespace_key = lower(split_part(line.id, '/', 1)) and k.name_key = lower(split_part(line.id, '/', 2)) offset 0) k ");
    sql.push("join repos r on r.repo_pk = k.repo_pk join namespaces n on n.namespace_pk = r.namespace_pk where r.facts -> 'base_models' ->> 0 is not null and line.depth < ").push_bind(depth);
    visible.push(&mut sql);
    sql.push(") select id from line order by depth");
    sql.build_query_scalar().fetch_all(pool).await
}
