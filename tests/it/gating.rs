//! Gated repositories: asking, deciding, and what is open to whom by then.

mod asking;
mod deciding;
mod mails;
mod matrix;
mod pages;
mod undo;

use hub::accounts::OrgRole;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

const API: &str = "/api/models/acme/gated";
const CARD: &str = "---
license: other
extra_gated_heading: Say who you are
extra_gated_prompt: You agree to **nothing bad**.
extra_gated_fields:
  Company: text
  Country: country
  I agree: checkbox
  Where: ip_location
---
# Behind a gate
";

/// A hub with a model of acme's behind a manual gate. Ada decides, bob and dave are strangers.
struct Gated {
    hub: TestHub,
    ada: Client,
    bob: Client,
}

impl Gated {
    async fn start() -> Self {
        let hub = TestHub::start().await;
        hub.account("operator").await;
        let owner = hub.account("ada").await;
        hub.organization("acme", &[(&owner, OrgRole::Admin)]).await;
        let ada = hub.token(&owner, hub::accounts::TokenRole::Write).await;
        let bob = hub.user("bob").await;
        ada.create_repo("model", "acme/gated", false).await;
        ada.commit(API, "main", &[Client::file("README.md", CARD), Client::file("data.txt", "data\n")], 200).await;
        let gated = Self { hub, ada, bob };
        gated.gate(json!("manual")).await;
        gated
    }

    async fn gate(&self, mode: Value) {
        self.ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "gated": mode }), 200).await;
    }

    /// Decides by the name of who asked.
    async fn decide(&self, user: &str, status: &str) {
        let body = json!({ "user": user, "status": status });
        assert_eq!(self.ada.post_json(&format!("{API}/user-access-request/handle"), &body, 200).await, json!({}));
    }

    /// The names in a list.
    async fn list(&self, status: &str) -> Vec<String> {
        let found = self.ada.get_json(&format!("{API}/user-access-request/{status}"), 200).await;
        found.as_array().unwrap().iter().map(|item| item["user"]["user"].as_str().unwrap().to_owned()).collect()
    }
}

/// Asks, with an answer to everything.
async fn ask(client: &Client) {
    let answers = json!({ "Company": "Acme", "Country": "FR", "I agree": true });
    let response = client.send(client.request(Method::POST, "/acme/gated/ask-access").json(&answers), 303).await;
    assert_eq!(response.headers()["location"], "/acme/gated");
}
