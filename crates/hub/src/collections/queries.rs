//! Every statement on collections.

pub mod deleted;
pub mod items;
pub mod upvotes;

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};

use super::access::Scope;
use crate::web::cursor::time_of;

/// A collection.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Collection {
    /// The key.
    pub collection_pk: i64,
    /// The end of its address.
    pub public_id: String,
    /// The owner.
    pub namespace_pk: i64,
    /// The owner's name.
    pub namespace: String,
    /// `user` or `organization`.
    pub owner_kind: String,
    /// The title.
    pub title: String,
    /// What it is about, possibly empty.
    pub description: String,
    /// A colour.
    pub theme: String,
    /// Whether only members of the namespace see it.
    pub private: bool,
    /// The resource group that it is in.
    pub resource_group_pk: Option<i64>,
    /// Its place among its owner's.
    pub position: i64,
    /// How many people find it good.
    pub upvotes: i64,
    /// Its place among what people find good lately.
    pub trending: i64,
    /// When it or its items last changed.
    pub updated_at: DateTime<Utc>,
}

impl Collection {
    /// `namespace/title-of-it-64f9a55bb3115b4f513ec026`.
    pub fn slug(&self) -> String {
        let mut words = String::new();
        for c in self.title.chars().flat_map(char::to_lowercase) {
            match c.is_ascii_alphanumeric() {
                true => words.push(c),
                false if !words.is_empty() && !words.ends_with('-') => words.push('-'),
                false => {}
            }
        }
        let words = words.trim_end_matches('-');
        let separator = if words.is_empty() { "" } else { "-" };
        format!("{}/{words}{separator}{}", self.namespace, self.public_id)
    }

    /// Its page.
    pub fn path(&self) -> String {
        format!("/collections/{}", self.slug())
    }
}

const SELECT: &str =
    "select c.collection_pk, c.public_id, c.namespace_pk, n.name as namespace, n.kind as owner_kind, c.title, c.description,
       c.theme, c.private, c.resource_group_pk, c.position, c.upvotes, c.trending, c.updated_at
     from collections c join namespaces n using (namespace_pk)
     where n.kind <> 'deleted'
       and not exists (select from users u where u.user_pk = c.namespace_pk and u.deletes_at is not null)";

/// Finds a collection by the end of its address.
///
/// # Errors
/// The database does not answer.
pub async fn find_collection(pool: &PgPool, public_id: &str) -> sqlx::Result<Option<Collection>> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    sql.push(" and c.public_id = ").push_bind(public_id.to_ascii_lowercase());
    sql.build_query_as().fetch_optional(pool).await
}

/// Finds a collection by its key.
///
/// # Errors
/// The database does not answer.
pub async fn find_by_key(conn: &mut PgConnection, collection_pk: i64) -> sqlx::Result<Option<Collection>> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    sql.push(" and c.collection_pk = ").push_bind(collection_pk);
    sql.build_query_as().fetch_optional(conn).await
}

/// Finds the collection of an owner with a title.
///
/// # Errors
/// The database does not answer.
pub async fn find_by_title(pool: &PgPool, namespace_pk: i64, title: &str) -> sqlx::Result<Option<Collection>> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    sql.push(" and c.namespace_pk = ").push_bind(namespace_pk).push(" and lower(c.title) = lower(").push_bind(title.to_owned());
    sql.push(")");
    sql.build_query_as().fetch_optional(pool).await
}

/// Those of these collections that somebody may see, in no order.
///
/// # Errors
/// The database does not answer.
pub async fn list_by_keys(pool: &PgPool, scope: &Scope, keys: &[i64]) -> sqlx::Result<Vec<Collection>> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    sql.push(" and c.collection_pk = any(").push_bind(keys.to_vec()).push(")");
    push_scope(&mut sql, scope);
    sql.build_query_as().fetch_all(pool).await
}

fn push_scope(sql: &mut QueryBuilder<Postgres>, scope: &Scope) {
    if !scope.all {
        sql.push(" and (not c.private or coalesce(c.resource_group_pk, c.namespace_pk) = any(");
        sql.push_bind(scope.audiences.clone()).push("))");
    }
}

