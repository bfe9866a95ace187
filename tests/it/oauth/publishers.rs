//! Trusted publishers: a job of CI shows what its issuer signed, and writes to the one repository that trusts it.

mod ci;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub::accounts::OrgRole;
use hub::publishers::{Issuer, Kind};
use hub::web::outbound::AllowedTargets;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use self::ci::{Ci, now, sign};
use crate::pages::browser::{Browser, Page};

/// What the hub calls itself; nothing answers there.
const HUB: &str = "http://hub.example.org";
const PUBLISHERS: &str = "/ada/bert/settings/publishers";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// A hub that takes the issuer's tokens, with `ada/bert` and `ada/other` of ada's, private ones, and acme, where bob writes.
async fn hub(ci: &Ci) -> (TestHub, Browser) {
    let issuer = Issuer { kind: Kind::GitHub, url: ci.url.clone() };
    let hub = TestHub::start_with(|config| {
        config.public_url = Some(HUB.to_owned());
        config.publisher_issuers = vec![issuer];
        config.webhooks_allow = AllowedTargets::parse("127.0.0.1").unwrap();
    })
    .await;
    hub.account("operator").await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Write)]).await;
    let owner = hub.token(&ada, hub::accounts::TokenRole::Write).await;
    for repo in ["ada/bert", "ada/other", "acme/bert"] {
        owner.create_repo("model", repo, true).await;
    }
    let browser = Browser::logged_in(&hub, "ada").await;
    (hub, browser)
}

/// Trusts `octo/bert`, or something narrower.
async fn trust(browser: &mut Browser, ci: &Ci, path: &str, more: &[(&str, &str)]) -> Page {
    let mut fields = vec![("issuer", ci.url.as_str()), ("project", "octo/bert")];
    fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    fields.extend_from_slice(more);
    browser.submit(path, path, &fields).await
}

/// Asks for a token as Python does.
async fn exchange(hub: &TestHub, id_token: &str, resource: &str, status: u16) -> Value {
    let body = json!({
        "grant_type": TOKEN_EXCHANGE, "subject_token_type": ID_TOKEN, "subject_token": id_token, "resource": resource,
    });
    hub.anonymous().post_json("/oauth/token", &body, status).await
}

/// Is refused a token; gives the sentence.
async fn refused(hub: &TestHub, id_token: &str, resource: &str) -> String {
    let answer = exchange(hub, id_token, resource, 400).await;
    assert_eq!(answer["error"], "invalid_grant", "{answer}");
    answer["error_description"].as_str().unwrap().to_owned()
}

async fn job(hub: &TestHub, id_token: &str, resource: &str) -> Client {
    let answer = exchange(hub, id_token, resource, 200).await;
    hub.with_token(answer["access_token"].as_str().unwrap())
}

fn line() -> [Value; 1] {
    [Client::file("x.txt", "x")]
}

