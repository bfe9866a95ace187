//! Organisations that ask their members for a second factor: who has none is a stranger there, by every door.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use crate::outbox::{link, mails, the_mail};
use crate::pages::browser::{Browser, Page};

const SETTINGS: &str = "/organizations/acme/settings";
const FACTORS: &str = "/organizations/acme/settings/second-factors";
const ASKED: &str = "asks its members for a second factor";

/// Gives somebody an authenticator app, as if they had set one up.
const BOB_ADDS_ONE: &str = "insert into authenticator_apps (user_pk, secret, last_step)
    select namespace_pk, decode(repeat('ab', 20), 'hex'), 0 from namespaces where name = 'bob'";
const ADA_ADDS_ONE: &str = "insert into authenticator_apps (user_pk, secret, last_step)
    select namespace_pk, decode(repeat('ab', 20), 'hex'), 0 from namespaces where name = 'ada'";

/// An organisation with a public, a private and a gated model; `bob` may write in it, and `ada` administers it.
async fn acme() -> (TestHub, Client, Client, Browser, Browser) {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.sql("update users set email_confirmed_at = now()").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Write)]).await;
    let client = hub.token(&ada, TokenRole::Write).await;
    for repo in ["public", "private", "gated"] {
        client.create_repo("model", &format!("acme/{repo}"), repo == "private").await;
        let files = [Client::file("README.md", "# Quagga\n"), Client::file("data.txt", "data\n")];
        client.commit(&format!("/api/models/acme/{repo}"), "main", &files, 200).await;
    }
    client.call(Method::PUT, "/api/models/acme/gated/settings", &json!({ "gated": "manual" }), 200).await;
    hub.indexed().await;
    let token = hub.token(&bob, TokenRole::Write).await;
    let (ada, bob) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "bob").await);
    (hub, client, token, ada, bob)
}

async fn press(ada: &mut Browser, action: &str) -> Page {
    ada.submit(SETTINGS, FACTORS, &[("action", action)]).await
}

