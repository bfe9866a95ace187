use hub_tests::TestHub;

use super::Browser;
use super::browser::PASSWORD;

#[tokio::test]
async fn a_person_signs_up_and_lands_where_they_were_going() {
    let hub = TestHub::start().await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/join").await;
    assert!(page.has("will administer the hub"), "the first account is told so");
    let fields = [("username", "ada"), ("email", "ada@example.org"), ("password", "correct horse"), ("next", "/settings/tokens")];
    let page = browser.submit("/join", "/join", &fields).await;
    assert_eq!((page.status, page.location()), (303, "/settings/tokens"));
    assert!(browser.open("/").await.has("Account menu of ada"));
    let page = browser.submit("/", "/logout", &[]).await;
    assert_eq!(page.status, 303);
    assert!(browser.open("/").await.has("href=\"/join\""));
    hub.stop().await;
}

#[tokio::test]
async fn a_refused_sign_up_shows_the_error_at_its_field_and_keeps_what_was_typed() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::new(&hub);
    for (name, email, password, status, said) in [
        ("ADA", "other@example.org", PASSWORD, 409, "is taken"),
        ("newbie", "ada@example.org", PASSWORD, 409, "exists already"),
        ("newbie", "nonsense", PASSWORD, 400, "ada@example.org"),
        ("newbie", "new@example.org", "short", 400, "at least 8 characters"),
        ("a b", "new@example.org", PASSWORD, 400, "not a valid name"),
        ("settings", "new@example.org", PASSWORD, 400, "reserved"),
        ("", "", "", 400, "not a valid name"),
    ] {
        let fields = [("username", name), ("email", email), ("password", password)];
        let page = browser.submit("/join", "/join", &fields).await;
        assert_eq!(page.status, status, "{name} {email}");
        assert!(page.has("aria-invalid=\"true\"") && page.has(said), "{name}: {said}");
        assert!(page.has(&format!("name=\"email\" type=\"email\" value=\"{email}\"")), "{name}");
        assert!(password.is_empty() || !page.has(&format!("value=\"{password}\"")), "passwords are not shown again");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_failed_login_does_not_tell_which_part_was_wrong() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::new(&hub);
    let mut said = Vec::new();
    for (name, password) in [("ada", "wrong password"), ("nobody", "wrong password"), ("a\0b", "wrong password")] {
        let page = browser.submit("/login", "/login", &[("username", name), ("password", password)]).await;
        assert_eq!(page.status, 422);
        let alert = page.text.split("role=\"alert\"").nth(1).unwrap();
        said.push(alert.split("</div>").next().unwrap().to_owned());
    }
    assert!(said.windows(2).all(|pair| pair[0] == pair[1]));
    hub.stop().await;
}

#[tokio::test]
async fn login_leads_back_but_never_to_another_host() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    for (next, expected) in
        [("/models?sort=created", "/models?sort=created"), ("//evil.example/", "/"), ("https://evil.example", "/"), ("", "/")]
    {
        let mut browser = Browser::new(&hub);
        let fields = [("username", "ada"), ("password", PASSWORD), ("next", next)];
        assert_eq!(browser.submit("/login", "/login", &fields).await.location(), expected, "{next}");
    }
    let mut browser = Browser::new(&hub);
    let page = browser.get("/settings/tokens").await;
    assert_eq!((page.status, page.location()), (303, "/login?next=%2Fsettings%2Ftokens"));
    hub.stop().await;
}

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = browser.submit("/settings/tokens", "/settings/tokens", &[("name", "laptop"), ("role", "write")]).await;
    assert_eq!((page.status, page.location()), (303, "/settings/tokens"));
    let shown = browser.open("/settings/tokens").await;
    let token = shown.text.split("value=\"hf_").nth(1).expect("the token is shown").split('"').next().unwrap();
    let token = format!("hf_{token}");
    let client = hub.with_token(&token);
    assert_eq!(client.get_json("/api/whoami-v2", 200).await["auth"]["accessToken"]["role"], "write");

    let page = browser.open("/settings/tokens").await;
    assert!(!page.has(&token) && page.has("laptop"));
    let forms = page.text.split("action=\"/settings/tokens/").map(|form| form.split('"').next().unwrap());
    let revoke = forms.filter(|path| path.ends_with("/revoke")).last().unwrap();
    let page = browser.submit("/settings/tokens", &format!("/settings/tokens/{revoke}"), &[]).await;
    assert_eq!(page.status, 303);
    assert!(browser.open("/settings/tokens").await.has("Token revoked."));
    client.get_json("/api/whoami-v2", 401).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_fine_grained_token_needs_a_namespace_and_gets_only_that() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    hub.organization("acme", &[(&ada, hub::accounts::OrgRole::Admin)]).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let mut fields = vec![("name", "ci"), ("role", "fineGrained"), ("scope:ada", ""), ("scope:acme", "")];
    let page = browser.submit("/settings/tokens", "/settings/tokens", &fields).await;
    assert!(page.status == 400 && page.has("Choose at least one namespace or repository.") && page.has("value=\"ci\""));
    fields[3].1 = "write";
    assert_eq!(browser.submit("/settings/tokens", "/settings/tokens", &fields).await.status, 303);
    let page = browser.open("/settings/tokens").await;
    assert!(page.has("acme: read and write"));
    hub.stop().await;
}

#[tokio::test]
async fn tokens_cannot_open_the_pages_that_make_tokens() {
    let hub = TestHub::start().await;
    let client = hub.user("ada").await;
    client.get("/settings/tokens", 403).await;
    client.get("/settings/profile", 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn profile_and_password_change() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let mut elsewhere = Browser::logged_in(&hub, "ada").await;
    let profile = "/settings/profile";
    let fields = [("fullname", "Ada L. <b>"), ("details", "engines")];
    assert_eq!(browser.submit(profile, profile, &fields).await.status, 303);
    let page = browser.open("/ada").await;
    assert!(page.has("Profile saved.") && page.has("Ada L. &#60;b&#62;") && page.has("engines"));
    assert!(!browser.open("/ada").await.has("Profile saved."), "said once");

    let password = "/settings/password";
    let page = browser.submit(profile, password, &[("current_password", "wrong"), ("new_password", "another horse")]).await;
    assert!(page.status == 403 && page.has("not your present password"));
    let page = browser.submit(profile, password, &[("current_password", PASSWORD), ("new_password", "another horse")]).await;
    assert_eq!(page.status, 303);
    assert_eq!(browser.get(profile).await.status, 200, "this session stays");
    assert_eq!(elsewhere.get(profile).await.status, 303, "others end");
    hub.stop().await;
}

#[tokio::test]
async fn a_session_can_be_ended_from_another() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut here = Browser::logged_in(&hub, "ada").await;
    let mut there = Browser::logged_in(&hub, "ada").await;
    let page = here.open("/settings/sessions").await;
    assert_eq!(page.text.matches("This one").count(), 1);
    let id = page.text.split("action=\"/settings/sessions/").nth(1).unwrap().split('/').next().unwrap();
    assert_eq!(here.submit("/settings/sessions", &format!("/settings/sessions/{id}/end"), &[]).await.status, 303);
    assert_eq!(there.get("/settings/sessions").await.status, 303);
    assert_eq!(here.get("/settings/sessions").await.status, 200);
    hub.stop().await;
}
