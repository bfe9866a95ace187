//! What was decided at once, by one submission of the queue, is undone at once.

use hub_tests::Client;

use super::{Stage, stage};
use crate::pages::browser::{Browser, Page};

const LOG: &str = "/moderation/log";
const BUTTON: &str = "Undo all of it</button>";

/// Decides about things of the queue at once.
async fn decide(moderator: &mut Browser, act: &str, cases: &[i64]) {
    let cases: Vec<String> = cases.iter().map(i64::to_string).collect();
    let mut fields = vec![("act", act)];
    fields.extend(cases.iter().map(|case| ("chosen", case.as_str())));
    let done = moderator.submit("/moderation", "/moderation", &fields).await;
    assert_eq!(done.status, 303, "{}", done.text);
}

/// The number of what was decided last, its page, and where the form of that leads.
async fn last(stage: &Stage) -> (i64, String, String) {
    let sql = "select batch from moderation_acts order by act_pk desc limit 1";
    let batch: Option<i64> = sqlx::query_scalar(sql).fetch_one(&stage.hub.app().pool).await.unwrap();
    let batch = batch.expect("it was decided with others");
    (batch, format!("{LOG}?bulk={batch}"), format!("/moderation/bulk/{batch}/undo"))
}

async fn undo_all(moderator: &mut Browser, action: &str) -> Page {
    moderator.submit("/settings/profile", action, &[]).await
}

async fn act_about(stage: &Stage, subject: &str) -> i64 {
    let sql = "select act_pk from moderation_acts where subject = $1 and act <> 'restore'";
    sqlx::query_scalar(sql).bind(subject).fetch_one(&stage.hub.app().pool).await.unwrap()
}

/// Three repositories of ada's, taken down at once, and a fourth that was before.
async fn taken_down(stage: &Stage, moderator: &mut Browser) -> [&'static str; 3] {
    for (kind, id) in [("model", "ada/alone"), ("model", "ada/other"), ("dataset", "ada/rows")] {
        stage.ada.create_repo(kind, id, false).await;
    }
    decide(moderator, "take_down", &[stage.report("/ada/alone").await]).await;
    let mut cases = Vec::new();
    for thing in ["/ada/bert", "/ada/other", "/datasets/ada/rows"] {
        cases.push(stage.report(thing).await);
    }
    decide(moderator, "take_down", &cases).await;
    ["/api/models/ada/bert", "/api/models/ada/other", "/api/datasets/ada/rows"]
}

async fn all_are(stranger: &Client, paths: [&str; 3], status: u16) {
    for path in paths {
        stranger.get(path, status).await;
    }
}

