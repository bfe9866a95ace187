//! Access tokens: for how long, for what, used from where, and what happens when one leaks.

use std::time::{Duration, Instant};

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use crate::outbox::{mails, the_mail};
use crate::pages::browser::{Browser, Page};

const PAGE: &str = "/settings/tokens";
const LEAKED: &str = "/api/tokens/revoke-leaked";

/// Sends the form for a new token and gives the token.
async fn make(hub: &TestHub, browser: &mut Browser, fields: &[(&str, &str)]) -> Client {
    let page = browser.submit(PAGE, PAGE, fields).await;
    assert_eq!(page.status, 303, "{}", page.text);
    shown(hub, browser).await
}

/// The token that the page shows once.
async fn shown(hub: &TestHub, browser: &mut Browser) -> Client {
    let page = browser.open(PAGE).await;
    let rest = page.text.split("value=\"hf_").nth(1).expect("the token is shown");
    hub.with_token(&format!("hf_{}", rest.split('"').next().unwrap()))
}

/// Presses a button of the only token in the list.
async fn press(browser: &mut Browser, action: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.open(PAGE).await;
    let form = page.text.split("action=\"").find(|form| form.split('"').next().unwrap().ends_with(action)).expect("the button");
    let path = form.split('"').next().unwrap().to_owned();
    browser.submit(PAGE, &path, fields).await
}

async fn run(hub: &TestHub, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&hub.app().pool).await.unwrap();
}

#[tokio::test]
async fn a_fine_grained_token_is_for_chosen_repositories_and_says_so() {
    let hub = TestHub::start().await;
    hub.user("boss").await;
    let ada = hub.account("ada").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    let owner = hub.token(&ada, TokenRole::Write).await;
    for (kind, id) in [("model", "acme/one"), ("model", "acme/two"), ("dataset", "acme/one")] {
        owner.create_repo(kind, id, true).await;
    }
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let mut fields =
        vec![("name", "ci"), ("role", "fineGrained"), ("expires", ""), ("repos_read", "acme"), ("repos_write", "acme/one")];
    let page = browser.submit(PAGE, PAGE, &fields).await;
    assert!(page.status == 400 && page.has("names no repository") && page.has(">acme/one</textarea>"), "{}", page.text);
    fields[3].1 = "datasets/acme/one\r\n\r\n";
    let token = make(&hub, &mut browser, &fields).await;
    let page = browser.open(PAGE).await;
    assert!(page.has("datasets/acme/one: read<") && page.has("acme/one: read and write"), "{}", page.text);

    let whoami = token.get_json("/api/whoami-v2", 200).await;
    assert_eq!(whoami["auth"]["accessToken"]["role"], "fineGrained");
    let scopes = &whoami["auth"]["accessToken"]["fineGrained"];
    assert_eq!(scopes["canReadGatedRepos"], false);
    let entity = json!({ "type": "dataset", "name": "acme/one" });
    assert_eq!(scopes["scoped"][0], json!({ "entity": entity, "permissions": ["repo.content.read"] }));
    token.get_json("/api/models/acme/one", 200).await;
    token.get_json("/api/datasets/acme/one", 200).await;
    token.get_json("/api/models/acme/two", 404).await;
    token.commit("/api/models/acme/one", "main", &[Client::file("a.txt", "a")], 200).await;
    token.commit("/api/datasets/acme/one", "main", &[Client::file("a.txt", "a")], 403).await;
    let new = json!({ "type": "model", "organization": "acme", "name": "three" });
    token.post_json("/api/repos/create", &new, 403).await;
    assert!(!token.get("/", 200).await.text().await.unwrap().contains("acme/two"), "the home page shows no others");
    hub.stop().await;
}

