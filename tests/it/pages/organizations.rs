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
async fn an_organization_of_thousands_shows_some_faces_and_all_members_by_pages() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    hub.organization("acme", &[(&ada, hub::accounts::OrgRole::Admin)]).await;
    let mut browser = Browser::new(&hub);
    assert!(!browser.open("/acme").await.has("All members"), "whoever there is, is shown");
    hub.sql(
        "insert into namespaces (name, kind) select 'person-' || lpad(n::text, 4, '0'), 'user' from generate_series(1, 1249) n;
         insert into users (user_pk, email, password_hash, fullname)
         select namespace_pk, name || '@example.org', 'none', '' from namespaces where name like 'person-%';
         insert into organization_members (organization_pk, user_pk, role)
         select (select namespace_pk from namespaces where name = 'acme'), namespace_pk, 'read' from namespaces
         where name like 'person-%'",
    )
    .await;
    let faces = |text: &str| text.matches("href=\"/person-").count();
    let page = browser.open("/acme").await;
    assert!(page.has("<h2>1,250 members</h2>") && page.has("href=\"/organizations/acme/members\">All members"), "{}", page.text);
    assert_eq!(faces(&page.text), 29, "and ada");
    let (mut path, mut found, mut pages) = ("/organizations/acme/members".to_owned(), 0, 0);
    loop {
        let page = browser.open(&path).await;
        assert!(page.has("1,250 members"), "{}", page.text);
        (found, pages) = (found + faces(&page.text), pages + 1);
        let Some(rest) = page.text.split("href=\"/organizations/acme/members?after=").nth(1) else { break };
        path = format!("/organizations/acme/members?after={}", rest.split('"').next().unwrap());
    }
    assert_eq!((found, pages), (1249, 21));
    assert_eq!(browser.get("/organizations/ACME/members").await.location(), "/organizations/acme/members");
    for (path, status) in [("acme/members?after=%00", 400), ("nobody/members", 404), ("ada/members", 404)] {
        assert_eq!(browser.get(&format!("/organizations/{path}")).await.status, status, "{path}");
    }
    let mut admin = Browser::logged_in(&hub, "ada").await;
    let settings = admin.open("/organizations/acme/settings").await;
    assert!(settings.has("1,250 members") && settings.has("1,250 members have none."));
    assert!(settings.has("href=\"/organizations/acme/settings?after=person-0199#members\""), "200 of them");
    let last = admin.open("/organizations/acme/settings?after=person-1200").await;
    assert!(last.has("Role of person-1249") && last.has("1,250 members") && !last.has("More members"));
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
