//! The pages of collections, without JavaScript.

use hub_tests::json;
use reqwest::Method;

use super::{add, api_of, create, shelf};
use crate::pages::browser::Browser;

#[tokio::test]
async fn what_was_typed_survives_a_refusal() {
    let (seeded, _) = shelf().await;
    let mut bob = Browser::logged_in(&seeded.hub, "bob").await;
    let long = "t".repeat(61);
    let form = [("title", long.as_str()), ("visibility", "private"), ("theme", "green"), ("description", "of mine")];
    let refused = bob.submit("/collections/new", "/collections/new", &form).await;
    assert_eq!(refused.status, 400);
    assert!(refused.has("value=\"private\" checked") && refused.has("of mine"), "{}", refused.text);
    let lines = "line\r\n".repeat(80);
    let form = [("title", "Mine"), ("visibility", "private"), ("item", "models/ada/bert")];
    let path = bob.submit("/collections/new", "/collections/new", &form).await.location().to_owned();
    let page = bob.open(&path).await;
    let item = page.text.split(&format!("action=\"{path}/items/")).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let action = format!("{path}/items/{item}");
    assert_eq!(bob.submit(&path, &action, &[("do", "note"), ("note", &lines)]).await.status, 303, "a new line is one character");
    let note = "n".repeat(501);
    let refused = bob.submit(&path, &action, &[("do", "note"), ("note", &note)]).await;
    assert!(refused.status == 400 && refused.has(&note) && refused.has("at most 500"), "{}", refused.text);
    let sent = [("title", ""), ("description", "kept text"), ("visibility", "public")];
    let refused = bob.submit(&path, &format!("{path}/update"), &sent).await;
    assert!(refused.status == 400 && refused.has("kept text") && refused.has("value=\"public\" checked"), "{}", refused.text);
    let refused = bob.submit(&path, &format!("{path}/items"), &[("item", "ada/none"), ("note", "kept note")]).await;
    assert!(refused.status == 400 && refused.has("value=\"kept note\""), "{}", refused.text);
    seeded.stop().await;
}

#[tokio::test]
async fn pages_do_everything_with_plain_forms() {
    let (seeded, _) = shelf().await;
    let hub = &seeded.hub;
    let mut bob = Browser::logged_in(hub, "bob").await;
    let form =
        [("title", "My shelf"), ("owner", "bob"), ("theme", "green"), ("visibility", "public"), ("item", "models/ada/bert")];
    let made = bob.submit("/collections/new", "/collections/new", &form).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let path = made.location().to_owned();
    let again = bob.submit("/collections/new", "/collections/new", &form).await;
    assert_eq!(again.status, 409);
    assert!(again.has("already") && again.has("value=\"My shelf\""), "what was typed is kept");
    for (item, status) in [("datasets/ada/corpus", 303), ("arxiv:2307.09288", 303), ("ada/none", 400), ("ada/bert", 400)] {
        let sent = bob.submit(&path, &format!("{path}/items"), &[("item", item), ("note", "a note")]).await;
        assert_eq!(sent.status, status, "{item}: {}", sent.text);
    }
    let page = bob.open(&path).await;
    let items: Vec<String> = page
        .text
        .split(&format!("action=\"{path}/items/"))
        .skip(1)
        .map(|part| part.split('"').next().unwrap().to_owned())
        .collect();
    assert_eq!(items.len(), 3);
    for (index, change) in [(2, "up"), (0, "down"), (1, "remove")] {
        let sent = bob.submit(&path, &format!("{path}/items/{}", items[index]), &[("do", change), ("note", "")]).await;
        assert_eq!(sent.status, 303, "{change}");
    }
    let page = bob.open(&path).await;
    let at = |text: &str| page.text.find(text).unwrap_or_else(|| panic!("{text} is not there"));
    assert!(at("arXiv 2307.09288") < at("href=\"/ada/bert\"") && !page.has("/datasets/ada/corpus\""));
    assert!(page.has("a note"));
    let voted = bob.submit(&path, &format!("{path}/upvote"), &[("upvote", "yes")]).await;
    assert_eq!(voted.status, 303);
    assert!(bob.open(&path).await.has("aria-pressed=\"true\""));
    let offered = bob.open("/collections/add?item=models/ada/bert").await;
    assert!(offered.has("My shelf"));
    let slug = path.strip_prefix("/collections/").unwrap();
    let added = bob
        .submit(
            "/collections/add?item=datasets/ada/corpus",
            "/collections/add",
            &[("item", "datasets/ada/corpus"), ("collection", slug)],
        )
        .await;
    assert_eq!((added.status, added.location()), (303, path.as_str()));
    assert!(bob.open("/collections").await.has("My shelf") && bob.open("/bob").await.has("My shelf"));
    assert!(bob.open("/ada/bert").await.has("/collections/add?item=models/ada/bert"));
    let renamed = [("title", "Other"), ("description", ""), ("theme", "blue"), ("visibility", "private")];
    let sent = bob.submit(&path, &format!("{path}/update"), &renamed).await;
    let renamed = sent.location().to_owned();
    assert!(renamed.starts_with("/collections/bob/other-"));
    assert_eq!(bob.get(&path).await.location(), renamed, "the old address leads there");
    let mut stranger = Browser::new(hub);
    assert_eq!(stranger.get(&renamed).await.status, 404);
    assert!(!stranger.open("/collections").await.has("Other") && !stranger.open("/bob").await.has("/collections/bob/other"));
    assert_eq!(stranger.get("/collections/new").await.status, 303, "to the login");
    assert_eq!(bob.submit(&renamed, &format!("{renamed}/delete"), &[]).await.location(), "/bob");
    assert_eq!(bob.get(&renamed).await.status, 404);
    seeded.stop().await;
}

