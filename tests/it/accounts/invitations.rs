//! Joining organisations by invitation, and leaving them.

use hub::accounts::OrgRole;
use hub_tests::{TestHub, json};

use crate::outbox::{link, mails, the_mail};
use crate::pages::browser::{Browser, Page};

const SETTINGS: &str = "/organizations/acme/settings";
const INVITE: &str = "/organizations/acme/invitations";
const LINKS: &str = "/organizations/acme/invitation-links";
const SUBJECT: &str = "ada invites you to acme";

/// A hub with acme, of which ada is the admin, and a browser of hers.
async fn acme() -> (TestHub, Browser) {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let ada = hub.account("ada").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    let browser = Browser::logged_in(&hub, "ada").await;
    (hub, browser)
}

async fn run(hub: &TestHub, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&hub.app().pool).await.unwrap();
}

async fn answer(browser: &mut Browser, path: &str, answer: &str) -> Page {
    browser.submit(path, path, &[("answer", answer)]).await
}

/// The path of the link that a settings page shows.
fn shown_link(page: &Page) -> String {
    let rest = page.text.split("/invitations/").find(|rest| rest.split('"').next().unwrap().len() > 40).expect("a link");
    format!("/invitations/{}", rest.split('"').next().unwrap())
}

async fn make_link(ada: &mut Browser, role: &str) -> String {
    let page = ada.submit(SETTINGS, LINKS, &[("link_role", role), ("days", "7")]).await;
    assert_eq!((page.status, page.location()), (303, SETTINGS), "{}", page.text);
    shown_link(&ada.open(SETTINGS).await)
}

/// The members of acme with their roles.
async fn members(hub: &TestHub) -> Vec<(String, String)> {
    let listed = hub.anonymous().get_json("/api/organizations/acme/members", 200).await;
    let text = |value: &hub_tests::Value| value.as_str().unwrap().to_owned();
    listed.as_array().unwrap().iter().map(|member| (text(&member["user"]), text(&member["role"]))).collect()
}

