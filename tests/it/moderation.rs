//! Reports, decisions, appeals, and what disabled repositories and suspended people can still do.

mod bulk;
mod covers;
mod data;
mod overlaps;
mod removals;
mod replies;
mod rules;

use hub::accounts::{TokenRole, User};
use hub::moderation::acts::{self, Act, Decision};
use hub::moderation::category::Category;
use hub::moderation::{reports, subject};
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use crate::accounts::first_passwords::half_signed_in;
use crate::pages::browser::{Browser, PASSWORD};

const DISABLED: &str = "Access to this resource is disabled.";

/// A hub with a model of ada's, bob who reports, and a moderator.
struct Stage {
    hub: TestHub,
    ada: Client,
    bob: User,
    moderator: User,
}

async fn user(hub: &TestHub, name: &str) -> User {
    let user = hub.account(name).await;
    hub::accounts::queries::find_user(&hub.app().pool, user.pk).await.unwrap().unwrap()
}

async fn stage() -> Stage {
    stage_with(|_| {}).await
}

async fn stage_with(change: impl FnOnce(&mut hub::config::Config)) -> Stage {
    let hub = TestHub::start_with(change).await;
    hub.account("operator").await;
    let moderator = user(&hub, "moderator").await;
    hub.sql("update users set is_moderator = true where email = 'moderator@example.org'").await;
    let moderator = hub::accounts::queries::find_user(&hub.app().pool, moderator.pk).await.unwrap().unwrap();
    let owner = user(&hub, "ada").await;
    let bob = user(&hub, "bob").await;
    let ada = hub.token(&owner, TokenRole::Write).await;
    ada.create_repo("model", "ada/bert", false).await;
    let files = [Client::file("README.md", "# A card\n"), Client::file("data.txt", "data\n")];
    ada.commit("/api/models/ada/bert", "main", &files, 200).await;
    Stage { hub, ada, bob, moderator }
}

impl Stage {
    async fn report(&self, thing: &str) -> i64 {
        let app = self.hub.app();
        let viewer = hub::accounts::Viewer { user: Some(self.bob.clone()), auth: hub::accounts::Auth::Password };
        let found = subject::find(app, &viewer, thing).await.unwrap();
        reports::report(app, &self.bob, &found, Category::Spam, "").await.unwrap();
        sqlx::query_scalar("select max(case_pk) from moderation_cases").fetch_one(&app.pool).await.unwrap()
    }

    async fn decide(&self, case_pk: i64, act: Act) -> hub::error::HubResult<i64> {
        let decision = Decision::new(act, Category::Spam, "It sells watches.").unwrap();
        acts::decide(self.hub.app(), &self.moderator, case_pk, &decision).await
    }

    async fn undo(&self, act_pk: i64) -> hub::error::HubResult<()> {
        acts::undo(self.hub.app(), &self.moderator, act_pk, "").await
    }
}

async fn message(client: &Client, path: &str, status: u16) -> String {
    let response = client.get(path, status).await;
    response.headers().get("x-error-message").map_or("", |text| text.to_str().unwrap()).to_owned()
}