/// What a request answers: the status and the sentence.
async fn said(client: &Client, method: Method, path: &str, body: &Value) -> (u16, String) {
    let response = client.request(method, path).json(body).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn who_has_no_second_factor_is_a_stranger_until_they_add_one() {
    let (hub, head, bob, mut ada, mut browser) = acme().await;
    let page = press(&mut ada, "require").await;
    assert!(page.status == 409 && page.has("Add a second factor to your own account first"), "{}", page.text);
    bob.get_json("/api/models/acme/private", 200).await;
    hub.sql(ADA_ADDS_ONE).await;
    let page = ada.open(SETTINGS).await;
    assert!(page.has("1 member has none.") && page.text.matches("No second factor</span>").count() == 1, "{}", page.text);
    assert_eq!(press(&mut ada, "require").await.status, 303);
    let sent = mails(&hub, 1).await;
    assert!(link(the_mail(&sent, "bob@example.org", "acme asks for a second factor")).ends_with("/settings/authentication"));

    // What there is and what there is not answer alike; what everybody sees is seen.
    let (none, body) = (json!({}), json!({ "name": "new", "organization": "acme" }));
    let missing = said(&bob, Method::GET, "/api/models/acme/never-there", &none).await;
    for (method, path, body) in [
        (Method::GET, "/api/models/acme/private", &none),
        (Method::GET, "/acme/gated/resolve/main/data.txt", &none),
        (Method::GET, "/acme/private/info/refs?service=git-upload-pack", &none),
        (Method::GET, "/acme/public/info/refs?service=git-receive-pack", &none),
        (Method::PUT, "/api/models/acme/public/settings", &none),
        (Method::POST, "/api/models/acme/public/branch/side", &none),
        (Method::POST, "/api/repos/create", &body),
        (Method::GET, "/acme/private", &none),
    ] {
        let (status, text) = said(&bob, method, path, body).await;
        assert!(status == 403 && text.contains(ASKED) && text.contains("/settings/authentication"), "{path}: {status} {text}");
    }
    assert_eq!(said(&bob, Method::GET, "/api/models/acme/private", &none).await, missing);
    bob.get_json("/api/models/acme/public", 200).await;
    bob.commit("/api/models/acme/public", "main", &[Client::file("b.txt", "b\n")], 403).await;
    let listed = bob.get_json("/api/models?author=acme", 200).await.to_string();
    assert!(listed.contains("acme/gated") && !listed.contains("acme/private"), "{listed}");
    assert_eq!(bob.get_json("/api/quicksearch?q=quagga&type=model", 200).await["modelsCount"], 2);
    assert_eq!(bob.get_json("/api/whoami-v2", 200).await["orgs"], json!([]));
    bob.get("/api/organizations/acme/settings/repositories", 403).await;
    bob.get("/api/organizations/acme/resource-groups", 403).await;
    let all: Value = sqlx::query_scalar(
        "select jsonb_agg(belongs_to(u.namespace_pk, o.namespace_pk, null) order by u.name) from namespaces u, namespaces o
         where u.name in ('ada', 'bob') and o.name = 'acme'",
    )
    .fetch_one(&hub.app().pool)
    .await
    .unwrap();
    assert_eq!(all, json!([true, false]), "nobody else is told of what is private");
    head.get_json("/api/models/acme/private", 200).await;

    // People are told where to go.
    for path in ["/acme", "/settings/organizations"] {
        let page = browser.open(path).await;
        assert!(page.has(ASKED) && page.has("href=\"/settings/authentication\"") && !page.has("Request to join"), "{path}");
    }
    let page = browser.open("/acme/gated").await;
    assert!(
        page.has(ASKED) && page.has("href=\"/settings/authentication\"") && page.has("Agree and ask for access"),
        "{}",
        page.text
    );
    for other in [&mut ada, &mut Browser::new(&hub)] {
        assert!(!other.open("/acme/gated").await.has("your account has none"));
    }
    let page = browser.get("/acme/private").await;
    assert!(page.status == 403 && page.has("A second factor is needed") && page.has("Add a second factor"), "{}", page.text);
    assert!(!ada.open("/acme").await.has("your account has none"));
    assert!(!browser.open("/acme").await.has("No second factor"), "who has none is for admins to know");

    hub.sql(BOB_ADDS_ONE).await;
    bob.get_json("/api/models/acme/private", 200).await;
    bob.commit("/api/models/acme/public", "main", &[Client::file("b.txt", "b\n")], 200).await;
    assert!(!browser.open("/acme").await.has(ASKED));
    assert!(ada.open(SETTINGS).await.has("All members have one."));
    hub.stop().await;
}

#[tokio::test]
async fn admins_are_held_to_it_and_it_can_end() {
    let (hub, head, bob, mut ada, mut browser) = acme().await;
    hub.sql(ADA_ADDS_ONE).await;
    assert_eq!(press(&mut ada, "king").await.status, 400);
    assert_eq!(press(&mut ada, "require").await.status, 303);
    hub.sql("update organization_members set role = 'admin'").await;
    let page = browser.get(SETTINGS).await;
    assert!(page.status == 403 && page.has(ASKED), "an admin without one: {}", page.text);
    assert_eq!(browser.submit("/settings/profile", FACTORS, &[("action", "end")]).await.status, 403);
    // Who removes theirs is out at once, and who runs the hub is not held to it.
    hub.sql("delete from authenticator_apps").await;
    head.get_json("/api/models/acme/private", 403).await;
    let mut operator = Browser::logged_in(&hub, "operator").await;
    let page = operator.submit(SETTINGS, FACTORS, &[("action", "require")]).await;
    assert!(page.status == 409, "{}", page.text);
    assert_eq!(operator.submit(SETTINGS, FACTORS, &[("action", "end")]).await.status, 303);
    bob.get_json("/api/models/acme/private", 200).await;
    let log = ada.open("/organizations/acme/settings/audit-log/export?format=csv").await;
    assert!(log.has("requires_second_factor"), "{}", log.text);
    // Who is locked out can leave.
    hub.sql(ADA_ADDS_ONE).await;
    assert_eq!(press(&mut ada, "require").await.status, 303);
    assert_eq!(browser.submit("/settings/organizations", "/organizations/acme/leave", &[]).await.status, 303);
    assert!(!browser.open("/settings/organizations").await.has("href=\"/acme\""));
    hub.stop().await;
}
