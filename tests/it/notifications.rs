//! Notifications: who is told of what and who is not, the inbox, what is watched, and mails.

mod discussions;
mod mails;
mod watching;

use hub::accounts::OrgRole;
use hub::jobs::Job;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

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