/// What a list of collections goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// What changed last.
    #[default]
    Updated,
    /// What most people find good.
    Upvotes,
    /// What people find good lately: an upvote is worth half after seven days, and a new collection has one.
    Trending,
    /// As its owner put it. Of one owner, without pages.
    Owner,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct CollectionQuery {
    /// Of these owners; of all when empty.
    pub owners: Vec<String>,
    /// With all of these repositories: type, namespace, name.
    pub repos: Vec<(RepoType, String, String)>,
    /// With all of these papers.
    pub papers: Vec<String>,
    /// A part of the title or the description.
    pub words: Option<String>,
    /// The order.
    pub order: Order,
    /// The value and the key of the last row before.
    pub after: Option<(i64, i64)>,
    /// How many.
    pub limit: i64,
}

/// Lists collections that somebody may see.
///
/// # Errors
/// The database does not answer.
pub async fn list_collections(pool: &PgPool, scope: &Scope, query: &CollectionQuery) -> sqlx::Result<Vec<Collection>> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    push_scope(&mut sql, scope);
    if !query.owners.is_empty() {
        sql.push(" and c.namespace_pk = any(array(select namespace_called(owner) from unnest(");
        sql.push_bind(query.owners.clone()).push("::text[]) as owner))");
    } else if !scope.all {
        // Those of limited people and organisations are shown on their own pages only.
        sql.push(" and not exists (select from users u where u.user_pk = c.namespace_pk and u.limited_at is not null)");
        sql.push(
            " and not exists (select from organizations o where o.organization_pk = c.namespace_pk and o.limited_at is not null)",
        );
    }
    for (repo_type, namespace, name) in &query.repos {
        sql.push(
            " and exists (select 1 from collection_items i join repos r using (repo_pk) join namespaces n on n.namespace_pk = r.namespace_pk
               where i.collection_pk = c.collection_pk and r.repo_type = ",
        );
        sql.push_bind(*repo_type).push(" and lower(n.name) = lower(").push_bind(namespace.clone());
        sql.push(") and lower(r.name) = lower(").push_bind(name.clone()).push(")");
        scope.repos.push(&mut sql);
        sql.push(")");
    }
    for paper in &query.papers {
        sql.push(" and exists (select 1 from collection_items i where i.collection_pk = c.collection_pk and i.paper = ");
        sql.push_bind(paper.clone()).push(")");
    }
    if let Some(words) = &query.words {
        sql.push(" and strpos(lower(c.title || ' ' || c.description), lower(").push_bind(words.clone()).push(")) > 0");
    }
    push_order(&mut sql, query);
    sql.build_query_as().fetch_all(pool).await
}

fn push_order(sql: &mut QueryBuilder<Postgres>, query: &CollectionQuery) {
    if let Some((value, key)) = query.after {
        match query.order {
            Order::Updated => {
                sql.push(" and (c.updated_at, c.collection_pk) < (");
                sql.push_bind(time_of(value).unwrap_or_default());
                sql.push(", ").push_bind(key).push(")");
            }
            Order::Upvotes => {
                sql.push(" and (c.upvotes, c.collection_pk) < (").push_bind(value).push(", ").push_bind(key).push(")");
            }
            Order::Trending => {
                sql.push(" and (c.trending, c.collection_pk) < (").push_bind(value).push(", ").push_bind(key).push(")");
            }
            Order::Owner => {}
        }
    }
    sql.push(match query.order {
        Order::Updated => " order by c.updated_at desc, c.collection_pk desc limit ",
        Order::Upvotes => " order by c.upvotes desc, c.collection_pk desc limit ",
        Order::Trending => " order by c.trending desc, c.collection_pk desc limit ",
        Order::Owner => " order by c.position, c.collection_pk limit ",
    });
    sql.push_bind(query.limit);
}