#[tokio::test]
async fn all_of_it_is_undone_but_what_was_before() {
    let stage = stage().await;
    let hub = &stage.hub;
    let stranger = hub.anonymous();
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let paths = taken_down(&stage, &mut moderator).await;
    assert!(moderator.open("/moderation").await.has("3 cases were decided. In the log, all of it can be undone at once."));
    all_are(&stranger, paths, 403).await;
    let (_, all, action) = last(&stage).await;
    let log = moderator.open(LOG).await;
    assert_eq!(log.text.matches("Part of a bulk act of 3").count(), 3, "what was decided alone is no part: {}", log.text);
    assert!(log.has(&format!("href=\"{all}\"")) && log.has("ada/alone") && !log.has(BUTTON), "{}", log.text);
    let page = moderator.open(&all).await;
    assert!(page.has("A bulk act of 3") && page.has("3 can be taken back.") && page.has(BUTTON), "{}", page.text);
    assert!(page.has("Take 3 acts back?") && !page.has("ada/alone"), "{}", page.text);
    let case: i64 = sqlx::query_scalar("select max(case_pk) from moderation_cases").fetch_one(&hub.app().pool).await.unwrap();
    assert!(moderator.open(&format!("/moderation/cases/{case}")).await.has(&format!("href=\"{all}\"")));

    // One of them was a mistake by itself; then all of it was.
    stage.undo(act_about(&stage, "model ada/bert").await).await.unwrap();
    stranger.get(paths[0], 200).await;
    let page = moderator.open(&all).await;
    assert!(page.has("2 can be taken back, 1 was taken back already."), "{}", page.text);
    let done = moderator.submit(&all, &action, &[("reason", "They are no spam.")]).await;
    assert_eq!((done.status, done.location()), (303, all.as_str()), "{}", done.text);
    let page = moderator.open(&all).await;
    assert!(page.has("2 acts were taken back: it is as it was before. 1 was taken back before."), "{}", page.text);
    assert!(page.has("3 were taken back already.") && !page.has(BUTTON), "{}", page.text);
    all_are(&stranger, paths, 200).await;
    stranger.get("/api/models/ada/alone", 403).await;
    let log = moderator.open(LOG).await;
    assert!(log.has("They are no spam.") && log.text.matches("Part of a bulk act of 2").count() == 2, "{}", log.text);
    // What took it back is no act that is taken back.
    let (_, undone, again) = last(&stage).await;
    assert_ne!(undone, all);
    let page = moderator.open(&undone).await;
    assert!(page.has("There is nothing in it to take back.") && !page.has(BUTTON), "{}", page.text);
    assert_eq!(undo_all(&mut moderator, &again).await.status, 404);
    // Nor does a second click do anything.
    let before = hub.count("moderation_acts").await;
    assert_eq!(undo_all(&mut moderator, &action).await.status, 303);
    assert!(moderator.open(&all).await.has("Nothing was taken back. 3 were taken back before."));
    assert_eq!(hub.count("moderation_acts").await, before);
    stage.hub.stop().await;
}

#[tokio::test]
async fn the_audit_log_leads_those_who_run_the_hub_to_all_of_it() {
    let stage = stage().await;
    let hub = &stage.hub;
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    taken_down(&stage, &mut moderator).await;
    let (batch, all, _) = last(&stage).await;
    let mut operator = Browser::logged_in(hub, "operator").await;
    let page = operator.open("/admin/audit?whose=ada&action=moderation.disable_repo").await;
    assert_eq!(page.text.matches("Part of a bulk act of 3").count(), 3, "{}", page.text);
    assert!(page.has(&format!("href=\"{all}\"")) && !page.has("batch: "), "{}", page.text);
    assert!(operator.open(&all).await.has(BUTTON));
    let file = operator.get("/admin/audit/export?action=moderation.disable_repo").await;
    assert_eq!(file.text.matches(&format!("\"batch\":{batch}")).count(), 3, "{}", file.text);
    // The owner reads what was done, each by itself.
    let mut ada = Browser::logged_in(hub, "ada").await;
    let own = ada.open("/settings/security-log").await;
    assert!(own.has("Repository disabled by moderators") && !own.has("bulk act") && !own.has("batch: "), "{}", own.text);
    for format in ["jsonl", "csv"] {
        let file = ada.get(&format!("/settings/security-log/export?format={format}")).await;
        assert!(file.has("model ada/bert") && file.has("category") && !file.has("batch"), "{}", file.text);
    }
    stage.hub.stop().await;
}

#[tokio::test]
async fn others_undo_nothing_and_what_is_not_there_is_not_undone() {
    let stage = stage().await;
    let hub = &stage.hub;
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let paths = taken_down(&stage, &mut moderator).await;
    let (_, all, action) = last(&stage).await;
    for name in ["ada", "bob"] {
        let mut browser = Browser::logged_in(hub, name).await;
        assert_eq!(undo_all(&mut browser, &action).await.status, 404, "{name}");
        assert_eq!(browser.get(&all).await.status, 404, "{name}");
    }
    let without_token = moderator.post(&action, &[("csrf_token", "")]).await;
    assert_eq!(without_token.status, 403, "{}", without_token.text);
    all_are(&hub.anonymous(), paths, 403).await;
    for odd in ["1", "0", "-1", "x", "99999999999999999999"] {
        assert_eq!(undo_all(&mut moderator, &format!("/moderation/bulk/{odd}/undo")).await.status, 404, "{odd}");
    }
    let page = moderator.open("/moderation/log?bulk=1").await;
    assert!(page.has("There is no such bulk act.") && !page.has(BUTTON), "{}", page.text);
    assert_eq!(moderator.get("/moderation/log?bulk=x").await.status, 400);

    // What was dismissed did nothing.
    stage.undo(act_about(&stage, "model ada/bert").await).await.unwrap();
    let cases = [stage.report("/ada/bert").await, stage.report("/ada").await];
    decide(&mut moderator, "dismiss", &cases).await;
    let page = moderator.open("/moderation").await;
    assert!(page.has("2 cases were decided.") && !page.has("can be undone at once"), "{}", page.text);
    let (_, dismissed, action) = last(&stage).await;
    let page = moderator.open(&dismissed).await;
    assert!(page.has("A bulk act of 2") && page.has("There is nothing in it to take back."), "{}", page.text);
    assert_eq!(undo_all(&mut moderator, &action).await.status, 404);
    stage.hub.stop().await;
}

