//! Discussions and pull requests through the Hub API and git.

mod attachments;
mod conflicts;
mod merge;
mod proposals;
mod pulls;
mod remarks;

use hub_tests::{Client, TestHub, Value, json};

use crate::pages::browser::Browser;

const API: &str = "/api/models/ada/bert";

/// A hub with ada's public model, and bob, to whom it does not belong.
async fn start() -> (TestHub, Client, Client) {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    let bob = hub.user("bob").await;
    ada.create_repo("model", "ada/bert", false).await;
    (hub, ada, bob)
}

fn path(num: i64, rest: &str) -> String {
    format!("{API}/discussions/{num}{rest}")
}

async fn open(client: &Client, title: &str, pull_request: bool) -> i64 {
    let body = json!({ "title": title, "description": "A *reason*.", "pullRequest": pull_request });
    client.post_json(&format!("{API}/discussions"), &body, 200).await["num"].as_i64().unwrap()
}

/// The events of a discussion: type and data.
async fn events(client: &Client, num: i64) -> Vec<(String, Value)> {
    let found = client.get_json(&path(num, "?diff=1"), 200).await;
    let rows = found["events"].as_array().unwrap().clone();
    rows.into_iter().map(|row| (row["type"].as_str().unwrap().to_owned(), row["data"].clone())).collect()
}

async fn say(client: &Client, num: i64, text: &str, status: u16) -> Value {
    client.post_json(&path(num, "/comment"), &json!({ "comment": text }), status).await
}

#[tokio::test]
async fn a_discussion_is_opened_talked_about_and_closed() {
    let (hub, ada, bob) = start().await;
    let num = open(&bob, "  How was it\ntrained? ", false).await;
    let said = say(&ada, num, "On **text**.", 201).await;
    assert_eq!(said["newMessage"]["type"], "comment");
    assert_eq!(said["newMessage"]["author"]["name"], "ada");
    assert!(said["newMessage"]["data"]["latest"]["html"].as_str().unwrap().contains("<strong>text</strong>"));
    let renamed = bob.post_json(&path(num, "/title"), &json!({ "title": "Training data" }), 200).await;
    assert_eq!(renamed["newTitle"]["data"], json!({ "from": "How was it trained?", "to": "Training data" }));
    let closed = bob.post_json(&path(num, "/status"), &json!({ "status": "closed", "comment": "Thanks" }), 200).await;
    assert_eq!(closed["newStatus"]["data"], json!({ "status": "closed" }));
    bob.post_json(&path(num, "/status"), &json!({ "status": "closed" }), 400).await;
    let found = hub.anonymous().get_json(&path(num, "?diff=1"), 200).await;
    assert_eq!((&found["title"], &found["status"]), (&json!("Training data"), &json!("closed")));
    assert_eq!(found["repo"], json!({ "name": "ada/bert", "type": "model" }));
    assert_eq!((found["author"]["name"].as_str(), found.get("changes"), found.get("diff")), (Some("bob"), None, None));
    let kinds: Vec<String> = events(&ada, num).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["comment", "comment", "title-change", "comment", "status-change"]);
    hub.stop().await;
}

