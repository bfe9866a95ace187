//! Signing in on a device without a browser.

use hub_tests::{TestHub, Value};
use reqwest::Method;

use super::{CALLBACK, application, hub, token};
use crate::pages::browser::Browser;

/// What `hf auth login` says that it is.
const COMMAND_LINE: &str = "26be6b09-91c5-47da-9861-d2d2bb7a7e36";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(hub: &TestHub, client_id: &str) -> Value {
    let anonymous = hub.anonymous();
    let request = anonymous.request(Method::POST, "/oauth/device").form(&[("client_id", client_id)]);
    anonymous.send(request, 200).await.json().await.unwrap()
}

async fn poll(hub: &TestHub, client_id: &str, device: &Value, status: u16) -> Value {
    // Tests do not wait for five seconds.
    hub.sql("update oauth_devices set polled_at = null").await;
    ask(hub, client_id, device, status).await
}

async fn ask(hub: &TestHub, client_id: &str, device: &Value, status: u16) -> Value {
    let code = device["device_code"].as_str().unwrap();
    token(hub, &[("grant_type", GRANT), ("device_code", code), ("client_id", client_id)], status).await
}

#[tokio::test]
async fn the_command_line_signs_in_as_the_person_and_stays_so() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let device = begin(&hub, COMMAND_LINE).await;
    assert_eq!(device["interval"], 5);
    assert_eq!(device["expires_in"], 600);
    assert_eq!(device["verification_uri"], format!("{}/oauth/device", hub.base()));
    assert_eq!(poll(&hub, COMMAND_LINE, &device, 400).await["error"], "authorization_pending");
    assert_eq!(ask(&hub, COMMAND_LINE, &device, 400).await["error"], "slow_down");

    let typed = device["user_code"].as_str().unwrap().to_lowercase().replace('-', "");
    assert!(Browser::new(&hub).get("/oauth/device").await.location().starts_with("/login"));
    let asking = format!("/oauth/device?user_code={typed}");
    let page = ada.open(&asking).await;
    assert!(page.has("Allow this only if you have just started it yourself") && page.has("at the address 127.0.0.1"));
    assert!(page.has("Act as you"));
    let done = ada.submit(&asking, "/oauth/device/answer", &[("user_code", &typed), ("answer", "allow")]).await;
    assert!(done.status == 200 && done.has("The device is signed in"), "{}", done.text);
    let got = poll(&hub, COMMAND_LINE, &device, 200).await;
    assert_eq!(got["expires_in"], 30 * 24 * 3600);
    assert_eq!(poll(&hub, COMMAND_LINE, &device, 400).await["error"], "invalid_grant", "it works once");
    let client = hub.with_token(got["access_token"].as_str().unwrap());
    client.create_repo("model", "ada/bert", true).await;
    client.post_json("/api/models/ada/bert/like", &hub_tests::json!({}), 200).await;
    let me = client.get_json("/api/whoami-v2", 200).await;
    assert!(me["auth"].get("accessToken").is_none(), "huggingface_hub names it `oauth-ada` then");
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", got["refresh_token"].as_str().unwrap()), ("client_id", COMMAND_LINE)];
    token(&hub, &refresh, 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_device_is_refused_and_its_code_guessed_in_vain() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut ada, "public", CALLBACK, &["openid", "profile"]).await;
    let device = begin(&hub, &painter.id).await;
    assert_eq!(poll(&hub, COMMAND_LINE, &device, 400).await["error"], "invalid_grant", "of another client");
    let typed = device["user_code"].as_str().unwrap();
    let asking = format!("/oauth/device?user_code={typed}");
    assert_eq!(
        ada.post("/oauth/device/answer", &[("user_code", typed), ("answer", "allow")]).await.status,
        403,
        "no form of ours"
    );
    let done = ada.submit(&asking, "/oauth/device/answer", &[("user_code", typed), ("answer", "deny")]).await;
    assert!(done.has("You said no"), "{}", done.text);
    assert_eq!(poll(&hub, &painter.id, &device, 400).await["error"], "access_denied");
    assert_eq!(ada.get(&asking).await.status, 404, "it has its answer");

    let late = begin(&hub, &painter.id).await;
    hub.sql("update oauth_devices set expires_at = now() - interval '1 second'").await;
    assert_eq!(poll(&hub, &painter.id, &late, 400).await["error"], "expired_token");
    assert_eq!(ada.get(&format!("/oauth/device?user_code={}", late["user_code"].as_str().unwrap())).await.status, 404);

    let mut tried = Vec::new();
    for _ in 0..45 {
        tried.push(ada.get("/oauth/device?user_code=BBBB-BBBB").await.status);
    }
    assert!(tried.starts_with(&[404; 30]) && tried.ends_with(&[429]), "{tried:?}");
    let anonymous = hub.anonymous();
    let request = anonymous.request(Method::POST, "/oauth/device").form(&[("client_id", "nobody")]);
    anonymous.send(request, 401).await;
    hub.stop().await;
}
