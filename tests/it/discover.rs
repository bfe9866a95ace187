//! Finding things across kinds, and what follows from licences.

mod facets;
mod finders;
mod fits;
mod licences;
mod narrowing;
mod quick;
mod spaces;

use hub_tests::{Client, TestHub, Value, json};

/// A repository with a card.
pub(crate) async fn repo(client: &Client, kind: &str, id: &str, private: bool, yaml: &str, text: &str) {
    let (namespace, name) = id.split_once('/').unwrap();
    let body = json!({ "type": kind, "organization": namespace, "name": name, "private": private, "sdk": "static" });
    client.post_json("/api/repos/create", &body, 200).await;
    let card = Client::file("README.md", &format!("---\n{yaml}\n---\n{text}\n"));
    client.commit(&format!("/api/{kind}s/{id}"), "main", &[card], 200).await;
}

/// What one key of an answer lists, by one of its members.
fn listed<'a>(answer: &'a Value, key: &str, member: &str) -> Vec<&'a str> {
    answer[key].as_array().unwrap().iter().map(|item| item[member].as_str().unwrap()).collect()
}

/// Ada's public things, and acme's, one of them private.
async fn shelf(hub: &TestHub) -> Client {
    let ada = hub.user("ada").await;
    repo(
        &ada,
        "model",
        "ada/harbour-small",
        false,
        "license: mit\npipeline_tag: text-generation",
        "Answers questions about volcanoes.",
    )
    .await;
    repo(&ada, "model", "ada/harbour-secret", true, "license: mit", "Knows of volcanoes, too.").await;
    repo(&ada, "dataset", "ada/harbour-logs", false, "license: cc-by-4.0", "Ships that came in.").await;
    repo(&ada, "space", "ada/harbour-demo", false, "sdk: static", "A page.").await;
    ada
}
