//! Repositories that moderators remove, and organisations that they limit, suspend or remove.

use hub::accounts::{OrgRole, TokenRole, User};
use hub::moderation::acts::Act;
use hub::personal_data::organizations as closing;
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use super::{Stage, stage, user};
use crate::outbox::{link, mails};
use crate::pages::browser::Browser;
use crate::xet::client::{Packed, random, read_token};

/// What shows something of a repository, by whatever door.
const DOORS: &[&str] = &[
    "/ada/bert",
    "/ada/bert/tree/main",
    "/ada/bert/resolve/main/data.txt",
    "/ada/bert/resolve/main/weights.bin",
    "/ada/bert/info/refs?service=git-upload-pack",
    "/api/models/ada/bert",
    "/api/models/ada/bert/tree/main",
    "/api/models/ada/bert/revision/main",
    "/api/models/ada/bert/xet-read-token/main",
    "/api/buckets/ada/logs",
    "/buckets/ada/logs",
];

fn is_page(door: &str) -> bool {
    !["/api/", "/resolve/", "/info/refs"].iter().any(|part| door.contains(part))
}

async fn person(hub: &TestHub, name: &str) -> User {
    let pool = &hub.app().pool;
    let sql = "select namespace_pk from namespaces where name = $1";
    let user_pk: i64 = sqlx::query_scalar(sql).bind(name).fetch_one(pool).await.unwrap();
    hub::accounts::queries::find_user(pool, user_pk).await.unwrap().unwrap()
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

async fn lfs(client: &Client, oid: &str, size: usize) -> u16 {
    let body = json!({ "operation": "download", "transfers": ["basic"], "objects": [{ "oid": oid, "size": size }] });
    status(client.request(Method::POST, "/ada/bert.git/info/lfs/objects/batch").json(&body)).await
}

async fn public_id(hub: &TestHub, name: &str) -> String {
    sqlx::query_scalar("select public_id from repos where name = $1").bind(name).fetch_one(&hub.app().pool).await.unwrap()
}

#[tokio::test]
async fn a_removed_repository_is_nobodys_by_any_door_until_an_appeal_is_granted() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    hub.sql("update users set email_confirmed_at = now()").await;
    let packed = Packed::new(random(300_000, 1), 4);
    packed.upload(ada, "ada/bert", "weights.bin").await;
    ada.post_json("/api/buckets/ada/logs", &json!({ "private": false }), 200).await;
    let (oid, size) = (packed.file.oid.clone(), packed.file.bytes.len());
    let clients = [
        ("anonymous", hub.anonymous()),
        ("stranger", hub.token(&stage.bob, TokenRole::Write).await),
        ("owner", ada.clone()),
        ("moderator", hub.token(&stage.moderator, TokenRole::Write).await),
        ("operator", hub.token(&person(hub, "operator").await, TokenRole::Write).await),
    ];
    let cas = read_token(ada, "ada/bert").await;
    let chunks = format!("/xet/v1/reconstructions/{}", packed.entry.hash);
    cas.get(&chunks, 200).await;
    hub.indexed().await;
    let lists = ["/api/models?author=ada", "/api/quicksearch?q=bert", "/api/trending", "/api/buckets/ada"];
    let check = async |is_open: bool| {
        for (who, client) in &clients {
            for door in DOORS {
                let found = status(client.request(Method::GET, door)).await;
                // People and git may learn that it was there. Git is first asked who it is.
                let is_git = door.contains("/info/refs");
                let closed = match *who {
                    _ if is_page(door) => 410,
                    "anonymous" => 401,
                    _ if is_git => 410,
                    _ => 404,
                };
                let is_right = if is_open { found < 400 } else { found == closed };
                assert!(is_right, "{who}: {door}: {found}");
            }
            let found = lfs(client, &oid, size).await;
            let is_right = if is_open { found == 200 } else { matches!(found, 401 | 404) };
            assert!(is_right, "{who}: LFS: {found}");
        }
        for list in lists.iter().filter(|_| !is_open) {
            let found = ada.get_json(list, 200).await.to_string();
            assert!(!found.contains("ada/bert") && !found.contains("ada/logs"), "{list}: {found}");
        }
    };
    check(true).await;

    let (bert, logs) = (stage.report("/ada/bert").await, stage.report("/buckets/ada/logs").await);
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let case = format!("/moderation/cases/{bert}");
    assert!(moderator.open(&case).await.has("Remove the repository"));
    let chosen = [
        ("act", "remove_repos"),
        ("chosen", &bert.to_string()),
        ("chosen", &logs.to_string()),
        ("reason", "It is against the law."),
    ];
    assert_eq!(moderator.submit("/moderation", "/moderation", &chosen).await.status, 303);
    let queue = moderator.open("/moderation").await;
    assert!(queue.has("2 cases were decided. In the log, all of it can be undone at once."), "{}", queue.text);
    hub.indexed().await;
    check(false).await;
    assert_eq!(status(cas.request(Method::GET, &chunks)).await, 401, "what was given out before");

    // Neither its owner nor who runs the hub brings it back past the decision.
    let restore = format!("/api/deleted-repos/{}/restore", public_id(hub, "bert").await);
    ada.post_json(&restore, &json!({}), 403).await;
    let refused = clients[4].1.post_json(&restore, &json!({}), 409).await;
    assert!(refused.to_string().contains("Moderators removed it"), "{refused}");
    let mut owner = Browser::logged_in(hub, "ada").await;
    let page = owner.open("/settings/deleted").await;
    assert!(page.has("Taken down by moderators") && !page.has("/restore\""), "{}", page.text);
    let log = owner.open("/settings/security-log").await;
    assert!(log.has("Repository removed by moderators") && log.has("It is against the law."), "{}", log.text);

    // The mail says why, and leads to the form to appeal.
    // She is told of both, and so is bob who reported them.
    let sent = mails(hub, 4).await;
    let told = sent.iter().find(|mail| mail.contains("To: ada@") && mail.contains("model ada/bert")).expect("she is told");
    assert!(told.contains("repository removed") && told.contains("It is against the law."), "{told}");
    let appeal = link(told);
    assert!(appeal.starts_with("/moderation/appeal/"), "{appeal}");
    assert_eq!(owner.submit(&appeal, &appeal, &[("text", "It is legal where I live.")]).await.status, 303);
    // Somebody else judges it.
    let mut operator = Browser::logged_in(hub, "operator").await;
    let waiting = operator.open("/moderation/appeals").await;
    let action = waiting.text.split("action=\"/moderation/appeals/").nth(1).unwrap().split('"').next().unwrap();
    let action = format!("/moderation/appeals/{action}");
    let granted = [("decision", "grant"), ("answer", "You are right.")];
    assert_eq!(operator.submit("/moderation/appeals", &action, &granted).await.status, 303);
    let sql = "select act_pk from moderation_acts where act = 'remove_repo' and subject like '%logs'";
    let other: i64 = sqlx::query_scalar(sql).fetch_one(&hub.app().pool).await.unwrap();
    stage.undo(other).await.unwrap();
    hub.indexed().await;
    check(true).await;
    stage.hub.stop().await;
}

