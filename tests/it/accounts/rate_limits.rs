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
