//! Who changes many rows takes hold of them in the order in which everybody else does, so that no two wait for each other.

use std::time::{Duration, Instant};

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use crate::pages::browser::Browser;

/// Holds some rows until something that is being done waits for them. Other rows can be had then: nobody holds these before they have
/// those.
pub(crate) async fn in_order<T>(hub: &TestHub, first: &'static str, then: &'static str, work: impl Future<Output = T>) -> T {
    let pool = &hub.app().pool;
    let mut tx = hub.app().begin().await.unwrap();
    let held = sqlx::query(first).execute(&mut *tx).await.unwrap().rows_affected();
    assert!(held > 0, "{first}");
    let process: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *tx).await.unwrap();
    let between = async {
        let waits = "select exists (select 1 from pg_stat_activity
                                    where datname = current_database() and wait_event_type = 'Lock'
                                      and $1 = any (pg_blocking_pids(pid)))";
        let started = Instant::now();
        while !sqlx::query_scalar::<_, bool>(waits).bind(process).fetch_one(pool).await.unwrap() {
            assert!(started.elapsed() < Duration::from_secs(60), "nobody waits for `{first}`");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let taken = sqlx::query(then).execute(&mut *tx).await.map(|done| done.rows_affected());
        tx.rollback().await.unwrap();
        taken
    };
    let (done, taken) = tokio::join!(work, between);
    assert!(taken.unwrap_or_else(|error| panic!("`{then}`: {error}")) > 0, "{then}");
    done
}

#[tokio::test]
async fn a_rename_takes_tokens_in_the_order_of_their_keys() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    hub.sql(
        "insert into access_tokens (user_pk, name, token_hash, hint, role, scopes)
         select user_pk, 'token ' || n, sha256(n::text::bytea), 'xxxx', 'fineGrained',
                '{\"scoped\": [{\"entity\": {\"type\": \"user\", \"name\": \"ada\"}, \"permissions\": []}]}'
         from users, generate_series(1, 2) n",
    )
    .await;
    // Not in the order in which they lie in the table.
    hub.sql("update access_tokens set hint = 'yyyy' where name = 'token 1'").await;
    let (first, then) = (
        "select from access_tokens where name = 'token 1' for update",
        "select from access_tokens where name = 'token 2' for update nowait",
    );
    let rename = sqlx::query("update namespaces set name = 'adele' where name = 'ada'").execute(&hub.app().pool);
    in_order(&hub, first, then, rename).await.unwrap();
    assert_eq!(hub.count("access_tokens where scopes::text like '%adele%'").await, 2);
    hub.stop().await;
}

#[tokio::test]
async fn admins_who_have_nothing_left_to_read_are_taken_one_after_the_other() {
    let hub = TestHub::start().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.account("eve").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Admin)]).await;
    hub.sql(
        "insert into organization_requests (organization_pk, user_pk)
         select organization_pk, (select max(user_pk) from users) from organizations",
    )
    .await;
    hub.sql(
        "insert into notifications (user_pk, organization_pk, about, reason, last_event_pk)
         select user_pk, organization_pk, 'join_request', 2, 1 from organization_members order by user_pk",
    )
    .await;
    hub.sql("update notifications set reason = 1 where user_pk = (select min(user_pk) from notifications)").await;
    let (first, then) =
        ("select from notifications where reason = 1 for update", "select from notifications where reason = 2 for update nowait");
    let answer = sqlx::query("delete from organization_requests").execute(&hub.app().pool);
    in_order(&hub, first, then, answer).await.unwrap();
    assert_eq!(hub.count("notifications where unread").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn who_deletes_an_account_takes_its_repositories_as_moderators_do() {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let ada = hub.user("ada").await;
    for name in ["one", "two"] {
        ada.create_repo("model", &format!("ada/{name}"), false).await;
    }
    hub.jobs_done().await;
    hub.sql("update repos set card = card where name = 'one'").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let (first, then) =
        ("select from repos where name = 'one' for update", "select from repos where name = 'two' for no key update nowait");
    let delete = browser.submit("/settings/data", "/settings/data/delete-account", &[("confirmation", "ada")]);
    in_order(&hub, first, then, delete).await;
    assert_eq!(hub.count("repos where deleted_at is not null").await, 2);
    hub.stop().await;
}

#[tokio::test]
async fn a_refresh_token_is_held_after_its_sign_in() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    hub.sql(
        "with consent as (
             insert into oauth_consents (client_pk, user_pk, scopes, organization_pks)
             select c.client_pk, u.user_pk, '{}', '{}' from oauth_clients c, users u limit 1 returning consent_pk
         ), sign_in as (
             insert into oauth_grants (consent_pk, scopes, organization_pks, auth_time, ends_at)
             select consent_pk, '{}', '{}', now(), now() + interval '1 day' from consent returning grant_pk
         )
         insert into oauth_refresh_tokens (token_hash, grant_pk) select sha256('secret'), grant_pk from sign_in",
    )
    .await;
    let (first, then) = ("select from oauth_grants for update", "select from oauth_refresh_tokens for update nowait");
    let refresh = async {
        let mut tx = hub.app().begin().await.unwrap();
        let hash: Vec<u8> = sqlx::query_scalar("select sha256('secret')").fetch_one(&mut *tx).await.unwrap();
        let found = hub::oauth::queries::tokens::lock_refresh(&mut tx, &hash).await.unwrap();
        tx.rollback().await.unwrap();
        found
    };
    assert!(in_order(&hub, first, then, refresh).await.is_some());
    hub.stop().await;
}

async fn collection(ada: &Client, title: &str) -> (String, Value) {
    let made = ada.post_json("/api/collections", &json!({ "title": title, "namespace": "ada", "private": false }), 200).await;
    let slug = made["slug"].as_str().unwrap();
    (format!("/api/collections/{slug}"), json!({ "item": { "type": "collection", "id": slug } }))
}

#[tokio::test]
async fn two_collections_come_to_hold_each_other_and_go_at_the_same_time() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    for round in 0..10 {
        let (one, as_item) = collection(&ada, &format!("One {round}")).await;
        let (other, other_as_item) = collection(&ada, &format!("Other {round}")).await;
        let (one_items, other_items) = (format!("{one}/items"), format!("{other}/items"));
        tokio::join!(ada.post_json(&one_items, &other_as_item, 200), ada.post_json(&other_items, &as_item, 200));
        let nothing = json!({});
        tokio::join!(ada.call(Method::DELETE, &one, &nothing, 200), ada.call(Method::DELETE, &other, &nothing, 200));
    }
    assert_eq!((hub.count("collections").await, hub.count("collection_items").await), (0, 0));
    hub.stop().await;
}

#[tokio::test]
async fn admins_are_held_before_their_organization_where_members_come_into_a_group() {
    let hub = TestHub::start().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Admin)]).await;
    let ada = hub.token(&ada, TokenRole::Write).await;
    let groups = "/api/organizations/acme/resource-groups";
    let (first, then) = ("select from organization_members for update", "select from organizations for update nowait");
    let group = json!({ "name": "Research", "users": [{ "user": "bob", "role": "write" }] });
    let made = in_order(&hub, first, then, ada.post_json(groups, &group, 200)).await;
    let users = format!("{groups}/{}/users", made["id"].as_str().unwrap());
    let more = json!({ "users": [{ "user": "ada", "role": "read" }] });
    in_order(&hub, first, then, ada.post_json(&users, &more, 200)).await;
    hub.stop().await;
}