#[tokio::test]
async fn a_removal_that_is_taken_back_leaves_what_another_removed_and_what_its_owner_deleted() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let stranger = hub.anonymous();
    for all_first in [false, true] {
        let (one, all) = (stage.report("/ada/bert").await, stage.report("/ada").await);
        let one = stage.decide(one, Act::RemoveRepo).await.unwrap();
        let all = stage.decide(all, Act::RemoveUser).await.unwrap();
        let (first, last) = if all_first { (all, one) } else { (one, all) };
        stage.undo(first).await.unwrap();
        stranger.get("/api/models/ada/bert", 401).await;
        stage.undo(last).await.unwrap();
        stranger.get("/api/models/ada/bert", 200).await;
    }

    // What she deleted herself comes back by herself, and not before the decision is taken back.
    let case = stage.report("/ada/bert").await;
    ada.call(Method::DELETE, "/api/repos/delete", &json!({ "name": "bert", "type": "model" }), 200).await;
    let act = stage.decide(case, Act::RemoveRepo).await.unwrap();
    let restore = format!("/api/deleted-repos/{}/restore", public_id(hub, "bert").await);
    ada.post_json(&restore, &json!({}), 403).await;
    stage.undo(act).await.unwrap();
    stranger.get("/api/models/ada/bert", 401).await;
    ada.post_json(&restore, &json!({}), 200).await;
    stranger.get("/api/models/ada/bert", 200).await;

    // Of two of one name that come back at once, the later one has it.
    let first = stage.decide(stage.report("/ada/bert").await, Act::RemoveRepo).await.unwrap();
    ada.create_repo("model", "ada/bert", false).await;
    let all = stage.decide(stage.report("/ada").await, Act::RemoveUser).await.unwrap();
    stage.undo(first).await.unwrap();
    stage.undo(all).await.unwrap();
    stranger.get("/api/models/ada/bert", 200).await;
    stranger.get("/ada/bert/resolve/main/data.txt", 404).await;

    // When its time is over, it stays.
    let act = stage.decide(stage.report("/ada/bert").await, Act::RemoveRepo).await.unwrap();
    hub.sql("alter table moderation_acts disable trigger user; update moderation_acts set created_at = created_at - interval '31 days'; alter table moderation_acts enable trigger user").await;
    let late = stage.undo(act).await.unwrap_err();
    assert!(late.message().contains("can be taken back for 30 days"), "{}", late.message());
    stage.hub.stop().await;
}

