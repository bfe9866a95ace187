//! Finding repositories: what the search index knows, when, and for whom.

use hub::accounts::OrgRole;
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use crate::pages::browser::{Browser, Page};

fn card(yaml: &str, text: &str) -> hub_tests::Value {
    Client::file("README.md", &format!("---\n{yaml}\n---\n{text}\n"))
}

pub(crate) async fn model(client: &Client, id: &str, private: bool, yaml: &str, text: &str) {
    client.create_repo("model", id, private).await;
    client.commit(&format!("/api/models/{id}"), "main", &[card(yaml, text)], 200).await;
}

/// The names on a page, in order.
pub(crate) fn names(page: &Page) -> Vec<String> {
    let links = page.text.split("class=\"repo-card-link\" href=\"/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// How many a facet says that there are of a value.
pub(crate) fn count(page: &Page, key: &str, value: &str) -> Option<u64> {
    let start = format!("name=\"{key}\" value=\"{value}\"");
    let option = page.text.split(&start).nth(1)?.split("</li>").next()?;
    let number = option.split("facet-count\"><span class=\"visually-hidden\">(</span>").nth(1)?.split('<').next()?;
    number.replace(',', "").parse().ok()
}

async fn shelf(hub: &TestHub) -> Client {
    let ada = hub.user("ada").await;
    let base = "license: mit\nlanguage: [en, de]\npipeline_tag: text-generation\nlibrary_name: transformers";
    model(&ada, "ada/Qwen2-tiny-chat", false, base, "# Tiny\n\nA small model that answers questions about volcanoes.").await;
    let tuned = "license: apache-2.0\nlanguage: de\npipeline_tag: text-generation\nbase_model: ada/Qwen2-tiny-chat\ndatasets: [ada/corpus]";
    model(&ada, "ada/tuned", false, tuned, "Tuned on letters.").await;
    model(&ada, "ada/eyes", false, "license: mit\npipeline_tag: image-classification", "Sees 火山噴火 well.").await;
    ada
}

#[tokio::test]
async fn facets_count_what_the_viewer_may_see() {
    let hub = TestHub::start().await;
    let ada = shelf(&hub).await;
    let bob = hub.account("bob").await;
    let eve = hub.account("eve").await;
    hub.organization("acme", &[(&bob, OrgRole::Write), (&eve, OrgRole::Read)]).await;
    let bob_client = hub.token(&bob, hub::accounts::TokenRole::Write).await;
    model(&bob_client, "acme/secret", true, "license: mit\npipeline_tag: text-generation", "Nobody else reads of volcanoes.")
        .await;
    hub.indexed().await;
    for (who, mit, generation) in [(None, 2, 2), (Some("eve"), 3, 3), (Some("bob"), 3, 3), (Some("ada"), 3, 3)] {
        let mut browser = match who {
            Some(name) => Browser::logged_in(&hub, name).await,
            None => Browser::new(&hub),
        };
        let page = browser.open("/models").await;
        assert_eq!(count(&page, "license", "mit"), Some(mit), "{who:?}");
        assert_eq!(count(&page, "pipeline_tag", "text-generation"), Some(generation), "{who:?}");
        assert_eq!(page.has("secret"), who.is_some(), "{who:?}");
        assert_eq!(names(&browser.open("/models?search=volcanoes").await).len(), if who.is_some() { 2 } else { 1 }, "{who:?}");
    }
    // A choice narrows the other facets, and in its own shows what else there is.
    let mut browser = Browser::new(&hub);
    let page = browser.open("/models?license=mit").await;
    assert_eq!(names(&page).len(), 2);
    assert_eq!((count(&page, "license", "mit"), count(&page, "license", "apache-2.0")), (Some(2), Some(1)));
    assert_eq!(count(&page, "pipeline_tag", "text-generation"), Some(1));
    let both = browser.open("/models?license=mit&license=apache-2.0&language=de").await;
    assert_eq!(names(&both).len(), 2);
    for (query, found) in [
        ("relation=finetune", 1),
        ("base_model=ada/Qwen2-tiny-chat", 1),
        ("base_model=finetune:ada/Qwen2-tiny-chat", 1),
        ("dataset=ada/corpus", 1),
        ("dataset=dataset:ada/corpus", 1),
        ("relation=original&pipeline_tag=text-generation", 1),
        ("apps=vllm", 1),
        ("author=ADA", 3),
        ("license=mit&language=fr", 0),
    ] {
        assert_eq!(names(&browser.open(&format!("/models?{query}")).await).len(), found, "{query}");
    }
    drop(ada);
    hub.stop().await;
}

#[tokio::test]
async fn words_are_found_in_names_and_cards() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    for (words, first) in [
        ("qwen", "ada/Qwen2-tiny-chat"),
        ("Qwen2 tiny", "ada/Qwen2-tiny-chat"),
        ("ada/qwen2-tiny-chat", "ada/Qwen2-tiny-chat"),
        ("volcano", "ada/Qwen2-tiny-chat"),
        ("volcanoes questions", "ada/Qwen2-tiny-chat"),
        ("tuend", "ada/tuned"),
        ("letters", "ada/tuned"),
        ("火山", "ada/eyes"),
    ] {
        let page = browser.open(&format!("/models?search={words}")).await;
        assert_eq!(names(&page).first().map(String::as_str), Some(first), "{words}");
    }
    let page = browser.open("/models?search=volcanoes").await;
    assert!(page.has("answers questions about <mark>volcanoes</mark>"), "a passage is shown");
    assert!(browser.open("/models?search=xylophone").await.has("Nothing matches"));
    let any = browser.open("/models?search=letters volcanoes").await;
    assert!(any.has("at least one of them") && names(&any).len() == 2);
    hub.stop().await;
}

#[tokio::test]
async fn the_index_follows_every_change() {
    let hub = TestHub::start().await;
    let ada = shelf(&hub).await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    ada.call(Method::PUT, "/api/models/ada/tuned/settings", &json!({ "private": true }), 200).await;
    hub.indexed().await;
    assert_eq!(count(&browser.open("/models").await, "language", "de"), Some(1), "hidden");
    ada.call(Method::PUT, "/api/models/ada/tuned/settings", &json!({ "private": false, "gated": "manual" }), 200).await;
    hub.indexed().await;
    assert_eq!(names(&browser.open("/models?gated=manual").await), ["ada/tuned"], "shown again, gated");
    let moved = json!({ "fromRepo": "ada/tuned", "toRepo": "ada/renamed", "type": "model" });
    ada.post_json("/api/repos/move", &moved, 200).await;
    hub.indexed().await;
    assert_eq!(names(&browser.open("/models?search=renamed").await), ["ada/renamed"], "moved");
    assert_eq!(names(&browser.open("/models?search=tuned").await), ["ada/renamed"], "its card still says so");
    ada.commit("/api/models/ada/renamed", "main", &[card("license: cc0-1.0", "Emptied.")], 200).await;
    hub.indexed().await;
    assert_eq!(names(&browser.open("/models?license=cc0-1.0").await), ["ada/renamed"], "a new card");
    assert_eq!(names(&browser.open("/models?license=apache-2.0").await), [""; 0]);
    ada.call(Method::DELETE, "/api/repos/delete", &json!({ "type": "model", "organization": "ada", "name": "renamed" }), 200)
        .await;
    hub.indexed().await;
    assert_eq!(names(&browser.open("/models").await).len(), 2, "deleted");
    hub.stop().await;
}

#[tokio::test]
async fn a_rebuilt_index_says_the_same() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let before = names(&browser.open("/models?sort=created").await);
    // What a rebuild must mend: something that the feed never said.
    sqlx::query("alter table repos disable trigger user").execute(&hub.app().pool).await.unwrap();
    sqlx::query("update repos set tags = array_append(tags, 'unsaid')").execute(&hub.app().pool).await.unwrap();
    assert_eq!(names(&browser.open("/models?other=unsaid").await), [""; 0]);
    hub::search::request_rebuild(&hub.app().pool).await.unwrap();
    hub.indexed().await;
    assert_eq!(names(&browser.open("/models?other=unsaid").await).len(), 3);
    assert_eq!(names(&browser.open("/models?sort=created").await), before);
    hub.stop().await;
}

