//! How many requests somebody may make.

use hub::accounts::TokenRole;
use hub::config::{Config, RequestLimits};
use hub_tests::{Client, TestHub};
use reqwest::{Method, Response};

use crate::pages::browser::Browser;

fn few(config: &mut Config) {
    config.rate_limits.window_secs = 3600;
    config.rate_limits.accounts = RequestLimits { api: 4, resolvers: 2, pages: 2 };
    config.rate_limits.anonymous = RequestLimits { api: 2, resolvers: 0, pages: 1 };
}

async fn get(client: &Client, path: &str, from: &str) -> Response {
    client.request(Method::GET, path).header("X-Forwarded-For", from).send().await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn answers_say_how_many_requests_are_left_and_then_refuse() {
    let hub = TestHub::start_with(few).await;
    let stranger = hub.anonymous();
    let answer = get(&stranger, "/api/models", "198.51.100.1").await;
    assert_eq!(answer.status(), 200);
    assert!(header(&answer, "ratelimit").starts_with("\"api\";r=1;t="), "{:?}", answer.headers());
    assert_eq!(header(&answer, "ratelimit-policy"), "\"fixed window\";\"api\";q=2;w=3600");
    let answer = get(&stranger, "/api/models/no/such", "198.51.100.1").await;
    assert_eq!((answer.status().as_u16(), header(&answer, "x-error-code")), (401, "RepoNotFound"));
    assert!(header(&answer, "ratelimit").starts_with("\"api\";r=0;t="), "errors say so, too");

    let answer = get(&stranger, "/api/models", "198.51.100.1").await;
    assert_eq!(answer.status(), 429);
    let wait: u64 = header(&answer, "retry-after").parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert!(header(&answer, "ratelimit").starts_with("\"api\";r=0;t="), "{:?}", answer.headers());
    assert!(header(&answer, "x-error-message").starts_with("Too many requests: this hub takes 2"));
    let body: hub_tests::Value = answer.json().await.unwrap();
    assert!(body["error"].as_str().unwrap().contains("Try again in"), "{body}");

    assert_eq!(get(&stranger, "/api/models", "198.51.100.2").await.status(), 200, "others are not touched");
    let resolved = get(&stranger, "/no/such/resolve/main/x", "198.51.100.1").await;
    assert_eq!((resolved.status().as_u16(), header(&resolved, "ratelimit")), (401, ""), "files are not limited here");
    assert_eq!(get(&stranger, "/healthz", "198.51.100.1").await.status(), 200);
    hub.stop().await;
}

#[tokio::test]
async fn an_account_is_one_client_with_all_its_tokens_and_browsers() {
    let hub = TestHub::start_with(few).await;
    let ada = hub.account("ada").await;
    let (one, other) = (hub.token(&ada, TokenRole::Read).await, hub.token(&ada, TokenRole::Write).await);
    let bob = hub.user("bob").await;
    for (client, from) in [(&one, "198.51.100.1"), (&other, "198.51.100.2"), (&one, "198.51.100.3"), (&other, "198.51.100.4")] {
        assert_eq!(get(client, "/api/whoami-v2", from).await.status(), 200);
    }
    assert_eq!(get(&one, "/api/whoami-v2", "198.51.100.5").await.status(), 429);
    assert_eq!(get(&bob, "/api/whoami-v2", "198.51.100.5").await.status(), 200);
    // A token that is none gives nobody a count of their own.
    for (number, status) in [401, 401, 429].into_iter().enumerate() {
        let forged = hub.with_token(&format!("hf_forged{number}"));
        assert_eq!(get(&forged, "/api/models", "198.51.100.6").await.status(), status);
    }
    for status in [200, 200, 429] {
        let page = get(&one, "/models", "198.51.100.1").await;
        assert_eq!(page.status(), status);
        assert_eq!(header(&page, "ratelimit-policy"), "\"fixed window\";\"pages\";q=2;w=3600");
        assert!(status == 200 || page.text().await.unwrap().contains("This was too often"));
    }
    hub.stop().await;
}

#[tokio::test]
async fn this_machine_is_not_counted_and_limits_can_be_switched_off() {
    let hub = TestHub::start_with(few).await;
    let mut browser = Browser::new(&hub);
    for _ in 0..5 {
        assert!(!browser.open("/models").await.headers.contains_key("ratelimit"));
    }
    hub.stop().await;
    let hub = TestHub::start_with(|config| {
        few(config);
        config.rate_limits.enabled = false;
    })
    .await;
    for _ in 0..5 {
        let answer = get(&hub.anonymous(), "/api/models", "198.51.100.1").await;
        assert_eq!((answer.status().as_u16(), header(&answer, "ratelimit")), (200, ""));
    }
    hub.stop().await;
}

const TOKENS: &str = "/settings/tokens";

/// Ada's browser, and the token that she makes there with a limit of its own.
async fn limited_token(hub: &TestHub, limit: &str) -> (Browser, Client) {
    let mut browser = Browser::logged_in(hub, "ada").await;
    let fields = [("name", "job"), ("role", "read"), ("expires", ""), ("requests_limit", limit)];
    let made = browser.submit(TOKENS, TOKENS, &fields).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let page = browser.open(TOKENS).await;
    let rest = page.text.split("value=\"hf_").nth(1).expect("the token is shown");
    let token = hub.with_token(&format!("hf_{}", rest.split('"').next().unwrap()));
    (browser, token)
}

/// Counts enough for the pages that these tests open.
fn some(config: &mut Config) {
    few(config);
    config.rate_limits.accounts = RequestLimits { api: 5, resolvers: 2, pages: 100 };
}

#[tokio::test]
async fn a_token_with_a_limit_of_its_own_leaves_the_rest_to_others() {
    let hub = TestHub::start_with(some).await;
    let ada = hub.account("ada").await;
    let other = hub.token(&ada, TokenRole::Read).await;
    let (mut browser, job) = limited_token(&hub, "2").await;
    let answer = get(&job, "/api/whoami-v2", "198.51.100.1").await;
    assert_eq!(answer.status(), 200);
    assert!(header(&answer, "ratelimit").starts_with("\"api\";r=1;t="), "{:?}", answer.headers());
    assert_eq!(header(&answer, "ratelimit-policy"), "\"fixed window\";\"api\";q=2;w=3600");
    assert_eq!(get(&job, "/api/whoami-v2", "198.51.100.1").await.status(), 200);
    for _ in 0..5 {
        let answer = get(&job, "/api/whoami-v2", "198.51.100.1").await;
        assert_eq!(answer.status(), 429);
        assert!(header(&answer, "ratelimit").starts_with("\"api\";r=0;t="), "{:?}", answer.headers());
        assert!(header(&answer, "x-error-message").contains("this token has a limit of its own, 2 of"), "{:?}", answer.headers());
    }
    // Two of the account's five are used up, and not seven.
    for left in ["r=2;", "r=1;", "r=0;"] {
        let answer = get(&other, "/api/whoami-v2", "198.51.100.1").await;
        assert_eq!(answer.status(), 200);
        assert!(header(&answer, "ratelimit").contains(left), "{:?}", answer.headers());
        assert_eq!(header(&answer, "ratelimit-policy"), "\"fixed window\";\"api\";q=5;w=3600");
    }
    assert_eq!(get(&other, "/api/whoami-v2", "198.51.100.1").await.status(), 429, "the account has its limit as ever");
    let page = browser.open(TOKENS).await;
    assert!(page.has("7 in the current 3600 seconds, at most 2 of each kind"), "{}", page.text);
    assert!(page.has("4 in the current 3600 seconds<"), "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn an_account_that_has_used_up_its_own_limit_gets_nothing_more_by_a_token_with_one() {
    let hub = TestHub::start_with(some).await;
    let ada = hub.account("ada").await;
    let other = hub.token(&ada, TokenRole::Read).await;
    let (_, job) = limited_token(&hub, "100").await;
    for _ in 0..5 {
        assert_eq!(get(&other, "/api/whoami-v2", "198.51.100.1").await.status(), 200);
    }
    let answer = get(&job, "/api/whoami-v2", "198.51.100.1").await;
    assert_eq!(answer.status(), 429);
    assert_eq!(header(&answer, "ratelimit-policy"), "\"fixed window\";\"api\";q=5;w=3600");
    hub.stop().await;
}

#[tokio::test]
async fn the_limit_of_a_token_is_changed_kept_and_taken_away() {
    let hub = TestHub::start_with(some).await;
    hub.account("ada").await;
    let (mut browser, _) = limited_token(&hub, "2").await;
    let token_pk: i64 =
        sqlx::query_scalar("select token_pk from access_tokens where name = 'job'").fetch_one(&hub.app().pool).await.unwrap();
    let path = format!("{TOKENS}/{token_pk}/limit");
    let limited = |limit: &str| format!("access_tokens where name = 'job' and requests_limit is not distinct from {limit}");
    for wrong in ["0", "-1", "many", "1000000001"] {
        assert_eq!(browser.submit(TOKENS, &path, &[("requests_limit", wrong)]).await.status, 400, "{wrong}");
    }
    let rename = format!("{TOKENS}/{token_pk}/rename");
    for name in ["other", "job"] {
        assert_eq!(browser.submit(TOKENS, &rename, &[("name", name), ("requests_limit", "")]).await.status, 303);
    }
    assert_eq!(hub.count(&limited("2")).await, 1, "another name keeps it");
    assert_eq!(browser.submit(TOKENS, &path, &[("name", "other"), ("requests_limit", "3")]).await.status, 303);
    assert_eq!(hub.count(&limited("3")).await, 1, "another limit keeps the name");
    assert_eq!(browser.submit(TOKENS, &path, &[("requests_limit", "3")]).await.status, 303);
    let noted = "audit_log where action = 'token.limit' and actor = 'ada' and via = 'session' and subject = 'job'";
    assert_eq!(hub.count(noted).await, 1, "the security log tells of a change, and of nothing else");
    assert_eq!(hub.count(&format!("{noted} and details ->> 'from' = '2' and details ->> 'requests' = '3'")).await, 1);
    assert_eq!(browser.submit(TOKENS, &format!("{TOKENS}/{token_pk}/rotate"), &[]).await.status, 303);
    assert_eq!(hub.count(&limited("3")).await, 1, "the token that replaces it has it, too");
    let newer: i64 =
        sqlx::query_scalar("select token_pk from access_tokens where name = 'job'").fetch_one(&hub.app().pool).await.unwrap();
    let path = format!("{TOKENS}/{newer}/limit");
    assert_eq!(browser.submit(TOKENS, &path, &[("requests_limit", "")]).await.status, 303);
    assert_eq!(hub.count(&limited("null")).await, 1);
    assert!(browser.open("/settings/security-log").await.has("Limit of an access token changed"));
    let fields = [("name", "x"), ("role", "read"), ("expires", ""), ("requests_limit", "0")];
    let refused = browser.submit(TOKENS, TOKENS, &fields).await;
    assert!(refused.status == 400 && refused.has("a number from 1 to"), "{}", refused.text);
    hub.stop().await;
}
