//! Comments on lines of what a pull request changes: where they stand, what becomes of them, and who sees the lines.

mod forms;

use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use super::pulls::propose;
use super::{API, open, path, start};
use crate::outbox::outbox;
use crate::pages::browser::Browser;
use crate::work::Work;

const OLD: &str = "one\ntwo\nthree\nfour\nfive\n";
const NEW: &str = "one\ntwo\nTHREE\nfour\nfive\n";

/// A hub with a pull request of bob's for ada's model, which changes the third line of a file, and its commit.
async fn proposed() -> (TestHub, Client, Client, i64, String) {
    let (hub, ada, bob) = start().await;
    ada.commit(API, "main", &[Client::file("a.txt", OLD)], 200).await;
    let (num, commit) = propose(&bob, "a.txt", NEW).await;
    (hub, ada, bob, num, commit)
}

async fn remark_at(client: &Client, num: i64, anchor: Value, status: u16) -> Value {
    client.post_json(&path(num, "/comment"), &json!({ "comment": "Why so?", "anchor": anchor }), status).await
}

/// Says something about the third line as it would be, and gives the id of the comment.
async fn remark(client: &Client, num: i64) -> String {
    let said = remark_at(client, num, json!({ "path": "a.txt", "line": 3 }), 201).await;
    said["newMessage"]["id"].as_str().unwrap().to_owned()
}

async fn reply(client: &Client, num: i64, to: &str, status: u16) -> Value {
    client.post_json(&path(num, "/comment"), &json!({ "comment": "Because.", "replyTo": to }), status).await
}

/// Where a comment stands, as somebody sees it.
async fn anchor(client: &Client, num: i64, id: &str) -> Value {
    let found = client.get_json(&path(num, ""), 200).await;
    let event = found["events"].as_array().unwrap().iter().find(|event| event["id"] == id).unwrap().clone();
    event["data"]["anchor"].clone()
}

async fn resolve(client: &Client, num: i64, id: &str, resolved: bool, status: u16) -> Value {
    client.post_json(&path(num, &format!("/comment/{id}/resolve")), &json!({ "resolved": resolved }), status).await
}

