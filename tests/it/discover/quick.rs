//! The box in the head of every page, its API, and the page of results.

use hub::accounts::OrgRole;
use hub_tests::TestHub;

use super::{listed, shelf};
use crate::pages::browser::Browser;

#[tokio::test]
async fn one_question_finds_every_kind_of_thing() {
    let hub = TestHub::start().await;
    let ada = shelf(&hub).await;
    let bob = hub.account("harbourmaster").await;
    hub.organization("harbour-works", &[(&bob, OrgRole::Admin)]).await;
    hub.indexed().await;
    let found = hub.anonymous().get_json("/api/quicksearch?q=harbour", 200).await;
    assert_eq!(listed(&found, "models", "id"), ["ada/harbour-small"]);
    assert_eq!(listed(&found, "datasets", "id"), ["ada/harbour-logs"]);
    assert_eq!(listed(&found, "spaces", "id"), ["ada/harbour-demo"]);
    assert_eq!(listed(&found, "orgs", "name"), ["harbour-works"]);
    assert_eq!(listed(&found, "users", "user"), ["harbourmaster"]);
    for (key, count) in
        [("modelsCount", 1), ("datasetsCount", 1), ("spacesCount", 1), ("orgsCount", 1), ("usersCount", 1), ("tasksCount", 0)]
    {
        assert_eq!(found[key], count, "{key}");
    }
    assert_eq!((&found["q"], found["models"][0]["trendingWeight"].is_number()), (&"harbour".into(), true));
    // Private things are there for their owner.
    let own = ada.get_json("/api/quicksearch?q=harbour", 200).await;
    assert_eq!((listed(&own, "models", "id").len(), &own["modelsCount"]), (2, &2.into()));
    // Unfinished words, wrong letters, words of cards, tasks.
    for (question, key, member, first) in [
        ("harb", "models", "id", "ada/harbour-small"),
        ("ada/harb", "models", "id", "ada/harbour-small"),
        ("habrour", "datasets", "id", "ada/harbour-logs"),
        ("volcano", "models", "id", "ada/harbour-small"),
        ("harbourmastr", "users", "user", "harbourmaster"),
        ("harbuor-works", "orgs", "name", "harbour-works"),
        ("text gen", "tasks", "id", "text-generation"),
        ("summarizaton", "tasks", "id", "summarization"),
    ] {
        let found = hub.anonymous().get_json(&format!("/api/quicksearch?q={question}"), 200).await;
        assert!(listed(&found, key, member).contains(&first), "{question}: {found}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn kinds_and_numbers_can_be_asked_for() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    hub.indexed().await;
    let anyone = hub.anonymous();
    let only = anyone.get_json("/api/quicksearch?q=harbour&type=dataset", 200).await;
    assert_eq!((listed(&only, "datasets", "id").len(), &only["modelsCount"]), (1, &0.into()));
    assert_eq!(anyone.get_json("/api/quicksearch?q=ada&limit=1", 200).await["models"].as_array().unwrap().len(), 1);
    let said = anyone.get_json("/api/quicksearch?q=x&type=paper", 400).await;
    assert!(said["error"].as_str().unwrap().contains("Known are `all`, `model`"), "{said}");
    anyone.get("/api/quicksearch?q=x&limit=many", 400).await;
    hub.stop().await;
}

#[tokio::test]
async fn odd_questions_are_bounded_and_told() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    hub.indexed().await;
    let anyone = hub.anonymous();
    let long = "harbour".repeat(1500);
    let found = anyone.get_json(&format!("/api/quicksearch?q={long}"), 200).await;
    assert!(found["truncated"] == true && found["q"].as_str().unwrap().len() <= 512);
    for question in [
        "%00",
        "%00%01harbour%1b[31m",
        "'%20or%201=1%20--",
        "%25%25%25",
        "_",
        "\\",
        "<script>alert(1)</script>",
        "%ff%fe",
        "",
        "%20",
    ] {
        let found = anyone.get_json(&format!("/api/quicksearch?q={question}"), 200).await;
        assert!(!found["q"].as_str().unwrap().contains(char::is_control), "{question}");
        let mut browser = Browser::new(&hub);
        let page = browser.open(&format!("/search?q={question}")).await;
        assert!(!page.has("<script>alert"), "{question}");
    }
    // A pattern of the database is a text like any other.
    let all = anyone.get_json("/api/quicksearch?q=%25", 200).await;
    assert_eq!((&all["usersCount"], &all["orgsCount"]), (&0.into(), &0.into()));
    let mut browser = Browser::new(&hub);
    assert!(browser.open(&format!("/search?q={long}")).await.has("only its beginning was searched for"));
    assert_eq!(browser.get("/search?q=x&type=paper").await.status, 400);
    hub.stop().await;
}

#[tokio::test]
async fn the_page_of_results_has_tabs_and_passages() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/search?q=volcanoes").await;
    assert!(page.has("questions about <mark>volcanoes</mark>"), "a passage is shown");
    assert!(page.has("/search?q=volcanoes&#38;type=model") || page.has("/search?q=volcanoes&amp;type=model"));
    assert!(!page.has("harbour-secret"), "private things are not shown to strangers");
    let mut own = Browser::logged_in(&hub, "ada").await;
    assert!(own.open("/search?q=volcanoes&type=model").await.has("harbour-secret"));
    let page = browser.open("/search?q=harbour&type=dataset").await;
    assert!(page.has("harbour-logs") && !page.has("/ada/harbour-small"));
    assert!(browser.open("/search").await.has("What are you looking for?"));
    assert!(browser.open("/search?q=xylophone").await.has("Nothing fits"));
    // Every page has the box, which works as a plain form.
    let home = browser.open("/").await;
    assert!(home.has("action=\"/search\"") && home.has("name=\"q\""));
    hub.stop().await;
}
