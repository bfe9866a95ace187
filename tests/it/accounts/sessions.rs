//! Browsers that are logged in.

use hub::config::SessionLimits;
use hub_tests::TestHub;

use crate::pages::browser::{Browser, PASSWORD};

const PAGE: &str = "/settings/sessions";

#[tokio::test]
async fn sessions_and_logins_are_listed_with_their_addresses_and_all_others_end_at_once() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut here = Browser::logged_in(&hub, "ada").await;
    let mut there = Browser::logged_in(&hub, "ada").await;
    let mut elsewhere = Browser::logged_in(&hub, "ada").await;
    hub.account("bob").await;
    let mut bob = Browser::logged_in(&hub, "bob").await;
    let failed = Browser::new(&hub).submit("/login", "/login", &[("username", "ada"), ("password", "wrong one")]).await;
    assert_eq!(failed.status, 422);
    let page = here.open(PAGE).await;
    assert_eq!(page.text.matches("This one").count(), 1);
    assert_eq!(page.text.matches(">127.0.0.1</td>").count(), 6, "three sessions and three logins: {}", page.text);

    hub.sql("update sessions set proved_at = now() - interval '31 minutes'").await;
    let page = here.submit(PAGE, "/settings/sessions/end-others", &[]).await;
    assert_eq!(page.location(), "/sudo?next=%2Fsettings%2Fsessions", "who is there?");
    hub.sql("update sessions set proved_at = now()").await;
    assert_eq!(here.submit(PAGE, "/settings/sessions/end-others", &[]).await.status, 303);
    let page = here.open(PAGE).await;
    assert!(page.has("2 sessions ended.") && !page.has("end-others"), "{}", page.text);
    assert_eq!(page.text.matches(">127.0.0.1</td>").count(), 4, "logins are remembered");
    assert_eq!(there.get(PAGE).await.status, 303);
    assert_eq!(elsewhere.get(PAGE).await.status, 303);
    assert_eq!(bob.get(PAGE).await.status, 200);
    let page = there.submit("/login", "/login", &[("username", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 303);
    hub.stop().await;
}

/// For how many minutes the one session there is may go on.
async fn minutes_left(hub: &TestHub) -> i64 {
    let minutes = "select (extract(epoch from expires_at - now()) / 60)::bigint from sessions";
    sqlx::query_scalar(minutes).fetch_one(&hub.app().pool).await.unwrap()
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_when_its_time_is_over_and_with_the_next_login() {
    let hub = TestHub::start_with(|config| config.sessions = SessionLimits { days: 2, idle_hours: 1 }).await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    assert!((58..=60).contains(&minutes_left(&hub).await));
    hub.sql("update sessions set last_seen_at = now() - interval '6 minutes', expires_at = now() + interval '5 minutes'").await;
    ada.open(PAGE).await;
    assert!((58..=60).contains(&minutes_left(&hub).await), "whoever uses it goes on");
    hub.sql(
        "update sessions set last_seen_at = now() - interval '6 minutes', created_at = now() - interval '47 hours 30 minutes'",
    )
    .await;
    ada.open(PAGE).await;
    assert!((28..=30).contains(&minutes_left(&hub).await), "but not for ever");
    hub.sql("update sessions set expires_at = now() - interval '1 second'").await;
    assert_eq!(ada.get(PAGE).await.status, 303);

    ada.submit("/login", "/login", &[("username", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(hub.count("sessions").await, 1, "what is over is forgotten");
    let csrf = ada.open(PAGE).await.csrf();
    let before = ada.cookie("session").unwrap().to_owned();
    let fields = [("csrf_token", csrf.as_str()), ("username", "ada"), ("password", PASSWORD)];
    assert_eq!(ada.post("/login", &fields).await.status, 303);
    assert_ne!(ada.cookie("session"), Some(before.as_str()));
    ada.open(PAGE).await;
    assert_eq!(hub.count("sessions").await, 1, "a login takes the place of the one before");
    hub.stop().await;
}

#[tokio::test]
async fn who_proves_again_who_they_are_gets_another_secret_and_the_former_one_is_worth_nothing() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let form = ada.open(PAGE).await.csrf();
    let former = ada.cookie("session").unwrap().to_owned();
    let row = async || -> String {
        let sql = "select concat_ws(' ', user_pk, created_at, address, user_agent, via) from sessions";
        sqlx::query_scalar(sql).fetch_one(&hub.app().pool).await.unwrap()
    };
    let before = row().await;
    hub.sql("update sessions set proved_at = null").await;
    let wrong = [("csrf_token", form.as_str()), ("next", PAGE), ("current_password", "wrong horse")];
    assert_eq!(ada.post("/sudo", &wrong).await.status, 403);
    assert_eq!(ada.cookie("session"), Some(former.as_str()), "nothing was proved");

    // Two tabs at once: one of them is the first, and what the other is told does not take it back.
    let mut tab = Browser::new(&hub);
    tab.plant("session", &former);
    let proof = [("csrf_token", form.as_str()), ("next", PAGE), ("current_password", PASSWORD)];
    let (first, second) = tokio::join!(ada.post("/sudo", &proof), tab.post("/sudo", &proof));
    for page in [first, second] {
        assert!([303, 401].contains(&page.status), "{}", page.text);
    }
    let is_former = |browser: &Browser| browser.cookie("session") == Some(former.as_str());
    assert_ne!(is_former(&ada), is_former(&tab), "one of them got another secret");
    let (mut new, mut old) = if is_former(&ada) { (tab, ada) } else { (ada, tab) };
    assert_eq!(old.get(PAGE).await.status, 303, "the former one opens nothing");
    assert_eq!(old.post("/sudo", &proof).await.status, 401, "and proves nothing");
    let page = new.open(PAGE).await;
    assert!(page.text.matches("This one").count() == 1 && page.has("Thank you."), "{}", page.text);
    assert_eq!((row().await, hub.count("sessions").await), (before, 1), "it is the same session");

    // A form that was open in another tab meanwhile, also when it happens again.
    for _ in 0..2 {
        let end = [("csrf_token", form.as_str())];
        assert_eq!(new.post("/settings/sessions/end-others", &end).await.location(), PAGE);
        let last = new.cookie("session").unwrap().to_owned();
        assert_eq!(new.submit("/sudo", "/sudo", &proof[1..]).await.location(), PAGE);
        assert_ne!(new.cookie("session"), Some(last.as_str()));
    }
    let changed = format!("{}.another", new.cookie("session").unwrap().split('.').next().unwrap());
    new.plant("session", &changed);
    assert_eq!(new.get(PAGE).await.status, 303, "both parts are the secret");
    hub.stop().await;
}
