//! What acts take away and keep: files of hidden comments, what people want forgotten, what others hid as well. And who judges appeals.

use std::time::Duration;

use hub::accounts::User;
use hub::error::ErrorKind;
use hub::gc::{self, Item, Limits, Mode};
use hub::moderation::acts::Act;
use hub::moderation::{appeals, queries};
use hub_tests::{Client, Value, json};
use reqwest::Method;

use super::{Stage, stage};
use crate::outbox::outbox;
use crate::pages::browser::Browser;

const TALK: &str = "/api/models/ada/bert/discussions";

impl Stage {
    /// A file that somebody sends, and where it is.
    async fn sent(&self, client: &Client, text: &str) -> String {
        let request = client.request(Method::POST, &format!("{TALK}/uploads?name=file.txt")).body(text.to_owned());
        let made: Value = client.send(request, 200).await.json().await.unwrap();
        made["url"].as_str().unwrap().to_owned()
    }

    /// A comment in the first discussion.
    async fn said(&self, client: &Client, text: &str) -> String {
        let said = client.post_json(&format!("{TALK}/1/comment"), &json!({ "comment": text }), 201).await;
        said["newMessage"]["id"].as_str().unwrap().to_owned()
    }

    async fn hide(&self, client: &Client, id: &str, status: u16) {
        client.post_json(&format!("{TALK}/1/comment/{id}/hide"), &json!({}), status).await;
    }

    /// What everybody reads in the first discussion.
    async fn read(&self) -> String {
        self.hub.anonymous().get_json(&format!("{TALK}/1"), 200).await.to_string()
    }

    /// How many files nobody needs any more.
    async fn collect(&self) -> u64 {
        self.hub.sql("update attachments set created_at = created_at - interval '25 hours'").await;
        let limits = Limits {
            unused: Duration::ZERO,
            undelete: Duration::ZERO,
            quarantine: Duration::ZERO,
            plain: None,
            many_orphans: false,
        };
        let report = gc::collect(self.hub.app(), limits, Mode::Real).await.unwrap().unwrap();
        report.get(Item::SweptAttachments).count
    }

    /// Somebody appeals against an act; gives the appeal.
    async fn appeal(&self, act_pk: i64) -> i64 {
        let app = self.hub.app();
        let act = queries::find_act(&app.pool, act_pk).await.unwrap().unwrap();
        appeals::appeal(app, &act, "It does not sell any watches.").await.unwrap();
        sqlx::query_scalar("select max(appeal_pk) from moderation_appeals").fetch_one(&app.pool).await.unwrap()
    }