#[tokio::test]
async fn odd_questions_get_plain_answers() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/models?license=unheard-of&license=mit").await;
    assert!(names(&page).len() == 2 && page.has("No models have “unheard-of” as licence."));
    // With nothing found, the form still has what was chosen.
    let page = browser.open("/models?license=unheard-of&min_parameters=1000000000").await;
    assert_eq!((names(&page).len(), count(&page, "license", "unheard-of")), (0, Some(0)));
    assert!(page.has("name=\"min_parameters\""));
    let long = "volcanoes ".repeat(1000);
    let page = browser.open(&format!("/models?search={long}")).await;
    assert!(page.has("only its beginning was searched for"));
    for (query, found, words) in [
        ("p=500", 0, "This list has one page"),
        // What is no number is as if it were not there.
        ("p=99999999999999999999", 3, ", </span>3<span"),
        ("p=-1", 3, ", </span>3<span"),
        ("license=' or 1=1 --", 0, "No models have “"),
        ("language=en&language=de&language=xx&relation=merge", 0, "No models have “xx” as language."),
        ("min_parameters=9B&max_parameters=1B", 0, "Nothing has at least 9B and at most 1B parameters"),
        ("min_parameters=9B&max_parameters=1B", 0, "At least 9B and at most 1B parameters<"),
        ("num_parameters=min:1B,max:9B", 0, "1B to 9B parameters<"),
        ("other=%F0%9F%A6%80", 0, "No models have “🦀” as other tags."),
        ("sort=;drop", 3, ", </span>3<span"),
    ] {
        let page = browser.open(&format!("/models?{query}")).await;
        assert_eq!((page.status, names(&page).len()), (200, found), "{query}");
        assert!(page.has(words), "{query}: {words}");
        // Of a page after the last one nobody is told that a filter is at fault.
        assert_eq!(page.has("Nothing matches"), found == 0 && !query.starts_with("p="), "{query}");
    }
    for query in ["search=%00%01", "search=\"AND OR NOT (", "search=owner:*"] {
        let page = browser.open(&format!("/models?{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        assert!(page.has("Nothing matches") || !names(&page).is_empty(), "{query}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_page_after_the_last_one_leads_to_it() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    for number in 0..31 {
        model(&ada, &format!("ada/even-{number:02}"), false, "license: mit", "One of many.").await;
    }
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/models?license=mit&search=even&p=7").await;
    assert!(names(&page).is_empty() && page.has("This list has 2 pages"), "{}", page.text);
    assert!(page.has("href=\"/models?license=mit&#38;search=even&#38;p=1\""), "{}", page.text);
    assert!(!page.has("Nothing matches") && !page.has("Remove a filter"));
    let last = browser.open("/models?license=mit&search=even&p=1").await;
    assert!(names(&last).len() == 1 && !last.has("This list has"));
    // With nothing that fits, the filters are at fault.
    let none = browser.open("/models?license=cc0-1.0&p=7").await;
    assert!(none.has("Nothing matches") && !none.has("This list has"));
    hub.stop().await;
}