#[tokio::test]
async fn a_trusted_job_writes_to_its_repository_and_does_nothing_else() {
    let ci = Ci::start();
    let (hub, mut ada) = hub(&ci).await;
    assert_eq!(trust(&mut ada, &ci, PUBLISHERS, &[]).await.status, 303);
    let answer = exchange(&hub, &ci.token("1"), "ada/bert", 200).await;
    let text = answer["access_token"].as_str().unwrap();
    assert!(text.starts_with("hf_ci_") && answer["expires_in"] == 3600, "{answer}");
    assert_eq!(answer["token_type"], "bearer");
    assert_eq!(answer["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    let job = hub.with_token(text);
    job.commit("/api/models/ada/bert", "main", &line(), 200).await;
    // The commit is the publisher's, by its name.
    let label = format!("GitHub Actions at {}: octo/bert", ci.url.trim_start_matches("http://"));
    let commits = job.get_json("/api/models/ada/bert/commits/main", 200).await;
    assert_eq!(commits[0]["authors"][0]["user"], label.as_str(), "{commits}");
    assert!(ada.open("/ada/bert/commits/main").await.has(&label));

    // It writes there and nowhere else, and manages nothing.
    job.get("/api/models/ada/other", 404).await;
    job.get("/api/models/acme/bert", 404).await;
    job.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": false }), 403).await;
    job.post_json("/api/repos/create", &json!({ "type": "model", "name": "new", "organization": "ada" }), 403).await;
    job.call(Method::DELETE, "/api/repos/delete", &json!({ "type": "model", "organization": "ada", "name": "bert" }), 403).await;
    job.get("/settings/profile", 403).await;
    job.get("/api/settings/webhooks", 403).await;
    job.post_json("/api/models/ada/bert/like", &json!({}), 403).await;
    // Nor does it speak or decide for ada.
    let said = json!({ "title": "Better", "description": "It is.", "pullRequest": true });
    let discussions = "/api/models/ada/bert/discussions";
    job.post_json(discussions, &said, 403).await;
    hub.with_token(&token_of_ada(&hub).await).post_json(discussions, &said, 200).await;
    for (what, body) in [
        ("comment", json!({ "comment": "Yes." })),
        ("title", json!({ "title": "Worse" })),
        ("status", json!({ "status": "closed" })),
        ("merge", json!({})),
        ("pin", json!({ "pinned": true })),
        ("lock", json!({ "locked": true })),
    ] {
        job.post_json(&format!("{discussions}/1/{what}"), &body, 403).await;
    }
    job.commit("/api/models/ada/bert", "refs%2Fpr%2F1", &line(), 403).await;
    job.get("/api/models/ada/bert/user-access-request/pending", 403).await;
    let me = job.get_json("/api/whoami-v2", 200).await;
    assert_eq!((&me["email"], &me["orgs"]), (&Value::Null, &json!([])), "{me}");
    // It is none of the tokens that ada manages.
    assert!(!ada.open("/settings/tokens").await.has("octo/bert"));

    // The page and the log tell of it.
    let page = ada.open(PUBLISHERS).await;
    assert!(page.has("<h2>octo/bert</h2>") && !page.has("<dd>never</dd>"), "{}", page.text);
    let log = ada.open("/settings/security-log").await;
    assert!(log.has("Trusted publisher added</span>: octo/bert"), "{}", log.text);
    assert!(!log.has("made</span>: GitHub Actions"), "the log is not full of tokens that jobs get");

    // After an hour it is over, and is forgotten with what was shown for it.
    hub.sql("update access_tokens set expires_at = now() - interval '2 hours' where publisher_pk is not null").await;
    job.get("/api/models/ada/bert", 401).await;
    hub.sql("update exchanged_id_tokens set expires_at = now() - interval '2 hours'").await;
    hub::oauth::sweep(hub.app()).await.unwrap();
    assert_eq!(hub.count("access_tokens where publisher_pk is not null").await + hub.count("exchanged_id_tokens").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn a_token_that_was_found_in_public_is_worth_nothing() {
    let ci = Ci::start();
    let (hub, mut ada) = hub(&ci).await;
    trust(&mut ada, &ci, PUBLISHERS, &[]).await;
    let job = job(&hub, &ci.token("1"), "ada/bert").await;
    job.get("/api/models/ada/bert", 200).await;
    hub.anonymous().post_json("/api/tokens/revoke-leaked", &json!({ "tokens": [job.token()] }), 202).await;
    hub.jobs_done().await;
    job.get("/api/models/ada/bert", 401).await;
    assert!(ada.open("/settings/security-log").await.has("Access token found in public</span>: GitHub Actions"));
    hub.stop().await;
}

#[tokio::test]
async fn what_is_not_signed_for_this_moment_and_this_hub_is_worth_nothing() {
    let ci = Ci::start();
    let (hub, mut ada) = hub(&ci).await;
    trust(&mut ada, &ci, PUBLISHERS, &[]).await;
    let now = now();
    for (claim, value, said) in [
        ("exp", json!(now - 1), "is over"),
        ("nbf", json!(now + 600), "not good yet"),
        ("iat", json!(now + 600), "not good yet"),
        ("aud", json!("https://other.example.org"), "is for somebody else"),
        ("aud", json!([HUB, "https://other.example.org"]), "is for somebody else"),
        ("iss", json!("https://token.actions.githubusercontent.com"), "takes no ID tokens of"),
        ("jti", Value::Null, "has no `jti`"),
        ("repository", Value::Null, "`repository` is missing"),
    ] {
        let text = refused(&hub, &ci.token_with("a", &[(claim, value.clone())]), "ada/bert").await;
        assert!(text.contains(said), "{claim} {value}: {text}");
    }
    let good = ci.token("a");
    let parts: Vec<&str> = good.split('.').collect();
    let (header, other) = (URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), ci.token("b"));
    for forged in [
        sign(1, &ci.claims("a")),
        format!("{header}.{}.", parts[1]),
        format!("{}.{}.{}", parts[0], parts[1], other.split('.').nth(2).unwrap()),
        parts[..2].join("."),
        "nonsense".to_owned(),
    ] {
        refused(&hub, &forged, "ada/bert").await;
    }
    // What was signed with another key does not have the issuer asked again and again.
    assert_eq!(*ci.asked.lock().unwrap(), 1);

    // Each token works once.
    exchange(&hub, &good, "ada/bert", 200).await;
    assert!(refused(&hub, &good, "ada/bert").await.contains("each works once"));
    for (field, value, error) in [
        ("resource", json!("ada"), "invalid_target"),
        ("resource", json!("buckets/ada/runs"), "invalid_target"),
        ("resource", Value::Null, "invalid_request"),
        ("subject_token_type", json!("urn:huggingface:token-type:user-email"), "invalid_request"),
        ("subject_token", json!(""), "invalid_request"),
    ] {
        let mut body = json!({
            "grant_type": TOKEN_EXCHANGE, "subject_token_type": ID_TOKEN, "subject_token": other, "resource": "ada/bert",
        });
        body[field] = value;
        let answer = hub.anonymous().post_json("/oauth/token", &body, 400).await;
        assert_eq!(answer["error"], error, "{body}");
    }
    // No other grant is asked for in JSON.
    let body = json!({ "grant_type": "refresh_token", "refresh_token": "x", "client_id": "x" });
    assert_eq!(hub.anonymous().post_json("/oauth/token", &body, 400).await["error"], "invalid_request");
    hub.stop().await;
}

#[tokio::test]
async fn only_the_job_that_was_named_is_trusted() {
    let ci = Ci::start();
    let (hub, mut ada) = hub(&ci).await;
    // Nobody is trusted yet; whether there is such a repository stays unsaid.
    let (there, missing) = (refused(&hub, &ci.token("a"), "ada/bert").await, refused(&hub, &ci.token("a"), "ada/none").await);
    assert_eq!(there.replace("ada/bert", "ada/none"), missing);
    let narrow = [("workflow", "release.yml"), ("environment", "production"), ("branch", "main")];
    assert_eq!(trust(&mut ada, &ci, PUBLISHERS, &narrow).await.status, 303);
    assert!(ada.open(PUBLISHERS).await.has("Only workflow release.yml"));
    let production = ("environment", json!("production"));
    for (n, change) in [
        ("repository", json!("octo/bert2")),
        ("environment", json!("staging")),
        ("ref", json!("refs/heads/dev")),
        ("ref", json!("refs/pull/1/merge")),
        ("workflow_ref", json!("octo/bert/.github/workflows/test.yml@refs/heads/main")),
        ("workflow_ref", json!("evil/bert/.github/workflows/release.yml@refs/heads/main")),
    ]
    .into_iter()
    .enumerate()
    {
        let text = refused(&hub, &ci.token_with(&format!("{n}"), &[production.clone(), change.clone()]), "ada/bert").await;
        assert!(text.contains("trusts no such publisher"), "{change:?}: {text}");
    }
    refused(&hub, &ci.token_with("x", std::slice::from_ref(&production)), "ada/other").await;
    // What somebody with a fork can begin, even where it runs on the branch that is trusted.
    let pull = [production.clone(), ("event_name", json!("pull_request_target"))];
    assert!(refused(&hub, &ci.token_with("pull", &pull), "ada/bert").await.contains("begun by `pull_request_target`"));
    exchange(&hub, &ci.token_with("good", std::slice::from_ref(&production)), "ada/bert", 200).await;
    // Whoever gets the name of a repository there is another one.
    let again = [production, ("repository_id", json!("8"))];
    assert!(refused(&hub, &ci.token_with("again", &again), "ada/bert").await.contains("another repository now"));
    hub.stop().await;
}

#[tokio::test]
async fn what_ends_trust_ends_its_tokens() {
    let ci = Ci::start();
    let (hub, mut ada) = hub(&ci).await;
    trust(&mut ada, &ci, PUBLISHERS, &[]).await;
    let api = "/api/models/ada/bert";
    let ada_token = hub.with_token(&token_of_ada(&hub).await);

    // Under another name, the old token opens nothing, not even what is made in its place; a new one follows.
    let first = job(&hub, &ci.token("1"), "ada/bert").await;
    let moving = json!({ "fromRepo": "ada/bert", "toRepo": "ada/moved", "type": "model" });
    ada_token.post_json("/api/repos/move", &moving, 200).await;
    ada_token.create_repo("model", "ada/bert", true).await;
    first.get(api, 401).await;
    let text = refused(&hub, &ci.token("2"), "ada/bert").await;
    assert!(text.contains("trusts no such publisher"), "{text}");
    let second = job(&hub, &ci.token("2"), "ada/moved").await;
    second.commit("/api/models/ada/moved", "main", &line(), 200).await;
    second.get(api, 404).await;

    // What moderators disabled takes nothing.
    hub.sql("update repos set disabled = true where name = 'moved'").await;
    assert!(refused(&hub, &ci.token("3"), "ada/moved").await.contains("Moderators disabled"));
    second.commit("/api/models/ada/moved", "main", &line(), 403).await;
    hub.sql("update repos set disabled = false where name = 'moved'").await;

    // Removed, with the token that it had.
    let settings = "/ada/moved/settings/publishers";
    let page = ada.open(settings).await;
    let remove =
        page.text.split("action=\"").find(|rest| rest.contains("/remove\"")).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(ada.submit(settings, &remove, &[]).await.status, 303);
    second.get("/api/models/ada/moved", 401).await;
    refused(&hub, &ci.token("4"), "ada/moved").await;
    assert_eq!(ada.submit(settings, &remove, &[]).await.status, 409, "once");
    assert!(ada.open("/settings/security-log").await.has("Trusted publisher removed</span>: octo/bert"));

    // Restored, it is trusted as before, and the token that it had stays over.
    let removed: i64 =
        sqlx::query_scalar("select publisher_pk from deleted_publishers").fetch_one(&hub.app().pool).await.unwrap();
    let removed = removed.to_string();
    let restore = [("restore", removed.as_str())];
    let page = ada.open(settings).await;
    assert!(page.has("Removed publishers") && page.has("Restore octo/bert"), "{}", page.text);
    assert_eq!(ada.submit(settings, settings, &restore).await.status, 303);
    second.get("/api/models/ada/moved", 401).await;
    job(&hub, &ci.token("8"), "ada/moved").await;
    assert_eq!(ada.submit(settings, settings, &restore).await.status, 409, "once");
    assert_eq!(ada.submit(settings, &remove, &[]).await.status, 303);
    hub.sql("update deleted_publishers set deleted_at = now() - interval '31 days'").await;
    assert!(!ada.open(settings).await.has("Removed publishers"));
    assert_eq!(ada.submit(settings, settings, &restore).await.status, 409, "its time is over");
    hub.sql("update deleted_publishers set deleted_at = now()").await;

    // Deleted, and restored: it is trusted again, the token is gone.
    trust(&mut ada, &ci, settings, &[]).await;
    let page = ada.submit(settings, settings, &restore).await;
    assert!(page.status == 409 && page.has("added again already"), "{}", page.text);
    hub::gc::kept::forget(hub.app()).await.unwrap();
    assert_eq!(hub.count("deleted_publishers").await, 1);
    hub.sql("update deleted_publishers set deleted_at = now() - interval '31 days'").await;
    hub::gc::kept::forget(hub.app()).await.unwrap();
    assert_eq!(hub.count("deleted_publishers").await, 0);
    let third = job(&hub, &ci.token("5"), "ada/moved").await;
    let named = json!({ "type": "model", "organization": "ada", "name": "moved" });
    ada_token.call(Method::DELETE, "/api/repos/delete", &named, 200).await;
    third.get("/api/models/ada/moved", 401).await;
    refused(&hub, &ci.token("6"), "ada/moved").await;
    let deleted = ada_token.get_json("/api/settings/deleted-repos", 200).await;
    let restore = format!("/api/deleted-repos/{}/restore", deleted[0]["_id"].as_str().unwrap());
    ada_token.post_json(&restore, &json!({}), 200).await;
    third.get("/api/models/ada/moved", 401).await;
    job(&hub, &ci.token("7"), "ada/moved").await.commit("/api/models/ada/moved", "main", &line(), 200).await;
    hub.stop().await;
}

/// A token of ada's that writes.
async fn token_of_ada(hub: &TestHub) -> String {
    let mut conn = hub.app().pool.acquire().await.unwrap();
    let pk = hub::accounts::queries::find_namespace(&mut conn, "ada").await.unwrap().unwrap().namespace_pk;
    drop(conn);
    let ada = hub::accounts::queries::find_user(&hub.app().pool, pk).await.unwrap().unwrap();
    hub.token(&ada, hub::accounts::TokenRole::Write).await.token().to_owned()
}

#[tokio::test]
async fn an_organization_trusts_for_all_of_its_repositories_while_who_said_so_writes_there() {
    let ci = Ci::start();
    let (hub, mut ada) = hub(&ci).await;
    let path = "/organizations/acme/settings/publishers";
    assert_eq!(trust(&mut ada, &ci, path, &[]).await.status, 303);
    assert!(ada.open("/organizations/acme/settings/audit-log").await.has("Trusted publisher added</span>: octo/bert"));
    job(&hub, &ci.token("1"), "acme/bert").await.commit("/api/models/acme/bert", "main", &line(), 200).await;
    refused(&hub, &ci.token("2"), "ada/bert").await;
    // Nobody does by it what who added it may not do any more.
    let before = job(&hub, &ci.token("3"), "acme/bert").await;
    hub.sql(
        "update organization_members set role = 'read' where user_pk = (select namespace_pk from namespaces where name = 'ada')",
    )
    .await;
    before.commit("/api/models/acme/bert", "main", &line(), 403).await;
    assert!(refused(&hub, &ci.token("4"), "acme/bert").await.contains("may not write to acme/bert any more"));
    hub.stop().await;
}

#[tokio::test]
async fn admins_say_whom_they_trust_and_prove_who_they_are_for_it() {
    let ci = Ci::start();
    let (hub, mut ada) = hub(&ci).await;
    for (field, value, status) in [
        ("project", "octo", 400),
        ("project", "https://github.com/octo/bert", 400),
        ("issuer", "https://evil.example.org", 400),
        ("workflow", "release.yml@main", 400),
        ("branch", "refs/heads/main", 303),
        ("branch", "main", 409),
    ] {
        let page = trust(&mut ada, &ci, PUBLISHERS, &[(field, value)]).await;
        assert_eq!(page.status, status, "{field} {value}: {}", page.text);
    }
    // Somebody who found the browser open cannot.
    hub.sql("update sessions set proved_at = now() - interval '1 day'").await;
    let page = trust(&mut ada, &ci, PUBLISHERS, &[]).await;
    assert!(page.status == 303 && page.location().starts_with("/sudo"), "{} {}", page.status, page.text);
    assert_eq!(hub.count("trusted_publishers").await, 1);
    // Members who only write see no such page.
    let mut bob = Browser::logged_in(&hub, "bob").await;
    assert_eq!(bob.get("/acme/bert/settings/publishers").await.status, 403);
    assert_eq!(bob.get("/organizations/acme/settings/publishers").await.status, 403);
    hub.stop().await;
}

#[tokio::test]
async fn a_hub_that_does_not_know_its_address_gives_no_token() {
    let ci = Ci::start();
    let issuer = Issuer { kind: Kind::GitHub, url: ci.url.clone() };
    let hub = TestHub::start_with(|config| config.publisher_issuers = vec![issuer]).await;
    // The sender of a request says what it is called.
    let id_token = ci.token_with("1", &[("aud", json!(hub.base()))]);
    let answer = exchange(&hub, &id_token, "ada/bert", 400).await;
    assert!(answer["error_description"].as_str().unwrap().contains("HUB_PUBLIC_URL"), "{answer}");
    hub.stop().await;
    let hub = TestHub::start_with(|config| {
        config.public_url = Some(HUB.to_owned());
        config.publisher_issuers = Vec::new();
    })
    .await;
    assert_eq!(exchange(&hub, &ci.token("1"), "ada/bert", 400).await["error"], "unsupported_grant_type");
    hub.stop().await;
}

#[tokio::test]
async fn an_issuer_that_may_not_be_asked_is_no_silent_one() {
    let ci = Ci::start();
    let issuer = Issuer { kind: Kind::GitHub, url: ci.url.clone() };
    let hub = TestHub::start_with(|config| {
        config.public_url = Some(HUB.to_owned());
        config.publisher_issuers = vec![issuer];
        config.webhooks_allow = AllowedTargets::parse("ci.example.org").unwrap().and_nothing_else();
    })
    .await;
    // It is said again to who comes a moment later, when nobody looks.
    for jti in ["1", "2"] {
        let answer = exchange(&hub, &ci.token(jti), "ada/bert", 503).await.to_string();
        assert!(answer.contains("does not allow it to ask GitHub Actions at 127.0.0.1"), "{answer}");
        assert!(answer.contains("HUB_WEBHOOKS_ALLOW") && !answer.contains("does not answer"), "{answer}");
    }
    hub.stop().await;
}
