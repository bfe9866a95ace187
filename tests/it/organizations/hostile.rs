//! What members and programs try that should learn or take nothing.

use hub::accounts::TokenRole;
use hub_tests::{Value, json};
use reqwest::Method;

use super::groups::{Acme, GROUPS, names, status};
use crate::pages::browser::Browser;

#[tokio::test]
async fn tokens_for_other_things_learn_nothing_of_groups() {
    let acme = Acme::start().await;
    let scopes = |kind: &str, name: &str| json!({ "scoped": [{ "entity": { "type": kind, "name": name }, "permissions": ["repo.content.read"] }] });
    // Also those that a program got by OAuth are such tokens.
    for (scopes, knows) in [(scopes("model", "reader/other"), false), (json!({}), false), (scopes("org", "acme"), true)] {
        let client = acme.hub.scoped_token(&acme.users[2], TokenRole::FineGrained, scopes.clone()).await;
        let listed = client.get_json(GROUPS, if knows { 200 } else { 403 }).await;
        assert_eq!(listed.to_string().contains("research"), knows, "{scopes}: {listed}");
        client.get(&format!("{GROUPS}/{}", acme.group), if knows { 200 } else { 403 }).await;
        for path in ["/api/models/acme/public?expand=resourceGroup", "/api/models/acme/public/resource-group"] {
            let said = client.get_json(path, 200).await;
            assert_eq!(said.to_string().contains("research"), knows, "{scopes} at {path}: {said}");
        }
    }
    acme.hub.stop().await;
}

#[tokio::test]
async fn who_is_not_in_a_group_takes_no_name_of_its_repositories() {
    let acme = Acme::start().await;
    let (head, member, writer) = (acme.client("head"), acme.client("member"), acme.client("writer"));
    // The old name leads to the new one, for everybody who has it in a script.
    let rename = json!({ "fromRepo": "acme/private", "toRepo": "acme/renamed", "type": "model" });
    head.post_json("/api/repos/move", &rename, 200).await;
    head.call(Method::DELETE, "/api/repos/delete", &json!({ "name": "gated", "organization": "acme" }), 200).await;
    for name in ["private", "gated"] {
        let new = json!({ "name": name, "organization": "acme" });
        let said = member.post_json("/api/repos/create", &new, 403).await;
        assert!(said["error"].as_str().unwrap().contains("somebody else's repository"), "{said}");
        // Who may write in the group may have the name again.
        let new = json!({ "name": name, "organization": "acme", "resourceGroupId": acme.group });
        writer.post_json("/api/repos/create", &new, 200).await;
    }
    // What never was in a group is for all who may write.
    head.post_json("/api/repos/create", &json!({ "name": "plain", "organization": "acme" }), 200).await;
    head.call(Method::DELETE, "/api/repos/delete", &json!({ "name": "plain", "organization": "acme" }), 200).await;
    member.post_json("/api/repos/create", &json!({ "name": "plain", "organization": "acme" }), 200).await;
    acme.hub.stop().await;
}

#[tokio::test]
async fn forms_and_addresses_that_no_page_sends() {
    let acme = Acme::start().await;
    let mut head = Browser::logged_in(&acme.hub, "head").await;
    let settings = "/organizations/acme/settings";
    for path in ["settings", "settings/groups", "settings/requests", "settings/audit-log", "join"] {
        assert_eq!(head.get(&format!("/organizations/%00/{path}")).await.status, 404, "{path}");
    }
    for path in ["members", "members/eve", "invitations", "settings/groups/0123456789abcdef01234567/members"] {
        let sent = head.submit(settings, &format!("/organizations/%00/{path}"), &[("user", "eve"), ("role", "read")]).await;
        assert_eq!(sent.status, 404, "{path}");
    }
    // A repository of somebody else is not one of the organization that has the same name.
    acme.client("head").create_repo("model", "head/plain", false).await;
    acme.client("head").create_repo("model", "acme/plain", false).await;
    let group = format!("{settings}/groups/{}", acme.group);
    let sent = head.submit(&group, &format!("{group}/repos"), &[("repo", "head/plain"), ("kind", "model")]).await;
    assert!(sent.status == 400 && sent.has("transfer it there first"), "{}", sent.text);
    let sent = head.submit(&group, &format!("{group}/repos"), &[("repo", "acme/plain"), ("kind", "model")]).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    // What an organization decides about the files of its repositories is in the log.
    assert_eq!(head.submit(settings, settings, &[("refuses_pickles", "true")]).await.status, 303);
    let log = head.open("/organizations/acme/settings/audit-log/export?format=csv").await;
    assert!(log.has("refuses_pickles"), "{}", log.text);
    acme.hub.stop().await;
}

#[tokio::test]
async fn two_admins_at_once_do_not_wait_for_each_other() {
    let acme = Acme::start().await;
    let (head, path) = (acme.client("head"), format!("{GROUPS}/{}/users", acme.group));
    let people = ["member", "reader", "contributor", "writer", "head"];
    let body = |turned: bool, role: &str| {
        let mut users: Vec<Value> = people.iter().map(|user| json!({ "user": user, "role": role })).collect();
        if turned {
            users.reverse();
        }
        json!({ "users": users })
    };
    for round in 0..6 {
        let role = if round % 2 == 0 { "read" } else { "write" };
        let sent = (0..6).map(|number| {
            let (body, path) = (body(number % 2 == 0, role), path.as_str());
            async move { status(head, Method::POST, path, &body).await }
        });
        let answers = futures::future::join_all(sent).await;
        assert_eq!(answers, [200; 6], "{round}");
    }
    let group = head.get_json(&format!("{GROUPS}/{}", acme.group), 200).await;
    assert_eq!(names(&group["users"], "user"), ["contributor", "head", "member", "reader", "writer"]);
    acme.hub.stop().await;
}
