use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, Value, json};
use hub_types::RepoType;
use reqwest::Method;

use super::seeded::Seeded;
use crate::pages::browser::Browser;

async fn like(client: &Client, method: Method, api: &str, status: u16) -> Value {
    client.call(method, &format!("{api}/like"), &json!({}), status).await
}

async fn names(client: &Client, path: &str, pointer: &str) -> Vec<String> {
    let list = client.get_json(path, 200).await;
    list.as_array().unwrap().iter().map(|item| item.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_like_counts_once_and_can_be_taken_back() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let (hub, api) = (&seeded.hub, seeded.api.as_str());
    let bob = hub.user("bob").await;
    for _ in 0..2 {
        assert_eq!(like(&bob, Method::POST, api, 200).await, json!({ "liked": true, "likes": 1 }));
    }
    like(&seeded.ada, Method::POST, api, 200).await;
    assert_eq!(seeded.ada.get_json(api, 200).await["likes"], 2);
    assert_eq!(bob.get_json("/api/models?expand=likes", 200).await[0]["likes"], 2);
    assert_eq!(names(&hub.anonymous(), &format!("{api}/likers"), "/user").await, ["ada", "bob"]);
    let liker = &hub.anonymous().get_json(&format!("{api}/likers?limit=1"), 200).await[0];
    assert_eq!(liker, &json!({ "user": "ada", "fullname": "ada", "avatarUrl": "/avatars/ada.svg", "type": "user" }));
    for _ in 0..2 {
        assert_eq!(like(&bob, Method::DELETE, api, 200).await, json!({ "liked": false, "likes": 1 }));
    }
    assert_eq!((seeded.ada.get_json(api, 200).await["likes"].clone(), hub.count("likes").await), (json!(1), 1));
    seeded.stop().await;
}

#[tokio::test]
async fn likes_are_given_by_accounts_and_tokens_that_write() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let (hub, api) = (&seeded.hub, seeded.api.as_str());
    let bob = hub.account("bob").await;
    like(&hub.anonymous(), Method::POST, api, 401).await;
    like(&hub.token(&bob, TokenRole::Read).await, Method::POST, api, 403).await;
    like(&hub.scoped_token(&bob, TokenRole::FineGrained, json!({ "scoped": [] })).await, Method::DELETE, api, 403).await;
    assert_eq!(hub.count("likes").await, 0);
    seeded.stop().await;
}

#[tokio::test]
async fn pages_of_likes_follow_each_other() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let api = seeded.api.clone();
    for name in ["bob", "carol", "dave", "eve", "frank"] {
        like(&seeded.hub.user(name).await, Method::POST, &api, 200).await;
    }
    // Some at one moment: the key then decides.
    sqlx::query("update likes set created_at = '2026-01-01' where user_pk % 2 = 0")
        .execute(&seeded.hub.app().pool)
        .await
        .unwrap();
    let all = names(&seeded.ada, &format!("{api}/likers"), "/user").await;
    let paged = seeded.pages("likers?limit=2", "user").await;
    assert_eq!((all.len(), paged.len()), (5, 3));
    assert_eq!(paged.concat(), all);
    seeded.ada.get(&format!("{api}/likers?cursor=x"), 400).await;
    seeded.stop().await;
}

#[tokio::test]
async fn what_somebody_likes_is_shown_to_those_who_may_see_it() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let hub = &seeded.hub;
    let (bob, carol) = (hub.account("bob").await, hub.account("carol").await);
    hub.organization("acme", &[(&bob, OrgRole::Write), (&carol, OrgRole::Read)]).await;
    seeded.another(RepoType::Dataset, "acme/secret", true, &[("a.csv", "a\n")]).await;
    let bob = hub.token(&bob, TokenRole::Write).await;
    like(&bob, Method::POST, "/api/models/ada/bert", 200).await;
    like(&bob, Method::POST, "/api/datasets/acme/secret", 200).await;
    let path = "/api/users/BOB/likes";
    assert_eq!(names(&bob, path, "/repo/name").await, ["acme/secret", "ada/bert"]);
    assert_eq!(names(&hub.token(&carol, TokenRole::Read).await, path, "/repo/type").await, ["dataset", "model"]);
    let stranger = hub.user("eve").await;
    for client in [&hub.anonymous(), &stranger] {
        assert_eq!(names(client, path, "/repo/name").await, ["ada/bert"]);
        assert_eq!(client.get_json("/api/users/bob/overview", 200).await["numLikes"], 1);
    }
    assert_eq!(bob.get_json("/api/users/bob/overview", 200).await["numLikes"], 2);
    hub.anonymous().get("/api/users/nobody/likes", 404).await;
    // What is deleted is liked no more.
    bob.call(Method::DELETE, "/api/repos/delete", &json!({ "organization": "acme", "name": "secret", "type": "dataset" }), 403)
        .await;
    seeded
        .ada
        .call(Method::DELETE, "/api/repos/delete", &json!({ "organization": "acme", "name": "secret", "type": "dataset" }), 200)
        .await;
    assert_eq!(names(&bob, path, "/repo/name").await, ["ada/bert"]);
    seeded.stop().await;
}

#[tokio::test]
async fn a_like_touches_no_wide_row_and_reaches_the_index_as_a_number() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let (hub, pool) = (&seeded.hub, seeded.hub.app().pool.clone());
    // What comes of the first commit would change the row, too.
    hub.jobs_done().await;
    hub.indexed().await;
    let version = || sqlx::query_scalar::<_, String>("select xmin::text || ctid::text from repos").fetch_one(&pool);
    let (before, changes) = (version().await.unwrap(), hub.count("search_changes").await);
    like(&hub.user("bob").await, Method::POST, &seeded.api, 200).await;
    assert_eq!(version().await.unwrap(), before);
    let new: Vec<bool> = sqlx::query_scalar("select counters_only from search_changes order by change_pk offset $1")
        .bind(changes)
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(new, [true]);
    seeded.stop().await;
}

#[tokio::test]
async fn the_button_works_as_a_plain_form() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let hub = &seeded.hub;
    hub.account("bob").await;
    let page = Browser::new(hub).open("/ada/bert").await;
    assert!(page.has("href=\"/login?next=%2Fada%2Fbert\"") && page.has("Who likes this"));
    let mut bob = Browser::logged_in(hub, "bob").await;
    for (value, pressed, likes) in [("yes", "true", 1), ("no", "false", 0)] {
        let sent = bob.submit("/ada/bert", "/ada/bert/like", &[("like", value)]).await;
        assert_eq!((sent.status, sent.location()), (303, "/ada/bert"));
        assert!(bob.open("/ada/bert").await.has(&format!("aria-pressed=\"{pressed}\"")), "{value}");
        assert_eq!(hub.count("likes").await, likes);
    }
    bob.submit("/ada/bert", "/ada/bert/like", &[("like", "yes")]).await;
    assert!(bob.open("/ada/bert/likers").await.has("href=\"/bob\""));
    assert!(bob.open("/models").await.has("title=\"1 likes\""), "a row of the list tells");
    assert_eq!(bob.post("/ada/bert/like", &[("like", "no")]).await.status, 403, "without the token of the page");
    seeded.stop().await;
}
