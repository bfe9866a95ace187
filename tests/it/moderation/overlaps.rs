//! Acts about one thing that overlap, what people try so that an act misses them, and who learns what of whom.

use hub::accounts::OrgRole;
use hub::error::ErrorKind;
use hub::moderation::acts::Act;
use hub_tests::json;
use reqwest::Method;

use super::{DISABLED, message, stage, user};
use crate::locks::in_order;
use crate::outbox::outbox;
use crate::pages::browser::Browser;

#[tokio::test]
async fn taking_an_act_back_shows_nothing_that_another_covers() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let bob = hub.token(&stage.bob, hub::accounts::TokenRole::Write).await;
    bob.create_repo("model", "bob/tiny", false).await;
    let api = "/api/models/bob/tiny/discussions/1";
    let opening = json!({ "title": "Cheap watches", "description": "Watches!" });
    ada.post_json("/api/models/bob/tiny/discussions", &opening, 200).await;
    ada.post_json(&format!("{api}/title"), &json!({ "title": "Buy" }), 200).await;
    let made = json!({ "title": "Watches", "namespace": "ada", "private": false });
    let slug = ada.post_json("/api/collections", &made, 200).await["slug"].as_str().unwrap().to_owned();
    let collection = format!("/api/collections/{slug}");
    let stranger = hub.anonymous();

    let lock = stage.decide(stage.report("/bob/tiny/discussions/1").await, Act::LockDiscussion).await.unwrap();
    let hide = stage.decide(stage.report("/bob/tiny/discussions/1").await, Act::HideDiscussion).await.unwrap();
    let again = stage.decide(stage.report("/bob/tiny/discussions/1").await, Act::HideDiscussion).await.unwrap();
    let shown = stranger.get_json(api, 200).await.to_string();
    assert!(!shown.contains("atches") && !shown.contains("Buy"), "nor what it was called before: {shown}");
    bob.post_json(&format!("{api}/title"), &json!({ "title": "Cheap watches" }), 403).await;
    stage.undo(lock).await.unwrap();
    stage.undo(hide).await.unwrap();
    let shown = stranger.get_json(api, 200).await;
    assert!(shown["locked"] == true && !shown.to_string().contains("atches") && !shown.to_string().contains("Buy"), "{shown}");

    let list = stage.decide(stage.report(&format!("/collections/{slug}")).await, Act::HideCollection).await.unwrap();
    let ban = stage.decide(stage.report("/ada").await, Act::BanUser).await.unwrap();
    stage.undo(again).await.unwrap();
    let shown = stranger.get_json(api, 200).await;
    assert!(shown["title"] == "Buy" && shown["locked"] == false && !shown.to_string().contains("Watches!"), "{shown}");
    stage.undo(list).await.unwrap();
    stranger.get(&collection, 404).await;
    stage.undo(ban).await.unwrap();
    stranger.get(&collection, 200).await;
    assert!(stranger.get_json(api, 200).await.to_string().contains("Watches!"));
    stage.hub.stop().await;
}

#[tokio::test]
async fn a_discussion_does_not_escape_by_being_deleted_for_a_while() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let (list, api) = ("/api/models/ada/bert/discussions", "/api/models/ada/bert/discussions/1");
    ada.post_json(list, &json!({ "title": "Cheap watches", "description": "Watches!" }), 200).await;
    let case = stage.report("/ada/bert/discussions/1").await;
    let restore = async || {
        let changes = ada.get_json("/api/models/ada/bert/changes", 200).await;
        let undo = format!("/api/models/ada/bert/changes/{}/undo", changes[0]["id"]);
        ada.post_json(&undo, &json!({}), 200).await;
        hub.anonymous().get_json(api, 200).await
    };
    ada.call(Method::DELETE, api, &json!({}), 200).await;
    let act = stage.decide(case, Act::HideDiscussion).await.unwrap();
    let shown = restore().await;
    assert!(shown["title"] == "Hidden by the moderators" && shown["locked"] == true, "{shown}");
    assert!(!shown.to_string().contains("atches"), "{shown}");

    // What they take back meanwhile is taken back in it, too.
    ada.call(Method::DELETE, api, &json!({}), 200).await;
    stage.undo(act).await.unwrap();
    let shown = restore().await;
    assert!(shown["title"] == "Cheap watches" && shown["locked"] == false && shown.to_string().contains("Watches!"), "{shown}");

    // An act that was taken back before it came back leaves nothing.
    let case = stage.report("/ada/bert/discussions/1").await;
    ada.call(Method::DELETE, api, &json!({}), 200).await;
    let lock = stage.decide(case, Act::LockDiscussion).await.unwrap();
    stage.undo(lock).await.unwrap();
    assert_eq!(restore().await["locked"], false);
    stage.hub.stop().await;
}