    async fn named(&self, name: &str) -> User {
        let pk: i64 = sqlx::query_scalar("select namespace_pk from namespaces where name = $1")
            .bind(name)
            .fetch_one(&self.hub.app().pool)
            .await
            .unwrap();
        hub::accounts::queries::find_user(&self.hub.app().pool, pk).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn files_of_a_hidden_comment_are_gone_at_once_and_come_back_with_it() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let carol = hub.user("carol").await;
    ada.post_json(TALK, &json!({ "title": "A question", "description": "How?" }), 200).await;
    let (before, now) = (stage.sent(&carol, "before").await, stage.sent(&carol, "now").await);
    for url in [&before, &now] {
        carol.get(url, 200).await;
        hub.anonymous().get(url, 404).await;
        ada.get(url, 404).await;
    }
    let id = stage.said(&carol, &format!("[file]({before})")).await;
    carol.post_json(&format!("{TALK}/1/comment/{id}/edit"), &json!({ "content": format!("[file]({now})") }), 200).await;
    let shown = async |status: u16| {
        for client in [ada, &carol, &hub.anonymous()] {
            client.get(&before, status).await;
            client.get(&now, status).await;
        }
    };
    shown(200).await;

    // Nobody sees them, not even who sent them; and they are kept, as the text is.
    let act = stage.decide(stage.report(&format!("/ada/bert/discussions/1/{id}")).await, Act::HideComment).await.unwrap();
    shown(404).await;
    stage.said(ada, &format!("It was [here]({now})")).await;
    shown(404).await;
    assert_eq!(stage.collect().await, 0);
    stage.undo(act).await.unwrap();
    shown(200).await;
    let ban = stage.decide(stage.report("/carol").await, Act::BanUser).await.unwrap();
    for url in [&before, &now] {
        hub.anonymous().get(url, 404).await;
    }
    assert_eq!(stage.collect().await, 0);
    stage.undo(ban).await.unwrap();
    shown(200).await;

    // The same when somebody hides it who may write to the repository.
    stage.hide(ada, &id, 200).await;
    shown(404).await;
    assert_eq!(stage.collect().await, 0);
    let mut owner = Browser::logged_in(hub, "ada").await;
    let again = owner.submit("/ada/bert/discussions/1", "/ada/bert/discussions/1/show", &[("id", &id)]).await;
    assert_eq!(again.status, 303, "{}", again.text);
    shown(200).await;

    // What its author hides is gone for good.
    stage.hide(&carol, &id, 200).await;
    shown(404).await;
    assert_eq!(stage.collect().await, 2);
    stage.hub.stop().await;
}

#[tokio::test]
async fn what_its_author_had_forgotten_does_not_come_back() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let carol = hub.user("carol").await;
    ada.post_json(TALK, &json!({ "title": "A question", "description": "" }), 200).await;
    let file = stage.sent(&carol, "a password").await;
    let id = stage.said(&carol, &format!("hunter2 [file]({file})")).await;
    let act = stage.decide(stage.report(&format!("/ada/bert/discussions/1/{id}")).await, Act::HideComment).await.unwrap();
    assert_eq!(hub.count("moderation_covers where body like 'hunter2%'").await, 1);
    stage.hide(&carol, &id, 200).await;
    assert_eq!(hub.count("moderation_covers where body like 'hunter2%'").await, 0);
    assert_eq!(stage.collect().await, 1);
    stage.undo(act).await.unwrap();
    assert!(!stage.read().await.contains("hunter2"));
    assert_eq!(hub.count("discussion_events where kind = 'comment' and hidden and body = ''").await, 1);
    // Nor does a comment with nothing in it stay away, that nobody had forgotten.
    let empty = stage.decide(stage.report("/ada/bert/discussions/1").await, Act::HideDiscussion).await.unwrap();
    assert_eq!(hub.count("discussion_events where kind = 'comment' and hidden").await, 2);
    stage.undo(empty).await.unwrap();
    assert_eq!(hub.count("discussion_events where kind = 'comment' and hidden").await, 1);

    // Who leaves takes with them what others hid, and what their page said.
    let id = stage.said(&carol, "hunter3").await;
    stage.decide(stage.report(&format!("/ada/bert/discussions/1/{id}")).await, Act::HideComment).await.unwrap();
    let id = stage.said(&carol, "hunter4").await;
    stage.hide(ada, &id, 200).await;
    stage.said(&carol, "It stays without a name.").await;
    hub.sql("update users set details = 'My page' where email = 'carol@example.org'").await;
    let ban = stage.decide(stage.report("/carol").await, Act::BanUser).await.unwrap();
    assert_eq!(hub.count("moderation_covers where body like '%My page%'").await, 1);
    stage.undo(ban).await.unwrap();
    hub.sql("update users set deletes_at = now() - interval '1 minute' where email = 'carol@example.org'").await;
    hub::personal_data::sweep(hub.app()).await.unwrap();
    assert_eq!(hub.count("users where email = 'carol@example.org'").await, 0);
    assert_eq!(hub.count("moderation_covers where body like '%hunter%' or body like '%My page%'").await, 0);
    assert_eq!(hub.count("discussion_events where kept_body is not null").await, 0);
    assert!(stage.read().await.contains("It stays without a name."));
    stage.hub.stop().await;
}

