//! Mail addresses: confirmed before somebody may sign in, and changed.

use hub_tests::TestHub;

use crate::outbox::{link, mails, the_mail};
use crate::pages::browser::{Browser, PASSWORD};

const PROFILE: &str = "/settings/profile";
const CHANGE: &str = "/settings/email";

#[tokio::test]
async fn where_addresses_must_be_confirmed_nobody_signs_in_before() {
    let hub = TestHub::start_with(|config| config.require_confirmed_email = true).await;
    // Whoever comes first sets up the hub, its mail too.
    let mut first = Browser::new(&hub);
    let fields = [("username", "ada"), ("email", "ada@example.org"), ("password", PASSWORD)];
    assert_eq!(first.submit("/join", "/join", &fields).await.status, 303);

    // Made by who runs the hub.
    hub.account("bob").await;
    let mut browser = Browser::new(&hub);
    let log_in = [("username", "bob"), ("password", PASSWORD)];
    let page = browser.submit("/login", "/login", &log_in).await;
    assert!(page.status == 200 && page.has("Confirm your email address") && page.has("bob@example.org"), "{}", page.text);
    let sent = mails(&hub, 1).await;
    let path = link(the_mail(&sent, "bob@example.org", "Is this your email address?"));
    assert!(browser.submit("/login", "/login", &log_in).await.has("Confirm your email address"));
    assert_eq!(browser.get(PROFILE).await.status, 303, "no session was started");
    let git = reqwest::Client::new().get(format!("{}/api/whoami-v2", hub.base())).basic_auth("bob", Some(PASSWORD));
    let answer = git.try_clone().unwrap().send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("Confirm your email address first"));

    assert!(browser.open(&path).await.has("bob@example.org"));
    assert!(browser.post(&path, &[]).await.has("Email address confirmed"));
    assert_eq!(browser.submit("/login", "/login", &log_in).await.status, 303);
    assert_eq!(git.send().await.unwrap().status(), 200);
    mails(&hub, 1).await;
    hub.stop().await;
}

#[tokio::test]
async fn another_address_counts_when_it_is_confirmed_and_the_old_one_is_told() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    hub.account("grace").await;
    sqlx::query("update users set email_confirmed_at = now()").execute(&hub.app().pool).await.unwrap();
    let mut browser = Browser::logged_in(&hub, "ada").await;
    for (email, password, status, said) in [
        ("new@example.org", "wrong", 403, "not your present password"),
        ("nonsense", PASSWORD, 400, "ada@example.org"),
        ("ada@example.org", PASSWORD, 409, "This is your address already."),
    ] {
        let page = browser.submit(PROFILE, CHANGE, &[("email", email), ("current_password", password)]).await;
        assert!(page.status == status && page.has(said), "{email}: {} {}", page.status, page.text);
        assert!(page.has(&format!("value=\"{email}\"")) && !page.has(&format!("value=\"{password}\"")), "{email}");
    }
    // Whether another account has an address is told to nobody but its owner.
    let hers = [("email", "Grace@example.org"), ("current_password", PASSWORD)];
    let page = browser.submit(PROFILE, CHANGE, &hers).await;
    assert_eq!((page.status, page.location()), (303, PROFILE));
    assert!(browser.open(PROFILE).await.has("<strong>Grace@example.org</strong>"), "as if it were free");
    let sent = mails(&hub, 1).await;
    let told = the_mail(&sent, "grace@example.org", "Somebody gave your address as theirs");
    assert!(told.contains("/forgot-password") && told.contains("/login") && !told.contains("link="), "{told}");
    assert_eq!(hub.count("mail_links").await, 0);
    assert_eq!(browser.submit(PROFILE, "/settings/email/cancel", &[]).await.status, 303);

    let wanted = [("email", "new@example.org"), ("current_password", PASSWORD)];
    assert_eq!(browser.submit(PROFILE, CHANGE, &wanted).await.status, 303);
    let path = link(the_mail(&mails(&hub, 2).await, "new@example.org", "Is this your new email address?"));
    let page = browser.open(PROFILE).await;
    assert!(page.has("<strong>ada@example.org</strong>") && page.has("<strong>new@example.org</strong>"), "{}", page.text);

    // It is cancelled, and the link is over; then asked for once more.
    assert_eq!(browser.submit(PROFILE, "/settings/email/cancel", &[]).await.status, 303);
    assert_eq!(browser.get(&path).await.status, 404);
    assert_eq!(browser.submit(PROFILE, CHANGE, &wanted).await.status, 303);
    let sent = mails(&hub, 3).await;
    let asked = |mail: &&String| mail.contains("Subject: Is this your new email address?");
    let path = sent.iter().filter(asked).map(|mail| link(mail)).find(|found| *found != path).unwrap();
    let mut reader = Browser::new(&hub);
    let secret = path.split("link=").nth(1).unwrap();
    assert!(reader.open(&path).await.has("new@example.org"));
    assert!(browser.open(PROFILE).await.has("<strong>ada@example.org</strong>"), "opening the link changes nothing");
    let page = reader.submit(&path, "/change-email", &[("link", secret)]).await;
    assert!(page.status == 200 && page.has("Email address changed"), "{}", page.text);
    assert_eq!(reader.get(&path).await.status, 404, "the link worked once");
    let sent = mails(&hub, 4).await;
    let told = the_mail(&sent, "ada@example.org", "Your email address was changed");
    assert!(told.contains("new@example.org"), "{told}");
    let log_in = [("username", "new@example.org"), ("password", PASSWORD)];
    assert_eq!(Browser::new(&hub).submit("/login", "/login", &log_in).await.status, 303);
    hub.stop().await;
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_stays_with_who_took_it() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let wanted = [("email", "bob@example.org"), ("current_password", PASSWORD)];
    assert_eq!(browser.submit(PROFILE, CHANGE, &wanted).await.status, 303);
    let path = link(&mails(&hub, 1).await[0]);
    hub.account("bob").await;
    let secret = path.split("link=").nth(1).unwrap();
    let page = browser.submit(&path, "/change-email", &[("link", secret)]).await;
    assert!(page.status == 409 && page.has("Another account has this mail address."), "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn who_has_an_address_is_told_three_times_an_hour_that_others_want_it() {
    let hub = TestHub::start().await;
    for name in ["operator", "ada", "bob", "grace"] {
        hub.account(name).await;
    }
    let hers = [("email", "grace@example.org"), ("current_password", PASSWORD)];
    for name in ["ada", "bob"] {
        let mut browser = Browser::logged_in(&hub, name).await;
        for _ in 0..2 {
            assert_eq!(browser.submit(PROFILE, CHANGE, &hers).await.status, 303, "{name}");
            hub.jobs_done().await;
        }
    }
    mails(&hub, 3).await;
    hub.stop().await;
}