#[tokio::test]
async fn a_repository_does_not_escape_by_being_deleted_for_a_while() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let case = stage.report("/ada/bert").await;
    ada.call(Method::DELETE, "/api/repos/delete", &json!({ "name": "bert", "type": "model" }), 200).await;
    let act = stage.decide(case, Act::DisableRepo).await.unwrap();
    let lost: String = sqlx::query_scalar("select public_id from repos").fetch_one(&hub.app().pool).await.unwrap();
    let restore = format!("/api/deleted-repos/{lost}/restore");
    ada.post_json(&restore, &json!({}), 403).await;
    stage.undo(act).await.unwrap();
    ada.post_json(&restore, &json!({}), 200).await;
    hub.anonymous().get("/api/models/ada/bert", 200).await;
    // One that is disabled by itself and with all of its owner comes back when both are taken back.
    let one = stage.decide(stage.report("/ada/bert").await, Act::DisableRepo).await.unwrap();
    let all = stage.decide(stage.report("/ada").await, Act::DisableRepos).await.unwrap();
    stage.undo(one).await.unwrap();
    assert_eq!(message(&hub.anonymous(), "/api/models/ada/bert", 403).await, DISABLED);
    stage.undo(all).await.unwrap();
    hub.anonymous().get("/api/models/ada/bert", 200).await;
    stage.hub.stop().await;
}

#[tokio::test]
async fn a_service_account_does_not_escape_by_being_deleted_for_a_while() {
    let stage = stage().await;
    let hub = &stage.hub;
    let carol = user(hub, "carol").await;
    hub.organization("acme", &[(&carol, OrgRole::Admin)]).await;
    let mut carol = Browser::logged_in(hub, "carol").await;
    let list = "/organizations/acme/settings/service-accounts";
    let page = format!("{list}/acme-ci");
    let made = carol.submit(list, list, &[("name", "acme-ci"), ("purpose", "Sells watches."), ("role", "read")]).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let act = stage.decide(stage.report("/acme-ci").await, Act::SuspendUser).await.unwrap();
    let key: i64 = sqlx::query_scalar("select namespace_pk from namespaces where name = 'acme-ci'")
        .fetch_one(&hub.app().pool)
        .await
        .unwrap();
    let key = key.to_string();
    for suspended in [true, false] {
        assert_eq!(carol.submit(&page, &format!("{page}/delete"), &[]).await.status, 303);
        if !suspended {
            stage.undo(act).await.unwrap();
        }
        assert_eq!(carol.submit(list, list, &[("restore", key.as_str())]).await.status, 303);
        assert_eq!(carol.open(&page).await.has("Moderators of this hub suspended it"), suspended);
    }

    // What was reported before is decided about while it is deleted, and taken back while it is.
    let case = stage.report("/acme-ci").await;
    assert_eq!(carol.submit(&page, &format!("{page}/delete"), &[]).await.status, 303);
    let act = stage.decide(case, Act::BanUser).await.unwrap();
    let shown = carol.open(list).await;
    assert!(shown.has("Restore acme-ci") && !shown.has("Sells watches."), "{}", shown.text);
    assert_eq!(carol.submit(list, list, &[("restore", key.as_str())]).await.status, 303);
    let shown = carol.open(&page).await;
    assert!(shown.has("Moderators of this hub suspended it") && !shown.has("Sells watches."), "{}", shown.text);
    assert_eq!(carol.submit(&page, &format!("{page}/delete"), &[]).await.status, 303);
    stage.undo(act).await.unwrap();
    assert_eq!(carol.submit(list, list, &[("restore", key.as_str())]).await.status, 303);
    let shown = carol.open(&page).await;
    assert!(!shown.has("Moderators of this hub suspended it") && shown.has("Sells watches."), "{}", shown.text);
    stage.hub.stop().await;
}