#[tokio::test]
async fn what_both_hid_is_shown_when_both_show_it() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let carol = hub.user("carol").await;
    ada.post_json(TALK, &json!({ "title": "A question", "description": "How?" }), 200).await;
    let id = stage.said(&carol, "Cheap watches").await;
    let case = stage.report(&format!("/ada/bert/discussions/1/{id}")).await;
    stage.hide(ada, &id, 200).await;
    let act = stage.decide(case, Act::HideComment).await.unwrap();
    let mut owner = Browser::logged_in(hub, "ada").await;
    let show = async |owner: &mut Browser| {
        owner.submit("/ada/bert/discussions/1", "/ada/bert/discussions/1/show", &[("id", id.as_str())]).await
    };
    let refused = show(&mut owner).await;
    assert!(refused.status == 409 && refused.has("moderators of this hub hid it, too"), "{}", refused.text);
    stage.undo(act).await.unwrap();
    assert!(!stage.read().await.contains("watches"), "ada hid it, too");
    assert_eq!(show(&mut owner).await.status, 303);
    assert!(stage.read().await.contains("Cheap watches"));
    // Hidden by moderators first, it is theirs alone.
    let case = stage.report(&format!("/ada/bert/discussions/1/{id}")).await;
    let act = stage.decide(case, Act::HideComment).await.unwrap();
    stage.hide(ada, &id, 200).await;
    assert_eq!(show(&mut owner).await.status, 409);
    stage.undo(act).await.unwrap();
    assert!(stage.read().await.contains("Cheap watches"));

    // What a writer hid is forgotten when the time to undo is over, whatever moderators do then.
    let case = stage.report(&format!("/ada/bert/discussions/1/{id}")).await;
    stage.hide(ada, &id, 200).await;
    let act = stage.decide(case, Act::HideComment).await.unwrap();
    hub.sql("update discussion_events set hidden_at = hidden_at - interval '31 days' where kept_body is not null").await;
    let since = hub::repos::changes::undoable_since(hub.app());
    hub::repos::discussions::forget_hidden(hub.app(), since).await.unwrap();
    stage.undo(act).await.unwrap();
    assert_eq!(show(&mut owner).await.status, 409);
    assert!(!stage.read().await.contains("watches"));
    stage.hub.stop().await;
}

#[tokio::test]
async fn a_discussion_that_comes_back_keeps_what_was_hidden_in_it() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let carol = hub.user("carol").await;
    ada.post_json(TALK, &json!({ "title": "A question", "description": "How?" }), 200).await;
    let (kept, gone) = (stage.sent(&carol, "kept").await, stage.sent(&carol, "gone").await);
    let id = stage.said(&carol, &format!("[file]({kept})")).await;
    let other = stage.said(&carol, &format!("[file]({gone})")).await;
    stage.hide(ada, &id, 200).await;
    stage.hide(&carol, &other, 200).await;
    ada.call(Method::DELETE, &format!("{TALK}/1"), &json!({}), 200).await;
    // Nor do they come back by another discussion that names them.
    let again = json!({ "title": "Look", "description": format!("[one]({kept}), [other]({gone})") });
    ada.post_json(TALK, &again, 200).await;
    for url in [&kept, &gone] {
        hub.anonymous().get(url, 404).await;
    }
    assert_eq!(stage.collect().await, 1, "only what nobody can bring back");
    let changes = ada.get_json("/api/models/ada/bert/changes", 200).await;
    ada.post_json(&format!("/api/models/ada/bert/changes/{}/undo", changes[0]["id"]), &json!({}), 200).await;
    hub.anonymous().get(&kept, 404).await;
    assert_eq!(stage.collect().await, 0);
    let mut owner = Browser::logged_in(hub, "ada").await;
    let again = owner.submit("/ada/bert/discussions/1", "/ada/bert/discussions/1/show", &[("id", &id)]).await;
    assert_eq!(again.status, 303, "{}", again.text);
    hub.anonymous().get(&kept, 200).await;
    stage.hub.stop().await;
}

