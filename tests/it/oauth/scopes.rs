//! What each scope opens, and that it opens nothing else.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use super::{Application, CALLBACK, application, asking, hub, sign_in};
use crate::pages::browser::Browser;

/// A client that an application signs in with these scopes.
async fn signed_in(hub: &TestHub, browser: &mut Browser, application: &Application, scope: &str) -> Client {
    let got = sign_in(hub, browser, application, scope).await;
    assert_eq!(got["scope"], scope);
    hub.with_token(got["access_token"].as_str().unwrap())
}

fn error(said: &Value) -> String {
    said["error"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_hub_says_which_scopes_there_are_and_what_they_allow() {
    let hub = hub().await;
    hub.account("ada").await;
    let found = hub.anonymous().get_json("/.well-known/openid-configuration", 200).await;
    let names: Vec<&str> = found["scopes_supported"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let all = [
        "openid",
        "profile",
        "email",
        "read-repos",
        "gated-repos",
        "write-repos",
        "manage-repos",
        "contribute-repos",
        "read-collections",
        "write-collections",
        "write-discussions",
        "webhooks",
    ];
    assert_eq!(names, all);
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let application = application(&mut browser, "confidential", CALLBACK, &all).await;
    // What the hub has nothing for grants nothing, and says so.
    let page = browser.open(&asking(&application, &[("scope", "contribute-repos write-discussions jobs read-mcp")])).await;
    assert!(page.has("Create repositories, and do anything with those that it created"), "{}", page.text);
    assert!(page.has("Open discussions and pull requests in your name"), "{}", page.text);
    let got = sign_in(&hub, &mut browser, &application, "write-discussions inference-api read-billing").await;
    assert_eq!(got["scope"], "write-discussions");
    hub.stop().await;
}

#[tokio::test]
async fn contribute_repos_is_for_what_the_application_made() {
    let hub = hub().await;
    let ada = hub.account("ada").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    let owner = hub.token(&ada, TokenRole::Write).await;
    owner.create_repo("model", "ada/own", true).await;
    owner.create_repo("model", "ada/shown", false).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut browser, "confidential", CALLBACK, &["openid", "read-repos", "contribute-repos"]).await;
    let other = application(&mut browser, "confidential", CALLBACK, &["contribute-repos"]).await;
    let line = [Client::file("x.txt", "x")];
    let new = |name: &str, organization: &str| json!({ "type": "model", "name": name, "organization": organization });

    let maker = signed_in(&hub, &mut browser, &painter, "contribute-repos").await;
    maker.create_repo("model", "ada/made", true).await;
    maker.commit("/api/models/ada/made", "main", &line, 200).await;
    maker.get("/ada/made/resolve/main/x.txt", 200).await;
    maker.call(Method::PUT, "/api/models/ada/made/settings", &json!({ "private": true }), 200).await;
    // Nothing else of ada's, nor of an organization that she did not choose.
    maker.get("/api/models/ada/own", 404).await;
    maker.commit("/api/models/ada/own", "main", &line, 404).await;
    let said = maker.commit("/api/models/ada/shown", "main", &line, 403).await;
    assert!(error(&said).contains("write-repos"), "{said}");
    let said = maker.post_json("/api/repos/create", &new("made", "acme"), 403).await;
    assert!(error(&said).contains("the scope `contribute-repos` for acme"), "{said}");

    // Another application has what it made itself, and who only reads makes nothing.
    let stranger = signed_in(&hub, &mut browser, &other, "contribute-repos").await;
    stranger.get("/api/models/ada/made", 404).await;
    let reader = signed_in(&hub, &mut browser, &painter, "read-repos").await;
    reader.get("/api/models/ada/made", 200).await;
    reader.commit("/api/models/ada/made", "main", &line, 403).await;
    let said = reader.post_json("/api/repos/create", &new("more", "ada"), 403).await;
    assert!(error(&said).contains("the scope `contribute-repos`"), "{said}");

    // It stays with the application when it is renamed, and when ada signs in once more.
    owner.post_json("/api/repos/move", &json!({ "fromRepo": "ada/made", "toRepo": "ada/named", "type": "model" }), 200).await;
    let again = signed_in(&hub, &mut browser, &painter, "contribute-repos").await;
    for (client, text) in [(&maker, "first"), (&again, "second")] {
        client.commit("/api/models/ada/named", "main", &[Client::file("y.txt", text)], 200).await;
    }
    let listed = again.get_json("/api/models?author=ada", 200).await;
    let listed: Vec<&str> = listed.as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect();
    assert!(listed.contains(&"ada/named") && !listed.contains(&"ada/own"), "{listed:?}");
    again
        .call(Method::DELETE, "/api/repos/delete", &json!({ "type": "model", "name": "named", "organization": "ada" }), 200)
        .await;
    hub.stop().await;
}

#[tokio::test]
async fn write_discussions_is_for_talking_and_proposing() {
    let hub = hub().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    let (owner, writer) = (hub.token(&ada, TokenRole::Write).await, hub.token(&bob, TokenRole::Write).await);
    owner.create_repo("model", "ada/own", true).await;
    writer.create_repo("model", "bob/open", false).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut browser, "confidential", CALLBACK, &["openid", "read-repos", "write-discussions"]).await;
    let question = json!({ "title": "A question", "description": "Why?" });
    let line = [Client::file("x.txt", "x")];

    let mute = signed_in(&hub, &mut browser, &painter, "openid read-repos").await;
    let said = mute.post_json("/api/models/bob/open/discussions", &question, 403).await;
    assert!(error(&said).contains("the scope `write-discussions`"), "{said}");
    mute.commit("/api/models/bob/open", "main?create_pr=1", &line, 403).await;

    let speaker = signed_in(&hub, &mut browser, &painter, "write-discussions").await;
    let num = speaker.post_json("/api/models/bob/open/discussions", &question, 200).await["num"].as_i64().unwrap();
    let comment = json!({ "comment": "Because." });
    speaker.post_json(&format!("/api/models/bob/open/discussions/{num}/comment"), &comment, 201).await;
    let upload = speaker.request(Method::POST, "/uploads?name=a.txt").body("some words");
    speaker.send(upload, 200).await;
    speaker.commit("/api/models/bob/open", "main?create_pr=1", &line, 200).await;
    // It neither writes to branches, nor likes, nor learns of what it may not read.
    speaker.commit("/api/models/bob/open", "main", &line, 403).await;
    speaker.post_json("/api/models/bob/open/like", &json!({}), 403).await;
    speaker.post_json("/api/models/ada/own/discussions", &question, 404).await;
    let both = signed_in(&hub, &mut browser, &painter, "read-repos write-discussions").await;
    both.post_json("/api/models/ada/own/discussions", &question, 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn collections_have_scopes_of_their_own() {
    let hub = hub().await;
    let ada = hub.account("ada").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    let owner = hub.token(&ada, TokenRole::Write).await;
    let new = |title: &str, namespace: &str| json!({ "title": title, "namespace": namespace, "private": true });
    let address = |made: &Value| format!("/api/collections/{}", made["slug"].as_str().unwrap());
    let own = address(&owner.post_json("/api/collections", &new("Mine", "ada"), 200).await);
    let theirs = address(&owner.post_json("/api/collections", &new("Theirs", "acme"), 200).await);
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let all = ["openid", "manage-repos", "read-collections", "write-collections"];
    let painter = application(&mut browser, "confidential", CALLBACK, &all).await;

    let without = signed_in(&hub, &mut browser, &painter, "openid manage-repos").await;
    without.get(&own, 404).await;
    let said = without.post_json("/api/collections", &new("More", "ada"), 403).await;
    assert!(error(&said).contains("the scope `write-collections` for ada"), "{said}");
    let reader = signed_in(&hub, &mut browser, &painter, "read-collections").await;
    reader.get(&own, 200).await;
    reader.get(&theirs, 404).await;
    reader.call(Method::PATCH, &own, &json!({ "title": "Other" }), 403).await;
    let writer = signed_in(&hub, &mut browser, &painter, "write-collections").await;
    writer.call(Method::PATCH, &own, &json!({ "title": "Other" }), 200).await;
    let made = address(&writer.post_json("/api/collections", &new("More", "ada"), 200).await);
    writer.call(Method::DELETE, &made, &json!({}), 200).await;
    writer.post_json("/api/collections", &new("More", "acme"), 403).await;
    writer.call(Method::PATCH, &theirs, &json!({ "title": "Other" }), 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn gated_repos_opens_the_gates_that_its_person_passed() {
    let hub = hub().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    let owner = hub.token(&ada, TokenRole::Write).await;
    for name in ["asked", "unasked"] {
        let api = format!("/api/models/ada/{name}");
        owner.create_repo("model", &format!("ada/{name}"), false).await;
        owner.commit(&api, "main", &[Client::file("x.txt", "x")], 200).await;
        owner.call(Method::PUT, &format!("{api}/settings"), &json!({ "gated": "auto" }), 200).await;
    }
    let person = hub.token(&bob, TokenRole::Write).await;
    person.send(person.request(Method::POST, "/ada/asked/ask-access").json(&json!({})), 303).await;
    person.get("/ada/asked/resolve/main/x.txt", 200).await;
    let mut browser = Browser::logged_in(&hub, "bob").await;
    let painter = application(&mut browser, "confidential", CALLBACK, &["openid", "read-repos", "gated-repos"]).await;
    let without = signed_in(&hub, &mut browser, &painter, "openid read-repos").await;
    without.get("/ada/asked/resolve/main/x.txt", 403).await;
    let with = signed_in(&hub, &mut browser, &painter, "gated-repos").await;
    with.get("/ada/asked/resolve/main/x.txt", 200).await;
    with.get("/ada/unasked/resolve/main/x.txt", 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn webhooks_is_for_webhooks() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut browser, "confidential", CALLBACK, &["openid", "manage-repos", "webhooks"]).await;
    let without = signed_in(&hub, &mut browser, &painter, "openid manage-repos").await;
    without.get("/api/settings/webhooks", 403).await;
    let with = signed_in(&hub, &mut browser, &painter, "webhooks").await;
    with.get("/api/settings/webhooks", 200).await;
    with.post_json("/api/repos/create", &json!({ "type": "model", "name": "new", "organization": "ada" }), 403).await;
    hub.stop().await;
}
