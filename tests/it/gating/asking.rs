use hub::accounts::TokenRole;
use hub_tests::{Client, Value, json};
use reqwest::Method;

use super::{API, Gated, ask};

const ASK: &str = "/acme/gated/ask-access";

#[tokio::test]
async fn answers_are_asked_for_whole_and_shown_to_those_who_decide() {
    let gated = Gated::start().await;
    for (answers, missing) in [
        (json!({}), "`Company`: Fill this in. `Country`: Choose a country. `I agree`: Check this box to go on."),
        (json!({ "Company": "Acme", "Country": "Atlantis", "I agree": true }), "`Country`"),
        (json!({ "Company": "Acme", "Country": "fr", "I agree": false }), "`I agree`"),
        (json!({ "Company": "x".repeat(1_001), "Country": "fr", "I agree": true }), "at most 1,000"),
    ] {
        let said = gated.bob.post_json(ASK, &answers, 400).await;
        assert!(said["error"].as_str().unwrap().contains(missing), "{said}");
    }
    gated.bob.send(gated.bob.request(Method::POST, ASK).json(&json!([1])), 400).await;
    gated.bob.send(gated.bob.request(Method::POST, ASK).body("x".repeat(300_000)), 413).await;
    assert_eq!(gated.hub.count("access_requests").await, 0);
    // As a form, too.
    let form =
        [("Company", "Acme & Sons"), ("Country", "France"), ("I agree", "on"), ("More", "unasked"), ("Where", "192.0.2.9")];
    let response = gated.bob.send(gated.bob.request(Method::POST, ASK).form(&form), 303).await;
    assert_eq!(response.headers()["location"], "/acme/gated");
    let item = gated.ada.get_json(&format!("{API}/user-access-request/pending"), 200).await[0].clone();
    let fields = json!({ "Company": "Acme & Sons", "Country": "France", "I agree": true, "Where": "127.0.0.1" });
    assert_eq!(item["fields"], fields, "where somebody is, the network tells");
    assert_eq!(
        (&item["user"]["user"], &item["user"]["fullname"], &item["user"]["email"]),
        (&json!("bob"), &json!("bob"), &json!("bob@example.org"))
    );
    assert_eq!((&item["status"], item["requestId"].as_str().unwrap().len()), (&json!("pending"), 24));
    assert!(item["timestamp"].as_str().unwrap().ends_with('Z') && item["user"]["avatarUrl"].is_string(), "{item}");
    gated.hub.stop().await;
}

#[tokio::test]
async fn asking_again_changes_nothing() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    let before = gated.ada.get_json(&format!("{API}/user-access-request/pending"), 200).await;
    ask(&gated.bob).await;
    gated.bob.send(gated.bob.request(Method::POST, ASK), 303).await;
    assert_eq!(gated.ada.get_json(&format!("{API}/user-access-request/pending"), 200).await, before);
    gated.decide("bob", "rejected").await;
    ask(&gated.bob).await;
    assert_eq!((gated.list("pending").await.len(), gated.list("rejected").await), (0, vec!["bob".to_owned()]));
    // Whoever belongs to it need not ask.
    gated.ada.send(gated.ada.request(Method::POST, ASK), 303).await;
    assert_eq!(gated.hub.count("access_requests").await, 1);
    gated.hub.stop().await;
}

#[tokio::test]
async fn an_automatic_gate_opens_at_once() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    gated.gate(json!("auto")).await;
    // What was asked before is left as it is.
    gated.bob.get("/acme/gated/resolve/main/data.txt", 403).await;
    let dave = gated.hub.user("dave").await;
    dave.get("/acme/gated/resolve/main/data.txt", 403).await;
    dave.post_json(ASK, &json!({}), 400).await;
    ask(&dave).await;
    dave.get("/acme/gated/resolve/main/data.txt", 200).await;
    assert_eq!((gated.list("accepted").await, gated.list("pending").await), (vec!["dave".to_owned()], vec!["bob".to_owned()]));
    gated.decide("dave", "rejected").await;
    dave.get("/acme/gated/resolve/main/data.txt", 403).await;
    ask(&dave).await;
    dave.get("/acme/gated/resolve/main/data.txt", 403).await;
    gated.hub.stop().await;
}

#[tokio::test]
async fn a_request_is_withdrawn_until_it_is_decided_about() {
    let gated = Gated::start().await;
    let cancel = format!("{API}/user-access-request/cancel");
    gated.bob.post_json(&cancel, &json!({}), 404).await;
    ask(&gated.bob).await;
    assert_eq!(gated.bob.post_json(&cancel, &Value::Null, 200).await, json!({ "ok": true }));
    assert_eq!(gated.list("pending").await.len(), 0);
    ask(&gated.bob).await;
    gated.decide("bob", "accepted").await;
    gated.bob.post_json(&cancel, &json!({}), 404).await;
    gated.bob.get("/acme/gated/resolve/main/data.txt", 200).await;
    gated.hub.stop().await;
}

#[tokio::test]
async fn only_those_ask_who_may_act_and_only_where_there_is_a_gate() {
    let gated = Gated::start().await;
    let bob = gated.hub.account("robert").await;
    let read = gated.hub.token(&bob, TokenRole::Read).await;
    read.send(read.request(Method::POST, ASK), 403).await;
    gated.hub.anonymous().send(gated.hub.anonymous().request(Method::POST, ASK), 403).await;
    let missing = gated.bob.request(Method::POST, "/acme/none/ask-access");
    gated.bob.send(missing, 404).await;
    gated.gate(json!(false)).await;
    let response = gated.bob.send(gated.bob.request(Method::POST, ASK), 400).await;
    assert_eq!(response.headers()["x-error-code"], "RepoNotGated");
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "model acme/gated is not gated");
    gated.ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "gated": "manual", "private": true }), 200).await;
    gated.bob.send(gated.bob.request(Method::POST, ASK), 404).await;
    gated.hub.stop().await;
}

#[tokio::test]
async fn whoever_is_let_into_a_private_repository_still_does_not_see_it() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    gated.decide("bob", "accepted").await;
    gated.ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "private": true }), 200).await;
    gated.bob.get("/acme/gated/resolve/main/data.txt", 404).await;
    gated.bob.get(API, 404).await;
    gated.hub.stop().await;
}

#[tokio::test]
async fn a_dataset_is_asked_for_at_its_own_address() {
    let gated = Gated::start().await;
    gated.ada.create_repo("dataset", "acme/rows", false).await;
    let api = "/api/datasets/acme/rows";
    gated.ada.commit(api, "main", &[Client::file("train.csv", "a,b\n1,2\n")], 200).await;
    gated.ada.call(Method::PUT, &format!("{api}/settings"), &json!({ "gated": "manual" }), 200).await;
    let said = gated.bob.get("/datasets/acme/rows/resolve/main/train.csv", 403).await.text().await.unwrap();
    let page = gated.bob.url("/datasets/acme/rows");
    assert!(
        said.contains(&format!(
            "Access to dataset acme/rows is restricted and you are not in the authorized list. Visit {page} to ask"
        )),
        "{said}"
    );
    let response = gated.bob.send(gated.bob.request(Method::POST, "/datasets/acme/rows/ask-access"), 303).await;
    assert_eq!(response.headers()["location"], "/datasets/acme/rows");
    let body = json!({ "user": "bob", "status": "accepted" });
    gated.ada.post_json(&format!("{api}/user-access-request/handle"), &body, 200).await;
    gated.bob.get("/datasets/acme/rows/resolve/main/train.csv", 200).await;
    gated.hub.stop().await;
}