#[tokio::test]
async fn a_report_leads_to_a_takedown_an_appeal_and_back() {
    let stage = stage().await;
    let hub = &stage.hub;
    let mut bob = Browser::logged_in(hub, "bob").await;
    assert!(bob.open("/ada/bert").await.has("/report?thing=/ada/bert"));
    let report = [("thing", "/ada/bert"), ("category", "copyright"), ("text", "These weights are mine.")];
    assert_eq!(bob.submit("/report?thing=/ada/bert", "/report", &report).await.location(), "/settings/reports");
    let again = bob.submit("/report", "/report", &report).await;
    assert_eq!((again.status, again.has("reported this already")), (409, true));
    for (thing, category) in [("/ada/none", "spam"), ("/bob", "spam"), ("/ada/bert", "nonsense"), ("/ada/bert", "other")] {
        let refused = bob.submit("/report", "/report", &[("thing", thing), ("category", category), ("text", "")]).await;
        assert_eq!(refused.status, 400, "{thing} {category}");
    }
    // What somebody else reports of the same thing is the same case, by its gravest category.
    hub.account("carol").await;
    let mut carol = Browser::logged_in(hub, "carol").await;
    let worse = [("thing", "/ada/bert"), ("category", "malware"), ("text", "It phones home.")];
    assert_eq!(carol.submit("/report", "/report", &worse).await.status, 303);
    assert_eq!(hub.count("moderation_cases").await, 1);
    assert_eq!(carol.get("/moderation").await.status, 404);

    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let queue = moderator.open("/moderation").await;
    assert!(queue.has("model ada/bert") && queue.has("Malware") && queue.has("2 reports"));
    assert!(!moderator.open("/moderation?category=spam").await.has("model ada/bert"));
    let href = format!("/moderation/cases/{}", queue.text.split("/moderation/cases/").nth(1).unwrap().split('"').next().unwrap());
    let case = moderator.open(&href).await;
    assert!(case.has("These weights are mine.") && case.has("href=\"/ada/bert/lineage\""));
    moderator.open("/ada/bert/lineage").await;
    assert_eq!(moderator.submit(&href, &href, &[("do", "note"), ("note", "Asked the owner.")]).await.status, 303);
    assert!(moderator.open(&href).await.has("Asked the owner."));
    let misfit = [("do", "decide"), ("act", "suspend_user"), ("category", "malware"), ("reason", "")];
    assert_eq!(moderator.submit(&href, &href, &misfit).await.status, 400);
    let decision = [("do", "decide"), ("act", "disable_repo"), ("category", "malware"), ("reason", "It <b>phones</b> home.")];
    assert_eq!(moderator.submit(&href, &href, &decision).await.status, 303);

    let stranger = hub.anonymous();
    for path in
        ["/api/models/ada/bert", "/ada/bert/resolve/main/data.txt", "/ada/bert/info/refs?service=git-upload-pack", "/ada/bert"]
    {
        let said = message(&stranger, path, 403).await;
        assert!(path == "/ada/bert" || said == DISABLED, "{path}: {said}");
    }
    assert_eq!(stranger.get_json("/api/models?author=ada", 200).await, json!([]));
    let page = carol.get("/ada/bert").await;
    assert!(page.has("This repository is disabled") && page.has("/moderation/notice/models/ada/bert"), "{}", page.text);
    let notice = carol.open("/moderation/notice/models/ada/bert").await;
    assert!(notice.has("It &#60;b&#62;phones&#60;/b&#62; home.") && !notice.has("/moderation/appeal/"), "{}", notice.text);
    assert!(bob.open("/settings/reports").await.has("Acted on"));

    // Its owner sees it, with the notice, and changes nothing.
    stage.ada.get("/api/models/ada/bert", 200).await;
    stage.ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 403).await;
    let mut ada = Browser::logged_in(hub, "ada").await;
    assert!(ada.open("/ada/bert").await.has("Moderators of this hub disabled this model"));
    let talk = ada.open("/ada/bert/discussions").await;
    assert!(talk.has("nothing can be said here") && !talk.has("turned off"), "{}", talk.text);
    let notice = ada.open("/moderation/notice/models/ada/bert").await;
    let appeal = notice.text.split("href=\"/moderation/appeal/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let appeal = format!("/moderation/appeal/{appeal}");
    assert!(ada.open("/settings/reports").await.has(&appeal));
    assert!(ada.open("/settings/security-log").await.has("Repository disabled by moderators"));
    assert_eq!(ada.submit(&appeal, &appeal, &[("text", "No.")]).await.status, 400);
    assert_eq!(ada.submit(&appeal, &appeal, &[("text", "It only asks for updates.")]).await.status, 303);
    let csrf = ada.open("/report").await.csrf();
    let second = ada.post(&appeal, &[("csrf_token", &csrf), ("text", "And once more, please.")]).await;
    assert_eq!(second.status, 409, "one appeal");
    assert_eq!(ada.get(&format!("{appeal}x")).await.status, 404);

    // Another than who decided looks at it.
    assert!(moderator.open("/moderation/appeals").await.has("another moderator decides about it"));
    let mut operator = Browser::logged_in(hub, "operator").await;
    let waiting = operator.open("/moderation/appeals").await;
    assert!(waiting.has("It only asks for updates."));
    let action = waiting.text.split("action=\"/moderation/appeals/").nth(1).unwrap().split('"').next().unwrap();
    let action = format!("/moderation/appeals/{action}");
    let granted = [("decision", "grant"), ("answer", "You are right.")];
    assert_eq!(moderator.submit("/moderation/appeals", &action, &granted).await.status, 403);
    assert_eq!(operator.submit("/moderation/appeals", &action, &granted).await.status, 303);
    stranger.get("/api/models/ada/bert", 200).await;
    assert_eq!(stranger.get_json("/api/models?author=ada", 200).await.as_array().unwrap().len(), 1);
    assert!(ada.open(&appeal).await.has("The decision was taken back"));
    assert_eq!(carol.get("/moderation/notice/models/ada/bert").await.status, 404);
    let numbers = moderator.get("/moderation/statistics/export?format=csv").await;
    assert!(
        numbers.has("cases,malware,1,0.") && numbers.has("acts,disable_repo,1,") && numbers.has("appeals,granted,1,"),
        "{}",
        numbers.text
    );
    moderator.open("/moderation/statistics").await;
    let quarters = moderator.get("/moderation/statistics/export?by=quarter&format=csv").await;
    for line in ["reports,people,2,", "cases,malware,1,0.", "acts,disable_repo,1,", "acts,restore,1,", "appeals,granted,1,"] {
        assert!(
            quarters.text.lines().skip(1).any(|row| row.starts_with("20") && row.contains(line)),
            "{line}: {}",
            quarters.text
        );
    }
    assert!(moderator.get("/moderation/statistics/export?by=quarter").await.has("\"what\":\"acts\""));
    assert!(moderator.open("/moderation/log").await.has("Taken back"));
    let changed = sqlx::raw_sql("update moderation_acts set reason = 'x'").execute(&hub.app().pool).await;
    assert!(changed.unwrap_err().to_string().contains("are not changed"));
    stage.hub.stop().await;
}

