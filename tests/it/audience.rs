//! Repositories that are not for all audiences: who is asked first, which lists have them, and who says it.

use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use crate::pages::browser::Browser;
use crate::search::{count, model, names};

const TAG: &str = "not-for-all-audiences";
const ASKED: &str = "This repository has been marked as containing sensitive content";

async fn hub() -> (TestHub, Client) {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let ada = hub.user("ada").await;
    hub.account("bob").await;
    model(&ada, "ada/plain", false, "license: mit", "Flowers.").await;
    model(&ada, "ada/other", false, "license: mit", "Flowers and trees.").await;
    model(&ada, "ada/red", false, &format!("license: mit\ntags: [{TAG}]"), "Blood and flowers.").await;
    ada.post_json("/api/models/ada/red/discussions", &json!({ "title": "A question", "description": "Gore?" }), 200).await;
    hub.indexed().await;
    (hub, ada)
}

#[tokio::test]
async fn people_are_asked_before_they_see_it_and_programs_are_not() {
    let (hub, ada) = hub().await;
    let mut stranger = Browser::new(&hub);
    for path in
        ["/ada/red", "/ada/red/tree/main", "/ada/red/blob/main/README.md", "/ada/red/commits/main", "/ada/red/discussions/1"]
    {
        let page = stranger.open(path).await;
        assert!(page.has(ASKED) && page.has("action=\"/ada/red/view-content\""), "{path}: {}", page.text);
        assert!(!page.has("Blood") && !page.has("Gore") && !page.has("README.md</"), "{path}");
    }
    assert!(!stranger.open("/ada/plain").await.has(ASKED));
    // Where they came from, in this repository and no other place.
    for (next, to) in [
        ("/ada/red/blob/main/README.md", "/ada/red/blob/main/README.md"),
        ("/ada/redder", "/ada/red"),
        ("https://evil.example/ada/red", "/ada/red"),
    ] {
        let gone_on = stranger.submit("/login", "/ada/red/view-content", &[("next", next)]).await;
        assert_eq!((gone_on.status, gone_on.location()), (303, to));
    }
    assert!(stranger.open("/ada/red").await.has("Blood"));
    assert!(stranger.open("/ada/red/discussions/1").await.has("Gore?"));
    assert_eq!(stranger.post("/ada/red/view-content", &[("csrf_token", "odd")]).await.status, 403);
    assert!(Browser::new(&hub).open("/ada/red").await.has(ASKED), "another browser");
    // Whose it is, and who wants all of it, is not asked.
    assert!(Browser::logged_in(&hub, "ada").await.open("/ada/red").await.has("Blood"));
    let mut bob = Browser::logged_in(&hub, "bob").await;
    assert!(bob.open("/ada/red").await.has(ASKED));
    assert_eq!(bob.submit("/settings/profile", "/settings/audience", &[("shows", "true")]).await.status, 303);
    assert!(bob.open("/ada/red").await.has("Blood"));
    assert_eq!(bob.submit("/settings/profile", "/settings/audience", &[]).await.status, 303);
    assert!(bob.open("/ada/red").await.has(ASKED));
    // Programs have all as before.
    let program = hub.anonymous();
    let info = program.get_json("/api/models/ada/red", 200).await;
    assert!(info["tags"].as_array().unwrap().contains(&json!(TAG)), "{info}");
    assert!(program.get("/ada/red/resolve/main/README.md", 200).await.text().await.unwrap().contains("Blood"));
    program.get("/ada/red/info/refs?service=git-upload-pack", 200).await;
    assert_eq!(program.get_json("/api/models?author=ada", 200).await.as_array().unwrap().len(), 3);
    // By the settings of the repository alone, also of a bucket.
    ada.post_json("/api/buckets/ada/logs", &json!({}), 200).await;
    let mut owner = Browser::logged_in(&hub, "ada").await;
    for repo in ["/ada/plain", "/buckets/ada/logs"] {
        let (settings, act) = (format!("{repo}/settings"), format!("{repo}/settings/audience"));
        for (chosen, asked) in [("not-all", true), ("all", false)] {
            assert_eq!(owner.submit(&settings, &act, &[("audience", chosen)]).await.status, 303);
            assert_eq!(Browser::new(&hub).open(repo).await.has(ASKED), asked, "{repo} {chosen}");
        }
        assert_eq!(owner.submit(&settings, &act, &[("audience", "odd")]).await.status, 400);
    }
    let tags = program.get_json("/api/models/ada/plain", 200).await["tags"].to_string();
    assert!(!tags.contains(TAG), "{tags}");
    hub.stop().await;
}

#[tokio::test]
async fn lists_have_it_for_those_who_want_it_and_count_exactly() {
    let (hub, _ada) = hub().await;
    let mut stranger = Browser::new(&hub);
    let page = stranger.open("/models").await;
    assert_eq!((names(&page).len(), count(&page, "license", "mit"), count(&page, "other", TAG)), (2, Some(2), Some(1)));
    let chosen = stranger.open(&format!("/models?other={TAG}&search=flowers")).await;
    assert_eq!((names(&chosen), count(&chosen, "license", "mit")), (vec!["ada/red".to_owned()], Some(1)));
    assert!(!chosen.has("Blood"), "no passage of its card");
    for (path, there) in [
        ("/models?search=flowers", false),
        ("/models?search=ada/red", true),
        ("/models?author=ada", true),
        ("/models.atom", false),
        ("/search?q=flowers", false),
        ("/api/quicksearch?q=red", false),
        ("/api/quicksearch?q=ada/red", true),
        ("/", false),
        ("/ada", true),
    ] {
        assert_eq!(stranger.get(path).await.has("ada/red"), there, "{path}");
    }
    let why = stranger.open("/models?count=license").await;
    assert!(why.has("that are for all audiences"), "{}", why.text);
    let mut bob = Browser::logged_in(&hub, "bob").await;
    assert_eq!(names(&bob.open("/models").await).len(), 2);
    assert_eq!(bob.submit("/settings/profile", "/settings/audience", &[("shows", "true")]).await.status, 303);
    let page = bob.open("/models?search=flowers").await;
    assert_eq!((names(&page).len(), count(&page, "license", "mit"), count(&page, "other", TAG)), (3, Some(3), Some(1)));
    assert!(page.has("Blood"));
    hub.stop().await;
}

#[tokio::test]
async fn copies_of_what_was_labelled_are_labelled() {
    let (hub, ada) = hub().await;
    let carol = hub.user("carol").await;
    let mut owner = Browser::logged_in(&hub, "ada").await;
    let labelled = [("audience", "not-all")];
    assert_eq!(owner.submit("/ada/plain/settings", "/ada/plain/settings/audience", &labelled).await.status, 303);
    carol.call(Method::POST, "/api/models/ada/plain/duplicate", &json!({ "repository": "carol/plain" }), 200).await;
    assert!(Browser::new(&hub).open("/carol/plain").await.has(ASKED));
    // A new card says nothing of it, and it stays.
    let card = Client::file("README.md", "---\nlicense: mit\n---\nMore flowers.\n");
    ada.commit("/api/models/ada/plain", "main", &[card], 200).await;
    assert!(Browser::new(&hub).open("/ada/plain").await.has(ASKED));
    hub.stop().await;
}
