//! `/api/spaces/semantic-search`: what clients get who look for Spaces by words.

use hub_tests::{Client, TestHub, Value, json};

use super::repo;

async fn spaces(hub: &TestHub) -> Client {
    let ada = hub.user("ada").await;
    let card = "title: Lighthouse chat\nemoji: 🚢\nsdk: static\nshort_description: Talks to keepers\ntags: [harbour]";
    for (name, private, yaml) in [
        ("lighthouse", false, card),
        ("lighthouse-gradio", false, "title: Another\nsdk: gradio\ntags: [harbour, night]"),
        ("lighthouse-secret", true, "title: Hidden\nsdk: static"),
    ] {
        let id = format!("ada/{name}");
        repo(&ada, "space", &id, private, yaml, "About lighthouses.").await;
        if name != "lighthouse-gradio" {
            ada.commit(&format!("/api/spaces/{id}"), "main", &[Client::file("index.html", "<p>x</p>")], 200).await;
        }
    }
    hub.indexed().await;
    ada
}

fn ids(found: &Value) -> Vec<&str> {
    let mut ids: Vec<&str> = found.as_array().unwrap().iter().map(|space| space["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn spaces_are_found_by_words_with_what_clients_read() {
    let hub = TestHub::start().await;
    let ada = spaces(&hub).await;
    let search = "/api/spaces/semantic-search?q=lighthouse";
    let found = hub.anonymous().get_json(search, 200).await;
    // The one without an app cannot run, and is there only for those who ask for all.
    assert_eq!(ids(&found), ["ada/lighthouse"]);
    let space = &found[0];
    assert_eq!((&space["author"], &space["title"], &space["emoji"]), (&json!("ada"), &json!("Lighthouse chat"), &json!("🚢")));
    assert_eq!((&space["sdk"], &space["likes"], &space["private"]), (&json!("static"), &json!(0), &json!(false)));
    assert_eq!((&space["ai_short_description"], &space["ai_category"]), (&json!("Talks to keepers"), &Value::Null));
    assert!(space["semanticRelevancyScore"] == 1.0 && space["trendingScore"].is_number(), "{space}");
    assert!(space["tags"].as_array().unwrap().contains(&json!("harbour")) && space["runtime"]["stage"].is_string());
    let own = ada.get_json(search, 200).await;
    assert_eq!(ids(&own), ["ada/lighthouse", "ada/lighthouse-secret"], "private ones are found by their owner");
    let all = format!("{search}&includeNonRunning=true");
    assert_eq!(ids(&hub.anonymous().get_json(&all, 200).await), ["ada/lighthouse", "ada/lighthouse-gradio"]);
    for (narrowed, expected) in [
        ("&sdk=gradio", vec!["ada/lighthouse-gradio"]),
        ("&sdk=gradio&sdk=static", vec!["ada/lighthouse", "ada/lighthouse-gradio"]),
        ("&filter=harbour&filter=night", vec!["ada/lighthouse-gradio"]),
        ("&filter=none", vec![]),
    ] {
        assert_eq!(ids(&hub.anonymous().get_json(&format!("{all}{narrowed}"), 200).await), expected, "{narrowed}");
    }
    assert_eq!(hub.anonymous().get_json(&format!("{all}&limit=1"), 200).await.as_array().unwrap().len(), 1);
    assert_eq!(hub.anonymous().get_json("/api/spaces/semantic-search?q=xylophone", 200).await, json!([]));
    for query in ["", "?q=", "?q=%20", "?q=x&limit=many"] {
        hub.anonymous().get(&format!("/api/spaces/semantic-search{query}"), 400).await;
    }
    hub.stop().await;
}
