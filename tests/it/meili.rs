//! A whole hub whose lists and searches are answered by a Meilisearch: [`Meili`] stands in for it.

use hub_storage::Secret;
use hub_tests::{Client, Meili, TestHub, json};
use reqwest::Method;

use crate::discover::repo;
use crate::pages::browser::Browser;
use crate::search::{count, model, names};

async fn hub_with(meili: &Meili) -> TestHub {
    let (url, key) = (meili.url().to_owned(), Secret::new(meili.key().to_owned()));
    TestHub::start_with(|config| {
        config.meili_url = Some(url);
        config.meili_key = Some(key);
    })
    .await
}

async fn shelf(hub: &TestHub) -> Client {
    let ada = hub.user("ada").await;
    let tasks = "pipeline_tag: text-generation";
    model(&ada, "ada/harbour-small", false, &format!("license: mit\n{tasks}"), "Answers questions about volcanoes.").await;
    model(&ada, "ada/harbour-large", false, &format!("license: apache-2.0\n{tasks}"), "Answers letters.").await;
    model(&ada, "ada/harbour-secret", true, &format!("license: mit\n{tasks}"), "Knows of volcanoes, too.").await;
    repo(&ada, "dataset", "ada/harbour-logs", false, "license: cc-by-4.0", "Ships that came in.").await;
    repo(&ada, "space", "ada/harbour-demo", false, "sdk: static\nshort_description: A page", "A page.").await;
    hub.indexed().await;
    ada
}

