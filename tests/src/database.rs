//! One database per test, copied from a template that is named by the migrations it was made with.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

/// The server the tests use: `HUB_TEST_DATABASE_URL`, a URL that may create databases.
fn server() -> PgConnectOptions {
    let url = std::env::var("HUB_TEST_DATABASE_URL")
        .expect("HUB_TEST_DATABASE_URL is not set: run `scripts/test`, or point it at a Postgres where databases may be created");
    url.parse().expect("HUB_TEST_DATABASE_URL is a Postgres URL")
}

async fn run(conn: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.expect("the test server takes the statement");
}

/// Copies the template and gives the URL of the copy.
pub(crate) async fn create() -> String {
    let mut admin = server().connect().await.expect("the test server answers");
    let template = template_name();
    ensure_template(&mut admin, &template).await;
    let name = format!("hub_test_{:016x}", fresh_number());
    run(&mut admin, format!("create database {name} template {template}")).await;
    admin.close().await.expect("the connection closes");
    server().database(&name).to_url_lossy().to_string()
}

/// Drops a test's database.
pub(crate) async fn drop_database(url: &str) {
    let options: PgConnectOptions = url.parse().expect("the URL came from create()");
    let name = options.get_database().expect("the URL names a database").to_owned();
    if let Ok(mut admin) = server().connect().await {
        let dropped = sqlx::raw_sql(AssertSqlSafe(format!("drop database if exists {name} with (force)")));
        let _ = dropped.execute(&mut admin).await;
    }
}

fn template_name() -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for migration in hub::db::MIGRATOR.iter() {
        for byte in migration.checksum.iter() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("hub_template_{hash:016x}")
}

async fn ensure_template(admin: &mut PgConnection, name: &str) {
    // Test processes start at once; one makes the template, the others wait.
    run(admin, "select pg_advisory_lock(4711)".to_owned()).await;
    let there: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1 and not datallowconn")
        .bind(name)
        .fetch_optional(&mut *admin)
        .await
        .expect("the catalogue can be read");
    if there.is_none() {
        run(admin, format!("drop database if exists {name} with (force)")).await;
        run(admin, format!("create database {name}")).await;
        let pool = sqlx::PgPool::connect_with(server().database(name)).await.expect("the template opens");
        hub::db::migrate(&pool).await.expect("the migrations run");
        pool.close().await;
        // Nobody connects to a finished template, so that copying it never fails.
        run(admin, format!("alter database {name} with allow_connections false")).await;
    }
    run(admin, "select pg_advisory_unlock(4711)".to_owned()).await;
}

fn fresh_number() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
