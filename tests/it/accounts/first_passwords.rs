//! Passwords that the hub made up for somebody.

use hub::accounts::first_passwords;
use hub_tests::TestHub;

use super::second_factors::set_up;
use crate::pages::browser::{Browser, PASSWORD, Page};

const NEW: &str = "a password of my own";
const PAGE: &str = "/login/new-password";

async fn log_in(browser: &mut Browser, password: &str) -> Page {
    browser.submit("/login", "/login", &[("username", "ada"), ("password", password), ("next", "/datasets")]).await
}

async fn by_password(hub: &TestHub, password: &str) -> (u16, String) {
    let asked = reqwest::Client::new().get(format!("{}/api/whoami-v2", hub.base())).basic_auth("ada", Some(password));
    let response = asked.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// A browser that has given a right password, and has no session yet.
pub(crate) async fn half_signed_in(hub: &TestHub, name: &str) -> Browser {
    let pk = "select namespace_pk from namespaces where name = $1";
    let pk = sqlx::query_scalar(pk).bind(name).fetch_one(&hub.app().pool).await.unwrap();
    first_passwords::mark(hub.app(), pk).await.unwrap();
    let mut browser = Browser::new(hub);
    let page = browser.submit("/login", "/login", &[("username", name), ("password", PASSWORD)]).await;
    assert_eq!(page.location(), PAGE);
    assert_eq!(browser.get(PAGE).await.status, 200);
    hub.sql("update users set password_ends_at = null").await;
    browser
}

#[tokio::test]
async fn a_password_that_was_made_up_is_changed_at_the_first_login_and_ends() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    first_passwords::mark(hub.app(), ada.pk).await.unwrap();

    // It opens nothing but the page that asks for another one, in the browser or with git.
    let (status, text) = by_password(&hub, PASSWORD).await;
    assert!(status == 403 && text.contains("was made for you"), "{status} {text}");
    let mut browser = Browser::new(&hub);
    assert_eq!(log_in(&mut browser, PASSWORD).await.location(), PAGE);
    assert_eq!(hub.count("sessions").await, 0);
    assert_ne!(browser.get("/settings/profile").await.status, 200);
    assert!(browser.open(PAGE).await.has("Choose your password"));
    let stranger = Browser::new(&hub).get(PAGE).await;
    assert!(stranger.status == 400 && stranger.has("Log in first"), "{}", stranger.text);
    for (new, said) in [(PASSWORD, "than the one that was made for you"), ("short", "at least 8 characters")] {
        let page = browser.submit(PAGE, PAGE, &[("new_password", new)]).await;
        assert!(page.status == 400 && page.has(said), "{new}: {} {}", page.status, page.text);
    }

    // Another browser that got so far has nothing of it once there is another password.
    let mut thief = Browser::new(&hub);
    assert_eq!(log_in(&mut thief, PASSWORD).await.location(), PAGE);
    let csrf = thief.open(PAGE).await.csrf();
    assert_eq!(browser.submit(PAGE, PAGE, &[("new_password", NEW)]).await.location(), "/datasets");
    assert_eq!(browser.get("/settings/profile").await.status, 200);
    let late = thief.post(PAGE, &[("csrf_token", &csrf), ("new_password", "a password of the thief")]).await;
    assert!(late.status == 400 && late.has("Log in first"), "{}", late.text);
    assert_eq!(log_in(&mut thief, PASSWORD).await.status, 422);
    assert_eq!(log_in(&mut Browser::new(&hub), NEW).await.location(), "/datasets");
    assert_eq!(by_password(&hub, NEW).await.0, 200);

    // A second factor is asked for after it, too.
    set_up(&mut browser).await;
    first_passwords::mark(hub.app(), ada.pk).await.unwrap();
    let mut browser = Browser::new(&hub);
    assert_eq!(log_in(&mut browser, NEW).await.location(), PAGE);
    let page = browser.submit(PAGE, PAGE, &[("new_password", PASSWORD)]).await;
    assert_eq!(page.location(), "/login/second-factor");

    // Nobody changed it in time.
    hub.sql("update users set password_ends_at = now() - interval '1 second'").await;
    let page = log_in(&mut Browser::new(&hub), PASSWORD).await;
    assert!(page.status == 403 && page.has("/forgot-password"), "{} {}", page.status, page.text);
    assert_eq!(by_password(&hub, PASSWORD).await.0, 403);
    hub.stop().await;
}