/// An organisation of carol's, with a model and a collection that everybody sees; her client, and the path of the collection.
async fn shop(stage: &Stage) -> (Client, String) {
    let hub = &stage.hub;
    let carol = user(hub, "carol").await;
    hub.organization("acme", &[(&carol, OrgRole::Admin)]).await;
    hub.sql(
        "update organizations set fullname = 'Watch shop', details = 'Sells watches', homepage = 'https://w.example', links = '{https://v.example}';
         insert into pictures (namespace_pk, version, content) select organization_pk, '0123456789abcdef', 'picture' from organizations",
    )
    .await;
    let carol = hub.token(&carol, TokenRole::Write).await;
    carol.create_repo("model", "acme/gum", false).await;
    carol.commit("/api/models/acme/gum", "main", &[Client::file("data.txt", "data\n")], 200).await;
    let made = json!({ "title": "Watches", "namespace": "acme", "private": false });
    let slug = carol.post_json("/api/collections", &made, 200).await["slug"].as_str().unwrap().to_owned();
    (carol, format!("/api/collections/{slug}"))
}

#[tokio::test]
async fn nobody_changes_anything_in_a_suspended_organization() {
    let stage = stage().await;
    let hub = &stage.hub;
    let (carol, collection) = shop(&stage).await;
    let act = stage.decide(stage.report("/acme").await, Act::SuspendOrganization).await.unwrap();
    let new = json!({ "type": "model", "organization": "acme", "name": "new" });
    let refused = carol.post_json("/api/repos/create", &new, 403).await;
    assert!(refused.to_string().contains("suspended acme"), "{refused}");
    carol.commit("/api/models/acme/gum", "main", &[Client::file("more.txt", "more\n")], 403).await;
    carol.call(Method::PUT, "/api/models/acme/gum/settings", &json!({ "private": true }), 403).await;
    carol
        .call(Method::DELETE, "/api/repos/delete", &json!({ "name": "gum", "organization": "acme", "type": "model" }), 403)
        .await;
    let mut head = Browser::logged_in(hub, "carol").await;
    for page in ["/organizations/acme/settings", "/organizations/acme/settings/delete"] {
        let refused = head.get(page).await;
        assert!(refused.status == 403 && refused.has("suspended acme"), "{page}: {}", refused.text);
    }
    // Members are told on its pages, and who answers for it where to appeal; strangers see what they saw before.
    let dan = user(hub, "dan").await;
    hub.sql(
        "insert into organization_members (organization_pk, user_pk, role)
         select o.organization_pk, u.user_pk, 'read' from organizations o, users u where u.email = 'dan@example.org'",
    )
    .await;
    let mut member = Browser::logged_in(hub, &dan.name).await;
    let mut stranger = Browser::new(hub);
    for path in ["/acme", "/acme/gum", "/acme/gum/tree/main"] {
        let (to_her, to_him, to_all) = (head.open(path).await, member.open(path).await, stranger.open(path).await);
        assert!(
            to_her.has("suspended acme.") && to_her.has("href=\"/settings/reports\">Read why, and appeal"),
            "{path}: {}",
            to_her.text
        );
        assert!(
            to_him.has("suspended acme.") && to_him.has("dmins") && !to_him.has("Read why, and appeal"),
            "{path}: {}",
            to_him.text
        );
        assert!(!to_all.has("suspended"), "{path}: {}", to_all.text);
    }
    // What is there stays, and she can appeal.
    for client in [&carol, &hub.anonymous()] {
        client.get("/acme/gum/resolve/main/data.txt", 200).await;
        client.get(&collection, 200).await;
    }
    let told = head.open("/settings/reports").await;
    assert!(told.has("Organization suspended") && told.has("/moderation/appeal/"), "{}", told.text);
    stage.undo(act).await.unwrap();
    carol.commit("/api/models/acme/gum", "main", &[Client::file("more.txt", "more\n")], 200).await;
    head.open("/organizations/acme/settings").await;
    for path in ["/acme", "/acme/gum"] {
        assert!(!head.open(path).await.has("suspended"), "{path}");
    }
    stage.hub.stop().await;
}

