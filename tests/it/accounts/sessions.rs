//! Browsers that are logged in.

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
