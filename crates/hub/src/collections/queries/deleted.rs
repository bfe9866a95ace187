//! Statements on collections that were deleted.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// A collection that can come back.
#[derive(Debug, Clone)]
pub struct DeletedCollection {
    /// The end of its address.
    pub public_id: String,
    /// The owner.
    pub namespace_pk: i64,
    /// The resource group that it was in, which may be gone.
    pub resource_group_pk: Option<i64>,
    /// The owner's name.
    pub namespace: String,
    /// The title.
    pub title: String,
    /// Whether only members saw it.
    pub private: bool,
    /// By whom it was deleted.
    pub deleted_by: Option<String>,
    /// When.
    pub deleted_at: DateTime<Utc>,
}

/// Removes a collection, and keeps what it was.
///
/// # Errors
/// The database does not answer.
pub async fn delete(conn: &mut PgConnection, collection_pk: i64, deleted_by: i64) -> sqlx::Result<()> {
    // Whoever changes what is in it waits, and finds it gone.
    sqlx::query!("select collection_pk from collections where collection_pk = $1 for update", collection_pk)
        .fetch_optional(&mut *conn)
        .await?;
    // In one order: of two collections that hold each other, each takes the other's item with it.
    sqlx::query!(
        "select item_pk from collection_items where collection_pk = $1 or nested_pk = $1 order by item_pk for update",
        collection_pk
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into deleted_collections (collection_pk, public_id, namespace_pk, title, private, deleted_by, contents)
         select c.collection_pk, c.public_id, c.namespace_pk, c.title, c.private, $2, jsonb_build_object(
             'collection', to_jsonb(c),
             'items', (select coalesce(jsonb_agg(to_jsonb(i)), '[]') from collection_items i
                       where c.collection_pk in (i.collection_pk, i.nested_pk)),
             'upvotes', (select coalesce(jsonb_agg(to_jsonb(u)), '[]') from collection_upvotes u
                         where u.collection_pk = c.collection_pk))
         from collections c where c.collection_pk = $1",
        collection_pk,
        deleted_by
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from collections where collection_pk = $1", collection_pk).execute(conn).await.map(|_| ())
}

/// Lists collections of some owners that were deleted since a time, the last first: of those, what was in one of some places, which
/// are resource groups, and owners for what was in none.
///
/// # Errors
/// The database does not answer.
pub async fn list(
    pool: &PgPool,
    (owners, places): (&[i64], &[i64]),
    since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<DeletedCollection>> {
    sqlx::query_as!(
        DeletedCollection,
        r#"select d.public_id, d.namespace_pk, (d.contents #>> '{collection,resource_group_pk}')::bigint as resource_group_pk,
                  n.name as namespace, d.title, d.private, b.name as "deleted_by?", d.deleted_at
           from deleted_collections d join namespaces n using (namespace_pk) left join namespaces b on b.namespace_pk = d.deleted_by
           where d.namespace_pk = any($1) and d.deleted_at > $3
             and coalesce((d.contents #>> '{collection,resource_group_pk}')::bigint, d.namespace_pk) = any($2)
           order by d.deleted_at desc, d.collection_pk limit $4"#,
        owners,
        places,
        since,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Finds a collection that was deleted since a time, and holds it until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn hold(
    conn: &mut PgConnection,
    public_id: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<Option<(i64, DeletedCollection)>> {
    let row = sqlx::query!(
        r#"select d.collection_pk, d.public_id, d.namespace_pk,
                  (d.contents #>> '{collection,resource_group_pk}')::bigint as resource_group_pk,
                  n.name as namespace, d.title, d.private, d.deleted_at
           from deleted_collections d join namespaces n using (namespace_pk)
           where d.public_id = $1 and d.deleted_at > $2 for update of d"#,
        public_id,
        since
    );
    let found = row.fetch_optional(conn).await?.map(|row| {
        let collection = DeletedCollection {
            public_id: row.public_id,
            namespace_pk: row.namespace_pk,
            resource_group_pk: row.resource_group_pk,
            namespace: row.namespace,
            title: row.title,
            private: row.private,
            deleted_by: None,
            deleted_at: row.deleted_at,
        };
        (row.collection_pk, collection)
    });
    Ok(found)
}

/// Brings a collection back, behind its owner's others, with what is still there of what was in it.
///
/// # Errors
/// The owner has another one of this title (`collections_namespace_pk_title_idx`), or no longer the group that it was in
/// (`collections_resource_group_fk`).
pub async fn restore(conn: &mut PgConnection, collection_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into collections (collection_pk, public_id, namespace_pk, title, description, theme, private, position, upvotes,
                                  trending, hidden_at, created_by, created_at, updated_at, resource_group_pk)
         overriding system value
         select c.collection_pk, c.public_id, d.namespace_pk, c.title, c.description, c.theme, c.private,
                (select coalesce(max(o.position) + 1, 0) from collections o where o.namespace_pk = d.namespace_pk),
                (select count(*) from jsonb_populate_recordset(null::collection_upvotes, d.contents -> 'upvotes') v
                 join users w on w.user_pk = v.user_pk),
                c.trending, c.hidden_at, (select u.user_pk from users u where u.user_pk = c.created_by), c.created_at, c.updated_at,
                c.resource_group_pk
         from deleted_collections d
         cross join lateral jsonb_populate_record(null::collections, d.contents -> 'collection') c
         where d.collection_pk = $1",
        collection_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into collection_items (item_pk, public_id, collection_pk, position, repo_pk, nested_pk, paper, note, created_at)
         overriding system value
         select i.item_pk, i.public_id, i.collection_pk, i.position, i.repo_pk, i.nested_pk, i.paper, i.note, i.created_at
         from deleted_collections d
         cross join lateral jsonb_populate_recordset(null::collection_items, d.contents -> 'items') i
         where d.collection_pk = $1
           and exists (select from collections c where c.collection_pk = i.collection_pk)
           and (i.repo_pk is null or exists (select from repos r where r.repo_pk = i.repo_pk))
           and (i.nested_pk is null or exists (select from collections c where c.collection_pk = i.nested_pk))
         on conflict do nothing",
        collection_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into collection_upvotes (collection_pk, user_pk, created_at)
         select v.collection_pk, v.user_pk, v.created_at
         from deleted_collections d
         cross join lateral jsonb_populate_recordset(null::collection_upvotes, d.contents -> 'upvotes') v
         join users u on u.user_pk = v.user_pk
         where d.collection_pk = $1",
        collection_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from deleted_collections where collection_pk = $1", collection_pk).execute(conn).await.map(|_| ())
}
