//! Notifications: who is told of what and who is not, the inbox, what is watched, and mails.

use hub::accounts::OrgRole;
use hub::jobs::Job;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use crate::outbox::mails;
use crate::pages::browser::Browser;

const INBOX: &str = "/api/notifications?readStatus=unread";

/// A hub on which the first account, which is the administrator's, is nobody's here, and ada has a public model.
async fn start() -> (TestHub, Client, Client) {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let (ada, bob) = (hub.user("ada").await, hub.user("bob").await);
    ada.create_repo("model", "ada/bert", false).await;
    (hub, ada, bob)
}

/// Opens a discussion and waits until everybody has been told.
async fn open(hub: &TestHub, client: &Client, repo: &str, title: &str, text: &str) -> i64 {
    let body = json!({ "title": title, "description": text });
    let made = client.post_json(&format!("/api/models/{repo}/discussions"), &body, 200).await;
    hub.jobs_done().await;
    made["num"].as_i64().unwrap()
}

async fn say(hub: &TestHub, client: &Client, repo: &str, num: i64, text: &str) -> String {
    let path = format!("/api/models/{repo}/discussions/{num}/comment");
    let said = client.post_json(&path, &json!({ "comment": text }), 201).await;
    hub.jobs_done().await;
    said["newMessage"]["id"].as_str().unwrap().to_owned()
}

/// What somebody has not read: the title of the discussion or the id of the repository, and why.
async fn unread(client: &Client) -> Vec<(String, String)> {
    let inbox = client.get_json(INBOX, 200).await;
    let rows = inbox["notifications"].as_array().unwrap();
    assert_eq!(inbox["count"]["unread"], rows.len());
    let about = |row: &Value| row["discussion"]["title"].as_str().or(row["repo"]["name"].as_str()).unwrap().to_owned();
    rows.iter().map(|row| (about(row), row["reason"].as_str().unwrap().to_owned())).collect()
}

fn one(title: &str, reason: &str) -> Vec<(String, String)> {
    vec![(title.to_owned(), reason.to_owned())]
}

async fn watch(client: &Client, add: Value) {
    client.call(Method::PATCH, "/api/settings/watch", &json!({ "add": [add] }), 200).await;
}

async fn enqueue(hub: &TestHub, job: Job) {
    let mut conn = hub.app().pool.acquire().await.unwrap();
    job.enqueue(&mut conn).await.unwrap();
    drop(conn);
    hub.app().jobs.wake();
    hub.jobs_done().await;
}

#[tokio::test]
async fn owners_participants_and_the_mentioned_are_told() {
    let (hub, ada, bob) = start().await;
    let (carol, dave) = (hub.user("carol").await, hub.user("dave").await);
    let num = open(&hub, &bob, "ada/bert", "A question", "Is it new, @Carol? And `@dave`?").await;
    assert_eq!(unread(&ada).await, one("A question", "watching"));
    assert_eq!(unread(&carol).await, one("A question", "mention"));
    assert_eq!(unread(&bob).await, [], "nobody is told what they did");
    assert_eq!(unread(&dave).await, [], "a name in code calls nobody");

    // Each has one notification of it, which becomes unread again, and for the reason that holds now.
    carol.post_json("/api/discussions/mark-as-read", &read_ids(&carol).await, 200).await;
    assert_eq!(unread(&carol).await, []);
    say(&hub, &ada, "ada/bert", num, "It is.").await;
    assert_eq!(unread(&carol).await, one("A question", "participating"), "who was mentioned takes part");
    assert_eq!(unread(&bob).await, one("A question", "participating"));
    say(&hub, &ada, "ada/bert", num, "Thank @bob for asking.").await;
    assert_eq!(unread(&bob).await, one("A question", "mention"), "the stronger reason stays");
    say(&hub, &ada, "ada/bert", num, "Anything else?").await;
    assert_eq!(unread(&bob).await, one("A question", "mention"));
    assert_eq!(hub.count("notifications").await, 3);

    // Closing tells, too; a comment with it is no second notification.
    carol.post_json("/api/discussions/mark-as-read", &read_ids(&carol).await, 200).await;
    let close = json!({ "status": "closed", "comment": "Done, @dave" });
    bob.post_json(&format!("/api/models/ada/bert/discussions/{num}/status"), &close, 200).await;
    hub.jobs_done().await;
    assert_eq!(unread(&carol).await, one("A question", "participating"));
    assert_eq!(unread(&dave).await, one("A question", "mention"));
    hub.stop().await;
}

