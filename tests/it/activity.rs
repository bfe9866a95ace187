//! Following, the feed of those followed, calendars, and Atom feeds.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, json};
use reqwest::Method;

use crate::pages::browser::Browser;
use crate::repos::seeded::Seeded;

async fn follow(client: &Client, method: Method, path: &str, status: u16) {
    client.call(method, &format!("/api/{path}/follow"), &json!({}), status).await;
}

async fn names(client: &Client, path: &str) -> Vec<String> {
    let list = client.get_json(path, 200).await;
    list.as_array().unwrap().iter().map(|item| item["user"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn people_follow_people_and_organizations() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let hub = &seeded.hub;
    let (bob, carol) = (hub.account("bob").await, hub.account("carol").await);
    hub.organization("acme", &[(&carol, OrgRole::Admin)]).await;
    let client = hub.token(&bob, TokenRole::Write).await;
    for _ in 0..2 {
        follow(&client, Method::POST, "users/ADA", 200).await;
        follow(&client, Method::POST, "organizations/acme", 200).await;
    }
    follow(&hub.token(&carol, TokenRole::Write).await, Method::POST, "users/ada", 200).await;
    let anyone = hub.anonymous();
    assert_eq!(names(&anyone, "/api/users/ada/followers").await, ["carol", "bob"]);
    assert_eq!(names(&anyone, "/api/organizations/acme/followers").await, ["bob"]);
    let following = client.get_json("/api/users/bob/following", 200).await;
    assert_eq!(
        (&following[0]["user"], &following[0]["type"], &following[0]["isFollowing"]),
        (&json!("acme"), &json!("org"), &json!(true))
    );
    let ada = client.get_json("/api/users/ada/overview", 200).await;
    assert_eq!((&ada["isFollowing"], &ada["numFollowers"], &ada["numFollowing"]), (&json!(true), &json!(2), &json!(0)));
    assert_eq!(anyone.get_json("/api/users/ada/overview", 200).await["isFollowing"], false);
    assert_eq!(client.get_json("/api/organizations/acme/overview", 200).await["numFollowers"], 1);
    let first = anyone.get("/api/users/ada/followers?limit=1", 200).await;
    assert!(first.headers()["link"].to_str().unwrap().contains("cursor="));
    follow(&client, Method::DELETE, "users/ada", 200).await;
    assert_eq!(names(&anyone, "/api/users/ada/followers").await, ["carol"]);
    follow(&client, Method::POST, "users/bob", 400).await;
    follow(&client, Method::POST, "users/acme", 404).await;
    follow(&client, Method::POST, "users/nobody", 404).await;
    follow(&anyone, Method::POST, "users/ada", 401).await;
    follow(&hub.token(&bob, TokenRole::Read).await, Method::POST, "users/ada", 403).await;
    seeded.stop().await;
}

#[tokio::test]
async fn the_feed_tells_what_those_followed_do_and_nothing_secret() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let hub = &seeded.hub;
    let (bob, carol) = (hub.account("bob").await, hub.account("carol").await);
    hub.account("dave").await;
    hub.organization("acme", &[(&carol, OrgRole::Admin)]).await;
    let (bob, carol) = (hub.token(&bob, TokenRole::Write).await, hub.token(&carol, TokenRole::Write).await);
    carol.create_repo("model", "carol/open", false).await;
    carol.create_repo("model", "carol/hidden", true).await;
    carol.create_repo("dataset", "acme/data", false).await;
    for number in 0..3 {
        carol.commit("/api/models/carol/open", "main", &[Client::file("a.txt", &format!("{number}\n"))], 200).await;
    }
    carol.call(Method::POST, "/api/models/ada/bert/like", &json!({}), 200).await;
    carol.post_json("/api/collections", &json!({ "title": "Carol's shelf" }), 200).await;
    carol.post_json("/api/collections", &json!({ "title": "Carol's secrets", "private": true }), 200).await;
    let mut browser = Browser::logged_in(hub, "bob").await;
    assert!(browser.open("/").await.has("Follow people and organizations"));
    let sent = browser.submit("/carol", "/carol/-/follow", &[("follow", "yes")]).await;
    assert_eq!((sent.status, sent.location()), (303, "/carol"));
    let profile = browser.open("/carol").await;
    assert!(profile.has("aria-pressed=\"true\"") && profile.has("1 follower<"));
    let home = browser.open("/").await;
    for told in ["committed 3 times to", "carol/open", "acme/data", "liked", "Carol&#39;s shelf"] {
        assert!(home.has(told), "{told}: {}", home.text);
    }
    for secret in ["carol/hidden", "secrets"] {
        assert!(!home.has(secret), "{secret}");
    }
    assert!(browser.open("/carol/-/followers").await.has("href=\"/bob\""));
    assert!(browser.open("/bob/-/following").await.has("href=\"/carol\""));
    // Members of an organisation hear of it without following anybody, and not of themselves.
    assert!(!Browser::logged_in(hub, "carol").await.open("/").await.has("class=\"feed\""));
    assert!(Browser::new(hub).open("/").await.has("Trending models"));
    let feed = Browser::new(hub).get("/carol/-/activity.atom").await;
    assert!(feed.headers["content-type"].to_str().unwrap().starts_with("application/atom+xml"));
    assert!(
        feed.has("carol committed 3 times to the model carol/open") && !feed.has("hidden") && !feed.has("secrets"),
        "{}",
        feed.text
    );
    assert!(Browser::new(hub).get("/acme/-/activity.atom").await.has("carol created the dataset acme/data"));
    drop(bob);
    seeded.stop().await;
}

#[tokio::test]
async fn feeds_go_on_where_the_page_before_ended() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let hub = &seeded.hub;
    hub.account("bob").await;
    let carol = hub.user("carol").await;
    for number in 0..25 {
        carol.create_repo("model", &format!("carol/m{number}"), false).await;
    }
    let mut browser = Browser::logged_in(hub, "bob").await;
    browser.submit("/carol", "/carol/-/follow", &[("follow", "yes")]).await;
    let shown = |text: &str| -> Vec<String> {
        text.split("class=\"feed-object\" href=\"").skip(1).map(|part| part.split('"').next().unwrap().to_owned()).collect()
    };
    let first = browser.open("/").await;
    let next = first.text.split("href=\"/?after=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let second = browser.open(&format!("/?after={next}")).await;
    let all: Vec<String> = [shown(&first.text), shown(&second.text)].concat();
    let expected: Vec<String> = (0..25).rev().map(|number| format!("/carol/m{number}")).collect();
    assert_eq!(all, expected);
    seeded.stop().await;
}

#[tokio::test]
async fn the_feed_of_an_organization_reaches_its_first_repository() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let hub = &seeded.hub;
    hub.account("bob").await;
    let carol = hub.account("carol").await;
    hub.organization("acme", &[(&carol, OrgRole::Write)]).await;
    let carol = hub.token(&carol, TokenRole::Write).await;
    for number in 0..56 {
        carol.create_repo("model", &format!("acme/m{number}"), false).await;
    }
    let mut browser = Browser::logged_in(hub, "bob").await;
    browser.submit("/acme", "/acme/-/follow", &[("follow", "yes")]).await;
    let (mut address, mut found) = ("/".to_owned(), Vec::new());
    loop {
        let page = browser.open(&address).await.text;
        let objects = page.split("class=\"feed-object\" href=\"").skip(1);
        found.extend(objects.map(|part| part.split('"').next().unwrap().to_owned()));
        let Some(next) = page.split("href=\"/?after=").nth(1) else { break };
        address = format!("/?after={}", next.split('"').next().unwrap());
    }
    let expected: Vec<String> = (0..56).rev().map(|number| format!("/acme/m{number}")).collect();
    assert_eq!(found, expected);
    seeded.stop().await;
}

