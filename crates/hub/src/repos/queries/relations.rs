//! Statements on what else belongs to a repository: what it takes up, and who builds on it.

use sqlx::{PgPool, Postgres, QueryBuilder};

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

/// Lists Spaces that name a model or dataset in their card, as far as the viewer sees them.
///
/// # Errors
/// The database does not answer.
pub async fn list_spaces_using(pool: &PgPool, visible: &Visibility, kind: Used, id: &str) -> sqlx::Result<Vec<String>> {
    let fact = match kind {
        Used::Model => "models",
        Used::Dataset => "datasets",
    };
    let mut sql = QueryBuilder::<Postgres>::new(
        "select n.name || '/' || r.name from repos r join repo_counters c using (repo_pk) join namespaces n using (namespace_pk)
         where r.repo_type = 'space'",
    );
    sql.push(format!(" and r.facts -> '{fact}' @> ")).push_bind(serde_json::json!([id]));
    visible.push(&mut sql);
    sql.push(" order by c.trending desc, r.repo_pk desc limit 100");
    sql.build_query_scalar().fetch_all(pool).await
}

/// What a Space uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// A model.
    Model,
    /// A dataset.
    Dataset,
}

/// How many models were made from one, by how.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ChildCount {
    /// `adapter`, `merge`, `quantized` or `finetune`.
    pub relation: String,
    /// How many.
    pub count: i64,
}

/// Counts the models that were made from one, as far as the viewer sees them.
///
/// # Errors
/// The database does not answer.
pub async fn count_children(pool: &PgPool, visible: &Visibility, id: &str) -> sqlx::Result<Vec<ChildCount>> {
    let relations = ["adapter", "merge", "quantized", "finetune"];
    let mut sql = QueryBuilder::<Postgres>::new("select relation, count(*) as count from unnest(");
    sql.push_bind(relations.map(str::to_owned).to_vec());
    sql.push(") relation join repos r on r.repo_type = 'model' and r.tags @> array['base_model:' || relation || ':' || ");
    sql.push_bind(id.to_owned());
    sql.push("] join namespaces n using (namespace_pk) where true");
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
             where c.repo_type = $1 and r.repo_type = $1 and deleted_at is null and not private and not disabled
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

/// How many repositories have one of these tags, and no more than were counted.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// How many, at most the limit.
    pub count: i64,
}

/// Counts the repositories of a type with each of these tags up to a limit, as far as the viewer sees them: a page says
/// "1,000+" sooner than it counts a million rows.
///
/// # Errors
/// The database does not answer.
pub async fn count_tagged(
    pool: &PgPool,
    visible: &Visibility,
    repo_type: hub_types::RepoType,
    tags: &[String],
    limit: i64,
) -> sqlx::Result<Vec<TagCount>> {
    let mut sql = QueryBuilder::<Postgres>::new("select tag, counted.count from unnest(");
    sql.push_bind(tags.to_vec()).push(") tag, lateral (select count(*) from (select 1 from repos r ");
    sql.push("join namespaces n using (namespace_pk) where r.tags @> array[tag] and r.repo_type = ").push_bind(repo_type);
    visible.push(&mut sql);
    sql.push(" limit ").push_bind(limit).push(") found) counted(count)");
    sql.build_query_as().fetch_all(pool).await
}

/// The ids of the most active repositories of a type with a tag, as far as the viewer sees them.
///
/// # Errors
/// The database does not answer.
pub async fn list_tagged(
    pool: &PgPool,
    visible: &Visibility,
    repo_type: hub_types::RepoType,
    tag: &str,
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select n.name || '/' || r.name from repos r join repo_counters c using (repo_pk) join namespaces n using (namespace_pk)",
    );
    sql.push(" where r.tags @> array[").push_bind(tag.to_owned()).push("] and r.repo_type = ").push_bind(repo_type);
    visible.push(&mut sql);
    sql.push(" order by c.trending desc, r.repo_pk desc limit ").push_bind(limit);
    sql.build_query_scalar().fetch_all(pool).await
}

/// Which of these names are repositories that the viewer sees. Names are compared as addresses are: whatever the case.
///
/// # Errors
/// The database does not answer.
pub async fn list_known(
    pool: &PgPool,
    visible: &Visibility,
    wanted: &[(hub_types::RepoType, String)],
) -> sqlx::Result<Vec<(hub_types::RepoType, String)>> {
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
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::<Postgres>::new("select r.repo_type, wanted.id from unnest(");
    sql.push_bind(kinds).push(", ").push_bind(ids).push(", ").push_bind(namespaces).push(", ").push_bind(names);
    sql.push(") wanted(kind, id, namespace, name) join namespaces n on lower(n.name) = wanted.namespace join repos r ");
    sql.push("on r.namespace_pk = n.namespace_pk and r.repo_type = wanted.kind and lower(r.name) = wanted.name where true");
    visible.push(&mut sql);
    sql.build_query_as().fetch_all(pool).await
}

/// The first base of a model, the first base of that one, and so on, as far as they are here and the viewer sees them.
/// The last one may be a name that is not here.
///
/// # Errors
/// The database does not answer.
pub async fn list_ancestors(pool: &PgPool, visible: &Visibility, base: &str, depth: i32) -> sqlx::Result<Vec<String>> {
    let mut sql = QueryBuilder::<Postgres>::new("with recursive line(depth, id) as (select 0, ");
    sql.push_bind(base.to_owned()).push("::text union all select line.depth + 1, r.facts -> 'base_models' ->> 0 from line ");
    sql.push("join namespaces n on lower(n.name) = lower(split_part(line.id, '/', 1)) join repos r ");
    sql.push(
        "on r.namespace_pk = n.namespace_pk and r.repo_type = 'model' and lower(r.name) = lower(split_part(line.id, '/', 2))",
    );
    sql.push(" where r.facts -> 'base_models' ->> 0 is not null and line.depth < ").push_bind(depth);
    visible.push(&mut sql);
    sql.push(") select id from line order by depth");
    sql.build_query_scalar().fetch_all(pool).await
}
