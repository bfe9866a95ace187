//! Webhooks: who may make them, what receivers are sent, what the hub does when they fail, and where it sends nothing.

mod pages;
mod receiver;
mod sending;

use hub::accounts::{OrgRole, TokenRole};
use hub::web::outbound::AllowedTargets;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use receiver::Receiver;

const API: &str = "/api/settings/webhooks";

/// A hub that may send to this machine, on which the first account, which is the administrator's, is nobody's here.
async fn hub() -> TestHub {
    let hub = TestHub::start_with(|config| config.webhooks_allow = AllowedTargets::parse("127.0.0.1").unwrap()).await;
    hub.account("operator").await;
    hub
}

/// Makes a webhook that watches these, each `type name`.
async fn watch(client: &Client, url: &str, watched: &[&str]) -> Value {
    let item = |one: &&str| {
        let (kind, name) = one.split_once(' ').unwrap();
        json!({ "type": kind, "name": name })
    };
    let watched: Vec<Value> = watched.iter().map(item).collect();
    let body = json!({ "url": url, "watched": watched, "secret": "s3cret" });
    client.post_json(API, &body, 200).await["webhook"].clone()
}

#[tokio::test]
async fn a_webhook_is_made_read_changed_switched_and_deleted() {
    let hub = hub().await;
    let (ada, bob) = (hub.user("ada").await, hub.user("bob").await);
    ada.create_repo("model", "ada/bert", true).await;
    assert_eq!(ada.get_json(API, 200).await, json!([]));
    let made = watch(&ada, "https://example.org/hook#part", &["user Ada", "model ADA/bert"]).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let watched = json!([{ "type": "user", "name": "ada" }, { "type": "model", "name": "ada/bert" }]);
    let mut expected = json!({
        "id": id, "url": "https://example.org/hook", "watched": watched, "domains": ["repo", "discussion"],
        "secret": "s3cret", "disabled": false,
    });
    assert_eq!(made, expected);
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let one = format!("{API}/{id}");
    assert_eq!(ada.get_json(&one, 200).await, json!({ "webhook": expected }));
    assert_eq!(ada.get_json(API, 200).await, json!([expected]));

    // What is not said stays: Python sends an empty list when nothing was said of what is watched. Older ones say "discussions".
    let changed = ada.post_json(&one, &json!({ "watched": [], "domains": ["discussions"], "secret": "" }), 200).await;
    expected["domains"] = json!(["discussion"]);
    expected.as_object_mut().unwrap().remove("secret");
    assert_eq!(changed, json!({ "webhook": expected }));
    let changed =
        ada.post_json(&one, &json!({ "watched": [{ "type": "user", "name": "bob" }], "url": "http://example.org/" }), 200).await;
    expected["watched"] = json!([{ "type": "user", "name": "bob" }]);
    expected["url"] = json!("http://example.org/");
    assert_eq!(changed, json!({ "webhook": expected }));
    for (what, disabled) in [("disable", true), ("disable", true), ("enable", false)] {
        let switched = ada.post_json(&format!("{one}/{what}"), &json!({}), 200).await;
        assert_eq!(switched["webhook"]["disabled"], disabled, "{what}");
    }

    bob.get(&one, 404).await;
    ada.get(&format!("{API}/x%00"), 404).await;
    ada.call(Method::DELETE, &one, &json!({}), 200).await;
    ada.get(&one, 404).await;
    assert_eq!(hub.count("webhook_watches").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_why() {
    let hub = hub().await;
    let (ada, bob) = (hub.user("ada").await, hub.user("bob").await);
    bob.create_repo("model", "bob/secret", true).await;
    let body = |url: &str| json!({ "url": url, "watched": [{ "type": "user", "name": "ada" }] });
    let watching = |kind: &str, name: &str| json!({ "url": "https://example.org", "watched": [{ "type": kind, "name": name }] });
    let many: Vec<Value> = (0..51).map(|_| json!({ "type": "user", "name": "ada" })).collect();
    let with = |key: &str, value: Value| {
        let mut body = body("https://example.org");
        body[key] = value;
        body
    };
    for (body, text) in [
        (body("nonsense"), "This is not a URL"),
        (body("ftp://example.org/"), "must begin with `https://`"),
        (body("https://ada:pw@example.org/"), "Leave the name and password out"),
        (body(&format!("https://example.org/{}", "x".repeat(2000))), "Keep the URL under 2000"),
        (body("http://10.0.0.1/"), "This address is not public"),
        (body("http://[::ffff:169.254.169.254]/"), "This address is not public"),
        (body("http://0x7f000002/"), "This address is not public"),
        (json!({ "watched": [{ "type": "user", "name": "ada" }] }), "Give the `url`"),
        (json!({ "jobSourceId": "x", "watched": [] }), "This hub runs no Jobs"),
        (json!({ "url": "https://example.org", "watched": [] }), "Say what to watch"),
        (json!({ "url": "https://example.org", "watched": many }), "at most 50"),
        (watching("user", "nobody"), "There is no user `nobody` that you can see."),
        (watching("org", "ada"), "There is no organization `ada` that you can see."),
        (watching("model", "bob/secret"), "There is no model `bob/secret` that you can see."),
        (watching("model", "bob/missing"), "There is no model `bob/missing` that you can see."),
        (watching("dataset", "a\u{0}b/c"), "There is no dataset `ab/c` that you can see."),
        (watching("paper", "2307.09288"), "`paper` cannot be watched"),
        (with("domains", json!([])), "Choose what to hear of"),
        (with("domains", json!(["all"])), "Choose what to hear of"),
        (with("secret", json!("with space")), "no spaces"),
        (with("secret", json!("x".repeat(201))), "at most 200"),
    ] {
        let said = ada.post_json(API, &body, 400).await;
        assert!(said["error"].as_str().unwrap().contains(text), "{text}: {said}");
    }
    // Who runs the hub sees it, and is told of it no more than the person.
    let operator = hub::accounts::queries::find_password(&hub.app().pool, "operator").await.unwrap().unwrap();
    let operator = hub::accounts::queries::find_user(&hub.app().pool, operator.user_pk).await.unwrap().unwrap();
    hub.token(&operator, TokenRole::Write).await.post_json(API, &watching("model", "bob/secret"), 400).await;

    hub.sql(
        "insert into webhooks (user_pk, url, domains)
         select namespace_pk, 'https://example.org', '{repo}' from namespaces, generate_series(1, 99) where name = 'ada'",
    )
    .await;
    ada.post_json(API, &body("https://example.org"), 200).await;
    let said = ada.post_json(API, &body("https://example.org"), 409).await;
    assert!(said["error"].as_str().unwrap().contains("as many as there may be"), "{said}");
    hub.stop().await;
}

/// What each gets from a webhook of ada's: anonymous, bob, ada's tokens to read, to write, for a repository, and fine-grained ones that
/// may see and change webhooks. What deletes comes last.
const ROUTES: &[(&str, &str, [u16; 7])] = &[
    ("GET", "", [401, 200, 200, 200, 403, 200, 200]),
    ("POST", "", [401, 400, 403, 400, 403, 403, 400]),
    ("GET", "/{webhook}", [401, 404, 200, 200, 403, 200, 200]),
    ("POST", "/{webhook}", [401, 404, 403, 200, 403, 403, 200]),
    ("POST", "/{webhook}/enable", [401, 404, 403, 200, 403, 403, 200]),
    ("POST", "/{webhook}/disable", [401, 404, 403, 200, 403, 403, 200]),
    ("DELETE", "/{webhook}", [401, 404, 403, 200, 403, 403, 404]),
];

#[tokio::test]
async fn webhooks_are_for_their_owners_and_for_tokens_that_may() {
    let hub = hub().await;
    let (ada, bob) = (hub.account("ada").await, hub.user("bob").await);
    let scoped = |kind: &str, name: &str, permissions: &[&str]| json!({ "scoped": [{ "entity": { "type": kind, "name": name }, "permissions": permissions }] });
    let mut clients = vec![hub.anonymous(), bob];
    clients.push(hub.token(&ada, TokenRole::Read).await);
    clients.push(hub.token(&ada, TokenRole::Write).await);
    for scopes in [
        scoped("org", "acme", &["repo.write", "user.webhooks.write"]),
        scoped("user", "Ada", &["user.webhooks.read"]),
        scoped("user", "ada", &["user.webhooks.write"]),
    ] {
        clients.push(hub.scoped_token(&ada, TokenRole::FineGrained, scopes).await);
    }
    let made = watch(&clients[3], "https://example.org/", &["user ada"]).await;
    let id = made["id"].as_str().unwrap();
    let mut wrong = Vec::new();
    for (method, path, expected) in ROUTES {
        let path = format!("{API}{}", path.replace("{webhook}", id));
        for (at, (client, status)) in clients.iter().zip(expected).enumerate() {
            let request = client.request(method.parse().unwrap(), &path).json(&json!({}));
            let response = request.send().await.unwrap();
            if response.status().as_u16() != *status {
                wrong.push(format!("{at}: {method} {path}: {} and not {status}", response.status()));
            }
            let is_shown = response.text().await.unwrap().contains("s3cret");
            // Who may not change it does not see the secret.
            if *method == "GET" && is_shown != matches!(at, 3 | 6) {
                wrong.push(format!("{at}: {method} {path}: the secret is shown: {is_shown}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    hub.stop().await;
}

#[tokio::test]
async fn who_no_longer_may_see_a_repository_is_told_nothing_of_it() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Read)]).await;
    let (ada, bob) = (hub.token(&ada, TokenRole::Write).await, hub.token(&bob, TokenRole::Write).await);
    let stranger = hub.user("stranger").await;
    watch(&bob, &receiver.url("/bob"), &["org acme"]).await;
    watch(&stranger, &receiver.url("/stranger"), &["org acme"]).await;
    ada.create_repo("model", "acme/secret", true).await;
    ada.create_repo("model", "acme/open", false).await;
    let names = async |count: usize| {
        let got = receiver.wait_for(count).await;
        let mut names: Vec<String> =
            got.iter().map(|one| format!("{} {}", one.path, one.body["repo"]["name"].as_str().unwrap())).collect();
        names.sort();
        names
    };
    assert_eq!(names(3).await, ["/bob acme/open", "/bob acme/secret", "/stranger acme/open"]);
    // Nor is the name shown to who leaves of what they watch.
    let watched = watch(&bob, "https://example.org/", &["model acme/secret"]).await;
    let watched = format!("{API}/{}", watched["id"].as_str().unwrap());
    bob.post_json(&format!("{watched}/disable"), &json!({}), 200).await;

    receiver.answer(500);
    ada.commit("/api/models/acme/secret", "main", &[Client::file("a.txt", "a")], 200).await;
    receiver.wait_for(4).await;
    hub.sql("delete from organization_members where user_pk = (select namespace_pk from namespaces where name = 'bob')").await;
    receiver.answer(200);
    sending::try_now(&hub).await;
    ada.commit("/api/models/acme/secret", "main", &[Client::file("b.txt", "b")], 200).await;
    ada.commit("/api/models/acme/open", "main", &[Client::file("b.txt", "b")], 200).await;
    let to_bob = ["/bob acme/open", "/bob acme/open", "/bob acme/secret", "/bob acme/secret"];
    assert_eq!(names(6).await, [&to_bob[..], &["/stranger acme/open", "/stranger acme/open"]].concat());
    sending::settled(&hub).await;
    assert_eq!(receiver.got().len(), 6, "what waited was not sent any more");
    hub.sql("update users set suspended_at = now() where email = 'stranger@example.org'").await;
    ada.commit("/api/models/acme/open", "main", &[Client::file("c.txt", "c")], 200).await;
    sending::settled(&hub).await;
    assert_eq!(receiver.got().iter().filter(|one| one.path == "/stranger").count(), 2, "who is suspended hears nothing");
    assert_eq!(receiver.got().len(), 7);

    let body = json!({ "fromRepo": "acme/secret", "toRepo": "acme/renamed", "type": "model" });
    ada.post_json("/api/repos/move", &body, 200).await;
    let shown = bob.get_json(&watched, 200).await;
    assert_eq!(shown["webhook"]["watched"][0]["name"], "acme/secret");
    hub.stop().await;
}

#[tokio::test]
async fn a_token_has_webhooks_watch_only_what_it_sees_itself() {
    let hub = hub().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Read)]).await;
    let scoped =
        |permissions: &[&str]| json!({ "scoped": [{ "entity": { "type": "user", "name": "ada" }, "permissions": permissions }] });
    let bare = hub.scoped_token(&ada, TokenRole::FineGrained, scoped(&["user.webhooks.write"])).await;
    let reading = scoped(&["user.webhooks.write", "repo.content.read"]);
    let reading = hub.scoped_token(&ada, TokenRole::FineGrained, reading).await;
    for (client, kind, name, status) in [
        (&bare, "user", "ada", 403),
        (&bare, "org", "acme", 403),
        (&bare, "user", "bob", 200),
        (&reading, "user", "Ada", 200),
        (&reading, "org", "acme", 403),
    ] {
        let body = json!({ "url": "https://example.org/", "watched": [{ "type": kind, "name": name }] });
        let said = client.post_json(API, &body, status).await;
        let is_why = said["error"].as_str().is_some_and(|why| why.contains(&format!("read the repositories of `{name}`")));
        assert_eq!(is_why, status == 403, "{said}");
    }

    // Nor may it send elsewhere what another webhook hears.
    let full = hub.token(&ada, TokenRole::Write).await;
    let made = watch(&full, "https://example.org/", &["org acme"]).await;
    let one = format!("{API}/{}", made["id"].as_str().unwrap());
    let elsewhere = json!({ "url": "https://example.com/" });
    for client in [&bare, &reading] {
        client.post_json(&one, &elsewhere, 403).await;
    }
    bare.post_json(&one, &json!({ "domains": ["repo"], "url": "https://example.org/" }), 200).await;
    full.post_json(&one, &elsewhere, 200).await;
    hub.stop().await;
}