/// The ids of all that somebody was told.
async fn read_ids(client: &Client) -> Value {
    let inbox = client.get_json("/api/notifications", 200).await;
    let ids = inbox["notifications"].as_array().unwrap().iter().filter_map(|row| row["discussion"]["id"].as_str());
    json!({ "discussionIds": ids.collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_text_calls_twenty_people_and_no_more() {
    let (hub, ada, bob) = start().await;
    let mut people = Vec::new();
    for number in 0..25 {
        people.push(hub.user(&format!("person-{number}")).await);
    }
    let names: Vec<String> = (0..25).map(|number| format!("@person-{number} @person-{number}")).collect();
    open(&hub, &bob, "ada/bert", "Everybody!", &names.join(" ")).await;
    let mut told = 0;
    for person in &people {
        told += unread(person).await.len();
    }
    assert_eq!((told, unread(&people[19]).await.len(), unread(&people[20]).await.len()), (20, 1, 0));
    assert_eq!(unread(&ada).await.len(), 1, "the owner is told for another reason");
    hub.stop().await;
}

#[tokio::test]
async fn nobody_is_told_of_what_they_may_not_read() {
    let (hub, ada, bob) = start().await;
    let member = hub.account("member").await;
    let member_client = hub.token(&member, hub::accounts::TokenRole::Write).await;
    let ada_user = hub.account("boss").await;
    let boss = hub.token(&ada_user, hub::accounts::TokenRole::Write).await;
    hub.organization("acme", &[(&ada_user, OrgRole::Admin), (&member, OrgRole::Read)]).await;
    boss.create_repo("model", "acme/secret", true).await;
    hub.jobs_done().await;
    let num = open(&hub, &boss, "acme/secret", "Internal", "@bob @member @ada").await;
    assert_eq!(unread(&bob).await, []);
    assert_eq!(unread(&ada).await, []);
    assert_eq!(unread(&member_client).await, one("Internal", "mention"));

    // Who loses access loses what they were told, and hears no more.
    hub.sql("delete from organization_members where user_pk = (select namespace_pk from namespaces where name = 'member')").await;
    assert_eq!(unread(&member_client).await, []);
    let said = say(&hub, &boss, "acme/secret", num, "Between us").await;
    assert_eq!(unread(&member_client).await, []);
    let edit = format!("/api/models/acme/secret/discussions/{num}/comment/{said}/edit");
    boss.post_json(&edit, &json!({ "content": "Less" }), 200).await;
    let history = format!("/acme/secret/discussions/{num}/history/{said}");
    assert!(Browser::logged_in(&hub, "boss").await.open(&history).await.has("Between us"));
    for mut stranger in [Browser::new(&hub), Browser::logged_in(&hub, "bob").await] {
        let page = stranger.get(&history).await;
        assert!(page.status == 404 && !page.has("Between us") && !page.has("Internal"), "{} {}", page.status, page.text);
    }
    let mut browser = Browser::logged_in(&hub, "member").await;
    let page = browser.open("/notifications?show=all").await;
    assert!(!page.has("Internal") && !page.has("secret") && page.has("aria-label=\"Notifications\""), "{}", page.text);

    // What is public and becomes private goes the same way; what is deleted, too.
    let num = open(&hub, &bob, "ada/bert", "In public", "").await;
    say(&hub, &ada, "ada/bert", num, "Yes").await;
    assert_eq!(unread(&bob).await.len(), 1);
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 200).await;
    assert_eq!(unread(&bob).await, []);
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": false }), 200).await;
    assert_eq!(unread(&bob).await.len(), 1);
    ada.call(Method::DELETE, "/api/repos/delete", &json!({ "organization": "ada", "name": "bert" }), 200).await;
    assert_eq!(unread(&bob).await, []);
    hub.stop().await;
}

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

#[tokio::test]
async fn the_same_job_again_changes_nothing() {
    let (hub, ada, bob) = start().await;
    let num = open(&hub, &bob, "ada/bert", "A question", "").await;
    let first = say(&hub, &bob, "ada/bert", num, "@ada, look").await;
    let second = say(&hub, &bob, "ada/bert", num, "And again").await;
    assert_eq!(unread(&ada).await, one("A question", "mention"));
    ada.post_json("/api/discussions/mark-as-read", &read_ids(&ada).await, 200).await;
    for id in [&first, &second, &first] {
        enqueue(&hub, Job::TellOfEvent { id: id.clone() }).await;
        assert_eq!(unread(&ada).await, [], "what was read stays read");
    }
    enqueue(&hub, Job::TellOfEvent { id: "none".to_owned() }).await;
    // One that comes late may still be why.
    hub.sql("delete from notifications").await;
    for id in [&second, &first] {
        enqueue(&hub, Job::TellOfEvent { id: id.clone() }).await;
    }
    assert_eq!(unread(&ada).await, one("A question", "mention"));
    hub.stop().await;
}

#[tokio::test]
async fn the_bell_counts_and_the_inbox_is_read() {
    let (hub, _ada, bob) = start().await;
    for number in 1..=34 {
        let text = if number == 1 { "@ada" } else { "" };
        open(&hub, &bob, "ada/bert", &format!("Question {number}"), text).await;
    }
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = browser.open("/notifications").await;
    assert!(page.has("Notifications: 34 unread") && page.has("Question 34") && page.has("rel=\"next\""), "{}", page.text);
    assert_eq!(page.text.matches("type=\"checkbox\"").count(), 30);
    assert!(!Browser::new(&hub).open("/ada/bert").await.has("/notifications"), "strangers have no bell");
    let next = page.text.split("href=\"/notifications?after=").nth(1).unwrap().split('"').next().unwrap();
    let second = browser.open(&format!("/notifications?after={next}")).await;
    assert_eq!(second.text.matches("type=\"checkbox\"").count(), 4);

    // Whoever opens a discussion has read what they were told of it, and the bell knows at once.
    assert!(browser.open("/ada/bert/discussions/34").await.has("Notifications: 33 unread"));
    let mentions = browser.open("/notifications?reason=mention&repo=models/ada/bert").await;
    assert!(mentions.has("Question 1 (#1)<") && !mentions.has("Question 2 (#2)<"), "{}", mentions.text);
    let pks: Vec<String> =
        second.text.split("name=\"pk\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    let some = [("do", "some"), ("pk", pks[0].as_str()), ("pk", pks[1].as_str()), ("pk", "1")];
    assert_eq!(browser.submit("/notifications", "/notifications", &some).await.location(), "/notifications");
    assert!(browser.open("/notifications").await.has("2 notifications are marked as read."));
    let all = [("do", "all"), ("reason", "mention"), ("until", "9000000000000000")];
    assert_eq!(browser.submit("/notifications", "/notifications", &all).await.location(), "/notifications?reason=mention");
    let left = browser.open("/notifications").await;
    assert!(!left.has(">Question 1 (#1)<"), "{}", left.text);
    browser.submit("/notifications", "/notifications", &[("do", "all"), ("until", "1")]).await;
    assert!(!browser.open("/notifications").await.has("You have read everything"), "what came since is not read by it");
    browser.submit("/notifications", "/notifications", &[("do", "all")]).await;
    let page = browser.open("/notifications").await;
    assert!(page.has("You have read everything") && page.has("aria-label=\"Notifications\""), "{}", page.text);
    assert!(browser.open("/notifications?show=all").await.has("Question 34"));
    assert_eq!(browser.submit("/settings/profile", "/notifications", &[]).await.status, 400);
    assert_eq!(browser.get("/notifications?after=x").await.status, 400);
    hub.stop().await;
}

#[tokio::test]
async fn nobody_reads_what_others_were_told() {
    let (hub, _ada, bob) = start().await;
    open(&hub, &bob, "ada/bert", "A question", "").await;
    let pk: i64 = sqlx::query_scalar("select notification_pk from notifications").fetch_one(&hub.app().pool).await.unwrap();
    let mut other = Browser::logged_in(&hub, "bob").await;
    assert_eq!(other.get(&format!("/notifications/{pk}")).await.status, 404);
    let page = other.submit("/settings/profile", "/notifications", &[("do", "some"), ("pk", &pk.to_string())]).await;
    assert_eq!(page.status, 303);
    let mut own = Browser::logged_in(&hub, "ada").await;
    assert!(own.open("/notifications").await.has("Notifications: 1 unread"));
    let followed = own.get(&format!("/notifications/{pk}")).await;
    assert!(followed.status == 303 && followed.location().starts_with("/ada/bert/discussions/1#"), "{}", followed.location());
    assert!(own.open("/notifications").await.has("You have read everything"));
    assert!(Browser::new(&hub).get(&format!("/notifications/{pk}")).await.location().starts_with("/login"));
    hub.stop().await;
}

#[tokio::test]
async fn mails_tell_at_once_once_a_day_or_never_and_end_with_one_request() {
    let (hub, ada, bob) = start().await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let num = open(&hub, &bob, "ada/bert", "A question", "Is it <new>?").await;
    mails(&hub, 0).await;
    // Watching: once a day.
    hub.sql("update notifications set mail_due_at = now() - interval '1 minute' where mail_due_at is not null").await;
    enqueue(&hub, Job::TendNotifications).await;
    let sent = mails(&hub, 1).await;
    let digest = &sent[0];
    for part in [
        "To: ada@example.org",
        "Subject: [ada/bert] A question (#1)",
        "bob opened it.",
        "Is it <new>?",
        "Is it &lt;new&gt;?",
        "you watch it",
    ] {
        assert!(digest.replace("&#60;", "&lt;").replace("&#62;", "&gt;").contains(part), "{part}: {digest}");
    }
    assert!(digest.contains("/ada/bert/discussions/1#"), "{digest}");
    enqueue(&hub, Job::TendNotifications).await;
    mails(&hub, 1).await;

    // Taking part: at once. What was read is told no more, and what may not be read is not, either.
    say(&hub, &ada, "ada/bert", num, "It is.").await;
    let sent = mails(&hub, 2).await;
    let at_once = sent.iter().find(|mail| mail.contains("To: bob@example.org")).unwrap();
    assert!(
        at_once.contains("ada commented.") && at_once.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        "{at_once}"
    );
    hub.sql("update notifications set mail_due_at = now(), unread = true").await;
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 200).await;
    let bob_pk: i64 =
        sqlx::query_scalar("select namespace_pk from namespaces where name = 'bob'").fetch_one(&hub.app().pool).await.unwrap();
    enqueue(&hub, Job::MailNotifications { user_pk: bob_pk }).await;
    mails(&hub, 2).await;
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": false }), 200).await;

    // Opening the address changes nothing, a POST ends all, and nothing else is opened by it.
    let header = at_once.split("List-Unsubscribe: <").nth(1).unwrap().split('>').next().unwrap();
    let path = header[header.find("/notifications/").unwrap()..].to_owned();
    let mut anybody = Browser::new(&hub);
    assert!(anybody.open(&path).await.has("No more mails?"));
    assert_eq!(anybody.get(&path.replace("/unsubscribe", "x/unsubscribe")).await.status, 404);
    let request = hub.anonymous().request(Method::POST, &path).form(&[("List-Unsubscribe", "One-Click")]);
    hub.anonymous().send(request, 200).await;
    say(&hub, &ada, "ada/bert", num, "And @bob?").await;
    mails(&hub, 2).await;
    assert_eq!(unread(&bob).await.len(), 1, "the inbox has it all the same");
    let page = Browser::logged_in(&hub, "bob").await.open("/settings/notifications").await;
    assert_eq!(page.text.matches("<option value=\"never\" selected>").count(), 3, "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn who_is_called_again_and_again_gets_one_mail_in_five_minutes() {
    let (hub, ada, bob) = start().await;
    hub.user("carol").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let num = open(&hub, &bob, "ada/bert", "First", "@carol").await;
    mails(&hub, 1).await;
    // What it told of goes, and with it the notification.
    ada.call(Method::DELETE, &format!("/api/models/ada/bert/discussions/{num}"), &json!({}), 200).await;
    for title in ["Second", "Third"] {
        let num = open(&hub, &bob, "ada/bert", title, "@carol").await;
        say(&hub, &bob, "ada/bert", num, "@carol!").await;
    }
    enqueue(&hub, Job::TendNotifications).await;
    mails(&hub, 1).await;
    hub.sql("update notifications set mail_due_at = mail_due_at - interval '5 minutes' where reason = 3").await;
    enqueue(&hub, Job::TendNotifications).await;
    let sent = mails(&hub, 2).await;
    assert!(
        sent.iter().any(|mail| mail.contains("Subject: 2 notifications") && mail.contains("To: carol@example.org")),
        "{sent:#?}"
    );
    hub.stop().await;
}

#[tokio::test]
async fn mails_that_wait_for_the_mail_server_are_not_asked_for_again() {
    let (hub, _ada, bob) = start().await;
    hub.sql("update users set email_confirmed_at = now()").await;
    open(&hub, &bob, "ada/bert", "A question", "").await;
    // As a job that has failed.
    hub.sql(
        "update notifications set mail_due_at = now() - interval '1 minute';
         insert into jobs (kind, payload, attempts, run_at, locked_until)
         select 'mail_notifications', jsonb_build_object('user_pk', user_pk), 1, now() + interval '1 hour', now() from notifications",
    )
    .await;
    hub::notifications::mail::tend(hub.app()).await.unwrap();
    assert_eq!(hub.count("jobs").await, 1);
    hub.sql("update jobs set failed_at = now()").await;
    hub::notifications::mail::tend(hub.app()).await.unwrap();
    hub.sql("delete from jobs where failed_at is not null").await;
    mails(&hub, 1).await;
    hub.stop().await;
}

#[tokio::test]
async fn no_mail_goes_to_addresses_that_nobody_confirmed() {
    let (hub, ada, bob) = start().await;
    open(&hub, &bob, "ada/bert", "A question", "@ada").await;
    mails(&hub, 0).await;
    let due: i64 = sqlx::query_scalar("select count(mail_due_at) from notifications").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!((due, unread(&ada).await.len()), (0, 1));
    hub.stop().await;
}

#[tokio::test]
async fn old_notifications_are_removed() {
    let (hub, _ada, bob) = start().await;
    for title in ["Read long ago", "Not read", "Forgotten"] {
        open(&hub, &bob, "ada/bert", title, "").await;
    }
    hub.sql("update notifications set updated_at = now() - interval '100 days'").await;
    hub.sql("update notifications set unread = false where discussion_pk = (select min(discussion_pk) from discussions)").await;
    hub.sql("update notifications set updated_at = now() - interval '400 days' where discussion_pk = (select max(discussion_pk) from discussions)").await;
    enqueue(&hub, Job::TendNotifications).await;
    assert_eq!(hub.count("notifications").await, 1);
    hub.stop().await;
}

#[tokio::test]
async fn comments_get_reactions() {
    let (hub, ada, bob) = start().await;
    let num = open(&hub, &bob, "ada/bert", "A question", "").await;
    let id = say(&hub, &bob, "ada/bert", num, "Well?").await;
    let path = format!("/api/models/ada/bert/discussions/{num}/comment/{id}/reactions");
    for client in [&ada, &ada, &bob] {
        client.post_json(&path, &json!({ "reaction": "🎉" }), 200).await;
    }
    let said = ada.post_json(&path, &json!({ "reaction": "👍" }), 200).await;
    let expected = json!([
        { "reaction": "👍", "users": ["ada"], "count": 1 },
        { "reaction": "🎉", "users": ["ada", "bob"], "count": 2 },
    ]);
    assert_eq!(said["updatedComment"]["data"]["reactions"], expected);
    ada.call(Method::DELETE, &path, &json!({ "reaction": "🎉" }), 200).await;
    for reaction in ["🦀", "", "<b>"] {
        ada.post_json(&path, &json!({ "reaction": reaction }), 400).await;
    }
    ada.post_json(&path.replace(&id, "none"), &json!({ "reaction": "👍" }), 404).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let thread = format!("/ada/bert/discussions/{num}");
    let page = browser.open(&thread).await;
    assert!(
        page.has("name=\"remove\" value=\"👍\"") && page.has("name=\"add\" value=\"🎉\" aria-pressed=\"false\""),
        "{}",
        page.text
    );
    let back = browser.submit(&thread, &format!("{thread}/react"), &[("id", &id), ("remove", "👍")]).await;
    assert_eq!((back.status, back.location()), (303, format!("{thread}#{id}").as_str()));
    assert!(Browser::new(&hub).open(&thread).await.has("title=\"bob\">🎉 1<"));
    ada.post_json(&format!("/api/models/ada/bert/discussions/{num}/comment/{id}/hide"), &json!({}), 200).await;
    ada.post_json(&path, &json!({ "reaction": "👍" }), 403).await;
    ada.post_json(&format!("/api/models/ada/bert/discussions/{num}/lock"), &json!({ "locked": true }), 200).await;
    bob.post_json(&path, &json!({ "reaction": "👍" }), 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn earlier_versions_of_a_comment_have_a_page() {
    let (hub, _ada, bob) = start().await;
    let num = open(&hub, &bob, "ada/bert", "A question", "").await;
    let id = say(&hub, &bob, "ada/bert", num, "<first>").await;
    for text in ["second", "third"] {
        let edit = format!("/api/models/ada/bert/discussions/{num}/comment/{id}/edit");
        bob.post_json(&edit, &json!({ "content": text }), 200).await;
    }
    let mut anybody = Browser::new(&hub);
    let history = format!("/ada/bert/discussions/{num}/history/{id}");
    assert!(anybody.open(&format!("/ada/bert/discussions/{num}")).await.has(&format!("href=\"{history}\"")));
    let page = anybody.open(&history).await;
    let places: Vec<_> = ["third", "second", "&#60;first&#62;"].iter().map(|text| page.text.find(text).unwrap()).collect();
    assert!(places.is_sorted(), "the latest first: {places:?}");
    bob.post_json(&format!("/api/models/ada/bert/discussions/{num}/comment/{id}/hide"), &json!({}), 200).await;
    assert_eq!(anybody.get(&history).await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn discussions_are_deleted_with_their_numbers_and_turned_off() {
    let (hub, ada, bob) = start().await;
    let first = open(&hub, &bob, "ada/bert", "A question", "").await;
    let body = json!({ "title": "A change", "pullRequest": true });
    let pull = bob.post_json("/api/models/ada/bert/discussions", &body, 200).await["num"].as_i64().unwrap();
    hub.jobs_done().await;
    let path = |num: i64| format!("/api/models/ada/bert/discussions/{num}");
    bob.call(Method::DELETE, &path(first), &json!({}), 403).await;
    ada.call(Method::DELETE, &path(pull), &json!({}), 200).await;
    ada.get(&path(pull), 404).await;
    ada.call(Method::DELETE, &path(pull), &json!({}), 404).await;
    let refs = ada.get_json("/api/models/ada/bert/refs?include_prs=1", 200).await;
    assert_eq!(refs["pullRequests"], json!([]));
    assert_eq!(unread(&ada).await, one("A question", "watching"));
    let next = bob.post_json("/api/models/ada/bert/discussions", &body, 200).await["num"].as_i64().unwrap();
    assert_eq!(next, pull + 1, "links to what was deleted lead to nothing else");

    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "discussionsDisabled": true }), 200).await;
    for body in [&body, &json!({ "title": "A question", "description": "" })] {
        let refused = ada.post_json("/api/models/ada/bert/discussions", body, 403).await;
        assert!(refused["error"].as_str().unwrap().contains("turned off"), "{refused}");
    }
    let lines = [Client::file("new.txt", "new")];
    bob.commit("/api/models/ada/bert", "main?create_pr=1", &lines, 403).await;
    say(&hub, &bob, "ada/bert", first, "Still here").await;
    let mut owner = Browser::logged_in(&hub, "ada").await;
    let page = owner.open("/ada/bert/discussions").await;
    assert!(page.has("turned off") && !page.has("/discussions/new"), "{}", page.text);
    let on = owner.submit("/ada/bert/settings", "/ada/bert/settings/discussions", &[("discussions", "on")]).await;
    assert_eq!(on.status, 303);
    open(&hub, &bob, "ada/bert", "Again", "").await;
    let thread = format!("/ada/bert/discussions/{first}");
    assert_eq!(owner.submit(&thread, &format!("{thread}/delete"), &[]).await.status, 400);
    let gone = owner.submit(&thread, &format!("{thread}/delete"), &[("delete", "yes")]).await;
    assert_eq!((gone.status, gone.location()), (303, "/ada/bert/discussions"));
    hub.stop().await;
}