#[tokio::test]
async fn a_thread_begins_at_a_line_and_others_answer_in_it() {
    let (hub, ada, bob, num, commit) = proposed().await;
    let said = remark_at(&ada, num, json!({ "path": "a.txt", "side": "new", "line": 3 }), 201).await["newMessage"].clone();
    let id = said["id"].as_str().unwrap();
    assert_eq!((&said["type"], &said["data"]["latest"]["raw"]), (&json!("comment"), &json!("Why so?")));
    let expected = json!({
        "thread": id, "path": "a.txt", "side": "new", "line": 3, "commit": commit, "outdated": false, "currentLine": 3,
        "resolved": false, "snippet": "@@ -1,0 +1,0 @@\n one\n two\n-three\n+THREE\n",
    });
    assert_eq!(said["data"]["anchor"], expected);
    let answered = reply(&bob, num, &id.to_uppercase(), 201).await["newMessage"].clone();
    assert_eq!(answered["data"]["anchor"]["thread"], id);
    // An answer to an answer is in the same thread.
    let again = reply(&ada, num, answered["id"].as_str().unwrap(), 201).await;
    assert_eq!(again["newMessage"]["data"]["anchor"]["thread"], id);
    let old = remark_at(&bob, num, json!({ "path": "a.txt", "side": "old", "line": 3, "commit": commit }), 201).await;
    assert_eq!(old["newMessage"]["data"]["anchor"]["snippet"], "@@ -1,0 +1,0 @@\n one\n two\n-three\n");
    let found = hub.anonymous().get_json(&path(num, ""), 200).await;
    let comments: Vec<bool> = found["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "comment")
        .map(|event| event["data"].get("anchor").is_some())
        .collect();
    assert_eq!(comments, [false, true, true, true, true], "the first is the description");
    assert_eq!((hub.count("remark_threads").await, hub.count("remark_replies").await), (2, 2));
    ada.call(Method::DELETE, &path(num, ""), &json!({}), 200).await;
    assert_eq!(hub.count("remark_threads").await + hub.count("remark_replies").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn a_line_is_found_again_until_it_changes() {
    let (hub, ada, bob, num, commit) = proposed().await;
    let id = remark(&ada, num).await;
    let change = async |text: &str| bob.commit(API, &format!("refs%2Fpr%2F{num}"), &[Client::file("a.txt", text)], 200).await;
    change(&format!("zero\n{NEW}")).await;
    let moved = anchor(&ada, num, &id).await;
    assert_eq!((&moved["outdated"], &moved["line"], &moved["currentLine"]), (&json!(false), &json!(3), &json!(4)));
    change(&NEW.replace("THREE", "3")).await;
    let outdated = anchor(&ada, num, &id).await;
    assert_eq!((&outdated["outdated"], &outdated["currentLine"]), (&json!(true), &Value::Null));
    assert!(outdated["snippet"].as_str().unwrap().ends_with("+THREE\n"), "what it was about can be read: {outdated}");
    // Who still looks at the first commit says something about that.
    let late = remark_at(&ada, num, json!({ "path": "a.txt", "line": 3, "commit": commit }), 201).await;
    assert_eq!(late["newMessage"]["data"]["anchor"]["outdated"], true);
    let main = ada.get_json(&format!("{API}/revision/main"), 200).await["sha"].clone();
    for (other, status) in [(main, 409), (json!("0".repeat(40)), 409), (json!("main"), 400)] {
        remark_at(&ada, num, json!({ "path": "a.txt", "line": 3, "commit": other }), status).await;
    }
    change(OLD).await;
    assert_eq!(anchor(&ada, num, &id).await["outdated"], true);
    ada.post_json(&path(num, "/status"), &json!({ "status": "closed" }), 200).await;
    reply(&bob, num, &id, 201).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_merged_one_keeps_its_threads_and_a_full_one_takes_no_more() {
    let (hub, ada, bob, num, _) = proposed().await;
    let id = remark(&ada, num).await;
    ada.post_json(&path(num, "/merge"), &json!({}), 200).await;
    assert_eq!(anchor(&bob, num, &id).await["outdated"], false);
    remark(&bob, num).await;
    let fill = "insert into discussion_events (discussion_pk, kind, body)
                select discussion_pk, 'comment', 'more' from discussions, generate_series(1, 1000)";
    sqlx::query(fill).execute(&hub.app().pool).await.unwrap();
    for said in [remark_at(&bob, num, json!({ "path": "a.txt", "line": 3 }), 400).await, reply(&ada, num, &id, 400).await] {
        assert!(said["error"].as_str().unwrap().contains("full"), "{said}");
    }
    assert_eq!((hub.count("remark_threads").await, hub.count("remark_replies").await), (2, 0));
    hub.stop().await;
}

#[tokio::test]
async fn only_lines_that_are_shown_can_be_talked_about() {
    let (hub, ada, bob) = start().await;
    let long = "x".repeat(5_000);
    let lines: String = (1..=40).map(|number| format!("line {number}\n")).collect();
    ada.commit(API, "main", &[Client::file("a.txt", &lines), Client::file("same.txt", "same\n")], 200).await;
    let binary = json!({ "key": "file", "value": { "path": "b.dat", "content": "AAECAw==", "encoding": "base64" } });
    let changed = Client::file("a.txt", &lines.replace("line 20\n", &format!("{long}\n")));
    let made = bob.commit(API, "main?create_pr=1", &[changed, binary], 200).await;
    let num: i64 = made["pullRequestUrl"].as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
    for wrong in [
        json!({ "path": "a.txt", "line": 1 }),
        json!({ "path": "a.txt", "line": 41 }),
        json!({ "path": "a.txt", "line": 0 }),
        json!({ "path": "a.txt", "line": -20 }),
        json!({ "path": "a.txt", "line": 5_000_000_000_i64 }),
        json!({ "path": "a.txt", "line": "20" }),
        json!({ "path": "a.txt", "line": 20, "side": "left" }),
        json!({ "path": "a.txt" }),
        json!({ "path": "same.txt", "line": 1 }),
        json!({ "path": "no/such\0file", "line": 1 }),
        json!({ "path": "../a.txt", "line": 20 }),
        json!({ "path": "b.dat", "line": 1 }),
        json!({ "path": "b.dat", "line": 1, "side": "old" }),
    ] {
        let said = remark_at(&ada, num, wrong.clone(), 400).await;
        assert!(said["error"].as_str().unwrap().ends_with(|end: char| end == '.' || end.is_numeric()), "{wrong}: {said}");
    }
    assert_eq!(hub.count("remark_threads").await, 0);
    let cut = remark_at(&ada, num, json!({ "path": "a.txt", "line": 20 }), 201).await;
    let snippet = cut["newMessage"]["data"]["anchor"]["snippet"].as_str().unwrap().to_owned();
    assert!(snippet.chars().count() < 600 && snippet.ends_with("x…\n"), "{snippet}");
    remark_at(&ada, num, json!({ "path": "a.txt", "line": 17 }), 201).await;

    let both = json!({ "comment": "x", "anchor": { "path": "a.txt", "line": 20 }, "replyTo": "none" });
    ada.post_json(&path(num, "/comment"), &both, 400).await;
    let empty = json!({ "comment": " ", "anchor": { "path": "a.txt", "line": 20 } });
    ada.post_json(&path(num, "/comment"), &empty, 400).await;
    reply(&ada, num, "none", 404).await;
    let discussion = open(&bob, "A question", false).await;
    remark_at(&ada, discussion, json!({ "path": "a.txt", "line": 20 }), 400).await;
    remark_at(&ada, 99, json!({ "path": "a.txt", "line": 20 }), 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn who_opened_it_and_who_may_write_settle_threads() {
    let (hub, ada, bob, num, _) = proposed().await;
    let carol = hub.user("carol").await;
    let id = remark(&carol, num).await;
    let answer = reply(&bob, num, &id, 201).await["newMessage"]["id"].as_str().unwrap().to_owned();
    resolve(&carol, num, &id, true, 403).await;
    resolve(&hub.anonymous(), num, &id, true, 401).await;
    let done = resolve(&bob, num, &answer, true, 200).await["updatedComment"]["data"]["anchor"].clone();
    assert_eq!((&done["resolved"], &done["resolvedBy"], &done["thread"]), (&json!(true), &json!("bob"), &json!(id)));
    resolve(&ada, num, &id, true, 200).await;
    assert_eq!(anchor(&carol, num, &id).await["resolvedBy"], "bob", "it was settled before");
    resolve(&ada, num, &id, false, 200).await;
    let open = anchor(&carol, num, &id).await;
    assert_eq!((&open["resolved"], open.get("resolvedBy")), (&json!(false), None));
    let first = ada.get_json(&path(num, ""), 200).await["events"][0]["id"].as_str().unwrap().to_owned();
    resolve(&ada, num, &first, true, 404).await;

    // The timeline tells it once each time, and leads to the thread. Nobody hears of it.
    let found = carol.get_json(&path(num, ""), 200).await;
    let told: Vec<Value> =
        found["events"].as_array().unwrap().iter().filter(|event| event["type"] == "thread-change").cloned().collect();
    let who: Vec<&Value> = told.iter().map(|event| &event["author"]["name"]).collect();
    assert_eq!(who, [&json!("bob"), &json!("ada")], "{found}");
    for (event, resolved) in told.iter().zip([true, false]) {
        assert_eq!(event["data"], json!({ "resolved": resolved, "thread": id, "path": "a.txt" }));
    }
    let page = Browser::new(&hub).open(&format!("/ada/bert/discussions/{num}")).await;
    let link = format!("<a href=\"#thread-{id}\">a.txt</a>");
    for said in ["resolved a thread on", "opened a thread again on"] {
        assert!(page.has(&format!("{said} {link}")), "{said}: {}", page.text);
    }
    assert!(page.has(&format!("id=\"thread-{id}\"")));
    hub.jobs_done().await;
    let heard = "notifications n join discussion_events e on e.event_pk in (n.first_event_pk, n.last_event_pk)
                 where e.kind = 'thread-change'";
    assert_eq!(hub.count(heard).await, 0);
    // It is no comment.
    let event = told[0]["id"].as_str().unwrap();
    ada.post_json(&path(num, &format!("/comment/{event}/hide")), &json!({}), 404).await;
    reply(&ada, num, event, 404).await;

    ada.post_json(&path(num, "/lock"), &json!({ "locked": true }), 200).await;
    for client in [&bob, &carol] {
        remark_at(client, num, json!({ "path": "a.txt", "line": 3 }), 403).await;
        reply(client, num, &id, 403).await;
        resolve(client, num, &id, true, 403).await;
    }
    reply(&ada, num, &id, 201).await;
    remark_at(&hub.anonymous(), num, json!({ "path": "a.txt", "line": 3 }), 401).await;
    hub.stop().await;
}

#[tokio::test]
async fn edits_keep_the_place_and_hiding_forgets_the_lines() {
    let (hub, ada, bob, num, _) = proposed().await;
    let id = remark(&bob, num).await;
    reply(&ada, num, &id, 201).await;
    let edited = bob.post_json(&path(num, &format!("/comment/{id}/edit")), &json!({ "content": "How?" }), 200).await;
    assert_eq!(edited["updatedComment"]["data"]["anchor"]["line"], 3);
    let react = path(num, &format!("/comment/{id}/reactions"));
    assert_eq!(ada.post_json(&react, &json!({ "reaction": "👍" }), 200).await["updatedComment"]["data"]["anchor"]["line"], 3);
    let hidden =
        bob.post_json(&path(num, &format!("/comment/{id}/hide")), &json!({}), 200).await["updatedComment"]["data"].clone();
    assert_eq!((&hidden["hidden"], hidden["anchor"].get("snippet")), (&json!(true), None));
    let kept = sqlx::query_scalar::<_, String>("select snippet from remark_threads").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(kept, "");
    let page = Browser::new(&hub).open(&format!("/ada/bert/discussions/{num}")).await;
    assert!(page.has("This comment has been hidden.") && page.has("Because.") && !page.has("THREE"), "{}", page.text);
    hub.stop().await;
}

/// Who may not download the files sees no line of them, wherever it was talked about.
#[tokio::test]
async fn lines_of_a_gated_repository_are_for_those_who_were_let_in() {
    const SECRET: &str = "THREE";
    let (hub, ada, bob, num, _) = proposed().await;
    let carol = hub.user("carol").await;
    let id = remark(&bob, num).await;
    assert!(anchor(&carol, num, &id).await["snippet"].as_str().unwrap().contains(SECRET));
    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "gated": "manual" }), 200).await;
    // Whoever takes part is told of the answers.
    for client in [&bob, &carol] {
        reply(client, num, &id, 201).await;
    }
    let answer = reply(&ada, num, &id, 201).await;
    assert!(answer.to_string().contains(SECRET), "it is of those who belong to it: {answer}");
    hub.jobs_done().await;

    for client in [&bob, &carol, &hub.anonymous()] {
        for rest in ["", "?diff=1"] {
            let found = client.get_json(&path(num, rest), 200).await;
            assert!(!found.to_string().contains(SECRET), "{found}");
        }
        let place = anchor(client, num, &id).await;
        assert_eq!((&place["line"], place.get("snippet")), (&json!(3), None));
    }
    let edit = path(num, &format!("/comment/{id}/edit"));
    for said in [
        reply(&carol, num, &id, 201).await,
        resolve(&bob, num, &id, true, 200).await,
        bob.post_json(&edit, &json!({ "content": "How?" }), 200).await,
        bob.get_json("/api/notifications", 200).await,
        remark_at(&bob, num, json!({ "path": "a.txt", "line": 3 }), 403).await,
        remark_at(&carol, num, json!({ "path": "a.txt", "line": 99 }), 403).await,
    ] {
        assert!(!said.to_string().contains(SECRET), "{said}");
    }
    let thread = format!("/ada/bert/discussions/{num}");
    for mut browser in [Browser::new(&hub), Browser::logged_in(&hub, "carol").await, Browser::logged_in(&hub, "bob").await] {
        let page = browser.open(&thread).await;
        assert!(page.has("is shown to those who may download") && !page.has(SECRET), "{}", page.text);
        for path in [format!("{thread}/files"), format!("{thread}/files?comment=a.txt:new:3")] {
            let page = browser.get(&path).await;
            assert!(page.status != 200 && !page.has(SECRET), "{path} is {}", page.status);
        }
    }
    let mut browser = Browser::logged_in(&hub, "carol").await;
    let fields = [("comment", "Mine"), ("path", "a.txt"), ("side", "new"), ("line", "3")];
    let refused = browser.submit(&thread, &format!("{thread}/comment"), &fields).await;
    assert!(refused.status == 403 && !refused.has(SECRET), "{}", refused.status);
    hub.jobs_done().await;
    assert!(outbox(&hub).iter().all(|mail| !mail.contains(SECRET)), "a mail tells it");

    // Who was let in sees them, and nobody else.
    ada.post_json(&format!("{API}/user-access-request/grant"), &json!({ "user": "carol" }), 200).await;
    assert!(anchor(&carol, num, &id).await["snippet"].as_str().unwrap().contains(SECRET));
    assert!(browser.open(&thread).await.has(SECRET));
    assert_eq!(anchor(&bob, num, &id).await.get("snippet"), None);
    hub.stop().await;
}

#[tokio::test]
async fn threads_of_a_full_discussion_are_settled_without_a_word() {
    let (hub, ada, bob, num, _) = proposed().await;
    let id = remark(&ada, num).await;
    hub.sql(
        "insert into discussion_events (discussion_pk, kind, body)
         select discussion_pk, 'comment', 'x' from discussions, generate_series(1, 1000)",
    )
    .await;
    reply(&bob, num, &id, 400).await;
    let before = ada.get_json(&path(num, ""), 200).await["events"].as_array().unwrap().len();
    resolve(&bob, num, &id, true, 200).await;
    let after = ada.get_json(&path(num, ""), 200).await["events"].as_array().unwrap().len();
    assert_eq!(before, after);
    assert_eq!(anchor(&ada, num, &id).await["resolved"], true);
    hub.stop().await;
}

#[tokio::test]
async fn a_line_of_a_submodule_is_lost_when_a_file_takes_its_place() {
    let (hub, ada, bob) = start().await;
    let num = open(&bob, "A module", true).await;
    let work = Work::clone(&bob, "/ada/bert").await;
    // A commit that this very repository has, and that is no file.
    let own = work.head().await;
    work.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{own},module")]).await;
    work.git(&["commit", "-q", "-m", "module"]).await;
    work.git(&["push", "-q", "origin", &format!("HEAD:refs/pr/{num}")]).await;
    let said = remark_at(&ada, num, json!({ "path": "module", "line": 1 }), 201).await;
    let id = said["newMessage"]["id"].as_str().unwrap();
    let shown = anchor(&ada, num, id).await;
    assert!(shown["outdated"] == false && shown["snippet"].as_str().unwrap().contains(&own), "{shown}");
    let gone = json!({ "key": "deletedFile", "value": { "path": "module" } });
    bob.commit(API, &format!("refs%2Fpr%2F{num}"), &[gone, Client::file("module", "a file\n")], 200).await;
    assert_eq!(anchor(&ada, num, id).await["outdated"], true);
    Browser::new(&hub).open(&format!("/ada/bert/discussions/{num}/files")).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_thread_is_settled_without_end_but_not_told_of() {
    let (hub, ada, bob, num, _) = proposed().await;
    let id = remark(&ada, num).await;
    for resolved in [true, false] {
        resolve(&bob, num, &id, resolved, 200).await;
    }
    hub.sql(
        "insert into discussion_events (discussion_pk, author_pk, kind, payload)
         select discussion_pk, author_pk, kind, payload from discussion_events, generate_series(1, 149) where kind = 'thread-change'",
    )
    .await;
    let told = "discussion_events where kind = 'thread-change'";
    assert_eq!(hub.count(told).await, 300);
    resolve(&bob, num, &id, true, 200).await;
    assert_eq!((anchor(&ada, num, &id).await["resolved"].clone(), hub.count(told).await), (json!(true), 300));
    reply(&ada, num, &id, 201).await;
    hub.stop().await;
}