#[tokio::test]
async fn lists_searches_and_counts_are_those_of_the_viewer() {
    let meili = Meili::start();
    let hub = hub_with(&meili).await;
    let ada = shelf(&hub).await;
    let (mut stranger, mut own) = (Browser::new(&hub), Browser::logged_in(&hub, "ada").await);
    for (browser, mit, all, about_volcanoes) in [(&mut stranger, 1, 2, 1), (&mut own, 2, 3, 2)] {
        let page = browser.open("/models").await;
        assert_eq!((names(&page).len(), count(&page, "license", "mit")), (all, Some(mit)));
        assert_eq!(names(&browser.open("/models?search=volcanoes").await).len(), about_volcanoes);
    }
    let page = stranger.open("/models?search=volcanoes").await;
    assert!(page.has("questions about <mark>volcanoes</mark>"), "a passage is shown");
    // A choice narrows other facets, and in its own shows what else there is.
    let page = stranger.open("/models?license=mit").await;
    assert_eq!(names(&page), ["ada/harbour-small"]);
    assert_eq!((count(&page, "license", "mit"), count(&page, "license", "apache-2.0")), (Some(1), Some(1)));
    assert_eq!(count(&page, "pipeline_tag", "text-generation"), Some(1));
    assert!(stranger.open("/models?license=unheard-of&license=mit").await.has("No models have “unheard-of” as licence."));
    assert!(stranger.open("/models?search=xylophone").await.has("Nothing matches"));
    let any = stranger.open("/models?search=letters volcanoes").await;
    assert!(any.has("at least one of them"), "words that nothing has together");
    // The quick search, over all kinds, and the one of Spaces.
    let found = hub.anonymous().get_json("/api/quicksearch?q=harb", 200).await;
    assert_eq!((&found["modelsCount"], &found["datasetsCount"], &found["spacesCount"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(ada.get_json("/api/quicksearch?q=harb", 200).await["modelsCount"], 3);
    let spaces = hub.anonymous().get_json("/api/spaces/semantic-search?q=harbour&includeNonRunning=true", 200).await;
    assert_eq!((&spaces[0]["id"], &spaces[0]["semanticRelevancyScore"]), (&json!("ada/harbour-demo"), &json!(1.0)));
    hub.stop().await;
}

#[tokio::test]
async fn every_change_reaches_it() {
    let meili = Meili::start();
    let hub = hub_with(&meili).await;
    let ada = shelf(&hub).await;
    let mut browser = Browser::new(&hub);
    // Likes are counters, which change documents that are there.
    ada.call(Method::POST, "/api/models/ada/harbour-large/like", &json!({}), 200).await;
    hub.indexed().await;
    assert_eq!(names(&browser.open("/models?sort=likes").await), ["ada/harbour-large", "ada/harbour-small"]);
    ada.call(Method::DELETE, "/api/models/ada/harbour-large/like", &json!({}), 200).await;
    ada.call(Method::POST, "/api/models/ada/harbour-small/like", &json!({}), 200).await;
    hub.indexed().await;
    assert_eq!(names(&browser.open("/models?sort=likes").await), ["ada/harbour-small", "ada/harbour-large"]);
    ada.call(Method::PUT, "/api/models/ada/harbour-small/settings", &json!({ "private": true }), 200).await;
    hub.indexed().await;
    assert_eq!(names(&browser.open("/models").await), ["ada/harbour-large"], "hidden");
    let gone = json!({ "type": "model", "organization": "ada", "name": "harbour-large" });
    ada.call(Method::DELETE, "/api/repos/delete", &gone, 200).await;
    ada.call(Method::PUT, "/api/models/ada/harbour-small/settings", &json!({ "private": false }), 200).await;
    hub.indexed().await;
    assert_eq!(names(&browser.open("/models").await), ["ada/harbour-small"], "shown again; the other is deleted");
    hub.stop().await;
}

#[tokio::test]
async fn an_index_is_built_anew_beside_the_one_in_use() {
    let meili = Meili::start();
    let hub = hub_with(&meili).await;
    shelf(&hub).await;
    let mut browser = Browser::new(&hub);
    // What a rebuild must mend: something that the feed never said.
    sqlx::query("alter table repos disable trigger user").execute(&hub.app().pool).await.unwrap();
    sqlx::query("update repos set tags = array_append(tags, 'unsaid')").execute(&hub.app().pool).await.unwrap();
    meili.hold_swaps();
    hub::search::request_rebuild(&hub.app().pool).await.unwrap();
    hub.app().search.wake();
    hub_tests::until("the new index is filled", async || meili.has_held()).await;
    assert_eq!(meili.indexes().iter().filter(|(_, documents)| *documents == 5).count(), 2, "{:?}", meili.indexes());
    // The old one answers meanwhile.
    assert_eq!((names(&browser.open("/models").await).len(), names(&browser.open("/models?other=unsaid").await).len()), (2, 0));
    meili.release_swaps();
    let answers = async || names(&browser.open("/models?other=unsaid").await).len() == 2;
    hub_tests::until("the new one answers", answers).await;
    hub.indexed().await;
    hub.stop().await;
}

#[tokio::test]
async fn an_outage_is_told_and_what_happened_meanwhile_is_caught_up() {
    let meili = Meili::start();
    let hub = hub_with(&meili).await;
    let ada = shelf(&hub).await;
    let mut browser = Browser::new(&hub);
    meili.set_down(true);
    let page = browser.get("/search?q=harbour").await;
    assert!(page.status == 503 && page.has("The search does not answer right now"), "{} {}", page.status, page.text);
    // Lists are there all the same, by name, without numbers beside them.
    for (query, found) in [("", 2), ("?search=small", 1), ("?search=volcanoes", 0)] {
        let page = browser.open(&format!("/models{query}")).await;
        assert!(
            names(&page).len() == found && page.has("Until it does, lists are narrowed by name only"),
            "{query}: {}",
            page.text
        );
        assert!(!page.has("harbour-secret"), "{query}");
    }
    let said = hub.anonymous().get_json("/api/quicksearch?q=harbour", 503).await;
    assert!(said["error"].as_str().unwrap().contains("Try again in a moment"), "{said}");
    hub.anonymous().get("/api/spaces/semantic-search?q=harbour", 503).await;
    // What does not search goes on: the API's lists, pages of repositories, commits.
    assert_eq!(hub.anonymous().get_json("/api/models?search=harbour", 200).await.as_array().unwrap().len(), 2);
    assert_eq!(browser.get("/ada/harbour-small").await.status, 200);
    model(&ada, "ada/harbour-new", false, "license: mit", "Made meanwhile.").await;
    meili.set_down(false);
    hub.app().search.wake();
    hub.indexed().await;
    assert_eq!(names(&browser.open("/models?search=meanwhile").await), ["ada/harbour-new"]);
    hub.stop().await;
}