#[tokio::test]
async fn a_suspended_person_does_nothing_and_appeals() {
    let stage = stage().await;
    let hub = &stage.hub;
    let mut ada = Browser::logged_in(hub, "ada").await;
    let mut half = half_signed_in(hub, "ada").await;
    let case = stage.report("/ada").await;
    let act = stage.decide(case, Act::SuspendUser).await.unwrap();
    assert!(ada.get("/settings/profile").await.location().starts_with("/login"));
    let said = message(&stage.ada, "/api/whoami-v2", 403).await;
    assert!(said.contains("suspended"), "{said}");
    stage.ada.post_json("/api/models/ada/bert/like", &json!({}), 403).await;
    let login = ada.submit("/login", "/login", &[("username", "ada"), ("password", PASSWORD)]).await;
    assert!(login.status == 403 && login.has("It sells watches."), "{}", login.text);
    let appeal = login.text.split("href=\"/moderation/appeal/").nth(1).unwrap().split('"').next().unwrap();
    let appeal = format!("/moderation/appeal/{appeal}");
    assert_eq!(ada.submit(&appeal, &appeal, &[("text", "I collect watches.")]).await.status, 303);
    // Wrong passwords tell nothing of it.
    let wrong = ada.submit("/login", "/login", &[("username", "ada"), ("password", "not this one")]).await;
    assert!(wrong.status == 422 && !wrong.has("suspended"));
    // What she made is there.
    hub.anonymous().get("/ada/bert/resolve/main/data.txt", 200).await;
    stage.undo(act).await.unwrap();
    stage.ada.get("/api/whoami-v2", 200).await;
    assert_eq!(half.get("/login/new-password").await.status, 400, "what was under way before is over");
    Browser::logged_in(hub, "ada").await;
    // Nobody suspends who runs or moderates the hub.
    let case = stage.report("/operator").await;
    assert_eq!(stage.decide(case, Act::SuspendUser).await.unwrap_err().kind(), hub::error::ErrorKind::Forbidden);
    stage.hub.stop().await;
}