#[tokio::test]
async fn comments_are_edited_with_their_history_and_hidden() {
    let (hub, ada, bob) = start().await;
    let num = open(&ada, "A question", false).await;
    let id = say(&bob, num, "secret", 201).await["newMessage"]["id"].as_str().unwrap().to_owned();
    let edit = path(num, &format!("/comment/{id}/edit"));
    bob.post_json(&edit, &json!({ "content": "  " }), 400).await;
    let edited = bob.post_json(&edit, &json!({ "content": "better" }), 200).await["updatedComment"]["data"].clone();
    assert_eq!((&edited["edited"], &edited["latest"]["raw"], &edited["numEdits"]), (&json!(true), &json!("better"), &json!(1)));
    assert_eq!(edited["history"][0]["raw"], "secret");
    hub.user("carol").await.post_json(&edit, &json!({ "content": "not mine" }), 403).await;
    let hide = path(num, &format!("/comment/{}/hide", id.to_uppercase()));
    let request = ada.request(reqwest::Method::POST, &hide);
    let hidden: Value = ada.send(request, 200).await.json().await.unwrap();
    let data = &hidden["updatedComment"]["data"];
    assert_eq!((&data["hidden"], &data["latest"]["raw"], &data["history"]), (&json!(true), &json!(""), &json!([])));
    bob.post_json(&edit, &json!({ "content": "again" }), 403).await;
    // It was not ada's: it can be shown again, with what it said before, by those who may write.
    assert_eq!(hub.count("discussion_edits").await, 1);
    let thread = format!("/ada/bert/discussions/{num}");
    let show = format!("{thread}/show");
    let mut bobs = Browser::logged_in(&hub, "bob").await;
    let page = bobs.open(&thread).await;
    assert!(page.has("Delete its text</button>") && !page.has("Show again"), "{}", page.text);
    assert_eq!(bobs.submit(&thread, &show, &[("id", &id)]).await.status, 403);
    let mut adas = Browser::logged_in(&hub, "ada").await;
    assert!(adas.open(&thread).await.has("Show again"));
    assert_eq!(adas.submit(&thread, &show, &[("id", &id)]).await.status, 303);
    let data = events(&ada, num).await[1].1.clone();
    assert_eq!((&data["hidden"], &data["latest"]["raw"]), (&json!(false), &json!("better")));
    assert_eq!(data["history"][0]["raw"], "secret");
    assert_eq!(adas.submit(&thread, &show, &[("id", &id)]).await.status, 409, "it is shown");
    // A program does the same, for who may write.
    let unhide = path(num, &format!("/comment/{}/unhide", id.to_uppercase()));
    ada.post_json(&hide, &json!({}), 200).await;
    bob.post_json(&unhide, &json!({}), 403).await;
    let data = ada.post_json(&unhide, &json!({}), 200).await["updatedComment"]["data"].clone();
    assert_eq!((&data["hidden"], &data["latest"]["raw"]), (&json!(false), &json!("better")));
    ada.post_json(&unhide, &json!({}), 409).await;
    ada.post_json(&path(num, "/comment/none/unhide"), &json!({}), 404).await;
    // When the time is over, it is gone.
    ada.post_json(&hide, &json!({}), 200).await;
    hub::repos::discussions::forget_hidden(hub.app(), hub::repos::changes::undoable_since(hub.app())).await.unwrap();
    assert_eq!(hub.count("discussion_events where kept_body = 'better'").await, 1);
    hub.sql("update discussion_events set hidden_at = now() - interval '31 days' where kept_body is not null").await;
    assert_eq!(adas.submit(&thread, &show, &[("id", &id)]).await.status, 409, "nobody brings it back, though it is there");
    hub::repos::discussions::forget_hidden(hub.app(), hub::repos::changes::undoable_since(hub.app())).await.unwrap();
    assert_eq!(hub.count("discussion_events where kept_body is not null").await + hub.count("discussion_edits").await, 0);
    assert!(!adas.open(&thread).await.has("Show again"));
    // What its author hides is gone at once, also when somebody else had hidden it.
    for by_other in [true, false] {
        let id = say(&bob, num, "a password", 201).await["newMessage"]["id"].as_str().unwrap().to_owned();
        let hide = path(num, &format!("/comment/{id}/hide"));
        bob.post_json(&path(num, &format!("/comment/{id}/edit")), &json!({ "content": "another" }), 200).await;
        if by_other {
            ada.post_json(&hide, &json!({}), 200).await;
        }
        bob.post_json(&hide, &json!({}), 200).await;
        assert_eq!(hub.count("discussion_edits").await, 0);
        assert_eq!(hub.count("discussion_events where body = 'another' or kept_body is not null").await, 0);
        assert_eq!(adas.submit(&thread, &show, &[("id", &id)]).await.status, 409);
    }
    bob.post_json(&path(num, "/comment/none/edit"), &json!({ "content": "x" }), 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn others_change_nothing_and_a_locked_one_is_for_writers() {
    let (hub, ada, bob) = start().await;
    let (num, carol) = (open(&bob, "A question", false).await, hub.user("carol").await);
    carol.post_json(&path(num, "/title"), &json!({ "title": "Mine now" }), 403).await;
    carol.post_json(&path(num, "/status"), &json!({ "status": "closed" }), 403).await;
    bob.post_json(&path(num, "/pin"), &json!({ "pinned": true }), 403).await;
    say(&hub.anonymous(), num, "hello", 401).await;
    ada.post_json(&path(num, "/lock"), &json!({ "locked": true }), 200).await;
    say(&bob, num, "hello", 403).await;
    say(&ada, num, "Settled.", 201).await;
    ada.post_json(&path(num, "/status"), &json!({ "status": "merged" }), 400).await;
    for (title, status) in [("ab", 400), (&"x".repeat(201) as &str, 400), ("a\0b", 400)] {
        bob.post_json(&format!("{API}/discussions"), &json!({ "title": title, "description": "" }), status).await;
    }
    say(&ada, num, &"x".repeat(65_537), 400).await;
    say(&ada, 99, "hello", 404).await;
    ada.get("/api/models/ada/bert/discussions/x", 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn lists_are_filtered_and_counted() {
    let (hub, ada, bob) = start().await;
    for number in 0..52 {
        open(if number % 2 == 0 { &ada } else { &bob }, &format!("Question {number}"), false).await;
    }
    open(&bob, "A change", true).await;
    bob.post_json(&path(2, "/status"), &json!({ "status": "closed" }), 200).await;
    ada.post_json(&path(1, "/pin"), &json!({ "pinned": true }), 200).await;
    let list = async |query: &str| hub.anonymous().get_json(&format!("{API}/discussions?{query}"), 200).await;
    let first = list("").await;
    assert_eq!((&first["count"], &first["start"], &first["discussions"][0]["num"]), (&json!(53), &json!(0), &json!(1)));
    assert_eq!(first["discussions"].as_array().unwrap().len(), 50);
    let second = list("p=1").await;
    assert_eq!((&second["start"], second["discussions"].as_array().unwrap().len()), (&json!(50), 3));
    for (query, count) in [
        ("type=pull_request", 1),
        ("type=discussion", 52),
        ("status=closed", 1),
        ("status=open", 52),
        ("author=Bob", 27),
        ("author=bob&type=discussion&status=open", 25),
        ("search=question%2051", 1),
    ] {
        assert_eq!(list(query).await["count"], count, "{query}");
    }
    ada.get(&format!("{API}/discussions?status=other"), 400).await;
    hub.stop().await;
}

#[tokio::test]
async fn numbers_are_given_out_once() {
    let (hub, ada, bob) = start().await;
    let opened = (0..24).map(|index| open(if index % 3 == 0 { &ada } else { &bob }, "At once", index % 4 == 0));
    let mut nums = futures::future::join_all(opened).await;
    nums.sort_unstable();
    assert_eq!(nums, (1..=24).collect::<Vec<_>>());
    hub.stop().await;
}

#[tokio::test]
async fn discussions_follow_their_repository() {
    let (hub, ada, bob) = start().await;
    let num = open(&bob, "A change", true).await;
    let body = json!({ "fromRepo": "ada/bert", "toRepo": "ada/roberta", "type": "model" });
    ada.post_json("/api/repos/move", &body, 200).await;
    let moved = ada.get_json(&format!("/api/models/ada/roberta/discussions/{num}"), 200).await;
    assert_eq!(moved["repo"]["name"], "ada/roberta");
    ada.post_json("/api/models/ada/roberta/duplicate", &json!({ "repository": "ada/copy" }), 200).await;
    assert_eq!(ada.get_json("/api/models/ada/copy/discussions", 200).await["count"], 0);
    let refs = ada.get_json("/api/models/ada/copy/refs?include_prs=1", 200).await;
    assert_eq!(refs["pullRequests"], json!([]));
    let delete = json!({ "organization": "ada", "name": "roberta" });
    ada.call(reqwest::Method::DELETE, "/api/repos/delete", &delete, 200).await;
    ada.get(&format!("/api/models/ada/roberta/discussions/{num}"), 404).await;
    // What garbage collection does in the end.
    sqlx::query("delete from repos where name = 'roberta'").execute(&hub.app().pool).await.unwrap();
    assert_eq!(hub.count("discussions").await + hub.count("discussion_events").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn nobody_speaks_for_others_or_past_a_lock() {
    let (hub, ada, bob) = start().await;
    let num = open(&bob, "What for?", false).await;
    let id = bob.post_json(&path(num, "/comment"), &json!({ "comment": "mine" }), 201).await["newMessage"]["id"].clone();
    let edit = path(num, &format!("/comment/{}/edit", id.as_str().unwrap()));
    ada.post_json(&edit, &json!({ "content": "bob is wrong" }), 403).await;
    bob.post_json(&path(num, "/title"), &json!({ "title": "What for?" }), 400).await;
    ada.post_json(&path(num, "/lock"), &json!({ "locked": true }), 200).await;
    bob.post_json(&path(num, "/title"), &json!({ "title": "Locked out" }), 403).await;
    let close = |comment: &str| json!({ "status": "closed", "comment": comment });
    bob.post_json(&path(num, "/status"), &close("Locked out"), 403).await;
    assert_eq!(events(&ada, num).await.len(), 2);
    bob.post_json(&path(num, "/status"), &close(""), 200).await;
    // Nobody is woken by it once more.
    let again = json!({ "status": "open" });
    let said = bob.post_json(&path(num, "/status"), &again, 403).await.to_string();
    assert!(said.contains("is locked"), "{said}");
    let mut browser = Browser::logged_in(&hub, "bob").await;
    let thread = format!("/ada/bert/discussions/{num}");
    let page = browser.open(&thread).await;
    assert!(page.has("This is locked") && !page.has("name=\"title\""), "no form that is refused: {}", page.text);
    // What somebody said there stays as it is, unless those who may write hide it.
    assert!(!page.has("/hide\"") && !page.has("/edit\""), "{}", page.text);
    let hide = path(num, &format!("/comment/{}/hide", id.as_str().unwrap()));
    for (address, body) in [(&edit, json!({ "content": "nothing" })), (&hide, json!({}))] {
        let said = bob.post_json(address, &body, 403).await.to_string();
        assert!(said.contains("is locked"), "{said}");
    }
    let csrf = page.csrf();
    let form = [("csrf_token", csrf.as_str()), ("id", id.as_str().unwrap())];
    assert_eq!(browser.post(&format!("{thread}/hide"), &form).await.status, 403);
    assert!(browser.open(&thread).await.has("mine"));
    ada.post_json(&hide, &json!({}), 200).await;
    ada.post_json(&path(num, "/status"), &again, 200).await;
    ada.post_json(&path(num, "/lock"), &json!({ "locked": false }), 200).await;
    assert!(browser.open(&thread).await.has("name=\"title\""));
    hub.stop().await;
}

#[tokio::test]
async fn a_full_discussion_can_only_be_closed() {
    let (hub, _ada, bob) = start().await;
    let num = open(&bob, "Without end", false).await;
    let fill = "insert into discussion_events (discussion_pk, kind, body)
                select discussion_pk, 'comment', 'more' from discussions, generate_series(1, 1000)";
    sqlx::query(fill).execute(&hub.app().pool).await.unwrap();
    let refused = say(&bob, num, "And more", 400).await;
    assert!(refused["error"].as_str().unwrap().contains("full"), "{refused}");
    bob.post_json(&path(num, "/status"), &json!({ "status": "closed", "comment": "Enough" }), 400).await;
    bob.post_json(&path(num, "/status"), &json!({ "status": "closed" }), 200).await;
    bob.post_json(&path(num, "/status"), &json!({ "status": "open" }), 400).await;
    hub.stop().await;
}

#[tokio::test]
async fn who_changes_a_discussion_without_end_keeps_nobody_from_commenting() {
    let (hub, ada, bob) = start().await;
    let num = open(&bob, "To and fro", false).await;
    let changes = async |count: i32| {
        let payload = r#"{"resolved": true, "thread": "x", "path": "a.txt"}"#;
        let fill = "insert into discussion_events (discussion_pk, author_pk, kind, payload)
                    select discussion_pk, author_pk, 'thread-change', $2::jsonb from discussions, generate_series(1, $1)";
        sqlx::query(fill).bind(count).bind(payload).execute(&hub.app().pool).await.unwrap();
    };
    changes(299).await;
    bob.post_json(&path(num, "/title"), &json!({ "title": "Fro and to" }), 200).await;
    let refused = bob.post_json(&path(num, "/title"), &json!({ "title": "To and fro" }), 400).await.to_string();
    assert!(refused.contains("was changed 300 times"), "{refused}");
    // It can always be closed, but not opened and closed for ever.
    bob.post_json(&path(num, "/status"), &json!({ "status": "closed" }), 200).await;
    bob.post_json(&path(num, "/status"), &json!({ "status": "open" }), 400).await;
    changes(800).await;
    say(&ada, num, "There is room for this.", 201).await;
    hub.stop().await;
}
