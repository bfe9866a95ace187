use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use super::Browser;

const CARD: &str = "---\nlicense: apache-2.0\nlanguage: en\npipeline_tag: text-classification\nlibrary_name: transformers\n---\n\
    # A model with a card\n\nSome **bold** text.\n\n## Numbers\n\n| metric | value |\n|---|---:|\n| accuracy | 0.93 |\n";

async fn shown(hub: &TestHub) -> Client {
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/shown", false).await;
    let lines = [
        Client::file("README.md", CARD),
        Client::file("config.json", "{\"model_type\": \"bert\"}"),
        Client::file("src/train.py", "def f():\n    return '<&>'\n"),
        Client::file("src/README.md", "# Inside\n"),
    ];
    ada.commit("/api/models/ada/shown", "main", &lines, 200).await;
    ada
}

#[tokio::test]
async fn a_model_shows_its_card_files_and_history() {
    let hub = TestHub::start().await;
    shown(&hub).await;
    let mut browser = Browser::new(&hub);

    let page = browser.open("/ada/shown").await;
    assert_eq!(page.text.matches("<h1").count(), 1, "one first heading, the card's goes below it");
    for text in
        ["A model with a card", "<strong>bold</strong>", "0.93", "apache-2.0", "Text Classification", "git clone", "Transformers"]
    {
        assert!(page.has(text), "{text}");
    }
    assert!(!page.has("/settings\""), "strangers see no settings");

    let page = browser.open("/ada/shown/tree/main").await;
    for text in [
        "/ada/shown/tree/main/src\"",
        "/ada/shown/blob/main/config.json\"",
        "test commit",
        "/resolve/main/config.json?download=true",
    ] {
        assert!(page.has(text), "{text}");
    }
    let page = browser.open("/ada/shown/tree/main/src").await;
    assert!(page.has("train.py") && page.has("Inside"));
    let page = browser.open("/ada/shown/blob/main/src/train.py").await;
    assert!(page.has("id=\"L2\"") && page.has("&lt;&amp;&gt;") && page.has("/raw/main/src/train.py"));
    assert!(browser.open("/ada/shown/blob/main/README.md").await.has("0.93"));
    assert!(browser.open("/ada/shown/blob/main/README.md?plain=1").await.has("pipeline_tag"));
    assert_eq!(browser.get("/ada/shown/blob/main/src").await.location(), "/ada/shown/tree/main/src");
    assert_eq!(browser.get("/ada/shown/tree/main/config.json").await.location(), "/ada/shown/blob/main/config.json");

    let page = browser.open("/ada/shown/commits/main").await;
    assert!(page.has("test commit") && page.has("initial commit"));
    assert!(!browser.open("/ada/shown/commits/main/config.json").await.has("initial commit"));
    let page = browser.open("/ada/shown/commit/main").await;
    assert!(page.has("4 files changed") && page.has("class=\"diff-added\"") && page.has("&#39;&#60;&#38;&#62;&#39;"));
    assert!(browser.open("/ada/shown/refs").await.has("Default"));
    hub.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_a_page_that_says_so() {
    let hub = TestHub::start().await;
    shown(&hub).await;
    let mut browser = Browser::new(&hub);
    for path in [
        "/ada/shown/tree/nope",
        "/ada/shown/tree/main/nope",
        "/ada/shown/blob/main/nope",
        "/ada/shown/blob/main/%00",
        "/ada/shown/blob/main/%FF",
        "/ada/shown/commits/nope",
        "/ada/shown/commit/0000000000000000000000000000000000000000",
        "/ada/nope",
        "/ada/%00",
        "/datasets/ada/shown",
        "/nobody",
        "/%00",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(page.has("There is nothing here") && page.has("href=\"/\""), "{path}");
    }
    for (path, leads_to) in [("/ada/", "/ada"), ("/ada/shown/", "/ada/shown"), ("/models/?search=x", "/models?search=x")] {
        let page = browser.get(path).await;
        assert_eq!((page.status, page.location()), (308, leads_to));
    }
    for path in ["//example.org/", "/%2Fexample.org/", "/%5Cexample.org/", "/api/nothing/"] {
        let page = browser.get(path).await;
        assert!(page.status == 404 || page.location().starts_with("/%"), "{path}: {} {}", page.status, page.location());
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_private_repository_looks_like_a_missing_one() {
    let hub = TestHub::start().await;
    hub.account("boss").await;
    let ada = hub.user("ada").await;
    hub.account("eve").await;
    ada.create_repo("model", "ada/secret", true).await;
    let paths = ["", "/tree/main", "/blob/main/.gitattributes", "/commits/main", "/commit/main", "/refs"];
    for mut browser in [Browser::new(&hub), Browser::logged_in(&hub, "eve").await] {
        for path in paths {
            let hidden = browser.get(&format!("/ada/secret{path}")).await;
            let missing = browser.get(&format!("/ada/absent{path}")).await;
            assert_eq!((hidden.status, missing.status), (404, 404), "{path}");
            let (hidden, missing) = (hidden.text.replace("secret", "absent"), missing.text);
            let differing: Vec<_> = hidden.lines().zip(missing.lines()).filter(|(one, two)| one != two).collect();
            assert!(hidden == missing, "{path}: {differing:?}");
        }
        hub.indexed().await;
        for path in ["/", "/models", "/models?search=secret", "/models?author=ada", "/ada"] {
            assert!(!browser.open(path).await.has("ada/secret\""), "{path}");
        }
    }
    let mut owner = Browser::logged_in(&hub, "ada").await;
    for path in paths {
        owner.open(&format!("/ada/secret{path}")).await;
    }
    assert!(owner.open("/models").await.has("/ada/secret\""));
    hub.stop().await;
}

#[tokio::test]
async fn lists_are_narrowed_by_their_address() {
    let hub = TestHub::start().await;
    let ada = shown(&hub).await;
    ada.create_repo("model", "ada/plain", false).await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    for (query, found) in [
        ("", vec!["shown", "plain"]),
        ("?search=SHO", vec!["shown"]),
        ("?search=ada%2Fpl", vec!["plain"]),
        ("?search=plian", vec!["plain"]),
        ("?pipeline_tag=text-classification", vec!["shown"]),
        ("?library=transformers&license=apache-2.0&language=en", vec!["shown"]),
        ("?license=mit", vec![]),
        ("?author=ada&sort=created", vec!["shown", "plain"]),
        ("?author=nobody", vec![]),
        ("?sort=nonsense&cursor=nonsense&search=%00", vec!["shown", "plain"]),
    ] {
        let page = browser.open(&format!("/models{query}")).await;
        for name in ["shown", "plain"] {
            assert_eq!(page.has(&format!("href=\"/ada/{name}\"")), found.contains(&name), "{query}: {name}");
        }
    }
    assert!(browser.open("/models?license=mit").await.has("Nothing matches"));
    assert!(browser.open("/spaces").await.has("No Spaces here yet"));
    hub.stop().await;
}

#[tokio::test]
async fn lists_go_on_page_by_page() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    for number in 0..32 {
        ada.create_repo("dataset", &format!("ada/d{number:02}"), false).await;
    }
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let first = browser.open("/datasets?sort=created").await;
    let next = first.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    let next = next.replace("&#38;", "&");
    let second = browser.open(&next).await;
    for number in 0..32 {
        let link = format!("href=\"/datasets/ada/d{number:02}\"");
        assert!(first.has(&link) != second.has(&link), "{number} is on one page");
    }
    assert!(!second.has("rel=\"next\"") && second.has("rel=\"prev\""));
    hub.stop().await;
}

#[tokio::test]
async fn a_repository_is_made_filled_in_again_after_a_mistake() {
    let hub = TestHub::start().await;
    hub.account("boss").await;
    let ada = hub.account("ada").await;
    hub.account("eve").await;
    hub.organization("acme", &[(&ada, hub::accounts::OrgRole::Write)]).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let fields = [("owner", "acme"), ("name", "b ert"), ("license", "mit"), ("visibility", "private")];
    let page = browser.submit("/new", "/new", &fields).await;
    assert!(page.status == 400 && page.has("not a valid name") && page.has("value=\"b ert\""));
    assert!(page.has("<option value=\"acme\" selected>") && page.has("<option value=\"mit\" selected>"));
    let fields = [("owner", "acme"), ("name", "bert"), ("license", "mit"), ("visibility", "private")];
    let page = browser.submit("/new", "/new", &fields).await;
    assert_eq!((page.status, page.location()), (303, "/acme/bert"));
    let page = browser.open("/acme/bert").await;
    assert!(page.has("Private") && page.has("has no files yet") && page.has(&format!("export HF_ENDPOINT={}", hub.base())));
    let page = browser.submit("/new", "/new", &fields).await;
    assert!(page.status == 409 && page.has("aria-invalid"));

    let fields = [("owner", "ada"), ("name", "demo"), ("sdk", "gradio"), ("visibility", "public")];
    assert_eq!(browser.submit("/new-space", "/new-space", &fields).await.location(), "/spaces/ada/demo");
    let mut eve = Browser::logged_in(&hub, "eve").await;
    let fields = [("owner", "acme"), ("name", "mine"), ("visibility", "public")];
    assert_eq!(eve.submit("/new", "/new", &fields).await.status, 403);
    assert_eq!(Browser::new(&hub).get("/new").await.status, 303);
    hub.stop().await;
}

#[tokio::test]
async fn settings_change_visibility_name_and_existence() {
    let hub = TestHub::start().await;
    hub.account("boss").await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let mut stranger = Browser::new(&hub);
    let settings = "/ada/bert/settings";
    let page = browser.submit(settings, "/ada/bert/settings/visibility", &[("visibility", "private")]).await;
    assert_eq!(page.status, 303);
    assert_eq!(stranger.get("/ada/bert").await.status, 404);
    browser.submit(settings, "/ada/bert/settings/visibility", &[("visibility", "public")]).await;

    let page = browser.submit(settings, "/ada/bert/settings/move", &[("owner", "ada"), ("name", "no/t")]).await;
    assert!(page.status == 400 && page.has("aria-invalid"));
    let page = browser.submit(settings, "/ada/bert/settings/move", &[("owner", "ada"), ("name", "bert-2")]).await;
    assert_eq!((page.status, page.location()), (303, "/ada/bert-2"));
    assert_eq!(stranger.get("/ada/bert/tree/main").await.location(), "/ada/bert-2/tree/main");

    let page = browser.submit("/ada/bert-2/settings", "/ada/bert-2/settings/delete", &[("confirmation", "ada/bert")]).await;
    assert!(page.status == 400 && page.has("Type ada/bert-2 here"));
    let page = browser.submit("/ada/bert-2/settings", "/ada/bert-2/settings/delete", &[("confirmation", "ada/bert-2")]).await;
    assert_eq!((page.status, page.location()), (303, "/settings/deleted"));
    for old in ["/ada/bert-2", "/ada/bert/tree/main"] {
        let page = stranger.get(old).await;
        assert!(page.status == 410 && page.has("This repository was deleted"), "{old}: {}", page.text);
        assert!(page.has("The public model ada/bert") && page.has("Log in"), "{old}: {}", page.text);
    }
    hub.stop().await;
}

#[tokio::test]
async fn only_those_who_administer_reach_the_settings_of_a_repository() {
    let hub = TestHub::start().await;
    hub.account("boss").await;
    let ada = hub.user("ada").await;
    let (grace, mary) = (hub.account("grace").await, hub.account("mary").await);
    hub.account("eve").await;
    let roles = [(&grace, hub::accounts::OrgRole::Admin), (&mary, hub::accounts::OrgRole::Write)];
    hub.organization("acme", &roles).await;
    hub.token(&grace, hub::accounts::TokenRole::Write).await.create_repo("model", "acme/bert", false).await;
    ada.get("/acme/bert/settings", 403).await;
    for (name, status) in [("grace", 200), ("boss", 200), ("mary", 403), ("eve", 403)] {
        let mut browser = Browser::logged_in(&hub, name).await;
        assert_eq!(browser.get("/acme/bert/settings").await.status, status, "{name}");
        let csrf = browser.open("/settings/profile").await.csrf();
        let fields = [("csrf_token", csrf.as_str()), ("visibility", "public")];
        let posted = browser.post("/acme/bert/settings/visibility", &fields).await;
        assert_eq!(posted.status, if status == 200 { 303 } else { 403 }, "{name}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn branches_and_tags_are_listed_and_deleted() {
    let hub = TestHub::start().await;
    let ada = shown(&hub).await;
    ada.call(Method::POST, "/api/models/ada/shown/branch/feat%2Fx", &json!({}), 200).await;
    ada.call(Method::POST, "/api/models/ada/shown/tag/main", &json!({ "tag": "v1" }), 200).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = browser.open("/ada/shown/refs").await;
    assert!(page.has("feat/x") && page.has("/tree/feat%2Fx") && page.has(">v1<"));
    assert!(browser.open("/ada/shown/tree/feat%2Fx").await.has("config.json"));
    assert!(browser.open("/ada/shown/tree/v1").await.has("config.json"));
    let action = "/ada/shown/refs/delete";
    let page = browser.submit("/ada/shown/refs", action, &[("ref", "refs/heads/main")]).await;
    assert_eq!(page.status, 403, "the default branch stays");
    for name in ["refs/heads/feat/x", "refs/tags/v1"] {
        assert_eq!(browser.submit("/ada/shown/refs", action, &[("ref", name)]).await.status, 303, "{name}");
    }
    let page = browser.open("/ada/shown/refs").await;
    assert!(!page.has("feat/x") && !page.has(">v1<"));
    hub.stop().await;
}