#[tokio::test]
async fn taking_a_ban_back_leaves_what_another_act_covers() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    ada.create_repo("model", "ada/other", false).await;
    let opened =
        ada.post_json("/api/models/ada/bert/discussions", &json!({ "title": "Buy", "description": "Watches!" }), 200).await;
    assert_eq!(opened["num"], 1);
    let api = "/api/models/ada/bert/discussions/1";
    let first = ada.get_json(api, 200).await["events"][0]["id"].as_str().unwrap().to_owned();
    let edit = json!({ "content": "Cheap watches!" });
    ada.post_json(&format!("{api}/comment/{first}/edit"), &edit, 200).await;
    let repo = stage.decide(stage.report("/ada/other").await, Act::DisableRepo).await.unwrap();
    let ban = stage.decide(stage.report("/ada").await, Act::BanUser).await.unwrap();
    let stranger = hub.anonymous();
    for id in ["ada/bert", "ada/other"] {
        assert_eq!(message(&stranger, &format!("/api/models/{id}"), 403).await, DISABLED);
    }
    let operator = Browser::logged_in(hub, "operator").await.get(api).await;
    assert!(operator.status == 200 && !operator.has("atches"), "neither what it says nor what it said: {}", operator.text);
    stage.undo(ban).await.unwrap();
    stranger.get("/api/models/ada/bert", 200).await;
    assert!(stranger.get_json(api, 200).await.to_string().contains("Cheap watches!"));
    ada.get("/api/whoami-v2", 200).await;
    assert_eq!(message(&stranger, "/api/models/ada/other", 403).await, DISABLED);
    stage.undo(repo).await.unwrap();
    stranger.get("/api/models/ada/other", 200).await;

    // A discussion is hidden with its title, and comes back with it.
    let act = stage.decide(stage.report("/ada/bert/discussions/1").await, Act::HideDiscussion).await.unwrap();
    let hidden = stranger.get_json(api, 200).await;
    assert!(hidden["title"] == "Hidden by the moderators" && hidden["locked"] == true && !hidden.to_string().contains("atches"));
    stage.undo(act).await.unwrap();
    let back = stranger.get_json(api, 200).await;
    assert!(back["title"] == "Buy" && back["locked"] == false && back.to_string().contains("Cheap watches!"), "{back}");

    // A hidden collection stays private whatever its owner does.
    let made = json!({ "title": "Watches", "namespace": "ada", "private": false });
    let slug = ada.post_json("/api/collections", &made, 200).await["slug"].as_str().unwrap().to_owned();
    let act = stage.decide(stage.report(&format!("/collections/{slug}")).await, Act::HideCollection).await.unwrap();
    let path = format!("/api/collections/{slug}");
    ada.call(Method::PATCH, &path, &json!({ "private": false }), 200).await;
    stranger.get(&path, 404).await;
    stage.undo(act).await.unwrap();
    stranger.get(&path, 200).await;
    // Deleting it first is no way around that, nor does it keep hidden what was hidden in error.
    let case = stage.report(&format!("/collections/{slug}")).await;
    let restore = format!("/settings/deleted/collections/{}/restore", slug.rsplit('-').next().unwrap());
    let mut owner = Browser::logged_in(&stage.hub, "ada").await;
    ada.call(Method::DELETE, &path, &json!({}), 200).await;
    let act = stage.decide(case, Act::HideCollection).await.unwrap();
    assert_eq!(owner.submit("/settings/deleted/collections", &restore, &[]).await.status, 303);
    ada.get(&path, 200).await;
    stranger.get(&path, 404).await;
    ada.call(Method::DELETE, &path, &json!({}), 200).await;
    stage.undo(act).await.unwrap();
    assert_eq!(owner.submit("/settings/deleted/collections", &restore, &[]).await.status, 303);
    stranger.get(&path, 200).await;
    stage.hub.stop().await;
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_does() {
    let stage = stage().await;
    let case = stage.report("/ada/bert").await;
    let (one, other) = tokio::join!(stage.decide(case, Act::DisableRepo), stage.decide(case, Act::DisableRepo));
    assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1);
    let act = one.or(other).expect("one of them decided");
    let (one, other) = tokio::join!(stage.undo(act), stage.undo(act));
    assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1);
    stage.hub.anonymous().get("/api/models/ada/bert", 200).await;
    // It can be reported again, and dismissed with many.
    let case = stage.report("/ada/bert").await.to_string();
    let mut moderator = Browser::logged_in(&stage.hub, "moderator").await;
    let done = moderator.submit("/moderation", "/moderation", &[("act", "dismiss"), ("chosen", &case)]).await;
    assert_eq!(done.status, 303);
    assert!(moderator.open("/moderation").await.has("Nothing waits"));
    assert!(moderator.open("/moderation/decided").await.has("Dismissed"));
    stage.hub.stop().await;
}

