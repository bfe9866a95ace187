//! Statements on what is in collections.

use sqlx::{PgConnection, PgPool};

/// An item, without what it is.
#[derive(Debug, Clone)]
pub struct ItemRow {
    /// The collection.
    pub collection_pk: i64,
    /// The key.
    pub item_pk: i64,
    /// The `_id` clients see.
    pub public_id: String,
    /// A repository.
    pub repo_pk: Option<i64>,
    /// Another collection.
    pub nested_pk: Option<i64>,
    /// A paper's id.
    pub paper: Option<String>,
    /// What somebody says of it, possibly empty.
    pub note: String,
}

/// Lists the first items of each of these collections, in order.
///
/// # Errors
/// The database does not answer.
pub async fn list_items(pool: &PgPool, collection_pks: &[i64], each: i64) -> sqlx::Result<Vec<ItemRow>> {
    sqlx::query_as!(
        ItemRow,
        r#"select i.collection_pk, i.item_pk, i.public_id, i.repo_pk, i.nested_pk, i.paper, i.note
           from unnest($1::bigint[]) as wanted (pk) cross join lateral (
               select * from collection_items where collection_pk = wanted.pk order by position, item_pk limit $2
           ) i order by i.collection_pk, i.position, i.item_pk"#,
        collection_pks,
        each
    )
    .fetch_all(pool)
    .await
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A repository.
    Repo(i64),
    /// Another collection.
    Collection(i64),
    /// A paper.
    Paper(String),
}

/// Takes a collection for changes of its items, one at a time, and counts them; those that are no more do not count.
///
/// # Errors
/// The database does not answer.
pub async fn hold_items(conn: &mut PgConnection, collection_pk: i64) -> sqlx::Result<i64> {
    // Not out are items of others that hold it: two collections may come to hold each other.
    sqlx::query!("select collection_pk from collections where collection_pk = $1 for no key update", collection_pk)
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from collection_items i left join repos r using (repo_pk)
           where collection_pk = $1 and r.deleted_at is null"#,
        collection_pk
    )
    .fetch_one(conn)
    .await
}

/// Adds an item behind the others; `false` when it is in there already.
///
/// # Errors
/// The database does not answer.
pub async fn insert_item(conn: &mut PgConnection, collection_pk: i64, target: &Target, note: &str) -> sqlx::Result<bool> {
    let (repo_pk, nested_pk, paper) = match target {
        Target::Repo(pk) => (Some(*pk), None, None),
        Target::Collection(pk) => (None, Some(*pk), None),
        Target::Paper(id) => (None, None, Some(id.as_str())),
    };
    let done = sqlx::query!(
        "insert into collection_items (collection_pk, repo_pk, nested_pk, paper, note, position)
         values ($1, $2, $3, $4, $5, (select coalesce(max(position) + 1, 0) from collection_items where collection_pk = $1))
         on conflict do nothing",
        collection_pk,
        repo_pk,
        nested_pk,
        paper,
        note
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// The keys of a collection's items, in order.
///
/// # Errors
/// The database does not answer.
pub async fn list_order(conn: &mut PgConnection, collection_pk: i64) -> sqlx::Result<Vec<(i64, String)>> {
    let rows = sqlx::query!(
        "select item_pk, public_id from collection_items where collection_pk = $1 order by position, item_pk",
        collection_pk
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.item_pk, row.public_id)).collect())
}

/// Puts items into an order.
///
/// # Errors
/// The database does not answer.
pub async fn update_order(conn: &mut PgConnection, item_pks: &[i64]) -> sqlx::Result<()> {
    // Held in the order in which they go with what they show.
    sqlx::query!(
        "with held as (select item_pk from collection_items where item_pk = any($1) order by item_pk for no key update)
         update collection_items i set position = o.place - 1
         from held join unnest($1::bigint[]) with ordinality as o (item_pk, place) on o.item_pk = held.item_pk
         where i.item_pk = held.item_pk and i.position <> o.place - 1",
        item_pks
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Changes what is said of an item.
///
/// # Errors
/// The database does not answer.
pub async fn update_note(conn: &mut PgConnection, item_pk: i64, note: &str) -> sqlx::Result<()> {
    sqlx::query!("update collection_items set note = $2 where item_pk = $1", item_pk, note).execute(conn).await.map(|_| ())
}

/// Removes an item; `false` when there is none.
///
/// # Errors
/// The database does not answer.
pub async fn delete_item(conn: &mut PgConnection, collection_pk: i64, public_id: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from collection_items where collection_pk = $1 and public_id = $2", collection_pk, public_id);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Notes that a collection has changed.
///
/// # Errors
/// The database does not answer.
pub async fn touch(conn: &mut PgConnection, collection_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("update collections set updated_at = now() where collection_pk = $1", collection_pk)
        .execute(conn)
        .await
        .map(|_| ())
}
