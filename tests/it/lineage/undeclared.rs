//! The list of models whose cards do not name what they were made from.

use hub::accounts::TokenRole;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use super::models::{matrices, model, trained};
use super::{card, lineage, publish};
use crate::pages::browser::Browser;

#[tokio::test]
async fn those_who_run_the_hub_see_all_undeclared_parents() {
    let hub = TestHub::start().await;
    let (_admin, ada, bob) = (hub.user("operator").await, hub.user("ada").await, hub.user("bob").await);
    let base = matrices(1);
    publish(&ada, "ada/base", true, &model(&base), &card("mit", "")).await;
    hub.jobs_done().await;
    publish(&bob, "bob/copy", false, &model(&base), &card("apache-2.0", "")).await;
    publish(&bob, "bob/tuned", false, &model(&trained(&base, 0.3, 0)), &card("mit", "")).await;
    publish(&bob, "bob/honest", false, &model(&trained(&base, 0.1, 0)), &card("mit", "ada/base")).await;
    publish(&bob, "bob/stranger", false, &model(&matrices(50)), &card("mit", "")).await;
    hub.jobs_done().await;
    let mut browser = Browser::logged_in(&hub, "operator").await;
    let found = browser.open("/settings/lineage").await;
    let place = |page: &str, id: &str| page.find(&format!("href=\"/{id}/lineage\""));
    let (copy, tuned) = (place(&found.text, "bob/copy"), place(&found.text, "bob/tuned"));
    assert!(copy.is_some() && tuned > copy, "the most certain first: {}", found.text);
    for id in ["bob/honest", "bob/stranger", "ada/base"] {
        assert!(place(&found.text, id).is_none(), "{id}");
    }
    assert!(found.has("apache-2.0 here, mit there") && found.has("Identical") && found.has("Fine-tune"));
    assert!(found.has("href=\"/ada/base\""), "also when it is private");
    // What a card names later is none any more, also by a name that it had.
    let moving = json!({ "fromRepo": "ada/base", "toRepo": "ada/first", "type": "model" });
    ada.post_json("/api/repos/move", &moving, 200).await;
    bob.commit("/api/models/bob/copy", "main", &[Client::file("README.md", &card("mit", "ada/base"))], 200).await;
    bob.commit("/api/models/bob/tuned", "main", &[Client::file("README.md", &card("mit", "ada/other"))], 200).await;
    let found = browser.open("/settings/lineage").await;
    assert!(place(&found.text, "bob/copy").is_none() && found.has("href=\"/ada/first\""), "{}", found.text);
    // Nor are deleted ones.
    let body = json!({ "type": "model", "organization": "bob", "name": "tuned" });
    bob.call(Method::DELETE, "/api/repos/delete", &body, 200).await;
    assert!(browser.open("/settings/lineage").await.has("Nothing was found"));
    assert_eq!(browser.get("/settings/lineage?after=x").await.status, 400);
    for name in ["ada", "bob"] {
        let mut other = Browser::logged_in(&hub, name).await;
        assert_eq!(other.get("/settings/lineage").await.status, 404);
        assert!(!other.open("/settings/profile").await.has("/settings/lineage"));
    }
    hub.stop().await;
}

#[tokio::test]
async fn moderators_see_the_lineage_of_what_they_may_download() {
    let hub = TestHub::start().await;
    let (_admin, ada, bob, mona) =
        (hub.user("operator").await, hub.user("ada").await, hub.user("bob").await, hub.account("mona").await);
    hub.sql("update users set is_moderator = true where email = 'mona@example.org'").await;
    let reads_only = hub.token(&mona, TokenRole::Read).await;
    let mona = hub.token(&mona, TokenRole::Write).await;
    let base = matrices(1);
    publish(&ada, "ada/base", true, &model(&base), &card("mit", "")).await;
    hub.jobs_done().await;
    publish(&bob, "bob/copy", false, &model(&base), &card("apache-2.0", "")).await;
    hub.jobs_done().await;
    let mut browser = Browser::logged_in(&hub, "mona").await;
    let settings = async |body: Value| ada.call(Method::PUT, "/api/models/ada/base/settings", &body, 200).await;
    let base_of = "/api/models/ada/base/lineage";
    let mut parent_is_told = async || {
        let list = browser.open("/settings/lineage").await;
        let page = browser.open("/bob/copy/lineage").await;
        let told = lineage(&mona, "bob/copy").await;
        let places = [list.has("href=\"/ada/base\""), page.has("href=\"/ada/base\""), told.to_string().contains("ada/base")];
        assert!(places.iter().all(|place| *place == places[0]) && list.has("/bob/copy/lineage") == places[0], "{places:?}");
        places[0]
    };
    assert!(!parent_is_told().await, "its parent is private");
    mona.get(base_of, 404).await;
    settings(json!({ "private": false })).await;
    assert!(parent_is_told().await);
    mona.get(base_of, 200).await;
    settings(json!({ "gated": "manual" })).await;
    assert!(!parent_is_told().await, "a moderator is let in like everybody");
    mona.get(base_of, 403).await;
    ada.post_json("/api/models/ada/base/user-access-request/grant", &json!({ "user": "mona" }), 200).await;
    assert!(parent_is_told().await);
    mona.get(base_of, 200).await;
    // What may not act in their name shows what others see.
    reads_only.get("/api/models/bob/copy/lineage", 403).await;
    assert!(browser.open("/settings/profile").await.has("/settings/lineage"));
    hub.stop().await;
}

#[tokio::test]
async fn the_list_of_undeclared_parents_has_pages() {
    let hub = TestHub::start().await;
    let admin = hub.user("operator").await;
    for number in 0..61 {
        admin.create_repo("model", &format!("operator/m{number:02}"), false).await;
    }
    // As many as no test uploads.
    sqlx::query(
        "insert into lineage_findings (repo_pk, parent_pk, relation, certainty)
         select r.repo_pk, p.repo_pk, 'finetune', 0.5 + (row_number() over (order by r.repo_pk) / 10) * 0.05
         from repos r, repos p where p.name = 'm00' and r.name <> 'm00'",
    )
    .execute(&hub.app().pool)
    .await
    .unwrap();
    let mut browser = Browser::logged_in(&hub, "operator").await;
    let ids = |page: &str| -> Vec<String> {
        page.split("href=\"/operator/")
            .filter_map(|part| part.split_once("/lineage\""))
            .map(|(id, _)| id.to_owned())
            .filter(|id| !id.contains('"'))
            .collect()
    };
    let first = browser.open("/settings/lineage").await;
    let next = first.text.split("href=\"").find(|link| link.starts_with("/settings/lineage?after=")).unwrap();
    let second = browser.open(next.split('"').next().unwrap()).await;
    let (mut all, rest) = (ids(&first.text), ids(&second.text));
    assert_eq!((all.len(), rest.len()), (50, 10));
    all.extend(rest);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 60, "each once");
    assert!(second.has("First page") && !second.has("rel=\"next\""));
    hub.stop().await;
}