#[tokio::test]
async fn a_repositorys_page_names_the_collections_that_hold_it() {
    let (seeded, bob) = shelf().await;
    let hub = &seeded.hub;
    for (title, private, item) in
        [("Quiet shelf", false, "ada/bert"), ("Loved shelf", false, "ada/bert"), ("Own shelf", true, "ada/bert")]
    {
        let made = create(&bob, json!({ "title": title, "namespace": "bob", "private": private }), 200).await;
        add(&bob, &api_of(&made), "model", item, 200).await;
        if title == "Loved shelf" {
            bob.call(Method::POST, &format!("{}/upvote", api_of(&made)), &json!({}), 200).await;
        }
    }
    let (mut stranger, mut own) = (Browser::new(hub), Browser::logged_in(hub, "bob").await);
    let page = stranger.open("/ada/bert").await;
    let at = |text: &str| page.text.find(text).unwrap_or_else(|| panic!("{text} is not there"));
    assert!(at("<h2>In collections</h2>") < at("Loved shelf") && at("Loved shelf") < at("Quiet shelf"), "the most upvoted first");
    assert!(page.has("bob, 1 upvote<") && !page.has("Own shelf") && !page.has("All collections with it"));
    assert!(own.open("/ada/bert").await.has("Own shelf"), "private ones are shown to their owner");
    let link = page.text.split("href=\"/collections/bob/").nth(1).unwrap().split('"').next().unwrap();
    let led = stranger.get(&format!("/collections/bob/{link}")).await;
    assert!(led.location().starts_with("/collections/bob/loved-shelf-"), "{}", led.location());
    assert!(!stranger.open("/datasets/ada/corpus").await.has("In collections"), "nothing is said where there is none");
    for number in 0..4 {
        let made = create(&bob, json!({ "title": format!("More {number}"), "namespace": "bob" }), 200).await;
        add(&bob, &api_of(&made), "model", "ada/bert", 200).await;
    }
    let page = stranger.open("/ada/bert").await;
    assert!(page.has("/collections?item=models/ada/bert") && page.has("All collections with it"));
    let all = stranger.open("/collections?item=models/ada/bert&sort=upvotes").await;
    assert!(all.has("Loved shelf") && all.has("More 3") && !all.has("Own shelf") && all.has("<bdi>ada/bert</bdi>"));
    assert!(!stranger.open("/collections?item=datasets/ada/corpus").await.has("Loved shelf"));
    // A repository that the viewer may not see is in none.
    let made = create(&bob, json!({ "title": "Of acme", "namespace": "bob" }), 200).await;
    add(&bob, &api_of(&made), "model", "acme/secret", 200).await;
    assert!(!stranger.open("/collections?item=models/acme/secret").await.has("Of acme"));
    assert_eq!(stranger.get("/collections?item=%00&owner=%00").await.status, 200);
    seeded.stop().await;
}
