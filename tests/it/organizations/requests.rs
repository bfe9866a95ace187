//! Asking to join an organisation, and what its admins answer.

use hub::accounts::OrgRole;
use hub_tests::{TestHub, Value, json};

use crate::outbox::{mails, the_mail};
use crate::pages::browser::{Browser, Page};

const SETTINGS: &str = "/organizations/acme/settings";
const REQUESTS: &str = "/organizations/acme/settings/requests";
const JOIN: &str = "/organizations/acme/join";

async fn acme() -> (TestHub, Browser, Browser) {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    hub.account("eve").await;
    let ada = hub.account("ada").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    // Only confirmed addresses are written to.
    hub.sql("update users set email_confirmed_at = now()").await;
    let (mut ada, eve) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "eve").await);
    assert_eq!(ada.submit(SETTINGS, SETTINGS, &[("takes_requests", "true")]).await.status, 303);
    (hub, ada, eve)
}

async fn ask(eve: &mut Browser) -> Page {
    eve.submit("/settings/profile", JOIN, &[("message", "I made the data.")]).await
}

/// The path of the one open request.
fn request_of(page: &Page) -> String {
    let rest = page.text.split(&format!("{REQUESTS}/")).nth(1).expect("a request");
    format!("{REQUESTS}/{}", rest.split('"').next().unwrap())
}

#[tokio::test]
async fn who_asks_is_let_in_with_a_role() {
    let (hub, mut ada, mut eve) = acme().await;
    assert!(eve.open("/acme").await.has("Request to join"));
    assert!(Browser::new(&hub).open("/acme").await.has("Request to join"), "others log in first");
    assert!(!ada.open("/acme").await.has("Request to join"));
    assert!(eve.open(JOIN).await.has("name=\"message\""));
    assert_eq!(eve.submit(JOIN, JOIN, &[("message", &"x".repeat(501))]).await.status, 400);
    assert_eq!(ask(&mut eve).await.status, 303);
    assert_eq!(ask(&mut eve).await.status, 409, "one is open");
    assert!(eve.open(JOIN).await.has("Take the request back"));
    let sent = mails(&hub, 1).await;
    assert!(the_mail(&sent, "ada@example.org", "[acme] eve asks to join acme").contains(REQUESTS), "{sent:#?}");
    let page = ada.open("/notifications").await;
    assert!(page.has("eve asks to join acme") && page.has("Read what they wrote"), "{}", page.text);
    assert!(!eve.open("/notifications").await.has("asks to join"));
    // Who is no admin any more is not told who asks.
    hub.sql("update organization_members set role = 'write'").await;
    assert!(!ada.open("/notifications?show=all").await.has("eve asks to join acme"));
    hub.sql("update organization_members set role = 'admin'").await;
    assert!(ada.open("/acme").await.has("1 request to join"));
    let page = ada.open(REQUESTS).await;
    assert!(page.has("I made the data."));
    let request = request_of(&page);
    assert_eq!(eve.submit("/settings/profile", &request, &[("action", "accept"), ("role", "admin")]).await.status, 403);
    assert_eq!(ada.submit(REQUESTS, &request, &[("action", "accept"), ("role", "king")]).await.status, 400);
    hub.sql("update sessions set proved_at = now() - interval '1 hour'").await;
    let page = ada.submit(REQUESTS, &request, &[("action", "accept"), ("role", "admin")]).await;
    assert!(page.status == 303 && page.location().starts_with("/sudo?next="), "nobody else's browser makes admins");
    assert_eq!(ada.submit(REQUESTS, &request, &[("action", "accept"), ("role", "write")]).await.status, 303);
    the_mail(&mails(&hub, 2).await, "eve@example.org", "[acme] You are a member of acme");
    let page = eve.open("/notifications").await;
    assert!(page.has("You are a member of acme") && page.has("ada accepted your request"), "{}", page.text);
    let told = page.text.split("<a href=\"/notifications/").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    assert_eq!(eve.get(&format!("/notifications/{told}")).await.location(), "/acme");
    assert!(!eve.open("/notifications").await.has("You are a member of acme"), "it was read");
    assert!(!ada.open("/notifications").await.has("asks to join"), "nobody asks any more");
    assert!(ada.open("/notifications?show=all").await.has("eve asks to join acme"));
    let members = hub.anonymous().get_json("/api/organizations/acme/members", 200).await;
    assert_eq!((&members[0]["user"], &members[0]["role"]), (&"eve".into(), &"write".into()), "{members}");
    assert_eq!(ada.submit(REQUESTS, &request, &[("action", "accept"), ("role", "read")]).await.status, 404, "it was answered");
    assert_eq!(ask(&mut eve).await.status, 409, "a member");
    let log = ada.open("/organizations/acme/settings/audit-log").await;
    assert!(log.has("Somebody asked to join") && log.has("Request to join accepted"), "{}", log.text);
    hub.stop().await;
}