#[tokio::test]
async fn work_in_private_hides_nothing_and_tells_nothing() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let hub = &seeded.hub;
    hub.account("bob").await;
    let carol = hub.user("carol").await;
    carol.create_repo("model", "carol/pub", false).await;
    carol.create_repo("dataset", "carol/pub", false).await;
    carol.create_repo("model", "carol/hidden", true).await;
    for number in 0..30 {
        carol.commit("/api/models/carol/hidden", "main", &[Client::file("a.txt", &format!("{number}\n"))], 200).await;
    }
    let feed = Browser::new(hub).get("/carol/-/activity.atom").await;
    assert!(feed.has("created the model carol/pub") && feed.has("created the dataset carol/pub"), "{}", feed.text);
    let mut browser = Browser::logged_in(hub, "bob").await;
    browser.submit("/carol", "/carol/-/follow", &[("follow", "yes")]).await;
    let home = browser.open("/").await;
    assert!(home.has("href=\"/carol/pub\"") && home.has("href=\"/datasets/carol/pub\""));
    assert!(!home.has("/?after="), "there is nothing more that bob may know of");
    seeded.stop().await;
}

#[tokio::test]
async fn the_calendar_counts_what_everybody_may_know() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let hub = &seeded.hub;
    let carol = hub.user("carol").await;
    carol.create_repo("model", "carol/open", false).await;
    carol.create_repo("model", "carol/hidden", true).await;
    carol.commit("/api/models/carol/open", "main", &[Client::file("a.txt", "a\n")], 200).await;
    let page = Browser::new(hub).open("/carol").await;
    assert!(page.has("2 commits and new repositories in 12 months") && page.has("<caption>Activity by month</caption>"));
    assert!(!Browser::new(hub).open("/ada").await.has("class=\"calendar\""));
    seeded.stop().await;
}

#[tokio::test]
async fn lists_and_histories_are_feeds_too() {
    let seeded = Seeded::model(&[("README.md", "---\nlicense: mit\n---\n# x\n")]).await;
    let hub = &seeded.hub;
    seeded.another(hub_types::RepoType::Model, "ada/other", false, &[("README.md", "# y\n")]).await;
    seeded.another(hub_types::RepoType::Model, "ada/secret", true, &[("README.md", "# y\n")]).await;
    hub.indexed().await;
    let feed = Browser::new(hub).get("/models.atom").await;
    assert!(feed.has("<title>ada/bert</title>") && feed.has("<title>ada/other</title>") && !feed.has("secret"), "{}", feed.text);
    let narrowed = Browser::new(hub).get("/models.atom?license=mit").await;
    assert!(narrowed.has("<title>ada/bert</title>") && !narrowed.has("ada/other"));
    assert!(Browser::new(hub).get("/datasets.atom").await.has("<title>Datasets on this hub</title>"));
    let commits = Browser::new(hub).get("/ada/bert/commits.atom").await;
    assert!(commits.has("<title>Commits to ada/bert</title>") && commits.has("<title>first</title>"), "{}", commits.text);
    assert_eq!(Browser::new(hub).get("/ada/secret/commits.atom").await.status, 404);
    assert_eq!(Browser::new(hub).get("/nobody/-/activity.atom").await.status, 404);
    seeded.stop().await;
}
