//! What is watched, followed and ignored: repositories, discussions and their owners.

use hub::accounts::OrgRole;
use hub::jobs::Job;
use hub_tests::json;
use reqwest::Method;

use super::{enqueue, one, open, read_ids, say, start, unread, watch};
use crate::pages::browser::Browser;

#[tokio::test]
async fn what_is_watched_decides() {
    let (hub, ada, bob) = start().await;
    let carol = hub.user("carol").await;
    watch(&carol, json!({ "id": "ada/bert", "type": "model" })).await;
    let num = open(&hub, &bob, "ada/bert", "First", "").await;
    assert_eq!(unread(&carol).await, one("First", "watching"));
    let drop = json!({ "delete": [{ "id": "ada/bert", "type": "model" }] });
    carol.call(Method::PATCH, "/api/settings/watch", &drop, 200).await;
    open(&hub, &bob, "ada/bert", "Second", "").await;
    assert_eq!(unread(&carol).await.len(), 1);

    // Ignoring is for good, even when mentioned or taking part; an owner may leave it at what concerns them.
    let mut browser = Browser::logged_in(&hub, "carol").await;
    let set = browser.submit("/ada/bert", "/ada/bert/watch", &[("level", "ignore")]).await;
    assert_eq!((set.status, set.location()), (303, "/ada/bert"));
    assert!(browser.open("/ada/bert").await.has("Ignoring"));
    say(&hub, &bob, "ada/bert", num, "@carol").await;
    open(&hub, &bob, "ada/bert", "Third", "@carol").await;
    assert_eq!(unread(&carol).await.len(), 1);
    let mut owner = Browser::logged_in(&hub, "ada").await;
    assert!(owner.open("/ada/bert").await.has("Watching"), "one's own are watched");
    owner.submit("/ada/bert", "/ada/bert/watch", &[("level", "participating")]).await;
    let before = unread(&ada).await.len();
    open(&hub, &bob, "ada/bert", "Fourth", "").await;
    assert_eq!(unread(&ada).await.len(), before);
    open(&hub, &bob, "ada/bert", "Fifth", "@ada").await;
    assert_eq!(unread(&ada).await.len(), before + 1);
    carol.call(Method::PATCH, "/api/settings/watch", &json!({ "add": [{ "id": "ada/none", "type": "model" }] }), 404).await;
    carol.call(Method::PATCH, "/api/settings/watch", &json!({ "add": [{ "id": "carol", "type": "user" }] }), 400).await;
    carol.call(Method::PATCH, "/api/settings/watch", &json!({ "add": [{ "id": "x", "type": "planet" }] }), 400).await;
    hub.stop().await;
}