#[tokio::test]
async fn what_a_limited_organization_has_is_in_no_list_and_links_to_it_work() {
    let stage = stage().await;
    let hub = &stage.hub;
    let (carol, collection) = shop(&stage).await;
    let bob = hub.token(&stage.bob, TokenRole::Write).await;
    let act = stage.decide(stage.report("/acme").await, Act::LimitOrganization).await.unwrap();
    carol.create_repo("model", "acme/new", false).await;
    carol.create_repo("model", "carol/own", false).await;
    hub.indexed().await;
    let lists =
        ["/api/models?author=acme", "/api/models?search=gum", "/api/trending", "/api/collections", "/api/quicksearch?q=gum"];
    for client in [&bob, &hub.anonymous()] {
        for list in lists {
            let found = client.get_json(list, 200).await.to_string();
            assert!(!found.contains("acme/"), "{list}: {found}");
        }
        client.get("/acme/gum/resolve/main/data.txt", 200).await;
        client.get("/api/models/acme/new", 200).await;
        client.get("/api/models/carol/own", 200).await;
        client.get(&collection, 200).await;
    }
    let feed = Browser::new(hub).open("/acme/-/activity.atom").await;
    assert!(!feed.has("gum") && !feed.has("Watches"), "{}", feed.text);
    let count = async |client: &Client| {
        hub.indexed().await;
        client.get_json("/api/models?author=acme", 200).await.as_array().unwrap().len()
    };
    assert_eq!(count(&carol).await, 2, "its own its members see");
    assert_eq!(bob.get_json("/api/models?author=carol", 200).await.as_array().unwrap().len(), 1);
    let mut head = Browser::logged_in(hub, "carol").await;
    let settings = "/organizations/acme/settings";
    let renamed = head.submit(settings, &format!("{settings}/name"), &[("name", "acme-2")]).await;
    assert!(renamed.status == 403 && renamed.has("cannot be renamed now"), "{}: {}", renamed.status, renamed.text);
    // What moves there is limited, too; and what a limited person made there stays so when the organisation is not any more.
    let moved = json!({ "fromRepo": "carol/own", "toRepo": "acme/own", "type": "model" });
    carol.post_json("/api/repos/move", &moved, 200).await;
    // Out of it nothing moves: elsewhere it would be in lists again.
    let moved = json!({ "fromRepo": "acme/gum", "toRepo": "carol/gum", "type": "model" });
    let refused = carol.post_json("/api/repos/move", &moved, 403).await;
    assert!(refused.to_string().contains("limited acme"), "{refused}");
    let maker = stage.decide(stage.report("/carol").await, Act::LimitUser).await.unwrap();
    assert_eq!((count(&carol).await, count(&bob).await), (3, 0));
    carol.create_repo("model", "acme/newer", false).await;
    stage.undo(act).await.unwrap();
    assert_eq!(count(&bob).await, 0);
    stage.undo(maker).await.unwrap();
    assert_eq!(count(&bob).await, 4);
    let feed = Browser::new(hub).open("/acme/-/activity.atom").await;
    assert!(feed.has("acme/gum") && feed.has("Watches"), "{}", feed.text);
    stage.hub.stop().await;
}

