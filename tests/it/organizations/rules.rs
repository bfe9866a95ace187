//! What an organisation decides about new repositories and members.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{TestHub, json};
use reqwest::Method;

use crate::pages::browser::Browser;

const SETTINGS: &str = "/organizations/acme/settings";

#[tokio::test]
async fn new_repositories_are_as_the_organisation_has_it() {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let (ada, con, wri) = (hub.account("ada").await, hub.account("con").await, hub.account("wri").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&con, OrgRole::Contributor), (&wri, OrgRole::Write)]).await;
    let (con, wri) = (hub.token(&con, TokenRole::Write).await, hub.token(&wri, TokenRole::Write).await);
    let new = |name: &str| json!({ "name": name, "organization": "acme" });
    con.post_json("/api/repos/create", &new("open"), 200).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let fields = [("default_private", "true"), ("create_role", "write"), ("default_role", "read")];
    assert_eq!(browser.submit(SETTINGS, SETTINGS, &fields).await.status, 303);
    // Contributors no longer make any, and what is made without a word is private.
    let said = con.post_json("/api/repos/create", &new("late"), 403).await;
    assert!(said["error"].as_str().unwrap().contains("the role `write`"), "{said}");
    wri.post_json("/api/repos/create", &new("closed"), 200).await;
    let private = |name: &'static str| {
        let wri = &wri;
        async move { wri.get_json(&format!("/api/models/acme/{name}"), 200).await["private"].clone() }
    };
    assert_eq!((private("open").await, private("closed").await), (json!(false), json!(true)));
    let page = Browser::logged_in(&hub, "wri").await.open("/new?owner=acme").await;
    assert!(page.has("value=\"private\" checked"), "the form begins with what is usual");
    let page = Browser::logged_in(&hub, "con").await.open("/new").await;
    assert!(!page.has("<option value=\"acme\""), "no owner that would be refused");
    let page = browser.open(SETTINGS).await;
    assert!(page.has("<option value=\"read\" selected>Read</option>"), "forms offer what was chosen");
    for role in ["read", "king"] {
        assert_eq!(browser.submit(SETTINGS, SETTINGS, &[("create_role", role)]).await.status, 400, "{role}");
    }
    wri.call(Method::DELETE, "/api/repos/delete", &new("closed"), 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn rules_are_taken_back_in_the_audit_log_unless_they_changed_again() {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Write)]).await;
    let log = "/organizations/acme/settings/audit-log";
    let rules = async || {
        let question = "select default_private, create_role, takes_requests from organizations";
        sqlx::query_as::<_, (bool, String, bool)>(question).fetch_one(&hub.app().pool).await.unwrap()
    };
    let newest = async || {
        let question = "select max(audit_pk) from audit_log where action = 'organization.settings'";
        sqlx::query_scalar::<_, i64>(question).fetch_one(&hub.app().pool).await.unwrap()
    };
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let saved = |default_private: &'static str, create_role: &'static str| {
        [("fullname", "Acme"), ("default_private", default_private), ("create_role", create_role), ("takes_requests", "")]
    };
    // Texts are not taken back.
    for fullname in ["A", "Ac"] {
        assert_eq!(browser.submit(SETTINGS, SETTINGS, &[("fullname", fullname)]).await.status, 303);
    }
    let (texts, settled) = (newest().await, rules().await);
    assert!(!browser.open(log).await.has(&format!("{log}/{texts}/undo")));
    assert_eq!(browser.submit(log, &format!("{log}/{texts}/undo"), &[]).await.status, 404);

    assert_eq!(browser.submit(SETTINGS, SETTINGS, &saved("true", "write")).await.status, 303);
    let changed = newest().await;
    let undo = format!("{log}/{changed}/undo");
    let page = browser.open(log).await;
    assert!(page.has(&undo) && page.has("Undo: Settings changed") && page.has("before: create role"), "{}", page.text);
    let mut member = Browser::logged_in(&hub, "bob").await;
    assert_eq!(member.submit("/settings/profile", &undo, &[]).await.status, 403);
    let done = browser.submit(log, &undo, &[]).await;
    assert_eq!((done.status, done.location()), (303, log));
    assert_eq!(rules().await, settled);
    assert!(browser.open(log).await.has("The settings of acme are as they were before that change."));

    // Another rule that changed since is in nobody's way, the same one is.
    assert_eq!(browser.submit(SETTINGS, SETTINGS, &saved("true", "contributor")).await.status, 303);
    let private = newest().await;
    assert_eq!(browser.submit(SETTINGS, SETTINGS, &saved("true", "write")).await.status, 303);
    assert_eq!(browser.submit(log, &format!("{log}/{private}/undo"), &[]).await.status, 303);
    assert_eq!((rules().await.0, rules().await.1.as_str()), (false, "write"));
    assert_eq!(browser.submit(log, &format!("{log}/{private}/undo"), &[]).await.status, 409);

    hub.sql("update organizations set create_role = 'admin'").await;
    let old = newest().await;
    assert!(browser.open(log).await.has(&format!("{log}/{old}/undo")), "also what was done by other ways");
    hub.stop().await;
}