#[tokio::test]
async fn one_discussion_can_be_left_and_followed() {
    let (hub, ada, bob) = start().await;
    let carol = hub.user("carol").await;
    let num = open(&hub, &bob, "ada/bert", "Long", "").await;
    let page = format!("/ada/bert/discussions/{num}");
    let form = format!("{page}/subscription");
    let (mut owner, mut asker) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "bob").await);
    // Who watches, and who takes part.
    assert!(owner.open(&page).await.has("because you watch the repository"));
    assert!(asker.open(&page).await.has("because you take part"));
    for browser in [&mut owner, &mut asker] {
        let left = browser.submit(&page, &form, &[("subscribed", "no")]).await;
        assert_eq!((left.status, left.location()), (303, page.as_str()));
        assert!(browser.open(&page).await.has("You unsubscribed"));
    }
    say(&hub, &carol, "ada/bert", num, "Me, too").await;
    assert_eq!((unread(&ada).await, unread(&bob).await), (vec![], vec![]));
    // Other discussions go on as ever.
    open(&hub, &carol, "ada/bert", "Another", "").await;
    assert_eq!(unread(&ada).await, one("Another", "watching"));
    ada.post_json("/api/discussions/mark-as-read", &read_ids(&ada).await, 200).await;

    // A mention is told, and subscribes again; so does a comment, at once.
    say(&hub, &carol, "ada/bert", num, "What does @ada say?").await;
    assert_eq!((unread(&ada).await, unread(&bob).await), (one("Long", "mention"), vec![]));
    say(&hub, &bob, "ada/bert", num, "I am back.").await;
    assert!(asker.open(&page).await.has("because you take part"));
    ada.post_json("/api/discussions/mark-as-read", &read_ids(&ada).await, 200).await;
    let last = say(&hub, &carol, "ada/bert", num, "Good").await;
    assert_eq!((unread(&ada).await, unread(&bob).await), (one("Long", "participating"), one("Long", "participating")));
    // Leaving it, they have read it, no mail is due any more, and a mention of before calls nobody back.
    let mention = say(&hub, &carol, "ada/bert", num, "@ada @bob").await;
    owner.submit("/ada/bert", &form, &[("subscribed", "no")]).await;
    assert_eq!(unread(&ada).await, []);
    for id in [&last, &mention] {
        enqueue(&hub, Job::TellOfEvent { id: id.clone() }).await;
    }
    assert_eq!(unread(&ada).await, []);
    assert!(owner.open(&page).await.has("You unsubscribed"));
    // A former name calls them as well.
    asker.submit(&page, &form, &[("subscribed", "no")]).await;
    hub.sql("update namespaces set name = 'robert' where name = 'bob'").await;
    assert!(asker.open(&page).await.has("You unsubscribed"));
    say(&hub, &carol, "ada/bert", num, "Where is @bob?").await;
    assert_eq!(unread(&bob).await, one("Long", "mention"));
    assert!(asker.open(&page).await.has("because you take part"));

    // Others can follow it, but not if they ignore the repository; nothing else is a choice.
    let dave = hub.user("dave").await;
    let mut follower = Browser::logged_in(&hub, "dave").await;
    assert!(follower.open(&page).await.has("You are not told of what happens here"));
    follower.submit(&page, &form, &[("subscribed", "yes")]).await;
    assert!(follower.open(&page).await.has("because you subscribed"));
    follower.submit("/ada/bert", "/ada/bert/watch", &[("level", "participating")]).await;
    say(&hub, &carol, "ada/bert", num, "On and on").await;
    assert_eq!(unread(&dave).await, one("Long", "participating"));
    follower.submit("/ada/bert", "/ada/bert/watch", &[("level", "ignore")]).await;
    dave.post_json("/api/discussions/mark-as-read", &read_ids(&dave).await, 200).await;
    say(&hub, &carol, "ada/bert", num, "And on, @dave").await;
    assert_eq!(unread(&dave).await, []);
    let shown = follower.open(&page).await;
    assert!(shown.has("You ignore this repository") && !shown.has("Unsubscribe<"), "{}", shown.text);
    assert_eq!(follower.submit(&page, &form, &[("subscribed", "maybe")]).await.status, 400);
    assert_eq!(follower.submit(&page, "/ada/bert/discussions/99/subscription", &[("subscribed", "no")]).await.status, 404);
    // Nobody learns so whether there is a discussion that they cannot see.
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 200).await;
    assert_eq!(follower.submit("/settings/notifications", &form, &[("subscribed", "yes")]).await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn who_watches_an_owner_hears_of_what_is_new() {
    let (hub, ada, bob) = start().await;
    let carol = hub.user("carol").await;
    watch(&carol, json!({ "id": "ada", "type": "user" })).await;
    ada.create_repo("model", "ada/second", false).await;
    ada.create_repo("dataset", "ada/shy", true).await;
    hub.jobs_done().await;
    assert_eq!(unread(&carol).await, one("ada/second", "watching"), "of what was there before and of what is private, nothing");
    let num = open(&hub, &bob, "ada/bert", "A question", "").await;
    assert_eq!(unread(&carol).await.len(), 2);
    carol.post_json("/api/discussions/mark-as-read", &read_ids(&carol).await, 200).await;
    say(&hub, &ada, "ada/bert", num, "An answer").await;
    assert_eq!(unread(&carol).await.len(), 1, "only of the opening, unless they take part");

    // Private ones when they become public, once.
    for private in [false, true, false] {
        ada.call(Method::PUT, "/api/datasets/ada/shy/settings", &json!({ "private": private }), 200).await;
        hub.jobs_done().await;
    }
    assert_eq!(unread(&carol).await.iter().filter(|(about, _)| about == "ada/shy").count(), 1);
    ada.post_json("/api/buckets/ada/runs", &json!({}), 200).await;
    hub.jobs_done().await;
    assert!(unread(&carol).await.contains(&("ada/runs".to_owned(), "watching".to_owned())), "buckets are told of, too");

    // Members of an organisation are told of its repositories if they want to be.
    let (boss, member) = (hub.account("boss").await, hub.account("member").await);
    hub.organization("acme", &[(&boss, OrgRole::Admin), (&member, OrgRole::Read)]).await;
    let boss = hub.token(&boss, hub::accounts::TokenRole::Write).await;
    let member = hub.token(&member, hub::accounts::TokenRole::Write).await;
    boss.create_repo("model", "acme/one", true).await;
    open(&hub, &boss, "acme/one", "Quiet", "").await;
    assert_eq!(unread(&member).await, []);
    let mut browser = Browser::logged_in(&hub, "member").await;
    let fields = [("mention", "never"), ("participating", "never"), ("watching", "never"), ("organizations", "yes")];
    let saved = browser.submit("/settings/notifications", "/settings/notifications", &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    open(&hub, &boss, "acme/one", "Loud", "").await;
    boss.create_repo("model", "acme/two", true).await;
    hub.jobs_done().await;
    assert_eq!(unread(&member).await.len(), 2);
    hub.stop().await;
}