#[tokio::test]
async fn a_label_of_the_moderators_stays_whatever_the_owner_does() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let is_labelled = async || {
        let info = hub.anonymous().get_json("/api/models/ada/bert", 200).await;
        info["tags"].as_array().unwrap().contains(&json!("not-for-all-audiences"))
    };
    let act = stage.decide(stage.report("/ada/bert").await, Act::LabelRepo).await.unwrap();
    assert!(is_labelled().await);
    let card = |tags: &str| Client::file("README.md", &format!("---\nlicense: mit\ntags: [{tags}]\n---\n# Another card\n"));
    ada.commit("/api/models/ada/bert", "main", &[card("flowers")], 200).await;
    assert!(is_labelled().await, "a new card");
    let mut owner = Browser::logged_in(hub, "ada").await;
    let page = owner.open("/ada/bert/settings").await;
    assert!(page.has("Moderators labelled it as not for all audiences"), "{}", page.text);
    let all = [("audience", "all")];
    assert_eq!(owner.submit("/ada/bert/settings", "/ada/bert/settings/audience", &all).await.status, 303);
    assert!(is_labelled().await, "the owner's word");
    let told = owner.open("/settings/reports").await;
    assert!(told.has("Repository labelled as not for all audiences") && told.has("/moderation/appeal/"), "{}", told.text);
    assert!(owner.open("/settings/security-log").await.has("labelled as not for all audiences by moderators"));
    let page = Browser::new(hub).open("/ada/bert").await;
    assert!(page.has("View content") && !page.has("Another card"), "{}", page.text);
    stage.undo(act).await.unwrap();
    assert!(!is_labelled().await);
    assert!(Browser::new(hub).open("/ada/bert").await.has("Another card"));
    // What its card says is nothing that moderators take back.
    let act = stage.decide(stage.report("/ada/bert").await, Act::LabelRepo).await.unwrap();
    ada.commit("/api/models/ada/bert", "main", &[card("not-for-all-audiences")], 200).await;
    stage.undo(act).await.unwrap();
    assert!(is_labelled().await);
    ada.commit("/api/models/ada/bert", "main", &[card("flowers")], 200).await;
    assert!(!is_labelled().await);
    stage.hub.stop().await;
}

#[tokio::test]
async fn what_is_on_its_way_into_a_repository_that_is_disabled_does_not_arrive() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let pool = &hub.app().pool;
    ada.post_json("/api/buckets/ada/logs", &json!({}), 200).await;
    let head = ada.get_json("/api/models/ada/bert", 200).await["sha"].clone();
    for (repo, path, body) in [
        (
            "bert",
            "/api/models/ada/bert/commit/main",
            "{\"key\":\"header\",\"value\":{\"summary\":\"late\"}}\n{\"key\":\"file\",\"value\":{\"path\":\"late.txt\",\"content\":\"late\"}}",
        ),
        ("logs", "/api/buckets/ada/logs/batch", "{\"type\":\"deleteFile\",\"path\":\"late.txt\"}"),
    ] {
        // Moderators are about to disable it; whoever writes was let in before, and comes to the commit point.
        let mut deciding = hub::db::begin(pool).await.unwrap();
        sqlx::query("update repos set disabled = true where name = $1").bind(repo).execute(&mut *deciding).await.unwrap();
        let request = ada.request(Method::POST, path).header("content-type", "application/x-ndjson").body(body);
        let writing = tokio::spawn(request.send());
        let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let waiting = async || sqlx::query_scalar::<_, i64>(waits).fetch_one(pool).await.unwrap() > 0;
        hub_tests::until("the moderators are waited for", async || writing.is_finished() || waiting().await).await;
        assert!(!writing.is_finished(), "{repo} was not waited for");
        deciding.commit().await.unwrap();
        let answer = writing.await.unwrap().unwrap();
        let status = answer.status().as_u16();
        let said = answer.text().await.unwrap();
        assert!(status == 403 && said.contains(DISABLED), "{repo}: {status} {said}");
    }
    assert_eq!(ada.get_json("/api/models/ada/bert", 200).await["sha"], head);
    stage.hub.stop().await;
}
