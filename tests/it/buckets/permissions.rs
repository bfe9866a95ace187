//! Who may do what, with the exact answers; `permissions.rs` walks every route with everybody.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use super::{EMPTY, add, batch};

/// What somebody gets for reading, writing and administering.
type Expected = (u16, u16, u16);

async fn ask(client: &Client, method: &Method, path: &str, body: &str) -> u16 {
    let request = client.request(method.clone(), path).header("Content-Type", "application/json");
    request.body(body.to_owned()).send().await.unwrap().status().as_u16()
}

async fn check_all(who: &str, client: &Client, id: &str, (read, write, admin): Expected) {
    let api = format!("/api/buckets/{id}");
    let line = add("x", EMPTY).to_string();
    let events = if read == 200 { 501 } else { read };
    for (method, path, body, expected) in [
        (Method::GET, api.clone(), "", read),
        (Method::GET, format!("{api}/tree"), "", read),
        (Method::GET, format!("{api}/tree/f?recursive=true"), "", read),
        (Method::POST, format!("{api}/paths-info"), r#"{"paths":["f"]}"#, read),
        (Method::GET, format!("{api}/xet-read-token"), "", read),
        (Method::GET, format!("{api}/events"), "", events),
        (Method::HEAD, format!("/buckets/{id}/resolve/f"), "", read),
        (Method::GET, format!("/buckets/{id}/resolve/f"), "", read),
        (Method::GET, format!("{api}/xet-write-token"), "", write),
        (Method::POST, format!("{api}/batch"), &line, write),
        (Method::POST, format!("{api}/place"), r#"{"files":[]}"#, write),
        (Method::POST, format!("/buckets/{id}.git/info/lfs/objects/batch"), r#"{"operation":"upload","objects":[]}"#, write),
        (Method::PUT, format!("{api}/settings"), "{}", admin),
        (Method::GET, format!("{api}/changes"), "", admin),
        (Method::GET, format!("{api}/resource-group"), "", read),
        (Method::POST, format!("{api}/resource-group"), r#"{"resourceGroupId":"none"}"#, if admin == 200 { 400 } else { admin }),
        (Method::POST, format!("{api}/changes/1/undo"), "", if admin == 200 { 404 } else { admin }),
    ] {
        assert_eq!(ask(client, &method, &path, body).await, expected, "{who}: {method} {path}");
    }
    // What would take the bucket away is asked only of those who may not.
    if admin != 200 {
        assert_eq!(ask(client, &Method::DELETE, &api, "").await, admin, "{who}: delete");
        let body = json!({ "fromRepo": id, "toRepo": "acme/elsewhere", "type": "bucket" }).to_string();
        assert_eq!(ask(client, &Method::POST, "/api/repos/move", &body).await, admin, "{who}: move");
    }
}

#[tokio::test]
async fn everybody_may_what_their_role_says() {
    let hub = TestHub::start().await;
    let _boss = hub.user("boss").await;
    let (reader, writer, admin) = (hub.account("rea").await, hub.account("wri").await, hub.account("adm").await);
    let contributor = hub.account("con").await;
    let members =
        [(&reader, OrgRole::Read), (&writer, OrgRole::Write), (&admin, OrgRole::Admin), (&contributor, OrgRole::Contributor)];
    hub.organization("acme", &members).await;
    let owner = hub.token(&admin, TokenRole::Write).await;
    for (name, private) in [("open", false), ("closed", true)] {
        owner.post_json(&format!("/api/buckets/acme/{name}"), &json!({ "private": private }), 200).await;
        batch(&owner, &format!("/api/buckets/acme/{name}"), &[add("f", EMPTY)], 200).await;
    }
    let scope = |kind: &str, name: &str, permission: &str| json!({ "scoped": [{ "entity": { "type": kind, "name": name }, "permissions": [permission] }] });
    let table: Vec<(&str, Client, Expected, Expected)> = vec![
        ("anonymous", hub.anonymous(), (200, 401, 401), (401, 401, 401)),
        ("stranger", hub.user("eve").await, (200, 403, 403), (404, 404, 404)),
        ("reader", hub.token(&reader, TokenRole::Write).await, (200, 403, 403), (200, 403, 403)),
        ("contributor", hub.token(&contributor, TokenRole::Write).await, (200, 403, 403), (200, 403, 403)),
        ("writer", hub.token(&writer, TokenRole::Write).await, (200, 200, 403), (200, 200, 403)),
        ("admin to read", hub.token(&admin, TokenRole::Read).await, (200, 403, 403), (200, 403, 403)),
        (
            "admin for another type",
            hub.scoped_token(&admin, TokenRole::FineGrained, scope("model", "acme/closed", "repo.write")).await,
            (200, 403, 403),
            (404, 404, 404),
        ),
        (
            "admin for this bucket",
            hub.scoped_token(&admin, TokenRole::FineGrained, scope("bucket", "acme/closed", "repo.write")).await,
            (200, 403, 403),
            (200, 200, 200),
        ),
        ("admin", owner, (200, 200, 200), (200, 200, 200)),
    ];
    for (who, client, open, closed) in &table {
        check_all(who, client, "acme/open", *open).await;
        check_all(who, client, "acme/closed", *closed).await;
        let missing = if client.token().is_empty() { 401 } else { 404 };
        check_all(who, client, "acme/missing", (missing, missing, missing)).await;
    }
    hub.stop().await;
}