#[tokio::test]
async fn what_moderators_hid_in_a_deleted_discussion_stays_hidden_when_its_author_has_left() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let carol = hub.user("carol").await;
    ada.post_json(TALK, &json!({ "title": "A question", "description": "How?" }), 200).await;
    let id = stage.said(&carol, "hunter5").await;
    let case = stage.report(&format!("/ada/bert/discussions/1/{id}")).await;
    let id = stage.said(&carol, "hunter6").await;
    carol.post_json(&format!("{TALK}/1/comment/{id}/edit"), &json!({ "content": "hunter7" }), 200).await;
    stage.hide(ada, &id, 200).await;
    ada.call(Method::DELETE, &format!("{TALK}/1"), &json!({}), 200).await;
    let act = stage.decide(case, Act::HideComment).await.unwrap();
    hub.sql("update users set deletes_at = now() - interval '1 minute' where email = 'carol@example.org'").await;
    hub::personal_data::sweep(hub.app()).await.unwrap();
    assert_eq!(hub.count("users where email = 'carol@example.org'").await, 0);
    assert_eq!(hub.count("moderation_covers where body like 'hunter%'").await, 0);
    let changes = ada.get_json("/api/models/ada/bert/changes", 200).await;
    ada.post_json(&format!("/api/models/ada/bert/changes/{}/undo", changes[0]["id"]), &json!({}), 200).await;
    assert!(!stage.read().await.contains("hunter"));
    assert_eq!(hub.count("discussion_events where kept_body is not null").await + hub.count("discussion_edits").await, 0);
    // Nothing is left to be shown when moderators take that back.
    stage.undo(act).await.unwrap();
    assert_eq!(hub.count("discussion_events where kind = 'comment' and hidden and body = ''").await, 2);
    stage.hub.stop().await;
}

#[tokio::test]
async fn nobody_judges_an_appeal_against_their_own_act_while_another_can() {
    let stage = stage().await;
    let hub = &stage.hub;
    let operator = stage.named("operator").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let act = stage.decide(stage.report("/ada/bert").await, Act::DisableRepo).await.unwrap();
    let appeal = stage.appeal(act).await;
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let queue = moderator.open("/moderation/appeals").await;
    assert!(queue.has("another moderator decides about it") && !queue.has("The decision stands</button>"), "{}", queue.text);
    for granted in [true, false] {
        let refused = appeals::decide(hub.app(), &stage.moderator, appeal, granted, "It stands.").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Forbidden);
        assert!(refused.message().contains("another moderator"), "{}", refused.message());
    }
    let mut other = Browser::logged_in(hub, "operator").await;
    assert!(other.open("/moderation/appeals").await.has("The decision stands</button>"));
    appeals::decide(hub.app(), &operator, appeal, true, "You are right.").await.unwrap();
    hub.anonymous().get("/api/models/ada/bert", 200).await;

    // Where nobody else is left who could, they do, and are told so, as is who appealed.
    let act = stage.decide(stage.report("/ada/bert").await, Act::DisableRepo).await.unwrap();
    let appeal = stage.appeal(act).await;
    hub.sql("update users set suspended_at = now() where email = 'operator@example.org'").await;
    let queue = moderator.open("/moderation/appeals").await;
    assert!(
        queue.has("there is nobody else who could look at it") && queue.has("The decision stands</button>"),
        "{}",
        queue.text
    );
    appeals::decide(hub.app(), &stage.moderator, appeal, false, "It stands.").await.unwrap();
    hub.jobs_done().await;
    assert!(outbox(hub).iter().any(|mail| mail.contains("no other moderator")), "{:#?}", outbox(hub));
    assert_eq!(hub.count("moderation_appeals where granted is false").await, 1);
    // A moderator whose own it is does not count as another.
    let act = stage.decide(stage.report("/ada").await, Act::DisableRepos).await.unwrap();
    let appeal = stage.appeal(act).await;
    hub.sql("update users set is_moderator = true where email = 'ada@example.org'").await;
    appeals::decide(hub.app(), &stage.moderator, appeal, false, "It stands.").await.unwrap();
    stage.hub.stop().await;
}