#[tokio::test]
async fn an_organization_is_removed_with_all_it_has_and_comes_back_with_it() {
    let stage = stage().await;
    let hub = &stage.hub;
    let (carol, collection) = shop(&stage).await;
    let stranger = hub.anonymous();
    let settings = "audit_log where action = 'organization.settings'";
    let before = hub.count(settings).await;
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let case = stage.report("/acme").await.to_string();
    let chosen = [("act", "remove"), ("chosen", case.as_str()), ("reason", "It sells watches.")];
    assert_eq!(moderator.submit("/moderation", "/moderation", &chosen).await.status, 303);
    stranger.get("/api/models/acme/gum", 401).await;
    carol.get("/api/models/acme/gum", 404).await;
    stranger.get(&collection, 404).await;
    let page = stranger.get("/acme", 200).await.text().await.unwrap();
    assert!(
        !page.contains("Sells watches")
            && !page.contains("Watch shop")
            && !page.contains("v.example")
            && !page.contains("w.example"),
        "{page}"
    );
    assert_eq!(hub.count("pictures").await, 0);
    carol.post_json("/api/repos/create", &json!({ "type": "model", "organization": "acme", "name": "new" }), 403).await;
    carol.get("/api/whoami-v2", 200).await;
    let mut head = Browser::logged_in(hub, "carol").await;
    assert!(head.open("/settings/reports").await.has("Organization removed"));

    let act: i64 = sqlx::query_scalar("select act_pk from moderation_acts").fetch_one(&hub.app().pool).await.unwrap();
    stage.undo(act).await.unwrap();
    stranger.get("/acme/gum/resolve/main/data.txt", 200).await;
    stranger.get(&collection, 200).await;
    let page = stranger.get("/acme", 200).await.text().await.unwrap();
    assert!(page.contains("Sells watches") && page.contains("https://w.example") && page.contains("https://v.example"), "{page}");
    assert_eq!(hub.count("pictures").await, 1);
    assert_eq!(hub.count(settings).await, before, "the log tells of the act by itself");
    carol.commit("/api/models/acme/gum", "main", &[Client::file("more.txt", "more\n")], 200).await;
    stage.hub.stop().await;
}

#[tokio::test]
async fn an_organization_does_not_escape_by_being_deleted_for_a_while() {
    let stage = stage().await;
    let hub = &stage.hub;
    let (carol, collection) = shop(&stage).await;
    let case = stage.report("/acme").await;
    let mut head = Browser::logged_in(hub, "carol").await;
    let (delete, keep) = ("/organizations/acme/settings/delete", "/organizations/acme/keep");
    assert_eq!(head.submit(delete, delete, &[("confirmation", "acme")]).await.status, 303);
    let act = stage.decide(case, Act::RemoveOrganization).await.unwrap();
    let refused = head.submit("/settings/organizations", keep, &[]).await;
    assert!(refused.status == 409 && refused.has("suspended or removed"), "{}", refused.text);
    assert_eq!(closing::keep_by_name(hub.app(), "acme").await.unwrap_err().kind(), hub::error::ErrorKind::Conflict);
    stage.undo(act).await.unwrap();
    assert_eq!(head.submit("/settings/organizations", keep, &[]).await.status, 303);
    carol.commit("/api/models/acme/gum", "main", &[Client::file("more.txt", "more\n")], 200).await;
    hub.anonymous().get("/acme/gum/resolve/main/data.txt", 200).await;
    hub.anonymous().get(&collection, 200).await;
    stage.hub.stop().await;
}
