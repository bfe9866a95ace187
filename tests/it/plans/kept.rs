//! What nearly every request asks the database is planned once, and not for each request: that would take ten times as long as the answer.

use hub::accounts::queries::list_users;
use hub::repos::queries::{find_repos_by_name, relations};
use hub::repos::visibility::Visibility;
use hub_tests::TestHub;
use hub_types::RepoType;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// Postgres compares five plans for the arguments with one for any.
const ENOUGH: usize = 8;

#[tokio::test]
async fn statements_of_nearly_every_request_are_planned_once() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.post_json("/api/repos/create", &serde_json::json!({ "name": "bert" }), 200).await;
    sqlx::query("update repos set tags = '{one,two}'").execute(&hub.app().pool).await.unwrap();
    let user = hub.account("bob").await;
    // A session of its own, as plans are kept by session.
    let url = hub.app().pool.connect_options();
    let pool = PgPoolOptions::new().max_connections(1).connect_with(url.as_ref().clone()).await.unwrap();
    for _ in 0..ENOUGH {
        ask(&pool, user.pk).await;
    }
    let plans: Vec<(String, i64, i64)> = sqlx::query_as(
        "select statement, generic_plans, custom_plans from pg_prepared_statements where generic_plans + custom_plans > 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(plans.len(), 5, "{plans:#?}");
    for (statement, kept, anew) in plans {
        assert!(kept > 0 && anew <= 5, "planned {anew} times for its arguments: {statement}");
    }
    pool.close().await;
    hub.stop().await;
}

async fn ask(pool: &PgPool, user_pk: i64) {
    let named = [(RepoType::Model, "ada".to_owned(), "bert".to_owned())];
    let found = find_repos_by_name(pool, &named).await.unwrap();
    assert_eq!(found.len(), 1);
    let everything = Visibility::default();
    let wanted = [(RepoType::Model, "Ada/Bert".to_owned())];
    assert_eq!(relations::list_known(pool, &everything, &wanted).await.unwrap().len(), 1);
    relations::list_old_ids(pool, &[found[0].pk]).await.unwrap();
    let groups =
        [&["one"][..], &["three", "two"], &["three"]].map(|tags| tags.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(relations::count_tagged(pool, &everything, RepoType::Model, &groups, 10).await.unwrap(), [1, 1, 0]);
    assert_eq!(list_users(pool, &[user_pk]).await.unwrap().len(), 1);
}