#[tokio::test]
async fn moderators_do_not_learn_who_reported_them_and_the_suspended_are_told_nothing() {
    let stage = stage().await;
    let hub = &stage.hub;
    let own = hub.token(&stage.moderator, hub::accounts::TokenRole::Write).await;
    own.create_repo("model", "moderator/tiny", false).await;
    let case = stage.report("/moderator/tiny").await;
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let page = moderator.get(&format!("/moderation/cases/{case}")).await;
    assert!(page.status == 403 && !page.has("bob"), "{}", page.text);
    let refused = stage.decide(case, Act::Dismiss).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);

    // What a report says stays text, and NUL is nobody's.
    let mut bob = Browser::logged_in(hub, "bob").await;
    let script = [("thing", "/ada/bert"), ("category", "other"), ("text", "<script>alert(1)</script> \r\nSet-Cookie: x=y")];
    assert_eq!(bob.submit("/report", "/report", &script).await.status, 303);
    let case: i64 = sqlx::query_scalar("select max(case_pk) from moderation_cases").fetch_one(&hub.app().pool).await.unwrap();
    let page = moderator.open(&format!("/moderation/cases/{case}")).await;
    assert!(page.has("&#60;script&#62;") && !page.has("<script>alert"));
    assert_eq!(bob.get("/report?thing=/ada/bert/discussions/1/%00").await.status, 200);
    let nul = [("thing", "/ada"), ("category", "other"), ("text", "ten letters\0 and a NUL")];
    assert_eq!(bob.submit("/report", "/report", &nul).await.status, 400);

    hub.sql("update users set email_confirmed_at = now()").await;
    stage.decide(stage.report("/ada").await, Act::SuspendUser).await.unwrap();
    let told = json!({ "title": "For you", "description": "Look, @ada!" });
    let bob = hub.token(&stage.bob, hub::accounts::TokenRole::Write).await;
    bob.post_json("/api/models/ada/bert/discussions", &told, 200).await;
    hub.jobs_done().await;
    let to_ada: Vec<String> = outbox(hub).into_iter().filter(|mail| mail.contains("To: ada@example.org")).collect();
    assert!(to_ada.len() == 1 && to_ada[0].contains("Moderation"), "{to_ada:#?}");
    stage.hub.stop().await;
}

#[tokio::test]
async fn moderators_hold_a_discussion_before_what_was_said_in_it() {
    let stage = stage().await;
    let opening = json!({ "title": "Cheap watches", "description": "Watches!" });
    stage.ada.post_json("/api/models/ada/bert/discussions", &opening, 200).await;
    stage.hub.jobs_done().await;
    let (first, then) = ("select from discussions for update", "select from discussion_events for no key update nowait");
    for act in [Act::HideDiscussion, Act::RemoveUser] {
        let case = stage.report("/ada/bert/discussions/1").await;
        let act_pk = in_order(&stage.hub, first, then, stage.decide(case, act)).await.unwrap();
        in_order(&stage.hub, first, then, stage.undo(act_pk)).await.unwrap();
    }
    stage.hub.stop().await;
}

#[tokio::test]
async fn moderators_hold_a_person_before_what_they_have() {
    let stage = stage().await;
    let (first, then) =
        ("select from users where email = 'ada@example.org' for no key update", "select from repos for no key update nowait");
    for act in [Act::BanUser, Act::RemoveUser] {
        let case = stage.report("/ada").await;
        stage.hub.jobs_done().await;
        let act_pk = in_order(&stage.hub, first, then, stage.decide(case, act)).await.unwrap();
        stage.hub.jobs_done().await;
        in_order(&stage.hub, first, then, stage.undo(act_pk)).await.unwrap();
    }
    stage.hub.stop().await;
}
