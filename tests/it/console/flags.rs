//! Switches: what is switched off is refused with a sentence and has no button, on every node, until it is taken back.

use hub_tests::{json, until};
use reqwest::Method;

use super::{hub, last};
use crate::pages::browser::{Browser, Page};

const PATH: &str = "/admin/flags";

async fn turn(boss: &mut Browser, flag: &str, to: &str) -> Page {
    boss.submit(PATH, PATH, &[("act", "turn"), ("flag", flag), ("to", to), ("reason", "a flood")]).await
}

#[tokio::test]
async fn what_is_switched_off_is_refused_and_has_no_button() {
    let (hub, mut boss) = hub().await;
    let mut stranger = Browser::new(&hub);
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let client = hub.user("carol").await;
    client.post_json("/api/repos/create", &json!({ "type": "space", "name": "before", "sdk": "static" }), 200).await;
    let csrf = stranger.open("/join").await.csrf();
    assert!(ada.open("/settings/organizations").await.has("href=\"/organizations/new\""));
    for flag in ["sign-up", "organizations", "spaces", "buckets", "discussions", "xet", "applications"] {
        assert_eq!(turn(&mut boss, flag, "off").await.status, 303, "{flag}");
    }
    let (whose, actor, details) = last(&hub, "admin.flag").await;
    assert_eq!((whose.as_str(), actor.as_str()), ("boss", "boss"));
    assert_eq!(details, json!({ "reason": "a flood", "from": "as the settings say", "to": "off" }));

    assert!(!stranger.open("/").await.has("href=\"/join\""));
    assert_eq!(stranger.get("/join").await.status, 403);
    let fields =
        [("csrf_token", csrf.as_str()), ("username", "eve"), ("email", "eve@example.org"), ("password", "a long password")];
    let refused = stranger.post("/join", &fields).await;
    assert!(refused.status == 403 && refused.has("Sign-up is closed on this hub"), "{}", refused.text);
    let menu = ada.open("/settings/organizations").await;
    for href in ["/organizations/new", "/new-space", "/new-bucket", "/settings/applications/new"] {
        assert!(!menu.has(&format!("href=\"{href}\"")), "{href}");
        let page = ada.get(href).await;
        assert!(page.status == 403 && page.has("those who run it switched that off"), "{href}: {}", page.text);
    }
    assert!(!ada.open("/settings/applications").await.has("/settings/applications/new"));
    assert!(!ada.open("/spaces").await.has("href=\"/new-space\""));
    let space = json!({ "type": "space", "name": "toy", "sdk": "static" });
    let said = client.post_json("/api/repos/create", &space, 403).await.to_string();
    assert!(said.contains("Nobody can make Spaces on this hub at the moment"), "{said}");
    // Of what is there, it is said that it is, and it can be written.
    client.post_json("/api/repos/create", &json!({ "type": "space", "name": "before", "sdk": "static" }), 409).await;
    client.post_json("/api/spaces/carol/before/duplicate", &json!({ "repository": "carol/copy" }), 403).await;
    client.post_json("/api/buckets/carol/logs", &json!({}), 403).await;
    client.post_json("/oauth/register", &json!({ "redirect_uris": ["https://app.example/back"] }), 403).await;
    let known = client.get_json("/.well-known/openid-configuration", 200).await;
    assert!(known.get("registration_endpoint").is_none());
    client.create_repo("model", "carol/quiet", false).await;
    let talk = json!({ "title": "A question", "description": "" });
    client.post_json("/api/models/carol/quiet/discussions", &talk, 403).await;

    // What stands so already, and what makes no sense.
    for (flag, to, status) in
        [("spaces", "off", 409), ("odd", "off", 400), ("spaces", "odd", 400), ("ssh", "on", 400), ("rules", "on", 400)]
    {
        assert_eq!(turn(&mut boss, flag, to).await.status, status, "{flag} {to}");
    }
    assert_eq!(turn(&mut boss, "spaces", "setting").await.status, 303);
    client.post_json("/api/repos/create", &space, 200).await;
    // Taken back, unless somebody turned it since.
    let changes: Vec<i64> = sqlx::query_scalar("select change_pk from flag_changes where flag = 'spaces' order by change_pk")
        .fetch_all(&hub.app().pool)
        .await
        .unwrap();
    let undo = |pk: &str| [("act", "undo".to_owned()), ("change", pk.to_owned()), ("reason", "too early".to_owned())];
    for (pk, status) in [(changes[1].to_string(), 303), (changes[1].to_string(), 409), ("x".to_owned(), 404)] {
        let fields = undo(&pk);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = boss.submit(PATH, PATH, &fields).await;
        assert_eq!(page.status, status, "{pk}: {}", page.text);
    }
    client.call(Method::POST, "/api/repos/create", &json!({ "type": "space", "name": "two", "sdk": "static" }), 403).await;
    assert!(boss.open(PATH).await.has("too early"));
    hub.stop().await;
}

#[tokio::test]
async fn what_another_node_switches_is_heard_of() {
    let (hub, _boss) = hub().await;
    let ada = hub.user("carol").await;
    hub.sql(
        "insert into flag_changes (flag, after, reason) values ('buckets', false, 'elsewhere'), ('gone', true, 'of another version');
         select pg_notify('flags', '')",
    )
    .await;
    let mut number = 0;
    let is_refused = async || {
        number += 1;
        let path = format!("/api/buckets/carol/logs-{number}");
        ada.request(Method::POST, &path).json(&json!({})).send().await.unwrap().status().as_u16() == 403
    };
    until("the switch of another node is known", is_refused).await;
    hub.stop().await;
}

#[tokio::test]
async fn what_was_typed_is_there_again_and_nothing_empty_is_offered() {
    let (hub, mut boss) = hub().await;
    let form =
        |told: &'static str| [("act", "turn"), ("flag", "read-only"), ("to", "on"), ("told", told), ("reason", "a new disk")];
    let page = boss.submit(PATH, PATH, &form("two\nlines")).await;
    assert!(page.status == 400 && page.has("is one line of at most") && page.has("value=\"two"), "{}", page.text);
    assert!(page.has("value=\"a new disk\"") && page.has("aria-invalid=\"true\""), "{}", page.text);
    assert!(page.has("<option value=\"read-only\" selected>") && page.has("<option value=\"on\" selected>"), "{}", page.text);
    assert!(!page.has("Take a change back"));
    assert_eq!(boss.submit(PATH, PATH, &form("Back at noon")).await.status, 303);
    assert!(boss.open(PATH).await.has("Take a change back"));
    // Another text alone is not taken back, and what came before it no more.
    assert_eq!(boss.submit(PATH, PATH, &form("Back at one")).await.status, 303);
    let page = boss.open(PATH).await;
    assert!(page.has("Last changes") && !page.has("Take a change back"), "{}", page.text);
    hub.stop().await;
}