#[tokio::test]
async fn what_cannot_be_undone_is_told_with_why() {
    let stage = stage().await;
    let hub = &stage.hub;
    let own = hub.token(&stage.moderator, hub::accounts::TokenRole::Write).await;
    own.create_repo("model", "moderator/tiny", false).await;
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let mut operator = Browser::logged_in(hub, "operator").await;
    let cases = [stage.report("/ada/bert").await, stage.report("/moderator/tiny").await];
    decide(&mut operator, "take_down", &cases).await;
    let (_, all, action) = last(&stage).await;
    assert_eq!(undo_all(&mut moderator, &action).await.status, 303);
    let page = moderator.open(&all).await;
    let told = "1 act was taken back: it is as it was before. Not model moderator/tiny: This is about what is yours";
    assert!(page.has(told) && page.has("1 can be taken back, 1 was taken back already."), "{}", page.text);
    assert_eq!(undo_all(&mut operator, &action).await.status, 303);
    assert!(operator.open(&all).await.has("1 act was taken back: it is as it was before. 1 was taken back before."));

    // Of accounts that were removed, what one had is forgotten.
    hub.account("eve").await;
    hub.account("mallory").await;
    let cases = [stage.report("/eve").await, stage.report("/mallory").await];
    decide(&mut moderator, "remove", &cases).await;
    let (_, all, action) = last(&stage).await;
    hub.sql(
        "alter table moderation_acts disable trigger user;
         update moderation_acts set created_at = created_at - interval '31 days' where subject = 'user eve';
         alter table moderation_acts enable trigger user",
    )
    .await;
    let page = moderator.open(&all).await;
    let told = "1 can be taken back, 1 cannot be taken back any more, since what was there is forgotten.";
    assert!(page.has(told) && page.has("Take back the one act that can be?"), "{}", page.text);
    assert_eq!(undo_all(&mut moderator, &action).await.status, 303);
    let page = moderator.open(&all).await;
    assert!(page.has("Not user eve: A removal can be taken back for 30 days: what was there is forgotten."), "{}", page.text);
    assert!(!page.has(BUTTON), "{}", page.text);
    let suspended = hub.count("users where suspended_at is not null").await;
    assert_eq!(suspended, 1, "mallory is back");
    stage.hub.stop().await;
}

#[tokio::test]
async fn of_two_who_undo_all_of_it_at_once_each_act_has_one() {
    let stage = stage().await;
    let hub = &stage.hub;
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let mut operator = Browser::logged_in(hub, "operator").await;
    let paths = taken_down(&stage, &mut moderator).await;
    let (_, all, action) = last(&stage).await;
    let (one, other) = tokio::join!(undo_all(&mut moderator, &action), undo_all(&mut operator, &action));
    assert_eq!((one.status, other.status), (303, 303), "{} {}", one.text, other.text);
    assert_eq!(hub.count("moderation_acts where act = 'restore'").await, 3);
    for browser in [&mut moderator, &mut operator] {
        let page = browser.open(&all).await;
        assert!(page.has("taken back") && !page.has("This was taken back already"), "nothing was refused: {}", page.text);
    }
    all_are(&hub.anonymous(), paths, 200).await;
    stage.hub.stop().await;
}
