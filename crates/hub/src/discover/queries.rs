//! Every statement of this slice.

use sqlx::{PgPool, Postgres, QueryBuilder};

use super::names::{Owner, OwnerKind};

/// The users and organisations that can be found, all or those of these keys, in no order.
///
/// # Errors
/// The database does not answer.
pub(super) async fn list_names(pool: &PgPool, keys: Option<&[i64]>) -> sqlx::Result<Vec<Owner>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select namespace_pk, kind = 'user', name, coalesce(u.fullname, o.fullname, '')
         from namespaces left join users u on u.user_pk = namespace_pk left join organizations o on o.organization_pk = namespace_pk
         where (kind = 'organization' or kind = 'user' and u.user_pk is not null and u.deletes_at is null and u.service_of is null)",
    );
    if let Some(keys) = keys {
        // So that the plan is kept, see `db`.
        sql.push(" and namespace_pk = any((select ").push_bind(keys.to_vec()).push(")::bigint[])");
    }
    let rows: Vec<(i64, bool, String, String)> = sql.build_query_as().fetch_all(pool).await?;
    let kind = |is_user| if is_user { OwnerKind::User } else { OwnerKind::Organization };
    let owner = |(namespace_pk, is_user, name, fullname)| Owner { namespace_pk, kind: kind(is_user), name, fullname };
    Ok(rows.into_iter().map(owner).collect())
}
