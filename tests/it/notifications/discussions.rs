//! What else is done with discussions: reactions, earlier versions of comments, deleting them and turning them off.

use hub_tests::{Client, json};
use reqwest::Method;

use super::{one, open, say, start, unread};
use crate::pages::browser::Browser;

#[tokio::test]
async fn comments_get_reactions() {
    let (hub, ada, bob) = start().await;
    let num = open(&hub, &bob, "ada/bert", "A question", "").await;
    let id = say(&hub, &bob, "ada/bert", num, "Well?").await;
    let path = format!("/api/models/ada/bert/discussions/{num}/comment/{id}/reactions");
    for client in [&ada, &ada, &bob] {
        client.post_json(&path, &json!({ "reaction": "🎉" }), 200).await;
    }
    let said = ada.post_json(&path, &json!({ "reaction": "👍" }), 200).await;
    let expected = json!([
        { "reaction": "👍", "users": ["ada"], "count": 1 },
        { "reaction": "🎉", "users": ["ada", "bob"], "count": 2 },
    ]);
    assert_eq!(said["updatedComment"]["data"]["reactions"], expected);
    ada.call(Method::DELETE, &path, &json!({ "reaction": "🎉" }), 200).await;
    for reaction in ["🦀", "", "<b>"] {
        ada.post_json(&path, &json!({ "reaction": reaction }), 400).await;
    }
    ada.post_json(&path.replace(&id, "none"), &json!({ "reaction": "👍" }), 404).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let thread = format!("/ada/bert/discussions/{num}");
    let page = browser.open(&thread).await;
    assert!(
        page.has("name=\"remove\" value=\"👍\"") && page.has("name=\"add\" value=\"🎉\" aria-pressed=\"false\""),
        "{}",
        page.text
    );
    let back = browser.submit(&thread, &format!("{thread}/react"), &[("id", &id), ("remove", "👍")]).await;
    assert_eq!((back.status, back.location()), (303, format!("{thread}#{id}").as_str()));
    assert!(Browser::new(&hub).open(&thread).await.has("title=\"bob\">🎉 1<"));
    ada.post_json(&format!("/api/models/ada/bert/discussions/{num}/comment/{id}/hide"), &json!({}), 200).await;
    ada.post_json(&path, &json!({ "reaction": "👍" }), 403).await;
    ada.post_json(&format!("/api/models/ada/bert/discussions/{num}/lock"), &json!({ "locked": true }), 200).await;
    bob.post_json(&path, &json!({ "reaction": "👍" }), 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn earlier_versions_of_a_comment_have_a_page() {
    let (hub, _ada, bob) = start().await;
    let num = open(&hub, &bob, "ada/bert", "A question", "").await;
    let id = say(&hub, &bob, "ada/bert", num, "<first>").await;
    for text in ["second", "third"] {
        let edit = format!("/api/models/ada/bert/discussions/{num}/comment/{id}/edit");
        bob.post_json(&edit, &json!({ "content": text }), 200).await;
    }
    let mut anybody = Browser::new(&hub);
    let history = format!("/ada/bert/discussions/{num}/history/{id}");
    assert!(anybody.open(&format!("/ada/bert/discussions/{num}")).await.has(&format!("href=\"{history}\"")));
    let page = anybody.open(&history).await;
    let places: Vec<_> = ["third", "second", "&#60;first&#62;"].iter().map(|text| page.text.find(text).unwrap()).collect();
    assert!(places.is_sorted(), "the latest first: {places:?}");
    bob.post_json(&format!("/api/models/ada/bert/discussions/{num}/comment/{id}/hide"), &json!({}), 200).await;
    assert_eq!(anybody.get(&history).await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn discussions_are_deleted_with_their_numbers_and_turned_off() {
    let (hub, ada, bob) = start().await;
    let first = open(&hub, &bob, "ada/bert", "A question", "").await;
    let body = json!({ "title": "A change", "pullRequest": true });
    let pull = bob.post_json("/api/models/ada/bert/discussions", &body, 200).await["num"].as_i64().unwrap();
    hub.jobs_done().await;
    let path = |num: i64| format!("/api/models/ada/bert/discussions/{num}");
    bob.call(Method::DELETE, &path(first), &json!({}), 403).await;
    ada.call(Method::DELETE, &path(pull), &json!({}), 200).await;
    ada.get(&path(pull), 404).await;
    ada.call(Method::DELETE, &path(pull), &json!({}), 404).await;
    let refs = ada.get_json("/api/models/ada/bert/refs?include_prs=1", 200).await;
    assert_eq!(refs["pullRequests"], json!([]));
    assert_eq!(unread(&ada).await, one("A question", "watching"));
    let next = bob.post_json("/api/models/ada/bert/discussions", &body, 200).await["num"].as_i64().unwrap();
    assert_eq!(next, pull + 1, "links to what was deleted lead to nothing else");

    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "discussionsDisabled": true }), 200).await;
    for body in [&body, &json!({ "title": "A question", "description": "" })] {
        let refused = ada.post_json("/api/models/ada/bert/discussions", body, 403).await;
        assert!(refused["error"].as_str().unwrap().contains("turned off"), "{refused}");
    }
    let lines = [Client::file("new.txt", "new")];
    bob.commit("/api/models/ada/bert", "main?create_pr=1", &lines, 403).await;
    say(&hub, &bob, "ada/bert", first, "Still here").await;
    let mut owner = Browser::logged_in(&hub, "ada").await;
    let page = owner.open("/ada/bert/discussions").await;
    assert!(page.has("turned off") && !page.has("/discussions/new"), "{}", page.text);
    let on = owner.submit("/ada/bert/settings", "/ada/bert/settings/discussions", &[("discussions", "on")]).await;
    assert_eq!(on.status, 303);
    open(&hub, &bob, "ada/bert", "Again", "").await;
    let thread = format!("/ada/bert/discussions/{first}");
    assert_eq!(owner.submit(&thread, &format!("{thread}/delete"), &[]).await.status, 400);
    let gone = owner.submit(&thread, &format!("{thread}/delete"), &[("delete", "yes")]).await;
    assert_eq!((gone.status, gone.location()), (303, "/ada/bert/discussions"));
    hub.stop().await;
}
