use hub::accounts::OrgRole;
use hub_tests::{TestHub, json};

#[tokio::test]
async fn locks_are_taken_listed_and_released() {
    let hub = TestHub::start().await;
    let _admin = hub.user("boss").await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.organization("lab", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Write)]).await;
    let (ada, bob) =
        (hub.token(&ada, hub::accounts::TokenRole::Write).await, hub.token(&bob, hub::accounts::TokenRole::Write).await);
    ada.create_repo("model", "lab/bert", false).await;
    let locks = "/lab/bert.git/info/lfs/locks";
    assert_eq!(ada.get_json(locks, 200).await, json!({ "locks": [] }));
    assert_eq!(ada.post_json(&format!("{locks}/verify"), &json!({}), 200).await, json!({ "ours": [], "theirs": [] }));

    let made = bob.post_json(locks, &json!({ "path": "a/model.bin", "ref": { "name": "refs/heads/main" } }), 201).await;
    assert_eq!(made["lock"]["owner"]["name"], "bob");
    let again = ada.post_json(locks, &json!({ "path": "a/model.bin" }), 409).await;
    assert!(again["message"].as_str().expect("text").contains("bob") && again["lock"]["id"] == made["lock"]["id"]);
    ada.post_json(locks, &json!({ "path": "../x" }), 422).await;
    ada.post_json(locks, &json!({ "path": "b.bin" }), 201).await;

    let split = ada.post_json(&format!("{locks}/verify"), &json!({ "ref": { "name": "refs/heads/main" } }), 200).await;
    assert_eq!((split["ours"][0]["path"].as_str(), split["theirs"][0]["path"].as_str()), (Some("b.bin"), Some("a/model.bin")));
    let page = ada.get_json(&format!("{locks}?limit=1"), 200).await;
    let next = page["next_cursor"].as_str().expect("a second page");
    let rest = ada.get_json(&format!("{locks}?limit=1&cursor={next}"), 200).await;
    assert!(rest["locks"][0]["path"] == "b.bin" && rest["next_cursor"].is_null());
    assert_eq!(ada.get_json(&format!("{locks}?path=b.bin"), 200).await["locks"].as_array().map(Vec::len), Some(1));

    let id = made["lock"]["id"].as_str().expect("an id");
    let unlock = format!("{locks}/{id}/unlock");
    ada.post_json(&unlock, &json!({}), 403).await;
    ada.post_json(&unlock, &json!({ "force": true }), 200).await;
    ada.post_json(&unlock, &json!({}), 404).await;
    hub.anonymous().post_json(locks, &json!({ "path": "c" }), 401).await;
    hub.stop().await;
}