#[tokio::test]
async fn who_became_a_member_otherwise_asks_no_more() {
    let (hub, mut ada, mut eve) = acme().await;
    assert_eq!(ask(&mut eve).await.status, 303);
    assert_eq!(ada.submit(SETTINGS, "/organizations/acme/members", &[("user", "eve"), ("role", "read")]).await.status, 303);
    assert!(!ada.open(REQUESTS).await.has("I made the data."), "it is answered by that");
    // Taken out again, they are not let in by what they asked before.
    let taken_out = ada.submit(SETTINGS, "/organizations/acme/members/eve", &[("action", "remove")]).await;
    assert_eq!(taken_out.status, 303, "{}", taken_out.text);
    assert!(!ada.open(REQUESTS).await.has("I made the data."));
    hub.stop().await;
}

#[tokio::test]
async fn who_is_rejected_waits_and_where_none_are_taken_none_are_made() {
    let (hub, mut ada, mut eve) = acme().await;
    assert_eq!(ask(&mut eve).await.status, 303);
    mails(&hub, 1).await;
    assert_eq!(eve.submit(JOIN, "/organizations/acme/join/cancel", &[]).await.status, 303);
    assert!(!ada.open(REQUESTS).await.has("I made the data."));
    assert!(!ada.open("/notifications").await.has("asks to join"));
    assert_eq!(ask(&mut eve).await.status, 303);
    let request = request_of(&ada.open(REQUESTS).await);
    assert_eq!(ada.submit(REQUESTS, &request, &[("action", "reject")]).await.status, 303);
    // Who asks again and again fills no mailbox.
    the_mail(&mails(&hub, 2).await, "eve@example.org", "[acme] You are no member of acme");
    let told: Value = serde_json::from_str(&eve.open("/api/notifications").await.text).unwrap();
    assert_eq!(told["notifications"][0]["org"], json!({ "name": "acme", "event": "join_rejected" }), "{told}");
    assert!(!eve.open("/notifications").await.has("ada"), "and is not told by whom");
    assert!(eve.open(JOIN).await.has("Your request was rejected"));
    assert_eq!(ask(&mut eve).await.status, 409);
    hub.sql("update organization_requests set rejected_at = now() - interval '8 days'").await;
    assert_eq!(ask(&mut eve).await.status, 303, "after a week");
    assert_eq!(ada.submit(SETTINGS, SETTINGS, &[]).await.status, 303);
    assert!(ada.open(REQUESTS).await.has("I made the data."), "what is open can be answered still");
    assert!(eve.open(JOIN).await.has("Take the request back"), "or taken back");
    assert!(!eve.open("/acme").await.has("Request to join"));
    assert_eq!(ask(&mut eve).await.status, 404);
    assert_eq!(eve.submit(JOIN, "/organizations/acme/join/cancel", &[]).await.status, 303);
    assert_eq!(eve.get(JOIN).await.status, 404);
    hub.stop().await;
}
