use hub_tests::TestHub;

use super::Browser;

#[tokio::test]
async fn an_organization_is_founded_and_its_members_get_roles() {
    let hub = TestHub::start().await;
    for name in ["boss", "ada", "grace"] {
        hub.account(name).await;
    }
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let new = "/organizations/new";
    let page = ada.submit(new, new, &[("name", "a b"), ("fullname", "Acme")]).await;
    assert!(page.status == 400 && page.has("not a valid name") && page.has("value=\"Acme\""));
    let page = ada.submit(new, new, &[("name", "acme"), ("fullname", "Acme Labs")]).await;
    assert_eq!((page.status, page.location()), (303, "/acme"));
    assert!(ada.open("/acme").await.has("Acme Labs"));

    let settings = "/organizations/acme/settings";
    let members = "/organizations/acme/members";
    let page = ada.submit(settings, members, &[("user", "nobody"), ("role", "write")]).await;
    assert!(page.status == 404 && page.has("There is no user <code>nobody</code>."));
    assert_eq!(ada.submit(settings, members, &[("user", "GRACE"), ("role", "write")]).await.status, 303);
    let page = ada.open("/acme").await;
    assert!(page.has("2 members") && page.has("title=\"grace, write\""));

    let page = ada.submit(settings, &format!("{members}/ada"), &[("role", "read"), ("action", "change")]).await;
    assert!(page.status == 409 && page.has("at least one admin"));
    let page = ada.submit(settings, &format!("{members}/grace"), &[("role", "write"), ("action", "remove")]).await;
    assert_eq!(page.status, 303);
    assert!(ada.open("/acme").await.has("1 member"));
    hub.stop().await;
}

#[tokio::test]
async fn only_admins_reach_the_settings_of_an_organization() {
    let hub = TestHub::start().await;
    hub.account("boss").await;
    let (ada, grace) = (hub.account("ada").await, hub.account("grace").await);
    hub.account("eve").await;
    let roles = [(&ada, hub::accounts::OrgRole::Admin), (&grace, hub::accounts::OrgRole::Write)];
    hub.organization("acme", &roles).await;
    for (name, status) in [("ada", 200), ("boss", 200), ("grace", 403), ("eve", 403)] {
        let mut browser = Browser::logged_in(&hub, name).await;
        assert_eq!(browser.get("/organizations/acme/settings").await.status, status, "{name}");
        let fields = [("user", "grace"), ("role", "write")];
        let csrf = browser.open("/settings/profile").await.csrf();
        let all = [("csrf_token", csrf.as_str()), fields[0], fields[1]];
        let page = browser.post("/organizations/acme/members", &all).await;
        assert_eq!(page.status, if status == 200 { 303 } else { 403 }, "{name}");
    }
    hub.stop().await;
}
