//! Statements on what was deleted and can be restored for a time.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// How many are forgotten in one statement.
const BATCH: i64 = 1_000;

macro_rules! forget {
    ($pool:ident, $before:ident, $($table:tt $key:tt;)+) => {
        $(
            while sqlx::query!(
                "delete from " + $table + " where " + $key + " in (select " + $key + " from " + $table
                    + " where deleted_at < $1 order by deleted_at limit $2 for update skip locked)",
                $before,
                BATCH
            )
            .execute($pool)
            .await?
            .rows_affected()
                > 0
            {}
        )+
    };
}

/// Forgets what was deleted before a time, table by table. What somebody is restoring stays for another time.
pub(in crate::gc) async fn forget(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<()> {
    forget!(pool, before,
        "deleted_collections" "collection_pk";
        "deleted_webhooks" "webhook_pk";
        "deleted_resource_groups" "resource_group_pk";
        "deleted_domains" "domain_pk";
        "deleted_publishers" "publisher_pk";
        "deleted_service_accounts" "user_pk";
        "deleted_applications" "client_pk";
    );
    Ok(())
}
