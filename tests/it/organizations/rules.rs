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