/// A new collection.
#[derive(Debug)]
pub struct NewCollectionRow<'a> {
    /// The owner.
    pub namespace_pk: i64,
    /// The title.
    pub title: &'a str,
    /// What it is about.
    pub description: &'a str,
    /// A colour.
    pub theme: &'a str,
    /// Whether only members see it.
    pub private: bool,
    /// Who makes it.
    pub created_by: i64,
    /// The resource group that it is in.
    pub resource_group_pk: Option<i64>,
}

/// Makes a collection, behind its owner's others.
///
/// # Errors
/// The owner has one of this title (`collections_namespace_pk_title_idx`), or no such group (`collections_resource_group_fk`).
pub async fn insert_collection(conn: &mut PgConnection, new: &NewCollectionRow<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into collections (namespace_pk, title, description, theme, private, created_by, resource_group_pk, position)
         values ($1, $2, $3, $4, $5, $6, $7, (select coalesce(max(position) + 1, 0) from collections where namespace_pk = $1))
         returning collection_pk",
        new.namespace_pk,
        new.title,
        new.description,
        new.theme,
        new.private,
        new.created_by,
        new.resource_group_pk
    )
    .fetch_one(conn)
    .await
}

/// Puts a collection into a resource group, or into none.
///
/// # Errors
/// Its owner has no such group (`collections_resource_group_fk`).
pub async fn set_resource_group(pool: &PgPool, collection_pk: i64, resource_group_pk: Option<i64>) -> sqlx::Result<()> {
    sqlx::query!(
        "update collections set resource_group_pk = $2, updated_at = now() where collection_pk = $1",
        collection_pk,
        resource_group_pk
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// What changes about a collection; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct CollectionChange {
    /// The title.
    pub title: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// A colour.
    pub theme: Option<String>,
    /// Whether only members see it.
    pub private: Option<bool>,
    /// Its place among its owner's, from 0; the last one if there are fewer.
    pub position: Option<usize>,
}

/// Changes what a collection says of itself; its place is changed by [`update_order`].
///
/// # Errors
/// The owner has another of this title (`collections_namespace_pk_title_idx`).
pub async fn update_collection(conn: &mut PgConnection, collection_pk: i64, change: &CollectionChange) -> sqlx::Result<()> {
    sqlx::query!(
        "update collections set title = coalesce($2, title), description = coalesce($3, description), theme = coalesce($4, theme),
                private = coalesce($5, private), updated_at = now()
         where collection_pk = $1",
        collection_pk,
        change.title,
        change.description,
        change.theme,
        change.private
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// The keys of an owner's collections, in order, held until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn hold_order(conn: &mut PgConnection, namespace_pk: i64) -> sqlx::Result<Vec<i64>> {
    // Locked by their keys, which do not change as their places do.
    sqlx::query_scalar!(
        r#"with held as (
               select collection_pk, position from collections where namespace_pk = $1 order by collection_pk for no key update
           )
           select collection_pk as "collection_pk!" from held order by position, collection_pk"#,
        namespace_pk
    )
    .fetch_all(conn)
    .await
}

/// Puts an owner's collections into an order.
///
/// # Errors
/// The database does not answer.
pub async fn update_order(conn: &mut PgConnection, collection_pks: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "update collections c set position = o.place - 1
         from unnest($1::bigint[]) with ordinality as o (collection_pk, place)
         where c.collection_pk = o.collection_pk and c.position <> o.place - 1",
        collection_pks
    )
    .execute(conn)
    .await
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_made_of_letters_and_digits() {
        let slug = |title: &str| {
            let (namespace, public_id, text) = ("ada".to_owned(), "64f9".to_owned(), String::new());
            let collection = Collection {
                collection_pk: 1,
                public_id,
                namespace_pk: 1,
                namespace,
                owner_kind: text.clone(),
                title: title.to_owned(),
                description: text.clone(),
                theme: text,
                private: false,
                resource_group_pk: None,
                position: 0,
                upvotes: 0,
                trending: 0,
                updated_at: Utc::now(),
            };
            collection.slug()
        };
        assert_eq!(slug("Recent  Models, 2026!"), "ada/recent-models-2026-64f9");
        assert_eq!(slug("Ärger/../x"), "ada/rger-x-64f9");
        assert_eq!(slug("日本語"), "ada/64f9");
    }
}
