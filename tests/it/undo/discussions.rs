//! Discussions and pull requests that were deleted, and settings other than visibility and gating.

use std::time::Duration;

use hub::accounts::{OrgRole, TokenRole};
use hub::gc::{self, Item, Limits, Mode};
use hub::repos::changes::undoable_since;
use hub::repos::discussions::forget;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use super::{API, age, changes, start, undo_last};
use crate::lfs::{Large, upload};

fn path(num: i64, rest: &str) -> String {
    format!("{API}/discussions/{num}{rest}")
}

async fn open(client: &Client, pull_request: bool) -> i64 {
    let body = json!({ "title": "A question", "description": "Because.", "pullRequest": pull_request });
    client.post_json(&format!("{API}/discussions"), &body, 200).await["num"].as_i64().unwrap()
}

async fn say(client: &Client, num: i64, text: &str) -> String {
    let said = client.post_json(&path(num, "/comment"), &json!({ "comment": text }), 201).await;
    said["newMessage"]["id"].as_str().unwrap().to_owned()
}

async fn delete(client: &Client, num: i64) {
    client.call(Method::DELETE, &path(num, ""), &json!({}), 200).await;
}

/// What is seen of a discussion.
async fn seen(client: &Client, num: i64) -> Vec<Value> {
    let found = client.get_json(&path(num, ""), 200).await;
    ["num", "title", "status", "author", "isPullRequest", "events"].iter().map(|field| found[*field].clone()).collect()
}

/// Where a pull request's commits are.
async fn head_of(client: &Client, num: i64) -> Option<String> {
    let refs = client.get_json(&format!("{API}/refs?include_prs=1"), 200).await;
    let pulls = refs["pullRequests"].as_array().unwrap().clone();
    let name = format!("refs/pr/{num}");
    pulls.into_iter().find(|row| row["ref"] == name).map(|row| row["targetCommit"].as_str().unwrap().to_owned())
}

async fn forget_old(hub: &TestHub) {
    forget(hub.app(), undoable_since(hub.app())).await.unwrap();
}

