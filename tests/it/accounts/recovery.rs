//! Forgotten passwords.

use hub::accounts::TokenRole;
use hub_tests::TestHub;

use crate::outbox::{link, mails, outbox, the_mail};
use crate::pages::browser::{Browser, PASSWORD};

const ASK: &str = "/forgot-password";
const SUBJECT: &str = "Choose a new password";

async fn run(hub: &TestHub, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&hub.app().pool).await.unwrap();
}

/// Sends the form of the page that a link leads to.
async fn choose(browser: &mut Browser, path: &str, password: &str) -> crate::pages::browser::Page {
    let secret = path.split("link=").nth(1).unwrap();
    browser.submit(path, "/reset-password", &[("link", secret), ("new_password", password)]).await
}

#[tokio::test]
async fn a_link_in_a_mail_changes_the_password_once_and_ends_all_sessions() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let token = hub.token(&ada, TokenRole::Read).await;
    let mut elsewhere = Browser::logged_in(&hub, "ada").await;
    let mut browser = Browser::new(&hub);
    assert!(browser.open("/login").await.has("href=\"/forgot-password\""));
    let page = browser.submit(ASK, ASK, &[("email", "ADA@example.org")]).await;
    assert!(page.status == 200 && page.has("Check your mail"), "{}", page.text);
    let sent = mails(&hub, 1).await;
    let path = link(the_mail(&sent, "ada@example.org", SUBJECT));
    assert!(path.starts_with("/reset-password?link="), "{path}");

    let secret = path.split("link=").nth(1).unwrap();
    let kept: String = sqlx::query_scalar("select coalesce(string_agg(mail_links::text, ' '), '') from mail_links")
        .fetch_one(&hub.app().pool)
        .await
        .unwrap();
    assert!(kept.contains("reset_password") && !kept.contains(secret), "only a hash is kept: {kept}");

    // Programs that look at mails open links, and people type twice.
    assert!(browser.open(&path).await.has("<strong>ada</strong>"));
    let page = choose(&mut browser, &path, "short").await;
    assert!(page.status == 400 && page.has("at least 8 characters"), "{}", page.text);
    assert_eq!(elsewhere.get("/settings/profile").await.status, 200, "nothing has happened yet");
    let page = choose(&mut browser, &path, "another horse").await;
    assert_eq!((page.status, page.location()), (303, "/login"));
    assert_eq!(elsewhere.get("/settings/profile").await.status, 303, "sessions end");
    token.get("/api/whoami-v2", 200).await;
    assert_eq!(browser.get(&path).await.status, 404, "the link worked once");
    for (password, status) in [(PASSWORD, 422), ("another horse", 303)] {
        let page = browser.submit("/login", "/login", &[("username", "ada"), ("password", password)]).await;
        assert_eq!(page.status, status, "{password}");
    }
    let sent = mails(&hub, 2).await;
    the_mail(&sent, "ada@example.org", "Your password was changed");
    assert!(browser.open("/settings/profile").await.has("Confirmed"), "whoever opened the link has the address");
    hub.stop().await;
}

#[tokio::test]
async fn asking_looks_the_same_for_every_address() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut said = Vec::new();
    for email in ["ada@example.org", "eve@example.org"] {
        let page = Browser::new(&hub).submit(ASK, ASK, &[("email", email)]).await;
        let main = page.text.split("<main").nth(1).unwrap().split("</main>").next().unwrap().replace(email, "");
        said.push((page.status, main));
    }
    assert_eq!(said[0], said[1]);
    let page = Browser::new(&hub).submit(ASK, ASK, &[("email", "nonsense")]).await;
    assert!(page.status == 400 && page.has("aria-invalid"));
    the_mail(&mails(&hub, 1).await, "ada@example.org", SUBJECT);
    hub.stop().await;
}

#[tokio::test]
async fn only_the_last_link_works_for_an_hour_and_mails_do_not_pile_up() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::new(&hub);
    let ask = [("email", "ada@example.org")];
    browser.submit(ASK, ASK, &ask).await;
    let first = link(&mails(&hub, 1).await[0]);
    browser.submit(ASK, ASK, &ask).await;
    hub.jobs_done().await;
    assert_eq!(outbox(&hub).len(), 1, "another mail only after a while");
    run(&hub, "update mail_links set sent_at = now() - interval '5 minutes'").await;
    browser.submit(ASK, ASK, &ask).await;
    let sent = mails(&hub, 2).await;
    let second = sent.iter().map(|mail| link(mail)).find(|path| *path != first).unwrap();
    assert_eq!(browser.get(&first).await.status, 404);
    assert_eq!(browser.get(&second).await.status, 200);
    run(&hub, "update mail_links set expires_at = now() - interval '1 second'").await;
    let page = browser.get(&second).await;
    assert!(page.status == 404 && page.has("This link is over"), "{}", page.text);
    for path in ["/reset-password", "/reset-password?link=x%00y", "/change-email?link="] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_password_that_was_changed_voids_the_link() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    Browser::new(&hub).submit(ASK, ASK, &[("email", "ada@example.org")]).await;
    let path = link(&mails(&hub, 1).await[0]);
    let fields = [("current_password", PASSWORD), ("new_password", "another horse")];
    assert_eq!(browser.submit("/settings/profile", "/settings/password", &fields).await.status, 303);
    assert_eq!(browser.get(&path).await.status, 404);
    hub.stop().await;
}