#[tokio::test]
async fn an_invitation_by_mail_makes_one_person_a_member_once() {
    let (hub, mut ada) = acme().await;
    for (email, role, status) in [("nonsense", "write", 400), ("a,b@example.org", "write", 400), ("g@example.org", "king", 400)] {
        assert_eq!(ada.submit(SETTINGS, INVITE, &[("email", email), ("role", role)]).await.status, status, "{email} {role}");
    }
    let fields = [("email", "grace@example.org"), ("role", "admin")];
    assert_eq!(ada.submit(SETTINGS, INVITE, &fields).await.status, 303);
    let sent = mails(&hub, 1).await;
    let mail = the_mail(&sent, "grace@example.org", SUBJECT);
    let path = link(mail);
    let page = ada.open(SETTINGS).await;
    assert!(page.has("grace@example.org") && page.has("Revoke grace@example.org"));
    assert!(!page.has(&path), "the mail is for her alone");

    let mut grace = Browser::new(&hub);
    let page = grace.open(&path).await;
    assert!(page.has("Join acme?") && page.has("Log in to accept") && page.has("Sign up"), "{}", page.text);
    assert_eq!(answer(&mut grace, &path, "accept").await.status, 401, "an account is needed");
    let next = page.text.split("href=\"/join?next=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let join = format!("/join?next={next}");
    let typed = [("username", "grace"), ("email", "grace@example.org"), ("password", "correct horse"), ("next", path.as_str())];
    assert!(grace.open(&join).await.has(&format!("value=\"{path}\"")));
    let page = grace.submit(&join, "/join", &typed).await;
    assert_eq!((page.status, page.location()), (303, path.as_str()));
    let page = answer(&mut grace, &path, "accept").await;
    assert_eq!((page.status, page.location()), (303, "/acme"), "{}", page.text);
    assert!(grace.open("/acme").await.has("You are a member of acme now."));
    assert!(grace.open("/settings/profile").await.has("Confirmed"), "the mail reached her address");
    assert_eq!(grace.open(SETTINGS).await.status, 200, "she is an admin");
    assert_eq!(members(&hub).await, [("ada".into(), "admin".into()), ("grace".into(), "admin".into())]);

    hub.account("eve").await;
    let mut eve = Browser::logged_in(&hub, "eve").await;
    let page = eve.get(&path).await;
    assert!(page.status == 404 && page.has("This invitation is over"), "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn an_invitation_by_mail_is_declined_revoked_replaced_and_over_with_time() {
    let (hub, mut ada) = acme().await;
    let mut reader = Browser::new(&hub);
    let fields = [("email", "grace@example.org"), ("role", "read")];
    ada.submit(SETTINGS, INVITE, &fields).await;
    let first = link(&mails(&hub, 1).await[0]);
    ada.submit(SETTINGS, INVITE, &[("email", "GRACE@example.org"), ("role", "write")]).await;
    let second = mails(&hub, 2).await.iter().map(|mail| link(mail)).find(|path| *path != first).unwrap();
    assert_eq!(reader.get(&first).await.status, 404, "the second took its place");
    let page = answer(&mut reader, &second, "decline").await;
    assert!(page.status == 200 && page.has("You declined"), "{}", page.text);
    assert_eq!(reader.get(&second).await.status, 404);
    assert!(!ada.open(SETTINGS).await.has("grace@example.org</strong>"));

    ada.submit(SETTINGS, INVITE, &fields).await;
    let third = mails(&hub, 3).await.iter().map(|mail| link(mail)).find(|path| *path != first && *path != second).unwrap();
    assert_eq!(reader.get(&third.replace("/invitations/", "/invitations/9")).await.status, 404, "another number");
    let forged = format!("{}x", &third[..third.len() - 1]);
    assert_eq!(reader.get(&forged).await.status, 404, "another signature");
    let pk = third.split('/').nth(2).unwrap();
    let page = ada.submit(SETTINGS, &format!("{INVITE}/{pk}/revoke"), &[]).await;
    assert_eq!(page.status, 303);
    assert_eq!(reader.get(&third).await.status, 404);
    assert_eq!(ada.submit(SETTINGS, &format!("{INVITE}/{pk}/revoke"), &[]).await.status, 404, "there is none any more");

    let path = make_link(&mut ada, "read").await;
    assert_eq!(reader.get(&path).await.status, 200);
    run(&hub, "update organization_invitations set expires_at = now() - interval '1 second'").await;
    assert_eq!(reader.get(&path).await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn a_link_lets_in_whoever_has_it_and_changes_no_role() {
    let (hub, mut ada) = acme().await;
    for (role, days, said) in [("admin", "7", "makes no admins"), ("read", "8", "how long"), ("read", "", "how long")] {
        let page = ada.submit(SETTINGS, LINKS, &[("link_role", role), ("days", days)]).await;
        assert!(page.status == 400 && page.has(said), "{role} {days}: {}", page.text);
    }
    let path = make_link(&mut ada, "write").await;
    for name in ["grace", "eve"] {
        hub.account(name).await;
        let mut browser = Browser::logged_in(&hub, name).await;
        assert_eq!(answer(&mut browser, &path, "accept").await.status, 303, "{name}");
        assert!(browser.open(&path).await.has("You are a member of acme"));
    }
    assert!(ada.open(SETTINGS).await.has("2 people came by it"));
    let change = [("role", "read"), ("action", "change")];
    assert_eq!(ada.submit(SETTINGS, "/organizations/acme/members/eve", &change).await.status, 303);
    let mut eve = Browser::logged_in(&hub, "eve").await;
    let csrf = eve.open("/settings/profile").await.csrf();
    let page = eve.post(&path, &[("csrf_token", &csrf), ("answer", "accept")]).await;
    assert!(page.status == 409 && page.has("You are a member of acme already"), "{}", page.text);
    assert!(members(&hub).await.contains(&("eve".into(), "read".into())));

    // Whoever is taken out does not come back by a link that they know.
    let page = ada.submit(SETTINGS, "/organizations/acme/members/eve", &[("action", "remove")]).await;
    assert_eq!(page.status, 303);
    assert_eq!(eve.get(&path).await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn invitations_end_with_the_rights_of_who_made_them() {
    let (hub, mut ada) = acme().await;
    hub.account("grace").await;
    let member = "/organizations/acme/members";
    ada.submit(SETTINGS, member, &[("user", "grace"), ("role", "admin")]).await;
    let mut grace = Browser::logged_in(&hub, "grace").await;
    let fields = [("email", "second-account@example.org"), ("role", "admin")];
    assert_eq!(grace.submit(SETTINGS, INVITE, &fields).await.status, 303);
    let path = link(&mails(&hub, 1).await[0]);
    assert_eq!(ada.submit(SETTINGS, &format!("{member}/grace"), &[("role", "read"), ("action", "change")]).await.status, 303);
    assert_eq!(Browser::new(&hub).get(&path).await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn members_leave_but_for_the_last_admin() {
    let (hub, mut ada) = acme().await;
    let grace = hub.account("grace").await;
    let client = hub.token(&grace, hub::accounts::TokenRole::Read).await;
    ada.submit(SETTINGS, "/organizations/acme/members", &[("user", "grace"), ("role", "contributor")]).await;
    let whoami = client.get_json("/api/whoami-v2", 200).await;
    assert_eq!(whoami["orgs"][0]["roleInOrg"], "contributor");
    let page = "/settings/organizations";
    let leave = "/organizations/acme/leave";
    let refused = ada.submit(page, leave, &[]).await;
    assert!(refused.status == 409 && refused.has("at least one admin"), "{}", refused.text);
    let mut browser = Browser::logged_in(&hub, "grace").await;
    assert_eq!(browser.submit(page, leave, &[]).await.status, 303);
    assert!(browser.open(page).await.has("You left acme."));
    assert_eq!(client.get_json("/api/whoami-v2", 200).await["orgs"], json!([]));
    assert_eq!(members(&hub).await, [("ada".into(), "admin".into())]);
    let csrf = browser.open("/settings/profile").await.csrf();
    assert_eq!(browser.post(leave, &[("csrf_token", &csrf)]).await.status, 404, "she is out already");
    hub.stop().await;
}

#[tokio::test]
async fn two_admins_who_leave_at_once_do_not_both_leave() {
    let (hub, mut ada) = acme().await;
    hub.account("grace").await;
    ada.submit(SETTINGS, "/organizations/acme/members", &[("user", "grace"), ("role", "admin")]).await;
    let mut grace = Browser::logged_in(&hub, "grace").await;
    let page = "/settings/organizations";
    let (one, other) = (ada.open(page).await.csrf(), grace.open(page).await.csrf());
    let leave = "/organizations/acme/leave";
    let (one, other) = ([("csrf_token", one.as_str())], [("csrf_token", other.as_str())]);
    let (one, other) = tokio::join!(ada.post(leave, &one), grace.post(leave, &other));
    let mut answers = [one.status, other.status];
    answers.sort_unstable();
    assert_eq!(answers, [303, 409]);
    assert_eq!(members(&hub).await.len(), 1);
    hub.stop().await;
}

#[tokio::test]
async fn who_is_added_is_told_at_a_confirmed_address() {
    let (hub, mut ada) = acme().await;
    hub.account("grace").await;
    run(&hub, "update users set email_confirmed_at = now()").await;
    let members = "/organizations/acme/members";
    ada.submit(SETTINGS, members, &[("user", "grace"), ("role", "read")]).await;
    let sent = mails(&hub, 1).await;
    let mail = the_mail(&sent, "grace@example.org", "You are a member of acme");
    assert!(mail.contains("ada added you") && link(mail) == "/settings/organizations", "{mail}");
    ada.submit(SETTINGS, members, &[("user", "grace"), ("role", "write")]).await;
    mails(&hub, 1).await;
    hub.stop().await;
}