#[tokio::test]
async fn a_pull_request_comes_back_with_its_commits_and_what_was_said() {
    let (hub, ada) = start().await;
    let bob = hub.user("bob").await;
    let num = open(&bob, true).await;
    bob.commit(API, &format!("refs%2Fpr%2F{num}"), &[Client::file("more.txt", "more")], 200).await;
    let at_line = json!({ "comment": "More of what?", "anchor": { "path": "more.txt", "line": 1 } });
    let said = ada.post_json(&path(num, "/comment"), &at_line, 201).await;
    let answer = json!({ "comment": "Of everything.", "replyTo": said["newMessage"]["id"] });
    bob.post_json(&path(num, "/comment"), &answer, 201).await;
    let id = say(&ada, num, "Why?").await;
    ada.post_json(&path(num, &format!("/comment/{id}/edit")), &json!({ "content": "Why so?" }), 200).await;
    bob.post_json(&path(num, &format!("/comment/{id}/reactions")), &json!({ "reaction": "👍" }), 200).await;
    let (before, head) = (seen(&ada, num).await, head_of(&ada, num).await);
    assert!(head.is_some() && before.iter().all(|part| !part.is_null()), "{before:?}");

    delete(&ada, num).await;
    ada.get(&path(num, ""), 404).await;
    assert_eq!((head_of(&ada, num).await, hub.count("discussion_events").await), (None, 0));
    let found = changes(&ada, API).await;
    assert_eq!(
        (&found[0]["kind"], &found[0]["summary"], &found[0]["undoable"]),
        (&json!("delete_discussion"), &json!("Deleted the pull request #1"), &json!(true))
    );
    assert_eq!(open(&bob, false).await, num + 1, "its number is not given out again");

    let undo = format!("{API}/changes/{}/undo", found[0]["id"]);
    bob.post_json(&undo, &json!({}), 403).await;
    hub.anonymous().post_json(&undo, &json!({}), 401).await;
    let undone = ada.post_json(&undo, &json!({}), 200).await;
    assert_eq!(undone["message"], "The pull request #1 is back, with what was said in it.");
    assert_eq!((seen(&ada, num).await, head_of(&ada, num).await), (before.clone(), head.clone()));
    ada.post_json(&undo, &json!({}), 409).await;

    // That is a change, too, and so is what takes it back.
    undo_last(&ada, API, json!({}), 200).await;
    ada.get(&path(num, ""), 404).await;
    undo_last(&ada, API, json!({}), 200).await;
    assert_eq!((seen(&ada, num).await, head_of(&ada, num).await), (before, head));
    bob.commit(API, &format!("refs%2Fpr%2F{num}"), &[Client::file("again.txt", "again")], 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_discussion_and_its_files_stay_until_the_time_is_over() {
    let (hub, ada) = start().await;
    let request = ada.request(Method::POST, &format!("{API}/discussions/uploads?name=notes.txt")).body("said once");
    let sent: Value = ada.send(request, 200).await.json().await.unwrap();
    let url = sent["url"].as_str().unwrap().to_owned();
    let num = open(&ada, false).await;
    say(&ada, num, &format!("[notes]({url})")).await;
    hub.sql("update attachments set created_at = now() - interval '25 hours'").await;
    let limits =
        Limits { unused: Duration::ZERO, undelete: Duration::ZERO, quarantine: Duration::ZERO, plain: None, many_orphans: false };
    let collect = async || gc::collect(hub.app(), limits, Mode::Real).await.unwrap().unwrap().get(Item::SweptAttachments).count;

    delete(&ada, num).await;
    age(&hub, 29).await;
    forget_old(&hub).await;
    ada.get(&url, 404).await;
    assert_eq!(collect().await, 0, "a comment that can come back leads to it");
    undo_last(&ada, API, json!({}), 200).await;
    ada.get(&url, 200).await;
    assert_eq!(collect().await, 0, "and it does again");

    delete(&ada, num).await;
    age(&hub, 31).await;
    let over = undo_last(&ada, API, json!({}), 409).await;
    assert!(over["error"].as_str().unwrap().contains("could be undone until"), "{over}");
    forget_old(&hub).await;
    assert_eq!(collect().await, 1);
    ada.get(&url, 404).await;
    assert_eq!(open(&ada, false).await, num + 1, "its number stays taken");
    // The setting was raised, but what was said is gone.
    hub.sql("update repo_changes set created_at = now()").await;
    let refused = undo_last(&ada, API, json!({}), 409).await;
    assert!(refused["error"].as_str().unwrap().contains("was removed already"), "{refused}");
    hub.stop().await;
}

#[tokio::test]
async fn collection_keeps_the_large_files_of_a_deleted_pull_request() {
    let (hub, ada) = start().await;
    let file = Large::of(100_000, 7);
    upload(&ada, "ada/bert", &file).await;
    let num = open(&ada, true).await;
    let pointer = json!({ "path": "w.bin", "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
    let lines = [json!({ "key": "lfsFile", "value": pointer })];
    ada.commit(API, &format!("refs%2Fpr%2F{num}"), &lines, 200).await;
    delete(&ada, num).await;
    hub.jobs_done().await;
    let run = async || gc::collect(hub.app(), Limits::of(&hub.app().config), Mode::Real).await.unwrap().unwrap();

    age(&hub, 29).await;
    assert_eq!(run().await.get(Item::Unused).count, 0, "it can be restored for a day more");
    undo_last(&ada, API, json!({}), 200).await;
    let read = ada.get(&format!("/ada/bert/resolve/refs%2Fpr%2F{num}/w.bin"), 200).await.bytes().await.unwrap();
    assert!(read == file.bytes);

    delete(&ada, num).await;
    assert_eq!(run().await.get(Item::Unused).count, 0);
    age(&hub, 31).await;
    sqlx::query("update events set created_at = created_at - interval '9 days'").execute(&hub.app().pool).await.unwrap();
    assert_eq!(run().await.get(Item::Unused).count, 1);
    hub.stop().await;
}

#[tokio::test]
async fn who_was_an_admin_once_restores_nothing() {
    let (hub, _ada) = start().await;
    let (grace, head) = (hub.account("grace").await, hub.account("head").await);
    hub.organization("acme", &[(&grace, OrgRole::Admin), (&head, OrgRole::Admin)]).await;
    let (grace, head) = (hub.token(&grace, TokenRole::Write).await, hub.token(&head, TokenRole::Write).await);
    grace.create_repo("model", "acme/gpt", false).await;
    let api = "/api/models/acme/gpt";
    let body = json!({ "title": "A question", "description": "" });
    let num = grace.post_json(&format!("{api}/discussions"), &body, 200).await["num"].clone();
    grace.call(Method::DELETE, &format!("{api}/discussions/{num}"), &json!({}), 200).await;
    let undo = format!("{api}/changes/{}/undo", changes(&grace, api).await[0]["id"]);
    hub.sql("delete from organization_members where user_pk = (select namespace_pk from namespaces where name = 'grace')").await;
    grace.post_json(&undo, &json!({}), 403).await;
    head.post_json(&undo, &json!({}), 200).await;
    head.get(&format!("{api}/discussions/{num}"), 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn what_a_banned_account_said_comes_back_hidden() {
    let (hub, ada) = start().await;
    let bob = hub.user("bob").await;
    let num = open(&ada, false).await;
    say(&bob, num, "Buy my coins.").await;
    delete(&ada, num).await;
    hub.sql(
        "insert into moderation_acts (moderator_pk, moderator, act, subject_kind, subject_pk, owner_pk, subject, href, category, reason)
         select 1, 'mod', 'ban_user', 'user', namespace_pk, namespace_pk, 'bob', '/bob', 'spam', 'Spam.' from namespaces where name = 'bob'",
    )
    .await;
    undo_last(&ada, API, json!({}), 200).await;
    let found = ada.get_json(&path(num, ""), 200).await;
    let of_bob: Vec<&Value> =
        found["events"].as_array().unwrap().iter().filter(|event| event["author"]["name"] == "bob").collect();
    assert_eq!(of_bob.len(), 1, "{found}");
    assert_eq!(of_bob[0]["data"]["hidden"], true);
    assert!(!found.to_string().contains("coins"), "{found}");
    let kept = "select body from moderation_covers where kind = 'comment'";
    assert_eq!(sqlx::query_scalar::<_, String>(kept).fetch_one(&hub.app().pool).await.unwrap(), "Buy my coins.");

    // What they take back while it is deleted is taken back in it, too.
    delete(&ada, num).await;
    hub.sql(
        "insert into moderation_acts (moderator_pk, moderator, act, subject_kind, subject_pk, owner_pk, subject, href, category, reason, undoes)
         select 1, 'mod', 'restore', 'user', subject_pk, owner_pk, 'bob', '/bob', 'spam', 'A mistake.', act_pk from moderation_acts",
    )
    .await;
    undo_last(&ada, API, json!({}), 200).await;
    assert!(ada.get_json(&path(num, ""), 200).await.to_string().contains("coins"));
    hub.stop().await;
}

#[tokio::test]
async fn other_settings_are_taken_back_unless_they_changed_again() {
    let (hub, ada) = start().await;
    let set = async |change: Value| ada.call(Method::PUT, &format!("{API}/settings"), &change, 200).await;
    set(json!({ "discussionsDisabled": true })).await;
    let found = changes(&ada, API).await;
    assert_eq!((&found[0]["kind"], &found[0]["summary"]), (&json!("update_options"), &json!("Turned discussions off")));
    assert_eq!(
        found[0]["details"],
        json!({ "before": { "discussions_disabled": false }, "after": { "discussions_disabled": true } })
    );
    set(json!({ "discussionsDisabled": true })).await;
    assert_eq!(changes(&ada, API).await.len(), 1, "nothing changed");
    // Another one is in nobody's way, the same one is.
    set(json!({ "refusesPickles": true })).await;
    let undo = format!("{API}/changes/{}/undo", found[0]["id"]);
    let undone = ada.post_json(&undo, &json!({}), 200).await;
    assert_eq!(undone["message"], "Turned discussions on again.");
    open(&ada, false).await;
    let refuses = "select refuses_pickles from repos";
    assert!(sqlx::query_scalar::<_, bool>(refuses).fetch_one(&hub.app().pool).await.unwrap(), "the other one stays");

    set(json!({ "discussionsDisabled": true })).await;
    let off = changes(&ada, API).await[0]["id"].clone();
    set(json!({ "discussionsDisabled": false })).await;
    let refused = ada.post_json(&format!("{API}/changes/{off}/undo"), &json!({}), 409).await;
    assert!(refused["error"].as_str().unwrap().contains("changed again since"), "{refused}");
    hub.user("eve").await.post_json(&format!("{API}/changes/{off}/undo"), &json!({}), 403).await;
    hub.stop().await;
}