#[tokio::test]
async fn a_token_ends_when_it_was_to() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = browser.submit(PAGE, PAGE, &[("name", "ci"), ("role", "read"), ("expires", "5")]).await;
    assert!(page.status == 400 && page.has("Choose when the token stops working."));
    let token = make(&hub, &mut browser, &[("name", "ci"), ("role", "read"), ("expires", "7")]).await;
    token.get("/api/whoami-v2", 200).await;
    assert!(browser.open(PAGE).await.has("Works until"));
    run(&hub, "update access_tokens set expires_at = now() - interval '1 second'").await;
    token.get("/api/whoami-v2", 401).await;
    let page = browser.open(PAGE).await;
    assert!(page.has("Expired") && !page.has("/rotate"), "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn a_token_is_renamed_and_replaced_by_one_with_the_same_rights() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let old = make(&hub, &mut browser, &[("name", "laptop"), ("role", "read")]).await;
    assert_eq!(press(&mut browser, "/rename", &[("name", "\u{200b}")]).await.status, 400);
    assert_eq!(press(&mut browser, "/rename", &[("name", "desk")]).await.status, 303);
    assert_eq!(press(&mut browser, "/rotate", &[]).await.location(), PAGE);
    let new = shown(&hub, &mut browser).await;
    old.get("/api/whoami-v2", 401).await;
    let whoami = new.get_json("/api/whoami-v2", 200).await;
    let token = &whoami["auth"]["accessToken"];
    assert_eq!((token["displayName"].as_str(), token["role"].as_str()), (Some("desk"), Some("read")));

    hub.account("eve").await;
    let mut eve = Browser::logged_in(&hub, "eve").await;
    let page = browser.open(PAGE).await;
    let path = page.text.split("action=\"").find(|form| form.contains("/rotate\"")).unwrap().split('"').next().unwrap();
    assert_eq!(eve.submit(PAGE, path, &[]).await.status, 404, "the tokens of others are out of reach");
    new.get("/api/whoami-v2", 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn the_list_tells_when_and_from_where_a_token_was_used() {
    let hub = TestHub::start().await;
    let client = hub.user("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    assert!(browser.open(PAGE).await.has("<dd>never</dd>"));
    for address in ["198.51.100.1", "198.51.100.2"] {
        let request = client.request(Method::GET, "/api/whoami-v2").header("X-Forwarded-For", address);
        client.send(request, 200).await;
    }
    let started = Instant::now();
    while !browser.open(PAGE).await.has("from 198.51.100.2") {
        assert!(started.elapsed() < Duration::from_secs(60), "the use was not written down");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_token_that_was_found_is_worthless_and_its_owner_is_told() {
    let hub = TestHub::start().await;
    let (ada, grace) = (hub.account("ada").await, hub.account("grace").await);
    run(&hub, "update users set email_confirmed_at = now()").await;
    let leaked = hub.token(&ada, TokenRole::Write).await;
    let kept = hub.token(&grace, TokenRole::Write).await;
    let stranger = hub.anonymous();
    let unknown = stranger.post_json(LEAKED, &json!({ "tokens": ["hf_nobodyhasthisone", "x"] }), 202).await;
    let text = format!("export HF_TOKEN='{}'", leaked.token());
    let known = stranger.post_json(LEAKED, &json!({ "tokens": [text, "hf_nobodyhasthisone"] }), 202).await;
    assert_eq!(known, unknown, "the answer tells nothing");
    let sent = mails(&hub, 1).await;
    let mail = the_mail(&sent, "ada@example.org", "An access token of yours leaked");
    assert!(mail.contains("the access token test") && !mail.contains(leaked.token()), "{mail}");
    leaked.get("/api/whoami-v2", 401).await;
    kept.get("/api/whoami-v2", 200).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = browser.open(PAGE).await;
    assert!(page.has("Leaked") && !page.has("/rotate") && !page.has("/rename"), "{}", page.text);
    assert_eq!(press(&mut browser, "/revoke", &[]).await.status, 303);

    stranger.post_json(LEAKED, &json!({ "tokens": [leaked.token()] }), 202).await;
    mails(&hub, 1).await;
    let many: Vec<String> = (0..1001).map(|number| format!("hf_number{number:06}")).collect();
    stranger.post_json(LEAKED, &json!({ "tokens": many }), 413).await;
    stranger.post_json(LEAKED, &json!({}), 400).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_token_says_what_it_lacks_to_who_may_know_of_the_repository() {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    let owner = hub.token(&ada, TokenRole::Write).await;
    for (repo, private) in [("ada/bert", false), ("ada/secret", true), ("ada/other", true)] {
        owner.create_repo("model", repo, private).await;
    }
    let scopes = |repo: &str, permissions: &[&str]| json!({ "scoped": [{ "entity": { "type": "model", "name": repo }, "permissions": permissions }] });
    let line = [Client::file("a.txt", "a")];
    let text = |said: &hub_tests::Value| said["error"].as_str().unwrap().to_owned();

    let reads = hub.scoped_token(&ada, TokenRole::FineGrained, scopes("ada/bert", &["repo.content.read"])).await;
    let said = text(&reads.commit("/api/models/ada/bert", "main", &line, 403).await);
    assert!(said.starts_with("Your token `test` may read ada/bert, but not write to it. At "), "{said}");
    assert!(said.contains(&format!(" {}{PAGE} ", hub.base())), "{said}");
    let pushing = reads.get("/ada/bert.git/info/refs?service=git-receive-pack", 403).await;
    // Clients show the header.
    let header = pushing.headers()["x-error-message"].to_str().unwrap().to_owned();
    assert!(header.contains("may read ada/bert, but not write to it"), "{header}");
    let only_reads = hub.token(&ada, TokenRole::Read).await;
    let said = text(&only_reads.commit("/api/models/ada/bert", "main", &line, 403).await);
    assert!(said.contains("may read ada/bert, but not write to it"), "{said}");

    let writes = ["repo.content.read", "repo.content.write"];
    let writes = hub.scoped_token(&ada, TokenRole::FineGrained, scopes("ada/bert", &writes)).await;
    writes.commit("/api/models/ada/bert", "main", &line, 200).await;
    let said = writes.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 403).await;
    assert!(text(&said).contains("may read and change ada/bert, but not change its settings"), "{said}");

    // What everybody sees, a token for others may know of; what is private, it may not, and neither may strangers.
    let elsewhere = hub.scoped_token(&ada, TokenRole::FineGrained, scopes("ada/other", &["repo.write"])).await;
    let said = text(&elsewhere.commit("/api/models/ada/bert", "main", &line, 403).await);
    assert!(said.contains("is for others than ada/bert"), "{said}");
    let stranger = hub.scoped_token(&bob, TokenRole::FineGrained, scopes("ada/secret", &["repo.write"])).await;
    for client in [&elsewhere, &stranger] {
        let said = text(&client.commit("/api/models/ada/secret", "main", &line, 404).await);
        assert_eq!(said, "Repository not found");
    }
    hub.anonymous().commit("/api/models/ada/secret", "main", &line, 401).await;
    let said = text(&stranger.commit("/api/models/ada/bert", "main", &line, 403).await);
    assert!(!said.contains("token"), "it is no fault of the token: {said}");
    hub.stop().await;
}
